//! What claims of a provider would become, and who would be let in with them, as the command line says it.

use std::{collections::BTreeSet, fmt::Write};

use serde::Serialize;
use serde_json::{Value, json};
use vestibule_domain::{
    claims::Claims,
    client::Client,
    ids::ProviderId,
    provider::ProviderTerms,
    rehearsal::{Made, Rehearsal, Verdict, rehearse},
};
use vestibule_protocol::claims::PersonClaims;

use crate::table::table;

/// What would come of it.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    #[serde(flatten)]
    pub(crate) rehearsal: Rehearsal,
    /// What the client would be told, if one was named and the person would be let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) released: Option<Claims>,
}

impl Told {
    /// Goes through it.
    pub(crate) fn new(provider: &ProviderId, terms: &ProviderTerms, client: Option<&Client>, claims: &Claims) -> Self {
        let rehearsal = rehearse(provider, terms, client, claims);
        let told = |client: &Client| {
            PersonClaims::from(terms.profile_of(claims).profile.released(&client.scopes, &BTreeSet::new(), &client.release)).0
        };
        Self { released: client.filter(|_| rehearsal.admitted).map(told), rehearsal }
    }

    /// The same without what claims say of the person.
    #[must_use]
    pub(crate) fn redacted(mut self) -> Self {
        for made in &mut self.rehearsal.claims {
            made.value = hidden(&made.value);
        }
        for value in self.released.iter_mut().flat_map(Claims::values_mut) {
            *value = hidden(value);
        }
        self
    }

    /// As people read it.
    pub(crate) fn text(&self) -> String {
        let from = |made: &Made| {
            made.from.clone().unwrap_or_else(|| if made.claim == "email_verified" { "email_trust".into() } else { "default".into() })
        };
        let rows: Vec<_> = self.rehearsal.claims.iter().map(|made| vec![made.claim.clone(), from(made), shown(&made.value)]).collect();
        let mut text = format!("Claims\n{}", table(&["CLAIM", "FROM", "VALUE"], &rows));
        if self.rehearsal.claims.is_empty() {
            text.push_str("  none\n");
        }
        let verified = if self.rehearsal.email.verified { "believed" } else { "not believed" };
        let _ = write!(
            text,
            "\nE-mail address\n  {verified}: {} (email_trust = \"{}\")\n",
            self.rehearsal.email.why, self.rehearsal.email.trust
        );
        if !self.rehearsal.unused.is_empty() {
            let _ = write!(text, "\nSaid, and not used\n  {}\n", crate::table::printable(&self.rehearsal.unused.join(", ")));
        }
        let met = |verdict: &Verdict| vec![verdict.rule.clone(), if verdict.met { "met".into() } else { "not met".into() }];
        let rules: Vec<_> = self.rehearsal.rules.iter().map(met).collect();
        text.push_str("\nWho may enter\n");
        text.push_str(&if rules.is_empty() { "  there are no rules\n".to_owned() } else { table(&[], &rules) });
        text.push_str(if self.rehearsal.admitted { "  → would be let in\n" } else { "  → would be turned away\n" });
        if let Some(released) = &self.released {
            let rows: Vec<_> = released.iter().map(|(name, value)| vec![name.clone(), shown(value)]).collect();
            text.push_str("\nWhat the client would be told\n");
            text.push_str(&if rows.is_empty() { "  nothing but who it is\n".to_owned() } else { table(&[], &rows) });
        }
        text
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a value is, without what it says. Yes and no say nothing of who it is.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Null => value.clone(),
        Value::String(text) => json!(format!("(text of {})", text.chars().count())),
        Value::Number(_) => json!("(number)"),
        Value::Array(list) => json!(format!("(list of {})", list.len())),
        Value::Object(table) => json!(format!("(table of {})", table.len())),
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::{claims::ClaimMap, email::DomainPattern, entry::EntryRules, provider::EmailTrust};

    use super::*;

    fn terms(claims: Value) -> ProviderTerms {
        let claims: ClaimMap = serde_json::from_value(claims).unwrap();
        let entry = EntryRules { email_domains: vec![DomainPattern::parse("corp.example").unwrap()], ..EntryRules::default() };
        ProviderTerms { claims, entry, ..ProviderTerms::default() }
    }

    fn claims(value: Value) -> Claims {
        let Value::Object(claims) = value else { unreachable!() };
        claims
    }

    #[test]
    fn an_address_that_is_not_believed_meets_no_rule_and_no_value_is_shown_unasked() {
        let terms = ProviderTerms { email_trust: EmailTrust::Never, ..terms(json!({})) };
        let said = claims(json!({"name": "Ada\u{1b}[2J Lovelace", "email": "ada@corp.example", "email_verified": true}));
        let all = Told::new(&ProviderId::parse("acme").unwrap(), &terms, None, &said).redacted();
        assert!(!all.rehearsal.admitted);
        let text = all.text();
        assert!(!text.contains("ada@") && text.contains("(text of 16)") && text.contains("email_trust is never"), "{text}");
        assert!(text.contains("provider.email_verified  not met"), "{text}");
    }
}
