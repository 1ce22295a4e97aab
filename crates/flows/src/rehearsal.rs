//! What would be done: the same use cases, by a gateway that writes nothing.

use std::sync::{Arc, Mutex, PoisonError};

use vestibule_domain::{audit::EventName, change::Change, store::Changes};

/// What a gateway that only tries it would have written.
#[derive(Clone, Debug, Default)]
pub struct Rehearsed(Arc<Mutex<Option<Tried>>>);

/// The records that would have been left.
#[derive(Clone, Debug, Default)]
struct Tried {
    events: Vec<EventName>,
    changes: Vec<Change>,
}

impl Rehearsed {
    /// The first writing is what was asked for; nobody goes on after it.
    pub(crate) fn keep(&self, changes: &Changes) {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tried.get_or_insert_with(|| Tried {
            events: changes.events.iter().map(|event| event.name).collect(),
            changes: changes.events.iter().flat_map(|event| event.change.clone()).collect(),
        });
    }

    /// Which events would have been recorded, and what would have changed; nothing if it did not come to that.
    pub fn outcome(&self) -> Option<(Vec<EventName>, Vec<Change>)> {
        let tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tried.clone().map(|tried| (tried.events, tried.changes))
    }
}
