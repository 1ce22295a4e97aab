//! Who saw it: what the door knows of a request, and records made from that.

use super::{Actor, AuditEvent, EventName, Outcome, Source};
use crate::{ids::EventId, ports::Entropy, time::Timestamp};

/// What every event of one request shares; made once at the door.
#[derive(Clone, Debug)]
pub struct Witness {
    /// When the request came.
    pub now: Timestamp,
    /// From where.
    pub source: Source,
    /// The trace.
    pub trace_id: Option<String>,
}

impl Witness {
    /// A record with the shared parts filled in.
    pub fn event(&self, name: EventName, outcome: Outcome, actor: Actor, entropy: &dyn Entropy) -> AuditEvent {
        AuditEvent {
            id: EventId::new(self.now, entropy),
            time: self.now,
            name,
            outcome,
            reason: None,
            actor,
            account: None,
            client: None,
            provider: None,
            login: None,
            session: None,
            grant: None,
            grant_type: None,
            scopes: None,
            auth_method: None,
            bound_to: None,
            acr: None,
            amr: Vec::new(),
            audience: Vec::new(),
            acting: Vec::new(),
            took_ms: None,
            detail: None,
            trial: false,
            change: Vec::new(),
            source: self.source.clone(),
            personal: None,
            trace_id: self.trace_id.clone(),
            link: None,
        }
    }
}

/// For whom tokens are, for a record.
pub fn audience(audiences: &[String]) -> Vec<String> {
    audiences.iter().take(10).map(|audience| bounded_to(audience, 300)).collect()
}

/// A word of an upstream's, for a record: printable, and no longer than a name.
pub fn bounded(word: &str) -> String {
    bounded_to(word, 100)
}

/// The same, no longer than so many characters.
pub fn bounded_to(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}
