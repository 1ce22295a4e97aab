use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use vestibule_domain::{
    provider::{Callback, Departure, Phase, ProviderError},
    time::Timestamp,
};

use crate::{
    bench::{Bench, SECRET, Steps, callback, departure, make, rule, text},
    upstream::{Upstream, value},
};

const TOKEN: &str = "POST /login/oauth/access_token";
const EMAILS: &str = "GET /api/v3/user/emails";

async fn bench(own: Value) -> Bench {
    let mut settings = json!({
        "authorization_endpoint": "{base}/login/oauth/authorize",
        "token_endpoint": "{base}/login/oauth/access_token"
    });
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let bench = Bench::new("github", settings).await;
    bench.upstream.says(&["token", "user", "emails", "orgs_page_1", "orgs_page_2", "teams"]);
    bench
}

async fn plain() -> Bench {
    bench(json!({})).await
}

async fn with_organizations() -> Bench {
    bench(json!({"scopes": ["read:user", "user:email", "read:org"]})).await
}

#[tokio::test]
async fn somebody_signs_in() {
    let bench = plain().await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!((arrival.issuer.as_str(), arrival.subject.as_str()), ("https://github.com/login/oauth", "583231"));
    assert_eq!((arrival.auth_time, arrival.acr.clone(), arrival.amr.len()), (None, None, 0));
    let profile = bench.profile_of(&arrival);
    assert_eq!(profile.name.as_deref(), Some("The Octocat"));
    assert_eq!(profile.preferred_username.as_deref(), Some("octocat"));
    assert_eq!(profile.picture.as_deref(), Some("https://avatars.githubusercontent.com/u/583231?v=4"));
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("octocat@github.example"), true));
    assert_eq!(bench.steps.taken(), [(Phase::Token, "ok"), (Phase::Userinfo, "ok"), (Phase::Api, "ok")]);
    let answered = |phase| (phase, Some(200));
    assert_eq!(bench.steps.requests(), [Phase::Token, Phase::Userinfo, Phase::Api].map(answered), "each request, with its status");
}

#[tokio::test]
async fn the_token_request_asks_for_json_and_proves_who_began() {
    let bench = plain().await;
    let sent = bench.provider.begin(&departure()).await.unwrap();
    bench.complete(callback(), sent.kept.clone()).await.unwrap();
    let asked = bench.upstream.last(TOKEN);
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!((asked.field("client_id"), asked.field("client_secret")), (Some("vestibule"), Some(SECRET)));
    assert_eq!((asked.field("grant_type"), asked.field("code")), (Some("authorization_code"), Some("code-1")));
    assert_eq!(asked.field("redirect_uri"), Some("https://id.example/callback/acme"));
    assert_eq!(asked.field("code_verifier"), Some(sent.kept.pkce_verifier.as_str()));
}

#[tokio::test]
async fn the_version_of_the_interface_is_pinned_on_every_request() {
    let bench = with_organizations().await;
    bench.sign_in().await.unwrap();
    for on in ["GET /api/v3/user", EMAILS, "GET /api/v3/user/orgs", "GET /api/v3/user/teams"] {
        let asked = bench.upstream.last(on);
        assert_eq!(asked.header("x-github-api-version"), Some("2022-11-28"), "{on}");
        assert_eq!(asked.header("accept"), Some("application/vnd.github+json"), "{on}");
        assert_eq!(asked.header("authorization"), Some("Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a"), "{on}");
    }
}

#[tokio::test]
async fn pkce_is_s256_and_scopes_and_wishes_are_as_github_has_them() {
    let bench = plain().await;
    let asked = bench.departs(&departure()).await;
    assert_eq!(value(&asked, "scope"), Some("read:user,user:email"));
    assert_eq!((value(&asked, "response_type"), value(&asked, "code_challenge_method")), (Some("code"), Some("S256")));
    assert_eq!((value(&asked, "code_challenge").unwrap().len(), value(&asked, "nonce"), value(&asked, "prompt")), (43, None, None));
    let wishes = Departure { select_account: true, login_hint: Some("octocat".into()), ..departure() };
    let asked = bench.departs(&wishes).await;
    assert_eq!((value(&asked, "prompt"), value(&asked, "login")), (Some("select_account"), Some("octocat")));
    let always = self::bench(json!({"prompt": "select_account"})).await;
    assert_eq!(value(&always.departs(&departure()).await, "prompt"), Some("select_account"));
}

#[tokio::test]
async fn no_two_attempts_have_the_same_verifier_or_nonce() {
    let bench = plain().await;
    let kept = [bench.kept().await, bench.kept().await];
    let secrets: BTreeSet<_> = kept.iter().flat_map(|kept| [&kept.pkce_verifier, &kept.nonce]).collect();
    assert_eq!(secrets.len(), 4);
    assert!(secrets.iter().all(|secret| secret.len() == 43));
}

