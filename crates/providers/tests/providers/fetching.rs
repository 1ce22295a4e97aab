use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{PublicKeyData, SigningKey};
use serde_json::{Value, json};
use vestibule_domain::{
    client::SigningAlg,
    ports::{Clock, IdentityProvider},
    provider::{Phase, ProviderError},
};
use vestibule_testkit::issuer::{Answer, CLIENT_ID, Manners, Place};

use crate::bench::{Bench, change, rule};

const HOUR: Duration = Duration::from_hours(1);

fn text(body: impl Into<String>) -> Answer {
    Answer::Text { status: 200, content_type: "application/json", body: body.into() }
}

fn dead(manners: &mut Manners) {
    for place in [Place::Discovery, Place::Keys] {
        manners.answers.insert(place, Answer::Reset);
    }
}

#[tokio::test]
async fn attack_03_oidc_discovery_section_4_3_asvs_10_5_3_metadata_of_another_issuer_is_refused() {
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| change(&mut manners.discovery, "issuer", "https://honest.example"));
    assert_eq!(rule(bench.sign_in().await), (Phase::Discovery, "issuer"));
    assert_eq!(bench.steps.taken(), [(Phase::Discovery, "invalid")]);
}

#[tokio::test]
async fn a_check_fetches_what_the_first_sign_in_needs() {
    let bench = Bench::new().await;
    bench.provider.check().await.unwrap();
    bench.sign_in().await.unwrap();
    assert_eq!((bench.times_asked(Place::Discovery), bench.times_asked(Place::Keys)), (1, 1));
    let sick = Bench::new().await;
    sick.issuer.behaves(|manners| drop(manners.answers.insert(Place::Keys, Answer::html(404))));
    assert_eq!(rule(sick.provider.check().await), (Phase::Keys, "status"));
    let nobody = Bench::new().await;
    nobody.issuer.behaves(|manners| drop(manners.answers.insert(Place::Discovery, Answer::html(404))));
    assert_eq!(rule(nobody.provider.check().await), (Phase::Discovery, "misconfigured"));
}

#[tokio::test]
async fn a_check_looks_past_what_was_kept_and_leaves_what_it_got_for_everybody() {
    let bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.issuer.rotates_keys(SigningAlg::Rs256);
    bench.provider.check().await.unwrap();
    assert_eq!((bench.times_asked(Place::Discovery), bench.times_asked(Place::Keys)), (2, 2));
    bench.sign_in().await.unwrap();
    assert_eq!((bench.times_asked(Place::Discovery), bench.times_asked(Place::Keys)), (2, 2), "the new keys are there");
    bench.issuer.behaves(dead);
    assert_eq!(rule(bench.provider.check().await), (Phase::Discovery, "unreachable"));
    bench.sign_in().await.unwrap();
    let asked = bench.times_asked(Place::Discovery);
    let (one, other) = tokio::join!(bench.provider.check(), bench.provider.check());
    assert!(one.is_err() && other.is_err());
    assert_eq!(bench.times_asked(Place::Discovery), asked + 1, "who looks while another looks is told the same");
}

#[tokio::test]
async fn many_sign_ins_at_once_ask_for_metadata_and_keys_once() {
    let bench = Bench::new().await;
    let (a, b, c, d) = tokio::join!(bench.sign_in(), bench.sign_in(), bench.sign_in(), bench.sign_in());
    assert!(a.is_ok() && b.is_ok() && c.is_ok() && d.is_ok());
    assert_eq!((bench.times_asked(Place::Discovery), bench.times_asked(Place::Keys)), (1, 1));
}

#[tokio::test]
async fn metadata_and_keys_are_used_for_an_hour_and_for_a_day_when_the_issuer_is_down() {
    let bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.clock.advance(Duration::from_mins(59));
    bench.sign_in().await.unwrap();
    assert_eq!(bench.times_asked(Place::Discovery), 1);
    bench.issuer.behaves(dead);
    bench.clock.advance(HOUR);
    bench.sign_in().await.unwrap();
    assert_eq!((bench.times_asked(Place::Discovery), bench.times_asked(Place::Keys)), (2, 2));
    bench.clock.advance(HOUR * 23);
    assert_eq!(rule(bench.sign_in().await), (Phase::Discovery, "unreachable"));
    bench.issuer.behaves(|manners| manners.answers.clear());
    bench.clock.advance(Duration::from_secs(10));
    bench.sign_in().await.unwrap();
}

#[tokio::test]
async fn attack_22_a_dead_issuer_is_asked_every_ten_seconds_and_not_for_every_login() {
    let bench = Bench::new().await;
    bench.issuer.behaves(dead);
    for _ in 0..5 {
        assert_eq!(rule(bench.sign_in().await), (Phase::Discovery, "unreachable"));
    }
    assert_eq!(bench.times_asked(Place::Discovery), 1);
    bench.clock.advance(Duration::from_secs(10));
    assert!(bench.sign_in().await.is_err());
    assert_eq!(bench.times_asked(Place::Discovery), 2);
}

