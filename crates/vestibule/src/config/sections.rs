//! The checks, section by section: what is written becomes what is meant, or a fault that says how to mend it. What would be unsafe in
//! production is refused here too.

mod audit;
mod branding;
mod certificates;
mod console;
mod detections;
mod registration;
mod sinks;
mod upstream;

use std::{net::SocketAddr, str::FromStr, time::Duration};

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use vestibule_crypto::{SealingKey, SystemEntropy};
use vestibule_domain::{
    client::SigningAlg,
    keys::Rotation,
    limits::{Limits, Rates},
    ports::Entropy,
    settings::{ConsoleSettings, Lifetimes, Settings},
    upstream::RefreshRules,
};
use vestibule_http::door::TlsFiles;
use vestibule_persistence::Place;
use vestibule_telemetry::{LogFormat, TelemetryOptions, check_filter};

use super::{
    Listen, Sealing, StoreSettings,
    check::{Checker, shown},
    parse_span,
    raw::{RawAdmin, RawConfig, RawKeys, RawLifetimes, RawLimits, RawListen, RawOps, RawSealing, RawStore, RawUpstreamTokens},
};

pub(crate) use self::upstream::named_within;
pub(super) use self::{
    branding::appearance,
    console::console,
    detections::atlas,
    registration::registration,
    sinks::sinks,
    upstream::{egress, providers},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Shorter keys could be guessed.
const SHORTEST_BOOTSTRAP_KEY: usize = 32;

/// All but what depends on the providers, which is the console's.
pub(super) fn settings(raw: &RawConfig, check: &mut Checker<'_>) -> Option<Settings> {
    let lifetimes = lifetimes(&raw.lifetimes, check);
    let rotation = rotation(&raw.keys, &lifetimes, check);
    let upstream = upstream_tokens(&raw.upstream_tokens, &raw.egress.timeout, check);
    let registration = registration(&raw.registration, check);
    let issuer = issuer(raw.issuer.as_deref(), check)?;
    let client_certificates = certificates::settings(&raw.listen.client_certificates);
    let (straight_through, dpop_nonce) = (raw.login.straight_through, raw.dpop.require_nonce);
    let limits = limits(&raw.limits);
    let audit = audit::audit(&raw.audit, check);
    let detections = detections::detections(&raw.detections, check);
    Some(Settings {
        issuer,
        lifetimes,
        rotation,
        straight_through,
        dpop_nonce,
        upstream,
        registration,
        client_certificates,
        limits,
        audit,
        detections,
        console: ConsoleSettings::default(),
    })
}

fn limits(raw: &RawLimits) -> Limits {
    Limits {
        authorize: Rates { per_address: raw.authorize_per_address, per_client: 0 },
        token: Rates { per_address: raw.token_per_address, per_client: raw.token_per_client },
        push: Rates { per_address: raw.push_per_address, per_client: raw.push_per_client },
        device: Rates { per_address: raw.device_per_address, per_client: raw.device_per_client },
        sign_ins_per_account: raw.sign_ins_per_account,
        admin_per_key: raw.admin_per_key,
    }
}

fn issuer(text: Option<&str>, check: &mut Checker<'_>) -> Option<String> {
    const LINE: &str = "issuer = \"https://login.example.com\"";
    let key = "issuer";
    let Some(text) = text else {
        check.fault(key, "is missing: it is the name by which every app will know us; put this before the first section", &[LINE]);
        return None;
    };
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        check.fault(key, format!("{} is not an address that begins with https://", shown(text)), &[LINE]);
        return None;
    };
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        check.fault(key, "may have no user, query or fragment (RFC 8414 section 2)", &[]);
        return None;
    }
    // Apps compare it as text, and would miss that two spellings mean the same.
    let normal = url.as_str();
    if text != normal && Some(text) != normal.strip_suffix('/') {
        let line = format!("issuer = \"{}\"", normal.trim_end_matches('/'));
        check.fault(key, "is not written in its normal form", &[&line]);
        return None;
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let line = format!("issuer = \"https{}\"", text.trim_start_matches("http"));
        check.fault(key, "must be https, unless it names this machine: whoever listens on the way could take codes and sessions", &[&line]);
        return None;
    }
    Some(text.to_owned())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn lifetimes(raw: &RawLifetimes, check: &mut Checker<'_>) -> Lifetimes {
    let mut span = |name: &str, text: &str, least, most| check.span(&format!("lifetimes.{name}"), text, least..=most);
    let lifetimes = Lifetimes {
        attempt: span("attempt", &raw.attempt, MINUTE, HOUR),
        session_idle: span("session_idle", &raw.session_idle, MINUTE, DAY * 90),
        session_absolute: span("session_absolute", &raw.session_absolute, MINUTE, DAY * 90),
        code: span("code", &raw.code, SECOND * 5, MINUTE),
        access_token: span("access_token", &raw.access_token, MINUTE, DAY),
        id_token: span("id_token", &raw.id_token, MINUTE, DAY),
        refresh_idle: span("refresh_idle", &raw.refresh_idle, MINUTE * 10, DAY * 730),
        refresh_absolute: span("refresh_absolute", &raw.refresh_absolute, MINUTE * 10, DAY * 730),
        refresh_grace: span("refresh_grace", &raw.refresh_grace, Duration::ZERO, MINUTE),
    };
    if lifetimes.session_idle > lifetimes.session_absolute {
        check.fault("lifetimes.session_idle", "is longer than lifetimes.session_absolute", &[]);
    }
    if lifetimes.refresh_idle > lifetimes.refresh_absolute {
        check.fault("lifetimes.refresh_idle", "is longer than lifetimes.refresh_absolute", &[]);
    }
    lifetimes
}

