//! What crosses the port to an upstream identity provider.

use secrecy::SecretString;

use crate::{
    account::Profile,
    attempt::Kept,
    claims::{ClaimMap, Claims, Mapped},
    client::closed_enum,
    email::DomainPattern,
    entry::EntryRules,
    ids::{AttemptId, ManagerName, ProviderId},
    secret::Sealed,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

/// What people and operators see of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderCard {
    /// Its name in addresses and configuration.
    pub id: ProviderId,
    /// What stands on its button, after "Continue with" or "Sign in with".
    pub label: String,
    /// Which of the two the brand's rules ask for.
    pub wording: ButtonWording,
    /// The name of its mark among the embedded ones; without one it gets a neutral key.
    pub icon: Option<String>,
    /// The preset it was made from.
    pub preset: String,
}

/// What an operator may make a provider from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetCard {
    /// How a definition names it.
    pub name: String,
    /// What stands on the button of such a provider, unless its definition says otherwise.
    pub label: String,
    /// The name of its mark among the embedded ones.
    pub icon: Option<String>,
    /// The page on which a client is registered there; nothing where every installation has its own.
    pub console: Option<String>,
    /// What to do there, in a sentence or two; `{callback}` stands for our callback.
    pub register: String,
    /// Whether a definition must name the issuer.
    pub needs_issuer: bool,
    /// Settings that stand in its addresses: name, what it is, and what it is when nobody says.
    pub variables: Vec<(String, String, Option<String>)>,
    /// What a definition must say besides, and no preset can know: our name there is not among them.
    pub needs: Vec<Need>,
}

/// A setting that a definition must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// How it is called there.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// Whether it is sealed and shown to nobody.
    pub is_secret: bool,
}

closed_enum! {
    /// What a button says before the provider's name.
    ButtonWording {
        /// "Continue with".
        ContinueWith = "continue_with",
        /// "Sign in with".
        SignInWith = "sign_in_with",
    }
}

