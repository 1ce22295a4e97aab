//! The section about the operators' console.

use serde_json::Value;
use vestibule_domain::{
    entry::{EntryDraft, EntryRules},
    settings::ConsoleSettings,
};

use super::{
    super::{check::Checker, pointer, raw::RawConsole},
    DAY, MINUTE,
};

const OPERATORS: &str = "console.operators";

pub(crate) fn console(raw: &RawConsole, check: &mut Checker<'_>) -> ConsoleSettings {
    let session = check.span("console.session", &raw.session, MINUTE * 5..=DAY);
    let idle = check.span("console.idle", &raw.idle, MINUTE..=DAY);
    if idle > session {
        check.fault("console.idle", "is longer than console.session", &[]);
    }
    ConsoleSettings { operators: operators(raw, check), session, idle }
}

/// The rules are those of a provider or an app, read as theirs are.
fn operators(raw: &RawConsole, check: &mut Checker<'_>) -> EntryRules {
    let Ok(draft) = serde_json::from_value::<EntryDraft>(Value::Object(raw.operators.clone())) else {
        check.fault(OPERATORS, "has something else than lists of texts in it", &["[console.operators]", "emails = [\"ada@corp.example\"]"]);
        return EntryRules::default();
    };
    let mut faults = Vec::new();
    let rules = draft.check("", &mut faults);
    for fault in faults {
        check.fault(&pointer::key(OPERATORS, &fault.pointer), fault.message, &[]);
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{Files, layers},
        *,
    };

    #[test]
    fn rules_about_operators_are_read_as_those_of_a_provider_are() {
        let written = [("VESTIBULE__CONSOLE__OPERATORS__EMAILS", "ada@corp.example, not-one"), ("VESTIBULE__CONSOLE__IDLE", "9h")];
        let environment = written.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let layered = layers::read(None, &environment).unwrap();
        let mut check = Checker::new(&layered.origins, Files::Read);
        let settings = console(&layered.raw.console, &mut check);
        assert_eq!(settings.operators.emails.len(), 1);
        let faults = check.conclude(Some(())).unwrap_err().to_string();
        assert!(faults.contains("console.operators.emails[1]") && faults.contains("console.idle"), "{faults}");
    }
}
