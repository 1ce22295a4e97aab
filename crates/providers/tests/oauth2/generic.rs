use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use vestibule_domain::provider::{Callback, Departure, Phase, ProviderError};

use crate::{
    bench::{Bench, Steps, callback, departure, make, rule},
    upstream::{Upstream, value},
};

const TOKEN: &str = "POST /token";
const ME: &str = "GET /me";

async fn bench(own: Value) -> Bench {
    let mut settings = json!({
        "label": "Acme", "authorization_endpoint": "{base}/authorize?tenant=7", "token_endpoint": "{base}/token", "userinfo_endpoint": "{base}/me"
    });
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let bench = Bench::new("oauth2", settings).await;
    says(&bench, TOKEN, &json!({"access_token": "at", "token_type": "Bearer"}));
    says(&bench, ME, &json!({"id": 7, "name": "Ada", "email": "ada@corp.example"}));
    bench
}

async fn plain() -> Bench {
    bench(json!({})).await
}

fn says(bench: &Bench, on: &str, body: &Value) {
    bench.upstream.responds(on, 200, "application/json", body.to_string());
}

#[tokio::test]
async fn somebody_signs_in_and_the_issuer_is_where_the_tokens_come_from() {
    let bench = plain().await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!((arrival.issuer, arrival.subject.as_str()), (bench.upstream.base(), "7"));
    let named = self::bench(json!({"issuer": "acme"})).await;
    assert_eq!(named.sign_in().await.unwrap().issuer, "acme");
}

#[tokio::test]
async fn attack_07_an_address_without_a_word_about_it_is_not_verified() {
    let bench = plain().await;
    let profile = bench.profile().await;
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("ada@corp.example"), false));
    says(&bench, ME, &json!({"id": 7, "email": "ada@corp.example", "email_verified": "true"}));
    assert!(!bench.profile().await.email_verified);
}

#[tokio::test]
async fn a_subject_lies_where_it_is_said_to_and_is_of_its_kind() {
    let nested = bench(json!({"userinfo_root": "/response/0", "subject": "/account/uid", "subject_is": "text"})).await;
    says(&nested, ME, &json!({"response": [{"account": {"uid": "u-1"}, "name": "Ada"}]}));
    let arrival = nested.sign_in().await.unwrap();
    assert_eq!((arrival.subject.as_str(), &arrival.claims["name"]), ("u-1", &json!("Ada")));
    for uid in [json!(1), json!(null), json!(""), json!(["u-1"]), json!("u\n1"), json!("u".repeat(256))] {
        says(&nested, ME, &json!({"response": [{"account": {"uid": uid}}]}));
        assert_eq!(rule(nested.sign_in().await), (Phase::Userinfo, "subject"), "{uid}");
    }
    says(&nested, ME, &json!({"response": []}));
    assert_eq!(rule(nested.sign_in().await), (Phase::Userinfo, "root"));
}

#[tokio::test]
async fn rfc_7636_section_4_pkce_is_used_unless_it_is_switched_off() {
    for (setting, used) in [(json!({}), true), (json!({"pkce": "required"}), true), (json!({"pkce": "never"}), false)] {
        let bench = bench(setting.clone()).await;
        assert_eq!(value(&bench.departs(&departure()).await, "code_challenge").is_some(), used, "{setting}");
        bench.sign_in().await.unwrap();
        assert_eq!(bench.upstream.last(TOKEN).field("code_verifier").is_some(), used, "{setting}");
    }
}

#[tokio::test]
async fn rfc_6749_section_2_3_1_the_secret_goes_where_it_is_said_to() {
    let basic = plain().await;
    basic.sign_in().await.unwrap();
    let asked = basic.upstream.last(TOKEN);
    assert_eq!(asked.header("authorization"), Some("Basic dmVzdGlidWxlOnMzY3JldCUzQSsxMDAlMjUlMkIlQzMlQTQ="));
    assert_eq!((asked.field("client_id"), asked.field("client_secret")), (None, None));
    let post = bench(json!({"token_auth": "client_secret_post"})).await;
    post.sign_in().await.unwrap();
    let asked = post.upstream.last(TOKEN);
    assert_eq!((asked.header("authorization"), asked.field("client_id")), (None, Some("vestibule")));
}

#[tokio::test]
async fn what_an_address_has_already_is_left_in_it() {
    let bench = bench(json!({"scopes": ["a", "b"], "authorization_params": {"audience": "api"}})).await;
    let asked = bench.departs(&departure()).await;
    assert_eq!((value(&asked, "tenant"), value(&asked, "audience"), value(&asked, "scope")), (Some("7"), Some("api"), Some("a b")));
    assert_eq!(value(&bench.departs(&Departure { fresh: true, ..departure() }).await, "prompt"), Some("login"));
}

