//! The store itself: reads through the caches, commits through the queue.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::{
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinHandle},
};
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens},
    audit::AuditEvent,
    client::Client,
    code::Code,
    grant::Grant,
    ids::{AccountId, ClientId, GrantId, SessionId},
    keys::SigningKey,
    ports::Store,
    secret::Digest,
    session::Session,
    store::{Changes, EventQuery, StoreError},
    time::Timestamp,
    token::TokenId,
};

use crate::{
    caches::Caches,
    connect::{self, Opened},
    errors::{Fault, classify_sqlx},
    events,
    listener::{Listener, Node},
    options::{Place, StoreOptions},
    reads,
    sweep::{AT_ONCE, Broom, Kind},
    writer::{MOST_TOGETHER, Order, Prepared, Writer},
};

/// Callers that may wait for the writer; beyond, they wait for room.
const QUEUE: usize = MOST_TOGETHER * 16;

/// The [`Store`] on SQLite or PostgreSQL. Must be made inside a tokio runtime, and closed by [`SqlStore::close`].
#[derive(Debug)]
pub struct SqlStore {
    readers: DatabaseConnection,
    writers: DatabaseConnection,
    caches: Arc<Caches>,
    patience: Duration,
    /// Gone once the store is closed.
    queue: Mutex<Option<mpsc::Sender<Order>>>,
    at_work: Mutex<Vec<JoinHandle<()>>>,
    listening: Option<AbortHandle>,
}

/// The migrations that the database at `options.url` lacks, in order. Changes nothing; a database file that isn't there lacks all.
pub async fn pending(options: &StoreOptions) -> Result<Vec<String>, StoreError> {
    if let Place::Sqlite(path) = options.place()?
        && !Path::exists(&path)
    {
        return Ok(connect::all_migrations());
    }
    let opened = connect::open(options).await?;
    let missing = connect::pending(&opened.writers).await;
    opened.close().await;
    missing
}

/// Applies the migrations that the database lacks, all or none, and returns their names.
pub async fn migrate(options: &StoreOptions) -> Result<Vec<String>, StoreError> {
    let opened = connect::open(options).await?;
    let applied = connect::migrate(&opened.writers).await;
    opened.close().await;
    applied
}

impl SqlStore {
    /// Opens the database, makes its file if it is SQLite and missing, and brings it up to date if `options.migrate` says so.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what to do about it, in words that don't have the address in them.
    pub async fn connect(options: &StoreOptions) -> Result<Self, StoreError> {
        let opened = connect::open(options).await?;
        match Self::begin(&opened, options).await {
            Ok(store) => Ok(store),
            Err(error) => {
                opened.close().await;
                Err(error)
            }
        }
    }

    async fn begin(opened: &Opened, options: &StoreOptions) -> Result<Self, StoreError> {
        if options.migrate {
            for name in connect::migrate(&opened.writers).await? {
                tracing::info!("applied the migration {name}");
            }
        } else if let missing @ 1.. = connect::pending(&opened.writers).await?.len() {
            return Err(StoreError::Unavailable(format!("it lacks {missing} migrations; apply them first")));
        }
        let caches = Arc::new(Caches::new(options.cache_entries, opened.postgres.is_none()));
        let mut at_work = Vec::new();
        let mut listening = None;
        let mut node = None;
        if let Some(pool) = &opened.postgres {
            let me = name(&opened.readers).await?;
            let listener = Listener { node: me.clone(), pool: pool.clone(), caches: caches.clone() };
            let first = listener.begin().await.map_err(|error| classify_sqlx(&error).to_error())?;
            listening = Some(tokio::spawn(listener.run(first)).abort_handle());
            node = Some(me);
        }
        let (queue, orders) = mpsc::channel(QUEUE);
        let orders = Arc::new(tokio::sync::Mutex::new(orders));
        let writers = if opened.postgres.is_some() { options.writers.max(1) } else { 1 };
        for _ in 0..writers {
            let writer = Writer {
                db: opened.writers.clone(),
                queue: orders.clone(),
                caches: caches.clone(),
                node: node.clone(),
                on_commit: options.on_commit.clone(),
            };
            at_work.push(tokio::spawn(writer.run()));
        }
        Ok(Self {
            readers: opened.readers.clone(),
            writers: opened.writers.clone(),
            caches,
            patience: options.patience,
            queue: Mutex::new(Some(queue)),
            at_work: Mutex::new(at_work),
            listening,
        })
    }

