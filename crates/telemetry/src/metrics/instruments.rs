//! The instruments. What happens is recorded once and told in two ways: as Prometheus text to whoever asks, and by OTLP to whom it is sent.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter as SentCounter, Histogram as SentHistogram, Meter, MeterProvider},
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        exemplar::HistogramWithExemplars,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        info::Info,
    },
    registry::{Metric, Registry},
};

use crate::{
    TelemetryError, TelemetryOptions,
    otlp::{EXPORT_TIMEOUT, OnItsOwn, resource, with_path},
    traces::kept_trace,
};

/// How often metrics are sent.
const SEND_EVERY: Duration = Duration::from_secs(30);

/// Through which metrics of this process are sent, until somebody makes them. Only one can be sent: gauges of two would overwrite each other.
static METER: Mutex<Option<Meter>> = Mutex::new(None);

/// Sends the metrics that are made next.
pub(crate) fn provider(endpoint: &str, options: &TelemetryOptions) -> Result<SdkMeterProvider, TelemetryError> {
    let endpoint = with_path(endpoint, "/v1/metrics");
    let exporter =
        opentelemetry_otlp::MetricExporter::builder().with_http().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    let reader = PeriodicReader::builder(OnItsOwn::new(exporter)?).with_interval(SEND_EVERY).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).with_resource(resource(options)).build();
    *METER.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider.meter("vestibule"));
    Ok(provider)
}

/// Labels of a series, from closed sets.
pub(super) trait Labels: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static {
    /// The same as attributes of OpenTelemetry.
    fn attributes(&self) -> Vec<KeyValue>;
}

/// Makes instruments, and registers what it makes.
pub(super) struct Maker {
    pub(super) registry: Registry,
    meter: Option<Meter>,
}

impl Maker {
    pub(super) fn new() -> Self {
        Self { registry: Registry::default(), meter: METER.lock().unwrap_or_else(PoisonError::into_inner).take() }
    }

    /// A counter; `_total` is put behind its name.
    pub(super) fn counts<L: Labels>(&mut self, name: &'static str, help: &'static str) -> Counts<L> {
        let sent = self.meter.as_ref().map(|meter| meter.u64_counter(name).with_description(help).build());
        Counts { family: self.add(name, help, Family::default()), sent }
    }

    /// One without labels.
    pub(super) fn count(&mut self, name: &'static str, help: &'static str) -> Count {
        let sent = self.meter.as_ref().map(|meter| meter.u64_counter(name).with_description(help).build());
        Count { counter: self.add(name, help, Counter::default()), sent }
    }

    /// A histogram of seconds.
    pub(super) fn timings<L: Labels>(&mut self, name: &'static str, help: &'static str, buckets: &'static [f64]) -> Timings<L> {
        let sent = self.sent_histogram(name, help, buckets, "s");
        Timings { family: self.add(name, help, Family::new_with_constructor(Buckets(buckets))), sent }
    }

    /// A histogram without labels.
    pub(super) fn sizes(&mut self, name: &'static str, help: &'static str, buckets: &'static [f64]) -> Sizes {
        let sent = self.sent_histogram(name, help, buckets, "1");
        Sizes { histogram: self.add(name, help, Buckets(buckets).new_metric()), sent }
    }

    /// A gauge.
    pub(super) fn levels<L: Labels>(&mut self, name: &'static str, help: &'static str) -> Levels<L> {
        let sent = self.meter.as_ref().map(|meter| {
            let levels = Arc::<Mutex<HashMap<L, i64>>>::default();
            let asked = levels.clone();
            let gauge = meter.i64_observable_gauge(name).with_description(help).with_callback(move |observer| {
                for (labels, level) in &*asked.lock().unwrap_or_else(PoisonError::into_inner) {
                    observer.observe(*level, &labels.attributes());
                }
            });
            let _ = gauge.build();
            levels
        });
        Levels { family: self.add(name, help, Family::default()), sent }
    }

    /// One without labels.
    pub(super) fn level(&mut self, name: &'static str, help: &'static str) -> Gauge {
        let level = self.add(name, help, Gauge::default());
        if let Some(meter) = &self.meter {
            let asked = level.clone();
            let gauge =
                meter.i64_observable_gauge(name).with_description(help).with_callback(move |observer| observer.observe(asked.get(), &[]));
            let _ = gauge.build();
        }
        level
    }

