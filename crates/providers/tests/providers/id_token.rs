use std::time::Duration;

use serde_json::{Value, json};
use vestibule_domain::{client::SigningAlg, ports::Clock, provider::Phase};
use vestibule_testkit::issuer::{IssuerKeys, Manners, Place, Signature};

use crate::bench::{Bench, change};

/// Which rule stops a token with one claim changed.
async fn with_claim(bench: &Bench, name: &str, value: impl Into<Value>) -> &'static str {
    let (phase, rule) = bench.refused_with(|manners| change(&mut manners.claims, name, value)).await;
    assert_eq!(phase, Phase::Token);
    rule
}

async fn accepts(bench: &Bench, alter: impl FnOnce(&mut Manners)) {
    bench.issuer.behaves(|manners| *manners = Manners::default());
    bench.issuer.behaves(alter);
    bench.sign_in().await.unwrap();
}

#[tokio::test]
async fn attack_05_oidc_core_section_3_1_3_7_a_token_that_names_another_issuer_is_refused() {
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| change(&mut manners.claims, "sub", "victim"));
    for iss in
        [json!("https://honest.example"), json!(format!("{}/", bench.issuer.url())), json!(null), json!(7), json!([bench.issuer.url()])]
    {
        assert_eq!(with_claim(&bench, "iss", iss).await, "iss");
    }
    // The library compares parsed URLs; we compare texts.
    assert_eq!(with_claim(&bench, "iss", bench.issuer.url().replace("http:", "HTTP:")).await, "iss");
}

#[tokio::test]
async fn attack_06_the_same_subject_at_two_issuers_arrives_under_two_issuers() {
    let (one, other) = (Bench::new().await, Bench::new().await);
    let (a, b) = (one.sign_in().await.unwrap(), other.sign_in().await.unwrap());
    assert_eq!(a.subject, b.subject);
    assert_ne!(a.issuer, b.issuer);
}

#[tokio::test]
async fn attack_15_oidc_core_section_3_1_3_7_asvs_10_5_1_a_missing_or_other_nonce_is_refused() {
    let bench = Bench::new().await;
    assert_eq!(with_claim(&bench, "nonce", json!(null)).await, "nonce");
    assert_eq!(with_claim(&bench, "nonce", "").await, "nonce");
    assert_eq!(with_claim(&bench, "nonce", "another").await, "nonce");
    assert_eq!(with_claim(&bench, "nonce", 7).await, "nonce");
}

#[tokio::test]
async fn attack_18_unsigned_badly_signed_and_oddly_signed_tokens_are_refused() {
    for &alg in SigningAlg::ALL {
        let bench = Bench::signing(alg).await;
        for none in ["none", "None", "nOnE"] {
            assert_eq!(bench.refused_with(|manners| manners.signature = Signature::Unsigned(none.into())).await, (Phase::Token, "alg"));
        }
        assert_eq!(bench.refused_with(|manners| manners.signature = Signature::Unsigned(alg.to_string())).await, (Phase::Token, "alg"));
        assert_eq!(bench.refused_with(|manners| manners.signature = Signature::HmacOfPublicKey).await, (Phase::Token, "alg"));
        for signature in [Signature::Spoilt, Signature::Zeros] {
            let refused = bench.refused_with(|manners| manners.signature = signature.clone()).await;
            assert_eq!(refused, (Phase::Token, "signature"), "{alg} {signature:?}");
        }
    }
}

#[tokio::test]
async fn attack_18_an_algorithm_of_another_kind_of_key_finds_no_key() {
    let bench = Bench::signing(SigningAlg::Rs256).await;
    for alg in ["ES256", "EdDSA", "PS256"] {
        assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "alg", alg)).await, (Phase::Token, "kid"), "{alg}");
    }
    for alg in ["HS256", "RS512", "ES256K", "RSA1_5", ""] {
        assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "alg", alg)).await, (Phase::Token, "alg"), "{alg}");
    }
}

#[tokio::test]
async fn attack_18_oidc_core_section_3_1_3_7_only_algorithms_of_the_configuration_are_accepted() {
    let bench = Bench::with(|settings, _| settings.allowed_algs = vec![SigningAlg::Rs256]).await;
    assert_eq!(bench.refused_with(|_| {}).await, (Phase::Token, "alg"));
}

#[tokio::test]
async fn attack_18_extensions_encryption_and_other_kinds_of_token_are_refused() {
    let bench = Bench::new().await;
    assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "crit", json!(["exp"]))).await, (Phase::Token, "crit"));
    assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "b64", false)).await, (Phase::Token, "crit"));
    for typ in ["at+jwt", "logout+jwt", "application/at+jwt", "secevent+jwt", "dpop+jwt"] {
        assert_eq!(bench.refused_with(|manners| manners.typ = typ.into()).await, (Phase::Token, "typ"), "{typ}");
    }
    accepts(&bench, |manners| manners.typ = "jwt".into()).await;
    let encrypted = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00iLCJ6aXAiOiJERUYifQ.AA.AA.AA.AA";
    assert_eq!(bench.refused_with(|manners| change(&mut manners.token, "id_token", encrypted)).await.0, Phase::Token);
}

