//! The configuration: what is built in, the file, and the environment over each other; then checked as a whole.

pub(crate) mod environment;
pub(crate) mod fault;
pub(crate) mod layers;
pub(crate) mod pointer;
pub(crate) mod raw;
pub(crate) mod schema;
pub(crate) mod show;

mod check;
pub(crate) mod file;
pub(crate) mod hint;
mod sections;
pub(crate) mod units;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use vestibule_crypto::SealingKey;
use vestibule_domain::{audit::sink::SinkRules, ids::ProviderId, provider::Definition, settings::Settings};
use vestibule_http::{
    ClientCertificates,
    door::{Asks, TlsFiles},
    pages::Appearance,
};
use vestibule_persistence::Place;
use vestibule_providers::{
    egress::EgressOptions,
    sinks::{file::FileOptions, syslog::Transport},
};
use vestibule_telemetry::TelemetryOptions;

use self::{
    check::Checker,
    environment::Environment,
    fault::{Fault, Faults},
    layers::{Layered, Origins, Source},
};
pub(crate) use self::{
    hint::{meant, nearest},
    sections::named_within,
    units::parse_span,
};
use crate::atlas::MaxMindAtlas;

/// Every key with its default and a sentence.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// Whether the files that a configuration names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// They are, and must be good.
    Read,
    /// They are not, because this is not the machine they are on.
    TakenOnTrust,
}

/// A configuration that has been checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// What the core needs to know.
    pub(crate) settings: Settings,
    /// The main listener.
    pub(crate) listen: Listen,
    /// The operators' listener.
    pub(crate) ops: SocketAddr,
    /// The admin API's listener, if it has one of its own.
    pub(crate) admin: Option<SocketAddr>,
    /// The database.
    pub(crate) store: StoreSettings,
    /// The sealing keys.
    pub(crate) sealing: Sealing,
    /// Opens the admin API.
    pub(crate) bootstrap_key: SecretString,
    /// Where people sign in.
    pub(crate) providers: Vec<ProviderConfig>,
    /// What is wrong with providers' own files that can't be said of any provider.
    pub(crate) lost: Vec<Fault>,
    /// How providers are reached.
    pub(crate) egress: EgressOptions,
    /// How pages look.
    pub(crate) appearance: Appearance,
    /// Logs, and where traces and metrics are sent.
    pub(crate) telemetry: TelemetryOptions,
    /// Hosts that are told which trace a request belongs to.
    pub(crate) told_of_traces: Vec<String>,
    /// Whether some of the metrics are by client.
    pub(crate) metrics_by_client: bool,
    /// Where checkpoints of the audit log are written besides, if anywhere.
    pub(crate) checkpoints: Option<PathBuf>,
    /// Where audit events are sent on to.
    pub(crate) sinks: Vec<SinkConfig>,
    /// Where addresses are, if the operator has that.
    pub(crate) atlas: Option<Arc<MaxMindAtlas>>,
    /// Where every value comes from.
    pub(crate) origins: Origins,
}

/// A provider of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct ProviderConfig {
    /// Under which key it stands, as `providers[0]`.
    pub(crate) at: String,
    /// Its name.
    pub(crate) id: ProviderId,
    /// The file it stands in.
    pub(crate) source: Source,
    /// What its preset will judge; or what is wrong with a file of its own.
    pub(crate) definition: Result<Definition, Faults>,
    /// Secrets whose files were not read, so that nothing can be said of them.
    pub(crate) unread: Vec<String>,
}

/// A place that audit events are sent on to.
#[derive(Clone, Debug)]
pub(crate) struct SinkConfig {
    /// Under which key it stands, as `audit.sinks[0]`.
    pub(crate) at: String,
    /// What is sent.
    pub(crate) rules: SinkRules,
    /// Where to.
    pub(crate) target: SinkTarget,
}

/// Where audit events are sent, and by what means.
#[derive(Clone, Debug)]
pub(crate) enum SinkTarget {
    /// A file.
    File(FileOptions),
    /// A log server.
    Syslog {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
        /// How messages travel.
        transport: Transport,
    },
    /// A web address.
    Webhook {
        /// The address.
        url: Url,
        /// What posts are signed with.
        secrets: Vec<SecretString>,
        /// Whether it may lie in a network of one's own.
        private: bool,
    },
    /// A collector.
    Otlp {
        /// Its address.
        url: Url,
        /// Whether it may lie in a network of one's own.
        private: bool,
    },
}