fn rotation(raw: &RawKeys, lifetimes: &Lifetimes, check: &mut Checker<'_>) -> Rotation {
    let every = check.span("keys.rotate_every", &raw.rotate_every, HOUR..=DAY * 730);
    let publish_ahead = check.span("keys.publish_ahead", &raw.publish_ahead, MINUTE..=DAY * 365);
    let retire_after = check.span("keys.retire_after", &raw.retire_after, MINUTE..=DAY * 730);
    if publish_ahead >= every {
        check.fault("keys.publish_ahead", "must be shorter than keys.rotate_every", &[]);
    }
    if retire_after < lifetimes.access_token.max(lifetimes.id_token) {
        check.fault("keys.retire_after", "is shorter than tokens live, which could not be checked any more", &[]);
    }
    let algorithms = algorithms("keys.algorithms", &raw.algorithms, check);
    if !algorithms.contains(&SigningAlg::Rs256) && check_names_all(&algorithms, &raw.algorithms) {
        check.fault(
            "keys.algorithms",
            "lacks RS256, which every app must be able to rely on (OpenID Connect Core 1.0 section 15.1)",
            &["[keys]", "algorithms = [\"RS256\", \"ES256\"]"],
        );
    }
    Rotation { every, publish_ahead, retire_after, algorithms }
}

fn upstream_tokens(raw: &RawUpstreamTokens, egress_timeout: &str, check: &mut Checker<'_>) -> RefreshRules {
    let mut span = |name: &str, text: &str, least, most| check.span(&format!("upstream_tokens.{name}"), text, least..=most);
    let rules = RefreshRules {
        margin: span("margin", &raw.margin, Duration::ZERO, HOUR),
        ahead: span("ahead", &raw.ahead, Duration::ZERO, DAY),
        in_use: span("in_use", &raw.in_use, MINUTE, DAY * 90),
        lease: span("lease", &raw.lease, SECOND, MINUTE * 5),
        ..RefreshRules::default()
    };
    // Another node would begin while the first still waits, and show the provider a refresh token that is used already.
    if parse_span(egress_timeout).is_some_and(|timeout| rules.lease <= timeout) {
        check.fault("upstream_tokens.lease", "must be longer than egress.timeout, which is how long a refresh may take", &[]);
    }
    if rules.ahead < rules.margin {
        check.fault("upstream_tokens.ahead", "is shorter than upstream_tokens.margin, so that apps would always be the first to wait", &[]);
    }
    rules
}

