use serde_json::{Value, json};
use url::Url;
use vestibule_domain::provider::Phase;
use vestibule_providers::preset::preset;

use crate::{
    bench::{Bench, departure, rule, text},
    upstream::value,
};

async fn bench(own: Value) -> Bench {
    let mut settings = json!({
        "authorization_endpoint": "{base}/i/oauth2/authorize",
        "token_endpoint": "{base}/2/oauth2/token",
        "revocation_endpoint": "{base}/2/oauth2/revoke",
        "userinfo_endpoint": "{base}/2/users/me?user.fields=confirmed_email"
    });
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let bench = Bench::new("x", settings).await;
    bench.upstream.says(&["token", "me"]);
    bench
}

#[tokio::test]
async fn somebody_signs_in_with_a_profile_that_is_nested() {
    let bench = bench(json!({})).await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!((arrival.issuer.as_str(), arrival.subject.as_str()), ("https://x.com", "2244994945"));
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.name.as_deref(), profile.preferred_username.as_deref()), (Some("X Dev"), Some("TwitterDev")));
    assert_eq!(profile.profile.as_deref(), Some("https://x.com/TwitterDev"));
    let asked = bench.upstream.last("POST /2/oauth2/token");
    assert!(asked.header("authorization").unwrap().starts_with("Basic ") && asked.field("client_secret").is_none());
    assert_eq!(asked.field("code_verifier").map(str::len), Some(43));
    assert_eq!(bench.upstream.last("GET /2/users/me").parameter("user.fields"), Some("confirmed_email"));
}

#[test]
fn the_confirmed_address_is_asked_for_by_name() {
    let settings = &preset("x").unwrap().settings;
    let address = Url::parse(settings["userinfo_endpoint"].as_str().unwrap()).unwrap();
    let (_, fields) = address.query_pairs().find(|(name, _)| name == "user.fields").unwrap();
    assert!(fields.split(',').any(|field| field == "confirmed_email"));
    assert!(settings["scopes"].as_array().unwrap().contains(&json!("users.email")));
}

#[tokio::test]
async fn a_confirmed_address_is_verified_by_being_there() {
    let bench = bench(json!({})).await;
    let profile = bench.profile().await;
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("dev@corp.example"), true));
    bench.upstream.says(&["me_without_email"]);
    let profile = bench.profile().await;
    assert_eq!((profile.email, profile.email_verified), (None, false), "`verified` is about a badge");
}

#[tokio::test]
async fn offline_access_is_asked_for_where_tokens_are_kept() {
    let scope = |asked: &[(String, String)]| value(asked, "scope").map(str::to_owned);
    let keeping = bench(json!({"keep_tokens": true})).await;
    assert_eq!(scope(&keeping.departs(&departure()).await).as_deref(), Some("tweet.read users.read users.email offline.access"));
    let not = bench(json!({})).await;
    assert_eq!(scope(&not.departs(&departure()).await).as_deref(), Some("tweet.read users.read users.email"));
}

#[tokio::test]
async fn an_invalid_request_is_a_spent_code_there_and_at_a_refresh_what_it_says() {
    let bench = bench(json!({"keep_tokens": true})).await;
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_renewed"]);
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!(text(renewed.tokens.refresh_token.as_ref()), Some("xr-second"));
    bench.upstream.says(&["token_invalid_request"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "misconfigured"), "a denial would end sessions");
    assert_eq!(rule(bench.sign_in().await), (Phase::Token, "code"));
    bench.upstream.says(&["token_unauthorized"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "misconfigured"));
}

#[tokio::test]
async fn errors_in_the_place_of_a_person_are_no_person() {
    let bench = bench(json!({})).await;
    assert_eq!(bench.stopped_by(&["me_errors"]).await, (Phase::Userinfo, "root"));
    assert_eq!(bench.stopped_by(&["me_forbidden"]).await, (Phase::Userinfo, "misconfigured"));
}

#[tokio::test]
async fn tokens_are_given_back_and_spent_ones_are_given_back_already() {
    let bench = bench(json!({})).await;
    let tokens = bench.sign_in().await.unwrap().tokens;
    bench.upstream.says(&["revoked"]);
    bench.revoke(&tokens).await.unwrap();
    assert_eq!(bench.upstream.asked("POST /2/oauth2/revoke").len(), 2);
    bench.upstream.responds("POST /2/oauth2/revoke", 400, "application/json", json!({"error": "invalid_request"}).to_string());
    bench.revoke(&tokens).await.unwrap();
}
