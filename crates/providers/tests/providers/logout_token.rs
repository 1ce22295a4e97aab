//! Logout tokens of an issuer (OpenID Connect Back-Channel Logout 1.0 §2.6): the good one, and everything that is none (attack 27).

use std::time::Duration;

use serde_json::{Map, Value, json};
use vestibule_domain::{
    client::SigningAlg,
    ports::{Clock, IdentityProvider},
    provider::{LogoutNotice, Phase, ProviderError},
};
use vestibule_testkit::issuer::{CLIENT_ID, IssuerKeys, Place, Signature};

use crate::bench::{Bench, change, rule};

fn claims(bench: &Bench) -> Map<String, Value> {
    let now = bench.clock.now().as_secs();
    let Value::Object(claims) = json!({
        "iss": bench.issuer.url(), "aud": CLIENT_ID, "sub": "person-1", "sid": "session-1", "iat": now, "exp": now + 120, "jti": "token-1",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    }) else {
        unreachable!()
    };
    claims
}

fn signed(bench: &Bench, claims: &Map<String, Value>, typ: &str, how: &Signature) -> String {
    bench.issuer.keys().sign(typ, &Map::new(), &serde_json::to_vec(claims).unwrap(), how)
}

async fn read(bench: &Bench, token: &str) -> Result<LogoutNotice, ProviderError> {
    bench.provider.logout().unwrap().read(token, bench.clock.now()).await
}

/// Which rule stops a token that was changed.
async fn refused(bench: &Bench, alter: impl FnOnce(&mut Map<String, Value>)) -> &'static str {
    let mut claims = claims(bench);
    alter(&mut claims);
    let (phase, rule) = rule(read(bench, &signed(bench, &claims, "logout+jwt", &Signature::Good)).await);
    assert_eq!(phase, Phase::Logout);
    rule
}

async fn refused_with(bench: &Bench, name: &str, value: impl Into<Value>) -> &'static str {
    refused(bench, |claims| change(claims, name, value)).await
}

#[tokio::test]
async fn back_channel_logout_section_2_6_a_good_token_names_person_and_session() {
    for &alg in SigningAlg::ALL {
        let bench = Bench::signing(alg).await;
        for typ in ["logout+jwt", "LOGOUT+JWT", "JWT"] {
            let notice = read(&bench, &signed(&bench, &claims(&bench), typ, &Signature::Good)).await.unwrap();
            assert_eq!((notice.issuer, notice.id.as_str()), (bench.issuer.url(), "token-1"));
            assert_eq!((notice.subject.as_deref(), notice.session.as_deref()), (Some("person-1"), Some("session-1")));
            assert!(notice.expires > bench.clock.now() + Duration::from_mins(10), "as long as it could be accepted");
        }
    }
    let bench = Bench::new().await;
    for (left_out, subject, session) in [("sub", None, Some("session-1")), ("sid", Some("person-1"), None)] {
        let mut claims = claims(&bench);
        claims.remove(left_out);
        let notice = read(&bench, &signed(&bench, &claims, "logout+jwt", &Signature::Good)).await.unwrap();
        assert_eq!((notice.subject.as_deref(), notice.session.as_deref()), (subject, session));
    }
}

#[tokio::test]
async fn attack_27_back_channel_logout_section_2_6_asvs_10_5_5_what_is_no_logout_token_for_us_is_refused() {
    let bench = Bench::new().await;
    for iss in [json!("https://honest.example"), json!(null), json!(format!("{}/", bench.issuer.url()))] {
        assert_eq!(refused_with(&bench, "iss", iss).await, "iss");
    }
    for aud in [json!("another"), json!([CLIENT_ID, "another"]), json!([]), json!(null)] {
        assert_eq!(refused_with(&bench, "aud", aud).await, "aud");
    }
    assert_eq!(refused_with(&bench, "nonce", "n").await, "nonce");
    assert_eq!(refused_with(&bench, "nonce", json!(null)).await, "nonce", "whatever is in it");
    for events in [
        json!(null),
        json!({}),
        json!([]),
        json!("http://schemas.openid.net/event/backchannel-logout"),
        json!({ "http://schemas.openid.net/event/backchannel-logout": true }),
        json!({ "http://schemas.openid.net/event/other": {} }),
    ] {
        assert_eq!(refused_with(&bench, "events", events).await, "events");
    }
    assert_eq!(refused(&bench, |claims| drop(claims.remove("jti"))).await, "jti");
    assert_eq!(refused_with(&bench, "jti", 7).await, "claims");
    assert_eq!(refused_with(&bench, "sid", "a\u{7}b").await, "claims");
    assert_eq!(refused(&bench, |claims| claims.retain(|name, _| name != "sub" && name != "sid")).await, "sub");
    let now = bench.clock.now().as_secs();
    assert_eq!(refused_with(&bench, "exp", now - 61).await, "exp");
    assert_eq!(refused_with(&bench, "iat", now - 700).await, "iat");
    assert_eq!(refused_with(&bench, "iat", now + 100).await, "iat");
    for name in ["exp", "iat"] {
        assert_eq!(refused(&bench, |claims| drop(claims.remove(name))).await, "claims", "{name}");
    }
    assert_eq!(bench.times_asked(Place::Keys), 1, "the keys are fetched once for all of them, and none makes us look for newer ones");
}

#[tokio::test]
async fn attack_27_unsigned_badly_signed_and_wrongly_typed_tokens_are_refused() {
    let bench = Bench::signing(SigningAlg::Rs256).await;
    let with = async |typ: &str, how: &Signature| {
        let (_, rule) = rule(read(&bench, &signed(&bench, &claims(&bench), typ, how)).await);
        rule
    };
    for typ in ["at+jwt", "secevent+jwt", "x"] {
        assert_eq!(with(typ, &Signature::Good).await, "typ", "{typ}");
    }
    assert_eq!(with("logout+jwt", &Signature::Unsigned("none".into())).await, "alg");
    assert_eq!(with("logout+jwt", &Signature::HmacOfPublicKey).await, "alg");
    assert_eq!(with("logout+jwt", &Signature::Spoilt).await, "signature");
    let others = std::sync::Arc::new(IssuerKeys::new(SigningAlg::Rs256));
    assert_eq!(with("logout+jwt", &Signature::By(others)).await, "kid");
    for garbage in ["", "x", "a.b.c", &"e30.".repeat(3)] {
        assert!(matches!(read(&bench, garbage).await, Err(ProviderError::Invalid { phase: Phase::Logout, .. })), "{garbage}");
    }
}

#[tokio::test]
async fn attack_27_an_id_token_signs_nobody_out() {
    let bench = Bench::new().await;
    let arrival = bench.sign_in().await.unwrap();
    let id_token = arrival.tokens.id_token.unwrap();
    let (_, rule) = rule(read(&bench, secrecy::ExposeSecret::expose_secret(&id_token)).await);
    assert_eq!(rule, "nonce");
    bench.issuer.behaves(|manners| change(&mut manners.claims, "sid", "its-session"));
    assert_eq!(bench.sign_in().await.unwrap().session.as_deref(), Some("its-session"));
}
