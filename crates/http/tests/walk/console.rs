//! The operators' console: who comes in, what they may do there, and what nobody else can make their browser do.

mod apps;
mod configuration;
mod door;
mod people;
mod providers;
pub(crate) mod scopes;

use http::StatusCode;
use scraper::{Html, Selector};
use serde_json::{Value, json};
use vestibule_domain::{entry::EntryDraft, ids::ProviderId, settings::ConsoleSettings};
use vestibule_testkit::rig::RigOptions;

use crate::street::{Answer, Browser, Street};

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

/// What a form led to: a page is never the answer to one that changed something, or to load it again would change it again.
pub(crate) async fn makes(street: &Street, browser: &mut Browser, page: &Answer, action: &str, changed: &[(&str, &str)]) -> Answer {
    let answer = sends(street, browser, page, action, changed).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    street.goes(browser, answer.header("location")).await
}
