//! Audit events: written in as few statements as possible, read in pages.

use std::sync::LazyLock;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
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
};

const COLUMNS: usize = 7;

/// One event as a row.
pub(crate) struct Record([Value; COLUMNS]);

impl Record {
    pub(crate) fn new(event: &AuditEvent) -> Result<Self, StoreError> {
        Ok(Self([
            event.id.0.into_bytes().to_vec().into(),
            event.time.as_millis().into(),
            event.name.as_str().into(),
            event.account.map(|id| id.0.into_bytes().to_vec()).into(),
            event.client.as_ref().map(|id| id.as_str().to_owned()).into(),
            event.login.map(|id| id.0.into_bytes().to_vec()).into(),
            body(event)?.into(),
        ]))
    }
}

/// Statements for 64, 32, ... 1 rows: any number is made of them, and each is prepared once.
static INSERTS: LazyLock<Vec<(usize, String)>> = LazyLock::new(|| (0..7).rev().map(|power| (1 << power, insert_of(1 << power))).collect());

fn insert_of(rows: usize) -> String {
    let row = |at: usize| {
        let places: Vec<String> = (1..=COLUMNS).map(|column| format!("${}", at * COLUMNS + column)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO audit_events (id, time, name, account, client, login, body) VALUES {}", rows.join(", "))
}

/// Writes the events of a whole group.
pub(crate) async fn insert(db: &impl ConnectionTrait, records: &[&Record]) -> Result<(), DbErr> {
    let mut left = records;
    for (rows, sql) in INSERTS.iter() {
        while left.len() >= *rows {
            let (now, later) = left.split_at(*rows);
            let values = now.iter().flat_map(|record| record.0.iter().cloned());
            db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
            left = later;
        }
    }
    Ok(())
}

/// A page of events, oldest first.
pub(crate) async fn page(db: &DatabaseConnection, query: &EventQuery) -> Result<Vec<AuditEvent>, StoreError> {
    let rows = Entity::find()
        .filter(condition(query))
        .order_by_asc(Column::Time)
        .order_by_asc(Column::Id)
        .limit(query.limit)
        .all(db)
        .await
        .map_err(|error| reading::<Entity>(&error, "one of a page"))?;
    rows.into_iter().map(Model::into_domain).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_add_up_to_any_number_of_rows() {
        let sizes: Vec<usize> = INSERTS.iter().map(|(rows, _)| *rows).collect();
        assert_eq!(sizes, [64, 32, 16, 8, 4, 2, 1]);
        assert_eq!(
            INSERTS[5].1,
            "INSERT INTO audit_events (id, time, name, account, client, login, body) VALUES \
             ($1, $2, $3, $4, $5, $6, $7), ($8, $9, $10, $11, $12, $13, $14)"
        );
    }
}
