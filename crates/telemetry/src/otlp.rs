//! The way to a collector: OTLP over HTTP, on a thread that leans on nobody's runtime.

use std::{future::Future, io, time::Duration};

use http::Uri;
use opentelemetry::KeyValue;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{SpanData, SpanExporter},
};
use tokio::runtime::Runtime;

use crate::TelemetryOptions;

/// How long one export may take.
pub(crate) const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who speaks.
pub(crate) fn resource(options: &TelemetryOptions) -> Resource {
    Resource::builder_empty()
        .with_service_name("vestibule")
        .with_attribute(KeyValue::new("service.version", options.version))
        .with_attribute(KeyValue::new("service.instance.id", options.service_instance.clone()))
        .build()
}

/// An address without a path gets the usual one.
pub(crate) fn with_path(endpoint: &str, path: &str) -> String {
    match endpoint.parse::<Uri>() {
        Ok(uri) if uri.path() == "/" && uri.query().is_none() => format!("{}{path}", endpoint.trim_end_matches('/')),
        _ => endpoint.to_owned(),
    }
}

/// An exporter with a runtime of its own. What exports does so from a plain thread, where the client's sockets would find no
/// reactor; and when the house stops, its last words must not depend on the runtime that is stopping.
#[derive(Debug)]
pub(crate) struct OnItsOwn<E> {
    exporter: E,
    runtime: Option<Runtime>,
}

impl<E> OnItsOwn<E> {
    pub(crate) fn new(exporter: E) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { exporter, runtime: Some(runtime) })
    }

    fn run(&self, export: impl Future<Output = OTelSdkResult>) -> OTelSdkResult {
        self.runtime.as_ref().map_or(Ok(()), |runtime| runtime.block_on(export))
    }
}

impl<E: SpanExporter> SpanExporter for OnItsOwn<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        std::future::ready(self.run(self.exporter.export(batch)))
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

impl<E: PushMetricExporter> PushMetricExporter for OnItsOwn<E> {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        std::future::ready(self.run(self.exporter.export(metrics)))
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
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