/// The main listener.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    /// Where.
    pub(crate) address: SocketAddr,
    /// Our own TLS, if it is ours.
    pub(crate) tls: Option<TlsFiles>,
    /// Who is asked for a certificate.
    pub(crate) asks: Asks,
    /// Which certificates of apps are looked at, and who vouches for them.
    pub(crate) certificates: ClientCertificates,
    /// Who may speak for others.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Open connections at most.
    pub(crate) max_connections: usize,
    /// How long a stop waits.
    pub(crate) drain_timeout: Duration,
}

/// The database.
#[derive(Clone, Debug)]
pub(crate) struct StoreSettings {
    /// Its address.
    pub(crate) url: SecretString,
    /// Connections that read.
    pub(crate) readers: u32,
}

impl StoreSettings {
    /// The file of an SQLite database.
    pub(crate) fn sqlite_file(&self) -> Option<&Path> {
        match Place::of(self.url.expose_secret()) {
            Ok(Place::Sqlite(path)) => Some(path),
            _ => None,
        }
    }
}

/// The sealing keys.
#[derive(Clone, Debug)]
pub(crate) struct Sealing {
    /// The one that seals.
    pub(crate) current: SealingKey,
    /// Those that only open.
    pub(crate) previous: Vec<SealingKey>,
}

/// The variables of this process. Those that are not Unicode can't be ours.
pub(crate) fn environment() -> Environment {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// A configuration as it is written and as it was understood.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Its layers.
    pub(crate) layered: Arc<Layered>,
    /// What they mean.
    pub(crate) config: Arc<Config>,
}

impl Written {
    /// Reads and checks everything.
    pub(crate) fn read(path: &Path) -> Result<Self, Faults> {
        Self::of(layers::read(Some(path), &environment())?)
    }

    /// Checks layers that were read.
    pub(crate) fn of(layered: Layered) -> Result<Self, Faults> {
        let config = Arc::new(Config::check(&layered, Files::Read)?);
        Ok(Self { layered: Arc::new(layered), config })
    }
}

impl Config {
    /// Reads and checks everything.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Faults> {
        Self::check(&layers::read(path, &environment())?, Files::Read)
    }

    /// Checks what the layers say together; every fault at once.
    pub(crate) fn check(layered: &Layered, files: Files) -> Result<Self, Faults> {
        let raw = &layered.raw;
        let mut check = Checker::new(&layered.origins, files);
        let settings = sections::settings(raw, &mut check);
        let listen = sections::listen(&raw.listen, &mut check);
        let ops = sections::ops(&raw.ops, listen.as_ref().map(|listen| listen.address), &mut check);
        let admin = sections::admin_address(&raw.admin, [listen.as_ref().map(|listen| listen.address), ops], &mut check);
        let store = sections::store(&raw.store, &mut check);
        let sealing = sections::sealing(&raw.sealing, &mut check);
        let bootstrap_key = sections::bootstrap_key(&raw.admin, &mut check);
        let (providers, lost) = sections::providers(&raw.providers, &layered.sources, &mut check);
        let ids: Vec<_> = providers.iter().map(|provider| provider.id.clone()).collect();
        let console = sections::console(&raw.console, &ids, &mut check);
        let egress = sections::egress(&raw.egress, &mut check);
        let appearance = sections::appearance(&raw.branding, &mut check);
        let telemetry = sections::telemetry(raw, &mut check);
        let told_of_traces = sections::told_of_traces(raw, &mut check);
        let sinks = sections::sinks(&raw.audit.sinks, &mut check);
        let atlas = sections::atlas(&raw.detections, &mut check);
        let all = || {
            Some(Self {
                settings: Settings { console, ..settings? },
                listen: listen?,
                ops: ops?,
                admin: admin?,
                store: store?,
                sealing: sealing?,
                bootstrap_key: bootstrap_key?,
                providers,
                lost,
                egress,
                appearance,
                telemetry: telemetry?,
                told_of_traces,
                metrics_by_client: raw.metrics.by_client,
                sinks,
                checkpoints: raw.audit.checkpoint_file.as_ref().map(PathBuf::from),
                atlas,
                origins: layered.origins.clone(),
            })
        };
        check.conclude(all())
    }
}

/// The database alone, for what needs nothing else.
pub(crate) fn store_of(layered: &Layered) -> Result<StoreSettings, Faults> {
    let mut check = Checker::new(&layered.origins, Files::Read);
    let store = sections::store(&layered.raw.store, &mut check);
    check.conclude(store)
}

