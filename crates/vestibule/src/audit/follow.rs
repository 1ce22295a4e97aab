//! New events as they come.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use vestibule_domain::{audit::AuditEvent, ids::EventId, ports::Store, store::EventQuery, time::Timestamp};
use vestibule_persistence::SqlStore;

use crate::{cli::Filter, failure::Failure, wire};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// An event is ordered by when its request came, and there when that is committed: one that took long appears among those already shown. So
/// each look goes back this far.
const LATECOMERS: Duration = Duration::from_secs(30);

/// Shows what comes after `shown`, until it is interrupted.
pub(crate) async fn follow(
    store: &SqlStore,
    filter: &Filter,
    shown: VecDeque<AuditEvent>,
    show: impl Fn(&AuditEvent) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let began = wire::clock().now();
    // What was there before, and not among the latest that were shown, is not new.
    let oldest = shown.front().map_or(began, |event| event.time);
    let mut seen: HashMap<EventId, Timestamp> = shown.iter().map(|event| (event.id, event.time)).collect();
    loop {
        let since = (wire::clock().now() - LATECOMERS).max(oldest);
        let mut query = EventQuery { since: Some(since), ..super::query(filter) };
        loop {
            let page = store.events(&query).await?;
            for event in &page {
                if seen.insert(event.id, event.time).is_none() {
                    show(event)?;
                }
            }
            match page.last() {
                Some(last) if page.len() as u64 == query.limit => query.after = Some(last.id),
                _ => break,
            }
        }
        seen.retain(|_, time| *time >= since);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}
