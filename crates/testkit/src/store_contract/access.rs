//! What is open now: sessions and grants by whose they are, a page at a time, and codes that are taken back with the rest.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    account::Account,
    client::Client,
    code::Code,
    grant::{Grant, RevokedBy},
    ports::Store,
    session::Session,
    store::{Changes, Contest, FoundSessions, GrantQuery, SessionQuery, StoreError, Write},
};

use super::{commit, one, race};
use crate::sample::{Sample, provider_id};

const EVERYBODYS: u64 = 1_000;

/// All that a page has room for, where nothing is left behind it.
async fn all_of(store: &Arc<dyn Store>, query: &SessionQuery) -> Vec<Session> {
    let found = store.sessions(query).await.unwrap();
    assert_eq!(found.rest, None);
    found.sessions
}

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

    let everything = SessionQuery { limit: EVERYBODYS, look: EVERYBODYS, ..SessionQuery::default() };
    let newest_first = |sessions: &[&Session]| {
        let mut sessions: Vec<Session> = sessions.iter().copied().cloned().collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
        sessions
    };
    let of_ada = SessionQuery { account: Some(ada.id), ..everything.clone() };
    let of_app = SessionQuery { client: Some(client.id.clone()), ..everything.clone() };
    let at_elsewhere = Some(provider_id("elsewhere"));
    assert_eq!(all_of(&store, &of_ada).await, newest_first(&[&a, &b]));
    assert_eq!(all_of(&store, &SessionQuery { provider: at_elsewhere.clone(), ..everything.clone() }).await, newest_first(&[&b, &of_eve]));
    assert_eq!(all_of(&store, &SessionQuery { provider: at_elsewhere, ..of_ada.clone() }).await, std::slice::from_ref(&b));
    assert_eq!(
        all_of(&store, &of_app).await,
        std::slice::from_ref(&a),
        "once, and neither where it was taken back nor where nobody is signed in"
    );
    assert_eq!(all_of(&store, &SessionQuery { account: Some(eve.id), ..of_app }).await, []);
    assert_eq!(all_of(&store, &everything).await, newest_first(&[&a, &b, &of_eve]));
    let first = store.sessions(&SessionQuery { limit: 1, ..of_ada.clone() }).await.unwrap();
    let second = store.sessions(&SessionQuery { limit: 1, after: first.rest, ..of_ada.clone() }).await.unwrap();
    assert_eq!([first.sessions, second.sessions.clone()].concat(), newest_first(&[&a, &b]));
    assert_eq!(second.rest, None, "nothing is behind it");
    let after = second.sessions.last().map(|session| session.id);
    assert_eq!(all_of(&store, &SessionQuery { after, ..of_ada.clone() }).await, []);
    // To the millisecond.
    let before = sample.now - Duration::from_millis(1);
    for (seen_since, created_since, there) in [(a.last_seen, before, 0), (before, a.created, 0), (before, before, 2)] {
        let found = all_of(&store, &SessionQuery { seen_since, created_since, ..of_ada.clone() }).await;
        assert_eq!(found.len(), there);
    }
}

/// Where very many of an app's sessions have ended, a page says how far it came, and the next goes on behind them.
pub async fn sessions_of_an_app_are_looked_for_a_bounded_way_and_go_on(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (account, client) = (sample.account(), sample.client("app"));
    let sessions: Vec<Session> = (0..2_500).map(|_| sample.session(&account)).collect();
    // Of most not even the row is there any more.
    let mut in_order: Vec<&Session> = sessions.iter().collect();
    in_order.sort_by_key(|session| std::cmp::Reverse(session.id));
    let living = [in_order[3], in_order[4], in_order[2_100], in_order[2_499]];
    let given = sessions.iter().map(|session| Write::AddGrant(sample.grant(&sample.code(&client, session), &client)));
    commit(&store, living.iter().map(|session| Write::PutSession((*session).clone())).chain(given)).await;
    let of_app = SessionQuery { client: Some(client.id.clone()), limit: 3, look: 1_200, ..SessionQuery::default() };
    let mut pages = Vec::new();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.sessions(&SessionQuery { after, ..of_app.clone() }).await.unwrap();
        pages.push(page.sessions.len());
        seen.extend(page.sessions);
        let Some(rest) = page.rest else { break };
        assert!(after.is_none_or(|after| rest < after), "every page comes further");
        after = Some(rest);
    }
    assert_eq!(seen.iter().collect::<Vec<_>>(), living);
    assert_eq!(pages, [2, 1, 1]);
    let narrow = SessionQuery { limit: 1, ..of_app.clone() };
    let first = store.sessions(&narrow).await.unwrap();
    assert_eq!((first.sessions.len(), first.rest.is_some()), (1, true));
    let second = store.sessions(&SessionQuery { after: first.rest, ..narrow }).await.unwrap();
    assert_eq!(second.sessions, [living[1].clone()], "what had no room comes next");
    let behind_all = SessionQuery { after: Some(living[3].id), ..of_app };
    assert_eq!(store.sessions(&behind_all).await, Ok(FoundSessions::default()));
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
