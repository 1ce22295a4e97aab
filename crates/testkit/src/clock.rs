//! Time and randomness that a test holds in its hand.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use vestibule_domain::{
    ports::{Clock, Entropy},
    time::Timestamp,
};

/// A clock that stands still until it is turned.
#[derive(Debug)]
pub struct StoppedClock(AtomicI64);

impl StoppedClock {
    /// Stands at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Turns it forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }

    /// Turns it to `now`, backward too.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for StoppedClock {
    /// Stands at [`crate::sample::NOW`].
    fn default() -> Self {
        Self::at(crate::sample::NOW)
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that look random, never repeat within a test and are the same in every run. No secret may come from here.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Two of the same seed give the same bytes.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Default for SeededEntropy {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Entropy for SeededEntropy {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn fill(&self, bytes: &mut [u8]) {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        for chunk in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_only_when_it_is_turned() {
        let clock = StoppedClock::at(Timestamp::from_secs(5));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), Timestamp::from_secs(7));
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_no_two_draws_are_alike() {
        let draw = |entropy: &SeededEntropy| {
            let mut bytes = [0; 16];
            entropy.fill(&mut bytes);
            bytes
        };
        let (one, same) = (SeededEntropy::new(7), SeededEntropy::new(7));
        let first = draw(&one);
        assert_eq!(first, draw(&same));
        assert_ne!(first, draw(&one));
    }
}
