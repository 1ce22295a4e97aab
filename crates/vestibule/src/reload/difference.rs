//! What two readings of the configuration differ in, for operators and for the record: secrets are compared and not shown.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vestibule_domain::{
    configuration::{ConfigurationChange, SettingChange},
    provider::Definition,
};

use super::scope::needs_restart;
use crate::config::{
    Config, SinkTarget, Written,
    show::{HIDDEN, Named, by_name},
};

/// What differs between what holds and what was read now, and what differs from the start although only a restart changes it.
pub(super) fn difference(started: &Written, held: &Written, read: &Written) -> ConfigurationChange {
    let (now, before) = (by_name(&read.layered), by_name(&held.layered));
    let mut changes: Vec<_> = differing(&before, &now).map(|key| change(key, before.get(key), now.get(key))).collect();
    for key in secrets_read_anew(&held.config, &read.config) {
        // Its file has the same name and says something else.
        if !changes.iter().any(|change| change.key == key || change.key == format!("{key}_file")) {
            changes.push(SettingChange { key, before: Some(HIDDEN.into()), after: Some(HIDDEN.into()) });
        }
    }
    let at_start = by_name(&started.layered);
    let awaiting_restart = differing(&at_start, &now).filter(|key| needs_restart(key)).cloned().collect();
    ConfigurationChange { changes, awaiting_restart, warnings: Vec::new() }
}

/// Names of values that differ, in their order.
fn differing<'a>(before: &'a BTreeMap<String, Named>, now: &'a BTreeMap<String, Named>) -> impl Iterator<Item = &'a String> {
    let gone = before.keys().filter(|key| !now.contains_key(*key));
    let other = now.keys().filter(|key| before.get(*key).map(|named| &named.value) != now.get(*key).map(|named| &named.value));
    let mut all: Vec<_> = gone.chain(other).collect();
    all.sort_unstable();
    all.into_iter()
}

fn change(key: &str, before: Option<&Named>, after: Option<&Named>) -> SettingChange {
    let shown = |named: Option<&Named>| named.map(|named| named.shown.clone()).filter(|shown| *shown != Value::Null);
    SettingChange { key: key.to_owned(), before: shown(before), after: shown(after) }
}

/// Secrets that are others than before, by the names of their settings.
fn secrets_read_anew(before: &Config, now: &Config) -> Vec<String> {
    let mut keys = Vec::new();
    if before.bootstrap_key.expose_secret() != now.bootstrap_key.expose_secret() {
        keys.push("admin.bootstrap_key".to_owned());
    }
    for sink in &now.sinks {
        let known = before.sinks.iter().find(|known| known.at == sink.at).map(|known| &known.target);
        let (Some(SinkTarget::Webhook { secrets: known, .. }), SinkTarget::Webhook { secrets, .. }) = (known, &sink.target) else {
            continue;
        };
        if !known.iter().map(ExposeSecret::expose_secret).eq(secrets.iter().map(ExposeSecret::expose_secret)) {
            keys.push(format!("{}.secrets", sink.at));
        }
    }
    for provider in &now.providers {
        let known = before.providers.iter().find(|known| known.id == provider.id).map(|known| &known.definition);
        let (Some(Ok(known)), Ok(definition)) = (known, &provider.definition) else { continue };
        let is_other = |name: &&String| {
            known.secrets.get(*name).map(ExposeSecret::expose_secret) != definition.secrets.get(*name).map(ExposeSecret::expose_secret)
        };
        keys.extend(definition.secrets.keys().filter(is_other).map(|name| format!("providers.{}.{name}", provider.id)));
    }
    keys
}

/// Whether two definitions have the same secrets.
pub(super) fn same_secrets(one: &Definition, other: &Definition) -> bool {
    let (one, other) = (&one.secrets, &other.secrets);
    let same = |((name, secret), (other_name, other)): ((&String, &SecretString), (&String, &SecretString))| {
        name == other_name && secret.expose_secret() == other.expose_secret()
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}
