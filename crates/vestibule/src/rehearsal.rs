//! What claims of a provider would become, and who would be let in with them: said, not done.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};
use vestibule_domain::{
    account::{Evidence, Link, LinkKey, LinkedBy, Profile},
    claims::{Claims, Mapped, STANDARD},
    client::Client,
    entry::{EntryRules, RuleKind, RuleSet},
    ids::{AccountId, LinkId, LoginId, ProviderId},
    policy,
    provider::{EmailTrust, ProviderTerms},
    time::Timestamp,
};
use vestibule_protocol::claims::PersonClaims;

use crate::{table::table, wire};

/// What would come of it.
#[derive(Debug, Serialize)]
pub(crate) struct Rehearsal {
    /// The claims as we would know them.
    pub(crate) claims: Vec<Made>,
    /// Whether the address is believed.
    pub(crate) email: Believed,
    /// What the provider said and nothing was made of.
    pub(crate) unused: Vec<String>,
    /// Each rule about who may enter, in the order they are asked.
    pub(crate) rules: Vec<Verdict>,
    /// Whether the person would be let in.
    pub(crate) admitted: bool,
    /// What the client would be told, if one was named and the person would be let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) released: Option<Claims>,
}

/// A claim, and where it comes from.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    pub(crate) claim: String,
    /// A JSON pointer; nothing for a default, or for what is the provider's `email_trust` to say.
    pub(crate) from: Option<String>,
    pub(crate) value: Value,
}

/// Whether an address is believed, and why.
#[derive(Debug, Serialize)]
pub(crate) struct Believed {
    pub(crate) trust: EmailTrust,
    pub(crate) verified: bool,
    pub(crate) why: &'static str,
}

/// What one rule says.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// As `provider.groups`.
    pub(crate) rule: String,
    pub(crate) met: bool,
}

/// Goes through it.
pub(crate) fn rehearse(provider: &ProviderId, terms: &ProviderTerms, client: Option<&Client>, claims: &Claims) -> Rehearsal {
    let mapped = terms.profile_of(claims);
    let link = pretend_link(provider, mapped.profile.clone(), claims);
    let mut rules = verdicts(&terms.entry, &link, RuleSet::Provider);
    if let Some(client) = client {
        rules.push(Verdict { rule: "client.enabled".into(), met: !client.disabled });
        rules.push(Verdict { rule: "client.allowed_providers".into(), met: policy::may_use_provider(client, provider) });
        rules.extend(verdicts(&client.entry, &link, RuleSet::Client));
    }
    let admitted = rules.iter().all(|verdict| verdict.met);
    let released = client.filter(|_| admitted).map(|client| PersonClaims::from(mapped.profile.released(&client.scopes, &client.release)).0);
    Rehearsal {
        email: believed(terms.email_trust, &mapped, claims),
        unused: unused(&mapped, terms, claims),
        claims: made(&mapped, terms.email_trust),
        rules,
        admitted,
        released,
    }
}

/// A link as an arrival would make it; nothing asks who it leads to.
fn pretend_link(provider: &ProviderId, profile: Profile, claims: &Claims) -> Link {
    let (now, entropy) = (Timestamp::default(), wire::entropy());
    Link {
        id: LinkId::new(now, entropy.as_ref()),
        key: LinkKey { provider: provider.clone(), issuer: String::new(), subject: String::new() },
        account: AccountId::new(entropy.as_ref()),
        created: now,
        evidence: Evidence { by: LinkedBy::FirstSignIn, login: LoginId::new(now, entropy.as_ref()), session: None, same_email_as: None },
        profile,
        claims: claims.clone(),
        seen: now,
    }
}

fn verdicts(rules: &EntryRules, link: &Link, set: RuleSet) -> Vec<Verdict> {
    let verdict = |(kind, met): (RuleKind, bool)| Verdict { rule: format!("{set}.{kind}"), met };
    rules.verdicts(link).into_iter().map(verdict).collect()
}

/// Standard claims in their order, then the others by name.
fn made(mapped: &Mapped, trust: EmailTrust) -> Vec<Made> {
    let profile = said(&mapped.profile);
    let others = mapped.profile.custom.keys().map(String::as_str);
    let all = STANDARD.into_iter().filter(|name| *name != "email_verified" || mapped.profile.email.is_some()).chain(others);
    let made = |name: &str| {
        let value = profile.get(name).filter(|value| !is_nothing(value))?.clone();
        let from = mapped.sources.get(name).cloned().flatten().filter(|_| name != "email_verified" || trust == EmailTrust::Claim);
        Some(Made { claim: name.to_owned(), from, value })
    };
    all.filter_map(made).collect()
}

