//! What the console takes care of when something else is not as it was: nothing is opened that was shut, and what must be shut can be.

use std::time::Duration;

use http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;
use vestibule_domain::{
    audit::{Actor, Reason},
    claims::Claims,
    ids::ProviderId,
    operator::AdminScopes,
    ports::Store,
    provider::StoredProvider,
    registration::Draft,
    settings::ConsoleSettings,
    store::{Changes, Write},
};
use vestibule_flows::{AccessFilter, AccessPage, ProviderDraft};
use vestibule_testkit::rig::RigOptions;

use crate::{
    console::{alices, filled, is_in, operator, options, sends, token},
    street::{Answer, Browser, Street, plain},
};

fn settings() -> Claims {
    json!({"preset": "fake", "client_id": "us", "client_secret": "hush"}).as_object().unwrap().clone()
}

async fn makes_provider(street: &Street, id: &str) -> i64 {
    let (witness, actor) = (street.rig.witness(), Actor::AdminKey("test".into()));
    let draft = ProviderDraft { settings: settings(), disabled: false };
    street.gateway().put_provider(&witness, &actor, id, draft, None).await.unwrap().version
}

async fn deletes_provider(street: &Street, id: &str, version: i64) {
    let (witness, actor) = (street.rig.witness(), Actor::AdminKey("test".into()));
    street.gateway().delete_provider(&witness, &actor, id, Some(version)).await.unwrap();
}

async fn allowed(street: &Street, app: &str) -> Vec<String> {
    street.gateway().client(app).await.unwrap().allowed_providers.iter().map(ToString::to_string).collect()
}

/// The form with these providers ticked and none besides.
async fn sends_providers(street: &Street, browser: &mut Browser, page: &Answer, choice: &str, ticked: &[&str]) -> Answer {
    let mut form = filled(page, "/console/app/app/save", &[("providers", choice)]);
    form.retain(|(name, _)| name != "allowed_providers");
    form.extend(ticked.iter().map(|id| ("allowed_providers".to_owned(), (*id).to_owned())));
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    street.posts(browser, "/console/app/app/save", &form).await
}

