//! The section about the operators' console.

use serde_json::Value;
use vestibule_domain::{
    entry::{EntryDraft, EntryRules},
    ids::ProviderId,
    settings::ConsoleSettings,
};

use super::{
    super::{
        check::{Checker, shown},
        pointer,
        raw::RawConsole,
    },
    DAY, MINUTE,
};

const OPERATORS: &str = "console.operators";
const PROVIDERS: &str = "console.providers";

pub(crate) fn console(raw: &RawConsole, configured: &[ProviderId], check: &mut Checker<'_>) -> ConsoleSettings {
    let session = check.span("console.session", &raw.session, MINUTE * 5..=DAY);
    let idle = check.span("console.idle", &raw.idle, MINUTE..=DAY);
    if idle > session {
        check.fault("console.idle", "is longer than console.session", &[]);
    }
    let operators = operators(raw, check);
    let providers = if operators.is_empty() { Vec::new() } else { vouching(&raw.providers, configured, check) };
    ConsoleSettings { operators, providers, session, idle }
}

/// Whose word counts for who is an operator: the one provider that stands in the configuration, or those that are named. Whoever runs another provider,
/// or may make one by the admin API, would otherwise let themselves in by calling somebody what they like.
fn vouching(named: &[String], configured: &[ProviderId], check: &mut Checker<'_>) -> Vec<ProviderId> {
    if named.is_empty() {
        let line = |id: &str| format!("providers = [\"{id}\"]");
        match configured {
            [only] => return vec![only.clone()],
            [] => {
                let message = "is missing: no provider stands in the configuration, so name the one that will be made by the admin API";
                check.fault(PROVIDERS, message, &["[console]", &line("acme")]);
            }
            [first, ..] => {
                let message = "is missing: there are several providers; name those that you trust to say who an operator is";
                check.fault(PROVIDERS, message, &["[console]", &line(first.as_str())]);
            }
        }
    }
    let mut providers = Vec::new();
    for (at, name) in named.iter().enumerate() {
        match ProviderId::parse(name) {
            Ok(id) => providers.push(id),
            Err(error) => check.fault(&format!("{PROVIDERS}[{at}]"), format!("{} {error}", shown(name)), &[]),
        }
    }
    providers
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

    fn ids(names: &[&str]) -> Vec<ProviderId> {
        names.iter().map(|name| ProviderId::parse(name).unwrap()).collect()
    }

    #[test]
    fn attack_86_an_operator_is_who_the_only_provider_says_or_those_that_are_named_and_nobody_else() {
        let judged = |named: &str, configured: &[&str]| {
            let written = [("VESTIBULE__CONSOLE__OPERATORS__EMAILS", "ada@corp.example"), ("VESTIBULE__CONSOLE__PROVIDERS", named)];
            let written = written.iter().filter(|(_, value)| !value.is_empty());
            let environment = written.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
            let layered = layers::read(None, &environment).unwrap();
            let mut check = Checker::new(&layered.origins, Files::Read);
            let settings = console(&layered.raw.console, &ids(configured), &mut check);
            check.conclude(Some(settings.providers)).map_err(|faults| faults.to_string())
        };
        assert_eq!(judged("", &["corp"]).unwrap(), ids(&["corp"]));
        assert_eq!(judged("corp", &["corp", "partner"]).unwrap(), ids(&["corp"]));
        assert_eq!(judged("corp, made-later", &[]).unwrap(), ids(&["corp", "made-later"]));
        let several = judged("", &["corp", "partner"]).unwrap_err();
        assert!(several.contains("there are several providers") && several.contains("providers = [\"corp\"]"), "{several}");
        assert!(judged("", &[]).unwrap_err().contains("no provider stands in the configuration"));
        assert!(judged("no/id", &["corp"]).unwrap_err().contains("console.providers[0]"));
    }

    #[test]
    fn rules_about_operators_are_read_as_those_of_a_provider_are() {
        let written = [("VESTIBULE__CONSOLE__OPERATORS__EMAILS", "ada@corp.example, not-one"), ("VESTIBULE__CONSOLE__IDLE", "9h")];
        let environment = written.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let layered = layers::read(None, &environment).unwrap();
        let mut check = Checker::new(&layered.origins, Files::Read);
        let settings = console(&layered.raw.console, &ids(&["corp"]), &mut check);
        assert_eq!(settings.operators.emails.len(), 1);
        let faults = check.conclude(Some(())).unwrap_err().to_string();
        assert!(faults.contains("console.operators.emails[1]") && faults.contains("console.idle"), "{faults}");
    }
}
