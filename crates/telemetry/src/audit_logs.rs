//! Audit events as log records of OpenTelemetry, to a collector: the adapter of the `AuditSink` port for OTLP.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use opentelemetry::{
    InstrumentationScope, Key, SpanId, TraceId,
    logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{LogExporter, RetryPolicy, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    logs::{LogBatch, LogExporter as _, SdkLogRecord, SdkLogger, SdkLoggerProvider},
};
use serde_json::Value;
use vestibule_domain::{
    audit::{
        AuditEvent, Outcome,
        sink::{Batch, NotTaken, SinkTrouble},
    },
    ports::AuditSink,
    time::Timestamp,
};

use crate::{TelemetryError, TelemetryOptions, otlp};

/// Posts a request to the collector, by the house's one way out. What comes back is an answer of success.
pub type Post =
    Arc<dyn Fn(http::Request<Vec<u8>>) -> Pin<Box<dyn Future<Output = Result<http::Response<Vec<u8>>, NotTaken>> + Send>> + Send + Sync>;

/// Sends audit events as log records, each with its name, its number in the chain and its trace; the body is the record as a map.
pub struct OtlpAuditSink {
    exporter: LogExporter,
    logger: SdkLogger,
    scope: InstrumentationScope,
    /// Why the last post came to nothing.
    trouble: Arc<Mutex<Option<NotTaken>>>,
}

impl fmt::Debug for OtlpAuditSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpAuditSink").finish_non_exhaustive()
    }
}

const SCOPE: &str = "vestibule.audit";

impl OtlpAuditSink {
    /// To this collector (OTLP over HTTP, protobuf); an address without a path gets `/v1/logs`. Nobody is asked yet.
    pub fn new(endpoint: &str, timeout: Duration, options: &TelemetryOptions, post: Post) -> Result<Self, TelemetryError> {
        let trouble = Arc::<Mutex<Option<NotTaken>>>::default();
        let mut exporter = LogExporter::builder()
            .with_http()
            .with_endpoint(otlp::with_path(endpoint, "/v1/logs"))
            .with_timeout(timeout)
            // Who sends tries again, and knows how often.
            .with_retry_policy(RetryPolicy::disabled())
            .with_http_client(Client { post, trouble: trouble.clone() })
            .build()?;
        let resource: Resource = otlp::resource(options);
        exporter.set_resource(&resource);
        // It makes records and sends none of them.
        let logger = SdkLoggerProvider::builder().build().logger(SCOPE);
        Ok(Self { exporter, logger, scope: InstrumentationScope::builder(SCOPE).build(), trouble })
    }

    fn record(&self, batch: &Batch, event: &AuditEvent) -> SdkLogRecord {
        let mut record = self.logger.create_log_record();
        record.set_event_name(event.name.as_str());
        record.set_timestamp(moment(event.time));
        record.set_observed_timestamp(moment(batch.now));
        let (severity, text) = match event.outcome {
            Outcome::Success => (Severity::Info, "INFO"),
            Outcome::Denied => (Severity::Info2, "INFO2"),
            Outcome::Failure => (Severity::Warn, "WARN"),
        };
        record.set_severity_number(severity);
        record.set_severity_text(text);
        record.set_body(any(batch.form.value(event)));
        record.add_attribute("vestibule.audit.id", event.id.to_string());
        if let Some(link) = event.link {
            record.add_attribute("vestibule.audit.sequence", link.seq);
        }
        if let Some(trace) = event.trace_id.as_deref().and_then(|trace| TraceId::from_hex(trace).ok()) {
            record.set_trace_context(trace, SpanId::INVALID, None);
        }
        record
    }
}

#[async_trait]
impl AuditSink for OtlpAuditSink {
    async fn deliver(&self, batch: &Batch) -> Result<(), NotTaken> {
        let records: Vec<_> = batch.events.iter().map(|event| self.record(batch, event)).collect();
        let records: Vec<_> = records.iter().map(|record| (record, &self.scope)).collect();
        let sent = self.exporter.export(LogBatch::new(&records)).await;
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        let other = || NotTaken { trouble: SinkTrouble::Failing, why: "the records could not be sent".into() };
        sent.map_err(|_| trouble.unwrap_or_else(other))
    }
}

/// The exporter's way out.
struct Client {
    post: Post,
    trouble: Arc<Mutex<Option<NotTaken>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = (self.post)(request.map(|body| body.to_vec())).await;
        sent.map(|answer| answer.map(Bytes::from)).map_err(|error| {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            Box::new(error) as HttpError
        })
    }
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or_default())
}

/// A value of JSON as one of OpenTelemetry, which has no null.
fn any(value: Value) -> AnyValue {
    match value {
        Value::Null => AnyValue::String("".into()),
        Value::Bool(is) => AnyValue::Boolean(is),
        Value::Number(number) => number.as_i64().map_or_else(|| AnyValue::Double(number.as_f64().unwrap_or_default()), AnyValue::Int),
        Value::String(text) => AnyValue::String(text.into()),
        Value::Array(values) => AnyValue::ListAny(Box::new(values.into_iter().map(any).collect())),
        Value::Object(values) => AnyValue::Map(Box::new(values.into_iter().map(|(name, value)| (Key::from(name), any(value))).collect())),
    }
}