#[tokio::test]
async fn attack_02_the_iss_that_github_sends_is_held_against_its_name() {
    let bench = plain().await;
    let with = |iss: &str| Callback { iss: Some(iss.into()), ..callback() };
    bench.complete(with("https://github.com/login/oauth"), bench.kept().await).await.unwrap();
    let asked = bench.upstream.times_asked();
    for other in ["https://github.com", "https://github.com/login/oauth/", "https://evil.example"] {
        assert_eq!(rule(bench.complete(with(other), bench.kept().await).await), (Phase::Callback, "iss"), "{other}");
    }
    assert_eq!(bench.upstream.times_asked(), asked, "and no code went anywhere");
}

#[tokio::test]
async fn errors_with_status_200_are_somebodys() {
    let bench = plain().await;
    for (name, expected) in [
        ("token_bad_verification_code", (Phase::Token, "code")),
        ("token_incorrect_client_credentials", (Phase::Token, "misconfigured")),
        ("token_redirect_uri_mismatch", (Phase::Token, "misconfigured")),
        ("token_unverified_user_email", (Phase::Callback, "unverified_user_email")),
    ] {
        assert_eq!(bench.stopped_by(&[name]).await, expected, "{name}");
    }
    assert!(bench.upstream.asked("GET /api/v3/user").is_empty());
}

#[tokio::test]
async fn attack_25_nothing_that_github_writes_is_in_our_errors() {
    let bench = plain().await;
    for name in ["token_bad_verification_code", "token_incorrect_client_credentials", "token_redirect_uri_mismatch"] {
        bench.upstream.says(&[name]);
        let error = format!("{:?}", bench.sign_in().await.unwrap_err());
        assert!(!error.contains("docs.github.com") && !error.contains("passed"), "{error}");
    }
    bench.upstream.responds(TOKEN, 200, "application/json", json!({"error": "<script>\r\nlevel=error"}).to_string());
    let error = format!("{:?}", bench.sign_in().await.unwrap_err());
    assert!(!error.contains("script") && !error.contains("level="), "{error}");
}

#[tokio::test]
async fn what_github_says_on_the_way_back_is_somebodys() {
    let bench = plain().await;
    let refused = |error: &str| Callback { code: None, error: Some(error.into()), ..callback() };
    for (error, expected) in
        [("access_denied", "declined"), ("redirect_uri_mismatch", "misconfigured"), ("application_suspended", "misconfigured")]
    {
        assert_eq!(rule(bench.complete(refused(error), bench.kept().await).await), (Phase::Callback, expected), "{error}");
    }
}

#[tokio::test]
async fn attack_10_a_login_that_somebody_else_took_is_somebody_else() {
    let bench = plain().await;
    let first = bench.sign_in().await.unwrap();
    bench.upstream.says(&["user_reused_login"]);
    let second = bench.sign_in().await.unwrap();
    assert_eq!(first.claims["login"], second.claims["login"]);
    assert_eq!((first.subject.as_str(), second.subject.as_str()), ("583231", "99999999"));
    assert_eq!(bench.stopped_by(&["user_without_number"]).await, (Phase::Userinfo, "subject"));
}

#[tokio::test]
async fn attack_07_the_address_that_a_profile_shows_is_not_believed() {
    let bench = plain().await;
    bench.upstream.says(&["emails_none_verified"]);
    let arrival = bench.sign_in().await.unwrap();
    assert!(!arrival.claims.contains_key("email") && !arrival.claims.contains_key("email_verified"));
    // Where addresses are not asked for, it is shown and not believed.
    let blind = self::bench(json!({"scopes": ["read:user"]})).await;
    let profile = blind.profile().await;
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("shown@corp.example"), false));
    assert!(blind.upstream.asked(EMAILS).is_empty());
}

#[tokio::test]
async fn an_unverified_primary_address_gives_way_to_another_that_is_verified() {
    let bench = plain().await;
    bench.upstream.says(&["emails_primary_unverified"]);
    let profile = bench.profile().await;
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("old@corp.example"), true));
}

#[tokio::test]
async fn addresses_are_read_page_by_page() {
    let bench = plain().await;
    bench.upstream.says(&["emails_page_1", "emails_page_2"]);
    assert_eq!(bench.profile().await.email.as_deref(), Some("old@corp.example"));
    assert_eq!(bench.upstream.asked(EMAILS).len(), 2);
}

#[tokio::test]
async fn attack_30_a_list_without_an_end_is_left_after_ten_pages() {
    let bench = plain().await;
    bench.upstream.says(&["emails_endless"]);
    assert_eq!(bench.profile().await.email.as_deref(), Some("octocat@github.example"));
    assert_eq!(bench.upstream.asked(EMAILS).len(), 10);
}

