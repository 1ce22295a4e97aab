//! Who wins, what a loser leaves behind (nothing), and what its neighbours notice (nothing).

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    audit::EventName,
    client::Client,
    grant::{Grant, RefreshFamily, RevokedBy},
    keys::SigningKey,
    ports::Store,
    secret::{Digest, Sealed},
    session::Session,
    store::{Changes, Contest, EventQuery, StoreError, Write},
    ticket::{Ticket, TicketKind},
};

use super::{RACERS, commit, one, only_winner, race, redeemable};
use crate::sample::Sample;

const fn lost(contest: Contest) -> Result<(), StoreError> {
    Err(StoreError::Conflict(contest))
}

/// What a refresh with the token of generation `from` writes.
pub(crate) fn rotation(grant: &Grant, from: u32) -> Write {
    let family = grant.family.as_ref().expect("the sample has a family");
    let rotated = family.rotated + Duration::from_secs(u64::from(from) + 1);
    let family = RefreshFamily { generation: from + 1, rotated, idle_expires: rotated + Duration::from_hours(1), ..family.clone() };
    Write::RotateFamily { grant: grant.id, from, family, access_expires: rotated + Duration::from_mins(10) }
}

/// The admin API's ETag.
pub async fn a_client_changes_only_from_the_version_that_was_read(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let first = sample.client("app");
    let second = Client { version: 2, name: "second".into(), ..first.clone() };
    let put = |client: &Client, expected| one(Write::PutClient { client: Box::new(client.clone()), expected });
    assert_eq!(store.commit(put(&second, Some(1))).await, lost(Contest::Client), "it is not there");
    assert_eq!(store.commit(put(&first, None)).await, Ok(()));
    assert_eq!(store.commit(put(&first, None)).await, lost(Contest::Client), "it is there");
    assert_eq!(store.commit(put(&second, Some(1))).await, Ok(()));
    assert_eq!(store.commit(put(&second, Some(1))).await, lost(Contest::Client), "it has changed");
    assert_eq!(store.client(&first.id).await, Ok(Some(Arc::new(second))));

    let delete = |expected| one(Write::DeleteClient { id: first.id.clone(), expected });
    assert_eq!(store.commit(delete(1)).await, lost(Contest::Client));
    assert_eq!(store.commit(delete(2)).await, Ok(()));
    assert_eq!(store.commit(delete(2)).await, lost(Contest::Client));
    assert_eq!(store.client(&first.id).await, Ok(None));
}

/// And stays there; two providers with the same issuer are two.
pub async fn a_link_leads_to_one_account(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (owner, thief) = (sample.account(), sample.account());
    let link = sample.link(&owner, "583231");
    assert_eq!(store.commit(one(Write::AddLink(link.clone()))).await, Ok(()));
    assert_eq!(store.commit(one(Write::AddLink(sample.link(&thief, "583231")))).await, lost(Contest::Link));
    assert_eq!(store.link(&link.key).await, Ok(Some(Arc::new(link.clone()))));
    let mut other = sample.link(&thief, "583231");
    other.key.provider = crate::sample::provider_id("github-enterprise");
    assert_eq!(store.commit(one(Write::AddLink(other))).await, Ok(()));
    assert_eq!(store.commit(one(Write::AddLink(sample.link(&thief, "583231 ")))).await, Ok(()), "subjects are compared whole");
}

/// A callback works once.
pub async fn an_attempt_is_spent_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let id = sample.attempt();
    let spend = |id| one(Write::SpendAttempt { id, expires: sample.now });
    assert_eq!(store.commit(spend(id)).await, Ok(()));
    assert_eq!(store.commit(spend(id)).await, lost(Contest::Attempt));
    assert_eq!(store.commit(spend(sample.attempt())).await, Ok(()));
}

/// A proof is used once, whoever brings it.
pub async fn what_works_once_is_spent_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let spend = |name: u8| one(Write::SpendOnce { digest: Digest([name; 32]), expires: sample.now });
    assert_eq!(store.commit(spend(1)).await, Ok(()));
    assert_eq!(store.commit(spend(1)).await, lost(Contest::Once));
    assert_eq!(store.commit(spend(2)).await, Ok(()));
    let answers = race(&[&store], (0..RACERS).map(|_| spend(3)).collect()).await;
    only_winner(&answers, Contest::Once);
}

