//! What is counted in one span of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Histogram;
use crate::{audit::Reason, ids::LoginId, time::Timestamp};

/// How many logins that failed are remembered of one span.
const MOST_FAILURES: usize = 20;

/// How logins ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcomes {
    /// Somebody signed in.
    pub succeeded: u64,
    /// A rule or the person said no.
    pub denied: u64,
    /// Something went wrong.
    pub failed: u64,
}

impl Outcomes {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.succeeded = self.succeeded.saturating_add(other.succeeded);
        self.denied = self.denied.saturating_add(other.denied);
        self.failed = self.failed.saturating_add(other.failed);
    }

    /// How many there were.
    pub const fn all(self) -> u64 {
        self.succeeded.saturating_add(self.denied).saturating_add(self.failed)
    }
}

/// What is counted of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OfProvider {
    /// Logins that ended.
    pub logins: Outcomes,
    /// Why they did not end well.
    pub reasons: BTreeMap<Reason, u64>,
    /// Logins with which somebody was sent there.
    pub sent: u64,
    /// Those who came back, whatever they brought.
    pub returned: u64,
    /// How long its answers took while somebody waited.
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    pub answers: Histogram,
    /// How many of them were none, or no good ones.
    pub bad_answers: u64,
}

/// What is counted of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OfClient {
    /// Logins that it began and that no session answered at once.
    pub asked: u64,
    /// Logins that ended.
    pub logins: Outcomes,
    /// Why they did not end well.
    pub reasons: BTreeMap<Reason, u64>,
    /// Logins that a session answered without a sign-in.
    pub silent: u64,
    /// Codes that became tokens.
    pub redeemed: u64,
    /// Refresh tokens that became new ones.
    pub refreshed: u64,
    /// Refresh tokens that did not.
    pub not_refreshed: u64,
}

/// A login that failed, as the dashboard names it; who it was is in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FailedLogin {
    /// When it ended.
    pub at: Timestamp,
    /// At which provider, or `none` if none was chosen.
    pub provider: String,
    /// Which app it was for, or `none` for a page of ours.
    pub client: String,
    /// Why.
    pub reason: Option<Reason>,
    /// What leads to its explanation: the reference that the person was shown.
    pub reference: Option<String>,
    /// Which login it was.
    pub login: Option<LoginId>,
}

/// What was counted in one span of time, or in several that were added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// By provider: its name, `other` for those beyond the first hundred, `none` for what ended before there was one.
    pub providers: BTreeMap<String, OfProvider>,
    /// By app: the id that an operator registered, `other`, or `none` for pages of ours, such as the console.
    pub clients: BTreeMap<String, OfClient>,
    /// How long our own token endpoint took to answer.
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    pub tokens: Histogram,
    /// How often somebody was told to slow down.
    pub rate_limited: u64,
    /// Browsers that were signed in; where several were counted, the most.
    pub sessions: Option<u64>,
    /// The last logins that failed, oldest first, at most twenty.
    pub failures: Vec<FailedLogin>,
}

impl Tally {
    /// What a provider's are counted in.
    pub fn provider(&mut self, name: &str) -> &mut OfProvider {
        of(&mut self.providers, name)
    }

    /// What an app's are counted in.
    pub fn client(&mut self, name: &str) -> &mut OfClient {
        of(&mut self.clients, name)
    }

    /// Remembers a login that failed, and forgets the oldest when there are too many.
    pub fn remember(&mut self, failed: FailedLogin) {
        self.failures.push(failed);
        self.forget_the_oldest();
    }

    fn forget_the_oldest(&mut self) {
        self.failures.sort();
        self.failures.drain(..self.failures.len().saturating_sub(MOST_FAILURES));
    }

    /// What another counted too: another node, or in another span.
    pub fn add(&mut self, other: &Self) {
        for (name, theirs) in &other.providers {
            let mine = self.provider(name);
            mine.logins.add(theirs.logins);
            add_each(&mut mine.reasons, &theirs.reasons);
            mine.sent = mine.sent.saturating_add(theirs.sent);
            mine.returned = mine.returned.saturating_add(theirs.returned);
            mine.answers.add(&theirs.answers);
            mine.bad_answers = mine.bad_answers.saturating_add(theirs.bad_answers);
        }
        for (name, theirs) in &other.clients {
            self.client(name).add(theirs);
        }
        self.tokens.add(&other.tokens);
        self.rate_limited = self.rate_limited.saturating_add(other.rate_limited);
        // Every node counts all of them.
        self.sessions = self.sessions.max(other.sessions);
        if !other.failures.is_empty() {
            self.failures.extend(other.failures.iter().cloned());
            self.forget_the_oldest();
        }
    }

