//! Audit events wait in a table of their own until they are put into the chain.
//!
//! A request waits for its own event to be committed, so that commit should write little: one short row, and no index that anybody searches by. Putting
//! events into the chain, hundreds at a time, moves them into `audit_events`, where each is written once and never changed. There they lie by their number
//! in the chain. On PostgreSQL that table is partitioned by it, [`A_PARTITION`] events each, and old events go a partition at a time; what was there before
//! becomes the first partition. What no partition is there for goes into the default one, so the chain goes on whether or not somebody makes the next.
//!
//! Code of the release before can't write events there.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};

use crate::m20261125_000001_create_tables::in_dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// How many events the first partition's end is a multiple of, and how many each of those after it has room for. About 1.5 GB.
pub const A_PARTITION: i64 = 1_000_000;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (connection, backend) = (manager.get_connection(), manager.get_database_backend());
        all(manager, WAITING).await?;
        if backend == DbBackend::Postgres {
            all(manager, ON_POSTGRES).await?;
            let last = Statement::from_string(backend, "SELECT COALESCE(MAX(seq), 0) FROM audit_events_before");
            let last: i64 = connection.query_one_raw(last).await?.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
            let end = (last / A_PARTITION + 1) * A_PARTITION;
            for statement in FIRST_PARTITION {
                let statement = statement.replace("END_OF_IT", &end.to_string()).replace("BEYOND", &(end + 1).to_string());
                connection.execute_unprepared(&statement).await?;
            }
        } else {
            all(manager, ON_SQLITE).await?;
        }
        all(manager, &["CREATE INDEX audit_events_by_time ON audit_events (time, id)"]).await?;
        all(manager, FOUND_BY).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        all(manager, DOWN).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            all(manager, &["ALTER TABLE audit_events RENAME CONSTRAINT audit_events_before_pkey TO audit_events_pkey"]).await?;
        }
        all(manager, FOUND_BY).await
    }
}

async fn all(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let dialect = |words: &str| in_dialect(words, manager.get_database_backend());
    let (columns, chained, lookup) = (dialect(COLUMNS), dialect(CHAINED), dialect("LOOKUP"));
    for statement in statements {
        let statement = statement.replace("EVENT_COLUMNS", &columns).replace("CHAIN_COLUMNS", &chained).replace("KEY_ALONE", &lookup);
        manager.get_connection().execute_unprepared(&statement.replace("WHAT_IT_SAYS", SAID)).await?;
    }
    Ok(())
}

/// What every event has.
const COLUMNS: &str = "time BIGINT NOT NULL,
    id BYTES NOT NULL,
    name NAME NOT NULL,
    account BYTES,
    client NAME,
    login BYTES,
    provider NAME,
    session BYTES,
    trace NAME,
    outcome NAME,
    reason NAME,
    body TEXT NOT NULL";

const SAID: &str = "time, id, name, account, client, login, provider, session, trace, outcome, reason, body";

/// What an event of before this step has besides, once it is in the chain.
const CHAINED: &str = "seq BIGINT, prev BYTES, hash BYTES, personal BYTES";

/// The names are wanted for the indexes of the new table.
const WAITING: &[&str] = &[
    "CREATE TABLE audit_waiting (EVENT_COLUMNS, PRIMARY KEY (time, id))",
    "INSERT INTO audit_waiting SELECT WHAT_IT_SAYS FROM audit_events WHERE seq IS NULL",
    "DROP INDEX audit_events_unsealed",
    "DROP INDEX audit_events_by_account",
    "DROP INDEX audit_events_by_client",
    "DROP INDEX audit_events_by_login",
    "DROP INDEX audit_events_by_name",
    "DROP INDEX audit_events_by_trace",
    "DROP INDEX audit_events_by_session",
    "ALTER TABLE audit_events RENAME TO audit_events_before",
];

/// The number is the row's place in the file, and needs no tree of its own. In a table without such a place, a row of more than a quarter of a page would
/// have its end elsewhere, and whoever looks for another row would fetch it.
///
/// The rows are copied along `audit_events_by_seq`, which goes with the old table: sorting them would take as much memory as they do.
const ON_SQLITE: &[&str] = &[
    "CREATE TABLE audit_events (seq INTEGER NOT NULL PRIMARY KEY, prev BLOB NOT NULL, hash BLOB NOT NULL, personal BLOB, EVENT_COLUMNS)",
    "INSERT INTO audit_events SELECT seq, prev, hash, personal, WHAT_IT_SAYS FROM audit_events_before WHERE seq IS NOT NULL ORDER BY seq",
    "DROP TABLE audit_events_before",
];

const ON_POSTGRES: &[&str] = &[
    "DROP INDEX audit_events_by_seq",
    "DELETE FROM audit_events_before WHERE seq IS NULL",
    "ALTER TABLE audit_events_before DROP CONSTRAINT audit_events_pkey",
    "ALTER TABLE audit_events_before ALTER COLUMN seq SET NOT NULL, ALTER COLUMN prev SET NOT NULL, ALTER COLUMN hash SET NOT NULL",
    "CREATE TABLE audit_events (LIKE audit_events_before) PARTITION BY RANGE (seq)",
    "CREATE TABLE audit_events_other PARTITION OF audit_events DEFAULT",
    // All of it goes through this one: what was sealed leaves it within a second or two.
    "ALTER TABLE audit_waiting SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)",
];

const FIRST_PARTITION: &[&str] = &[
    "ALTER TABLE audit_events_before RENAME TO audit_events_to_END_OF_IT",
    "ALTER TABLE audit_events ATTACH PARTITION audit_events_to_END_OF_IT FOR VALUES FROM (MINVALUE) TO (BEYOND)",
    "ALTER TABLE audit_events ADD PRIMARY KEY (seq)",
];

/// Time and id come last, so that a page after a cursor is one walk along the index. Most events lack one or another of what is before them.
const FOUND_BY: &[&str] = &[
    "CREATE INDEX audit_events_by_account ON audit_events (account, time, id) WHERE account IS NOT NULL",
    "CREATE INDEX audit_events_by_client ON audit_events (client, time, id) WHERE client IS NOT NULL",
    "CREATE INDEX audit_events_by_login ON audit_events (login, time, id) WHERE login IS NOT NULL",
    "CREATE INDEX audit_events_by_name ON audit_events (name, time, id)",
    "CREATE INDEX audit_events_by_trace ON audit_events (trace, time, id) WHERE trace IS NOT NULL",
    "CREATE INDEX audit_events_by_session ON audit_events (session, time, id) WHERE session IS NOT NULL",
];

const DOWN: &[&str] = &[
    "CREATE TABLE audit_events_before (EVENT_COLUMNS, CHAIN_COLUMNS, PRIMARY KEY (time, id)) KEY_ALONE",
    "INSERT INTO audit_events_before SELECT WHAT_IT_SAYS, seq, prev, hash, personal FROM audit_events",
    "INSERT INTO audit_events_before SELECT WHAT_IT_SAYS, NULL, NULL, NULL, NULL FROM audit_waiting",
    "DROP TABLE audit_events",
    "DROP TABLE audit_waiting",
    "ALTER TABLE audit_events_before RENAME TO audit_events",
    "CREATE UNIQUE INDEX audit_events_by_seq ON audit_events (seq) WHERE seq IS NOT NULL",
    "CREATE INDEX audit_events_unsealed ON audit_events (time, id) WHERE seq IS NULL",
];