#[tokio::test]
async fn attack_18_a_key_too_weak_to_trust_is_no_key() {
    let bench = Bench::signing(SigningAlg::Rs256).await;
    let mut weak = bench.issuer.keys().jwks();
    weak["keys"][0]["e"] = json!("AQ");
    assert_eq!(bench.refused_with(|manners| manners.jwks = Some(weak)).await, (Phase::Keys, "keys"));
}

#[tokio::test]
async fn attack_19_a_key_that_the_token_brings_along_is_not_fetched_or_used() {
    let (bench, evil) = (Bench::new().await, Bench::new().await);
    let address = format!("{}/jwks", evil.issuer.url());
    let forged = |manners: &mut Manners| {
        manners.signature = Signature::By(evil.issuer.keys());
        change(&mut manners.header, "jwk", evil.issuer.keys().jwks()["keys"][0].clone());
        for name in ["jku", "x5u"] {
            change(&mut manners.header, name, address.as_str());
        }
    };
    assert_eq!(bench.refused_with(forged).await, (Phase::Token, "kid"));
    assert!(evil.issuer.seen().is_empty());
}

#[tokio::test]
async fn attack_20_hostile_and_missing_key_ids_find_nothing() {
    let bench = Bench::new().await;
    for kid in ["../../../../etc/passwd", "' OR 1=1 --", "", "\u{0}"] {
        assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "kid", kid)).await, (Phase::Token, "kid"), "{kid:?}");
    }
    assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "kid", "k".repeat(1 << 16))).await, (Phase::Token, "jwt"));
    assert_eq!(bench.refused_with(|manners| change(&mut manners.header, "kid", 7)).await.0, Phase::Token);
    // Without a kid, one of several keys could be meant.
    let mut several = bench.issuer.keys().jwks();
    let other = IssuerKeys::new(SigningAlg::Es256).jwks()["keys"][0].clone();
    several["keys"].as_array_mut().unwrap().push(other);
    bench.clock.advance(Duration::from_hours(2));
    let refused = bench.refused_with(|manners| {
        manners.jwks = Some(several);
        change(&mut manners.header, "kid", json!(null));
    });
    assert_eq!(refused.await, (Phase::Token, "kid"));
}

#[tokio::test]
async fn attack_21_a_key_of_one_issuer_checks_nothing_for_another() {
    let (honest, evil) = (Bench::new().await, Bench::new().await);
    evil.sign_in().await.unwrap();
    assert_eq!(honest.refused_with(|manners| manners.signature = Signature::By(evil.issuer.keys())).await, (Phase::Token, "kid"));
    let url = honest.issuer.url();
    assert_eq!(with_claim(&evil, "iss", url).await, "iss");
}

#[tokio::test]
async fn attack_23_oidc_core_section_3_1_3_7_times_outside_the_tolerance_are_refused() {
    let bench = Bench::new().await;
    let now = bench.clock.now().as_secs();
    for (name, at, expected) in [
        ("exp", now - 61, "exp"),
        ("exp", now - 60, "exp"),
        ("exp", 0, "exp"),
        ("exp", -1, "exp"),
        ("iat", now + 61, "iat"),
        ("iat", now - 661, "iat"),
        ("iat", i64::MIN, "iat"),
        ("nbf", now + 61, "nbf"),
    ] {
        assert_eq!(with_claim(&bench, name, at).await, expected, "{name} {}", at.saturating_sub(now));
    }
    for (name, at) in [("exp", now - 59), ("iat", now + 60), ("iat", now - 660), ("nbf", now + 60), ("nbf", 0), ("exp", 253_402_300_799)] {
        accepts(&bench, |manners| change(&mut manners.claims, name, at)).await;
    }
    accepts(&bench, |manners| change(&mut manners.claims, "iat", f64::from(i32::try_from(now).unwrap()) + 0.5)).await;
}

#[tokio::test]
async fn attack_23_times_that_are_none_are_refused() {
    let bench = Bench::new().await;
    for name in ["exp", "iat", "nbf"] {
        for value in [json!("tomorrow"), json!("2099-01-01T00:00:00Z"), json!(true), json!([1]), json!({}), json!(1e300), json!(-1e300)] {
            assert_eq!(with_claim(&bench, name, value.clone()).await, "claims", "{name} {value}");
        }
    }
    for name in ["exp", "iat"] {
        assert_eq!(with_claim(&bench, name, json!(null)).await, "claims");
    }
}

