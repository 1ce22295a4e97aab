//! The same of a running gateway, by its admin API: what holds there, what reading it again would change, and reading it again.

use std::fmt::Write;

use serde_json::Value;

use crate::{
    cli::{Act, At},
    config::{
        fault::{Fault, Faults},
        show::{self, Shown},
    },
    failure::Failure,
    print,
    remote::{Ask, Remote, difference},
    table::{printable, table},
};

/// What holds, with where each value comes from.
pub(super) async fn show(at: &At) -> Result<(), Failure> {
    let remote = Remote::new(at)?;
    let settings = remote.whole(Ask::get(&["config"])).await?;
    if at.json {
        return print::json(&settings);
    }
    let shown: Result<Vec<Shown>, _> = settings.iter().map(|setting| serde_json::from_value(readable(setting))).collect();
    print::text(&show::text(&shown.map_err(|_| another(&remote))?))
}

/// What a reload would change, or why it can't be done.
pub(super) async fn check(at: &At) -> Result<(), Failure> {
    let remote = Remote::new(at)?;
    let checked = remote.call(Ask::act(&["config:check"])).await?.body;
    if at.json {
        print::json(&checked)?;
    }
    let faults = faults(&checked["faults"]).ok_or_else(|| another(&remote))?;
    if checked["ok"] != true {
        return Err(Failure::Config(Faults(faults)));
    }
    if at.json {
        return Ok(());
    }
    let told = told(&checked).ok_or_else(|| another(&remote))?;
    print::text(&format!("What is written is good; a reload would change:\n{told}"))
}

/// Lets the gateway live by what is written now.
pub(super) async fn reload(act: &Act) -> Result<(), Failure> {
    let remote = Remote::new(&act.at)?;
    let Some(reloaded) = remote.act(Ask::act(&["config:reload"]), act).await? else { return Ok(()) };
    if act.at.json {
        return print::json(&reloaded.body);
    }
    let told = told(&reloaded.body).ok_or_else(|| another(&remote))?;
    print::text(&format!("It holds; changed:\n{told}"))
}

/// What changes, what waits for a restart, and what is wrong with files of providers. Nothing if it is told in another way.
fn told(change: &Value) -> Option<String> {
    let row = |each: &Value| Some(vec![printable(each["key"].as_str()?), difference(&each["before"], &each["after"])]);
    let rows: Vec<_> = change["changes"].as_array()?.iter().map(row).collect::<Option<_>>()?;
    let mut text = if rows.is_empty() { "  nothing\n".to_owned() } else { table(&[], &rows) };
    let waiting: Vec<_> = change["awaiting_restart"].as_array()?.iter().filter_map(Value::as_str).map(printable).collect();
    if !waiting.is_empty() {
        let _ = writeln!(text, "Only a restart changes: {}", waiting.join(", "));
    }
    for warning in faults(&change["warnings"])? {
        let _ = writeln!(text, "warning: {warning}");
    }
    Some(text)
}

fn faults(said: &Value) -> Option<Vec<Fault>> {
    serde_json::from_value(readable(said)).ok()
}

/// With nothing in its texts that would move a cursor.
fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) => printable(text).into(),
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), readable(value))).collect(),
        other => other.clone(),
    }
}

fn another(remote: &Remote) -> Failure {
    Failure::Plain(format!("{} tells of its configuration in another way; it is another version", remote.shown()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_reload_changes_is_told_setting_by_setting_with_what_waits_and_what_is_wrong() {
        let warning = json!({ "origin": { "from": "file", "file": "p.toml", "line": 2, "column": 1 }, "key": "label", "message": "is empty", "add": [] });
        let change = json!({
            "changes": [
                { "key": "login.straight_through", "before": true, "after": false },
                { "key": "providers.acme.label", "before": null, "after": "Acme" },
            ],
            "awaiting_restart": ["listen.address"],
            "warnings": [warning],
        });
        assert_eq!(
            told(&change).unwrap(),
            "  login.straight_through  true → false\n  providers.acme.label    \"Acme\"\nOnly a restart changes: listen.address\n\
             warning: p.toml:2:1: label is empty\n"
        );
        assert_eq!(told(&json!({ "changes": [], "awaiting_restart": [], "warnings": [] })).unwrap(), "  nothing\n");
        assert_eq!(told(&json!({})), None);
    }
}
