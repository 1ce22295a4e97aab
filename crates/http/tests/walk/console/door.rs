//! Who comes into the console, who stays, and what nobody else can make their browser do.

use std::time::Duration;

use http::{Method, StatusCode, header};
use poem::{Endpoint, EndpointExt};
use secrecy::ExposeSecret;
use serde_json::json;
use vestibule_domain::operator::AdminScopes;
use vestibule_testkit::rig::{Rig, RigOptions};

use super::{alices, comes, filled, is_in, operator, options, token};
use crate::street::{Answer, Browser, Street, encode};

#[tokio::test]
async fn only_operators_come_in() {
    let street = alices().await;
    let mut browser = Browser::default();
    assert!(!is_in(&street, &mut browser).await);
    assert!(street.goes(&mut browser, "/console/sign-in").await.body.contains("href=\"/console/enter\""));
    let mut alice = operator(&street).await;
    let page = street.goes(&mut alice, "/console").await;
    assert!(page.body.contains("data-page=\"console-overview\"") && page.body.contains("alice"), "{page:?}");
    assert_eq!(street.count("admin.login"), 1);

    // Whoever is none is turned away where they sign in, and with a session from elsewhere.
    let refused = comes(&street, &mut Browser::default(), "bob").await;
    assert_eq!((refused.status, refused.page()), (StatusCode::FORBIDDEN, "not_allowed"));
    let app = street.app("app").await;
    let mut bob = Browser::default();
    street.signs_in(&mut bob, &app, "bob").await;
    let refused = street.goes(&mut bob, "/console/enter").await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.body.contains("You are not an operator"), "{refused:?}");
    assert!(!is_in(&street, &mut bob).await);
    assert_eq!(street.count("admin.login"), 1);
}

#[tokio::test]
async fn without_rules_nobody_is_an_operator() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut alice = Browser::default();
    street.signs_in(&mut alice, &app, "alice").await;
    assert_eq!(street.goes(&mut alice, "/console/enter").await.header("location"), "/console/sign-in");
    assert!(!is_in(&street, &mut alice).await);
    assert!(street.goes(&mut alice, "/console/sign-in").await.body.contains("vestibule console-key"));
}

#[tokio::test]
async fn whoever_is_taken_off_the_rules_signed_out_or_turned_away_is_out_at_once() {
    let street = alices().await;
    let mut taken_off = operator(&street).await;
    let (gateway, _) = Rig::gateway_on(options(json!({"emails": ["carol@example.com"]})), street.rig.store.clone()).await;
    let other_rules = Street::at(gateway, &street);
    assert!(is_in(&street, &mut taken_off).await);
    assert!(!is_in(&other_rules, &mut taken_off.clone()).await);
    let (gateway, _) = Rig::gateway_on(RigOptions::default(), street.rig.store.clone()).await;
    assert!(!is_in(&Street::at(gateway, &street), &mut taken_off.clone()).await, "without rules nobody stays in");

    let mut ended = operator(&street).await;
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap().to_string();
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    let of_account = vestibule_flows::AccessFilter { account: Some(&account), ..vestibule_flows::AccessFilter::default() };
    let all = vestibule_flows::AccessPage { after: None, limit: 100 };
    for session in street.gateway().sessions(&street.rig.witness(), of_account, all).await.unwrap().sessions {
        street.gateway().end_session_of_id(&street.rig.witness(), &actor, Some(&account), &session.id.to_string()).await.unwrap();
    }
    assert!(!is_in(&street, &mut ended).await);

    let mut turned_away = operator(&street).await;
    street.gateway().disable_account(&street.rig.witness(), &actor, &account, true).await.unwrap();
    assert!(!is_in(&street, &mut turned_away).await);
}

#[tokio::test]
async fn an_operator_who_does_nothing_is_out_and_one_who_works_stays_for_a_working_day() {
    let street = alices().await;
    let mut idle = operator(&street).await;
    street.rig.clock.advance(Duration::from_mins(29));
    assert!(is_in(&street, &mut idle).await);
    street.rig.clock.advance(Duration::from_mins(29));
    assert!(is_in(&street, &mut idle).await, "its use was noted");
    street.rig.clock.advance(Duration::from_mins(31));
    assert!(!is_in(&street, &mut idle).await);

    let mut busy = operator(&street).await;
    for _ in 0..24 {
        street.rig.clock.advance(Duration::from_mins(19));
        assert!(is_in(&street, &mut busy).await);
    }
    street.rig.clock.advance(Duration::from_mins(25));
    assert!(!is_in(&street, &mut busy).await, "eight hours are over");
}

#[tokio::test]
async fn a_sign_in_of_long_ago_lets_nobody_in() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for _ in 0..9 {
        street.rig.clock.advance(Duration::from_hours(1));
        street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    }
    let chooser = street.goes(&mut browser, "/console/enter").await;
    let attempt = chooser.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    assert!(street.rig.providers[0].departures().last().unwrap().fresh, "the provider asks again who it is");
}

