//! Links, providers and upstream tokens: what is found, what is contested, what ends with what.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    account::{Account, Link, Profile, UpstreamTokens},
    grant::RevokedBy,
    ids::LinkId,
    ports::Store,
    provider::StoredProvider,
    session::Session,
    store::{Changes, Contest, SessionQuery, StoreError, Write},
    upstream::TokensDue,
};

use super::{RACERS, commit, one, only_winner, race};
use crate::sample::{Sample, provider_id};

/// By key, by id, by account and by the address its provider vouches for; not by an address that nobody vouches for.
pub async fn a_link_is_found_by_all_its_names(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, eve) = (sample.account(), sample.account());
    let first = sample.link(&ada, "1");
    let mut second = Link { created: sample.now + Duration::from_secs(1), ..sample.link(&ada, "2") };
    second.profile = Profile { email: Some("ADA@Corp.example".into()), email_verified: true, ..Profile::default() };
    let mut third = sample.link(&eve, "3");
    third.profile = Profile { email: Some("ada@corp.example".into()), email_verified: false, ..Profile::default() };
    for link in [&first, &second, &third] {
        commit(&store, [Write::AddLink(link.clone())]).await;
    }
    // Once from a cache, if there is one, and once more.
    for _ in 0..2 {
        assert_eq!(store.link(&second.key).await, Ok(Some(Arc::new(second.clone()))));
        assert_eq!(store.link_by_id(&second.id).await, Ok(Some(Arc::new(second.clone()))));
    }
    assert_eq!(store.links_of(&ada.id).await, Ok(vec![first.clone(), second.clone()]));
    let email = second.verified_email().unwrap();
    assert_eq!(store.links_by_verified_email(&email).await, Ok(vec![second.clone()]));
    assert_eq!(store.link_by_id(&LinkId::new(sample.now, &sample.entropy)).await, Ok(None));
}

/// What its provider says is replaced by what it said later, and by nothing earlier; whom it leads to is not, and a link that is gone stays so.
pub async fn what_a_provider_says_of_a_link_moves_forward(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let link = sample.link(&sample.account(), "1");
    commit(&store, [Write::AddLink(link.clone())]).await;
    let said = |secs, name: &str| Link {
        seen: sample.now + Duration::from_secs(secs),
        profile: Profile { name: Some(name.into()), ..Profile::default() },
        ..link.clone()
    };
    let lost = Err(StoreError::Conflict(Contest::Link));
    let update = |link: Link| store.commit(one(Write::UpdateLink(link)));
    assert_eq!(update(said(5, "later")).await, Ok(()));
    assert_eq!(update(said(3, "earlier")).await, lost);
    assert_eq!(update(Link { account: sample.account().id, ..said(9, "another's") }).await, lost);
    let expected = said(5, "later");
    assert_eq!(store.link_by_id(&link.id).await, Ok(Some(Arc::new(expected.clone()))));
    assert_eq!(store.link(&link.key).await, Ok(Some(Arc::new(expected))));
    assert_eq!(store.links_by_verified_email(&link.verified_email().unwrap()).await, Ok(vec![]));
    let unknown = sample.link(&sample.account(), "2");
    assert_eq!(update(unknown.clone()).await, lost);
    assert_eq!(store.link(&unknown.key).await, Ok(None));
}

/// By its account alone; then its key is free for another account.
pub async fn a_link_is_removed_once_and_its_key_is_free_again(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, eve) = (sample.account(), sample.account());
    let link = sample.link(&ada, "1");
    commit(&store, [Write::AddLink(link.clone())]).await;
    assert_eq!(store.link(&link.key).await, Ok(Some(Arc::new(link.clone()))));
    let remove = |account: &Account| one(Write::RemoveLink { id: link.id, account: account.id, leaves_another: false });
    assert_eq!(store.commit(remove(&eve)).await, Err(StoreError::Conflict(Contest::Link)));
    assert_eq!(store.commit(remove(&ada)).await, Ok(()));
    assert_eq!(store.commit(remove(&ada)).await, Err(StoreError::Conflict(Contest::Link)));
    assert_eq!(store.link(&link.key).await, Ok(None));
    assert_eq!(store.link_by_id(&link.id).await, Ok(None));
    let again = sample.link(&eve, "1");
    commit(&store, [Write::AddLink(again.clone())]).await;
    assert_eq!(store.link(&link.key).await, Ok(Some(Arc::new(again))));
}

