//! Who went to a provider and did not come back.
//!
//! Nobody says that they leave, so it is counted what is missing: for each provider and minute in which logins began, how many went minus how many
//! came back. When that minute's logins can't come back any more, the difference is those who were lost. With several nodes, people go from one and
//! come back to another; where more come back than went, the surplus is kept as a debt, so that the sum over the nodes stays true.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use vestibule_domain::{ids::LoginId, time::Timestamp};

use super::labels::Name;

const MINUTE: Duration = Duration::from_mins(1);

/// Bounded by the number of names and the minutes a login may take.
#[derive(Debug, Default)]
pub(super) struct Departures(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    /// What began before this minute is closed.
    open_from: i64,
    balances: BTreeMap<(i64, Name), i64>,
    debts: BTreeMap<Name, i64>,
}

impl Departures {
    /// Somebody went there.
    pub(super) fn went(&self, provider: Name, login: LoginId) {
        self.book(provider, login, 1);
    }

    /// Somebody came back from there.
    pub(super) fn came_back(&self, provider: Name, login: LoginId) {
        self.book(provider, login, -1);
    }

    fn book(&self, provider: Name, login: LoginId, change: i64) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = minute(login.made());
        if minute >= books.open_from {
            *books.balances.entry((minute, provider)).or_default() += change;
        }
    }

    /// Logins that began before that moment can't come back any more: how many were lost, by provider.
    pub(super) fn lost(&self, before: Timestamp) -> Vec<(Name, u64)> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open_from = minute(before);
        let mut lost = BTreeMap::<Name, i64>::new();
        while let Some(first) = books.balances.first_entry().filter(|first| first.key().0 < open_from) {
            let ((_, provider), balance) = first.remove_entry();
            *lost.entry(provider).or_default() += balance;
        }
        books.open_from = books.open_from.max(open_from);
        let mut found = Vec::new();
        for (provider, balance) in lost {
            let owed = books.debts.remove(&provider).unwrap_or_default();
            match u64::try_from(balance + owed) {
                Ok(0) => {}
                Ok(lost) => found.push((provider, lost)),
                Err(_) => drop(books.debts.insert(provider, balance + owed)),
            }
        }
        found
    }
}

fn minute(moment: Timestamp) -> i64 {
    moment.as_secs().div_euclid(MINUTE.as_secs().cast_signed())
}

#[cfg(test)]
mod tests {
    use vestibule_domain::ports::Entropy;

    use super::*;

    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    const NOON: i64 = 1_800_000_000;

    fn login(second: i64) -> LoginId {
        LoginId::new(Timestamp::from_secs(NOON + second), &Zeros)
    }

    fn lost(departures: &Departures, second: i64) -> u64 {
        departures.lost(Timestamp::from_secs(NOON + second)).iter().map(|(_, lost)| lost).sum()
    }

    #[test]
    fn who_did_not_come_back_in_time_is_lost_once() {
        let departures = Departures::default();
        let acme = || Name::from("acme");
        for second in [0, 10, 20, 70] {
            departures.went(acme(), login(second));
        }
        departures.came_back(acme(), login(10));
        assert_eq!(lost(&departures, 59), 0, "they may be back yet");
        assert_eq!(lost(&departures, 60), 2);
        assert_eq!(lost(&departures, 60), 0);
        departures.came_back(acme(), login(70));
        assert_eq!(lost(&departures, 200), 0);
        departures.went(acme(), login(5));
        assert_eq!(lost(&departures, 400), 0, "its minute is closed");
    }

    #[test]
    fn with_two_nodes_the_sum_is_true() {
        let (one, other) = (Departures::default(), Departures::default());
        let acme = || Name::from("acme");
        for second in [1, 2, 3] {
            one.went(acme(), login(second));
        }
        for second in [1, 2] {
            other.came_back(acme(), login(second));
        }
        assert_eq!((lost(&one, 60), lost(&other, 60)), (3, 0), "the other knows that two of them are back");
        for second in [61, 62, 63] {
            other.went(acme(), login(second));
        }
        assert_eq!((lost(&one, 120), lost(&other, 120)), (0, 1), "and counts two fewer of its own: four in all");
    }
}