/// Made once, changed from the version that was read, taken once, and by its kind alone.
pub async fn a_ticket_is_made_changed_and_taken_by_one_alone(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (digest, kind) = (Digest([7; 32]), TicketKind::PushedRequest);
    let ticket = |version, body: &str| Ticket { digest, kind, version, expires: sample.now, body: body.to_owned() };
    let put = |ticket: Ticket, expected| one(Write::PutTicket { ticket, expected });
    assert_eq!(store.ticket(kind, &digest).await, Ok(None));
    let answers = race(&[&store], (0..RACERS).map(|_| put(ticket(1, "made"), None)).collect()).await;
    only_winner(&answers, Contest::Ticket);
    assert_eq!(store.ticket(kind, &digest).await, Ok(Some(ticket(1, "made"))));
    assert_eq!(store.ticket(TicketKind::Device, &digest).await, Ok(None), "one of another kind is none");
    let answers = race(&[&store], (0..RACERS).map(|_| put(ticket(2, "changed"), Some(1))).collect()).await;
    only_winner(&answers, Contest::Ticket);
    assert_eq!(store.ticket(kind, &digest).await, Ok(Some(ticket(2, "changed"))));
    let take = |kind, expected| one(Write::TakeTicket { digest, kind, expected });
    assert_eq!(store.commit(take(kind, 1)).await, lost(Contest::Ticket));
    assert_eq!(store.commit(take(TicketKind::Device, 2)).await, lost(Contest::Ticket));
    let answers = race(&[&store], (0..RACERS).map(|_| take(kind, 2)).collect()).await;
    only_winner(&answers, Contest::Ticket);
    assert_eq!(store.ticket(kind, &digest).await, Ok(None));
}

/// First keys too: several nodes begin at once.
pub async fn a_key_has_one_successor(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let add = |kid, follows| one(Write::AddSigningKey(sample.signing_key(kid, follows)));
    assert_eq!(store.commit(add("a", None)).await, Ok(()));
    assert_eq!(store.commit(add("b", None)).await, lost(Contest::SigningKey));
    assert_eq!(store.commit(add("c", Some("a"))).await, Ok(()));
    assert_eq!(store.commit(add("d", Some("a"))).await, lost(Contest::SigningKey));
    let mut other = sample.signing_key("e", None);
    other.alg = vestibule_domain::client::SigningAlg::Es256;
    assert_eq!(store.commit(one(Write::AddSigningKey(other))).await, Ok(()), "each algorithm has keys of its own");
    assert_eq!(store.signing_keys().await.unwrap().len(), 3);
}

/// Nothing but its dates, and from those that were read.
pub async fn a_key_gets_other_dates_from_those_that_were_read(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let key = sample.signing_key("a", None);
    commit(&store, [Write::AddSigningKey(key.clone())]).await;
    let until = |hours| key.signs_from + Duration::from_hours(hours);
    let redated = |hours| SigningKey { signs_until: until(hours), published_until: until(hours), ..key.clone() };
    let redate = |hours, signed_until| {
        one(Write::RedateSigningKey {
            key: SigningKey { sealed: Sealed(vec![]), ..redated(hours) },
            signed_from: key.signs_from,
            signed_until,
        })
    };
    assert_eq!(store.commit(redate(1, until(1))).await, lost(Contest::SigningKey));
    assert_eq!(store.commit(redate(2, key.signs_until)).await, Ok(()));
    assert_eq!(store.commit(redate(3, key.signs_until)).await, lost(Contest::SigningKey));
    assert_eq!(store.signing_keys().await, Ok(vec![redated(2)]));
}

