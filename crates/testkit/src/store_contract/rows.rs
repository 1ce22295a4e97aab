//! What is written comes back, and at once.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    account::{Account, Profile, UpstreamTokens},
    client::{Client, ClientSecret},
    grant::RevokedBy,
    ids::{ClientId, SecretId},
    ports::Store,
    session::Session,
    store::{EventQuery, Write},
    time::Timestamp,
};

use super::{commit, one};
use crate::sample::{Sample, client_id, provider_id};

/// No row, no error.
pub async fn an_empty_store_has_nothing(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let link = sample.link(&account, "1");
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.client(&client.id).await, Ok(None));
    assert_eq!(store.clients(None, 10).await, Ok(vec![]));
    assert_eq!(store.account(&account.id).await, Ok(None));
    assert_eq!(store.link(&link.key).await, Ok(None));
    assert_eq!(store.session(&sample.digest()).await, Ok(None));
    assert_eq!(store.session_by_id(&sample.session(&account).id).await, Ok(None));
    assert_eq!(store.code(&sample.digest()).await, Ok(None));
    assert_eq!(store.grant(&sample.any_grant(&client).id).await, Ok(None));
    assert_eq!(store.is_token_revoked(&sample.token(None)).await, Ok(false));
    assert_eq!(store.upstream_tokens(&link.id).await, Ok(None));
    assert_eq!(store.signing_keys().await, Ok(vec![]));
    assert_eq!(store.events(&EventQuery { limit: 10, ..EventQuery::default() }).await, Ok(vec![]));
    assert_eq!(store.count_sessions(Timestamp::default()).await, Ok(0));
    assert_eq!(store.sweep(sample.now, sample.now, 10).await, Ok(0));
}

