//! The chain of audit events, and what can be erased of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use vestibule_domain::{
    audit::{
        AuditEvent, EventName, Source,
        chain::{ChainHead, Checkpoint, Unsealed},
        personal::Subject,
        record::chained,
    },
    ids::AccountId,
    ports::Store,
    secret::{Digest, Sealed, Signature, SubjectKey},
    store::{Changes, Contest, EventQuery, Write},
    time::Timestamp,
};

use super::{commit, only_winner, race};
use crate::sample::{Sample, sealing};

fn checkpoint(head: &ChainHead, seq: i64, at: Timestamp) -> Checkpoint {
    Checkpoint { chain: head.chain, seq, hash: head.hash, at, key: head.key, signature: Signature([5; 64]) }
}

fn some_events(sample: &Sample, many: u32) -> Vec<AuditEvent> {
    let first = sample.event(EventName::LoginSucceeded, &sample.account(), &sample.client("app"));
    (0..many).map(|at| sample.later(&first, Duration::from_secs(u64::from(at)))).collect()
}

async fn begun(store: &Arc<dyn Store>, sample: &Sample) -> ChainHead {
    let head = sample.chain_head();
    commit(store, [Write::PutChain { head: Box::new(head.clone()), expected: None }]).await;
    head
}

/// Once, and then moves on from the version that was read.
pub async fn of_parallel_sealers_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    assert_eq!(store.chain().await.unwrap(), None);
    let first = sample.chain_head();
    let begin = |_| Changes::default().write(Write::PutChain { head: Box::new(first.clone()), expected: None });
    only_winner(&race(&[&store], (0..8).map(begin).collect()).await, Contest::Chain);
    assert_eq!(store.chain().await.unwrap(), Some(first.clone()));
    let event = some_events(&sample, 1).remove(0);
    store.commit(Changes::default().event(event.clone())).await.unwrap();
    let attempts: Vec<_> = (0..8).map(|_| (ChainHead { version: 2, seq: 1, ..first.clone() }, sample.chain_link(1))).collect();
    let answers = race(
        &[&store],
        attempts
            .iter()
            .map(|(head, link)| {
                let next = Write::PutChain { head: Box::new(head.clone()), expected: Some(1) };
                Changes::default().write(next).write(sealing(&event, *link, None))
            })
            .collect(),
    )
    .await;
    let winner = only_winner(&answers, Contest::Chain);
    assert_eq!(store.chain().await.unwrap().as_ref(), Some(&attempts[winner].0));
    assert_eq!(store.sequenced(0, 10).await.unwrap(), [(1, AuditEvent { link: Some(attempts[winner].1), ..event })]);
}

/// What waits is read oldest first; what is sealed has its place from then on, wherever it is read.
pub async fn events_are_sealed_in_an_order_of_their_own(store: Arc<dyn Store>) {
    let sample = Sample::default();
    begun(&store, &sample).await;
    let events = some_events(&sample, 3);
    for event in &events {
        store.commit(Changes::default().event(event.clone())).await.unwrap();
    }
    assert_eq!(store.count_unsealed().await.unwrap(), Unsealed { events: 3, oldest: Some(events[0].time) });
    assert_eq!(store.unsealed(2).await.unwrap(), events[..2]);
    assert_eq!(store.sequenced(0, 9).await.unwrap(), Vec::new());

    // The second came late, and is sealed last.
    let places = [sample.chain_link(1), sample.chain_link(3), sample.chain_link(2)];
    let head = ChainHead { version: 2, seq: 3, ..sample.chain_head() };
    let mut writes: Vec<_> = events.iter().zip(places).map(|(event, link)| sealing(event, link, None)).collect();
    writes.push(Write::PutChain { head: Box::new(head), expected: Some(1) });
    commit(&store, writes).await;
    assert_eq!(store.count_unsealed().await.unwrap(), Unsealed::default());
    assert_eq!(store.unsealed(9).await.unwrap(), Vec::new());
    let sealed = |at: usize| AuditEvent { link: Some(places[at]), ..events[at].clone() };
    assert_eq!(store.sequenced(0, 2).await.unwrap(), [(1, sealed(0)), (2, sealed(2))]);
    assert_eq!(store.sequenced(2, 9).await.unwrap(), [(3, sealed(1))]);
    let all = EventQuery { limit: 9, ..EventQuery::default() };
    assert_eq!(store.events(&all).await.unwrap(), [sealed(0), sealed(1), sealed(2)]);
    let links = store.chain_links(1, 9).await.unwrap();
    assert_eq!(
        links.iter().map(|kept| (kept.link, &*kept.record)).collect::<Vec<_>>(),
        [(places[2], &*chained(&events[2])), (places[1], &*chained(&events[1])),]
    );
    assert!(links.iter().all(|kept| kept.found_as_said));
}

