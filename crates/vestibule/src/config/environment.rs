//! Variables of the environment: `VESTIBULE__LISTEN__ADDRESS` is `listen.address`, and of the provider `acme`,
//! `VESTIBULE__PROVIDERS__ACME__CLIENT_SECRET` is the client secret.

use config::{Config, File, FileFormat, Value, ValueKind};
use serde_json::Value as Json;

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
    pub(crate) value: Settled,
    /// The variable.
    pub(crate) origin: Origin,
}

/// Where a value belongs.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Among the settings of the house.
    Own(Value),
    /// Among those of a provider.
    Provider {
        /// Which provider.
        number: usize,
        /// The names that lead there, as `entry`, `groups`.
        path: Vec<String>,
        /// The value.
        value: Json,
    },
}

/// The settings among the variables. `providers` are the ids of the providers in the files.
pub(crate) fn settings(environment: &Environment, providers: &[String]) -> (Vec<Setting>, Vec<Fault>) {
    let (mut settings, mut faults) = (Vec::new(), Vec::new());
    for (variable, text) in environment {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let setting = match rest.strip_prefix("PROVIDERS__") {
            Some(rest) => provider_setting(rest, text, providers),
            None => own_setting(variable, rest, text),
        };
        let origin = Origin::Environment { variable: variable.clone() };
        match setting {
            Ok((key, value)) => settings.push(Setting { key, value, origin }),
            Err(message) => faults.push(Fault { origin: Some(origin), key: String::new(), message, add: Vec::new() }),
        }
    }
    (settings, faults)
}

/// What a variable says of a setting of the house itself, for whoever has to know it before the files are read.
pub(crate) fn text_of<'a>(environment: &'a Environment, key: &str) -> Option<&'a str> {
    let variable = format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"));
    environment.iter().find(|(name, _)| *name == variable).map(|(_, value)| value.as_str())
}

fn own_setting(variable: &str, rest: &str, text: &str) -> Result<(String, Settled), String> {
    let key = rest.to_ascii_lowercase().replace("__", ".");
    match KEYS.get(&key) {
        None | Some(Kind::Section | Kind::Sections) => {
            let meant = hint::key_like(&key).filter(|key| !key.contains("[]"));
            let meant = meant.map(|key| format!("; did you mean {PREFIX}{}?", key.to_ascii_uppercase().replace('.', "__")));
            Err(format!("is not a setting{}", meant.unwrap_or_default()))
        }
        Some(kind) => {
            let value = value(*kind, text).ok_or_else(|| format!("must be {}", kind.expected()))?;
            Ok((key, Settled::Own(Value::new(Some(&variable.to_owned()), value))))
        }
    }
}

/// Which names there are depends on the preset, which judges this like what stands in the file.
fn provider_setting(rest: &str, text: &str, providers: &[String]) -> Result<(String, Settled), String> {
    let of = |id: &String| rest.strip_prefix(&variable_name(id))?.strip_prefix("__");
    let mut matching = providers.iter().enumerate().filter(|(_, id)| !id.is_empty()).filter_map(|(number, id)| Some((number, of(id)?)));
    let (number, name) = match (matching.next(), matching.next()) {
        (Some(only), None) => only,
        (Some(_), Some(_)) => return Err("could be of several providers, whose ids differ in punctuation only".into()),
        (None, _) => return Err(no_provider(rest.split("__").next().unwrap_or_default(), providers)),
    };
    let path: Vec<_> = name.split("__").map(str::to_ascii_lowercase).collect();
    let name = path.join(".");
    let value = match KEYS.get(&format!("providers[].{name}")) {
        Some(kind @ (Kind::Section | Kind::Sections)) => return Err(format!("is {}; name a setting in it", kind.expected())),
        Some(kind @ Kind::Texts { .. }) if !text.trim_start().starts_with('[') => value(*kind, text).and_then(json),
        Some(kind @ (Kind::Boolean | Kind::Integer | Kind::Number)) => {
            Some(value(*kind, text).and_then(json).ok_or_else(|| format!("must be {}", kind.expected()))?)
        }
        Some(Kind::Text { .. }) => Some(text.into()),
        Some(Kind::Texts { .. }) | None => free_value(text),
    };
    let value = value.ok_or("must be a list of texts, as [\"a\", \"b\"]")?;
    Ok((format!("providers[{number}].{name}"), Settled::Provider { number, path, value }))
}

/// A value of a name that is not ours to know: a list or a table as TOML writes it, true, false, or a text.
fn free_value(text: &str) -> Option<Json> {
    match text.trim() {
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        list if list.starts_with(['[', '{']) => {
            let read = Config::builder().add_source(File::from_str(&format!("value = {list}"), FileFormat::Toml)).build();
            read.ok()?.get("value").ok()
        }
        _ => Some(text.into()),
    }
}

fn json(value: ValueKind) -> Option<Json> {
    Value::new(None, value).try_deserialize().ok()
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
        assert!(keys(&format!("{PREFIX}PROVIDERS__ACME__ENTRY"), &["acme"]).unwrap_err().contains("a section"));
        assert!(keys(&format!("{PREFIX}PROVIDERS____LABEL"), &[""]).is_err(), "one without an id is nobody's");
    }

    #[test]
    fn values_of_a_provider_are_what_its_settings_are_or_what_they_look_like() {
        let value = |name: &str, text: &str| {
            let variable = format!("{PREFIX}PROVIDERS__ACME__{name}");
            let (settings, faults) = settings(&vec![(variable, text.to_owned())], &["acme".to_owned()]);
            match settings.into_iter().next().map(|setting| setting.value) {
                Some(Settled::Provider { path, value, .. }) => Ok((path.join("/"), value)),
                _ => Err(faults[0].message.clone()),
            }
        };
        let is = |name: &str, text: &str, expected: Json| assert_eq!(value(name, text).unwrap().1, expected, "{name}={text}");
        is("LABEL", "true", "true".into());
        is("USERINFO", "false", false.into());
        is("SCOPES", "email, groups", serde_json::json!(["email", "groups"]));
        is("SCOPES", "[\"email\"]", serde_json::json!(["email"]));
        is("TENANT", "T1", "T1".into());
        is("PKCE_ANY", "true", true.into());
        is("HOSTED", "[\"a\", \"b\"]", serde_json::json!(["a", "b"]));
        assert_eq!(
            value("ENTRY__EMAIL_DOMAINS", "corp.example").unwrap(),
            ("entry/email_domains".into(), serde_json::json!(["corp.example"]))
        );
        assert!(value("USERINFO", "maybe").unwrap_err().contains("true or false"));
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        for variable in ["VESTIBULE_PORT", "PATH", "vestibule__listen__address"] {
            assert_eq!(keys(variable, &[]).unwrap(), "");
        }
    }
}
