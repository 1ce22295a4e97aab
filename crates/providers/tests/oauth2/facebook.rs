use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use vestibule_domain::{
    provider::{Departure, Phase, ProviderError},
    time::Timestamp,
};
use vestibule_providers::preset::preset;

use crate::{
    bench::{Bench, SECRET, Steps, departure, make, rule, text},
    upstream::{Upstream, value},
};

const TOKEN: &str = "POST /v26.0/oauth/access_token";
const ME: &str = "GET /v26.0/me";

async fn bench(own: Value) -> Bench {
    let mut settings = json!({
        "authorization_endpoint": "{base}/{api_version}/dialog/oauth",
        "token_endpoint": "{base}/{api_version}/oauth/access_token",
        "userinfo_endpoint": "{base}/{api_version}/me"
    });
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let bench = Bench::new("facebook", settings).await;
    bench.upstream.says(&["token", "me"]);
    bench
}

async fn plain() -> Bench {
    bench(json!({})).await
}

async fn keeping() -> Bench {
    bench(json!({"keep_tokens": true})).await
}

#[tokio::test]
async fn somebody_signs_in() {
    let bench = plain().await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!((arrival.issuer.as_str(), arrival.subject.as_str()), ("https://www.facebook.com", "10158581234567890"));
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.given_name.as_deref(), profile.family_name.as_deref()), (Some("Ada"), Some("Lovelace")));
    assert_eq!(profile.picture.as_deref(), Some("https://platform-lookaside.fbsbx.com/platform/profilepic/?asid=1"), "it is nested");
    assert_eq!(bench.steps.taken(), [(Phase::Token, "ok"), (Phase::Userinfo, "ok")]);
}

#[tokio::test]
async fn an_address_is_never_verified_by_facebook() {
    let bench = plain().await;
    let profile = bench.profile().await;
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("ada@corp.example"), false));
    bench.upstream.says(&["me_says_verified"]);
    let arrival = bench.sign_in().await.unwrap();
    assert!(!arrival.claims.contains_key("email_verified"));
    assert!(!bench.profile_of(&arrival).email_verified);
}

#[tokio::test]
async fn somebody_with_a_telephone_number_alone_has_no_address() {
    let bench = plain().await;
    bench.upstream.says(&["me_phone_only"]);
    assert_eq!(bench.profile().await.email, None);
}

#[tokio::test]
async fn graph_is_shown_the_proof_and_asked_for_what_is_configured() {
    let bench = plain().await;
    bench.sign_in().await.unwrap();
    let asked = bench.upstream.last(ME);
    assert_eq!(asked.header("authorization"), Some("Bearer EAAshort"));
    // HMAC-SHA-256 of "EAAshort" under the secret.
    assert_eq!(asked.parameter("appsecret_proof"), Some("19f3cb9a3dd3759ba5c5a0d5d1ba8369081d12725b1e14fed8624e3ddfaac34c"));
    assert_eq!(asked.parameter("fields"), Some("id,name,first_name,last_name,email,picture.type(large)"));
    assert_eq!(asked.parameter("access_token"), None, "tokens don't stand in addresses");
    let asked = bench.upstream.last(TOKEN);
    assert_eq!((asked.field("client_secret"), asked.field("code_verifier")), (Some(SECRET), None));
}

#[tokio::test]
async fn the_dialog_is_of_the_configured_version_and_asks_again_for_the_password() {
    let bench = plain().await;
    let sent = bench.provider.begin(&departure()).await.unwrap();
    assert!(sent.location.contains("/v26.0/dialog/oauth?"), "{}", sent.location);
    let asked = bench.departs(&Departure { fresh: true, ..departure() }).await;
    assert_eq!((value(&asked, "scope"), value(&asked, "auth_type")), (Some("public_profile,email"), Some("reauthenticate")));
    assert_eq!(value(&asked, "code_challenge"), None);
    let newer = self::bench(json!({"api_version": "v27.0"})).await;
    assert!(newer.provider.begin(&departure()).await.unwrap().location.contains("/v27.0/dialog/oauth?"));
}

#[tokio::test]
async fn errors_of_graph_are_somebodys() {
    let bench = plain().await;
    for (name, expected) in [
        ("token_code_used", (Phase::Token, "code")),
        ("token_redirect_differs", (Phase::Token, "misconfigured")),
        ("token_wrong_secret", (Phase::Token, "misconfigured")),
        ("token_wrong_app", (Phase::Token, "misconfigured")),
        ("token_wrong_domain", (Phase::Token, "misconfigured")),
        ("token_unknown_error", (Phase::Token, "unreachable")),
        ("token_temporary", (Phase::Token, "unreachable")),
    ] {
        assert_eq!(bench.stopped_by(&[name]).await, expected, "{name}");
    }
    bench.upstream.says(&["token"]);
    for (name, expected) in [("me_token_revoked", "token"), ("me_bad_proof", "misconfigured"), ("me_rate_limited", "unreachable")] {
        assert_eq!(bench.stopped_by(&[name]).await, (Phase::Userinfo, expected), "{name}");
    }
}

#[tokio::test]
async fn attack_25_nothing_that_graph_writes_is_in_our_errors() {
    let bench = plain().await;
    for name in ["token_code_used", "token_wrong_app", "token_wrong_domain"] {
        bench.upstream.says(&[name]);
        let error = format!("{:?}", bench.sign_in().await.unwrap_err());
        assert!(!error.contains("AbCdEf") && !error.contains("Error validating") && !error.contains("Load URL"), "{error}");
    }
}