closed_enum! {
    /// When an address from a provider is believed to be the person's.
    EmailTrust {
        /// When the provider says so in the claim that the map makes `email_verified` of.
        Claim = "claim",
        /// Always: the provider gives out no others. Insecure where people can choose their address.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

/// The rules of a provider, which the core decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderTerms {
    /// From its claims to a profile.
    pub claims: ClaimMap,
    /// When its addresses are believed.
    pub email_trust: EmailTrust,
    /// Who may enter through it.
    pub entry: EntryRules,
    /// Domains whose people sign in here: what they type at the chooser leads straight to it.
    pub domains: Vec<DomainPattern>,
    /// Whether a verified address of a domain in [`Self::domains`] may lead to the account that has the same verified address by another provider.
    /// Off unless an operator says so; the provider must be the authority for those domains.
    pub links_by_email: bool,
    /// Claims that the provider tells at somebody's first sign-in and never again; they stay known when they are not said.
    pub told_once: Vec<String>,
    /// Whether upstream tokens are kept, sealed.
    pub keeps_tokens: bool,
    /// Whether sessions end, and what was given in them, when the provider honours its tokens no more.
    pub ends_sessions: bool,
    /// How old what the provider said may be when an app refreshes; older, and the provider is asked again first, if it can be. None means never.
    pub recheck: Option<Duration>,
}

#[expect(clippy::derivable_impls, reason = "the enum is made by a macro that has no place for the attribute")]
impl Default for EmailTrust {
    fn default() -> Self {
        Self::Claim
    }
}

impl ProviderTerms {
    /// What a provider's claims say of a person, as far as it is believed. The one place where upstream claims become ours.
    pub fn profile_of(&self, claims: &Claims) -> Mapped {
        let mapped = self.claims.apply(claims);
        let email_verified = match self.email_trust {
            EmailTrust::Claim => mapped.profile.email_verified,
            EmailTrust::Always => mapped.profile.email.is_some(),
            EmailTrust::Never => false,
        };
        Mapped { profile: Profile { email_verified, ..mapped.profile }, ..mapped }
    }

    /// What is known of a person of whom the provider says this now, and `known` before.
    #[must_use]
    pub fn known_of(&self, mut said: Claims, known: Option<&Claims>) -> Claims {
        for name in &self.told_once {
            if let Some(value) = known.and_then(|known| known.get(name)) {
                said.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        said
    }

    /// Whether somebody with an address of this domain belongs here.
    pub fn is_home_of(&self, domain: &crate::email::EmailDomain) -> bool {
        self.domains.iter().any(|pattern| domain.is_in(pattern))
    }
}

/// A provider as an operator describes it: a preset's name and what differs from it. Secrets stand apart.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name here.
    pub id: ProviderId,
    /// Its settings by name; what each means is the adapters' to say.
    pub settings: Claims,
    /// Its secrets by name.
    pub secrets: BTreeMap<String, secrecy::SecretString>,
}

/// A provider that is kept in the store, because it was made by the admin API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredProvider {
    /// Its name.
    pub id: ProviderId,
    /// Counts changes; the admin API's `ETag`.
    pub version: i64,
    /// Nobody comes through a disabled provider, and what was given to those who did stops working.
    pub disabled: bool,
    /// The set of files that keeps it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<ManagerName>,
    /// As [`Definition::settings`].
    pub settings: Claims,
    /// The secrets: a JSON object of texts, sealed for [`crate::secret::Purpose::ProviderSecrets`] with the id as context.
    pub secrets: Option<Sealed>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What the adapter needs to send somebody away.
#[derive(Clone, Debug)]
pub struct Departure {
    /// Sent as `state`.
    pub attempt: AttemptId,
    /// Our callback for this provider.
    pub redirect_uri: String,
    /// Whether the person must prove who they are again there.
    pub fresh: bool,
    /// Whether they should choose an account there.
    pub select_account: bool,
    /// How old a sign-in there may be.
    pub max_age: Option<Duration>,
    /// Passed on.
    pub login_hint: Option<String>,
    /// Passed on to providers that know such a thing: Google's `hd`, Entra's `domain_hint`.
    pub domain_hint: Option<String>,
    /// Passed on.
    pub acr_values: Option<String>,
    /// Passed on.
    pub ui_locales: Option<String>,
}

/// Where to send the person, and what to hold the answer against.
#[derive(Debug)]
pub struct Sent {
    /// The upstream's authorization address with all parameters.
    pub location: String,
    /// Sealed into the attempt.
    pub kept: Kept,
}

/// The parameters an upstream sent back. Hostile until proven otherwise; the error texts are never shown.
#[derive(Clone, Default)]
pub struct Callback {
    /// The code.
    pub code: Option<String>,
    /// RFC 9207.
    pub iss: Option<String>,
    /// Set when the upstream refused.
    pub error: Option<String>,
    /// What Apple tells once, beside the code: a JSON text that nobody signed.
    pub user: Option<String>,
    /// Our callback, as it was sent.
    pub redirect_uri: String,
    /// Names that came more than once.
    pub repeated: Vec<&'static str>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("code", &self.code.is_some()).field("error", &self.error.is_some()).finish_non_exhaustive()
    }
}

/// A verified upstream identity.
#[derive(Debug)]
pub struct Arrival {
    /// The issuer that vouches.
    pub issuer: String,
    /// Its stable name for the person.
    pub subject: String,
    /// What it says of them, as it says it; [`ProviderTerms::profile_of`] makes a profile of it.
    pub claims: Claims,
    /// When they proved who they are there, if it says.
    pub auth_time: Option<Timestamp>,
    /// How, if it says.
    pub acr: Option<String>,
    /// By which methods, if it says.
    pub amr: Vec<String>,
    /// What it calls its session with the person, if it says: its logout tokens name that (OpenID Connect Back-Channel Logout 1.0 §2.1).
    pub session: Option<String>,
    /// Its tokens, to be sealed.
    pub tokens: ReceivedTokens,
}

/// What a provider's logout token says, when everything about it holds (OpenID Connect Back-Channel Logout 1.0 §2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// The issuer that vouches, under the name that links record.
    pub issuer: String,
    /// Who signed out there, as links record them, if it says.
    pub subject: Option<String>,
    /// Which session ended there, if it says. At least one of the two is there.
    pub session: Option<String>,
    /// The token's own name.
    pub id: String,
    /// From when on it is refused for its age.
    pub expires: Timestamp,
}

