//! Requests that clients sign (RFC 9101).

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::{client::SigningAlg, registration::Draft};
use vestibule_testkit::issuer::{Claims, IssuerKeys, Signature};

use crate::{
    par::{goes_on, link},
    street::{Answer, App, Browser, CALLBACK, CHALLENGE, Street, claims, encode, plain},
};

const ISSUER: &str = "https://sso.example.com";

struct Signer {
    app: App,
    keys: IssuerKeys,
}

impl Signer {
    async fn registered(street: &Street, draft: Draft) -> Self {
        let keys = IssuerKeys::new(SigningAlg::Es256);
        let app = street.app_as("app", Draft { jwks: Some(keys.jwks()), ..draft }).await;
        Self { app, keys }
    }

    /// What the app signs, with members changed or, by null, left out.
    fn claims(&self, street: &Street, changed: &Value) -> Value {
        let now = street.rig.witness().now.as_secs();
        let mut claims = json!({
            "iss": self.app.id, "aud": ISSUER, "exp": now + 300, "nbf": now, "client_id": self.app.id, "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid profile", "state": "signed-state", "nonce": "signed-nonce",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let members = claims.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        members.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
    }

    fn object(&self, street: &Street, changed: &Value) -> String {
        self.keys.jwt("oauth-authz-req+jwt", &self.claims(street, changed))
    }

    /// An honest object, signed in this way.
    fn signed(&self, street: &Street, how: &Signature) -> String {
        let payload = self.claims(street, &json!({})).to_string();
        self.keys.sign("oauth-authz-req+jwt", &Claims::new(), payload.as_bytes(), how)
    }

    /// A browser comes with an object, and with what stands beside it.
    async fn sends(&self, street: &Street, browser: &mut Browser, object: &str, beside: &[(&str, &str)]) -> Answer {
        let query = encode(&[&[("client_id", self.app.id.as_str()), ("request", object)], beside].concat());
        street.goes(browser, &format!("/authorize?{query}")).await
    }
}

#[tokio::test]
async fn rfc_9101_section_6_3_what_is_signed_counts_and_nothing_else() {
    let street = Street::open().await;
    let signer = Signer::registered(&street, Draft { require_signed_requests: true, ..plain() }).await;
    let object = signer.object(&street, &json!({}));
    let mut browser = Browser::default();
    let beside = [("scope", "openid email groups"), ("state", "evil"), ("nonce", "evil"), ("prompt", "none"), ("response_type", "code")];
    let page = signer.sends(&street, &mut browser, &object, &beside).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let landed = goes_on(&street, &mut browser, &page, "alice").await;
    assert_eq!(landed.parameter("state").as_deref(), Some("signed-state"));
    let tokens = street.redeems(&signer.app, &landed.parameter("code").unwrap()).await.json();
    assert_eq!((&tokens["scope"], &claims(&tokens["id_token"])["nonce"]), (&json!("openid profile"), &json!("signed-nonce")));
}

#[tokio::test]
async fn rfc_9126_section_3_a_signed_request_is_pushed() {
    let street = Street::open().await;
    let draft = Draft { require_signed_requests: true, require_pushed_requests: true, ..plain() };
    let signer = Signer::registered(&street, draft).await;
    let object = signer.object(&street, &json!({}));
    let in_the_open = signer.sends(&street, &mut Browser::default(), &object, &[]).await;
    assert_eq!(in_the_open.parameter("error").as_deref(), Some("invalid_request"), "it must be pushed, too");
    let unsigned = street.asks(&signer.app, "/par", &crate::par::form(&[])).await;
    assert_eq!((unsigned.status, unsigned.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
    let spoilt = signer.signed(&street, &Signature::Spoilt);
    let refused = street.asks(&signer.app, "/par", &[("request", &spoilt)]).await;
    assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request_object"));

    let pushed = street.asks(&signer.app, "/par", &[("request", &object), ("scope", "openid groups")]).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &link(&signer.app, pushed.json()["request_uri"].as_str().unwrap())).await;
    let landed = goes_on(&street, &mut browser, &page, "alice").await;
    let tokens = street.redeems(&signer.app, &landed.parameter("code").unwrap()).await.json();
    assert_eq!(tokens["scope"], "openid profile");
}

#[tokio::test]
async fn rfc_9101_section_10_5_a_client_that_signs_always_can_not_be_asked_for_without() {
    let street = Street::open().await;
    let signer = Signer::registered(&street, Draft { require_signed_requests: true, ..plain() }).await;
    let answer = street.goes(&mut Browser::default(), &Street::link(&signer.app, &[])).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn attack_60_attack_18_an_object_that_the_client_did_not_sign_is_refused() {
    let street = Street::open().await;
    let signer = Signer::registered(&street, plain()).await;
    let stranger = IssuerKeys::new(SigningAlg::Es256);
    let other = IssuerKeys::new(SigningAlg::Rs256);
    let signed = |how: Signature| signer.signed(&street, &how);
    let good = signed(Signature::Good);
    let cut = good[..good.len() - 8].to_owned();
    for (object, why) in [
        (signed(Signature::Unsigned("none".into())), "alg none"),
        (signed(Signature::Unsigned("nOnE".into())), "alg nOnE"),
        (signed(Signature::HmacOfPublicKey), "HMAC under the public key"),
        (signed(Signature::Spoilt), "a bit of the signature"),
        (signed(Signature::Zeros), "a signature of zeros"),
        (stranger.jwt("oauth-authz-req+jwt", &signer.claims(&street, &json!({}))), "another's key"),
        (other.jwt("oauth-authz-req+jwt", &signer.claims(&street, &json!({}))), "another's key, another algorithm"),
        (signer.keys.jwt("at+jwt", &signer.claims(&street, &json!({}))), "another kind of token"),
        (cut, "cut"),
        ("a.b.c".into(), "no JWT"),
        ("x".repeat(20_000), "too long"),
    ] {
        let beside = [("redirect_uri", CALLBACK), ("state", "outer")];
        let answer = signer.sends(&street, &mut Browser::default(), &object, &beside).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request_object"), "{why}: {answer:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some("outer"));
        let answer = signer.sends(&street, &mut Browser::default(), &object, &[]).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "request_invalid"), "{why}: nowhere to tell the app");
    }
}

#[tokio::test]
async fn attack_60_an_object_that_says_something_else_than_what_stands_beside_it_is_refused() {
    let street = Street::open().await;
    let signer = Signer::registered(&street, plain()).await;
    street.app("other").await;
    let error = |answer: &Answer| answer.parameter("error");
    let refused = Some("invalid_request_object".to_owned());
    for bad in [
        json!({ "client_id": "other" }),
        json!({ "client_id": null }),
        json!({ "iss": "other" }),
        json!({ "aud": "https://other.example" }),
        json!({ "sub": "app" }),
        json!({ "exp": null }),
        json!({ "exp": 1 }),
        json!({ "request": "a.b.c" }),
        json!({ "request_uri": "urn:ietf:params:oauth:request_uri:x" }),
        json!({ "scope": ["openid"] }),
    ] {
        let object = signer.object(&street, &bad);
        let answer = signer.sends(&street, &mut Browser::default(), &object, &[("redirect_uri", CALLBACK)]).await;
        assert_eq!(error(&answer), refused, "{bad}");
    }
    let object = signer.object(&street, &json!({ "redirect_uri": "https://app.example.com/other" }));
    let answer = signer.sends(&street, &mut Browser::default(), &object, &[("redirect_uri", CALLBACK)]).await;
    assert_eq!(error(&answer), refused, "the addresses differ");
    let answer = signer.sends(&street, &mut Browser::default(), &object, &[]).await;
    assert_eq!((answer.page(), answer.location()), ("redirect_mismatch", None), "one that is signed must be registered all the same");
    let object = signer.object(&street, &json!({}));
    let answer = signer.sends(&street, &mut Browser::default(), &object, &[("redirect_uri", "https://evil.test/cb")]).await;
    assert_eq!((answer.page(), answer.location()), ("request_invalid", None));
    let other = format!("/authorize?{}", encode(&[("client_id", "other"), ("request", &object), ("redirect_uri", CALLBACK)]));
    let answer = street.goes(&mut Browser::default(), &other).await;
    assert_eq!(error(&answer).as_deref(), Some("request_not_supported"), "a client without keys");
    let wrong = signer.object(&street, &json!({ "scope": "openid admin" }));
    let answer = signer.sends(&street, &mut Browser::default(), &wrong, &[]).await;
    assert_eq!((error(&answer).as_deref(), answer.parameter("state").as_deref()), (Some("invalid_scope"), Some("signed-state")));
    let both = [("request_uri", "urn:example:x"), ("redirect_uri", CALLBACK)];
    assert_eq!(error(&signer.sends(&street, &mut Browser::default(), &object, &both).await).as_deref(), Some("invalid_request"));
    let twice = format!("/authorize?{}&request=a.b.c", encode(&[("client_id", "app"), ("request", &object), ("redirect_uri", CALLBACK)]));
    assert_eq!(error(&street.goes(&mut Browser::default(), &twice).await).as_deref(), Some("invalid_request"), "attack 47");
}

#[tokio::test]
async fn rfc_9101_section_9_only_the_algorithm_that_a_client_named_will_do() {
    let street = Street::open().await;
    let keys = IssuerKeys::new(SigningAlg::Rs256);
    let draft = |alg: &str| Draft { jwks: Some(keys.jwks()), request_object_alg: Some(alg.into()), ..plain() };
    for (alg, taken) in [("RS256", true), ("ES256", false)] {
        let app = street.app_as(&format!("app-{alg}"), draft(alg)).await;
        let signer = Signer { app, keys: IssuerKeys::new(SigningAlg::Es256) };
        let object = keys.jwt("oauth-authz-req+jwt", &signer.claims(&street, &json!({})));
        let answer = signer.sends(&street, &mut Browser::default(), &object, &[]).await;
        assert_eq!(answer.status == StatusCode::OK, taken, "{alg}: {answer:?}");
    }
    let unread = street.send(street.request(http::Method::GET, "/.well-known/openid-configuration").finish()).await.json();
    assert_eq!(unread["request_parameter_supported"], true);
    assert!(!unread["request_object_signing_alg_values_supported"].to_string().contains("none"));
}

#[tokio::test]
async fn keys_at_an_address_are_fetched_and_new_ones_are_found() {
    let street = Street::open().await;
    let at = "https://app.example.com/jwks";
    let keys = IssuerKeys::new(SigningAlg::Es256);
    street.rig.client_keys.publish(at, Some(keys.jwks().to_string().into_bytes()));
    let app = street.app_as("app", Draft { jwks_uri: Some(at.into()), ..plain() }).await;
    let signer = Signer { app, keys };
    let answer = signer.sends(&street, &mut Browser::default(), &signer.object(&street, &json!({})), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let signer = Signer { keys: IssuerKeys::new(SigningAlg::Es256), ..signer };
    street.rig.client_keys.publish(at, Some(signer.keys.jwks().to_string().into_bytes()));
    let answer = signer.sends(&street, &mut Browser::default(), &signer.object(&street, &json!({})), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}
