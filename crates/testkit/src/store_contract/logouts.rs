//! Who is told of the end of a session.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    account::Account,
    client::Client,
    ids::ClientId,
    logout::{DueLogout, Participant},
    ports::Store,
    session::Session,
    store::{Contest, StoreError, Write},
};

use super::{RACERS, commit, one, only_winner, race};
use crate::sample::{Sample, client_id};

const HOUR: Duration = Duration::from_hours(1);

fn join(sample: &Sample, session: &Session, client: &str) -> Write {
    Write::JoinSession(Participant { session: session.id, client: client_id(client), account: session.account, expires: sample.now + HOUR })
}

fn due(session: &Session, client: &str, attempts: u32) -> DueLogout {
    DueLogout { session: session.id, client: client_id(client), account: session.account, attempts }
}

async fn owed(store: &Arc<dyn Store>, sample: &Sample) -> Vec<DueLogout> {
    let mut owed = store.logouts_due(sample.now, 100, 1000).await.unwrap();
    owed.sort_by_key(|due| (due.session, due.client.clone()));
    owed
}

/// Once, from then on, and until it is settled.
pub async fn who_joined_a_session_is_due_when_it_ends(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    let (ending, other) = (sample.session(&account), sample.session(&account));
    let joins = [join(&sample, &ending, "b"), join(&sample, &ending, "a"), join(&sample, &ending, "a"), join(&sample, &other, "a")];
    commit(&store, [Write::PutSession(ending.clone()), Write::PutSession(other.clone())].into_iter().chain(joins)).await;
    assert_eq!(store.clients_in(&ending.id).await, Ok(vec![client_id("a"), client_id("b")]));
    commit(&store, [Write::AnnounceEnds { account: account.id, at: sample.now }]).await;
    assert_eq!(owed(&store, &sample).await, [], "nothing has ended");

    let at = sample.now + HOUR;
    commit(&store, [Write::EndSession { id: ending.id, at: sample.now }, Write::AnnounceEnds { account: account.id, at }]).await;
    assert_eq!(owed(&store, &sample).await, [], "not before its time");
    assert_eq!(store.logouts_due(at, 100, 1000).await.unwrap().len(), 2);
    // Announced again it is no later, or sooner.
    commit(&store, [Write::AnnounceEnds { account: account.id, at: sample.now }]).await;
    assert_eq!(owed(&store, &sample).await, []);
    commit(&store, [Write::SettleDelivery { session: ending.id, client: client_id("a") }]).await;
    assert_eq!(store.logouts_due(at, 100, 1000).await, Ok(vec![due(&ending, "b", 0)]));
    assert_eq!(store.clients_in(&other.id).await, Ok(vec![client_id("a")]));
}

/// The end of one, of an account's, of a link's.
pub async fn whatever_ends_sessions_makes_their_clients_due(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (account, stranger) = (sample.account(), sample.account());
    let at = sample.now;
    let announce = |account: &Account| Write::AnnounceEnds { account: account.id, at };
    let [by_link, one, another, theirs] = [&account, &account, &account, &stranger].map(|account| sample.session(account));
    for session in [&by_link, &one, &another, &theirs] {
        commit(&store, [Write::PutSession(session.clone()), join(&sample, session, "app")]).await;
    }
    commit(&store, [Write::EndLinkSessions { link: by_link.link, account: account.id, at }, announce(&account)]).await;
    assert_eq!(owed(&store, &sample).await, [due(&by_link, "app", 0)]);
    commit(&store, [Write::EndSession { id: one.id, at }, announce(&account)]).await;
    commit(&store, [Write::EndAccountSessions { account: account.id, at }, announce(&account)]).await;
    let mut all = vec![due(&by_link, "app", 0), due(&one, "app", 0), due(&another, "app", 0)];
    all.sort_by_key(|due| due.session);
    assert_eq!(owed(&store, &sample).await, all);
}

fn take(of: &DueLogout, next: vestibule_domain::time::Timestamp) -> Write {
    Write::TakeDelivery { session: of.session, client: of.client.clone(), attempts: of.attempts, next }
}

async fn one_due(store: &Arc<dyn Store>, sample: &Sample) -> DueLogout {
    let session = sample.session(&sample.account());
    commit(store, [Write::PutSession(session.clone()), join(sample, &session, "app")]).await;
    let at = sample.now;
    let early = store.commit(one(take(&due(&session, "app", 0), at))).await;
    assert_eq!(early, Err(StoreError::Conflict(Contest::Delivery)), "the session lives");
    commit(store, [Write::EndSession { id: session.id, at }, Write::AnnounceEnds { account: session.account, at }]).await;
    due(&session, "app", 0)
}

/// It is due again, and who tried it last is known by the count.
pub async fn of_parallel_deliveries_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let first = one_due(&store, &sample).await;
    let next = sample.now + HOUR;
    let answers = race(&[&store], (0..RACERS).map(|_| one(take(&first, next))).collect()).await;
    only_winner(&answers, Contest::Delivery);
    assert_eq!(owed(&store, &sample).await, []);
    assert_eq!(store.logouts_due(next, 1, 1).await, Ok(vec![DueLogout { attempts: 1, ..first.clone() }]));
    commit(&store, [Write::SettleDelivery { session: first.session, client: first.client.clone() }]).await;
    let late = store.commit(one(take(&DueLogout { attempts: 1, ..first }, next))).await;
    assert_eq!(late, Err(StoreError::Conflict(Contest::Delivery)));
}

