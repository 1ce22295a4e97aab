use serde_json::{Value, json};
use vestibule_domain::{
    entry::RuleKind,
    ports::Clock,
    provider::{Departure, Phase},
};

use crate::{
    bench::{Bench, SECRET, departure, object, pem, read, rule},
    upstream::value,
};

const GROUPS: &str = "GET /admin/directory/v1/groups";

async fn google(own: Value) -> Bench {
    Bench::new("google", own).await
}

/// A person in two groups, one of which is in others.
const IN_GROUPS: [&str; 5] = ["groups_page_1", "groups_page_2", "groups_of_eng", "groups_of_staff", "groups_of_all"];

/// With a service account that reads groups, and a directory that says this.
async fn with_directory(mut own: Value, says: &[&str]) -> Bench {
    // The address of the test server is not known yet; the key file is a secret, in which nothing is filled in.
    let upstream = crate::upstream::Upstream::start("google").await;
    let file = json!({
        "type": "service_account", "client_email": "groups@project.iam.gserviceaccount.com", "private_key": pem(), "private_key_id": "kid-1",
        "token_uri": format!("{}/oauth2.googleapis.com/service", upstream.base()),
    });
    own["admin_emails"] = json!({"Corp.example": "it@corp.example"});
    own["directory_endpoint"] = "{base}".into();
    let bench = Bench::on(upstream, "google", "discovery", &own, &[("client_secret", SECRET), ("service_account_key", &file.to_string())]);
    bench.upstream.says(&["service_token"]);
    bench.upstream.says(says);
    bench
}

async fn with_groups(own: Value) -> Bench {
    with_directory(own, &IN_GROUPS).await
}

#[tokio::test]
async fn google_offline_access_is_a_parameter_and_never_a_scope() {
    for own in [json!({"keep_tokens": true}), json!({"scopes": ["openid", "email", "offline_access"]})] {
        let parameters = google(own.clone()).await.departs(&departure()).await;
        assert!(!value(&parameters, "scope").unwrap().contains("offline"), "{own}");
        assert_eq!((value(&parameters, "access_type"), value(&parameters, "prompt")), (Some("offline"), Some("consent")), "{own}");
    }
    let parameters = google(json!({"keep_tokens": true})).await.departs(&Departure { select_account: true, ..departure() }).await;
    assert_eq!(value(&parameters, "prompt"), Some("select_account consent"));
}

#[tokio::test]
async fn google_where_no_tokens_are_kept_nobody_is_asked_for_consent_again() {
    let parameters = google(json!({})).await.departs(&departure()).await;
    assert_eq!((value(&parameters, "access_type"), value(&parameters, "prompt")), (None, None));
    assert_eq!(value(&parameters, "scope"), Some("openid profile email"));
}

#[tokio::test]
async fn google_the_issuers_old_name_leads_to_the_same_person() {
    let bench = google(json!({})).await;
    let usual = bench.sign_in().await.unwrap();
    let old = bench.sign_in_as("id_token", |claims| drop(claims.insert("iss".into(), "accounts.google.com".into()))).await.unwrap();
    assert_eq!((usual.issuer, usual.subject), (old.issuer, old.subject));
    for other in ["accounts.google.com/", "https://accounts.google.com.evil.example", "ACCOUNTS.GOOGLE.COM"] {
        let refused = bench.sign_in_as("id_token", |claims| drop(claims.insert("iss".into(), other.into()))).await;
        assert_eq!(rule(refused), (Phase::Token, "iss"), "{other}");
    }
}

#[tokio::test]
async fn google_userinfo_is_throttled_and_never_asked() {
    let bench = google(json!({})).await;
    let profile = bench.profile().await;
    assert_eq!((profile.name.as_deref(), profile.email.as_deref()), (Some("Ada Lovelace"), Some("ada@corp.example")));
    assert!(profile.email_verified && bench.upstream.asked("GET /openidconnect.googleapis.com/v1/userinfo").is_empty());
}

