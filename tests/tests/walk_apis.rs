//! APIs that others wrote, in two languages, in front of which our access tokens are held: one looks at keys alone, one asks about every token.

use serde_json::{Value, json};
use url::Url;
use vestibule_tests::{Client, House, Person, Program, Upstream, node, openid_client, python};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const THINGS: &str = "https://things.example.com";
const NEEDED: &str = "things.read";

/// An app whose tokens are for these.
async fn app(house: &House, audiences: &[&str]) -> Client {
    house
        .register(json!({
            "client_name": "The app",
            "redirect_uris": [CALLBACK],
            "scope": "openid things.read things.write",
            "audiences": audiences,
        }))
        .await
}

/// PyJWT and nothing but the keys.
fn by_keys(house: &House) -> Program {
    let mut command = python("api.py");
    command.env("ISSUER", &house.issuer).env("AUDIENCE", THINGS).env("SCOPE", NEEDED);
    Program::start(command)
}

/// oauth4webapi and introspection, as a client that answers to the audience.
async fn by_asking(house: &House) -> Program {
    let registration = json!({ "client_name": "Things", "grant_types": ["client_credentials"], "introspection_audiences": [THINGS] });
    let Client { client_id, client_secret } = house.register(registration).await;
    let settings = json!({
        "issuer": house.issuer, "client_id": client_id, "client_secret": client_secret, "audience": THINGS, "scope": NEEDED,
    });
    Program::start(node("api.mjs", &settings))
}

async fn tokens(house: &House, client: &Client, scope: &str) -> Value {
    let mut start = Person::authorize_url(house, client, CALLBACK, &[]);
    let pairs: Vec<(String, String)> = start.query_pairs().filter(|(name, _)| name != "scope").map(|(n, v)| (n.into(), v.into())).collect();
    start.query_pairs_mut().clear().extend_pairs(pairs).append_pair("scope", scope);
    let landed = Person::named("alice").walks(start, CALLBACK).await;
    Person::redeems(house, client, CALLBACK, &landed.code()).await.1
}

async fn status(api: &Program, token: &Value) -> (u16, Value) {
    let url = Url::parse(&api.url).expect("it said where it is");
    let http = Person::named("nobody");
    let mut request = http.http().get(url);
    if let Some(token) = token.as_str() {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.expect("the API answers");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn rfc_9068_section_4_apis_in_two_languages_admit_by_scope_and_audience() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let (keys, asking) = (by_keys(&house), by_asking(&house).await);
    let (right, elsewhere) = (app(&house, &[THINGS]).await, app(&house, &["https://else.example.com"]).await);
    let good = tokens(&house, &right, "openid things.read").await;
    let narrow = tokens(&house, &right, "openid things.write").await;
    let foreign = tokens(&house, &elsewhere, "openid things.read").await;
    for api in [&keys, &asking] {
        for (what, token, expected) in [
            ("right in scope and audience", &good["access_token"], 200),
            ("another scope", &narrow["access_token"], 403),
            ("another audience", &foreign["access_token"], 401),
            ("an ID token", &good["id_token"], 401),
            ("a refresh token", &good["refresh_token"], 401),
            ("anything", &json!("x"), 401),
            ("nothing", &Value::Null, 401),
        ] {
            assert_eq!(status(api, token).await.0, expected, "{what} at {}", api.url);
        }
        let seen = status(api, &good["access_token"]).await.1;
        assert_eq!(seen["client_id"], json!(right.client_id));
        assert_eq!(seen["sub"], Person::claims(good["id_token"].as_str().expect("an ID token"))["sub"]);
    }
}

/// Whoever looks at keys alone hears of nothing: that is what the short life of access tokens is for.
#[tokio::test]
async fn rfc_7009_section_2_a_revoked_token_is_refused_by_whoever_asks() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let (keys, asking) = (by_keys(&house), by_asking(&house).await);
    let client = app(&house, &[THINGS]).await;
    let good = tokens(&house, &client, "openid things.read").await;
    assert_eq!(status(&asking, &good["access_token"]).await.0, 200);
    let revoke = json!({
        "act": "revoke", "issuer": house.issuer, "client_id": client.client_id, "client_secret": client.client_secret,
        "token": good["access_token"],
    });
    assert_eq!(openid_client(revoke).await["revoked"], true);
    assert_eq!((status(&asking, &good["access_token"]).await.0, status(&keys, &good["access_token"]).await.0), (401, 200));
}

/// RFC 8693: an API that was given a token gets one for the next, and says who acts.
#[tokio::test]
async fn rfc_8693_section_2_a_token_is_exchanged_by_openid_client() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let asking = by_asking(&house).await;
    let front = app(&house, &["https://front.example.com"]).await;
    let api = house
        .register(json!({
            "client_name": "Front",
            "grant_types": ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
            "scope": "things.read",
            "introspection_audiences": ["https://front.example.com"],
            "exchange_audiences": [THINGS],
        }))
        .await;
    let subject = tokens(&house, &front, "openid things.read things.write").await;
    let act = |act: &str, more: Value| {
        let mut request = json!({ "act": act, "issuer": house.issuer, "client_id": api.client_id, "client_secret": api.client_secret });
        request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        openid_client(request)
    };
    assert_eq!(status(&asking, &subject["access_token"]).await.0, 401, "it is not for things");
    let own = act("client_credentials", json!({ "scope": "things.read" })).await;
    let exchanged = act(
        "exchange",
        json!({ "subject_token": subject["access_token"], "actor_token": own["access_token"], "audience": THINGS, "scope": "things.read" }),
    )
    .await;
    assert_eq!(exchanged["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token", "{exchanged:#}");
    let claims = Person::claims(exchanged["access_token"].as_str().expect("a token"));
    assert_eq!((&claims["aud"], &claims["act"]["sub"]), (&json!(THINGS), &json!(format!("client:{}", api.client_id))));
    assert_eq!(claims["sub"], Person::claims(subject["access_token"].as_str().expect("a token"))["sub"]);
    assert_eq!(status(&asking, &exchanged["access_token"]).await.0, 200);
    let wide = act("exchange", json!({ "subject_token": subject["access_token"], "audience": THINGS, "scope": "things.write" })).await;
    assert_eq!(wide["failed"]["error"], "invalid_scope", "{wide:#}");
    let target = act("exchange", json!({ "subject_token": subject["access_token"], "audience": "https://else.example.com" })).await;
    assert_eq!(target["failed"]["error"], "invalid_target", "{target:#}");
}
