//! What is wrong with a configuration, where, and what to write instead.

use std::fmt;

use serde::{Deserialize, Serialize};
use vestibule_domain::configuration::{SettingFault, SettingOrigin};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The configuration file; both numbers count from 1.
    File { file: String, line: usize, column: usize },
    /// A variable of the environment.
    Environment { variable: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Environment { variable } => f.write_str(variable),
        }
    }
}

impl From<Origin> for SettingOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Default => Self::Default,
            Origin::File { file, line, column } => Self::File { file, line, column },
            Origin::Environment { variable } => Self::Environment { variable },
        }
    }
}

impl From<Fault> for SettingFault {
    fn from(fault: Fault) -> Self {
        Self { origin: fault.origin.map(Into::into), key: fault.key, message: fault.message, add: fault.add }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// Where it stands; nothing if it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Origin>,
    /// Which key, as `listen.address`; empty if the whole file is meant.
    pub(crate) key: String,
    /// What is wrong with it. Continues a sentence that begins with the key.
    pub(crate) message: String,
    /// The lines that mend it, as they would stand in the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) add: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = self.origin.as_ref().filter(|origin| **origin != Origin::Default) {
            write!(f, "{origin}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{} ", self.key)?;
        }
        f.write_str(&self.message)?;
        for line in &self.add {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            write!(f, "{line_break}{fault}")?;
        }
        Ok(())
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}
