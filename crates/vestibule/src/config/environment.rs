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
    let (key, shape) = named(rest, providers)?;
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

/// The key that a variable names, with and without the number of its provider.
fn named(rest: &str, providers: &[String]) -> Result<(String, String), String> {
    let key = |text: &str| text.to_ascii_lowercase().replace("__", ".");
    let Some(rest) = rest.strip_prefix("PROVIDERS__") else { return Ok((key(rest), key(rest))) };
    let of = |id: &String| rest.strip_prefix(&variable_name(id))?.strip_prefix("__");
    let mut matching = providers.iter().enumerate().filter_map(|(number, id)| Some((number, of(id)?)));
    match (matching.next(), matching.next()) {
        (Some((number, name)), None) => Ok((format!("providers[{number}].{}", key(name)), format!("providers[].{}", key(name)))),
        (Some(_), Some(_)) => Err("could be of several providers, whose ids differ in punctuation only".into()),
        (None, _) => Err(no_provider(rest.split("__").next().unwrap_or_default(), providers)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(variable: &str, providers: &[&str]) -> Result<String, String> {
        let providers: Vec<_> = providers.iter().map(|id| (*id).to_owned()).collect();
        let (settings, faults) = settings(&vec![(variable.to_owned(), "x".to_owned())], &providers);
        match faults.into_iter().next() {
            Some(fault) => Err(fault.message),
            None => Ok(settings.into_iter().map(|setting| setting.key).collect()),
        }
    }

    #[test]
    fn a_provider_is_meant_by_its_id_in_capitals() {
        let secret = |id: &str| format!("{PREFIX}PROVIDERS__{id}__CLIENT_SECRET");
        assert_eq!(keys(&secret("MY_IDP_1"), &["acme", "my-idp.1"]).unwrap(), "providers[1].client_secret");
        assert_eq!(keys(&secret("A__B"), &["a..b"]).unwrap(), "providers[0].client_secret");
        assert!(keys(&secret("A_B"), &["a-b", "a.b"]).unwrap_err().contains("several providers"));
        assert!(keys(&secret("NOBODY"), &["acme"]).unwrap_err().contains("ACME"));
        assert!(keys(&secret("NOBODY"), &[]).unwrap_err().contains("has none"));
        assert!(keys(&format!("{PREFIX}PROVIDERS__ACME__CLIENTSECRET"), &["acme"]).is_err());
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        for variable in ["VESTIBULE_PORT", "PATH", "vestibule__listen__address"] {
            assert_eq!(keys(variable, &[]).unwrap(), "");
        }
    }
}
