//! New tokens for old ones, and tokens given back.

use secrecy::ExposeSecret;
use serde_json::json;
use vestibule_domain::provider::{Phase, ProviderError, ReceivedTokens};

use crate::bench::{Bench, rule};

const TOKEN: &str = "POST /issuer.example/t/token";
const REVOKE: &str = "POST /issuer.example/t/revoke";

async fn signed_in() -> (Bench, vestibule_domain::provider::Arrival) {
    let bench = Bench::new("oidc", json!({"keep_tokens": true})).await;
    bench.upstream.says(&["userinfo"]);
    let arrival = bench.sign_in().await.unwrap();
    (bench, arrival)
}

#[tokio::test]
async fn oidc_core_section_12_new_tokens_come_with_what_the_issuer_says_now() {
    let (bench, arrival) = signed_in().await;
    let mut claims = bench.claims("id_token");
    claims.insert("groups".into(), json!(["ops"]));
    claims.remove("name");
    bench.token("token_refreshed", &claims);
    let renewed = bench.refresh(&arrival).await.unwrap();
    let asked = bench.upstream.last(TOKEN);
    assert_eq!((asked.field("grant_type"), asked.field("refresh_token")), (Some("refresh_token"), Some("r-1")));
    assert_eq!(bench.upstream.asked(TOKEN).len(), 2, "one request each");
    assert_eq!(renewed.tokens.refresh_token.unwrap().expose_secret(), "r-2");
    assert_eq!(renewed.tokens.access_token.unwrap().expose_secret(), "access-2");
    let claims = renewed.claims.unwrap();
    assert_eq!((&claims["groups"], &claims["name"]), (&json!(["ops"]), &json!("Ada")));
    assert!(bench.steps.taken().contains(&(Phase::Refresh, "ok")));
    assert!(bench.steps.requests().contains(&(Phase::Refresh, Some(200))));
}

#[tokio::test]
async fn rights_that_are_not_said_any_more_are_gone() {
    let (bench, arrival) = signed_in().await;
    let mut claims = bench.claims("id_token");
    claims.remove("groups");
    bench.token("token_refreshed", &claims);
    bench.upstream.responds("GET /issuer.example/t/userinfo", 200, "application/json", r#"{"sub":"person-1"}"#);
    let claims = bench.refresh(&arrival).await.unwrap().claims.unwrap();
    assert!(!claims.contains_key("groups") && claims["email"] == "ada@corp.example");
}

#[tokio::test]
async fn attack_07_an_address_and_who_vouches_for_it_stay_together() {
    let (bench, arrival) = signed_in().await;
    let mut claims = bench.claims("id_token");
    claims.insert("email".into(), "new@corp.example".into());
    claims.remove("email_verified");
    bench.token("token_refreshed", &claims);
    let said = bench.refresh(&arrival).await.unwrap().claims.unwrap();
    assert_eq!((said["email"].as_str(), said.get("email_verified")), (Some("new@corp.example"), None));
    claims.remove("email");
    claims.insert("email_verified".into(), true.into());
    bench.token("token_refreshed", &claims);
    let unverified = vestibule_domain::provider::Arrival {
        claims: [("sub".to_owned(), json!("person-1")), ("email".to_owned(), json!("old@corp.example"))].into_iter().collect(),
        ..arrival
    };
    let said = bench.refresh(&unverified).await.unwrap().claims.unwrap();
    assert_eq!((said["email"].as_str(), said.get("email_verified")), (Some("old@corp.example"), None));
}

#[tokio::test]
async fn without_an_id_token_userinfo_says_who_it_is() {
    let (bench, arrival) = signed_in().await;
    bench.token("token_refreshed_bare", &serde_json::Map::new());
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!(renewed.claims.unwrap()["groups"], json!(["eng", "ops"]));
    bench.upstream.says(&["userinfo_other"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Userinfo, "sub"));
    let silent = Bench::new("oidc", json!({"keep_tokens": true, "userinfo": false})).await;
    let arrival = silent.sign_in().await.unwrap();
    silent.token("token_refreshed_bare", &serde_json::Map::new());
    assert_eq!(silent.refresh(&arrival).await.unwrap().claims, None);
}

#[tokio::test]
async fn oidc_core_section_12_2_a_new_token_about_somebody_else_is_refused() {
    let (bench, arrival) = signed_in().await;
    for (name, value, expected) in [("sub", json!("victim"), "sub"), ("iss", json!("https://other.example"), "iss")] {
        let mut claims = bench.claims("id_token");
        claims.insert(name.into(), value);
        bench.token("token_refreshed", &claims);
        assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, expected), "{name}");
    }
}

