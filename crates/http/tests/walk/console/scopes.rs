//! What an operator may is what the scopes say, in the console as in the admin API; and keys of it.

use std::{collections::BTreeSet, path::Path, time::Duration};

use http::{Method, StatusCode, header};
use scraper::{Html, Selector};
use secrecy::ExposeSecret;
use vestibule_domain::{
    limits::Limits,
    operator::{AdminScope, AdminScopes},
    registration::Draft,
};
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

/// A page of the console, or what a form of it does, as its sources say.
struct Page {
    route: String,
    is_form: bool,
    /// What the operation of the admin API needs that is the same.
    needs: AdminScope,
}

struct Pages {
    for_everybody: Vec<String>,
    for_some: Vec<Page>,
}

impl Pages {
    /// Each page as it is given its address, with what the OpenAPI document says that the same operation needs.
    async fn of_the_sources(street: &Street) -> Self {
        let document = street.send(street.request(Method::GET, "/api/v1/openapi.json").finish()).await.json();
        let (console, table) = (sources("console"), sources("admin/table.rs"));
        let address = |name: &str| table.split_once(&format!("const{name}:&str=\"/api/v1")).unwrap().1.split_once('"').unwrap().0;
        let needs = |method: &str, name: &str| -> AdminScope {
            let operation = &document["paths"][as_documented(address(name))][method.to_lowercase()];
            let description = operation["description"].as_str().unwrap_or_else(|| panic!("{method} {name} is no operation"));
            description.split_once("Needs the scope `").unwrap().1.split_once('`').unwrap().0.parse().unwrap()
        };
        let (mut for_everybody, mut for_some) = (Vec::new(), Vec::new());
        for (made_by, is_form) in [("read(house,\"", false), ("write(house,\"", true), ("at_desk(house,\"", false)] {
            for made in console.split(made_by).skip(1) {
                let (route, rest) = made.split_once("\",").unwrap();
                match rest.split_once("like(&Method::").filter(|(before, _)| before.is_empty()) {
                    Some((_, same)) => {
                        let (method, name) = same.split_once(')').unwrap().0.split_once(',').unwrap();
                        for_some.push(Page { route: route.to_owned(), is_form, needs: needs(method, name) });
                    }
                    None => for_everybody.push(route.to_owned()),
                }
            }
        }
        let (open, files) = (console.matches("open(house,\"").count(), console.matches(",route:\"").count());
        let all = for_everybody.len() + for_some.len() + open + files;
        assert_eq!(all, console.matches(".at(under(").count(), "the sources have another form than is read here");
        Self { for_everybody, for_some }
    }
}

/// A file, or all of a folder, below `src`, without the white space; a folder with the file of its name.
pub(crate) fn sources(name: &str) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut left, mut text) = (vec![src.join(name), src.join(name).with_extension("rs")], String::new());
    left.dedup();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            text.extend(std::fs::read_to_string(path).unwrap().split_whitespace());
        }
    }
    text
}