/// Whoever removes one beside it.
pub async fn attack_70_of_the_last_two_ways_in_removed_at_once_one_is_left(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let people: Vec<Account> = (0..8).map(|_| sample.account()).collect();
    let ways = |(at, account): (usize, &Account)| [0, 1].map(|way| sample.link(account, &format!("{at}-{way}")));
    let links: Vec<[Link; 2]> = people.iter().enumerate().map(ways).collect();
    commit(&store, people.iter().cloned().map(Write::PutAccount).chain(links.iter().flatten().cloned().map(Write::AddLink))).await;
    let remove = |link: &Link| one(Write::RemoveLink { id: link.id, account: link.account, leaves_another: true });
    let answers = race(&[&store], links.iter().flatten().map(remove).collect()).await;
    for (account, answers) in people.iter().zip(answers.chunks(2)) {
        only_winner(answers, Contest::Link);
        let left = store.links_of(&account.id).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(store.commit(remove(&left[0])).await, Err(StoreError::Conflict(Contest::Link)), "the last one stays");
    }
}

/// Of one account, or of one of its ways in; nobody else's, and what ended before stays as it ended.
pub async fn what_came_by_a_link_or_to_an_account_ends_together(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let client = sample.client("app");
    let (ada, eve) = (sample.account(), sample.account());
    let (by_github, by_google) = (sample.link(&ada, "1"), sample.link(&ada, "2"));
    let session = |account: &Account, link: LinkId| Session { link, ..sample.session(account) };
    let sessions =
        [session(&ada, by_github.id), session(&ada, by_github.id), session(&ada, by_google.id), session(&eve, sample.link(&eve, "3").id)];
    let grants: Vec<_> = sessions.iter().map(|session| sample.grant(&sample.code(&client, session), &client)).collect();
    for (session, grant) in sessions.iter().zip(&grants) {
        commit(&store, [Write::PutSession(session.clone()), Write::AddGrant(grant.clone())]).await;
    }
    commit(&store, [Write::EndSession { id: sessions[1].id, at: sample.now }]).await;
    let ended = async || {
        let mut ended = Vec::new();
        for (session, grant) in sessions.iter().zip(&grants) {
            let session = store.session_by_id(&session.id).await.unwrap().unwrap().ended.map(|at| at.since(sample.now).as_secs());
            ended.push((session, store.grant(&grant.id).await.unwrap().unwrap().revoked.map(|revoked| revoked.by)));
        }
        ended
    };
    let of = |account: &Account| SessionQuery { account: Some(account.id), limit: 10, ..SessionQuery::default() };
    assert_eq!(store.sessions(&of(&ada)).await.unwrap().sessions.len(), 2);
    let at = |secs| sample.now + Duration::from_secs(secs);
    let revoked = |secs, by| vestibule_domain::grant::Revoked { at: at(secs), by };
    commit(
        &store,
        [
            Write::EndLinkSessions { link: by_github.id, account: ada.id, at: at(5) },
            Write::RevokeLinkGrants { link: by_github.id, account: ada.id, revoked: revoked(5, RevokedBy::Unlinked) },
        ],
    )
    .await;
    let unlinked = Some(RevokedBy::Unlinked);
    assert_eq!(ended().await, [(Some(5), unlinked), (Some(0), unlinked), (None, None), (None, None)]);
    commit(
        &store,
        [
            Write::EndAccountSessions { account: ada.id, at: at(9) },
            Write::RevokeAccountGrants { account: ada.id, revoked: revoked(9, RevokedBy::Admin) },
        ],
    )
    .await;
    assert_eq!(ended().await, [(Some(5), unlinked), (Some(0), unlinked), (Some(9), Some(RevokedBy::Admin)), (None, None)]);
    assert_eq!(store.sessions(&of(&ada)).await.unwrap().sessions, []);
    assert_eq!(store.sessions(&of(&eve)).await.unwrap().sessions, [sessions[3].clone()]);
}

