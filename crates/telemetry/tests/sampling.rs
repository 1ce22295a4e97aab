//! One process, one set-up: a share of traces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;

use tracing::{Span, info_span};
use vestibule_telemetry::{LogFormat, TelemetryOptions, init, inject_for, trace_id};
use vestibule_testkit::clock::StoppedClock;

const ROUNDS: usize = 2000;

/// A span like that of a request.
fn request() -> Span {
    info_span!(target: "vestibule_http", "http")
}

/// A step within.
fn step() -> Span {
    info_span!(target: "vestibule_persistence", "store.commit")
}

fn traceparent() -> Option<String> {
    let mut headers = http::HeaderMap::new();
    inject_for(vec!["login.corp.example".into()])("login.corp.example", &mut headers);
    headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "current_thread")]
async fn a_trace_is_kept_whole_or_not_at_all_and_as_many_as_asked_for() {
    let options = TelemetryOptions {
        log_format: LogFormat::Json,
        // Nobody else wants these spans, and a span of somebody else's may be around ours.
        log_filter: "warn,h2=debug,vestibule_persistence=debug".into(),
        otlp_endpoint: Some("http://127.0.0.1:9".into()),
        otlp_metrics_endpoint: None,
        sample_ratio: 0.25,
        service_instance: "one-of-many".into(),
        version: "1.2.3",
    };
    let _guard = init(&options, Arc::new(StoppedClock::default())).unwrap();
    let (mut kept, mut steps) = (0, 0);
    for round in 0..ROUNDS {
        let theirs = tracing::debug_span!(target: "h2", "Connection");
        let request = if round % 2 == 0 { request() } else { theirs.in_scope(request) };
        let id = trace_id(&request);
        kept += usize::from(id.is_some());
        let told = request.in_scope(|| {
            assert_eq!(trace_id(&step()), id, "a step is of its request's trace, and of none where that is not kept");
            assert_eq!(step().in_scope(|| trace_id(&step())), id, "as deep as it goes");
            let detail = tracing::debug_span!(target: "vestibule_persistence", "store.transaction");
            assert_eq!(detail.in_scope(|| trace_id(&step())), id, "within what is too fine to be sent, too");
            traceparent()
        });
        assert_eq!(told.is_some(), id.is_some(), "nobody is told of a trace that is not kept");
        assert!(told.is_none_or(|told| told.ends_with("-01")));
        // What the house does by itself has no request around it.
        steps += usize::from(trace_id(&step()).is_some());
    }
    // Of 2000 with one in four, more than 120 off the 500 happens once in a thousand million runs.
    assert!(kept.abs_diff(ROUNDS / 4) < 120, "{kept} of {ROUNDS}");
    assert!(steps.abs_diff(ROUNDS / 4) < 120, "{steps} of {ROUNDS}");
}
