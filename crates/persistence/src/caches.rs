//! Caches in front of reads, which every commit keeps true.
//!
//! A read that began before a commit must not put the old value in after it. So each key belongs to one of many stripes with a counter:
//! a commit counts its keys' stripes up when it drops or replaces them, and a read only fills the cache if the stripe's counter is what
//! it was before the row was read. Reading the counter, comparing it and filling happen under the stripe's lock, which is never
//! held while waiting.
//!
//! A commit knows what it wrote, so it puts that in rather than have it read again. It too has looked at the counters, right before it
//! committed ([`Caches::expect`]). Whoever commits a newer value, here or on another node, counts up after that look; then what this one
//! wrote may be old already, and is dropped instead. So it does not matter in which order the writers of a node come here.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use moka::{policy::EvictionPolicy, sync::Cache};
use serde::Serialize;
use vestibule_domain::{
    account::{Account, Link, LinkKey},
    client::Client,
    code::Code,
    grant::{Grant, RefreshFamily},
    ids::{AccountId, ClientId, GrantId, LinkId, SessionId},
    provider::StoredProvider,
    secret::Digest,
    session::Session,
    store::StoreError,
    time::Timestamp,
    token::TokenId,
};

/// What a commit changed, as the caches see it. With a value, that is what the row is now.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Client(ClientId, Option<Weighed<Arc<Client>>>),
    Account(AccountId, Option<Weighed<Arc<Account>>>),
    Link(LinkId, Option<Weighed<Arc<Link>>>),
    /// One of the providers made by the admin API.
    Providers,
    Session(SessionId, Option<Weighed<Arc<Session>>>),
    /// Too many sessions to name.
    EverySession,
    SessionSeen(SessionId, Timestamp),
    Code(Digest, Option<Weighed<Arc<Code>>>),
    CodeRedeemed(Digest, Timestamp),
    Grant(GrantId, Option<Weighed<Arc<Grant>>>),
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
    pub(crate) links: Kept<LinkId, Arc<Link>>,
    /// Which link a key led to when last seen. Only a hint: the link says which key it has.
    pub(crate) link_keys: Cache<LinkKey, LinkId>,
    pub(crate) providers: Kept<(), Arc<[StoredProvider]>>,
    pub(crate) sessions: Kept<SessionId, Arc<Session>>,
    pub(crate) codes: Kept<Digest, Arc<Code>>,
    pub(crate) grants: Kept<GrantId, Arc<Grant>>,
    /// Holds "not revoked" too: it is asked far more often than anything is revoked, and the writer corrects it.
    pub(crate) tokens: Kept<TokenId, bool>,
    /// Which session a cookie belonged to when last seen. Only a hint: the session says which digest it has now.
    pub(crate) cookies: Cache<Digest, SessionId>,
    /// What this node signs its notifications with: it has done already what they ask for.
    signature: AtomicU64,
}

impl Caches {
    /// They take about so many bytes in all, when they are full.
    pub(crate) fn new(bytes: u64) -> Self {
        let part = bytes / 16;
        let stripes = Stripes::new();
        Self {
            clients: Kept::new(part, &stripes, |client| weight(&**client)),
            accounts: Kept::new(part * 2, &stripes, |account| weight(&**account)),
            links: Kept::new(part * 3, &stripes, |link| weight(&**link)),
            link_keys: Cache::builder().max_capacity(part).weigher(|_, _| BESIDES).build(),
            providers: Kept::new(part, &stripes, |_| BESIDES),
            sessions: Kept::new(part * 2, &stripes, |session| weight(&**session)),
            codes: Kept::newest(part, &stripes, |code| weight(&**code)),
            grants: Kept::new(part * 3, &stripes, |grant| weight(&**grant)),
            tokens: Kept::new(part, &stripes, |_| BESIDES),
            cookies: Cache::builder().max_capacity(part).weigher(|_, _| BESIDES).build(),
            signature: AtomicU64::new(new_signature()),
        }
    }

    /// What this node signs its notifications with at present.
    pub(crate) fn signature(&self) -> u64 {
        self.signature.load(Ordering::Acquire)
    }

