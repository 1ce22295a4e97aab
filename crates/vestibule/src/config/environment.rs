//! Variables of the environment: `VESTIBULE__LISTEN__ADDRESS` is `listen.address`, and of the provider `acme`,
//! `VESTIBULE__PROVIDERS__ACME__CLIENT_SECRET` is the client secret.

use config::{Value, ValueKind};

use super::{
    fault::{Fault, Origin},
    hint,
    schema::{KEYS, Kind},
};

const PREFIX: &str = "VESTIBULE__";

/// Names and values.
pub(crate) type Environment = Vec<(String, String)>;

/// One setting from the environment.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Which, with numbers: `providers[0].client_secret`.
    pub(crate) key: String,
    /// As the configuration takes it.
    pub(crate) value: Value,
    /// The variable.
    pub(crate) origin: Origin,
}

/// The settings among the variables. `providers` are the ids of the providers in the file.
pub(crate) fn settings(environment: &Environment, providers: &[String]) -> (Vec<Setting>, Vec<Fault>) {
    let (mut settings, mut faults) = (Vec::new(), Vec::new());
    for (variable, text) in environment {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        match setting(variable, rest, text, providers) {
            Ok(setting) => settings.push(setting),
            Err(message) => {
                let origin = Some(Origin::Environment { variable: variable.clone() });
                faults.push(Fault { origin, key: String::new(), message, add: Vec::new() });
            }
        }
    }
    (settings, faults)
}

fn setting(variable: &str, rest: &str, text: &str, providers: &[String]) -> Result<Setting, String> {
    let mut parts = rest.split("__");
    let (key, shape) = match (parts.next(), parts.next()) {
        (Some("PROVIDERS"), Some(provider)) => {
            let number = providers.iter().position(|id| variable_name(id) == provider).ok_or_else(|| no_provider(provider, providers))?;
            let name = parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".");
            (format!("providers[{number}].{name}"), format!("providers[].{name}"))
        }
        _ => {
            let key = rest.to_ascii_lowercase().replace("__", ".");
            (key.clone(), key)
        }
    };
    match KEYS.get(&shape) {
        None | Some(Kind::Section | Kind::Sections) => {
            let meant = hint::key_like(&shape).filter(|key| !key.contains("[]"));
            let meant = meant.map(|key| format!("; did you mean {PREFIX}{}?", key.to_ascii_uppercase().replace('.', "__")));
            Err(format!("is not a setting{}", meant.unwrap_or_default()))
        }
        Some(kind) => {
            let kind_of_value = value(*kind, text).ok_or_else(|| format!("must be {}", kind.expected()))?;
            let value = Value::new(Some(&variable.to_owned()), kind_of_value);
            Ok(Setting { key, value, origin: Origin::Environment { variable: variable.to_owned() } })
        }
    }
}

/// Lists are written with commas.
fn value(kind: Kind, text: &str) -> Option<ValueKind> {
    Some(match kind {
        Kind::Texts { .. } => {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            ValueKind::Array(texts.map(|text| Value::new(None, text.to_owned())).collect())
        }
        Kind::Integer => ValueKind::I64(text.parse().ok()?),
        Kind::Number => ValueKind::Float(text.parse().ok()?),
        Kind::Boolean => ValueKind::Boolean(text.parse().ok()?),
        Kind::Text { .. } | Kind::Section | Kind::Sections => ValueKind::String(text.to_owned()),
    })
}

/// An id as variables can have it: `my-idp.1` is `MY_IDP_1`.
fn variable_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn no_provider(provider: &str, providers: &[String]) -> String {
    if providers.is_empty() {
        return format!("is of a provider {provider}, and the configuration file has none");
    }
    let names: Vec<_> = providers.iter().map(|id| variable_name(id)).collect();
    format!("is of a provider {provider}; the configuration file has {}", names.join(", "))
}
