//! What nodes counted, and who was here on a day.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;
use vestibule_domain::{
    ports::Store,
    stats::{PEOPLE_KEPT, StatsRow, Step, Tally, day},
    store::Write,
    time::Timestamp,
};

use super::commit;
use crate::sample::Sample;

const MILLI: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_hours(24);

fn row(node: u8, step: Step, start: Timestamp, succeeded: u64) -> StatsRow {
    let mut tally = Tally::default();
    tally.provider("acme").logins.succeeded = succeeded;
    tally.provider("acme").answers.observe(Duration::from_millis(7));
    StatsRow { node: Uuid::from_bytes([node; 16]), step, start, tally }
}

fn put(row: &StatsRow) -> Write {
    Write::PutStats(Box::new(row.clone()))
}

/// A node writes its own again and again, each time the whole of it; those of another node and of another step stand beside them.
pub async fn what_nodes_counted_is_kept_span_by_span(store: Arc<dyn Store>) {
    let now = Step::Hour.start(Sample::default().now);
    let (early, late) = (row(1, Step::Minute, now, 1), row(1, Step::Minute, now + Duration::from_mins(1), 2));
    let (other, hour) = (row(2, Step::Minute, now, 3), row(1, Step::Hour, now, 4));
    commit(&store, [put(&late), put(&early), put(&hour)]).await;
    commit(&store, [put(&other)]).await;
    assert_eq!(store.stats(Step::Minute, now).await, Ok(vec![early.clone(), other.clone(), late.clone()]));
    assert_eq!(store.stats(Step::Minute, now + MILLI).await, Ok(vec![late.clone()]));
    assert_eq!(store.stats(Step::Hour, now).await, Ok(vec![hour]));
    assert_eq!(store.stats(Step::TenSeconds, now).await, Ok(Vec::new()));
    let more = row(1, Step::Minute, now, 9);
    commit(&store, [put(&row(1, Step::Minute, now, 5)), put(&more)]).await;
    assert_eq!(store.stats(Step::Minute, now).await, Ok(vec![more, other, late]));
}

/// Each step for its own time.
pub async fn the_sweep_takes_what_was_counted_when_its_time_is_over(store: Arc<dyn Store>) {
    let now = Step::Hour.start(Sample::default().now);
    commit(&store, Step::ALL.map(|step| put(&row(1, step, now, 1)))).await;
    for step in Step::ALL {
        let end = now + step.span() + step.kept();
        assert_eq!(store.sweep(end, now, 100).await, Ok(0), "{step:?}");
        assert_eq!(store.sweep(end + MILLI, now, 100).await, Ok(1), "{step:?}");
        assert_eq!(store.stats(step, now).await, Ok(Vec::new()));
    }
}

/// However often and by whichever node they are noted.
pub async fn people_are_counted_once_a_day_and_once_in_all(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let today = day(sample.now);
    let (ada, bob) = (sample.account().id, sample.account().id);
    let note = |account, day| Write::NoteActive { account, day };
    commit(&store, [note(ada, today), note(bob, today), note(ada, today)]).await;
    commit(&store, [note(ada, today), note(ada, today - DAY)]).await;
    assert_eq!(store.people_active(today).await, Ok(2));
    assert_eq!(store.people_active(today - DAY).await, Ok(2));
    assert_eq!(store.people_active(today + DAY).await, Ok(0));
    assert_eq!(store.people_by_day(today - DAY).await, Ok(vec![(today - DAY, 1), (today, 2)]));
    assert_eq!(store.people_by_day(today).await, Ok(vec![(today, 2)]));
    assert_eq!(store.sweep(today - DAY + PEOPLE_KEPT, today, 100).await, Ok(0));
    assert_eq!(store.sweep(today - DAY + PEOPLE_KEPT + MILLI, today, 100).await, Ok(1));
    assert_eq!(store.people_by_day(today - DAY).await, Ok(vec![(today, 2)]));
}

/// Nor is it noted again by a node that has not heard of it.
pub async fn who_was_erased_was_never_here(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let today = day(sample.now);
    let (ada, bob) = (sample.account().id, sample.account().id);
    let note = |account| Write::NoteActive { account, day: today };
    commit(&store, [note(ada), note(bob), Write::NoteActive { account: ada, day: today - DAY }]).await;
    commit(&store, [Write::ForgetActivity { account: ada }, Write::EraseSubject { account: ada, at: sample.now }]).await;
    assert_eq!(store.people_by_day(today - DAY).await, Ok(vec![(today, 1)]));
    commit(&store, [note(ada)]).await;
    assert_eq!(store.people_active(today - DAY).await, Ok(1));
}
