//! Providers that are data alone.

use serde_json::json;
use vestibule_domain::{
    entry::RuleKind,
    provider::{Departure, Phase},
};

use crate::{
    bench::{Bench, departure, rule},
    upstream::value,
};

#[tokio::test]
async fn gitlab_groups_are_at_userinfo_and_nowhere_else() {
    let bench = Bench::new("gitlab", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!(bench.profile_of(&arrival).groups, ["acme", "acme/core"]);
    assert_eq!(arrival.claims["https://gitlab.org/claims/groups/owner"], json!(["acme"]));
}

#[tokio::test]
async fn gitlab_a_group_that_was_left_is_gone_after_a_refresh_and_the_pair_is_new() {
    let bench = Bench::new("gitlab", json!({"keep_tokens": true})).await;
    bench.upstream.says(&["userinfo"]);
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["userinfo_fewer_groups"]);
    bench.token("token_refreshed", &bench.claims("id_token"));
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!(renewed.claims.unwrap()["groups"], json!(["acme"]));
    assert!(renewed.tokens.refresh_token.is_some());
}

#[tokio::test]
async fn gitlab_an_address_is_verified_when_gitlab_has_it_confirmed() {
    let bench = Bench::new("gitlab", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    assert!(bench.profile().await.email_verified);
    bench.upstream.says(&["userinfo_unconfirmed"]);
    let arrival = bench.sign_in_as("id_token", |claims| drop(claims.insert("email_verified".into(), false.into()))).await.unwrap();
    assert!(!bench.profile_of(&arrival).email_verified);
}

#[tokio::test]
async fn gitlab_stands_on_a_host_of_ones_own() {
    let host = crate::settings::made("gitlab", json!({"host": "git.corp.example"})).unwrap();
    assert_eq!(host.card().label, "GitLab");
}

#[tokio::test]
async fn slack_errors_come_with_status_200() {
    let bench = Bench::new("slack", json!({})).await;
    for (said, expected) in [
        ("token_invalid_code", "code"),
        ("token_bad_client_secret", "misconfigured"),
        ("token_invalid_client_id", "misconfigured"),
        ("token_bad_redirect_uri", "misconfigured"),
        ("token_fatal_error", "unreachable"),
    ] {
        let (_, kept) = bench.depart().await.unwrap();
        bench.upstream.says(&[said]);
        assert_eq!(rule(bench.complete(crate::bench::callback(), kept).await), (Phase::Token, expected), "{said}");
    }
    bench.upstream.says(&["userinfo_invalid_auth"]);
    assert_eq!(rule(bench.sign_in().await), (Phase::Userinfo, "token"));
}

#[tokio::test]
async fn slack_a_nonce_is_always_sent_and_an_empty_one_is_none() {
    let bench = Bench::new("slack", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    assert!(value(&bench.departs(&departure()).await, "nonce").is_some());
    bench.sign_in().await.unwrap();
    let refused = bench.sign_in_as("id_token", |claims| drop(claims.insert("nonce".into(), "".into()))).await;
    assert_eq!(rule(refused), (Phase::Token, "nonce"));
}

#[tokio::test]
async fn slack_who_may_enter_hangs_on_the_team_of_the_token() {
    let bench = Bench::new("slack", json!({"teams": ["T0R7GR8T6"], "team": "T0R7GR8T6"})).await;
    bench.upstream.says(&["userinfo"]);
    assert_eq!(value(&bench.departs(&departure()).await, "team"), Some("T0R7GR8T6"));
    assert_eq!(bench.judged(&bench.sign_in().await.unwrap()), Ok(()));
    let other = bench.sign_in_as("id_token", |claims| drop(claims.insert("https://slack.com/team_id".into(), "T2".into()))).await.unwrap();
    assert_eq!(bench.judged(&other).unwrap_err().kind, RuleKind::Claims);
}

#[tokio::test]
async fn linkedin_is_sent_no_nonce_and_no_pkce_and_its_secret_in_the_form() {
    let bench = Bench::new("linkedin", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    let parameters = bench.departs(&departure()).await;
    assert_eq!((value(&parameters, "nonce"), value(&parameters, "code_challenge")), (None, None));
    bench.sign_in().await.unwrap();
    let asked = bench.upstream.last("POST /www.linkedin.com/oauth/v2/accessToken");
    assert_eq!((asked.field("client_secret"), asked.field("code_verifier")), (Some(crate::bench::SECRET), None));
    assert_eq!(asked.header("authorization"), None);
    // A token with a nonce was made for somebody else's sign-in.
    let refused = bench.sign_in_as("id_token", |claims| drop(claims.insert("nonce".into(), "x".into()))).await;
    assert_eq!(rule(refused), (Phase::Token, "nonce"));
    let warned = bench.provider.check().await.unwrap().warnings;
    assert!(warned.iter().any(|warning| warning.contains("neither PKCE nor a nonce")), "{warned:?}");
}

#[tokio::test]
async fn linkedin_pkce_is_sent_where_it_was_turned_on() {
    let bench = Bench::new("linkedin", json!({"pkce": "auto"})).await;
    assert!(value(&bench.departs(&departure()).await, "code_challenge").is_some());
}

#[tokio::test]
async fn linkedin_refuses_credentials_in_its_own_words() {
    let bench = Bench::new("linkedin", json!({})).await;
    let (_, kept) = bench.depart().await.unwrap();
    bench.upstream.says(&["token_invalid_client"]);
    assert_eq!(rule(bench.complete(crate::bench::callback(), kept).await), (Phase::Token, "misconfigured"));
}

#[tokio::test]
async fn linkedin_a_boolean_that_is_a_text_and_a_locale_that_is_none_stop_nobody() {
    let bench = Bench::new("linkedin", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    let profile = bench.profile().await;
    assert_eq!((profile.email_verified, profile.locale, profile.name.as_deref()), (true, None, Some("Ada Lovelace")));
    let arrival = bench.sign_in_as("id_token", |claims| drop(claims.insert("email_verified".into(), "false".into()))).await.unwrap();
    assert!(!bench.profile_of(&arrival).email_verified);
}

#[tokio::test]
async fn okta_a_thin_id_token_is_filled_from_userinfo() {
    let bench = Bench::new("okta", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    let arrival = bench.sign_in().await.unwrap();
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.name.as_deref(), profile.email.as_deref()), (Some("Ada Lovelace"), Some("ada@corp.example")));
    assert!(profile.email_verified && profile.groups == ["Everyone", "eng"], "the org server has groups in the ID token alone");
    assert_eq!(arrival.amr, ["pwd", "mfa"]);
}

#[tokio::test]
async fn okta_a_custom_server_has_its_groups_at_userinfo() {
    let bench = Bench::with("okta", "discovery_custom", json!({}), &[("client_secret", crate::bench::SECRET)]).await;
    bench.upstream.says(&["userinfo_custom"]);
    let (parameters, kept) = bench.depart().await.unwrap();
    let mut claims = bench.claims("id_token_custom");
    claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
    bench.token("token_custom", &claims);
    let arrival = bench.complete(crate::bench::callback(), kept).await.unwrap();
    assert_eq!(bench.profile_of(&arrival).groups, ["eng"]);
}

#[tokio::test]
async fn auth0_ends_in_a_slash_and_takes_an_audience() {
    let bench = Bench::new("auth0", json!({"audience": "https://api.corp.example", "organization": "org_1"})).await;
    bench.upstream.says(&["userinfo"]);
    let parameters = bench.departs(&departure()).await;
    assert_eq!((value(&parameters, "audience"), value(&parameters, "organization")), (Some("https://api.corp.example"), Some("org_1")));
    let arrival = bench.sign_in().await.unwrap();
    assert!(arrival.issuer.ends_with(".auth0.com/"));
    let refused = bench
        .sign_in_as("id_token", |claims| {
            let bare = claims["iss"].as_str().unwrap().trim_end_matches('/').to_owned();
            claims.insert("iss".into(), bare.into());
        })
        .await;
    assert_eq!(rule(refused), (Phase::Token, "iss"));
}

#[tokio::test]
async fn auth0_a_time_that_is_a_text_stops_nobody_and_claims_have_names_that_are_addresses() {
    let own = json!({"claims": {"groups": {"from": ["/https:~1~1corp.example~1groups"], "coerce": "texts"}}});
    let bench = Bench::new("auth0", own).await;
    bench.upstream.says(&["userinfo"]);
    let profile = bench.profile().await;
    assert_eq!(profile.groups, ["eng"]);
    assert!(profile.email_verified);
}

#[tokio::test]
async fn keycloak_people_from_ldap_have_no_verified_address() {
    let bench = Bench::new("keycloak", json!({"idp_hint": "corp-saml"})).await;
    bench.upstream.says(&["userinfo"]);
    assert_eq!(value(&bench.departs(&departure()).await, "kc_idp_hint"), Some("corp-saml"));
    let (parameters, kept) = bench.depart().await.unwrap();
    let mut claims = bench.claims("id_token");
    claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
    let issuer = claims["iss"].as_str().unwrap().to_owned();
    bench.token("token", &claims);
    // It announces that it names itself in answers.
    let callback = vestibule_domain::provider::Callback { iss: Some(issuer), ..crate::bench::callback() };
    let arrival = bench.complete(callback, kept).await.unwrap();
    let profile = bench.profile_of(&arrival);
    assert_eq!(
        (profile.email.as_deref(), profile.email_verified, profile.groups.as_slice()),
        (Some("ada@corp.example"), false, &["/eng".to_owned()][..])
    );
    assert_eq!(rule(bench.sign_in().await), (Phase::Callback, "iss"));
}

#[tokio::test]
async fn keycloak_an_operator_who_vouches_for_ldap_says_so() {
    let bench = Bench::new("keycloak", json!({"email_trust": "always"})).await;
    let claims = bench.claims("id_token");
    assert!(bench.provider.terms().profile_of(&claims).profile.email_verified);
}

#[tokio::test]
async fn cognito_a_boolean_is_a_text_at_userinfo_and_groups_have_a_name_of_their_own() {
    let bench = Bench::new("cognito", json!({})).await;
    bench.upstream.says(&["userinfo"]);
    let profile = bench.profile().await;
    assert_eq!((profile.email_verified, profile.groups.as_slice()), (true, &["eng".to_owned()][..]));
    let arrival = bench
        .sign_in_as("id_token", |claims| {
            claims.remove("email");
            claims.remove("email_verified");
        })
        .await
        .unwrap();
    assert!(bench.profile_of(&arrival).email_verified, "from userinfo alone");
}

#[tokio::test]
async fn cognito_its_tokens_are_for_our_client_and_no_other_of_the_pool() {
    let bench = Bench::new("cognito", json!({})).await;
    for aud in [json!("another"), json!(null), json!(["vestibule", "another"])] {
        let refused = bench.sign_in_as("id_token", |claims| drop(claims.insert("aud".into(), aud.clone()))).await;
        assert_eq!(rule(refused), (Phase::Token, "aud"), "{aud}");
    }
}

#[tokio::test]
async fn salesforce_a_time_that_is_a_text_stops_nobody() {
    let bench = Bench::new("salesforce", json!({"keep_tokens": true})).await;
    bench.upstream.says(&["userinfo"]);
    assert_eq!(value(&bench.departs(&departure()).await, "scope"), Some("openid profile email refresh_token"));
    let arrival = bench
        .sign_in_as("id_token", |claims| drop(claims.insert("updated_at".into(), "2026-11-24T09:12:33.000+0000".into())))
        .await
        .unwrap();
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.name.as_deref(), profile.email_verified), (Some("Ada Lovelace"), true));
    assert!(arrival.subject.starts_with("https://login.salesforce.com/id/"));
}

#[tokio::test]
async fn every_preset_says_what_it_is_asked_for_a_fresh_sign_in() {
    let bench = Bench::new("okta", json!({})).await;
    let parameters = bench.departs(&Departure { fresh: true, ..departure() }).await;
    assert_eq!((value(&parameters, "prompt"), value(&parameters, "max_age")), (Some("login"), Some("0")));
}
