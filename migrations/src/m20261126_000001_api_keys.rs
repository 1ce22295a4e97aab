//! Keys of the admin API, and when they and the secrets of clients were used last.

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
    // Nothing in `expires` for one that works until it is deleted.
    "CREATE TABLE api_keys (
        id BYTES NOT NULL PRIMARY KEY,
        expires BIGINT,
        version BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE INDEX api_keys_by_expires ON api_keys (expires) WHERE expires IS NOT NULL",
    "CREATE TABLE last_uses (
        id BYTES NOT NULL PRIMARY KEY,
        used BIGINT NOT NULL
    )",
];

const DOWN: &[&str] = &["DROP TABLE last_uses", "DROP TABLE api_keys"];