/// Whether every name was understood, so that one slip isn't complained about twice.
fn check_names_all(found: &[SigningAlg], named: &[String]) -> bool {
    found.len() == named.len()
}

fn algorithms(key: &str, names: &[String], check: &mut Checker<'_>) -> Vec<SigningAlg> {
    let all: Vec<_> = SigningAlg::ALL.iter().map(|alg| (alg.as_str(), *alg)).collect();
    let mut found = Vec::new();
    for alg in names.iter().filter_map(|name| check.one_of(key, name, &all)) {
        if !found.contains(&alg) {
            found.push(alg);
        }
    }
    found
}

pub(super) fn listen(raw: &RawListen, check: &mut Checker<'_>) -> Option<Listen> {
    let address = check.address("listen.address", &raw.address);
    let form = "is not a network, as 10.0.0.0/8 or 192.0.2.7/32";
    let trusted_proxies = list::<IpNet>("listen.trusted_proxies", &raw.trusted_proxies, form, check);
    if let Some(everybody) = trusted_proxies.iter().find(|network| network.prefix_len() == 0) {
        check.fault(
            "listen.trusted_proxies",
            format!("{everybody} is everybody: whoever connects could claim to be at any address, and to have come by https. Name the proxy's network:"),
            &["[listen]", "trusted_proxies = [\"10.0.0.0/8\"]"],
        );
    }
    let drain_timeout = check.span("listen.drain_timeout", &raw.drain_timeout, Duration::ZERO..=MINUTE * 10);
    if raw.max_connections == 0 {
        check.fault("listen.max_connections", "must be at least 1", &[]);
    }
    let tls = match (&raw.tls.certificate, &raw.tls.key) {
        (Some(certificate), Some(key)) => {
            check.read_file("listen.tls.certificate", certificate)?;
            check.read_file("listen.tls.key", key)?;
            let files = TlsFiles { certificate: certificate.into(), key: key.into() };
            if check.reads_files()
                && let Err(error) = files.check()
            {
                check.fault("listen.tls", format!("can't be used: {error}"), &[]);
            }
            Some(files)
        }
        (None, None) => None,
        (Some(_), None) => {
            check.fault(
                "listen.tls.key",
                "is missing: a certificate is of no use without it",
                &["[listen.tls]", "key = \"/etc/vestibule/tls.key\""],
            );
            None
        }
        (None, Some(_)) => {
            let lines = ["[listen.tls]", "certificate = \"/etc/vestibule/tls.crt\""];
            check.fault("listen.tls.certificate", "is missing: a key is of no use without it", &lines);
            None
        }
    };
    let (asks, certificates) = certificates::certificates(raw, check);
    let address = address?;
    let half = raw.tls.certificate.is_some() || raw.tls.key.is_some();
    if !address.ip().is_loopback() && !half && raw.trusted_proxies.is_empty() {
        check.fault(
            "listen.address",
            format!(
                "{address} can be reached from other machines, and neither TLS nor a proxy is configured. Either name the certificate, or the \
                 networks of the proxy that ends TLS:"
            ),
            &[
                "[listen.tls]",
                "certificate = \"/etc/vestibule/tls.crt\"",
                "key = \"/etc/vestibule/tls.key\"",
                "    or",
                "[listen]",
                "trusted_proxies = [\"10.0.0.0/8\"]",
            ],
        );
    }
    Some(Listen { address, tls, asks, certificates, trusted_proxies, max_connections: raw.max_connections, drain_timeout })
}

