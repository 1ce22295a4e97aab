//! Spans, sent as OTLP over HTTP when the operator says where to.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanContext, Status, TraceContextExt, TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Span, Subscriber, info_span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};
use vestibule_domain::ids::LoginId;

use crate::{
    TelemetryError, TelemetryOptions,
    otlp::{EXPORT_TIMEOUT, OnItsOwn, resource, with_path},
};

/// The span of a request that has come. A trace names it by what was asked for: `POST /token`.
pub fn request_span(method: &'static str, route: &'static str) -> Span {
    // Fields that are absent cost nothing and show in no log line; only who sends spans wants these.
    let sent = SENT.get().map(|()| format!("{method} {route}"));
    let kind = sent.as_ref().map(|_| "server");
    info_span!("http", otel.name = sent, otel.kind = kind, "http.request.method" = method, "http.route" = route)
}

/// The request of that span was answered.
pub fn request_ended(span: &Span, status: u16) {
    if SENT.get().is_none() {
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// What happens now belongs to that login: the traces of its requests are found by it.
pub fn belongs_to_login(login: LoginId) {
    if SENT.get().is_some() {
        Span::current().set_attribute("vestibule.login.id", login.to_string());
    }
}

/// The trace of what happens now, if it is one that is kept: to one that was thrown away nothing may lead.
pub(crate) fn kept_trace() -> Option<String> {
    SENT.get()?;
    let context = context_of(&Span::current()).filter(SpanContext::is_sampled);
    context.map(|context| context.trace_id().to_string())
}

/// Set once spans are sent anywhere.
static SENT: OnceLock<()> = OnceLock::new();

/// The trace a span belongs to, as 32 hexadecimal digits; nothing when traces are off.
pub fn trace_id(span: &Span) -> Option<String> {
    context_of(span).map(|context| context.trace_id().to_string())
}

/// Says in requests to these hosts which span they belong to (W3C Trace Context, `traceparent`), and to nobody else: the trace's id is the reference
/// on error pages, by which an operator finds a person's login.
pub fn inject_for(hosts: Vec<String>) -> impl Fn(&str, &mut HeaderMap) + Send + Sync {
    move |host, headers| {
        if hosts.iter().any(|told| told == host) {
            inject(headers);
        }
    }
}

/// Does nothing when traces are off.
fn inject(headers: &mut HeaderMap) {
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

/// Our own spans only: those of the client that sends spans would be sent in turn, without end. What nobody here asks for is left out, since each costs
/// something at every step of every request: nothing reads OpenTelemetry's own idea of where we are (a span's parent is that of `tracing`), how long a
/// span was busy says little of one that waits for others, and its module is told by its name.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let ours = Targets::new().with_target("vestibule", LevelFilter::INFO);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("vestibule")).with_location(false).with_threads(false);
    layer.with_target(false).with_tracked_inactivity(false).with_context_activation(false).with_filter(ours)
}

pub(crate) fn provider(endpoint: &str, options: &TelemetryOptions) -> Result<SdkTracerProvider, TelemetryError> {
    if !(0.0..=1.0).contains(&options.sample_ratio) {
        return Err(TelemetryError::SampleRatio(options.sample_ratio));
    }
    let endpoint = with_path(endpoint, "/v1/traces");
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(OnItsOwn::new(exporter)?)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sample_ratio))))
        .with_resource(resource(options))
        .build())
}

/// From now on spans are sent.
pub(crate) fn are_sent() {
    let _ = SENT.set(());
}