#[tokio::test]
async fn oidc_core_section_10_1_1_rotated_keys_are_found_at_the_next_sign_in_wherever_they_are_now() {
    let bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.issuer.rotates_keys(SigningAlg::Rs256);
    bench.issuer.behaves(|manners| change(&mut manners.discovery, "jwks_uri", format!("{}/jwks?moved", bench.issuer.url())));
    let (one, other) = tokio::join!(bench.sign_in(), bench.sign_in());
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(bench.issuer.seen_at(Place::Keys).iter().map(|seen| seen.target.as_str()).collect::<Vec<_>>(), ["/jwks", "/jwks?moved"]);
}

/// A key of an issuer that gives its keys no name.
struct Nameless(rcgen::KeyPair);

impl Nameless {
    fn new() -> Self {
        Self(rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap())
    }

    fn jwks(&self) -> Value {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(self.0.der_bytes())}]})
    }

    fn id_token(&self, bench: &Bench, nonce: &str) -> String {
        let now = bench.clock.now().as_secs();
        let claims = json!({"iss": bench.issuer.url(), "sub": "person-1", "aud": CLIENT_ID, "exp": now + 600, "iat": now, "nonce": nonce});
        let encoded = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encoded(json!({"alg": "EdDSA"})), encoded(claims));
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(input.as_bytes()).unwrap()))
    }

    /// Signs in at an issuer that publishes `published` and signs with this key.
    async fn sign_in(&self, bench: &Bench, published: &Self) -> Result<String, ProviderError> {
        bench.issuer.behaves(|manners| manners.jwks = Some(published.jwks()));
        let (callback, kept) = bench.there_and_back().await?;
        let token = self.id_token(bench, &kept.nonce);
        bench.issuer.behaves(|manners| change(&mut manners.token, "id_token", token));
        bench.complete(callback, kept).await.map(|arrival| arrival.subject)
    }
}

#[tokio::test]
async fn oidc_core_section_10_1_1_rotated_keys_are_found_though_they_have_no_names() {
    let bench = Bench::new().await;
    let (first, second) = (Nameless::new(), Nameless::new());
    first.sign_in(&bench, &first).await.unwrap();
    assert_eq!(bench.times_asked(Place::Keys), 1);
    second.sign_in(&bench, &second).await.unwrap();
    assert_eq!(bench.times_asked(Place::Keys), 2);
}

#[tokio::test]
async fn attack_22_wrong_signatures_without_a_key_id_fetch_keys_at_most_once_a_minute() {
    let bench = Bench::new().await;
    let (published, forger) = (Nameless::new(), Nameless::new());
    published.sign_in(&bench, &published).await.unwrap();
    for _ in 0..10 {
        assert_eq!(rule(forger.sign_in(&bench, &published).await), (Phase::Token, "signature"));
        bench.clock.advance(Duration::from_secs(5));
    }
    assert_eq!(bench.times_asked(Place::Keys), 2);
}

#[tokio::test]
async fn attack_22_keys_that_could_not_be_renewed_are_looked_for_again_after_a_short_rest() {
    let bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.issuer.rotates_keys(SigningAlg::Es256);
    bench.issuer.behaves(|manners| drop(manners.answers.insert(Place::Keys, Answer::Reset)));
    assert_eq!(rule(bench.sign_in().await), (Phase::Token, "kid"));
    assert_eq!(rule(bench.sign_in().await), (Phase::Token, "kid"));
    assert_eq!(bench.times_asked(Place::Keys), 2, "not once for every login");
    bench.issuer.behaves(|manners| manners.answers.clear());
    bench.clock.advance(Duration::from_secs(10));
    bench.sign_in().await.unwrap();
}

