//! What was decided about logins.

use vestibule_domain::{ids::AccountId, login_trace::LoginTrace, time::Timestamp};

use super::Tables;

impl Tables {
    pub(super) fn drop_login_traces(&mut self, account: AccountId) -> bool {
        let before = self.login_traces.len();
        self.login_traces.retain(|_, trace| trace.decisions.account != Some(account));
        self.login_traces.len() < before
    }

    /// Nothing of who was erased: a node that has not heard of that yet may still bring it.
    pub(super) fn put_login_trace(&mut self, trace: LoginTrace) -> bool {
        let subject = trace.decisions.account.and_then(|account| self.subjects.get(&account));
        if subject.is_some_and(|subject| subject.erased.is_some()) {
            return false;
        }
        self.login_traces.insert((trace.login, trace.reference.clone()), trace).is_none()
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
