//! Audit events: written beside their facts, read in pages.

mod search;

use std::collections::{BTreeSet, HashMap};

pub(crate) use self::search::search;
#[cfg(test)]
pub(crate) use self::search::walks;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, EntityTrait, Iterable, Order, QueryFilter, QueryOrder, QueryResult,
    QuerySelect,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement},
};
use uuid::Uuid;
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
        Row, audit_chain, audit_checkpoints,
        audit_events::{Column, Entity, Model, SEALED, WAITING},
        audit_sinks, audit_subjects, body, moment, shown,
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

/// Events lie in two tables. Whoever needs both asks for those that wait first: an event that is sealed meanwhile is then found twice, rather than never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    Waiting,
    Sealed,
}

impl Among {
    const BOTH: [Self; 2] = [Self::Waiting, Self::Sealed];

    fn table(self) -> Alias {
        Alias::new(match self {
            Self::Waiting => WAITING,
            Self::Sealed => SEALED,
        })
    }

    /// Rows as [`Model`] has them.
    fn rows(self) -> SelectStatement {
        let mut rows = Query::select();
        for column in Column::iter() {
            match (self, column) {
                (Self::Waiting, Column::Seq | Column::Prev | Column::Hash | Column::Personal) => rows.expr_as(Expr::cust("NULL"), column),
                _ => rows.column(column),
            };
        }
        rows.from(self.table()).to_owned()
    }
}

async fn all(db: &DatabaseConnection, select: &SelectStatement) -> Result<Vec<Model>, StoreError> {
    let statement = db.get_database_backend().build(select);
    Entity::find().from_raw_sql(statement).all(db).await.map_err(|error| reading::<Entity>(&error, "one of several"))
}

/// A page of events, oldest first.
pub(crate) async fn page(db: &DatabaseConnection, query: &EventQuery, sealer: Option<&dyn Sealer>) -> Result<Vec<AuditEvent>, StoreError> {
    let mut rows = Vec::new();
    for select in selects(query) {
        rows.extend(all(db, &select).await?);
    }
    rows.sort_unstable_by(|one, other| (one.time, &one.id).cmp(&(other.time, &other.id)));
    rows.dedup_by(|one, other| one.id == other.id);
    rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    put_together(db, rows, sealer).await
}

/// One event.
pub(crate) async fn one(db: &DatabaseConnection, id: &EventId, sealer: Option<&dyn Sealer>) -> Result<Option<AuditEvent>, StoreError> {
    for among in Among::BOTH {
        let row = all(db, &among.rows().cond_where(place().eq(place_of(id))).limit(1).to_owned()).await?;
        if !row.is_empty() {
            return Ok(put_together(db, row, sealer).await?.pop());
        }
    }
    Ok(None)
}

/// Where an event lies in the order of events. The moment is in the id (RFC 9562 §5.7), so a cursor needs no look at its row, which may be gone.
fn place() -> Expr {
    Expr::tuple([Expr::col(Column::Time), Expr::col(Column::Id)])
}

fn place_of(id: &EventId) -> Expr {
    Expr::tuple([Expr::value(id.made().as_millis()), Expr::value(id.0.into_bytes().to_vec())])
}

/// A page of events in the order of the chain.
pub(crate) async fn sequenced(
    db: &DatabaseConnection,
    after: i64,
    limit: u64,
    sealer: Option<&dyn Sealer>,
) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
    let rows = all(db, &in_the_chain(after, limit)).await?;
    let events = put_together(db, rows, sealer).await?;
    Ok(events.into_iter().filter_map(|event| Some((event.link?.seq, event))).collect())
}

/// The links as they lie.
pub(crate) async fn chain_links(db: &DatabaseConnection, after: i64, limit: u64) -> Result<Vec<Kept>, StoreError> {
    let rows = all(db, &in_the_chain(after, limit)).await?;
    rows.into_iter().filter_map(|row| row.into_kept().transpose()).collect()
}

pub(crate) fn in_the_chain(after: i64, limit: u64) -> SelectStatement {
    let mut rows = Among::Sealed.rows();
    rows.cond_where(Expr::col(Column::Seq).gt(after)).order_by(Column::Seq, Order::Asc).limit(limit).to_owned()
}

/// Events that wait to be put into the chain. None of them has anything apart, and its body says all.
pub(crate) async fn unsealed(db: &DatabaseConnection, limit: u64) -> Result<Vec<AuditEvent>, StoreError> {
    let failed = |error| reading::<Entity>(&error, "one of several");
    let rows = db.query_all_raw(db.get_database_backend().build(&waiting([Column::Id, Column::Body], limit))).await.map_err(failed)?;
    let read = |row: QueryResult| {
        let (id, body): (Vec<u8>, String) = (row.try_get_by_index(0).map_err(failed)?, row.try_get_by_index(1).map_err(failed)?);
        Row { table: WAITING, id: shown(&id) }.json("body", &body)
    };
    rows.into_iter().map(read).collect()
}

pub(crate) fn waiting(columns: impl IntoIterator<Item = Column>, limit: u64) -> SelectStatement {
    oldest_first(Query::select().columns(columns).from(Among::Waiting.table())).limit(limit).to_owned()
}

pub(crate) async fn count_unsealed(db: &DatabaseConnection) -> Result<Unsealed, StoreError> {
    let failed = |error| reading::<Entity>(&error, "one of several");
    let count = Query::select().expr(Expr::col(Column::Id).count()).from(Among::Waiting.table()).to_owned();
    let row = db.query_one_raw(db.get_database_backend().build(&count)).await;
    let count = row.and_then(|row| row.map(|row| row.try_get_by_index::<i64>(0)).transpose());
    let events = count.map_err(failed)?.unwrap_or_default();
    let oldest = db.query_one_raw(db.get_database_backend().build(&waiting([Column::Time], 1))).await;
    let oldest = oldest.and_then(|row| row.map(|row| row.try_get_by_index(0)).transpose()).map_err(failed)?;
    Ok(Unsealed { events: u64::try_from(events).unwrap_or_default(), oldest: oldest.map(moment) })
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

/// What makes up a page: each is whole by itself, so the first rows of both are the page.
pub(crate) fn selects(query: &EventQuery) -> [SelectStatement; 2] {
    Among::BOTH.map(|among| oldest_first(&mut among.rows()).cond_where(condition(query)).limit(query.limit).to_owned())
}

fn oldest_first(select: &mut SelectStatement) -> SelectStatement {
    select.order_by(Column::Time, Order::Asc).order_by(Column::Id, Order::Asc).to_owned()
}

fn condition(query: &EventQuery) -> Condition {
    let bytes = |id: Uuid| id.into_bytes().to_vec();
    Condition::all()
        .add_option(query.after.map(|after| place().gt(place_of(&after))))
        .add_option(query.since.map(|since| Expr::col(Column::Time).gte(since.as_millis())))
        .add_option(query.until.map(|until| Expr::col(Column::Time).lt(until.as_millis())))
        .add_option(query.name.map(|name| Expr::col(Column::Name).eq(name.as_str())))
        .add_option(query.account.map(|id| Expr::col(Column::Account).eq(bytes(id.0))))
        .add_option(query.client.as_ref().map(|id| Expr::col(Column::Client).eq(id.as_str())))
        .add_option(query.login.map(|id| Expr::col(Column::Login).eq(bytes(id.0))))
}
