//! The gateway: the ports, wired once, and the few steps that every flow shares.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{
    account::{Account, Link},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::Client,
    ids::{AccountId, ClientId, LinkId, ProviderId},
    policy::{self, Refusal},
    ports::{
        Atlas, BackChannel, ClientDocuments, ClientKeys, Clock, Configuration, Entropy, Notary, Observer, ProofReader, ProviderFactory,
        Sealer, SignatureChecker, Store, TokenSigner,
    },
    registration::Offered,
    secret::{Digest, Purpose},
    settings::Settings,
    store::{Changes, StoreError, Write},
};

use crate::{
    FixedProvider,
    client_documents::Shelf,
    console,
    detections::Memory,
    device::Paces,
    limits::Gates,
    own_page::OwnClient,
    providers::Doorkeeper,
    rehearsal::Rehearsed,
    sinks::Sink,
    stats::{Lately, Statistics},
    throttle::{Budget, Daily, Spent, TakenUp, Throttle},
    uses::Uses,
};

/// What a gateway is made of.
#[expect(missing_docs, reason = "each is the port of that name, or the providers of the configuration")]
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub signer: Arc<dyn TokenSigner>,
    pub checker: Arc<dyn SignatureChecker>,
    pub client_keys: Arc<dyn ClientKeys>,
    pub proofs: Arc<dyn ProofReader>,
    pub sealer: Arc<dyn Sealer>,
    pub notary: Arc<dyn Notary>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    /// Whoever counts what happens; the statistics must be among them.
    pub observer: Arc<dyn Observer>,
    pub statistics: Arc<Statistics>,
    pub providers: Vec<FixedProvider>,
    pub factory: Arc<dyn ProviderFactory>,
    pub back_channel: Arc<dyn BackChannel>,
    pub documents: Arc<dyn ClientDocuments>,
    pub configuration: Arc<dyn Configuration>,
    pub sinks: Vec<Sink>,
    pub atlas: Option<Arc<dyn Atlas>>,
    pub settings: Settings,
    /// The key that opens the admin API before there are others; without one it stays shut.
    pub bootstrap_key: Option<SecretString>,
}

/// What changes when the configuration is read again.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
pub struct Renewal {
    /// What decisions go by.
    pub settings: Settings,
    /// Opens the admin API.
    pub bootstrap_key: Option<SecretString>,
    /// The providers of the configuration. One that is the very same as before keeps its breaker.
    pub providers: Vec<FixedProvider>,
    /// Where audit events are sent on to.
    pub sinks: Vec<Sink>,
    /// How others are reached, if that differs.
    pub outgoing: Option<Outgoing>,
    /// Where addresses are, if the operator has that.
    pub atlas: Option<Arc<dyn Atlas>>,
}

/// The ports that go out of the house.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the port of that name")]
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
pub struct Outgoing {
    pub client_keys: Arc<dyn ClientKeys>,
    pub factory: Arc<dyn ProviderFactory>,
    pub back_channel: Arc<dyn BackChannel>,
    pub documents: Arc<dyn ClientDocuments>,
}

/// The core of the house. `http` calls its methods; each is a use case. Cheap to clone: what must be finished whoever goes away holds one of its own.
#[derive(Clone)]
pub struct Gateway {
    core: Arc<Core>,
    /// Where what would be written goes, if nothing is to be.
    rehearsed: Option<Rehearsed>,
}

/// What all clones share: what a reload may change, and through it what it never does.
pub struct Core {
    pub(crate) settings: Settings,
    pub(crate) own_page: OwnClient,
    pub(crate) console: OwnClient,
    pub(crate) gates: Arc<Gates>,
    pub(crate) bootstrap_key: Option<Digest>,
    pub(crate) client_keys: Arc<dyn ClientKeys>,
    pub(crate) back_channel: Arc<dyn BackChannel>,
    pub(crate) documents: Arc<Shelf>,
    pub(crate) doorkeeper: Doorkeeper,
    pub(crate) sinks: Arc<[Sink]>,
    pub(crate) atlas: Option<Arc<dyn Atlas>>,
    lasting: Arc<Lasting>,
}

