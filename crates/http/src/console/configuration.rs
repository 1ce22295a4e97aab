//! The configuration: what holds and where it comes from, whether what is written now could hold, and living by it.

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vestibule_domain::{
    change::OTHER_SECRET,
    configuration::{ConfigurationChange, SettingChange, SettingFault, SettingOrigin, ShownSetting},
    operator::AdminArea,
};
use vestibule_flows::{AdminFault, Desk};

use super::{Frame, Section, carried, faulty, like, made_for, onward_to_show, read, show, shown_once, write};
use crate::{
    admin::table::{CONFIG, CONFIG_CHECK, CONFIG_RELOAD},
    house::House,
    pages::visible,
    visit::Visit,
};

/// Where it is, below the console's address.
const AT: &str = "/configuration";
/// How much is shown of one value.
const LONGEST: usize = 300;

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}{AT}{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/configuration", like(&Method::GET, CONFIG), list))
        .at(under("/check"), write(house, "/console/configuration/check", like(&Method::POST, CONFIG_CHECK), check))
        .at(under("/reload"), write(house, "/console/configuration/reload", like(&Method::POST, CONFIG_RELOAD), reload))
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let frame = Frame::new(&house, &visit, &desk, Section::Configuration);
    let rows = house.gateway.configuration().await.into_iter().map(Setting::from).collect();
    let outcome = made_for(&house, &visit, &desk, AT).and_then(|made| Outcome::read(made.expose_secret()));
    let is_told = outcome.is_some();
    let response = show(StatusCode::OK, &frame, &List { f: &frame, at: format!("{}{AT}", frame.base), rows, outcome });
    if is_told { shown_once(&house, response) } else { response }
}

/// What a reload would change. Changes nothing.
async fn check(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let checked = house.gateway.check_configuration(&visit.witness, &desk.operator.actor).await;
    let outcome = match checked {
        Ok(change) => Outcome::of("What is written is good. A reload would change:", &change),
        Err(faults) => Outcome::refused("What is written can't be used", &faults),
    };
    onward_to_show(&house, &visit, &desk, AT, &outcome.carried())
}

/// Lives by what is written now, on this node: all of it, or nothing.
async fn reload(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let reloaded = house.gateway.reload_configuration(&visit.witness, &desk.operator.actor).await;
    let outcome = match reloaded {
        Ok(change) => Outcome::of("What is written holds now, on this node. Changed:", &change),
        Err(AdminFault::Configuration(faults)) => Outcome::refused("Nothing was changed: what is written can't be used", &faults),
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    onward_to_show(&house, &visit, &desk, AT, &outcome.carried())
}

/// A value as it would stand in the file.
fn written(value: &Value) -> String {
    visible(&value.to_string(), LONGEST)
}

fn place(origin: &SettingOrigin) -> String {
    match origin {
        SettingOrigin::Default => "built in".to_owned(),
        SettingOrigin::File { file, line, column } => visible(&format!("{file}:{line}:{column}"), LONGEST),
        SettingOrigin::Environment { variable } => visible(variable, LONGEST),
    }
}

/// A setting that holds.
struct Setting {
    key: String,
    value: String,
    origin: String,
    /// Whether only a restart changes it.
    at_restart: bool,
}

impl From<ShownSetting> for Setting {
    fn from(shown: ShownSetting) -> Self {
        let key = visible(&shown.key, LONGEST);
        Self { key, value: written(&shown.value), origin: place(&shown.origin), at_restart: shown.at_restart }
    }
}

/// What reading it again came to.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Outcome {
    title: String,
    is_good: bool,
    /// What is wrong, each with the lines that mend it.
    faults: Vec<(String, String)>,
    /// Each setting that differs: before and after.
    changes: Vec<(String, String, String)>,
    /// What waits for a restart.
    waiting: Vec<String>,
    /// What is wrong with files of providers.
    warnings: Vec<(String, String)>,
    /// Whether there was more than a browser carries to the page.
    is_cut: bool,
}

impl Outcome {
    fn of(title: &str, change: &ConfigurationChange) -> Self {
        Self {
            title: title.to_owned(),
            is_good: true,
            faults: Vec::new(),
            changes: change.changes.iter().map(differs).collect(),
            waiting: change.awaiting_restart.iter().map(|key| visible(key, LONGEST)).collect(),
            warnings: change.warnings.iter().map(told).collect(),
            is_cut: false,
        }
    }

    fn refused(title: &str, faults: &[SettingFault]) -> Self {
        let nothing = Self::of(title, &ConfigurationChange::default());
        Self { is_good: false, faults: faults.iter().map(told).collect(), ..nothing }
    }

    /// As a browser carries it to the page that shows it. What is too much is left out from the end; of faults, the first is what helps.
    fn carried(self) -> String {
        carried(self, |outcome| {
            outcome.is_cut = true;
            outcome.warnings.pop().is_some()
                || outcome.waiting.pop().is_some()
                || outcome.changes.pop().is_some()
                || outcome.faults.pop().is_some()
        })
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

fn differs(change: &SettingChange) -> (String, String, String) {
    let said = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), written);
    let (before, after) = (said(&change.before), said(&change.after));
    // Both sides of a secret are hidden, and look the same.
    let after = if before == after { OTHER_SECRET.to_owned() } else { after };
    (visible(&change.key, LONGEST), before, after)
}

fn told(fault: &SettingFault) -> (String, String) {
    let lines: Vec<_> = fault.add.iter().map(|line| visible(line, LONGEST)).collect();
    (visible(&fault.detail(), 500), lines.join("\n"))
}

#[derive(Template)]
#[template(path = "console/configuration.html")]
struct List<'a> {
    f: &'a Frame,
    /// Its address.
    at: String,
    rows: Vec<Setting>,
    outcome: Option<Outcome>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reading_it_again_came_to_fits_into_a_cookie_and_says_where_it_did_not() {
        let change = |at: usize, value: &str| SettingChange { key: format!("setting.{at}"), before: None, after: Some(value.into()) };
        let few = ConfigurationChange { changes: vec![change(0, "x")], awaiting_restart: vec!["ops.address".into()], warnings: Vec::new() };
        let whole = Outcome::read(&Outcome::of("It holds", &few).carried()).unwrap();
        assert_eq!(whole, Outcome::of("It holds", &few));
        let many =
            ConfigurationChange { changes: (0..50).map(|at| change(at, &"v".repeat(200))).collect(), ..ConfigurationChange::default() };
        // What JSON has to escape is longer once it is sealed.
        let short = ConfigurationChange { changes: (0..90).map(|at| change(at, "\"\"\"")).collect(), ..ConfigurationChange::default() };
        for much in [many, short] {
            let carried = Outcome::of("It holds", &much).carried();
            let sealed = serde_json::to_string(&carried).unwrap();
            let cut = Outcome::read(&carried).unwrap();
            assert!(sealed.len() <= 2_400 && cut.is_cut && cut.changes.len() > 5, "{cut:?}");
        }
    }

    #[test]
    fn a_secret_that_differs_is_not_shown_as_if_it_did_not() {
        let secret = SettingChange { key: "a.client_secret".into(), before: Some("(secret)".into()), after: Some("(secret)".into()) };
        assert_eq!(differs(&secret), ("a.client_secret".into(), "\"(secret)\"".into(), OTHER_SECRET.into()));
    }
}
