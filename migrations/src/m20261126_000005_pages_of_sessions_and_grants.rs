//! Sessions and grants a page at a time, whoever asks for whose; and codes that are found by whose they are, to be taken back with the rest.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (bytes, name) = match manager.get_database_backend() {
            DbBackend::Postgres => ("BYTEA", "TEXT COLLATE \"C\""),
            _ => ("BLOB", "TEXT"),
        };
        for statement in UP {
            manager.get_connection().execute_unprepared(&statement.replace("BYTES", bytes).replace("NAME", name)).await?;
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

/// The id comes last in what pages walk along, so that a page after a cursor is one stretch of an index. The indexes that go are the beginnings of
/// those that come.
const UP: &[&str] = &[
    // Nothing for a code of the release before: it lives for a minute.
    "ALTER TABLE codes ADD COLUMN account BYTES",
    "ALTER TABLE codes ADD COLUMN client NAME",
    "CREATE INDEX codes_by_account ON codes (account, client) WHERE account IS NOT NULL",
    "CREATE INDEX codes_by_client ON codes (client, expires) WHERE client IS NOT NULL",
    "CREATE INDEX grants_alive_by_account ON grants (account, id) WHERE revoked_at IS NULL",
    "CREATE INDEX grants_alive_by_client ON grants (client, id) WHERE revoked_at IS NULL",
    "CREATE INDEX grants_alive_by_client_session ON grants (client, session) WHERE revoked_at IS NULL",
    "CREATE INDEX sessions_alive_by_account ON sessions (account, id) WHERE ended IS NULL",
    "CREATE INDEX sessions_alive_by_provider ON sessions (provider, id) WHERE ended IS NULL",
    "DROP INDEX grants_by_account",
    "DROP INDEX grants_by_client",
    "DROP INDEX sessions_by_account",
];

const DOWN: &[&str] = &[
    "CREATE INDEX sessions_by_account ON sessions (account)",
    "CREATE INDEX grants_by_client ON grants (client)",
    "CREATE INDEX grants_by_account ON grants (account)",
    "DROP INDEX sessions_alive_by_provider",
    "DROP INDEX sessions_alive_by_account",
    "DROP INDEX grants_alive_by_client_session",
    "DROP INDEX grants_alive_by_client",
    "DROP INDEX grants_alive_by_account",
    "DROP INDEX codes_by_client",
    "DROP INDEX codes_by_account",
    "ALTER TABLE codes DROP COLUMN client",
    "ALTER TABLE codes DROP COLUMN account",
];
