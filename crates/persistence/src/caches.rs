//! Caches in front of reads, which every commit keeps true.
//!
//! A read that began before a commit must not put the old value in after it. So each key belongs to one of a few stripes with a counter:
//! a commit counts its keys' stripes up when it drops or replaces them, and a read only fills the cache if the stripe's counter is what
//! it was before the row was read. Reading the counter, comparing it and filling happen under the stripe's lock, which is never
//! held while waiting.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use moka::sync::Cache;
use serde::Serialize;
use vestibule_domain::{
    account::Account,
    client::Client,
    grant::{Grant, RefreshFamily},
    ids::{AccountId, ClientId, GrantId, SessionId},
    secret::Digest,
    session::Session,
    store::StoreError,
    time::Timestamp,
    token::TokenId,
};

/// What a commit changed, as the caches see it.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Client(ClientId, Option<Arc<Client>>),
    Account(AccountId),
    /// All of it but `disabled`, which lies as it lay.
    AccountPut(Arc<Account>),
    Session(SessionId, Option<Arc<Session>>),
    SessionSeen(SessionId, Timestamp),
    Grant(GrantId, Option<Arc<Grant>>),
    GrantRotated(GrantId, RefreshFamily, Timestamp),
    /// Too many grants to name.
    EveryGrant,
    Token(TokenId),
}

/// Every cache of the store.
#[derive(Debug)]
pub(crate) struct Caches {
    pub(crate) clients: Kept<ClientId, Arc<Client>>,
    pub(crate) accounts: Kept<AccountId, Arc<Account>>,
    pub(crate) sessions: Kept<SessionId, Arc<Session>>,
    pub(crate) grants: Kept<GrantId, Arc<Grant>>,
    /// Holds "not revoked" too: it is asked far more often than anything is revoked, and the writer corrects it.
    pub(crate) tokens: Kept<TokenId, bool>,
    /// Which session a cookie belonged to when last seen. Only a hint: the session says which digest it has now.
    pub(crate) cookies: Cache<Digest, SessionId>,
    /// Whether every change reaches this process in order, so that a new value may be put in rather than the old one dropped.
    only_writer: bool,
}

impl Caches {
    /// They take about so many bytes in all, when they are full.
    pub(crate) fn new(bytes: u64, only_writer: bool) -> Self {
        let part = bytes / 16;
        Self {
            clients: Kept::new(part * 2, |client: &Arc<Client>| weight(&**client)),
            accounts: Kept::new(part * 4, |account: &Arc<Account>| weight(&**account)),
            sessions: Kept::new(part * 4, |session: &Arc<Session>| weight(&**session)),
            grants: Kept::new(part * 4, |grant: &Arc<Grant>| weight(&**grant)),
            tokens: Kept::new(part, |_| BESIDES),
            cookies: Cache::builder().max_capacity(part).weigher(|_, _| BESIDES).build(),
            only_writer,
        }
    }

    /// Makes a commit visible. To be called after it and before its callers are answered.
    pub(crate) fn apply(&self, effect: Effect) {
        if !self.only_writer {
            return self.forget(&effect);
        }
        match effect {
            Effect::Client(id, Some(client)) => self.clients.put(id, client),
            Effect::AccountPut(account) => self.accounts.change(&account.id, |known| {
                let disabled = known.disabled;
                Arc::new(Account { disabled, ..Account::clone(&account) })
            }),
            Effect::Session(id, Some(session)) => {
                self.cookies.insert(session.digest, id);
                self.sessions.put(id, session);
            }
            Effect::Grant(id, Some(grant)) => self.grants.put(id, grant),
            Effect::SessionSeen(id, at) => self.sessions.change(&id, |session| {
                let last_seen = session.last_seen.max(at);
                Arc::new(Session { last_seen, ..Session::clone(session) })
            }),
            Effect::GrantRotated(id, family, access_expires) => self.grants.change(&id, |grant| {
                let access_expires = grant.access_expires.max(access_expires);
                Arc::new(Grant { family: Some(family), access_expires, ..Grant::clone(grant) })
            }),
            Effect::Token(id) => self.tokens.put(id, true),
            _ => self.forget(&effect),
        }
    }

