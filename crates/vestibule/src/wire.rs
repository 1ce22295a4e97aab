//! Where the house is put together: the only place that names concrete adapters.

mod sinks;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::Value;
use tracing::error;
use vestibule_crypto::{KeySealer, LocalChecker, LocalNotary, LocalProofReader, LocalSigner, SystemClock, SystemEntropy};
use vestibule_domain::{
    claims::Claims,
    configuration::{ConfigurationChange, SettingFault, ShownSetting},
    ports::{Atlas, BackChannel, ClientDocuments, Clock, Configuration, Entropy, Observer, ProviderFactory, Sealer, Store, Undelivered},
    provider::{Definition, StoredProvider},
    redirect::RegisteredUri,
    registration::FieldFault,
};
use vestibule_flows::{FixedProvider, Gateway, Outgoing, Parts, Statistics, Together};
use vestibule_http::{House, HttpSettings, Standing};
use vestibule_persistence::{CommitStats, OnMigration, SchemaStanding, SqlStore, StoreOptions};
use vestibule_playground::PretendIssuer;
use vestibule_providers::{
    backchannel::GuardedBackChannel,
    client_documents::DocumentFetcher,
    client_keys::KeyFetcher,
    egress::{AllowedAddress, Egress, EgressOptions, EgressSetupError},
    factory::ProviderMaker,
};
use vestibule_telemetry::{Build, LogFilter, Metrics};

pub(crate) use self::sinks::sinks;
use crate::{
    config::{
        Config, ProviderConfig, Sealing, StoreSettings, Written,
        fault::{Fault, Faults},
        named_within, pointer,
    },
    failure::Failure,
    reload::{LiveConfiguration, LiveParts, Reader},
    watch::Watch,
};

/// The house, with the handles that starting and stopping need.
pub(crate) struct Built {
    pub(crate) standing: Arc<Standing>,
    pub(crate) configuration: Arc<LiveConfiguration>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Arc<SqlStore>,
    /// Where checkpoints of the audit log are written besides, if anywhere.
    pub(crate) checkpoints: Option<PathBuf>,
}

impl Built {
    /// The gateway of the house that stands now.
    pub(crate) fn gateway(&self) -> Gateway {
        self.standing.house().gateway().clone()
    }
}

/// Opens the database and puts the house on it. Nothing is asked of any provider yet. `read` is what reads the configuration again.
pub(crate) async fn build(written: &Written, read: Arc<Reader>, logs: LogFilter) -> Result<Built, Failure> {
    let config = &written.config;
    let metrics = Arc::new(if config.metrics_by_client { Metrics::by_client(this_build()) } else { Metrics::new(this_build()) });
    let statistics = Arc::new(Statistics::new(clock()));
    let observer: Arc<dyn Observer> = Arc::new(Together(vec![metrics.clone(), Arc::new(Watch), statistics.clone()]));
    let outgoing = outgoing(config, &observer)?;
    let configured = configured(config, outgoing.factory.as_ref())?;
    tell_of_broken(&configured.faults);
    let sealer = sealer(&config.sealing);
    let store = Arc::new(open_store(&config.store, &metrics, sealer.clone()).await?);
    let configuration = Arc::new(LiveConfiguration::new(LiveParts {
        read,
        logs,
        metrics: metrics.clone(),
        observer: observer.clone(),
        written: written.clone(),
        providers: configured.providers.clone(),
        outgoing: outgoing.clone(),
    }));
    let gateway = Gateway::new(Parts {
        store: store.clone() as Arc<dyn Store>,
        signer: Arc::new(LocalSigner::new(config.settings.issuer.clone(), sealer.clone())),
        checker: Arc::new(LocalChecker::default()),
        client_keys: outgoing.client_keys,
        proofs: Arc::new(LocalProofReader::default()),
        sealer,
        notary: Arc::new(LocalNotary),
        entropy: entropy(),
        clock: clock(),
        observer,
        statistics,
        providers: configured.providers,
        factory: outgoing.factory,
        back_channel: outgoing.back_channel,
        documents: outgoing.documents,
        configuration: configuration.clone(),
        sinks: sinks(config)?,
        atlas: atlas(config),
        settings: config.settings.clone(),
        bootstrap_key: Some(config.bootstrap_key.clone()),
    });
    let standing = Standing::new(Arc::new(House::new(gateway, metrics.clone(), http_settings(config))));
    configuration.stands(&standing);
    Ok(Built { standing, configuration, metrics, store, checkpoints: config.checkpoints.clone() })
}