/// What lasts as long as the process: what it keeps, what it counts, and the ports behind both.
pub struct Lasting {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) signer: Arc<dyn TokenSigner>,
    pub(crate) checker: Arc<dyn SignatureChecker>,
    pub(crate) proofs: Arc<dyn ProofReader>,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) notary: Arc<dyn Notary>,
    /// What this node is known as to the others while it runs.
    pub(crate) node: uuid::Uuid,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) lately: Lately,
    pub(crate) configuration: Arc<dyn Configuration>,
    pub(crate) secret_failures: Throttle,
    pub(crate) registrations: Throttle,
    pub(crate) kept_today: Daily<ClientId>,
    pub(crate) strangers: Budget,
    pub(crate) strangers_of_clients: Throttle,
    pub(crate) strangers_in_all: Budget,
    pub(crate) taken_up: TakenUp,
    pub(crate) device_paces: Paces,
    pub(crate) uses: Uses,
    pub(crate) detector_memory: Mutex<Option<Memory>>,
    clock: Arc<dyn Clock>,
}

/// How often apps may register from one address, and in how long: an office behind one address sets up no more in an hour.
const MOST_REGISTRATIONS: u32 = 20;
const REGISTRATIONS_IN: Duration = Duration::from_hours(1);

impl std::ops::Deref for Gateway {
    type Target = Core;
    fn deref(&self) -> &Core {
        &self.core
    }
}

impl std::ops::Deref for Core {
    type Target = Lasting;
    fn deref(&self) -> &Lasting {
        &self.lasting
    }
}