/// One that is sealed stays as it was sealed.
pub async fn an_event_is_sealed_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    begun(&store, &sample).await;
    let event = some_events(&sample, 1).remove(0);
    store.commit(Changes::default().event(event.clone())).await.unwrap();
    let first = sample.chain_link(1);
    commit(&store, [sealing(&event, first, None)]).await;
    commit(&store, [sealing(&AuditEvent { detail: Some("other".into()), ..event.clone() }, sample.chain_link(2), None)]).await;
    assert_eq!(store.sequenced(0, 9).await.unwrap(), [(1, AuditEvent { link: Some(first), ..event })]);
}

/// In their order, and the last before a moment.
pub async fn checkpoints_are_kept_in_order(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let head = begun(&store, &sample).await;
    let at = |secs| sample.now + Duration::from_secs(secs);
    let all = [checkpoint(&head, 10, at(10)), checkpoint(&head, 20, at(20)), checkpoint(&head, 30, at(30))];
    commit(&store, all.iter().cloned().map(Write::AddCheckpoint)).await;
    assert_eq!(store.checkpoints(0, 2).await.unwrap(), all[..2]);
    assert_eq!(store.checkpoints(10, 9).await.unwrap(), all[1..]);
    assert_eq!(store.checkpoint_before(at(20), i64::MAX).await.unwrap().as_ref(), Some(&all[0]));
    assert_eq!(store.checkpoint_before(at(99), i64::MAX).await.unwrap().as_ref(), Some(&all[2]));
    assert_eq!(store.checkpoint_before(at(10), i64::MAX).await.unwrap(), None);
    assert_eq!(store.checkpoint_before(at(99), 29).await.unwrap().as_ref(), Some(&all[1]));
    assert_eq!(store.checkpoint_before(at(99), 9).await.unwrap(), None);
}

/// The first key stays until it is destroyed; then there may be another, for what comes after.
pub async fn a_person_s_key_is_kept_until_it_is_destroyed(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, bob): (AccountId, AccountId) = (sample.account().id, sample.account().id);
    let key = |byte| SubjectKey([byte; 32]);
    let known = |store: Arc<dyn Store>| async move { store.subjects(&[ada]).await.unwrap() };
    assert_eq!(known(store.clone()).await, []);
    commit(&store, [Write::PutSubjectKey { account: ada, key: key(1) }, Write::PutSubjectKey { account: bob, key: key(2) }]).await;
    commit(&store, [Write::PutSubjectKey { account: ada, key: key(3) }]).await;
    assert_eq!(known(store.clone()).await, [Subject { account: ada, key: Some(key(1)), erased: None, habits: None }]);
    commit(&store, [Write::EraseSubject { account: ada, at: sample.now }]).await;
    assert_eq!(known(store.clone()).await, [Subject { account: ada, key: None, erased: Some(sample.now), habits: None }]);
    commit(&store, [Write::PutSubjectKey { account: ada, key: key(4) }]).await;
    assert_eq!(known(store.clone()).await, [Subject { account: ada, key: Some(key(4)), erased: Some(sample.now), habits: None }]);
    assert_eq!(store.subjects(&[bob]).await.unwrap(), [Subject { account: bob, key: Some(key(2)), erased: None, habits: None }]);
    // Somebody of whom nothing was known can be erased too.
    let eve = sample.account().id;
    commit(&store, [Write::EraseSubject { account: eve, at: sample.now }]).await;
    assert_eq!(store.subjects(&[eve]).await.unwrap(), [Subject { account: eve, key: None, erased: Some(sample.now), habits: None }]);
}

fn habits(byte: u8) -> Sealed {
    Sealed(vec![byte; 40])
}

/// What is known of a person's ways is replaced, and goes with their key; without one nothing is kept.
pub async fn what_is_known_of_a_person_goes_with_their_key(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, bob): (AccountId, AccountId) = (sample.account().id, sample.account().id);
    let key = |byte| SubjectKey([byte; 32]);
    let put = |account, byte| Write::PutHabits { account, habits: habits(byte), until: sample.now };
    let known = |account| {
        let store = store.clone();
        async move { store.subjects(&[account]).await.unwrap().into_iter().next().and_then(|subject| subject.habits) }
    };
    commit(&store, [put(ada, 1)]).await;
    assert_eq!(known(ada).await, None, "nothing to seal it under");
    // The key and what is sealed under it come in one commit.
    let first = [Write::PutSubjectKey { account: ada, key: key(1) }, put(ada, 2)];
    commit(&store, first).await;
    commit(&store, [Write::PutSubjectKey { account: bob, key: key(2) }, put(bob, 9)]).await;
    assert_eq!((known(ada).await, known(bob).await), (Some(habits(2)), Some(habits(9))));
    commit(&store, [put(ada, 3)]).await;
    assert_eq!(known(ada).await, Some(habits(3)));
    commit(&store, [Write::EraseSubject { account: ada, at: sample.now }]).await;
    assert_eq!(known(ada).await, None);
    commit(&store, [put(ada, 4)]).await;
    assert_eq!((known(ada).await, known(bob).await), (None, Some(habits(9))));
}

