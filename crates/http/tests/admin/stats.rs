//! Statistics: what happens is counted, and told to who may know it.

use std::time::Duration;

use http::{Method, StatusCode};
use vestibule_domain::{
    ids::{AccountId, LoginId},
    stats::{MADE_UP, StatsRow, Step, Tally, day},
};

use crate::Desk;

#[tokio::test]
async fn what_people_do_is_counted_and_told_at_once() {
    let desk = Desk::open().await;
    let (account, ..) = desk.somebody().await;
    let told = desk.get("/stats?range=1h").await.json();
    assert_eq!((&told["logins"]["succeeded"], &told["success_percent"], &told["made_up"]), (&1.into(), &100.0.into(), &false.into()));
    assert_eq!((&told["funnel"]["asked"], &told["funnel"]["sent"], &told["funnel"]["returned"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!((&told["funnel"]["signed_in"], &told["funnel"]["redeemed"]), (&1.into(), &1.into()));
    assert_eq!((&told["providers"][0]["provider"], &told["providers"][0]["logins"]["succeeded"]), (&"acme".into(), &1.into()));
    assert_eq!(told["token_endpoint"]["answers"], 1);
    assert_eq!((told["points"].as_array().unwrap().len(), &told["point_seconds"]), (360, &10.into()));
    assert_eq!(told["people"]["day"], 0, "they are noted within the minute");

    desk.gateway.write_statistics(false).await.unwrap();
    desk.rig.clock.advance(Duration::from_mins(2));
    let told = desk.get("/stats").await.json();
    assert_eq!((&told["range"], &told["people"]["day"], &told["people"]["month"]), (&"24h".into(), &1.into(), &1.into()));
    assert_eq!(told["logins"]["succeeded"], 1, "what is written and what is not yet is counted once");

    assert!(desk.send(Method::POST, &format!("/accounts/{account}:erase"), &[], "").await.status.is_success());
    desk.rig.clock.advance(Duration::from_mins(2));
    assert_eq!(desk.get("/stats").await.json()["people"]["month"], 0, "who was erased was never here");
    assert_eq!(desk.get("/stats").await.json()["logins"]["succeeded"], 1);
}

#[tokio::test]
async fn an_app_is_counted_by_name_if_an_operator_registered_it() {
    let desk = Desk::open().await;
    desk.somebody().await;
    desk.browser().signs_in("acme", "bob").await;
    let told = desk.get("/stats?range=1h").await.json();
    let names: Vec<_> = told["clients"].as_array().unwrap().iter().map(|app| app["client_id"].clone()).collect();
    assert_eq!(names, ["web"]);
    let web = desk.get("/stats?range=1h&client=web").await.json();
    assert_eq!(
        (&web["logins"]["succeeded"], &web["funnel"]["sent"], &web["providers"]),
        (&2.into(), &serde_json::Value::Null, &serde_json::json!([]))
    );
    assert!(web["people"].is_null() && web["token_endpoint"]["answers"].is_null());
    let acme = desk.get("/stats?range=1h&provider=acme").await.json();
    assert_eq!(
        (&acme["logins"]["succeeded"], &acme["funnel"]["sent"], &acme["funnel"]["asked"]),
        (&2.into(), &2.into(), &serde_json::Value::Null)
    );
}

#[tokio::test]
async fn all_nodes_are_added_up_and_what_was_made_up_is_said() {
    let desk = Desk::open().await;
    desk.somebody().await;
    let now = desk.gateway.clock().now();
    let mut tally = Tally::default();
    tally.provider("acme").logins.succeeded = 41;
    let row = |node| StatsRow { node, step: Step::TenSeconds, start: Step::TenSeconds.start(now), tally: tally.clone() };
    desk.gateway.put_statistics(&[row(LoginId::new(now, desk.gateway.entropy()).0)]).await.unwrap();
    let told = desk.get("/stats?range=6h").await.json();
    assert_eq!((&told["logins"]["succeeded"], &told["made_up"]), (&42.into(), &false.into()));
    desk.gateway.put_statistics(&[row(MADE_UP)]).await.unwrap();
    desk.rig.clock.advance(Duration::from_secs(11));
    let told = desk.get("/stats?range=6h").await.json();
    assert_eq!((&told["logins"]["succeeded"], &told["made_up"]), (&83.into(), &true.into()));
}

#[tokio::test]
async fn people_who_were_made_up_are_said_to_be_for_as_long_as_they_are_counted() {
    let desk = Desk::open().await;
    let now = desk.gateway.clock().now();
    let row = StatsRow { node: MADE_UP, step: Step::Hour, start: Step::Hour.start(now - Duration::from_hours(1)), tally: Tally::default() };
    desk.gateway.put_statistics(&[row]).await.unwrap();
    desk.gateway.put_people(&[(day(now), AccountId::new(desk.gateway.entropy()))]).await.unwrap();
    desk.gateway.begin_statistics().await.unwrap();
    // By then nothing else of it is in the last hour.
    desk.rig.clock.advance(Duration::from_hours(24 * 3));
    let told = desk.get("/stats?range=1h").await.json();
    assert_eq!((&told["people"]["month"], &told["made_up"]), (&1.into(), &true.into()));
    assert_eq!(desk.get("/stats?range=1h&provider=acme").await.json()["made_up"], false, "there are no people in it");
    desk.rig.clock.advance(Duration::from_hours(24 * 27));
    let told = desk.get("/stats?range=1h").await.json();
    assert_eq!((&told["people"]["month"], &told["made_up"]), (&0.into(), &false.into()));
}

#[tokio::test]
async fn what_can_t_be_asked_for_is_said_and_who_may_not_know_is_refused() {
    let desk = Desk::open().await;
    for (query, parameter) in
        [("range=2h", "range"), ("provider=a&client=b", "client"), ("provider=%20", "provider"), ("client=%0a", "client")]
    {
        let answer = desk.get(&format!("/stats?{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_parameter"), "{query}: {}", answer.body);
        assert!(answer.faults()[0].starts_with(parameter), "{query}: {:?}", answer.faults());
    }
    let key = desk.send(Method::POST, "/api-keys", &[], r#"{"name": "k", "scopes": ["clients:*"]}"#).await.json();
    let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
    let refused = desk.plain(Method::GET, "/stats", &[("authorization", &bearer)], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    assert!(refused.body.contains("stats:read"), "{}", refused.body);
}
