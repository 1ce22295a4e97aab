//! What people allowed apps.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (bytes, name, lookup) = match manager.get_database_backend() {
            DbBackend::Postgres => ("BYTEA", "TEXT COLLATE \"C\"", ""),
            _ => ("BLOB", "TEXT", "WITHOUT ROWID"),
        };
        let table = format!(
            "CREATE TABLE consents (
                account {bytes} NOT NULL,
                client {name} NOT NULL,
                host {name} NOT NULL,
                given BIGINT NOT NULL,
                scopes TEXT NOT NULL,
                PRIMARY KEY (account, client, host)
            ) {lookup}"
        );
        manager.get_connection().execute_unprepared(&table).await?;
        // A client that is deleted takes what people allowed it along.
        manager.get_connection().execute_unprepared("CREATE INDEX consents_by_client ON consents (client)").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("consents").if_exists().to_owned()).await
    }
}
