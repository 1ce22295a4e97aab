//! The chain of audit events, its checkpoints, and the keys of what events say of people.

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
    // Nothing in an event that is not sealed yet: the release before this writes such ones too.
    "ALTER TABLE audit_events ADD COLUMN seq BIGINT",
    "ALTER TABLE audit_events ADD COLUMN prev BYTES",
    "ALTER TABLE audit_events ADD COLUMN hash BYTES",
    "ALTER TABLE audit_events ADD COLUMN personal BYTES",
    "CREATE UNIQUE INDEX audit_events_by_seq ON audit_events (seq) WHERE seq IS NOT NULL",
    "CREATE INDEX audit_events_unsealed ON audit_events (time, id) WHERE seq IS NULL",
    // One row. Up to `base` events are kept no more.
    "CREATE TABLE audit_chain (
        id BIGINT NOT NULL PRIMARY KEY,
        version BIGINT NOT NULL,
        base BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE TABLE audit_checkpoints (
        seq BIGINT NOT NULL PRIMARY KEY,
        at BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE INDEX audit_checkpoints_by_at ON audit_checkpoints (at)",
    // Without a key the person was erased, and nothing new is known of them.
    "CREATE TABLE audit_subjects (
        account BYTES NOT NULL PRIMARY KEY,
        subject_key BYTES,
        erased BIGINT
    )",
];

const DOWN: &[&str] = &[
    "DROP TABLE audit_subjects",
    "DROP TABLE audit_checkpoints",
    "DROP TABLE audit_chain",
    "DROP INDEX audit_events_unsealed",
    "DROP INDEX audit_events_by_seq",
    "ALTER TABLE audit_events DROP COLUMN personal",
    "ALTER TABLE audit_events DROP COLUMN hash",
    "ALTER TABLE audit_events DROP COLUMN prev",
    "ALTER TABLE audit_events DROP COLUMN seq",
];
