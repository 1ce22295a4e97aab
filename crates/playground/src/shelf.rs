//! Where codes, tokens and sessions lie.

use std::{collections::VecDeque, time::Duration};

use vestibule_domain::{secret::Digest, time::Timestamp};

use crate::random::digest;

/// Things that a secret opens, each for the same time, and never more than a set number: the oldest make room, so no flood grows memory.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    most: usize,
    lifetime: Duration,
    /// In the order they were put, which is the order they expire.
    things: VecDeque<Thing<T>>,
}

#[derive(Debug)]
struct Thing<T> {
    name: Digest,
    until: Timestamp,
    value: T,
}

impl<T> Shelf<T> {
    pub(crate) fn new(most: usize, lifetime: Duration) -> Self {
        Self { most, lifetime, things: VecDeque::new() }
    }

    pub(crate) fn put(&mut self, secret: &str, value: T, now: Timestamp) {
        while self.things.len() >= self.most || self.things.front().is_some_and(|oldest| oldest.until <= now) {
            self.things.pop_front();
        }
        self.things.push_back(Thing { name: digest(secret), until: now + self.lifetime, value });
    }

    pub(crate) fn get(&mut self, secret: &str, now: Timestamp) -> Option<&mut T> {
        let name = digest(secret);
        self.things.iter_mut().find(|thing| thing.name == name && now < thing.until).map(|thing| &mut thing.value)
    }

    pub(crate) fn take(&mut self, secret: &str, now: Timestamp) -> Option<T> {
        let name = digest(secret);
        let at = self.things.iter().position(|thing| thing.name == name && now < thing.until)?;
        self.things.remove(at).map(|thing| thing.value)
    }

    pub(crate) fn keep(&mut self, keep: impl Fn(&T) -> bool) {
        self.things.retain(|thing| keep(&thing.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LIFE: Duration = Duration::from_mins(1);

    #[test]
    fn a_thing_is_there_until_its_time_and_is_taken_once() {
        let mut shelf = Shelf::new(3, LIFE);
        shelf.put("a", 1, NOW);
        assert_eq!(shelf.get("a", NOW + LIFE - Duration::from_millis(1)), Some(&mut 1));
        assert_eq!(shelf.get("a", NOW + LIFE), None);
        assert_eq!((shelf.take("a", NOW), shelf.take("a", NOW)), (Some(1), None));
    }

    #[test]
    fn attack_47_a_flood_leaves_the_youngest_and_no_more() {
        let mut shelf = Shelf::new(3, LIFE);
        (0..1000).for_each(|n| shelf.put(&n.to_string(), n, NOW));
        assert_eq!(shelf.things.len(), 3);
        assert_eq!(shelf.get("996", NOW), None);
        assert_eq!(shelf.get("999", NOW), Some(&mut 999));
        shelf.put("late", 0, NOW + LIFE);
        assert_eq!(shelf.things.len(), 1);
    }
}
