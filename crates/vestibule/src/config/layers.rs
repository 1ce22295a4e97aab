//! The layers of the configuration over each other, and where each value comes from.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, File, FileFormat};
use serde_json::Value;
use vestibule_domain::claims::Claims;

use super::{
    DEFAULTS,
    environment::{self, Environment, Settled},
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
    /// Which file each provider stands in, in the order of `raw.providers`.
    pub(crate) sources: Vec<Source>,
}

/// The file that a provider stands in.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its path.
    pub(crate) file: String,
    /// The name of a file that is the provider's own.
    pub(crate) own: Option<String>,
    /// Why nothing could be read from it.
    pub(crate) fault: Option<Fault>,
}

/// Where values come from, by their keys (`providers[0].id`). What is not in it is a default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where a value comes from.
    pub(crate) fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// Where a value stands; for one of several sections of one name, the nearest thing around it if it is missing there.
    pub(crate) fn near(&self, key: &str) -> Option<Origin> {
        let mut at = key;
        while !self.0.contains_key(at) {
            let around = &at[..at.rfind(['.', '[']).filter(|_| key.contains('['))?];
            // Beyond lies the list of them, which stands nowhere.
            if !around.contains('[') {
                return None;
            }
            at = around;
        }
        self.0.get(at).cloned()
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

/// Reads the layers: what is built in, the file, the providers that have files of their own, the environment.
pub(crate) fn read(path: Option<&Path>, environment: &Environment) -> Result<Layered, Faults> {
    let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    let mut outline = Outline::default();
    if let Some(path) = path {
        let text = fs::read_to_string(path).map_err(|error| plain(format!("{} can't be read: {error}", path.display())))?;
        outline = file::outline(path, &text)?;
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let file = path.map(|path| path.display().to_string()).unwrap_or_default();
    let mut sources: Vec<_> = outline.providers.iter().map(|_| Source { file: file.clone(), own: None, fault: None }).collect();
    let mut names = outline.providers;
    let mut origins = outline.origins;
    let mut added = Vec::new();
    for path in provider_files(path, &builder, &origins, environment)? {
        let own = OwnFile::read(&path, sources.len());
        names.push(own.name());
        origins.extend(own.origins);
        added.push(Value::Object(own.settings));
        sources.push(own.source);
    }
    let (settings, faults) = environment::settings(environment, &names);
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let mut of_providers = Vec::new();
    for setting in settings {
        match setting.value {
            Settled::Own(value) => builder = builder.set_override(&setting.key, value).map_err(|error| unmerged(&error))?,
            Settled::Provider { number, path, value } => of_providers.push((number, path, value)),
        }
        origins.insert(setting.key, setting.origin);
    }
    let merged = builder.build().map_err(|error| unmerged(&error))?;
    let mut effective: Value = merged.clone().try_deserialize().map_err(|error| unmerged(&error))?;
    let mut raw: RawConfig = merged.try_deserialize().map_err(|error| unmerged(&error))?;
    let mut providers: Vec<Value> = raw.providers.into_iter().map(Value::Object).chain(added).collect();
    for (number, path, value) in of_providers {
        if let Some(provider) = providers.get_mut(number) {
            put(provider, &path, value);
        }
    }
    raw.providers = providers.iter().filter_map(|provider| provider.as_object().cloned()).collect();
    effective["providers"] = providers.into();
    Ok(Layered { raw, effective, origins: Origins(origins), sources })
}

/// Sets a value below an object. What stands in the way of it gives way: the environment is above the file.
fn put(node: &mut Value, path: &[String], value: Value) {
    let [name, rest @ ..] = path else {
        *node = value;
        return;
    };
    if !node.is_object() {
        *node = Claims::new().into();
    }
    put(&mut node[name.as_str()], rest, value);
}

/// The files of `providers_dir`, in the order of their names. That there is no such folder is no fault unless somebody named it.
fn provider_files(
    path: Option<&Path>,
    builder: &config::ConfigBuilder<config::builder::DefaultState>,
    origins: &BTreeMap<String, Origin>,
    environment: &Environment,
) -> Result<Vec<PathBuf>, Faults> {
    const KEY: &str = "providers_dir";
    let from_file = || builder.build_cloned().and_then(|merged| merged.get_string(KEY)).map_err(|error| unmerged(&error));
    let named = environment::text_of(environment, KEY).map_or_else(from_file, |text| Ok(text.to_owned()))?;
    let is_named = origins.contains_key(KEY) || environment::text_of(environment, KEY).is_some();
    let folder = match path.and_then(Path::parent) {
        Some(beside) => beside.join(&named),
        // Without a file there is nothing to be beside.
        None if Path::new(&named).is_absolute() => PathBuf::from(&named),
        None => return Ok(Vec::new()),
    };
    let fault = |error: io::Error| {
        let message = format!("names {}, which can't be read: {error}", folder.display());
        Fault { origin: origins.get(KEY).cloned(), key: KEY.into(), message, add: Vec::new() }
    };
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => return Ok(Vec::new()),
        entries => entries.map_err(fault)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(fault)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A provider's own file, as far as it can be read.
struct OwnFile {
    settings: Claims,
    origins: BTreeMap<String, Origin>,
    source: Source,
}

impl OwnFile {
    /// What is wrong with it is noted and stops nobody: it is one provider's trouble.
    fn read(path: &Path, number: usize) -> Self {
        let file = path.display().to_string();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let at = format!("providers[{number}]");
        let parsed = fs::read_to_string(path)
            .map_err(|error| Fault { origin: None, key: String::new(), message: format!("{file} can't be read: {error}"), add: Vec::new() })
            .and_then(|text| Ok((file::free_outline(path, &text, &at)?, table(&text)?)));
        let (mut origins, mut settings, fault) = match parsed {
            Ok((origins, settings)) => (origins, settings, None),
            Err(fault) => (BTreeMap::new(), Claims::new(), Some(fault)),
        };
        if !settings.contains_key("id") {
            settings.insert("id".into(), stem.clone().into());
            // The name of the file says it.
            let named = origins.get(&at).cloned();
            origins.extend(named.map(|origin| (format!("{at}.id"), origin)));
        }
        Self { settings, origins, source: Source { file, own: Some(stem), fault } }
    }

    fn name(&self) -> String {
        self.settings.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// The values of a TOML text.
pub(crate) fn table(text: &str) -> Result<Claims, Fault> {
    let read = Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build();
    read.and_then(Config::try_deserialize).map_err(|error| unmerged(&error).0.remove(0))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_are_not_ours_stay_as_they_are_written() {
        let text = "[\"*\"]\nA = \"x\"\n[pt-BR]\nb = \"y\"\n[entry.claims]\n\"/Realm.Access/Roles[0]\" = [\"X\"]\n";
        let read = Value::Object(table(text).unwrap());
        assert_eq!(read, json!({"*": {"A": "x"}, "pt-BR": {"b": "y"}, "entry": {"claims": {"/Realm.Access/Roles[0]": ["X"]}}}));
        let dates = table("secret_expires = 2027-01-31\n").unwrap();
        assert_eq!(dates["secret_expires"], "2027-01-31");
    }

    #[test]
    fn what_is_missing_in_a_provider_is_near_its_section_and_elsewhere_nowhere() {
        let origin = |line| Origin::File { file: "f".into(), line, column: 1 };
        let origins = Origins(
            [("providers[0]".to_owned(), origin(1)), ("providers[0].entry".into(), origin(2)), ("listen".into(), origin(9))].into(),
        );
        assert_eq!(origins.near("providers[0].entry.emails[0]"), Some(origin(2)));
        assert_eq!(origins.near("providers[0].client_id"), Some(origin(1)));
        assert_eq!(origins.near("providers[1].client_id"), None);
        assert_eq!(origins.near("listen.address"), None);
    }

    #[test]
    fn the_environment_reaches_into_a_provider() {
        let mut provider = json!({"entry": "not a table"});
        put(&mut provider, &["entry".into(), "groups".into()], json!(["a"]));
        put(&mut provider, &["label".into()], json!("L"));
        assert_eq!(provider, json!({"entry": {"groups": ["a"]}, "label": "L"}));
    }
}
