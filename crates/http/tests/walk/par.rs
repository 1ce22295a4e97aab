//! Pushed authorization requests (RFC 9126): from the push to the tokens.

use std::time::Duration;

use http::{Method, StatusCode};
use vestibule_domain::registration::Draft;

use crate::street::{Answer, App, Browser, CALLBACK, CHALLENGE, Street, claims, encode, plain};

/// What an app pushes, with parameters replaced or, by an empty value, left out.
pub(crate) fn form<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email offline_access"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    kept.chain(changed.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

/// The name of a request that was pushed.
pub(crate) async fn pushed(street: &Street, app: &App, changed: &[(&str, &str)]) -> String {
    let answer = street.asks(app, "/par", &form(changed)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()["request_uri"].as_str().unwrap().to_owned()
}

pub(crate) fn link(app: &App, request_uri: &str) -> String {
    format!("/authorize?{}", encode(&[("client_id", &app.id), ("request_uri", request_uri)]))
}

/// From the page of choice to the app.
pub(crate) async fn goes_on(street: &Street, browser: &mut Browser, page: &Answer, person: &str) -> Answer {
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(browser, &format!("/login/acme?attempt={attempt}")).await;
    street.goes(browser, &format!("/callback/acme?code={person}&state={attempt}")).await
}

#[tokio::test]
async fn rfc_9126_section_2_2_a_pushed_request_gets_a_name_for_a_short_time() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let answer = street.asks(&app, "/par", &form(&[])).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"));
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["expires_in"], 90);
    let name = body["request_uri"].as_str().unwrap();
    let random = name.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap();
    assert_eq!(random.len(), 43, "§7.1: 256 random bits");
    assert_ne!(name, pushed(&street, &app, &[]).await);
}

#[tokio::test]
async fn rfc_9126_section_4_the_browser_carries_the_name_alone_and_what_was_pushed_counts() {
    let street = Street::open().await;
    for app in [street.app("app").await, street.public_app("native").await] {
        let name = pushed(&street, &app, &[("login_hint", "alice@example.com")]).await;
        let mut browser = Browser::default();
        let page = street.goes(&mut browser, &link(&app, &name)).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let landed = goes_on(&street, &mut browser, &page, "alice").await;
        assert_eq!(
            (landed.parameter("state").as_deref(), landed.parameter("iss").as_deref()),
            (Some("the-state"), Some("https://sso.example.com"))
        );
        let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
        assert_eq!(claims(&tokens["id_token"])["nonce"], "the-nonce");
    }
    assert_eq!(street.count("login.succeeded"), 2);
}

#[tokio::test]
async fn rfc_9126_section_2_1_what_a_hint_names_and_a_resource_are_pushed_too() {
    let street = Street::open().await;
    let api = "https://api.example.com/";
    let app = street.app_as("app", Draft { audiences: vec![api.into()], ..plain() }).await;
    let tokens = street.tokens(&app, "alice").await;
    let hint = tokens["id_token"].as_str().unwrap();
    let name = pushed(&street, &app, &[("id_token_hint", hint), ("resource", api)]).await;
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &link(&app, &name)).await;
    let other = goes_on(&street, &mut browser, &page, "bob").await;
    assert_eq!(other.page(), "not_allowed", "nobody else than the hint names");
    let name = pushed(&street, &app, &[("id_token_hint", hint), ("resource", api)]).await;
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &link(&app, &name)).await;
    let landed = goes_on(&street, &mut browser, &page, "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    assert_eq!(claims(&tokens["access_token"])["aud"], api);
    let bad = street.asks(&app, "/par", &form(&[("id_token_hint", "a.b.c")])).await;
    assert_eq!((bad.status, bad.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

#[tokio::test]
async fn a_session_answers_a_pushed_request_and_a_silent_one_without_it_is_told_so() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    let name = pushed(&street, &app, &[("prompt", "none")]).await;
    let landed = street.goes(&mut browser, &link(&app, &name)).await;
    assert!(landed.parameter("code").is_some(), "{landed:?}");
    let name = pushed(&street, &app, &[("prompt", "none")]).await;
    let landed = street.goes(&mut Browser::default(), &link(&app, &name)).await;
    assert_eq!(landed.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn who_loads_the_page_again_or_comes_back_from_a_provider_finds_the_same_attempt() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let name = pushed(&street, &app, &[]).await;
    let mut browser = Browser::default();
    let first = street.goes(&mut browser, &link(&app, &name)).await;
    let attempt = first.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/other?attempt={attempt}")).await;
    street.rig.clock.advance(Duration::from_mins(5));
    let again = street.goes(&mut browser, &link(&app, &name)).await;
    assert_eq!((again.status, again.between("?attempt=", "\"")), (StatusCode::OK, attempt.as_str()));
    let landed = goes_on(&street, &mut browser, &again, "alice").await;
    assert!(landed.parameter("code").is_some(), "{landed:?}");
    let over = street.goes(&mut Browser { cookies: browser.cookies.clone() }, &link(&app, &name)).await;
    assert_eq!((over.status, over.page()), (StatusCode::BAD_REQUEST, "request_expired"), "once it is settled it is over");
}

#[tokio::test]
async fn rfc_9126_section_6_asvs_10_4_13_a_client_that_must_push_can_not_ask_in_the_open() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { require_pushed_requests: true, ..plain() }).await;
    let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{answer:?}");
    let name = pushed(&street, &app, &[]).await;
    assert_eq!(street.goes(&mut Browser::default(), &link(&app, &name)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc_9126_section_5_the_endpoint_is_found_by_discovery() {
    let street = Street::open().await;
    let document = street.send(street.request(Method::GET, "/.well-known/openid-configuration").finish()).await.json();
    assert_eq!(document["pushed_authorization_request_endpoint"], "https://sso.example.com/par");
    assert_eq!(document["request_uri_parameter_supported"], false, "addresses are not fetched");
}