#[tokio::test]
async fn what_was_being_fetched_arrives_though_its_caller_went_away() {
    let bench = Bench::new().await;
    tokio::select! {
        biased;
        sent = bench.there_and_back() => panic!("it waits for the network: {}", sent.is_ok()),
        () = std::future::ready(()) => {}
    }
    for _ in 0..100 {
        if bench.steps.taken() == [(Phase::Discovery, "ok")] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench.there_and_back().await.unwrap();
    assert_eq!(bench.steps.taken(), [(Phase::Discovery, "ok")]);
    assert_eq!(bench.times_asked(Place::Discovery), 1);
}

#[tokio::test]
async fn attack_22_unknown_key_ids_fetch_keys_at_most_once_a_minute() {
    let bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    for at in 0..10 {
        let refused = bench.refused_with(|manners| change(&mut manners.header, "kid", format!("unknown-{at}"))).await;
        assert_eq!(refused, (Phase::Token, "kid"));
        bench.clock.advance(Duration::from_secs(5));
    }
    assert_eq!(bench.times_asked(Place::Keys), 2);
    bench.clock.advance(Duration::from_secs(10));
    bench.refused_with(|manners| change(&mut manners.header, "kid", "unknown")).await;
    assert_eq!((bench.times_asked(Place::Keys), bench.times_asked(Place::Discovery)), (3, 3));
}

#[tokio::test]
async fn attack_22_floods_of_keys_and_endless_documents_are_cut() {
    let bench = Bench::new().await;
    bench.provider.check().await.unwrap();
    let key = bench.issuer.keys().jwks()["keys"][0].clone();
    let fresh = || Bench::new();
    let flooded = fresh().await;
    let flood = json!({ "keys": vec![key; 101] });
    assert_eq!(flooded.refused_with(|manners| manners.jwks = Some(flood)).await, (Phase::Keys, "keys"));
    for (answer, expected) in [
        (Answer::Huge(50 << 20), "too_large"),
        (Answer::Drip, "unreachable"),
        (Answer::Hang, "unreachable"),
        (text(r#"{"keys":[],"keys":[]}"#), "json"),
        (text(r#"{"keys":{}}"#), "keys"),
        (text("[]"), "json"),
        (text("[".repeat(100_000)), "json"),
        (Answer::html(200), "content_type"),
    ] {
        let bench = fresh().await;
        let refused = bench.refused_when(Place::Keys, answer.clone()).await;
        assert_eq!(refused, (Phase::Keys, expected));
    }
}

#[tokio::test]
async fn attack_22_a_set_that_turns_bad_leaves_the_good_one_in_use() {
    let bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.issuer.behaves(|manners| drop(manners.answers.insert(Place::Keys, Answer::Huge(1 << 20))));
    bench.clock.advance(HOUR * 2);
    bench.sign_in().await.unwrap();
}

#[tokio::test]
async fn attack_30_compressed_bombs_are_cut_wherever_they_come_from() {
    for bomb in [Answer::GzipBomb, Answer::BrotliBomb] {
        for (place, phase) in [
            (Place::Discovery, Phase::Discovery),
            (Place::Keys, Phase::Keys),
            (Place::Token, Phase::Token),
            (Place::Userinfo, Phase::Userinfo),
        ] {
            let bench = Bench::new().await;
            assert_eq!(bench.refused_when(place, bomb.clone()).await, (phase, "too_large"), "{bomb:?}");
        }
    }
}

#[tokio::test]
async fn attack_31_redirects_are_not_followed_wherever_they_come_from() {
    let evil = Bench::new().await;
    for (place, phase) in
        [(Place::Discovery, Phase::Discovery), (Place::Keys, Phase::Keys), (Place::Token, Phase::Token), (Place::Userinfo, Phase::Userinfo)]
    {
        let bench = Bench::new().await;
        for target in [evil.issuer.url(), bench.issuer.url()] {
            let answer = Answer::Redirect(format!("{target}{}", place.path()));
            assert_eq!(bench.refused_when(place, answer).await, (phase, "redirect"));
            bench.clock.advance(Duration::from_secs(11));
        }
    }
    assert!(evil.issuer.seen().is_empty());
}

#[tokio::test]
async fn attack_42_endpoints_that_name_our_network_are_not_asked() {
    let inside = Bench::new().await;
    for (name, phase) in [("token_endpoint", Phase::Token), ("jwks_uri", Phase::Keys), ("userinfo_endpoint", Phase::Userinfo)] {
        for target in
            [inside.issuer.url(), "http://169.254.169.254".into(), "https://[::ffff:127.0.0.1]".into(), "https://2130706433".into()]
        {
            let bench = Bench::new().await;
            let refused = bench.refused_with(|manners| change(&mut manners.discovery, name, format!("{target}/x"))).await;
            assert_eq!(refused, (phase, "address"), "{name} {target}");
        }
    }
    assert!(inside.issuer.seen().is_empty());
}

#[tokio::test]
async fn attack_42_endpoints_at_odd_ports_are_not_asked() {
    for (name, phase) in [("token_endpoint", Phase::Token), ("jwks_uri", Phase::Keys), ("userinfo_endpoint", Phase::Userinfo)] {
        for target in ["https://8.8.8.8:22", "https://issuer.example:6379", "https://issuer.example:25"] {
            let bench = Bench::new().await;
            let refused = bench.refused_with(|manners| change(&mut manners.discovery, name, format!("{target}/x"))).await;
            assert_eq!(refused, (phase, "address"), "{name} {target}");
        }
    }
}

#[tokio::test]
async fn metadata_that_is_none_is_refused() {
    for (body, expected) in [("{}", "issuer"), ("null", "json"), ("", "json"), (r#"{"issuer":1,"issuer":2}"#, "json")] {
        let bench = Bench::new().await;
        assert_eq!(bench.refused_when(Place::Discovery, text(body)).await, (Phase::Discovery, expected), "{body}");
    }
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| change(&mut manners.discovery, "token_endpoint", Value::Null));
    let error = bench.sign_in().await.unwrap_err();
    assert!(matches!(error, ProviderError::Invalid { rule: "endpoint", .. }), "{error}");
}