#[tokio::test]
async fn attack_41_an_app_is_never_opened_to_every_provider_by_a_form_that_does_not_say_so() {
    let street = alices().await;
    let version = makes_provider(&street, "gone").await;
    street.app_as("app", Draft { allowed_providers: vec!["acme".into(), "gone".into()], ..plain() }).await;
    deletes_provider(&street, "gone", version).await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app/edit").await;
    assert!(page.body.contains("gone (not here any more)"), "{page:?}");
    let refused = sends(&street, &mut browser, &page, "/console/app/app/save", &[("name", "Renamed")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "it is named, and stays: {refused:?}");
    assert_eq!(allowed(&street, "app").await, ["acme", "gone"]);

    let none = sends_providers(&street, &mut browser, &page, "these", &[]).await;
    assert!(none.status == StatusCode::UNPROCESSABLE_ENTITY && none.body.contains("has none ticked"), "{none:?}");
    let both = sends_providers(&street, &mut browser, &page, "all", &["acme"]).await;
    assert!(both.status == StatusCode::UNPROCESSABLE_ENTITY && both.body.contains("all are chosen"), "{both:?}");
    let unsaid = sends_providers(&street, &mut browser, &page, "", &[]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY, "what is not said stays: {unsaid:?}");
    assert_eq!(allowed(&street, "app").await, ["acme", "gone"]);

    let kept = sends_providers(&street, &mut browser, &page, "these", &["acme"]).await;
    assert_eq!((kept.status, allowed(&street, "app").await), (StatusCode::SEE_OTHER, vec!["acme".to_owned()]), "{kept:?}");
    let page = street.goes(&mut browser, "/console/app/app/edit").await;
    let all = sends_providers(&street, &mut browser, &page, "all", &[]).await;
    assert_eq!((all.status, allowed(&street, "app").await), (StatusCode::SEE_OTHER, Vec::new()), "{all:?}");
}

#[tokio::test]
async fn what_must_be_shut_is_shut_whatever_else_is_wrong_with_it() {
    let street = alices().await;
    let version = makes_provider(&street, "gone").await;
    street.app_as("app", Draft { allowed_providers: vec!["gone".into()], ..plain() }).await;
    deletes_provider(&street, "gone", version).await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    let shut = sends(&street, &mut browser, &page, "/console/app/app/disable", &[]).await;
    assert_eq!(shut.header("location"), "/console/app/app?notice=disabled", "{shut:?}");
    let client = street.gateway().client("app").await.unwrap();
    assert!(client.disabled && client.allowed_providers.len() == 1, "and nothing else of it changed");
    let late = sends(&street, &mut browser, &page, "/console/app/app/disable", &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "who saw it as it was before decides again");

    // A provider that nobody can make any more, as after an upgrade.
    let now = street.rig.witness().now;
    let id = ProviderId::parse("lost").unwrap();
    let settings = json!({"preset": "lost"}).as_object().unwrap().clone();
    let provider =
        StoredProvider { id, version: 7, disabled: false, settings, secrets: None, managed_by: None, created: now, updated: now };
    street.rig.store.commit(Changes::default().write(Write::PutProvider { provider, expected: None })).await.unwrap();
    let page = street.goes(&mut browser, "/console/provider/lost").await;
    let shut = sends(&street, &mut browser, &page, "/console/provider/lost/disable", &[]).await;
    assert_eq!(shut.header("location"), "/console/provider/lost?notice=disabled", "{shut:?}");
    assert_eq!((street.count("provider.disabled"), street.count("client.updated")), (1, 1));
}

#[tokio::test]
async fn whoever_comes_second_is_told_so_though_their_form_has_nothing_of_what_changed() {
    let street = alices().await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    for act in ["/console/app/app/disable", "/console/app/app/secrets"] {
        let mine = street.goes(&mut browser, "/console/app/app/edit").await;
        let page = street.goes(&mut browser, "/console/app/app").await;
        sends(&street, &mut browser, &page, act, &[]).await;
        let late = sends(&street, &mut browser, &mine, "/console/app/app/save", &[]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{act}: {late:?}");
        assert!(
            late.body.contains("Somebody changed this meanwhile") && late.body.contains("/console/app/app/settings"),
            "{act}: {late:?}"
        );
    }
}

#[tokio::test]
async fn attack_86_nobody_is_an_operator_by_the_word_of_a_provider_that_is_not_named_for_it() {
    let usual = options(json!({"emails": ["alice@example.com"]}));
    let console = ConsoleSettings { providers: vec![ProviderId::parse("acme").unwrap()], ..usual.console };
    let street = Street::with(RigOptions { console, straight_through: false, ..RigOptions::default() }).await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "other").await;
    let landed = street.goes(&mut browser, &format!("/callback/other?code=alice&state={attempt}")).await;
    assert!(landed.parameter("code").is_some(), "a good sign-in: {landed:?}");
    let asked = street.goes(&mut browser, "/console/enter").await;
    assert!(asked.body.contains("/login/acme?attempt=") && !asked.body.contains("/login/other?"), "{asked:?}");
    let attempt = asked.between("?attempt=", "\"").to_owned();
    let refused = street.goes(&mut browser, &format!("/login/other?attempt={attempt}")).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert!(!is_in(&street, &mut browser).await);
    assert_eq!(street.count("admin.login"), 0);

    // Nobody at all where there are rules and nobody whose word counts.
    let console = ConsoleSettings { providers: Vec::new(), ..options(json!({"emails": ["alice@example.com"]})).console };
    let street = Street::with(RigOptions { console, ..RigOptions::default() }).await;
    let app = street.app("app").await;
    street.signs_in(&mut browser, &app, "alice").await;
    assert_eq!(street.goes(&mut browser, "/console/enter").await.header("location"), "/console/sign-in");
}

#[tokio::test]
async fn what_an_operator_does_in_the_console_is_counted_as_an_operators() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/apps/new").await;
    let made =
        sends(&street, &mut browser, &page, "/console/apps/create", &[("name", "Wiki"), ("redirect_uris", "https://wiki.example/cb")])
            .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{made:?}");
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap();
    for name in ["admin.login", "client.created"] {
        let event = street.rig.events().into_iter().find(|event| event.name.as_str() == name).unwrap();
        assert_eq!(event.actor, Actor::Operator(account), "{name}");
    }
}

