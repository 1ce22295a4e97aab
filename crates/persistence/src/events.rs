//! Audit events: written beside their facts, read in pages.

mod search;

use std::collections::{BTreeSet, HashMap};

pub(crate) use self::search::search;
#[cfg(test)]
pub(crate) use self::search::walks;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, DatabaseConnection, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use vestibule_domain::{
    audit::{
        AuditEvent, Reason,
        chain::{ChainHead, Checkpoint, Kept, Unsealed},
        personal::Subject,
        sink::SinkCursor,
    },
    ids::{AccountId, EventId, ProviderId},
    ports::Sealer,
    secret::Sealed,
    store::{EventQuery, StoreError},
    time::Timestamp,
};

use crate::{
    entities::{
        audit_chain, audit_checkpoints,
        audit_events::{Column, Entity, Model},
        audit_sinks, audit_subjects, body, moment,
    },
    errors::reading,
    writer::{Kind, Step},
};

/// One event as a row.
pub(crate) fn record(event: &AuditEvent) -> Result<Step, StoreError> {
    let values = [
        event.time.as_millis().into(),
        event.name.as_str().into(),
        event.account.map(|id| id.0.into_bytes().to_vec()).into(),
        event.client.as_ref().map(vestibule_domain::ids::ClientId::as_str).into(),
        event.login.map(|id| id.0.into_bytes().to_vec()).into(),
        body(event)?.into(),
        event.provider.as_ref().map(ProviderId::as_str).into(),
        event.session.map(|id| id.0.into_bytes().to_vec()).into(),
        event.trace_id.as_deref().into(),
        event.outcome.as_str().into(),
        event.reason.map(Reason::as_str).into(),
    ];
    Ok(Step::new(Kind::RecordEvent, event.id.0.as_bytes(), values))
}

/// A page of events, oldest first.
pub(crate) async fn page(db: &DatabaseConnection, query: &EventQuery, sealer: Option<&dyn Sealer>) -> Result<Vec<AuditEvent>, StoreError> {
    let rows = select(query).all(db).await.map_err(|error| reading::<Entity>(&error, "one of a page"))?;
    put_together(db, rows, sealer).await
}

/// One event.
pub(crate) async fn one(db: &DatabaseConnection, id: &EventId, sealer: Option<&dyn Sealer>) -> Result<Option<AuditEvent>, StoreError> {
    let key = (id.made().as_millis(), id.0.into_bytes().to_vec());
    let row = Entity::find_by_id(key).one(db).await.map_err(|error| reading::<Entity>(&error, &id.to_string()))?;
    Ok(put_together(db, row.into_iter().collect(), sealer).await?.pop())
}

/// A page of events in the order of the chain.
pub(crate) async fn sequenced(
    db: &DatabaseConnection,
    after: i64,
    limit: u64,
    sealer: Option<&dyn Sealer>,
) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
    let rows = in_the_chain(after, limit).all(db).await.map_err(|error| reading::<Entity>(&error, "one of a page"))?;
    let events = put_together(db, rows, sealer).await?;
    Ok(events.into_iter().filter_map(|event| Some((event.link?.seq, event))).collect())
}

/// The links as they lie.
pub(crate) async fn chain_links(db: &DatabaseConnection, after: i64, limit: u64) -> Result<Vec<Kept>, StoreError> {
    let rows = in_the_chain(after, limit).all(db).await.map_err(|error| reading::<Entity>(&error, "one of a page"))?;
    rows.into_iter().filter_map(|row| row.into_kept().transpose()).collect()
}

pub(crate) fn in_the_chain(after: i64, limit: u64) -> Select<Entity> {
    Entity::find().filter(Column::Seq.gt(after)).filter(Column::Seq.is_not_null()).order_by_asc(Column::Seq).limit(limit)
}

/// Events that wait to be put into the chain. None of them has anything apart.
pub(crate) async fn unsealed(db: &DatabaseConnection, limit: u64) -> Result<Vec<AuditEvent>, StoreError> {
    let rows = outside(limit).all(db).await.map_err(|error| reading::<Entity>(&error, "one of several"))?;
    rows.into_iter().map(|row| row.into_domain().map(|(event, _)| event)).collect()
}

pub(crate) fn outside(limit: u64) -> Select<Entity> {
    Entity::find().filter(Column::Seq.is_null()).order_by_asc(Column::Time).order_by_asc(Column::Id).limit(limit)
}

pub(crate) async fn count_unsealed(db: &DatabaseConnection) -> Result<Unsealed, StoreError> {
    let failed = |error| reading::<Entity>(&error, "one of several");
    let events = Entity::find().filter(Column::Seq.is_null()).count(db).await.map_err(failed)?;
    let oldest = outside(1).one(db).await.map_err(failed)?;
    Ok(Unsealed { events, oldest: oldest.map(|row| moment(row.time)) })
}

