//! Settings as they are read: from the operator's definition over a preset, every fault noted with the place it stands at, none the last.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
pub(crate) use vestibule_domain::registration::escaped;
use vestibule_domain::{claims::Claims, provider::Definition, registration::FieldFault};

use crate::preset::Preset;

/// Tables whose entries are laid over the preset's one by one.
const LAID_OVER: [&str; 3] = ["authorization_params", "claims", "error_codes"];
/// No text is longer.
const LONGEST: usize = 2048;

/// Settings being read. A setting exists because somebody asks for it: what nobody asked for when all is read is not one.
pub(crate) struct Sheet<'a> {
    preset: &'a Preset,
    own: &'a Claims,
    merged: Claims,
    secrets: &'a BTreeMap<String, SecretString>,
    asked: BTreeSet<String>,
    asked_secrets: BTreeSet<&'static str>,
    faults: Vec<FieldFault>,
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(preset: &'a Preset, definition: &'a Definition) -> Self {
        let mut merged = preset.settings.clone();
        for (name, value) in definition.settings.iter().filter(|(_, value)| !value.is_null()) {
            match (merged.get_mut(name), value) {
                (Some(Value::Object(under)), Value::Object(over)) if LAID_OVER.contains(&name.as_str()) => {
                    under.extend(over.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                _ => drop(merged.insert(name.clone(), value.clone())),
            }
        }
        Self {
            preset,
            own: &definition.settings,
            merged,
            secrets: &definition.secrets,
            asked: BTreeSet::new(),
            asked_secrets: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// Notes what is wrong with a setting, or below it: `name`, or `name/0`.
    pub(crate) fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.faults.push(FieldFault { pointer: format!("/{name}"), message: message.into() });
    }

    /// Where faults of something that checks itself go.
    pub(crate) fn faults(&mut self) -> &mut Vec<FieldFault> {
        &mut self.faults
    }

    /// The value of a setting; `null` is as if it were not there.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.asked.insert(name.to_owned());
        self.merged.get(name).filter(|value| !value.is_null()).cloned()
    }

    /// A value that somebody else reads.
    pub(crate) fn peek(&self, name: &str) -> Option<&Value> {
        self.merged.get(name)
    }

    /// Whether the operator said something about it, or the preset.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.merged.get(name).is_some_and(|value| !value.is_null())
    }

    /// A text without control characters.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = plain_text(&value);
        if text.is_none() {
            self.fault(name, "must be a text of 1 to 2048 printable characters");
        }
        text
    }

    /// A text that has to be there.
    pub(crate) fn required(&mut self, name: &str, what: &str) -> Option<String> {
        if !self.has(name) {
            self.fault(name, format!("is missing: {what}"));
        }
        self.text(name)
    }

    /// A list of texts; nothing is the empty list.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        match self.value(name) {
            None => Vec::new(),
            Some(Value::Array(values)) => {
                let texts: Vec<_> = values.iter().map(plain_text).collect();
                for at in texts.iter().enumerate().filter_map(|(at, text)| text.is_none().then_some(at)) {
                    self.fault(&format!("{name}/{at}"), "must be a text of 1 to 2048 printable characters");
                }
                texts.into_iter().flatten().collect()
            }
            Some(_) => {
                self.fault(name, "must be a list of texts");
                Vec::new()
            }
        }
    }

    /// Texts by name.
    pub(crate) fn table(&mut self, name: &str) -> BTreeMap<String, String> {
        let Some(value) = self.value(name) else { return BTreeMap::new() };
        let Value::Object(entries) = value else {
            self.fault(name, "must be a table of texts");
            return BTreeMap::new();
        };
        let mut table = BTreeMap::new();
        for (key, value) in entries {
            match plain_text(&value) {
                Some(text) => drop(table.insert(key, text)),
                None => self.fault(&format!("{name}/{}", escaped(&key)), "must be a text of 1 to 2048 printable characters"),
            }
        }
        table
    }

    /// `true` or `false`; false when nobody says.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.value(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.fault(name, "must be true or false");
                false
            }
        }
    }

    /// One of a closed list of words.
    pub(crate) fn choice<T: FromStr + Copy + Display>(&mut self, name: &str, all: &[T]) -> Option<T> {
        let text = self.text(name)?;
        let chosen = text.parse().ok();
        if chosen.is_none() {
            let words: Vec<_> = all.iter().map(ToString::to_string).collect();
            self.fault(name, format!("must be one of {}", words.join(", ")));
        }
        chosen
    }

    /// Several of a closed list of words.
    pub(crate) fn choices<T: FromStr + Copy + Display>(&mut self, name: &str, all: &[T]) -> Vec<T> {
        let mut chosen = Vec::new();
        for (at, text) in self.texts(name).iter().enumerate() {
            if let Ok(value) = text.parse() {
                chosen.push(value);
            } else {
                let words: Vec<_> = all.iter().map(ToString::to_string).collect();
                self.fault(&format!("{name}/{at}"), format!("must be one of {}", words.join(", ")));
            }
        }
        chosen
    }

    /// Something with a form of its own.
    pub(crate) fn shaped<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        let Some(value) = self.value(name) else { return T::default() };
        match serde_json::from_value(value) {
            Ok(shaped) => shaped,
            Err(error) => {
                self.fault(name, error.to_string());
                T::default()
            }
        }
    }

    /// An address with the preset's variables filled in. Which are missing is noted, and there is no address then.
    pub(crate) fn address(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let preset = self.preset;
        let mut filled = Some(text.clone());
        for (variable, about) in &preset.variables {
            let slot = format!("{{{variable}}}");
            if !text.contains(&slot) {
                continue;
            }
            let said = self.variable(variable, about);
            filled = filled.zip(said).map(|(text, said)| text.replace(&slot, &said));
        }
        filled
    }

    fn variable(&mut self, name: &str, about: &crate::preset::Variable) -> Option<String> {
        let said = if self.has(name) { self.text(name) } else { about.default.clone() };
        let Some(said) = said else {
            if !self.has(name) && !self.is_faulty(name) {
                self.fault(name, format!("is missing: {}", about.help));
            }
            return None;
        };
        // Else a variable could end the host and begin another, or leave the path it stands in.
        let plain = said.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/' | b'~'));
        if !plain || said.contains("//") || said.split('/').any(|part| part == "..") {
            self.fault(name, format!("is not {}", about.help));
            return None;
        }
        let wrapped = about.wrap.as_ref().filter(|_| !said.is_empty()).map(|wrap| wrap.replace("{}", &said));
        Some(wrapped.unwrap_or(said))
    }

    /// Whether anything was wrong so far.
    pub(crate) fn is_bad(&self) -> bool {
        !self.faults.is_empty()
    }

    fn is_faulty(&self, name: &str) -> bool {
        self.faults.iter().any(|fault| fault.pointer.strip_prefix('/') == Some(name))
    }

    /// A secret, if there is one.
    pub(crate) fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        self.asked_secrets.insert(name);
        self.secrets.get(name).filter(|secret| !secret.expose_secret().is_empty()).cloned()
    }

    /// A secret that has to be there.
    pub(crate) fn required_secret(&mut self, name: &'static str, what: &str) -> Option<SecretString> {
        let secret = self.secret(name);
        if secret.is_none() {
            self.fault(name, format!("is missing: {what}"));
        }
        secret
    }

    /// Everything that was wrong, with what nobody asked for.
    pub(crate) fn finish(mut self) -> Vec<FieldFault> {
        self.asked.insert("preset".into());
        self.asked.extend(self.preset.variables.keys().cloned());
        for name in self.own.keys() {
            if self.asked.contains(name) {
                continue;
            }
            let message = if crate::factory::SECRETS.contains(&name.as_str()) {
                "is a secret: it stands with the secrets, never among the settings".to_owned()
            } else {
                unknown(name, self.asked.iter().map(String::as_str), self.preset.name)
            };
            self.faults.push(FieldFault { pointer: format!("/{}", escaped(name)), message });
        }
        for name in self.secrets.keys().filter(|name| !self.asked_secrets.contains(name.as_str())) {
            let message = unknown(name, self.asked_secrets.iter().copied(), self.preset.name);
            self.faults.push(FieldFault { pointer: format!("/{}", escaped(name)), message });
        }
        self.faults
    }
}

fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n str>, preset: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|known| likeness(known) > 0.8);
    match nearest {
        Some(nearest) => format!("is not a setting of the preset {preset}; did you mean {nearest}?"),
        None => format!("is not a setting of the preset {preset}"),
    }
}

fn plain_text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (!text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)).then(|| text.to_owned())
}