async fn with(console: ConsoleSettings) -> Street {
    Street::with(RigOptions { console, ..RigOptions::default() }).await
}

#[tokio::test]
async fn whoever_works_is_not_thrown_out_however_short_idle_is() {
    let usual = options(json!({"emails": ["alice@example.com"]})).console;
    let street = with(ConsoleSettings { idle: Duration::from_mins(1), ..usual }).await;
    let mut browser = operator(&street).await;
    for _ in 0..20 {
        street.rig.clock.advance(Duration::from_secs(40));
        assert!(is_in(&street, &mut browser).await);
    }
    // And the session that they came by is in use as long as they work.
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap().to_string();
    let of_person = AccessFilter { account: Some(&account), ..AccessFilter::default() };
    let sessions =
        street.gateway().sessions(&street.rig.witness(), of_person, AccessPage { after: None, limit: 9 }).await.unwrap().sessions;
    assert!(street.rig.witness().now.since(sessions[0].last_seen) <= Duration::from_mins(1), "{sessions:?}");
    street.rig.clock.advance(Duration::from_mins(1));
    assert!(!is_in(&street, &mut browser).await);
}

#[tokio::test]
async fn what_a_sign_in_said_of_an_operator_is_believed_for_a_working_day_and_no_longer() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for _ in 0..7 {
        street.rig.clock.advance(Duration::from_hours(1));
        street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    }
    assert_eq!(street.goes(&mut browser, "/console/enter").await.header("location"), "/console");
    for _ in 0..2 {
        street.rig.clock.advance(Duration::from_mins(25));
        assert!(is_in(&street, &mut browser).await);
    }
    street.rig.clock.advance(Duration::from_mins(10));
    assert!(!is_in(&street, &mut browser).await, "eight hours after they signed in, not after they came");
}

#[tokio::test]
async fn attack_63_a_link_to_the_console_leaves_little_in_a_browser() {
    let street = alices().await;
    let mut browser = Browser::default();
    street.goes(&mut browser, &format!("/console?{}", "/".repeat(980))).await;
    assert!(browser.header().len() < 400, "{}", browser.header());
}

#[tokio::test]
async fn whoever_wants_to_come_in_and_is_no_operator_leaves_a_trace() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut bob = Browser::default();
    street.signs_in(&mut bob, &app, "bob").await;
    assert_eq!(street.goes(&mut bob, "/console/enter").await.status, StatusCode::FORBIDDEN);
    let event = street.rig.events().into_iter().find(|event| event.name.as_str() == "admin.login_failed").unwrap();
    assert_eq!(event.reason.map(Reason::as_str), Some("entry_rule"));
    assert!(event.account.is_some() && event.detail.is_some(), "{event:?}");
}

