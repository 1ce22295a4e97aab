//! The providers as they are now: those of the configuration, and those the admin API made, each behind its breaker.
//!
//! There is no list to be told of changes: each request asks the store, whose cache every commit keeps true on every node, and only when what it
//! answers differs are the providers that changed made anew. One that can't be made hurts nobody else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Instant,
};

use secrecy::SecretString;
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Source, Witness},
    client::Client,
    door::{self, Offer},
    health::{Breaker, BreakerRules, BreakerState, Checked},
    ids::ProviderId,
    policy,
    ports::{IdentityProvider, Observer, ProviderFactory, Sealer},
    provider::{Definition, ProviderError, ProviderTerms, StoredProvider},
    registration::FieldFault,
    secret::Purpose,
    store::{Changes, StoreError},
    time::Timestamp,
};

use crate::{Fault, Gateway};

/// Where a provider comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagedBy {
    /// The configuration, and which file of it.
    File(String),
    /// The admin API.
    Api,
}

/// A provider of the configuration.
#[derive(Clone)]
pub struct FixedProvider {
    /// Its name.
    pub id: ProviderId,
    /// Which file it stands in.
    pub file: String,
    /// The provider, or what is wrong with it: it is there, and nobody can use it.
    pub made: Result<Arc<dyn IdentityProvider>, Vec<FieldFault>>,
}

impl std::fmt::Debug for FixedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FixedProvider").field("id", &self.id).field("file", &self.file).finish_non_exhaustive()
    }
}

/// One provider as it is now.
pub struct Provider {
    /// Its name.
    pub id: ProviderId,
    /// Where it comes from.
    pub managed_by: ManagedBy,
    /// As an operator set it.
    pub disabled: bool,
    /// The version of its definition; 0 for one of the configuration.
    pub version: i64,
    /// The provider, or what is wrong with its definition.
    pub made: Result<Arc<dyn IdentityProvider>, Vec<FieldFault>>,
    breaker: Mutex<Breaker>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

impl Provider {
    /// The provider, if people may come through it.
    pub(crate) fn open(&self) -> Option<&Arc<dyn IdentityProvider>> {
        self.made.as_ref().ok().filter(|_| !self.disabled)
    }

    /// Its rules, if it is one that people come through.
    pub(crate) fn terms(&self) -> Option<&ProviderTerms> {
        self.open().map(|provider| provider.terms())
    }

    fn fixed(fixed: FixedProvider) -> Self {
        let FixedProvider { id, file, made } = fixed;
        Self { id, managed_by: ManagedBy::File(file), disabled: false, version: 0, made, breaker: Mutex::default() }
    }

    /// Whether this is what the configuration has, neither written nor made anew.
    fn is_the_same(&self, fixed: &FixedProvider) -> bool {
        let same_made = match (&self.made, &fixed.made) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            (Err(one), Err(other)) => one == other,
            _ => false,
        };
        same_made && self.id == fixed.id && matches!(&self.managed_by, ManagedBy::File(file) if *file == fixed.file)
    }

