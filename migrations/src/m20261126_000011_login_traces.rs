//! What was decided about logins, kept for a while.

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
        manager.get_connection().execute_unprepared("DROP TABLE login_traces").await.map(drop)
    }
}

const UP: &[&str] = &[
    // One row for each request that decided something: the reference is the one on its page.
    "CREATE TABLE login_traces (
        login BYTES NOT NULL,
        reference TEXT NOT NULL,
        at BIGINT NOT NULL,
        expires BIGINT NOT NULL,
        account BYTES,
        body TEXT NOT NULL,
        PRIMARY KEY (login, reference)
    )",
    "CREATE INDEX login_traces_by_reference ON login_traces (reference)",
    "CREATE INDEX login_traces_by_expires ON login_traces (expires)",
    "CREATE INDEX login_traces_by_account ON login_traces (account) WHERE account IS NOT NULL",
];