    /// Drops what `effect` names: what a commit of another node, or one with an unknown end, calls for.
    pub(crate) fn forget(&self, effect: &Effect) {
        match effect {
            Effect::Client(id, _) => self.clients.forget(id),
            Effect::Account(id) => self.accounts.forget(id),
            Effect::AccountPut(account) => self.accounts.forget(&account.id),
            Effect::Session(id, _) | Effect::SessionSeen(id, _) => self.sessions.forget(id),
            Effect::Grant(id, _) | Effect::GrantRotated(id, ..) => self.grants.forget(id),
            Effect::EveryGrant => self.grants.forget_all(),
            Effect::Token(id) => self.tokens.forget(id),
        }
    }

    /// Drops everything.
    pub(crate) fn forget_all(&self) {
        self.clients.forget_all();
        self.accounts.forget_all();
        self.sessions.forget_all();
        self.grants.forget_all();
        self.tokens.forget_all();
    }

    /// Stops using the caches: changes of other nodes are not heard.
    pub(crate) fn switch_off(&self) {
        self.switch(false);
        self.forget_all();
    }

    /// Uses the caches again, from empty. Changes of other nodes must be heard already: what is read from now on is kept.
    pub(crate) fn switch_on(&self) {
        self.forget_all();
        self.switch(true);
    }

    fn switch(&self, on: bool) {
        self.clients.set_on(on);
        self.accounts.set_on(on);
        self.sessions.set_on(on);
        self.grants.set_on(on);
        self.tokens.set_on(on);
    }
}

/// What an entry takes besides its value: key, counters, allocations.
const BESIDES: u32 = 400;

/// About how many bytes an entry takes. A person's profile has as many groups as their provider likes, so entries can't just be counted.
fn weight(value: &impl Serialize) -> u32 {
    struct Count(u32);

    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(BESIDES);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        // What can't be measured is not kept.
        Err(_) => u32::MAX,
    }
}

const STRIPES: usize = 256;

/// One cache.
pub(crate) struct Kept<K, V> {
    /// Each value with the generation it was put in: [`Kept::forget_all`] begins a new one.
    cache: Cache<K, (u64, V)>,
    generation: AtomicU64,
    stripes: Box<[Mutex<u64>]>,
    hasher: RandomState,
    on: AtomicBool,
}

/// What had been committed when a read began.
struct Ticket {
    stripe: u64,
    generation: u64,
}

