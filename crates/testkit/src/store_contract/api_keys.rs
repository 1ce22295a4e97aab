//! Keys of the admin API, and when what was used last.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use vestibule_domain::{
    api_key::{ApiKey, UsedId},
    ports::Store,
    store::{Contest, StoreError, Write},
};

use super::{RACERS, commit, one, only_winner, race};
use crate::sample::Sample;

const MILLI: Duration = Duration::from_millis(1);

/// By their ids, a page at a time; one that expired stays for a month, and one without an end for good.
pub async fn api_keys_are_found_listed_changed_and_deleted(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let mut keys: Vec<_> = ["first", "second", "third"].map(|name| sample.api_key(name)).into();
    keys.sort_by_key(|key| key.id);
    keys[2].expires = None;
    for key in &keys {
        commit(&store, [Write::PutApiKey { key: key.clone(), expected: None }]).await;
    }
    assert_eq!(store.api_key(&keys[1].id).await, Ok(Some(keys[1].clone())));
    assert_eq!(store.api_key(&sample.api_key("absent").id).await, Ok(None));
    assert_eq!(store.api_keys(None, 2).await, Ok(keys[..2].to_vec()));
    assert_eq!(store.api_keys(Some(&keys[1].id), 2).await, Ok(keys[2..].to_vec()));
    let changed = ApiKey { name: "other".into(), expires: None, version: 2, ..keys[0].clone() };
    commit(&store, [Write::PutApiKey { key: changed.clone(), expected: Some(1) }]).await;
    assert_eq!(store.api_key(&changed.id).await, Ok(Some(changed.clone())));
    let late = store.commit(one(Write::DropApiKey { id: changed.id, expected: 1 })).await;
    assert_eq!(late, Err(StoreError::Conflict(Contest::ApiKey)));
    commit(&store, [Write::DropApiKey { id: changed.id, expected: 2 }]).await;
    assert_eq!(store.api_key(&changed.id).await, Ok(None));
    let month = Duration::from_hours(24 * 30);
    let gone = keys[1].expires.unwrap_or(sample.now) + month;
    assert_eq!(store.sweep(gone, gone, 100).await, Ok(0));
    assert_eq!(store.sweep(gone + MILLI, gone, 100).await, Ok(1));
    assert_eq!(store.api_keys(None, 9).await, Ok(keys[2..].to_vec()));
}

/// Two who edit one key at once do not overwrite each other.
pub async fn of_parallel_changes_of_an_api_key_exactly_one_wins(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let key = sample.api_key("one");
    commit(&store, [Write::PutApiKey { key: key.clone(), expected: None }]).await;
    let again = store.commit(one(Write::PutApiKey { key: key.clone(), expected: None })).await;
    assert_eq!(again, Err(StoreError::Conflict(Contest::ApiKey)));
    let edits = (0..RACERS).map(|at| {
        let edited = ApiKey { name: format!("edit {at}"), version: 2, ..key.clone() };
        one(Write::PutApiKey { key: edited, expected: Some(1) })
    });
    let answers = race(&[&store], edits.collect()).await;
    only_winner(&answers, Contest::ApiKey);
    assert_eq!(store.api_key(&key.id).await.map(|key| key.map(|key| key.version)), Ok(Some(2)));
}

/// Nodes note it whenever they come to it.
pub async fn when_something_was_used_last_never_moves_back(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let ids: Vec<UsedId> = (0..3).map(|_| sample.api_key("k").id.into()).collect();
    let hour = Duration::from_hours(1);
    commit(&store, [Write::NoteUse { id: ids[0], at: sample.now + hour }, Write::NoteUse { id: ids[1], at: sample.now }]).await;
    commit(&store, [Write::NoteUse { id: ids[0], at: sample.now }, Write::NoteUse { id: ids[1], at: sample.now + hour }]).await;
    let both = BTreeMap::from([(ids[0], sample.now + hour), (ids[1], sample.now + hour)]);
    assert_eq!(store.last_uses(&ids).await, Ok(both));
    assert_eq!(store.last_uses(&[]).await, Ok(BTreeMap::new()));
    // What is gone is not used any more, and forgotten by that.
    commit(&store, [Write::NoteUse { id: ids[0], at: sample.now + hour * 2 }]).await;
    let (later, long) = (sample.now + hour + Duration::from_millis(1), hour * 24 * 400);
    assert_eq!(store.sweep(later + long, later, 100).await, Ok(1));
    assert_eq!(store.last_uses(&ids).await, Ok(BTreeMap::from([(ids[0], sample.now + hour * 2)])));
}
