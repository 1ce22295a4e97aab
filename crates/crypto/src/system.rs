//! The machine's clock and randomness. Nothing else in the house asks for either.

use std::time::{Duration, SystemTime};

use aws_lc_rs::rand;
use vestibule_domain::{
    ports::{Clock, Entropy},
    time::Timestamp,
};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one adapter of the Clock port that asks the machine")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock set before 1970 gives the epoch: everything then counts as not yet begun, and nothing is accepted by mistake.
        Timestamp::from_millis(0) + since_epoch.unwrap_or(Duration::ZERO)
    }
}

/// The randomness of aws-lc, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Aborts the process when there is no randomness: a panic might be caught, and the caller go on with zeros.
    fn fill(&self, bytes: &mut [u8]) {
        if rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_tells_a_time_of_this_century_and_never_stands_before_what_it_told() {
        let (first, second) = (SystemClock.now(), SystemClock.now());
        assert!(first > Timestamp::from_secs(1_700_000_000) && first < Timestamp::from_secs(4_102_444_800), "{first}");
        assert!(second >= first);
    }

    #[test]
    fn two_draws_differ_and_nothing_is_left_unfilled() {
        let (mut first, mut second) = ([0; 64], [0; 64]);
        SystemEntropy.fill(&mut first);
        SystemEntropy.fill(&mut second);
        assert_ne!(first, second);
        assert_ne!(first[32..], [0; 32]);
    }
}
