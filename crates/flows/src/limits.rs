//! How often one address, or one client, may ask: counted in memory, a node each. What can be guessed is counted elsewhere, where every node sees it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{NotUntil, Quota, RateLimiter, clock, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore};
use vestibule_domain::{
    ages::Ages,
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    client::Client,
    error::OAuthError,
    ids::AccountId,
    limits::{Limit, Limits, household},
    ports::Clock,
    time::Timestamp,
};

use crate::{AdminFault, Fault, Gateway};

/// Who asks, within one limit.
type Asker = Box<str>;

type Gate = RateLimiter<Asker, Bounded, HouseClock, NoOpMiddleware<Duration>>;

/// What is remembered of askers, bounded: who is forgotten begins anew (attack 84).
#[derive(Debug, Default)]
struct Bounded(Mutex<Ages<Asker, Nanos>>);

impl StateStore for Bounded {
    type Key = Asker;

    fn measure_and_replace<T, F, E>(&self, asker: &Asker, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, after) = measure(ages.get(asker).copied())?;
        ages.put(asker.clone(), after);
        Ok(outcome)
    }
}

/// The house's clock, as the library reads one.
struct HouseClock(Arc<dyn Clock>);

impl clock::Clock for HouseClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().as_millis()).unwrap_or_default())
    }
}

/// One limit at work: so many a minute, and who has asked how often.
struct Counter {
    most: NonZeroU32,
    gate: Gate,
}

/// The limits at work.
#[derive(Default)]
pub(crate) struct Gates {
    addresses: HashMap<Limit, Arc<Counter>>,
    clients: HashMap<Limit, Arc<Counter>>,
    accounts: Option<Arc<Counter>>,
    admin_keys: Option<Arc<Counter>>,
    /// When it was last told of whom.
    told: Arc<Mutex<Ages<(Limit, Asker), Timestamp>>>,
}

/// How often it is told of one asker.
const TELL_EVERY: Duration = Duration::from_mins(1);

impl Gates {
    pub(crate) fn new(limits: &Limits, clock: &Arc<dyn Clock>) -> Self {
        Self::default().renewed(limits, clock)
    }

    /// The gates by other limits. What is counted for a limit that stays goes on being counted: a reload gives nobody a fresh start.
    #[must_use]
    pub(crate) fn renewed(&self, limits: &Limits, clock: &Arc<dyn Clock>) -> Self {
        let counter = |before: Option<&Arc<Counter>>, rate| {
            let most = NonZeroU32::new(rate)?;
            let same = before.filter(|before| before.most == most).cloned();
            let gate = || RateLimiter::new(Quota::per_minute(most), Bounded::default(), HouseClock(clock.clone()));
            Some(same.unwrap_or_else(|| Arc::new(Counter { most, gate: gate() })))
        };
        let counters = |before: &HashMap<Limit, Arc<Counter>>, rate: fn(vestibule_domain::limits::Rates) -> u32| {
            Limit::ALL.iter().filter_map(|limit| Some((*limit, counter(before.get(limit), rate(limits.of(*limit)))?))).collect()
        };
        Self {
            addresses: counters(&self.addresses, |rates| rates.per_address),
            clients: counters(&self.clients, |rates| rates.per_client),
            accounts: counter(self.accounts.as_ref(), limits.sign_ins_per_account),
            admin_keys: counter(self.admin_keys.as_ref(), limits.admin_per_key),
            told: self.told.clone(),
        }
    }

    /// Whether it is worth a record that this asker was turned away.
    fn is_news(&self, limit: Limit, asker: &Asker, now: Timestamp) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (limit, asker.clone());
        let is_news = told.get(&key).is_none_or(|before| now.since(*before) >= TELL_EVERY);
        if is_news {
            told.put(key, now);
        }
        is_news
    }
}

impl Counter {
    /// Seconds to wait, if that is too often.
    fn wait(&self, asker: &Asker) -> Option<u64> {
        self.gate.check_key(asker).err().map(|early| self.seconds(&early))
    }

    fn seconds(&self, early: &NotUntil<Duration>) -> u64 {
        early.wait_time_from(clock::Clock::now(self.gate.clock())).as_secs() + 1
    }
}

