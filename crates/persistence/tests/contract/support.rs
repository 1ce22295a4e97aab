//! Databases for tests: each test has one of its own.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use vestibule_domain::ports::Store;
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::store_contract::Bench;

/// Whatever stores a test opened, so that they are closed with it.
struct Opened {
    options: StoreOptions,
    first: Arc<SqlStore>,
    others: Mutex<Vec<Arc<SqlStore>>>,
}

impl Opened {
    async fn new(options: StoreOptions) -> Self {
        let first = Arc::new(SqlStore::connect(&options).await.expect("the database opens"));
        Self { options, first, others: Mutex::default() }
    }

    async fn another(&self) -> Arc<SqlStore> {
        let other = Arc::new(SqlStore::connect(&self.options).await.expect("the database opens again"));
        self.others.lock().expect("no test panicked with it").push(other.clone());
        other
    }

    async fn close(&self) {
        self.first.close().await;
        let others = std::mem::take(&mut *self.others.lock().expect("no test panicked with it"));
        for other in others {
            other.close().await;
        }
    }
}

/// A SQLite file in a directory of its own.
pub(crate) struct SqliteBench {
    opened: Opened,
    directory: TempDir,
}

impl SqliteBench {
    pub(crate) fn sql_store(&self) -> Arc<SqlStore> {
        self.opened.first.clone()
    }

    /// The file, for a look behind the store's back.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("vestibule.db")
    }
}

pub(crate) fn sqlite_options(directory: &TempDir) -> StoreOptions {
    StoreOptions { readers: 3, ..StoreOptions::new(format!("sqlite://{}/vestibule.db", directory.path().display())) }
}

#[async_trait]
impl Bench for SqliteBench {
    async fn set_up() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { opened: Opened::new(sqlite_options(&directory)).await, directory }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.opened.first.clone()
    }

    async fn another(&self) -> Arc<dyn Store> {
        self.opened.another().await
    }

    async fn tear_down(self) {
        self.opened.close().await;
    }
}

/// A database of its own on the PostgreSQL that `tests/run` starts.
pub(crate) struct PostgresBench {
    opened: Opened,
    database: Database,
}

/// A scratch database.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        #[expect(clippy::disallowed_methods, reason = "a test has no configuration; tests/run tells it where PostgreSQL is")]
        let server = std::env::var("VESTIBULE_TEST_POSTGRES").expect(
            "VESTIBULE_TEST_POSTGRES is not set: these tests need a PostgreSQL. tests/run starts one; run them with tests/run -E 'test(postgres)'",
        );
        let name = format!("contract_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        database.at_the_server(&format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("the address names a database");
        format!("{server}/{}", self.name)
    }

    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions { readers: 3, ..StoreOptions::new(self.url()) }
    }

    /// Runs a statement behind the store's back.
    pub(crate) async fn run(&self, sql: &str) {
        run(&self.url(), sql).await;
    }

    /// What a statement that returns one number returns.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.connect().await).await.expect("a number")
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("PostgreSQL answers")
    }

    pub(crate) async fn at_the_server(&self, sql: &str) {
        run(&self.server, sql).await;
    }

    pub(crate) async fn drop(self) {
        self.at_the_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

/// What takes a database back to before people were found by name.
pub(crate) const BEFORE_NAMES: [&str; 3] = [
    "DROP INDEX accounts_by_name",
    "ALTER TABLE accounts DROP COLUMN name",
    "DELETE FROM seaql_migrations WHERE version LIKE '%_names_of_people'",
];

/// Somebody of whom a provider said what PostgreSQL's `jsonb` refuses.
pub(crate) fn odd_account() -> vestibule_domain::account::Account {
    let mut account = vestibule_testkit::sample::Sample::default().account();
    account.profile.name = Some("Ada".into());
    account.profile.custom.insert("x".into(), serde_json::json!({ "y": "a\u{0}" }));
    account
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
    connection.execute(AssertSqlSafe(sql.to_owned())).await.expect("the statement works");
    connection.close().await.expect("the connection closes");
}

impl PostgresBench {
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

#[async_trait]
impl Bench for PostgresBench {
    async fn set_up() -> Self {
        let database = Database::create().await;
        Self { opened: Opened::new(database.options()).await, database }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.opened.first.clone()
    }

    async fn another(&self) -> Arc<dyn Store> {
        self.opened.another().await
    }

    async fn tear_down(self) {
        self.opened.close().await;
        self.database.drop().await;
    }
}

/// Asks until the answer is `true`, for a few seconds.
pub(crate) async fn comes_true<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    let began = tokio::time::Instant::now();
    while !ask().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what} does not come true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