#[tokio::test]
async fn leaving_ends_it_for_good_and_every_sign_in_has_a_cookie_of_its_own() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let first = browser.cookies["__Host-vestibule-console"].clone();
    let page = street.goes(&mut browser, "/console").await;
    let mut stolen = browser.clone();
    let left = street.posts(&mut browser, "/console/sign-out", &[("token", &token(&page))]).await;
    assert_eq!(left.header("location"), "/console/sign-in");
    assert!(!browser.cookies.contains_key("__Host-vestibule-console"));
    assert!(!is_in(&street, &mut stolen).await, "the cookie's value is worth nothing any more");
    assert_eq!(street.count("admin.logout"), 1);
    street.goes(&mut browser, "/console/enter").await;
    assert_ne!(browser.cookies["__Host-vestibule-console"], first);
}

#[tokio::test]
async fn a_one_time_key_opens_the_console_once_and_looking_at_its_link_does_not_use_it() {
    let street = Street::open().await;
    let key = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    let key = key.expose_secret();
    let link = format!("/console/key?key={key}");
    for _ in 0..2 {
        assert_eq!(street.goes(&mut Browser::default(), &link).await.status, StatusCode::OK);
    }
    let mut browser = Browser::default();
    let opened = street.posts(&mut browser, "/console/key", &[("key", key)]).await;
    assert_eq!(opened.header("location"), "/console");
    assert!(is_in(&street, &mut browser).await);
    assert!(street.goes(&mut browser, "/console").await.body.contains("One-time key"));

    let mut late = Browser::default();
    assert_eq!(street.posts(&mut late, "/console/key", &[("key", key)]).await.status, StatusCode::GONE);
    assert_eq!(street.goes(&mut late, &link).await.status, StatusCode::GONE);
    assert!(!is_in(&street, &mut late).await);
    assert_eq!((street.count("admin.login"), street.count("admin.login_failed")), (1, 1));

    let old = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    street.rig.clock.advance(Duration::from_mins(10));
    assert_eq!(street.posts(&mut late, "/console/key", &[("key", old.expose_secret())]).await.status, StatusCode::GONE);
    for none in ["", "x", &"A".repeat(43), &"A".repeat(4_000)] {
        assert_eq!(street.posts(&mut late, "/console/key", &[("key", none)]).await.status, StatusCode::GONE);
    }
}

