//! Clients that prove who they are by a JWT (RFC 7523, OpenID Connect Core 1.0 §9).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::{client::SigningAlg, ports::Clock, registration::Draft};
use vestibule_testkit::issuer::IssuerKeys;

use crate::street::{Answer, App, Street, encode, grants, plain};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ISSUER: &str = "https://sso.example.com";

pub(crate) fn draft(method: &str, keys: Option<&IssuerKeys>) -> Draft {
    let grant_types = grants(&["authorization_code", "refresh_token", "client_credentials"]);
    Draft { auth_method: method.into(), grant_types, jwks: keys.map(IssuerKeys::jwks), ..plain() }
}

/// What an honest client says at this moment; every call has a name of its own.
pub(crate) fn honest(street: &Street, client: &str) -> Value {
    let mut name = [0; 8];
    vestibule_domain::ports::Entropy::fill(street.gateway().entropy(), &mut name);
    let now = street.rig.clock.now().as_secs();
    json!({"iss": client, "sub": client, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": format!("{:x}", u64::from_ne_bytes(name))})
}

fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

/// A JWT with an HMAC, made without anything of ours.
fn hs256(secret: &str, claims: &Value) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

pub(crate) async fn sends(street: &Street, path: &str, jwt: &str, more: &[(&str, &str)]) -> Answer {
    let form = [&[("client_assertion_type", JWT_BEARER), ("client_assertion", jwt)], more].concat();
    let request = street.request(Method::POST, path).content_type("application/x-www-form-urlencoded");
    street.send(request.body(encode(&form))).await
}

pub(crate) async fn asks_for_a_token(street: &Street, jwt: &str) -> Answer {
    sends(street, "/token", jwt, &[("grant_type", "client_credentials"), ("scope", "api")]).await
}

/// Refused like every other wrong proof; the audit log says why.
async fn is_refused(street: &Street, jwt: &str, why: &str) {
    let answer = asks_for_a_token(street, jwt).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{why}");
    assert_eq!(answer.json()["error_description"], "client authentication failed", "{why}");
    // A wrong proof too many is another matter, and tested elsewhere.
    street.rig.clock.advance(std::time::Duration::from_mins(1));
}

fn reason(street: &Street) -> (String, String) {
    let events = street.rig.events();
    let last = events.iter().rev().find(|event| event.name.as_str() == "client.auth_failed").unwrap();
    (last.reason.unwrap().to_string(), last.detail.clone().unwrap_or_default())
}

#[tokio::test]
async fn oidc_core_section_9_rfc_9700_section_2_5_asvs_10_4_16_private_key_jwt_with_every_algorithm_at_every_endpoint() {
    for alg in SigningAlg::ALL {
        let (street, keys) = (Street::open().await, IssuerKeys::new(*alg));
        let app = street.app_as("app", draft("private_key_jwt", Some(&keys))).await;
        assert_eq!(app.secret, None, "there is no secret to lose");
        let token = asks_for_a_token(&street, &keys.jwt("JWT", &honest(&street, "app"))).await;
        assert_eq!(token.status, StatusCode::OK, "{alg}: {token:?}");
        let token = token.json()["access_token"].as_str().unwrap().to_owned();
        for (path, aud) in
            [("/introspect", ISSUER.to_owned()), ("/introspect", format!("{ISSUER}/introspect")), ("/revoke", format!("{ISSUER}/token"))]
        {
            let claims = changed(honest(&street, "app"), "aud", json!(aud));
            let answer = sends(&street, path, &keys.jwt("JWT", &claims), &[("token", &token), ("client_id", "app")]).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {answer:?}");
        }
        assert!(!street.is_good(&token).await, "it was revoked");
    }
}

#[tokio::test]
async fn attack_48_an_assertion_that_breaks_one_rule_is_no_proof() {
    let (street, keys, stranger) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256), IssuerKeys::new(SigningAlg::Es256));
    street.app_as("app", draft("private_key_jwt", Some(&keys))).await;
    street.app_as("other", draft("private_key_jwt", Some(&stranger))).await;
    let now = street.rig.clock.now().as_secs();
    for (name, value) in [
        ("aud", json!([ISSUER])),
        ("aud", json!([ISSUER, "https://evil.example"])),
        ("aud", json!("https://evil.example/token")),
        ("aud", json!("https://sso.example.com/revoke")),
        ("aud", Value::Null),
        ("jti", Value::Null),
        ("exp", Value::Null),
        ("exp", json!(now + 31_536_000)),
        ("exp", json!(now)),
        ("iat", json!(now + 3_600)),
        ("nbf", json!(now + 3_600)),
        ("sub", json!("other")),
        ("iss", json!("other")),
        ("iss", Value::Null),
    ] {
        let claims = changed(honest(&street, "app"), name, value.clone());
        is_refused(&street, &keys.jwt("JWT", &claims), &format!("{name}: {value}")).await;
    }
    is_refused(&street, &stranger.jwt("JWT", &honest(&street, "app")), "another client's key").await;
    is_refused(&street, &keys.jwt("JWT", &honest(&street, "nobody")), "nobody").await;
    let good = keys.jwt("JWT", &honest(&street, "app"));
    let (input, _) = good.rsplit_once('.').unwrap();
    let payload = input.split_once('.').unwrap().1;
    for alg in ["none", "None", "HS256", "RS512"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string());
        is_refused(&street, &format!("{header}.{payload}."), alg).await;
        is_refused(&street, &format!("{header}.{payload}.AAAA"), alg).await;
    }
    is_refused(&street, &hs256(&keys.jwks()["keys"][0].to_string(), &honest(&street, "app")), "HS256 with the public key").await;
    is_refused(&street, "not a jwt", "not a jwt").await;
    assert_eq!(asks_for_a_token(&street, &keys.jwt("JWT", &honest(&street, "app"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_48_rfc_7523_section_3_an_assertion_works_once_on_every_node_and_after_a_restart() {
    let (street, keys) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256));
    street.app_as("app", draft("private_key_jwt", Some(&keys))).await;
    street.app_as("other", draft("private_key_jwt", Some(&keys))).await;
    let claims = honest(&street, "app");
    assert_eq!(asks_for_a_token(&street, &keys.jwt("JWT", &claims)).await.status, StatusCode::OK);
    is_refused(&street, &keys.jwt("JWT", &claims), "the same, signed anew").await;
    assert_eq!(reason(&street).0, "replayed");
    let (gateway, _) =
        vestibule_testkit::rig::Rig::gateway_on(vestibule_testkit::rig::RigOptions::default(), street.rig.store.clone()).await;
    let elsewhere = Street::at(gateway, &street);
    let answer = asks_for_a_token(&elsewhere, &keys.jwt("JWT", &claims)).await;
    assert_eq!(answer.error(), "invalid_client", "another node on the same database");
    let same_name = changed(honest(&street, "other"), "jti", claims["jti"].clone());
    assert_eq!(asks_for_a_token(&street, &keys.jwt("JWT", &same_name)).await.status, StatusCode::OK, "names are each client's own");
}

#[tokio::test]
async fn attack_48_an_assertion_is_the_only_proof_and_the_registered_one() {
    let (street, keys) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256));
    street.app_as("app", draft("private_key_jwt", Some(&keys))).await;
    let secretive = street.app("secretive").await;
    let secret = secretive.secret.clone().unwrap();
    let jwt = |id| keys.jwt("JWT", &honest(&street, id));
    let grant = ("grant_type", "client_credentials");
    for (more, error) in [
        (vec![grant, ("client_secret", "x")], "invalid_request"),
        (vec![grant, ("client_assertion", "x")], "invalid_request"),
        (vec![grant, ("client_id", "other")], "invalid_client"),
    ] {
        assert_eq!(sends(&street, "/token", &jwt("app"), &more).await.error(), error, "{more:?}");
    }
    is_refused(&street, &jwt("secretive"), "a client of another method").await;
    is_refused(&street, &hs256(&secret, &honest(&street, "secretive")), "the secret, but not as it is registered").await;
    assert_eq!(reason(&street).0, "wrong_method");
    let form = |pairs: Vec<(&'static str, String)>| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        encode(&[&[grant], pairs.as_slice()].concat())
    };
    for (body, error) in [
        (form(vec![("client_assertion", jwt("app"))]), "invalid_request"),
        (form(vec![("client_assertion_type", JWT_BEARER.into()), ("client_id", "app".into())]), "invalid_request"),
        (
            form(vec![
                ("client_assertion", jwt("app")),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer".into()),
            ]),
            "invalid_request",
        ),
        (form(vec![("client_id", "app".into())]), "invalid_client"),
    ] {
        let request = street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded");
        assert_eq!(street.send(request.body(body.clone())).await.error(), error, "{body}");
    }
}

