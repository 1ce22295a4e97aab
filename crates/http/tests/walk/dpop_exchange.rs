//! Bound tokens in token exchange (RFC 8693, RFC 9449): what an app may do with one that it was given, and with its own.

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::registration::Draft;

use crate::{
    dpop::Holder,
    street::{Answer, Browser, Street, claims, grants, plain},
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const API: &str = "https://api.example.com";
const BILLING: &str = "https://billing.example.com";

fn front() -> Draft {
    let grant_types = grants(&["authorization_code", "refresh_token", EXCHANGE]);
    Draft { audiences: vec![API.into()], exchange_audiences: vec![BILLING.into()], grant_types, ..plain() }
}

fn api() -> Draft {
    let plain = Draft { redirect_uris: vec![], post_logout_redirect_uris: vec![], ..plain() };
    Draft { grant_types: grants(&[EXCHANGE]), serves: vec![API.into()], exchange_audiences: vec![BILLING.into()], ..plain }
}

async fn bound_token(street: &Street, holder: &Holder<'_>) -> String {
    let landed = street.arrives_asking(&mut Browser::default(), &holder.app, &[("scope", "openid api")], "alice").await;
    let answer = holder.redeems_with(&landed.parameter("code").unwrap(), &[&holder.proof()]).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn exchanges(holder: &Holder<'_>, token: &str, proofs: &[&str]) -> Answer {
    let form = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN), ("scope", "api")];
    holder.street.asks_with(&holder.app, "/token", &form, proofs).await
}

#[tokio::test]
async fn attack_36_an_api_binds_what_it_gets_for_a_bound_token_to_a_key_of_its_own() {
    let street = Street::open().await;
    let front = Holder::of(&street, street.app_as("front", front()).await);
    let api = Holder::of(&street, street.app_as("api", api()).await);
    let token = bound_token(&street, &front).await;
    let bearers = exchanges(&api, &token, &[]).await;
    assert_eq!((bearers.status, bearers.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "it would become a bearer's");
    let given = exchanges(&api, &token, &[&api.proof()]).await.json();
    assert_eq!((&given["token_type"], &claims(&given["access_token"])["cnf"]), (&json!("DPoP"), &json!({"jkt": api.key.thumbprint()})));
}

#[tokio::test]
async fn attack_58_who_exchanges_their_own_bound_token_shows_its_key() {
    let street = Street::open().await;
    let front = Holder::of(&street, street.app_as("front", front()).await);
    let thief = Holder::of(&street, front.app.clone());
    let token = bound_token(&street, &front).await;
    for proofs in [vec![], vec![thief.proof()]] {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        assert_eq!(exchanges(&front, &token, &proofs).await.error(), "invalid_request");
    }
    let given = exchanges(&front, &token, &[&front.proof()]).await;
    assert_eq!(
        (given.status, &claims(&given.json()["access_token"])["cnf"]["jkt"]),
        (StatusCode::OK, &Value::from(front.key.thumbprint()))
    );
}