/// A few of each, those first that have waited longest.
pub async fn a_silent_client_does_not_stand_before_the_others(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let ends = async |client: &str, after: u64| {
        let (session, at) = (sample.session(&sample.account()), sample.now + Duration::from_secs(after));
        commit(&store, [Write::PutSession(session.clone()), join(&sample, &session, client)]).await;
        commit(&store, [Write::EndSession { id: session.id, at }, Write::AnnounceEnds { account: session.account, at }]).await;
        due(&session, client, 0)
    };
    let mut silent = Vec::new();
    for second in 0..5 {
        silent.push(ends("silent", second).await);
    }
    let quick = ends("quick", 9).await;
    let now = sample.now + HOUR;
    assert_eq!(store.logouts_due(now, 2, 100).await, Ok(vec![silent[0].clone(), silent[1].clone(), quick]));
    assert_eq!(store.logouts_due(now, 2, 1).await, Ok(vec![silent[0].clone()]));
}

/// Whichever comes first: the code is lost, or whoever got tokens for it hears of the end.
pub async fn of_exchanges_and_logouts_at_once_every_client_with_tokens_is_told(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client: Client = sample.client("app");
    for _ in 0..20 {
        let session = sample.session(&sample.account());
        let code = sample.code(&client, &session);
        commit(&store, [Write::PutSession(session.clone()), Write::AddCode(code.clone())]).await;
        let at = sample.now;
        let redeem = one(Write::RedeemCode { digest: code.digest, at })
            .write(Write::AddGrant(sample.grant(&code, &client)))
            .write(join(&sample, &session, "app"));
        let end = one(Write::EndSession { id: session.id, at }).write(Write::AnnounceEnds { account: session.account, at });
        let answers = race(&[&store], vec![redeem, end]).await;
        let told = store.logouts_due(at, 100, 1000).await.unwrap().contains(&due(&session, "app", 0));
        assert_eq!(told, answers[0].is_ok(), "{answers:?}");
    }
}

/// By its provider's name for it; living ones alone.
pub async fn sessions_are_found_by_the_provider_s_own_session(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    let named = |name: Option<&str>| Session { upstream_session: name.map(str::to_owned), ..sample.session(&account) };
    let (first, ended, other, none) = (named(Some("s-1")), named(Some("s-1")), named(Some("s-2")), named(None));
    commit(&store, [&first, &ended, &other, &none].map(|session| Write::PutSession(session.clone()))).await;
    commit(&store, [Write::EndSession { id: ended.id, at: sample.now }]).await;
    assert_eq!(store.sessions_by_upstream(&first.provider, "s-1").await, Ok(vec![first.clone()]));
    assert_eq!(store.sessions_by_upstream(&crate::sample::provider_id("another"), "s-1").await, Ok(vec![]));
    // A new sign-in in the same browser is in another session there.
    commit(&store, [Write::PutSession(Session { upstream_session: Some("s-3".into()), digest: sample.digest(), ..first.clone() })]).await;
    assert_eq!(store.sessions_by_upstream(&first.provider, "s-1").await, Ok(vec![]));
    assert_eq!(store.sessions_by_upstream(&first.provider, "s-3").await.map(|found| found.len()), Ok(1));
}

/// When the session is gone and nobody is to be told; not before.
pub async fn who_joined_a_session_is_forgotten_with_it(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let [lives, gone, ended] = [(); 3].map(|()| sample.session(&sample.account()));
    for session in [&lives, &gone, &ended] {
        commit(&store, [join(&sample, session, "app")]).await;
    }
    let at = sample.now + HOUR * 2;
    commit(&store, [Write::PutSession(Session { last_seen: at, ..lives.clone() }), Write::PutSession(ended.clone())]).await;
    commit(&store, [Write::EndSession { id: ended.id, at }, Write::AnnounceEnds { account: ended.account, at: sample.now }]).await;
    assert_eq!(store.sweep(sample.now + HOUR, sample.now, 100).await, Ok(0), "to the millisecond");
    assert_eq!(store.sweep(at, sample.now, 100).await, Ok(1));
    let none: Vec<ClientId> = Vec::new();
    assert_eq!(store.clients_in(&gone.id).await, Ok(none));
    for kept in [&lives, &ended] {
        assert_eq!(store.clients_in(&kept.id).await, Ok(vec![client_id("app")]));
    }
}

/// Each on one.
pub async fn of_deliveries_on_two_nodes_exactly_one_wins(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let first = one_due(&one_node, &sample).await;
    let next = sample.now + HOUR;
    let answers = race(&[&one_node, &other], (0..RACERS).map(|_| one(take(&first, next))).collect()).await;
    only_winner(&answers, Contest::Delivery);
}
