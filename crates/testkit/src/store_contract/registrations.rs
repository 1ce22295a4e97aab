//! Apps that register themselves, and the tokens that let them.

use std::sync::Arc;

use vestibule_domain::{
    audit::EventName,
    client::{Client, Origin},
    ids::ClientId,
    ports::Store,
    store::{Changes, Contest, EventQuery, StoreError, Write},
};

use super::{RACERS, commit, one, only_winner, race};
use crate::sample::Sample;

const HOUR: std::time::Duration = std::time::Duration::from_hours(1);
const MILLI: std::time::Duration = std::time::Duration::from_millis(1);

/// Attack 84: they go by themselves, and nobody else's do.
pub async fn clients_that_registered_themselves_are_kept_as_long_as_they_are_used(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (unused, used, own) = (sample.self_registered("unused"), sample.self_registered("used"), sample.client("own"));
    let put = |client: &Client| Write::PutClient { client: Box::new(client.clone()), expected: None };
    commit(&store, [put(&unused), put(&used), put(&own)]).await;
    assert_eq!(store.count_self_registered().await, Ok(2));
    let until = unused.origin.kept_until().unwrap();
    for id in [&used.id, &own.id] {
        commit(&store, [Write::KeepClient { id: id.clone(), until: until + HOUR }]).await;
        // Never back.
        commit(&store, [Write::KeepClient { id: id.clone(), until: until - HOUR }]).await;
    }
    // What it says of itself is its own to change; that keeps nothing.
    let renamed = Client { name: "Other".into(), version: 2, ..unused.clone() };
    commit(&store, [Write::PutClient { client: Box::new(renamed), expected: Some(1) }]).await;

    assert_eq!(store.unused_clients(until, 100).await, Ok(vec![]));
    assert_eq!(store.unused_clients(until + MILLI, 100).await, Ok(vec![(unused.id.clone(), until)]));
    let (first, second) = ((unused.id.clone(), until), (used.id.clone(), until + HOUR));
    assert_eq!(store.unused_clients(until + HOUR + MILLI, 100).await, Ok(vec![first.clone(), second.clone()]), "the earliest first");
    assert_eq!(store.unused_clients(until + HOUR + MILLI, 1).await, Ok(vec![first]));
    assert_eq!(store.sweep(until + HOUR * 2, until, 100).await, Ok(0), "nobody goes without a word");
    assert!(store.client(&unused.id).await.unwrap().is_some());

    let drop = |id: &ClientId, kept_until| one(Write::DropUnusedClient { id: id.clone(), kept_until });
    assert_eq!(store.commit(drop(&unused.id, until)).await, Ok(()));
    assert_eq!(store.client(&unused.id).await, Ok(None), "nor from a cache");
    assert_eq!(store.commit(drop(&unused.id, until)).await, Err(StoreError::Conflict(Contest::Client)), "another node was faster");
    assert_eq!(store.commit(drop(&used.id, until)).await, Err(StoreError::Conflict(Contest::Client)), "it was used meanwhile");
    assert_eq!(store.commit(drop(&own.id, until)).await, Err(StoreError::Conflict(Contest::Client)), "an operator's client is never swept");
    assert!(store.client(&used.id).await.unwrap().is_some());
    assert_eq!(store.commit(drop(&used.id, until + HOUR)).await, Ok(()));
    assert_eq!(store.client(&used.id).await, Ok(None));
    assert!(store.client(&own.id).await.unwrap().is_some());
    assert_eq!(store.count_self_registered().await, Ok(0));
}

