//! How long things took, in fixed buckets: two of them add up, and what lies below a share of all can be told from them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where each bucket ends, in microseconds; dense where the service levels lie. One more holds what is longer.
const ENDS: [u64; 16] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000, 5_000_000, 7_500_000,
    10_000_000,
];

/// How many took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram([u64; ENDS.len() + 1]);

impl Histogram {
    /// One more that took so long.
    pub fn observe(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = ENDS.iter().position(|end| micros <= *end).unwrap_or(ENDS.len());
        self.0[bucket] += 1;
    }

    /// All of another's too.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    /// What so many of a hundred did not exceed, estimated within its bucket as if those in it lay evenly; nothing if there are none. What is longer than
    /// the last bucket is told as its end: 10 seconds, or more.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        // In hundredths of one of them, so that nothing is rounded away.
        let rank = u128::from(count) * u128::from(percent.min(100));
        let mut below = 0_u128;
        for (at, count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            let within = u128::from(*count) * 100;
            if below + within < rank {
                below += within;
                continue;
            }
            let Some(end) = ENDS.get(at) else { break };
            let start = at.checked_sub(1).map_or(0, |before| ENDS[before]);
            let share = u128::from(end - start) * rank.saturating_sub(below) / within;
            return Some(Duration::from_micros(start.saturating_add(u64::try_from(share).unwrap_or(0))));
        }
        Some(Duration::from_micros(ENDS[ENDS.len() - 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for millis in millis {
            histogram.observe(Duration::from_millis(*millis));
        }
        histogram
    }

    #[test]
    fn percentiles_lie_in_the_bucket_of_what_they_are_of() {
        assert_eq!(of(&[]).percentile(50), None);
        // All in the bucket that ends at 250 ms and begins at 100.
        let one = of(&[120, 130, 140, 150]);
        assert_eq!(one.percentile(50), Some(Duration::from_millis(175)));
        assert_eq!(one.percentile(100), Some(Duration::from_millis(250)));
        let mixed = of(&[[4; 95].as_slice(), &[400; 5]].concat());
        assert!(mixed.percentile(50).unwrap() <= Duration::from_millis(5));
        assert_eq!(mixed.percentile(95), Some(Duration::from_millis(5)));
        assert!(mixed.percentile(99).unwrap() > Duration::from_millis(250));
    }

    #[test]
    fn what_is_longer_than_every_bucket_is_told_as_the_last_end() {
        assert_eq!(of(&[60_000]).percentile(50), Some(Duration::from_secs(10)));
        assert_eq!(of(&[0, 60_000]).percentile(99), Some(Duration::from_secs(10)));
        assert_eq!(of(&[10_000]).percentile(100), Some(Duration::from_secs(10)));
    }

    #[test]
    fn two_add_up_to_the_one_that_saw_both() {
        let (one, other) = ([1, 20, 300], [5_000, 20]);
        let mut sum = of(&one);
        sum.add(&of(&other));
        assert_eq!(sum, of(&[one.as_slice(), &other].concat()));
        assert_eq!(sum.count(), 5);
        assert!(!sum.is_empty() && of(&[]).is_empty());
    }
}
