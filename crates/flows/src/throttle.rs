//! What one place may do too often: failures against a secret, and events that a stranger can cause at will.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use vestibule_domain::time::Timestamp;

const MOST_FAILURES: u32 = 10;
const WINDOW: Duration = Duration::from_mins(1);
/// A bound on memory; beyond it the oldest windows are forgotten first.
const MOST_PLACES: usize = 20_000;

/// At most ten failures a minute for each (address, name); a success clears its count. Kept in memory, a node each: what it protects has 256 bits.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Place, Window>>);

type Place = (Option<IpAddr>, Box<str>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    count: u32,
}

impl Throttle {
    /// Seconds to wait, if this place has failed too often.
    pub(crate) fn wait(&self, ip: Option<IpAddr>, name: &str, now: Timestamp) -> Option<u64> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_empty() {
            return None;
        }
        let window = places.get(&(ip, name.into()))?;
        let left = WINDOW.checked_sub(now.since(window.began)).filter(|left| !left.is_zero())?;
        (window.count >= MOST_FAILURES).then(|| left.as_secs() + 1)
    }

    /// Counts a failure. True when it was the one that reached the limit.
    pub(crate) fn failed(&self, ip: Option<IpAddr>, name: &str, now: Timestamp) -> bool {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_PLACES {
            places.retain(|_, window| now.since(window.began) < WINDOW);
            if places.len() >= MOST_PLACES {
                let oldest = places.iter().min_by_key(|(_, window)| window.began).map(|(place, _)| place.clone());
                oldest.and_then(|place| places.remove(&place));
            }
        }
        let window = places.entry((ip, name.into())).or_insert(Window { began: now, count: 0 });
        if now.since(window.began) >= WINDOW {
            *window = Window { began: now, count: 0 };
        }
        window.count += 1;
        window.count == MOST_FAILURES
    }

    /// Forgets a place's failures.
    pub(crate) fn succeeded(&self, ip: Option<IpAddr>, name: &str) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !places.is_empty() {
            places.remove(&(ip, name.into()));
        }
    }
}

/// How many rows a minute strangers may cause; what comes beyond is counted and logged, not stored (attack 84).
const MOST_ROWS: u32 = 600;

/// The rows that strangers caused this minute.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<Option<Window>>);

impl Budget {
    /// Whether one more may be stored.
    pub(crate) fn spend(&self, now: Timestamp) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = window.filter(|window| now.since(window.began) < WINDOW).unwrap_or(Window { began: now, count: 0 });
        let fits = current.count < MOST_ROWS;
        *window = Some(Window { count: current.count.saturating_add(1), ..current });
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_50_the_eleventh_guess_waits_and_another_place_does_not() {
        let throttle = Throttle::default();
        let (here, there) = (Some("192.0.2.1".parse().unwrap()), Some("192.0.2.2".parse().unwrap()));
        let now = Timestamp::from_secs(1_800_000_000);
        for guess in 1..=10 {
            assert_eq!(throttle.wait(here, "app", now), None);
            assert_eq!(throttle.failed(here, "app", now), guess == 10);
        }
        assert_eq!(throttle.wait(here, "app", now), Some(61));
        assert_eq!(throttle.wait(there, "app", now), None);
        assert_eq!(throttle.wait(here, "other", now), None);
        assert_eq!(throttle.wait(here, "app", now + WINDOW), None);
    }

    #[test]
    fn attack_84_a_flood_of_places_stays_bounded() {
        let throttle = Throttle::default();
        let now = Timestamp::from_secs(1_800_000_000);
        for n in 0..u32::try_from(MOST_PLACES).unwrap() + 50 {
            throttle.failed(Some(std::net::Ipv4Addr::from(n).into()), "app", now);
        }
        assert!(throttle.0.lock().unwrap().len() <= MOST_PLACES);
    }

    #[test]
    fn attack_84_rows_that_strangers_cause_are_bounded_by_the_minute() {
        let budget = Budget::default();
        let now = Timestamp::from_secs(1_800_000_000);
        let stored = (0..10_000).filter(|_| budget.spend(now)).count();
        assert_eq!(stored, 600);
        assert!(budget.spend(now + WINDOW));
    }
}
