//! What a change changes: the one difference, for whoever only tries a change and for the record of it. Bounded, and never with a secret in it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::registration::escaped;

/// One place that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where: a JSON pointer (RFC 6901) into what was changed.
    pub pointer: String,
    /// What was there; nothing if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now; nothing if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Stands where a secret would: that it is there, or is another now, is all that is said.
pub const SECRET: &str = "(secret)";
/// The same for one that took another's place.
pub const OTHER_SECRET: &str = "(another secret)";

/// How many places are named; a record of more would be a document.
const MOST: usize = 60;

/// How many characters of JSON one value may have.
const LONGEST: usize = 1_000;

/// The places in which two objects differ, in the order of their names. Lists are compared whole, as a merge patch replaces them (RFC 7396). For
/// something that is made there is nothing before, for something that goes there is nothing after.
pub fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Change> {
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    if found.len() > MOST {
        let more = found.len() - MOST;
        found.truncate(MOST);
        found.push(Change { pointer: String::new(), before: None, after: Some(format!("({more} more)").into()) });
    }
    found
}

/// Where something differs, in one line for people.
pub fn names(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "changed: nothing".to_owned();
    }
    let names: Vec<_> = changes.iter().map(|change| change.pointer.strip_prefix('/').unwrap_or("and more")).collect();
    format!("changed: {}", names.join(", "))
}

fn walk<'a>(at: &str, before: &'a Map<String, Value>, after: &'a Map<String, Value>, found: &mut Vec<Change>) {
    let mut keys: Vec<&String> = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))).collect();
    keys.sort_unstable();
    for key in keys {
        let pointer = format!("{at}/{}", escaped(key));
        // Nothing and null are one: a merge patch can't tell them apart either.
        let there = |object: &'a Map<String, Value>| object.get(key).filter(|value| !value.is_null());
        match (there(before), there(after)) {
            (before, after) if before == after => {}
            (Some(Value::Object(before)), Some(Value::Object(after))) => walk(&pointer, before, after, found),
            (before, after) => {
                let shown = |value: Option<&Value>| value.map(|value| shown(key, value));
                found.push(Change { pointer, before: shown(before), after: shown(after) });
            }
        }
    }
}

/// A value as it may be shown: cut, and without what could be a secret, whoever forgot to leave it out.
fn shown(name: &str, value: &Value) -> Value {
    let value = redacted(name, value);
    let text = value.to_string();
    let length = text.chars().count();
    if length <= LONGEST {
        return value;
    }
    let begin: String = text.chars().take(LONGEST).collect();
    format!("{begin}… ({length} characters)").into()
}

/// Names whose texts are never shown. Marks of a secret that stand there already stay.
const SECRETIVE: [&str; 7] = ["secret", "password", "passphrase", "private", "digest", "sealed", "api_key"];

fn redacted(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), redacted(name, value))).collect::<Map<_, _>>().into(),
        Value::Array(items) => items.iter().map(|item| redacted(name, item)).collect(),
        Value::String(text) if text == SECRET || text == OTHER_SECRET => value.clone(),
        Value::String(_) if is_secretive(name) => SECRET.into(),
        other => other.clone(),
    }
}

fn is_secretive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETIVE.iter().any(|secret| name.contains(secret)) || name == "d"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shown(before: &Value, after: &Value) -> Value {
        serde_json::to_value(difference(before.as_object().unwrap(), after.as_object().unwrap())).unwrap()
    }

    #[test]
    fn what_differs_is_named_by_its_place_with_before_and_after() {
        let before = json!({ "name": "a", "uris": [1, 2], "entry": { "groups": ["x"], "same": 1 }, "gone": true, "a/b": 1 });
        let after = json!({ "name": "b", "uris": [1], "entry": { "groups": ["y"], "same": 1 }, "new": null, "a/b": 2 });
        assert_eq!(
            shown(&before, &after),
            json!([
                { "pointer": "/a~1b", "before": 1, "after": 2 },
                { "pointer": "/entry/groups", "before": ["x"], "after": ["y"] },
                { "pointer": "/gone", "before": true },
                { "pointer": "/name", "before": "a", "after": "b" },
                { "pointer": "/uris", "before": [1, 2], "after": [1] },
            ])
        );
        assert_eq!(shown(&json!({ "a": 1 }), &json!({ "a": 1 })), json!([]));
    }

    #[test]
    fn attack_86_a_secret_is_never_part_of_a_difference() {
        let found = shown(
            &json!({ "client_secret": "s3cret-1", "settings": { "private_key": "s3cret-2" } }),
            &json!({ "client_secret": "s3cret-3", "settings": {}, "jwk": { "d": "s3cret-4", "kid": "k" }, "list": [{ "digest": "s3cret-5" }] }),
        );
        assert!(!found.to_string().contains("s3cret"), "{found}");
        assert_eq!(found[0], json!({ "pointer": "/client_secret", "before": SECRET, "after": SECRET }));
    }

    #[test]
    fn a_difference_is_bounded() {
        let many: Map<_, _> = (0..500).map(|n| (format!("n{n:03}"), Value::from("é".repeat(5_000)))).collect();
        let found = difference(&Map::new(), &many);
        assert_eq!(found.len(), MOST + 1);
        assert_eq!(found[MOST].after, Some("(440 more)".into()));
        assert!(serde_json::to_string(&found).unwrap().len() < MOST * (LONGEST * 4 + 100));
    }

    #[test]
    fn one_line_names_the_places() {
        let found = difference(json!({ "a": 1 }).as_object().unwrap(), json!({ "b": { "c": 1 } }).as_object().unwrap());
        assert_eq!(names(&found), "changed: a, b");
        assert_eq!(names(&[]), "changed: nothing");
    }

    proptest! {
        /// Whatever is compared, nothing differs from itself, and what is named really differs.
        #[test]
        fn only_what_differs_is_named(before in any_object(), after in any_object()) {
            prop_assert!(difference(&before, &before).is_empty());
            prop_assert_eq!(difference(&before, &after).is_empty(), before == after);
        }
    }

    fn any_object() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), "[a-c/~]{0,3}".prop_map(Value::from)];
        let value = leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c/~]{0,2}", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-c/~]{0,2}", value, 0..4).prop_map(|map| map.into_iter().collect())
    }
}
