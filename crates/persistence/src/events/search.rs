//! Events looked for, newest first. Each page walks an index that leads to what is asked for, or the table as it lies, for no more than a number of rows:
//! a question that nothing answers costs as little as one that much does.

use std::iter;

use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, Iterable, Order, QueryResult, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement},
};
use uuid::Uuid;
use vestibule_domain::{
    audit::{
        EventName,
        search::{EventSearch, FoundEvents},
    },
    ids::{ClientId, EventId, ProviderId},
    ports::Sealer,
    store::StoreError,
};

use super::{Among, all, place, place_of, put_together};
use crate::{
    entities::audit_events::{Column, Entity, Model},
    errors::reading,
};

/// Along more indexes than this a question does not go: kinds of events beyond are looked for in the table as it lies.
const MOST_WALKS: usize = 16;

/// What is sealed for a person has to be opened to be looked at, and that is dear: so much dearer than a row whose columns say enough.
const OPENING: u64 = 4;

/// How many are opened at once.
const OPENED_AT_ONCE: u64 = 200;

/// A page, and how far it came.
pub(crate) async fn search(db: &DatabaseConnection, search: &EventSearch, sealer: Option<&dyn Sealer>) -> Result<FoundEvents, StoreError> {
    let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
    let mut found = FoundEvents { events: Vec::new(), rest: search.after };
    let mut opened = 0;
    loop {
        let want = if search.address.is_some() { OPENED_AT_ONCE } else { search.limit + 1 };
        let page = page(db, search, found.rest, want).await?;
        opened += page.rows.len() as u64;
        for event in put_together(db, page.rows, sealer).await? {
            if search.address.is_some() && event.source.ip != search.address {
                continue;
            }
            if found.events.len() == limit {
                found.rest = found.events.last().map(|last| last.id);
                return Ok(found);
            }
            found.events.push(event);
        }
        found.rest = page.rest;
        // Nothing is behind it, or enough was looked at.
        if found.rest.is_none() || page.is_cut || search.address.is_none() || opened >= search.look / OPENING {
            return Ok(found);
        }
    }
}

/// Rows that columns alone say are looked for.
struct Page {
    rows: Vec<Model>,
    /// Where to go on.
    rest: Option<EventId>,
    /// Whether it ends because enough was looked at.
    is_cut: bool,
}

async fn page(db: &DatabaseConnection, search: &EventSearch, after: Option<EventId>, want: u64) -> Result<Page, StoreError> {
    let failed = |error| reading::<Entity>(&error, "one of a page");
    let backend = db.get_database_backend();
    let mut rows = Vec::new();
    let mut reached: Option<(i64, Vec<u8>)> = None;
    let walks = walks(search);
    // They share what may be looked at, but for the first, on which are few.
    let look = Ord::max(search.look / (walks.len() as u64 - 1), 1);
    let within = EventSearch { look, ..search.clone() };
    for walk in walks {
        let found = all(db, &walk.found(&within, after, want)).await?;
        if (found.len() as u64) < want {
            let last = db.query_one_raw(backend.build(&walk.last_looked_at(&within, after))).await.map_err(failed)?;
            let last = last.map(|row| lies_at(&row)).transpose().map_err(failed)?;
            reached = reached.max(last);
        }
        rows.extend(found);
    }
    // What lies beyond the end of one walk was not looked at on it.
    rows.retain(|row: &Model| reached.as_ref().is_none_or(|(time, id)| (row.time, &row.id) >= (*time, id)));
    rows.sort_unstable_by(|one, other| (other.time, &other.id).cmp(&(one.time, &one.id)));
    rows.dedup_by(|one, other| one.id == other.id);
    rows.truncate(usize::try_from(want).unwrap_or(usize::MAX));
    let is_full = rows.len() as u64 == want;
    let last = if is_full { rows.last().map(|last| last.id.clone()) } else { reached.map(|(_, id)| id) };
    let rest = last.and_then(|id| Uuid::from_slice(&id).ok()).map(EventId);
    Ok(Page { is_cut: !is_full && rest.is_some(), rows, rest })
}

fn lies_at(row: &QueryResult) -> Result<(i64, Vec<u8>), sea_orm::DbErr> {
    Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
}

/// A way along an index, or along the table in the order of time.
pub(crate) struct Walk {
    among: Among,
    along: Option<Expr>,
}