#[tokio::test]
async fn attack_31_a_next_page_on_another_host_gets_no_token() {
    assert_eq!(plain().await.stopped_by(&["emails_next_elsewhere"]).await, (Phase::Api, "next_page"));
}

#[tokio::test]
async fn addresses_that_may_not_be_read_are_a_matter_of_the_registration() {
    let bench = plain().await;
    for name in ["emails_forbidden", "emails_not_found"] {
        bench.upstream.says(&[name]);
        let error = bench.sign_in().await.unwrap_err();
        assert!(matches!(&error, ProviderError::Misconfigured { phase: Phase::Api, detail } if detail.contains("user:email")), "{error}");
    }
}

#[tokio::test]
async fn a_rate_limit_is_nobodys_mistake() {
    let bench = plain().await;
    bench.upstream.says(&["emails_rate_limited"]);
    let error = bench.sign_in().await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreachable { phase: Phase::Api, status: Some(403), .. }), "{error}");
}

#[tokio::test]
async fn organizations_and_teams_come_with_read_org_and_not_without() {
    let bench = with_organizations().await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!(arrival.claims["organizations"], json!(["github", "Acme", "Acme:core", "Acme:justice-league"]));
    assert_eq!(bench.profile_of(&arrival).groups, ["github", "Acme", "Acme:core", "Acme:justice-league"]);
    let without = plain().await;
    assert!(!without.sign_in().await.unwrap().claims.contains_key("organizations"));
    assert!(without.upstream.asked("GET /api/v3/user/orgs").is_empty());
}

#[tokio::test]
async fn half_a_list_of_organizations_is_none() {
    let bench = with_organizations().await;
    bench.upstream.says(&["orgs_endless"]);
    bench.upstream.answers(
        serde_json::from_value(json!({
            "about": "", "on": "GET /api/v3/user/orgs?per_page=100&page=2", "status": 200,
            "headers": {"content-type": "application/json", "link": "<{base}/api/v3/user/orgs?per_page=100&page=2>; rel=\"next\""},
            "body": [{"login": "other"}]
        }))
        .unwrap(),
    );
    assert!(!bench.sign_in().await.unwrap().claims.contains_key("organizations"));
}

#[tokio::test]
async fn attack_23_lists_of_something_else_are_refused() {
    let bench = with_organizations().await;
    for (body, expected) in [
        (json!({"login": "acme"}), "json"),
        (json!([{"login": ["acme"]}]), "item"),
        (json!(["acme"]), "item"),
        (json!({"error": "x"}), "json"),
    ] {
        bench.upstream.responds("GET /api/v3/user/orgs?per_page=100", 200, "application/json", body.to_string());
        assert_eq!(rule(bench.sign_in().await), (Phase::Api, expected), "{body}");
    }
}

#[tokio::test]
async fn scopes_that_were_granted_are_separated_by_spaces_afterwards() {
    let arrival = plain().await.sign_in().await.unwrap();
    assert_eq!(arrival.tokens.scope.as_deref(), Some("read:org read:user user:email"));
    assert_eq!((arrival.tokens.expires, arrival.tokens.refresh_token.is_none()), (None, true));
}

#[tokio::test]
async fn a_github_app_has_tokens_that_expire_and_are_renewed_as_a_pair() {
    let bench = bench(json!({"scopes": [], "keep_tokens": true})).await;
    bench.upstream.says(&["token_app"]);
    assert_eq!(value(&bench.departs(&departure()).await, "scope"), None);
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!(
        arrival.tokens.expires,
        Some(Timestamp::from_millis(vestibule_domain::ports::Clock::now(&*bench.clock).as_millis() + 28_800_000))
    );
    assert_eq!(bench.profile_of(&arrival).email.as_deref(), Some("octocat@github.example"), "its permissions are not scopes");
    bench.upstream.says(&["token_renewed"]);
    let renewed = bench.refresh(&arrival).await.unwrap();
    let asked = bench.upstream.last(TOKEN);
    assert_eq!(
        (asked.field("grant_type"), asked.field("refresh_token")),
        (Some("refresh_token"), text(arrival.tokens.refresh_token.as_ref()))
    );
    assert_eq!(text(renewed.tokens.access_token.as_ref()), Some("ghu_renewed"));
    assert_eq!(text(renewed.tokens.refresh_token.as_ref()), Some("ghr_renewed"));
    assert_eq!(renewed.claims.unwrap()["login"], "octocat");
}

#[tokio::test]
async fn a_refresh_token_that_is_dead_is_denied_and_a_server_that_is_not_there_is_not() {
    let bench = bench(json!({"keep_tokens": true})).await;
    bench.upstream.says(&["token_app"]);
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_bad_refresh_token"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
    bench.upstream.responds(TOKEN, 502, "text/html", "<html>");
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "unreachable"));
}

