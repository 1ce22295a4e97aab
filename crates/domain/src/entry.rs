//! Who may enter: rules of a provider and of a client, evaluated by one function against what one link says.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    account::Link,
    claims::{claim_at, is_printable, matches_pattern},
    client::closed_enum,
    email::{DomainPattern, EmailAddress},
    registration::{FieldFault, escaped},
};

/// Rules of one place. Each kind that has entries must be met by one of them; a kind without entries asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntryRules {
    /// Domains of verified addresses. Together with `emails`: one or the other is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email_domains: Vec<DomainPattern>,
    /// Verified addresses, whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<EmailAddress>,
    /// Groups, as the claim map makes them; `*` stands for any text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Organizations (`org`) or teams (`org:team`) at GitHub, servers by number at Discord.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Google Workspace domains, from the `hd` claim of the token and nothing else (attack 11).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    /// Entra tenants, from the `tid` claim of the token and nothing else (attack 11).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Any other claim of the upstream: a JSON pointer, and the texts one of which it must be or have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
}

closed_enum! {
    /// Which kind of rule decided.
    RuleKind {
        /// There is no verified address for the rules about addresses.
        EmailVerified = "email_verified",
        /// `email_domains` and `emails`.
        Email = "email",
        /// `groups`.
        Groups = "groups",
        /// `organizations`.
        Organizations = "organizations",
        /// `hosted_domains`.
        HostedDomains = "hosted_domains",
        /// `tenants`.
        Tenants = "tenants",
        /// `claims`.
        Claims = "claims",
    }
}

closed_enum! {
    /// Whose rules.
    RuleSet {
        /// The provider's.
        Provider = "provider",
        /// The client's.
        Client = "client",
    }
}

/// The rule that did not let somebody in. Names the rule and never the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Denial {
    /// Whose.
    pub set: RuleSet,
    /// Which.
    pub kind: RuleKind,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.set, self.kind)
    }
}

impl EntryRules {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every kind of rule, whether it has entries, and whether what the link says meets it; in the order they are asked.
    pub fn verdicts(&self, link: &Link) -> Vec<(RuleKind, bool)> {
        let mut verdicts = Vec::new();
        if !self.email_domains.is_empty() || !self.emails.is_empty() {
            match link.verified_email() {
                None => verdicts.push((RuleKind::EmailVerified, false)),
                Some(email) => {
                    let in_domain = self.email_domains.iter().any(|pattern| email.domain().is_in(pattern));
                    verdicts.push((RuleKind::Email, in_domain || self.emails.contains(&email)));
                }
            }
        }
        if !self.groups.is_empty() {
            let fits = |group: &String| self.groups.iter().any(|pattern| matches_pattern(pattern, group));
            verdicts.push((RuleKind::Groups, link.profile.groups.iter().any(fits)));
        }
        verdicts.extend(self.lists().map(|(kind, claim, wanted)| (kind, has_one(link.claims.get(claim), wanted))));
        if !self.claims.is_empty() {
            let met = self.claims.iter().all(|(pointer, wanted)| is_or_has(claim_at(&link.claims, pointer), wanted));
            verdicts.push((RuleKind::Claims, met));
        }
        verdicts
    }

    /// Claims at the top of what an upstream says that a rule reads, besides those of `claims`.
    pub fn reads(&self) -> impl Iterator<Item = &'static str> {
        self.lists().map(|(_, claim, _)| claim)
    }

    /// Rules with entries about one claim each, and which.
    fn lists(&self) -> impl Iterator<Item = (RuleKind, &'static str, &[String])> {
        let all = [
            (RuleKind::Organizations, "organizations", &self.organizations),
            (RuleKind::HostedDomains, "hd", &self.hosted_domains),
            (RuleKind::Tenants, "tid", &self.tenants),
        ];
        all.into_iter().filter(|(_, _, wanted)| !wanted.is_empty()).map(|(kind, claim, wanted)| (kind, claim, wanted.as_slice()))
    }

    /// The first rule that is not met.
    pub fn judge(&self, link: &Link, set: RuleSet) -> Result<(), Denial> {
        let denied = self.verdicts(link).into_iter().find(|(_, met)| !met);
        denied.map_or(Ok(()), |(kind, _)| Err(Denial { set, kind }))
    }
}

/// Rules as they were written, nothing believed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of [`EntryRules`]")]
pub struct EntryDraft {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email_domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
}

/// No list is longer than this.
const MOST_ENTRIES: usize = 1000;

impl EntryDraft {
    /// The rules; what is wrong is added to `faults`, below `pointer`.
    pub fn check(&self, pointer: &str, faults: &mut Vec<FieldFault>) -> EntryRules {
        let mut add =
            |at: String, message: &str| faults.push(FieldFault { pointer: format!("{pointer}/{at}"), message: message.to_owned() });
        let mut rules = EntryRules { claims: self.claims.clone(), ..EntryRules::default() };
        for (at, text) in self.email_domains.iter().enumerate() {
            match DomainPattern::parse(text) {
                Some(domain) => rules.email_domains.push(domain),
                None => add(format!("email_domains/{at}"), "is not a domain: write corp.example, or *.corp.example for what lies below it"),
            }
        }
        for (at, text) in self.emails.iter().enumerate() {
            match EmailAddress::parse(text) {
                Some(email) => rules.emails.push(email),
                None => add(format!("emails/{at}"), "is not one e-mail address, as ada@corp.example"),
            }
        }
        for (name, list) in [
            ("groups", &self.groups),
            ("organizations", &self.organizations),
            ("hosted_domains", &self.hosted_domains),
            ("tenants", &self.tenants),
        ] {
            if list.len() > MOST_ENTRIES {
                add(name.to_owned(), "has more than 1000 entries");
            }
            for (at, _) in list.iter().enumerate().filter(|(_, text)| !is_printable(text)) {
                add(format!("{name}/{at}"), "must have 1 to 512 printable characters");
            }
        }
        rules.groups.clone_from(&self.groups);
        rules.organizations.clone_from(&self.organizations);
        rules.hosted_domains.clone_from(&self.hosted_domains);
        rules.tenants.clone_from(&self.tenants);
        for name in self.claims.keys().filter(|name| !name.starts_with('/')) {
            add(format!("claims/{}", escaped(name)), "is not a JSON pointer (RFC 6901): write \"/department\"");
        }
        rules
    }
}

