//! The words of the API about the configuration. What stands in the comments here is what the OpenAPI document says.

use poem_openapi::{
    Enum, Object,
    types::{Any, Example},
};
use serde_json::Value;
use vestibule_domain::configuration::{ConfigurationChange, SettingChange, SettingFault, SettingOrigin, ShownSetting};

/// Which layer a value comes from.
#[derive(Enum)]
#[oai(rename = "ConfigurationLayer", rename_all = "snake_case")]
pub(super) enum Layer {
    /// Built in.
    Default,
    /// A file.
    File,
    /// A variable of the environment.
    Environment,
}

/// Where a value comes from.
#[derive(Object)]
#[oai(rename = "ConfigurationOrigin", skip_serializing_if_is_none)]
pub(super) struct OriginObject {
    /// Which layer.
    from: Layer,
    /// The path of the file.
    file: Option<String>,
    /// The line in it, counted from 1.
    line: Option<u64>,
    /// The character in the line, counted from 1.
    column: Option<u64>,
    /// The name of the variable.
    variable: Option<String>,
}

impl From<SettingOrigin> for OriginObject {
    fn from(origin: SettingOrigin) -> Self {
        let number = |number: usize| Some(number as u64);
        let nothing = Self { from: Layer::Default, file: None, line: None, column: None, variable: None };
        match origin {
            SettingOrigin::Default => nothing,
            SettingOrigin::File { file, line, column } => {
                Self { from: Layer::File, file: Some(file), line: number(line), column: number(column), ..nothing }
            }
            SettingOrigin::Environment { variable } => Self { from: Layer::Environment, variable: Some(variable), ..nothing },
        }
    }
}

/// A setting that holds.
#[derive(Object)]
#[oai(rename = "ConfigurationSetting")]
pub(super) struct SettingObject {
    /// Its name, as `listen.address` or `providers[0].label`.
    key: String,
    /// As it would stand in the file; `(secret)` for a secret.
    value: Any<Value>,
    /// Where the value comes from.
    origin: OriginObject,
    /// Whether a reload leaves it as it is, so that it changes with a restart only.
    needs_restart: bool,
}

impl From<ShownSetting> for SettingObject {
    fn from(shown: ShownSetting) -> Self {
        Self { key: shown.key, value: Any(shown.value), origin: shown.origin.into(), needs_restart: shown.at_restart }
    }
}

/// What holds.
#[derive(Object)]
#[oai(rename = "ConfigurationSettings", example)]
pub(super) struct SettingList {
    /// The settings.
    items: Vec<SettingObject>,
}

impl SettingList {
    pub(super) fn new(shown: Vec<ShownSetting>) -> Self {
        Self { items: shown.into_iter().map(Into::into).collect() }
    }
}

fn in_file(line: usize) -> SettingOrigin {
    SettingOrigin::File { file: "/etc/vestibule/vestibule.toml".into(), line, column: 1 }
}

impl Example for SettingList {
    fn example() -> Self {
        let shown = |key: &str, value: Value, origin, at_restart| ShownSetting { key: key.into(), value, origin, at_restart };
        Self::new(vec![
            shown("issuer", "https://sso.example.com".into(), in_file(1), true),
            shown("limits.token_per_address", 600.into(), SettingOrigin::Default, false),
        ])
    }
}

/// A setting that differs.
#[derive(Object)]
#[oai(rename = "ConfigurationDifference")]
pub(super) struct ChangeObject {
    /// Its name; of a provider, with its id: `providers.acme.label`.
    key: String,
    /// As it was; `null` if it was not set.
    before: Any<Value>,
    /// As it is; `null` if it is not set any more.
    after: Any<Value>,
}

impl From<SettingChange> for ChangeObject {
    fn from(change: SettingChange) -> Self {
        Self { key: change.key, before: Any(change.before.unwrap_or_default()), after: Any(change.after.unwrap_or_default()) }
    }
}

/// One thing that is wrong.
#[derive(Object)]
#[oai(rename = "ConfigurationFault", skip_serializing_if_is_none)]
pub(super) struct FaultObject {
    /// Where it stands; absent if it is missing.
    origin: Option<OriginObject>,
    /// Which setting; empty if a whole file is meant.
    key: String,
    /// What is wrong with it; continues a sentence that begins with the key.
    message: String,
    /// The lines that mend it.
    add: Vec<String>,
}

impl From<SettingFault> for FaultObject {
    fn from(fault: SettingFault) -> Self {
        Self { origin: fault.origin.map(Into::into), key: fault.key, message: fault.message, add: fault.add }
    }
}

/// What changed.
#[derive(Object)]
#[oai(rename = "ConfigurationChange", example)]
pub(super) struct DifferenceObject {
    /// Every setting that differs from what was read before. Secrets are hidden: that one differs is said, not how.
    changes: Vec<ChangeObject>,
    /// Settings that are written differently than they hold, and wait for a restart.
    awaiting_restart: Vec<String>,
    /// What is wrong with providers' own files. Those providers can't be used; everything else can.
    warnings: Vec<FaultObject>,
}

impl DifferenceObject {
    pub(super) fn new(change: ConfigurationChange) -> Self {
        Self {
            changes: change.changes.into_iter().map(Into::into).collect(),
            awaiting_restart: change.awaiting_restart,
            warnings: change.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

fn example_change() -> ConfigurationChange {
    let change = SettingChange { key: "lifetimes.access_token".into(), before: Some("10m".into()), after: Some("5m".into()) };
    ConfigurationChange { changes: vec![change], awaiting_restart: vec!["listen.address".into()], warnings: Vec::new() }
}

impl Example for DifferenceObject {
    fn example() -> Self {
        Self::new(example_change())
    }
}

/// What was found.
#[derive(Object)]
#[oai(rename = "CheckedConfiguration", example)]
pub(super) struct CheckedObject {
    /// Whether what is written can be used.
    ok: bool,
    /// What is wrong with it.
    faults: Vec<FaultObject>,
    /// Every setting that a reload would find changed.
    changes: Vec<ChangeObject>,
    /// Settings that would wait for a restart.
    awaiting_restart: Vec<String>,
    /// What is wrong with providers' own files, which would keep those providers alone from being used.
    warnings: Vec<FaultObject>,
}

impl CheckedObject {
    pub(super) fn new(checked: Result<ConfigurationChange, Vec<SettingFault>>) -> Self {
        let ok = checked.is_ok();
        let (change, faults) = match checked {
            Ok(change) => (change, Vec::new()),
            Err(faults) => (ConfigurationChange::default(), faults),
        };
        let DifferenceObject { changes, awaiting_restart, warnings } = DifferenceObject::new(change);
        Self { ok, faults: faults.into_iter().map(Into::into).collect(), changes, awaiting_restart, warnings }
    }
}

impl Example for CheckedObject {
    fn example() -> Self {
        Self::new(Ok(example_change()))
    }
}