/// What a refresh at an upstream brought.
#[derive(Debug)]
pub struct Renewed {
    /// The new tokens. What the upstream did not renew, the old refresh token included, is kept by the caller.
    pub tokens: ReceivedTokens,
    /// What it says of the person now, if it said anything. Claims it left out are no longer said, except those that only a sign-in brings.
    pub claims: Option<Claims>,
}

/// Whose tokens are refreshed.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The issuer that vouched.
    pub issuer: &'a str,
    /// Its name for the person; a refreshed ID token must be about the same (OpenID Connect Core 1.0 §12.2).
    pub subject: &'a str,
    /// What it said last.
    pub claims: &'a Claims,
}

/// Tokens as an upstream gave them.
#[derive(Clone, Debug, Default)]
pub struct ReceivedTokens {
    /// For its APIs.
    pub access_token: Option<SecretString>,
    /// To get new ones.
    pub refresh_token: Option<SecretString>,
    /// As signed by it; some want it back at logout.
    pub id_token: Option<SecretString>,
    /// When the access token expires.
    pub expires: Option<Timestamp>,
    /// What was granted there.
    pub scope: Option<String>,
}

closed_enum! {
    /// Which step with an upstream.
    Phase {
        /// Its metadata.
        Discovery = "discovery",
        /// Its signing keys.
        Keys = "keys",
        /// The person's way there and back.
        Callback = "callback",
        /// The code for tokens.
        Token = "token",
        /// More claims.
        Userinfo = "userinfo",
        /// What else its interface says: addresses, organizations, groups.
        Api = "api",
        /// New tokens for old.
        Refresh = "refresh",
        /// Tokens given back.
        Revocation = "revocation",
        /// Signing out, there or from there.
        Logout = "logout",
    }
}

impl ProviderError {
    /// Whether it was decided before the provider was asked, by what the browser brought or by our own restraint; then it says nothing of the provider.
    pub const fn is_of_the_browser(&self) -> bool {
        match self {
            Self::Declined | Self::Paused { .. } => true,
            Self::Unreachable { phase, .. }
            | Self::Invalid { phase, .. }
            | Self::Misconfigured { phase, .. }
            | Self::Denied { phase, .. } => {
                matches!(phase, Phase::Callback)
            }
            Self::Refused { .. } => false,
        }
    }
}

/// Why an upstream gave no identity; each kind is somebody's to mend. `detail` is for the operator's log and never has a secret or input in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The person said no, or gave up.
    #[error("the person declined")]
    Declined,
    /// It failed so often that it is not asked for now.
    #[error("the provider failed repeatedly and is not asked before {until}")]
    Paused {
        /// When it is asked again.
        until: Timestamp,
    },
    /// The upstream does not answer, or not in time.
    #[error("the provider can't be reached ({phase}): {detail}")]
    Unreachable {
        /// Which step.
        phase: Phase,
        /// Its HTTP status, if it gave one.
        status: Option<u16>,
        /// What happened.
        detail: String,
    },
    /// The upstream broke the protocol, or somebody between broke it.
    #[error("the provider's answer is not valid ({phase}): {detail}")]
    Invalid {
        /// Which step.
        phase: Phase,
        /// Which rule, from a closed list.
        rule: &'static str,
        /// What happened.
        detail: String,
    },
    /// The upstream honours what we hold no more: revoked, expired, or the person is gone there. They have to sign in there again.
    #[error("the provider honours the tokens no more ({phase}): {detail}")]
    Denied {
        /// Which step.
        phase: Phase,
        /// What happened.
        detail: String,
    },
    /// A rule of ours about this provider refused the identity.
    #[error("refused by the provider's rules: {rule}")]
    Refused {
        /// Which rule.
        rule: &'static str,
    },
    /// Our registration there is wrong.
    #[error("the provider does not accept our registration ({phase}): {detail}")]
    Misconfigured {
        /// Which step.
        phase: Phase,
        /// What to look at.
        detail: String,
    },
}
