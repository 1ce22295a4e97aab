//! What a step writes, as a value: decided before anything is written; and what is asked of the store by more than an id.

mod query;
mod write;

pub use self::{
    query::{EventQuery, FoundSessions, GrantQuery, SessionQuery},
    write::{Contest, Write},
};
use crate::audit::AuditEvent;

/// Everything one step writes: all of it is committed, or none. No fact without its event, no event without its fact.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// In order; contested ones are applied first.
    pub writes: Vec<Write>,
    /// The events that record them.
    pub events: Vec<AuditEvent>,
}

impl Changes {
    /// Adds a write.
    #[must_use]
    pub fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Adds a write, if there is one.
    #[must_use]
    pub fn and(mut self, write: Option<Write>) -> Self {
        self.writes.extend(write);
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(mut self, event: AuditEvent) -> Self {
        self.events.push(event);
        self
    }
}

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A contested write lost; nothing of the `Changes` was written. An answer, not a fault.
    #[error("lost a race: {0:?}")]
    Conflict(Contest),
    /// Nothing was asked of the store: it is only tried what would be.
    #[error("nothing was written, because it was only tried")]
    Rehearsed,
    /// The database can't be used now.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A row can't be read. The text never has the value in it.
    #[error("{table}.{column} of {id} can't be read")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// Which row.
        id: String,
    },
}