/// First through those that wait, which are few; then along what leads to the fewest of those that are sealed.
pub(crate) fn walks(search: &EventSearch) -> Vec<Walk> {
    let by = |column, value: Value| Expr::col(column).eq(value);
    let bytes = |id: Uuid| Value::from(id.into_bytes().to_vec());
    let along = if let Some(trace) = &search.trace {
        vec![by(Column::Trace, trace.into())]
    } else if let Some(login) = search.login {
        vec![by(Column::Login, bytes(login.0))]
    } else if let Some(session) = search.session {
        vec![by(Column::Session, bytes(session.0))]
    } else if let Some(account) = search.account {
        vec![by(Column::Account, bytes(account.0))]
    } else if let Some(client) = &search.client {
        vec![by(Column::Client, client.as_str().into())]
    } else if search.names.len() <= MOST_WALKS {
        search.names.iter().map(|name| by(Column::Name, name.as_str().into())).collect()
    } else {
        Vec::new()
    };
    let waiting = Walk { among: Among::Waiting, along: None };
    let sealed = |along| Walk { among: Among::Sealed, along };
    if along.is_empty() {
        return vec![waiting, sealed(None)];
    }
    iter::once(waiting).chain(along.into_iter().map(Some).map(sealed)).collect()
}

impl Walk {
    /// The rows that are looked at, newest first.
    fn looked_at(&self, mut rows: SelectStatement, search: &EventSearch, after: Option<EventId>) -> SelectStatement {
        let within = Condition::all()
            .add_option(self.along.clone())
            .add_option(after.map(|after| place().lt(place_of(&after))))
            .add_option(search.since.map(|since| Expr::col(Column::Time).gte(since.as_millis())))
            .add_option(search.until.map(|until| Expr::col(Column::Time).lt(until.as_millis())));
        newest_first(rows.cond_where(within))
    }

    /// What is found among them.
    pub(crate) fn found(&self, search: &EventSearch, after: Option<EventId>, want: u64) -> SelectStatement {
        let looked_at = self.looked_at(self.among.rows(), search, after).limit(search.look).to_owned();
        let mut found = Query::select();
        found.columns(Column::iter()).from_subquery(looked_at, Alias::new("looked_at")).cond_where(asked(search)).limit(want);
        newest_first(&mut found)
    }

    /// The last of them, if there are as many as may be looked at.
    pub(crate) fn last_looked_at(&self, search: &EventSearch, after: Option<EventId>) -> SelectStatement {
        let places = Query::select().columns([Column::Time, Column::Id]).from(self.among.table()).to_owned();
        self.looked_at(places, search, after).limit(1).offset(search.look.saturating_sub(1)).to_owned()
    }
}

fn newest_first(select: &mut SelectStatement) -> SelectStatement {
    select.order_by(Column::Time, Order::Desc).order_by(Column::Id, Order::Desc).to_owned()
}

/// What the columns of a row say of whether it is looked for. Of an address they say only that it can't be the one.
fn asked(search: &EventSearch) -> Condition {
    let bytes = |id: Uuid| id.into_bytes().to_vec();
    Condition::all()
        .add_option((!search.names.is_empty()).then(|| Expr::col(Column::Name).is_in(search.names.iter().copied().map(EventName::as_str))))
        .add_option(search.account.map(|id| Expr::col(Column::Account).eq(bytes(id.0))))
        .add_option(search.client.as_ref().map(|id| Expr::col(Column::Client).eq(ClientId::as_str(id))))
        .add_option(search.provider.as_ref().map(|id| Expr::col(Column::Provider).eq(ProviderId::as_str(id))))
        .add_option(search.outcome.map(|outcome| Expr::col(Column::Outcome).eq(outcome.as_str())))
        .add_option(search.reason.map(|reason| Expr::col(Column::Reason).eq(reason.as_str())))
        .add_option(search.trace.as_deref().map(|trace| Expr::col(Column::Trace).eq(trace)))
        .add_option(search.login.map(|id| Expr::col(Column::Login).eq(bytes(id.0))))
        .add_option(search.session.map(|id| Expr::col(Column::Session).eq(bytes(id.0))))
        .add_option(
            search
                .address
                .map(|ip| Expr::col(Column::Personal).is_not_null().or(Expr::col(Column::Body).like(format!("%\"ip\":\"{ip}\"%")))),
        )
}
