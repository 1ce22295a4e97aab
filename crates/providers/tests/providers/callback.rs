use serde_json::json;
use vestibule_domain::provider::{Callback, Phase, ProviderError};
use vestibule_testkit::issuer::{Answer, CallbackIss, Place};

use crate::bench::{Bench, change, rule};

#[tokio::test]
async fn attack_01_an_answer_for_another_issuer_is_not_used_here() {
    let (honest, evil) = (Bench::new().await, Bench::new().await);
    // E sends the person on to H, whose code comes back on E's callback: nothing may go to E's token endpoint.
    let (_, kept) = evil.there_and_back().await.unwrap();
    let (callback, _) = honest.there_and_back().await.unwrap();
    assert_eq!(rule(evil.complete(callback.clone(), kept).await), (Phase::Callback, "iss"));
    assert_eq!(evil.times_asked(Place::Token), 0);
    // Nor is H asked with what was kept for E.
    let (_, kept) = evil.there_and_back().await.unwrap();
    assert_eq!(rule(honest.complete(callback, kept).await), (Phase::Callback, "iss"));
    assert_eq!(honest.times_asked(Place::Token), 0);
}

#[tokio::test]
async fn attack_02_a_wrong_or_missing_iss_is_refused_before_the_code_goes_anywhere() {
    let bench = Bench::new().await;
    for iss in
        [CallbackIss::Missing, CallbackIss::Other("https://other.example".into()), CallbackIss::Other(format!("{}/", bench.issuer.url()))]
    {
        assert_eq!(bench.refused_with(|manners| manners.callback_iss = iss).await, (Phase::Callback, "iss"));
    }
    assert_eq!(bench.times_asked(Place::Token), 0);
}

#[tokio::test]
async fn attack_02_an_issuer_that_does_not_announce_iss_need_not_send_it() {
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| {
        change(&mut manners.discovery, "authorization_response_iss_parameter_supported", json!(null));
        manners.callback_iss = CallbackIss::Missing;
    });
    bench.sign_in().await.unwrap();
}

#[tokio::test]
async fn attack_04_an_authorize_endpoint_of_another_issuer_gets_no_code_to_the_token_endpoint() {
    let (honest, evil) = (Bench::new().await, Bench::new().await);
    evil.issuer.behaves(|manners| change(&mut manners.discovery, "authorization_endpoint", format!("{}/authorize", honest.issuer.url())));
    let sent = {
        use vestibule_domain::ports::IdentityProvider;
        evil.provider.begin(&crate::bench::departure()).await.unwrap()
    };
    let returned = honest.issuer.visit(&sent.location).unwrap();
    assert_eq!(rule(evil.complete(returned.callback, sent.kept).await), (Phase::Callback, "iss"));
    assert_eq!(evil.times_asked(Place::Token), 0);
}

#[tokio::test]
async fn attack_16_a_code_of_another_sign_in_or_a_spent_one_gives_nothing() {
    let bench = Bench::new().await;
    let (mine, _) = bench.there_and_back().await.unwrap();
    let (_, kept_by_victim) = bench.there_and_back().await.unwrap();
    assert_eq!(rule(bench.complete(mine, kept_by_victim).await), (Phase::Token, "code"));

    let (callback, kept) = bench.there_and_back().await.unwrap();
    bench.complete(callback.clone(), kept.clone()).await.unwrap();
    assert_eq!(rule(bench.complete(callback, kept).await), (Phase::Token, "code"));
}

#[tokio::test]
async fn attack_16_an_issuer_that_ignores_pkce_is_stopped_by_the_nonce() {
    let bench = Bench::new().await;
    let (mine, kept) = bench.there_and_back().await.unwrap();
    let (_, other) = bench.there_and_back().await.unwrap();
    let mixed = vestibule_domain::attempt::Kept { pkce_verifier: kept.pkce_verifier, ..other };
    assert_eq!(rule(bench.complete(mine, mixed).await), (Phase::Token, "nonce"));
}