impl From<&EntryRules> for EntryDraft {
    fn from(rules: &EntryRules) -> Self {
        Self {
            email_domains: rules.email_domains.iter().map(ToString::to_string).collect(),
            emails: rules.emails.iter().map(ToString::to_string).collect(),
            groups: rules.groups.clone(),
            organizations: rules.organizations.clone(),
            hosted_domains: rules.hosted_domains.clone(),
            tenants: rules.tenants.clone(),
            claims: rules.claims.clone(),
        }
    }
}

/// Domains and names of organizations are told apart without regard to case, as their providers do.
fn has_one(value: Option<&Value>, wanted: &[String]) -> bool {
    let is_wanted = |text: &str| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(text));
    match value {
        Some(Value::String(text)) => is_wanted(text),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(is_wanted),
        _ => false,
    }
}

fn is_or_has(value: Option<&Value>, wanted: &[String]) -> bool {
    let is_wanted = |text: &str| wanted.iter().any(|wanted| wanted == text);
    match value {
        Some(Value::String(text)) => is_wanted(text),
        Some(Value::Bool(yes)) => is_wanted(if *yes { "true" } else { "false" }),
        Some(Value::Number(number)) => is_wanted(&number.to_string()),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(is_wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        account::{Evidence, LinkKey, LinkedBy, Profile},
        ids::{AccountId, LinkId, LoginId, ProviderId},
        time::Timestamp,
    };

    fn link(profile: Profile, claims: Value) -> Link {
        let Value::Object(claims) = claims else { unreachable!() };
        let nil = uuid::Uuid::nil();
        Link {
            id: LinkId(nil),
            key: LinkKey { provider: ProviderId::parse("p").unwrap(), issuer: "https://p.example".into(), subject: "1".into() },
            account: AccountId(nil),
            created: Timestamp::default(),
            evidence: Evidence { by: LinkedBy::FirstSignIn, login: LoginId(nil), session: None, same_email_as: None },
            profile,
            claims,
            seen: Timestamp::default(),
        }
    }

    fn ada(email_verified: bool) -> Link {
        let profile =
            Profile { email: Some("Ada@Corp.example".into()), email_verified, groups: vec!["eng-core".into()], ..Profile::default() };
        link(profile, json!({"hd": "corp.example", "tid": "T1", "organizations": ["Acme", "acme:core"], "team": "red", "n": 7}))
    }

    fn rules(value: Value) -> EntryRules {
        let draft: EntryDraft = serde_json::from_value(value).unwrap();
        let mut faults = Vec::new();
        let rules = draft.check("/entry", &mut faults);
        assert_eq!(faults, []);
        rules
    }

    #[test]
    fn each_kind_with_entries_must_be_met_by_one_of_them() {
        for (value, verdict) in [
            (json!({}), Ok(())),
            (json!({"email_domains": ["other.example", "corp.example"]}), Ok(())),
            (json!({"email_domains": ["other.example"], "emails": ["ada@corp.example"]}), Ok(())),
            (json!({"email_domains": ["other.example"]}), Err(RuleKind::Email)),
            (json!({"groups": ["eng-*"]}), Ok(())),
            (json!({"groups": ["eng"]}), Err(RuleKind::Groups)),
            (json!({"organizations": ["acme"]}), Ok(())),
            (json!({"organizations": ["acme:ops"]}), Err(RuleKind::Organizations)),
            (json!({"hosted_domains": ["CORP.example"], "tenants": ["t2"]}), Err(RuleKind::Tenants)),
            (json!({"claims": {"/team": ["blue", "red"], "/n": ["7"]}}), Ok(())),
            (json!({"claims": {"/team": ["red"], "/n": ["8"]}}), Err(RuleKind::Claims)),
        ] {
            let judged = rules(value.clone()).judge(&ada(true), RuleSet::Client);
            assert_eq!(judged.map_err(|denial| denial.kind), verdict, "{value}");
        }
    }

    #[test]
    fn attack_07_an_unverified_address_meets_no_rule_about_addresses() {
        let denial = rules(json!({"emails": ["ada@corp.example"]})).judge(&ada(false), RuleSet::Provider).unwrap_err();
        assert_eq!(denial.to_string(), "provider.email_verified");
    }

    #[test]
    fn what_is_wrong_is_named_where_it_stands() {
        let draft: EntryDraft =
            serde_json::from_value(json!({"email_domains": ["corp"], "emails": ["a@b@c.example"], "groups": [""], "claims": {"a/b": []}}))
                .unwrap();
        let mut faults = Vec::new();
        draft.check("/entry", &mut faults);
        let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(at, ["/entry/email_domains/0", "/entry/emails/0", "/entry/groups/0", "/entry/claims/a~1b"]);
    }
}
