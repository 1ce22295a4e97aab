//! Who is to be told of the end of a session, and which sessions a provider can tell us of.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// `due` is empty while the session lives. With its end it is when a client is to be told, and moves on with every attempt.
const TABLE: &str = "CREATE TABLE session_clients (
    session BYTES NOT NULL,
    client NAME NOT NULL,
    account BYTES NOT NULL,
    expires BIGINT NOT NULL,
    due BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (session, client)
) LOOKUP";

const INDEXES: [&str; 4] = [
    "CREATE INDEX session_clients_by_account ON session_clients (account) WHERE due IS NULL",
    "CREATE INDEX session_clients_by_due ON session_clients (due) WHERE due IS NOT NULL",
    "CREATE INDEX session_clients_by_expires ON session_clients (expires) WHERE due IS NULL",
    "CREATE INDEX sessions_by_upstream_session ON sessions (upstream_session, provider) WHERE upstream_session IS NOT NULL AND ended IS NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (bytes, name, lookup) = match manager.get_database_backend() {
            DbBackend::Postgres => ("BYTEA", "TEXT COLLATE \"C\"", ""),
            _ => ("BLOB", "TEXT", "WITHOUT ROWID"),
        };
        let table = TABLE.replace("BYTES", bytes).replace("NAME", name).replace("LOOKUP", lookup);
        let column = format!("ALTER TABLE sessions ADD COLUMN upstream_session {name}");
        for statement in [table.as_str(), &column].into_iter().chain(INDEXES) {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("session_clients").if_exists().to_owned()).await?;
        for statement in ["DROP INDEX IF EXISTS sessions_by_upstream_session", "ALTER TABLE sessions DROP COLUMN upstream_session"] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
