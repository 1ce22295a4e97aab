//! What was fetched from an issuer or a client, and how long it is good.

use std::{
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::Instrument;
use vestibule_domain::{
    ids::ProviderId,
    ports::Clock,
    provider::{Phase, ProviderError},
    time::Timestamp,
};

use crate::line::unreachable;

/// How long it is used without asking again.
const FRESH: Duration = Duration::from_hours(1);
/// How long it is used when asking again fails: an issuer's outage at night is not everybody's.
const STALE: Duration = Duration::from_hours(24);
/// How long a failure is remembered, so that a dead issuer is not asked once for every login.
const REST: Duration = Duration::from_secs(10);
/// How often it may be fetched because somebody showed something it does not explain (attack 22).
const RENEW_EVERY: Duration = Duration::from_mins(1);

/// One document of one issuer or client. Fetched by one caller at a time while the others wait, or go on with what is there.
///
/// A cache library would keep time by itself; here the clock is the port, so that tests turn it, and what has grown old is still there when the
/// issuer is not.
pub(crate) struct Kept<T> {
    shelf: Arc<Shelf<T>>,
    flight: Arc<Mutex<()>>,
}

/// Whose document it is, for the log.
pub(crate) enum Whose {
    /// A provider's.
    Provider(ProviderId),
    /// A client's, who keeps it on this host.
    Client(String),
}

impl Whose {
    fn tell_of_stale(&self, phase: Phase, error: &ProviderError) {
        match self {
            Self::Provider(id) => {
                tracing::warn!(provider.id = %id, upstream.phase = %phase, %error, "going on with what {id} gave before ({phase})");
            }
            Self::Client(host) => tracing::warn!(server.address = %host, %error, "going on with the client's keys that {host} gave before"),
        }
    }
}

/// Where it lies; a fetch that outlives its caller puts it here.
struct Shelf<T> {
    whose: Whose,
    phase: Phase,
    clock: Arc<dyn Clock>,
    state: RwLock<State<T>>,
}

struct State<T> {
    good: Option<(Timestamp, Arc<T>)>,
    failed: Option<(Timestamp, ProviderError)>,
    renewed: Option<Timestamp>,
}

/// Why it is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It is missing or old.
    Due,
    /// Somebody showed something it does not explain.
    Renewal,
    /// Somebody wants to know whether it can be fetched now.
    Look,
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// Nothing is there yet. `phase` is the step that fetches it.
    pub(crate) fn new(whose: Whose, phase: Phase, clock: Arc<dyn Clock>) -> Self {
        let state = RwLock::new(State { good: None, failed: None, renewed: None });
        Self { shelf: Arc::new(Shelf { whose, phase, clock, state }), flight: Arc::default() }
    }

    /// What is there, fetched when it is missing or old.
    pub(crate) async fn get<F>(&self, fetch: impl FnOnce() -> F + Send) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        if let Some(answer) = self.shelf.settled() {
            return answer;
        }
        let flight = match (Arc::clone(&self.flight).try_lock_owned(), self.shelf.younger_than(STALE)) {
            (Ok(flight), _) => flight,
            (Err(_), Some(stale)) => return Ok(stale),
            (Err(_), None) => Arc::clone(&self.flight).lock_owned().await,
        };
        if let Some(answer) = self.shelf.settled() {
            return answer;
        }
        self.fetch(Why::Due, flight, fetch()).await
    }

    /// Fetches it although it is fresh, but at most once a minute; otherwise what is there, which another caller may just have fetched.
    pub(crate) async fn renew<F>(&self, fetch: impl FnOnce() -> F + Send) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        let flight = Arc::clone(&self.flight).lock_owned().await;
        if self.shelf.may_renew() {
            return self.fetch(Why::Renewal, flight, fetch()).await;
        }
        drop(flight);
        self.get(fetch).await
    }

    /// Fetches it whatever is there, and says so when that fails; what was fetched is there for everybody. Who asks while another fetches is told
    /// what came of that.
    pub(crate) async fn look<F>(&self, fetch: impl FnOnce() -> F + Send) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        if let Ok(flight) = Arc::clone(&self.flight).try_lock_owned() {
            return self.fetch(Why::Look, flight, fetch()).await;
        }
        let flight = Arc::clone(&self.flight).lock_owned().await;
        match self.shelf.latest() {
            Some(answer) => answer,
            None => self.fetch(Why::Look, flight, fetch()).await,
        }
    }

    /// Drops what is there unless it is wanted.
    pub(crate) fn retain(&self, wanted: impl Fn(&T) -> bool) {
        let unwanted = self.shelf.read(|state| state.good.as_ref().is_some_and(|(_, value)| !wanted(value)));
        if unwanted {
            self.shelf.write(|state| (state.good, state.failed) = (None, None));
        }
    }

    /// Fetches in a task of its own: a browser that goes away drops its caller, and must take from nobody what was about to arrive. The
    /// flight ends when the answer lies on the shelf.
    async fn fetch(
        &self,
        why: Why,
        flight: OwnedMutexGuard<()>,
        fetching: impl Future<Output = Result<T, ProviderError>> + Send + 'static,
    ) -> Result<Arc<T>, ProviderError> {
        let shelf = Arc::clone(&self.shelf);
        let work = async move {
            let answer = shelf.put(why, fetching.await);
            drop(flight);
            answer
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(answer) => answer,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            Err(_) => Err(unreachable(self.shelf.phase, None, "we were stopped while it was asked")),
        }
    }
}

impl<T> Shelf<T> {
    /// Keeps what was fetched, or that it could not be; the answer is what there is now.
    fn put(&self, why: Why, fetched: Result<T, ProviderError>) -> Result<Arc<T>, ProviderError> {
        let now = self.clock.now();
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                self.write(|state| {
                    (state.good, state.failed) = (Some((now, Arc::clone(&value))), None);
                    if why == Why::Renewal {
                        state.renewed = Some(now);
                    }
                });
                Ok(value)
            }
            Err(error) => {
                self.write(|state| state.failed = Some((now, error.clone())));
                if why == Why::Look {
                    return Err(error);
                }
                let stale = self.younger_than(STALE);
                if stale.is_some() {
                    self.whose.tell_of_stale(self.phase, &error);
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
        let error = self.failed_lately()?;
        Some(self.younger_than(STALE).ok_or(error))
    }

    /// What came of the last fetch.
    fn latest(&self) -> Option<Result<Arc<T>, ProviderError>> {
        self.read(|state| match (&state.failed, &state.good) {
            (Some((_, error)), _) => Some(Err(error.clone())),
            (None, good) => good.as_ref().map(|(_, value)| Ok(Arc::clone(value))),
        })
    }

    fn failed_lately(&self) -> Option<ProviderError> {
        let now = self.clock.now();
        self.read(|state| state.failed.clone()).filter(|(at, _)| now.since(*at) < REST).map(|(_, error)| error)
    }

    fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        let now = self.clock.now();
        self.read(|state| state.good.as_ref().filter(|(at, _)| now.since(*at) < age).map(|(_, value)| Arc::clone(value)))
    }

    /// Only a renewal that succeeded counts for the minute: after a failure the issuer's new keys are looked for again, after a short rest.
    fn may_renew(&self) -> bool {
        let now = self.clock.now();
        self.failed_lately().is_none() && self.read(|state| state.renewed.is_none_or(|at| now.since(at) >= RENEW_EVERY))
    }

    fn read<R>(&self, look: impl FnOnce(&State<T>) -> R) -> R {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}
