//! How grants and tokens end, and what the sweep takes.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    grant::{Grant, Revoked, RevokedBy},
    ports::Store,
    secret::Digest,
    session::Session,
    store::{Changes, Contest, StoreError, Write},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
};

use super::{RACERS, commit, contests::rotation, one, race};
use crate::sample::{Sample, scopes};

const DAY: Duration = Duration::from_hours(24);
const MILLI: Duration = Duration::from_millis(1);

async fn end_of(store: &Arc<dyn Store>, grant: &Grant) -> Option<Revoked> {
    store.grant(&grant.id).await.unwrap().expect("the grant is there").revoked
}

/// Its code was replayed faster than redeemed (RFC 9700 §4.2.4).
pub async fn attack_37_a_grant_that_ended_before_it_was_made_is_ended(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let grant = sample.any_grant(&client);
    let revoked = sample.revoked(RevokedBy::CodeReplay);
    commit(&store, [Write::RevokeGrant { id: grant.id, revoked }]).await;
    assert_eq!(store.grant(&grant.id).await, Ok(None), "it is not there yet");
    commit(&store, [Write::AddGrant(grant.clone())]).await;
    for _ in 0..2 {
        assert_eq!(store.grant(&grant.id).await, Ok(Some(Arc::new(Grant { revoked: Some(revoked), ..grant.clone() }))));
    }
    assert_eq!(store.commit(one(rotation(&grant, 0))).await, Err(StoreError::Conflict(Contest::Family)));
}

/// Whichever comes first.
pub async fn attack_37_a_replay_racing_the_redemption_always_ends_the_grant(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let grants: Vec<Grant> = (0..RACERS).map(|_| sample.any_grant(&client)).collect();
    let revoked = sample.revoked(RevokedBy::CodeReplay);
    let add = grants.iter().map(|grant| one(Write::AddGrant(grant.clone())));
    let end = grants.iter().rev().map(|grant| one(Write::RevokeGrant { id: grant.id, revoked }));
    let answers = race(&[&store], add.chain(end).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for grant in &grants {
        assert_eq!(end_of(&store, grant).await, Some(revoked));
    }
}

/// The first reason stays.
pub async fn a_grant_ends_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let grant = sample.any_grant(&sample.client("app"));
    let first = sample.revoked(RevokedBy::RefreshReuse);
    let second = Revoked { at: sample.now + DAY, by: RevokedBy::Admin };
    commit(&store, [Write::AddGrant(grant.clone())]).await;
    commit(&store, [Write::RevokeGrant { id: grant.id, revoked: first }]).await;
    commit(&store, [Write::RevokeGrant { id: grant.id, revoked: second }]).await;
    commit(&store, [Write::RevokeClientGrants { client: grant.client.clone(), revoked: second }]).await;
    commit(&store, [Write::RevokeSessionGrants { session: grant.session, revoked: second }]).await;
    assert_eq!(end_of(&store, &grant).await, Some(first));
}

/// OpenID Connect Core 1.0 §11: `offline_access` is for when the person is gone.
pub async fn a_logout_ends_the_grants_of_its_session_but_what_was_left_on(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let session = sample.session(&sample.account());
    let online = [sample.grant(&sample.code(&client, &session), &client), sample.grant(&sample.code(&client, &session), &client)];
    let mut offline = sample.grant(&sample.code(&client, &session), &client);
    offline.scopes = scopes("openid offline_access");
    let elsewhere = sample.any_grant(&client);
    let all = [online[0].clone(), online[1].clone(), offline.clone(), elsewhere.clone()];
    commit(&store, all.clone().map(Write::AddGrant)).await;
    for grant in &all {
        assert_eq!(end_of(&store, grant).await, None);
    }
    let revoked = sample.revoked(RevokedBy::Logout);
    commit(&store, [Write::EndSession { id: session.id, at: sample.now }, Write::RevokeSessionGrants { session: session.id, revoked }])
        .await;
    for grant in &online {
        assert_eq!(end_of(&store, grant).await, Some(revoked));
    }
    assert_eq!(end_of(&store, &offline).await, None);
    assert_eq!(end_of(&store, &elsewhere).await, None);
}

