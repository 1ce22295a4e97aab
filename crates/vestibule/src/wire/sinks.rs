//! The places that audit events are sent on to.

use std::sync::Arc;

use secrecy::ExposeSecret;
use url::Url;
use vestibule_domain::ports::AuditSink;
use vestibule_flows::Sink;
use vestibule_providers::{
    egress::{Egress, EgressOptions},
    sinks::{
        file::FileSink,
        post,
        syslog::{SyslogOptions, SyslogSink},
        webhook::{WebhookSecret, WebhookSink},
    },
};
use vestibule_telemetry::{OtlpAuditSink, Post};

use super::{egress_fault, egress_options};
use crate::config::{
    Config, SinkConfig, SinkTarget,
    fault::{Fault, Faults},
};

/// All of the configuration. Nobody is asked yet, and nothing is opened.
pub(crate) fn sinks(config: &Config) -> Result<Vec<Sink>, Faults> {
    let (mut made, mut faults) = (Vec::new(), Vec::new());
    for sink in &config.sinks {
        match target(config, sink) {
            Ok(target) => made.push(Sink { rules: sink.rules.clone(), target }),
            Err(found) => faults.extend(found.0),
        }
    }
    if faults.is_empty() { Ok(made) } else { Err(Faults(faults)) }
}

fn target(config: &Config, sink: &SinkConfig) -> Result<Arc<dyn AuditSink>, Faults> {
    let fault = |name: &str, message: String, add: &[&str]| -> Faults {
        let key = format!("{}.{name}", sink.at);
        let add = add.iter().map(|line| (*line).to_owned()).collect();
        Fault { origin: config.origins.near(&key), key, message, add }.into()
    };
    let inside = || {
        let message = "is not public https, and nobody said that it may be reached; if it is yours, add".to_owned();
        fault("url", message, &["allow_private = true"])
    };
    Ok(match &sink.target {
        SinkTarget::File(options) => Arc::new(FileSink::new(options.clone())),
        SinkTarget::Syslog { host, port, transport } => {
            let sender = Url::parse(&config.settings.issuer).ok().and_then(|issuer| issuer.host_str().map(str::to_owned));
            let options = SyslogOptions {
                host: host.clone(),
                port: *port,
                transport: *transport,
                sender: sender.unwrap_or_else(|| "-".into()),
                extra_roots: config.egress.extra_roots.clone(),
            };
            Arc::new(SyslogSink::new(options).map_err(|error| fault("address", format!("can't be used by tls: {error}"), &[]))?)
        }
        SinkTarget::Webhook { url, secrets, private } => {
            let secrets = secrets.iter().map(|secret| WebhookSecret::parse(secret.expose_secret())).collect::<Result<_, _>>();
            let secrets = secrets.map_err(|error| fault("secrets", error.to_string(), &[]))?;
            let egress = egress(config, sink, url, *private)?;
            if !egress.permits(url) {
                return Err(inside());
            }
            Arc::new(WebhookSink::new(url.clone(), secrets, egress))
        }
        SinkTarget::Otlp { url, private } => {
            let egress = egress(config, sink, url, *private)?;
            if !egress.permits(url) {
                return Err(inside());
            }
            let way: Post = Arc::new(move |request| {
                let egress = egress.clone();
                Box::pin(async move { post(&egress, request).await })
            });
            let made = OtlpAuditSink::new(url.as_str(), sink.rules.timeout, &config.telemetry, way);
            Arc::new(made.map_err(|error| fault("url", format!("can't be used: {error}"), &[]))?)
        }
    })
}

/// The guarded client for one address. Where an operator says so, that address and no other may be anywhere.
fn egress(config: &Config, sink: &SinkConfig, url: &Url, private: bool) -> Result<Egress, Faults> {
    let mut options = EgressOptions { timeout: sink.rules.timeout, propagate: None, ..egress_options(config) };
    let itself = url.host_str().zip(url.port_or_known_default()).map(|(host, port)| format!("{host}:{port}"));
    options.allow.extend(itself.filter(|_| private).and_then(|itself| itself.parse().ok()));
    Ok(Egress::new(options).map_err(egress_fault)?.at_port_of(url))
}