#[tokio::test]
async fn attack_25_what_an_upstream_writes_is_nowhere_in_our_errors() {
    let bench = Bench::new().await;
    let hostile = "<script>alert(1)</script>\r\nlevel=error \u{1b}[31m";
    bench.issuer.behaves(|manners| manners.callback_error = Some(("access_denied".into(), hostile.into())));
    assert_eq!(bench.sign_in().await.unwrap_err(), ProviderError::Declined);
    for code in ["invalid_grant", "invalid_client", hostile] {
        bench.issuer.behaves(|manners| {
            manners.callback_error = None;
            manners.answers.insert(Place::Token, Answer::error(400, code, hostile));
        });
        let error = format!("{:?}", bench.sign_in().await.unwrap_err());
        assert!(["script", "level=", "\\u{1b}", "\\r"].iter().all(|part| !error.contains(part)), "{error}");
    }
}

#[tokio::test]
async fn rfc_6749_section_5_2_errors_of_the_token_endpoint_are_somebodys() {
    let bench = Bench::new().await;
    let json = |status, code| Answer::error(status, code, "");
    for (answer, expected) in [
        (json(400, "invalid_grant"), "code"),
        (json(401, "invalid_client"), "misconfigured"),
        (json(400, "unauthorized_client"), "misconfigured"),
        (json(400, "unsupported_grant_type"), "misconfigured"),
        (json(400, "invalid_request"), "misconfigured"),
        (json(400, "temporarily_unavailable"), "unreachable"),
        (json(500, "invalid_client"), "unreachable"),
        (json(429, "slow_down"), "unreachable"),
        (json(400, "something_else"), "error"),
        (Answer::html(401), "misconfigured"),
        (Answer::html(400), "status"),
        (Answer::html(200), "content_type"),
        (Answer::html(502), "unreachable"),
        (Answer::Reset, "unreachable"),
        (Answer::Hang, "unreachable"),
        (Answer::Drip, "unreachable"),
    ] {
        assert_eq!(bench.refused_when(Place::Token, answer.clone()).await, (Phase::Token, expected), "{answer:?}");
    }
}

#[tokio::test]
async fn attack_82_a_server_error_keeps_its_status_and_lets_nobody_in() {
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| drop(manners.answers.insert(Place::Token, Answer::html(503))));
    let error = bench.sign_in().await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreachable { phase: Phase::Token, status: Some(503), .. }), "{error}");
}

#[tokio::test]
async fn rfc_6749_section_5_1_a_token_response_without_its_parts_is_none() {
    let bench = Bench::new().await;
    for (name, value, expected) in [
        ("id_token", json!(null), "id_token"),
        ("id_token", json!(""), "id_token"),
        ("id_token", json!(7), "id_token"),
        ("access_token", json!(null), "access_token"),
        ("access_token", json!(""), "access_token"),
        ("token_type", json!("DPoP"), "token_type"),
        ("token_type", json!(null), "token_type"),
    ] {
        let refused = bench.refused_with(|manners| change(&mut manners.token, name, value.clone())).await;
        assert_eq!(refused, (Phase::Token, expected), "{name} {value}");
    }
    let twice = Answer::Text { status: 200, content_type: "application/json", body: r#"{"access_token":"a","access_token":"b"}"#.into() };
    assert_eq!(bench.refused_when(Place::Token, twice).await, (Phase::Token, "json"));
}

#[tokio::test]
async fn attack_47_repeated_parameters_are_refused_before_the_code_goes_anywhere() {
    let bench = Bench::new().await;
    let (callback, kept) = bench.there_and_back().await.unwrap();
    assert_eq!(rule(bench.complete(Callback { repeated: vec!["code"], ..callback }, kept).await), (Phase::Callback, "repeated"));
    assert_eq!(bench.times_asked(Place::Token), 0);
}
