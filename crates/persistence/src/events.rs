//! Audit events: written beside their facts, read in pages.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use vestibule_domain::{
    audit::AuditEvent,
    ids::EventId,
    store::{EventQuery, StoreError},
};

use crate::{
    entities::{
        audit_events::{Column, Entity, Model},
        body,
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
    ];
    Ok(Step::new(Kind::RecordEvent, event.id.0.as_bytes(), values))
}

/// A page of events, oldest first.
pub(crate) async fn page(db: &DatabaseConnection, query: &EventQuery) -> Result<Vec<AuditEvent>, StoreError> {
    let rows = select(query).all(db).await.map_err(|error| reading::<Entity>(&error, "one of a page"))?;
    rows.into_iter().map(Model::into_domain).collect()
}

pub(crate) fn select(query: &EventQuery) -> Select<Entity> {
    Entity::find().filter(condition(query)).order_by_asc(Column::Time).order_by_asc(Column::Id).limit(query.limit)
}

fn condition(query: &EventQuery) -> Condition {
    let mut all = Condition::all();
    if let Some(after) = query.after {
        // The moment is in the id (RFC 9562 §5.7), so a cursor needs no look at its row, which may be gone.
        let place = Expr::tuple([Expr::col(Column::Time), Expr::col(Column::Id)]);
        all = all.add(place.gt(Expr::tuple([Expr::value(moment_of(after)), Expr::value(after.0.into_bytes().to_vec())])));
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

/// The first 48 bits of a UUIDv7: milliseconds since the Unix epoch.
fn moment_of(id: EventId) -> i64 {
    id.0.into_bytes()[..6].iter().fold(0, |moment, byte| (moment << 8) | i64::from(*byte))
}
