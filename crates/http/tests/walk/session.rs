//! The session a browser has: what it answers, when it ends, and that it never moves.

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::registration::Draft;

use crate::street::{Browser, Street, claims, plain};

#[tokio::test]
async fn oidc_core_section_3_1_2_3_a_session_answers_the_second_app_and_prompt_none_without_a_page() {
    let street = Street::open().await;
    let (first, second) = (street.app("first").await, street.app("second").await);
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &first, "alice").await;
    let before = claims(&street.redeems(&first, &code).await.json()["id_token"]);
    street.rig.clock.advance(Duration::from_mins(10));
    for prompt in ["", "none"] {
        let landed = street.goes(&mut browser, &Street::link(&second, &[("prompt", prompt)])).await;
        let code = landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"));
        let after = claims(&street.redeems(&second, &code).await.json()["id_token"]);
        assert_eq!((&before["sub"], &before["sid"], &before["auth_time"]), (&after["sub"], &after["sid"], &after["auth_time"]));
    }
    assert_eq!(street.count("login.silent"), 2);
    let aged = street.goes(&mut browser, &Street::link(&second, &[("max_age", "10000")])).await;
    assert!(aged.parameter("code").is_some(), "max_age=10000 does not sign in again");
    let fresh = street.goes(&mut browser, &Street::link(&second, &[("max_age", "60")])).await;
    assert_eq!(fresh.status, StatusCode::OK, "max_age=60 shows the chooser");
    for prompt in ["login", "select_account", "consent"] {
        assert_eq!(street.goes(&mut browser, &Street::link(&second, &[("prompt", prompt)])).await.status, StatusCode::OK, "{prompt}");
    }
    let stale = street.goes(&mut browser, &Street::link(&second, &[("max_age", "60"), ("prompt", "none")])).await;
    assert_eq!(stale.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn attack_62_asvs_7_2_4_the_session_cookie_changes_at_every_sign_in_and_the_old_one_dies() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    browser.cookies.insert("__Host-vestibule-session".into(), "A".repeat(43));
    street.signs_in(&mut browser, &app, "alice").await;
    let first = browser.clone();
    assert_ne!(first.session(), Some(&"A".repeat(43)), "a planted value is not taken");
    let link = Street::link(&app, &[("prompt", "login")]);
    let page = street.goes(&mut browser, &link).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert_ne!(first.session(), browser.session(), "ASVS 7.2.4");
    let silent = Street::link(&app, &[("prompt", "none")]);
    assert!(street.goes(&mut browser, &silent).await.parameter("code").is_some());
    assert_eq!(street.goes(&mut first.clone(), &silent).await.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn asvs_7_3_1_asvs_7_3_2_asvs_7_6_1_a_session_ends_of_disuse_and_of_age() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let silent = Street::link(&app, &[("prompt", "none")]);
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for _ in 0..20 {
        street.rig.clock.advance(Duration::from_hours(7));
        assert!(street.goes(&mut browser, &silent).await.parameter("code").is_some(), "use keeps it");
    }
    for _ in 0..4 {
        street.rig.clock.advance(Duration::from_hours(7));
        street.goes(&mut browser, &silent).await;
    }
    assert_eq!(street.goes(&mut browser, &silent).await.parameter("error").as_deref(), Some("login_required"), "seven days in all");
    let mut idle = Browser::default();
    street.signs_in(&mut idle, &app, "bob").await;
    street.rig.clock.advance(Duration::from_mins(8 * 60 + 1));
    assert_eq!(street.goes(&mut idle, &silent).await.parameter("error").as_deref(), Some("login_required"), "eight hours without use");
}

#[tokio::test]
async fn somebody_else_signing_in_in_the_same_browser_ends_the_first_session() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &app, &[("scope", "openid")], "alice").await;
    let alice = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    street.arrives_asking(&mut browser, &app, &[("prompt", "select_account")], "bob").await;
    assert!(!street.is_good(alice["access_token"].as_str().unwrap()).await);
    assert_eq!(street.count("session.ended"), 1);
}

