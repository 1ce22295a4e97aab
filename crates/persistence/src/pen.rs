//! The connection a writer writes on: its own, and never used again once it is not certain what state a transaction left it in.
//!
//! SQLite takes a transaction back by itself when the disk is full or can't be written. A connection that counts its transactions, as
//! pooled ones do, then believes itself inside one for good, and what it "commits" from then on is never committed. A pool would hand it
//! out again. It would also ask the server once more after each transaction, which is a round trip for nothing.

use std::time::Duration;

use sqlx::{
    ConnectOptions, Connection as _, Database, Encode, Executor, PgConnection, Postgres, Row, Sqlite, SqliteConnection, Type,
    postgres::PgConnectOptions, query::Query, sqlite::SqliteConnectOptions,
};
use tokio::time::{Instant, sleep, timeout};

use crate::errors::Fault;

/// Where a pen connects to.
#[derive(Clone)]
pub(crate) enum Address {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

/// The two databases, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// One value of a statement. Nothing has a type too, because PostgreSQL asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
}

impl Value {
    /// Nothing, of the same type.
    pub(crate) const fn nothing(&self) -> &'static Self {
        match self {
            Self::Bytes(_) => &Self::Bytes(None),
            Self::Text(_) => &Self::Text(None),
            Self::Int(_) => &Self::Int(None),
            Self::Bool(_) => &Self::Bool(None),
        }
    }
}

/// A connection that is there.
pub(crate) enum Connection {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

impl Connection {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement without values.
    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<(), Fault> {
        match self {
            // Prepared once and kept, unlike bare text.
            Self::Sqlite(connection) => sqlx::query(sql).execute(&mut **connection).await.map(drop)?,
            // Bare text takes one message less.
            Self::Postgres(connection) => connection.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: &[&Value]) -> Result<u64, Fault> {
        self.execute_with(sql, values, true).await
    }

    /// The same, by a plan that PostgreSQL makes for the table as it is now. SQLite has one plan for a statement.
    pub(crate) async fn execute_planned_anew(&mut self, sql: &'static str, values: &[&Value]) -> Result<u64, Fault> {
        self.execute_with(sql, values, false).await
    }

    async fn execute_with(&mut self, sql: &'static str, values: &[&Value], is_kept: bool) -> Result<u64, Fault> {
        Ok(match self {
            Self::Sqlite(connection) => bound::<Sqlite>(sql, values).execute(&mut **connection).await?.rows_affected(),
            Self::Postgres(connection) => {
                bound::<Postgres>(sql, values).persistent(is_kept).execute(&mut **connection).await?.rows_affected()
            }
        })
    }

    /// The first column of every row that comes back: a key.
    pub(crate) async fn keys(&mut self, sql: &'static str, values: &[&Value]) -> Result<Vec<Vec<u8>>, Fault> {
        let keys: Result<_, sqlx::Error> = match self {
            Self::Sqlite(connection) => {
                let rows = bound::<Sqlite>(sql, values).fetch_all(&mut **connection).await?;
                rows.iter().map(|row| row.try_get(0)).collect()
            }
            Self::Postgres(connection) => {
                let rows = bound::<Postgres>(sql, values).fetch_all(&mut **connection).await?;
                // Unchecked, because a key may be a name: the bytes of its text are what is wanted then.
                rows.iter().map(|row| row.try_get_unchecked(0)).collect()
            }
        };
        Ok(keys?)
    }

    /// The first three columns of every row that comes back: a key, whether something holds for it, and some bytes.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: &[&Value]) -> Result<Vec<(Vec<u8>, bool, Vec<u8>)>, Fault> {
        let found: Result<_, sqlx::Error> = match self {
            Self::Sqlite(connection) => {
                let rows = bound::<Sqlite>(sql, values).fetch_all(&mut **connection).await?;
                rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
            }
            Self::Postgres(connection) => {
                let rows = bound::<Postgres>(sql, values).fetch_all(&mut **connection).await?;
                rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
            }
        };
        Ok(found?)
    }

    /// The first column of the first row that comes back, if one does: a number, or nothing.
    pub(crate) async fn number(&mut self, sql: &'static str, values: &[&Value]) -> Result<Option<Option<i64>>, Fault> {
        let number: Result<_, sqlx::Error> = match self {
            Self::Sqlite(connection) => {
                let row = bound::<Sqlite>(sql, values).fetch_optional(&mut **connection).await?;
                row.map(|row| row.try_get(0)).transpose()
            }
            Self::Postgres(connection) => {
                let row = bound::<Postgres>(sql, values).fetch_optional(&mut **connection).await?;
                row.map(|row| row.try_get(0)).transpose()
            }
        };
        Ok(number?)
    }
}

/// Nothing here is built from what somebody sent: statements are constants, or made of constants once and kept.
fn bound<'v, DB>(sql: &'static str, values: &[&'v Value]) -> Query<'v, DB, <DB as Database>::Arguments>
where
    DB: Database,
    &'v [u8]: Encode<'v, DB> + Type<DB>,
    &'v str: Encode<'v, DB> + Type<DB>,
    i64: Encode<'v, DB> + Type<DB>,
    bool: Encode<'v, DB> + Type<DB>,
    Option<&'v [u8]>: Encode<'v, DB> + Type<DB>,
    Option<&'v str>: Encode<'v, DB> + Type<DB>,
    Option<i64>: Encode<'v, DB> + Type<DB>,
    Option<bool>: Encode<'v, DB> + Type<DB>,
{
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Bytes(value) => query.bind(value.as_deref()),
        Value::Text(value) => query.bind(value.as_deref()),
        Value::Int(value) => query.bind(*value),
        Value::Bool(value) => query.bind(*value),
    })
}

