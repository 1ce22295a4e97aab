//! A gateway on fakes: real rules, real cryptography, a clock and a provider in the test's hand.

use std::{net::IpAddr, sync::Arc, time::Duration};

use secrecy::SecretString;
use vestibule_crypto::{KeySealer, LocalChecker, LocalNotary, LocalProofReader, LocalSigner, SealingKey, SystemEntropy};
use vestibule_domain::{
    audit::{Actor, AuditEvent, Source, Witness, chain::SealRules},
    claims::Claims,
    client::{Client, SigningAlg},
    detection::{DetectionRules, Place},
    health::BreakerState,
    ids::ProviderId,
    keys::Rotation,
    limits::Limits,
    ports::{Atlas, BackChannel, Clock, IdentityProvider, Observer, ProviderFactory, Store},
    provider::{Definition, Need, Phase, PresetCard, ProviderTerms},
    registration::{Draft, FieldFault},
    self_registration::SelfRegistration,
    settings::{CertificateSettings, ConsoleSettings, Lifetimes, Settings},
    time::Timestamp,
    upstream::{RefreshOutcome, RefreshRules},
};
use vestibule_flows::{FixedProvider, Gateway, Parts, Sink, Statistics, Together};

use crate::{
    clock::StoppedClock, fake_back_channel::FakeBackChannel, fake_client_keys::FakeClientKeys, fake_configuration::FakeConfiguration,
    fake_documents::FakeDocuments, fake_provider::FakeProvider, memory_store::MemoryStore,
};

/// What differs from the plain gateway.
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
pub struct RigOptions {
    /// Our issuer.
    pub issuer: String,
    /// What everything is sealed under.
    pub sealing_key: &'static str,
    /// Names of the providers.
    pub providers: Vec<&'static str>,
    /// Rules of those that have other rules than the usual.
    pub terms: Vec<(&'static str, ProviderTerms)>,
    /// Whether one provider alone is gone to without a page.
    pub straight_through: bool,
    /// Which apps may register themselves.
    pub registration: SelfRegistration,
    /// Whether every DPoP proof needs a nonce.
    pub dpop_nonce: bool,
    /// What there is for clients with certificates.
    pub client_certificates: CertificateSettings,
    /// How often anybody may ask.
    pub limits: Limits,
    /// Who may come into the console.
    pub console: ConsoleSettings,
    /// How audit events are sealed.
    pub audit: SealRules,
    /// Where they are sent on to.
    pub sinks: Vec<Sink>,
    /// What is unusual.
    pub detections: DetectionRules,
    /// Where addresses are.
    pub atlas: Option<FakeAtlas>,
    /// Who looks on, beside the statistics.
    pub observers: Vec<Arc<dyn Observer>>,
}

impl Default for RigOptions {
    fn default() -> Self {
        Self {
            issuer: "https://sso.example.com".into(),
            sealing_key: SEALING_KEY,
            providers: vec!["acme", "other"],
            terms: Vec::new(),
            straight_through: true,
            registration: SelfRegistration::default(),
            dpop_nonce: true,
            client_certificates: CertificateSettings::default(),
            limits: Limits::default(),
            console: ConsoleSettings::default(),
            audit: SealRules::default(),
            sinks: Vec::new(),
            detections: DetectionRules::default(),
            atlas: None,
            observers: Vec::new(),
        }
    }
}

/// The fakes of a gateway.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the fake of that port")]
pub struct Rig {
    pub store: Arc<MemoryStore>,
    pub clock: Arc<StoppedClock>,
    pub providers: Vec<Arc<FakeProvider>>,
    pub back_channel: Arc<FakeBackChannel>,
    pub client_keys: Arc<FakeClientKeys>,
    pub documents: Arc<FakeDocuments>,
    pub configuration: Arc<FakeConfiguration>,
}

const SEALING_KEY: &str = "6b1f0c58a1c94e0e9d3f27b4a85d71f2c40e6a9b8d3c5f17e2a4960bd8317c5e";

/// The key of the admin API.
pub const ADMIN_KEY: &str = "rig-bootstrap-key-0123456789abcdefghijklm";

impl Rig {
    /// A gateway, ready to be asked, and its fakes.
    pub async fn gateway(options: RigOptions) -> (Gateway, Self) {
        Self::gateway_on(options, Arc::default()).await
    }

