//! Clients that prove who they are without sending a secret, with a client library that is not ours.

use serde_json::{Value, json};
use vestibule_tests::{House, Person, Upstream, openid_client};

/// A key pair as the library's runtime makes it: all of it for the library, the public half to register.
async fn key(alg: &str) -> Value {
    openid_client(json!({ "act": "new_key", "alg": alg })).await
}

#[tokio::test]
async fn oidc_core_section_9_openid_client_signs_with_a_key_of_every_kind() {
    let (house, _upstream) = House::start(Upstream::start).await;
    for alg in ["RS256", "PS256", "ES256", "Ed25519"] {
        let key = key(alg).await;
        let client = house
            .register(json!({
                "client_name": alg, "grant_types": ["client_credentials"], "scope": "api",
                "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key["public"]] },
            }))
            .await;
        assert!(client.client_secret.is_empty());
        let ask = |act: &str, more: Value| {
            let mut request = json!({
                "act": act, "issuer": house.issuer, "client_id": client.client_id, "authentication": "private_key_jwt", "key": key,
            });
            request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            openid_client(request)
        };
        let tokens = ask("client_credentials", json!({ "scope": "api" })).await;
        let token = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{alg}: {tokens:#}")).to_owned();
        let answer = ask("introspect", json!({ "token": token })).await;
        assert_eq!(answer["active"], true, "{alg}: {answer:#}");
        assert_eq!(ask("introspect", json!({ "token": token, "introspection_alg": "RS256" })).await["active"], true, "RFC 9701, {alg}");
        assert_eq!(ask("revoke", json!({ "token": token })).await["revoked"], true, "{alg}");
    }
}

#[tokio::test]
async fn oidc_core_section_9_openid_client_signs_with_its_secret() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = house
        .register(json!({
            "client_name": "HMAC", "grant_types": ["client_credentials"], "scope": "api", "token_endpoint_auth_method": "client_secret_jwt",
        }))
        .await;
    let ask = |secret: &str| {
        openid_client(json!({
            "act": "client_credentials", "issuer": house.issuer, "client_id": client.client_id, "scope": "api",
            "authentication": "client_secret_jwt", "client_secret": secret,
        }))
    };
    assert!(ask(&client.client_secret).await["access_token"].is_string());
    assert_eq!(ask("guess").await["failed"]["error"], "invalid_client");
}

#[tokio::test]
async fn fapi_2_0_openid_client_signs_in_with_pushed_requests_a_signature_and_bound_tokens() {
    const CALLBACK: &str = "https://bank.example.com/callback";
    let (house, _upstream) = House::start(Upstream::start).await;
    for (alg, dpop_alg) in [("ES256", "ES256"), ("PS256", "Ed25519")] {
        let (key, dpop_key) = (key(alg).await, key(dpop_alg).await);
        let client = house
            .register(json!({
                "client_name": "Bank", "redirect_uris": [CALLBACK], "profile": "fapi2", "dpop_bound_access_tokens": true,
                "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key["public"]] },
                "id_token_signed_response_alg": "ES256", "access_token_signed_response_alg": "ES256",
            }))
            .await;
        let ask = |act: &str, more: Value| {
            let mut request = json!({
                "act": act, "issuer": house.issuer, "client_id": client.client_id, "authentication": "private_key_jwt", "key": key,
                "dpop_key": dpop_key, "id_token_alg": "ES256",
            });
            request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            openid_client(request)
        };
        let started = ask("start", json!({ "redirect_uri": CALLBACK, "scope": "openid profile offline_access", "pushed": true })).await;
        let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")).parse().expect("an address");
        let callback = Person::named("alice").walks(url, CALLBACK).await.url;
        let tokens = ask("finish", json!({ "callback": callback, "kept": started["kept"] })).await;
        assert_eq!((&tokens["token_type"], &tokens["claims"]["name"]), (&json!("dpop"), &json!("Alice Archer")), "{tokens:#}");
        let userinfo = ask("userinfo", json!({ "access_token": tokens["access_token"], "sub": tokens["claims"]["sub"] })).await;
        assert_eq!(userinfo["name"], "Alice Archer", "{userinfo:#}");
        for _ in 0..2 {
            let refreshed = ask("refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
            assert_eq!(refreshed["refresh_token"], tokens["refresh_token"], "{refreshed:#}");
        }
    }
}
