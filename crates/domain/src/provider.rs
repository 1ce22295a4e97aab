//! What crosses the port to an upstream identity provider.

use secrecy::SecretString;

use crate::{
    account::Profile,
    attempt::Kept,
    client::closed_enum,
    ids::{AttemptId, ProviderId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// What people and operators see of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderCard {
    /// Its name in addresses and configuration.
    pub id: ProviderId,
    /// What stands on its button, after "Continue with".
    pub label: String,
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
    /// What it says of them.
    pub profile: Profile,
    /// When they proved who they are there, if it says.
    pub auth_time: Option<Timestamp>,
    /// How, if it says.
    pub acr: Option<String>,
    /// By which methods, if it says.
    pub amr: Vec<String>,
    /// Its tokens, to be sealed.
    pub tokens: ReceivedTokens,
}

/// Tokens as an upstream gave them.
#[derive(Debug, Default)]
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
    }
}

/// Why an upstream gave no identity; each kind is somebody's to mend. `detail` is for the operator's log and never has a secret or input in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The person said no, or gave up.
    #[error("the person declined")]
    Declined,
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
