//! The store itself: reads through the caches, commits through the queue.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::DatabaseConnection;
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinHandle},
    time::{Instant, timeout, timeout_at},
};
use tracing::Instrument;
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens},
    api_key::{ApiKey, UsedId},
    audit::{
        AuditEvent,
        chain::{ChainHead, Checkpoint, Kept as KeptLink, Unsealed},
        personal::Subject,
        search::{EventSearch, FoundEvents},
        sink::SinkCursor,
    },
    client::Client,
    code::Code,
    consent::Consent,
    email::EmailAddress,
    grant::Grant,
    ids::{AccountId, ApiKeyId, ClientId, EventId, GrantId, LinkId, LoginId, ProviderId, RegistrationTokenId, SessionId},
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::DueLogout,
    ports::{Sealer, Store},
    provider::StoredProvider,
    secret::Digest,
    self_registration::RegistrationToken,
    session::Session,
    stats::{StatsRow, Step},
    store::{Changes, EventQuery, FoundSessions, GrantQuery, SessionQuery, StoreError},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
    token::TokenId,
    upstream::TokensDue,
};
use vestibule_migrations::SchemaStanding;

use crate::{
    caches::Caches,
    connect::{self, Opened},
    errors::classify_sqlx,
    events,
    listener::Listener,
    options::StoreOptions,
    partitions::Partitions,
    pen::Pen,
    reads, stats,
    sweep::{AT_ONCE, Broom, Kind},
    writer::{MOST_TOGETHER, Order, Prepared, Pulse, Writer},
};

/// Callers that may wait for the writer; beyond, they wait for room.
const QUEUE: usize = MOST_TOGETHER * 16;

/// The [`Store`] on SQLite or PostgreSQL. Must be made inside a tokio runtime, and closed by [`SqlStore::close`].
pub struct SqlStore {
    readers: DatabaseConnection,
    sealer: Option<Arc<dyn Sealer>>,
    caches: Arc<Caches>,
    patience: Duration,
    queue: Mutex<Queue>,
    at_work: Mutex<Vec<JoinHandle<Pen>>>,
    pulses: Vec<Arc<Pulse>>,
    listening: Option<AbortHandle>,
    /// PostgreSQL only.
    partitions: Option<Partitions>,
}

/// The way to the writers.
#[derive(Clone, Debug)]
enum Queue {
    Open(mpsc::Sender<Order>),
    /// And why.
    Shut(&'static str),
}

impl SqlStore {
    /// Opens the database, makes its file if it is SQLite and missing, and brings it up to date if `options.migrate` says so.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what to do about it, in words that don't have the address in them.
    pub async fn connect(options: &StoreOptions) -> Result<Self, StoreError> {
        let mut opened = connect::open(options).await?;
        if let Some(on_read) = options.on_read.clone() {
            opened.readers.set_metric_callback(move |read| on_read(read.elapsed));
        }
        let readers = opened.readers.clone();
        let begun = Self::begin(opened, options).await;
        if begun.is_err() {
            close_readers(&readers, options.patience).await;
        }
        begun
    }

    /// Which migrations the database lacks, and which a later release applied. Changes nothing.
    ///
    /// # Errors
    /// As [`SqlStore::connect`].
    pub async fn standing(options: &StoreOptions) -> Result<SchemaStanding, StoreError> {
        let opened = connect::open(&StoreOptions { migrate: false, read_only: true, ..options.clone() }).await?;
        let standing = connect::standing(&opened.readers).await;
        close_readers(&opened.readers, options.patience).await;
        standing
    }

    async fn begin(mut opened: Opened, options: &StoreOptions) -> Result<Self, StoreError> {
        let standing = connect::standing(&opened.readers).await?;
        if let Some(refusal) = standing.refusal() {
            return Err(StoreError::Unavailable(refusal));
        }
        if !standing.later.is_empty() {
            tracing::warn!("a later release applied the migrations {}; this one works without knowing them", standing.later.join(", "));
        }
        let missing = standing.missing.len();
        match opened.pens.first() {
            Some(pen) if missing > 0 && options.migrate => {
                for name in connect::migrate(pen.address(), options).await? {
                    tracing::info!("applied the migration {name}");
                }
            }
            _ if missing > 0 => {
                return Err(StoreError::Unavailable(format!(
                    "it lacks {missing} migrations; start `vestibule serve` once with this version, it applies them"
                )));
            }
            _ => {}
        }
        let caches = Arc::new(Caches::new(options.cache_bytes));
        if opened.pens.is_empty() {
            // Nobody tells them what another process changes.
            caches.switch_off();
        }
        let listening = match &opened.postgres {
            Some(pool) => Some(listen(pool, &caches).await?),
            None => None,
        };
        let pens = std::mem::take(&mut opened.pens);
        let queue = if pens.is_empty() { Queue::Shut("it is open for reading only") } else { Queue::Shut("the store is closed") };
        let mut store = Self {
            readers: opened.readers,
            sealer: options.sealer.clone(),
            caches,
            patience: options.patience,
            queue: Mutex::new(queue),
            at_work: Mutex::default(),
            pulses: Vec::new(),
            listening,
            partitions: opened.postgres.map(Partitions::new),
        };
        store.set_to_work(pens, options);
        Ok(store)
    }