#[tokio::test]
async fn a_session_from_a_provider_the_app_does_not_allow_is_not_enough() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let strict = street.app_as("strict", Draft { allowed_providers: vec!["other".into()], ..plain() }).await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    let answer = street.goes(&mut browser, &Street::link(&strict, &[("prompt", "none")])).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn rfc_8252_section_8_6_an_app_that_another_could_pose_as_is_never_answered_silently() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let draft = Draft { auth_method: "none".into(), redirect_uris: vec!["http://127.0.0.1/cb".into()], ..plain() };
    let native = street.app_as("native", draft).await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    assert_eq!(street.goes(&mut browser, &Street::link(&native, &[])).await.status, StatusCode::OK, "the chooser");
    let silent = street.goes(&mut browser, &Street::link(&native, &[("prompt", "none")])).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("interaction_required"));
}

#[tokio::test]
async fn attack_63_rfc_6265bis_a_tossed_second_cookie_of_the_same_name_signs_nobody_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    let doubled = format!("{}; __Host-vestibule-session={}", browser.header(), "A".repeat(43));
    let request = street.request(http::Method::GET, &Street::link(&app, &[("prompt", "none")])).header("cookie", doubled).finish();
    assert_eq!(street.send(request).await.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn attack_67_asvs_3_4_2_a_silent_answer_leaks_nothing_to_a_frame_and_authorize_has_no_cors() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for path in [Street::link(&app, &[]), "/logout".into(), "/userinfo".into()] {
        let request = street.request(http::Method::GET, &path).header("cookie", browser.header()).header("origin", "https://evil.test");
        let answer = street.send(request.finish()).await;
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}");
    }
    let preflight = street.request(http::Method::OPTIONS, "/token").header("origin", "https://evil.test").finish();
    let answer = street.send(preflight).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn attack_68_attack_69_rfc_9700_section_4_12_redirects_are_303_without_referrer_and_nothing_is_kept() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let landed = street.arrives(&mut Browser::default(), &app, "alice").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER, "OAuth 2.1 §7.5.3");
    assert_eq!((landed.header("referrer-policy"), landed.header("cache-control")), ("no-referrer", "no-store"));
    let page = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"), "attack 64");
    assert!(page.header("strict-transport-security").starts_with("max-age="), "ASVS 3.4.1");
}

#[tokio::test]
async fn the_provider_used_last_wears_a_badge() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    browser.cookies.remove("__Host-vestibule-session");
    let page = street.goes(&mut browser, &Street::link(&app, &[])).await;
    assert!(page.body.split("data-provider=\"acme\"").nth(1).unwrap().split("</li>").next().unwrap().contains("badge"), "{}", page.body);
}

#[tokio::test]
async fn a_browser_without_cookies_is_told_so() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let page = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    let answer = street.goes(&mut Browser::default(), &format!("/login/acme?attempt={attempt}")).await;
    assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "cookies_blocked"));
}

#[tokio::test]
async fn oidc_core_section_3_1_2_2_a_hint_for_one_person_never_gets_a_code_for_another() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let alice = street.tokens(&app, "alice").await;
    let hint = alice["id_token"].as_str().unwrap();
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "bob").await;
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("id_token_hint", hint)])).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("login_required"));
    let back = street.arrives_asking(&mut browser, &app, &[("id_token_hint", hint)], "carol").await;
    assert_eq!((back.status, back.page()), (StatusCode::FORBIDDEN, "not_allowed"));
    assert!(back.body.contains("error=login_required"));
    // The right person, whose hint has long expired, is answered without a page.
    let mut hers = Browser::default();
    street.signs_in(&mut hers, &app, "alice").await;
    street.rig.clock.advance(Duration::from_hours(2));
    let silent = street.goes(&mut hers, &Street::link(&app, &[("prompt", "none"), ("id_token_hint", hint)])).await;
    assert!(silent.parameter("code").is_some(), "{silent:?}");
    for none_of_ours in ["x", alice["access_token"].as_str().unwrap(), "eyJhbGciOiJub25lIn0.e30."] {
        let answer = street.goes(&mut hers, &Street::link(&app, &[("id_token_hint", none_of_ours)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{none_of_ours}");
    }
}

#[tokio::test]
async fn rfc_9110_section_9_3_2_a_scanners_head_request_does_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    for path in [format!("/callback/acme?code=alice&state={attempt}"), "/logout".into(), Street::link(&app, &[])] {
        let request = street.request(http::Method::HEAD, &path).header("cookie", browser.header()).finish();
        let answer = street.send(request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "RFC 9110 §9.3.2: {path}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert!(landed.parameter("code").is_some(), "the attempt is still good");
}
