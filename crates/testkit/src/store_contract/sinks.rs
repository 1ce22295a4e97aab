//! How far sinks of audit events have come.

use std::sync::Arc;

use uuid::Uuid;
use vestibule_domain::{
    audit::sink::{SinkCursor, SinkTrouble, Trouble},
    ids::SinkId,
    ports::Store,
    store::{Changes, Contest, Write},
};

use super::{commit, only_winner, race};
use crate::sample::Sample;

fn cursor(sample: &Sample, name: &str) -> SinkCursor {
    SinkCursor::begun(SinkId::parse(name).unwrap(), 7, sample.now)
}

fn put(cursor: &SinkCursor, expected: Option<i64>) -> Write {
    Write::PutSinkCursor { cursor: Box::new(cursor.clone()), expected }
}

/// By name, each for itself, and as it was written.
pub async fn a_sink_goes_on_from_where_it_was(store: Arc<dyn Store>) {
    let sample = Sample::default();
    assert_eq!(store.sink_cursors().await.unwrap(), []);
    let (siem, file) = (cursor(&sample, "siem"), cursor(&sample, "file"));
    commit(&store, [put(&siem, None), put(&file, None)]).await;
    assert_eq!(store.sink_cursors().await.unwrap(), [file.clone(), siem.clone()]);
    let trouble = Trouble { kind: SinkTrouble::Timeout, since: sample.now, attempts: 3, retry: sample.now };
    let next = SinkCursor {
        version: 2,
        seq: 12,
        keeper: Uuid::from_bytes([4; 16]),
        delivered: Some(sample.now),
        trouble: Some(trouble),
        ..siem.clone()
    };
    commit(&store, [put(&next, Some(1))]).await;
    assert_eq!(store.sink_cursors().await.unwrap(), [file, next.clone()]);
    for (stale, expected) in [(&siem, None), (&next, Some(1)), (&next, Some(3))] {
        let lost = store.commit(Changes::default().write(put(stale, expected))).await;
        assert_eq!(lost, Err(vestibule_domain::store::StoreError::Conflict(Contest::Sink)));
    }
}

/// On however many nodes.
pub async fn of_parallel_senders_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let first = cursor(&sample, "siem");
    only_winner(&race(&[&store], (0..8).map(|_| Changes::default().write(put(&first, None))).collect()).await, Contest::Sink);
    let all: Vec<_> = (1..=8).map(|seq| SinkCursor { version: 2, seq, ..first.clone() }).collect();
    let answers = race(&[&store], all.iter().map(|next| Changes::default().write(put(next, Some(1)))).collect()).await;
    let winner = only_winner(&answers, Contest::Sink);
    assert_eq!(store.sink_cursors().await.unwrap(), [all[winner].clone()]);
}