#[tokio::test]
async fn one_time_keys_are_told_apart_and_open_the_console_for_an_hour() {
    let street = alices().await;
    let key =
        async || street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    let (one, other) = (key().await, key().await);
    let mut browser = Browser::default();
    street.posts(&mut browser, "/console/key", &[("key", one.expose_secret())]).await;
    assert!(is_in(&street, &mut browser).await);
    // Whoever comes in another way leaves no desk behind that anybody could go on at.
    let mut before = browser.clone();
    street.posts(&mut browser, "/console/key", &[("key", other.expose_secret())]).await;
    assert!(is_in(&street, &mut browser).await && !is_in(&street, &mut before).await);
    let events = street.rig.events();
    let of = |name: &str| events.iter().filter(|event| event.name.as_str() == name).collect::<Vec<_>>();
    let made: Vec<_> = of("console_key.created")
        .iter()
        .map(|event| event.detail.clone().unwrap().replace("key ", "one-time:").replace(" for *", ""))
        .collect();
    let came: Vec<_> = of("admin.login").iter().map(|event| event.actor.clone()).collect();
    assert_eq!(came, made.iter().cloned().map(Actor::AdminKey).collect::<Vec<_>>());
    assert_ne!(made[0], made[1]);
    assert!(events.iter().all(|event| !format!("{event:?}").contains(one.expose_secret())));

    for _ in 0..2 {
        street.rig.clock.advance(Duration::from_mins(25));
        assert!(is_in(&street, &mut browser).await);
    }
    street.rig.clock.advance(Duration::from_mins(11));
    assert!(!is_in(&street, &mut browser).await);
}

#[tokio::test]
async fn a_sign_in_that_is_only_tried_is_told_from_one_to_the_app() {
    let street = alices().await;
    let rules = serde_json::from_value(json!({"groups": ["admins"]})).unwrap();
    street.app_as("closed", Draft { entry: rules, ..plain() }).await;
    street.app("open").await;
    let mut browser = operator(&street).await;
    for app in ["closed", "open"] {
        let chooser = street.goes(&mut browser, &format!("/console/app/{app}/try/begin")).await;
        let attempt = chooser.between("?attempt=", "\"").to_owned();
        street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
        street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    }
    let events = street.rig.events();
    let of_apps = |name: &str| events.iter().find(|event| event.name.as_str() == name && event.client.is_some()).unwrap();
    let denied = of_apps("login.denied_by_policy");
    assert_eq!((denied.detail.as_deref(), denied.trial), (Some("client.groups"), true));
    let succeeded = of_apps("login.succeeded");
    assert_eq!((succeeded.detail.as_deref(), succeeded.trial), (None, true));
}

