//! Reads of one row or a page, straight from the database.

use std::{collections::BTreeMap, sync::Arc};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Statement,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens, sought},
    api_key::{ApiKey, UsedId},
    client::Client,
    code::Code,
    consent::Consent,
    email::EmailAddress,
    grant::Grant,
    ids::{AccountId, ApiKeyId, ClientId, GrantId, LinkId, LoginId, ProviderId, RegistrationTokenId, SessionId},
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::DueLogout,
    provider::StoredProvider,
    secret::Digest,
    self_registration::RegistrationToken,
    session::Session,
    store::{FoundSessions, GrantQuery, SessionQuery, StoreError},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
    token::TokenId,
    upstream::TokensDue,
};

use crate::{
    entities::{
        accounts, api_keys, clients, codes, consents, grants, last_uses, links, login_traces, providers, registration_tokens,
        revoked_tokens, session_clients, sessions, signing_keys, tickets, upstream_tokens,
    },
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

/// Clients that are kept only as long as they are used and have no document of their own, whose address would be their id; by the index of the former.
pub(crate) fn self_registered() -> Select<clients::Entity> {
    clients::Entity::find().filter(Expr::cust("kept_until IS NOT NULL")).filter(clients::Column::Id.not_like("https://%"))
}

pub(crate) async fn count_self_registered(db: &DatabaseConnection) -> Result<u64, StoreError> {
    self_registered().count(db).await.map_err(|error| Fault::of(&error).to_error())
}

/// Clients that are to be kept no longer, by the index of those that are kept for a while at all.
pub(crate) fn unused_clients(now: Timestamp, limit: u64) -> Select<clients::Entity> {
    clients::Entity::find()
        .select_only()
        .column(clients::Column::Id)
        .expr(Expr::cust("kept_until"))
        .filter(Expr::cust("kept_until IS NOT NULL"))
        .filter(Expr::cust("kept_until").lt(now.as_millis()))
        .order_by_asc(Expr::cust("kept_until"))
        .limit(limit)
}

pub(crate) async fn clients_unused(db: &DatabaseConnection, now: Timestamp, limit: u64) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    let rows: Vec<(String, i64)> = unused_clients(now, limit).into_tuple().all(db).await.map_err(|error| Fault::of(&error).to_error())?;
    let known = |(id, kept_until): (String, i64)| Some((ClientId::parse(&id).ok()?, Timestamp::from_millis(kept_until)));
    Ok(rows.into_iter().filter_map(known).collect())
}

pub(crate) async fn registration_token(db: &DatabaseConnection, digest: &Digest) -> Result<Option<RegistrationToken>, StoreError> {
    use registration_tokens::{Column, Entity};
    let row = Entity::find().filter(Column::Digest.eq(digest.0.to_vec())).one(db).await;
    let row = row.map_err(|error| reading::<Entity>(&error, "a registration token"))?;
    row.map(registration_tokens::Model::into_domain).transpose()
}

pub(crate) async fn registration_token_by_id(
    db: &DatabaseConnection,
    id: &RegistrationTokenId,
) -> Result<Option<RegistrationToken>, StoreError> {
    use registration_tokens::Entity;
    let row = Entity::find_by_id(id.0.as_bytes().to_vec()).one(db).await;
    let row = row.map_err(|error| reading::<Entity>(&error, &id.to_string()))?;
    row.map(registration_tokens::Model::into_domain).transpose()
}

pub(crate) async fn registration_tokens(
    db: &DatabaseConnection,
    after: Option<&RegistrationTokenId>,
    limit: u64,
) -> Result<Vec<RegistrationToken>, StoreError> {
    use registration_tokens::{Column, Entity};
    let mut find = Entity::find().order_by_asc(Column::Id).limit(limit);
    if let Some(after) = after {
        find = find.filter(Column::Id.gt(after.0.as_bytes().to_vec()));
    }
    let rows = find.all(db).await.map_err(|error| reading::<Entity>(&error, "one of several"))?;
    rows.into_iter().map(registration_tokens::Model::into_domain).collect()
}

pub(crate) async fn api_key(db: &DatabaseConnection, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    use api_keys::Entity;
    let row = Entity::find_by_id(id.0.as_bytes().to_vec()).one(db).await;
    let row = row.map_err(|error| reading::<Entity>(&error, &id.to_string()))?;
    row.map(api_keys::Model::into_domain).transpose()
}