impl std::fmt::Debug for Pen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address may hold a password.
        f.debug_struct("Pen").field("dialect", &self.dialect()).finish_non_exhaustive()
    }
}

/// A writer's connection, opened when it is needed.
pub(crate) struct Pen {
    address: Address,
    patience: Duration,
    connection: Option<Connection>,
    opened: u64,
}

impl Pen {
    pub(crate) const fn new(address: Address, patience: Duration) -> Self {
        Self { address, patience, connection: None, opened: 0 }
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        match self.address {
            Address::Sqlite(_) => Dialect::Sqlite,
            Address::Postgres(_) => Dialect::Postgres,
        }
    }

    /// How many connections there have been. What one of them said about itself holds for no other.
    pub(crate) const fn opened(&self) -> u64 {
        self.opened
    }

    /// The connection; a server that starts anew is waited for, as long as anybody waits for a connection.
    pub(crate) async fn connection(&mut self) -> Result<&mut Connection, Fault> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => {
                let connection = reach(&self.address, self.patience).await?;
                self.opened += 1;
                Ok(none.insert(connection))
            }
        }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&mut self) -> Result<(), Fault> {
        // A deferred transaction of SQLite that turns to writing gets BUSY at once, whatever the busy timeout.
        let begin = match self.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        self.certainly(begin).await
    }

    /// Commits the transaction. After an error it may be committed or not.
    pub(crate) async fn commit(&mut self) -> Result<(), Fault> {
        self.certainly("COMMIT").await
    }

    /// Takes the transaction back.
    pub(crate) async fn roll_back(&mut self) {
        // An error needs no answer: the connection is closed with whatever was left of the transaction.
        let _ = self.certainly("ROLLBACK").await;
    }

    async fn certainly(&mut self, sql: &'static str) -> Result<(), Fault> {
        let limit = self.limit();
        let connection = self.connection().await?;
        let done = within(limit, connection.run(sql)).await;
        if done.is_err() {
            self.discard();
        }
        done
    }

    /// Closes the connection without a word; the next use opens another.
    pub(crate) fn discard(&mut self) {
        self.connection = None;
    }

    /// How long the server may take to answer. Far longer than it gives its own statements, so whoever says nothing by then is gone.
    /// A file doesn't go away without a word.
    pub(crate) fn limit(&self) -> Option<Duration> {
        (self.dialect() == Dialect::Postgres).then_some(self.patience * 3)
    }

    /// Closes the connection politely. On SQLite the write-ahead log is written back first, so that the file alone is whole.
    pub(crate) async fn close(mut self) {
        if self.dialect() == Dialect::Sqlite
            && let Ok(connection) = self.connection().await
            && connection.run("PRAGMA wal_checkpoint(TRUNCATE)").await.is_err()
        {
            tracing::warn!("the write-ahead log was not written back; it will be when the file is opened next");
        }
        let closed = match self.connection {
            Some(Connection::Sqlite(connection)) => timeout(self.patience, connection.close()).await,
            Some(Connection::Postgres(connection)) => timeout(self.patience, connection.close()).await,
            None => return,
        };
        if !matches!(closed, Ok(Ok(()))) {
            tracing::warn!("a writer's connection was not closed properly");
        }
    }
}

/// What `work` comes to, or that the connection is lost when it takes longer than `limit`.
pub(crate) async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match limit {
        Some(limit) => timeout(limit, work).await.unwrap_or(Err(Fault::Lost)),
        None => work.await,
    }
}

async fn reach(address: &Address, patience: Duration) -> Result<Connection, Fault> {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_millis(20);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match within(Some(left), connect(address)).await {
            Err(Fault::Lost) if left > pause => sleep(pause).await,
            Err(Fault::Lost) => return Err(Fault::Gone("it can't be reached")),
            reached => return reached,
        }
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

async fn connect(address: &Address) -> Result<Connection, Fault> {
    Ok(match address {
        Address::Sqlite(options) => Connection::Sqlite(Box::new(options.connect().await?)),
        Address::Postgres(options) => Connection::Postgres(Box::new(options.connect().await?)),
    })
}

macro_rules! values {
    ($($type:ty => $value:ident),*) => {
        $(
            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    Self::$value(Some(value))
                }
            }

            impl From<Option<$type>> for Value {
                fn from(value: Option<$type>) -> Self {
                    Self::$value(value)
                }
            }
        )*
    };
}

values!(Vec<u8> => Bytes, String => Text, i64 => Int, bool => Bool);

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
