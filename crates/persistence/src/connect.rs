//! Opens the database, as each of the two wants to be opened.

use std::{fs, io, path::Path, str::FromStr, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};
use sqlx::{
    ConnectOptions, Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};
use vestibule_domain::store::StoreError;
use vestibule_migrations::{Migrator, MigratorTrait, SchemaStanding};

use crate::{
    errors::{Fault, classify_sqlx},
    options::{OnMigration, Place, StoreOptions},
    pen::{Address, Pen},
    writer::STATEMENTS,
};

/// An open database.
pub(crate) struct Opened {
    pub(crate) readers: DatabaseConnection,
    /// For the writers; none when it is open for reading only.
    pub(crate) pens: Vec<Pen>,
    /// For the listener; PostgreSQL only.
    pub(crate) postgres: Option<PgPool>,
}

pub(crate) async fn open(options: &StoreOptions) -> Result<Opened, StoreError> {
    match options.place()? {
        Place::Sqlite(path) => open_sqlite(path, options).await,
        Place::Postgres => open_postgres(options).await,
    }
}

async fn open_sqlite(path: &Path, options: &StoreOptions) -> Result<Opened, StoreError> {
    let common = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(options.patience)
        .pragma("temp_store", "memory")
        // Statements carry no values, but thousands of lines a second help nobody.
        .disable_statement_logging();
    let mut pens = Vec::new();
    if !options.read_only {
        create(path)?;
        let writing = common
            .clone()
            .statement_cache_capacity(STATEMENTS)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode anything less may lose the last commits when the power goes.
            .synchronous(SqliteSynchronous::Full)
            // Every statement finds its rows by a key. Two logouts at once must not read every grant there is to look each up among the two.
            .pragma("automatic_index", "off")
            // In pages. What many commits change, as the end of an index, is written back once for all of them.
            .pragma("wal_autocheckpoint", "12000")
            .pragma("journal_size_limit", "67108864")
            .pragma("cache_size", "-32000");
        with_a_log(&writing, options.patience).await?;
        // Before the readers, because it is what makes the file a database.
        pens.push(writer(Address::Sqlite(Box::new(writing)), options).await?);
    }
    // A connection that may only read can't write the log back when it is the last to go, either.
    let reading = common.read_only(options.read_only).pragma("query_only", "on").pragma("cache_size", "-8000");
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(options.patience)
        .connect_with(reading.statement_cache_capacity(200))
        .await
        .map_err(|error| cannot_open(&error))?;
    Ok(Opened { readers: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers), pens, postgres: None })
}

/// Gives the file its write-ahead log. That takes having the file alone for a moment, and whoever has the log open is never gone: one who began beside
/// the first and has not seen its log would wait for it in vain. So nobody waits long, but looks again, and then the log is there.
async fn with_a_log(options: &SqliteConnectOptions, patience: Duration) -> Result<(), StoreError> {
    const A_MOMENT: Duration = Duration::from_millis(50);
    let options = options.clone().busy_timeout(A_MOMENT);
    let until = Instant::now() + patience;
    loop {
        match options.connect().await {
            Ok(connection) => return connection.close().await.map_err(|error| cannot_open(&error)),
            Err(error) if Instant::now() < until && matches!(classify_sqlx(&error), Fault::Gone(_)) => sleep(A_MOMENT).await,
            Err(error) => return Err(cannot_open(&error)),
        }
    }
}

