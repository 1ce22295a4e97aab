//! A bounded memory.

use std::{collections::HashMap, hash::Hash};

/// How much is remembered, in two halves.
pub const MOST_KEPT: usize = 40_000;

/// Remembers the latest: when the young half is full it becomes the old one, and what was old is forgotten. Nothing is ever searched for. Between
/// half of [`MOST_KEPT`] and all of it is remembered, whatever comes.
#[derive(Clone, Debug)]
pub struct Ages<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Ages<K, V> {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    /// How much is remembered.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// What is remembered of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Remembers, in place of what was.
    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= MOST_KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets, and gives what was remembered.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }
}

impl<K, V> Default for Ages<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}