    /// How logins ended, at all providers.
    pub fn logins(&self) -> Outcomes {
        let mut all = Outcomes::default();
        self.providers.values().for_each(|provider| all.add(provider.logins));
        all
    }

    /// Why they did not end well, at all providers.
    pub fn reasons(&self) -> BTreeMap<Reason, u64> {
        let mut all = BTreeMap::new();
        self.providers.values().for_each(|provider| add_each(&mut all, &provider.reasons));
        all
    }

    /// What all apps together did.
    pub fn of_clients(&self) -> OfClient {
        let mut all = OfClient::default();
        self.clients.values().for_each(|client| all.add(client));
        all
    }
}

impl OfClient {
    fn add(&mut self, other: &Self) {
        self.asked = self.asked.saturating_add(other.asked);
        self.logins.add(other.logins);
        add_each(&mut self.reasons, &other.reasons);
        self.silent = self.silent.saturating_add(other.silent);
        self.redeemed = self.redeemed.saturating_add(other.redeemed);
        self.refreshed = self.refreshed.saturating_add(other.refreshed);
        self.not_refreshed = self.not_refreshed.saturating_add(other.not_refreshed);
    }
}

fn of<'a, V: Default>(all: &'a mut BTreeMap<String, V>, name: &str) -> &'a mut V {
    if !all.contains_key(name) {
        all.insert(name.to_owned(), V::default());
    }
    all.get_mut(name).expect("it was put there")
}

fn add_each(mine: &mut BTreeMap<Reason, u64>, theirs: &BTreeMap<Reason, u64>) {
    for (reason, count) in theirs {
        let sum = mine.entry(*reason).or_default();
        *sum = sum.saturating_add(*count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(second: i64) -> FailedLogin {
        let at = Timestamp::from_secs(second);
        FailedLogin { at, provider: "acme".into(), client: "wiki".into(), reason: Some(Reason::EntryRule), reference: None, login: None }
    }

    fn some(provider: &str, succeeded: u64, sessions: Option<u64>) -> Tally {
        let mut tally = Tally { sessions, rate_limited: 1, ..Tally::default() };
        tally.provider(provider).logins.succeeded = succeeded;
        tally.provider(provider).reasons.insert(Reason::EntryRule, 2);
        tally.client("wiki").redeemed = succeeded;
        tally
    }

    #[test]
    fn what_two_nodes_counted_adds_up_but_for_what_each_counts_whole() {
        let mut sum = some("acme", 3, Some(7));
        sum.add(&some("acme", 4, Some(5)));
        sum.add(&some("other", 1, None));
        assert_eq!(sum.logins(), Outcomes { succeeded: 8, ..Outcomes::default() });
        assert_eq!(sum.providers["acme"].reasons[&Reason::EntryRule], 4);
        assert_eq!((sum.sessions, sum.rate_limited, sum.of_clients().redeemed), (Some(7), 3, 8));
    }

    #[test]
    fn adding_nothing_changes_nothing() {
        let before = some("acme", 3, Some(7));
        let mut sum = before.clone();
        sum.add(&Tally::default());
        assert_eq!(sum, before);
        let mut nothing = Tally::default();
        nothing.add(&before);
        assert_eq!(nothing, before);
    }

    #[test]
    fn only_the_last_failures_are_remembered_whoever_saw_them() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        for second in 0..30 {
            if second % 2 == 0 { &mut one } else { &mut other }.remember(failed(second));
        }
        one.add(&other);
        let seconds: Vec<_> = one.failures.iter().map(|failed| failed.at.as_secs()).collect();
        assert_eq!(seconds, (10..30).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_written_is_read_again_and_an_older_release_may_know_less() {
        let mut tally = some("acme", 3, Some(7));
        tally.provider("acme").answers.observe(std::time::Duration::from_millis(3));
        tally.remember(failed(1));
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
        assert_eq!(serde_json::from_str::<Tally>("{\"later\": 1}").unwrap(), Tally::default());
    }
}