pub(crate) async fn api_keys(db: &DatabaseConnection, after: Option<&ApiKeyId>, limit: u64) -> Result<Vec<ApiKey>, StoreError> {
    use api_keys::{Column, Entity};
    let mut query = Entity::find().order_by_asc(Column::Id).limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Id.gt(after.0.as_bytes().to_vec()));
    }
    let rows = query.all(db).await.map_err(|error| reading::<Entity>(&error, "one of several"))?;
    rows.into_iter().map(api_keys::Model::into_domain).collect()
}

pub(crate) async fn last_uses(db: &DatabaseConnection, ids: &[UsedId]) -> Result<BTreeMap<UsedId, Timestamp>, StoreError> {
    use last_uses::{Column, Entity};
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = Entity::find().filter(Column::Id.is_in(ids.iter().map(|id| id.0.as_bytes().to_vec()))).all(db).await;
    let rows = rows.map_err(|error| reading::<Entity>(&error, "one of several"))?;
    let read = |row: last_uses::Model| Some((UsedId(uuid::Uuid::from_slice(&row.id).ok()?), Timestamp::from_millis(row.used)));
    Ok(rows.into_iter().filter_map(read).collect())
}

pub(crate) async fn account(db: &DatabaseConnection, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
    let row = accounts::Entity::find_by_id(id.0.as_bytes().to_vec())
        .one(db)
        .await
        .map_err(|error| reading::<accounts::Entity>(&error, &id.to_string()))?;
    row.map(|row| row.into_domain().map(Arc::new)).transpose()
}

pub(crate) async fn accounts(db: &DatabaseConnection, after: Option<&AccountId>, limit: u64) -> Result<Vec<Account>, StoreError> {
    let mut find = accounts::Entity::find().order_by_asc(accounts::Column::Id).limit(limit);
    if let Some(after) = after {
        find = find.filter(accounts::Column::Id.gt(after.0.as_bytes().to_vec()));
    }
    let rows = find.all(db).await.map_err(|error| reading::<accounts::Entity>(&error, "one of a page"))?;
    rows.into_iter().map(accounts::Model::into_domain).collect()
}

pub(crate) async fn accounts_named(db: &DatabaseConnection, beginning: &str, limit: u64) -> Result<Vec<Account>, StoreError> {
    let find = named(beginning).limit(limit);
    let rows = find.all(db).await.map_err(|error| reading::<accounts::Entity>(&error, "one of a name"))?;
    rows.into_iter().map(accounts::Model::into_domain).collect()
}

/// Accounts by how their names begin.
pub(crate) fn named(beginning: &str) -> Select<accounts::Entity> {
    // What entities do not carry: it is what the body says, made to be looked for.
    let name = || Expr::cust("name");
    let beginning = sought(beginning);
    let beyond = format!("{beginning}\u{10ffff}");
    accounts::Entity::find().filter(name().gte(beginning)).filter(name().lt(beyond)).order_by_asc(name()).order_by_asc(accounts::Column::Id)
}

pub(crate) async fn link(db: &DatabaseConnection, key: &LinkKey) -> Result<Option<Link>, StoreError> {
    let key = (key.provider.as_str().to_owned(), key.issuer.clone(), key.subject.clone());
    let row = links::Entity::find_by_id(key).one(db).await.map_err(|error| reading::<links::Entity>(&error, "a link"))?;
    row.map(links::Model::into_domain).transpose()
}

pub(crate) async fn link_by_id(db: &DatabaseConnection, id: &LinkId) -> Result<Option<Arc<Link>>, StoreError> {
    let row = links::Entity::find().filter(links::Column::Id.eq(id.0.as_bytes().to_vec())).one(db).await;
    let row = row.map_err(|error| reading::<links::Entity>(&error, &id.to_string()))?;
    row.map(|row| row.into_domain().map(Arc::new)).transpose()
}

pub(crate) async fn links_of(db: &DatabaseConnection, account: &AccountId) -> Result<Vec<Link>, StoreError> {
    let find = links::Entity::find().filter(links::Column::Account.eq(account.0.as_bytes().to_vec()));
    links_in_order(db, find, MOST_LINKS).await
}

pub(crate) async fn links_by_verified_email(db: &DatabaseConnection, email: &EmailAddress) -> Result<Vec<Link>, StoreError> {
    links_in_order(db, links::Entity::find().filter(links::Column::Email.eq(email.to_string())), MOST_SAME_EMAIL).await
}

/// One account has a few ways in; more than this are somebody's mistake.
const MOST_LINKS: u64 = 100;
const MOST_SAME_EMAIL: u64 = 20;

