//! What a record says of the person behind it, kept so that it can be erased while the chain stays whole.
//!
//! The chain holds a digest in its place. What the digest stands for is sealed under a key of that person, and goes with the key. The digest covers a
//! random salt too, so that nobody finds out by trying addresses what it stood for.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Actor, AuditEvent, Source, record::canonical};
use crate::{
    ids::AccountId,
    ports::Sealer,
    secret::{Digest, Sealed, SubjectKey},
    time::Timestamp,
};

/// What stands in a sealed record for where the person was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// What the chain holds: SHA-256 of `{"salt": .., "source": ..}` in canonical form (RFC 8785).
    pub digest: Digest,
    /// With it and the `source` beside it, the digest can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Digest>,
    /// What the digest stands for is gone, or can't be read here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
}

/// A person, as far as their records are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Whose.
    pub account: AccountId,
    /// What their records are sealed under; none once it was destroyed, until there is something new to seal.
    pub key: Option<SubjectKey>,
    /// Until when everything is erased.
    pub erased: Option<Timestamp>,
    /// From where and through whom they sign in ([`crate::detection::Habits`]), sealed under that key; gone with it.
    pub habits: Option<Sealed>,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    salt: Digest,
    source: Source,
}

impl AuditEvent {
    /// Whose personal data the source of this event is. That of an operator or of the house is nobody's here.
    pub fn subject(&self) -> Option<AccountId> {
        match self.actor {
            Actor::Account(account) => Some(account),
            Actor::Anonymous | Actor::Client(_) => self.account,
            Actor::AdminKey(_) | Actor::Operator(_) | Actor::System => None,
        }
    }

    /// Puts a digest in the place of the source, and gives what it stands for, to be sealed: nothing if there is no source to speak of.
    pub fn set_apart(&mut self, salt: Digest, hash: impl Fn(&[u8]) -> Digest) -> Option<String> {
        if self.source == Source::default() || self.personal.is_some() {
            return None;
        }
        let kept = canonical(&json!({ "salt": salt, "source": self.source }));
        self.personal = Some(Personal { digest: hash(kept.as_bytes()), salt: None, redacted: false });
        self.source = Source::default();
        Some(kept)
    }

    /// Puts what was set apart back, if it can still be opened; marks the event otherwise.
    #[must_use]
    pub fn put_together(mut self, sealed: Option<&Sealed>, key: Option<&SubjectKey>, sealer: Option<&dyn Sealer>) -> Self {
        let Some(personal) = &mut self.personal else { return self };
        let context = self.id.0.into_bytes();
        let opened = sealed.zip(key).zip(sealer).and_then(|((sealed, key), sealer)| sealer.open_for(key, &context, sealed));
        match opened.and_then(|kept| serde_json::from_slice::<Kept>(&kept).ok()) {
            Some(Kept { salt, source }) => {
                personal.salt = Some(salt);
                self.source = source;
            }
            None => personal.redacted = true,
        }
        self
    }
}