    /// What is known of each right before its commit, for [`Caches::apply`].
    pub(crate) fn expect(&self, effects: Vec<Effect>) -> Vec<(Effect, Ticket)> {
        let ticket = |effect: &Effect| match effect {
            Effect::Client(id, _) => self.clients.ticket(id),
            Effect::Account(id, _) => self.accounts.ticket(id),
            Effect::Link(id, _) => self.links.ticket(id),
            Effect::Providers => self.providers.ticket(&()),
            Effect::Session(id, _) | Effect::SessionSeen(id, _) => self.sessions.ticket(id),
            Effect::Code(digest, _) | Effect::CodeRedeemed(digest, _) => self.codes.ticket(digest),
            Effect::Grant(id, _) | Effect::GrantRotated(id, ..) => self.grants.ticket(id),
            Effect::Token(id) => self.tokens.ticket(id),
            Effect::EverySession | Effect::EveryGrant => Ticket::default(),
        };
        effects
            .into_iter()
            .map(|effect| {
                let ticket = ticket(&effect);
                (effect, ticket)
            })
            .collect()
    }

    /// Makes a commit visible. To be called after it and before its callers are answered.
    pub(crate) fn apply(&self, expected: Vec<(Effect, Ticket)>) {
        let mut own = Own::default();
        for (effect, ticket) in expected {
            let now = Now { ticket, own: &mut own };
            match effect {
                Effect::Client(id, client) => self.clients.settle(now, &id, |_| client),
                Effect::Account(id, account) => self.accounts.settle(now, &id, |_| account),
                Effect::Link(id, link) => {
                    if let Some(link) = &link {
                        self.link_keys.insert(link.value.key.clone(), id);
                    }
                    self.links.settle(now, &id, |_| link);
                }
                Effect::Session(id, session) => {
                    if let Some(session) = &session {
                        self.cookies.insert(session.value.digest, id);
                    }
                    self.sessions.settle(now, &id, |_| session);
                }
                Effect::SessionSeen(id, at) => self
                    .sessions
                    .settle(now, &id, |known| known.map(|known| known.with(|session| session.last_seen = session.last_seen.max(at)))),
                Effect::Code(digest, code) => self.codes.settle(now, &digest, |_| code),
                Effect::CodeRedeemed(digest, at) => {
                    self.codes.settle(now, &digest, |known| known.map(|known| known.with(|code| code.redeemed = Some(at))));
                }
                Effect::Grant(id, grant) => self.grants.settle(now, &id, |_| grant),
                Effect::GrantRotated(id, family, access_expires) => self.grants.settle(now, &id, |known| {
                    known.map(|known| {
                        known.with(|grant| {
                            grant.access_expires = grant.access_expires.max(access_expires);
                            grant.family = Some(family);
                        })
                    })
                }),
                Effect::Token(id) => self.tokens.settle(now, &id, |_| Some(Weighed { value: true, bytes: BESIDES })),
                Effect::Providers => self.providers.settle(now, &(), |_| None),
                Effect::EverySession | Effect::EveryGrant => self.forget(&effect),
            }
        }
    }

    /// Drops what commits with an unknown end may have changed. They may happen yet: then this node listens to them as to any other's.
    pub(crate) fn doubt(&self, effects: impl Iterator<Item = Effect>) {
        self.signature.store(new_signature(), Ordering::Release);
        effects.for_each(|effect| self.forget(&effect));
    }

    /// Drops what `effect` names: what a commit of another node calls for.
    pub(crate) fn forget(&self, effect: &Effect) {
        match effect {
            Effect::Client(id, _) => self.clients.forget(id),
            Effect::Account(id, _) => self.accounts.forget(id),
            Effect::Link(id, _) => self.links.forget(id),
            Effect::Providers => self.providers.forget(&()),
            Effect::Session(id, _) | Effect::SessionSeen(id, _) => self.sessions.forget(id),
            Effect::EverySession => self.sessions.forget_all(),
            Effect::Code(digest, _) | Effect::CodeRedeemed(digest, _) => self.codes.forget(digest),
            Effect::Grant(id, _) | Effect::GrantRotated(id, ..) => self.grants.forget(id),
            Effect::EveryGrant => self.grants.forget_all(),
            Effect::Token(id) => self.tokens.forget(id),
        }
    }

    /// Drops everything.
    pub(crate) fn forget_all(&self) {
        self.clients.forget_all();
        self.accounts.forget_all();
        self.links.forget_all();
        self.providers.forget_all();
        self.sessions.forget_all();
        self.codes.forget_all();
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
        self.links.set_on(on);
        self.providers.set_on(on);
        self.sessions.set_on(on);
        self.codes.set_on(on);
        self.grants.set_on(on);
        self.tokens.set_on(on);
    }
}