/// And nobody else's.
pub async fn a_client_s_grants_end_together(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, other) = (sample.client("app"), sample.client("app2"));
    let mut offline = sample.any_grant(&client);
    offline.scopes = scopes("openid offline_access");
    let (mine, theirs) = ([sample.any_grant(&client), offline], sample.any_grant(&other));
    commit(&store, mine.iter().chain([&theirs]).cloned().map(Write::AddGrant)).await;
    for grant in mine.iter().chain([&theirs]) {
        assert_eq!(end_of(&store, grant).await, None);
    }
    let revoked = sample.revoked(RevokedBy::Admin);
    commit(&store, [Write::RevokeClientGrants { client: client.id, revoked }]).await;
    for grant in &mine {
        assert_eq!(end_of(&store, grant).await, Some(revoked));
    }
    assert_eq!(end_of(&store, &theirs).await, None);
}

/// More than anybody would name one by one.
pub async fn very_many_grants_end_together(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let grants: Vec<Grant> = (0..1200).map(|_| sample.any_grant(&client)).collect();
    commit(&store, grants.iter().cloned().map(Write::AddGrant)).await;
    for grant in &grants {
        assert_eq!(end_of(&store, grant).await, None);
    }
    let revoked = sample.revoked(RevokedBy::Admin);
    commit(&store, [Write::RevokeClientGrants { client: client.id, revoked }]).await;
    for grant in &grants {
        assert_eq!(end_of(&store, grant).await, Some(revoked));
    }
}

/// RFC 7009 §2.1.
pub async fn an_access_token_is_revoked_alone(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let grant = sample.any_grant(&sample.client("app"));
    let (revoked, sibling) = (sample.token(Some(grant.id)), sample.token(Some(grant.id)));
    let bare = vestibule_domain::token::TokenId { grant: None, ..revoked };
    for token in [revoked, sibling, bare] {
        assert_eq!(store.is_token_revoked(&token).await, Ok(false));
    }
    for _ in 0..2 {
        commit(&store, [Write::RevokeToken { id: revoked, expires: sample.now }]).await;
        assert_eq!(store.is_token_revoked(&revoked).await, Ok(true));
        assert_eq!(store.is_token_revoked(&sibling).await, Ok(false));
        assert_eq!(store.is_token_revoked(&bare).await, Ok(false));
    }
}

