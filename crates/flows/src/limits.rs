//! How often one address, or one client, may ask: counted in memory, a node each. What can be guessed is counted elsewhere, where every node sees it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{NotUntil, Quota, RateLimiter, clock, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    client::Client,
    error::OAuthError,
    ids::AccountId,
    limits::{Limit, Limits},
    ports::Clock,
    time::Timestamp,
};

use crate::{
    AdminFault, Fault, Gateway,
    throttle::{Ages, household},
};

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

/// The limits at work.
pub(crate) struct Gates {
    addresses: HashMap<Limit, Gate>,
    clients: HashMap<Limit, Gate>,
    accounts: Option<Gate>,
    admin_keys: Option<(Gate, NonZeroU32)>,
    clock: HouseClock,
    /// When it was last told of whom.
    told: Mutex<Ages<(Limit, Asker), Timestamp>>,
}

/// How often it is told of one asker.
const TELL_EVERY: Duration = Duration::from_mins(1);

impl Gates {
    pub(crate) fn new(limits: &Limits, clock: &Arc<dyn Clock>) -> Self {
        let gate = |rate| Some(RateLimiter::new(Quota::per_minute(NonZeroU32::new(rate)?), Bounded::default(), HouseClock(clock.clone())));
        let gates = |rate: fn(vestibule_domain::limits::Rates) -> u32| {
            Limit::ALL.iter().filter_map(|limit| Some((*limit, gate(rate(limits.of(*limit)))?))).collect()
        };
        Self {
            addresses: gates(|rates| rates.per_address),
            clients: gates(|rates| rates.per_client),
            accounts: gate(limits.sign_ins_per_account),
            admin_keys: gate(limits.admin_per_key).zip(NonZeroU32::new(limits.admin_per_key)),
            clock: HouseClock(clock.clone()),
            told: Mutex::default(),
        }
    }

    /// Seconds to wait, if that is too often.
    fn wait(&self, gate: Option<&Gate>, asker: &Asker) -> Option<u64> {
        Some(self.seconds(&gate?.check_key(asker).err()?))
    }

    fn seconds(&self, early: &NotUntil<Duration>) -> u64 {
        early.wait_time_from(clock::Clock::now(&self.clock)).as_secs() + 1
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

impl Gateway {
    /// Whether an address may ask this once more; otherwise the seconds it waits.
    pub async fn admit_address(&self, witness: &Witness, limit: Limit) -> Result<(), u64> {
        let asker: Asker = witness.source.ip.map_or_else(|| "nowhere".into(), |ip| household(ip).to_string().into());
        let Some(wait) = self.gates.wait(self.gates.addresses.get(&limit), &asker) else { return Ok(()) };
        self.turned_away(witness, limit, &asker, self.limited(witness, limit, "per address")).await;
        Err(wait)
    }

    /// The same for a client that proved who it is.
    pub(crate) async fn admit_client(&self, witness: &Witness, limit: Limit, client: &Client) -> Result<(), OAuthError> {
        let asker: Asker = client.id.as_str().into();
        let gate = self.gates.clients.get(&limit).filter(|_| !client.is_public());
        let Some(wait) = self.gates.wait(gate, &asker) else { return Ok(()) };
        let event = AuditEvent { client: Some(client.id.clone()), ..self.limited(witness, limit, "per client") };
        self.turned_away(witness, limit, &asker, event).await;
        Err(OAuthError::too_many(wait))
    }

    /// Whether an account may be signed in to once more.
    pub(crate) async fn admit_account(&self, witness: &Witness, account: AccountId) -> Result<(), Fault> {
        let asker: Asker = account.to_string().into();
        let Some(wait) = self.gates.wait(self.gates.accounts.as_ref(), &asker) else { return Ok(()) };
        let event = AuditEvent { account: Some(account), ..self.limited(witness, Limit::SignIn, "per account") };
        self.turned_away(witness, Limit::SignIn, &asker, event).await;
        Err(Fault::TooManySignIns(wait))
    }

    /// Whether an operator's key may be used once more, for something that counts as so many calls.
    pub(crate) async fn admit_key(&self, witness: &Witness, key: &str, cost: NonZeroU32) -> Result<(), AdminFault> {
        let asker: Asker = key.into();
        let Some((gate, most)) = &self.gates.admin_keys else { return Ok(()) };
        // What counts as more than a whole minute's is had once a minute.
        let Ok(Err(early)) = gate.check_key_n(&asker, cost.min(*most)) else { return Ok(()) };
        let wait = self.gates.seconds(&early);
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