#[tokio::test]
async fn claims_are_made_of_others_and_of_lists() {
    let bench = bench(json!({
        "made": {"page": "https://people.example/{/id}", "none": "{/absent}"},
        "api_headers": {"x-api-key": "k"},
        "lists": [{"endpoint": "{base}/a", "claim": "roles", "item": "{/org}/{/name}"}, {"endpoint": "{base}/b", "claim": "roles", "item": "{/name}"}]
    }))
    .await;
    says(&bench, "GET /a", &json!([{"org": "acme", "name": "admin"}]));
    says(&bench, "GET /b", &json!([{"name": "staff"}]));
    let claims = bench.sign_in().await.unwrap().claims;
    assert_eq!((&claims["page"], &claims["roles"]), (&json!("https://people.example/7"), &json!(["acme/admin", "staff"])));
    assert!(!claims.contains_key("none"));
    assert_eq!(bench.upstream.last("GET /a").header("x-api-key"), Some("k"));
}

#[tokio::test]
async fn errors_that_come_with_status_200_are_errors() {
    let bench = plain().await;
    for (body, expected) in [
        (json!({"error": "invalid_grant", "access_token": "at", "token_type": "bearer"}), "code"),
        (json!({"error": "invalid_client"}), "misconfigured"),
        (json!({"ok": false, "error": "invalid_code"}), "error"),
        (json!({"ok": false, "access_token": "at", "token_type": "bearer"}), "error"),
        (json!({}), "access_token"),
        (json!({"access_token": "at", "token_type": "mac"}), "token_type"),
    ] {
        says(&bench, TOKEN, &body);
        assert_eq!(rule(bench.sign_in().await), (Phase::Token, expected), "{body}");
    }
    let own = self::bench(json!({"error_codes": {"invalid_code": "invalid_grant"}})).await;
    says(&own, TOKEN, &json!({"ok": false, "error": "invalid_code"}));
    assert_eq!(rule(own.sign_in().await), (Phase::Token, "code"));
    says(&bench, TOKEN, &json!({"access_token": "at"}));
    says(&bench, ME, &json!({"error": "invalid_token", "id": 7}));
    assert_eq!(rule(bench.sign_in().await), (Phase::Userinfo, "token"));
}