#[tokio::test]
async fn attack_11_google_hd_is_enforced_from_the_token_and_not_from_the_hint() {
    let bench = google(json!({"hosted_domains": ["corp.example"]})).await;
    let parameters = bench.departs(&departure()).await;
    assert_eq!(value(&parameters, "hd"), Some("corp.example"), "the hint shows the right accounts first");
    let parameters = bench.departs(&Departure { domain_hint: Some("typed.example".into()), ..departure() }).await;
    assert_eq!(value(&parameters, "hd"), Some("typed.example"));
    assert_eq!(bench.judged(&bench.sign_in().await.unwrap()), Ok(()));
    for hd in [json!(null), json!("other.example"), json!("corp.example.evil.example"), json!(["x"])] {
        let arrival = bench.sign_in_as("id_token", |claims| drop(claims.insert("hd".into(), hd.clone()))).await.unwrap();
        assert_eq!(bench.judged(&arrival).unwrap_err().kind, RuleKind::HostedDomains, "{hd}");
    }
}

#[tokio::test]
async fn attack_11_google_userinfo_can_not_add_a_workspace() {
    let bench = google(json!({"hosted_domains": ["corp.example"], "userinfo": true})).await;
    let body = json!({"sub": "110169484474386276334", "hd": "corp.example", "tid": "x"}).to_string();
    bench.upstream.responds("GET /openidconnect.googleapis.com/v1/userinfo", 200, "application/json", body);
    let arrival = bench.sign_in_as("id_token", |claims| drop(claims.remove("hd"))).await.unwrap();
    assert!(!arrival.claims.contains_key("hd") && !arrival.claims.contains_key("tid"));
    assert!(bench.judged(&arrival).is_err());
}