/// RFC 6749 §4.1.2.
pub async fn attack_37_a_code_is_redeemed_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let session = sample.session(&sample.account());
    let code = sample.code(&client, &session);
    let redeem = |digest| one(Write::RedeemCode { digest, at: sample.now });
    commit(&store, [Write::PutSession(session)]).await;
    assert_eq!(store.commit(redeem(code.digest)).await, lost(Contest::Code), "it is not there");
    commit(&store, [Write::AddCode(code.clone())]).await;
    assert_eq!(store.commit(redeem(code.digest)).await, Ok(()));
    assert_eq!(store.commit(redeem(code.digest)).await, lost(Contest::Code));
    assert_eq!(store.code(&code.digest).await.unwrap().unwrap().redeemed, Some(sample.now));
}

/// One grant, whoever asks how often.
pub async fn attack_37_of_parallel_exchanges_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let code = redeemable(&store, &sample, &client).await;
    // Each would make a grant of its own, so that a second winner would show.
    let grants: Vec<Grant> = (0..RACERS).map(|_| sample.any_grant(&client)).collect();
    let exchange = |grant: &Grant| one(Write::RedeemCode { digest: code.digest, at: sample.now }).write(Write::AddGrant(grant.clone()));
    let answers = race(&[&store], grants.iter().map(exchange).collect()).await;
    let winner = only_winner(&answers, Contest::Code);
    for (at, grant) in grants.iter().enumerate() {
        assert_eq!(store.grant(&grant.id).await.unwrap().is_some(), at == winner);
    }
}

/// The person has left, so nobody gets anything in their name any more.
pub async fn attack_37_a_code_is_not_redeemed_after_its_session_ended(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let code = redeemable(&store, &sample, &client).await;
    let grant = sample.grant(&code, &client);
    let exchange = || one(Write::RedeemCode { digest: code.digest, at: sample.now }).write(Write::AddGrant(grant.clone()));
    commit(&store, [Write::EndSession { id: code.session, at: sample.now }]).await;
    assert_eq!(store.commit(exchange()).await, lost(Contest::Code));
    assert_eq!(store.code(&code.digest).await.unwrap().unwrap().redeemed, None, "which tells it from a replay");
    assert_eq!(store.grant(&grant.id).await, Ok(None));

    let homeless = sample.code(&client, &sample.session(&sample.account()));
    commit(&store, [Write::AddCode(homeless.clone())]).await;
    let redeem = one(Write::RedeemCode { digest: homeless.digest, at: sample.now });
    assert_eq!(store.commit(redeem).await, lost(Contest::Code), "there is no such session");
}

/// Whichever comes first: the code is lost, or the grant ends with the session.
pub async fn attack_37_of_exchanges_and_logouts_at_once_no_grant_is_left(store: Arc<dyn Store>) {
    for grant in exchanges_and_logouts(&[&store]).await {
        assert!(store.grant(&grant.id).await.unwrap().is_none_or(|grant| !grant.is_alive()), "a cache says that it lives");
    }
}

/// Races them, and returns the grants there may have been.
pub(crate) async fn exchanges_and_logouts(stores: &[&Arc<dyn Store>]) -> Vec<Grant> {
    let sample = Sample::default();
    let client = sample.client("app");
    let mut grants = Vec::new();
    let mut all = Vec::new();
    for _ in 0..RACERS {
        let code = redeemable(stores[0], &sample, &client).await;
        let grant = sample.grant(&code, &client);
        let exchange = one(Write::RedeemCode { digest: code.digest, at: sample.now }).write(Write::AddGrant(grant.clone()));
        let revoked = sample.revoked(RevokedBy::Logout);
        let logout = one(Write::EndSession { id: code.session, at: sample.now });
        let logout = logout.write(Write::RevokeSessionGrants { session: code.session, revoked });
        // Beside each other, now one and now the other first, and not always on the same node.
        let pair = if grants.len() % 2 == 0 { [exchange, logout] } else { [logout, exchange] };
        let at = if grants.len() % 4 < 2 { all.len() } else { all.len() / 2 };
        all.splice(at..at, pair);
        grants.push(grant);
    }
    for answer in race(stores, all).await {
        assert!(matches!(answer, Ok(()) | Err(StoreError::Conflict(Contest::Code))), "{answer:?}");
    }
    // A read may come from a cache that has not heard yet. A rotation is decided by the data.
    for grant in &grants {
        assert_eq!(stores[0].commit(one(rotation(grant, 0))).await, lost(Contest::Family), "a grant outlives its session");
    }
    grants
}

