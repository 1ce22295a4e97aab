//! How far each sink of audit events has come.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(UP).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE audit_sinks").await.map(drop)
    }
}

// A row for each name that ever stood in the configuration: a sink that comes back goes on where it was.
const UP: &str = "CREATE TABLE audit_sinks (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    body TEXT NOT NULL
)";
