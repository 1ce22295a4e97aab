//! What the certification suites of OpenID ask that no other walk does, each by the name of the suite's module.

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::{about::AboutDraft, registration::Draft};

use crate::street::{Browser, Street, claims, plain};

#[tokio::test]
async fn oidcc_response_type_missing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("response_type", "")])).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(answer.parameter("state").as_deref(), Some("the-state"));
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let landed = street.arrives_asking(&mut Browser::default(), &app, &[("nonce", "")], "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    assert!(claims(&tokens["id_token"]).get("nonce").is_none());
}

#[tokio::test]
async fn oidcc_scope_all_and_oidcc_ensure_other_scope_order_succeeds() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { scope: "openid profile email address phone".into(), ..plain() }).await;
    for scope in ["openid profile email address phone", "email openid", "phone address email profile openid"] {
        let landed = street.arrives_asking(&mut Browser::default(), &app, &[("scope", scope)], "alice").await;
        let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
        let told = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(told["email"], "alice@example.com", "{scope}");
        assert!(told.get("address").is_none() && told.get("phone_number").is_none(), "no provider says them, so they are not made up");
    }
    let advertised = street.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    let scopes = advertised["scopes_supported"].to_string();
    assert!(!scopes.contains("address") && !scopes.contains("phone"), "{scopes}");
}

#[tokio::test]
async fn oidcc_display_page_and_oidcc_display_popup() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for display in ["page", "popup", "touch", "wap"] {
        let landed = street.arrives_asking(&mut Browser::default(), &app, &[("display", display)], "alice").await;
        assert!(landed.parameter("code").is_some(), "{display}");
    }
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("prompt", "none")])).await;
    assert_eq!((answer.status, answer.parameter("error").as_deref()), (StatusCode::SEE_OTHER, Some("login_required")));
    assert!(answer.parameter("iss").is_some() && answer.parameter("state").is_some());
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    street.rig.clock.advance(Duration::from_secs(30));
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(street.redeems(&app, &code).await.error(), "invalid_grant");
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn oidcc_3rd_party_init_login() {
    let street = Street::open().await;
    let about = AboutDraft { initiate_login_uri: Some("https://app.example.com/login?from=sso".into()), ..AboutDraft::default() };
    let app = street.app_as("app", Draft { about, ..plain() }).await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    street.redeems(&app, &code).await;
    let page = street.goes(&mut browser, "/account").await;
    let link = page.between("<a href=\"https://app.example.com", "\"").replace("&#38;", "&");
    assert_eq!(link, "/login?from=sso&iss=https%3A%2F%2Fsso.example.com", "OpenID Connect Core 1.0 §4, and nobody's name beside it");
}