impl std::fmt::Debug for Lasting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lasting").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let doorkeeper = Doorkeeper::new(parts.factory, parts.sealer.clone(), parts.observer.clone(), parts.providers);
        let mut name = [0; 16];
        parts.entropy.fill(&mut name);
        let node = uuid::Builder::from_random_bytes(name).into_uuid();
        let lasting = Lasting {
            store: parts.store,
            signer: parts.signer,
            checker: parts.checker,
            proofs: parts.proofs,
            sealer: parts.sealer.clone(),
            notary: parts.notary,
            node,
            entropy: parts.entropy,
            observer: parts.observer,
            statistics: parts.statistics,
            lately: Lately::default(),
            configuration: parts.configuration,
            secret_failures: Throttle::default(),
            registrations: Throttle::within(REGISTRATIONS_IN, MOST_REGISTRATIONS),
            kept_today: Daily::default(),
            strangers: Budget::default(),
            strangers_of_clients: Throttle::of(60),
            strangers_in_all: Budget::of(6_000),
            taken_up: TakenUp::default(),
            device_paces: Paces::default(),
            uses: Uses::default(),
            detector_memory: Mutex::default(),
            clock: parts.clock.clone(),
        };
        let core = Core {
            own_page: OwnClient::of(&parts.settings),
            console: console::client(&parts.settings),
            gates: Arc::new(Gates::new(&parts.settings.limits, &parts.clock)),
            bootstrap_key: tagged(parts.sealer.as_ref(), parts.bootstrap_key.as_ref()),
            settings: parts.settings,
            client_keys: parts.client_keys,
            back_channel: parts.back_channel,
            documents: Arc::new(Shelf::new(parts.documents)),
            doorkeeper,
            sinks: parts.sinks.into(),
            atlas: parts.atlas,
            lasting: Arc::new(lasting),
        };
        Self { core: Arc::new(core), rehearsed: None }
    }

    /// The same house by another configuration. What was counted and kept goes on counting: only limits that differ begin anew. Whoever is under way
    /// with the old one ends with it.
    #[must_use]
    pub fn renewed(&self, renewal: Renewal) -> Self {
        let Renewal { settings, bootstrap_key, providers, sinks, outgoing, atlas } = renewal;
        let factory = outgoing.as_ref().map(|outgoing| outgoing.factory.clone());
        // A document was read by the rules of its day.
        let same_rules = settings.registration == self.settings.registration;
        let (client_keys, back_channel, documents) = match outgoing {
            Some(outgoing) => {
                (outgoing.client_keys, outgoing.back_channel, Arc::new(self.documents.renewed(Some(outgoing.documents), same_rules)))
            }
            None => (self.client_keys.clone(), self.back_channel.clone(), Arc::new(self.documents.renewed(None, same_rules))),
        };
        let core = Core {
            own_page: OwnClient::of(&settings),
            console: console::client(&settings),
            gates: Arc::new(self.gates.renewed(&settings.limits, &self.clock)),
            bootstrap_key: tagged(self.sealer.as_ref(), bootstrap_key.as_ref()),
            settings,
            client_keys,
            back_channel,
            documents,
            doorkeeper: self.doorkeeper.renewed(factory, providers),
            sinks: sinks.into(),
            atlas,
            lasting: self.lasting.clone(),
        };
        Self { core: Arc::new(core), rehearsed: None }
    }

    /// The same gateway, but for what it writes: that goes where it can be looked at, and whoever wanted to write goes no further. What is decided is
    /// decided as ever, and refused as ever.
    pub fn rehearsing(&self) -> (Self, Rehearsed) {
        let rehearsed = Rehearsed::default();
        (Self { core: self.core.clone(), rehearsed: Some(rehearsed.clone()) }, rehearsed)
    }

    /// Whether nothing is to be written.
    pub(crate) const fn is_rehearsing(&self) -> bool {
        self.rehearsed.is_some()
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
    pub fn provider_label(&self, id: &ProviderId) -> Option<String> {
        self.doorkeeper.last_known().find(id)?.made.as_ref().ok().map(|provider| provider.card().label.clone())
    }

    /// The name of a provider's mark.
    pub fn provider_icon(&self, id: &ProviderId) -> Option<String> {
        self.doorkeeper.last_known().find(id)?.made.as_ref().ok()?.card().icon.clone()
    }

    /// What a registration may refer to.
    pub(crate) async fn offered(&self, witness: &Witness) -> Result<Offered, StoreError> {
        let providers = self.providers().await?.all().iter().map(|provider| provider.id.clone()).collect();
        let certificates = &self.settings.client_certificates;
        Ok(Offered {
            providers,
            algorithms: self.signer.algorithms(witness.now),
            client_certificates: certificates.reach_us,
            certificate_authorities: certificates.vouched_for,
        })
    }

    /// Whether a person who came by a link is wanted at a client, and the account and the link if so. Every use of what was given asks this.
    pub(crate) async fn standing(
        &self,
        client: &Client,
        account: &AccountId,
        link: &LinkId,
    ) -> Result<Result<(Arc<Account>, Arc<Link>), Refusal>, StoreError> {
        let Some(account) = self.store.account(account).await? else { return Ok(Err(Refusal::AccountDisabled)) };
        let link = self.store.link_by_id(link).await?.filter(|link| link.account == account.id);
        // Undone: whoever came by it has to come again, by another.
        let Some(link) = link else { return Ok(Err(Refusal::ProviderNotAllowed)) };
        let providers = self.providers().await?;
        let stands = policy::stands(client, &account, &link, providers.terms(&link.key.provider));
        Ok(stands.map(|()| (account, link)))
    }

    /// Who counts what happens, for what only the doors see.
    pub fn observer(&self) -> &dyn Observer {
        self.observer.as_ref()
    }

    /// Commits, and then lets the observer count what was committed.
    pub(crate) async fn commit(&self, mut changes: Changes) -> Result<(), StoreError> {
        in_order(&mut changes.events);
        if let Some(rehearsed) = &self.rehearsed {
            rehearsed.keep(&changes);
            return Err(StoreError::Rehearsed);
        }
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
        self.record_traced_failure(witness, event, writes, None).await;
    }

    /// The same of a login. Its trace is kept if its event is.
    pub(crate) async fn record_traced_failure(&self, witness: &Witness, event: AuditEvent, writes: Vec<Write>, trace: Option<Write>) {
        let changes = match self.strangers.spend(event.name, witness.now) {
            Spent::Fits => Changes { writes, events: vec![event] }.and(trace),
            Spent::RunsOut => {
                self.seen(&event);
                let detail = Some(format!("{} is not stored for the rest of the minute", event.name));
                let limited = self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous);
                Changes { writes, events: vec![AuditEvent { detail, reason: Some(Reason::EventRate), ..limited }] }
            }
            // What is written besides is a fact, whether or not its record is one too many.
            Spent::Over => {
                self.seen(&event);
                if writes.is_empty() {
                    return;
                }
                Changes { writes, events: Vec::new() }
            }
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

/// What is kept of the bootstrap key.
fn tagged(sealer: &dyn Sealer, key: Option<&SecretString>) -> Option<Digest> {
    key.map(|key| sealer.tag(Purpose::AdminKey, key.expose_secret().as_bytes()))
}

/// Events of one step read in the order it made them: their ids, of one millisecond and otherwise random, are dealt out ascending.
fn in_order(events: &mut [AuditEvent]) {
    let mut ids: Vec<_> = events.iter().map(|event| event.id).collect();
    ids.sort_unstable();
    for (event, id) in events.iter_mut().zip(ids) {
        event.id = id;
    }
}
