//! Spans, sent as OTLP over HTTP when the operator says where to.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceId, TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SdkTracerProvider, ShouldSample};
use tracing::{Level, Metadata, Span, Subscriber, info_span, level_filters::LevelFilter, subscriber::Interest};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, Filter},
    registry::LookupSpan,
};
use vestibule_domain::{
    ids::{LoginId, Reference},
    ports::Clock,
};

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
    SENT.get().and_then(|()| trace_id(&Span::current()))
}

/// Set once spans are sent anywhere.
static SENT: OnceLock<()> = OnceLock::new();

/// The trace a span belongs to, as 32 hexadecimal digits; nothing when traces are off or that one is not kept.
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

/// Does nothing where no trace is kept.
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

/// Sends that share of traces. What nobody here asks for is left out, since each costs something at every step of every request: nothing reads
/// OpenTelemetry's own idea of where we are (a span's parent is that of `tracing`), how long a span was busy says little of one that waits for others, and
/// its module is told by its name.
pub(crate) fn layer<S>(provider: &SdkTracerProvider, share: f64) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let sending = tracing_opentelemetry::layer().with_tracer(provider.tracer("vestibule")).with_location(false).with_threads(false);
    let sending = sending.with_target(false).with_tracked_inactivity(false).with_context_activation(false);
    // Our own spans only: those of the client that sends spans would be sent in turn, without end.
    let ours = Targets::new().with_target("vestibule", LevelFilter::INFO);
    sending.with_filter(Kept { ours, share: Sampler::TraceIdRatioBased(share) })
}

/// Lets through the spans of traces that are kept. That is decided where a trace begins, and for all that is in it: a trace that is not kept then costs
/// next to nothing. A sampler of the SDK is asked once its span has been made, which is most of what one costs.
///
/// It stands on what no layer promises to do otherwise: a span that this filter does not let through is still the current one, even where the log does not want
/// it either. And it sees the innermost span only: one of somebody else's between two of ours, in a trace that is not kept, begins another.
struct Kept {
    ours: Targets,
    share: Sampler,
}

impl<S> Filter<S> for Kept
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        if !self.is_ours(metadata) {
            return false;
        }
        // What happens goes with the span that it names or is in, and with it only.
        metadata.is_event() || context.lookup_current().is_some() || !self.is_within(context.current_span().metadata()) && self.is_chosen()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

impl Kept {
    fn is_ours(&self, metadata: &Metadata<'_>) -> bool {
        self.ours.would_enable(metadata.target(), metadata.level())
    }

    /// Whether that span is one of ours, of whatever level. What was not let through can't be looked up, but is no less the current one.
    fn is_within(&self, current: Option<&Metadata<'_>>) -> bool {
        current.is_some_and(|span| self.ours.would_enable(span.target(), &Level::ERROR))
    }

    fn is_chosen(&self) -> bool {
        let lot = RandomIdGenerator::default().new_trace_id();
        self.share.should_sample(None, lot, "", &SpanKind::Internal, &[], &[]).decision == SamplingDecision::RecordAndSample
    }
}

/// Names traces as requests are known by, whether or not they have a trace.
struct Names(Arc<dyn Clock>);

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}

impl IdGenerator for Names {
    fn new_trace_id(&self) -> TraceId {
        let [.., b0, b1, b2, b3, b4, b5, b6, b7, b8, b9] = RandomIdGenerator::default().new_trace_id().to_bytes();
        TraceId::from_bytes(Reference::new(self.0.now(), &[b0, b1, b2, b3, b4, b5, b6, b7, b8, b9]).to_bytes())
    }

    fn new_span_id(&self) -> SpanId {
        RandomIdGenerator::default().new_span_id()
    }
}

pub(crate) fn provider(endpoint: &str, options: &TelemetryOptions, clock: Arc<dyn Clock>) -> Result<SdkTracerProvider, TelemetryError> {
    if !(0.0..=1.0).contains(&options.sample_ratio) {
        return Err(TelemetryError::SampleRatio(options.sample_ratio));
    }
    let endpoint = with_path(endpoint, "/v1/traces");
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(OnItsOwn::new(exporter)?)
        .with_id_generator(Names(clock))
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource(options))
        .build())
}

/// From now on spans are sent.
pub(crate) fn are_sent() {
    let _ = SENT.set(());
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use opentelemetry_sdk::{
        error::OTelSdkResult,
        trace::{SpanData, SpanExporter},
    };
    use tracing::{error, subscriber::with_default};
    use tracing_subscriber::{layer::SubscriberExt, registry};
    use vestibule_testkit::clock::StoppedClock;

    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Paper {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    #[test]
    fn traces_are_named_as_requests_are_known_by() {
        let clock = Arc::new(StoppedClock::default());
        let names = Names(clock.clone());
        let [one, other] = [names.new_trace_id(), names.new_trace_id()];
        assert_eq!(one.to_bytes()[..6], Reference::new(clock.now(), &[0; 10]).to_bytes()[..6], "the moment");
        assert_ne!(one.to_bytes()[9..], other.to_bytes()[9..], "and chance");
    }

    #[test]
    fn what_is_said_of_a_span_goes_with_it_from_wherever_it_is_said() {
        let paper = Paper::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(paper.clone()).with_sampler(Sampler::AlwaysOn).build();
        with_default(registry().with(layer(&provider, 0.25)), || {
            for _ in 0..400 {
                let span = info_span!("http");
                error!(parent: &span, "a handler panicked");
                error!("of no span");
            }
        });
        let kept = paper.0.lock().unwrap();
        assert!((40..160).contains(&kept.len()), "{} of 400", kept.len());
        assert!(kept.iter().all(|span| span.events.len() == 1));
    }
}
