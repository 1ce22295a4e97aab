//! The layers of the configuration over each other, and where each value comes from.

use std::{collections::BTreeMap, fs, path::Path};

use config::{Config, ConfigError, File, FileFormat};
use serde_json::Value;

use super::{
    DEFAULTS,
    environment::{self, Environment},
    fault::{Fault, Faults, Origin},
    file::{self, Outline},
    raw::RawConfig,
};

/// What all layers say together.
#[derive(Debug)]
pub(crate) struct Layered {
    /// As it will be checked.
    pub(crate) raw: RawConfig,
    /// The same as a tree, secrets included.
    pub(crate) effective: Value,
    /// Where each value comes from.
    pub(crate) origins: Origins,
}

/// Where values come from, by their keys (`providers[0].id`). What is not in it is a default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where a value comes from.
    pub(crate) fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// Where a value stands, or its provider's section if it is missing there.
    pub(crate) fn near(&self, key: &str) -> Option<Origin> {
        let section = key.split_once("].").map(|(section, _)| format!("{section}]"));
        self.0.get(key).or_else(|| self.0.get(&section?)).cloned()
    }

    /// Which layer a value comes from; later ones are higher.
    pub(crate) fn layer(&self, key: &str) -> u8 {
        match self.of(key) {
            Origin::Default => 0,
            Origin::File { .. } => 1,
            Origin::Environment { .. } => 2,
        }
    }
}

/// Reads the layers: what is built in, the file, the environment.
pub(crate) fn read(path: Option<&Path>, environment: &Environment) -> Result<Layered, Faults> {
    let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    let mut outline = Outline::default();
    if let Some(path) = path {
        let text = fs::read_to_string(path).map_err(|error| plain(format!("{} can't be read: {error}", path.display())))?;
        outline = file::outline(path, &text)?;
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let (settings, faults) = environment::settings(environment, &outline.providers);
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let mut origins = outline.origins;
    for setting in settings {
        builder = builder.set_override(&setting.key, setting.value).map_err(|error| unmerged(&error))?;
        origins.insert(setting.key, setting.origin);
    }
    let merged = builder.build().map_err(|error| unmerged(&error))?;
    let effective = merged.clone().try_deserialize().map_err(|error| unmerged(&error))?;
    let raw = merged.try_deserialize().map_err(|error| unmerged(&error))?;
    Ok(Layered { raw, effective, origins: Origins(origins) })
}

fn plain(message: String) -> Faults {
    Fault { origin: None, key: String::new(), message, add: Vec::new() }.into()
}

/// Types were checked in each layer, so that only a number out of range is left. The value is not repeated: it could be a secret.
fn unmerged(error: &ConfigError) -> Faults {
    let key = match error {
        ConfigError::Type { key, .. } | ConfigError::At { key, .. } => key.clone(),
        _ => None,
    };
    Fault { origin: None, key: key.unwrap_or_default(), message: "has a value that can't be taken".into(), add: Vec::new() }.into()
}
