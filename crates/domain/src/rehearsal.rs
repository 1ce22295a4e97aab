//! What claims of a provider would become, and who would be let in with them: said, not done.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    account::{Evidence, Link, LinkKey, LinkedBy, Profile},
    claims::{Claims, Mapped, STANDARD},
    client::Client,
    entry::{EntryRules, RuleKind, RuleSet},
    ids::{AccountId, LinkId, LoginId, ProviderId},
    policy,
    provider::{EmailTrust, ProviderTerms},
    time::Timestamp,
};

/// What would come of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The claims as we would know them.
    pub claims: Vec<Made>,
    /// Whether the address is believed.
    pub email: Believed,
    /// What the provider said and nothing was made of.
    pub unused: Vec<String>,
    /// Each rule about who may enter, in the order they are asked.
    pub rules: Vec<Verdict>,
    /// Whether the person would be let in.
    pub admitted: bool,
}

/// A claim, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its name.
    pub claim: String,
    /// A JSON pointer; nothing for a default, or for what is the provider's `email_trust` to say.
    pub from: Option<String>,
    /// What it would be.
    pub value: Value,
}

/// Whether an address is believed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Believed {
    /// As the provider is set up.
    pub trust: EmailTrust,
    /// Whether it is.
    pub verified: bool,
    /// In words.
    pub why: Cow<'static, str>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// As `provider.groups`.
    pub rule: String,
    /// Whether it lets the person in.
    pub met: bool,
}

/// Goes through it.
pub fn rehearse(provider: &ProviderId, terms: &ProviderTerms, client: Option<&Client>, claims: &Claims) -> Rehearsal {
    let mapped = terms.profile_of(claims);
    let link = pretend_link(provider, mapped.profile.clone(), claims);
    let mut rules = verdicts(&terms.entry, &link, RuleSet::Provider);
    if let Some(client) = client {
        rules.push(Verdict { rule: "client.enabled".into(), met: !client.disabled });
        rules.push(Verdict { rule: "client.allowed_providers".into(), met: policy::may_use_provider(client, provider) });
        rules.extend(verdicts(&client.entry, &link, RuleSet::Client));
    }
    Rehearsal {
        email: believed(terms.email_trust, &mapped, claims),
        unused: unused(&mapped, terms, claims),
        claims: made(&mapped, terms.email_trust),
        admitted: rules.iter().all(|verdict| verdict.met),
        rules,
    }
}

/// A link as an arrival would make it; nothing asks who it leads to.
fn pretend_link(provider: &ProviderId, profile: Profile, claims: &Claims) -> Link {
    let (now, nobody) = (Timestamp::default(), Uuid::nil());
    Link {
        id: LinkId(nobody),
        key: LinkKey { provider: provider.clone(), issuer: String::new(), subject: String::new() },
        account: AccountId(nobody),
        created: now,
        evidence: Evidence { by: LinkedBy::FirstSignIn, login: LoginId(nobody), session: None, same_email_as: None },
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
pub fn said(profile: &Profile) -> Claims {
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
    Believed { trust, verified: mapped.profile.email_verified, why: why.into() }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{claims::ClaimMap, email::DomainPattern};

    fn terms(claims: Value) -> ProviderTerms {
        let claims: ClaimMap = serde_json::from_value(claims).unwrap();
        let entry = EntryRules { email_domains: vec![DomainPattern::parse("corp.example").unwrap()], ..EntryRules::default() };
        ProviderTerms { claims, entry, ..ProviderTerms::default() }
    }

    #[test]
    fn each_claim_says_where_it_comes_from_and_each_rule_whether_it_is_met() {
        let terms = terms(json!({"department": {"from": ["/dept"]}, "team": {"from": ["/t"], "default": "none"}}));
        let Value::Object(said) =
            json!({"sub": "1", "email": "ada@corp.example", "email_verified": true, "dept": "eng", "hd": "corp.example"})
        else {
            unreachable!()
        };
        let all = rehearse(&ProviderId::parse("acme").unwrap(), &terms, None, &said);
        let made: Vec<_> = all.claims.iter().map(|made| (made.claim.as_str(), made.from.as_deref())).collect();
        assert_eq!(
            made,
            [("email", Some("/email")), ("email_verified", Some("/email_verified")), ("department", Some("/dept")), ("team", None)]
        );
        assert!(all.admitted && all.email.verified);
        assert_eq!(all.unused, ["hd", "sub"]);
    }
}