#[tokio::test]
async fn new_tokens_are_not_lost_when_the_interface_does_not_answer() {
    let bench = bench(json!({"keep_tokens": true})).await;
    bench.upstream.says(&["token_app"]);
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_renewed"]);
    bench.upstream.responds(EMAILS, 503, "text/html", "<html>");
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!((text(renewed.tokens.access_token.as_ref()), renewed.claims), (Some("ghu_renewed"), None));
}

#[tokio::test]
async fn attack_24_new_tokens_of_another_person_are_refused() {
    let bench = bench(json!({"keep_tokens": true})).await;
    bench.upstream.says(&["token_app"]);
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_renewed", "user_reused_login"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "subject"));
}

#[tokio::test]
async fn attack_01_tokens_of_another_issuer_are_not_shown_to_this_one() {
    let bench = bench(json!({"keep_tokens": true})).await;
    bench.upstream.says(&["token_app"]);
    let mut arrival = bench.sign_in().await.unwrap();
    arrival.issuer = "https://github.corp.example/login/oauth".into();
    let asked = bench.upstream.asked(TOKEN).len();
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
    assert_eq!(bench.upstream.asked(TOKEN).len(), asked);
}

#[tokio::test]
async fn a_token_is_given_back_by_the_client_and_one_that_is_not_known_is_given_back_already() {
    let bench = plain().await;
    let tokens = bench.sign_in().await.unwrap().tokens;
    for name in ["revoked", "revoked_unknown"] {
        bench.upstream.says(&[name]);
        bench.revoke(&tokens).await.unwrap();
    }
    let asked = bench.upstream.last("DELETE /api/v3/applications/vestibule/token");
    assert_eq!(serde_json::from_str::<Value>(&asked.body).unwrap(), json!({"access_token": "gho_16C7e42F292c6912E7710c838347Ae178B4a"}));
    // RFC 6749 §2.3.1: "vestibule:s3cret%3A+100%25%2B%C3%A4".
    assert_eq!(asked.header("authorization"), Some("Basic dmVzdGlidWxlOnMzY3JldCUzQSsxMDAlMjUlMkIlQzMlQTQ="));
    bench.upstream.responds("DELETE /api/v3/applications/vestibule/token", 503, "text/html", "<html>");
    assert_eq!(rule(bench.revoke(&tokens).await), (Phase::Revocation, "unreachable"));
    assert_eq!(bench.steps.requests().last(), Some(&(Phase::Revocation, Some(503))));
}

#[tokio::test]
async fn a_check_shows_whether_our_secret_is_taken() {
    let bench = plain().await;
    for name in ["rate_limit", "rate_limit_disabled"] {
        bench.upstream.says(&[name]);
        let checked = bench.provider.check().await.unwrap();
        assert_eq!((checked.facts[1].0, checked.warnings.len()), ("client", 0), "{name}");
    }
    for name in ["rate_limit_bad_credentials", "rate_limit_version_gone"] {
        bench.upstream.says(&[name]);
        assert_eq!(rule(bench.provider.check().await), (Phase::Api, "misconfigured"), "{name}");
    }
}

#[tokio::test]
async fn a_check_warns_when_the_version_of_the_interface_ends_or_is_another() {
    let bench = plain().await;
    bench.upstream.says(&["rate_limit_sunset"]);
    assert_eq!(bench.provider.check().await.unwrap().warnings.len(), 2);
}

#[tokio::test]
async fn a_server_on_the_premises_is_another_issuer() {
    let upstream = Upstream::start("github").await;
    let steps = Arc::new(Steps::default());
    for host in ["github.com", "github.corp.example", "corp.ghe.com"] {
        let provider = make("github", &upstream, &json!({"host": host}), Some(SECRET), &steps).unwrap();
        let sent = provider.begin(&departure()).await.unwrap();
        assert!(sent.location.starts_with(&format!("https://{host}/login/oauth/authorize?")), "{}", sent.location);
        assert_eq!(sent.kept.issuer, format!("https://{host}/login/oauth"));
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_settings_is_said_at_once() {
    let upstream = Upstream::start("github").await;
    let steps = Arc::new(Steps::default());
    let own =
        json!({"host": "127.0.0.1", "api_version": "latest", "api_url": "http://10.0.0.1/", "pkce": "sometimes", "organisations": []});
    let faults = make("github", &upstream, &own, None, &steps).err().unwrap();
    let at: BTreeSet<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    let expected = ["/api_version", "/authorization_endpoint", "/client_secret", "/organisations", "/pkce", "/token_endpoint"];
    assert_eq!(at, BTreeSet::from(expected), "{faults:?}");
}
