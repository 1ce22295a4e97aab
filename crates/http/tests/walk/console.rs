//! The operators' console: who comes in, what they may do there, and what nobody else can make their browser do.

use std::{collections::BTreeSet, time::Duration};

use http::{Method, StatusCode, header};
use poem::{Endpoint, EndpointExt};
use scraper::{Html, Selector};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vestibule_domain::{
    audit::Actor,
    entry::EntryDraft,
    ids::{ManagerName, ProviderId},
    limits::Limits,
    operator::AdminScopes,
    registration::Draft,
    settings::ConsoleSettings,
};
use vestibule_testkit::{
    fake_provider::FakeProvider,
    rig::{Rig, RigOptions},
};

use crate::street::{Answer, Browser, Street, encode, plain};

/// Alice is an operator.
pub(crate) fn options(operators: Value) -> RigOptions {
    let draft: EntryDraft = serde_json::from_value(operators).unwrap();
    let operators = draft.check("", &mut Vec::new());
    let providers = ["acme", "other"].map(|id| ProviderId::parse(id).unwrap()).to_vec();
    RigOptions { console: ConsoleSettings { operators, providers, ..ConsoleSettings::default() }, ..RigOptions::default() }
}

pub(crate) async fn alices() -> Street {
    Street::with(options(json!({"emails": ["alice@example.com"]}))).await
}

/// Signs in on the way to the console; where that leads.
async fn comes(street: &Street, browser: &mut Browser, person: &str) -> Answer {
    let chooser = street.goes(browser, "/console/enter").await;
    let attempt = chooser.between("?attempt=", "\"").to_owned();
    street.goes(browser, &format!("/login/acme?attempt={attempt}")).await;
    street.goes(browser, &format!("/callback/acme?code={person}&state={attempt}")).await
}

/// An operator's browser.
pub(crate) async fn operator(street: &Street) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(comes(street, &mut browser, "alice").await.header("location"), "/console/enter");
    assert_eq!(street.goes(&mut browser, "/console/enter").await.header("location"), "/console");
    browser
}

pub(crate) async fn is_in(street: &Street, browser: &mut Browser) -> bool {
    let page = street.goes(browser, "/console").await;
    let out = page.status == StatusCode::SEE_OTHER && page.header("location") == "/console/sign-in";
    assert!(out || page.status == StatusCode::OK, "{page:?}");
    !out
}

pub(crate) fn token(page: &Answer) -> String {
    page.between("name=\"token\" value=\"", "\"").to_owned()
}

/// What a form of a page sends when nothing was changed in it, and then what was.
pub(crate) fn filled(page: &Answer, action: &str, changed: &[(&str, &str)]) -> Vec<(String, String)> {
    let document = Html::parse_document(&page.body);
    let selector = Selector::parse("form").unwrap();
    let form = document.select(&selector).find(|form| form.attr("action") == Some(action));
    let form = form.unwrap_or_else(|| panic!("no form to {action}: {page:?}"));
    let mut fields = Vec::new();
    for field in form.select(&Selector::parse("input, textarea, select").unwrap()) {
        let Some(name) = field.attr("name") else { continue };
        let value = match field.value().name() {
            "textarea" => field.text().collect::<String>().trim_start_matches('\n').to_owned(),
            "select" => {
                let chosen = field.select(&Selector::parse("option[selected]").unwrap()).next();
                chosen.and_then(|option| option.attr("value")).unwrap_or_default().to_owned()
            }
            _ if matches!(field.attr("type"), Some("checkbox" | "radio")) && field.attr("checked").is_none() => continue,
            _ => field.attr("value").unwrap_or_default().to_owned(),
        };
        if !changed.iter().any(|(other, _)| *other == name) {
            fields.push((name.to_owned(), value));
        }
    }
    fields.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

pub(crate) async fn sends(street: &Street, browser: &mut Browser, page: &Answer, action: &str, changed: &[(&str, &str)]) -> Answer {
    let form = filled(page, action, changed);
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    street.posts(browser, action, &form).await
}

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
    for session in street.gateway().sessions(&street.rig.witness(), of_account, all).await.unwrap() {
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

/// A browser that came in by a key for these scopes.
async fn limited(street: &Street, scopes: &str) -> Browser {
    let scopes: AdminScopes = scopes.split(' ').map(|scope| scope.parse().unwrap()).collect();
    let key = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), scopes).await.unwrap();
    let mut browser = Browser::default();
    let opened = street.posts(&mut browser, "/console/key", &[("key", key.expose_secret())]).await;
    assert_eq!(opened.header("location"), "/console", "{opened:?}");
    browser
}

