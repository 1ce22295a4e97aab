//! Audit events: no fact without its event, no event without its fact.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    audit::{
        AuditEvent, EventName, Outcome, Reason, Source,
        search::{EventSearch, FoundEvents},
    },
    ports::Store,
    store::{Changes, EventQuery, StoreError, Write},
};

use super::{commit, one, race};
use crate::sample::{Sample, sealing};

async fn found(store: &Arc<dyn Store>, query: EventQuery) -> Vec<AuditEvent> {
    let query = EventQuery { limit: if query.limit == 0 { 1000 } else { query.limit }, ..query };
    store.events(&query).await.unwrap().into_iter().map(unsealed).collect()
}

async fn searched(store: &Arc<dyn Store>, search: &EventSearch) -> FoundEvents {
    let found = store.search_events(search).await.unwrap();
    FoundEvents { events: found.events.into_iter().map(unsealed).collect(), ..found }
}

/// As it was before it had its place in the chain.
fn unsealed(event: AuditEvent) -> AuditEvent {
    AuditEvent { link: None, ..event }
}

async fn seal(store: &Arc<dyn Store>, sample: &Sample, seq: i64, event: &AuditEvent) {
    commit(store, [sealing(event, sample.chain_link(seq), None)]).await;
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

    // None of them is sealed, then some, then all.
    for (seq, next) in (0..).zip([None, Some(&second), Some(&first), Some(&third)]) {
        if let Some(next) = next {
            seal(&store, &sample, seq, next).await;
        }
        let all = EventQuery::default;
        assert_eq!(found(&store, EventQuery { name: Some(EventName::CodeRedeemed), ..all() }).await, [second.clone(), third.clone()]);
        assert_eq!(found(&store, EventQuery { account: Some(accounts[0].id), ..all() }).await, [first.clone(), second.clone()]);
        assert_eq!(found(&store, EventQuery { client: Some(clients[0].id.clone()), ..all() }).await, [first.clone(), third.clone()]);
        assert_eq!(found(&store, EventQuery { login: first.login, ..all() }).await, [first.clone(), third.clone()]);
        let one_of_two = EventQuery { login: first.login, limit: 1, ..all() };
        assert_eq!(found(&store, one_of_two).await, std::slice::from_ref(&first));
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
        assert_eq!(found(&store, everything.clone()).await, std::slice::from_ref(&third));
        assert_eq!(found(&store, EventQuery { account: Some(accounts[0].id), ..everything }).await, []);
    }
}

/// Newest first, by each of what is asked for alone and together, and each by its own id.
pub async fn events_are_looked_for_newest_first(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (clients, accounts) = ([sample.client("a"), sample.client("b")], [sample.account(), sample.account()]);
    let at = |secs| Duration::from_secs(secs);
    let session = sample.session(&accounts[0]).id;
    let address: std::net::IpAddr = "192.0.2.77".parse().unwrap();
    let oldest = sample.event(EventName::LoginSucceeded, &accounts[0], &clients[0]);
    let middle = AuditEvent {
        session: Some(session),
        provider: None,
        outcome: Outcome::Denied,
        reason: Some(Reason::EntryRule),
        ..sample.later(&sample.event(EventName::LoginDeniedByPolicy, &accounts[0], &clients[1]), at(10))
    };
    let newest = AuditEvent {
        login: oldest.login,
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".into()),
        source: Source { ip: Some(address), user_agent: None, country: None },
        ..sample.later(&sample.event(EventName::CodeRedeemed, &accounts[1], &clients[0]), at(20))
    };
    store.commit([&oldest, &middle, &newest].into_iter().cloned().fold(Changes::default(), Changes::event)).await.unwrap();
    for event in [&oldest, &middle, &newest] {
        assert_eq!(store.event(&event.id).await.unwrap().as_ref(), Some(event));
    }
    assert_eq!(store.event(&sample.later(&oldest, at(1)).id).await, Ok(None));

    let all = || EventSearch { limit: 10, look: 100, ..EventSearch::default() };
    let names = |names: &[EventName]| names.iter().copied().collect();
    let both_names = names(&[EventName::CodeRedeemed, EventName::LoginSucceeded]);
    let any_name = EventName::ALL.iter().copied().filter(|name| *name != EventName::LoginDeniedByPolicy).collect();
    let searches = [
        (all(), vec![&newest, &middle, &oldest]),
        (EventSearch { names: names(&[EventName::CodeRedeemed]), ..all() }, vec![&newest]),
        (EventSearch { names: both_names, ..all() }, vec![&newest, &oldest]),
        (EventSearch { names: any_name, ..all() }, vec![&newest, &oldest]),
        (EventSearch { account: Some(accounts[0].id), ..all() }, vec![&middle, &oldest]),
        (EventSearch { client: Some(clients[0].id.clone()), ..all() }, vec![&newest, &oldest]),
        (EventSearch { provider: oldest.provider.clone(), ..all() }, vec![&newest, &oldest]),
        (EventSearch { outcome: Some(Outcome::Denied), ..all() }, vec![&middle]),
        (EventSearch { reason: Some(Reason::EntryRule), ..all() }, vec![&middle]),
        (EventSearch { address: Some(address), ..all() }, vec![&newest]),
        (EventSearch { address: oldest.source.ip, ..all() }, vec![&middle, &oldest]),
        (EventSearch { trace: newest.trace_id.clone(), ..all() }, vec![&newest]),
        (EventSearch { login: oldest.login, ..all() }, vec![&newest, &oldest]),
        (EventSearch { session: Some(session), ..all() }, vec![&middle]),
        (EventSearch { since: Some(middle.time), ..all() }, vec![&newest, &middle]),
        (EventSearch { until: Some(middle.time), ..all() }, vec![&oldest]),
        (EventSearch { after: Some(newest.id), ..all() }, vec![&middle, &oldest]),
        (EventSearch { account: Some(accounts[0].id), outcome: Some(Outcome::Success), ..all() }, vec![&oldest]),
        (EventSearch { client: Some(clients[1].id.clone()), names: names(&[EventName::CodeRedeemed]), ..all() }, vec![]),
        (EventSearch { trace: newest.trace_id.clone(), account: Some(accounts[0].id), ..all() }, vec![]),
    ];
    // None of them is sealed, then some, then all.
    for (seq, next) in (0..).zip([None, Some(&middle), Some(&newest), Some(&oldest)]) {
        if let Some(next) = next {
            seal(&store, &sample, seq, next).await;
        }
        for (search, expected) in &searches {
            let found = searched(&store, search).await;
            assert_eq!((&found.events.iter().collect::<Vec<_>>(), found.rest), (expected, None), "{search:?}");
            assert!(found.events.iter().all(|event| search.fits(event)));
        }
    }
    let everything = EventSearch {
        after: Some(sample.later(&newest, at(1)).id),
        since: Some(newest.time),
        until: Some(newest.time + at(1)),
        names: names(&[EventName::CodeRedeemed]),
        account: newest.account,
        client: newest.client.clone(),
        provider: newest.provider.clone(),
        outcome: Some(newest.outcome),
        reason: None,
        address: newest.source.ip,
        trace: newest.trace_id.clone(),
        login: newest.login,
        session: None,
        ..all()
    };
    assert_eq!(searched(&store, &everything).await.events, [newest]);
}

