//! One record: all that it says, and where that leads.

use askama::Template;
use serde_json::Value;
use vestibule_domain::{
    audit::{Actor, AuditEvent, record::record},
    operator::AdminArea,
    time::Timestamp,
};

use super::{Badge, Frame, Names, When, outcome, segment, visible, visible_lines};

/// The page of one event.
#[derive(Template)]
#[template(path = "console/audit_event.html")]
pub(super) struct Record<'a> {
    f: &'a Frame,
    name: &'static str,
    outcome: Badge,
    time: When,
    exact: String,
    facts: Vec<Fact>,
    changes: Vec<Changed>,
    /// What else belongs to it, and where that stands.
    lists: Vec<(&'static str, String)>,
    /// All of it, as programs read it.
    json: String,
}

/// Something that a record says.
struct Fact {
    label: &'static str,
    text: String,
    href: Option<String>,
}

/// A place that was changed.
struct Changed {
    pointer: String,
    before: Option<String>,
    after: Option<String>,
}

impl<'a> Record<'a> {
    pub(super) fn new(f: &'a Frame, event: &AuditEvent, names: &Names, now: Timestamp) -> Self {
        let changes = event.change.iter().map(|change| Changed {
            pointer: visible(&change.pointer, 300),
            before: change.before.as_ref().map(text_of),
            after: change.after.as_ref().map(text_of),
        });
        Self {
            f,
            name: event.name.as_str(),
            outcome: outcome(event.outcome),
            time: When::new(event.time, now),
            exact: event.time.to_string(),
            facts: facts(f, event, names),
            changes: changes.collect(),
            lists: lists(f, event),
            json: visible_lines(&serde_json::to_string_pretty(&Value::Object(record(event))).unwrap_or_default()),
        }
    }
}

fn facts(f: &Frame, event: &AuditEvent, names: &Names) -> Vec<Fact> {
    let base = &f.base;
    let person = |id| f.sees(AdminArea::Accounts).then(|| format!("{base}/person/{id}"));
    let app = |id: &str| names.apps.name(id).map(|_| format!("{base}/app/{}", segment(id)));
    let mut facts = Vec::new();
    let mut say = |label, text: Option<String>, href| {
        if let Some(text) = text {
            facts.push(Fact { label, text: visible(&text, 2_000), href });
        }
    };
    say("Reason", text(event.reason.as_ref()), None);
    say("More", event.detail.clone(), None);
    match &event.actor {
        Actor::Anonymous => say("By", Some("somebody in a browser who is not signed in".to_owned()), None),
        Actor::Account(id) => say("By", Some(names.people.name(*id)), person(*id)),
        Actor::Client(id) => say("By", Some(format!("the app {}", names.apps.told(id.as_str()))), app(id.as_str())),
        Actor::AdminKey(key) => say("By", Some(format!("the admin key {key}")), None),
        Actor::Operator(id) => say("By", Some(format!("{}, an operator", names.people.name(*id))), person(*id)),
        Actor::System => say("By", Some("the house itself".to_owned()), None),
    }
    if let Some(id) = event.account {
        say("Person", Some(names.people.name(id)), person(id));
    }
    if let Some(id) = &event.client {
        say("App", Some(names.apps.told(id.as_str())), app(id.as_str()));
    }
    if let Some(id) = &event.provider {
        let href = f.sees(AdminArea::Providers).then(|| format!("{base}/provider/{id}"));
        say("Provider", Some(id.to_string()), href);
    }
    let (grant_type, scopes) = (text(event.grant_type.as_ref()), text(event.scopes.as_ref()));
    say("Address", text(event.source.ip.as_ref()), None);
    say("Browser or program", event.source.user_agent.clone(), None);
    let is_gone = event.personal.as_ref().is_some_and(|personal| personal.redacted);
    say("From where", is_gone.then(|| "erased, or sealed with a key that is not here".to_owned()), None);
    say("Login", text(event.login.as_ref()), None);
    say("Session", text(event.session.as_ref()), None);
    say("Grant", text(event.grant.as_ref()), None);
    say("Grant type", grant_type, None);
    say("Scopes", scopes, None);
    say("For", (!event.audience.is_empty()).then(|| event.audience.join(" ")), None);
    let acting: Vec<_> = event.acting.iter().map(|id| names.apps.told(id.as_str())).collect();
    say("Acting", (!acting.is_empty()).then(|| acting.join(", for ")), None);
    say("How the app proved who it is", text(event.auth_method.as_ref()), None);
    say("Bound to", text(event.bound_to.as_ref()), None);
    say("How they signed in", event.acr.clone(), None);
    say("By what means", (!event.amr.is_empty()).then(|| event.amr.join(", ")), None);
    say("Took", event.took_ms.map(|took| format!("{took} ms")), None);
    say("Reference", event.trace_id.clone(), None);
    let place = event.link.map_or_else(|| "not in the chain yet".to_owned(), |link| format!("number {} of the chain", link.seq));
    say("Sealed", Some(place), None);
    say("ID", Some(event.id.to_string()), None);
    facts
}

/// The events around it.
fn lists(f: &Frame, event: &AuditEvent) -> Vec<(&'static str, String)> {
    let list = |name: &str, value: &str| format!("{}/audit?{name}={}", f.base, segment(value));
    let login = event.login.map(|id| ("All events of its login", list("login", &id.to_string())));
    let trace = event.trace_id.as_deref().map(|trace| ("All with this reference", list("reference", trace)));
    let session = event.session.map(|id| ("All events of its session", list("session", &id.to_string())));
    let account = event.account.map(|id| ("All about this person", list("account", &id.to_string())));
    let client = event.client.as_ref().map(|id| ("All about this app", list("client", id.as_str())));
    let provider = event.provider.as_ref().map(|id| ("All about this provider", list("provider", id.as_str())));
    let address = event.source.ip.map(|ip| ("All from this address", list("address", &ip.to_string())));
    [login, trace, session, account, client, provider, address].into_iter().flatten().collect()
}

/// A value as it was: text as it is, and anything else in JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text, 1_000),
        value => visible_lines(&serde_json::to_string_pretty(value).unwrap_or_default()),
    }
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}