#[tokio::test]
async fn attack_28_denied_is_told_from_unreachable_and_from_our_own_mistakes() {
    let (bench, arrival) = signed_in().await;
    for (said, expected) in [("token_invalid_grant", "denied"), ("token_down", "unreachable"), ("token_invalid_client", "misconfigured")] {
        bench.upstream.says(&[said]);
        assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, expected), "{said}");
    }
    let without = vestibule_domain::provider::Arrival { tokens: ReceivedTokens::default(), ..arrival };
    assert_eq!(rule(bench.refresh(&without).await), (Phase::Refresh, "denied"));
}

#[tokio::test]
async fn tokens_that_were_given_are_kept_though_userinfo_is_down() {
    let (bench, arrival) = signed_in().await;
    bench.token("token_refreshed", &bench.claims("id_token"));
    bench.upstream.says(&["userinfo_down"]);
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!((renewed.claims, renewed.tokens.refresh_token.unwrap().expose_secret()), (None, "r-2"));
}

#[tokio::test]
async fn attack_28_tokens_that_were_rotated_are_not_lost_to_a_bad_answer_about_the_person() {
    const ME: &str = "GET /issuer.example/t/userinfo";
    let (bench, arrival) = signed_in().await;
    bench.token("token_refreshed", &bench.claims("id_token"));
    let huge = json!({"sub": "person-1", "bulk": "x".repeat(65 * 1024)}).to_string();
    for (status, content_type, body) in [
        (401, "application/json", "{}"),
        (403, "application/json", "{}"),
        (200, "text/html", "<html>"),
        (302, "text/html", ""),
        (200, "application/json", "[]"),
        (200, "application/json", huge.as_str()),
    ] {
        bench.upstream.responds(ME, status, content_type, body);
        let renewed = bench.refresh(&arrival).await.unwrap();
        assert_eq!((renewed.claims, renewed.tokens.refresh_token.unwrap().expose_secret()), (None, "r-2"), "{status} {content_type}");
    }
    bench.upstream.says(&["userinfo"]);
    for (name, value) in [("iat", json!(1)), ("exp", json!(1)), ("aud", json!("another")), ("auth_time", json!("x"))] {
        let mut claims = bench.claims("id_token");
        claims.insert(name.into(), value);
        bench.token("token_refreshed", &claims);
        let renewed = bench.refresh(&arrival).await.unwrap();
        assert!(renewed.claims.is_none() && renewed.tokens.id_token.is_none(), "{name}: what was not believed is not kept");
        assert_eq!(renewed.tokens.refresh_token.unwrap().expose_secret(), "r-2", "{name}");
    }
}

#[tokio::test]
async fn attack_01_tokens_of_an_issuer_that_is_configured_no_more_are_not_shown_to_the_one_that_is() {
    let (bench, arrival) = signed_in().await;
    let asked = bench.upstream.asked(TOKEN).len();
    for other in ["https://other.example", "", "https://issuer.example/t"] {
        let moved = vestibule_domain::provider::Arrival { issuer: other.to_owned(), ..arrival_like(&arrival) };
        assert_eq!(rule(bench.refresh(&moved).await), (Phase::Refresh, "denied"), "{other}");
    }
    assert_eq!(bench.upstream.asked(TOKEN).len(), asked, "nothing was sent");
    let aliased = Bench::new("oidc", json!({"keep_tokens": true, "issuer_aliases": ["https://old.example"]})).await;
    aliased.upstream.says(&["userinfo"]);
    let arrival = aliased.sign_in().await.unwrap();
    aliased.token("token_refreshed", &aliased.claims("id_token"));
    let old = vestibule_domain::provider::Arrival { issuer: "https://old.example".to_owned(), ..arrival };
    assert!(aliased.refresh(&old).await.unwrap().claims.is_some(), "an alias is the same issuer");
}

