//! What is known of people's ways of signing in goes when nobody comes again. What is there already gets its moment from the sweep.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in UP {
            manager.get_connection().execute_unprepared(statement).await?;
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
    "ALTER TABLE audit_subjects ADD COLUMN habits_until BIGINT",
    "CREATE INDEX audit_subjects_by_habits_until ON audit_subjects (habits_until) WHERE habits IS NOT NULL",
];

const DOWN: &[&str] = &["DROP INDEX audit_subjects_by_habits_until", "ALTER TABLE audit_subjects DROP COLUMN habits_until"];
