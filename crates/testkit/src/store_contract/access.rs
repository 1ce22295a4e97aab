//! What is open now: sessions and grants by whose they are, a page at a time, and codes that are taken back with the rest.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    account::Account,
    client::Client,
    code::Code,
    grant::{Grant, RevokedBy},
    ports::Store,
    session::Session,
    store::{Changes, Contest, GrantQuery, SessionQuery, StoreError, Write},
};

use super::{commit, one, race};
use crate::sample::{Sample, provider_id};

const EVERYBODYS: u64 = 1_000;

fn redemption(code: &Code, grant: &Grant) -> Changes {
    Changes::default().write(Write::RedeemCode { digest: code.digest, at: code.issued }).write(Write::AddGrant(grant.clone()))
}

/// Newest first, and those of one app end together.
pub async fn grants_are_listed_by_whose_they_are_and_end_app_by_app(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (account, stranger) = (sample.account(), sample.account());
    let (app, other) = (sample.client("app"), sample.client("other"));
    let grant = |account: &Account, client: &Client| sample.grant(&sample.code(client, &sample.session(account)), client);
    let [a, b, c, theirs] = [grant(&account, &app), grant(&account, &other), grant(&account, &app), grant(&stranger, &app)];
    let all = [&a, &b, &c, &theirs];
    commit(&store, all.map(|grant| Write::AddGrant(grant.clone()))).await;
    let everything = GrantQuery { now: sample.now, limit: EVERYBODYS, ..GrantQuery::default() };
    let newest_first = |grants: &[&Grant]| {
        let mut grants: Vec<Grant> = grants.iter().copied().cloned().collect();
        grants.sort_by_key(|grant| std::cmp::Reverse(grant.id));
        grants
    };
    let of_account = GrantQuery { account: Some(account.id), ..everything.clone() };
    let of_app = GrantQuery { client: Some(app.id.clone()), ..everything.clone() };
    let of_both = GrantQuery { client: Some(app.id.clone()), ..of_account.clone() };
    assert_eq!(store.grants(&of_account).await, Ok(newest_first(&[&a, &b, &c])));
    assert_eq!(store.grants(&of_app).await, Ok(newest_first(&[&a, &c, &theirs])));
    assert_eq!(store.grants(&of_both).await, Ok(newest_first(&[&a, &c])));
    assert_eq!(store.grants(&everything).await, Ok(newest_first(&all)));
    // A page after the other, and nothing twice.
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.grants(&GrantQuery { after, limit: 2, ..of_account.clone() }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        assert!(page.len() <= 2);
        seen.extend(page);
    }
    assert_eq!(seen, newest_first(&[&a, &b, &c]));
    // When nothing of it is good any more it is no longer listed, swept or not.
    let late = GrantQuery { now: a.expires(), ..everything.clone() };
    assert_eq!(store.grants(&late).await, Ok(vec![]));
    let just = GrantQuery { now: a.expires() - Duration::from_millis(1), ..everything };
    assert_eq!(store.grants(&just).await.map(|found| found.len()), Ok(4));

    for known in all {
        assert!(store.grant(&known.id).await.unwrap().unwrap().is_alive(), "read, so that what ends is known to caches");
    }
    let revoked = sample.revoked(RevokedBy::Person);
    commit(&store, [Write::RevokeAppGrants { account: account.id, client: app.id.clone(), revoked }]).await;
    assert_eq!(store.grants(&of_account).await, Ok(vec![b.clone()]));
    for (grant, ended) in [(&a, true), (&b, false), (&c, true), (&theirs, false)] {
        assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().revoked, ended.then_some(revoked));
    }
}