#[tokio::test]
async fn attack_23_errors_of_another_shape_are_errors_still() {
    let bench = plain().await;
    for body in [json!({"error": {}}), json!({"error": {"code": "190"}}), json!({"error": []}), json!({"error": true, "access_token": "a"})]
    {
        bench.upstream.responds(TOKEN, 200, "application/json", body.to_string());
        assert_eq!(rule(bench.sign_in().await), (Phase::Token, "error"), "{body}");
    }
}

#[tokio::test]
async fn a_token_that_is_kept_is_exchanged_for_one_that_lives_longer() {
    let bench = keeping().await;
    bench.upstream.says(&["token_long_lived"]);
    let arrival = bench.sign_in().await.unwrap();
    let asked = bench.upstream.asked(TOKEN);
    assert_eq!(asked[1].field("grant_type"), Some("fb_exchange_token"));
    assert_eq!(asked[1].field("fb_exchange_token"), Some("EAAlong"));
    assert_eq!(text(arrival.tokens.refresh_token.as_ref()), Some("EAAlong"), "it is what the next exchange is made with");
    let in_sixty_days = vestibule_domain::ports::Clock::now(&*bench.clock).as_millis() + 5_183_944_000;
    assert_eq!(arrival.tokens.expires, Some(Timestamp::from_millis(in_sixty_days)));
    let without = plain().await;
    let tokens = without.sign_in().await.unwrap().tokens;
    assert_eq!((without.upstream.asked(TOKEN).len(), tokens.refresh_token.is_none()), (1, true));
    assert!(without.provider.refresh().is_none());
}

#[tokio::test]
async fn a_token_that_can_be_exchanged_no_more_is_denied() {
    let bench = keeping().await;
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_long_lived"]);
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!(text(renewed.tokens.access_token.as_ref()), Some("EAAlong"));
    assert_eq!(renewed.claims.unwrap()["name"], "Ada Lovelace");
    bench.upstream.says(&["token_expired"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
    bench.upstream.says(&["token_temporary"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "unreachable"));
}

#[tokio::test]
async fn what_was_granted_is_asked_because_facebook_does_not_say_it_with_the_token() {
    let bench = keeping().await;
    bench.upstream.says(&["me_permissions"]);
    let arrival = bench.sign_in().await.unwrap();
    assert!(bench.upstream.last(ME).parameter("fields").unwrap().ends_with(",permissions"));
    assert_eq!(arrival.tokens.scope.as_deref(), Some("public_profile"));
    assert!(!arrival.claims.contains_key("permissions"));
}

#[tokio::test]
async fn a_check_shows_whether_our_secret_is_taken() {
    let bench = plain().await;
    bench.upstream.says(&["app_token"]);
    let checked = bench.provider.check().await.unwrap();
    assert_eq!((checked.facts[0].1.as_str(), checked.warnings.len()), ("v26.0", 0));
    assert_eq!(bench.upstream.last(TOKEN).field("grant_type"), Some("client_credentials"));
    for name in ["token_wrong_secret", "token_wrong_app"] {
        bench.upstream.says(&[name]);
        assert_eq!(rule(bench.provider.check().await), (Phase::Api, "misconfigured"), "{name}");
    }
}

#[tokio::test]
async fn a_check_warns_when_another_version_of_graph_answers() {
    let bench = plain().await;
    bench.upstream.says(&["token_older_version"]);
    let checked = bench.provider.check().await.unwrap();
    assert_eq!(checked.warnings, ["Graph answers with v27.0 instead of v26.0; set api_version to one that still exists"]);
    bench.upstream.says(&["token", "me_older_version"]);
    bench.sign_in().await.unwrap();
}

#[tokio::test]
async fn attack_25_a_version_that_is_none_is_not_repeated() {
    let bench = plain().await;
    bench.upstream.answers(
        serde_json::from_value(json!({
            "about": "", "on": TOKEN, "status": 200,
            "headers": {"content-type": "application/json", "facebook-api-version": "<script>alert(1)</script>"},
            "body": {"access_token": "1|appsecret", "token_type": "bearer"}
        }))
        .unwrap(),
    );
    assert!(bench.provider.check().await.unwrap().warnings.is_empty());
}

#[tokio::test]
async fn what_the_app_may_see_is_taken_back() {
    let bench = bench(json!({"api_headers": {"x-api-key": "k"}})).await;
    let tokens = bench.sign_in().await.unwrap().tokens;
    for name in ["permissions_deleted", "permissions_gone"] {
        bench.upstream.says(&[name]);
        bench.revoke(&tokens).await.unwrap();
    }
    let asked = bench.upstream.last("DELETE /v26.0/me/permissions");
    assert_eq!((asked.header("authorization"), asked.parameter("appsecret_proof").unwrap().len()), (Some("Bearer EAAshort"), 64));
    assert_eq!((asked.header("accept"), asked.header("x-api-key")), (Some("application/json"), Some("k")));
}

#[test]
fn the_version_of_graph_is_a_setting_with_a_default() {
    assert_eq!(preset("facebook").unwrap().variables["api_version"].default.as_deref(), Some("v26.0"));
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_settings_is_said_at_once() {
    let upstream = Upstream::start("facebook").await;
    let own = json!({"api_version": "https://evil.example", "fields": ["id,name"], "subject": "id"});
    let faults = make("facebook", &upstream, &own, None, &Arc::new(Steps::default())).err().unwrap();
    let at: BTreeSet<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(at, BTreeSet::from(["/api_version", "/client_secret", "/fields/0", "/pkce", "/subject"]), "{faults:?}");
}

#[tokio::test]
async fn attack_82_a_server_error_lets_nobody_in() {
    let bench = plain().await;
    bench.upstream.responds(ME, 500, "text/html", "<html>");
    assert!(matches!(bench.sign_in().await.unwrap_err(), ProviderError::Unreachable { phase: Phase::Userinfo, status: Some(500), .. }));
}
