//! DPoP with client libraries that are not ours: npm `openid-client`, which comes again with a nonce by itself, and `oauth4webapi`, which says
//! that it must.

use serde_json::{Value, json};
use vestibule_tests::{Client, House, Person, Upstream, client_library, openid_client};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const SCOPE: &str = "openid profile email offline_access";

fn merged(one: &Value, other: &Value) -> Value {
    let mut one = one.as_object().expect("an object").clone();
    one.extend(other.as_object().expect("an object").clone());
    one.into()
}

/// An act of openid-client with a key.
async fn act(house: &House, client: &Client, key: &Value, act: &str, more: &Value) -> Value {
    let who =
        json!({"act": act, "issuer": house.issuer, "client_id": client.client_id, "client_secret": client.client_secret, "dpop_key": key});
    openid_client(merged(&who, more)).await
}

async fn new_key(alg: &str) -> Value {
    openid_client(json!({ "act": "new_key", "alg": alg })).await
}

async fn lands(started: &Value) -> String {
    let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")).parse().expect("an address");
    Person::named("alice").walks(url, CALLBACK).await.url.to_string()
}

#[tokio::test]
async fn rfc_9449_openid_client_redeems_refreshes_and_reads_userinfo_with_every_kind_of_key() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = house.register(json!({"client_name": "Bound", "redirect_uris": [CALLBACK], "dpop_bound_access_tokens": true})).await;
    for alg in ["ES256", "Ed25519", "PS256", "RS256"] {
        let key = new_key(alg).await;
        let started = act(&house, &client, &key, "start", &json!({ "redirect_uri": CALLBACK, "scope": SCOPE })).await;
        let finish = json!({ "callback": lands(&started).await, "kept": started["kept"] });
        let tokens = act(&house, &client, &key, "finish", &finish).await;
        assert_eq!(tokens["token_type"], "dpop", "{alg}: {tokens:#}");
        let (access, sub) = (&tokens["access_token"], &tokens["claims"]["sub"]);
        let userinfo = act(&house, &client, &key, "userinfo", &json!({ "access_token": access, "sub": sub })).await;
        assert_eq!(userinfo["email"], "alice@example.com", "{alg}: {userinfo:#}");
        let seen = act(&house, &client, &key, "introspect", &json!({ "token": access })).await;
        assert_eq!((&seen["token_type"], seen["cnf"]["jkt"].is_string()), (&json!("DPoP"), true), "{seen:#}");
        let refreshed = act(&house, &client, &key, "refresh", &json!({ "refresh_token": tokens["refresh_token"] })).await;
        assert_eq!(refreshed["token_type"], "dpop", "{alg}: {refreshed:#}");
        // Whoever steals the token has nothing: without a key, and with one of their own.
        let thief = new_key("ES256").await;
        for key in [&Value::Null, &thief] {
            let stolen = act(&house, &client, key, "userinfo", &json!({ "access_token": access, "sub": sub })).await;
            assert!(stolen["failed"].is_object(), "{alg}: {stolen:#}");
        }
    }
}

#[tokio::test]
async fn rfc_9449_section_8_oauth4webapi_is_asked_for_a_nonce_and_binds_its_code() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = house.register(json!({"client_name": "Page", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"})).await;
    let who = json!({"issuer": house.issuer, "client_id": client.client_id, "redirect_uri": CALLBACK});
    let act = async |name: &str, more: Value| {
        client_library("oauth4webapi_client.mjs", merged(&merged(&who, &json!({ "act": name })), &more)).await
    };
    let started = act("start", json!({ "scope": SCOPE })).await;
    let key = &started["kept"]["dpop_key"];
    let tokens = act("finish", json!({ "callback": lands(&started).await, "kept": started["kept"] })).await;
    assert_eq!((&tokens["token_type"], &tokens["asked"]), (&json!("dpop"), &json!(1)), "{tokens:#}");
    let asked = json!({ "access_token": tokens["access_token"], "sub": tokens["claims"]["sub"], "dpop_key": key });
    let userinfo = act("userinfo", asked).await;
    assert_eq!((&userinfo["email"], &userinfo["asked"]), (&json!("alice@example.com"), &json!(1)), "{userinfo:#}");
    let refreshed = act("refresh", json!({ "refresh_token": tokens["refresh_token"], "dpop_key": key })).await;
    assert_eq!((&refreshed["token_type"], &refreshed["asked"]), (&json!("dpop"), &json!(1)), "{refreshed:#}");
    let stolen = act("refresh", json!({ "refresh_token": refreshed["refresh_token"] })).await;
    assert_eq!(stolen["failed"]["error"], "invalid_grant", "{stolen:#}");
}
