//! People are found by how their names begin.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The name stands in the body; whoever asks spells it as it is spelled here, or the index is of no use.
        let index = match manager.get_database_backend() {
            DbBackend::Postgres => "CREATE INDEX accounts_by_name ON accounts (lower(((body::jsonb) ->> 'name') COLLATE \"C\"), id)",
            _ => "CREATE INDEX accounts_by_name ON accounts (lower(json_extract(body, '$.name')), id)",
        };
        manager.get_connection().execute_unprepared(index).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX IF EXISTS accounts_by_name").await.map(drop)
    }
}