impl<K, V> Kept<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(bytes: u64, weigh: impl Fn(&V) -> u32 + Send + Sync + 'static) -> Self {
        Self {
            cache: Cache::builder().max_capacity(bytes).weigher(move |_, (_, value): &(u64, V)| weigh(value)).build(),
            generation: AtomicU64::new(0),
            stripes: (0..STRIPES).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::new(),
            on: AtomicBool::new(true),
        }
    }

    /// The value of `key`: from the cache, or by `load`. That there is none is not kept.
    pub(crate) async fn read<F>(&self, key: &K, load: F) -> Result<Option<V>, StoreError>
    where
        F: Future<Output = Result<Option<V>, StoreError>>,
    {
        if let Some(value) = self.get(key) {
            return Ok(Some(value));
        }
        let ticket = self.ticket(key);
        let value = load.await?;
        if let Some(value) = &value {
            self.fill(&ticket, key, value.clone());
        }
        Ok(value)
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        if !self.on.load(Ordering::Acquire) {
            return None;
        }
        let (generation, value) = self.cache.get(key)?;
        (generation == self.generation.load(Ordering::Acquire)).then_some(value)
    }

    fn ticket(&self, key: &K) -> Ticket {
        Ticket { stripe: *self.stripe(key), generation: self.generation.load(Ordering::Acquire) }
    }

    fn fill(&self, ticket: &Ticket, key: &K, value: V) {
        let stripe = self.stripe(key);
        if *stripe == ticket.stripe && self.on.load(Ordering::Acquire) {
            self.cache.insert(key.clone(), (ticket.generation, value));
        }
    }

    fn put(&self, key: K, value: V) {
        let generation = self.generation.load(Ordering::Acquire);
        let mut stripe = self.stripe(&key);
        *stripe += 1;
        self.cache.insert(key, (generation, value));
    }

    /// Changes the value if it is there.
    fn change(&self, key: &K, change: impl FnOnce(&V) -> V) {
        let mut stripe = self.stripe(key);
        *stripe += 1;
        if let Some((generation, value)) = self.cache.get(key) {
            self.cache.insert(key.clone(), (generation, change(&value)));
        }
    }

    pub(crate) fn forget(&self, key: &K) {
        let mut stripe = self.stripe(key);
        *stripe += 1;
        self.cache.invalidate(key);
    }

    fn forget_all(&self) {
        // Reads under way carry the old generation, so what they fill in is never seen.
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.cache.invalidate_all();
    }

    fn set_on(&self, on: bool) {
        self.on.store(on, Ordering::Release);
    }

    fn stripe(&self, key: &K) -> std::sync::MutexGuard<'_, u64> {
        let at = usize::try_from(self.hasher.hash_one(key) % STRIPES as u64).unwrap_or_default();
        // A counter is never half written: what a panicking thread left behind is fine.
        self.stripes[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> std::fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("on", &self.on).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept<u32, &'static str> {
        Kept::new(100, |_| 1)
    }

    #[test]
    fn what_is_kept_is_bounded_by_its_size_not_by_its_number() {
        let large = Kept::new(100_000, |value: &String| weight(value));
        for key in 0..100 {
            large.put(key, "x".repeat(10_000));
        }
        large.cache.run_pending_tasks();
        let kept = large.cache.weighted_size();
        assert!((50_000..=100_000).contains(&kept), "{kept} bytes are kept");
    }

    #[tokio::test]
    async fn what_was_read_is_kept() {
        let kept = kept();
        assert_eq!(kept.read(&1, async { Ok(Some("a")) }).await, Ok(Some("a")));
        assert_eq!(kept.read(&1, async { panic!("not read again") }).await, Ok(Some("a")));
    }

    #[tokio::test]
    async fn a_read_that_began_before_a_commit_does_not_keep_the_old_value() {
        let kept = kept();
        let old = kept
            .read(&1, async {
                kept.forget(&1);
                Ok(Some("old"))
            })
            .await;
        assert_eq!(old, Ok(Some("old")));
        assert_eq!(kept.get(&1), None);

        let old = kept
            .read(&1, async {
                kept.put(1, "new");
                Ok(Some("old"))
            })
            .await;
        assert_eq!(old, Ok(Some("old")));
        assert_eq!(kept.get(&1), Some("new"));
    }

    #[tokio::test]
    async fn a_read_that_began_before_everything_was_dropped_does_not_keep_the_old_value() {
        let kept = kept();
        let _ = kept
            .read(&1, async {
                kept.forget_all();
                Ok(Some("old"))
            })
            .await;
        assert_eq!(kept.get(&1), None);
        assert_eq!(kept.read(&1, async { Ok(Some("new")) }).await, Ok(Some("new")));
        assert_eq!(kept.get(&1), Some("new"));
    }

    #[tokio::test]
    async fn that_there_is_nothing_is_not_kept() {
        let kept = kept();
        assert_eq!(kept.read(&1, async { Ok(None) }).await, Ok(None));
        assert_eq!(kept.read(&1, async { Ok(Some("now there")) }).await, Ok(Some("now there")));
    }

    #[tokio::test]
    async fn switched_off_it_keeps_nothing() {
        let kept = kept();
        kept.put(1, "a");
        kept.set_on(false);
        assert_eq!(kept.get(&1), None);
        assert_eq!(kept.read(&1, async { Ok(Some("b")) }).await, Ok(Some("b")));
        kept.forget_all();
        kept.set_on(true);
        assert_eq!(kept.get(&1), None);
    }
}