/// Where addresses are, if the operator has that.
pub(crate) fn atlas(config: &Config) -> Option<Arc<dyn Atlas>> {
    config.atlas.clone().map(|atlas| atlas as Arc<dyn Atlas>)
}

/// What the web side goes by.
pub(crate) fn http_settings(config: &Config) -> HttpSettings {
    HttpSettings {
        trusted_proxies: config.listen.trusted_proxies.clone(),
        appearance: config.appearance.clone(),
        certificates: config.listen.certificates.clone(),
        admin_apart: config.admin.is_some(),
    }
}

/// The ways out of the house, all through the one guarded client.
pub(crate) fn outgoing(config: &Config, observer: &Arc<dyn Observer>) -> Result<Outgoing, Faults> {
    let egress = egress(config)?;
    Ok(Outgoing {
        client_keys: Arc::new(KeyFetcher::new(egress.clone(), clock())),
        factory: factory(egress.clone(), observer.clone()),
        back_channel: Arc::new(GuardedBackChannel::new(egress)),
        documents: documents(config)?,
    })
}

/// A gateway that nobody can knock at: for commands that look at what it would do, or do something in its stead.
pub(crate) fn onlooker(
    config: &Config,
    store: Arc<dyn Store>,
    factory: Arc<dyn ProviderFactory>,
    providers: Vec<FixedProvider>,
) -> Result<Gateway, Faults> {
    let sealer = sealer(&config.sealing);
    Ok(Gateway::new(Parts {
        store,
        signer: Arc::new(LocalSigner::new(config.settings.issuer.clone(), sealer.clone())),
        checker: Arc::new(LocalChecker::default()),
        client_keys: Arc::new(KeyFetcher::new(egress(config)?, clock())),
        proofs: Arc::new(LocalProofReader::default()),
        sealer,
        notary: Arc::new(LocalNotary),
        entropy: entropy(),
        clock: clock(),
        observer: Arc::new(metrics()),
        statistics: Arc::new(Statistics::new(clock())),
        providers,
        factory,
        back_channel: Arc::new(Mute),
        documents: documents(config)?,
        configuration: Arc::new(Mute),
        sinks: sinks(config)?,
        atlas: atlas(config),
        settings: config.settings.clone(),
        bootstrap_key: None,
    }))
}

/// The providers of the configuration.
#[derive(Debug)]
pub(crate) struct Configured {
    /// In the order of the configuration, those among them that can't be made.
    pub(crate) providers: Vec<FixedProvider>,
    /// What is wrong with files that are a provider's own. Everybody else's sign-in goes on without it.
    pub(crate) faults: Faults,
}

/// Says in the log which providers can't be used: at the start, and whenever the configuration is read again.
pub(crate) fn tell_of_broken(faults: &Faults) {
    for fault in &faults.0 {
        error!("a provider can't be used: {fault}");
    }
}

/// Makes the providers of the configuration. What is wrong in its main file is refused.
pub(crate) fn configured(config: &Config, factory: &dyn ProviderFactory) -> Result<Configured, Faults> {
    let (mut providers, mut refused, mut tolerated) = (Vec::new(), Vec::new(), config.lost.clone());
    for provider in &config.providers {
        let made = match &provider.definition {
            Ok(definition) => match factory.make(definition) {
                Ok(made) => Ok(made),
                Err(found) => {
                    let found = blamed(provider, found);
                    let faults = found.iter().map(|fault| in_our_words(config, provider, &definition.settings, fault));
                    if provider.source.own.is_some() {
                        tolerated.extend(faults);
                    } else {
                        refused.extend(faults);
                    }
                    Err(found)
                }
            },
            Err(faults) => {
                tolerated.extend(faults.0.iter().cloned());
                Err(faults.0.iter().map(|fault| FieldFault { pointer: String::new(), message: fault.to_string() }).collect())
            }
        };
        providers.push(FixedProvider { id: provider.id.clone(), file: provider.source.file.clone(), made });
    }
    if refused.is_empty() { Ok(Configured { providers, faults: Faults(tolerated) }) } else { Err(Faults(refused)) }
}

/// Of a secret that nobody read nothing can be said.
fn blamed(provider: &ProviderConfig, found: Vec<FieldFault>) -> Vec<FieldFault> {
    let is_unread = |fault: &FieldFault| provider.unread.iter().any(|name| fault.pointer.strip_prefix('/') == Some(name));
    found.into_iter().filter(|fault| !is_unread(fault)).collect()
}

