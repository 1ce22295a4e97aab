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
    layers::Layered,
    show::{HIDDEN, Named, by_name},
};

/// What differs between what holds and what was read now, and what differs from the start although only a restart changes it.
pub(super) fn difference(started: &Layered, held: &Written, read: &Written) -> ConfigurationChange {
    let (now, before) = (by_name(&read.layered), by_name(&held.layered));
    let mut changes: Vec<_> = differing(&before, &now).map(|key| change(key, before.get(key), now.get(key))).collect();
    for key in secrets_read_anew(&held.config, &read.config) {
        // Its file has the same name and says something else.
        if !changes.iter().any(|change| change.key == key || change.key == format!("{key}_file")) {
            changes.push(SettingChange { key, before: Some(HIDDEN.into()), after: Some(HIDDEN.into()) });
        }
    }
    // So may the file of places, whose setting has its own name.
    changes.extend(atlas_read_anew(&held.config, &read.config).filter(|anew| !changes.iter().any(|change| change.key == anew.key)));
    let at_start = by_name(started);
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

/// Another database of places than before.
fn atlas_read_anew(before: &Config, now: &Config) -> Option<SettingChange> {
    let (before, now) = (before.atlas.as_ref()?, now.atlas.as_ref()?);
    if now.is(before) {
        return None;
    }
    let (before, mut after) = (before.edition(), now.edition());
    if after == before {
        after.push_str(", with other content");
    }
    Some(SettingChange { key: "detections.geoip_file".into(), before: Some(before.into()), after: Some(after.into()) })
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use vestibule_testkit::mmdb;

    use super::*;
    use crate::{config::layers, reload::Started};

    fn read(folder: &Path, places: &str) -> Written {
        let places = folder.join(places);
        let text = format!(
            "issuer = \"https://sso.example.com\"\n[store]\nurl = \"sqlite://{}/vestibule.db\"\n[sealing]\nkey = \"{}\"\n\
             [admin]\nbootstrap_key = \"a-bootstrap-key-0123456789abcdefghijklmno\"\n[detections]\ngeoip_file = \"{}\"\n",
            folder.display(),
            "6b1f0c58a1c94e0e9d3f27b4a85d71f2c40e6a9b8d3c5f17e2a4960bd8317c5e",
            places.display(),
        );
        let config = folder.join("vestibule.toml");
        std::fs::write(&config, text).unwrap();
        Written::of(layers::read(Some(&config), &Vec::new()).unwrap()).unwrap()
    }

    #[test]
    fn another_database_of_places_is_named_and_the_first_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let berlin = [("192.0.2.0/24", "DE", 52.5, 13.4)];
        let paris = [("192.0.2.0/24", "FR", 48.9, 2.4)];
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("places.mmdb", mmdb::cities_built(1_800_000_000, &berlin));
        let first = read(folder.path(), "places.mmdb");
        let started = Started::of(&first);
        let changes = |held: &Written, read: &Written| {
            let changes = difference(&started.layered, held, read).changes;
            changes.into_iter().map(|change| (change.key, change.before, change.after)).collect::<Vec<_>>()
        };
        let named = |before: &str, after: &str| {
            let (before, after): (Value, Value) = (before.into(), after.into());
            vec![("detections.geoip_file".to_owned(), Some(before), Some(after))]
        };

        assert!(changes(&first, &read(folder.path(), "places.mmdb")).is_empty());
        write("places.mmdb", mmdb::cities_built(1_801_000_000, &berlin));
        let second = read(folder.path(), "places.mmdb");
        let (old, new) = ("GeoLite2-City, built 2027-01-15T08:00:00Z", "GeoLite2-City, built 2027-01-26T21:46:40Z");
        assert_eq!(changes(&first, &second), named(old, new));
        write("places.mmdb", mmdb::cities_built(1_801_000_000, &paris));
        let third = read(folder.path(), "places.mmdb");
        assert_eq!(changes(&second, &third), named(new, &format!("{new}, with other content")));

        // Another name says it all.
        write("others.mmdb", mmdb::cities_built(1_801_000_000, &berlin));
        let other = changes(&third, &read(folder.path(), "others.mmdb"));
        assert!(other.len() == 1 && other[0].2.as_ref().unwrap().as_str().unwrap().ends_with("others.mmdb"), "{other:?}");

        let kept = std::sync::Arc::downgrade(first.config.atlas.as_ref().unwrap());
        drop(first);
        assert!(kept.upgrade().is_none());
    }
}
