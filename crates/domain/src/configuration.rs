//! What operators are told of the configuration: what holds, what is wrong with it, and what reading it again changed. Secrets are hidden before
//! anything gets here.

use serde_json::{Map, Value};

use crate::change::{Change, OTHER_SECRET, difference};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOrigin {
    /// Built in.
    Default,
    /// A file; both numbers count from 1.
    File {
        /// Its path.
        file: String,
        /// The line.
        line: usize,
        /// The character in it.
        column: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: String,
    },
}

/// A setting that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownSetting {
    /// Its name, as `listen.address`.
    pub key: String,
    /// As it would stand in the file.
    pub value: Value,
    /// Where it comes from.
    pub origin: SettingOrigin,
    /// Whether it changes only with a restart.
    pub at_restart: bool,
}

/// A setting that differs between what was read and what held before.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingChange {
    /// Its name; of a provider, with its id: `providers.acme.label`.
    pub key: String,
    /// As it was; nothing if it was not set.
    pub before: Option<Value>,
    /// As it is; nothing if it is not set any more.
    pub after: Option<Value>,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// Where it stands; nothing if it is missing.
    pub origin: Option<SettingOrigin>,
    /// Which setting; empty if a whole file is meant.
    pub key: String,
    /// What is wrong with it. Continues a sentence that begins with the key.
    pub message: String,
    /// The lines that mend it.
    pub add: Vec<String>,
}

/// What a configuration that was read again differs in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationChange {
    /// Every setting that differs from those read before.
    pub changes: Vec<SettingChange>,
    /// Settings that are written differently than they hold, because only a restart changes them.
    pub awaiting_restart: Vec<String>,
    /// What is wrong with files of providers: they can't be used, and nobody else is kept from anything.
    pub warnings: Vec<SettingFault>,
}

/// The most that the record of a reload says.
const LONGEST_DETAIL: usize = 1000;

impl ConfigurationChange {
    /// For the record: what changed into what, and what waits. Bounded.
    pub fn detail(&self) -> String {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let changes = self.changes.iter().map(|change| format!("{}: {} → {}", change.key, shown(&change.before), shown(&change.after)));
        let waits = (!self.awaiting_restart.is_empty()).then(|| format!("waiting for a restart: {}", self.awaiting_restart.join(", ")));
        let parts: Vec<_> = waits.into_iter().chain(changes).collect();
        if parts.is_empty() { "nothing differs".to_owned() } else { bounded(&parts.join("; ")) }
    }
}

impl ConfigurationChange {
    /// The same, place by place; a place is the name of a setting. Bounded.
    pub fn record(&self) -> Vec<Change> {
        let before = |change: &SettingChange| change.before.clone();
        // A secret that was read anew is hidden before and after.
        let after = |change: &SettingChange| if change.after == change.before { Some(OTHER_SECRET.into()) } else { change.after.clone() };
        difference(&self.by_name(before), &self.by_name(after))
    }

    fn by_name(&self, side: impl Fn(&SettingChange) -> Option<Value>) -> Map<String, Value> {
        self.changes.iter().filter_map(|change| Some((change.key.clone(), side(change)?))).collect()
    }
}

impl SettingFault {
    /// For the record. Bounded.
    pub fn detail(&self) -> String {
        let place = match &self.origin {
            Some(SettingOrigin::File { file, line, column }) => format!("{file}:{line}:{column}: "),
            Some(SettingOrigin::Environment { variable }) => format!("{variable}: "),
            Some(SettingOrigin::Default) | None => String::new(),
        };
        let key = if self.key.is_empty() { String::new() } else { format!("{} ", self.key) };
        bounded(&format!("{place}{key}{}", self.message))
    }
}

/// Cut to what a record holds, printable, and saying that it was cut.
fn bounded(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut kept: String = printable.clone().take(LONGEST_DETAIL).collect();
    if printable.count() > LONGEST_DETAIL {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_reload_says_what_changed_and_what_waits_and_ends_somewhere() {
        assert_eq!(ConfigurationChange::default().detail(), "nothing differs");
        let change = |key: &str, before: Option<Value>, after: Option<Value>| SettingChange { key: key.into(), before, after };
        let changes = vec![
            change("log.filter", Some("info".into()), Some("debug\n".into())),
            change("providers.acme.label", None, Some("Acme".into())),
        ];
        let mut all = ConfigurationChange { changes, awaiting_restart: vec!["listen.address".into()], warnings: Vec::new() };
        assert_eq!(
            all.detail(),
            "waiting for a restart: listen.address; log.filter: \"info\" → \"debug\\n\"; providers.acme.label: nothing → \"Acme\""
        );
        let secret = change("providers.acme.client_secret", Some("(secret)".into()), Some("(secret)".into()));
        all.changes.push(secret);
        let record: Vec<_> = all.record().into_iter().map(|change| (change.pointer, change.before, change.after)).collect();
        assert_eq!(
            record,
            [
                ("/log.filter".into(), Some("info".into()), Some("debug\n".into())),
                ("/providers.acme.client_secret".into(), Some("(secret)".into()), Some("(another secret)".into())),
                ("/providers.acme.label".into(), None, Some("Acme".into())),
            ]
        );
        all.changes = vec![change("x", None, Some("é".repeat(5000).into()))];
        assert_eq!(all.detail().chars().count(), LONGEST_DETAIL + 1);
    }
}
