//! People are found by how their names begin.
//!
//! The name has a column of its own, in small letters. The body can't be asked for it on PostgreSQL: what a provider says may have characters in it that
//! `jsonb` refuses, and one such person would keep everybody from starting. Code of the release before writes no name, so whoever signs in at a node that
//! was not replaced yet is found once they sign in again.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};
use serde_json::Value;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// How many are read at once.
const A_PAGE: u64 = 500;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let backend = manager.get_database_backend();
        // Compared as bytes on both.
        let (kind, [first, second]) = match backend {
            DbBackend::Postgres => ("TEXT COLLATE \"C\"", ["$1", "$2"]),
            _ => ("TEXT", ["?", "?"]),
        };
        connection.execute_unprepared(&format!("ALTER TABLE accounts ADD COLUMN name {kind}")).await?;
        let page = format!("SELECT id, body FROM accounts WHERE id > {first} ORDER BY id LIMIT {A_PAGE}");
        let fill = format!("UPDATE accounts SET name = {first} WHERE id = {second}");
        let mut after: Vec<u8> = Vec::new();
        loop {
            let rows = connection.query_all_raw(Statement::from_sql_and_values(backend, &page, [after.clone().into()])).await?;
            for row in &rows {
                after = row.try_get_by_index(0)?;
                let body: String = row.try_get_by_index(1)?;
                if let Some(name) = name_in(&body) {
                    let values = [name.into(), after.clone().into()];
                    connection.execute_raw(Statement::from_sql_and_values(backend, &fill, values)).await?;
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        connection.execute_unprepared("CREATE INDEX accounts_by_name ON accounts (name, id) WHERE name IS NOT NULL").await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in ["DROP INDEX accounts_by_name", "ALTER TABLE accounts DROP COLUMN name"] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

/// The name in a profile as it is looked for: in small letters, and no more of it than anybody types.
fn name_in(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let name = body.get("name")?.as_str()?;
    Some(name.to_lowercase().chars().filter(|letter| !letter.is_control()).take(200).collect())
}
