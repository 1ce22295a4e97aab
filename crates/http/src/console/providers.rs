//! Providers: where people sign in, how they are, and what is done with them.

mod acts;
mod form;

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use vestibule_domain::{health::BreakerState, operator::AdminArea};
use vestibule_flows::{Desk, ManagedBy, ShownProvider};

use super::{
    Frame, Section, carried, faulty, like, made_for, named,
    parts::{Badge, When},
    read, said, segment, show, shown_once, write,
};
use crate::{
    admin::table::{PROVIDER, PROVIDER_TEST, PROVIDERS},
    house::House,
    pages::{mark_of, visible, visible_lines},
    visit::Visit,
};

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}{path}", house.prefix(), super::BASE);
    routes
        .at(under("/providers"), read(house, "/console/providers", like(&Method::GET, PROVIDERS), list))
        .at(under("/providers/new"), read(house, "/console/providers/new", like(&Method::PUT, PROVIDER), form::choose))
        .at(under("/providers/new/:preset"), read(house, "/console/providers/new/:preset", like(&Method::PUT, PROVIDER), form::new))
        .at(under("/providers/create"), write(house, "/console/providers/create", like(&Method::PUT, PROVIDER), form::create))
        .at(under("/provider/:provider"), read(house, "/console/provider/:provider", like(&Method::GET, PROVIDER), show_provider))
        .at(under("/provider/:provider/edit"), read(house, "/console/provider/:provider/edit", like(&Method::PUT, PROVIDER), form::edit))
        .at(under("/provider/:provider/save"), write(house, "/console/provider/:provider/save", like(&Method::PUT, PROVIDER), form::save))
        .at(
            under("/provider/:provider/test"),
            write(house, "/console/provider/:provider/test", like(&Method::POST, PROVIDER_TEST), acts::test),
        )
        .at(
            under("/provider/:provider/disable"),
            write(house, "/console/provider/:provider/disable", like(&Method::PATCH, PROVIDER), acts::disable),
        )
        .at(
            under("/provider/:provider/delete"),
            write(house, "/console/provider/:provider/delete", like(&Method::DELETE, PROVIDER), acts::delete),
        )
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.shown_providers(&visit.witness).await {
        Ok(providers) => {
            let frame = Frame::new(&house, &visit, &desk, Section::Providers);
            let rows = providers.iter().map(|provider| Listed::new(&house, provider)).collect();
            show(StatusCode::OK, &frame, &List { f: &frame, rows })
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

async fn show_provider(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.shown_provider(&visit.witness, &named(&visit, "provider")).await {
        Ok(provider) => page(&house, &visit, &desk, &provider),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Where the page of a provider is, below the console's address.
fn place_of(provider: &str) -> String {
    format!("/provider/{}", segment(provider))
}

/// The page of a provider; with what a test showed, which is seen this once.
fn page(house: &House, visit: &Visit, desk: &Desk, provider: &ShownProvider) -> Response {
    let now = visit.witness.now;
    let place = place_of(provider.id.as_str());
    let frame = Frame::new(house, visit, desk, Section::Providers);
    let tested = made_for(house, visit, desk, &place).and_then(|made| Tested::read(made.expose_secret()));
    let was_tested = tested.is_some();
    let settings = provider.settings.as_ref().map(|settings| serde_json::to_string_pretty(settings).unwrap_or_default());
    let view = Provider {
        f: &frame,
        listed: Listed::new(house, provider),
        at: format!("{}{place}", frame.base),
        callback: provider.callback.clone(),
        file: match &provider.managed_by {
            ManagedBy::File(file) => Some(file.clone()),
            ManagedBy::Api => None,
        },
        keeper: provider.keeper.as_ref().map(ToString::to_string),
        faults: provider.faults.iter().map(said).collect(),
        settings: settings.map(|settings| visible_lines(&settings)),
        secrets: provider.secrets.join(", "),
        times: provider.times.map(|(created, updated)| (When::new(created, now), When::new(updated, now))),
        disabled: provider.disabled,
        version: provider.version,
        tested,
    };
    let response = show(StatusCode::OK, &frame, &view);
    if was_tested { shown_once(house, response) } else { response }
}

/// What a list shows of one.
struct Listed {
    id: String,
    segment: String,
    label: String,
    icon: &'static str,
    state: Badge,
    source: String,
}

impl Listed {
    fn new(house: &House, provider: &ShownProvider) -> Self {
        let icon = house.gateway.provider_icon(&provider.id);
        Self {
            id: provider.id.to_string(),
            segment: segment(provider.id.as_str()),
            label: visible(&provider.label, 60),
            icon: mark_of(icon.as_deref()),
            state: state(provider),
            source: match &provider.managed_by {
                ManagedBy::File(_) => "Configuration".to_owned(),
                ManagedBy::Api => {
                    provider.keeper.as_ref().map_or_else(|| "Console or API".to_owned(), |keeper| format!("Files of {keeper}"))
                }
            },
        }
    }
}

fn state(provider: &ShownProvider) -> Badge {
    match provider.health {
        _ if provider.disabled => Badge::plain("Disabled"),
        _ if !provider.faults.is_empty() => Badge::bad("Can't be used"),
        BreakerState::Open => Badge::bad("Does not answer"),
        BreakerState::HalfOpen => Badge::warn("Being tried again"),
        BreakerState::Closed => Badge::good("Answers"),
    }
}

/// What a test showed.
#[derive(Serialize, Deserialize)]
struct Tested {
    failed: Option<String>,
    facts: Vec<(String, String)>,
    warnings: Vec<String>,
    /// Whether there was more than a browser carries to the page.
    is_cut: bool,
    /// Where to sign in to try the rest.
    trial: Option<String>,
}

impl Tested {
    /// As a browser carries it to the page that shows it. What is too much is left out from the end.
    fn carried(self) -> String {
        carried(self, |tested| {
            tested.is_cut = true;
            tested.warnings.pop().is_some() || tested.facts.pop().is_some()
        })
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[derive(Template)]
#[template(path = "console/providers.html")]
struct List<'a> {
    f: &'a Frame,
    rows: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "console/provider.html")]
struct Provider<'a> {
    f: &'a Frame,
    listed: Listed,
    /// Its address in the console.
    at: String,
    callback: String,
    /// Where it stands, if that is not here.
    file: Option<String>,
    /// Whose files keep it.
    keeper: Option<String>,
    faults: Vec<String>,
    settings: Option<String>,
    secrets: String,
    times: Option<(When, When)>,
    disabled: bool,
    version: i64,
    tested: Option<Tested>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_test_showed_fits_into_a_cookie_and_says_where_it_did_not() {
        let facts: Vec<_> = (0..20).map(|at| (format!("endpoint {at}"), "a".repeat(300))).collect();
        let warnings = vec!["w".repeat(300)];
        let tested = |facts| Tested { failed: None, facts, warnings: warnings.clone(), is_cut: false, trial: Some("https://a".into()) };
        let whole = Tested::read(&tested(facts[..3].to_vec()).carried()).unwrap();
        assert!(!whole.is_cut && whole.facts == facts[..3] && whole.warnings == warnings);
        let carried = tested(facts.clone()).carried();
        let cut = Tested::read(&carried).unwrap();
        assert!(carried.len() <= 2_400 && cut.is_cut && facts.starts_with(&cut.facts) && cut.facts.len() > 5);
        assert_eq!(cut.trial.as_deref(), Some("https://a"));
    }
}
