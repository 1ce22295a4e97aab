//! A client library and an issuer that are not ours, from the first request to the last: npm `openid-client` and `oidc-provider`.

use serde_json::{Value, json};
use vestibule_tests::{Client, House, Person, Upstream, openid_client};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

fn request(house: &House, client: &Client, act: &str, more: &Value) -> Value {
    let mut request = json!({
        "act": act, "issuer": house.issuer, "client_id": client.client_id, "client_secret": client.client_secret,
    });
    let object = request.as_object_mut().expect("an object");
    object.extend(more.as_object().expect("an object").clone());
    request
}

async fn walk(house: &House, client: &Client, settings: &Value) -> Value {
    let mut asked =
        json!({ "redirect_uri": CALLBACK, "scope": "openid profile email groups offline_access", "prompt": settings["prompt"] });
    asked.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
    let started = openid_client(request(house, client, "start", &asked)).await;
    let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")).parse().expect("an address");
    let landed = Person::named("alice").walks(url, CALLBACK).await;
    let mut finish = json!({ "callback": landed.url.as_str(), "kept": started["kept"] });
    finish.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
    openid_client(request(house, client, "finish", &finish)).await
}

#[tokio::test]
async fn code_refresh_introspect_userinfo_revoke_and_client_credentials() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let none = json!({});

    let tokens = walk(&house, &client, &none).await;
    assert_eq!(tokens["claims"]["name"], "Alice Archer", "{tokens:#}");
    assert_eq!(tokens["claims"]["email_verified"], true);
    assert_eq!(tokens["claims"]["groups"], json!([]), "an array even when empty");
    let sub = tokens["claims"]["sub"].as_str().expect("a subject");
    let access = &tokens["access_token"];

    let userinfo = openid_client(request(&house, &client, "userinfo", &json!({ "access_token": access, "sub": sub }))).await;
    assert_eq!(userinfo["email"], "alice@example.com", "{userinfo:#}");

    let seen = openid_client(request(&house, &client, "introspect", &json!({ "token": access }))).await;
    assert_eq!((&seen["active"], &seen["sub"]), (&json!(true), &json!(sub)), "{seen:#}");

    let refreshed = openid_client(request(&house, &client, "refresh", &json!({ "refresh_token": tokens["refresh_token"] }))).await;
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"], "{refreshed:#}");
    assert!(refreshed["id_token"].is_string(), "OpenID Connect Core 1.0 §12.2: a refreshed ID token");

    let revoked = openid_client(request(&house, &client, "revoke", &json!({ "token": refreshed["refresh_token"] }))).await;
    assert_eq!(revoked["revoked"], true, "{revoked:#}");
    for token in [access, &refreshed["access_token"], &refreshed["refresh_token"]] {
        let seen = openid_client(request(&house, &client, "introspect", &json!({ "token": token }))).await;
        assert_eq!(seen, json!({ "active": false }), "what a revoked grant issued is dead");
    }

    let own = openid_client(request(&house, &client, "client_credentials", &json!({ "scope": "api" }))).await;
    assert_eq!((&own["scope"], &own["refresh_token"]), (&json!("api"), &Value::Null), "{own:#}");
}

/// Checklist of the basic profile: `offline_access` comes with `prompt=consent`, and a second client's use of the token is refused.
#[tokio::test]
async fn oidc_core_section_11_prompt_consent_is_answered_on_our_page_and_gives_a_refresh_token_of_that_client_alone() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let (client, other) = (house.register_app(CALLBACK).await, house.register_app(CALLBACK).await);
    let tokens = walk(&house, &client, &json!({ "prompt": "consent" })).await;
    assert_eq!(tokens["claims"]["name"], "Alice Archer", "{tokens:#}");
    let token = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = openid_client(request(&house, &other, "refresh", &token)).await;
    assert_eq!(refused["failed"]["error"], "invalid_grant", "{refused:#}");
    assert!(openid_client(request(&house, &client, "refresh", &token)).await["access_token"].is_string());
    let granted = house.audit().iter().filter(|event| event["name"] == "consent.granted").count();
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn every_signing_algorithm_is_one_the_library_can_check() {
    let (house, _upstream) = House::start_with(
        vestibule_tests::HouseOptions {
            extra: "[keys]\nalgorithms = [\"RS256\", \"ES256\", \"PS256\", \"EdDSA\"]\n".into(),
            ..Default::default()
        },
        Upstream::start,
    )
    .await;
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        let client = house
            .register(json!({
                "client_name": alg,
                "redirect_uris": [CALLBACK],
                "id_token_signed_response_alg": alg,
                "access_token_signed_response_alg": alg,
            }))
            .await;
        let tokens = walk(&house, &client, &json!({ "id_token_alg": alg })).await;
        assert_eq!(tokens["claims"]["aud"], json!(client.client_id), "{alg}: {tokens:#}");
    }
}

#[tokio::test]
async fn public_clients_and_post_authentication_work_too() {
    let (house, _upstream) = House::start(Upstream::start).await;
    for (method, secret) in [("none", false), ("client_secret_post", true)] {
        let client = house
            .register(
                json!({ "client_name": method, "redirect_uris": ["https://app.example.com/cb"], "token_endpoint_auth_method": method }),
            )
            .await;
        assert_eq!(!client.client_secret.is_empty(), secret);
        let settings = json!({ "authentication": method, "redirect_uri": "https://app.example.com/cb" });
        let asked = json!({ "redirect_uri": "https://app.example.com/cb", "scope": "openid", "authentication": method });
        let started = openid_client(request(&house, &client, "start", &asked)).await;
        let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")).parse().expect("an address");
        let landed = Person::named("bob").walks(url, "https://app.example.com/cb").await;
        let mut finish = json!({ "callback": landed.url.as_str(), "kept": started["kept"] });
        finish.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
        let tokens = openid_client(request(&house, &client, "finish", &finish)).await;
        assert!(tokens["claims"]["sub"].is_string(), "{method}: {tokens:#}");
    }
}

#[tokio::test]
async fn an_upstream_that_rotates_its_keys_between_two_logins_is_followed() {
    let (house, upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    Person::named("alice").gets_tokens(&house, &client, CALLBACK).await;
    upstream.rotate_keys().await;
    let tokens = Person::named("bob").gets_tokens(&house, &client, CALLBACK).await;
    assert_eq!(Person::claims(tokens["id_token"].as_str().expect("an ID token"))["name"], "Bob Baker");
}