    /// The same on a store that is there.
    pub async fn gateway_on(options: RigOptions, store: Arc<MemoryStore>) -> (Gateway, Self) {
        let clock = Arc::new(StoppedClock::default());
        let documents = Arc::new(FakeDocuments::default());
        let configuration = Arc::new(FakeConfiguration::default());
        let named = |name: &&'static str| match options.terms.iter().find(|(of, _)| of == name) {
            Some((_, terms)) => FakeProvider::with(name, terms.clone()),
            None => FakeProvider::named(name),
        };
        let providers: Vec<_> = options.providers.iter().map(named).map(Arc::new).collect();
        let sealing_key = SealingKey::parse(options.sealing_key).expect("a key");
        let sealer = Arc::new(KeySealer::new(sealing_key, Vec::new()));
        store.open_with(sealer.clone());
        let back_channel = Arc::<FakeBackChannel>::default();
        let algorithms = vec![SigningAlg::Es256, SigningAlg::Rs256];
        let client_keys = Arc::new(FakeClientKeys::default());
        let statistics = Arc::new(Statistics::new(clock.clone()));
        let gateway = Gateway::new(Parts {
            store: store.clone(),
            signer: Arc::new(LocalSigner::new(options.issuer.clone(), sealer.clone())),
            checker: Arc::new(LocalChecker::default()),
            client_keys: client_keys.clone(),
            proofs: Arc::new(LocalProofReader::default()),
            sealer,
            notary: Arc::new(LocalNotary),
            entropy: Arc::new(SystemEntropy),
            clock: clock.clone(),
            observer: Arc::new(Together([options.observers, vec![statistics.clone()]].concat())),
            statistics,
            providers: providers.iter().map(fixed).collect(),
            factory: Arc::new(FakeFactory),
            back_channel: back_channel.clone() as Arc<dyn BackChannel>,
            documents: documents.clone(),
            configuration: configuration.clone(),
            sinks: options.sinks,
            atlas: options.atlas.map(|atlas| Arc::new(atlas) as Arc<dyn Atlas>),
            settings: Settings {
                issuer: options.issuer,
                lifetimes: Lifetimes::default(),
                rotation: Rotation { algorithms, ..Rotation::default() },
                straight_through: options.straight_through,
                dpop_nonce: options.dpop_nonce,
                limits: options.limits,
                console: options.console,
                audit: options.audit,
                detections: options.detections,
                upstream: RefreshRules::default(),
                registration: options.registration,
                client_certificates: options.client_certificates,
            },
            bootstrap_key: Some(SecretString::from(ADMIN_KEY)),
        });
        gateway.keep_keys().await.expect("keys are made");
        (gateway, Self { store, clock, providers, back_channel, client_keys, documents, configuration })
    }

    /// A request's witness, from nowhere in particular.
    pub fn witness(&self) -> Witness {
        Witness { now: self.clock.now(), source: Source { ip: "192.0.2.7".parse().ok(), user_agent: None, country: None }, trace_id: None }
    }

    /// Registers a client; returns it with its secret, if it has one.
    pub async fn register(&self, gateway: &Gateway, id: &str, draft: Draft) -> (Client, Option<String>) {
        let actor = Actor::AdminKey("rig".into());
        let (client, secret) = gateway.create_client(&self.witness(), &actor, Some(id), &draft).await.expect("a good registration");
        (client, secret.map(|new| secrecy::ExposeSecret::expose_secret(&new.secret).to_owned()))
    }

    /// Every audit event so far, by name.
    pub fn events(&self) -> Vec<AuditEvent> {
        self.store.all_events()
    }

    /// The store, as its port.
    pub fn port(&self) -> &dyn Store {
        self.store.as_ref()
    }
}

fn fixed(provider: &Arc<FakeProvider>) -> FixedProvider {
    let made = provider.clone() as Arc<dyn IdentityProvider>;
    FixedProvider { id: made.card().id.clone(), file: "rig.toml".into(), made: Ok(made) }
}

/// Makes fakes of whatever has the preset `fake`.
#[derive(Clone, Copy, Debug)]
pub struct FakeFactory;

impl ProviderFactory for FakeFactory {
    fn make(&self, definition: &Definition) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>> {
        let fault = |pointer: &str, message: &str| Err(vec![FieldFault { pointer: pointer.into(), message: message.into() }]);
        match definition.settings.get("preset").and_then(|preset| preset.as_str()) {
            Some("fake") if !definition.secrets.contains_key("client_secret") => fault("/client_secret", "is missing"),
            Some("fake") => Ok(Arc::new(FakeProvider::named(definition.id.as_str()))),
            _ => fault("/preset", "must be fake"),
        }
    }

    fn leads_elsewhere(&self, before: &Claims, after: &Claims) -> bool {
        ["issuer", "token_endpoint", "host"].iter().any(|name| before.get(*name) != after.get(*name))
    }

    fn presets(&self) -> Vec<PresetCard> {
        let register = "Register {callback} there.".to_owned();
        vec![PresetCard {
            name: "fake".into(),
            label: "Fake".into(),
            icon: None,
            console: None,
            register,
            needs_issuer: true,
            variables: Vec::new(),
            needs: vec![Need { name: "client_secret", help: "As the provider gave it to us.", is_secret: true }],
        }]
    }

    fn secret_settings(&self) -> &'static [&'static str] {
        &["client_secret"]
    }
}

/// A map of a few addresses.
#[derive(Clone, Debug, Default)]
pub struct FakeAtlas(pub Vec<(IpAddr, Place)>);

impl Atlas for FakeAtlas {
    fn place(&self, ip: IpAddr) -> Option<Place> {
        self.0.iter().find(|(known, _)| *known == ip).map(|(_, place)| place.clone())
    }
}

/// Nobody counts.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Observer for Unwatched {
    fn observed(&self, _: &AuditEvent) {}
    fn upstream_called(&self, _: &ProviderId, _: Phase, _: &'static str, _: Duration) {}
    fn provider_health(&self, _: &ProviderId, _: BreakerState) {}
    fn provider_secret_expires(&self, _: &ProviderId, _: Option<Timestamp>) {}
    fn upstream_refreshed(&self, _: &ProviderId, _: RefreshOutcome) {}
}
