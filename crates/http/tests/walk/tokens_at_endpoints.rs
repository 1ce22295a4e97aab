//! Tokens where they are used, asked about and revoked.

use http::{Method, StatusCode, header};
use serde_json::json;
use vestibule_domain::registration::Draft;

use crate::street::{Street, claims, encode, grants, plain};

#[tokio::test]
async fn oauth_2_1_section_5_1_rfc_9700_section_4_3_2_oidc_core_section_5_3_1_userinfo_takes_the_token_by_header_or_form_and_nowhere_else()
{
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let token = tokens["access_token"].as_str().unwrap();
    let answer = street.userinfo(token).await;
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
    assert_eq!(answer.json()["sub"], claims(&tokens["id_token"])["sub"], "§5.3.2");
    let post = |body: String| street.request(Method::POST, "/userinfo").content_type("application/x-www-form-urlencoded").body(body);
    assert_eq!(street.send(post(encode(&[("access_token", token)]))).await.status, StatusCode::OK);
    let by_header = street.request(Method::POST, "/userinfo").header(header::AUTHORIZATION, format!("bearer {token}")).finish();
    assert_eq!(street.send(by_header).await.status, StatusCode::OK);
    let by_query = street.send(street.request(Method::GET, &format!("/userinfo?access_token={token}")).finish()).await;
    assert_eq!(
        (by_query.status, by_query.header("www-authenticate")),
        (
            StatusCode::UNAUTHORIZED,
            "Bearer realm=\"vestibule\", resource_metadata=\"https://sso.example.com/.well-known/oauth-protected-resource/userinfo\""
        ),
        "OAuth 2.1 §5.1"
    );
    let twice = street.request(Method::POST, "/userinfo").content_type("application/x-www-form-urlencoded");
    let twice = twice.header(header::AUTHORIZATION, format!("Bearer {token}")).body(encode(&[("access_token", token)]));
    assert_eq!(street.send(twice).await.status, StatusCode::BAD_REQUEST, "RFC 6750 §2");
}

#[tokio::test]
async fn rfc_7519_section_4_1_6_a_client_is_there_in_the_second_it_was_made_in() {
    let street = Street::open().await;
    street.rig.clock.advance(std::time::Duration::from_millis(700));
    let app = street.app_as("app", Draft { grant_types: grants(&["client_credentials"]), redirect_uris: vec![], ..plain() }).await;
    let tokens = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await.json();
    let seen = street.asks(&app, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await.json();
    assert_eq!(seen["active"], true, "{tokens} {seen}");
}

#[tokio::test]
async fn attack_54_attack_55_oidc_core_section_16_11_asvs_10_3_1_other_tokens_do_not_open_userinfo() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { audiences: vec!["https://api.example.com".into()], ..plain() }).await;
    let tokens = street.tokens(&app, "alice").await;
    for name in ["id_token", "refresh_token"] {
        let answer = street.userinfo(tokens[name].as_str().unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{name}");
    }
    assert_eq!(claims(&tokens["access_token"])["aud"], json!(["https://api.example.com", "https://sso.example.com"]));
    // A token for the app's own resource alone is none for userinfo, whatever its person.
    let mut browser = crate::street::Browser::default();
    let landed = street.arrives_asking(&mut browser, &app, &[("scope", "api")], "alice").await;
    let foreign = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    assert_eq!(claims(&foreign["access_token"])["aud"], "https://api.example.com");
    let refused = street.userinfo(foreign["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
    for junk in ["x", "a.b.c", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30."] {
        assert_eq!(street.userinfo(junk).await.status, StatusCode::UNAUTHORIZED, "{junk}");
    }
}

#[tokio::test]
async fn rfc_7662_section_2_1_rfc_7662_section_2_2_a_good_token_is_described_and_anything_else_is_inactive_and_nothing_more() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let access = tokens["access_token"].as_str().unwrap();
    let seen = street.asks(&app, "/introspect", &[("token", access)]).await.json();
    assert_eq!((&seen["active"], &seen["client_id"], &seen["token_type"]), (&json!(true), &json!("app"), &json!("Bearer")));
    let refresh = street.asks(&app, "/introspect", &[("token", tokens["refresh_token"].as_str().unwrap())]).await.json();
    assert_eq!((&refresh["active"], &refresh["token_type"]), (&json!(true), &json!(null)));
    let inactive = "{\"active\":false}";
    for token in [tokens["id_token"].as_str().unwrap(), "x", "a.b.c"] {
        assert_eq!(street.asks(&app, "/introspect", &[("token", token)]).await.body, inactive);
    }
    street.rig.clock.advance(std::time::Duration::from_mins(10));
    assert_eq!(street.asks(&app, "/introspect", &[("token", access)]).await.body, inactive, "expired");
    let public = street.public_app("public").await;
    assert_eq!(street.asks(&public, "/introspect", &[("token", access)]).await.status, StatusCode::UNAUTHORIZED, "§2.1: token scanning");
    assert_eq!(street.asks(&app, "/introspect", &[]).await.error(), "invalid_request");
}

#[tokio::test]
async fn attack_53_rfc_7009_section_2_1_rfc_7009_section_5_rfc_7662_section_2_2_foreign_tokens_are_neither_seen_nor_ended_and_look_like_unknown_ones()
 {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let tokens = street.tokens(&app, "alice").await;
    for token in [tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap(), "unknown"] {
        assert_eq!(street.asks(&other, "/introspect", &[("token", token)]).await.body, "{\"active\":false}");
        let answer = street.asks(&other, "/revoke", &[("token", token)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""), "RFC 7009 §2.2");
    }
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::OK);
    assert_eq!(street.count("token.revoked"), 0);
}

