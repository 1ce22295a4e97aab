//! Looking for events, newest first, a page at a time. A page ends when it is full, or when enough was looked at: then it says how far it came, and the
//! next one goes on from there.

use std::{collections::BTreeSet, net::IpAddr};

use super::{AuditEvent, EventName, Outcome, Reason};
use crate::{
    ids::{AccountId, ClientId, EventId, LoginId, ProviderId, SessionId},
    time::Timestamp,
};

/// Which events are looked for. What is not said may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSearch {
    /// Only those that come after this one in the order of the pages: that are older.
    pub after: Option<EventId>,
    /// Only since.
    pub since: Option<Timestamp>,
    /// Only until, exclusive.
    pub until: Option<Timestamp>,
    /// Only of these kinds; of any, if there are none.
    pub names: BTreeSet<EventName>,
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only of this provider.
    pub provider: Option<ProviderId>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only for this reason.
    pub reason: Option<Reason>,
    /// Only from this address. It has no index: what stands for it may be sealed for a person, and is opened to be looked at.
    pub address: Option<IpAddr>,
    /// Only of this trace: what error pages show as the reference.
    pub trace: Option<String>,
    /// Only of the login of this id.
    pub login: Option<LoginId>,
    /// Only of the session of this id.
    pub session: Option<SessionId>,
    /// At most so many found.
    pub limit: u64,
    /// At most about so many looked at, whether they are among those that are looked for or not.
    pub look: u64,
}

impl EventSearch {
    /// Whether an event is among those that are looked for, wherever the page begins.
    pub fn fits(&self, event: &AuditEvent) -> bool {
        fn is<T: PartialEq>(asked: Option<&T>, has: Option<&T>) -> bool {
            asked.is_none_or(|asked| has == Some(asked))
        }
        self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
            && (self.names.is_empty() || self.names.contains(&event.name))
            && is(self.account.as_ref(), event.account.as_ref())
            && is(self.client.as_ref(), event.client.as_ref())
            && is(self.provider.as_ref(), event.provider.as_ref())
            && is(self.outcome.as_ref(), Some(&event.outcome))
            && is(self.reason.as_ref(), event.reason.as_ref())
            && is(self.address.as_ref(), event.source.ip.as_ref())
            && is(self.trace.as_ref(), event.trace_id.as_ref())
            && is(self.login.as_ref(), event.login.as_ref())
            && is(self.session.as_ref(), event.session.as_ref())
    }
}

/// A page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundEvents {
    /// Those that were found, newest first.
    pub events: Vec<AuditEvent>,
    /// The last event that was looked at, if there may be more behind it: where the next page goes on.
    pub rest: Option<EventId>,
}

/// Kinds of events by a name, `login.failed`, or by what they are about, `login.*`; nothing if there are none such.
pub fn names_like(pattern: &str) -> Option<Vec<EventName>> {
    let Some(object) = pattern.strip_suffix(".*") else { return pattern.parse().ok().map(|name| vec![name]) };
    let is_of = |name: &&EventName| name.as_str().split_once('.').is_some_and(|(of, _)| of == object);
    let names: Vec<_> = EventName::ALL.iter().filter(is_of).copied().collect();
    Some(names).filter(|names| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_one_by_one_or_by_what_they_are_about() {
        assert_eq!(names_like("login.failed"), Some(vec![EventName::LoginFailed]));
        let keys = vec![EventName::KeyRotated, EventName::KeyRetired];
        assert_eq!(names_like("key.*"), Some(keys));
        assert!(names_like("admin.*").unwrap().len() > 3);
        for none in ["", "*", ".*", "login", "login.", "log.*", "login.*.*", "LOGIN.FAILED", "login.fail*"] {
            assert_eq!(names_like(none), None, "{none}");
        }
    }
}
