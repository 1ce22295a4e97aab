//! What an operator may is what the scopes say, in the console as in the admin API; and keys of it.

use std::{collections::BTreeSet, time::Duration};

use http::{Method, StatusCode, header};
use scraper::{Html, Selector};
use secrecy::ExposeSecret;
use vestibule_domain::{limits::Limits, operator::AdminScopes, registration::Draft};
use vestibule_testkit::rig::RigOptions;

use super::{alices, makes, operator, sends, token};
use crate::street::{Browser, Street, plain};

/// A browser that came in by a key for these scopes.
pub(crate) async fn limited(street: &Street, scopes: &str) -> Browser {
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
        ("/console/sessions", "sessions:read"),
        ("/console/audit", "audit:read"),
        ("/console/audit/018f6c1e-7a55-7c3b-9d80-1c2f6a4b7e90", "audit:read"),
        ("/console/logins", "audit:read"),
        ("/console/logins/018f6c1e-7a55-7c3b-9d80-1c2f6a4b7e90", "audit:read"),
        ("/console/dashboards", "stats:read"),
        ("/console/events", "stats:read"),
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
        ("/console/sessions/end".into(), "sessions:write"),
        ("/console/audit/export".into(), "audit:read"),
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
    let made = makes(&street, &mut browser, &refused, "/console/api-keys/create", &[("scopes", "clients:read audit:read")]).await;
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
    let made = makes(&street, &mut browser, &page, "/console/registration-tokens/create", &[("name", "farm")]).await;
    let secret = made.between("<code id=\"secret\">", "<").to_owned();
    let page = street.goes(&mut browser, "/console/registration-tokens").await;
    assert!(page.body.contains("<bdi>farm</bdi>") && !page.body.contains(&secret), "{page:?}");
    let revoked = sends(&street, &mut browser, &page, "/console/registration-tokens/revoke", &[]).await;
    assert_eq!(revoked.header("location"), "/console/registration-tokens?notice=revoked");
    assert!(!street.goes(&mut browser, "/console/registration-tokens").await.body.contains("<bdi>farm</bdi>"));
}

#[tokio::test]
async fn attack_86_a_page_has_no_part_that_its_operator_may_not_look_at() {
    let street = alices().await;
    let app = street.app_as("web", Draft { name: "The secret project".into(), ..plain() }).await;
    street.app_as("app", Draft { allowed_providers: vec!["acme".into()], ..plain() }).await;
    let code = street.signs_in(&mut Browser::default(), &app, "bob").await;
    street.redeems(&app, &code).await;
    let bob = street.rig.events().iter().find_map(|event| event.account).unwrap();
    let person = format!("/console/person/{bob}");

    // Providers are named on the form of an app to whoever may look at them; to others, those that the app names itself.
    let mut browser = limited(&street, "clients:*").await;
    let form = street.goes(&mut browser, "/console/app/app/edit").await;
    assert!(
        form.body.contains("value=\"acme\"") && !form.body.contains("value=\"other\"") && !form.body.contains("not here any more"),
        "{form:?}"
    );
    let saved =
        sends(&street, &mut browser, &form, "/console/app/app/save", &[("providers", "these"), ("allowed_providers", "acme")]).await;
    assert_eq!(saved.header("location"), "/console/app/app?notice=saved", "{saved:?}");
    let overview = street.goes(&mut browser, "/console").await;
    assert!(overview.body.contains("/console/apps/new") && !overview.body.contains("/console/providers/new"), "{overview:?}");

    // What apps have of somebody is named by whoever may look at apps.
    let mut browser = limited(&street, "accounts:read grants:read").await;
    let page = street.goes(&mut browser, &person).await;
    assert!(page.body.contains("Apps with access") && !page.body.contains("The secret project"), "{page:?}");
    // And who may only look is offered nothing to do.
    assert!(!page.body.contains(&format!("action=\"{person}")), "{page:?}");
    let mut browser = limited(&street, "clients:read keys:read api-keys:read registration-tokens:read providers:read").await;
    for path in [
        "/console/app/app",
        "/console/apps",
        "/console/keys",
        "/console/api-keys",
        "/console/registration-tokens",
        "/console/provider/acme",
        "/console",
    ] {
        let page = street.goes(&mut browser, path).await;
        let forms = page.body.matches("<form method=\"post\"").count() + page.body.matches("<form class=\"form\"").count();
        assert_eq!((page.status, forms), (StatusCode::OK, 1), "they may leave and nothing else; {path}: {page:?}");
        assert!(!page.body.contains("/new\"") && !page.body.contains("/edit\""), "{path}: {page:?}");
    }
}
