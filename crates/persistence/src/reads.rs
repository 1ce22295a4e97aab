//! Reads of one row or a page, straight from the database.

use std::sync::Arc;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens},
    client::Client,
    code::Code,
    grant::Grant,
    ids::{AccountId, ClientId, GrantId, SessionId},
    keys::SigningKey,
    secret::Digest,
    session::Session,
    store::StoreError,
    time::Timestamp,
    token::TokenId,
};

use crate::{
    entities::{accounts, clients, codes, grants, links, revoked_tokens, sessions, signing_keys, upstream_tokens},
    errors::{Fault, reading},
};

pub(crate) async fn client(db: &DatabaseConnection, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
    let row = clients::Entity::find_by_id(id.as_str()).one(db).await.map_err(|error| reading::<clients::Entity>(&error, id.as_str()))?;
    row.map(|row| row.into_domain().map(Arc::new)).transpose()
}

pub(crate) async fn clients(db: &DatabaseConnection, after: Option<&ClientId>, limit: u64) -> Result<Vec<Client>, StoreError> {
    let mut find = clients::Entity::find().order_by_asc(clients::Column::Id).limit(limit);
    if let Some(after) = after {
        find = find.filter(clients::Column::Id.gt(after.as_str()));
    }
    let rows = find.all(db).await.map_err(|error| reading::<clients::Entity>(&error, "one of a page"))?;
    rows.into_iter().map(clients::Model::into_domain).collect()
}

pub(crate) async fn account(db: &DatabaseConnection, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
    let row = accounts::Entity::find_by_id(id.0.as_bytes().to_vec())
        .one(db)
        .await
        .map_err(|error| reading::<accounts::Entity>(&error, &id.to_string()))?;
    row.map(|row| row.into_domain().map(Arc::new)).transpose()
}

pub(crate) async fn link(db: &DatabaseConnection, key: &LinkKey) -> Result<Option<Link>, StoreError> {
    let row = links::Entity::find_by_id(key_of(key)).one(db).await.map_err(|error| reading::<links::Entity>(&error, "a link"))?;
    row.map(links::Model::into_domain).transpose()
}

pub(crate) async fn session_by_digest(db: &DatabaseConnection, digest: &Digest) -> Result<Option<Session>, StoreError> {
    let row = sessions::Entity::find()
        .filter(sessions::Column::Digest.eq(digest.0.to_vec()))
        .one(db)
        .await
        .map_err(|error| reading::<sessions::Entity>(&error, "a session"))?;
    row.map(sessions::Model::into_domain).transpose()
}

pub(crate) async fn session(db: &DatabaseConnection, id: &SessionId) -> Result<Option<Arc<Session>>, StoreError> {
    let row = sessions::Entity::find_by_id(id.0.as_bytes().to_vec())
        .one(db)
        .await
        .map_err(|error| reading::<sessions::Entity>(&error, &id.to_string()))?;
    row.map(|row| row.into_domain().map(Arc::new)).transpose()
}

pub(crate) async fn code(db: &DatabaseConnection, digest: &Digest) -> Result<Option<Code>, StoreError> {
    let row = codes::Entity::find_by_id(digest.0.to_vec()).one(db).await.map_err(|error| reading::<codes::Entity>(&error, "a code"))?;
    row.map(codes::Model::into_domain).transpose()
}

pub(crate) async fn grant(db: &DatabaseConnection, id: &GrantId) -> Result<Option<Arc<Grant>>, StoreError> {
    let row = grants::Entity::find_by_id(id.0.as_bytes().to_vec())
        .one(db)
        .await
        .map_err(|error| reading::<grants::Entity>(&error, &id.to_string()))?;
    Ok(row.map(grants::Model::into_domain).transpose()?.flatten().map(Arc::new))
}

pub(crate) async fn is_token_revoked(db: &DatabaseConnection, id: &TokenId) -> Result<bool, StoreError> {
    let row = revoked_tokens::Entity::find_by_id(revoked_tokens::key(id)).one(db).await;
    Ok(row.map_err(|error| reading::<revoked_tokens::Entity>(&error, &id.to_string()))?.is_some())
}

pub(crate) async fn upstream_tokens(db: &DatabaseConnection, link: &LinkKey) -> Result<Option<UpstreamTokens>, StoreError> {
    let row = upstream_tokens::Entity::find_by_id(key_of(link)).one(db).await;
    let row = row.map_err(|error| reading::<upstream_tokens::Entity>(&error, "a link"))?;
    Ok(row.map(|row| row.into_domain(link.clone())))
}

pub(crate) async fn signing_keys(db: &DatabaseConnection) -> Result<Vec<SigningKey>, StoreError> {
    let rows = signing_keys::Entity::find().order_by_asc(signing_keys::Column::SignsFrom).order_by_asc(signing_keys::Column::Kid).all(db);
    let rows = rows.await.map_err(|error| reading::<signing_keys::Entity>(&error, "one of all"))?;
    rows.into_iter().map(signing_keys::Model::into_domain).collect()
}

pub(crate) async fn count_sessions(db: &DatabaseConnection, seen_since: Timestamp) -> Result<u64, StoreError> {
    sessions::Entity::find()
        .filter(sessions::Column::Ended.is_null())
        .filter(sessions::Column::LastSeen.gte(seen_since.as_millis()))
        .count(db)
        .await
        .map_err(|error| Fault::of(&error).to_error())
}

pub(crate) async fn ping(db: &DatabaseConnection) -> Result<(), StoreError> {
    let asked = db.query_one_raw(Statement::from_string(db.get_database_backend(), "SELECT 1")).await;
    asked.map(drop).map_err(|error| Fault::of(&error).to_error())
}

fn key_of(link: &LinkKey) -> (String, String, String) {
    (link.provider.as_str().to_owned(), link.issuer.clone(), link.subject.clone())
}
