//! Two stores on the same data: two nodes on one PostgreSQL, or two processes on one SQLite file.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    client::Client,
    grant::RevokedBy,
    ports::Store,
    session::Session,
    store::{Contest, StoreError, Write},
};

use super::{
    RACERS, commit,
    contests::{exchanges_and_logouts, rotation},
    one, only_winner, race, redeemable,
};
use crate::sample::Sample;

/// How long a change may take to reach the other. Far more than it does; what is asserted is that it comes.
const REACHES_WITHIN: Duration = Duration::from_secs(5);

/// Asks until the answer is `true`.
pub(super) async fn comes_true<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    let began = tokio::time::Instant::now();
    while !ask().await {
        assert!(began.elapsed() < REACHES_WITHIN, "{what} does not reach the other node");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What is contested is decided by the data, never by a cache.
pub async fn attack_83_a_code_is_redeemed_once_among_nodes(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let code = redeemable(&one_node, &sample, &sample.client("app")).await;
    let redeem = || one(Write::RedeemCode { digest: code.digest, at: sample.now });
    assert_eq!(other.commit(redeem()).await, Ok(()));
    assert_eq!(one_node.commit(redeem()).await, Err(StoreError::Conflict(Contest::Code)));
    assert_eq!(one_node.code(&code.digest).await.unwrap().unwrap().redeemed, Some(sample.now));
}

/// Half on each.
pub async fn attack_83_of_parallel_exchanges_on_two_nodes_exactly_one_wins(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let code = redeemable(&one_node, &sample, &client).await;
    let exchange = |_| one(Write::RedeemCode { digest: code.digest, at: sample.now }).write(Write::AddGrant(sample.any_grant(&client)));
    let answers = race(&[&one_node, &other], (0..RACERS).map(exchange).collect()).await;
    only_winner(&answers, Contest::Code);
}

/// Half on each: whichever comes first, the code is lost, or the grant ends with the session.
pub async fn attack_83_of_exchanges_and_logouts_on_two_nodes_no_grant_is_left(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    // Every second is the other's: three stores of two, so that neighbours do not always go the same way.
    exchanges_and_logouts(&[&one_node, &other, &one_node]).await;
}

/// Half on each, and both have the grant in their caches.
pub async fn attack_83_of_parallel_refreshes_on_two_nodes_exactly_one_wins(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let grant = sample.any_grant(&sample.client("app"));
    commit(&one_node, [Write::AddGrant(grant.clone())]).await;
    for from in 0..3 {
        for node in [&one_node, &other] {
            assert!(node.grant(&grant.id).await.unwrap().is_some());
        }
        let answers = race(&[&one_node, &other], (0..RACERS).map(|_| one(rotation(&grant, from))).collect()).await;
        only_winner(&answers, Contest::Family);
    }
}

/// Before word of it is there: whoever lost decides again by what it reads now. A code that looked fresh still would pass a replay off
/// as something else, and what it issued would live on (RFC 9700 §4.2.4).
pub async fn attack_83_who_loses_to_another_node_sees_at_once_what_it_lost_to(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    for _ in 0..20 {
        let code = redeemable(&one_node, &sample, &client).await;
        let grant = sample.any_grant(&client);
        commit(&one_node, [Write::AddGrant(grant.clone())]).await;
        assert_eq!(other.code(&code.digest).await.unwrap().unwrap().redeemed, None);
        assert_eq!(other.grant(&grant.id).await, Ok(Some(Arc::new(grant.clone()))));

        let redeem = || one(Write::RedeemCode { digest: code.digest, at: sample.now });
        commit(&one_node, [Write::RedeemCode { digest: code.digest, at: sample.now }, rotation(&grant, 0)]).await;
        assert_eq!(other.commit(redeem()).await, Err(StoreError::Conflict(Contest::Code)));
        assert_eq!(other.code(&code.digest).await.unwrap().unwrap().redeemed, Some(sample.now));
        assert_eq!(other.commit(one(rotation(&grant, 0))).await, Err(StoreError::Conflict(Contest::Family)));
        let generation = other.grant(&grant.id).await.unwrap().unwrap().family.as_ref().map(|family| family.generation);
        assert_eq!(generation, Some(1));
    }
}

/// A grant, all of a session's, all of a client's, one token.
pub async fn attack_83_a_revocation_on_one_node_reaches_the_other(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, second) = (sample.client("app"), sample.client("second"));
    let session = sample.session(&sample.account());
    let grants = [sample.any_grant(&client), sample.grant(&sample.code(&client, &session), &client), sample.any_grant(&second)];
    let token = sample.token(Some(grants[0].id));
    commit(&one_node, grants.iter().cloned().map(Write::AddGrant)).await;
    for grant in &grants {
        assert!(other.grant(&grant.id).await.unwrap().unwrap().is_alive());
    }
    assert_eq!(other.is_token_revoked(&token).await, Ok(false));

    let revoked = sample.revoked(RevokedBy::Admin);
    commit(&one_node, [Write::RevokeGrant { id: grants[0].id, revoked }]).await;
    commit(&one_node, [Write::RevokeSessionGrants { session: session.id, revoked }]).await;
    commit(&one_node, [Write::RevokeClientGrants { client: second.id.clone(), revoked }]).await;
    commit(&one_node, [Write::RevokeToken { id: token, expires: sample.now }]).await;
    for grant in &grants {
        comes_true("the end of a grant", || async { !other.grant(&grant.id).await.unwrap().unwrap().is_alive() }).await;
    }
    comes_true("the end of a token", || async { other.is_token_revoked(&token).await.unwrap() }).await;
}

/// A client, an account, a session: changed, ended, deleted.
pub async fn attack_83_what_one_node_changes_the_other_reads_anew(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let session = sample.session(&account);
    commit(
        &one_node,
        [
            Write::PutClient { client: Box::new(client.clone()), expected: None },
            Write::PutAccount(account.clone()),
            Write::PutSession(session.clone()),
        ],
    )
    .await;
    for _ in 0..3 {
        assert_eq!(*other.client(&client.id).await.unwrap().unwrap(), client);
        assert_eq!(*other.account(&account.id).await.unwrap().unwrap(), account);
        assert_eq!(*other.session(&session.digest).await.unwrap().unwrap(), session);
    }
    let moved = Session { digest: sample.digest(), ..session.clone() };
    commit(
        &one_node,
        [
            Write::PutClient { client: Box::new(Client { version: 2, disabled: true, ..client.clone() }), expected: Some(1) },
            Write::DisableAccount { id: account.id, disabled: true },
            Write::PutSession(moved.clone()),
        ],
    )
    .await;
    comes_true("a change of a client", || async { other.client(&client.id).await.unwrap().unwrap().disabled }).await;
    comes_true("a change of an account", || async { other.account(&account.id).await.unwrap().unwrap().disabled }).await;
    comes_true("a new cookie", || async { other.session(&session.digest).await.unwrap().is_none() }).await;
    assert_eq!(other.session(&moved.digest).await, Ok(Some(Arc::new(moved.clone()))));

    commit(&one_node, [Write::EndSession { id: session.id, at: sample.now }, Write::DeleteClient { id: client.id.clone(), expected: 2 }])
        .await;
    comes_true("the end of a session", || async { other.session(&moved.digest).await.unwrap().unwrap().ended.is_some() }).await;
    comes_true("the end of a client", || async { other.client(&client.id).await.unwrap().is_none() }).await;
}
