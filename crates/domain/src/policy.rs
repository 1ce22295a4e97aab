//! Who may do what. Each rule is one function, and every grant and endpoint calls it.

use crate::{
    account::{Account, Link},
    client::Client,
    entry::{Denial, EntryRules, RuleSet},
    ids::ProviderId,
    provider::ProviderTerms,
};

/// Why somebody, or what was given for them, is not wanted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client is disabled.
    ClientDisabled,
    /// The account is disabled.
    AccountDisabled,
    /// The provider is gone, disabled, or not for this client.
    ProviderNotAllowed,
    /// A rule about who may enter.
    Rule(Denial),
}

/// Whether people may come to `client` through `provider`. Asked at the chooser, at departure, at arrival, for a session, and, within
/// [`stands`], whenever something that was given is used.
pub fn may_use_provider(client: &Client, provider: &ProviderId) -> bool {
    client.allowed_providers.is_empty() || client.allowed_providers.contains(provider)
}

/// Whether a person who came by `link` is wanted at `client`; `terms` are those of the link's provider, or nothing when there is no such
/// provider any more. Asked at arrival, for a session, at redemption, at refresh, for every use of an access token and for introspection.
pub fn stands(client: &Client, account: &Account, link: &Link, terms: Option<&ProviderTerms>) -> Result<(), Refusal> {
    if client.disabled {
        return Err(Refusal::ClientDisabled);
    }
    if account.disabled {
        return Err(Refusal::AccountDisabled);
    }
    let terms = terms.filter(|_| may_use_provider(client, &link.key.provider)).ok_or(Refusal::ProviderNotAllowed)?;
    may_enter(link, terms, Some(&client.entry)).map_err(Refusal::Rule)
}

/// Whether the rules about who may enter let somebody in: the provider's first, then the client's.
pub fn may_enter(link: &Link, terms: &ProviderTerms, client: Option<&EntryRules>) -> Result<(), Denial> {
    terms.entry.judge(link, RuleSet::Provider)?;
    client.map_or(Ok(()), |rules| rules.judge(link, RuleSet::Client))
}
