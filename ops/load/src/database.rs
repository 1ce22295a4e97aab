//! Where a gateway under load keeps what it knows.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};
use url::Url;

use crate::Outcome;

static MADE: AtomicUsize = AtomicUsize::new(0);

/// A file of its own, or a database of its own on a server.
#[derive(Debug)]
pub(crate) struct Database {
    url: String,
    /// The server that it is on, and what it is called there.
    on: Option<(String, String)>,
}

impl Database {
    /// An empty one.
    pub(crate) async fn prepare(server: Option<&str>, folder: &Path) -> Outcome<Self> {
        let Some(server) = server else {
            return Ok(Self { url: format!("sqlite://{}/vestibule.db", folder.display()), on: None });
        };
        let name = format!("vestibule_load_{}", MADE.fetch_add(1, Ordering::Relaxed) + 1);
        let mut url = Url::parse(server)?;
        url.set_path(&name);
        let database = Self { url: url.into(), on: Some((server.to_owned(), name.clone())) };
        database.remove().await?;
        run(&mut PgConnection::connect(server).await?, AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        Ok(database)
    }

    /// Its address, as the configuration has it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Has it take every audit event and keep none, which is as near as a gateway comes to one that records nothing. It must be migrated already.
    pub(crate) async fn forget_events(&self) -> Outcome<()> {
        if self.on.is_some() {
            let mut connection = PgConnection::connect(&self.url).await?;
            run(&mut connection, "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'").await?;
            let forget = "CREATE TRIGGER forget BEFORE INSERT ON audit_waiting FOR EACH ROW EXECUTE FUNCTION forget()";
            return run(&mut connection, forget).await;
        }
        let forget = "CREATE TRIGGER forget BEFORE INSERT ON audit_waiting BEGIN SELECT RAISE(IGNORE); END";
        run(&mut SqliteConnection::connect(&self.url).await?, forget).await
    }

    /// Leaves nothing on the server; a file goes with its folder.
    pub(crate) async fn remove(&self) -> Outcome<()> {
        let Some((server, name)) = &self.on else { return Ok(()) };
        run(&mut PgConnection::connect(server).await?, AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await
    }
}

async fn run<C>(connection: &mut C, statement: impl SqlSafeStr) -> Outcome<()>
where
    for<'c> &'c mut C: Executor<'c>,
{
    sqlx::raw_sql(statement).execute(connection).await?;
    Ok(())
}
