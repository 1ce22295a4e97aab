//! Browser sessions.

use serde::{Deserialize, Serialize};

use crate::{
    audit::Source,
    ids::{AccountId, LinkId, ProviderId, SessionId},
    secret::Digest,
    settings::Lifetimes,
    time::Timestamp,
};

/// A person's signed-in browser. The cookie holds 256 random bits; the row holds their digest.
///
/// Signing in again as the same person keeps the id (clients know it as `sid`) and changes the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The `sid` claim.
    pub id: SessionId,
    /// SHA-256 of the cookie's value.
    pub digest: Digest,
    /// Who is signed in.
    pub account: AccountId,
    /// Through which provider.
    pub provider: ProviderId,
    /// By which of the account's links.
    pub link: LinkId,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// How, as the upstream said it.
    pub acr: Option<String>,
    /// By which methods, as the upstream said it (RFC 8176).
    pub amr: Vec<String>,
    /// What the provider calls its own session, in which this one began.
    #[serde(default)]
    pub upstream_session: Option<String>,
    /// Where the sign-in came from, as its person sees it later: a browser they know, or one they do not.
    #[serde(default)]
    pub source: Source,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used; written at most once a minute.
    pub last_seen: Timestamp,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
}

/// How often `last_seen` is written.
const TOUCH_EVERY: std::time::Duration = std::time::Duration::from_mins(1);

impl Session {
    /// Whether it still stands: not ended, used lately enough, and not too old (ASVS 5.0 §7.3).
    pub fn is_alive(&self, now: Timestamp, lifetimes: &Lifetimes) -> bool {
        self.ended.is_none() && now < self.expires(lifetimes)
    }

    /// When it ends if it is not used again.
    pub fn expires(&self, lifetimes: &Lifetimes) -> Timestamp {
        (self.last_seen + lifetimes.session_idle).min(self.created + lifetimes.session_absolute)
    }

    /// Whether its use is worth a write.
    pub fn wants_touch(&self, now: Timestamp) -> bool {
        now.since(self.last_seen) >= TOUCH_EVERY
    }
}
