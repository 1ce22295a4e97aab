//! Reading the configuration again while the house is open: all of it holds from the next request on, or none of it does.

mod difference;
mod scope;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::Mutex;
use tracing::error;
use vestibule_domain::{
    configuration::{ConfigurationChange, SettingFault, ShownSetting},
    ports::{Configuration, Observer},
    provider::Definition,
    settings::Settings,
};
use vestibule_flows::{FixedProvider, Outgoing, Renewal};
use vestibule_http::{ClientCertificates, HttpSettings, Standing, door::Reload};
use vestibule_telemetry::{LogFilter, Metrics};

use self::{difference::difference, scope::needs_restart};
use crate::{
    config::{
        Config, ProviderConfig, Written,
        fault::{Fault, Faults},
        layers::Layered,
        show,
    },
    wire,
};

/// Reads the configuration as it was read at the start.
pub(crate) type Reader = dyn Fn() -> Result<Written, Faults> + Send + Sync;

/// What holds, and what to read when somebody asks for it again.
pub(crate) struct LiveConfiguration {
    read: Arc<Reader>,
    logs: LogFilter,
    metrics: Arc<Metrics>,
    observer: Arc<dyn Observer>,
    started: Started,
    /// One reload at a time.
    turn: Mutex<()>,
    held: RwLock<Held>,
    standing: OnceLock<Arc<Standing>>,
    certificates: OnceLock<Vec<Reload>>,
}

/// As it was at the start: what only a restart changes holds as it is written here. Of everything else, nothing is kept: a database of places is large.
struct Started {
    layered: Arc<Layered>,
    settings: Settings,
    certificates: ClientCertificates,
    admin_apart: bool,
}

impl Started {
    fn of(written: &Written) -> Self {
        let HttpSettings { certificates, admin_apart, .. } = wire::http_settings(&written.config);
        Self { layered: written.layered.clone(), settings: written.config.settings.clone(), certificates, admin_apart }
    }
}

/// What holds.
#[derive(Clone)]
struct Held {
    written: Written,
    providers: Vec<FixedProvider>,
    outgoing: Outgoing,
}

/// What would hold next.
struct Plan {
    held: Held,
    renewal: Renewal,
    http: HttpSettings,
    change: ConfigurationChange,
    /// Providers that are passed over.
    broken: Faults,
}

/// What it is made of.
pub(crate) struct LiveParts {
    pub(crate) read: Arc<Reader>,
    pub(crate) logs: LogFilter,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) written: Written,
    pub(crate) providers: Vec<FixedProvider>,
    pub(crate) outgoing: Outgoing,
}

impl LiveConfiguration {
    /// What was read at the start holds.
    pub(crate) fn new(parts: LiveParts) -> Self {
        let LiveParts { read, logs, metrics, observer, written, providers, outgoing } = parts;
        metrics.config_read(true, wire::clock().now());
        let started = Started::of(&written);
        let held = RwLock::new(Held { written, providers, outgoing });
        Self {
            read,
            logs,
            metrics,
            observer,
            started,
            turn: Mutex::default(),
            held,
            standing: OnceLock::new(),
            certificates: OnceLock::new(),
        }
    }

    /// Which house is to be replaced.
    pub(crate) fn stands(&self, standing: &Arc<Standing>) {
        let _ = self.standing.set(standing.clone());
    }

    /// What reads the certificates of each door again.
    pub(crate) fn renews(&self, certificates: Vec<Reload>) {
        let _ = self.certificates.set(certificates);
    }

    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what is written and makes everything that it needs. Nothing of it is at work yet.
    async fn plan(&self) -> Result<Plan, Faults> {
        let read = self.read.clone();
        // Files may lie on a network.
        let written = tokio::task::spawn_blocking(move || read()).await.unwrap_or_else(|_| Err(broke_down()))?;
        let held = self.held();
        let config = &written.config;
        let other_egress = is_reached_otherwise(&held.written, &written);
        let outgoing = if other_egress { wire::outgoing(config, &self.observer)? } else { held.outgoing.clone() };
        let mut configured = wire::configured(config, outgoing.factory.as_ref())?;
        if !other_egress {
            keep_the_same(&mut configured.providers, config, &held);
        }
        let mut change = difference(&self.started.layered, &held.written, &written);
        change.warnings = configured.faults.0.iter().cloned().map(Into::into).collect();
        let renewal = Renewal {
            settings: bound(&self.started.settings, &config.settings),
            bootstrap_key: Some(config.bootstrap_key.clone()),
            providers: configured.providers.clone(),
            sinks: wire::sinks(config)?,
            outgoing: other_egress.then(|| outgoing.clone()),
            atlas: wire::atlas(config),
        };
        let Started { certificates, admin_apart, .. } = &self.started;
        let http = HttpSettings { certificates: certificates.clone(), admin_apart: *admin_apart, ..wire::http_settings(config) };
        let held = Held { written, providers: configured.providers, outgoing };
        Ok(Plan { held, renewal, http, change, broken: configured.faults })
    }

