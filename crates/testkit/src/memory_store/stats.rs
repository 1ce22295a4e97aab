//! What was counted, and who was here on a day.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use vestibule_domain::{
    audit::personal::Subject,
    ids::AccountId,
    stats::{PEOPLE_KEPT, StatsRow, Step},
    time::Timestamp,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    counted: BTreeMap<(Step, Timestamp, Uuid), StatsRow>,
    people: BTreeSet<(Timestamp, AccountId)>,
}

impl Stats {
    pub(super) fn put(&mut self, row: StatsRow) -> bool {
        self.counted.insert((row.step, row.start, row.node), row).is_none()
    }

    pub(super) fn note(&mut self, day: Timestamp, account: AccountId, subject: Option<&Subject>) -> bool {
        subject.is_none_or(|subject| subject.erased.is_none()) && self.people.insert((day, account))
    }

    pub(super) fn forget(&mut self, account: AccountId) -> bool {
        let before = self.people.len();
        self.people.retain(|(_, other)| *other != account);
        self.people.len() < before
    }

    pub(super) fn sweep(&mut self, now: Timestamp) -> usize {
        let before = self.rows();
        self.counted.retain(|_, row| row.expires() >= now);
        self.people.retain(|(day, _)| *day >= now - PEOPLE_KEPT);
        before - self.rows()
    }

    pub(super) fn rows(&self) -> usize {
        self.counted.len() + self.people.len()
    }

    pub(super) fn since(&self, step: Step, since: Timestamp) -> Vec<StatsRow> {
        self.counted.values().filter(|row| row.step == step && row.start >= since).cloned().collect()
    }

    pub(super) fn people_since(&self, since: Timestamp) -> u64 {
        let people: BTreeSet<_> = self.people.iter().filter(|(day, _)| *day >= since).map(|(_, account)| account).collect();
        people.len() as u64
    }

    pub(super) fn days_since(&self, since: Timestamp) -> Vec<(Timestamp, u64)> {
        let mut days = BTreeMap::new();
        for (day, _) in self.people.iter().filter(|(day, _)| *day >= since) {
            *days.entry(*day).or_default() += 1;
        }
        days.into_iter().collect()
    }
}
