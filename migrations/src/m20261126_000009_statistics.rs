//! What happened how often, and who was here on a day.

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
    // `step` is its span in seconds. Whoever looks reads all nodes of a stretch of time, so that comes first.
    "CREATE TABLE stats (
        step BIGINT NOT NULL,
        start BIGINT NOT NULL,
        node BYTES NOT NULL,
        expires BIGINT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (step, start, node)
    )",
    "CREATE INDEX stats_by_expires ON stats (expires)",
    // A day is the moment it began, in UTC.
    "CREATE TABLE active_people (
        day BIGINT NOT NULL,
        account BYTES NOT NULL,
        PRIMARY KEY (day, account)
    )",
    "CREATE INDEX active_people_by_account ON active_people (account, day)",
];

const DOWN: &[&str] = &["DROP TABLE active_people", "DROP TABLE stats"];