/// Newest first: by whose they are, by where they began, and by which app was given something in them.
pub async fn sessions_are_listed_by_whose_they_are(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, eve) = (sample.account(), sample.account());
    let client = sample.client("app");
    let elsewhere = |account: &Account| Session { provider: provider_id("elsewhere"), ..sample.session(account) };
    let [a, b, ended, of_eve] = [sample.session(&ada), elsewhere(&ada), sample.session(&ada), elsewhere(&eve)];
    commit(&store, [&a, &b, &ended, &of_eve].map(|session| Write::PutSession(session.clone()))).await;
    commit(&store, [Write::EndSession { id: ended.id, at: sample.now }]).await;
    let (twice, gone) = ([sample.grant(&sample.code(&client, &a), &client), sample.grant(&sample.code(&client, &a), &client)], {
        sample.grant(&sample.code(&client, &b), &client)
    });
    let in_ended = sample.grant(&sample.code(&client, &ended), &client);
    commit(&store, twice.iter().chain([&gone, &in_ended]).cloned().map(Write::AddGrant)).await;
    commit(&store, [Write::RevokeGrant { id: gone.id, revoked: sample.revoked(RevokedBy::Client) }]).await;

    let everything = SessionQuery { limit: EVERYBODYS, ..SessionQuery::default() };
    let newest_first = |sessions: &[&Session]| {
        let mut sessions: Vec<Session> = sessions.iter().copied().cloned().collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
        sessions
    };
    let of_ada = SessionQuery { account: Some(ada.id), ..everything.clone() };
    let of_app = SessionQuery { client: Some(client.id.clone()), ..everything.clone() };
    assert_eq!(store.sessions(&of_ada).await, Ok(newest_first(&[&a, &b])));
    assert_eq!(
        store.sessions(&SessionQuery { provider: Some(provider_id("elsewhere")), ..everything.clone() }).await,
        Ok(newest_first(&[&b, &of_eve]))
    );
    assert_eq!(store.sessions(&SessionQuery { provider: Some(provider_id("elsewhere")), ..of_ada.clone() }).await, Ok(vec![b.clone()]));
    assert_eq!(
        store.sessions(&of_app).await,
        Ok(vec![a.clone()]),
        "once, and neither where it was taken back nor where nobody is signed in"
    );
    assert_eq!(store.sessions(&SessionQuery { limit: 1, ..of_app.clone() }).await, Ok(vec![a.clone()]));
    assert_eq!(store.sessions(&SessionQuery { account: Some(eve.id), ..of_app }).await, Ok(vec![]));
    assert_eq!(store.sessions(&everything).await, Ok(newest_first(&[&a, &b, &of_eve])));
    let first = store.sessions(&SessionQuery { limit: 1, ..of_ada.clone() }).await.unwrap();
    let second = store.sessions(&SessionQuery { limit: 1, after: first.last().map(|session| session.id), ..of_ada.clone() }).await.unwrap();
    assert_eq!([first, second.clone()].concat(), newest_first(&[&a, &b]));
    assert_eq!(store.sessions(&SessionQuery { after: second.last().map(|session| session.id), ..of_ada.clone() }).await, Ok(vec![]));
    // To the millisecond.
    let before = sample.now - Duration::from_millis(1);
    for (seen_since, created_since, there) in [(a.last_seen, before, 0), (before, a.created, 0), (before, before, 2)] {
        let found = store.sessions(&SessionQuery { seen_since, created_since, ..of_ada.clone() }).await;
        assert_eq!(found.map(|found| found.len()), Ok(there));
    }
}

/// What was given a moment before and not yet fetched goes with the rest; what is given afterwards does not.
pub async fn attack_37_a_code_is_not_redeemed_after_what_it_stands_for_was_taken_back(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (account, stranger) = (sample.account(), sample.account());
    let (app, other) = (sample.client("app"), sample.client("other"));
    let (session, theirs) = (sample.session(&account), sample.session(&stranger));
    commit(&store, [Write::PutSession(session.clone()), Write::PutSession(theirs.clone())]).await;
    let code = |client: &Client, session: &Session| {
        let code = sample.code(client, session);
        let grant = sample.grant(&code, client);
        (code, grant)
    };
    let [mine, another_app, somebody_else, later, last] =
        [code(&app, &session), code(&other, &session), code(&app, &theirs), code(&app, &session), code(&app, &theirs)];
    commit(&store, [&mine, &another_app, &somebody_else].map(|(code, _)| Write::AddCode(code.clone()))).await;
    let revoked = sample.revoked(RevokedBy::Person);
    commit(&store, [Write::RevokeAppGrants { account: account.id, client: app.id.clone(), revoked }]).await;
    commit(&store, [Write::AddCode(later.0.clone())]).await;
    for _ in 0..2 {
        assert_eq!(store.commit(redemption(&mine.0, &mine.1)).await, Err(StoreError::Conflict(Contest::Code)));
        assert_eq!(store.grant(&mine.1.id).await, Ok(None));
        assert_eq!(store.code(&mine.0.digest).await.unwrap().unwrap().redeemed, None);
    }
    for (code, grant) in [&another_app, &somebody_else, &later] {
        assert_eq!(store.commit(redemption(code, grant)).await, Ok(()));
        assert!(store.grant(&grant.id).await.unwrap().unwrap().is_alive());
    }
    // Everything of an app: what was fetched and what was not.
    commit(&store, [Write::AddCode(last.0.clone())]).await;
    commit(&store, [Write::RevokeClientGrants { client: app.id.clone(), revoked }]).await;
    assert_eq!(store.commit(redemption(&last.0, &last.1)).await, Err(StoreError::Conflict(Contest::Code)));
    for (grant, alive) in [(&somebody_else.1, false), (&later.1, false), (&another_app.1, true)] {
        assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().is_alive(), alive);
    }
}

/// Whichever comes first, nothing lives on.
pub async fn attack_37_of_exchanges_and_takings_back_at_once_no_grant_is_left(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let sessions: Vec<Session> = (0..16).map(|_| sample.session(&sample.account())).collect();
    commit(&store, sessions.iter().cloned().map(Write::PutSession)).await;
    let codes: Vec<Code> = sessions.iter().map(|session| sample.code(&client, session)).collect();
    commit(&store, codes.iter().cloned().map(Write::AddCode)).await;
    let revoked = sample.revoked(RevokedBy::Person);
    let exchanges = codes.iter().map(|code| redemption(code, &sample.grant(code, &client)));
    let takings = sessions.iter().rev();
    let takings = takings.map(|session| one(Write::RevokeAppGrants { account: session.account, client: client.id.clone(), revoked }));
    for answer in race(&[&store], exchanges.chain(takings).collect()).await {
        assert!(matches!(answer, Ok(()) | Err(StoreError::Conflict(Contest::Code))), "{answer:?}");
    }
    for code in &codes {
        let grant = store.grant(&code.grant).await.unwrap();
        assert!(grant.is_none_or(|grant| !grant.is_alive()), "{}", code.grant);
    }
}
