//! Opens the database, as each of the two wants to be opened.

use std::{fs, io, path::Path, str::FromStr, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};
use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use vestibule_domain::store::StoreError;
use vestibule_migrations::{Migrator, MigratorTrait};

use crate::{
    errors::{Fault, classify_sqlx},
    options::{Place, StoreOptions},
};

/// An open database.
pub(crate) struct Opened {
    pub(crate) readers: DatabaseConnection,
    pub(crate) writers: DatabaseConnection,
    /// For the listener; PostgreSQL only.
    pub(crate) postgres: Option<PgPool>,
}

pub(crate) async fn open(options: &StoreOptions) -> Result<Opened, StoreError> {
    match options.place()? {
        Place::Sqlite(path) => open_sqlite(&path, options).await,
        Place::Postgres => open_postgres(options).await,
    }
}

async fn open_sqlite(path: &Path, options: &StoreOptions) -> Result<Opened, StoreError> {
    create(path)?;
    let common = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(options.patience)
        .pragma("temp_store", "memory")
        .statement_cache_capacity(200)
        // Statements carry no values, but thousands of lines a second help nobody.
        .disable_statement_logging();
    let writing = common
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode anything less may lose the last commits when the power goes.
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-32000");
    let writers = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(options.patience)
        .connect_with(writing)
        .await
        .map_err(|error| cannot_open(&error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(options.patience)
        .connect_with(common.pragma("query_only", "on").pragma("cache_size", "-8000"))
        .await
        .map_err(|error| cannot_open(&error))?;
    Ok(Opened {
        readers: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers),
        writers: SqlxSqliteConnector::from_sqlx_sqlite_pool(writers),
        postgres: None,
    })
}

/// Makes the file if it is missing, readable by nobody else. Its two companions (`-wal`, `-shm`) take over its mode.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| {
        StoreError::Unavailable(match error.kind() {
            io::ErrorKind::NotFound => format!("the directory of {} does not exist", path.display()),
            io::ErrorKind::PermissionDenied => format!("{} may not be opened by this user", path.display()),
            _ => format!("{} can't be opened", path.display()),
        })
    })?;
    #[cfg(unix)]
    if let Ok(about) = file.metadata()
        && std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0
    {
        tracing::warn!("the database file {} can be read by other users of this machine; chmod 600 it", path.display());
    }
    drop(file);
    Ok(())
}

async fn open_postgres(options: &StoreOptions) -> Result<Opened, StoreError> {
    let connect = PgConnectOptions::from_str(&options.url)
        .map_err(|_| StoreError::Unavailable("its address is not understood".to_owned()))?
        .application_name("vestibule")
        .statement_cache_capacity(200)
        // Nothing here takes long; what does is stuck, and must not hold others up.
        .options([("statement_timeout", "30s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")])
        .disable_statement_logging();
    reach(&connect, options.patience).await?;
    // One more reads for the listener.
    let readers = pool(options, options.readers.max(1) + 1).test_before_acquire(true);
    // Asking before each use would cost a round trip for each group; the writer tries again instead.
    let writers = pool(options, options.writers.max(1)).test_before_acquire(false);
    let readers = readers.connect_with(connect.clone()).await.map_err(|error| cannot_open(&error))?;
    let writers = writers.connect_with(connect).await.map_err(|error| cannot_open(&error))?;
    Ok(Opened {
        postgres: Some(readers.clone()),
        readers: SqlxPostgresConnector::from_sqlx_postgres_pool(readers),
        writers: SqlxPostgresConnector::from_sqlx_postgres_pool(writers),
    })
}

/// A pool tries until its time is over and then says no more than that; one connection says what is wrong.
async fn reach(connect: &PgConnectOptions, patience: Duration) -> Result<(), StoreError> {
    let connection = tokio::time::timeout(patience, connect.connect()).await;
    let connection = connection.map_err(|_| Fault::Gone("it can't be reached").to_error())?;
    let connection = connection.map_err(|error| cannot_open(&error))?;
    connection.close().await.map_err(|error| cannot_open(&error))
}

fn pool(options: &StoreOptions, most: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(most).acquire_timeout(options.patience).idle_timeout(Duration::from_mins(10)).max_lifetime(None)
}

fn cannot_open(error: &sqlx::Error) -> StoreError {
    let fault = classify_sqlx(error);
    match fault {
        Fault::Lost => StoreError::Unavailable("it can't be reached".to_owned()),
        fault => fault.to_error(),
    }
}

/// The names of the migrations that are missing. Reads only.
pub(crate) async fn pending(db: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    let missing = Migrator::get_pending_migrations_read_only(db).await.map_err(|error| Fault::of(&error).to_error())?;
    Ok(missing.iter().map(|migration| migration.name().to_owned()).collect())
}

/// Every migration there is, for a database that does not exist yet.
pub(crate) fn all_migrations() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// Applies what is missing, all or nothing, and says what that was. Several nodes may begin at once: the first does it, the others wait.
pub(crate) async fn migrate(db: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    let tell = |error: DbErr| Fault::of(&error).to_error();
    if pending(db).await?.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = alone(db).await.map_err(tell)?;
    let applied = match apply(&transaction).await {
        Ok(applied) => applied,
        Err(error) => {
            let _ = transaction.rollback().await;
            return Err(tell(error));
        }
    };
    transaction.commit().await.map_err(tell)?;
    Ok(applied)
}

/// A transaction that no other node's migration runs beside.
async fn alone(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let backend = db.get_database_backend();
    let immediate = (backend == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
    let transaction = db.begin_with_options(options).await?;
    if backend == DbBackend::Postgres {
        // "vestibul" as a number. The lock goes with the transaction. Waiting for it may take as long as a migration.
        transaction.execute_unprepared("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
        transaction.query_one_raw(Statement::from_string(backend, "SELECT pg_advisory_xact_lock(8531352012944733548)")).await?;
    }
    Ok(transaction)
}

async fn apply(transaction: &DatabaseTransaction) -> Result<Vec<String>, DbErr> {
    let missing = Migrator::get_pending_migrations(transaction).await?;
    let names = missing.iter().map(|migration| migration.name().to_owned()).collect();
    Migrator::up(transaction, None).await?;
    Ok(names)
}

/// Writes the write-ahead log into the database file, so that the file alone is whole.
pub(crate) async fn checkpoint(db: &DatabaseConnection) {
    if db.get_database_backend() == DbBackend::Sqlite {
        let asked = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)")).await;
        if asked.is_err() {
            tracing::warn!("the write-ahead log was not written back; it will be when the file is opened next");
        }
    }
}