/// A preset's fault as one of the configuration: where it stands, and the lines that mend it.
fn in_our_words(config: &Config, provider: &ProviderConfig, settings: &Claims, fault: &FieldFault) -> Fault {
    let key = pointer::key(&provider.at, &fault.pointer);
    let name = fault.pointer.trim_start_matches('/');
    let message = fault.message.strip_prefix(&format!("{name} ")).unwrap_or(&fault.message).to_owned();
    let add = if message.contains("allow-list") { allow_line(settings.get(name)) } else { Vec::new() };
    named_within(&provider.source, &provider.at, Fault { origin: config.origins.near(&key), key, message, add })
}

/// The line that lets an issuer on the premises be reached.
fn allow_line(address: Option<&Value>) -> Vec<String> {
    let url = address.and_then(Value::as_str).and_then(|text| url::Url::parse(text).ok());
    let authority = url.as_ref().and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    authority.map_or_else(Vec::new, |authority| vec!["[egress]".into(), format!("allow = [\"{authority}\"]")])
}

/// What fetches documents of clients.
fn documents(config: &Config) -> Result<Arc<dyn ClientDocuments>, Faults> {
    let fetcher = DocumentFetcher::new(egress_options(config)).map_err(egress_fault)?;
    Ok(Arc::new(fetcher))
}

fn egress_options(config: &Config) -> EgressOptions {
    let told = config.told_of_traces.clone();
    EgressOptions { propagate: Some(Arc::new(vestibule_telemetry::inject_for(told))), ..config.egress.clone() }
}

/// The one outgoing client.
fn egress(config: &Config) -> Result<Egress, Faults> {
    Egress::new(egress_options(config)).map_err(egress_fault)
}

/// The same, to ask ourselves by our own name, wherever that leads.
pub(crate) fn egress_to_ourselves(config: &Config, patience: Duration) -> Result<Egress, Faults> {
    let issuer = url::Url::parse(&config.settings.issuer).ok();
    let ourselves = issuer.and_then(|issuer| format!("{}:{}", issuer.host_str()?, issuer.port_or_known_default()?).parse().ok());
    let mut options = EgressOptions { connect_timeout: patience, timeout: patience, ..egress_options(config) };
    options.allow.extend(ourselves);
    Egress::new(options).map_err(egress_fault)
}

/// The same client for an operator's own gateway, which is where they say it is.
pub(crate) fn egress_to(gateway: AllowedAddress, extra_roots: Vec<Vec<u8>>) -> Result<Egress, EgressSetupError> {
    Egress::new(EgressOptions {
        // A page of two hundred clients with everything that may be in them.
        most_bytes: 32 << 20,
        timeout: Duration::from_mins(1),
        connect_timeout: Duration::from_secs(10),
        allow: vec![gateway],
        extra_roots,
        ..EgressOptions::default()
    })
}

/// What makes providers.
fn factory(egress: Egress, observer: Arc<dyn Observer>) -> Arc<dyn ProviderFactory> {
    Arc::new(ProviderMaker::new(egress, clock(), entropy(), observer))
}

/// The same for commands that count nothing.
pub(crate) fn quiet_factory(config: &Config) -> Result<Arc<dyn ProviderFactory>, Faults> {
    Ok(factory(egress(config)?, Arc::new(metrics())))
}

/// Who only looks tells nobody anything.
#[derive(Debug)]
struct Mute;

#[async_trait]
impl BackChannel for Mute {
    async fn send(&self, _: &RegisteredUri, _: &str) -> Result<(), Undelivered> {
        Err(Undelivered("this gateway only looks".into()))
    }
}

/// Nor does it live by anything but what it was started with.
#[async_trait]
impl Configuration for Mute {
    async fn shown(&self) -> Vec<ShownSetting> {
        Vec::new()
    }

    async fn check(&self) -> Result<ConfigurationChange, Vec<SettingFault>> {
        Ok(ConfigurationChange::default())
    }

    async fn reload(&self) -> Result<ConfigurationChange, Vec<SettingFault>> {
        Ok(ConfigurationChange::default())
    }
}

/// Whether the providers' settings hold, as far as can be said without asking them; those in files of their own too.
pub(crate) fn check_providers(config: &Config) -> Result<(), Faults> {
    let faults = configured(config, quiet_factory(config)?.as_ref())?.faults;
    if faults.0.is_empty() { Ok(()) } else { Err(faults) }
}

