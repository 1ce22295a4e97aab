//! The gateway: the ports, wired once, and the few steps that every flow shares.

use std::{collections::BTreeMap, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::Client,
    ids::ProviderId,
    policy,
    ports::{Clock, Entropy, IdentityProvider, Observer, Sealer, Store, TokenSigner},
    provider::ProviderCard,
    registration::Offered,
    secret::{Digest, Purpose},
    settings::Settings,
    store::{Changes, StoreError, Write},
};

use crate::throttle::{Budget, Spent, TakenUp, Throttle};

/// What a gateway is made of.
#[expect(missing_docs, reason = "each is the port of that name")]
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub signer: Arc<dyn TokenSigner>,
    pub sealer: Arc<dyn Sealer>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn Observer>,
    pub providers: Vec<Arc<dyn IdentityProvider>>,
    pub settings: Settings,
    /// The key that opens the admin API before there are others; without one it stays shut.
    pub bootstrap_key: Option<SecretString>,
}

/// The core of the house. `http` calls its methods; each is a use case.
pub struct Gateway {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) signer: Arc<dyn TokenSigner>,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) providers: BTreeMap<ProviderId, Arc<dyn IdentityProvider>>,
    pub(crate) settings: Settings,
    pub(crate) secret_failures: Throttle,
    pub(crate) strangers: Budget,
    pub(crate) taken_up: TakenUp,
    pub(crate) bootstrap_key: Option<Digest>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("settings", &self.settings).field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let providers = parts.providers.into_iter().map(|provider| (provider.card().id.clone(), provider)).collect();
        let digest = |key: SecretString| parts.sealer.tag(Purpose::AdminKey, key.expose_secret().as_bytes());
        Self {
            bootstrap_key: parts.bootstrap_key.map(digest),
            store: parts.store,
            signer: parts.signer,
            sealer: parts.sealer,
            entropy: parts.entropy,
            observer: parts.observer,
            providers,
            settings: parts.settings,
            secret_failures: Throttle::default(),
            strangers: Budget::default(),
            taken_up: TakenUp::default(),
            clock: parts.clock,
        }
    }

    /// The settings, for what `http` has to say of them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The clock, to be read once a request.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Our public keys.
    pub fn signer(&self) -> &dyn TokenSigner {
        self.signer.as_ref()
    }

    /// Randomness, for ids of requests.
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// Whether what the gateway needs answers: its database. An upstream's outage is not ours.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// What people know a provider as.
    pub fn provider_label(&self, id: &ProviderId) -> Option<&str> {
        self.providers.get(id).map(|provider| provider.card().label.as_str())
    }

    /// The providers through which people may come to `client`, in the order of their names.
    pub(crate) fn providers_for(&self, client: &Client) -> Vec<ProviderCard> {
        let allowed = self.providers.values().filter(|provider| policy::may_use_provider(client, &provider.card().id));
        allowed.map(|provider| provider.card().clone()).collect()
    }

    /// What a registration may refer to.
    pub(crate) fn offered(&self, witness: &Witness) -> Offered {
        Offered { providers: self.providers.keys().cloned().collect(), algorithms: self.signer.algorithms(witness.now) }
    }

    /// Commits, and then lets the observer count what was committed.
    pub(crate) async fn commit(&self, mut changes: Changes) -> Result<(), StoreError> {
        in_order(&mut changes.events);
        let events = changes.events.clone();
        self.store.commit(changes).await?;
        for event in &events {
            self.observer.observed(event);
        }
        Ok(())
    }

    /// Lets the observer count an event that is not stored, because a stranger can cause it at will (attack 84).
    pub(crate) fn seen(&self, event: &AuditEvent) {
        self.observer.observed(event);
    }

    /// Records a failure that a stranger can cause, and what else it writes. Stored within a budget a minute; beyond it counted and
    /// logged, and that this began is stored. Never itself a reason to fail: what it records has failed already.
    pub(crate) async fn record_failure(&self, witness: &Witness, event: AuditEvent, writes: Vec<Write>) {
        let changes = match self.strangers.spend(event.name, witness.now) {
            Spent::Fits => Changes { writes, events: vec![event] },
            Spent::RunsOut => {
                self.seen(&event);
                let detail = Some(format!("{} is not stored for the rest of the minute", event.name));
                let limited = self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous);
                Changes::default().event(AuditEvent { detail, reason: Some(Reason::EventRate), ..limited })
            }
            Spent::Over => return self.seen(&event),
        };
        match self.commit(changes).await {
            // What was contested is settled already, by somebody else's record.
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => tracing::error!(%error, "a failure could not be recorded in the audit log"),
        }
    }

    pub(crate) fn event(&self, witness: &Witness, name: EventName, outcome: Outcome, actor: Actor) -> AuditEvent {
        witness.event(name, outcome, actor, self.entropy.as_ref())
    }
}

/// Events of one step read in the order it made them: their ids, of one millisecond and otherwise random, are dealt out ascending.
fn in_order(events: &mut [AuditEvent]) {
    let mut ids: Vec<_> = events.iter().map(|event| event.id).collect();
    ids.sort_unstable();
    for (event, id) in events.iter_mut().zip(ids) {
        event.id = id;
    }
}
