//! What the house does by itself: signing keys that follow one another by their dates, and sweeping out what has expired.

use serde_json::{Map, Value, json};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Source, Witness},
    change::difference,
    client::SigningAlg,
    keys::{Forward, Pace, SigningKey},
    ports::SignerError,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{AdminFault, Gateway};

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
        let keys = self.store.signing_keys().await?;
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
        self.learn_keys().await
    }

    /// Installs the keys there are, and makes none: for whoever only looks.
    pub async fn learn_keys(&self) -> Result<Vec<SigningKey>, KeysError> {
        let now = self.clock().now();
        let mut keys = self.store.signing_keys().await?;
        keys.retain(|key| key.is_published(now));
        self.signer.install(&keys)?;
        Ok(keys)
    }

    /// Every signing key that is published or will sign, in the order of their algorithms and dates.
    pub async fn shown_keys(&self) -> Result<Vec<SigningKey>, AdminFault> {
        let mut keys = self.store.signing_keys().await.map_err(AdminFault::Store)?;
        keys.retain(|key| key.is_published(self.clock().now()));
        keys.sort_by_key(|key| (key.alg, key.signs_from));
        Ok(keys)
    }

    /// Brings the next key of an algorithm, or of each, forward. Several nodes, or operators, may at once: one of them is first, and the others
    /// are told. This node knows the new keys at once, the others within a minute, which is before they sign.
    pub async fn rotate_keys(
        &self,
        witness: &Witness,
        actor: &Actor,
        alg: Option<SigningAlg>,
        pace: Pace,
    ) -> Result<Vec<SigningKey>, AdminFault> {
        let keys = self.store.signing_keys().await.map_err(AdminFault::Store)?;
        let signing: Vec<_> = keys.iter().filter(|key| key.signs(witness.now)).map(|key| key.alg).collect();
        if let Some(alg) = alg.filter(|alg| !signing.contains(alg)) {
            return Err(AdminFault::at("/alg", &format!("has no signing key; add \"{alg}\" to keys.algorithms in the configuration")));
        }
        let mut changes = Changes::default();
        for &alg in signing.iter().filter(|signing| alg.is_none_or(|alg| alg == **signing)) {
            if let Some(forward) = self.settings.rotation.brought_forward(&keys, alg, pace, witness.now) {
                changes = self.rotated(witness, actor, changes, &keys, forward)?;
            }
        }
        self.commit(changes).await.map_err(|error| AdminFault::of_write(error, Contest::SigningKey))?;
        self.keep_keys().await.map_err(|error| match error {
            KeysError::Store(error) => AdminFault::Store(error),
            KeysError::Signer(error) => no_key(&error),
        })?;
        self.shown_keys().await
    }

    fn rotated(
        &self,
        witness: &Witness,
        actor: &Actor,
        mut changes: Changes,
        keys: &[SigningKey],
        forward: Forward,
    ) -> Result<Changes, AdminFault> {
        for key in forward.redated {
            let Some(as_read) = keys.iter().find(|read| read.kid == key.kid) else { continue };
            let change = difference(&facts(as_read), &facts(&key));
            let event = AuditEvent { actor: actor.clone(), change, ..self.key_event(witness, EventName::KeyRotated, &key) };
            let (signed_from, signed_until) = (as_read.signs_from, as_read.signs_until);
            changes = changes.write(Write::RedateSigningKey { key, signed_from, signed_until }).event(event);
        }
        if let Some(wanted) = forward.made {
            let (kid, sealed) = self.signer.generate(wanted.alg).map_err(|error| no_key(&error))?;
            let key = self.settings.rotation.dated(kid, &wanted, sealed, witness.now);
            let change = difference(&Map::new(), &facts(&key));
            let event = AuditEvent { actor: actor.clone(), change, ..self.key_event(witness, EventName::KeyRotated, &key) };
            changes = changes.write(Write::AddSigningKey(key)).event(event);
        }
        Ok(changes)
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
        Ok(swept + self.forget_unused_clients().await?)
    }

    /// Apps that registered themselves, or are known by a document, and that nobody has used for long; and what people allowed them.
    async fn forget_unused_clients(&self) -> Result<u64, StoreError> {
        let witness = self.own_witness();
        let mut forgotten = 0;
        for (id, kept_until) in self.store.unused_clients(witness.now, SWEPT_AT_ONCE).await? {
            let event = self.event(&witness, EventName::ClientExpired, Outcome::Success, Actor::System);
            let changes = Changes::default()
                .write(Write::DropUnusedClient { id: id.clone(), kept_until })
                .write(Write::DropClientConsents { client: id.clone() })
                .event(AuditEvent { client: Some(id), ..event });
            match self.commit(changes).await {
                Ok(()) => forgotten += 1,
                // Somebody uses it at this moment, or another node was faster.
                Err(StoreError::Conflict(Contest::Client)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(forgotten)
    }

    /// How many sessions are alive.
    pub async fn sessions_alive(&self) -> Result<u64, StoreError> {
        self.store.count_sessions(self.clock().now() - self.settings.lifetimes.session_idle).await
    }

    /// Our own acts come from nowhere.
    pub(crate) fn own_witness(&self) -> Witness {
        Witness { now: self.clock().now(), source: Source::default(), trace_id: None }
    }

    fn key_event(&self, witness: &Witness, name: EventName, key: &SigningKey) -> AuditEvent {
        AuditEvent {
            detail: Some(format!("{} {} signs from {} until {}", key.alg, key.kid, stamp(key.signs_from), stamp(key.signs_until))),
            ..self.event(witness, name, Outcome::Success, Actor::System)
        }
    }
}

/// A key in the words of the admin API, under its name, for the record of a change.
fn facts(key: &SigningKey) -> Map<String, Value> {
    let dates = json!({
        "alg": key.alg.as_str(),
        "signs_from": stamp(key.signs_from),
        "signs_until": stamp(key.signs_until),
        "published_until": stamp(key.published_until),
    });
    Map::from_iter([(key.kid.clone(), dates)])
}

/// Keys that can't be made or opened are the operator's to mend, and the log says why.
fn no_key(error: &SignerError) -> AdminFault {
    tracing::error!(%error, "the signing keys could not be rotated");
    AdminFault::Store(StoreError::Unavailable(error.to_string()))
}

fn stamp(at: Timestamp) -> String {
    at.to_string()
}