/// A page ends when it is full or when enough was looked at, says how far it came, and nothing is left out or told twice on the way to the end.
pub async fn a_search_goes_on_where_the_page_before_it_ended(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let kinds = [EventName::TokenRefreshed, EventName::CodeRedeemed, EventName::LoginSucceeded];
    let made = |at: u64| {
        let kind = kinds[usize::try_from(at % 3).unwrap()];
        let event = sample.later(&sample.event(kind, &account, &client), Duration::from_millis(at / 4));
        let provider = at.is_multiple_of(7).then(|| event.provider.clone()).flatten();
        AuditEvent { provider, ..event }
    };
    let mut all: Vec<AuditEvent> = (0..60).map(made).collect();
    store.commit(all.iter().cloned().fold(Changes::default(), Changes::event)).await.unwrap();
    all.sort_by_key(|event| std::cmp::Reverse((event.time, event.id)));
    let provider = all.iter().find_map(|event| event.provider.clone());
    let search = || EventSearch { limit: 4, look: 9, ..EventSearch::default() };
    let searches = [
        search(),
        EventSearch { names: [kinds[0]].into(), ..search() },
        EventSearch { names: [kinds[0], kinds[2]].into(), ..search() },
        EventSearch { provider: provider.clone(), ..search() },
        EventSearch { provider: provider.clone(), names: [kinds[1], kinds[2]].into(), ..search() },
        EventSearch { account: Some(account.id), provider: provider.clone(), names: [kinds[1]].into(), ..search() },
        EventSearch { address: all[0].source.ip, provider, ..search() },
        EventSearch { address: "192.0.2.1".parse().ok(), ..search() },
        EventSearch { outcome: Some(Outcome::Failure), ..search() },
    ];
    // None of them is sealed, then every other one, then all.
    for sealed in [0, 1, 2] {
        if sealed > 0 {
            for (seq, event) in (1..).zip(&all).filter(|(seq, _)| seq % 2 == sealed % 2) {
                seal(&store, &sample, seq, event).await;
            }
        }
        for search in &searches {
            let (mut found, mut next, mut pages): (Vec<AuditEvent>, _, _) = (Vec::new(), search.clone(), 0);
            loop {
                let page = searched(&store, &next).await;
                assert!(page.events.len() <= 4 && pages < 61, "{search:?}");
                found.extend(page.events);
                pages += 1;
                let Some(rest) = page.rest else { break };
                assert!(next.after.is_none_or(|before| (rest.made(), rest) < (before.made(), before)), "each goes further: {search:?}");
                next.after = Some(rest);
            }
            assert_eq!(found, all.iter().filter(|event| search.fits(event)).cloned().collect::<Vec<_>>(), "{search:?}");
        }
    }
}

/// It is met on one way or the other, and once.
pub async fn an_event_that_is_sealed_while_it_is_looked_for_is_found_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let first = sample.event(EventName::TokenRefreshed, &account, &client);
    let mut all: Vec<AuditEvent> = (0..120).map(|at| sample.later(&first, Duration::from_millis(at))).collect();
    store.commit(all.iter().cloned().fold(Changes::default(), Changes::event)).await.unwrap();
    let sealing = tokio::spawn({
        let (store, sample, all) = (store.clone(), Sample::default(), all.clone());
        async move {
            for (seq, event) in (1..).zip(&all) {
                seal(&store, &sample, seq, event).await;
            }
        }
    });
    let search = EventSearch { account: Some(account.id), limit: 200, look: 1000, ..EventSearch::default() };
    let mut is_last = false;
    while !is_last {
        is_last = sealing.is_finished();
        all.sort_by_key(|event| (event.time, event.id));
        assert_eq!(found(&store, EventQuery { account: Some(account.id), ..EventQuery::default() }).await, all);
        all.reverse();
        assert_eq!(searched(&store, &search).await, FoundEvents { events: all.clone(), rest: None });
    }
    sealing.await.unwrap();
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