impl Gateway {
    /// Whether an address may ask this once more; otherwise the seconds it waits.
    pub async fn admit_address(&self, witness: &Witness, limit: Limit) -> Result<(), u64> {
        let asker: Asker = witness.source.ip.map_or_else(|| "nowhere".into(), |ip| household(ip).to_string().into());
        let Some(wait) = self.gates.addresses.get(&limit).and_then(|counter| counter.wait(&asker)) else { return Ok(()) };
        self.turned_away(witness, limit, &asker, self.limited(witness, limit, "per address")).await;
        Err(wait)
    }

    /// The same for a client that proved who it is.
    pub(crate) async fn admit_client(&self, witness: &Witness, limit: Limit, client: &Client) -> Result<(), OAuthError> {
        let asker: Asker = client.id.as_str().into();
        let counter = self.gates.clients.get(&limit).filter(|_| !client.is_public());
        let Some(wait) = counter.and_then(|counter| counter.wait(&asker)) else { return Ok(()) };
        let event = AuditEvent { client: Some(client.id.clone()), ..self.limited(witness, limit, "per client") };
        self.turned_away(witness, limit, &asker, event).await;
        Err(OAuthError::too_many(wait))
    }

    /// Whether an account may be signed in to once more.
    pub(crate) async fn admit_account(&self, witness: &Witness, account: AccountId) -> Result<(), Fault> {
        let asker: Asker = account.to_string().into();
        let Some(wait) = self.gates.accounts.as_ref().and_then(|counter| counter.wait(&asker)) else { return Ok(()) };
        let event = AuditEvent { account: Some(account), ..self.limited(witness, Limit::SignIn, "per account") };
        self.turned_away(witness, Limit::SignIn, &asker, event).await;
        Err(Fault::TooManySignIns(wait))
    }

    /// Whether an operator's key may be used once more, for something that counts as so many calls.
    pub(crate) async fn admit_key(&self, witness: &Witness, key: &str, cost: NonZeroU32) -> Result<(), AdminFault> {
        let asker: Asker = key.into();
        let Some(counter) = &self.gates.admin_keys else { return Ok(()) };
        // What counts as more than a whole minute's is had once a minute.
        let Ok(Err(early)) = counter.gate.check_key_n(&asker, cost.min(counter.most)) else { return Ok(()) };
        let wait = counter.seconds(&early);
        let actor = Actor::AdminKey(key.to_owned());
        let event = AuditEvent { actor, ..self.limited(witness, Limit::Admin, "per key") };
        self.turned_away(witness, Limit::Admin, &asker, event).await;
        Err(AdminFault::TooMany(wait))
    }

    fn limited(&self, witness: &Witness, limit: Limit, whose: &str) -> AuditEvent {
        AuditEvent {
            reason: Some(limit.reason()),
            detail: Some(whose.to_owned()),
            ..self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous)
        }
    }

    async fn turned_away(&self, witness: &Witness, limit: Limit, asker: &Asker, event: AuditEvent) {
        if self.gates.is_news(limit, asker, witness.now) {
            self.record_failure(witness, event, Vec::new()).await;
        } else {
            self.seen(&event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(1_800_000_000)
        }
    }

    /// Whoever tries too often would only have to wait for the next change of anything.
    #[test]
    fn attack_84_a_reload_gives_a_fresh_start_only_where_the_limit_is_another() {
        let clock: Arc<dyn Clock> = Arc::new(Still);
        let limits = Limits { sign_ins_per_account: 1, admin_per_key: 1, ..Limits::default() };
        let wait = |counter: &Option<Arc<Counter>>| counter.as_ref().and_then(|counter| counter.wait(&"somebody".into()));
        let before = Gates::new(&limits, &clock);
        assert_eq!((wait(&before.accounts), wait(&before.admin_keys)), (None, None));
        assert!(wait(&before.accounts).is_some() && wait(&before.admin_keys).is_some());
        let after = before.renewed(&Limits { admin_per_key: 2, ..limits.clone() }, &clock);
        assert!(wait(&after.accounts).is_some());
        assert_eq!(wait(&after.admin_keys), None);
        assert!(after.renewed(&Limits { sign_ins_per_account: 0, ..limits }, &clock).accounts.is_none());
    }
}