/// A sign-in that began before a logout does not undo it.
pub async fn a_session_that_ended_is_not_replaced(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    let session = sample.session(&account);
    let again = Session { digest: sample.digest(), last_seen: sample.now + Duration::from_secs(9), ..session.clone() };
    commit(&store, [Write::PutSession(session.clone()), Write::EndSession { id: session.id, at: sample.now }]).await;
    let attempt = sample.attempt();
    let settle = one(Write::SpendAttempt { id: attempt, expires: sample.now }).write(Write::PutAccount(account.clone()));
    assert_eq!(store.commit(settle.write(Write::PutSession(again.clone()))).await, lost(Contest::Session));
    assert_eq!(store.session_by_id(&session.id).await, Ok(Some(Session { ended: Some(sample.now), ..session.clone() })));
    assert_eq!(store.session(&again.digest).await, Ok(None));
    assert_eq!(store.account(&account.id).await, Ok(None));
    commit(&store, [Write::SpendAttempt { id: attempt, expires: sample.now }]).await;
}

/// Whichever comes first, nobody is signed in afterwards.
pub async fn of_sign_ins_and_logouts_at_once_no_session_is_left(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let sessions: Vec<Session> = (0..RACERS).map(|_| sample.session(&sample.account())).collect();
    commit(&store, sessions.iter().cloned().map(Write::PutSession)).await;
    let again = sessions.iter().map(|session| Session { digest: sample.digest(), ..session.clone() });
    let again =
        again.map(|session| one(Write::PutSession(session)).write(Write::SpendAttempt { id: sample.attempt(), expires: sample.now }));
    let end = sessions.iter().rev().map(|session| one(Write::EndSession { id: session.id, at: sample.now }));
    for answer in race(&[&store], again.chain(end).collect()).await {
        assert!(matches!(answer, Ok(()) | Err(StoreError::Conflict(Contest::Session))), "{answer:?}");
    }
    for session in &sessions {
        assert_eq!(store.session_by_id(&session.id).await.unwrap().unwrap().ended, Some(sample.now));
    }
}

/// RFC 9700 §4.14.2: an older token finds another generation.
pub async fn attack_38_a_family_moves_on_only_from_the_generation_presented(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let grant = sample.any_grant(&sample.client("app"));
    assert_eq!(store.commit(one(rotation(&grant, 0))).await, lost(Contest::Family), "it is not there");
    commit(&store, [Write::AddGrant(grant.clone())]).await;
    for from in 0..3 {
        assert_eq!(store.commit(one(rotation(&grant, from))).await, Ok(()));
        assert_eq!(store.commit(one(rotation(&grant, from))).await, lost(Contest::Family));
        let Write::RotateFamily { family, .. } = rotation(&grant, from) else { unreachable!() };
        assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().family, Some(family));
    }
    assert_eq!(store.commit(one(rotation(&grant, 5))).await, lost(Contest::Family));
    let kept = store.grant(&grant.id).await.unwrap().unwrap();
    assert_eq!(Grant { family: grant.family.clone(), access_expires: grant.access_expires, ..Grant::clone(&kept) }, grant);
    assert_eq!(kept.access_expires, grant.access_expires.max(sample.now + Duration::from_secs(603)), "the latest of its access tokens");
}

/// Twice: with events, as a flow writes it, and against a cache that has read the grant.
pub async fn attack_38_of_parallel_refreshes_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let grant = sample.any_grant(&client);
    commit(&store, [Write::AddGrant(grant.clone())]).await;
    for from in 0..4 {
        let refresh = |_| one(rotation(&grant, from)).event(sample.event(EventName::TokenRefreshed, &account, &client));
        let answers = race(&[&store], (0..RACERS).map(refresh).collect()).await;
        only_winner(&answers, Contest::Family);
        assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().family.as_ref().unwrap().generation, from + 1);
    }
    let events = store.events(&EventQuery { name: Some(EventName::TokenRefreshed), limit: 1000, ..EventQuery::default() }).await;
    assert_eq!(events.unwrap().len(), 4, "a loser leaves no event");
}