#[tokio::test]
async fn attack_55_none_of_our_own_tokens_is_an_assertion() {
    let (street, keys) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256));
    street.app_as("app", draft("private_key_jwt", Some(&keys))).await;
    let plain_app = street.app("plain").await;
    let tokens = street.tokens(&plain_app, "alice").await;
    // A client that is named like our issuer would have to exist for these to get as far as a signature; then they fail there.
    for name in ["id_token", "access_token"] {
        is_refused(&street, tokens[name].as_str().unwrap(), name).await;
    }
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt", "token-introspection+jwt"] {
        is_refused(&street, &keys.jwt(typ, &honest(&street, "app")), typ).await;
        assert_eq!(reason(&street), ("bad_assertion".into(), "assertion: typ is that of another kind of token".into()));
    }
    assert_eq!(asks_for_a_token(&street, &keys.jwt("client-authentication+jwt", &honest(&street, "app"))).await.status, StatusCode::OK);
    // And the other way round: an assertion opens nothing that a token opens.
    assert!(!street.is_good(&keys.jwt("JWT", &honest(&street, "app"))).await);
}

#[tokio::test]
async fn oidc_core_section_9_client_secret_jwt_with_the_secret_as_it_was_given() {
    let street = Street::open().await;
    let App { secret, .. } = street.app_as("app", draft("client_secret_jwt", None)).await;
    let secret = secret.unwrap();
    let good = hs256(&secret, &honest(&street, "app"));
    assert_eq!(asks_for_a_token(&street, &good).await.status, StatusCode::OK);
    is_refused(&street, &good, "used before").await;
    is_refused(&street, &hs256("", &honest(&street, "app")), "an empty secret").await;
    is_refused(&street, &hs256(&secret[..42], &honest(&street, "app")), "a part of the secret").await;
    let keys = IssuerKeys::new(SigningAlg::Rs256);
    is_refused(&street, &keys.jwt("JWT", &honest(&street, "app")), "a key of its own").await;
    let basic = crate::street::basic("app", &secret);
    let request = street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded").header("authorization", basic);
    assert_eq!(street.send(request.body("grant_type=client_credentials")).await.error(), "invalid_client", "the secret itself is not sent");
}

#[tokio::test]
async fn a_secret_is_kept_sealed_only_where_it_is_the_key_of_an_hmac() {
    let street = Street::open().await;
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    let (client, first) = street.rig.register(street.gateway(), "app", draft("client_secret_jwt", None)).await;
    assert!(client.secrets.iter().all(|secret| secret.sealed.is_some()));
    assert!(!serde_json::to_string(&client).unwrap().contains(first.as_deref().unwrap()));
    let replace = async |method: &str, version| {
        let draft = draft(method, None);
        street.gateway().replace_client(&street.rig.witness(), &actor, "app", &draft, Some(version)).await.unwrap()
    };
    let (plain, none) = replace("client_secret_basic", client.version).await;
    assert!(none.is_none(), "the same secret goes on, by its digest");
    assert!(plain.secrets.iter().all(|secret| secret.sealed.is_none()));
    let (again, new) = replace("client_secret_jwt", plain.version).await;
    assert_eq!((again.secrets.len(), again.secrets[0].sealed.is_some(), new.is_some()), (1, true, true), "an HMAC needs a new one");
}
