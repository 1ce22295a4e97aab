//! Somebody who is faster: what tests of races begin with, so that they are lost every time.

use vestibule_domain::store::{Changes, Write};

use super::{MemoryStore, lock};

/// What somebody else commits, and before whose commit.
pub(super) struct Faster {
    changes: Changes,
    than: fn(&Write) -> bool,
}

impl MemoryStore {
    /// Somebody else commits `changes` right before the next commit that has a write of which `than` is true: after all that it was decided by was read.
    pub fn overtake(&self, changes: Changes, than: fn(&Write) -> bool) {
        *lock(&self.faster) = Some(Faster { changes, than });
    }

    /// What is committed before these.
    pub(super) fn overtaking(&self, changes: &Changes) -> Option<Changes> {
        let mut faster = lock(&self.faster);
        faster.take_if(|faster| changes.writes.iter().any(faster.than)).map(|faster| faster.changes)
    }
}