/// Whatever generation is presented.
pub async fn attack_38_a_family_that_ended_does_not_move_on(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let grant = sample.any_grant(&sample.client("app"));
    commit(&store, [Write::AddGrant(grant.clone())]).await;
    commit(&store, [Write::RevokeGrant { id: grant.id, revoked: sample.revoked(RevokedBy::RefreshReuse) }]).await;
    assert_eq!(store.commit(one(rotation(&grant, 0))).await, lost(Contest::Family));
    assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().family, grant.family);
}

/// Two tabs, one callback.
pub async fn of_parallel_settlements_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let id = sample.attempt();
    let accounts: Vec<_> = (0..RACERS).map(|_| sample.account()).collect();
    let settle = |account: &vestibule_domain::account::Account| {
        one(Write::SpendAttempt { id, expires: sample.now }).write(Write::PutAccount(account.clone()))
    };
    let answers = race(&[&store], accounts.iter().map(settle).collect()).await;
    let winner = only_winner(&answers, Contest::Attempt);
    for (at, account) in accounts.iter().enumerate() {
        assert_eq!(store.account(&account.id).await.unwrap().is_some(), at == winner);
    }
}

/// Two operators, one client: made, then changed.
pub async fn of_parallel_client_changes_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    for (version, expected) in [(1, None), (2, Some(1))] {
        let put = |at| Write::PutClient {
            client: Box::new(Client { version, name: format!("operator {at}"), ..sample.client("app") }),
            expected,
        };
        let answers = race(&[&store], (0..RACERS).map(put).map(one).collect()).await;
        let winner = only_winner(&answers, Contest::Client);
        let client = store.client(&sample.client("app").id).await.unwrap().unwrap();
        assert_eq!((client.version, client.name.as_str()), (version, format!("operator {winner}").as_str()));
    }
}

/// Every node notices at once that a key is needed.
pub async fn of_parallel_key_rotations_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    for follows in [None, Some("0")] {
        let name = |at: usize| if follows.is_none() { "0".to_owned() } else { format!("{}", at + 1) };
        let add = |at| one(Write::AddSigningKey(sample.signing_key(&name(at), follows)));
        let answers = race(&[&store], (0..RACERS).map(add).collect()).await;
        only_winner(&answers, Contest::SigningKey);
    }
    assert_eq!(store.signing_keys().await.unwrap().len(), 2);
}

/// Even what stands before the contested write.
pub async fn a_lost_race_leaves_nothing_of_its_changes(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let session = sample.session(&account);
    let (attempt, code) = (sample.attempt(), sample.code(&client, &session));
    commit(&store, [Write::SpendAttempt { id: attempt, expires: sample.now }]).await;
    let settlement = Changes::default()
        .write(Write::PutAccount(account.clone()))
        .write(Write::PutSession(session.clone()))
        .write(Write::SpendAttempt { id: attempt, expires: sample.now })
        .write(Write::AddCode(code.clone()))
        .event(sample.event(EventName::LoginSucceeded, &account, &client));
    assert_eq!(store.commit(settlement).await, lost(Contest::Attempt));
    assert_eq!(store.account(&account.id).await, Ok(None));
    assert_eq!(store.session(&session.digest).await, Ok(None));
    assert_eq!(store.code(&code.digest).await, Ok(None));
    assert_eq!(store.events(&EventQuery { limit: 10, ..EventQuery::default() }).await, Ok(vec![]));
}

