//! How often anybody may ask, and what they hear who ask too often.

use std::time::Duration;

use http::{Method, StatusCode};
use vestibule_domain::{
    limits::{Limits, Rates},
    registration::Draft,
};
use vestibule_testkit::rig::RigOptions;

use crate::street::{Answer, Browser, Street, grants, plain};

fn three(limits: Limits) -> RigOptions {
    RigOptions { limits, ..RigOptions::default() }
}

async fn asks(street: &Street, method: &Method, path: &str) -> Answer {
    street.send(street.request(method.clone(), path).content_type("application/x-www-form-urlencoded").finish()).await
}

#[tokio::test]
async fn attack_84_every_limited_address_stops_and_says_for_how_long_and_no_other_does() {
    let few = Rates { per_address: 3, per_client: 0 };
    let limited = [
        (Method::GET, "/authorize", "authorize_rate"),
        (Method::POST, "/token", "token_rate"),
        (Method::POST, "/par", "push_rate"),
        (Method::POST, "/device_authorization", "device_rate"),
    ];
    for (method, path, reason) in limited {
        let street = Street::with(three(Limits { authorize: few, token: few, push: few, device: few, ..Limits::default() })).await;
        for _ in 0..3 {
            assert_ne!(asks(&street, &method, path).await.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        }
        for _ in 0..2 {
            let stopped = asks(&street, &method, path).await;
            assert_eq!((stopped.status, stopped.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "21"), "{path}");
            if method == Method::GET {
                assert_eq!(stopped.page(), "too_many_requests");
            } else {
                assert_eq!(stopped.error(), "slow_down");
            }
        }
        let told: Vec<_> = street.rig.events().into_iter().filter(|event| event.name.as_str() == "abuse.rate_limited").collect();
        assert_eq!(told.len(), 1, "{path}: told once a minute");
        assert_eq!(told[0].reason.map(vestibule_domain::audit::Reason::as_str), Some(reason));
        for (free, other, _) in [(Method::GET, "/jwks", ""), (Method::GET, "/account", ""), (Method::POST, "/introspect", "")] {
            for _ in 0..5 {
                assert_ne!(asks(&street, &free, other).await.status, StatusCode::TOO_MANY_REQUESTS, "{other}");
            }
        }
        street.rig.clock.advance(Duration::from_secs(20));
        assert_ne!(asks(&street, &method, path).await.status, StatusCode::TOO_MANY_REQUESTS, "{path}: one more in a third of a minute");
        assert_eq!(asks(&street, &method, path).await.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
}

#[tokio::test]
async fn a_clients_limit_is_its_own_and_a_stranger_cant_use_it_up() {
    let token = Rates { per_address: 0, per_client: 3 };
    let street = Street::with(three(Limits { token, ..Limits::default() })).await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let form = [("grant_type", "client_credentials"), ("scope", "api")];
    let forged = crate::street::App { secret: Some("wrong".into()), ..app.clone() };
    for _ in 0..5 {
        assert_eq!(street.asks(&forged, "/token", &form).await.error(), "invalid_client");
    }
    for _ in 0..3 {
        assert_eq!(street.asks(&app, "/token", &form).await.status, StatusCode::OK);
    }
    let stopped = street.asks(&app, "/token", &form).await;
    assert_eq!((stopped.status, stopped.error().as_str()), (StatusCode::TOO_MANY_REQUESTS, "slow_down"));
    assert_eq!(street.asks(&other, "/token", &form).await.status, StatusCode::OK);
    // Anybody can ask in the name of a public client, so it has no limit that anybody could use up.
    let draft = Draft { auth_method: "none".into(), grant_types: grants(&["authorization_code"]), ..plain() };
    let public = street.app_as("public", draft).await;
    for _ in 0..5 {
        assert_eq!(street.redeems(&public, "x").await.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn nought_is_no_limit() {
    let none = Rates { per_address: 0, per_client: 0 };
    let street =
        Street::with(three(Limits { authorize: none, token: none, push: none, device: none, sign_ins_per_account: 0, admin_per_key: 0 }))
            .await;
    let app = street.app("app").await;
    for _ in 0..200 {
        let answer = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_account_that_is_signed_in_to_too_often_waits_whoever_it_is_and_wherever_they_come_from() {
    let street = Street::with(three(Limits { sign_ins_per_account: 3, ..Limits::default() })).await;
    let app = street.app("app").await;
    let arrives = async |person: &str| street.arrives_asking(&mut Browser::default(), &app, &[], person).await;
    // The first makes the account.
    for _ in 0..4 {
        assert!(arrives("alice").await.parameter("code").is_some());
    }
    let stopped = arrives("alice").await;
    assert_eq!((stopped.status, stopped.page(), stopped.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "21"));
    assert!(arrives("bob").await.parameter("code").is_some());
    let told: Vec<_> = street.rig.events().into_iter().filter(|event| event.name.as_str() == "abuse.rate_limited").collect();
    assert!(
        matches!(&*told, [event] if event.account.is_some() && event.reason.map(vestibule_domain::audit::Reason::as_str) == Some("sign_in_rate"))
    );
    street.rig.clock.advance(Duration::from_secs(20));
    assert!(arrives("alice").await.parameter("code").is_some());
}
