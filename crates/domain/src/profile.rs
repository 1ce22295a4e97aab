//! Profiles: sets of rules that a client is held to as a whole, whatever else its registration says.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    client::{AuthMethod, Client, SigningAlg, closed_enum},
    settings::Lifetimes,
};

closed_enum! {
    /// Which set of rules.
    Profile {
        /// FAPI 2.0 Security Profile.
        Fapi2 = "fapi2",
    }
}

/// What may sign under FAPI 2.0 (§5.4): RSA with the padding of old is not among them.
pub const FAPI2_ALGS: &[SigningAlg] = &[SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa];

/// What proves who a client is under FAPI 2.0 (§5.3.2.1): nothing that is sent along and could be caught.
pub const FAPI2_METHODS: &[AuthMethod] = &[AuthMethod::PrivateKeyJwt, AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];

/// How long a code is good at most under FAPI 2.0 (§5.3.2.1).
const FAPI2_CODE: Duration = Duration::from_mins(1);

impl Client {
    /// Whether it is held to FAPI 2.0.
    pub fn is_fapi2(&self) -> bool {
        self.profile == Some(Profile::Fapi2)
    }

    /// What it may sign with at all.
    pub fn client_algs(&self) -> &'static [SigningAlg] {
        if self.is_fapi2() { FAPI2_ALGS } else { SigningAlg::ALL }
    }

    /// Whether it must push its authorization requests: by its own registration (RFC 9126 §6), or FAPI 2.0 §5.3.2.2.
    pub fn must_push(&self) -> bool {
        self.require_pushed_requests || self.is_fapi2()
    }

    /// How long its codes are good.
    pub fn code_lifetime(&self, lifetimes: &Lifetimes) -> Duration {
        if self.is_fapi2() { lifetimes.code.min(FAPI2_CODE) } else { lifetimes.code }
    }

    /// Whether its refresh tokens change with every use. Under FAPI 2.0 they are bound to the client and do not (§5.3.2.1): an app that lost an answer
    /// would lose its person with it, and nobody else could use the token anyway.
    pub fn rotates_refresh_tokens(&self) -> bool {
        !self.is_fapi2()
    }
}
