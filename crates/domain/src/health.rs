//! Whether a provider can be used now: a circuit breaker's decisions, as values.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{client::closed_enum, time::Timestamp};

closed_enum! {
    /// What is done with requests to a provider.
    BreakerState {
        /// They go through.
        Closed = "closed",
        /// One at a time goes through, to see whether it is well again.
        HalfOpen = "half_open",
        /// None goes through until it is time to look again.
        Open = "open",
    }
}

/// How a breaker behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// So many failures in a row open it.
    pub failures: u32,
    /// How long it stays open the first time; doubled with every look that fails.
    pub pause: Duration,
    /// How long at most.
    pub longest_pause: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(10), longest_pause: Duration::from_mins(5) }
    }
}

/// A provider's breaker. Only what the provider itself fails at counts: a person who declines, or an answer that breaks the protocol for one
/// person, says nothing of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// Set when it is open: until when.
    open_until: Option<Timestamp>,
    /// How often in a row it opened.
    opened: u32,
    /// Since when one request is looking.
    looking: Option<Timestamp>,
}

/// No pause is longer, whatever the rules say.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// A request that looks whether a provider is well is waited for no longer than this; then another may look.
const LOOK_FOR: Duration = Duration::from_secs(30);

impl Breaker {
    /// What is done with requests now.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            // A clock that was set back must not keep it shut for as long as it was set back.
            Some(until) if now < until && until.since(now) <= LONGEST_PAUSE => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether a request may go now. In the half-open state the first that asks is the one that looks.
    pub fn admits(&mut self, now: Timestamp) -> bool {
        match self.state(now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => {
                let free = self.looking.is_none_or(|since| since > now || now.since(since) >= LOOK_FOR);
                if free {
                    self.looking = Some(now);
                }
                free
            }
        }
    }

    /// When somebody may look again.
    pub fn open_until(&self) -> Option<Timestamp> {
        self.open_until
    }

    /// It answered.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// What it publishes could be had. That proves little: people's codes may fail all the same. So it is used again, and the next failure shuts it at once.
    pub fn looked_well(&mut self) {
        self.looking = None;
        if self.open_until.take().is_some() {
            self.failures = u32::MAX - 1;
        }
    }

    /// It was not asked after all, or what came of it says nothing of the provider.
    pub fn gave_no_sign(&mut self) {
        self.looking = None;
    }

    /// It did not.
    pub fn failed(&mut self, now: Timestamp, rules: &BreakerRules) {
        self.failures = self.failures.saturating_add(1);
        let was_open = self.open_until.is_some();
        if !was_open && self.failures < rules.failures {
            return;
        }
        // Requests that began before it opened and fail now are the same failure.
        if self.state(now) == BreakerState::Open {
            return;
        }
        let pause = rules.pause.saturating_mul(2_u32.saturating_pow(self.opened)).min(rules.longest_pause);
        self.opened = self.opened.saturating_add(1);
        self.open_until = Some(now + pause);
        self.looking = None;
    }
}

/// What a look at a provider's published documents showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Facts for the operator, in order: what was looked at, and what was found.
    pub facts: Vec<(&'static str, String)>,
    /// What works and may stop working, or works differently than documented.
    pub warnings: Vec<String>,
    /// When our secret or certificate there expires, where that is known.
    pub secret_expires: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules { failures: 3, pause: Duration::from_secs(10), longest_pause: Duration::from_secs(35) };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::default();
        breaker.failed(at(0), &RULES);
        breaker.failed(at(0), &RULES);
        breaker.succeeded();
        breaker.failed(at(1), &RULES);
        breaker.failed(at(1), &RULES);
        assert_eq!(breaker.state(at(1)), BreakerState::Closed);
        breaker.failed(at(1), &RULES);
        assert_eq!(breaker.state(at(1)), BreakerState::Open);
        assert!(!breaker.admits(at(10)));
        assert!(breaker.admits(at(11)), "one looks");
        assert!(!breaker.admits(at(11)), "and no other");
        breaker.succeeded();
        assert!(breaker.admits(at(11)) && breaker.admits(at(11)));
    }

    #[test]
    fn a_look_that_fails_doubles_the_pause_up_to_the_longest() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.failed(at(0), &RULES));
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let until = breaker.open_until().unwrap();
            assert!(breaker.admits(until));
            breaker.failed(until, &RULES);
            pauses.push(breaker.open_until().unwrap().since(until).as_secs());
        }
        assert_eq!(pauses, [20, 35, 35, 35]);
    }

    #[test]
    fn requests_that_fail_late_do_not_prolong_it() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.failed(at(0), &RULES));
        let until = breaker.open_until();
        (0..50).for_each(|_| breaker.failed(at(5), &RULES));
        assert_eq!(breaker.open_until(), until);
    }

    #[test]
    fn a_good_look_at_what_is_published_lets_people_through_and_one_failure_shuts_it_again() {
        let mut breaker = Breaker::default();
        breaker.failed(at(0), &RULES);
        breaker.looked_well();
        (0..2).for_each(|_| breaker.failed(at(0), &RULES));
        assert_eq!(breaker.state(at(0)), BreakerState::Open, "a look forgets no failure");
        breaker.looked_well();
        assert!(breaker.admits(at(0)));
        breaker.failed(at(1), &RULES);
        assert_eq!(breaker.open_until().unwrap().since(at(1)).as_secs(), 20, "and the pause grows");
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.failed(at(100_000), &RULES));
        assert!(breaker.admits(at(10)) && !breaker.admits(at(10)));
    }

    #[test]
    fn a_look_that_never_ends_is_not_waited_for_for_ever() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.failed(at(0), &RULES));
        assert!(breaker.admits(at(10)) && !breaker.admits(at(39)) && breaker.admits(at(40)));
    }
}