/// To the millisecond.
pub async fn the_sweep_takes_what_has_expired_and_nothing_else(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let now = sample.now + DAY * 100;
    let sessions_before = now - DAY * 7;
    let session = |last_seen: Timestamp, ended| Session { last_seen, ended, ..sample.session(&account) };
    let code = |expires| vestibule_domain::code::Code { expires, ..sample.code(&client, &session(now, None)) };
    let grant = |expires| Grant { family: None, access_expires: expires, ..sample.any_grant(&client) };
    let attempts = [sample.attempt(), sample.attempt()];
    let tokens = [sample.token(None), sample.token(None)];
    let sessions = [
        session(sessions_before - MILLI, None),
        session(now, Some(now - DAY - MILLI)),
        session(sessions_before, None),
        session(sessions_before - MILLI, Some(now - DAY)),
    ];
    let codes = [code(now - DAY - MILLI), code(now - DAY)];
    let grants = [grant(now - MILLI), grant(now)];
    let tombstones = [sample.any_grant(&client), sample.any_grant(&client)];
    let ended = |at| Revoked { at, by: RevokedBy::CodeReplay };
    let kind = TicketKind::PushedRequest;
    let ticket = |name, expires| Ticket { digest: Digest([name; 32]), kind, version: 1, expires, body: String::new() };
    commit(
        &store,
        sessions
            .iter()
            .cloned()
            .map(Write::PutSession)
            .chain(codes.iter().cloned().map(Write::AddCode))
            .chain(grants.iter().cloned().map(Write::AddGrant))
            .chain([
                Write::SpendAttempt { id: attempts[0], expires: now - MILLI },
                Write::SpendAttempt { id: attempts[1], expires: now },
                Write::SpendOnce { digest: Digest([0; 32]), expires: now - MILLI },
                Write::SpendOnce { digest: Digest([1; 32]), expires: now },
                Write::PutTicket { ticket: ticket(0, now - MILLI), expected: None },
                Write::PutTicket { ticket: ticket(1, now), expected: None },
                Write::RevokeToken { id: tokens[0], expires: now - MILLI },
                Write::RevokeToken { id: tokens[1], expires: now },
                Write::RevokeGrant { id: tombstones[0].id, revoked: ended(now - DAY - MILLI) },
                Write::RevokeGrant { id: tombstones[1].id, revoked: ended(now - DAY) },
            ]),
    )
    .await;

    assert_eq!(store.sweep(now, sessions_before, 100).await, Ok(9));

    for (at, there) in [false, false, true, true].into_iter().enumerate() {
        assert_eq!(store.session(&sessions[at].digest).await.unwrap().is_some(), there, "session {at}");
        assert_eq!(store.session_by_id(&sessions[at].id).await.unwrap().is_some(), there, "session {at}");
    }
    for (at, there) in [false, true].into_iter().enumerate() {
        assert_eq!(store.code(&codes[at].digest).await.unwrap().is_some(), there);
        assert_eq!(store.grant(&grants[at].id).await.unwrap().is_some(), there);
        assert_eq!(store.is_token_revoked(&tokens[at]).await, Ok(there));
        let spent = store.commit(one(Write::SpendAttempt { id: attempts[at], expires: now })).await;
        assert_eq!(spent.is_err(), there);
        let digest = Digest([u8::from(at > 0); 32]);
        assert_eq!(store.commit(one(Write::SpendOnce { digest, expires: now })).await.is_err(), there);
        assert_eq!(store.ticket(kind, &digest).await.unwrap().is_some(), there);
        commit(&store, [Write::AddGrant(tombstones[at].clone())]).await;
        assert_eq!(end_of(&store, &tombstones[at]).await.is_some(), there);
    }
}

/// A rotation moves its end on.
pub async fn the_sweep_leaves_a_family_that_was_used(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let (used, unused) = (sample.any_grant(&client), sample.any_grant(&client));
    let idle_until = used.expires();
    commit(&store, [Write::AddGrant(used.clone()), Write::AddGrant(unused.clone())]).await;
    let mut family = used.family.clone().unwrap();
    (family.generation, family.idle_expires) = (1, idle_until + DAY);
    commit(&store, [Write::RotateFamily { grant: used.id, from: 0, family, access_expires: used.access_expires }]).await;

    assert_eq!(store.sweep(idle_until, sample.now, 100).await, Ok(0), "nothing has expired yet");
    assert_eq!(store.sweep(idle_until + MILLI, sample.now, 100).await, Ok(1));
    assert_eq!(store.grant(&unused.id).await, Ok(None));
    assert!(store.grant(&used.id).await.unwrap().is_some());
    assert_eq!(store.sweep(idle_until + DAY, sample.now, 100).await, Ok(0));
    assert_eq!(store.sweep(idle_until + DAY + MILLI, sample.now, 100).await, Ok(1));
    assert_eq!(store.grant(&used.id).await, Ok(None));
}

/// Of each kind.
pub async fn the_sweep_takes_a_bounded_number(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let spend = (0..1300).map(|_| Write::SpendAttempt { id: sample.attempt(), expires: sample.now });
    let revoke = (0..3).map(|_| Write::RevokeToken { id: sample.token(None), expires: sample.now });
    let revoke: Vec<Write> = revoke.collect();
    store.commit(spend.fold(Changes::default(), Changes::write)).await.unwrap();
    commit(&store, revoke).await;
    let later = sample.now + DAY;
    assert_eq!(store.sweep(later, later, 2).await, Ok(4));
    assert_eq!(store.sweep(later, later, 1200).await, Ok(1201));
    assert_eq!(store.sweep(later, later, 1200).await, Ok(98));
    assert_eq!(store.sweep(later, later, 1200).await, Ok(0));
    assert_eq!(store.sweep(later, later, 0).await, Ok(0));
}