#[tokio::test]
async fn a_secret_among_more_settings_is_not_sent_back_and_no_name_is_said_twice() {
    const SECRET: &str = "hush-hush-hush";
    let street = alices().await;
    let mut browser = operator(&street).await;
    let form = street.goes(&mut browser, "/console/providers/new/fake").await;
    let sent = |rest: &str| [("issuer", "https://up.example".to_owned()), ("client_id", "us".to_owned()), ("rest", rest.to_owned())];
    let twice = format!("{{\"scopes\": [\"a\"], \"scopes\": [\"b\"], \"client_secret\": \"{SECRET}\"}}");
    let broken = format!("{{\"client_secret\": \"{SECRET}\"");
    let own = format!("{{\"scopes\": [\"a\"], \"issuer\": \"https://other.example\", \"client_secret\": \"{SECRET}\"}}");
    for (rest, said) in [(twice, "is there twice"), (broken, "can&#39;t be read"), (own, "issuer in it, which has a field of its own")] {
        let fields = sent(&rest);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = sends(&street, &mut browser, &form, "/console/providers/create", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{rest}: {refused:?}");
        assert!(refused.body.contains(said) && !refused.body.contains(SECRET), "{rest}: {refused:?}");
    }
    // A setting that is no text keeps its place below, and is still there after the form was saved.
    let fields =
        [("client_secret", SECRET), ("issuer", "https://up.example"), ("client_id", "us"), ("rest", "{\"label\": {\"en\": \"Up\"}}")];
    let made = sends(&street, &mut browser, &form, "/console/providers/create", &fields).await;
    assert_eq!(made.header("location"), "/console/provider/fake?notice=saved", "{made:?}");
    let edit = street.goes(&mut browser, "/console/provider/fake/edit").await;
    let saved = sends(&street, &mut browser, &edit, "/console/provider/fake/save", &[]).await;
    assert_eq!(saved.header("location"), "/console/provider/fake?notice=saved", "{saved:?}");
    let settings = street.gateway().shown_provider(&street.rig.witness(), "fake").await.unwrap().settings.unwrap();
    assert_eq!(settings.get("label"), Some(&json!({"en": "Up"})));
}

/// Every address of the console that an operator works at, as its sources have them: whether it changes something, and the address.
fn addresses() -> Vec<(bool, String)> {
    let console = crate::console::scopes::sources("console");
    let address = |call: &str, after: &str| {
        let (route, rest) = after.strip_prefix("house,\"")?.split_once('"')?;
        let parts: Vec<_> = route.split('/').map(|part| if part.starts_with(':') { "x" } else { part }).collect();
        Some((call == "write(" || rest.starts_with(",POST"), parts.join("/")))
    };
    let of = |call: &'static str| console.split(call).skip(1).filter_map(move |after| address(call, after)).collect::<Vec<_>>();
    ["read(", "write(", "at_desk("].into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn attack_86_every_page_of_the_console_wants_an_operator_and_every_form_one_of_theirs() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let others = token(&street.goes(&mut operator(&street).await, "/console").await);
    let events = street.rig.events().len();
    let addresses = addresses();
    let forms = addresses.iter().filter(|(writes, _)| *writes).count();
    assert!(addresses.len() > 50 && forms > 20, "{addresses:?}");
    for (writes, path) in addresses {
        let answers = if writes {
            let form = [("token", others.as_str())];
            assert_eq!(street.posts(&mut browser, &path, &form).await.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(street.goes(&mut browser, &path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            street.posts(&mut Browser::default(), &path, &form).await
        } else {
            street.send(street.request(Method::GET, &path).finish()).await
        };
        // What a page that is left open asks for by itself leads nobody anywhere.
        let led = if path == "/console/events" { (StatusCode::NO_CONTENT, "") } else { (StatusCode::SEE_OTHER, "/console/sign-in") };
        assert_eq!((answers.status, answers.header("location")), led, "{path}");
    }
    assert_eq!(street.rig.events().len(), events, "nothing was done");
}

#[tokio::test]
async fn a_sign_in_that_is_only_tried_never_ends_at_the_app() {
    let street = alices().await;
    let scopes: Vec<_> = (0..60).map(|number| format!("a-scope-of-which-there-are-too-many-to-be-kept-in-a-cookie-{number}")).collect();
    street.app_as("app", Draft { scope: format!("openid {}", scopes.join(" ")), ..plain() }).await;
    let mut browser = operator(&street).await;
    let ended = street.goes(&mut browser, "/console/app/app/try/begin").await;
    assert!(ended.status.is_client_error() && ended.header("location").is_empty(), "{ended:?}");
    assert!(!ended.body.contains("app.example.com"), "{ended:?}");
}

#[tokio::test]
async fn the_page_of_a_one_time_key_does_not_tell_its_address_again() {
    let street = Street::open().await;
    let key = street.gateway().new_console_key(&street.rig.witness(), Duration::from_mins(10), AdminScopes::everything()).await.unwrap();
    let page = street.goes(&mut Browser::default(), &format!("/console/key?key={}", key.expose_secret())).await;
    assert_eq!(page.header("referrer-policy"), "strict-origin");
}

#[tokio::test]
async fn a_form_with_too_much_in_it_is_told_from_one_of_another_site() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console").await;
    let token = token(&page);
    let form: Vec<_> = std::iter::once(("token", token.as_str())).chain(std::iter::repeat_n(("allowed_providers", "x"), 200)).collect();
    let refused = street.posts(&mut browser, "/console/apps/create", &form).await;
    assert!(refused.status == StatusCode::PAYLOAD_TOO_LARGE && refused.body.contains("This form can&#39;t be read"), "{refused:?}");
}
