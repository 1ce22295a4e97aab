//! New events as they come.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use vestibule_domain::{audit::AuditEvent, ids::EventId, ports::Store, store::EventQuery, time::Timestamp};

use crate::{cli::Filter, failure::Failure, wire};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// An event is ordered by when its request came, and there when that is committed: one that took long appears among those already shown. So
/// each look goes back this far before the one before it.
const LATECOMERS: Duration = Duration::from_secs(30);

/// What was seen.
pub(crate) struct Follower {
    seen: HashMap<EventId, Timestamp>,
    /// What was there before, and not among the latest that were shown, is not new.
    oldest: Timestamp,
    /// When it was looked last: whoever reads may keep us waiting after that.
    looked: Timestamp,
}

impl Follower {
    /// Goes on after what was shown, which was looked for at a moment.
    pub(crate) fn after(shown: &VecDeque<AuditEvent>, looked: Timestamp) -> Self {
        Self {
            seen: shown.iter().map(|event| (event.id, event.time)).collect(),
            oldest: shown.front().map_or(looked, |event| event.time),
            looked,
        }
    }

    /// Shows what comes, until it is interrupted.
    pub(crate) async fn follow(
        mut self,
        store: &dyn Store,
        filter: &Filter,
        show: impl Fn(&AuditEvent) -> Result<(), Failure> + Send + Sync,
    ) -> Result<(), Failure> {
        loop {
            self.look(store, filter, wire::clock().now(), &show).await?;
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
        }
    }

    async fn look(
        &mut self,
        store: &dyn Store,
        filter: &Filter,
        now: Timestamp,
        show: impl Fn(&AuditEvent) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let since = (self.looked - LATECOMERS).max(self.oldest);
        let mut query = EventQuery { since: Some(since), ..super::query(filter) };
        loop {
            let page = store.events(&query).await?;
            for event in &page {
                if self.seen.insert(event.id, event.time).is_none() {
                    show(event)?;
                }
            }
            match page.last() {
                Some(last) if page.len() as u64 == query.limit => query.after = Some(last.id),
                _ => break,
            }
        }
        self.seen.retain(|_, time| *time >= since);
        self.looked = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use vestibule_domain::{
        audit::{Actor, EventName, Outcome},
        ports::Clock,
        store::Changes,
    };
    use vestibule_testkit::{
        rig::{Rig, RigOptions},
        sample::Sample,
    };

    use super::*;

    #[tokio::test]
    async fn who_keeps_it_waiting_misses_nothing_and_sees_nothing_twice() {
        let (_, rig) = Rig::gateway(RigOptions::default()).await;
        let sample = Sample::default();
        let happens = async || {
            let event = rig.witness().event(EventName::LoginFailed, Outcome::Failure, Actor::System, &sample.entropy);
            rig.port().commit(Changes::default().event(event.clone())).await.unwrap();
            event
        };
        let shown = Mutex::new(Vec::new());
        let show = |event: &AuditEvent| {
            shown.lock().unwrap().push(event.id);
            Ok(())
        };
        // After the keys of the house, which are events too.
        rig.clock.advance(Duration::from_secs(1));
        let before = happens().await;
        rig.clock.advance(Duration::from_secs(1));
        let mut follower = Follower::after(&VecDeque::from([before]), rig.clock.now());
        rig.clock.advance(Duration::from_secs(1));
        let first = happens().await;
        follower.look(rig.port(), &Filter::default(), rig.clock.now(), show).await.unwrap();
        // A terminal that is held: far longer than anybody is late.
        rig.clock.advance(Duration::from_secs(5));
        let meanwhile = happens().await;
        rig.clock.advance(LATECOMERS * 10);
        let last = happens().await;
        for _ in 0..2 {
            follower.look(rig.port(), &Filter::default(), rig.clock.now(), show).await.unwrap();
            rig.clock.advance(LATECOMERS * 2);
        }
        assert_eq!(*shown.lock().unwrap(), [first.id, meanwhile.id, last.id]);
    }
}