    /// Lives by a plan. Nothing here can fail half-way: everything was made before.
    fn carry_out(&self, plan: Plan) -> ConfigurationChange {
        wire::tell_of_broken(&plan.broken);
        let filter = &plan.held.written.config.telemetry.log_filter;
        if let Err(error) = self.logs.set(filter) {
            error!(%error, "the log filter can't be changed");
        }
        if let Some(standing) = self.standing.get() {
            let house = standing.house();
            standing.replace(Arc::new(house.renewed(house.gateway().renewed(plan.renewal), plan.http)));
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = plan.held;
        plan.change
    }
}

#[async_trait]
impl Configuration for LiveConfiguration {
    async fn shown(&self) -> Vec<ShownSetting> {
        let of = |layered: &Layered, at_restart: bool| {
            let all = show::shown(layered).into_iter().filter(move |shown| needs_restart(&shown.key) == at_restart);
            all.map(move |shown| ShownSetting { key: shown.key, value: shown.value, origin: shown.origin.into(), at_restart })
        };
        let mut all: Vec<_> = of(&self.started.layered, true).chain(of(&self.held().written.layered, false)).collect();
        // As the layers have it, in the order of names; providers by their numbers.
        all.sort_by_cached_key(|shown| scope::in_order(&shown.key));
        all
    }

    async fn check(&self) -> Result<ConfigurationChange, Vec<SettingFault>> {
        let _turn = self.turn.lock().await;
        self.plan().await.map(|plan| plan.change).map_err(told)
    }

    async fn reload(&self) -> Result<ConfigurationChange, Vec<SettingFault>> {
        let _turn = self.turn.lock().await;
        // A slip in the configuration must not keep a certificate from being renewed.
        for error in self.certificates.get().into_iter().flatten().filter_map(|door| door.reload().err()) {
            error!(%error, "the TLS certificate can't be renewed; the previous one stays in use");
        }
        let planned = self.plan().await;
        self.metrics.config_read(planned.is_ok(), wire::clock().now());
        match planned {
            Ok(plan) => Ok(self.carry_out(plan)),
            Err(faults) => {
                for fault in &faults.0 {
                    error!("the configuration can't be used, and the one before holds: {fault}");
                }
                Err(told(faults))
            }
        }
    }
}

fn broke_down() -> Faults {
    let message = "the configuration could not be read: the reader broke down; the log says where".to_owned();
    Fault { origin: None, key: String::new(), message, add: Vec::new() }.into()
}

fn told(faults: Faults) -> Vec<SettingFault> {
    faults.0.into_iter().map(Into::into).collect()
}

/// What only a restart changes stays as it was.
fn bound(started: &Settings, written: &Settings) -> Settings {
    Settings { issuer: started.issuer.clone(), client_certificates: started.client_certificates.clone(), ..written.clone() }
}

/// Whether others are reached in another way than before; the certificates of their authorities may have changed in a file of the same name.
fn is_reached_otherwise(held: &Written, written: &Written) -> bool {
    held.layered.effective["egress"] != written.layered.effective["egress"]
        || held.config.egress.extra_roots != written.config.egress.extra_roots
}

/// Providers of which nothing changed stay the very same: what they fetched and what is known of their health is not lost.
fn keep_the_same(providers: &mut [FixedProvider], config: &Config, held: &Held) {
    for (provider, configured) in providers.iter_mut().zip(&config.providers) {
        let before = held.written.config.providers.iter().zip(&held.providers).find(|(before, _)| is_the_same(before, configured));
        if let Some((_, kept)) = before {
            *provider = kept.clone();
        }
    }
}

fn is_the_same(before: &ProviderConfig, now: &ProviderConfig) -> bool {
    before.id == now.id
        && before.source.file == now.source.file
        && matches!((&before.definition, &now.definition), (Ok(one), Ok(other)) if is_equal(one, other))
}

fn is_equal(one: &Definition, other: &Definition) -> bool {
    one.settings == other.settings && difference::same_secrets(one, other)
}
