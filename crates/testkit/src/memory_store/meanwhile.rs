//! What happens between two reads of somebody else: the sealer, the sweep and other nodes never wait for each other.

use std::pin::Pin;

use super::{MemoryStore, lock};

/// A kind of read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At the head of the chain.
    Chain,
    /// At events by their moments.
    Events,
    /// At events in the order of the chain.
    Sequenced,
    /// At events outside of the chain.
    Unsealed,
}

/// What is to happen after which read.
pub(super) type Meanwhile = Option<(Look, Pin<Box<dyn Future<Output = ()> + Send>>)>;

impl MemoryStore {
    /// Once, right after the next read of this kind has seen what it answers, lets this happen.
    pub fn meanwhile(&self, after: Look, happens: impl Future<Output = ()> + Send + 'static) {
        *lock(&self.meanwhile) = Some((after, Box::pin(happens)));
    }

    pub(super) async fn looked(&self, at: Look) {
        let due = lock(&self.meanwhile).take_if(|(after, _)| *after == at);
        if let Some((_, happens)) = due {
            happens.await;
        }
    }
}
