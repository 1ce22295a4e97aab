//! When keys of the admin API and secrets of clients were used last: noted in memory where they are used, and written once a minute, so that no request
//! waits for it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use vestibule_domain::{
    api_key::UsedId,
    client::Client,
    ids::SecretId,
    store::{Changes, StoreError, Write},
    time::Timestamp,
};

use crate::{AdminFault, Gateway};

/// More than are used in a minute; what comes beyond is noted in the next.
const MOST: usize = 20_000;

/// What was used since it was last written.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<HashMap<UsedId, Timestamp>>);

impl Uses {
    /// Notes a use.
    pub(crate) fn note(&self, id: impl Into<UsedId>, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = id.into();
        if noted.len() < MOST || noted.contains_key(&id) {
            noted.insert(id, now);
        }
    }

    fn take(&self) -> HashMap<UsedId, Timestamp> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Gateway {
    /// Writes what was used since it was last called. Run every minute, and once before the house closes.
    pub async fn write_uses(&self) -> Result<usize, StoreError> {
        let noted = self.uses.take();
        let changes = noted.iter().fold(Changes::default(), |changes, (id, at)| changes.write(Write::NoteUse { id: *id, at: *at }));
        if changes.writes.is_empty() {
            return Ok(0);
        }
        let written = self.store.commit(changes).await;
        if written.is_err() {
            for (id, at) in &noted {
                self.uses.note(*id, *at);
            }
        }
        written.map(|()| noted.len())
    }

    /// When the secrets of these clients were used last, those that ever were; to the minute.
    pub async fn secrets_used(&self, clients: &[Client]) -> Result<BTreeMap<SecretId, Timestamp>, AdminFault> {
        let ids: Vec<UsedId> = clients.iter().flat_map(|client| &client.secrets).map(|secret| secret.id.into()).collect();
        let used = self.store.last_uses(&ids).await.map_err(AdminFault::Store)?;
        Ok(used.into_iter().map(|(id, at)| (SecretId(id.0), at)).collect())
    }
}
