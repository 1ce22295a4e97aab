//! Spans, sent as OTLP over HTTP when the operator says where to.

use std::{future::Future, io, time::Duration};

use http::{HeaderMap, HeaderValue, Uri};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter},
};
use tokio::runtime::Runtime;
use tracing::{Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::{TelemetryError, TelemetryOptions};

const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The trace a span belongs to, as 32 hexadecimal digits; nothing when traces are off.
pub fn trace_id(span: &Span) -> Option<String> {
    context_of(span).map(|context| context.trace_id().to_string())
}

/// Says in a request to an upstream which span it belongs to (W3C Trace Context, `traceparent`). Does nothing when traces are off.
pub fn inject(headers: &mut HeaderMap) {
    let Some(context) = context_of(&Span::current()) else { return };
    let text = format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8());
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert("traceparent", value);
    }
}

fn context_of(span: &Span) -> Option<SpanContext> {
    let context = span.context().span().span_context().clone();
    context.is_valid().then_some(context)
}

/// Our own spans only: those of the client that sends spans would be sent in turn, without end.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let ours = Targets::new().with_target("vestibule", LevelFilter::INFO);
    tracing_opentelemetry::layer().with_tracer(provider.tracer("vestibule")).with_location(false).with_threads(false).with_filter(ours)
}

pub(crate) fn provider(endpoint: &str, options: &TelemetryOptions) -> Result<SdkTracerProvider, TelemetryError> {
    if !(0.0..=1.0).contains(&options.sample_ratio) {
        return Err(TelemetryError::SampleRatio(options.sample_ratio));
    }
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(with_path(endpoint)).with_timeout(EXPORT_TIMEOUT).build()?;
    let resource = Resource::builder_empty()
        .with_service_name("vestibule")
        .with_attribute(KeyValue::new("service.version", options.version))
        .with_attribute(KeyValue::new("service.instance.id", options.service_instance.clone()));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(OnItsOwn::new(exporter)?)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sample_ratio))))
        .with_resource(resource.build())
        .build())
}

fn with_path(endpoint: &str) -> String {
    match endpoint.parse::<Uri>() {
        Ok(uri) if uri.path() == "/" && uri.query().is_none() => format!("{}/v1/traces", endpoint.trim_end_matches('/')),
        _ => endpoint.to_owned(),
    }
}

/// An exporter with a runtime of its own. The batch processor exports from a plain thread, where the client's sockets would find no
/// reactor; and when the house stops, its last spans must not depend on the runtime that is stopping.
#[derive(Debug)]
struct OnItsOwn<E> {
    exporter: E,
    runtime: Option<Runtime>,
}

impl<E> OnItsOwn<E> {
    fn new(exporter: E) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { exporter, runtime: Some(runtime) })
    }
}

impl<E: SpanExporter> SpanExporter for OnItsOwn<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let done = self.runtime.as_ref().map_or(Ok(()), |runtime| runtime.block_on(self.exporter.export(batch)));
        std::future::ready(done)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E> Drop for OnItsOwn<E> {
    fn drop(&mut self) {
        // It may be dropped on a thread of another runtime, where waiting for this one would panic.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
