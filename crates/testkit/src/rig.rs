//! A gateway on fakes: real rules, real cryptography, a clock and a provider in the test's hand.

use std::sync::Arc;

use secrecy::SecretString;
use vestibule_crypto::{KeySealer, LocalSigner, SealingKey, SystemEntropy};
use vestibule_domain::{
    audit::{Actor, AuditEvent, Source, Witness},
    client::{Client, SigningAlg},
    ids::ProviderId,
    keys::Rotation,
    ports::{Clock, IdentityProvider, Observer, Store},
    provider::Phase,
    registration::Draft,
    settings::{Lifetimes, Settings},
};
use vestibule_flows::{Gateway, Parts};

use crate::{clock::StoppedClock, fake_provider::FakeProvider, memory_store::MemoryStore};

/// What differs from the plain gateway.
#[derive(Debug)]
pub struct RigOptions {
    /// Our issuer.
    pub issuer: String,
    /// Names of the providers.
    pub providers: Vec<&'static str>,
    /// Whether one provider alone is gone to without a page.
    pub straight_through: bool,
}

impl Default for RigOptions {
    fn default() -> Self {
        Self { issuer: "https://sso.example.com".into(), providers: vec!["acme", "other"], straight_through: true }
    }
}

/// The fakes of a gateway.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the fake of that port")]
pub struct Rig {
    pub store: Arc<MemoryStore>,
    pub clock: Arc<StoppedClock>,
    pub providers: Vec<Arc<FakeProvider>>,
}

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
        let providers: Vec<_> = options.providers.iter().map(|name| Arc::new(FakeProvider::named(name))).collect();
        let sealing_key = SealingKey::parse("6b1f0c58a1c94e0e9d3f27b4a85d71f2c40e6a9b8d3c5f17e2a4960bd8317c5e").expect("a key");
        let sealer = Arc::new(KeySealer::new(sealing_key, Vec::new()));
        let algorithms = vec![SigningAlg::Es256, SigningAlg::Rs256];
        let gateway = Gateway::new(Parts {
            store: store.clone(),
            signer: Arc::new(LocalSigner::new(options.issuer.clone(), sealer.clone())),
            sealer,
            entropy: Arc::new(SystemEntropy),
            clock: clock.clone(),
            observer: Arc::new(Unwatched),
            providers: providers.iter().map(|provider| provider.clone() as Arc<dyn IdentityProvider>).collect(),
            settings: Settings {
                issuer: options.issuer,
                lifetimes: Lifetimes::default(),
                rotation: Rotation { algorithms, ..Rotation::default() },
                straight_through: options.straight_through,
            },
            bootstrap_key: Some(SecretString::from(ADMIN_KEY)),
        });
        gateway.keep_keys().await.expect("keys are made");
        (gateway, Self { store, clock, providers })
    }

    /// A request's witness, from nowhere in particular.
    pub fn witness(&self) -> Witness {
        Witness { now: self.clock.now(), source: Source { ip: "192.0.2.7".parse().ok(), user_agent: None }, trace_id: None }
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

/// Nobody counts.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Observer for Unwatched {
    fn observed(&self, _: &AuditEvent) {}
    fn upstream_called(&self, _: &ProviderId, _: Phase, _: &'static str, _: std::time::Duration) {}
}