/// Somebody is erased while they sign in by one more way: it is seen, or comes too late. Nothing is left behind.
pub async fn an_account_is_emptied_once_no_link_leads_there(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let ada = sample.account();
    let links: Vec<_> = (0..RACERS).map(|at| sample.link(&ada, &at.to_string())).collect();
    let consent = sample.consent(&ada, &sample.client("app"));
    let empty = || Write::EmptyAccount { id: ada.id, at: sample.now };
    let remove = |at: usize| Write::RemoveLink { id: links[at].id, account: ada.id, leaves_another: false };
    commit(&store, [Write::AddLink(links[0].clone()), Write::PutAccount(ada.clone()), Write::PutConsent(consent.clone())]).await;
    commit(&store, [Write::AddLink(links[1].clone())]).await;
    let lost = store.commit(one(remove(0)).write(empty())).await;
    assert_eq!(lost, Err(StoreError::Conflict(Contest::Link)), "another way in was added since they were read");
    assert!(store.link_by_id(&links[0].id).await.unwrap().is_some());
    commit(&store, [remove(0)]).await;

    let mut all: Vec<_> = links[2..].iter().map(|link| one(Write::AddLink(link.clone()))).collect();
    // They sign in meanwhile, by the way that goes: what that writes of them must not stay.
    let comes = one(Write::SpendAttempt { id: sample.attempt(), expires: sample.now }).write(Write::UpdateLink(links[1].clone()));
    all.push(comes.write(Write::PutAccount(ada.clone())));
    all.push(one(remove(1)).write(empty()).write(Write::DropAccountConsents { account: ada.id }));
    let answers = race(&[&store], all).await;
    let mut left = store.links_of(&ada.id).await.unwrap();
    if answers.last() != Some(&Ok(())) {
        assert!(left.len() > 1, "it lost against those that were added");
        let mut changes = left.drain(..).fold(Changes::default(), |changes, link| {
            changes.write(Write::RemoveLink { id: link.id, account: ada.id, leaves_another: false })
        });
        changes = changes.write(empty()).write(Write::DropAccountConsents { account: ada.id });
        assert_eq!(store.commit(changes).await, Ok(()));
    }
    assert_eq!(store.links_of(&ada.id).await, Ok(vec![]));
    let left = store.account(&ada.id).await.unwrap().unwrap();
    assert_eq!((left.disabled, &left.profile, left.salt), (true, &Profile::default(), ada.salt));

    let late = store.commit(one(Write::AddLink(sample.link(&ada, "late")))).await;
    assert_eq!(late, Err(StoreError::Conflict(Contest::Link)));
    commit(&store, [Write::PutConsent(consent)]).await;
    assert_eq!(store.consents_of(&ada.id, None, 10).await, Ok(vec![]));
}

/// In the order of their names; the same list until one of them changes.
pub async fn providers_are_one_list_that_changes_with_each(store: Arc<dyn Store>) {
    let sample = Sample::default();
    assert_eq!(store.providers().await.unwrap().len(), 0);
    let (b, a) = (sample.provider("b"), StoredProvider { secrets: None, disabled: true, ..sample.provider("a") });
    commit(&store, [Write::PutProvider { provider: b.clone(), expected: None }]).await;
    commit(&store, [Write::PutProvider { provider: a.clone(), expected: None }]).await;
    assert_eq!(&*store.providers().await.unwrap(), [a.clone(), b.clone()]);
    let replace = |version, expected| {
        let managed_by = vestibule_domain::ids::ManagerName::parse("files").ok();
        let provider =
            StoredProvider { version, disabled: true, managed_by, settings: vestibule_domain::claims::Claims::new(), ..b.clone() };
        Write::PutProvider { provider, expected }
    };
    for stale in [None, Some(2), Some(0)] {
        assert_eq!(store.commit(one(replace(9, stale))).await, Err(StoreError::Conflict(Contest::Provider)));
    }
    commit(&store, [replace(2, Some(1))]).await;
    let list = store.providers().await.unwrap();
    assert!(list[1].disabled && list[1].version == 2 && list[1].secrets == b.secrets);
    assert_eq!(list[1].managed_by.as_ref().map(ToString::to_string).as_deref(), Some("files"));
    let delete = |expected| Write::DeleteProvider { id: provider_id("b"), expected };
    assert_eq!(store.commit(one(delete(1))).await, Err(StoreError::Conflict(Contest::Provider)));
    commit(&store, [delete(2)]).await;
    assert_eq!(&*store.providers().await.unwrap(), [a]);
}

/// From the version that was seen, by whoever has the lease.
pub async fn upstream_tokens_are_renewed_from_the_version_that_was_seen(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let link = sample.link(&sample.account(), "1");
    let first = sample.upstream_tokens(&link);
    commit(&store, [Write::PutUpstreamTokens(first.clone()), Write::TouchUpstreamTokens { link: link.id, at: sample.now }]).await;
    let lost = Err(StoreError::Conflict(Contest::UpstreamTokens));
    let lease = |expected, secs| Write::LeaseUpstreamTokens {
        link: link.id,
        expected,
        at: sample.now + Duration::from_secs(secs),
        until: sample.now + Duration::from_secs(secs + 30),
    };
    assert_eq!(store.commit(one(lease(2, 0))).await, lost);
    assert_eq!(store.commit(one(lease(1, 0))).await, Ok(()));
    assert_eq!(store.commit(one(lease(1, 29))).await, lost, "somebody has it");
    assert_eq!(store.commit(one(lease(1, 30))).await, Ok(()), "a lease ends by itself");
    let renewed = UpstreamTokens { version: 2, failures: 3, ..sample.upstream_tokens(&link) };
    let renew = |expected| one(Write::RenewUpstreamTokens { tokens: renewed.clone(), expected });
    assert_eq!(store.commit(renew(1)).await, Ok(()));
    assert_eq!(store.commit(renew(1)).await, lost);
    let there = UpstreamTokens { used: Some(sample.now), ..renewed.clone() };
    assert_eq!(store.upstream_tokens(&link.id).await, Ok(Some(there.clone())));
    // A sign-in brings new ones: nothing of what befell the old is left but when they were asked for.
    commit(&store, [Write::PutUpstreamTokens(first.clone())]).await;
    assert_eq!(store.upstream_tokens(&link.id).await, Ok(Some(UpstreamTokens { version: 3, used: Some(sample.now), ..first })));
    commit(&store, [Write::DropUpstreamTokens { link: link.id }]).await;
    assert_eq!(store.upstream_tokens(&link.id).await, Ok(None));
    assert_eq!(store.commit(one(lease(3, 0))).await, lost);
}

