//! Requests that are pushed, and the resources they name, with client libraries that are not ours: npm `openid-client` and `oauth4webapi`.

use serde_json::{Value, json};
use vestibule_tests::{Client, House, Person, Upstream, client_library, openid_client};

/// Not on loopback: there, a person acts on a page each time a public client asks (RFC 8252 §8.6), and nobody presses buttons here.
const CALLBACK: &str = "https://app.example.com/cb";
const API: &str = "https://api.example.com/mcp";
const FILES: &str = "https://files.example.com/";

async fn app(house: &House, more: &Value) -> Client {
    let mut registration = json!({
        "client_name": "The app", "redirect_uris": [CALLBACK], "scope": "openid profile email offline_access api", "audiences": [API, FILES],
    });
    registration.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    house.register(registration).await
}

fn request(house: &House, client: &Client, act: &str, more: Value) -> Value {
    let mut request = json!({ "act": act, "issuer": house.issuer, "client_id": client.client_id, "client_secret": client.client_secret });
    let Value::Object(more) = more else { panic!("an object") };
    request.as_object_mut().expect("an object").extend(more);
    request
}

async fn walk(url: &Value, person: &str) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no address: {url:#}")).parse().expect("an address");
    Person::named(person).walks(url, CALLBACK).await.url.into()
}

#[tokio::test]
async fn openid_client_pushes_and_asks_for_tokens_of_one_resource_after_the_other() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = app(&house, &json!({ "require_pushed_authorization_requests": true })).await;
    let asked = json!({ "redirect_uri": CALLBACK, "scope": "openid offline_access", "resource": [API, FILES], "pushed": true });
    let started = openid_client(request(&house, &client, "start", asked)).await;
    let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}"));
    assert!(url.contains("request_uri=") && !url.contains("scope"), "the browser carries the name alone: {url}");

    let callback = walk(&started["url"], "alice").await;
    let finish = json!({ "callback": callback, "kept": started["kept"], "resource": API });
    let tokens = openid_client(request(&house, &client, "finish", finish)).await;
    let audience = |tokens: &Value| Person::claims(tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens:#}")))["aud"].clone();
    assert_eq!(audience(&tokens), API);

    let refresh = json!({ "refresh_token": tokens["refresh_token"], "resource": FILES });
    let tokens = openid_client(request(&house, &client, "refresh", refresh)).await;
    assert_eq!(audience(&tokens), FILES);
    let tokens = openid_client(request(&house, &client, "refresh", json!({ "refresh_token": tokens["refresh_token"] }))).await;
    assert_eq!(audience(&tokens), json!([API, FILES]));
    let seen = openid_client(request(&house, &client, "introspect", json!({ "token": tokens["access_token"] }))).await;
    assert_eq!(seen["aud"], json!([API, FILES]), "{seen:#}");

    let evil = json!({ "refresh_token": tokens["refresh_token"], "resource": "https://evil.example/" });
    let refused = openid_client(request(&house, &client, "refresh", evil)).await;
    assert_eq!(refused["failed"]["error"], "invalid_target", "{refused:#}");
}

#[tokio::test]
async fn oauth4webapi_pushes_for_confidential_and_public_clients() {
    let (house, _upstream) = House::start(Upstream::start).await;
    for method in ["client_secret_basic", "none"] {
        let client = app(&house, &json!({ "token_endpoint_auth_method": method })).await;
        let asked = json!({ "redirect_uri": CALLBACK, "scope": "openid profile" });
        let pushed = client_library("oauth4webapi_par.mjs", request(&house, &client, "push", asked)).await;
        assert_eq!(pushed["expires_in"], 90, "{pushed:#}");
        let callback = walk(&pushed["url"], "bob").await;
        let finish = json!({ "callback": callback, "kept": pushed["kept"] });
        let tokens = client_library("oauth4webapi_par.mjs", request(&house, &client, "finish", finish)).await;
        assert_eq!(tokens["claims"]["name"], "Bob Baker", "{method}: {tokens:#}");

        let bad = json!({ "redirect_uri": CALLBACK, "scope": "openid", "more": { "request_uri": pushed["url"] } });
        let refused = client_library("oauth4webapi_par.mjs", request(&house, &client, "push", bad)).await;
        assert_eq!((&refused["failed"]["error"], &refused["failed"]["status"]), (&json!("invalid_request"), &json!(400)), "{refused:#}");
    }
}

#[tokio::test]
async fn openid_client_signs_its_requests_by_value_and_pushed() {
    let (house, _upstream) = House::start(Upstream::start).await;
    for alg in ["ES256", "PS256"] {
        let keys = openid_client(json!({ "act": "new_key", "alg": alg })).await;
        let jwks = json!({ "keys": [keys["public"]] });
        let registered = json!({ "jwks": jwks, "require_signed_request_object": true, "request_object_signing_alg": alg });
        let client = app(&house, &registered).await;
        for pushed in [false, true] {
            let asked = json!({ "redirect_uri": CALLBACK, "scope": "openid profile", "request_key": keys, "pushed": pushed });
            let started = openid_client(request(&house, &client, "start", asked)).await;
            let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}"));
            assert_eq!((url.contains("request="), url.contains("request_uri=")), (!pushed, pushed), "{url}");
            let callback = walk(&started["url"], "alice").await;
            let finish = json!({ "callback": callback, "kept": started["kept"] });
            let tokens = openid_client(request(&house, &client, "finish", finish)).await;
            assert_eq!(tokens["claims"]["name"], "Alice Archer", "{alg}, pushed: {pushed}: {tokens:#}");
        }
    }
}
