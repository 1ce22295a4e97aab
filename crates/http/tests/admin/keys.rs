//! Signing keys: listed, and rotated when an operator says so.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::audit::{Actor, EventName};

use crate::Desk;

impl Desk {
    async fn keys(&self, alg: &str) -> Vec<Value> {
        let listed = self.get("/keys").await.json();
        listed["items"].as_array().unwrap().iter().filter(|key| key["alg"] == alg).cloned().collect()
    }

    async fn rotate(&self, asked: &Value) -> crate::Answer {
        self.send(Method::POST, "/keys:rotate", &[], asked.to_string()).await
    }

    async fn kids(&self) -> Vec<String> {
        let jwks = self.ask(Method::GET, "/jwks", &[], "").await.json();
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn attack_80_a_planned_rotation_publishes_the_next_key_a_week_before_it_signs() {
    let desk = Desk::open().await;
    let [first] = desk.keys("RS256").await.try_into().unwrap();
    assert_eq!(first["state"], "current");
    assert!(first.get("sealed").is_none(), "{first}");

    assert_eq!(desk.rotate(&json!({ "alg": "RS256" })).await.status, StatusCode::OK);
    let [current, next] = desk.keys("RS256").await.try_into().unwrap();
    assert_eq!((&current["kid"], &current["state"], &next["state"]), (&first["kid"], &json!("current"), &json!("next")));
    assert_eq!(current["signs_until"], next["signs_from"]);
    let kids = desk.kids().await;
    assert!([&current, &next].iter().all(|key| kids.contains(&key["kid"].as_str().unwrap().to_owned())), "both are published: {kids:?}");
    assert_eq!(desk.keys("ES256").await.len(), 1, "the others go on as they were");

    // What is planned is not planned again.
    desk.rotate(&json!({ "alg": "RS256" })).await;
    assert_eq!(desk.keys("RS256").await, [current, next.clone()]);
    let rotated: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::KeyRotated).collect();
    let by_operator = rotated.iter().filter(|event| event.actor == Actor::AdminKey("bootstrap".into())).count();
    assert_eq!(by_operator, 2, "one for the key that gives way, one for the next");

    desk.rig.clock.advance(Duration::from_hours(7 * 24 + 1));
    let states: Vec<_> = desk.keys("RS256").await.iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["retiring", "current"]);
}

#[tokio::test]
async fn attack_80_a_key_in_other_hands_is_withdrawn_in_two_minutes_with_what_it_signed() {
    let desk = Desk::open().await;
    let [first] = desk.keys("RS256").await.try_into().unwrap();
    assert_eq!(desk.rotate(&json!({ "at_once": true, "withdraw": true })).await.status, StatusCode::OK);
    let kid = first["kid"].as_str().unwrap().to_owned();
    assert!(desk.kids().await.contains(&kid), "until every node knows the next one");
    desk.rig.clock.advance(Duration::from_mins(2));
    assert!(!desk.kids().await.contains(&kid));
    let states: Vec<_> = desk.keys("RS256").await.iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["current"]);
}

#[tokio::test]
async fn what_can_not_be_rotated_is_said() {
    let desk = Desk::open().await;
    for (asked, fault) in [
        (json!({ "alg": "HS256" }), "/alg must be one of RS256, PS256, ES256, EdDSA"),
        (json!({ "alg": "PS256" }), "/alg has no signing key; add \"PS256\" to keys.algorithms in the configuration"),
        (json!({ "withdraw": true }), "/withdraw needs at_once: what is in other hands is not left to sign"),
        (json!({ "now": true }), "/now is not a field here; the fields are alg, at_once, withdraw"),
    ] {
        assert_eq!(desk.rotate(&asked).await.faults(), [fault]);
    }
}