#[tokio::test]
async fn attack_23_the_time_of_the_sign_in_is_a_time_or_not_said() {
    let bench = Bench::new().await;
    for value in [json!("tomorrow"), json!("2099-01-01T00:00:00Z"), json!("1790000000"), json!(true), json!([1]), json!(1e300)] {
        assert_eq!(with_claim(&bench, "auth_time", value.clone()).await, "claims", "{value}");
    }
    bench.issuer.behaves(|manners| change(&mut manners.claims, "auth_time", json!(null)));
    assert_eq!(bench.sign_in().await.unwrap().auth_time, None);
    let said = bench.clock.now() - Duration::from_mins(5);
    bench.issuer.behaves(|manners| change(&mut manners.claims, "auth_time", said.as_secs()));
    assert_eq!(bench.sign_in().await.unwrap().auth_time, Some(said));
}

#[tokio::test]
async fn attack_23_oidc_core_section_3_1_3_7_asvs_10_5_4_audiences_are_ours_alone_unless_the_authorized_party_is() {
    let bench = Bench::new().await;
    assert_eq!(with_claim(&bench, "aud", "another").await, "aud");
    assert_eq!(with_claim(&bench, "aud", json!(["vestibule", "another"])).await, "aud");
    assert_eq!(with_claim(&bench, "aud", json!([])).await, "aud");
    assert_ne!(with_claim(&bench, "aud", json!(null)).await, "");
    assert_eq!(with_claim(&bench, "aud", "Vestibule").await, "aud");
    for azp in [json!("another"), json!(""), json!(["vestibule"]), json!(7)] {
        assert_eq!(with_claim(&bench, "azp", azp).await, "azp");
    }
    accepts(&bench, |manners| change(&mut manners.claims, "aud", json!(["vestibule"]))).await;
    accepts(&bench, |manners| change(&mut manners.claims, "azp", "vestibule")).await;
    accepts(&bench, |manners| {
        change(&mut manners.claims, "aud", json!(["vestibule", "another"]));
        change(&mut manners.claims, "azp", "vestibule");
    })
    .await;
    let elsewhere = bench.refused_with(|manners| {
        change(&mut manners.claims, "aud", json!(["another"]));
        change(&mut manners.claims, "azp", "vestibule");
    });
    assert_eq!(elsewhere.await, (Phase::Token, "aud"));
}

#[tokio::test]
async fn attack_23_a_hash_of_another_access_token_is_refused_and_none_is_fine() {
    for alg in [SigningAlg::Es256, SigningAlg::Rs256, SigningAlg::Ps256] {
        let bench = Bench::signing(alg).await;
        assert_eq!(with_claim(&bench, "at_hash", "77QmUPtjPfzWtF2AnpK9RQ").await, "at_hash");
        assert_eq!(bench.refused_with(|manners| change(&mut manners.token, "access_token", "stolen")).await, (Phase::Token, "at_hash"));
        accepts(&bench, |manners| change(&mut manners.claims, "at_hash", json!(null))).await;
    }
}

#[tokio::test]
async fn attack_23_members_that_come_twice_are_refused() {
    let bench = Bench::new().await;
    for prefix in [r#""sub":"victim","#, r#""iss":"https://honest.example","#, r#""x":1,"x":1,"#] {
        assert_eq!(bench.refused_with(|manners| manners.claims_prefix = prefix.into()).await, (Phase::Token, "jwt"), "{prefix}");
    }
}

#[tokio::test]
async fn attack_23_a_subject_is_a_short_ascii_text_and_nothing_is_taken_for_one() {
    let bench = Bench::new().await;
    for text in ["", &"a".repeat(256), "ä", "a\nb", "a\u{0}"] {
        assert_eq!(with_claim(&bench, "sub", text).await, "sub", "{text:?}");
    }
    for sub in [json!(null), json!(1), json!(["a"]), json!({"a": 1}), json!(true)] {
        assert_eq!(with_claim(&bench, "sub", sub.clone()).await, "sub", "{sub}");
    }
    // A claim of the person's that is of another type says nothing, and turns nobody away.
    bench.issuer.behaves(|manners| {
        *manners = Manners::default();
        change(&mut manners.claims, "email", json!(["a@b.example"]));
        change(&mut manners.userinfo, "email", json!(["a@b.example"]));
    });
    assert_eq!(bench.profile().await.email, None);
    accepts(&bench, |manners| {
        change(&mut manners.claims, "sub", "a".repeat(255));
        change(&mut manners.userinfo, "sub", "a".repeat(255));
    })
    .await;
}

#[tokio::test]
async fn attack_07_an_address_counts_as_verified_only_when_the_issuer_says_true() {
    let bench = Bench::new().await;
    for said in [json!(null), json!(false), json!("true"), json!("false")] {
        bench.issuer.behaves(|manners| {
            change(&mut manners.claims, "email_verified", said.clone());
            change(&mut manners.userinfo, "email_verified", said.clone());
        });
        let profile = bench.profile().await;
        assert!(profile.email.is_some() && !profile.email_verified, "{said}");
    }
    assert_eq!(bench.times_asked(Place::Token), 4);
}