/// Opens the database for reading. It must be there and up to date. Without the sealing keys, what audit events say of people stays closed.
pub(crate) async fn open_to_read(settings: &StoreSettings, sealing: Option<&Sealing>) -> Result<SqlStore, Failure> {
    must_exist(settings)?;
    let options = StoreOptions {
        readers: 1,
        migrate: false,
        read_only: true,
        sealer: sealing.map(sealer),
        ..StoreOptions::new(settings.url.expose_secret())
    };
    Ok(SqlStore::connect(&options).await?)
}

/// Opens the database for a command that writes, beside the gateway or without it.
pub(crate) async fn open_to_write(settings: &StoreSettings, sealing: &Sealing) -> Result<SqlStore, Failure> {
    must_exist(settings)?;
    let options =
        StoreOptions { readers: 1, migrate: false, sealer: Some(sealer(sealing)), ..StoreOptions::new(settings.url.expose_secret()) };
    Ok(SqlStore::connect(&options).await?)
}

/// Which migrations the database lacks, and which a later release applied.
pub(crate) async fn standing(settings: &StoreSettings) -> Result<SchemaStanding, Failure> {
    Ok(SqlStore::standing(&StoreOptions { readers: 1, ..StoreOptions::new(settings.url.expose_secret()) }).await?)
}

/// Applies them, and makes the database if there is none.
pub(crate) async fn migrate(settings: &StoreSettings, told: OnMigration) -> Result<(), Failure> {
    SqlStore::connect(&StoreOptions { readers: 1, on_migration: Some(told), ..StoreOptions::new(settings.url.expose_secret()) })
        .await?
        .close()
        .await;
    Ok(())
}

/// Opening an SQLite database would make its file.
fn must_exist(settings: &StoreSettings) -> Result<(), Failure> {
    let Some(path) = settings.sqlite_file() else { return Ok(()) };
    if path.exists() {
        return Ok(());
    }
    Err(Failure::Plain(format!("there is no database at {}", settings.url.expose_secret())))
}

/// A stored provider as its maker wants it, its secrets opened; nothing if the sealing key is another than it was sealed with.
pub(crate) fn stored_definition(config: &Config, stored: &StoredProvider) -> Option<Definition> {
    vestibule_flows::provider_definition(stored, sealer(&config.sealing).as_ref())
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

fn sealer(sealing: &Sealing) -> Arc<dyn Sealer> {
    Arc::new(KeySealer::new(sealing.current.clone(), sealing.previous.clone()))
}

fn metrics() -> Metrics {
    Metrics::new(this_build())
}

fn this_build() -> Build {
    Build { version: env!("CARGO_PKG_VERSION"), revision: option_env!("VESTIBULE_REVISION").unwrap_or("unknown") }
}

async fn open_store(settings: &StoreSettings, metrics: &Arc<Metrics>, sealer: Arc<dyn Sealer>) -> Result<SqlStore, Failure> {
    let (of_writers, of_readers) = (metrics.clone(), metrics.clone());
    let on_commit = Arc::new(move |commit: CommitStats| of_writers.committed(commit.batch, commit.waiting, commit.took));
    let on_read = Arc::new(move |took| of_readers.read(took));
    let options = StoreOptions {
        readers: settings.readers,
        on_commit: Some(on_commit),
        on_read: Some(on_read),
        sealer: Some(sealer),
        ..StoreOptions::new(settings.url.expose_secret())
    };
    Ok(SqlStore::connect(&options).await?)
}

fn egress_fault(error: EgressSetupError) -> Faults {
    let (key, add): (_, &[&str]) = match error {
        EgressSetupError::Root(_) => ("egress.extra_roots_file", &[]),
        EgressSetupError::Tls => {
            ("egress", &["apt-get install ca-certificates", "    or", "[egress]", "extra_roots_file = \"/etc/vestibule/roots.pem\""])
        }
    };
    let add = add.iter().map(|line| (*line).to_owned()).collect();
    Fault { origin: None, key: key.into(), message: format!("can't be used: {error}"), add }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::provider_secrets;

    #[test]
    fn the_secrets_of_the_configuration_are_those_of_the_presets() {
        let egress = Egress::new(EgressOptions::default()).unwrap();
        let maker = ProviderMaker::new(egress, clock(), entropy(), Arc::new(metrics()));
        let mut secrets = maker.secret_settings().to_vec();
        secrets.sort_unstable();
        assert_eq!(secrets, provider_secrets().collect::<Vec<_>>());
    }
}