/// A route below the API's own address as the document writes it.
fn as_documented(route: &str) -> String {
    let part = |part: &str| match part.strip_prefix(':').map(|name| name.split_once(':').unwrap_or((name, ""))) {
        None => part.to_owned(),
        Some((name, "")) => format!("{{{name}}}"),
        Some((name, act)) => format!("{{{name}}}:{act}"),
    };
    route.split('/').map(part).collect::<Vec<_>>().join("/")
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
    let pages = Pages::of_the_sources(&street).await;
    assert_eq!(pages.for_everybody, ["/console", "/console/sign-out"]);
    let account = account.to_string();
    let filled = |route: &str| {
        let stands_for = [
            (":app", "app"),
            (":provider", "acme"),
            (":preset", "fake"),
            (":account", account.as_str()),
            (":event", "018f6c1e-7a55-7c3b-9d80-1c2f6a4b7e90"),
            (":reference", "018f6c1e-7a55-7c3b-9d80-1c2f6a4b7e90"),
            (":field", "name"),
        ];
        let parts = route.split('/').map(|part| stands_for.iter().find(|(name, _)| *name == part).map_or(part, |(_, value)| *value));
        let path = parts.collect::<Vec<_>>().join("/");
        assert!(!path.contains(':'), "{route}: say what stands for its parts");
        path
    };
    // Who may rotate keys and not look at them does not do it here, where the answer shows them; who reads the configuration alone has its page and the first.
    for scopes in ["clients:read accounts:read keys:write", "config:read"] {
        let mut browser = limited(&street, scopes).await;
        let token = token(&street.goes(&mut browser, "/console").await);
        let scopes: AdminScopes = scopes.split(' ').map(|scope| scope.parse().unwrap()).collect();
        let mut refused = BTreeSet::new();
        for Page { route, is_form, needs } in &pages.for_some {
            let Some(lacks) = [Some(*needs), needs.to_look()].into_iter().flatten().find(|scope| !scopes.cover(*scope)) else { continue };
            let path = filled(route);
            let answer = if *is_form {
                street.posts(&mut browser, &path, &[("token", &token), ("disabled", "true"), ("name", "x")]).await
            } else {
                street.goes(&mut browser, &path).await
            };
            assert!(answer.status == StatusCode::FORBIDDEN && answer.body.contains(&format!("scope {lacks},")), "{path}: {answer:?}");
            refused.insert(route.as_str());
        }
        assert!(refused.contains("/console/keys/rotate") && refused.contains("/console/events"), "{refused:?}");
        assert!(refused.len() > 30, "{refused:?}");
    }
    let token = token(&overview);
    let left: BTreeSet<_> = street.rig.events()[before..].iter().map(|event| event.name.to_string()).collect();
    assert_eq!(left, BTreeSet::from(["admin.access_denied".to_owned(), "admin.login".to_owned(), "console_key.created".to_owned()]));
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
    assert_eq!(tested.status, StatusCode::SEE_OTHER, "{tested:?}");
    let mut slow = None;
    for _ in 0..5 {
        slow = Some(street.goes(&mut browser, "/console/apps").await).filter(|page| page.status != StatusCode::OK).or(slow);
    }
    let slow = slow.expect("what asks a provider counts as twenty");
    assert!(slow.status == StatusCode::TOO_MANY_REQUESTS && slow.body.contains("Too much at once"), "{slow:?}");
    assert!(slow.header("retry-after").parse::<u64>().unwrap() > 0, "and to programs when: {slow:?}");
}

#[tokio::test]
async fn the_first_page_costs_a_key_what_its_board_does_and_is_shown_without_it_to_who_has_no_more() {
    let limits = Limits { admin_per_key: 25, ..Limits::default() };
    let street = Street::with(RigOptions { limits, ..RigOptions::default() }).await;
    let mut browser = limited(&street, "*").await;
    let first = street.goes(&mut browser, "/console").await;
    assert!(first.status == StatusCode::OK && first.body.contains("data-live=") && !first.body.contains("id=\"uncounted\""), "{first:?}");
    let second = street.goes(&mut browser, "/console").await;
    assert!(second.status == StatusCode::OK && !second.body.contains("data-live="), "{second:?}");
    assert!(second.body.contains("id=\"uncounted\"") && second.body.contains("<dt>Apps</dt>"), "the rest is there: {second:?}");
    assert_eq!(street.goes(&mut browser, "/console/events").await.status, StatusCode::TOO_MANY_REQUESTS);
    let mut browser = limited(&street, "clients:read").await;
    for _ in 0..30 {
        let page = street.goes(&mut browser, "/console").await;
        assert!(page.status == StatusCode::OK && !page.body.contains("id=\"uncounted\""), "{page:?}");
    }
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

#[tokio::test]
async fn a_key_of_the_api_takes_another_name_and_of_two_who_give_it_one_the_second_is_told() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/api-keys").await;
    let form = [("name", "Terraform"), ("scopes", "clients:read audit:read"), ("days", "90")];
    makes(&street, &mut browser, &page, "/console/api-keys/create", &form).await;
    let page = street.goes(&mut browser, "/console/api-keys").await;
    let renamed = sends(&street, &mut browser, &page, "/console/api-keys/rename", &[("name", "Pulumi")]).await;
    assert_eq!(renamed.header("location"), "/console/api-keys?notice=saved", "{renamed:?}");
    let late = sends(&street, &mut browser, &page, "/console/api-keys/rename", &[("name", "OpenTofu")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{late:?}");
    let page = street.goes(&mut browser, "/console/api-keys").await;
    assert!(page.body.contains("<bdi>Pulumi</bdi>") && page.body.contains("clients:read audit:read"), "what it may do stays: {page:?}");
    let empty = sends(&street, &mut browser, &page, "/console/api-keys/rename", &[("name", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{empty:?}");
    let unseen = sends(&street, &mut browser, &page, "/console/api-keys/rename", &[("name", "x"), ("version", "")]).await;
    assert_eq!(unseen.status, StatusCode::CONFLICT, "{unseen:?}");
    assert_eq!(street.count("api_key.updated"), 1);
}