    /// Takes no more commits, finishes those that wait, and closes every connection. On SQLite the write-ahead log is written back, so that
    /// the file alone is whole. What is asked of the store afterwards is answered with [`StoreError::Unavailable`].
    pub async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let at_work = std::mem::take(&mut *self.at_work.lock().unwrap_or_else(PoisonError::into_inner));
        for writer in at_work {
            if writer.await.is_err() {
                tracing::error!("a writer ended before its time");
            }
        }
        if let Some(listening) = &self.listening {
            listening.abort();
        }
        let opened = Opened { readers: self.readers.clone(), writers: self.writers.clone(), postgres: None };
        opened.close().await;
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Order) -> Result<T, StoreError> {
        let unavailable = |why: &str| StoreError::Unavailable(why.to_owned());
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or_else(|| unavailable("the store is closed"))?;
        let (answer, answered) = oneshot::channel();
        let put = queue.send_timeout(order(answer), self.patience).await;
        // The queue ends when nobody holds an end of it: waiting for the answer must not keep it open.
        drop(queue);
        put.map_err(|_| unavailable("too many commits wait"))?;
        answered.await.map_err(|_| unavailable("the writer stopped"))?
    }
}

impl Opened {
    async fn close(self) {
        // Readers first: the write-ahead log can only be emptied when nobody reads it.
        if self.readers.close().await.is_err() {
            tracing::warn!("the readers' connections were not closed properly");
        }
        connect::checkpoint(&self.writers).await;
        if self.writers.close().await.is_err() {
            tracing::warn!("the writers' connections were not closed properly");
        }
    }
}

impl Drop for SqlStore {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

/// A name no other node has; the database draws it.
async fn name(db: &DatabaseConnection) -> Result<Node, StoreError> {
    let asked = db.query_one_raw(Statement::from_string(DbBackend::Postgres, "SELECT replace(gen_random_uuid()::text, '-', '')")).await;
    let tell = |error| Fault::of(&error).to_error();
    let row = asked.map_err(tell)?.ok_or_else(|| StoreError::Unavailable("it answered nothing".to_owned()))?;
    let name: String = row.try_get_by_index(0).map_err(tell)?;
    Ok(Node(name.into()))
}

#[async_trait]
impl Store for SqlStore {
    async fn commit(&self, changes: Changes) -> Result<(), StoreError> {
        let prepared = Prepared::new(changes)?;
        self.order(|answer| Order::Commit(prepared, answer)).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        self.caches.clients.read(id, reads::client(&self.readers, id)).await
    }

    async fn clients(&self, after: Option<&ClientId>, limit: u64) -> Result<Vec<Client>, StoreError> {
        reads::clients(&self.readers, after, limit).await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        self.caches.accounts.read(id, reads::account(&self.readers, id)).await
    }

    async fn link(&self, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        reads::link(&self.readers, key).await
    }

    async fn session(&self, digest: &Digest) -> Result<Option<Arc<Session>>, StoreError> {
        if let Some(id) = self.caches.cookies.get(digest) {
            let session = self.caches.sessions.read(&id, reads::session(&self.readers, &id)).await?;
            // The cookie may have been changed since; then the row says whose it is now.
            if let Some(session) = session.filter(|session| session.digest == *digest) {
                return Ok(Some(session));
            }
        }
        let found = reads::session_by_digest(&self.readers, digest).await?;
        if let Some(session) = &found {
            self.caches.cookies.insert(*digest, session.id);
        }
        Ok(found.map(Arc::new))
    }

    async fn session_by_id(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let session = self.caches.sessions.read(id, reads::session(&self.readers, id)).await?;
        Ok(session.map(Arc::unwrap_or_clone))
    }

    async fn code(&self, digest: &Digest) -> Result<Option<Code>, StoreError> {
        reads::code(&self.readers, digest).await
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Arc<Grant>>, StoreError> {
        self.caches.grants.read(id, reads::grant(&self.readers, id)).await
    }

    async fn is_token_revoked(&self, id: &TokenId) -> Result<bool, StoreError> {
        let revoked = self.caches.tokens.read(id, async { reads::is_token_revoked(&self.readers, id).await.map(Some) }).await?;
        Ok(revoked.unwrap_or(false))
    }

    async fn upstream_tokens(&self, link: &LinkKey) -> Result<Option<UpstreamTokens>, StoreError> {
        reads::upstream_tokens(&self.readers, link).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        reads::signing_keys(&self.readers).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<AuditEvent>, StoreError> {
        events::page(&self.readers, query).await
    }

    async fn count_sessions(&self, seen_since: Timestamp) -> Result<u64, StoreError> {
        reads::count_sessions(&self.readers, seen_since).await
    }

    async fn sweep(&self, now: Timestamp, sessions_before: Timestamp, most: u64) -> Result<u64, StoreError> {
        let mut all = 0;
        for kind in Kind::ALL {
            let mut left = most;
            while left > 0 {
                let broom = Broom { kind, now, sessions_before, most: left.min(AT_ONCE) };
                let swept = self.order(|answer| Order::Sweep(broom, answer)).await?;
                all += swept;
                left -= swept.min(left);
                if swept < broom.most {
                    break;
                }
            }
        }
        Ok(all)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_none_or(mpsc::Sender::is_closed);
        if queue {
            return Err(StoreError::Unavailable("the writer stopped".to_owned()));
        }
        reads::ping(&self.readers).await
    }
}