    /// What does not change; `_info` is put behind its name.
    pub(super) fn info(
        &mut self,
        name: &'static str,
        sent_as: &'static str,
        help: &'static str,
        labels: Vec<(&'static str, &'static str)>,
    ) {
        self.registry.register(name, help, Info::new(labels.clone()));
        if let Some(meter) = &self.meter {
            let attributes: Vec<_> = labels.into_iter().map(|(name, value)| KeyValue::new(name, value)).collect();
            let gauge =
                meter.i64_observable_gauge(sent_as).with_description(help).with_callback(move |observer| observer.observe(1, &attributes));
            let _ = gauge.build();
        }
    }

    fn sent_histogram(&self, name: &'static str, help: &'static str, buckets: &[f64], unit: &'static str) -> Option<SentHistogram<f64>> {
        let meter = self.meter.as_ref()?;
        Some(meter.f64_histogram(name).with_description(help).with_unit(unit).with_boundaries(buckets.to_vec()).build())
    }

    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.registry.register(name, help, metric.clone());
        metric
    }
}

/// Counts, by labels.
pub(super) struct Counts<L> {
    family: Family<L, Counter>,
    sent: Option<SentCounter<u64>>,
}

impl<L: Labels> Counts<L> {
    pub(super) fn one(&self, labels: &L) {
        self.add(labels, 1);
    }

    /// Nothing, too: a counter that first appears with its first increase hides that increase from `rate()`.
    pub(super) fn add(&self, labels: &L, more: u64) {
        self.family.get_or_create(labels).inc_by(more);
        if let Some(sent) = &self.sent {
            sent.add(more, &labels.attributes());
        }
    }
}

/// Counts.
pub(super) struct Count {
    counter: Counter,
    sent: Option<SentCounter<u64>>,
}

impl Count {
    pub(super) fn one(&self) {
        self.counter.inc();
        if let Some(sent) = &self.sent {
            sent.add(1, &[]);
        }
    }
}

/// An exemplar: a trace in which it took that long.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Trace {
    trace_id: String,
}

/// Makes histograms; a plain function would have to be one for each list of buckets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets(&'static [f64]);

impl MetricConstructor<HistogramWithExemplars<Trace>> for Buckets {
    fn new_metric(&self) -> HistogramWithExemplars<Trace> {
        HistogramWithExemplars::new(self.0.iter().copied())
    }
}

/// How long things take, by labels; each bucket shows the latest trace in it.
pub(super) struct Timings<L> {
    family: Family<L, HistogramWithExemplars<Trace>, Buckets>,
    sent: Option<SentHistogram<f64>>,
}

impl<L: Labels> Timings<L> {
    pub(super) fn observe(&self, labels: &L, took: Duration) {
        let seconds = took.as_secs_f64();
        let exemplar = kept_trace().map(|trace_id| Trace { trace_id });
        self.family.get_or_create(labels).observe(seconds, exemplar, None);
        if let Some(sent) = &self.sent {
            sent.record(seconds, &labels.attributes());
        }
    }
}

/// How large things are.
pub(super) struct Sizes {
    histogram: HistogramWithExemplars<Trace>,
    sent: Option<SentHistogram<f64>>,
}

impl Sizes {
    pub(super) fn observe(&self, size: f64) {
        self.histogram.observe(size, None, None);
        if let Some(sent) = &self.sent {
            sent.record(size, &[]);
        }
    }
}

/// How things stand, by labels.
pub(super) struct Levels<L> {
    family: Family<L, Gauge>,
    sent: Option<Arc<Mutex<HashMap<L, i64>>>>,
}

impl<L: Labels> Levels<L> {
    pub(super) fn set(&self, labels: &L, level: i64) {
        self.family.get_or_create(labels).set(level);
        if let Some(sent) = &self.sent {
            sent.lock().unwrap_or_else(PoisonError::into_inner).insert(labels.clone(), level);
        }
    }

    /// What is not known any more is not said.
    pub(super) fn remove(&self, labels: &L) {
        self.family.remove(labels);
        if let Some(sent) = &self.sent {
            sent.lock().unwrap_or_else(PoisonError::into_inner).remove(labels);
        }
    }
}