#[tokio::test]
async fn google_groups_come_from_the_directory_in_an_administrators_name() {
    let bench = with_groups(json!({})).await;
    assert_eq!(bench.profile().await.groups, ["all@corp.example", "eng@corp.example"]);
    let asked = bench.upstream.last("POST /oauth2.googleapis.com/service");
    assert_eq!(asked.field("grant_type"), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    let (header, claims) = read(asked.field("assertion").unwrap());
    assert_eq!(header, json!({"alg": "RS256", "kid": "kid-1", "typ": "JWT"}));
    let now = bench.clock.now().as_secs();
    assert_eq!(
        claims,
        json!({
            "iss": "groups@project.iam.gserviceaccount.com", "sub": "it@corp.example", "iat": now, "exp": now + 300,
            "scope": "https://www.googleapis.com/auth/admin.directory.group.readonly",
            "aud": format!("{}/oauth2.googleapis.com/service", bench.upstream.base()),
        })
    );
    let asked = bench.upstream.last(GROUPS);
    assert_eq!((asked.header("authorization"), asked.parameter("pageToken")), (Some("Bearer service-1"), Some("p2")));
    bench.sign_in().await.unwrap();
    assert_eq!(bench.upstream.asked("POST /oauth2.googleapis.com/service").len(), 1, "its token is good for an hour");
    bench.clock.advance(std::time::Duration::from_secs(3599));
    bench.sign_in().await.unwrap();
    assert_eq!(bench.upstream.asked("POST /oauth2.googleapis.com/service").len(), 2);
}

#[tokio::test]
async fn google_groups_of_groups_count_when_they_are_asked_for() {
    let bench = with_groups(json!({"transitive_groups": true})).await;
    assert_eq!(bench.profile().await.groups, ["all@corp.example", "eng@corp.example", "staff@corp.example"]);
}

#[tokio::test]
async fn google_who_is_of_no_configured_workspace_has_no_groups() {
    let bench = with_groups(json!({})).await;
    for hd in [json!(null), json!("other.example")] {
        let arrival = bench
            .sign_in_as("id_token", |claims| {
                claims.insert("hd".into(), hd.clone());
                claims.insert("groups".into(), json!(["eng@corp.example"]));
            })
            .await
            .unwrap();
        assert!(!arrival.claims.contains_key("groups"), "{hd}");
    }
    assert!(bench.upstream.asked(GROUPS).is_empty());
    let unknown = with_directory(json!({}), &["groups_unknown_person"]).await;
    assert!(unknown.profile().await.groups.is_empty());
}

#[tokio::test]
async fn google_a_directory_that_does_not_tell_lets_nobody_in_by_halves() {
    let bench = with_directory(json!({}), &["groups_forbidden"]).await;
    assert_eq!(rule(bench.sign_in().await), (Phase::Api, "misconfigured"));
    let bench = with_groups(json!({})).await;
    bench.upstream.says(&["service_unauthorized"]);
    assert_eq!(rule(bench.sign_in().await), (Phase::Api, "misconfigured"));
    assert_eq!(bench.steps.taken().last(), Some(&(Phase::Api, "misconfigured")));
}

#[tokio::test]
async fn google_more_groups_than_can_be_read_are_not_said_and_nobody_is_turned_away() {
    let endless = with_directory(json!({}), &["groups_endless"]).await;
    assert!(!endless.sign_in().await.unwrap().claims.contains_key("groups"));
    let many = with_directory(json!({}), &[]).await;
    let groups: Vec<_> = (0..501).map(|at| json!({"email": format!("g{at}@corp.example")})).collect();
    many.upstream.responds(GROUPS, 200, "application/json", json!({ "groups": groups }).to_string());
    assert!(!many.sign_in().await.unwrap().claims.contains_key("groups"));
    many.upstream.responds(GROUPS, 200, "application/json", json!({ "groups": groups[..500] }).to_string());
    assert_eq!(many.profile().await.groups.len(), 500);
}

#[tokio::test]
async fn google_who_must_prove_who_they_are_is_asked_with_a_word_that_google_knows() {
    let parameters = google(json!({})).await.departs(&Departure { fresh: true, ..departure() }).await;
    assert_eq!((value(&parameters, "prompt"), value(&parameters, "max_age")), (Some("select_account"), Some("0")));
    let both = google(json!({})).await.departs(&Departure { fresh: true, select_account: true, ..departure() }).await;
    assert_eq!(value(&both, "prompt"), Some("select_account"));
    let own = google(json!({"fresh_prompt": "login"})).await.departs(&Departure { fresh: true, ..departure() }).await;
    assert_eq!(value(&own, "prompt"), Some("login"));
}

#[tokio::test]
async fn google_a_refreshed_token_without_a_name_takes_no_name_away() {
    let bench = google(json!({"keep_tokens": true})).await;
    let arrival = bench.sign_in().await.unwrap();
    bench.token("token_refreshed", &bench.claims("id_token_refreshed"));
    let renewed = bench.refresh(&arrival).await.unwrap();
    let claims = renewed.claims.unwrap();
    assert_eq!(
        (&claims["name"], &claims["email"], &claims["hd"]),
        (&json!("Ada Lovelace"), &json!("ada@corp.example"), &json!("corp.example"))
    );
    assert!(renewed.tokens.refresh_token.is_none(), "the old one goes on");
}

#[tokio::test]
async fn attack_28_google_a_grant_that_was_taken_back_is_denied() {
    let bench = google(json!({"keep_tokens": true})).await;
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_revoked"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
}

#[tokio::test]
async fn google_a_person_who_left_a_group_is_out_of_it_after_a_refresh() {
    let bench = with_groups(json!({"keep_tokens": true})).await;
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.responds(&format!("{GROUPS}?userKey=110169484474386276334&maxResults=200"), 200, "application/json", r#"{"groups":[]}"#);
    bench.token("token_refreshed", &bench.claims("id_token_refreshed"));
    let claims = bench.refresh(&arrival).await.unwrap().claims.unwrap();
    assert_eq!(claims["groups"], json!([]));
    assert_eq!(object(claims.into())["sub"], json!("110169484474386276334"));
}