#[tokio::test]
async fn attack_86_scopes_bind_in_the_console_as_in_the_api() {
    let street = alices().await;
    let app = street.app("app").await;
    street.signs_in(&mut Browser::default(), &app, "bob").await;
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap();
    let mut browser = limited(&street, "clients:read accounts:read keys:write").await;

    // They see what they may look at, and are told of nothing else.
    let overview = street.goes(&mut browser, "/console").await;
    assert_eq!(overview.status, StatusCode::OK);
    let document = Html::parse_document(&overview.body);
    let texts = |selector: &str| {
        let selector = Selector::parse(selector).unwrap();
        document.select(&selector).map(|element| element.text().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(texts("nav[aria-label=Console] a"), ["Overview", "Apps", "People"]);
    assert_eq!(texts("dl.figures dt"), ["Apps"]);
    let person = street.goes(&mut browser, &format!("/console/person/{account}")).await;
    assert!(person.status == StatusCode::OK && person.body.contains("Ways in"), "{person:?}");
    assert!(!person.body.contains("Signed in</h2>") && !person.body.contains("Apps with access"), "{person:?}");

    let before = street.rig.events().len();
    for (path, lacks) in [
        ("/console/providers", "providers:read"),
        ("/console/provider/acme", "providers:read"),
        ("/console/providers/new/fake", "providers:write"),
        ("/console/api-keys", "api-keys:read"),
        ("/console/registration-tokens", "registration-tokens:read"),
        ("/console/keys", "keys:read"),
        ("/console/apps/new", "clients:write"),
        ("/console/app/app/edit", "clients:write"),
    ] {
        let refused = street.goes(&mut browser, path).await;
        assert!(refused.status == StatusCode::FORBIDDEN && refused.body.contains(&format!("scope {lacks},")), "{path}: {refused:?}");
    }
    let token = token(&overview);
    let person = format!("/console/person/{account}");
    for (path, lacks) in [
        ("/console/apps/create".to_owned(), "clients:write"),
        ("/console/app/app/save".into(), "clients:write"),
        ("/console/app/app/settings/save".into(), "clients:write"),
        ("/console/app/app/secrets".into(), "clients:write"),
        ("/console/app/app/secrets/revoke".into(), "clients:write"),
        ("/console/app/app/disable".into(), "clients:write"),
        ("/console/app/app/delete".into(), "clients:write"),
        ("/console/providers/create".into(), "providers:write"),
        ("/console/provider/acme/save".into(), "providers:write"),
        ("/console/provider/acme/test".into(), "providers:write"),
        ("/console/provider/acme/disable".into(), "providers:write"),
        ("/console/provider/acme/delete".into(), "providers:write"),
        (format!("{person}/disable"), "accounts:write"),
        (format!("{person}/unlink"), "accounts:write"),
        (format!("{person}/forget"), "accounts:write"),
        (format!("{person}/end"), "sessions:write"),
        (format!("{person}/revoke"), "grants:write"),
        ("/console/api-keys/create".into(), "api-keys:write"),
        ("/console/api-keys/delete".into(), "api-keys:write"),
        ("/console/registration-tokens/create".into(), "registration-tokens:write"),
        ("/console/registration-tokens/revoke".into(), "registration-tokens:write"),
        // They may rotate, and not see the page that says so.
        ("/console/keys/rotate".into(), "keys:read"),
    ] {
        let refused = street.posts(&mut browser, &path, &[("token", &token), ("disabled", "true"), ("name", "x")]).await;
        assert!(refused.status == StatusCode::FORBIDDEN && refused.body.contains(&format!("scope {lacks},")), "{path}: {refused:?}");
    }
    let left: BTreeSet<_> = street.rig.events()[before..].iter().map(|event| event.name.to_string()).collect();
    assert_eq!(left, BTreeSet::from(["admin.access_denied".to_owned()]));
    assert_eq!(street.goes(&mut browser, "/console/app/app").await.status, StatusCode::OK);
    let left = street.posts(&mut browser, "/console/sign-out", &[("token", &token)]).await;
    assert_eq!(left.header("location"), "/console/sign-in", "everybody may leave");
}

#[tokio::test]
async fn a_key_counts_in_the_console_as_in_the_api() {
    let limits = Limits { admin_per_key: 25, ..Limits::default() };
    let street = Street::with(RigOptions { limits, ..RigOptions::default() }).await;
    let mut browser = limited(&street, "*").await;
    let page = street.goes(&mut browser, "/console/provider/acme").await;
    let tested = sends(&street, &mut browser, &page, "/console/provider/acme/test", &[]).await;
    assert_eq!(tested.status, StatusCode::OK, "{tested:?}");
    let mut slow = None;
    for _ in 0..5 {
        slow = Some(street.goes(&mut browser, "/console/apps").await).filter(|page| page.status != StatusCode::OK).or(slow);
    }
    let slow = slow.expect("what asks a provider counts as twenty");
    assert!(slow.status == StatusCode::TOO_MANY_REQUESTS && slow.body.contains("Too much at once"), "{slow:?}");
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
async fn attack_86_a_key_of_the_api_is_made_in_the_console_and_gives_no_more_than_its_maker_has() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/api-keys").await;
    let wrong = [("name", "Terraform"), ("scopes", "clients:read audit:write"), ("days", "0")];
    let refused = sends(&street, &mut browser, &page, "/console/api-keys/create", &wrong).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("from 1 to 3650"), "{refused:?}");
    let refused = sends(&street, &mut browser, &refused, "/console/api-keys/create", &[("days", "90")]).await;
    assert!(refused.body.contains("audit:write can&#39;t be had: nothing is changed there; write audit:read."), "{refused:?}");
    let made = sends(&street, &mut browser, &refused, "/console/api-keys/create", &[("scopes", "clients:read audit:read")]).await;
    let key = made.between("<code id=\"secret\">", "<").to_owned();
    assert!(made.status == StatusCode::OK && key.starts_with("vsk_"), "{made:?}");
    let list = async |key: &str| {
        let request = street.request(Method::GET, "/api/v1/clients").header(header::AUTHORIZATION, format!("Bearer {key}"));
        street.send(request.finish()).await.status
    };
    assert_eq!(list(&key).await, StatusCode::OK);
    let page = street.goes(&mut browser, "/console/api-keys").await;
    assert!(page.body.contains("<bdi>Terraform</bdi>") && page.body.contains("clients:read audit:read"), "{page:?}");
    assert!(!page.body.contains(&key), "it is shown once");

    let mut less = limited(&street, "api-keys:* clients:read").await;
    let theirs = street.goes(&mut less, "/console/api-keys").await;
    let refused = sends(&street, &mut less, &theirs, "/console/api-keys/create", &[("name", "x"), ("scopes", "*"), ("days", "1")]).await;
    assert!(refused.body.contains("which the key you use does not have itself"), "{refused:?}");
    let refused = sends(&street, &mut less, &theirs, "/console/api-keys/delete", &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(list(&key).await, StatusCode::OK);

    let deleted = sends(&street, &mut browser, &page, "/console/api-keys/delete", &[]).await;
    assert_eq!(deleted.header("location"), "/console/api-keys?notice=deleted");
    assert_eq!(list(&key).await, StatusCode::UNAUTHORIZED);
    assert_eq!((street.count("api_key.created"), street.count("api_key.deleted")), (1, 1));
}

#[tokio::test]
async fn registration_tokens_are_shown_a_page_at_a_time() {
    let street = alices().await;
    let actor = vestibule_domain::audit::Actor::System;
    for name in 0..51 {
        let lives = Duration::from_hours(24);
        street.gateway().create_registration_token(&street.rig.witness(), &actor, &format!("farm-{name}"), lives, 1).await.unwrap();
        street.rig.clock.advance(Duration::from_secs(1));
    }
    let mut browser = operator(&street).await;
    let first = street.goes(&mut browser, "/console/registration-tokens").await;
    assert_eq!(first.body.matches("farm-").count(), 50);
    let more = first.between("/console/registration-tokens?after=", "\"").to_owned();
    let second = street.goes(&mut browser, &format!("/console/registration-tokens?after={more}")).await;
    assert_eq!((second.body.matches("farm-").count(), second.body.contains("From the beginning")), (1, true), "{second:?}");
}

#[tokio::test]
async fn attack_65_what_strangers_call_themselves_is_text_in_the_console() {
    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let street = alices().await;
    let mut browser = operator(&street).await;
    street.app_as("app", Draft { name: HOSTILE.into(), ..plain() }).await;
    let mut stranger = FakeProvider::arrival("stranger", street.rig.witness().now);
    for claim in ["name", "email"] {
        stranger.claims.insert(claim.into(), HOSTILE.into());
    }
    stranger.claims.insert("groups".into(), json!([HOSTILE]));
    street.rig.providers[0].answers_next(Ok(stranger));
    let app = street.app("other").await;
    let code = street.signs_in(&mut Browser::default(), &app, "x").await;
    street.redeems(&app, &code).await;
    let person = street.rig.events().iter().filter_map(|event| event.account).next_back().unwrap();
    let form =
        [("id", "evil"), ("preset", "fake"), ("label", HOSTILE), ("issuer", HOSTILE), ("client_id", HOSTILE), ("client_secret", "s")];
    let page = street.goes(&mut browser, "/console/providers/new/fake").await;
    let made = sends(&street, &mut browser, &page, "/console/providers/create", &form).await;
    assert_eq!(made.header("location"), "/console/provider/evil?notice=saved", "{made:?}");
    let pages = [
        "/console".to_owned(),
        "/console/apps".to_owned(),
        "/console/apps?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/console/apps?notice=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/console/people".to_owned(),
        "/console/people?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        format!("/console/person/{person}"),
        "/console/providers".to_owned(),
        "/console/provider/evil".to_owned(),
        "/console/provider/evil/edit".to_owned(),
        "/console/app/app".to_owned(),
        "/console/app/app/edit".to_owned(),
        "/console/app/app/settings".to_owned(),
        "/console/app/app/try".to_owned(),
        "/console/app/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
    ];
    for path in pages {
        let page = street.goes(&mut browser, &path).await;
        assert!(page.body.contains("</html>"), "{path}: {page:?}");
        let document = Html::parse_document(&page.body);
        let scripts: Vec<_> = document.select(&Selector::parse("script").unwrap()).collect();
        assert!(scripts.iter().all(|script| script.attr("src").is_some() && script.text().next().is_none()), "{path}: {page:?}");
        assert_eq!((scripts.len(), document.select(&Selector::parse("img, [onerror]").unwrap()).count()), (2, 0), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn an_app_is_made_in_one_form_and_its_secret_is_seen_once() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let form = street.goes(&mut browser, "/console/apps/new").await;
    let wrong = [("name", "Grafana"), ("redirect_uris", "https://grafana.example/cb\r\nhttp://grafana.example/cb")];
    let refused = sends(&street, &mut browser, &form, "/console/apps/create", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Line 2: "), "{refused:?}");
    assert!(refused.body.contains("value=\"Grafana\""), "what was written stays: {refused:?}");

    let right = [("name", "Grafana"), ("client_id", "grafana"), ("redirect_uris", "https://grafana.example/cb")];
    let made = sends(&street, &mut browser, &refused, "/console/apps/create", &right).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let secret = made.between("<code id=\"secret\">", "<").to_owned();
    assert_eq!(secret.len(), 43);
    let app = crate::street::App { id: "grafana".into(), secret: Some(secret.clone()), redirect_uri: "https://grafana.example/cb".into() };
    assert!(street.tokens(&app, "bob").await["id_token"].is_string());
    let page = street.goes(&mut browser, "/console/app/grafana").await;
    assert!(!page.body.contains(&secret) && page.body.contains("CLIENT_SECRET"), "{page:?}");
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap();
    let created = street.rig.events().into_iter().find(|event| event.name.as_str() == "client.created").unwrap();
    assert_eq!(created.actor, vestibule_domain::audit::Actor::Operator(account), "the record says who, and that it was at this work");

    let again = sends(&street, &mut browser, &form, "/console/apps/create", &right).await;
    assert!(again.status == StatusCode::CONFLICT && again.body.contains("belongs to another app"), "{again:?}");
    // A field is judged while it is written, in the same words.
    let said = [("token", token(&form)), ("name", "x".into()), ("redirect_uris", "https://*.example/cb".into())];
    let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let judged = street.posts(&mut browser, "/console/apps/check/redirect_uris", &said).await;
    assert!(judged.status == StatusCode::OK && judged.body.starts_with("Line 1: ") && !judged.body.contains("<html"), "{judged:?}");
}

#[tokio::test]
async fn of_two_editors_the_second_sees_both_versions_and_decides() {
    let street = alices().await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    let mine = street.goes(&mut browser, "/console/app/app/edit").await;
    let theirs = sends(&street, &mut browser, &mine, "/console/app/app/save", &[("name", "Theirs")]).await;
    assert_eq!(theirs.header("location"), "/console/app/app?notice=saved");
    let late = sends(&street, &mut browser, &mine, "/console/app/app/save", &[("name", "Mine")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.body.contains("Somebody changed this meanwhile") && late.body.contains("Theirs") && late.body.contains("Mine"),
        "{late:?}"
    );
    assert!(street.goes(&mut browser, "/console/app/app").await.body.contains("Theirs"), "nothing was saved");
    let decided = sends(&street, &mut browser, &late, "/console/app/app/save", &[]).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER);
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(page.body.contains("<bdi>Mine</bdi>"), "{page:?}");

    let whole = street.goes(&mut browser, "/console/app/app/settings").await;
    sends(&street, &mut browser, &page, "/console/app/app/disable", &[]).await;
    let late = sends(&street, &mut browser, &whole, "/console/app/app/settings/save", &[]).await;
    assert!(late.status == StatusCode::CONFLICT && late.body.contains("&#34;disabled&#34;: true"), "{late:?}");
}

#[tokio::test]
async fn secrets_rotate_with_an_overlap_and_the_last_stays() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(!page.body.contains("/secrets/revoke"), "the last one stays: {page:?}");
    let rotated = sends(&street, &mut browser, &page, "/console/app/app/secrets", &[("others", "day")]).await;
    let new = crate::street::App { secret: Some(rotated.between("<code id=\"secret\">", "<").to_owned()), ..app.clone() };
    for app in [&app, &new] {
        assert_eq!(street.asks(app, "/token", &[("grant_type", "client_credentials")]).await.status, StatusCode::OK);
    }
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(!page.body.contains("Rotate: add a secret"), "two at most: {page:?}");
    let revoked = sends(&street, &mut browser, &page, "/console/app/app/secrets/revoke", &[]).await;
    assert_eq!(revoked.header("location"), "/console/app/app?notice=revoked");
    assert_eq!(street.asks(&app, "/token", &[("grant_type", "client_credentials")]).await.error(), "invalid_client");
    assert_eq!(street.asks(&new, "/token", &[("grant_type", "client_credentials")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_files_keep_is_shown_as_theirs_and_changed_by_them() {
    let street = alices().await;
    let draft = Draft { name: "Wiki".into(), redirect_uris: vec!["https://wiki.example.com/cb".into()], ..Draft::default() };
    let keeper = ManagerName::parse("web").ok();
    street.gateway().create_client_for(&street.rig.witness(), &Actor::System, Some("wiki"), &draft, keeper).await.unwrap();
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/wiki").await;
    assert!(page.body.contains("<dt>Kept by the files of</dt><dd>web</dd>"), "{page:?}");
    let form = street.goes(&mut browser, "/console/app/wiki/edit").await;
    let saved = sends(&street, &mut browser, &form, "/console/app/wiki/save", &[("name", "Mine")]).await;
    assert!(saved.status == StatusCode::CONFLICT && saved.body.contains("It is changed in the files of web"), "{saved:?}");
    let deleted = sends(&street, &mut browser, &page, "/console/app/wiki/delete", &[("name", "wiki")]).await;
    assert_eq!(deleted.status, StatusCode::CONFLICT);
    assert!(street.goes(&mut browser, "/console/app/wiki").await.body.contains("<bdi>Wiki</bdi>"), "nothing was changed");
}

#[tokio::test]
async fn an_app_is_deleted_only_by_its_id_whatever_letters_its_name_has() {
    let street = alices().await;
    street.app_as("app", Draft { name: "The\u{200b}  app".into(), ..plain() }).await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    let refused = sends(&street, &mut browser, &page, "/console/app/app/delete", &[("name", "The app")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let deleted = sends(&street, &mut browser, &page, "/console/app/app/delete", &[("name", "app")]).await;
    assert_eq!(deleted.header("location"), "/console/apps?notice=deleted");
    assert_eq!(street.goes(&mut browser, "/console/app/app").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_login_is_tried_by_the_apps_own_settings_and_the_app_hears_nothing() {
    let street = alices().await;
    let rules = serde_json::from_value(json!({"groups": ["admins"]})).unwrap();
    street.app_as("closed", Draft { entry: rules, ..plain() }).await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    let seen = street.goes(&mut browser, "/console/app/app/try").await;
    assert!(seen.body.contains("would be let in") && seen.body.contains("alice@example.com"), "{seen:?}");
    let closed = street.goes(&mut browser, "/console/app/closed/try").await;
    assert!(closed.body.contains("The rule client.groups is not met.") && !closed.body.contains("alice@example.com"), "{closed:?}");
    for (app, ends) in [("app", "/console/app/app/try"), ("closed", "")] {
        let chooser = street.goes(&mut browser, &format!("/console/app/{app}/try/begin")).await;
        let attempt = chooser.between("?attempt=", "\"").to_owned();
        street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
        let back = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
        assert_eq!(back.header("location"), ends, "{back:?}");
        assert!(!back.body.contains("app.example.com"), "nobody is sent to the app: {back:?}");
    }
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

#[tokio::test]
async fn a_provider_is_added_changed_shut_and_deleted_and_its_secret_is_never_seen() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let presets = street.goes(&mut browser, "/console/providers/new").await;
    assert!(presets.body.contains("/console/providers/new/fake"), "{presets:?}");
    let form = street.goes(&mut browser, "/console/providers/new/fake").await;
    assert!(form.body.contains("https://sso.example.com/callback/fake"), "the address to paste: {form:?}");
    let without = [("issuer", "https://up.example"), ("client_id", "us")];
    let refused = sends(&street, &mut browser, &form, "/console/providers/create", &without).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("client_secret is missing"), "{refused:?}");
    let made =
        [("issuer", "https://up.example"), ("client_id", "us"), ("client_secret", "hush-hush"), ("rest", "{\"scopes\": [\"openid\"]}")];
    let made = sends(&street, &mut browser, &refused, "/console/providers/create", &made).await;
    assert_eq!(made.header("location"), "/console/provider/fake?notice=saved", "{made:?}");
    let page = street.goes(&mut browser, "/console/provider/fake").await;
    assert!(page.body.contains("client_secret") && !page.body.contains("hush-hush"), "{page:?}");

    // The secret stays unless another is typed, and of two editors the second is told.
    let mine = street.goes(&mut browser, "/console/provider/fake/edit").await;
    assert!(!mine.body.contains("hush-hush") && mine.body.contains("scopes"), "{mine:?}");
    let saved = sends(&street, &mut browser, &mine, "/console/provider/fake/save", &[("label", "Fake one")]).await;
    assert_eq!(saved.header("location"), "/console/provider/fake?notice=saved", "{saved:?}");
    let late = sends(&street, &mut browser, &mine, "/console/provider/fake/save", &[("label", "Fake two")]).await;
    assert!(late.status == StatusCode::CONFLICT && late.body.contains("Fake one") && late.body.contains("Fake two"), "{late:?}");
    // To send it elsewhere is to type it anew.
    let elsewhere = sends(&street, &mut browser, &late, "/console/provider/fake/save", &[("issuer", "https://evil.example")]).await;
    assert!(elsewhere.status == StatusCode::UNPROCESSABLE_ENTITY && elsewhere.body.contains("client_secret is missing"), "{elsewhere:?}");

    let page = street.goes(&mut browser, "/console/provider/fake").await;
    let shut = sends(&street, &mut browser, &page, "/console/provider/fake/disable", &[]).await;
    assert_eq!(shut.header("location"), "/console/provider/fake?notice=disabled");
    let page = street.goes(&mut browser, "/console/provider/fake").await;
    assert!(page.body.contains("Disabled"), "{page:?}");
    let opened = sends(&street, &mut browser, &page, "/console/provider/fake/disable", &[]).await;
    assert_eq!(opened.header("location"), "/console/provider/fake?notice=enabled");
    let page = street.goes(&mut browser, "/console/provider/fake").await;
    let tested = sends(&street, &mut browser, &page, "/console/provider/fake/test", &[]).await;
    assert!(tested.body.contains("Sign in on trial"), "{tested:?}");
    let deleted = sends(&street, &mut browser, &page, "/console/provider/fake/delete", &[("name", "fake")]).await;
    assert_eq!(deleted.header("location"), "/console/providers?notice=deleted");

    // One of the configuration is shown, and changed where it stands.
    let fixed = street.goes(&mut browser, "/console/provider/acme").await;
    assert!(fixed.body.contains("rig.toml") && !fixed.body.contains("/edit"), "{fixed:?}");
    assert_eq!(street.goes(&mut browser, "/console/provider/acme/edit").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_person_is_found_and_what_they_have_is_ended_piece_by_piece() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut bobs = Browser::default();
    let code = street.signs_in(&mut bobs, &app, "bob").await;
    let tokens = street.redeems(&app, &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    let bob = street.rig.events().iter().find_map(|event| event.account).unwrap().to_string();
    let mut browser = operator(&street).await;
    for query in [bob.as_str(), "bob%40example.com", "BOB+of"] {
        let found = street.goes(&mut browser, &format!("/console/people?q={query}")).await;
        assert!(
            found.body.contains(&format!("/console/person/{bob}")) && !found.body.contains("alice of Upstream</bdi></a>"),
            "{query}: {found:?}"
        );
    }
    assert!(street.goes(&mut browser, "/console/people?q=carol").await.body.contains("Nobody is found"));

    let at = format!("/console/person/{bob}");
    let page = street.goes(&mut browser, &at).await;
    let revoked = sends(&street, &mut browser, &page, &format!("{at}/revoke"), &[]).await;
    assert_eq!(revoked.header("location"), format!("{at}?notice=revoked"));
    assert!(!street.is_good(access).await);
    let ended = sends(&street, &mut browser, &page, &format!("{at}/end"), &[]).await;
    assert_eq!(ended.header("location"), format!("{at}?notice=ended"));
    let silent = Street::link(&app, &[("prompt", "none")]);
    assert_eq!(street.goes(&mut bobs, &silent).await.parameter("error").as_deref(), Some("login_required"));
    let disabled = sends(&street, &mut browser, &page, &format!("{at}/disable"), &[]).await;
    assert_eq!(disabled.header("location"), format!("{at}?notice=disabled"));
    assert_eq!(street.arrives(&mut Browser::default(), &app, "bob").await.page(), "account_disabled");
    let page = street.goes(&mut browser, &at).await;
    sends(&street, &mut browser, &page, &format!("{at}/disable"), &[]).await;
    let unlinked = sends(&street, &mut browser, &page, &format!("{at}/unlink"), &[]).await;
    assert_eq!(unlinked.header("location"), format!("{at}?notice=unlinked"));
    assert!(street.goes(&mut browser, &at).await.body.contains("nobody comes in by this account"));
    for name in ["grant.revoked", "session.ended", "account.disabled", "account.enabled", "identity.unlinked"] {
        assert_eq!(street.count(name), 1, "{name}");
    }
    // Nobody reaches another's things by naming them (attack 86).
    let carol = street.tokens(&app, "carol").await;
    let carols = street
        .rig
        .events()
        .iter()
        .filter(|event| event.name.as_str() == "code.redeemed")
        .filter_map(|event| event.grant)
        .next_back()
        .unwrap();
    let token = token(&page);
    let other = street.posts(&mut browser, &format!("{at}/revoke"), &[("token", &token), ("grant", &carols.to_string())]).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert!(street.is_good(carol["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn keys_are_rotated_and_tokens_for_apps_that_register_themselves_are_made_and_revoked() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let keys = street.goes(&mut browser, "/console/keys").await;
    let before = keys.body.matches("<tr>").count();
    let rotated = street.posts(&mut browser, "/console/keys/rotate", &[("token", &token(&keys)), ("pace", "planned")]).await;
    assert_eq!(rotated.header("location"), "/console/keys?notice=rotated");
    assert!(street.goes(&mut browser, "/console/keys").await.body.matches("<tr>").count() > before);

    let page = street.goes(&mut browser, "/console/registration-tokens").await;
    assert!(page.body.contains("They are of no use now"), "{page:?}");
    let wrong = sends(&street, &mut browser, &page, "/console/registration-tokens/create", &[("name", "farm"), ("uses", "0")]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.body.contains("from 1 to 1000"), "{wrong:?}");
    let made = sends(&street, &mut browser, &page, "/console/registration-tokens/create", &[("name", "farm")]).await;
    let secret = made.between("<code id=\"secret\">", "<").to_owned();
    let page = street.goes(&mut browser, "/console/registration-tokens").await;
    assert!(page.body.contains("<bdi>farm</bdi>") && !page.body.contains(&secret), "{page:?}");
    let revoked = sends(&street, &mut browser, &page, "/console/registration-tokens/revoke", &[]).await;
    assert_eq!(revoked.header("location"), "/console/registration-tokens?notice=revoked");
    assert!(!street.goes(&mut browser, "/console/registration-tokens").await.body.contains("<bdi>farm</bdi>"));
}
