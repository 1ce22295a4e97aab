//! Audit events: no fact without its event, no event without its fact.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    audit::{AuditEvent, EventName},
    ports::Store,
    store::{Changes, EventQuery, StoreError, Write},
};

use super::{commit, one, race};
use crate::sample::Sample;

async fn found(store: &Arc<dyn Store>, query: EventQuery) -> Vec<AuditEvent> {
    store.events(&EventQuery { limit: if query.limit == 0 { 1000 } else { query.limit }, ..query }).await.unwrap()
}

/// Whole, and only if the fact was committed.
pub async fn events_are_committed_with_their_facts(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let attempt = sample.attempt();
    let settle = |event: &AuditEvent| one(Write::SpendAttempt { id: attempt, expires: sample.now }).event(event.clone());
    let (won, lost) =
        (sample.event(EventName::LoginSucceeded, &account, &client), sample.event(EventName::LoginSucceeded, &account, &client));
    assert_eq!(store.commit(settle(&won)).await, Ok(()));
    assert!(matches!(store.commit(settle(&lost)).await, Err(StoreError::Conflict(_))));
    assert_eq!(found(&store, EventQuery::default()).await, std::slice::from_ref(&won));

    let bare = AuditEvent { account: None, client: None, login: None, ..sample.later(&won, Duration::from_secs(1)) };
    store.commit(Changes::default().event(bare.clone())).await.unwrap();
    assert_eq!(found(&store, EventQuery::default()).await, [won, bare]);
}

/// A tail goes on from the last one it has.
pub async fn events_are_read_oldest_first_in_pages(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let first = sample.event(EventName::TokenRefreshed, &account, &client);
    let mut all: Vec<AuditEvent> = (0..25).map(|at| sample.later(&first, Duration::from_millis(at / 3))).collect();
    // Written in another order, and several in the same millisecond.
    for event in all.iter().rev() {
        store.commit(Changes::default().event(event.clone())).await.unwrap();
    }
    all.sort_by_key(|event| (event.time, event.id));
    for by_account in [None, Some(account.id)] {
        let mut read: Vec<AuditEvent> = Vec::new();
        loop {
            let after = read.last().map(|event| event.id);
            let page = found(&store, EventQuery { after, account: by_account, limit: 4, ..EventQuery::default() }).await;
            assert!(page.len() <= 4);
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(read, all);
    }
}

/// By each alone and all together.
pub async fn events_are_found_by_what_they_are_about(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (clients, accounts) = ([sample.client("a"), sample.client("b")], [sample.account(), sample.account()]);
    let at = |secs| Duration::from_secs(secs);
    let first = sample.event(EventName::LoginSucceeded, &accounts[0], &clients[0]);
    let second = sample.later(&sample.event(EventName::CodeRedeemed, &accounts[0], &clients[1]), at(10));
    let third =
        AuditEvent { login: first.login, ..sample.later(&sample.event(EventName::CodeRedeemed, &accounts[1], &clients[0]), at(20)) };
    let changes = [&first, &second, &third].into_iter().cloned().fold(Changes::default(), Changes::event);
    store.commit(changes).await.unwrap();

    let all = EventQuery::default;
    assert_eq!(found(&store, EventQuery { name: Some(EventName::CodeRedeemed), ..all() }).await, [second.clone(), third.clone()]);
    assert_eq!(found(&store, EventQuery { account: Some(accounts[0].id), ..all() }).await, [first.clone(), second.clone()]);
    assert_eq!(found(&store, EventQuery { client: Some(clients[0].id.clone()), ..all() }).await, [first.clone(), third.clone()]);
    assert_eq!(found(&store, EventQuery { login: first.login, ..all() }).await, [first.clone(), third.clone()]);
    assert_eq!(found(&store, EventQuery { since: Some(second.time), ..all() }).await, [second.clone(), third.clone()]);
    assert_eq!(found(&store, EventQuery { until: Some(second.time), ..all() }).await, std::slice::from_ref(&first));
    assert_eq!(found(&store, EventQuery { after: Some(first.id), limit: 1, ..all() }).await, std::slice::from_ref(&second));
    let everything = EventQuery {
        after: Some(first.id),
        since: Some(sample.now),
        until: Some(third.time + at(1)),
        name: Some(EventName::CodeRedeemed),
        account: Some(accounts[1].id),
        client: Some(clients[0].id.clone()),
        login: first.login,
        limit: 10,
    };
    assert_eq!(found(&store, everything.clone()).await, [third]);
    assert_eq!(found(&store, EventQuery { account: Some(accounts[0].id), ..everything }).await, []);
}

/// Any number of them, from any number of callers at once.
pub async fn many_events_of_many_callers_are_all_kept(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let some = |many: usize| {
        (0..many).map(|_| sample.event(EventName::TokenRefreshed, &account, &client)).fold(Changes::default(), Changes::event)
    };
    let answers = race(&[&store], (0..20).map(some).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    store.commit(some(203)).await.unwrap();
    let events = found(&store, EventQuery { client: Some(client.id.clone()), ..EventQuery::default() }).await;
    assert_eq!(events.len(), 190 + 203);
    let none = EventQuery { client: Some(sample.client("other").id), ..EventQuery::default() };
    assert_eq!(found(&store, none).await, []);
    commit(&store, []).await;
}
