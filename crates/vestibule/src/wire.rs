//! Where the house is put together: the only place that names concrete adapters.

use std::sync::Arc;

use secrecy::ExposeSecret;
use tracing::{info, warn};
use vestibule_crypto::{KeySealer, LocalSigner, SystemClock, SystemEntropy};
use vestibule_domain::{
    ids::ProviderId,
    ports::{Clock, Entropy, IdentityProvider, Observer, Sealer, Store},
};
use vestibule_flows::{Gateway, Parts};
use vestibule_http::{House, HttpSettings};
use vestibule_persistence::{CommitStats, SqlStore, StoreOptions};
use vestibule_playground::PretendIssuer;
use vestibule_providers::{
    egress::{Egress, EgressOptions, EgressSetupError},
    oidc::{OidcProvider, OidcSettings, SettingsFault},
};
use vestibule_telemetry::{Build, Metrics};

use crate::{
    config::{
        Config, StoreSettings,
        fault::{Fault, Faults},
        layers::Origins,
    },
    failure::Failure,
    watch::Watch,
};

/// The house, with the handles that starting and stopping need.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) house: Arc<House>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Arc<SqlStore>,
    providers: Vec<Arc<OidcProvider>>,
}

/// Opens the database and puts the house on it. Nothing is asked of any provider yet.
pub(crate) async fn build(config: &Config) -> Result<Built, Failure> {
    let metrics = Arc::new(metrics(config));
    let observer: Arc<dyn Observer> = Arc::new(Watch(metrics.clone()));
    let providers = providers(config, &observer).map_err(|fault| Faults::from(*fault))?;
    let sealer: Arc<dyn Sealer> = Arc::new(KeySealer::new(config.sealing.current.clone(), config.sealing.previous.clone()));
    let store = Arc::new(open_store(&config.store, &metrics).await?);
    let gateway = Gateway::new(Parts {
        store: store.clone() as Arc<dyn Store>,
        signer: Arc::new(LocalSigner::new(config.settings.issuer.clone(), sealer.clone())),
        sealer,
        entropy: entropy(),
        clock: clock(),
        observer,
        providers: providers.iter().map(|provider| provider.clone() as Arc<dyn IdentityProvider>).collect(),
        settings: config.settings.clone(),
        bootstrap_key: Some(config.bootstrap_key.clone()),
    });
    let settings = HttpSettings { trusted_proxies: config.listen.trusted_proxies.clone() };
    let house = Arc::new(House::new(gateway, metrics.clone(), settings));
    Ok(Built { house, metrics, store, providers })
}

impl Built {
    /// Asks every provider for its metadata and keys, so that the first person needn't wait for it; one that is down stops nobody.
    pub(crate) fn warm_providers(&self) {
        for provider in &self.providers {
            let provider = provider.clone();
            tokio::spawn(async move {
                let id = &provider.card().id;
                match provider.check().await {
                    Ok(()) => info!(provider.id = %id, "{id} is there"),
                    Err(error) => warn!(provider.id = %id, "{id} can't be used now, and is asked again when somebody chooses it: {error}"),
                }
            });
        }
    }
}

/// Whether the providers' settings hold, as far as can be said without asking them.
pub(crate) fn check_providers(config: &Config, origins: &Origins) -> Result<(), Faults> {
    let observer: Arc<dyn Observer> = Arc::new(metrics(config));
    match providers(config, &observer) {
        Ok(_) => Ok(()),
        Err(fault) => Err(Fault { origin: origins.near(&fault.key), ..*fault }.into()),
    }
}

/// Opens the database for reading the audit log. It must be there and up to date.
pub(crate) async fn open_to_read(settings: &StoreSettings) -> Result<SqlStore, Failure> {
    let options = StoreOptions { readers: 1, migrate: false, read_only: true, ..StoreOptions::new(settings.url.expose_secret()) };
    Ok(SqlStore::connect(&options).await?)
}

/// The pretend provider of `vestibule dev`.
pub(crate) fn pretend_issuer(port: u16) -> std::io::Result<PretendIssuer> {
    PretendIssuer::bind(crate::dev::local(port), clock(), entropy())
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy)
}

fn metrics(config: &Config) -> Metrics {
    let ids: Vec<&ProviderId> = config.providers.iter().map(|provider| &provider.id).collect();
    let revision = option_env!("VESTIBULE_REVISION").unwrap_or("unknown");
    Metrics::new(ids, Build { version: env!("CARGO_PKG_VERSION"), revision })
}

async fn open_store(settings: &StoreSettings, metrics: &Arc<Metrics>) -> Result<SqlStore, Failure> {
    let metrics = metrics.clone();
    let on_commit = Arc::new(move |commit: CommitStats| metrics.committed(commit.batch, commit.took));
    let options = StoreOptions { readers: settings.readers, on_commit: Some(on_commit), ..StoreOptions::new(settings.url.expose_secret()) };
    Ok(SqlStore::connect(&options).await?)
}

fn providers(config: &Config, observer: &Arc<dyn Observer>) -> Result<Vec<Arc<OidcProvider>>, Box<Fault>> {
    let options = EgressOptions { propagate: Some(Arc::new(vestibule_telemetry::inject)), ..config.egress.clone() };
    let egress = Egress::new(options).map_err(|error| Box::new(egress_fault(error)))?;
    let provider = |(number, settings): (usize, &OidcSettings)| {
        let made = OidcProvider::new(settings.clone(), egress.clone(), clock(), entropy(), observer.clone());
        made.map(Arc::new).map_err(|fault| Box::new(settings_fault(number, settings, &fault)))
    };
    config.providers.iter().enumerate().map(provider).collect()
}

fn egress_fault(error: EgressSetupError) -> Fault {
    let (key, add): (_, &[&str]) = match error {
        EgressSetupError::Root(_) => ("egress.extra_roots_file", &[]),
        EgressSetupError::Tls => {
            ("egress", &["apt-get install ca-certificates", "    or", "[egress]", "extra_roots_file = \"/etc/vestibule/roots.pem\""])
        }
    };
    let add = add.iter().map(|line| (*line).to_owned()).collect();
    Fault { origin: None, key: key.into(), message: format!("can't be used: {error}"), add }
}

/// In the words of the configuration.
fn settings_fault(number: usize, settings: &OidcSettings, fault: &SettingsFault) -> Fault {
    let (name, add) = match fault {
        SettingsFault::IssuerAddress => ("issuer", allow_line(&settings.issuer)),
        SettingsFault::Issuer => ("issuer", Vec::new()),
        SettingsFault::ClientId => ("client_id", Vec::new()),
        SettingsFault::Algorithms => ("algorithms", Vec::new()),
        SettingsFault::Scope => ("scopes", Vec::new()),
    };
    Fault { origin: None, key: format!("providers[{number}].{name}"), message: format!("can't be used: {fault}"), add }
}

/// The line that lets an issuer on the premises be reached.
fn allow_line(issuer: &str) -> Vec<String> {
    let url = url::Url::parse(issuer).ok();
    let authority = url.as_ref().and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    authority.map_or_else(Vec::new, |authority| vec!["[egress]".into(), format!("allow = [\"{authority}\"]")])
}
