//! What the house says of itself: log lines, traces and metrics.
//!
//! - [`init`] sets up logs (always, one line per event on standard error), and sends traces and metrics where there is somewhere to send them.
//! - [`Metrics`] counts, with labels from closed sets only, and says it in Prometheus text. It is an
//!   [`Observer`](vestibule_domain::ports::Observer): whatever else wants to know what happens looks on from the same place.
//! - [`OtlpAuditSink`] sends audit events on to a collector.
//! - [`request_span`] is around every request. [`trace_id`] is the reference a person reads out from an error page, where its trace is kept;
//!   [`inject_for`] hands it on to whom an operator named.
//!
//! Deliberately absent: anything that records headers, queries or bodies, and anything that takes a trace from a request. A stranger
//! who could choose our references could make two logins look like one.
#![warn(missing_docs)]

mod audit_logs;
mod logs;
mod metrics;
mod otlp;
mod traces;

use std::{fmt, io, sync::Arc, time::Duration};

use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, reload, util::SubscriberInitExt};
use vestibule_domain::ports::Clock;

pub use audit_logs::{OtlpAuditSink, Post};
pub use logs::LogFormat;
pub use metrics::{Build, InFlight, METRICS_CONTENT_TYPE, Metrics};
pub use traces::{belongs_to_login, inject_for, request_ended, request_span, trace_id};

/// How long a shutdown waits for the last spans, and for the last metrics, to be sent.
const LAST_SPANS: Duration = Duration::from_secs(5);
/// How long it waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(5);

/// What to say, and where.
#[derive(Clone, Debug)]
pub struct TelemetryOptions {
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which events are logged, in the directives of `tracing_subscriber::EnvFilter`: `info,vestibule_flows=debug`.
    pub log_filter: String,
    /// Where spans are sent as OTLP over HTTP (protobuf). An address without a path gets `/v1/traces`. Without one, no span is ever made.
    pub otlp_endpoint: Option<String>,
    /// Where metrics are sent, likewise; an address without a path gets `/v1/metrics`.
    pub otlp_metrics_endpoint: Option<String>,
    /// Which share of traces is kept, from 0 to 1, drawn where a trace begins.
    pub sample_ratio: f64,
    /// Tells instances apart in traces (`service.instance.id`).
    pub service_instance: String,
    /// Our version (`service.version`).
    pub version: &'static str,
}

/// Why telemetry could not be set up; each is the operator's configuration, but for the last.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter can't be read.
    #[error("the log filter is not valid: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The OTLP exporter can't be made, most likely because of its address.
    #[error("traces or metrics can't be exported: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The sample ratio is no share.
    #[error("the sample ratio must lie between 0 and 1, and is {0}")]
    SampleRatio(f64),
    /// The system gave no thread.
    #[error("a thread for telemetry can't be started: {0}")]
    Thread(#[from] io::Error),
    /// The process is ending.
    #[error("the log filter can't be changed any more: {0}")]
    Gone(#[from] reload::Error),
    /// It was set up before.
    #[error("telemetry is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Keep it until the end: it sends the last spans and numbers, and writes the last lines, when it goes.
#[must_use = "dropping it at once loses the last lines"]
pub struct TelemetryGuard {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    sink: logs::Sink,
    filter: LogFilter,
}

/// Changes which events are logged, while they are.
#[derive(Clone)]
pub struct LogFilter(Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogFilter").finish_non_exhaustive()
    }
}

impl LogFilter {
    /// From now on these directives hold; one that can't be read changes nothing.
    pub fn set(&self, directives: &str) -> Result<(), TelemetryError> {
        Ok((self.0)(filter_of(directives)?)?)
    }
}

impl fmt::Debug for TelemetryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryGuard")
            .field("traces", &self.traces.is_some())
            .field("metrics", &self.metrics.is_some())
            .finish_non_exhaustive()
    }
}

impl TelemetryGuard {
    /// What changes the log filter.
    pub fn log_filter(&self) -> LogFilter {
        self.filter.clone()
    }

    /// Sends the last spans and numbers, and writes the last lines, for five seconds each at most. Blocks.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.traces.take().map(|traces| traces.shutdown_with_timeout(LAST_SPANS)) {
            tracing::warn!(%error, "the last spans could not be sent");
        }
        if let Some(Err(error)) = self.metrics.take().map(|metrics| metrics.shutdown_with_timeout(LAST_SPANS)) {
            tracing::warn!(%error, "the last metrics could not be sent");
        }
        self.sink.flush(LAST_LINES);
    }
}

/// Whether a log filter can be read, for whoever checks a configuration without starting anything.
pub fn check_filter(filter: &str) -> Result<(), TelemetryError> {
    filter_of(filter).map(drop)
}

/// What an operator wants to read; that the program has a fault is always said.
fn filter_of(directives: &str) -> Result<EnvFilter, TelemetryError> {
    Ok(EnvFilter::try_new(directives)?.add_directive(format!("{}=error", logs::PANICS).parse()?))
}

/// Sets up logs, of panics too, and the sending of traces and metrics, for the whole process, once. The [`Metrics`] that
/// are made next are those that are sent. The clock is for the names of traces, which are [`Reference`](vestibule_domain::ids::Reference)s.
pub fn init(options: &TelemetryOptions, clock: Arc<dyn Clock>) -> Result<TelemetryGuard, TelemetryError> {
    let filter = filter_of(&options.log_filter)?;
    let sink = logs::Sink::to(io::stderr(), options.log_format)?;
    let (traces, filter) = match &options.otlp_endpoint {
        // A filter for the whole registry is asked once per event; a filter for each layer costs a little on every span.
        None => {
            let (filter, handle) = reload::Layer::new(filter);
            tracing_subscriber::registry().with(filter).with(logs::layer(sink.clone())).try_init()?;
            (None, LogFilter(Arc::new(move |filter| handle.reload(filter))))
        }
        Some(endpoint) => {
            let provider = traces::provider(endpoint, options, clock)?;
            let (filter, handle) = reload::Layer::new(filter);
            let logs = logs::layer(sink.clone()).with_filter(filter);
            tracing_subscriber::registry().with(logs).with(traces::layer(&provider, options.sample_ratio)).try_init()?;
            traces::are_sent();
            (Some(provider), LogFilter(Arc::new(move |filter| handle.reload(filter))))
        }
    };
    logs::tell_of_panics();
    let metrics = options.otlp_metrics_endpoint.as_ref().map(|endpoint| metrics::provider(endpoint, options)).transpose()?;
    Ok(TelemetryGuard { traces, metrics, sink, filter })
}
