use std::{collections::BTreeMap, time::Duration};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;
use vestibule_domain::{
    client::SigningAlg,
    ports::{Clock, IdentityProvider},
    provider::{Departure, Phase},
};
use vestibule_providers::oidc::TokenAuth;
use vestibule_testkit::issuer::{CLIENT_SECRET, Person, Place};

use crate::bench::{Bench, REDIRECT_URI, change, departure};

#[tokio::test]
async fn somebody_signs_in_and_everything_the_issuer_said_is_there() {
    let bench = Bench::new().await;
    bench.issuer.signs_in(Person::new("anna").with("groups", json!(["staff"])));
    bench.issuer.behaves(|manners| {
        change(&mut manners.claims, "amr", json!(["pwd", "otp"]));
        change(&mut manners.claims, "acr", "urn:mfa");
    });
    let arrival = bench.sign_in().await.unwrap();
    let now = bench.clock.now();
    assert_eq!((arrival.issuer, arrival.subject.as_str()), (bench.issuer.url(), "anna"));
    assert_eq!((arrival.auth_time, arrival.acr.as_deref()), (Some(now), Some("urn:mfa")));
    assert_eq!(arrival.amr, ["pwd", "otp"]);
    let profile = bench.provider.terms().profile_of(&arrival.claims).profile;
    assert_eq!(profile.email.as_deref(), Some("anna@people.example"));
    assert!(profile.email_verified && profile.groups == ["staff"]);
    for name in ["nonce", "aud", "exp", "iat", "at_hash", "auth_time"] {
        assert!(!arrival.claims.contains_key(name), "{name} is about the token and not the person");
    }
    let text = |token: Option<secrecy::SecretString>| token.unwrap().expose_secret().to_owned();
    assert!(text(arrival.tokens.access_token).starts_with("access-") && text(arrival.tokens.refresh_token).starts_with("refresh-"));
    assert_eq!(text(arrival.tokens.id_token).split('.').count(), 3);
    assert_eq!(
        (arrival.tokens.expires, arrival.tokens.scope.as_deref()),
        (Some(now + Duration::from_hours(1)), Some("openid profile email"))
    );
    let steps = [(Phase::Discovery, "ok"), (Phase::Token, "ok"), (Phase::Keys, "ok"), (Phase::Userinfo, "ok")];
    assert_eq!(bench.steps.taken(), steps);
    assert_eq!(bench.steps.requests(), steps.map(|(phase, _)| (phase, Some(200))), "each request, with its status");
}

#[tokio::test]
async fn every_allowed_algorithm_is_understood() {
    for &alg in SigningAlg::ALL {
        let arrival = Bench::signing(alg).await.sign_in().await;
        assert_eq!(arrival.unwrap().subject, "person-1", "{alg}");
    }
}

#[tokio::test]
async fn rfc_6749_section_2_3_1_the_secret_goes_where_it_was_configured() {
    let basic = Bench::new().await;
    basic.sign_in().await.unwrap();
    let request = &basic.issuer.seen_at(Place::Token)[0];
    assert!(request.authorization.as_deref().unwrap().starts_with("Basic ") && request.field("client_secret").is_none());

    let post = Bench::with(|settings, _| settings.token_auth = TokenAuth::Post).await;
    post.sign_in().await.unwrap();
    let request = &post.issuer.seen_at(Place::Token)[0];
    assert_eq!((request.authorization.as_deref(), request.field("client_secret")), (None, Some(CLIENT_SECRET)));
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_the_request_says_what_was_asked_for() {
    let bench = Bench::new().await;
    let departure = Departure {
        fresh: true,
        select_account: true,
        max_age: Some(Duration::from_secs(90)),
        login_hint: Some("anna@corp.example&prompt=none".into()),
        acr_values: Some("urn:a urn:b".into()),
        ui_locales: Some("de en".into()),
        ..departure()
    };
    let sent = bench.provider.begin(&departure).await.unwrap();
    let location = Url::parse(&sent.location).unwrap();
    let parameters: BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    assert_eq!(location.query_pairs().count(), parameters.len(), "a parameter is there twice");
    assert_eq!(parameters["scope"], "openid profile email");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "vestibule"),
        ("redirect_uri", REDIRECT_URI),
        ("state", &departure.attempt.to_string()),
        ("nonce", &sent.kept.nonce),
        ("code_challenge_method", "S256"),
        ("prompt", "login select_account"),
        ("max_age", "90"),
        ("login_hint", "anna@corp.example&prompt=none"),
        ("acr_values", "urn:a urn:b"),
        ("ui_locales", "de en"),
    ] {
        assert_eq!(parameters[name], value, "{name}");
    }
    assert_eq!((sent.kept.issuer, sent.kept.pkce_verifier.len(), sent.kept.nonce.len()), (bench.issuer.url(), 43, 43));
    let again = bench.provider.begin(&departure).await.unwrap();
    assert!(again.kept.nonce != sent.kept.nonce && again.kept.pkce_verifier != sent.kept.pkce_verifier);
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_a_fresh_sign_in_asks_for_its_time() {
    let bench = Bench::new().await;
    let max_age = async |departure: Departure| {
        let sent = bench.provider.begin(&departure).await.unwrap();
        let location = Url::parse(&sent.location).unwrap();
        location.query_pairs().find(|(name, _)| name == "max_age").map(|(_, value)| value.into_owned())
    };
    assert_eq!(max_age(Departure { fresh: true, ..departure() }).await.as_deref(), Some("0"));
    assert_eq!(max_age(Departure { max_age: Some(Duration::from_secs(90)), ..departure() }).await.as_deref(), Some("90"));
    assert_eq!(max_age(departure()).await, None);
}

#[tokio::test]
async fn attack_17_pkce_is_used_though_the_metadata_does_not_speak_of_it() {
    let bench = Bench::new().await;
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        bench.issuer.behaves(|manners| change(&mut manners.discovery, "code_challenge_methods_supported", methods));
        bench.clock.advance(Duration::from_hours(2));
        let sent = bench.provider.begin(&departure()).await.unwrap();
        assert!(sent.location.contains("code_challenge_method=S256"));
        let returned = bench.issuer.visit(&sent.location).unwrap();
        bench.complete(returned.callback, sent.kept).await.unwrap();
        let request = bench.issuer.seen_at(Place::Token).pop().unwrap();
        assert_eq!(request.field("code_verifier").unwrap().len(), 43);
    }
}

#[tokio::test]
async fn oidc_discovery_section_4_3_an_issuer_may_end_in_a_slash() {
    let bench = Bench::with(|settings, issuer| settings.issuer = format!("{}/", issuer.url())).await;
    let issuer = format!("{}/", bench.issuer.url());
    bench.issuer.behaves(|manners| {
        change(&mut manners.discovery, "issuer", issuer.as_str());
        change(&mut manners.claims, "iss", issuer.as_str());
        manners.callback_iss = vestibule_testkit::issuer::CallbackIss::Other(issuer.clone());
    });
    assert_eq!(bench.sign_in().await.unwrap().issuer, issuer);
}

#[tokio::test]
async fn claims_that_some_issuers_write_as_texts_neither_stop_a_sign_in_nor_are_believed() {
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| {
        change(&mut manners.claims, "updated_at", "2026-11-25T10:00:00.000Z");
        change(&mut manners.claims, "email_verified", "true");
        manners.userinfo = manners.claims.clone();
    });
    let profile = bench.profile().await;
    assert!(profile.email.is_some() && !profile.email_verified);
}
