//! A login attempt: what an app asked for, on its way through the person's browser and back.

use serde::{Deserialize, Serialize};

use crate::{
    authorize::AuthorizationRequest,
    device::UserCode,
    door::Chosen,
    ids::{AccountId, AttemptId, LoginId, ProviderId, SessionId},
    secret::Digest,
    time::Timestamp,
};

/// What is sealed into the browser's cookie. Nothing of it lies in the database until the person has come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Names the cookie, and is the `state` sent upstream.
    pub id: AttemptId,
    /// Ties the audit events together.
    pub login: LoginId,
    /// What the app asked for, already checked.
    pub request: AuthorizationRequest,
    /// When it began.
    pub started: Timestamp,
    /// When it is too late to come back.
    pub expires: Timestamp,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Errand::is_sign_in")]
    pub errand: Errand,
    /// The pushed request it began with, by the digest of its name: a page that is loaded again finds the attempt again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Digest>,
    /// How far it is with the person's consent.
    #[serde(default, skip_serializing_if = "Consenting::is_not_asked")]
    pub consent: Consenting,
    /// Set when the person has been sent to a provider.
    pub departed: Option<Departed>,
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Errand {
    /// A code for the app that asked.
    #[default]
    SignIn,
    /// The page of a person's own ways to sign in; no app is told of it.
    OwnPage,
    /// One more way into the account of a person who is signed in.
    Link {
        /// Whose.
        account: AccountId,
        /// In which session they asked for it; it must stand, in the same browser, when they come back.
        session: SessionId,
    },
    /// A sign-in that is only tried. It ends on a page, and leads into no account.
    Trial {
        /// Which.
        ticket: Digest,
    },
    /// The operators' console; no app is told of it.
    Console,
    /// A sign-in to an app, as its settings are, that an operator tries. It ends on a page of the console, and the app gets no code.
    Tried,
    /// The question whether a device may be let in, which the person is asked once they are known (RFC 8628 §3.3).
    Device(UserCode),
}

impl Errand {
    /// Whether it is the usual one.
    pub fn is_sign_in(&self) -> bool {
        *self == Self::SignIn
    }

    /// Whether a registered app is behind it, whose rules hold then.
    pub fn is_for_app(&self) -> bool {
        matches!(self, Self::SignIn | Self::Device(_) | Self::Tried)
    }
}

/// How far an attempt is with the person's consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consenting {
    /// Nothing was asked.
    #[default]
    NotAsked,
    /// The question is in front of them.
    Asked {
        /// The session that may answer it; none before anybody has signed in.
        session: Option<SessionId>,
        /// Whether they have just signed in for this attempt.
        arrived: bool,
    },
    /// They said yes before they signed in.
    Allowed,
}

impl Consenting {
    /// Whether nothing was asked.
    pub fn is_not_asked(&self) -> bool {
        *self == Self::NotAsked
    }
}

/// Where the person was sent, and what to hold the answer against (RFC 9700 §4.4.2: the issuer, kept in this browser).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// The provider; a callback for another one is a mix-up.
    pub provider: ProviderId,
    /// How it came to be the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<Chosen>,
    /// When.
    pub at: Timestamp,
    /// What the adapter wants back.
    pub kept: Kept,
}

/// What a provider's adapter keeps between sending a person away and their return. Secret: it lives only in sealed cookies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The issuer the request was sent to; the answer's `iss` is held against it.
    pub issuer: String,
    /// RFC 7636 verifier.
    pub pkce_verifier: String,
    /// The nonce that the ID token must carry.
    pub nonce: String,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why an attempt can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptFault {
    /// No such attempt in this browser: opened elsewhere, or cookies are blocked.
    NotHere,
    /// Too late.
    Expired,
    /// The callback belongs to another provider than the person was sent to (attack 1).
    OtherProvider,
    /// The person was never sent anywhere.
    NotDeparted,
}

impl Attempt {
    /// What was kept, if the answer came in time and from where the person was sent.
    pub fn returned_to(&self, provider: &ProviderId, now: Timestamp) -> Result<&Departed, AttemptFault> {
        if now >= self.expires {
            return Err(AttemptFault::Expired);
        }
        match &self.departed {
            None => Err(AttemptFault::NotDeparted),
            Some(departed) if departed.provider != *provider => Err(AttemptFault::OtherProvider),
            Some(departed) => Ok(departed),
        }
    }
}