async fn links_in_order(db: &DatabaseConnection, find: Select<links::Entity>, most: u64) -> Result<Vec<Link>, StoreError> {
    let rows = find.order_by_asc(links::Column::Created).order_by_asc(links::Column::Id).limit(most).all(db).await;
    let rows = rows.map_err(|error| reading::<links::Entity>(&error, "one of several"))?;
    rows.into_iter().map(links::Model::into_domain).collect()
}

pub(crate) async fn providers(db: &DatabaseConnection) -> Result<Arc<[StoredProvider]>, StoreError> {
    let rows = providers::Entity::find().order_by_asc(providers::Column::Id).all(db).await;
    let rows = rows.map_err(|error| reading::<providers::Entity>(&error, "one of all"))?;
    rows.into_iter().map(providers::Model::into_domain).collect()
}

pub(crate) async fn sessions(db: &DatabaseConnection, query: &SessionQuery) -> Result<FoundSessions, StoreError> {
    if let Some(client) = &query.client {
        return sessions_of_client(db, client, query).await;
    }
    let (sessions, is_more) = page_of_sessions(db, living_sessions(query), query.limit).await?;
    Ok(FoundSessions { rest: sessions.last().filter(|_| is_more).map(|last| last.id), sessions })
}

/// How many sessions of a client are looked at together.
const A_LOOK: u64 = 1_000;

/// The grants of a client lead to its sessions along an index; how many of those have ended is not known before they are looked at.
async fn sessions_of_client(db: &DatabaseConnection, client: &ClientId, query: &SessionQuery) -> Result<FoundSessions, StoreError> {
    let mut found = FoundSessions { sessions: Vec::new(), rest: query.after };
    let mut left = Ord::max(query.look, 1);
    while left > 0 {
        let look = Ord::min(left, A_LOOK);
        let ids: Vec<Vec<u8>> = sessions_with_grants(client, found.rest.as_ref(), look)
            .into_tuple()
            .all(db)
            .await
            .map_err(|error| reading::<grants::Entity>(&error, "one of a page"))?;
        let is_last = (ids.len() as u64) < look;
        let reached = ids.last().and_then(|id| Uuid::from_slice(id).ok()).map(SessionId);
        let room = query.limit - found.sessions.len() as u64;
        let (page, is_more) = page_of_sessions(db, living_sessions(query).filter(sessions::Column::Id.is_in(ids)), room).await?;
        found.sessions.extend(page);
        if is_more {
            return Ok(FoundSessions { rest: found.sessions.last().map(|last| last.id), ..found });
        }
        if is_last {
            return Ok(FoundSessions { rest: None, ..found });
        }
        found.rest = reached;
        left -= look;
    }
    Ok(found)
}

/// At most so many, and whether there are more.
async fn page_of_sessions(db: &DatabaseConnection, find: Select<sessions::Entity>, limit: u64) -> Result<(Vec<Session>, bool), StoreError> {
    let rows = find.limit(limit + 1).all(db).await.map_err(|error| reading::<sessions::Entity>(&error, "one of a page"))?;
    let mut sessions = rows.into_iter().map(sessions::Model::into_domain).collect::<Result<Vec<_>, _>>()?;
    let is_more = sessions.len() as u64 > limit;
    sessions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((sessions, is_more))
}

/// What a page of sessions asks for, but for the client and the limit.
pub(crate) fn living_sessions(query: &SessionQuery) -> Select<sessions::Entity> {
    use sessions::Column;
    let mut find = sessions::Entity::find()
        .filter(Column::Ended.is_null())
        .filter(Column::LastSeen.gt(query.seen_since.as_millis()))
        .filter(Column::Created.gt(query.created_since.as_millis()))
        .order_by_desc(Column::Id);
    if let Some(account) = &query.account {
        find = find.filter(Column::Account.eq(account.0.as_bytes().to_vec()));
    }
    if let Some(provider) = &query.provider {
        find = find.filter(Column::Provider.eq(provider.as_str()));
    }
    if let Some(after) = &query.after {
        find = find.filter(Column::Id.lt(after.0.as_bytes().to_vec()));
    }
    find
}

/// Sessions in which a client was given something that was not ended since.
pub(crate) fn sessions_with_grants(client: &ClientId, after: Option<&SessionId>, limit: u64) -> Select<grants::Entity> {
    use grants::Column;
    let find = grants::Entity::find().select_only().column(Column::Session).distinct();
    let mut find = find.filter(Column::Client.eq(client.as_str())).filter(Column::RevokedAt.is_null()).order_by_desc(Column::Session);
    if let Some(after) = after {
        find = find.filter(Column::Session.lt(after.0.as_bytes().to_vec()));
    }
    find.limit(limit)
}

