//! The effective configuration for a person or a program, with where each value comes from and without a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    fault::Origin,
    hint,
    layers::Layered,
    schema::{KEYS, Kind, provider_secrets},
};

/// What stands for a secret.
pub(crate) const HIDDEN: &str = "(secret)";

/// One effective value.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// `listen.address`.
    pub(crate) key: String,
    /// As it would stand in the file.
    pub(crate) value: Value,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Every value that is set.
pub(crate) fn shown(layered: &Layered) -> Vec<Shown> {
    let mut all = Vec::new();
    walk("", "", &layered.effective, &mut |key, kind, value| {
        all.push(Shown { key: key.to_owned(), value: showable(key, kind, value), origin: layered.origins.of(key) });
    });
    all
}

/// A value as it is and as it may be shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    /// As it is, be it a secret.
    pub(crate) value: Value,
    /// As it may be shown.
    pub(crate) shown: Value,
}

/// Every value that is set, by a name that stays the same when others come before it: providers go by their ids.
pub(crate) fn by_name(layered: &Layered) -> BTreeMap<String, Named> {
    let mut all = BTreeMap::new();
    let ids: Vec<_> = layered.raw.providers.iter().map(|provider| provider.get("id").and_then(Value::as_str).unwrap_or_default()).collect();
    walk("", "", &layered.effective, &mut |key, kind, value| {
        let id_of = |number: &str| ids.get(number.parse::<usize>().ok()?).copied();
        let of_provider = key.strip_prefix("providers[").and_then(|rest| rest.split_once(']'));
        let name =
            of_provider.and_then(|(number, rest)| Some(format!("providers.{}{rest}", id_of(number)?))).unwrap_or_else(|| key.to_owned());
        all.insert(name, Named { value: value.clone(), shown: showable(key, kind, value) });
    });
    all
}

fn showable(key: &str, kind: Kind, value: &Value) -> Value {
    if kind.is_secret() { redacted(key, value) } else { without_user(value) }
}

/// As lines, origins aligned.
pub(crate) fn text(shown: &[Shown]) -> String {
    let lines: Vec<_> = shown.iter().map(|each| (format!("{} = {}", each.key, each.value), each.origin.to_string())).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default().min(70);
    let lines: Vec<_> = lines.into_iter().map(|(line, origin)| format!("{line:width$}  # {origin}")).collect();
    lines.join("\n") + "\n"
}

fn walk(at: &str, shape: &str, value: &Value, tell: &mut impl FnMut(&str, Kind, &Value)) {
    let below = |path: &str, name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, value) in value.as_object().into_iter().flatten() {
        let (at, shape) = (below(at, name), below(shape, name));
        match KEYS.get(&shape) {
            Some(Kind::Section) => walk(&at, &shape, value, tell),
            Some(Kind::Sections) => {
                for (number, value) in value.as_array().into_iter().flatten().enumerate() {
                    walk_freely(&format!("{at}[{number}]"), &format!("{shape}[]"), value, tell);
                }
            }
            Some(kind) => tell(&at, *kind, value),
            None => {}
        }
    }
}

/// Below a provider there are names that are not ours to know.
fn walk_freely(at: &str, shape: &str, value: &Value, tell: &mut impl FnMut(&str, Kind, &Value)) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let (at, shape) = (format!("{at}.{name}"), format!("{shape}.{name}"));
        match (KEYS.get(&shape), value) {
            (Some(kind), _) if kind.is_secret() => tell(&at, *kind, value),
            (None, _) if may_be_secret(name) => tell(&at, Kind::Text { secret: true }, value),
            (_, Value::Object(table)) if !table.is_empty() => walk_freely(&at, &shape, value, tell),
            (kind, _) => tell(&at, kind.copied().unwrap_or(Kind::Text { secret: false }), value),
        }
    }
}

/// A slip in the name of a secret must not show it.
pub(crate) fn may_be_secret(name: &str) -> bool {
    let telling = ["secret", "password", "passwd", "credential", "private", "token"].iter().any(|word| name.contains(word));
    let alike = || hint::nearest(name, provider_secrets(), |name| name).is_some();
    !name.ends_with("_file") && !NO_SECRETS.contains(&name) && (telling || alike())
}

/// Settings of presets whose names sound like one.
const NO_SECRETS: [&str; 7] = ["client_id", "key_id", "token_endpoint", "token_auth", "token_params", "error_codes", "secret_expires"];

/// Of the store's address only the password is a secret; a list tells how many there are.
fn redacted(key: &str, value: &Value) -> Value {
    match value {
        Value::String(address) if key == "store.url" => without_password(address).into(),
        Value::Array(secrets) => secrets.iter().map(|_| HIDDEN).collect(),
        _ => HIDDEN.into(),
    }
}

/// No other address should have a user or a password in it, and checks refuse those that could; what is shown was not checked.
fn without_user(value: &Value) -> Value {
    let url = value.as_str().and_then(|text| Url::parse(text).ok());
    match url.filter(|url| !url.username().is_empty() || url.password().is_some()) {
        Some(mut url) => {
            let hidden = url.set_username("hidden").and_then(|()| url.set_password(None)).is_ok();
            if hidden { url.as_str().into() } else { HIDDEN.into() }
        }
        None => value.clone(),
    }
}

/// What is not understood is hidden as a whole.
fn without_password(address: &str) -> String {
    if address.starts_with("sqlite:") {
        return address.to_owned();
    }
    match Url::parse(address) {
        Ok(mut url) if url.has_host() => {
            let hidden = url.password().is_none() || url.set_password(Some("hidden")).is_ok();
            // libpq takes a password in the query as well.
            url.set_query(None);
            if hidden { url.into() } else { HIDDEN.to_owned() }
        }
        _ => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_the_name_of_a_secret_does_not_show_it() {
        for name in ["client_secrt", "clientsecret", "private_kye", "app_secret", "password", "serviceaccount_key"] {
            assert!(may_be_secret(name), "{name}");
        }
        for name in ["client_id", "client_secret_file", "token_endpoint", "label", "issuer", "tenant", "key_id"] {
            assert!(!may_be_secret(name), "{name}");
        }
    }

    #[test]
    fn of_an_address_the_password_is_hidden_wherever_it_stands() {
        assert_eq!(without_password("postgres://u:hunter2@h:5432/d?password=hunter2"), "postgres://u:hidden@h:5432/d");
        assert_eq!(without_password("postgres://u@h/d"), "postgres://u@h/d");
        assert_eq!(without_password("sqlite:///var/lib/v.db"), "sqlite:///var/lib/v.db");
        assert_eq!(without_password("hunter2"), HIDDEN);
        assert_eq!(without_user(&"https://u:hunter2@h/x".into()), "https://hidden@h/x");
        assert_eq!(without_user(&"https://hunter2@h/x".into()), "https://hidden@h/x");
        assert_eq!(without_user(&"https://h/x".into()), "https://h/x");
    }
}