/// The first writer's connection, which shows whether there can be one.
async fn writer(address: Address, options: &StoreOptions) -> Result<Pen, StoreError> {
    let mut pen = Pen::new(address, options.patience);
    pen.connection().await.map_err(Fault::to_error)?;
    Ok(pen)
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
    let common = PgConnectOptions::from_str(&options.url)
        .map_err(|error| cannot_open(&error))?
        .application_name("vestibule")
        .disable_statement_logging();
    // Nothing here takes long; what does is stuck, and must not hold others up.
    let reading = common.clone().statement_cache_capacity(200).options([
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        // What is rare and what is common in the audit log are looked for in different ways. A plan for any value would be one for what is common.
        ("plan_cache_mode", "force_custom_plan"),
    ]);
    let writing = common.statement_cache_capacity(STATEMENTS).options([
        ("statement_timeout", milliseconds(options.patience * 2)),
        ("lock_timeout", milliseconds(options.patience)),
        ("idle_in_transaction_session_timeout", "60s".to_owned()),
        // Every statement finds its rows by a key. A plan made while a table was empty must not read all of it later.
        ("enable_seqscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
    ]);
    let mut pens = Vec::new();
    if options.read_only {
        reach(&reading, options.patience).await?;
    } else {
        let address = Address::Postgres(Box::new(writing));
        pens.push(writer(address.clone(), options).await?);
        pens.extend((1..options.writers).map(|_| Pen::new(address.clone(), options.patience)));
    }
    let reading = if options.read_only { reading.options([("default_transaction_read_only", "on")]) } else { reading };
    let readers = PgPoolOptions::new()
        // One more is for the listener.
        .max_connections(options.readers.max(1) + 1)
        .acquire_timeout(options.patience)
        .idle_timeout(Duration::from_mins(10))
        .max_lifetime(None)
        .test_before_acquire(true)
        .connect_with(reading)
        .await
        .map_err(|error| cannot_open(&error))?;
    let postgres = (!options.read_only).then(|| readers.clone());
    Ok(Opened { postgres, pens, readers: SqlxPostgresConnector::from_sqlx_postgres_pool(readers) })
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// A pool tries until its time is over and then says no more than that; one connection says what is wrong.
async fn reach(connect: &PgConnectOptions, patience: Duration) -> Result<(), StoreError> {
    Pen::new(Address::Postgres(Box::new(connect.clone())), patience).connection().await.map(drop).map_err(Fault::to_error)
}

fn cannot_open(error: &sqlx::Error) -> StoreError {
    let fault = classify_sqlx(error);
    match fault {
        Fault::Lost => StoreError::Unavailable("it can't be reached".to_owned()),
        fault => fault.to_error(),
    }
}

/// Which migrations are missing, and which are later than this code. Reads only.
pub(crate) async fn standing(db: &DatabaseConnection) -> Result<SchemaStanding, StoreError> {
    Migrator::standing(db).await.map_err(|error| Fault::of(&error).to_error())
}

/// Applies what is missing, all or nothing, and says what that was. Several nodes may begin at once: the first does it, the others wait.
pub(crate) async fn migrate(address: &Address, options: &StoreOptions) -> Result<Vec<String>, StoreError> {
    let db = for_migrations(address, options.patience).await.map_err(|error| cannot_open(&error))?;
    let applied = match apply_alone(&db, options.on_migration.as_ref()).await {
        Ok(applied) => Ok(applied),
        Err(error) => Err(Fault::of(&error).to_error()),
    };
    if db.close().await.is_err() {
        tracing::warn!("the connection of the migrations was not closed properly");
    }
    applied
}

/// Migrations want a connection of the library they are written with.
async fn for_migrations(address: &Address, patience: Duration) -> Result<DatabaseConnection, sqlx::Error> {
    Ok(match address {
        Address::Sqlite(options) => {
            let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(patience).connect_with((**options).clone());
            SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.await?)
        }
        Address::Postgres(options) => {
            let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(patience).connect_with((**options).clone());
            SqlxPostgresConnector::from_sqlx_postgres_pool(pool.await?)
        }
    })
}

async fn apply_alone(db: &DatabaseConnection, told: Option<&OnMigration>) -> Result<Vec<String>, DbErr> {
    let transaction = alone(db).await?;
    match apply(&transaction, told).await {
        Ok(applied) => transaction.commit().await.map(|()| applied),
        Err(error) => {
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
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

async fn apply(transaction: &DatabaseTransaction, told: Option<&OnMigration>) -> Result<Vec<String>, DbErr> {
    let missing = Migrator::get_pending_migrations(transaction).await?;
    let names: Vec<_> = missing.iter().map(|migration| migration.name().to_owned()).collect();
    for name in &names {
        Migrator::up(transaction, Some(1)).await?;
        if let Some(told) = told {
            told(name);
        }
    }
    Ok(names)
}