#[tokio::test]
async fn rfc_7662_section_4_a_resource_server_sees_what_is_for_it() {
    let street = Street::open().await;
    let resource = street.app("resource").await;
    let app = street.app_as("app", Draft { audiences: vec!["resource".into()], ..plain() }).await;
    let tokens = street.tokens(&app, "alice").await;
    let seen = street.asks(&resource, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await.json();
    assert_eq!((&seen["active"], &seen["client_id"]), (&json!(true), &json!("app")));
}

#[tokio::test]
async fn rfc_7009_section_2_a_client_revokes_its_own() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    street.asks(&app, "/revoke", &[("token", access), ("token_type_hint", "refresh_token")]).await;
    assert!(!street.is_good(access).await, "a wrong hint is only a hint");
    let second = street.refreshes(&app, refresh).await.json();
    let (access, refresh) = (second["access_token"].as_str().unwrap(), second["refresh_token"].as_str().unwrap());
    assert_eq!(street.asks(&app, "/revoke", &[("token", refresh)]).await.status, StatusCode::OK);
    assert!(!street.is_good(access).await, "§2.1: a refresh token takes its access tokens along");
    assert_eq!(street.refreshes(&app, refresh).await.error(), "invalid_grant");
    assert_eq!(street.count("token.revoked"), 2);
    let public = street.public_app("public").await;
    let tokens = street.tokens(&public, "bob").await;
    street.asks(&public, "/revoke", &[("token", tokens["refresh_token"].as_str().unwrap())]).await;
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await, "a public client revokes its own too");
}

#[tokio::test]
async fn attack_80_oidc_core_section_10_1_1_tokens_of_a_retired_key_verify_until_it_is_gone() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let before = street.send(street.request(Method::GET, "/jwks").finish()).await.json()["keys"].as_array().unwrap().len();
    street.rig.clock.advance(std::time::Duration::from_hours(24 * 84));
    street.gateway().keep_keys().await.unwrap();
    let ahead = street.send(street.request(Method::GET, "/jwks").finish()).await.json()["keys"].as_array().unwrap().len();
    assert_eq!(ahead, before * 2, "the next keys are published before they sign");
    street.rig.clock.advance(std::time::Duration::from_hours(24 * 6) - std::time::Duration::from_mins(1));
    let tokens = street.tokens(&app, "alice").await;
    street.rig.clock.advance(std::time::Duration::from_mins(2));
    street.gateway().keep_keys().await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(street.is_good(access).await, "signed by the key that just retired");
    let kid =
        |token: &str| serde_json::from_slice::<serde_json::Value>(&base64_url(token.split('.').next().unwrap())).unwrap()["kid"].clone();
    let fresh = street.tokens(&app, "alice").await;
    assert_ne!(kid(access), kid(fresh["access_token"].as_str().unwrap()));
    street.rig.clock.advance(std::time::Duration::from_hours(24 * 31));
    street.gateway().keep_keys().await.unwrap();
    assert_eq!(street.count("key.retired"), 2);
    let hint = tokens["id_token"].as_str().unwrap();
    let answer = street.goes(&mut crate::street::Browser::default(), &format!("/logout?id_token_hint={hint}")).await;
    assert_eq!(answer.page(), "logout_invalid", "a removed key signs for nothing");
}

fn base64_url(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text).unwrap()
}
