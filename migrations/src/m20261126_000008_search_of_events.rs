//! Audit events are looked for by more than whom they are about: what operators ask for has columns of its own.
//!
//! Rows that are there are filled, a few hundred at a time: it takes about a minute for a million. The bodies can't be asked for it on PostgreSQL, since
//! what an operator changed may have characters in it that `jsonb` refuses. Code of the release before leaves the columns empty. Such an event is found
//! by what it was found by before, and `outcome`, which every event has, tells that the others were not written.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};
use serde_json::Value;
use uuid::Uuid;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// How many are read at once.
const A_PAGE: u64 = 500;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (connection, backend) = (manager.get_connection(), manager.get_database_backend());
        let (bytes, name) = match backend {
            DbBackend::Postgres => ("BYTEA", "TEXT COLLATE \"C\""),
            _ => ("BLOB", "TEXT"),
        };
        for (column, kind) in [("provider", name), ("session", bytes), ("trace", name), ("outcome", name), ("reason", name)] {
            connection.execute_unprepared(&format!("ALTER TABLE audit_events ADD COLUMN {column} {kind}")).await?;
        }
        fill(connection, backend).await?;
        for statement in INDEXES {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in DOWN {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

async fn fill(connection: &SchemaManagerConnection<'_>, backend: DbBackend) -> Result<(), DbErr> {
    let place = |number: usize| if backend == DbBackend::Postgres { format!("${number}") } else { "?".to_owned() };
    let [first, second, third, fourth, fifth, sixth, seventh] = std::array::from_fn(|at| place(at + 1));
    let page = format!("SELECT time, id, body FROM audit_events WHERE (time, id) > ({first}, {second}) ORDER BY time, id LIMIT {A_PAGE}");
    let fill = format!(
        "UPDATE audit_events SET provider = {first}, session = {second}, trace = {third}, outcome = {fourth}, reason = {fifth} \
         WHERE time = {sixth} AND id = {seventh}"
    );
    let (mut time, mut id) = (i64::MIN, Vec::<u8>::new());
    loop {
        let rows = connection.query_all_raw(Statement::from_sql_and_values(backend, &page, [time.into(), id.into()])).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        (time, id) = (last.try_get_by_index(0)?, last.try_get_by_index(1)?);
        for row in &rows {
            let (time, id): (i64, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let body: String = row.try_get_by_index(2)?;
            // A row that is no record was written by nobody of ours; `audit verify` names it.
            let Ok(body) = serde_json::from_str::<Value>(&body) else { continue };
            let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
            let session = text("session").and_then(|text| Uuid::parse_str(&text).ok()).map(|id| id.into_bytes().to_vec());
            let values = [
                text("provider").into(),
                session.into(),
                text("trace_id").into(),
                text("outcome").into(),
                text("reason").into(),
                time.into(),
                id.into(),
            ];
            connection.execute_raw(Statement::from_sql_and_values(backend, &fill, values)).await?;
        }
    }
}

const INDEXES: &[&str] = &[
    "CREATE INDEX audit_events_by_name ON audit_events (name, time, id)",
    "CREATE INDEX audit_events_by_trace ON audit_events (trace, time, id) WHERE trace IS NOT NULL",
    "CREATE INDEX audit_events_by_session ON audit_events (session, time, id) WHERE session IS NOT NULL",
];

const DOWN: &[&str] = &[
    "DROP INDEX audit_events_by_session",
    "DROP INDEX audit_events_by_trace",
    "DROP INDEX audit_events_by_name",
    "ALTER TABLE audit_events DROP COLUMN reason",
    "ALTER TABLE audit_events DROP COLUMN outcome",
    "ALTER TABLE audit_events DROP COLUMN trace",
    "ALTER TABLE audit_events DROP COLUMN session",
    "ALTER TABLE audit_events DROP COLUMN provider",
];
