//! What operators and their machines ask: does it live, is it ready, what has it counted?

use std::sync::Arc;

use http::StatusCode;
use poem::Response;

use crate::{house::House, visit::Visit};

/// The process answers.
pub(crate) async fn livez(_: Arc<House>, _: Visit) -> Response {
    plain(StatusCode::OK, "ok\n")
}

/// New traffic is welcome: not draining, and the database answers. An upstream's outage never fails it.
pub(crate) async fn readyz(house: Arc<House>, visit: Visit) -> Response {
    if house.is_draining() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match house.is_ready(visit.witness.now).await {
        Ok(()) => plain(StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

/// Everything counted, for Prometheus.
pub(crate) async fn metrics(house: Arc<House>, _: Visit) -> Response {
    Response::builder().content_type(vestibule_telemetry::METRICS_CONTENT_TYPE).body(house.metrics.render())
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(text)
}