pub(crate) async fn chain(db: &DatabaseConnection) -> Result<Option<ChainHead>, StoreError> {
    let row = audit_chain::Entity::find_by_id(audit_chain::ID).one(db).await;
    let row = row.map_err(|error| reading::<audit_chain::Entity>(&error, "the only one"))?;
    row.map(audit_chain::Model::into_domain).transpose()
}

pub(crate) async fn checkpoints(db: &DatabaseConnection, after: i64, limit: u64) -> Result<Vec<Checkpoint>, StoreError> {
    use audit_checkpoints::{Column, Entity};
    let rows = Entity::find().filter(Column::Seq.gt(after)).order_by_asc(Column::Seq).limit(limit).all(db).await;
    let rows = rows.map_err(|error| reading::<Entity>(&error, "one of several"))?;
    rows.into_iter().map(audit_checkpoints::Model::into_domain).collect()
}

pub(crate) async fn checkpoint_before(db: &DatabaseConnection, before: Timestamp, most: i64) -> Result<Option<Checkpoint>, StoreError> {
    use audit_checkpoints::{Column, Entity};
    let old = Entity::find().filter(Column::At.lt(before.as_millis())).filter(Column::Seq.lte(most));
    let row = old.order_by_desc(Column::At).one(db).await;
    row.map_err(|error| reading::<Entity>(&error, "one of several"))?.map(audit_checkpoints::Model::into_domain).transpose()
}

pub(crate) async fn sink_cursors(db: &DatabaseConnection) -> Result<Vec<SinkCursor>, StoreError> {
    use audit_sinks::{Column, Entity};
    let rows = Entity::find().order_by_asc(Column::Id).all(db).await;
    let rows = rows.map_err(|error| reading::<Entity>(&error, "one of several"))?;
    rows.into_iter().map(audit_sinks::Model::into_domain).collect()
}

/// Most people that are asked for in one statement: both databases take so many values.
const MOST_SUBJECTS: usize = 500;

pub(crate) async fn subjects(db: &DatabaseConnection, accounts: &[AccountId]) -> Result<Vec<Subject>, StoreError> {
    use audit_subjects::{Column, Entity};
    let mut found = Vec::new();
    for some in accounts.chunks(MOST_SUBJECTS) {
        let ids = some.iter().map(|id| id.0.into_bytes().to_vec());
        let rows = Entity::find().filter(Column::Account.is_in(ids)).all(db).await;
        found.extend(rows.map_err(|error| reading::<Entity>(&error, "one of several"))?);
    }
    found.into_iter().map(audit_subjects::Model::into_domain).collect()
}

/// Puts back what was set apart of events, where there is a key for it.
async fn put_together(db: &DatabaseConnection, rows: Vec<Model>, sealer: Option<&dyn Sealer>) -> Result<Vec<AuditEvent>, StoreError> {
    let rows: Vec<_> = rows.into_iter().map(Model::into_domain).collect::<Result<_, _>>()?;
    let people: BTreeSet<_> = rows.iter().filter(|(event, _)| event.personal.is_some()).filter_map(|(event, _)| event.subject()).collect();
    let keys: HashMap<_, _> = if sealer.is_some() && !people.is_empty() {
        let people: Vec<_> = people.into_iter().collect();
        subjects(db, &people).await?.into_iter().filter_map(|subject| Some((subject.account, subject.key?))).collect()
    } else {
        HashMap::new()
    };
    let whole = |(event, apart): (AuditEvent, Option<Sealed>)| {
        let key = event.subject().and_then(|account| keys.get(&account));
        event.put_together(apart.as_ref(), key, sealer)
    };
    Ok(rows.into_iter().map(whole).collect())
}

pub(crate) fn select(query: &EventQuery) -> Select<Entity> {
    Entity::find().filter(condition(query)).order_by_asc(Column::Time).order_by_asc(Column::Id).limit(query.limit)
}

fn condition(query: &EventQuery) -> Condition {
    let mut all = Condition::all();
    if let Some(after) = query.after {
        // The moment is in the id (RFC 9562 §5.7), so a cursor needs no look at its row, which may be gone.
        let place = Expr::tuple([Expr::col(Column::Time), Expr::col(Column::Id)]);
        all = all.add(place.gt(Expr::tuple([Expr::value(after.made().as_millis()), Expr::value(after.0.into_bytes().to_vec())])));
    }
    if let Some(since) = query.since {
        all = all.add(Column::Time.gte(since.as_millis()));
    }
    if let Some(until) = query.until {
        all = all.add(Column::Time.lt(until.as_millis()));
    }
    if let Some(name) = query.name {
        all = all.add(Column::Name.eq(name.as_str()));
    }
    if let Some(account) = query.account {
        all = all.add(Column::Account.eq(account.0.into_bytes().to_vec()));
    }
    if let Some(client) = &query.client {
        all = all.add(Column::Client.eq(client.as_str()));
    }
    if let Some(login) = query.login {
        all = all.add(Column::Login.eq(login.0.into_bytes().to_vec()));
    }
    all
}
