//! How to open a store.

use std::{fmt, path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::postgres::PgConnectOptions;
use vestibule_domain::{ports::Sealer, store::StoreError};

/// Called after each transaction of the writer, whatever became of it. Must not block.
pub type OnCommit = Arc<dyn Fn(CommitStats) + Send + Sync>;

/// Called after each question to the database that no cache could answer, with how long it took. Must not block.
pub type OnRead = Arc<dyn Fn(Duration) + Send + Sync>;

/// Called after each migration, which is not committed before the last of them. Must not block.
pub type OnMigration = Arc<dyn Fn(&str) + Send + Sync>;

/// What one transaction of the writer was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitStats {
    /// How many callers it held.
    pub batch: usize,
    /// How many more waited when it had ended.
    pub waiting: usize,
    /// From its beginning until it was durable, or failed.
    pub took: Duration,
}

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite:///path/to/file.db`, `sqlite:relative.db` or `postgres://user:password@host/database`. Secret: it may hold a password.
    pub url: String,
    /// Most connections that read at once.
    pub readers: u32,
    /// Most connections that write at once; PostgreSQL only, SQLite always has one.
    pub writers: u32,
    /// About how many bytes the caches may take in all: links and grants three sixteenths each, accounts and sessions two, and one each
    /// clients, providers, codes, revoked tokens, and where cookies and people of providers lead.
    pub cache_bytes: u64,
    /// How long a caller waits for a connection or for room in the writer's queue before it is told that the database is unavailable.
    /// PostgreSQL may take as long for a lock, twice as long for a statement of a writer, and three times as long to answer at all: a
    /// server that has said nothing by then is taken for gone.
    pub patience: Duration,
    /// Whether missing migrations are applied. If not and some are missing, the store doesn't open.
    pub migrate: bool,
    /// Whether it is opened for reading only, beside the process that writes: nothing is made, migrated, locked or written back, and
    /// every commit is refused.
    pub read_only: bool,
    /// Told of each transaction of the writer.
    pub on_commit: Option<OnCommit>,
    /// Told of each question to the database.
    pub on_read: Option<OnRead>,
    /// Told of each migration that is applied.
    pub on_migration: Option<OnMigration>,
    /// Opens what audit events say of people; without it that is read as if it were erased.
    pub sealer: Option<Arc<dyn Sealer>>,
}

impl StoreOptions {
    /// The defaults, for an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            readers: 8,
            writers: 4,
            cache_bytes: 64 << 20,
            patience: Duration::from_secs(5),
            migrate: true,
            read_only: false,
            on_commit: None,
            on_read: None,
            on_migration: None,
            sealer: None,
        }
    }

    pub(crate) fn place(&self) -> Result<Place<'_>, StoreError> {
        Place::of(&self.url).map_err(|wrong| StoreError::Unavailable(format!("its address {wrong}")))
    }
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// To a file.
    Sqlite(&'a Path),
    /// To a server.
    Postgres,
}

impl<'a> Place<'a> {
    /// Understands an address.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow its name and don't have it in them.
    pub fn of(url: &'a str) -> Result<Self, &'static str> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let understood = PgConnectOptions::from_str(url).is_ok();
            return if understood {
                Ok(Self::Postgres)
            } else {
                Err("is not understood; it looks like postgres://user:password@host/database")
            };
        }
        let path = url.strip_prefix("sqlite:").ok_or("must begin with sqlite: or postgres://")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.contains(":memory:") {
            return Err("is a database in memory, which would be another one for each connection; name a file");
        }
        if path.is_empty() || path.contains('?') {
            return Err("must be sqlite: and the path of a file, without options");
        }
        Ok(Self::Sqlite(Path::new(path)))
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("readers", &self.readers)
            .field("writers", &self.writers)
            .field("cache_bytes", &self.cache_bytes)
            .field("patience", &self.patience)
            .field("migrate", &self.migrate)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_a_file_or_a_server() {
        assert_eq!(Place::of("sqlite:///var/lib/v.db"), Ok(Place::Sqlite(Path::new("/var/lib/v.db"))));
        assert_eq!(Place::of("sqlite:v.db"), Ok(Place::Sqlite(Path::new("v.db"))));
        assert_eq!(Place::of("sqlite://data/v.db"), Ok(Place::Sqlite(Path::new("data/v.db"))));
        assert_eq!(Place::of("postgres://u:p@h/d"), Ok(Place::Postgres));
        assert_eq!(Place::of("postgresql://u:p@h/d"), Ok(Place::Postgres));
        for bad in ["", "mysql://h/d", "sqlite:", "sqlite::memory:", "sqlite:v.db?mode=memory", "postgres://u:hunter2@[h/d"] {
            let wrong = Place::of(bad).unwrap_err();
            assert!(!wrong.contains("hunter2"), "{bad}");
            assert_eq!(StoreOptions::new(bad).place(), Err(StoreError::Unavailable(format!("its address {wrong}"))));
        }
    }

    #[test]
    fn the_address_is_not_shown() {
        assert!(!format!("{:?}", StoreOptions::new("postgres://u:hunter2@h/d")).contains("hunter2"));
    }
}