/// The newest are enough for whoever looks.
const MOST_SESSIONS: u64 = 200;

pub(crate) async fn sessions_by_upstream(
    db: &DatabaseConnection,
    provider: &ProviderId,
    session: &str,
) -> Result<Vec<Session>, StoreError> {
    let rows = sessions::Entity::find()
        .filter(sessions::Column::Provider.eq(provider.as_str()))
        .filter(sessions::Column::UpstreamSession.eq(session))
        .filter(sessions::Column::Ended.is_null())
        .limit(MOST_SESSIONS)
        .all(db)
        .await
        .map_err(|error| reading::<sessions::Entity>(&error, "one of several"))?;
    rows.into_iter().map(sessions::Model::into_domain).collect()
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

pub(crate) async fn clients_in(db: &DatabaseConnection, session: &SessionId) -> Result<Vec<ClientId>, StoreError> {
    let rows = session_clients::Entity::find()
        .filter(session_clients::Column::Session.eq(session.0.as_bytes().to_vec()))
        .order_by_asc(session_clients::Column::Client)
        .all(db)
        .await
        .map_err(|error| reading::<session_clients::Entity>(&error, &session.to_string()))?;
    rows.iter().map(session_clients::Model::client).collect()
}

pub(crate) async fn logouts_due(db: &DatabaseConnection, now: Timestamp, each: u64, limit: u64) -> Result<Vec<DueLogout>, StoreError> {
    let due = session_clients::due(db.get_database_backend(), now, each, limit);
    let rows = session_clients::Model::find_by_statement(due).all(db).await;
    let rows = rows.map_err(|error| reading::<session_clients::Entity>(&error, "one of several"))?;
    rows.into_iter().map(session_clients::Model::into_domain).collect()
}

pub(crate) async fn consents(db: &DatabaseConnection, account: &AccountId, client: &ClientId) -> Result<Vec<Consent>, StoreError> {
    use consents::{Column, Entity};
    let find = Entity::find().filter(Column::Account.eq(account.0.as_bytes().to_vec())).filter(Column::Client.eq(client.as_str()));
    consents_in_order(db, find, MOST_HOSTS).await
}

/// An app has a few hosts; the bound is for whoever tries.
const MOST_HOSTS: u64 = 1_000;

pub(crate) async fn consents_of(
    db: &DatabaseConnection,
    account: &AccountId,
    after: Option<(&ClientId, &str)>,
    limit: u64,
) -> Result<Vec<Consent>, StoreError> {
    use consents::{Column, Entity};
    let mut find = Entity::find().filter(Column::Account.eq(account.0.as_bytes().to_vec()));
    if let Some((client, host)) = after {
        // The first part lets the index find where to begin, in either database.
        let same_or_later = Column::Client.gte(client.as_str());
        find = find.filter(same_or_later).filter(Column::Client.gt(client.as_str()).or(Column::Host.gt(host)));
    }
    consents_in_order(db, find, limit).await
}

async fn consents_in_order(db: &DatabaseConnection, find: Select<consents::Entity>, most: u64) -> Result<Vec<Consent>, StoreError> {
    let rows = find.order_by_asc(consents::Column::Client).order_by_asc(consents::Column::Host).limit(most).all(db).await;
    let rows = rows.map_err(|error| reading::<consents::Entity>(&error, "one of several"))?;
    rows.into_iter().map(consents::Model::into_domain).collect()
}

pub(crate) async fn code(db: &DatabaseConnection, digest: &Digest) -> Result<Option<Arc<Code>>, StoreError> {
    let row = codes::Entity::find_by_id(digest.0.to_vec()).one(db).await.map_err(|error| reading::<codes::Entity>(&error, "a code"))?;
    row.map(|row| row.into_domain().map(Arc::new)).transpose()
}

pub(crate) async fn grant(db: &DatabaseConnection, id: &GrantId) -> Result<Option<Arc<Grant>>, StoreError> {
    let row = grants::Entity::find_by_id(id.0.as_bytes().to_vec())
        .one(db)
        .await
        .map_err(|error| reading::<grants::Entity>(&error, &id.to_string()))?;
    Ok(row.map(grants::Model::into_domain).transpose()?.flatten().map(Arc::new))
}

pub(crate) async fn grants(db: &DatabaseConnection, query: &GrantQuery) -> Result<Vec<Grant>, StoreError> {
    let rows = living_grants(query).all(db).await.map_err(|error| reading::<grants::Entity>(&error, "one of a page"))?;
    rows.into_iter().filter_map(|row| row.into_domain().transpose()).collect()
}

/// What a page of grants asks for.
pub(crate) fn living_grants(query: &GrantQuery) -> Select<grants::Entity> {
    use grants::Column;
    let now = query.now.as_millis();
    let mut find = grants::Entity::find()
        .filter(Column::RevokedAt.is_null())
        .filter(Condition::any().add(Column::AccessExpires.gt(now)).add(Column::IdleExpires.gt(now)))
        .order_by_desc(Column::Id)
        .limit(query.limit);
    if let Some(account) = &query.account {
        find = find.filter(Column::Account.eq(account.0.as_bytes().to_vec()));
    }
    if let Some(client) = &query.client {
        find = find.filter(Column::Client.eq(client.as_str()));
    }
    if let Some(after) = &query.after {
        find = find.filter(Column::Id.lt(after.0.as_bytes().to_vec()));
    }
    find
}

pub(crate) async fn is_token_revoked(db: &DatabaseConnection, id: &TokenId) -> Result<bool, StoreError> {
    let row = revoked_tokens::Entity::find_by_id(revoked_tokens::key(id)).one(db).await;
    Ok(row.map_err(|error| reading::<revoked_tokens::Entity>(&error, &id.to_string()))?.is_some())
}

/// A login has a few; the bound is for whoever comes back with it again and again.
const MOST_TRACES: u64 = 50;

pub(crate) async fn login_traces(db: &DatabaseConnection, login: &LoginId) -> Result<Vec<LoginTrace>, StoreError> {
    use login_traces::{Column, Entity};
    let find = Entity::find().filter(Column::Login.eq(login.0.as_bytes().to_vec())).order_by_asc(Column::At).limit(MOST_TRACES);
    let rows = find.all(db).await.map_err(|error| reading::<Entity>(&error, &login.to_string()))?;
    rows.into_iter().map(login_traces::Model::into_domain).collect()
}

pub(crate) async fn login_of_reference(db: &DatabaseConnection, reference: &str) -> Result<Option<LoginId>, StoreError> {
    let row = of_reference(reference).one(db).await.map_err(|error| reading::<login_traces::Entity>(&error, "of a reference"))?;
    row.map(|row| row.login()).transpose()
}

/// The traces of one request, the newest first.
pub(crate) fn of_reference(reference: &str) -> Select<login_traces::Entity> {
    use login_traces::{Column, Entity};
    Entity::find().filter(Column::Reference.eq(reference)).order_by_desc(Column::At)
}

pub(crate) async fn ticket(db: &DatabaseConnection, kind: TicketKind, digest: &Digest) -> Result<Option<Ticket>, StoreError> {
    let find = tickets::Entity::find_by_id(digest.0.to_vec()).filter(tickets::Column::Kind.eq(kind.as_str()));
    let row = find.one(db).await.map_err(|error| reading::<tickets::Entity>(&error, "one of several"))?;
    row.map(tickets::Model::into_domain).transpose()
}

pub(crate) async fn upstream_tokens(db: &DatabaseConnection, link: &LinkId) -> Result<Option<UpstreamTokens>, StoreError> {
    let row = upstream_tokens::Entity::find_by_id(link.0.as_bytes().to_vec()).one(db).await;
    let row = row.map_err(|error| reading::<upstream_tokens::Entity>(&error, &link.to_string()))?;
    row.map(upstream_tokens::Model::into_domain).transpose()
}

/// What a round of refreshing asks for.
pub(crate) fn due(due: &TokensDue) -> Select<upstream_tokens::Entity> {
    use upstream_tokens::Column;
    let now = due.now.as_millis();
    upstream_tokens::Entity::find()
        // As the condition of the index says it: SQLite does not take `= true` for the same.
        .filter(Expr::col((upstream_tokens::Entity, Column::Refreshable)))
        .filter(Column::Denied.is_null())
        .filter(Column::Expires.lt(due.expire_before.as_millis()))
        .filter(Column::Used.gte(due.used_since.as_millis()))
        .filter(Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lte(now)))
        .filter(Condition::any().add(Column::RetryAfter.is_null()).add(Column::RetryAfter.lte(now)))
        .order_by_asc(Column::Expires)
        .limit(due.limit)
}

pub(crate) async fn upstream_tokens_due(db: &DatabaseConnection, asked: &TokensDue) -> Result<Vec<LinkId>, StoreError> {
    let rows = due(asked).all(db).await.map_err(|error| reading::<upstream_tokens::Entity>(&error, "one of several"))?;
    rows.into_iter().map(|row| row.into_domain().map(|tokens| tokens.link)).collect()
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