    fn set_to_work(&mut self, pens: Vec<Pen>, options: &StoreOptions) {
        if pens.is_empty() {
            return;
        }
        let (queue, orders) = mpsc::channel(QUEUE);
        let orders = Arc::new(tokio::sync::Mutex::new(orders));
        let mut at_work = Vec::with_capacity(pens.len());
        for pen in pens {
            let pulse = Arc::<Pulse>::default();
            self.pulses.push(pulse.clone());
            let (caches, on_commit) = (self.caches.clone(), options.on_commit.clone());
            at_work.push(tokio::spawn(Writer { pen, queue: orders.clone(), caches, pulse, on_commit }.run()));
        }
        self.queue = Mutex::new(Queue::Open(queue));
        self.at_work = Mutex::new(at_work);
    }

    /// Takes no more commits, finishes those that wait, and closes every connection. On SQLite the write-ahead log is written back, so that
    /// the file alone is whole. What is asked of the store afterwards is answered with [`StoreError::Unavailable`]. Takes at most about
    /// ten times `patience`, whatever the database does.
    pub async fn close(&self) {
        if let queue @ Queue::Open(_) = &mut *lock(&self.queue) {
            *queue = Queue::Shut("the store is closed");
        }
        let at_work = std::mem::take(&mut *lock(&self.at_work));
        let pens = rest(at_work, self.patience * 6).await;
        if let Some(listening) = &self.listening {
            listening.abort();
        }
        // Readers first: the write-ahead log can only be emptied when nobody reads it.
        close_readers(&self.readers, self.patience).await;
        for pen in pens {
            pen.close().await;
        }
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Order) -> Result<T, StoreError> {
        let unavailable = |why: &str| StoreError::Unavailable(why.to_owned());
        let queue = match lock(&self.queue).clone() {
            Queue::Open(queue) => queue,
            Queue::Shut(why) => return Err(unavailable(why)),
        };
        let (answer, answered) = oneshot::channel();
        let put = queue.send_timeout(order(answer), self.patience).await;
        // The queue ends when nobody holds an end of it: waiting for the answer must not keep it open.
        drop(queue);
        put.map_err(|_| unavailable("too many commits wait"))?;
        answered.await.map_err(|_| unavailable("the writer stopped"))?
    }
}

/// Waits until the writers have done what was waiting, but not for ever. Their pens come back.
async fn rest(at_work: Vec<JoinHandle<Pen>>, patience: Duration) -> Vec<Pen> {
    let until = Instant::now() + patience;
    let mut pens = Vec::with_capacity(at_work.len());
    for mut writer in at_work {
        match timeout_at(until, &mut writer).await {
            Ok(Ok(pen)) => pens.push(pen),
            Ok(Err(_)) => tracing::error!("a writer ended before its time"),
            Err(_) => {
                writer.abort();
                tracing::error!("a writer still waited for the database, and was stopped");
            }
        }
    }
    pens
}

async fn close_readers(readers: &DatabaseConnection, patience: Duration) {
    if !matches!(timeout(patience, readers.close_by_ref()).await, Ok(Ok(()))) {
        tracing::warn!("the readers' connections were not closed properly");
    }
}

async fn listen(pool: &PgPool, caches: &Arc<Caches>) -> Result<AbortHandle, StoreError> {
    let listener = Listener { pool: pool.clone(), caches: caches.clone() };
    let first = listener.begin().await.map_err(|error| classify_sqlx(&error).to_error())?;
    Ok(tokio::spawn(listener.run(first)).abort_handle())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Drop for SqlStore {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn commit(&self, changes: Changes) -> Result<(), StoreError> {
        let prepared = Prepared::new(changes)?;
        // From here until it is durable: the transaction is shared with others and belongs to no one's trace.
        self.order(|answer| Order::Commit(prepared, answer)).instrument(tracing::info_span!("store.commit")).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        self.caches.clients.read(id, reads::client(&self.readers, id)).await
    }

    async fn clients(&self, after: Option<&ClientId>, limit: u64) -> Result<Vec<Client>, StoreError> {
        reads::clients(&self.readers, after, limit).await
    }

    async fn count_self_registered(&self) -> Result<u64, StoreError> {
        reads::count_self_registered(&self.readers).await
    }

    async fn unused_clients(&self, now: Timestamp, limit: u64) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
        reads::clients_unused(&self.readers, now, limit).await
    }

    async fn registration_token(&self, digest: &Digest) -> Result<Option<RegistrationToken>, StoreError> {
        reads::registration_token(&self.readers, digest).await
    }

    async fn api_key(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        reads::api_key(&self.readers, id).await
    }

    async fn api_keys(&self, after: Option<&ApiKeyId>, limit: u64) -> Result<Vec<ApiKey>, StoreError> {
        reads::api_keys(&self.readers, after, limit).await
    }

    async fn last_uses(&self, ids: &[UsedId]) -> Result<BTreeMap<UsedId, Timestamp>, StoreError> {
        reads::last_uses(&self.readers, ids).await
    }

    async fn stats(&self, step: Step, since: Timestamp) -> Result<Vec<StatsRow>, StoreError> {
        stats::stats(&self.readers, step, since).await
    }

    async fn people_active(&self, since: Timestamp) -> Result<u64, StoreError> {
        stats::people_active(&self.readers, since).await
    }

    async fn people_by_day(&self, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        stats::people_by_day(&self.readers, since).await
    }

    async fn registration_token_by_id(&self, id: &RegistrationTokenId) -> Result<Option<RegistrationToken>, StoreError> {
        reads::registration_token_by_id(&self.readers, id).await
    }

    async fn registration_tokens(&self, after: Option<&RegistrationTokenId>, limit: u64) -> Result<Vec<RegistrationToken>, StoreError> {
        reads::registration_tokens(&self.readers, after, limit).await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        self.caches.accounts.read(id, reads::account(&self.readers, id)).await
    }

    async fn accounts(&self, after: Option<&AccountId>, limit: u64) -> Result<Vec<Account>, StoreError> {
        reads::accounts(&self.readers, after, limit).await
    }

    async fn accounts_named(&self, beginning: &str, limit: u64) -> Result<Vec<Account>, StoreError> {
        reads::accounts_named(&self.readers, beginning, limit).await
    }

    async fn link(&self, key: &LinkKey) -> Result<Option<Arc<Link>>, StoreError> {
        if let Some(id) = self.caches.link_keys.get(key) {
            let link = self.link_by_id(&id).await?;
            // The way in may have been undone and made anew since.
            if let Some(link) = link.filter(|link| link.key == *key) {
                return Ok(Some(link));
            }
        }
        let found = reads::link(&self.readers, key).await?;
        if let Some(link) = &found {
            self.caches.link_keys.insert(key.clone(), link.id);
        }
        Ok(found.map(Arc::new))
    }

    async fn link_by_id(&self, id: &LinkId) -> Result<Option<Arc<Link>>, StoreError> {
        self.caches.links.read(id, reads::link_by_id(&self.readers, id)).await
    }

    async fn links_of(&self, account: &AccountId) -> Result<Vec<Link>, StoreError> {
        reads::links_of(&self.readers, account).await
    }

    async fn links_by_verified_email(&self, email: &EmailAddress) -> Result<Vec<Link>, StoreError> {
        reads::links_by_verified_email(&self.readers, email).await
    }

    async fn providers(&self) -> Result<Arc<[StoredProvider]>, StoreError> {
        let all = self.caches.providers.read(&(), async { reads::providers(&self.readers).await.map(Some) }).await?;
        Ok(all.unwrap_or_default())
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<FoundSessions, StoreError> {
        reads::sessions(&self.readers, query).await
    }

    async fn sessions_by_upstream(&self, provider: &ProviderId, session: &str) -> Result<Vec<Session>, StoreError> {
        reads::sessions_by_upstream(&self.readers, provider, session).await
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

    async fn clients_in(&self, session: &SessionId) -> Result<Vec<ClientId>, StoreError> {
        reads::clients_in(&self.readers, session).await
    }

    async fn logouts_due(&self, now: Timestamp, each: u64, limit: u64) -> Result<Vec<DueLogout>, StoreError> {
        reads::logouts_due(&self.readers, now, each, limit).await
    }

    async fn consents(&self, account: &AccountId, client: &ClientId) -> Result<Vec<Consent>, StoreError> {
        reads::consents(&self.readers, account, client).await
    }

    async fn consents_of(&self, account: &AccountId, after: Option<(&ClientId, &str)>, limit: u64) -> Result<Vec<Consent>, StoreError> {
        reads::consents_of(&self.readers, account, after, limit).await
    }

    async fn code(&self, digest: &Digest) -> Result<Option<Code>, StoreError> {
        let code = self.caches.codes.read(digest, reads::code(&self.readers, digest)).await?;
        Ok(code.map(Arc::unwrap_or_clone))
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Arc<Grant>>, StoreError> {
        self.caches.grants.read(id, reads::grant(&self.readers, id)).await
    }

    async fn grants(&self, query: &GrantQuery) -> Result<Vec<Grant>, StoreError> {
        reads::grants(&self.readers, query).await
    }

    async fn is_token_revoked(&self, id: &TokenId) -> Result<bool, StoreError> {
        let revoked = self.caches.tokens.read(id, async { reads::is_token_revoked(&self.readers, id).await.map(Some) }).await?;
        Ok(revoked.unwrap_or(false))
    }

    async fn ticket(&self, kind: TicketKind, digest: &Digest) -> Result<Option<Ticket>, StoreError> {
        reads::ticket(&self.readers, kind, digest).await
    }

    async fn upstream_tokens(&self, link: &LinkId) -> Result<Option<UpstreamTokens>, StoreError> {
        reads::upstream_tokens(&self.readers, link).await
    }

    async fn upstream_tokens_due(&self, due: &TokensDue) -> Result<Vec<LinkId>, StoreError> {
        reads::upstream_tokens_due(&self.readers, due).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        reads::signing_keys(&self.readers).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<AuditEvent>, StoreError> {
        events::page(&self.readers, query, self.sealer.as_deref()).await
    }

    async fn search_events(&self, search: &EventSearch) -> Result<FoundEvents, StoreError> {
        events::search(&self.readers, search, self.sealer.as_deref()).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<AuditEvent>, StoreError> {
        events::one(&self.readers, id, self.sealer.as_deref()).await
    }

    async fn login_traces(&self, login: &LoginId) -> Result<Vec<LoginTrace>, StoreError> {
        reads::login_traces(&self.readers, login).await
    }

    async fn login_of_reference(&self, reference: &str) -> Result<Option<LoginId>, StoreError> {
        reads::login_of_reference(&self.readers, reference).await
    }

    async fn unsealed(&self, limit: u64) -> Result<Vec<AuditEvent>, StoreError> {
        events::unsealed(&self.readers, limit).await
    }

    async fn count_unsealed(&self) -> Result<Unsealed, StoreError> {
        events::count_unsealed(&self.readers).await
    }

    async fn sequenced(&self, after: i64, limit: u64) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
        events::sequenced(&self.readers, after, limit, self.sealer.as_deref()).await
    }

    async fn chain_links(&self, after: i64, limit: u64) -> Result<Vec<KeptLink>, StoreError> {
        events::chain_links(&self.readers, after, limit).await
    }

    async fn chain(&self) -> Result<Option<ChainHead>, StoreError> {
        events::chain(&self.readers).await
    }

    async fn checkpoints(&self, after: i64, limit: u64) -> Result<Vec<Checkpoint>, StoreError> {
        events::checkpoints(&self.readers, after, limit).await
    }

    async fn checkpoint_before(&self, moment: Timestamp, most: i64) -> Result<Option<Checkpoint>, StoreError> {
        events::checkpoint_before(&self.readers, moment, most).await
    }

    async fn sink_cursors(&self) -> Result<Vec<SinkCursor>, StoreError> {
        events::sink_cursors(&self.readers).await
    }

    async fn subjects(&self, accounts: &[AccountId]) -> Result<Vec<Subject>, StoreError> {
        events::subjects(&self.readers, accounts).await
    }

    async fn count_sessions(&self, seen_since: Timestamp) -> Result<u64, StoreError> {
        reads::count_sessions(&self.readers, seen_since).await
    }

    async fn sweep(&self, now: Timestamp, sessions_before: Timestamp, most: u64) -> Result<u64, StoreError> {
        let mut all = 0;
        let whole_from = match &self.partitions {
            Some(partitions) => partitions.keep(now).await,
            None => i64::MAX,
        };
        for kind in Kind::ALL {
            let mut left = most;
            while left > 0 {
                let broom = Broom { kind, now, sessions_before, whole_from, most: left.min(AT_ONCE) };
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
        if let Queue::Open(queue) = &*lock(&self.queue)
            && queue.is_closed()
        {
            return Err(StoreError::Unavailable("the writer stopped".to_owned()));
        }
        if self.pulses.iter().any(|pulse| pulse.is_stuck(self.patience * 2)) {
            return Err(StoreError::Unavailable("a writer waits for the database and is not answered".to_owned()));
        }
        reads::ping(&self.readers).await
    }
}