/// A first sign-in spends its attempt and adds its link. When another one has added it, the attempt must still be good: the flow
/// decides again.
pub async fn a_lost_second_contest_takes_the_first_back(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (first, second) = (sample.account(), sample.account());
    let attempt = sample.attempt();
    commit(&store, [Write::AddLink(sample.link(&first, "1"))]).await;
    let settlement = Changes::default()
        .write(Write::SpendAttempt { id: attempt, expires: sample.now })
        .write(Write::AddLink(sample.link(&second, "1")))
        .write(Write::PutAccount(second.clone()));
    assert_eq!(store.commit(settlement).await, lost(Contest::Link));
    assert_eq!(store.account(&second.id).await, Ok(None));
    let again = one(Write::SpendAttempt { id: attempt, expires: sample.now }).write(Write::PutAccount(first.clone()));
    assert_eq!(store.commit(again).await, Ok(()), "the attempt is not spent");
    assert_eq!(store.account(&first.id).await, Ok(Some(Arc::new(first))));
}

/// They are committed together and know nothing of each other.
pub async fn a_lost_race_takes_nothing_of_its_neighbours(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let spent = sample.attempt();
    let taken = sample.link(&sample.account(), "taken");
    commit(&store, [Write::SpendAttempt { id: spent, expires: sample.now }, Write::AddLink(taken)]).await;
    let each: Vec<_> = (0..60).map(|at| (sample.account(), if at % 3 == 0 { spent } else { sample.attempt() })).collect();
    let changes = each.iter().enumerate().map(|(at, (account, attempt))| {
        let settle = one(Write::PutAccount(account.clone())).write(Write::SpendAttempt { id: *attempt, expires: sample.now });
        let subject = if at % 3 == 1 { "taken".to_owned() } else { at.to_string() };
        settle.write(Write::AddLink(sample.link(account, &subject)))
    });
    let answers = race(&[&store], changes.collect()).await;
    for (at, (answer, (account, attempt))) in answers.iter().zip(&each).enumerate() {
        let due = [lost(Contest::Attempt), lost(Contest::Link), Ok(())][at % 3].clone();
        assert_eq!(*answer, due);
        assert_eq!(store.account(&account.id).await.unwrap().is_some(), due.is_ok());
        let again = store.commit(one(Write::SpendAttempt { id: *attempt, expires: sample.now })).await;
        assert_eq!(again.is_ok(), at % 3 == 1, "who lost the link alone has not spent its attempt");
    }
}

/// A failure is not a lost race: the statement was refused. Only whose statement it was is told.
pub async fn a_failed_write_takes_nothing_of_its_neighbours(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let twice = sample.code(&client, &sample.session(&sample.account()));
    commit(&store, [Write::AddCode(twice.clone())]).await;
    let accounts: Vec<_> = (0..40).map(|_| sample.account()).collect();
    let changes = accounts.iter().enumerate().map(|(at, account)| {
        let put = one(Write::SpendAttempt { id: sample.attempt(), expires: sample.now }).write(Write::PutAccount(account.clone()));
        let put = put.event(sample.event(EventName::LoginSucceeded, account, &client));
        if at == 20 { put.write(Write::AddCode(twice.clone())) } else { put }
    });
    let answers = race(&[&store], changes.collect()).await;
    for (at, (answer, account)) in answers.iter().zip(&accounts).enumerate() {
        assert_eq!(matches!(answer, Err(StoreError::Unavailable(_))), at == 20, "{at}: {answer:?}");
        assert_eq!(store.account(&account.id).await.unwrap().is_some(), at != 20);
    }
    let events = store.events(&EventQuery { limit: 100, ..EventQuery::default() }).await.unwrap();
    assert_eq!(events.len(), 39);
}

/// Their keys are drawn from so many that a second one is a mistake; it must not replace the first.
pub async fn a_code_and_a_grant_are_made_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let code = sample.code(&client, &sample.session(&sample.account()));
    let grant = sample.grant(&code, &client);
    commit(&store, [Write::AddCode(code.clone()), Write::AddGrant(grant.clone())]).await;
    let mut other = sample.any_grant(&sample.client("thief"));
    other.id = grant.id;
    assert!(matches!(store.commit(one(Write::AddGrant(other))).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.commit(one(Write::AddCode(code.clone()))).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.grant(&grant.id).await, Ok(Some(Arc::new(grant))));
}
