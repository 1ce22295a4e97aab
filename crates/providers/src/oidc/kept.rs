//! What was fetched from an issuer, and how long it is good.

use std::{
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Mutex;
use vestibule_domain::{ids::ProviderId, ports::Clock, provider::ProviderError, time::Timestamp};

/// How long it is used without asking again.
const FRESH: Duration = Duration::from_hours(1);
/// How long it is used when asking again fails: an issuer's outage at night is not everybody's.
const STALE: Duration = Duration::from_hours(24);
/// How long a failure is remembered, so that a dead issuer is not asked once for every login.
const REST: Duration = Duration::from_secs(10);
/// How often it may be fetched because somebody showed something it does not explain (attack 22).
const RENEW_EVERY: Duration = Duration::from_mins(1);

/// One document of one issuer. Fetched by one caller at a time while the others wait, or go on with what is there.
///
/// A cache library would keep time by itself; here the clock is the port, so that tests turn it, and what has grown old is still there when the
/// issuer is not.
pub(super) struct Kept<T> {
    provider: ProviderId,
    what: &'static str,
    clock: Arc<dyn Clock>,
    state: RwLock<State<T>>,
    flight: Mutex<()>,
}

struct State<T> {
    good: Option<(Timestamp, Arc<T>)>,
    failed: Option<(Timestamp, ProviderError)>,
    renewed: Option<Timestamp>,
}

impl<T: Send + Sync> Kept<T> {
    pub(super) fn new(provider: ProviderId, what: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self { provider, what, clock, state: RwLock::new(State { good: None, failed: None, renewed: None }), flight: Mutex::new(()) }
    }

    /// What is there, fetched when it is missing or old.
    pub(super) async fn get<F>(&self, fetch: impl FnOnce() -> F + Send) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send,
    {
        if let Some(answer) = self.settled() {
            return answer;
        }
        let _flight = match (self.flight.try_lock(), self.younger_than(STALE)) {
            (Ok(flight), _) => flight,
            (Err(_), Some(stale)) => return Ok(stale),
            (Err(_), None) => self.flight.lock().await,
        };
        if let Some(answer) = self.settled() {
            return answer;
        }
        self.fetch(fetch()).await
    }

    /// Fetches it although it is fresh, but at most once a minute; otherwise what is there, which another caller may just have fetched.
    pub(super) async fn renew<F>(&self, fetch: impl FnOnce() -> F + Send) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send,
    {
        let flight = self.flight.lock().await;
        if self.may_renew() {
            return self.fetch(fetch()).await;
        }
        drop(flight);
        self.get(fetch).await
    }

    /// Drops what is there unless it is wanted.
    pub(super) fn retain(&self, wanted: impl Fn(&T) -> bool) {
        let unwanted = self.read(|state| state.good.as_ref().is_some_and(|(_, value)| !wanted(value)));
        if unwanted {
            self.write(|state| (state.good, state.failed) = (None, None));
        }
    }

    async fn fetch(&self, fetching: impl Future<Output = Result<T, ProviderError>> + Send) -> Result<Arc<T>, ProviderError> {
        let fetched = fetching.await;
        let now = self.clock.now();
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                self.write(|state| (state.good, state.failed) = (Some((now, Arc::clone(&value))), None));
                Ok(value)
            }
            Err(error) => {
                self.write(|state| state.failed = Some((now, error.clone())));
                let stale = self.younger_than(STALE);
                if stale.is_some() {
                    tracing::warn!(provider.id = %self.provider, %error, "going on with the {} that {} gave before", self.what, self.provider);
                }
                stale.ok_or(error)
            }
        }
    }

    /// The answer, if it takes no fetching: fresh, or failed so lately that it is not tried again.
    fn settled(&self) -> Option<Result<Arc<T>, ProviderError>> {
        if let Some(fresh) = self.younger_than(FRESH) {
            return Some(Ok(fresh));
        }
        let now = self.clock.now();
        let failed = self.read(|state| state.failed.clone().filter(|(at, _)| now.since(*at) < REST));
        failed.map(|(_, error)| self.younger_than(STALE).ok_or(error))
    }

    fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        let now = self.clock.now();
        self.read(|state| state.good.as_ref().filter(|(at, _)| now.since(*at) < age).map(|(_, value)| Arc::clone(value)))
    }

    fn may_renew(&self) -> bool {
        let now = self.clock.now();
        self.write(|state| {
            let may = state.renewed.is_none_or(|at| now.since(at) >= RENEW_EVERY);
            if may {
                state.renewed = Some(now);
            }
            may
        })
    }

    fn read<R>(&self, look: impl FnOnce(&State<T>) -> R) -> R {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}