#[tokio::test]
async fn attack_66_nobody_is_let_into_a_console_by_another_site() {
    let street = Street::open().await;
    let key = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    let form = encode(&[("key", key.expose_secret())]);
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        let request = street.request(Method::POST, "/console/key").header(name, value);
        let refused = street.send(request.content_type("application/x-www-form-urlencoded").body(form.clone())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(street.posts(&mut Browser::default(), "/console/key", &[("key", key.expose_secret())]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn attack_86_no_other_site_and_no_other_sign_in_makes_a_form_of_an_operators() {
    let street = alices().await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    let others = token(&street.goes(&mut operator(&street).await, "/console").await);
    let good = token(&street.goes(&mut browser, "/console").await);
    assert_ne!(good, others);
    let create = |token: &str| encode(&[("token", token), ("name", "Evil"), ("redirect_uris", "https://evil.example/cb")]);
    for bad in ["", "00", &"0".repeat(64), &others] {
        let refused = street.posts(&mut browser, "/console/apps/create", &[("token", bad), ("name", "Evil")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    }
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "none")]
    {
        let request = street.request(Method::POST, "/console/apps/create").header(header::COOKIE, browser.header()).header(name, value);
        let refused = street.send(request.content_type("application/x-www-form-urlencoded").body(create(&good))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    // Nor does a link do anything, or somebody who is not in.
    for path in ["/console/apps/create", "/console/app/app/delete", "/console/app/app/disable", "/console/sign-out"] {
        assert_eq!(street.goes(&mut browser, path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let out = street.posts(&mut Browser::default(), path, &[("token", &good)]).await;
        assert_eq!(out.header("location"), "/console/sign-in", "{path}");
    }
    assert_eq!((street.count("client.created"), street.count("client.deleted")), (1, 0));
    let set = street.goes(&mut browser, "/console").await;
    assert!(set.header("content-security-policy").contains("frame-ancestors 'none'") && set.header("x-frame-options") == "DENY");
    assert!(!set.header("content-security-policy").contains("unsafe"), "{set:?}");
}

/// What the listener of the admin API and the console answers, called by a name of its own.
async fn at_own_door(
    street: &Street,
    browser: &mut Browser,
    method: Method,
    path: &str,
    origin: Option<&str>,
    form: &[(&str, &str)],
) -> Answer {
    let door = vestibule_http::admin_routes(&street.house).boxed();
    let mut request = poem::Request::builder().method(method).uri(path.parse().unwrap());
    request = request.header(header::HOST, "admin.internal:9465").header(header::COOKIE, browser.header());
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    let request = request.content_type("application/x-www-form-urlencoded").body(encode(form));
    let (parts, body) = door.get_response(request).await.into_parts();
    let answer = Answer { status: parts.status, headers: parts.headers, body: body.into_string().await.unwrap() };
    browser.keep(&answer);
    answer
}

#[tokio::test]
async fn a_listener_of_its_own_takes_forms_under_the_name_it_is_called_by() {
    let street = alices().await;
    street.app("app").await;
    let key = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    let form = [("key", key.expose_secret())];
    let mut browser = Browser::default();
    for evil in ["https://evil.example", "null", "https://admin.internal", "https://admin.internal:9465.evil.example"] {
        let refused = at_own_door(&street, &mut browser, Method::POST, "/console/key", Some(evil), &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{evil}: {refused:?}");
    }
    let opened = at_own_door(&street, &mut browser, Method::POST, "/console/key", Some("https://admin.internal:9465"), &form).await;
    assert_eq!(opened.header("location"), "/console", "{opened:?}");
    let page = at_own_door(&street, &mut browser, Method::GET, "/console/app/app", None, &[]).await;
    let form = filled(&page, "/console/app/app/disable", &[]);
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let path = "/console/app/app/disable";
    let refused = at_own_door(&street, &mut browser, Method::POST, path, Some("https://evil.example"), &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let done = at_own_door(&street, &mut browser, Method::POST, path, Some("https://admin.internal:9465"), &form).await;
    assert_eq!(done.header("location"), "/console/app/app?notice=disabled", "{done:?}");
    // The main listener has one name, and takes no other.
    let request = street.request(Method::POST, "/console/sign-out").header(header::COOKIE, browser.header());
    let request = request.header(header::ORIGIN, "https://admin.internal:9465").content_type("application/x-www-form-urlencoded");
    let refused = street.send(request.body(encode(&[("token", &token(&page))]))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
}

/// Whoever is sent to a provider comes back under the issuer's name, so that a listener of another name sends nobody.
#[tokio::test]
async fn under_another_name_nobody_is_sent_where_they_would_not_come_back_from() {
    let street = alices().await;
    let mut browser = Browser::default();
    let asked = at_own_door(&street, &mut browser, Method::GET, "/console/enter", None, &[]).await;
    assert_eq!(asked.header("location"), "/console/sign-in", "{asked:?}");
    let page = at_own_door(&street, &mut browser, Method::GET, "/console/sign-in", None, &[]).await;
    assert!(page.body.contains("https://sso.example.com/console") && !page.body.contains("/console/enter"), "{page:?}");
    assert!(page.body.contains("vestibule console-key"), "{page:?}");
}

#[tokio::test]
async fn the_page_that_was_wanted_is_shown_after_the_sign_in_and_no_other_place() {
    let street = alices().await;
    let mut browser = Browser::default();
    assert_eq!(street.goes(&mut browser, "/console/apps?q=graf%20ana").await.header("location"), "/console/sign-in");
    comes(&street, &mut browser, "alice").await;
    assert_eq!(street.goes(&mut browser, "/console/enter").await.header("location"), "/console/apps?q=graf%20ana");
    for elsewhere in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2Fconsolevil", "%2Faccount", "%2Fconsole%2F%0A"] {
        let mut browser = Browser::default();
        browser.cookies.insert("__Host-vestibule-console-page".into(), elsewhere.into());
        comes(&street, &mut browser, "alice").await;
        assert_eq!(street.goes(&mut browser, "/console/enter").await.header("location"), "/console", "{elsewhere}");
    }
}

#[tokio::test]
async fn files_have_their_digests_in_their_names_and_nothing_else_is_there() {
    let street = Street::open().await;
    let page = street.goes(&mut Browser::default(), "/console/sign-in").await;
    let style = page.between("rel=\"stylesheet\" href=\"", "\"").to_owned();
    let sent = street.goes(&mut Browser::default(), &style).await;
    assert_eq!((sent.status, sent.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(sent.header("cache-control").contains("immutable"));
    for none in ["/console/assets/console.css", "/console/assets/..%2f..%2fetc%2fpasswd", "/console/assets/"] {
        assert_eq!(street.goes(&mut Browser::default(), none).await.status, StatusCode::NOT_FOUND, "{none}");
    }
}

/// A login is tried where it can end: under the issuer's own name.
#[tokio::test]
async fn under_another_name_a_login_is_tried_under_the_issuers() {
    let street = alices().await;
    street.app("app").await;
    let key = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    let mut browser = Browser::default();
    let form = [("key", key.expose_secret())];
    at_own_door(&street, &mut browser, Method::POST, "/console/key", Some("https://admin.internal:9465"), &form).await;
    let page = at_own_door(&street, &mut browser, Method::GET, "/console/app/app/try", None, &[]).await;
    assert!(page.body.contains("href=\"https://sso.example.com/console/app/app/try\"") && !page.body.contains("try/begin"), "{page:?}");
    let begun = at_own_door(&street, &mut browser, Method::GET, "/console/app/app/try/begin", None, &[]).await;
    assert_eq!(begun.header("location"), "/console/app/app/try", "nobody is sent away: {begun:?}");
}
