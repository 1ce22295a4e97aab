//! What the house does by itself: signing keys that follow one another by their dates, and sweeping out what has expired.

use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Source, Witness},
    keys::SigningKey,
    ports::SignerError,
    store::{Changes, StoreError, Write},
    time::Timestamp,
};

use crate::Gateway;

/// Why the keys could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key can't be made or opened.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// How many rows of each kind one sweep deletes, so that it never holds the writer for long.
const SWEPT_AT_ONCE: u64 = 1_000;

impl Gateway {
    /// Makes the keys that are due, forgets those past their time, and installs the rest. Run at start and every minute; several
    /// nodes may: a key follows another once.
    pub async fn keep_keys(&self) -> Result<Vec<SigningKey>, KeysError> {
        let witness = self.own_witness();
        let mut keys = self.store.signing_keys().await?;
        for wanted in self.settings.rotation.wanted(&keys, witness.now) {
            let (kid, sealed) = self.signer.generate(wanted.alg)?;
            let key = self.settings.rotation.dated(kid, &wanted, sealed, witness.now);
            let event = self.key_event(&witness, EventName::KeyRotated, &key);
            match self.commit(Changes::default().write(Write::AddSigningKey(key)).event(event)).await {
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for key in keys.iter().filter(|key| !key.is_published(witness.now)) {
            let event = self.key_event(&witness, EventName::KeyRetired, key);
            self.commit(Changes::default().write(Write::DropSigningKey { kid: key.kid.clone() }).event(event)).await?;
        }
        keys = self.store.signing_keys().await?;
        keys.retain(|key| key.is_published(witness.now));
        self.signer.install(&keys)?;
        Ok(keys)
    }

    /// Deletes what has expired, in small batches; returns how many rows went.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.clock().now();
        let sessions_before = now - self.settings.lifetimes.session_absolute;
        let mut swept = 0;
        for _ in 0..100 {
            let batch = self.store.sweep(now, sessions_before, SWEPT_AT_ONCE).await?;
            swept += batch;
            if batch < SWEPT_AT_ONCE {
                break;
            }
        }
        Ok(swept)
    }

    /// How many sessions are alive.
    pub async fn sessions_alive(&self) -> Result<u64, StoreError> {
        self.store.count_sessions(self.clock().now() - self.settings.lifetimes.session_idle).await
    }

    /// Our own acts come from nowhere.
    fn own_witness(&self) -> Witness {
        Witness { now: self.clock().now(), source: Source::default(), trace_id: None }
    }

    fn key_event(&self, witness: &Witness, name: EventName, key: &SigningKey) -> AuditEvent {
        AuditEvent {
            detail: Some(format!("{} {} signs from {} until {}", key.alg, key.kid, stamp(key.signs_from), stamp(key.signs_until))),
            ..self.event(witness, name, Outcome::Success, Actor::System)
        }
    }
}

fn stamp(at: Timestamp) -> String {
    at.to_string()
}