/// Many sign in to one client at once, and each brings what its document said when they came: one of them stays, and the others are told, so that what
/// was recorded beside theirs is not.
pub async fn the_latest_document_of_a_client_is_kept(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let kept_until = sample.now + HOUR;
    let id = ClientId::parse("https://app.example/client.json?a=1").unwrap();
    let said = |version: i64| Client {
        id: id.clone(),
        origin: Origin::MetadataDocument { kept_until },
        name: format!("version {version}"),
        version,
        ..sample.client("x")
    };
    let name = || async { store.client(&id).await.unwrap().map(|client| client.name.clone()) };
    assert_eq!(name().await, None);
    let put = |version, over| Write::PutDocument { client: Box::new(said(version)), over };
    commit(&store, [put(2, None)]).await;
    assert_eq!(name().await.as_deref(), Some("version 2"));
    let late: Result<(), StoreError> = Err(StoreError::Conflict(Contest::Client));
    assert_eq!(store.commit(one(put(1, Some(2)))).await, late);
    assert_eq!(name().await.as_deref(), Some("version 2"), "an earlier one that comes late is not news");
    let account = sample.account();
    let news = |version| one(put(version, Some(2))).event(sample.event(EventName::ClientDocumentChanged, &account, &said(version)));
    let all: Vec<Changes> = (0..RACERS).map(|at| news(3 + i64::try_from(at).unwrap() % 3)).collect();
    let recorded: Vec<_> = all.iter().map(|changes| changes.events[0].id).collect();
    let winner = only_winner(&race(&[&store], all).await, Contest::Client);
    let first = store.client(&id).await.unwrap().unwrap().version;
    assert_eq!(first, 3 + i64::try_from(winner).unwrap() % 3, "the first of those who read the same");
    let events = store.events(&EventQuery { limit: 100, ..EventQuery::default() }).await.unwrap();
    assert_eq!(
        events.iter().map(|event| event.id).collect::<Vec<_>>(),
        [recorded[winner]],
        "what was written is recorded, and nothing else"
    );
    commit(&store, [put(6, Some(first))]).await;
    assert_eq!(name().await.as_deref(), Some("version 6"));

    // Attack 41: somebody is signing in to it while an operator shuts it out.
    let shut = Client { disabled: true, version: 7, ..said(6) };
    commit(&store, [Write::PutClient { client: Box::new(shut), expected: Some(6) }]).await;
    for over in [Some(6), None] {
        assert_eq!(store.commit(one(put(8, over))).await, late);
        assert!(store.client(&id).await.unwrap().unwrap().disabled, "what an operator said meanwhile stands");
    }
    assert_eq!(store.count_self_registered().await, Ok(0), "it takes no place of those who register");
    assert_eq!(store.unused_clients(kept_until + MILLI, 100).await, Ok(vec![(id.clone(), kept_until)]));
    commit(&store, [Write::DropUnusedClient { id: id.clone(), kept_until }]).await;
    assert_eq!(name().await, None);
    assert_eq!(store.commit(one(put(9, Some(7)))).await, late);
    assert_eq!(name().await, None, "nor does it come back to whoever read it before");
}

/// By its digest; and it goes when it has expired or is taken back.
pub async fn registration_tokens_are_found_listed_and_taken_back(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (first, second) = (sample.registration_token("first"), sample.registration_token("second"));
    for token in [&first, &second] {
        commit(&store, [Write::PutRegistrationToken { token: token.clone(), expected: None }]).await;
    }
    assert_eq!(store.registration_token(&first.digest).await, Ok(Some(first.clone())));
    assert_eq!(store.registration_token(&sample.digest()).await, Ok(None));
    let mut both = [first.clone(), second.clone()];
    both.sort_by_key(|token| token.id);
    assert_eq!(store.registration_token_by_id(&second.id).await, Ok(Some(second.clone())));
    assert_eq!(store.registration_tokens(None, 100).await, Ok(both.to_vec()));
    assert_eq!(store.registration_tokens(None, 1).await, Ok(both[..1].to_vec()));
    assert_eq!(store.registration_tokens(Some(&both[0].id), 100).await, Ok(both[1..].to_vec()));
    commit(&store, [Write::DropRegistrationToken { id: first.id }]).await;
    assert_eq!(store.registration_token(&first.digest).await, Ok(None));
    assert_eq!(store.registration_token_by_id(&first.id).await, Ok(None));
    assert_eq!(store.sweep(second.expires, second.expires, 100).await, Ok(0));
    assert_eq!(store.sweep(second.expires + MILLI, second.expires, 100).await, Ok(1));
    assert_eq!(store.registration_tokens(None, 100).await, Ok(vec![]));
}

/// One that is good for one app is not good for two, however fast they come.
pub async fn of_parallel_uses_of_a_registration_token_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let token = sample.registration_token("one");
    commit(&store, [Write::PutRegistrationToken { token: token.clone(), expected: None }]).await;
    let again = store.commit(one(Write::PutRegistrationToken { token: token.clone(), expected: None })).await;
    assert_eq!(again, Err(StoreError::Conflict(Contest::RegistrationToken)));
    let uses = (0..RACERS).map(|at| {
        let client = sample.self_registered(&format!("app-{at}"));
        one(Write::PutRegistrationToken { token: token.used(), expected: Some(token.version) })
            .write(Write::PutClient { client: Box::new(client), expected: None })
    });
    let uses = uses.collect();
    let answers = race(&[&store], uses).await;
    only_winner(&answers, Contest::RegistrationToken);
    assert_eq!(store.registration_token(&token.digest).await, Ok(Some(token.used())));
    assert_eq!(store.count_self_registered().await, Ok(1), "a lost race leaves no client");
}
