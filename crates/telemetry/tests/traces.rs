//! One process, one set-up: everything about traces from outside, against a collector on loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
    time::Duration,
};

use vestibule_domain::ids::Reference;
use vestibule_telemetry::{LogFormat, TelemetryError, TelemetryOptions, check_filter, init, inject_for, trace_id};
use vestibule_testkit::{clock::StoppedClock, sample::NOW};

/// Answers one export and returns its request line and body.
fn collector() -> (String, thread::JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let collected = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n").unwrap();
        (first, body)
    });
    (address, collected)
}

#[tokio::test(flavor = "current_thread")]
async fn spans_arrive_at_the_collector_even_when_the_last_thing_that_happens_is_a_shutdown() {
    let mut options = TelemetryOptions {
        log_format: LogFormat::Json,
        log_filter: "warn".into(),
        otlp_endpoint: None,
        otlp_metrics_endpoint: None,
        sample_ratio: 2.0,
        service_instance: "one-of-many".into(),
        version: "1.2.3",
    };
    assert!(matches!(
        init(&TelemetryOptions { log_filter: "a=b=c".into(), ..options.clone() }, Arc::new(StoppedClock::default())),
        Err(TelemetryError::Filter(_))
    ));
    assert!(check_filter("a=b=c").is_err() && check_filter("info,vestibule_flows=debug").is_ok());
    assert_eq!(trace_id(&tracing::info_span!("before")), None);

    let (address, collected) = collector();
    options.otlp_endpoint = Some(address);
    assert!(matches!(init(&options, Arc::new(StoppedClock::default())), Err(TelemetryError::SampleRatio(_))));
    options.sample_ratio = 1.0;
    let guard = init(&options, Arc::new(StoppedClock::default())).unwrap();
    assert!(matches!(init(&options, Arc::new(StoppedClock::default())), Err(TelemetryError::Twice(_))));

    // The filter of the log lets warnings through only; spans must not depend on it.
    let span = tracing::info_span!(target: "vestibule_http::authorize", "authorize");
    let id = trace_id(&span).unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert!(id.starts_with(&Reference::new(NOW, &[0; 10]).to_string()[..12]), "it begins with the moment, as every reference: {id}");
    let headers = span.in_scope(|| {
        let child = tracing::info_span!(target: "vestibule_flows", "depart");
        assert_eq!(trace_id(&child).as_ref(), Some(&id), "a child has its parent's trace");
        let mut headers = http::HeaderMap::new();
        let inject = inject_for(vec!["login.corp.example".into()]);
        child.in_scope(|| inject("elsewhere.example", &mut headers));
        assert!(headers.is_empty(), "who was not named is not told");
        child.in_scope(|| inject("login.corp.example", &mut headers));
        headers
    });
    let parent = headers["traceparent"].to_str().unwrap();
    assert!(parent.starts_with(&format!("00-{id}-")) && parent.ends_with("-01") && parent.len() == 55, "{parent}");
    assert_eq!(trace_id(&tracing::info_span!(target: "hyper", "not ours")), None);
    drop(span);

    guard.shutdown();
    let (request, body) = collected.join().unwrap();
    assert_eq!(request, "POST /v1/traces HTTP/1.1\r\n");
    let id: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap()).collect();
    let holds = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    assert!(holds(&id) && holds(b"authorize") && holds(b"service.instance.id") && holds(b"one-of-many") && holds(b"1.2.3"));
}
