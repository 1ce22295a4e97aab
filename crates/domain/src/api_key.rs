//! Keys of the admin API: who holds one is an operator, within its scopes and its time.

use serde::{Deserialize, Serialize};

use crate::{audit::Actor, ids::ApiKeyId, operator::AdminScopes, secret::Digest, time::Timestamp};

/// One key. Its text has its id, 256 random bits and a checksum; only a keyed digest of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names it, in records too.
    pub id: ApiKeyId,
    /// For whom or what it is.
    pub name: String,
    /// HMAC-SHA-256 of its text under the sealing key.
    pub digest: Digest,
    /// What its holder may do.
    pub scopes: AdminScopes,
    /// Who made it.
    pub made_by: Actor,
    /// When.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
    /// Counts changes.
    pub version: i64,
}

impl ApiKey {
    /// Whether it still works.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// How many characters a name may have.
const LONGEST_NAME: usize = 100;

/// A name without what surrounds it, or what is wrong with it.
pub fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let is_fine = !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
    if is_fine { Ok(text.to_owned()) } else { Err("must have 1 to 100 printable characters") }
}

/// What is used and worth knowing when: a key of the admin API, or a client's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsedId(pub uuid::Uuid);

impl From<ApiKeyId> for UsedId {
    fn from(id: ApiKeyId) -> Self {
        Self(id.0)
    }
}

impl From<crate::ids::SecretId> for UsedId {
    fn from(id: crate::ids::SecretId) -> Self {
        Self(id.0)
    }
}
