//! Apps that register themselves: until when each is kept, and the tokens that let them.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bytes = if manager.get_database_backend() == DbBackend::Postgres { "BYTEA" } else { "BLOB" };
        for statement in UP {
            manager.get_connection().execute_unprepared(&statement.replace("BYTES", bytes)).await?;
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

const UP: &[&str] = &[
    // Nothing for a client that an operator registered: it is kept until somebody deletes it.
    "ALTER TABLE clients ADD COLUMN kept_until BIGINT",
    "CREATE INDEX clients_by_kept_until ON clients (kept_until) WHERE kept_until IS NOT NULL",
    "CREATE TABLE registration_tokens (
        id BYTES NOT NULL PRIMARY KEY,
        digest BYTES NOT NULL,
        expires BIGINT NOT NULL,
        version BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE UNIQUE INDEX registration_tokens_by_digest ON registration_tokens (digest)",
    "CREATE INDEX registration_tokens_by_expires ON registration_tokens (expires)",
];

const DOWN: &[&str] = &["DROP TABLE registration_tokens", "DROP INDEX clients_by_kept_until", "ALTER TABLE clients DROP COLUMN kept_until"];