    /// What is done with requests to it now.
    pub fn health(&self, now: Timestamp) -> BreakerState {
        lock(&self.breaker).state(now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All of them, in the order of the house: those of the configuration as they stand there, then the others by name.
#[derive(Debug, Default)]
pub struct Providers {
    all: Vec<Arc<Provider>>,
    by_id: BTreeMap<ProviderId, usize>,
    source: Arc<[StoredProvider]>,
}

impl Providers {
    fn new(all: Vec<Arc<Provider>>, source: Arc<[StoredProvider]>) -> Self {
        let by_id = all.iter().enumerate().map(|(at, provider)| (provider.id.clone(), at)).collect();
        Self { all, by_id, source }
    }

    /// In the order of the house.
    pub fn all(&self) -> &[Arc<Provider>] {
        &self.all
    }

    /// One, whatever state it is in.
    pub fn find(&self, id: &ProviderId) -> Option<&Arc<Provider>> {
        self.by_id.get(id).map(|at| &self.all[*at])
    }

    /// The rules of one that people come through.
    pub(crate) fn terms(&self, id: &ProviderId) -> Option<&ProviderTerms> {
        self.find(id)?.terms()
    }

    /// Those through which people may come to `client`, as they are shown to them.
    pub(crate) fn offers(&self, client: &Client, now: Timestamp) -> Vec<Offer> {
        let offer = |provider: &Arc<Provider>| {
            let adapter = provider.open()?;
            Some(Offer::new(adapter.card(), adapter.terms(), provider.health(now) != BreakerState::Closed))
        };
        let offers = if client.allowed_providers.is_empty() {
            self.all.iter().filter_map(offer).collect()
        } else {
            client.allowed_providers.iter().filter_map(|id| offer(self.find(id)?)).collect()
        };
        door::in_order(offers)
    }
}

/// Keeps them up to date.
pub(crate) struct Doorkeeper {
    factory: Arc<dyn ProviderFactory>,
    sealer: Arc<dyn Sealer>,
    observer: Arc<dyn Observer>,
    fixed: Vec<Arc<Provider>>,
    now: RwLock<Arc<Providers>>,
}

impl Doorkeeper {
    pub(crate) fn new(
        factory: Arc<dyn ProviderFactory>,
        sealer: Arc<dyn Sealer>,
        observer: Arc<dyn Observer>,
        fixed: Vec<FixedProvider>,
    ) -> Self {
        let fixed: Vec<_> = fixed.into_iter().map(|fixed| Arc::new(Provider::fixed(fixed))).collect();
        for provider in &fixed {
            observer.provider_health(&provider.id, BreakerState::Closed);
        }
        let now = RwLock::new(Arc::new(Providers::new(fixed.clone(), Arc::default())));
        Self { factory, sealer, observer, fixed, now }
    }

    /// The same with other providers of the configuration. Those that are the very same, and those of the admin API, stay as they are; that includes
    /// what is known of their health.
    pub(crate) fn renewed(&self, factory: Option<Arc<dyn ProviderFactory>>, fixed: Vec<FixedProvider>) -> Self {
        let place = self.last_known();
        let known = |fixed: &FixedProvider| self.fixed.iter().find(|known| known.is_the_same(fixed)).cloned();
        let anew = |fixed: FixedProvider| {
            self.observer.provider_health(&fixed.id, BreakerState::Closed);
            Arc::new(Provider::fixed(fixed))
        };
        let fixed: Vec<_> = fixed.into_iter().map(|fixed| known(&fixed).unwrap_or_else(|| anew(fixed))).collect();
        let (sealer, observer) = (self.sealer.clone(), self.observer.clone());
        // Another way to reach providers makes those of the admin API anew as well, when they are asked for next.
        let reached_anew = factory.is_some();
        let factory = factory.unwrap_or_else(|| self.factory.clone());
        let renewed = Self { factory, sealer, observer, fixed, now: RwLock::default() };
        let before = if reached_anew { Providers::default() } else { Providers::new(place.all.clone(), Arc::default()) };
        let all = renewed.assembled(&before, &place.source);
        renewed.say_farewell(&place, &all);
        *renewed.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Providers::new(all, place.source.clone()));
        renewed
    }

    pub(crate) fn factory(&self) -> &dyn ProviderFactory {
        self.factory.as_ref()
    }

    /// Those of the configuration and the stored ones whose names they leave; what did not change since `before` is not made anew.
    fn assembled(&self, before: &Providers, stored: &[StoredProvider]) -> Vec<Arc<Provider>> {
        let mut all = self.fixed.clone();
        all.extend(stored.iter().filter(|stored| self.fixed.iter().all(|fixed| fixed.id != stored.id)).map(|stored| {
            let before = before.find(&stored.id).filter(|before| before.managed_by == ManagedBy::Api && before.version == stored.version);
            before.cloned().unwrap_or_else(|| self.make(stored))
        }));
        all
    }

    /// Of those that are gone nothing is told any more: nobody waits for their secrets.
    fn say_farewell(&self, before: &Providers, all: &[Arc<Provider>]) {
        for gone in before.all.iter().filter(|known| all.iter().all(|provider| provider.id != known.id)) {
            self.observer.provider_health(&gone.id, BreakerState::Closed);
            self.observer.provider_secret_expires(&gone.id, None);
        }
    }

    /// The providers, for what the store has now.
    fn providers(&self, stored: &Arc<[StoredProvider]>) -> Arc<Providers> {
        let known = self.last_known();
        if Arc::ptr_eq(&known.source, stored) || is_same(&known.source, stored) {
            return known;
        }
        let mut place = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if is_same(&place.source, stored) {
            return place.clone();
        }
        let all = self.assembled(&place, stored);
        self.say_farewell(&place, &all);
        *place = Arc::new(Providers::new(all, stored.clone()));
        place.clone()
    }

    /// As it was when the store was asked last.
    pub(crate) fn last_known(&self) -> Arc<Providers> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn make(&self, stored: &StoredProvider) -> Arc<Provider> {
        let made = match definition(stored, self.sealer.as_ref()) {
            Some(definition) => self.factory.make(&definition),
            None => Err(vec![FieldFault {
                pointer: "/client_secret".into(),
                message: "can't be opened; is this the sealing key it was stored with? Write the secrets anew".into(),
            }]),
        };
        if let Err(faults) = &made {
            let first = faults.first().map(|fault| format!("{} {}", fault.pointer, fault.message)).unwrap_or_default();
            tracing::error!(provider.id = %stored.id, "{} can't be used: {first}", stored.id);
        }
        self.observer.provider_health(&stored.id, BreakerState::Closed);
        Arc::new(Provider {
            id: stored.id.clone(),
            managed_by: ManagedBy::Api,
            disabled: stored.disabled,
            version: stored.version,
            made,
            breaker: Mutex::default(),
        })
    }

    /// A stored provider's definition with its secrets opened; nothing if they can't be.
    pub(crate) fn definition(&self, stored: &StoredProvider) -> Option<Definition> {
        definition(stored, self.sealer.as_ref())
    }
}

/// A stored provider's definition with its secrets opened; nothing if the sealing key is another than they were sealed with.
pub fn definition(stored: &StoredProvider, sealer: &dyn Sealer) -> Option<Definition> {
    let secrets = match &stored.secrets {
        None => BTreeMap::new(),
        Some(sealed) => {
            let plain = sealer.open(Purpose::ProviderSecrets, stored.id.as_str().as_bytes(), sealed)?;
            let texts: BTreeMap<String, String> = serde_json::from_slice(&plain).ok()?;
            texts.into_iter().map(|(name, text)| (name, SecretString::from(text))).collect()
        }
    };
    Some(Definition { id: stored.id.clone(), settings: stored.settings.clone(), secrets })
}

/// Without the caches every read makes a new list; the versions tell whether it says anything new.
fn is_same(known: &[StoredProvider], stored: &[StoredProvider]) -> bool {
    let alike = |(known, stored): (&StoredProvider, &StoredProvider)| {
        known.id == stored.id && known.version == stored.version && known.created == stored.created
    };
    known.len() == stored.len() && known.iter().zip(stored).all(alike)
}

impl Gateway {
    /// The providers as they are now.
    pub async fn providers(&self) -> Result<Arc<Providers>, StoreError> {
        Ok(self.doorkeeper.providers(&self.store.providers().await?))
    }

    /// A provider that exists, is open, and through which people may come to this client.
    pub(crate) async fn provider_for(&self, client: &Client, id: &ProviderId) -> Result<Arc<Provider>, Fault> {
        let providers = self.providers().await.map_err(Fault::Store)?;
        let found = providers.find(id).filter(|provider| provider.open().is_some() && policy::may_use_provider(client, id));
        found.cloned().ok_or(Fault::ProviderNotAllowed)
    }

    /// Asks a provider something, unless its breaker is open, and lets the breaker learn from how it went.
    pub(crate) async fn ask<T>(
        &self,
        provider: &Provider,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        self.ask_and_learn(provider, asked, Breaker::succeeded).await
    }

    /// Asks a provider for the way to it. That it is known says nothing of how the provider is now: mostly it was kept from before.
    pub(crate) async fn ask_the_way<T>(
        &self,
        provider: &Provider,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        self.ask_and_learn(provider, asked, Breaker::gave_no_sign).await
    }

    async fn ask_and_learn<T>(
        &self,
        provider: &Provider,
        asked: impl Future<Output = Result<T, ProviderError>>,
        went_well: fn(&mut Breaker),
    ) -> Result<T, ProviderError> {
        let rules = BreakerRules::default();
        let began_in = {
            let now = self.clock().now();
            let mut breaker = lock(&provider.breaker);
            if !breaker.admits(now) {
                let until = breaker.open_until().unwrap_or(now).max(now);
                return Err(ProviderError::Paused { until });
            }
            breaker.state(now)
        };
        if began_in == BreakerState::HalfOpen {
            self.observer.provider_health(&provider.id, began_in);
        }
        let answered = asked.await;
        let now = self.clock().now();
        let (before, after) = {
            let mut breaker = lock(&provider.breaker);
            let before = breaker.state(now);
            match &answered {
                // Decided by what the browser brought: anybody can write `error=server_error` into our callback's address.
                Err(error) if error.is_of_the_browser() => breaker.gave_no_sign(),
                Err(ProviderError::Unreachable { .. }) => breaker.failed(now, &rules),
                _ => went_well(&mut breaker),
            }
            (before, breaker.state(now))
        };
        if before != after {
            self.health_changed(provider, after, answered.as_ref().err(), now).await;
        }
        answered
    }

    async fn health_changed(&self, provider: &Provider, to: BreakerState, error: Option<&ProviderError>, now: Timestamp) {
        self.observer.provider_health(&provider.id, to);
        let witness = Witness { now, source: Source::default(), trace_id: None };
        let well = to == BreakerState::Closed;
        let outcome = if well { Outcome::Success } else { Outcome::Failure };
        let event = AuditEvent {
            provider: Some(provider.id.clone()),
            reason: (!well).then_some(Reason::UpstreamUnreachable),
            detail: Some(match error {
                Some(error) => format!("{to}: {error}"),
                None => to.to_string(),
            }),
            ..self.event(&witness, EventName::ProviderHealthChanged, outcome, Actor::System)
        };
        if let Err(error) = self.commit(Changes::default().event(event)).await {
            tracing::error!(%error, "a provider's change of health could not be recorded");
        }
    }

    /// Looks at every provider, all at once so that one that hangs keeps nobody from the others: whether what it publishes can be had, and when our secret there expires. To be called now and then; a provider whose
    /// breaker is open is looked at when it is time to look again.
    pub async fn probe_providers(&self) -> Result<(), StoreError> {
        let mut looks = tokio::task::JoinSet::new();
        for provider in self.providers().await?.all() {
            let (gateway, provider) = (self.clone(), provider.clone());
            looks.spawn(async move { gateway.probe(&provider).await });
        }
        while looks.join_next().await.is_some() {}
        Ok(())
    }

    /// Looks at one provider.
    pub async fn probe(&self, provider: &Provider) {
        let Some(adapter) = provider.open() else {
            // Nobody comes through it, so nothing of it is about to stop working.
            self.observer.provider_secret_expires(&provider.id, None);
            return;
        };
        let began = Instant::now();
        match self.ask_and_learn(provider, adapter.check(), Breaker::looked_well).await {
            Ok(Checked { secret_expires, warnings, .. }) => {
                self.observer.provider_secret_expires(&provider.id, secret_expires);
                for warning in warnings {
                    tracing::warn!(provider.id = %provider.id, "{}: {warning}", provider.id);
                }
            }
            Err(ProviderError::Paused { .. }) => {}
            Err(error) => {
                let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(provider.id = %provider.id, took_ms, "{} can't be used now: {error}", provider.id);
            }
        }
    }
}
