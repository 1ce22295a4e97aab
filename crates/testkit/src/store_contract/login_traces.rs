//! What was decided about logins: found by login and by reference, gone with its time and with its person.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    audit::{EventName, Outcome},
    ids::{AccountId, LoginId},
    login_trace::{Decisions, End, LoginTrace},
    ports::Store,
    store::{Contest, StoreError, Write},
    time::Timestamp,
};

use super::{commit, one};
use crate::sample::Sample;

const DAY: Duration = Duration::from_hours(24);

fn trace(sample: &Sample, login: LoginId, reference: &str, account: Option<AccountId>) -> LoginTrace {
    let end = End {
        event: EventName::LoginFailed,
        outcome: Outcome::Failure,
        reason: None,
        detail: Some(format!("of {reference}")),
        asks_consent: false,
        session: None,
    };
    let decisions = Decisions { account, end: Some(end), ..Decisions::default() };
    LoginTrace { login, reference: reference.into(), at: sample.now, expires: sample.now + DAY, decisions }
}

fn put(trace: &LoginTrace) -> Write {
    Write::PutLoginTrace(Box::new(trace.clone()))
}

/// Each request of a login has one, in their order; a request that is told of again replaces what it said.
pub async fn what_was_decided_about_a_login_is_found_by_it_and_by_its_references(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (login, other) = (sample.login(), sample.login());
    assert_eq!((store.login_traces(&login).await.unwrap(), store.login_of_reference("a").await.unwrap()), (Vec::new(), None));
    let first = trace(&sample, login, "a", None);
    let second = LoginTrace { at: sample.now + Duration::from_secs(1), ..trace(&sample, login, "b", Some(sample.account().id)) };
    let elsewhere = trace(&sample, other, "c", None);
    commit(&store, [put(&second), put(&first), put(&elsewhere)]).await;
    assert_eq!(store.login_traces(&login).await.unwrap(), [first.clone(), second.clone()]);
    for (reference, found) in [("a", Some(login)), ("b", Some(login)), ("c", Some(other)), ("", None), ("A", None)] {
        assert_eq!(store.login_of_reference(reference).await.unwrap(), found, "{reference:?}");
    }
    let again = LoginTrace { expires: sample.now + DAY * 2, ..trace(&sample, login, "a", Some(sample.account().id)) };
    commit(&store, [put(&again)]).await;
    assert_eq!(store.login_traces(&login).await.unwrap(), [again, second]);
}

/// It rides with what it led to: nothing is kept of what was not done.
pub async fn what_was_decided_is_not_kept_when_the_race_is_lost(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (login, attempt) = (sample.login(), sample.attempt());
    let spend = || one(Write::SpendAttempt { id: attempt, expires: sample.now });
    store.commit(spend()).await.unwrap();
    let lost = store.commit(spend().write(put(&trace(&sample, login, "a", None)))).await;
    assert_eq!(lost, Err(StoreError::Conflict(Contest::Attempt)));
    assert_eq!(store.login_traces(&login).await.unwrap(), []);
}

/// A person's go with them, and nobody else's.
pub async fn what_was_decided_about_a_person_is_forgotten_with_them(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, bob) = (sample.account().id, sample.account().id);
    let logins = [sample.login(), sample.login(), sample.login()];
    let all = [
        trace(&sample, logins[0], "a", Some(ada)),
        trace(&sample, logins[0], "b", Some(ada)),
        trace(&sample, logins[1], "c", Some(bob)),
        trace(&sample, logins[2], "d", None),
    ];
    commit(&store, all.iter().map(put)).await;
    commit(&store, [Write::DropLoginTraces { account: ada }]).await;
    assert_eq!((store.login_traces(&logins[0]).await.unwrap(), store.login_of_reference("a").await.unwrap()), (Vec::new(), None));
    assert_eq!(store.login_traces(&logins[1]).await.unwrap(), all[2..3]);
    assert_eq!(store.login_traces(&logins[2]).await.unwrap(), all[3..]);
    // In one commit, in the order that was asked for.
    commit(&store, [put(&all[0]), Write::DropLoginTraces { account: ada }]).await;
    assert_eq!(store.login_traces(&logins[0]).await.unwrap(), []);
}

/// At most so many at a time, and none before its time.
pub async fn the_sweep_takes_what_was_decided_when_its_time_is_over(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let login = sample.login();
    let at = |days: u32| LoginTrace { expires: sample.now + DAY * days, ..trace(&sample, login, &days.to_string(), None) };
    commit(&store, [1, 2, 3, 9].map(|days| put(&at(days)))).await;
    let sweep = |days: u32, most: u64| {
        let store = store.clone();
        async move { store.sweep(sample.now + DAY * days, Timestamp::default(), most).await.unwrap() }
    };
    assert_eq!(sweep(1, 10).await, 0, "at the moment itself it is kept still");
    assert_eq!(sweep(5, 2).await, 2);
    assert_eq!(sweep(5, 2).await, 1);
    assert_eq!(sweep(5, 2).await, 0);
    assert_eq!(store.login_traces(&login).await.unwrap(), [at(9)]);
}
