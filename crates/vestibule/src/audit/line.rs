//! An event as one line for people.

use std::fmt::Write;

use serde_json::Value;
use vestibule_domain::audit::{Actor, AuditEvent, Outcome};

/// When, what, how it ended, and then whatever is known, each under its name.
pub(crate) fn line(event: &AuditEvent) -> String {
    let mut line = format!("{}  {:<26}", event.time, event.name);
    if event.outcome != Outcome::Success || event.reason.is_some() {
        let _ = write!(line, " {}", event.outcome);
    }
    let actor = match &event.actor {
        Actor::AdminKey(key) => Some(format!("admin:{key}")),
        Actor::System => Some("system".into()),
        Actor::Operator(id) => Some(format!("operator:{id}")),
        Actor::Anonymous | Actor::Account(_) | Actor::Client(_) => None,
    };
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string);
    let known = [
        ("reason", text(event.reason.as_ref().map(|value| value as _))),
        ("by", actor),
        ("provider", text(event.provider.as_ref().map(|value| value as _))),
        ("client", text(event.client.as_ref().map(|value| value as _))),
        ("account", text(event.account.as_ref().map(|value| value as _))),
        ("login", text(event.login.as_ref().map(|value| value as _))),
        ("from", text(event.source.ip.as_ref().map(|value| value as _))),
        ("country", event.source.country.clone()),
        ("trace", event.trace_id.clone()),
        ("trial", event.trial.then(|| "in the console".to_owned())),
        ("detail", event.detail.as_ref().map(|detail| format!("{detail:?}"))),
    ];
    for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let _ = write!(line, " {name}={value}");
    }
    for change in &event.change {
        let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        let _ = write!(line, " {}: {} → {}", change.pointer, side(&change.before), side(&change.after));
    }
    let mut line = crate::table::printable(&line);
    line.push('\n');
    line
}
