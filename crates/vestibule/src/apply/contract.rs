//! What the gateway itself says an app is: its fields and their defaults, out of the OpenAPI document it publishes. So a gateway of another version is
//! taken at its word, and what a file leaves out is held against what it would become.

use serde_json::{Map, Value};

use super::declared::{Declared, Kind};
use crate::{
    config::schema::provider_secrets,
    failure::Failure,
    remote::{Remote, strangers},
};

/// The fields of an app, each with its default; nothing where it has none.
#[derive(Debug)]
pub(super) struct Contract(Map<String, Value>);

impl Contract {
    /// Asks for it.
    pub(super) async fn of(remote: &Remote) -> Result<Self, Failure> {
        let mut fields = remote.fields("Registration").await?;
        fields.remove(Kind::Client.id());
        Ok(Self(fields))
    }

    /// Fields that are none.
    pub(super) fn faults(&self, one: &Declared) -> Vec<String> {
        match (one.kind, one.body.as_object()) {
            (Kind::Client, Some(fields)) => strangers(&self.0, fields.keys()),
            _ => Vec::new(),
        }
    }

    /// What differs from what is there: the field, what it is, and what it would be.
    pub(super) fn differences(&self, one: &Declared, present: &Value) -> Vec<(String, Value, Value)> {
        match one.kind {
            Kind::Client => {
                let fields = self.0.iter().map(|(name, default)| {
                    let wanted = one.body.get(name).filter(|value| !value.is_null()).unwrap_or(default);
                    (name.clone(), present[name].clone(), wanted.clone())
                });
                fields.filter(|(name, before, after)| plain(name, before) != plain(name, after)).collect()
            }
            Kind::Provider => {
                let (before, after) = (settings(&present["settings"]), settings(&one.body["settings"]));
                let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
                let of = |settings: &Map<String, Value>, name: &str| settings.get(name).cloned().unwrap_or_default();
                let changed = names.map(|name| (name.clone(), of(&before, name), of(&after, name)));
                let disabled =
                    ("disabled".to_owned(), present["disabled"].clone(), one.body.get("disabled").cloned().unwrap_or(false.into()));
                changed.chain([disabled]).filter(|(_, before, after)| before != after).collect()
            }
        }
    }
}

/// Settings that can be compared: nobody is shown a secret.
fn settings(value: &Value) -> Map<String, Value> {
    let mut settings = value.as_object().cloned().unwrap_or_default();
    settings.retain(|name, value| !value.is_null() && provider_secrets().all(|secret| secret != name));
    settings
}

/// A value as it is compared: the gateway puts into an order what has none, and leaves out what is empty.
fn plain(field: &str, value: &Value) -> Value {
    match (field, value) {
        ("scope", Value::String(names)) => sorted(names.split_whitespace().map(Value::from).collect()),
        ("client_name", Value::String(name)) => name.trim().into(),
        ("grant_types" | "claims" | "scopes", Value::Array(items)) => sorted(items.clone()),
        ("entry", Value::Object(members)) => members_of(members, |items| sorted(items.to_vec())),
        (_, Value::Object(members)) => members_of(members, |items| Value::Array(items.iter().map(|item| plain("", item)).collect())),
        (_, Value::Array(items)) if items.is_empty() => Value::Null,
        (_, Value::Array(items)) => Value::Array(items.iter().map(|item| plain("", item)).collect()),
        (_, value) => value.clone(),
    }
}

fn members_of(members: &Map<String, Value>, list: impl Fn(&[Value]) -> Value) -> Value {
    let plain = members.iter().map(|(name, value)| match value {
        Value::Array(items) if !items.is_empty() && !matches!(name.as_str(), "claims" | "scopes") => (name.clone(), list(items)),
        value => (name.clone(), plain(name, value)),
    });
    let plain: Map<String, Value> = plain.filter(|(_, value)| !value.is_null()).collect();
    if plain.is_empty() { Value::Null } else { Value::Object(plain) }
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_key(ToString::to_string);
    items.dedup();
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contract() -> Contract {
        let fields = json!({
            "client_name": null, "scope": "openid profile", "grant_types": ["authorization_code"], "redirect_uris": [], "entry": {}, "release": {},
            "consent": "implicit", "jwks_uri": null, "disabled": false,
        });
        Contract(fields.as_object().unwrap().clone())
    }

    fn client(body: Value) -> Declared {
        Declared { kind: Kind::Client, id: "app".into(), body, file: "app.toml".into() }
    }

    #[test]
    fn what_the_gateway_writes_in_its_own_way_is_no_difference() {
        let present = json!({
            "client_id": "app", "client_name": "App", "scope": "profile openid", "grant_types": ["refresh_token", "authorization_code"],
            "redirect_uris": ["https://b.example", "https://a.example"], "entry": { "groups": ["b", "a"] }, "release": { "claims": ["x", "a"] },
            "consent": "implicit", "disabled": false, "secrets": [],
        });
        let same = json!({
            "client_name": " App ", "scope": "openid  profile openid", "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": ["https://b.example", "https://a.example"], "entry": { "groups": ["a", "b"], "emails": [] }, "release": { "claims": ["a", "x"] },
        });
        assert_eq!(contract().differences(&client(same), &present), []);
        let other = json!({ "client_name": "App", "grant_types": ["authorization_code", "refresh_token"], "redirect_uris": ["https://a.example", "https://b.example"] });
        let mut names: Vec<_> = contract().differences(&client(other), &present).into_iter().map(|(name, ..)| name).collect();
        names.sort();
        assert_eq!(names, ["entry", "redirect_uris", "release"]);
    }

    #[test]
    fn a_field_that_is_none_is_told_with_what_was_meant() {
        let wrong = client(json!({ "client_name": "App", "redirect_uri": "x", "colour": 1 }));
        assert_eq!(contract().faults(&wrong), ["colour is not a field", "redirect_uri is not a field; did you mean redirect_uris?"]);
    }

    #[test]
    fn secrets_of_a_provider_are_not_compared() {
        let declared = Declared {
            kind: Kind::Provider,
            id: "acme".into(),
            body: json!({ "settings": { "preset": "oidc", "label": "Acme", "client_secret": "x" }, "disabled": false }),
            file: String::new(),
        };
        let present = json!({ "settings": { "preset": "oidc", "label": "ACME" }, "disabled": false });
        assert_eq!(contract().differences(&declared, &present), [("label".to_owned(), json!("ACME"), json!("Acme"))]);
    }
}
