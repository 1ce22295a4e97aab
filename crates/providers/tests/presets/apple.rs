use serde_json::{Value, json};
use vestibule_domain::{
    ports::Clock,
    provider::{Callback, Departure, Phase},
};

use crate::{
    bench::{Bench, Steps, callback, departure, make, pem, read, rule},
    upstream::value,
};

fn p256() -> String {
    rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem()
}

async fn apple() -> Bench {
    let own = json!({"team_id": "TEAM123456", "key_id": "KEY1234567", "issuer_aliases": ["{base}/account.apple.com"]});
    Bench::with("apple", "discovery", own, &[("private_key", &p256())]).await
}

#[tokio::test]
async fn apple_the_client_secret_is_signed_for_each_request_and_good_for_five_minutes() {
    let bench = apple().await;
    bench.sign_in().await.unwrap();
    let asked = bench.upstream.last("POST /appleid.apple.com/auth/token");
    let (header, claims) = read(asked.field("client_secret").unwrap());
    assert_eq!(header, json!({"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}));
    let now = bench.clock.now().as_secs();
    assert_eq!(claims, json!({"iss": "TEAM123456", "sub": "vestibule", "aud": "https://appleid.apple.com", "iat": now, "exp": now + 300}));
    assert_eq!((asked.field("client_id"), asked.header("authorization")), (Some("vestibule"), None));
}

#[tokio::test]
async fn apple_answers_with_a_post_and_is_asked_nothing_it_does_not_know() {
    let wishes = Departure {
        fresh: true,
        select_account: true,
        login_hint: Some("ada@corp.example".into()),
        ui_locales: Some("de".into()),
        ..departure()
    };
    let parameters = apple().await.departs(&wishes).await;
    assert_eq!(value(&parameters, "response_mode"), Some("form_post"));
    assert_eq!(value(&parameters, "scope"), Some("openid name email"));
    for unknown in ["prompt", "max_age", "login_hint", "ui_locales", "acr_values"] {
        assert_eq!(value(&parameters, unknown), None);
    }
}

#[tokio::test]
async fn apple_the_name_is_told_once_and_nothing_else_of_what_nobody_signed_is_believed() {
    let bench = apple().await;
    let (parameters, kept) = bench.depart().await.unwrap();
    let mut claims = bench.claims("id_token");
    claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
    bench.token("token", &claims);
    let user = r#"{"name":{"firstName":"Ada","lastName":"Lovelace"},"email":"victim@corp.example"}"#;
    let arrival = bench.complete(Callback { user: Some(user.into()), ..callback() }, kept).await.unwrap();
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.name.as_deref(), profile.given_name.as_deref()), (Some("Ada Lovelace"), Some("Ada")));
    assert_eq!(profile.email.as_deref(), Some("8xyz@privaterelay.appleid.com"));
    // At the next sign-in there is none, and at a refresh neither: that takes nothing back.
    bench.token("token", &bench.claims("id_token"));
    assert_eq!(bench.refresh(&arrival).await.unwrap().claims.unwrap()["name"], "Ada Lovelace");
}

#[tokio::test]
async fn apple_booleans_may_be_texts() {
    let bench = apple().await;
    for (said, verified) in
        [(json!("true"), true), (json!(true), true), (json!("false"), false), (json!(false), false), (json!(null), false)]
    {
        let arrival = bench
            .sign_in_as("id_token", |claims| {
                claims.insert("email_verified".into(), said.clone());
                claims.insert("is_private_email".into(), said.clone());
            })
            .await
            .unwrap();
        assert_eq!(bench.profile_of(&arrival).email_verified, verified, "{said}");
    }
}

#[tokio::test]
async fn apple_has_two_names_and_is_one_issuer() {
    let bench = apple().await;
    let one = bench.sign_in().await.unwrap();
    let alias = format!("{}/account.apple.com", bench.upstream.base());
    let other = bench.sign_in_as("id_token", |claims| drop(claims.insert("iss".into(), alias.into()))).await.unwrap();
    assert_eq!((one.issuer, one.subject), (other.issuer, other.subject));
}

#[tokio::test]
async fn attack_15_apple_a_nonce_is_missed_unless_the_signed_token_says_there_can_be_none() {
    let bench = apple().await;
    let with = async |nonce: Option<&str>, supported: Value| {
        bench
            .sign_in_as("id_token", |claims| {
                claims.remove("nonce");
                claims.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
                claims.insert("nonce_supported".into(), supported);
            })
            .await
    };
    with(None, json!(false)).await.unwrap();
    for supported in [json!(true), json!(null), json!("false")] {
        assert_eq!(rule(with(None, supported.clone()).await), (Phase::Token, "nonce"), "{supported}");
    }
    assert_eq!(rule(with(Some("another"), json!(false)).await), (Phase::Token, "nonce"));
}

#[test]
fn apple_what_is_missing_is_named_all_at_once() {
    let made = |own: Value, secrets: &[(&str, &str)]| {
        let faults = make("apple", own, secrets, &[], &Steps::default().into(), &vestibule_testkit::clock::StoppedClock::default().into());
        faults.err().unwrap().into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
    };
    assert_eq!(made(json!({}), &[]), ["/private_key", "/key_id", "/team_id"]);
    let key = ("private_key", pem());
    assert_eq!(made(json!({"team_id": "T", "key_id": "K"}), &[(key.0, &key.1)]), ["/private_key"], "Apple's keys are P-256");
    assert_eq!(made(json!({"team_id": "T", "key_id": "K"}), &[("private_key", &p256()), ("client_secret", "x")]), ["/client_secret"]);
}