pub(super) fn ops(raw: &RawOps, listen: Option<SocketAddr>, check: &mut Checker<'_>) -> Option<SocketAddr> {
    let address = check.address("ops.address", &raw.address)?;
    if Some(address) == listen && address.port() != 0 {
        check.fault(
            "ops.address",
            "is listen.address too; operators have a listener of their own",
            &["[ops]", "address = \"127.0.0.1:9464\""],
        );
    }
    Some(address)
}

/// The listener of the admin API and the console, if they have one of their own.
#[expect(clippy::option_option, reason = "nothing where it is wrong, and nothing in it where there is none")]
pub(super) fn admin_address(raw: &RawAdmin, others: [Option<SocketAddr>; 2], check: &mut Checker<'_>) -> Option<Option<SocketAddr>> {
    let Some(text) = &raw.address else { return Some(None) };
    let address = check.address("admin.address", text)?;
    if address.port() != 0 && others.contains(&Some(address)) {
        let lines = ["[admin]", "address = \"127.0.0.1:9465\""];
        check.fault("admin.address", "is the address of another listener; leave it out, or choose one of its own", &lines);
    }
    Some(Some(address))
}

pub(super) fn store(raw: &RawStore, check: &mut Checker<'_>) -> Option<StoreSettings> {
    const LINES: [&str; 2] = ["[store]", "url = \"sqlite:///var/lib/vestibule/vestibule.db\""];
    if !(1..=256).contains(&raw.readers) {
        check.fault("store.readers", format!("is {}, and must be from 1 to 256", raw.readers), &[]);
    }
    let from_file = raw.url_file.is_some();
    let url = check.secret("store.url", raw.url.as_ref(), raw.url_file.as_ref());
    if url.is_none() && raw.url.is_none() && !from_file {
        check.fault("store.url", "is missing: without it there is nowhere to keep anything", &LINES);
    }
    let url = url?;
    if (check.reads_files() || !from_file)
        && let Err(wrong) = Place::of(url.expose_secret())
    {
        // The address is not repeated: there may be a password in it.
        check.fault("store.url", wrong, &LINES);
    }
    Some(StoreSettings { url, readers: raw.readers })
}

pub(super) fn sealing(raw: &RawSealing, check: &mut Checker<'_>) -> Option<Sealing> {
    let text = check.secret("sealing.key", raw.key.as_ref(), raw.key_file.as_ref());
    if text.is_none() && raw.key.is_none() && raw.key_file.is_none() {
        check.fault(
            "sealing.key",
            "is missing: signing keys and tokens of providers are sealed with it before they reach the database. Make one once, keep it apart \
             from the database, and name it:",
            &["vestibule keygen > /etc/vestibule/sealing.key", "[sealing]", "key_file = \"/etc/vestibule/sealing.key\""],
        );
    }
    let previous = raw.previous.iter().map(|text| sealing_key("sealing.previous", text, check)).collect::<Vec<_>>();
    let files = raw.previous_files.iter().map(|path| {
        let text = check.read_secret("sealing.previous_files", path)?;
        sealing_key("sealing.previous_files", &text, check)
    });
    let files = files.collect::<Vec<_>>();
    let current = sealing_key("sealing.key", &text?, check)?;
    Some(Sealing { current, previous: previous.into_iter().chain(files).flatten().collect() })
}

fn sealing_key(key: &str, text: &SecretString, check: &mut Checker<'_>) -> Option<SealingKey> {
    SealingKey::parse(text.expose_secret())
        .inspect_err(|error| {
            check.fault(
                key,
                format!("can't be used: {error}. `vestibule keygen` makes one; for example"),
                &["vestibule keygen > /etc/vestibule/sealing.key", "[sealing]", "key_file = \"/etc/vestibule/sealing.key\""],
            );
        })
        .ok()
}