fn arrival_like(arrival: &vestibule_domain::provider::Arrival) -> vestibule_domain::provider::Arrival {
    vestibule_domain::provider::Arrival {
        issuer: arrival.issuer.clone(),
        subject: arrival.subject.clone(),
        claims: arrival.claims.clone(),
        auth_time: arrival.auth_time,
        acr: arrival.acr.clone(),
        amr: arrival.amr.clone(),
        session: arrival.session.clone(),
        tokens: arrival.tokens.clone(),
    }
}

#[tokio::test]
async fn rfc_7009_section_2_tokens_are_given_back_as_our_client() {
    let (bench, arrival) = signed_in().await;
    bench.upstream.says(&["revoked"]);
    let revoke = async |tokens: &ReceivedTokens| bench.provider.revocation().unwrap().revoke(tokens).await;
    revoke(&arrival.tokens).await.unwrap();
    let asked = bench.upstream.asked(REVOKE);
    let given: Vec<_> = asked.iter().map(|asked| (asked.field("token").unwrap(), asked.field("token_type_hint").unwrap())).collect();
    assert_eq!(given, [("r-1", "refresh_token"), ("access-1", "access_token")]);
    assert!(asked[0].header("authorization").unwrap().starts_with("Basic "));
    bench.upstream.says(&["revoke_down"]);
    assert_eq!(rule(revoke(&arrival.tokens).await), (Phase::Revocation, "unreachable"));
    bench.upstream.says(&["revoke_unsupported"]);
    let alone = ReceivedTokens { refresh_token: None, ..arrival.tokens.clone() };
    revoke(&alone).await.unwrap();
    assert!(matches!(revoke(&arrival.tokens).await, Err(ProviderError::Invalid { .. })));
}

#[tokio::test]
async fn an_issuer_that_takes_nothing_back_is_not_asked() {
    let bench = Bench::new("slack", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    let arrival = bench.sign_in().await.unwrap();
    let asked = bench.upstream.times_asked();
    bench.provider.revocation().unwrap().revoke(&arrival.tokens).await.unwrap();
    assert_eq!(bench.upstream.times_asked(), asked);
}

#[tokio::test]
async fn attack_31_no_redirect_is_followed_with_a_refresh_token_or_a_secret() {
    let evil = crate::upstream::Upstream::start("oidc").await;
    let (bench, arrival) = signed_in().await;
    for on in [TOKEN, REVOKE] {
        let answer = json!({
            "about": "", "on": on, "status": 307, "headers": {"location": format!("{}/steal", evil.base()), "content-type": "application/json"}, "text": "{}"
        });
        bench.upstream.answers(serde_json::from_value(answer).unwrap());
    }
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "redirect"));
    assert_eq!(rule(bench.provider.revocation().unwrap().revoke(&arrival.tokens).await), (Phase::Revocation, "redirect"));
    assert_eq!(evil.times_asked(), 0);
}

#[tokio::test]
async fn attack_25_what_an_issuer_writes_about_a_refresh_is_nowhere_in_our_errors() {
    let (bench, arrival) = signed_in().await;
    let hostile = "<script>alert(1)</script>";
    for (code, status) in [("invalid_grant", 400), (hostile, 400), (hostile, 401), (hostile, 403)] {
        let body = json!({"error": code, "error_description": hostile}).to_string();
        bench.upstream.responds(TOKEN, status, "application/json", body);
        let error = format!("{:?}", bench.refresh(&arrival).await.unwrap_err());
        assert!(!error.contains("script"), "{error}");
    }
}
