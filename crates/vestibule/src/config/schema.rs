//! The JSON Schema of the configuration, and the keys that exist according to it.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{DEFAULTS, raw::RawConfig};

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A section.
    Section,
    /// Sections of one name, one after the other.
    Sections,
    /// A text; `secret` ones are never shown.
    Text { secret: bool },
    /// Texts; `secret` ones are never shown.
    Texts { secret: bool },
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

impl Kind {
    /// What to write, for somebody who wrote something else.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Section => "a section",
            Self::Sections => "sections in double brackets",
            Self::Text { .. } => "a text in quotes",
            Self::Texts { .. } => "a list of texts, as [\"a\", \"b\"]",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        }
    }

    /// Whether the value must not be shown.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::Text { secret: true } | Self::Texts { secret: true })
    }
}

/// Every key that exists, as `listen.tls.key` or `providers[].id`.
pub(crate) static KEYS: LazyLock<BTreeMap<String, Kind>> = LazyLock::new(|| {
    let mut keys = BTreeMap::new();
    collect("", &schema(), &mut keys);
    keys
});

/// The settings of providers that are secrets. Each has a companion that names a file.
pub(crate) fn provider_secrets() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|(_, kind)| kind.is_secret()).filter_map(|(key, _)| key.strip_prefix("providers[]."))
}

/// The JSON Schema (draft 2020-12) of what may stand in a file. Nothing is required there, because the environment may say the rest.
pub(crate) fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).for_deserialize();
    let mut schema = settings.into_generator().into_root_schema_for::<RawConfig>().to_value();
    let defaults: Value = toml_to_json(DEFAULTS);
    relax(&mut schema, Some(&defaults));
    schema
}

/// The schema as `config/schema.json` has it.
pub(crate) fn schema_text() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text.push('\n');
    text
}

fn toml_to_json(text: &str) -> Value {
    let read = config::Config::builder().add_source(config::File::from_str(text, config::FileFormat::Toml)).build();
    read.and_then(config::Config::try_deserialize).unwrap_or_default()
}

/// Takes out what holds for the merged whole only, and writes in the defaults.
fn relax(node: &mut Value, defaults: Option<&Value>) {
    let Value::Object(node) = node else { return };
    node.remove("required");
    without_null(node);
    if let Some(Value::Object(properties)) = node.get_mut("properties") {
        for (name, property) in properties {
            let default = defaults.and_then(|defaults| defaults.get(name));
            relax(property, default);
            match (property, default) {
                (Value::Object(property), Some(default)) if !default.is_object() => {
                    property.insert("default".into(), default.clone());
                }
                _ => {}
            }
        }
    }
    if let Some(items) = node.get_mut("items") {
        relax(items, None);
    }
}

/// TOML has no null: what may be missing is simply left out.
fn without_null(node: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            node.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

fn collect(path: &str, node: &Value, keys: &mut BTreeMap<String, Kind>) {
    let Some(Value::Object(properties)) = node.get("properties") else { return };
    for (name, property) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let kind = kind_of(property);
        keys.insert(path.clone(), kind);
        match kind {
            Kind::Section => collect(&path, property, keys),
            Kind::Sections => collect(&format!("{path}[]"), &property["items"], keys),
            _ => {}
        }
    }
}

fn kind_of(property: &Value) -> Kind {
    let secret = property["writeOnly"] == true;
    match property["type"].as_str() {
        Some("object") => Kind::Section,
        Some("array") if property["items"]["type"] == "object" => Kind::Sections,
        Some("array") => Kind::Texts { secret },
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        _ => Kind::Text { secret },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_in_the_default_file_with_a_sentence() {
        for (key, kind) in KEYS.iter().filter(|(_, kind)| !matches!(kind, Kind::Section | Kind::Sections)) {
            let name = key.rsplit('.').next().unwrap();
            let lines: Vec<_> = DEFAULTS.lines().collect();
            let stands = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{name} = "));
            let at = lines.iter().position(|line| stands(line)).unwrap_or_else(|| panic!("{key} ({kind:?}) is not in config/default.toml"));
            assert!(lines[at - 1].starts_with("# ") && lines[at - 1].ends_with('.'), "{key} lacks its sentence");
        }
    }

    #[test]
    fn descriptions_are_the_sentences_of_the_default_file() {
        fn walk(node: &Value) {
            for (name, property) in node["properties"].as_object().into_iter().flatten() {
                let description = property["description"].as_str().unwrap_or_else(|| panic!("{name} has no description"));
                assert!(DEFAULTS.contains(&format!("# {description}\n")), "config/default.toml says otherwise of {name}: {description}");
                walk(property);
                walk(&property["items"]);
            }
        }
        walk(&schema());
    }

    #[test]
    fn every_preset_is_named() {
        let schema = schema();
        let description = schema["properties"]["providers"]["items"]["properties"]["preset"]["description"].as_str().unwrap();
        let named: std::collections::BTreeSet<_> = description.split([' ', ',', ':', '.']).filter(|word| !word.is_empty()).collect();
        for preset in vestibule_providers::preset::presets() {
            assert!(named.contains(preset.name), "{} is not named in: {description}", preset.name);
        }
    }

    #[test]
    fn secrets_are_known_as_such() {
        for key in ["store.url", "sealing.key", "sealing.previous", "admin.bootstrap_key", "providers[].client_secret"] {
            assert!(KEYS[key].is_secret(), "{key}");
        }
        assert_eq!(provider_secrets().collect::<Vec<_>>(), ["client_secret", "private_key", "service_account_key"]);
        assert!(!KEYS["sealing.key_file"].is_secret());
    }
}
