//! Codes: once, in time, by their client, with their verifier.

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::registration::Draft;

use crate::street::{Browser, CALLBACK, Street, VERIFIER, claims, grants, plain};

#[tokio::test]
async fn oidc_core_section_2_a_code_becomes_tokens_that_say_who_when_and_for_whom() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &600.into()));
    assert_eq!(tokens["scope"], "email offline_access openid profile");
    let id = claims(&tokens["id_token"]);
    assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&"https://sso.example.com".into(), &"app".into(), &"the-nonce".into()));
    assert_eq!((&id["email"], &id["email_verified"]), (&"alice@example.com".into(), &true.into()));
    assert!(id["auth_time"].is_i64() && id["sid"].is_string() && id["at_hash"].is_string() && id["amr"][0] == "pwd", "{id}");
    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["client_id"], &access["sub"], &access["aud"]), (&"app".into(), &id["sub"], &"https://sso.example.com".into()));
}

#[tokio::test]
async fn attack_37_oauth_2_1_section_4_1_3_asvs_10_4_2_a_code_used_twice_ends_what_it_issued() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    let again = street.redeems(&app, &code).await;
    assert_eq!((again.status, again.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await, "OIDC basic: the access token stops working at userinfo");
    let refreshed = street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.error(), "invalid_grant");
    assert_eq!(street.count("token.reuse_detected"), 1);
}

#[tokio::test]
async fn attack_37_of_many_parallel_exchanges_one_wins() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    let answers = futures_util::future::join_all((0..16).map(|_| street.redeems(&app, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert!(answers.iter().filter(|answer| answer.status != StatusCode::OK).all(|answer| answer.error() == "invalid_grant"));
}

#[tokio::test]
async fn attack_37_oauth_2_1_section_4_1_2_oidc_core_section_3_1_3_2_asvs_10_4_3_another_client_address_or_time_gets_nothing_and_takes_nothing()
 {
    let street = Street::open().await;
    let app = street.app("app").await;
    let other = street.app("other").await;
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    let stolen = street.redeems(&other, &code).await;
    assert_eq!((stolen.status, stolen.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    for redirect_uri in ["https://app.example.com/other", ""] {
        let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", redirect_uri), ("code_verifier", VERIFIER)];
        let answer = street.asks(&app, "/token", &form).await;
        assert_eq!(answer.error(), "invalid_grant", "OAuth 2.1 §10.2: {redirect_uri:?}");
    }
    assert_eq!(street.redeems(&app, &code).await.status, StatusCode::OK, "nothing of that spent it");
    let late = street.signs_in(&mut Browser::default(), &app, "alice").await;
    street.rig.clock.advance(Duration::from_secs(61));
    assert_eq!(street.redeems(&app, &late).await.error(), "invalid_grant");
}

#[tokio::test]
async fn attack_37_after_logout_a_code_is_worth_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let page = street.goes(&mut browser, "/logout").await;
    let confirmation = page.between("name=\"confirmation\" value=\"", "\"").to_owned();
    street.posts(&mut browser, "/logout", &[("confirmation", &confirmation)]).await;
    assert_eq!(street.redeems(&app, &code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn attack_36_rfc_7636_section_4_6_rfc_9700_section_4_8_2_a_verifier_must_be_the_one_and_must_not_come_where_no_challenge_was() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for verifier in ["", "short", &VERIFIER[..42], &"a".repeat(129), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
        let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", verifier)];
        let answer = street.asks(&app, "/token", &form).await;
        assert_eq!(answer.error(), "invalid_grant", "RFC 7636 §4.6: {verifier:?}");
    }
    let free = street.app_as("free", Draft { require_pkce: false, ..plain() }).await;
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &free, &[("code_challenge", ""), ("code_challenge_method", "")], "alice").await;
    let answer = street.redeems(&free, &landed.parameter("code").unwrap()).await;
    assert_eq!(answer.error(), "invalid_grant", "RFC 9700 §4.8.2: a verifier without a challenge is a downgrade");
}

#[tokio::test]
async fn oidc_core_section_5_4_a_thin_id_token_and_no_openid_scope_say_no_more_than_asked() {
    let street = Street::open().await;
    let thin = street.app_as("thin", Draft { id_token_claims: false, ..plain() }).await;
    let tokens = street.tokens(&thin, "alice").await;
    let id = claims(&tokens["id_token"]);
    assert!(id["email"].is_null() && id["sub"].is_string(), "{id}");
    assert_eq!(street.userinfo(tokens["access_token"].as_str().unwrap()).await.json()["email"], "alice@example.com");

    let app = street.app("app").await;
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &app, &[("scope", "api")], "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    assert!(tokens["id_token"].is_null());
    let refused = street.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn asvs_10_4_4_a_grant_that_is_not_registered_is_refused() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { grant_types: grants(&["authorization_code"]), ..plain() }).await;
    let tokens = street.tokens(&app, "alice").await;
    assert!(tokens["refresh_token"].is_null(), "no family for a client without the refresh grant");
    let answer = street.asks(&app, "/token", &[("grant_type", "client_credentials")]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "unauthorized_client"));
    for (grant, error) in [("password", "unsupported_grant_type"), ("implicit", "unsupported_grant_type"), ("", "invalid_request")] {
        assert_eq!(street.asks(&app, "/token", &[("grant_type", grant)]).await.error(), error, "{grant}");
    }
}