/// One alone asks the upstream.
pub async fn of_parallel_leases_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let link = sample.link(&sample.account(), "1");
    commit(&store, [Write::PutUpstreamTokens(sample.upstream_tokens(&link))]).await;
    let (at, until) = (sample.now, sample.now + Duration::from_secs(30));
    let lease = |_| one(Write::LeaseUpstreamTokens { link: link.id, expected: 1, at, until });
    let answers = race(&[&store], (0..RACERS).map(lease).collect()).await;
    only_winner(&answers, Contest::UpstreamTokens);
}

/// In use, refreshable, expiring, not denied, not leased, not waiting; those first that expire first.
pub async fn upstream_tokens_that_are_due_are_found(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let after = |secs| sample.now + Duration::from_secs(secs);
    let usual = |expires| UpstreamTokens { expires: Some(after(expires)), ..sample.upstream_tokens(&sample.link(&sample.account(), "1")) };
    let rows = [
        usual(200),
        usual(100),
        usual(9_000),
        UpstreamTokens { expires: None, ..usual(0) },
        UpstreamTokens { refreshable: false, ..usual(1) },
        UpstreamTokens { denied: Some(sample.now), ..usual(2) },
        UpstreamTokens { leased_until: Some(after(1)), ..usual(3) },
        UpstreamTokens { retry_after: Some(after(1)), ..usual(4) },
        UpstreamTokens { retry_after: Some(sample.now), ..usual(300) },
        usual(5),
    ];
    for (at, tokens) in rows.iter().enumerate() {
        commit(&store, [Write::PutUpstreamTokens(tokens.clone())]).await;
        if at + 1 < rows.len() {
            commit(&store, [Write::TouchUpstreamTokens { link: tokens.link, at: sample.now }]).await;
        }
    }
    let due = TokensDue { now: sample.now, expire_before: after(1_000), used_since: sample.now - Duration::from_mins(1), limit: 10 };
    let found = [rows[1].link, rows[0].link, rows[8].link];
    assert_eq!(store.upstream_tokens_due(&due).await, Ok(found.to_vec()));
    assert_eq!(store.upstream_tokens_due(&TokensDue { limit: 2, ..due }).await, Ok(found[..2].to_vec()));
    assert_eq!(store.upstream_tokens_due(&TokensDue { used_since: after(1), ..due }).await, Ok(vec![]));
}

/// Accounts in pages.
pub async fn accounts_are_listed_in_the_order_of_their_ids(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let mut accounts: Vec<_> = (0..5).map(|_| sample.account()).collect();
    for account in &accounts {
        commit(&store, [Write::PutAccount(account.clone())]).await;
    }
    accounts.sort_by_key(|account| account.id);
    assert_eq!(store.accounts(None, 3).await, Ok(accounts[..3].to_vec()));
    assert_eq!(store.accounts(Some(&accounts[2].id), 10).await, Ok(accounts[3..].to_vec()));
}

/// Both nodes have read them before.
pub async fn attack_83_links_and_providers_of_one_node_are_the_others(one_node: Arc<dyn Store>, other: Arc<dyn Store>) {
    let sample = Sample::default();
    let link = sample.link(&sample.account(), "1");
    commit(&one_node, [Write::AddLink(link.clone()), Write::PutProvider { provider: sample.provider("p"), expected: None }]).await;
    super::shared::comes_true("a new provider", || async { other.providers().await.is_ok_and(|list| list.len() == 1) }).await;
    assert_eq!(other.link_by_id(&link.id).await, Ok(Some(Arc::new(link.clone()))));
    assert_eq!(other.link(&link.key).await, Ok(Some(Arc::new(link.clone()))));
    let provider = StoredProvider { version: 2, disabled: true, ..sample.provider("p") };
    commit(&one_node, [Write::PutProvider { provider, expected: Some(1) }]).await;
    super::shared::comes_true("a disabled provider", || async { other.providers().await.is_ok_and(|list| list[0].disabled) }).await;
    commit(&one_node, [Write::RemoveLink { id: link.id, account: link.account, leaves_another: false }]).await;
    super::shared::comes_true("a link undone", || async { other.link_by_id(&link.id).await == Ok(None) }).await;
    assert_eq!(other.link(&link.key).await, Ok(None));
}
