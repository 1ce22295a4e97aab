//! What one place may do too often: failures against a secret, and events that a stranger can cause at will.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use vestibule_domain::{ages::Ages, audit::EventName, ids::AttemptId, limits::household, time::Timestamp};

const MOST_FAILURES: u32 = 10;
const WINDOW: Duration = Duration::from_mins(1);

/// At most so many a minute for each (address, name): ten failures, unless it is said otherwise; a success clears its count. Kept in memory, a node each: what it protects has
/// 256 bits. A name is a client's that exists; all others of an address count as one, or guessing names would cost nothing.
#[derive(Debug)]
pub(crate) struct Throttle {
    places: Mutex<Ages<Place, Window>>,
    most: u32,
    window: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::of(MOST_FAILURES)
    }
}

type Place = (Option<IpAddr>, Box<str>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    count: u32,
}

impl Throttle {
    /// At most so many a minute.
    pub(crate) fn of(most: u32) -> Self {
        Self::within(WINDOW, most)
    }

    /// At most so many in so long.
    pub(crate) fn within(window: Duration, most: u32) -> Self {
        Self { places: Mutex::default(), most, window }
    }

    /// Seconds to wait, if this place was here too often.
    pub(crate) fn wait(&self, ip: Option<IpAddr>, name: &str, now: Timestamp) -> Option<u64> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_empty() {
            return None;
        }
        let window = places.get(&place(ip, name))?;
        let left = self.window.checked_sub(now.since(window.began)).filter(|left| !left.is_zero())?;
        (window.count >= self.most).then(|| left.as_secs() + 1)
    }

    /// Counts one more. True when it was the one that reached the limit.
    pub(crate) fn count(&self, ip: Option<IpAddr>, name: &str, now: Timestamp) -> bool {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = place(ip, name);
        let standing = places.get(&place).copied().filter(|window| now.since(window.began) < self.window);
        let window = standing.unwrap_or(Window { began: now, count: 0 });
        let count = window.count.saturating_add(1);
        places.put(place, Window { count, ..window });
        count == self.most
    }

    /// Forgets a place's failures.
    pub(crate) fn succeeded(&self, ip: Option<IpAddr>, name: &str) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if !places.is_empty() {
            places.remove(&place(ip, name));
        }
    }
}

fn place(ip: Option<IpAddr>, name: &str) -> Place {
    (ip.map(household), name.into())
}

/// How many rows a minute of each kind of event strangers may cause; what comes beyond is counted and logged, not stored (attack 84).
const MOST_ROWS: u32 = 600;

/// The rows that strangers caused this minute, by event: a flood of one kind hides no other.
#[derive(Debug)]
pub(crate) struct Budget {
    windows: Mutex<HashMap<EventName, Window>>,
    most: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(MOST_ROWS)
    }
}

/// What may be done with one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// Stored.
    Fits,
    /// The first that does not fit: that is worth a record of its own.
    RunsOut,
    /// Counted and logged.
    Over,
}

impl Budget {
    /// So many rows a minute of each kind.
    pub(crate) fn of(most: u32) -> Self {
        Self { windows: Mutex::default(), most }
    }

    /// Whether one more may be stored.
    pub(crate) fn spend(&self, name: EventName, now: Timestamp) -> Spent {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(name).or_insert(Window { began: now, count: 0 });
        if now.since(window.began) >= WINDOW {
            *window = Window { began: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        match window.count.cmp(&(self.most + 1)) {
            std::cmp::Ordering::Less => Spent::Fits,
            std::cmp::Ordering::Equal => Spent::RunsOut,
            std::cmp::Ordering::Greater => Spent::Over,
        }
    }
}

/// Attempts whose callback this node has taken up. The row at settlement is what holds on every node; this keeps one browser from having us
/// knock at its provider again and again, and a reload from looking like the provider's fault.
#[derive(Debug, Default)]
pub(crate) struct TakenUp(Mutex<Ages<AttemptId, ()>>);

impl TakenUp {
    /// Whether it is the first time.
    pub(crate) fn first(&self, id: AttemptId) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = taken.get(&id).is_none();
        if first {
            taken.put(id, ());
        }
        first
    }
}

/// What was done today: a note that is worth one write a day. A node that forgets writes once more.
#[derive(Debug)]
pub(crate) struct Daily<K>(Mutex<Ages<K, Timestamp>>);

impl<K: Eq + Hash> Default for Daily<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone> Daily<K> {
    /// Whether it is the first time in a day.
    pub(crate) fn first(&self, key: &K, now: Timestamp) -> bool {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = done.get(key).is_none_or(|at| now.since(*at) >= DAY);
        if first {
            done.put(key.clone(), now);
        }
        first
    }
}

const DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use vestibule_domain::ages::MOST_KEPT;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn attack_50_the_eleventh_guess_waits_and_another_place_does_not() {
        let throttle = Throttle::default();
        let (here, there) = (Some("192.0.2.1".parse().unwrap()), Some("192.0.2.2".parse().unwrap()));
        for guess in 1..=10 {
            assert_eq!(throttle.wait(here, "app", NOW), None);
            assert_eq!(throttle.count(here, "app", NOW), guess == 10);
        }
        assert_eq!(throttle.wait(here, "app", NOW), Some(61));
        assert_eq!(throttle.wait(there, "app", NOW), None);
        assert_eq!(throttle.wait(here, "other", NOW), None);
        assert_eq!(throttle.wait(here, "app", NOW + WINDOW), None);
    }

    #[test]
    fn attack_50_a_household_with_a_million_addresses_is_one_place() {
        let throttle = Throttle::default();
        for n in 0..10u32 {
            throttle.count(Some(format!("2001:db8:1:2::{n:x}").parse().unwrap()), "app", NOW);
        }
        assert!(throttle.wait(Some("2001:db8:1:2:ffff::1".parse().unwrap()), "app", NOW).is_some());
        assert!(throttle.wait(Some("2001:db8:1:3::1".parse().unwrap()), "app", NOW).is_none());
    }

    #[test]
    fn attack_84_a_flood_of_places_stays_bounded_and_the_newest_are_remembered() {
        let throttle = Throttle::default();
        let flood = u32::try_from(MOST_KEPT).unwrap() * 3;
        for n in 0..flood {
            throttle.count(Some(std::net::Ipv4Addr::from(n).into()), "app", NOW);
        }
        let places = throttle.places.lock().unwrap();
        assert!(places.len() <= MOST_KEPT);
        assert!(places.get(&place(Some(std::net::Ipv4Addr::from(flood - 1).into()), "app")).is_some());
    }

    #[test]
    fn attack_84_rows_that_strangers_cause_are_bounded_by_the_minute_and_the_kind() {
        let budget = Budget::default();
        let spent: Vec<_> = (0..10_000).map(|_| budget.spend(EventName::LoginFailed, NOW)).collect();
        assert_eq!(spent.iter().filter(|spent| **spent == Spent::Fits).count(), 600);
        assert_eq!(spent.iter().filter(|spent| **spent == Spent::RunsOut).count(), 1);
        assert_eq!(budget.spend(EventName::AdminAuthFailed, NOW), Spent::Fits, "a flood of one kind hides no other");
        assert_eq!(budget.spend(EventName::LoginFailed, NOW + WINDOW), Spent::Fits);
    }
}