/// A profile as one object, custom claims beside the standard ones.
pub(crate) fn said(profile: &Profile) -> Claims {
    let mut said = match serde_json::to_value(profile) {
        Ok(Value::Object(said)) => said,
        _ => Claims::new(),
    };
    said.remove("custom");
    said.extend(profile.custom.iter().map(|(name, value)| (name.clone(), value.clone())));
    said
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn believed(trust: EmailTrust, mapped: &Mapped, claims: &Claims) -> Believed {
    let why = match trust {
        _ if mapped.profile.email.is_none() => "there is no address",
        EmailTrust::Claim if mapped.profile.email_verified => "the provider says that it is verified",
        EmailTrust::Claim if claims.contains_key("email_verified") => "the provider does not say that it is verified",
        EmailTrust::Claim => "the provider says nothing of whether it is verified",
        EmailTrust::Always => "email_trust is always",
        EmailTrust::Never => "email_trust is never",
    };
    Believed { trust, verified: mapped.profile.email_verified, why }
}

/// Names at the top of what the provider said that no claim came from and that no rule reads.
fn unused(mapped: &Mapped, terms: &ProviderTerms, claims: &Claims) -> Vec<String> {
    let top = |pointer: &str| pointer.trim_start_matches('/').split('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
    let mut used: Vec<String> = mapped.sources.values().flatten().map(|pointer| top(pointer)).collect();
    used.extend(terms.claims.rule("email_verified").iter().flat_map(|rule| rule.from.iter().map(|pointer| top(pointer))));
    used.extend(terms.entry.claims.keys().map(|pointer| top(pointer)));
    used.extend(terms.entry.reads().map(str::to_owned));
    claims.keys().filter(|name| !used.contains(name)).cloned().collect()
}

impl Rehearsal {
    /// The same without what claims say of the person.
    #[must_use]
    pub(crate) fn redacted(mut self) -> Self {
        for made in &mut self.claims {
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
        let rows: Vec<_> = self.claims.iter().map(|made| vec![made.claim.clone(), from(made), shown(&made.value)]).collect();
        let mut text = format!("Claims\n{}", table(&["CLAIM", "FROM", "VALUE"], &rows));
        if self.claims.is_empty() {
            text.push_str("  none\n");
        }
        let verified = if self.email.verified { "believed" } else { "not believed" };
        let _ = write!(text, "\nE-mail address\n  {verified}: {} (email_trust = \"{}\")\n", self.email.why, self.email.trust);
        if !self.unused.is_empty() {
            let _ = write!(text, "\nSaid, and not used\n  {}\n", crate::table::printable(&self.unused.join(", ")));
        }
        let met = |verdict: &Verdict| vec![verdict.rule.clone(), if verdict.met { "met".into() } else { "not met".into() }];
        let rules: Vec<_> = self.rules.iter().map(met).collect();
        text.push_str("\nWho may enter\n");
        text.push_str(&if rules.is_empty() { "  there are no rules\n".to_owned() } else { table(&[], &rules) });
        text.push_str(if self.admitted { "  → would be let in\n" } else { "  → would be turned away\n" });
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
    use vestibule_domain::{claims::ClaimMap, email::DomainPattern};

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
    fn each_claim_says_where_it_comes_from_and_each_rule_whether_it_is_met() {
        let terms = terms(json!({"department": {"from": ["/dept"]}, "team": {"from": ["/t"], "default": "none"}}));
        let said = claims(json!({"sub": "1", "email": "ada@corp.example", "email_verified": true, "dept": "eng", "hd": "corp.example"}));
        let all = rehearse(&ProviderId::parse("acme").unwrap(), &terms, None, &said);
        let made: Vec<_> = all.claims.iter().map(|made| (made.claim.as_str(), made.from.as_deref())).collect();
        assert_eq!(
            made,
            [("email", Some("/email")), ("email_verified", Some("/email_verified")), ("department", Some("/dept")), ("team", None)]
        );
        assert!(all.admitted && all.email.verified && all.released.is_none());
        assert_eq!(all.unused, ["hd", "sub"]);
        let text = all.text();
        assert!(text.contains("provider.email  met") && text.contains("would be let in"), "{text}");
    }

    #[test]
    fn an_address_that_is_not_believed_meets_no_rule_and_no_value_is_shown_unasked() {
        let terms = ProviderTerms { email_trust: EmailTrust::Never, ..terms(json!({})) };
        let said = claims(json!({"name": "Ada\u{1b}[2J Lovelace", "email": "ada@corp.example", "email_verified": true}));
        let all = rehearse(&ProviderId::parse("acme").unwrap(), &terms, None, &said).redacted();
        assert!(!all.admitted);
        let text = all.text();
        assert!(!text.contains("ada@") && text.contains("(text of 16)") && text.contains("email_trust is never"), "{text}");
        assert!(text.contains("provider.email_verified  not met"), "{text}");
    }
}