#[tokio::test]
async fn rfc_6749_section_5_2_errors_of_the_token_endpoint_are_somebodys() {
    let bench = plain().await;
    let error = |code: &str| json!({"error": code, "error_description": "<script>"}).to_string();
    for (status, content_type, body, expected) in [
        (400, "application/json", error("invalid_grant"), "code"),
        (401, "application/json", error("invalid_client"), "misconfigured"),
        (400, "application/json", error("unauthorized_client"), "misconfigured"),
        (400, "application/json", error("invalid_request"), "misconfigured"),
        (400, "application/json", error("temporarily_unavailable"), "unreachable"),
        (500, "application/json", error("invalid_client"), "unreachable"),
        (429, "application/json", error("slow_down"), "unreachable"),
        (400, "application/json", error("something_else"), "error"),
        (401, "text/html", "<html>".into(), "misconfigured"),
        (400, "text/html", "<html>".into(), "status"),
        (200, "text/html", "<html>".into(), "content_type"),
        (200, "application/x-www-form-urlencoded", "access_token=at&token_type=bearer".into(), "content_type"),
        (200, "application/json", "<html>".into(), "json"),
        (200, "application/json", "[]".into(), "json"),
        (200, "application/json", r#"{"access_token":"a","access_token":"b"}"#.into(), "json"),
        (200, "application/json", format!("{{\"access_token\":\"{}\"}}", "a".repeat(300 * 1024)), "too_large"),
        (302, "text/html", String::new(), "redirect"),
    ] {
        bench.upstream.responds(TOKEN, status, content_type, body.clone());
        assert_eq!(rule(bench.sign_in().await), (Phase::Token, expected), "{status} {content_type}");
    }
    assert!(bench.upstream.asked(ME).is_empty());
}

#[tokio::test]
async fn attack_23_an_answer_that_is_no_person_is_refused() {
    let bench = plain().await;
    for (status, content_type, body, expected) in [
        (200, "text/html", "<html>".to_owned(), "content_type"),
        (200, "application/json", "[]".to_owned(), "json"),
        (200, "application/json", "{\"id\":7".to_owned(), "json"),
        (200, "application/json", format!("{{\"id\":7,\"bio\":\"{}\"}}", "a".repeat(300 * 1024)), "too_large"),
        (401, "application/json", "{}".to_owned(), "token"),
        (403, "application/json", "{}".to_owned(), "misconfigured"),
        (404, "application/json", "{}".to_owned(), "status"),
        (204, "application/json", String::new(), "json"),
        (307, "text/html", String::new(), "redirect"),
        (500, "application/json", "{}".to_owned(), "unreachable"),
        (429, "application/json", "{}".to_owned(), "unreachable"),
    ] {
        bench.upstream.responds(ME, status, content_type, body);
        assert_eq!(rule(bench.sign_in().await), (Phase::Userinfo, expected), "{status} {content_type}");
    }
}

#[tokio::test]
async fn attack_01_what_was_kept_for_another_server_is_not_used_here() {
    let (honest, evil) = (plain().await, plain().await);
    let kept = evil.kept().await;
    assert_eq!(rule(honest.complete(callback(), kept).await), (Phase::Callback, "iss"));
    assert_eq!(honest.upstream.times_asked(), 0);
}

#[tokio::test]
async fn attack_02_a_server_that_is_known_to_name_itself_must() {
    let bench = bench(json!({"issuer": "https://acme.example", "says_iss": true})).await;
    assert_eq!(rule(bench.sign_in().await), (Phase::Callback, "iss"));
    let named = Callback { iss: Some("https://acme.example".into()), ..callback() };
    bench.complete(named, bench.kept().await).await.unwrap();
}

#[tokio::test]
async fn attack_47_repeated_parameters_are_refused_before_the_code_goes_anywhere() {
    let bench = plain().await;
    let repeated = Callback { repeated: vec!["code"], ..callback() };
    assert_eq!(rule(bench.complete(repeated, bench.kept().await).await), (Phase::Callback, "repeated"));
    let declined = Callback { code: None, error: Some("access_denied".into()), ..callback() };
    assert_eq!(bench.complete(declined, bench.kept().await).await.unwrap_err(), ProviderError::Declined);
    assert_eq!(bench.upstream.times_asked(), 0);
}

#[tokio::test]
async fn a_check_asks_whether_anybody_is_there() {
    let bench = plain().await;
    bench.upstream.responds(ME, 401, "application/json", "{}");
    assert_eq!(bench.provider.check().await.unwrap().facts, [("userinfo", "answers a stranger with status 401".to_owned())]);
    assert_eq!(bench.upstream.last(ME).header("authorization"), None);
    bench.upstream.responds(ME, 404, "text/html", "<html>");
    assert_eq!(rule(bench.provider.check().await), (Phase::Api, "misconfigured"));
    bench.upstream.responds(ME, 503, "text/html", "<html>");
    assert_eq!(rule(bench.provider.check().await), (Phase::Api, "unreachable"));
}

#[tokio::test]
async fn tokens_are_given_back_only_where_there_is_a_place_for_it() {
    assert!(plain().await.provider.revocation().is_none());
    let bench = bench(json!({"revocation_endpoint": "{base}/revoke"})).await;
    let tokens = bench.sign_in().await.unwrap().tokens;
    for (status, body, expected) in [
        (200, "", None),
        (400, r#"{"error":"invalid_token"}"#, None),
        (401, r#"{"error":"invalid_client"}"#, Some("misconfigured")),
        (503, "", Some("unreachable")),
    ] {
        bench.upstream.responds("POST /revoke", status, "application/json", body);
        let revoked = bench.revoke(&tokens).await;
        assert_eq!(revoked.err().map(|error| rule::<()>(Err(error))), expected.map(|rule| (Phase::Revocation, rule)), "{status}");
    }
}

#[tokio::test]
async fn a_refresh_without_a_refresh_token_is_denied_without_asking() {
    let bench = plain().await;
    let arrival = bench.sign_in().await.unwrap();
    let asked = bench.upstream.times_asked();
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
    assert_eq!(bench.upstream.times_asked(), asked);
}

#[tokio::test]
async fn rfc_6749_section_5_1_a_scope_that_is_not_said_is_the_one_that_was_asked_for() {
    let bench = bench(json!({"scopes": ["a", "b"], "scope_separator": "comma"})).await;
    assert_eq!(bench.sign_in().await.unwrap().tokens.scope.as_deref(), Some("a b"));
    says(&bench, TOKEN, &json!({"access_token": "at", "scope": "a"}));
    assert_eq!(bench.sign_in().await.unwrap().tokens.scope.as_deref(), Some("a"));
    says(&bench, TOKEN, &json!({"access_token": "at", "scope": 7}));
    assert_eq!(bench.sign_in().await.unwrap().tokens.scope, None);
    assert_eq!(plain().await.sign_in().await.unwrap().tokens.scope, None, "nothing was asked for");
}

#[tokio::test]
async fn attack_28_who_is_wanted_in_person_at_a_refresh_is_denied() {
    let bench = bench(json!({"keep_tokens": true})).await;
    says(&bench, TOKEN, &json!({"access_token": "at", "refresh_token": "r"}));
    let arrival = bench.sign_in().await.unwrap();
    for code in ["access_denied", "login_required", "interaction_required", "consent_required"] {
        bench.upstream.responds(TOKEN, 400, "application/json", json!({"error": code}).to_string());
        assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"), "{code}");
    }
}

#[tokio::test]
async fn rfc_6749_section_2_1_a_public_client_is_one_that_says_so() {
    let upstream = Upstream::start("oauth2").await;
    let own = json!({
        "authorization_endpoint": "{base}/authorize", "token_endpoint": "{base}/token", "userinfo_endpoint": "{base}/me", "token_auth": "none"
    });
    let faults = |own: &Value, secret: Option<&str>| {
        let made = make("oauth2", &upstream, own, secret, &Arc::new(Steps::default()));
        made.err().map(|faults| faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(faults(&own, None), Vec::<String>::new());
    assert_eq!(faults(&own, Some("secret")), ["/token_auth"]);
    let mut forgotten = own.clone();
    forgotten["token_auth"] = "client_secret_post".into();
    assert_eq!(faults(&forgotten, None), ["/client_secret"]);
    let provider = make("oauth2", &upstream, &own, None, &Arc::new(Steps::default())).unwrap();
    let kept = provider.begin(&departure()).await.unwrap().kept;
    drop(provider.complete(callback(), kept, vestibule_domain::time::Timestamp::default()).await);
    let asked = upstream.last(TOKEN);
    assert_eq!((asked.field("client_id"), asked.field("client_secret"), asked.header("authorization")), (Some("vestibule"), None, None));
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_settings_is_said_at_once() {
    let upstream = Upstream::start("oauth2").await;
    let own = json!({
        "authorization_endpoint": "https://10.0.0.1/authorize", "userinfo_endpoint": "not an address", "subject": "id", "subject_is": "uuid",
        "token_auth": "mtls", "fresh_params": {"state": "x"}, "login_hint_param": "redirect_uri", "issuer": "a b",
        "lists": [{"endpoint": "http://8.8.8.8/", "claim": "roles", "item": "roles"}], "made": {"x": "{x}"},
        "api_headers": {"Authorization": "Basic x"}, "error_codes": {"x": "y"}, "pkce": "never", "scope_seperator": "comma",
        "offline_scopes": ["a b"]
    });
    let faults = make("oauth2", &upstream, &own, None, &Arc::new(Steps::default())).err().unwrap();
    let at: BTreeSet<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    let expected = [
        "/api_headers/Authorization",
        "/authorization_endpoint",
        "/client_secret",
        "/error_codes/x",
        "/fresh_params/state",
        "/issuer",
        "/lists/0/endpoint",
        "/lists/0/item",
        "/login_hint_param",
        "/made/x",
        "/offline_scopes/0",
        "/pkce",
        "/scope_seperator",
        "/subject",
        "/subject_is",
        "/token_auth",
        "/token_endpoint",
        "/userinfo_endpoint",
    ];
    assert_eq!(at, BTreeSet::from(expected), "{faults:?}");
}

#[tokio::test]
async fn presets_want_no_more_than_a_client() {
    let upstream = Upstream::start("oauth2").await;
    for (preset, page) in [
        ("discord", "https://discord.com/oauth2/authorize?"),
        ("facebook", "https://www.facebook.com/v26.0/dialog/oauth?"),
        ("github", "https://github.com/login/oauth/authorize?"),
        ("x", "https://x.com/i/oauth2/authorize?"),
    ] {
        let provider = make(preset, &upstream, &json!({}), Some("secret"), &Arc::new(Steps::default())).unwrap();
        let sent = provider.begin(&departure()).await.unwrap();
        assert!(sent.location.starts_with(page), "{}", sent.location);
        assert_eq!((provider.card().preset.as_str(), provider.card().icon.as_deref()), (preset, Some(preset)));
    }
}
