//! The chain: each sealed event is bound to all before it, and now and then the house signs how far it has come.
//!
//! A link is SHA-256 of the link before it and of the digest of the record. The first link follows the digest of the chain's own name, so no two
//! chains have a link in common. Whoever can write to the database can make such links; they can't sign a checkpoint, and those that have left the
//! house bear witness.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::record::canonical;
use crate::{
    ids::EventId,
    secret::{Digest, PublicKey, Sealed, Signature},
    time::Timestamp,
};

/// The place of an event in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// 1 for the first.
    pub seq: i64,
    /// The link before it.
    pub prev: Digest,
    /// This one.
    pub hash: Digest,
}

impl Link {
    /// The link of a record after another.
    pub fn after(seq: i64, prev: Digest, record: &str, hash: impl Fn(&[u8]) -> Digest) -> Self {
        let digest = hash(record.as_bytes());
        Self { seq: seq + 1, prev, hash: bound(&prev, &digest, hash) }
    }
}

/// What binds a record to what was before it.
pub fn bound(prev: &Digest, record: &Digest, hash: impl Fn(&[u8]) -> Digest) -> Digest {
    hash(&[prev.0, record.0].concat())
}

/// What the first link of a chain follows.
pub fn beginning(chain: Uuid, hash: impl Fn(&[u8]) -> Digest) -> Digest {
    hash(chain.to_string().as_bytes())
}

/// The house's word that the chain had come so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Of which chain.
    pub chain: Uuid,
    /// The last event it covers.
    pub seq: i64,
    /// And its link.
    pub hash: Digest,
    /// When; in milliseconds since the Unix epoch.
    pub at: Timestamp,
    /// The Ed25519 key (RFC 8032) it is signed with.
    pub key: PublicKey,
    /// The signature of [`Checkpoint::signed`].
    pub signature: Signature,
}

impl Checkpoint {
    /// What is signed: the checkpoint without its signature, in canonical form (RFC 8785), and what kind of a thing it is, so that the signature can't
    /// be taken for one of anything else.
    pub fn signed(&self) -> String {
        canonical(&json!({
            "type": "vestibule audit checkpoint",
            "chain": self.chain,
            "seq": self.seq,
            "hash": self.hash,
            "at": self.at,
            "key": self.key,
        }))
    }
}

/// How far the chain has come, and who lengthens it. There is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Its name.
    pub chain: Uuid,
    /// Grows with every change.
    #[serde(skip)]
    pub version: i64,
    /// The last event that is in it; 0 before the first.
    pub seq: i64,
    /// And its link.
    pub hash: Digest,
    /// The last event that a checkpoint covers.
    pub signed: i64,
    /// Since when there are events that none covers.
    pub unsigned_since: Option<Timestamp>,
    /// Up to here events are kept no more; 0 if all are. A checkpoint covers exactly these.
    #[serde(skip)]
    pub base: i64,
    /// The node that lengthens it.
    pub keeper: Uuid,
    /// Until when no other does.
    pub kept_until: Timestamp,
    /// What checkpoints are checked with.
    pub key: PublicKey,
    /// What they are signed with, sealed.
    pub private_key: Sealed,
}

/// How long a node that lengthens the chain is left alone. When it is gone, another takes over after so long.
const KEPT_FOR: Duration = Duration::from_secs(10);

impl ChainHead {
    /// Whether this node may lengthen it now. Two that think so are kept apart by the version; this only spares the work.
    pub fn is_for(&self, node: Uuid, now: Timestamp) -> bool {
        self.keeper == node || self.kept_until <= now
    }

    /// The next version, in the hands of `node`.
    #[must_use]
    pub fn kept_by(&self, node: Uuid, now: Timestamp) -> Self {
        Self { version: self.version + 1, keeper: node, kept_until: now + KEPT_FOR, ..self.clone() }
    }

    /// Puts a record at its end.
    pub fn add(&mut self, record: &str, now: Timestamp, hash: impl Fn(&[u8]) -> Digest) -> Link {
        let link = Link::after(self.seq, self.hash, record, hash);
        (self.seq, self.hash) = (link.seq, link.hash);
        self.unsigned_since.get_or_insert(now);
        link
    }

    /// Whether it is time for a checkpoint.
    pub fn wants_checkpoint(&self, rules: &SealRules, now: Timestamp) -> bool {
        self.seq > self.signed
            && (self.seq - self.signed >= i64::from(rules.checkpoint_every)
                || self.unsigned_since.is_none_or(|since| now.since(since) >= rules.checkpoint_after))
    }

    /// A checkpoint of all there is, to be signed by `sign`.
    pub fn checkpoint(&mut self, now: Timestamp, sign: impl Fn(&str) -> Option<Signature>) -> Option<Checkpoint> {
        let unsigned = Signature([0; 64]);
        let mut checkpoint = Checkpoint { chain: self.chain, seq: self.seq, hash: self.hash, at: now, key: self.key, signature: unsigned };
        checkpoint.signature = sign(&checkpoint.signed())?;
        (self.signed, self.unsigned_since) = (self.seq, None);
        Some(checkpoint)
    }
}

/// An event that is put into the chain.
#[derive(Clone, Debug)]
pub struct SealedEvent {
    /// Which.
    pub id: EventId,
    /// Its moment, which is part of its name.
    pub time: Timestamp,
    /// Its place.
    pub link: Link,
    /// What the chain holds of it.
    pub record: String,
    /// What was set apart, sealed under the key of the person.
    pub personal: Option<Sealed>,
}

/// A link as it lies in the store, with what it binds, to be checked.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its place.
    pub link: Link,
    /// The record, as it was hashed.
    pub record: String,
    /// Whether what the event is found by says the same as the record.
    pub found_as_said: bool,
}

/// How events are sealed, and for how long they are kept; and the traces of logins beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealRules {
    /// Most events that one checkpoint covers.
    pub checkpoint_every: u32,
    /// How long an event waits for a checkpoint at most.
    pub checkpoint_after: Duration,
    /// How long events are kept; for ever if nothing is said.
    pub keep_for: Option<Duration>,
    /// How long what was decided about a login is kept ([`LoginTrace`](crate::login_trace::LoginTrace)); zero for not at all.
    pub login_traces_keep: Duration,
    /// How much longer those are kept that a sink has not had.
    pub keep_for_sinks: Duration,
}

impl Default for SealRules {
    fn default() -> Self {
        Self {
            checkpoint_every: 1_000,
            checkpoint_after: Duration::from_mins(1),
            keep_for: None,
            login_traces_keep: Duration::from_hours(24 * 30),
            keep_for_sinks: Duration::from_hours(24 * 7),
        }
    }
}

/// What waits to be sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsealed {
    /// How many.
    pub events: u64,
    /// The moment of the oldest.
    pub oldest: Option<Timestamp>,
}
