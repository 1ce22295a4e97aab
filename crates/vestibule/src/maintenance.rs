//! What the house does by itself every minute.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, error};
use vestibule_flows::{Gateway, KeysError};
use vestibule_http::House;
use vestibule_telemetry::Metrics;

const EVERY: Duration = Duration::from_mins(1);

/// Makes the keys that are due and says so in the metrics. A gateway without keys can't serve, so the first time is waited for.
pub(crate) async fn keep_keys(gateway: &Gateway, metrics: &Metrics) -> Result<(), KeysError> {
    let keys = gateway.keep_keys().await?;
    metrics.set_signing_keys(&keys, gateway.clock().now());
    Ok(())
}

/// Goes round until it is aborted. What fails is tried again a minute later.
pub(crate) async fn maintain(house: Arc<House>, metrics: Arc<Metrics>) {
    let gateway = house.gateway();
    let mut minutes = interval(EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        if let Err(error) = keep_keys(gateway, &metrics).await {
            error!(%error, "the signing keys could not be kept; those in use stay");
        }
        match gateway.sweep().await {
            Ok(rows) => debug!(rows, "swept {rows} rows that have expired"),
            Err(error) => error!(%error, "what has expired could not be swept"),
        }
        match gateway.sessions_alive().await {
            Ok(sessions) => metrics.set_sessions_active(sessions),
            Err(error) => error!(%error, "the sessions could not be counted"),
        }
    }
}
