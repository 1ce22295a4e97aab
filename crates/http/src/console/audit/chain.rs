//! How far the log is proven, as `GET /api/v1/audit-chain` says it.

use vestibule_domain::{audit::chain::Checkpoint, time::Timestamp};
use vestibule_flows::ChainShown;

use super::super::parts::When;

/// The head of the chain and what covers it.
pub(super) struct Chain {
    pub(super) id: String,
    /// What `vestibule audit verify --key` takes.
    pub(super) key: String,
    /// The number of the last event that is in it.
    pub(super) seq: i64,
    pub(super) hash: String,
    /// Up to this number events are kept no more.
    pub(super) kept_after: i64,
    /// The last checkpoint: up to which event, and when.
    pub(super) checkpoint: Option<(i64, When)>,
    /// How many events are not in it yet, and since when.
    pub(super) unsealed: u64,
    pub(super) since: Option<When>,
}

impl Chain {
    pub(super) fn new(shown: &ChainShown, now: Timestamp) -> Self {
        let head = &shown.head;
        let covered = |checkpoint: &Checkpoint| (checkpoint.seq, When::new(checkpoint.at, now));
        Self {
            id: head.chain.to_string(),
            key: head.key.to_string(),
            seq: head.seq,
            hash: head.hash.to_hex(),
            kept_after: head.base,
            checkpoint: shown.checkpoint.as_ref().map(covered),
            unsealed: shown.unsealed.events,
            since: shown.unsealed.oldest.map(|oldest| When::new(oldest, now)),
        }
    }
}
