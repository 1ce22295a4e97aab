//! Answers that go out as JWTs: introspection (RFC 9701) and userinfo (OpenID Connect Core 1.0 §5.3.2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use vestibule_domain::{client::SigningAlg, ports::Clock, registration::Draft};
use vestibule_testkit::issuer::is_signed_by;

use crate::street::{Answer, App, Street, basic, claims, encode, grants, plain};

const JWT: &str = "application/token-introspection+jwt";

async fn introspects(street: &Street, app: &App, token: &str, accept: &str) -> Answer {
    let request = street.request(Method::POST, "/introspect").content_type("application/x-www-form-urlencoded");
    let request = request.header(header::AUTHORIZATION, basic(&app.id, app.secret.as_deref().unwrap())).header(header::ACCEPT, accept);
    street.send(request.body(encode(&[("token", token)]))).await
}

fn header_of(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap()).unwrap()
}

/// Signed by a key of ours, as anybody can check.
fn is_ours(street: &Street, jwt: &str, alg: SigningAlg) {
    let jwks = street.gateway().signer().jwks(street.rig.clock.now());
    assert!(is_signed_by(&jwks, alg, jwt));
}

fn draft(userinfo_alg: Option<&str>, introspection_alg: Option<&str>) -> Draft {
    Draft {
        grant_types: grants(&["authorization_code", "refresh_token"]),
        userinfo_alg: userinfo_alg.map(str::to_owned),
        introspection_alg: introspection_alg.map(str::to_owned),
        ..plain()
    }
}

#[tokio::test]
async fn rfc_9701_section_5_introspection_is_a_jwt_for_who_asks_for_one() {
    let street = Street::open().await;
    for (id, registered, alg) in [("plain", None, SigningAlg::Rs256), ("es", Some("ES256"), SigningAlg::Es256)] {
        let app = street.app_as(id, draft(None, registered)).await;
        let tokens = street.tokens(&app, "alice").await;
        let token = tokens["access_token"].as_str().unwrap();
        let json = introspects(&street, &app, token, "application/json").await;
        assert_eq!(json.header("content-type"), "application/json");
        let answer = introspects(&street, &app, token, JWT).await;
        assert_eq!((answer.status, answer.header("content-type"), answer.header("cache-control")), (StatusCode::OK, JWT, "no-store"));
        is_ours(&street, &answer.body, alg);
        assert_eq!(header_of(&answer.body)["typ"], "token-introspection+jwt");
        let said = claims(&json!(answer.body));
        let now = street.rig.clock.now().as_secs();
        assert_eq!(said, json!({"iss": "https://sso.example.com", "aud": id, "iat": now, "token_introspection": json.json()}));
        let unknown = introspects(&street, &app, "unknown", "text/html, Application/Token-Introspection+JWT;q=0.9").await;
        assert_eq!(claims(&json!(unknown.body))["token_introspection"], json!({"active": false}), "and nothing more");
    }
}

#[tokio::test]
async fn rfc_9701_section_4_who_does_not_prove_who_it_is_gets_no_jwt() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let posing = App { secret: Some("guess".into()), ..app };
    let answer = introspects(&street, &posing, "x", JWT).await;
    assert_eq!(
        (answer.status, answer.header("content-type"), answer.error().as_str()),
        (StatusCode::UNAUTHORIZED, "application/json", "invalid_client")
    );
}

#[tokio::test]
async fn oidc_core_section_5_3_2_userinfo_is_signed_for_a_client_that_is_registered_so() {
    let street = Street::open().await;
    let app = street.app_as("signed", draft(Some("ES256"), None)).await;
    let tokens = street.tokens(&app, "alice").await;
    let answer = street.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(
        (answer.status, answer.header("content-type"), answer.header("cache-control")),
        (StatusCode::OK, "application/jwt", "no-store")
    );
    is_ours(&street, &answer.body, SigningAlg::Es256);
    let said = claims(&json!(answer.body));
    assert_eq!((&said["iss"], &said["aud"]), (&json!("https://sso.example.com"), &json!("signed")));
    assert_eq!(said["sub"], claims(&tokens["id_token"])["sub"]);
    assert!(said["email"].is_string() && said["exp"].is_null() && said["nonce"].is_null());
}

#[tokio::test]
async fn attack_55_a_signed_answer_passes_for_no_token() {
    let street = Street::open().await;
    let app = street.app_as("app", draft(Some("RS256"), None)).await;
    let tokens = street.tokens(&app, "alice").await;
    let token = tokens["access_token"].as_str().unwrap();
    let userinfo = street.userinfo(token).await.body;
    let introspection = introspects(&street, &app, token, JWT).await.body;
    for (what, jwt) in [("userinfo", &userinfo), ("introspection", &introspection)] {
        assert!(!street.is_good(jwt).await, "{what} as an access token");
        let answer = introspects(&street, &app, jwt, "application/json").await;
        assert_eq!(answer.json(), json!({"active": false}), "{what}");
        assert!(street.gateway().signer().verify_id_token_hint(jwt, street.rig.clock.now()).is_none(), "{what} as an ID token");
    }
    for token in [tokens["access_token"].as_str().unwrap(), tokens["id_token"].as_str().unwrap()] {
        assert_ne!(header_of(token)["typ"], header_of(&introspection)["typ"]);
    }
    assert!(header_of(&userinfo)["typ"].is_null());
}

#[tokio::test]
async fn an_algorithm_without_a_key_is_not_registered() {
    let street = Street::open().await;
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    let bad = draft(Some("EdDSA"), Some("none"));
    let refused = street.gateway().create_client(&street.rig.witness(), &actor, Some("app"), &bad).await;
    let Err(vestibule_flows::AdminFault::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/userinfo_signed_response_alg", "/introspection_signed_response_alg"]);
}