/// The sealing keys alone, for what can do without; nothing if they are not there, or not good.
pub(crate) fn sealing_of(layered: &Layered) -> Option<Sealing> {
    let mut check = Checker::new(&layered.origins, Files::Read);
    let sealing = sections::sealing(&layered.raw.sealing, &mut check);
    check.conclude(sealing).ok()
}

/// The operators' listener alone.
pub(crate) fn ops_of(layered: &Layered) -> Result<SocketAddr, Faults> {
    let mut check = Checker::new(&layered.origins, Files::Read);
    let address = sections::ops(&layered.raw.ops, None, &mut check);
    check.conclude(address)
}

#[cfg(test)]
mod tests {
    use vestibule_domain::{keys::Rotation, self_registration::SelfRegistration, settings::Lifetimes, upstream::RefreshRules};

    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_defaults_are_those_of_the_code() {
        let layered = layers::read(None, &env(&[])).unwrap();
        let mut check = Checker::new(&layered.origins, Files::Read);
        let mut raw = layered.raw;
        raw.issuer = Some("https://login.example.com".into());
        let settings = sections::settings(&raw, &mut check).unwrap();
        assert_eq!(settings.lifetimes, Lifetimes::default());
        assert_eq!(settings.rotation, Rotation::default());
        assert_eq!(settings.upstream, RefreshRules::default());
        assert_eq!(settings.registration, SelfRegistration::default());
        assert_eq!(settings.limits, vestibule_domain::limits::Limits::default());
        assert_eq!(settings.audit, vestibule_domain::audit::chain::SealRules::default());
        assert_eq!(settings.detections, vestibule_domain::detection::DetectionRules::default());
        assert_eq!(sections::console(&raw.console, &[], &mut check), vestibule_domain::settings::ConsoleSettings::default());
        let egress = sections::egress(&raw.egress, &mut check);
        let usual = EgressOptions::default();
        assert_eq!((egress.connect_timeout, egress.timeout, egress.most_bytes), (usual.connect_timeout, usual.timeout, usual.most_bytes));
        let listen = sections::listen(&raw.listen, &mut check).unwrap();
        let door = vestibule_http::door::DoorOptions::at(listen.address);
        assert_eq!((listen.max_connections, listen.drain_timeout), (door.max_connections, door.drain_timeout));
        check.conclude(Some(())).unwrap();
    }

    #[test]
    fn every_start_is_an_instance_of_its_own() {
        let layered = layers::read(None, &env(&[])).unwrap();
        let id = || sections::telemetry(&layered.raw, &mut Checker::new(&layered.origins, Files::Read)).unwrap().service_instance;
        let (one, other) = (id(), id());
        assert!(one != other && one.len() == 32, "{one} {other}");
    }

    #[test]
    fn the_environment_is_above_the_file_and_both_above_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.toml");
        std::fs::write(&path, "issuer = \"https://a.example\"\n[listen]\nmax_connections = 5\n[log]\nfilter = \"warn\"\n").unwrap();
        let layered = layers::read(Some(&path), &env(&[("VESTIBULE__LOG__FILTER", "debug"), ("VESTIBULE_BIN", "x")])).unwrap();
        assert_eq!(layered.raw.log.filter, "debug");
        assert_eq!(layered.raw.listen.max_connections, 5);
        assert_eq!(layered.raw.listen.drain_timeout, "30s");
        assert_eq!(layered.origins.of("listen.drain_timeout"), fault::Origin::Default);
    }

    #[test]
    fn names_with_underscores_lists_and_numbers_come_through_the_environment() {
        let layered = layers::read(
            None,
            &env(&[
                ("VESTIBULE__LISTEN__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1/32"),
                ("VESTIBULE__LISTEN__MAX_CONNECTIONS", "7"),
                ("VESTIBULE__LOGIN__STRAIGHT_THROUGH", "false"),
                ("VESTIBULE__TRACING__SAMPLE_RATIO", "0.25"),
                ("VESTIBULE__LISTEN__TLS__CERTIFICATE", "/c.pem"),
                ("VESTIBULE__EGRESS__EXTRA_ROOTS_FILE", "/r.pem"),
            ]),
        )
        .unwrap();
        let raw = layered.raw;
        assert_eq!(raw.listen.trusted_proxies, ["10.0.0.0/8", "192.0.2.1/32"]);
        assert_eq!((raw.listen.max_connections, raw.login.straight_through), (7, false));
        assert!((raw.tracing.sample_ratio - 0.25).abs() < f64::EPSILON);
        assert_eq!(raw.listen.tls.certificate.as_deref(), Some("/c.pem"));
        assert_eq!(raw.egress.extra_roots_file.as_deref(), Some("/r.pem"));
    }
}
