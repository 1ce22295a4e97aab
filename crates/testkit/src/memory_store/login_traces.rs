//! What was decided about logins.

use vestibule_domain::{ids::AccountId, time::Timestamp};

use super::Tables;

impl Tables {
    pub(super) fn drop_login_traces(&mut self, account: AccountId) -> bool {
        let before = self.login_traces.len();
        self.login_traces.retain(|_, trace| trace.decisions.account != Some(account));
        self.login_traces.len() < before
    }

    pub(super) fn sweep_login_traces(&mut self, now: Timestamp, most: usize) -> usize {
        let old = self.login_traces.iter().filter(|(_, trace)| trace.expires < now);
        let old: Vec<_> = old.map(|(key, _)| key.clone()).take(most).collect();
        for key in &old {
            self.login_traces.remove(key);
        }
        old.len()
    }
}