/// Every field of everything.
pub async fn what_is_written_comes_back_as_it_was(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    let secret = ClientSecret {
        id: SecretId::new(sample.now, &sample.entropy),
        sealed: Some(vestibule_domain::secret::Sealed(vec![7; 80])),
        digest: sample.digest(),
        created: sample.now,
        expires: Some(sample.now + Duration::from_secs(9)),
    };
    let client = Client {
        secrets: vec![secret],
        managed_by: vestibule_domain::ids::ManagerName::parse("clients.d").ok(),
        keys: Some(vestibule_domain::client::KeySource::Registered(r#"{"keys":[]}"#.into())),
        userinfo_alg: Some(vestibule_domain::client::SigningAlg::Es256),
        introspection_alg: Some(vestibule_domain::client::SigningAlg::EdDsa),
        assertion_alg: Some(vestibule_domain::client::SigningAlg::Ps256),
        certificate_subject: "CN=so\\, me,O=Ex\\+ample".parse().ok().map(vestibule_domain::certificate::CertificateSubject::Dn),
        allowed_providers: [provider_id("github"), provider_id("corp")].into(),
        audiences: vec!["https://api.example.com".into()],
        ..sample.client("My.app_1~x")
    };
    let session = Session { ended: Some(sample.now), ..sample.session(&account) };
    let link = sample.link(&account, "so'me;--\" sub\u{2028}ject");
    let mut code = sample.code(&client, &session);
    code.redeemed = Some(sample.now);
    let grant = sample.grant(&sample.code(&client, &session), &client);
    let (tokens, key) = (sample.upstream_tokens(&link), sample.signing_key("kid-1", None));
    commit(
        &store,
        [
            Write::PutClient { client: Box::new(client.clone()), expected: None },
            Write::PutAccount(account.clone()),
            Write::AddLink(link.clone()),
            Write::PutSession(session.clone()),
            Write::AddCode(code.clone()),
            Write::AddGrant(grant.clone()),
            Write::PutUpstreamTokens(tokens.clone()),
            Write::AddSigningKey(key.clone()),
        ],
    )
    .await;
    // Twice: the second may come from a cache.
    for _ in 0..2 {
        assert_eq!(store.client(&client.id).await, Ok(Some(Arc::new(client.clone()))));
        assert_eq!(store.account(&account.id).await, Ok(Some(Arc::new(account.clone()))));
        assert_eq!(store.link(&link.key).await, Ok(Some(Arc::new(link.clone()))));
        assert_eq!(store.session(&session.digest).await, Ok(Some(Arc::new(session.clone()))));
        assert_eq!(store.session_by_id(&session.id).await, Ok(Some(session.clone())));
        assert_eq!(store.code(&code.digest).await, Ok(Some(code.clone())));
        assert_eq!(store.grant(&grant.id).await, Ok(Some(Arc::new(grant.clone()))));
        assert_eq!(store.upstream_tokens(&link.id).await, Ok(Some(tokens.clone())));
        assert_eq!(store.signing_keys().await, Ok(vec![key.clone()]));
    }
}

/// Options that are none stay none.
pub async fn what_is_absent_comes_back_absent(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = Account { profile: Profile::default(), disabled: true, ..sample.account() };
    let session = Session { acr: None, amr: vec![], ..sample.session(&account) };
    let client = Client { grant_types: [].into(), redirect_uris: vec![], disabled: true, ..sample.client("a") };
    let mut code = sample.code(&client, &session);
    (code.challenge, code.nonce, code.redirect_uri_was_sent) = (None, None, false);
    let grant = sample.grant(&code, &client);
    assert!(grant.family.is_none() && grant.nonce.is_none());
    let mut tokens = sample.upstream_tokens(&sample.link(&account, "1"));
    tokens.expires = None;
    commit(
        &store,
        [
            Write::PutClient { client: Box::new(client.clone()), expected: None },
            Write::PutAccount(account.clone()),
            Write::PutSession(session.clone()),
            Write::AddCode(code.clone()),
            Write::AddGrant(grant.clone()),
            Write::PutUpstreamTokens(tokens.clone()),
        ],
    )
    .await;
    assert_eq!(store.client(&client.id).await, Ok(Some(Arc::new(client))));
    assert_eq!(store.account(&account.id).await, Ok(Some(Arc::new(account))));
    assert_eq!(store.session_by_id(&session.id).await, Ok(Some(session)));
    assert_eq!(store.code(&code.digest).await, Ok(Some(code)));
    assert_eq!(store.grant(&grant.id).await, Ok(Some(Arc::new(grant))));
    assert_eq!(store.upstream_tokens(&tokens.link).await, Ok(Some(tokens)));
}

/// A step may decide that nothing is to be written.
pub async fn nothing_at_all_can_be_committed(store: Arc<dyn Store>) {
    commit(&store, []).await;
}

/// By their bytes, whatever language the database speaks.
pub async fn clients_are_listed_in_the_order_of_their_ids(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let ids = ["Zebra", "a-b", "a.b", "aB", "a_b", "ab", "apple", "~last", "0first"];
    commit(&store, ids.map(|id| Write::PutClient { client: Box::new(sample.client(id)), expected: None })).await;
    let mut sorted: Vec<ClientId> = ids.map(client_id).into();
    sorted.sort();

    let mut listed = Vec::new();
    while let page = store.clients(listed.last(), 4).await.unwrap()
        && !page.is_empty()
    {
        assert!(page.len() <= 4);
        listed.extend(page.into_iter().map(|client| client.id));
    }
    assert_eq!(listed, sorted);
}

/// Signing in again changes the cookie and keeps the session.
pub async fn a_session_follows_its_cookie(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let before = sample.session(&sample.account());
    let after = Session { digest: sample.digest(), last_seen: sample.now + Duration::from_secs(5), ..before.clone() };
    commit(&store, [Write::PutSession(before.clone())]).await;
    for _ in 0..3 {
        assert_eq!(store.session(&before.digest).await, Ok(Some(Arc::new(before.clone()))));
    }
    commit(&store, [Write::PutSession(after.clone())]).await;
    for _ in 0..3 {
        assert_eq!(store.session(&before.digest).await, Ok(None), "the old cookie leads nowhere");
        assert_eq!(store.session(&after.digest).await, Ok(Some(Arc::new(after.clone()))));
        assert_eq!(store.session_by_id(&before.id).await, Ok(Some(after.clone())));
    }
}

/// Nothing goes back.
pub async fn a_session_is_touched_forward_and_ends_once(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let session = sample.session(&sample.account());
    let at = |secs| sample.now + Duration::from_secs(secs);
    commit(&store, [Write::PutSession(session.clone())]).await;
    for (touched, seen) in [(60, 60), (30, 60), (90, 90)] {
        commit(&store, [Write::TouchSession { id: session.id, at: at(touched) }]).await;
        assert_eq!(store.session(&session.digest).await.unwrap().unwrap().last_seen, at(seen));
    }
    for ended in [100, 200] {
        commit(&store, [Write::EndSession { id: session.id, at: at(ended) }]).await;
        assert_eq!(store.session(&session.digest).await.unwrap().unwrap().ended, Some(at(100)));
    }
    let unknown = sample.session(&sample.account()).id;
    commit(&store, [Write::TouchSession { id: unknown, at: at(1) }, Write::EndSession { id: unknown, at: at(1) }]).await;
    assert_eq!(store.session_by_id(&unknown).await, Ok(None));
}

/// Neither ended nor idle ones.
pub async fn living_sessions_are_counted(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    let idle = Session { last_seen: sample.now - Duration::from_secs(10), ..sample.session(&account) };
    let ended = Session { ended: Some(sample.now), ..sample.session(&account) };
    let sessions = [sample.session(&account), sample.session(&account), idle, ended];
    commit(&store, sessions.map(Write::PutSession)).await;
    assert_eq!(store.count_sessions(sample.now).await, Ok(2));
    assert_eq!(store.count_sessions(sample.now - Duration::from_secs(10)).await, Ok(3));
}

/// What an operator decided while somebody signed in stays.
pub async fn a_sign_in_leaves_an_account_as_disabled_as_it_is(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    let later = |secs| Account { updated: sample.now + Duration::from_secs(secs), ..account.clone() };
    let disable = |disabled| Write::DisableAccount { id: account.id, disabled };
    commit(&store, [disable(true)]).await;
    assert_eq!(store.account(&account.id).await, Ok(None), "nobody is made by being disabled");
    commit(&store, [Write::PutAccount(account.clone())]).await;
    for (round, disabled) in [(1, true), (2, false), (3, true)] {
        commit(&store, [disable(disabled)]).await;
        // Once from a cache, if there is one, and once without having read it.
        for secs in [round * 2, round * 2 + 1] {
            commit(&store, [Write::PutAccount(Account { disabled: !disabled, salt: sample.account().salt, ..later(secs) })]).await;
            let expected = Account { disabled, ..later(secs) }; // And its salt is the first one.
            assert_eq!(store.account(&account.id).await, Ok(Some(Arc::new(expected))));
        }
    }
    commit(&store, [disable(false), Write::PutAccount(later(9)), disable(true)]).await;
    assert_eq!(store.account(&account.id).await, Ok(Some(Arc::new(Account { disabled: true, ..later(9) }))));
}

/// There is one set a link.
pub async fn upstream_tokens_are_replaced(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let link = sample.link(&sample.account(), "1");
    let (first, second) = (sample.upstream_tokens(&link), sample.upstream_tokens(&link));
    assert_ne!(first, second);
    commit(&store, [Write::PutUpstreamTokens(first)]).await;
    commit(&store, [Write::PutUpstreamTokens(second.clone())]).await;
    let kept = UpstreamTokens { version: 2, ..second };
    assert_eq!(store.upstream_tokens(&link.id).await, Ok(Some(kept)));
}

/// One goes, the others stay.
pub async fn signing_keys_are_forgotten_by_name(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (first, second) = (sample.signing_key("first", None), sample.signing_key("second", Some("first")));
    commit(&store, [Write::AddSigningKey(first), Write::AddSigningKey(second.clone())]).await;
    commit(&store, [Write::DropSigningKey { kid: "first".into() }, Write::DropSigningKey { kid: "unknown".into() }]).await;
    assert_eq!(store.signing_keys().await, Ok(vec![second]));
}

/// Whatever was read and kept before.
pub async fn every_commit_is_seen_by_the_reads_after_it(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let mut client = sample.client("app");
    let mut account = sample.account();
    let session = sample.session(&account);
    let grant = sample.grant(&sample.code(&client, &session), &client);
    let token = sample.token(Some(grant.id));
    // That there is nothing must not be remembered.
    assert_eq!(store.client(&client.id).await, Ok(None));
    assert_eq!(store.account(&account.id).await, Ok(None));
    assert_eq!(store.session(&session.digest).await, Ok(None));
    assert_eq!(store.grant(&grant.id).await, Ok(None));
    assert_eq!(store.is_token_revoked(&token).await, Ok(false));
    commit(
        &store,
        [
            Write::PutClient { client: Box::new(client.clone()), expected: None },
            Write::PutAccount(account.clone()),
            Write::PutSession(session.clone()),
            Write::AddGrant(grant.clone()),
        ],
    )
    .await;
    for round in 2..6 {
        (client.version, client.name) = (round, format!("round {round}"));
        account.profile.name = Some(format!("round {round}"));
        let seen = sample.now + Duration::from_secs(u64::try_from(round).unwrap());
        commit(
            &store,
            [
                Write::PutClient { client: Box::new(client.clone()), expected: Some(round - 1) },
                Write::PutAccount(account.clone()),
                Write::TouchSession { id: session.id, at: seen },
            ],
        )
        .await;
        assert_eq!(*store.client(&client.id).await.unwrap().unwrap(), client);
        assert_eq!(*store.account(&account.id).await.unwrap().unwrap(), account);
        assert_eq!(store.session(&session.digest).await.unwrap().unwrap().last_seen, seen);
        assert_eq!(store.session_by_id(&session.id).await.unwrap().unwrap().last_seen, seen);
    }
    assert!(store.grant(&grant.id).await.unwrap().unwrap().is_alive());
    let revoked = sample.revoked(RevokedBy::Client);
    commit(&store, [Write::RevokeGrant { id: grant.id, revoked }, Write::RevokeToken { id: token, expires: sample.now }]).await;
    assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().revoked, Some(revoked));
    assert_eq!(store.is_token_revoked(&token).await, Ok(true));
    commit(&store, [Write::DeleteClient { id: client.id.clone(), expected: 5 }]).await;
    assert_eq!(store.client(&client.id).await, Ok(None));
}

/// Readers that began before a commit end after it, all the time.
pub async fn a_read_racing_a_commit_never_brings_the_old_value_back(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let account = sample.account();
    commit(&store, [Write::PutAccount(account.clone())]).await;
    let at = |round| sample.now + Duration::from_millis(round);
    let last = at(150);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, id) = (store.clone(), account.id);
            tokio::spawn(async move {
                while store.account(&id).await.unwrap().unwrap().updated != last {
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for updated in (1..=150).map(at) {
        store.commit(one(Write::PutAccount(Account { updated, ..account.clone() }))).await.unwrap();
        for _ in 0..3 {
            assert_eq!(store.account(&account.id).await.unwrap().unwrap().updated, updated);
            tokio::task::yield_now().await;
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Names are found by how they begin, in their order, and a name that somebody else's begins like is not all of them.
pub async fn people_are_found_by_how_their_names_begin(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let named = |name: Option<&str>| {
        let account = sample.account();
        Account { profile: Profile { name: name.map(str::to_owned), ..Profile::default() }, ..account }
    };
    let mut odd = named(Some("\u{c9}mile"));
    // Whatever else a provider says of somebody keeps nobody from being found, and nobody out.
    odd.profile.custom.insert("x".into(), serde_json::json!({ "y": "a\u{0}" }));
    let all = [named(Some("Ada Lovelace")), named(Some("adam")), named(Some("Bob")), named(None), named(Some("100% \u{1f600}_x")), odd];
    for account in &all {
        commit(&store, [Write::PutAccount(account.clone())]).await;
    }
    let found = async |beginning: &str, limit| {
        let found = store.accounts_named(beginning, limit).await.expect("the store answers");
        found.into_iter().filter_map(|account| account.profile.name).collect::<Vec<_>>()
    };
    assert_eq!(found("ADA", 10).await, ["Ada Lovelace", "adam"]);
    assert_eq!(found("ada ", 10).await, ["Ada Lovelace"]);
    assert_eq!(found("ada", 1).await, ["Ada Lovelace"]);
    assert_eq!(found("lovelace", 10).await, [""; 0]);
    assert_eq!(found("\u{e9}MI", 10).await, ["\u{c9}mile"]);
    commit(
        &store,
        [Write::PutAccount(Account { profile: Profile { name: Some("Adele".into()), ..Profile::default() }, ..all[2].clone() })],
    )
    .await;
    assert_eq!((found("bob", 10).await, found("ade", 10).await), (Vec::new(), vec!["Adele".to_owned()]), "by the name they have now");
    assert_eq!(found("100% \u{1f600}", 10).await, ["100% \u{1f600}_x"]);
    for nothing_special in ["%", "_", "100_", "' OR 1=1 --"] {
        assert_eq!(found(nothing_special, 10).await, [""; 0], "{nothing_special}");
    }
}
