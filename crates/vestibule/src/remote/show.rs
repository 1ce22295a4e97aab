//! What the admin API answers, as tables.

use serde_json::{Map, Value};

use crate::table::{printable, table};

/// A list: a heading for each column, and the member it shows.
pub(crate) fn listed(columns: &[(&str, &str)], rows: &[Value]) -> String {
    let heading: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
    let cells = |row: &Value| columns.iter().map(|(_, pointer)| or_dash(text_of(row.pointer(pointer).unwrap_or(&Value::Null)))).collect();
    table(&heading, &rows.iter().map(cells).collect::<Vec<_>>())
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}

/// Everything of one thing, a field a line; what is empty is left out, and lists of things stand below, each with a line of its own.
pub(crate) fn details(thing: &Value) -> String {
    let mut rows = Vec::new();
    for (name, value) in thing.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if !items.is_empty() && items.iter().all(|item| item.is_string() || item.is_object()) => {
                rows.extend(
                    items.iter().enumerate().map(|(at, item)| vec![if at == 0 { name.clone() } else { String::new() }, text_of(item)]),
                );
            }
            value => rows.push(vec![name.clone(), text_of(value)]),
        }
    }
    rows.retain(|row| !row[1].is_empty());
    table(&[], &rows)
}

/// A value as a person reads it on one line.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => printable(text),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        Value::Object(members) => members_of(members),
    }
}

fn members_of(members: &Map<String, Value>) -> String {
    let shown = members.iter().map(|(name, value)| (name, text_of(value))).filter(|(_, text)| !text.is_empty());
    shown.map(|(name, text)| format!("{} {text}", printable(name))).collect::<Vec<_>>().join(", ")
}

/// What one value would become.
pub(crate) fn difference(before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Null, after) => in_json(after),
        (before, Value::Null) => format!("{} → (default)", in_json(before)),
        (Value::Array(before), Value::Array(after)) => {
            let gone = before.iter().filter(|item| !after.contains(item)).map(|item| format!("- {}", in_json(item)));
            let new = after.iter().filter(|item| !before.contains(item)).map(|item| format!("+ {}", in_json(item)));
            let parts: Vec<_> = gone.chain(new).collect();
            if parts.is_empty() { "in another order".into() } else { parts.join("  ") }
        }
        (before, after) => format!("{} → {}", in_json(before), in_json(after)),
    }
}

fn in_json(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(in_json).collect::<Vec<_>>().join(", ")),
        Value::Null => "(none)".into(),
        value => printable(&value.to_string()),
    }
}

/// What a change would do by the gateway's own word, place by place.
pub(crate) fn rehearsed(would: &Value) -> String {
    let places = would["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |place: &Value| {
        let (before, after) = (place.get("before"), place.get("after"));
        let (sign, what) = match (before, after) {
            (None, after) => ('+', in_json(after.unwrap_or(&Value::Null))),
            (Some(before), None) => ('-', in_json(before)),
            (Some(before), Some(after)) => ('~', difference(before, after)),
        };
        vec![format!("{sign} {}", text_of(&place["pointer"])), what]
    };
    let events: Vec<_> = would["events"].as_array().into_iter().flatten().map(text_of).collect();
    if events.is_empty() {
        return "Nothing would change.\n".to_owned();
    }
    let rows = table(&[], &places.iter().map(row).collect::<Vec<_>>());
    format!("{rows}\nIt would be recorded as {}. Nothing was done.\n", events.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_thing_is_shown_field_by_field_and_nothing_empty() {
        let thing = json!({
            "client_id": "grafana", "redirect_uris": ["https://a.example", "https://b.example"], "audiences": [], "entry": {}, "disabled": false,
            "secrets": [{ "id": "1", "created_at": "2026" }], "may_act": null,
        });
        let lines: Vec<String> = details(&thing).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            ["client_id grafana", "disabled no", "redirect_uris https://a.example", "https://b.example", "secrets created_at 2026, id 1"]
        );
    }

    #[test]
    fn what_would_change_is_shown_place_by_place() {
        let would = json!({
            "events": ["client.updated"],
            "changes": [
                { "pointer": "/client_name", "before": "App", "after": "Other" },
                { "pointer": "/contacts", "before": [], "after": ["a@example.com"] },
                { "pointer": "/entry/groups", "after": ["staff"] },
                { "pointer": "/policy_uri", "before": "https://a.example" },
            ],
        });
        let shown = "  ~ /client_name   \"App\" → \"Other\"\n  ~ /contacts      + \"a@example.com\"\n  + /entry/groups  [\"staff\"]\n  \
                     - /policy_uri    \"https://a.example\"\n\nIt would be recorded as client.updated. Nothing was done.\n";
        assert_eq!(rehearsed(&would), shown);
        assert_eq!(rehearsed(&json!({ "events": [], "changes": [] })), "Nothing would change.\n");
    }

    #[test]
    fn a_list_has_a_dash_where_there_is_nothing() {
        let rows = [json!({ "id": "a", "profile": { "email": "x@y.example" } }), json!({ "id": "b" })];
        assert_eq!(listed(&[("ID", "/id"), ("EMAIL", "/profile/email")], &rows), "  ID  EMAIL\n  a   x@y.example\n  b   -\n");
    }
}