/// What is known of a person's ways of signing in is nobody's business once they have not come for long; their key stays, for what was recorded.
pub async fn the_sweep_takes_what_is_known_of_who_does_not_come_again(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, bob): (AccountId, AccountId) = (sample.account().id, sample.account().id);
    let at = |secs| sample.now + Duration::from_secs(secs);
    let put = |account, byte, until| Write::PutHabits { account, habits: habits(byte), until };
    let known = || async {
        let subjects = store.subjects(&[ada, bob]).await.unwrap();
        subjects.into_iter().map(|subject| (subject.account, subject.habits)).collect::<BTreeMap<_, _>>()
    };
    let both = |of_ada, of_bob| BTreeMap::from([(ada, of_ada), (bob, of_bob)]);
    let keys = [(ada, 1), (bob, 2)].map(|(account, byte)| Write::PutSubjectKey { account, key: SubjectKey([byte; 32]) });
    commit(&store, keys.into_iter().chain([put(ada, 1, at(10)), put(bob, 2, at(10))])).await;
    // One of them comes again.
    commit(&store, [put(bob, 3, at(20))]).await;
    let sweep = |now| {
        let store = store.clone();
        async move { store.sweep(now, Timestamp::default(), 10).await.unwrap() }
    };
    assert_eq!(sweep(at(10)).await, 0, "to the millisecond");
    assert_eq!(sweep(at(10) + Duration::from_millis(1)).await, 1);
    assert_eq!(known().await, both(None, Some(habits(3))));
    let kept: Vec<_> = store.subjects(&[ada]).await.unwrap().into_iter().filter_map(|subject| subject.key).collect();
    assert_eq!(kept, [SubjectKey([1; 32])]);
    // And later again: what is learned anew has its own time.
    commit(&store, [put(ada, 4, at(40))]).await;
    assert_eq!(sweep(at(30)).await, 1);
    assert_eq!(known().await, both(Some(habits(4)), None));
    commit(&store, [Write::EraseSubject { account: ada, at: sample.now }]).await;
    assert_eq!(sweep(at(50)).await, 0, "nothing is left to take");
}

/// Without the sealing key, what was set apart is not there, and its absence is marked.
pub async fn what_is_said_of_a_person_stays_closed_without_a_key(store: Arc<dyn Store>) {
    let sample = Sample::default();
    begun(&store, &sample).await;
    let mut event = some_events(&sample, 1).remove(0);
    event.source = Source { ip: "192.0.2.9".parse().ok(), user_agent: Some("somebody's".into()), country: None };
    store.commit(Changes::default().event(event.clone())).await.unwrap();
    let salt = sample.digest();
    let kept = event.set_apart(salt, |_| Digest([6; 32])).unwrap();
    assert!(kept.contains("192.0.2.9") && !chained(&event).contains("192.0.2.9"));
    commit(&store, [sealing(&event, sample.chain_link(1), Some(Sealed(kept.into_bytes())))]).await;
    let (_, read) = store.sequenced(0, 9).await.unwrap().remove(0);
    assert_eq!(read.source, Source::default());
    assert!(read.personal.is_some_and(|personal| personal.redacted && personal.digest == Digest([6; 32]) && personal.salt.is_none()));
}

/// Up to where the chain says, a bounded number at a time; the checkpoint that the rest follows stays.
pub async fn the_sweep_takes_the_events_that_are_kept_no_more(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let first = begun(&store, &sample).await;
    let events = some_events(&sample, 5);
    let mut all = Changes::default();
    all.events.clone_from(&events);
    store.commit(all).await.unwrap();
    let writes = events[..4].iter().zip(1..).map(|(event, seq)| sealing(event, sample.chain_link(seq), None));
    commit(&store, writes.chain([1, 2, 3].map(|seq| Write::AddCheckpoint(checkpoint(&first, seq, sample.now))))).await;
    let sweep = |most| {
        let store = store.clone();
        async move { store.sweep(sample.now, Timestamp::default(), most).await.unwrap() }
    };
    assert_eq!(sweep(10).await, 0, "all of them are kept");
    let next = ChainHead { version: 2, seq: 4, base: 2, ..first };
    commit(&store, [Write::PutChain { head: Box::new(next.clone()), expected: Some(1) }]).await;
    assert_eq!(store.chain().await.unwrap(), Some(next));
    assert_eq!(sweep(10).await, 3, "two events and the checkpoint before the last that is kept");
    assert_eq!(store.sequenced(0, 9).await.unwrap().iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(store.checkpoints(0, 9).await.unwrap().iter().map(|kept| kept.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(store.unsealed(9).await.unwrap(), events[4..], "what is not sealed stays, however old");
}
