//! What a client asks beyond its registration: who may enter, what is told of them, and whose upstream tokens it may have. The comments are the OpenAPI
//! document's.

use std::collections::BTreeMap;

use poem_openapi::Object;
use vestibule_domain::{
    account::Release,
    client::UpstreamTokenRule,
    entry::{EntryDraft, EntryRules},
    registration::UpstreamTokenDraft,
};

use super::body::Fields;

/// Who may enter. Each kind that has entries must be met by one of them; a kind without entries asks for nothing. Asked at every sign-in and whenever
/// something that was given is used, so that a change works at once.
#[derive(Clone, Default, Object)]
#[oai(rename = "Entry", deny_unknown_fields, skip_serializing_if_is_empty, example)]
pub(crate) struct EntryObject {
    /// Domains of verified addresses, as `corp.example`, or `*.corp.example` for what lies below it. Met together with `emails`: one or the other is enough.
    #[oai(default)]
    email_domains: Vec<String>,
    /// Verified addresses, whole. Case is not looked at.
    #[oai(default)]
    emails: Vec<String>,
    /// Groups, as the provider's claim map makes them; `*` stands for any text.
    #[oai(default, validator(max_items = 1000))]
    groups: Vec<String>,
    /// Organizations (`org`) or teams (`org:team`) at GitHub.
    #[oai(default, validator(max_items = 1000))]
    organizations: Vec<String>,
    /// Google Workspace domains, from the `hd` claim of the token and nothing else.
    #[oai(default, validator(max_items = 1000))]
    hosted_domains: Vec<String>,
    /// Microsoft Entra tenants, from the `tid` claim of the token and nothing else.
    #[oai(default, validator(max_items = 1000))]
    tenants: Vec<String>,
    /// Any other claim of the provider: a JSON pointer (RFC 6901) into what it says, and the texts one of which it must be or have. All of them must be met.
    #[oai(default)]
    claims: BTreeMap<String, Vec<String>>,
}

impl EntryObject {
    pub(crate) fn read(fields: &mut Fields) -> Self {
        Self {
            email_domains: fields.texts("email_domains").unwrap_or_default(),
            emails: fields.texts("emails").unwrap_or_default(),
            groups: fields.texts("groups").unwrap_or_default(),
            organizations: fields.texts("organizations").unwrap_or_default(),
            hosted_domains: fields.texts("hosted_domains").unwrap_or_default(),
            tenants: fields.texts("tenants").unwrap_or_default(),
            claims: fields.table_of_lists("claims").unwrap_or_default(),
        }
    }
}

impl From<EntryObject> for EntryDraft {
    fn from(entry: EntryObject) -> Self {
        let EntryObject { email_domains, emails, groups, organizations, hosted_domains, tenants, claims } = entry;
        Self { email_domains, emails, groups, organizations, hosted_domains, tenants, claims }
    }
}

impl From<EntryDraft> for EntryObject {
    fn from(draft: EntryDraft) -> Self {
        let EntryDraft { email_domains, emails, groups, organizations, hosted_domains, tenants, claims } = draft;
        Self { email_domains, emails, groups, organizations, hosted_domains, tenants, claims }
    }
}

impl From<&EntryRules> for EntryObject {
    fn from(rules: &EntryRules) -> Self {
        EntryDraft::from(rules).into()
    }
}

impl poem_openapi::types::Example for EntryObject {
    fn example() -> Self {
        Self {
            email_domains: vec!["corp.example".into(), "*.corp.example".into()],
            claims: BTreeMap::from([("/department".into(), vec!["engineering".into()])]),
            ..Self::default()
        }
    }
}

/// What is told of a person, of that which the granted scopes would let out.
#[derive(Clone, Default, Object)]
#[oai(rename = "Release", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub(crate) struct ReleaseObject {
    /// Only these claims, by the names they have here. Absent, all of them; an empty list, none.
    claims: Option<Vec<String>>,
    /// Only groups that one of these patterns fits, in which `*` stands for any text; an empty list means all.
    #[oai(default, skip_serializing_if_is_empty)]
    groups: Vec<String>,
    /// Claims that go out under another name: the name here, and the name there.
    #[oai(default, skip_serializing_if_is_empty)]
    rename: BTreeMap<String, String>,
}

impl ReleaseObject {
    pub(crate) fn read(fields: &mut Fields) -> Self {
        Self {
            claims: fields.texts("claims"),
            groups: fields.texts("groups").unwrap_or_default(),
            rename: fields.table_of_texts("rename").unwrap_or_default(),
        }
    }
}

impl From<ReleaseObject> for Release {
    fn from(release: ReleaseObject) -> Self {
        Self { claims: release.claims.map(|names| names.into_iter().collect()), groups: release.groups, rename: release.rename }
    }
}

impl From<&Release> for ReleaseObject {
    fn from(release: &Release) -> Self {
        let claims = release.claims.as_ref().map(|names| names.iter().cloned().collect());
        Self { claims, groups: release.groups.clone(), rename: release.rename.clone() }
    }
}

impl poem_openapi::types::Example for ReleaseObject {
    fn example() -> Self {
        Self {
            claims: Some(vec!["email".into(), "groups".into(), "name".into()]),
            groups: vec!["grafana-*".into()],
            rename: BTreeMap::from([("groups".into(), "roles".into())]),
        }
    }
}

/// That a client may have people's access tokens of one provider, by token exchange (RFC 8693).
#[derive(Clone, Object)]
#[oai(rename = "UpstreamTokens", deny_unknown_fields)]
pub(crate) struct UpstreamTokensObject {
    /// Which provider's.
    provider: String,
    /// The scopes such a token may have, as the provider names them. A token that has others is not given out.
    #[oai(validator(min_items = 1))]
    scopes: Vec<String>,
}

impl UpstreamTokensObject {
    pub(crate) fn read(fields: &mut Fields) -> Self {
        Self { provider: fields.text("provider").unwrap_or_default(), scopes: fields.texts("scopes").unwrap_or_default() }
    }
}

impl From<UpstreamTokensObject> for UpstreamTokenDraft {
    fn from(rule: UpstreamTokensObject) -> Self {
        Self { provider: rule.provider, scopes: rule.scopes }
    }
}

impl From<&UpstreamTokenRule> for UpstreamTokensObject {
    fn from(rule: &UpstreamTokenRule) -> Self {
        Self { provider: rule.provider.to_string(), scopes: rule.scopes.iter().cloned().collect() }
    }
}