/// A number no other node has. Nothing secret: standard randomness will do.
fn new_signature() -> u64 {
    RandomState::new().hash_one("vestibule")
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

/// A value, and about how many bytes it takes: weighed by whoever made it, not by a writer that others wait for.
#[derive(Clone, Debug)]
pub(crate) struct Weighed<V> {
    pub(crate) value: V,
    bytes: u32,
}

impl<T: Serialize + Clone> Weighed<Arc<T>> {
    pub(crate) fn new(value: T) -> Self {
        Self { bytes: weight(&value), value: Arc::new(value) }
    }

    /// The same with something changed that does not weigh more.
    pub(crate) fn with(&self, change: impl FnOnce(&mut T)) -> Self {
        let mut value = T::clone(&self.value);
        change(&mut value);
        Self { value: Arc::new(value), bytes: self.bytes }
    }
}

/// So many that the rows of a large group seldom meet in one.
const STRIPES: usize = 4096;

/// The counters of all caches.
struct Stripes {
    counters: Box<[Mutex<u64>]>,
    hasher: RandomState,
}

impl Stripes {
    fn new() -> Arc<Self> {
        Arc::new(Self { counters: (0..STRIPES).map(|_| Mutex::new(0)).collect(), hasher: RandomState::new() })
    }

    fn place_of(&self, key: &impl Hash) -> usize {
        usize::try_from(self.hasher.hash_one(key) % STRIPES as u64).unwrap_or_default()
    }

    fn lock(&self, at: usize) -> std::sync::MutexGuard<'_, u64> {
        // A counter is never half written: what a panicking thread left behind is fine.
        self.counters[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One cache.
pub(crate) struct Kept<K, V> {
    /// Each value with the generation it was put in: [`Kept::forget_all`] begins a new one.
    cache: Cache<K, (u64, Weighed<V>)>,
    generation: AtomicU64,
    stripes: Arc<Stripes>,
    weigh: fn(&V) -> u32,
    on: AtomicBool,
}

/// What had been committed when a read or a commit began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ticket {
    count: u64,
    generation: u64,
}

/// How often one commit has counted each stripe up.
type Own = HashMap<usize, u64>;

/// What one effect of a commit is put in by.
struct Now<'a> {
    ticket: Ticket,
    own: &'a mut Own,
}

impl<K, V> Kept<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What is used often stays.
    fn new(bytes: u64, stripes: &Arc<Stripes>, weigh: fn(&V) -> u32) -> Self {
        Self::with(EvictionPolicy::tiny_lfu(), bytes, stripes, weigh)
    }

    /// What is new stays: for what is used once.
    fn newest(bytes: u64, stripes: &Arc<Stripes>, weigh: fn(&V) -> u32) -> Self {
        Self::with(EvictionPolicy::lru(), bytes, stripes, weigh)
    }

    fn with(policy: EvictionPolicy, bytes: u64, stripes: &Arc<Stripes>, weigh: fn(&V) -> u32) -> Self {
        let cache = Cache::builder().eviction_policy(policy).max_capacity(bytes);
        Self {
            cache: cache.weigher(|_, (_, value): &(u64, Weighed<V>)| value.bytes).build(),
            generation: AtomicU64::new(0),
            stripes: stripes.clone(),
            weigh,
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
            self.fill(ticket, key, value.clone());
        }
        Ok(value)
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.known(key, self.generation.load(Ordering::Acquire)).map(|known| known.value)
    }

    fn known(&self, key: &K, generation: u64) -> Option<Weighed<V>> {
        if !self.on.load(Ordering::Acquire) {
            return None;
        }
        self.cache.get(key).filter(|known| known.0 == generation).map(|known| known.1)
    }

    fn ticket(&self, key: &K) -> Ticket {
        let count = *self.stripes.lock(self.stripes.place_of(key));
        Ticket { count, generation: self.generation.load(Ordering::Acquire) }
    }

    fn fill(&self, ticket: Ticket, key: &K, value: V) {
        let value = Weighed { bytes: (self.weigh)(&value), value };
        let count = self.stripes.lock(self.stripes.place_of(key));
        if *count == ticket.count && self.on.load(Ordering::Acquire) {
            self.cache.insert(key.clone(), (ticket.generation, value));
        }
    }

    /// Puts in what was committed, made of what was known before; drops it if there is no telling, or somebody else was here since.
    fn settle(&self, Now { ticket, own }: Now<'_>, key: &K, value: impl FnOnce(Option<Weighed<V>>) -> Option<Weighed<V>>) {
        let at = self.stripes.place_of(key);
        let own = own.entry(at).or_default();
        let mut count = self.stripes.lock(at);
        let is_newest = *count == ticket.count + *own && self.on.load(Ordering::Acquire);
        *count += 1;
        *own += 1;
        match if is_newest { value(self.known(key, ticket.generation)) } else { None } {
            Some(value) => self.cache.insert(key.clone(), (ticket.generation, value)),
            None => self.cache.invalidate(key),
        }
    }

    pub(crate) fn forget(&self, key: &K) {
        let mut count = self.stripes.lock(self.stripes.place_of(key));
        *count += 1;
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
        Kept::new(100, &Stripes::new(), |_| 1)
    }

    /// What a commit that wrote `value` does to `key`; `between` happens after it looked and before it is made visible.
    fn commit(kept: &Kept<u32, &'static str>, key: u32, value: &'static str, between: impl FnOnce()) {
        let ticket = kept.ticket(&key);
        between();
        kept.settle(Now { ticket, own: &mut Own::default() }, &key, |_| Some(Weighed { value, bytes: 1 }));
    }

    #[test]
    fn what_is_kept_is_bounded_by_its_size_not_by_its_number() {
        let weigh = |value: &String| weight(value);
        for large in [Kept::new(100_000, &Stripes::new(), weigh), Kept::newest(100_000, &Stripes::new(), weigh)] {
            for key in 0..100 {
                large.fill(large.ticket(&key), &key, "x".repeat(10_000));
            }
            large.cache.run_pending_tasks();
            let kept = large.cache.weighted_size();
            assert!((50_000..=100_000).contains(&kept), "{kept} bytes are kept");
        }
    }

    #[test]
    fn where_the_newest_stays_a_full_cache_still_takes_what_is_new() {
        let codes = Kept::newest(100, &Stripes::new(), |_: &u32| 1);
        for key in 0..1000 {
            codes.fill(codes.ticket(&key), &key, key);
            codes.cache.run_pending_tasks();
            assert_eq!(codes.get(&key), Some(key));
        }
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
                commit(&kept, 1, "new", || {});
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

    #[test]
    fn a_commit_that_is_made_visible_after_a_newer_one_keeps_nothing() {
        let kept = kept();
        // Another writer of this node, and then another node.
        commit(&kept, 1, "older", || commit(&kept, 1, "newer", || {}));
        assert_eq!(kept.get(&1), None);
        commit(&kept, 1, "older", || kept.forget(&1));
        assert_eq!(kept.get(&1), None);
        commit(&kept, 1, "older", || kept.forget_all());
        assert_eq!(kept.get(&1), None);
        commit(&kept, 1, "newest", || {});
        assert_eq!(kept.get(&1), Some("newest"));
        // And one while nobody listens.
        commit(&kept, 1, "unheard", || kept.set_on(false));
        kept.set_on(true);
        assert_eq!(kept.get(&1), None);
    }

    #[test]
    fn a_group_does_not_stand_in_its_own_way() {
        let kept = Kept::new(10_000, &Stripes::new(), |_: &u32| 1);
        let keys = 0..u32::try_from(STRIPES).unwrap();
        let tickets: Vec<Ticket> = keys.clone().map(|key| kept.ticket(&key)).collect();
        let mut own = Own::default();
        for round in [1, 2] {
            for (key, ticket) in keys.clone().zip(&tickets) {
                kept.settle(Now { ticket: *ticket, own: &mut own }, &key, |known| {
                    assert_eq!(known.map(|known| known.value), (round == 2).then_some(1));
                    Some(Weighed { value: round, bytes: 1 })
                });
            }
        }
        assert!(own.len() < STRIPES, "some share a stripe");
        assert!(keys.clone().all(|key| kept.get(&key) == Some(2)));
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
        commit(&kept, 1, "a", || {});
        kept.set_on(false);
        assert_eq!(kept.get(&1), None);
        assert_eq!(kept.read(&1, async { Ok(Some("b")) }).await, Ok(Some("b")));
        kept.forget_all();
        kept.set_on(true);
        assert_eq!(kept.get(&1), None);
    }
}