pub(super) fn bootstrap_key(raw: &RawAdmin, check: &mut Checker<'_>) -> Option<SecretString> {
    const LINES: [&str; 3] =
        ["vestibule keygen --bootstrap > /etc/vestibule/bootstrap.key", "[admin]", "bootstrap_key_file = \"/etc/vestibule/bootstrap.key\""];
    let key = check.secret("admin.bootstrap_key", raw.bootstrap_key.as_ref(), raw.bootstrap_key_file.as_ref());
    match &key {
        None if raw.bootstrap_key.is_none() && raw.bootstrap_key_file.is_none() => {
            check.fault("admin.bootstrap_key", "is missing: without it nobody can register an app", &LINES);
        }
        Some(key) if key.expose_secret().chars().count() < SHORTEST_BOOTSTRAP_KEY => {
            check.fault("admin.bootstrap_key", "is shorter than 32 characters, and could be guessed", &LINES);
        }
        Some(key) if key.expose_secret().chars().any(|c| c.is_control() || c.is_whitespace()) => {
            check.fault("admin.bootstrap_key", "has spaces or control characters, which no request could carry", &LINES);
        }
        _ => {}
    }
    key
}

pub(super) fn telemetry(raw: &RawConfig, check: &mut Checker<'_>) -> Option<TelemetryOptions> {
    let log_format = check.one_of("log.format", &raw.log.format, &[("pretty", LogFormat::Pretty), ("json", LogFormat::Json)]);
    if let Err(error) = check_filter(&raw.log.filter) {
        check.fault("log.filter", format!("{} can't be used: {error}", shown(&raw.log.filter)), &["[log]", "filter = \"info\""]);
    }
    let ratio = raw.tracing.sample_ratio;
    if !(0.0..=1.0).contains(&ratio) {
        check.fault("tracing.sample_ratio", format!("is {ratio}, and must be from 0 to 1"), &[]);
    }
    collector("tracing", raw.tracing.otlp_endpoint.as_deref(), check);
    collector("metrics", raw.metrics.otlp_endpoint.as_deref(), check);
    Some(TelemetryOptions {
        log_format: log_format?,
        log_filter: raw.log.filter.clone(),
        otlp_endpoint: raw.tracing.otlp_endpoint.clone(),
        otlp_metrics_endpoint: raw.metrics.otlp_endpoint.clone(),
        sample_ratio: ratio,
        service_instance: instance_id(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Where something is sent by OTLP, if anywhere.
fn collector(section: &str, endpoint: Option<&str>, check: &mut Checker<'_>) {
    let Some(endpoint) = endpoint else { return };
    let (key, table) = (format!("{section}.otlp_endpoint"), format!("[{section}]"));
    let lines = [table.as_str(), "otlp_endpoint = \"http://127.0.0.1:4318\""];
    // The address is not repeated: there may be a password in it.
    match Url::parse(endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https")) {
        None => check.fault(&key, "is not an http or https address", &lines),
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            check.fault(&key, "has a user or a password in it, which the configuration does not keep secret", &lines);
        }
        Some(_) => {}
    }
}

/// Hosts that are told of traces, as they stand in addresses.
pub(super) fn told_of_traces(raw: &RawConfig, check: &mut Checker<'_>) -> Vec<String> {
    let hosts = raw.tracing.propagate_to.iter().filter_map(|text| {
        let host = Host::parse(text).ok();
        if host.is_none() {
            let lines = ["[tracing]", "propagate_to = [\"login.corp.example\"]"];
            check.fault("tracing.propagate_to", format!("{} is no host name", shown(text)), &lines);
        }
        host.map(|host| host.to_string())
    });
    hosts.collect()
}

/// Drawn anew at each start: processes on one machine, and containers that all have the same process number, are told apart by it.
fn instance_id() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn list<T: FromStr>(key: &str, texts: &[String], form: &str, check: &mut Checker<'_>) -> Vec<T> {
    texts.iter().filter_map(|text| check.parsed(key, text, form)).collect()
}
