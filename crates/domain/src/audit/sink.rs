//! Sinks: where sealed events are sent on to as they come, such as a file, a log server or a SIEM.
//!
//! The log itself is what waits for them. A sink has a cursor, the number of the last event it was handed; it moves on only after the other side has
//! the batch. So nothing is lost and nothing overtakes, whoever is slow, dead or restarted, and what was under way then is sent once more.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AuditEvent, EventName, record::RecordForm, search::names_like};
use crate::{client::closed_enum, ids::SinkId, ports::Entropy, time::Timestamp};

closed_enum! {
    /// How a sink is reached.
    SinkKind {
        /// Lines in a file.
        File = "file",
        /// Messages to a log server (RFC 5424).
        Syslog = "syslog",
        /// Signed requests to a web address.
        Webhook = "webhook",
        /// Log records to a collector of OpenTelemetry's protocol.
        Otlp = "otlp",
    }
}

closed_enum! {
    /// Which event is the first that a new sink is sent.
    SinkStart {
        /// The first that is sealed after it was configured.
        Now = "now",
        /// The first that is kept.
        Beginning = "beginning",
    }
}

closed_enum! {
    /// What keeps a sink from its events. Closed: it is a metric label.
    SinkTrouble {
        /// Nobody is there, or not who it should be.
        Unreachable = "unreachable",
        /// It takes too long.
        Timeout = "timeout",
        /// It does not want them, however often it is tried.
        Refused = "refused",
        /// It can't take them now.
        Failing = "failing",
        /// It lies where it must not be reached.
        Blocked = "blocked",
        /// The file can't be written.
        File = "file",
    }
}

/// Why a batch was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotTaken {
    /// What kind of trouble it is.
    pub trouble: SinkTrouble,
    /// For the operator, in our words.
    pub why: String,
}

/// Which events a sink is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkEvents(BTreeSet<EventName>);

impl SinkEvents {
    /// Those that any of the patterns means: the name of an event, `login.*` for all of an object, `*` for all. Of patterns that mean none the first is
    /// the error.
    pub fn parse(patterns: &[String]) -> Result<Self, &String> {
        let mut names = BTreeSet::new();
        for pattern in patterns {
            let meant = if pattern == "*" { EventName::ALL.to_vec() } else { names_like(pattern).ok_or(pattern)? };
            names.extend(meant);
        }
        Ok(Self(names))
    }

    /// Whether this event is one of them.
    pub fn wants(&self, name: EventName) -> bool {
        self.0.contains(&name)
    }

    /// Whether every event is.
    pub fn wants_all(&self) -> bool {
        self.0.len() == EventName::ALL.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is to be sent to a sink, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkRules {
    /// Its name.
    pub id: SinkId,
    /// How it is reached.
    pub kind: SinkKind,
    /// In which form events are written.
    pub form: RecordForm,
    /// Which events.
    pub events: SinkEvents,
    /// From where on, the first time.
    pub start: SinkStart,
    /// Most events that are handed over at once.
    pub most: u32,
    /// How long handing them over may take.
    pub timeout: Duration,
}

/// Events on their way to a sink, each with its place in the chain.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Of which chain.
    pub chain: Uuid,
    /// In its order; never empty.
    pub events: Vec<AuditEvent>,
    /// In which form they are written.
    pub form: RecordForm,
    /// The moment of this attempt.
    pub now: Timestamp,
}

impl Batch {
    /// The numbers of its first and its last event.
    pub fn span(&self) -> (i64, i64) {
        let seq = |event: Option<&AuditEvent>| event.and_then(|event| event.link).map_or(0, |link| link.seq);
        (seq(self.events.first()), seq(self.events.last()))
    }
}

/// How far a sink has come, and who sends it what comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkCursor {
    /// Which.
    pub sink: SinkId,
    /// Grows with every change.
    #[serde(skip)]
    pub version: i64,
    /// The number of the last event that it has, or that is not for it; 0 before the first.
    #[serde(skip)]
    pub seq: i64,
    /// The node that sends.
    pub keeper: Uuid,
    /// Until when no other does.
    pub kept_until: Timestamp,
    /// When it last took something.
    pub delivered: Option<Timestamp>,
    /// What keeps it from its events, if something does.
    pub trouble: Option<Trouble>,
}

/// A sink that could not be handed what waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Of what kind, the last time.
    pub kind: SinkTrouble,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub retry: Timestamp,
}

/// How much longer than a delivery may take the node that makes it is left alone. When it is gone, another takes over after so long.
const LEFT_ALONE: Duration = Duration::from_secs(20);
/// The pauses between attempts: the first, and what they grow to.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

impl SinkCursor {
    /// Of one that is new: whoever looks first sends.
    pub fn begun(sink: SinkId, seq: i64, now: Timestamp) -> Self {
        Self { sink, version: 1, seq, keeper: Uuid::nil(), kept_until: now, delivered: None, trouble: None }
    }

    /// Whether this node may send now. Two that think so are kept apart by the version.
    pub fn is_for(&self, node: Uuid, now: Timestamp) -> bool {
        self.keeper == node || self.kept_until <= now
    }

    /// Whether it is time for a try.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.trouble.is_none_or(|trouble| trouble.retry <= now)
    }

    /// Whether the node has it for long enough that no other begins while it delivers.
    pub fn is_held(&self, rules: &SinkRules, node: Uuid, now: Timestamp) -> bool {
        self.keeper == node && self.kept_until >= now + rules.timeout + LEFT_ALONE / 4
    }

    /// The next version, in the hands of `node`.
    #[must_use]
    pub fn kept_by(&self, rules: &SinkRules, node: Uuid, now: Timestamp) -> Self {
        Self { version: self.version + 1, keeper: node, kept_until: now + rules.timeout + LEFT_ALONE, ..self.clone() }
    }

    /// The same when there was nothing for it up to an event.
    #[must_use]
    pub fn passed(self, seq: i64) -> Self {
        Self { seq, ..self }
    }

    /// The same when it took what there was up to an event.
    #[must_use]
    pub fn delivered(self, seq: i64, now: Timestamp) -> Self {
        Self { seq, delivered: Some(now), trouble: None, ..self }
    }

    /// The same when it did not: the pause doubles with every attempt, up to five minutes, give or take a fifth, so that many do not come back at once.
    #[must_use]
    pub fn failed(self, kind: SinkTrouble, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let (since, before) = self.trouble.map_or((now, 0), |trouble| (trouble.since, trouble.attempts));
        let pause = FIRST_PAUSE.saturating_mul(1 << before.min(16)).min(LONGEST_PAUSE);
        let mut byte = [0];
        entropy.fill(&mut byte);
        let retry = now + pause * 4 / 5 + pause * 2 / 5 * u32::from(byte[0]) / 255;
        Self { trouble: Some(Trouble { kind, since, attempts: before.saturating_add(1), retry }), ..self }
    }

    /// How many events may be handed over next. Half as many after each attempt that failed: what is too much at once, or takes too long, goes
    /// through in parts, and one event that is refused holds up no other before it.
    pub fn most(&self, rules: &SinkRules) -> u64 {
        let attempts = self.trouble.map_or(0, |trouble| trouble.attempts);
        u64::from(rules.most.checked_shr(attempts).unwrap_or_default().max(1))
    }
}

/// How far a sink is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkLag {
    /// How many sealed events it has not had, or not been looked at for.
    pub events: u64,
    /// The moment of the oldest of them.
    pub oldest: Option<Timestamp>,
}

impl SinkLag {
    /// How long the oldest of them has waited.
    pub fn waited(&self, now: Timestamp) -> Duration {
        self.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn filter(patterns: &[&str]) -> Result<SinkEvents, String> {
        let patterns: Vec<_> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        SinkEvents::parse(&patterns).map_err(Clone::clone)
    }

    fn rules() -> SinkRules {
        SinkRules {
            id: SinkId::parse("siem").unwrap(),
            kind: SinkKind::Webhook,
            form: RecordForm::Json,
            events: filter(&["*"]).unwrap(),
            start: SinkStart::Now,
            most: 100,
            timeout: Duration::from_secs(10),
        }
    }

    #[test]
    fn a_filter_means_names_objects_or_everything() {
        let some = filter(&["login.*", "key.rotated"]).unwrap();
        for (name, wanted) in [
            (EventName::LoginFailed, true),
            (EventName::KeyRotated, true),
            (EventName::KeyRetired, false),
            (EventName::LogoutFailed, false),
        ] {
            assert_eq!(some.wants(name), wanted, "{name}");
        }
        assert!(EventName::ALL.iter().all(|name| filter(&["*"]).unwrap().wants(*name)));
        for slip in ["login*", "logins.*", "login.fail", "", ".*", "LOGIN.*", "*.failed"] {
            assert_eq!(filter(&["*", slip]), Err(slip.to_owned()), "it means nothing");
        }
        assert!(filter(&[]).unwrap().is_empty());
    }

    #[test]
    fn pauses_double_up_to_five_minutes_and_batches_halve() {
        let (now, rules) = (Timestamp::from_secs(1_000), rules());
        let mut cursor = SinkCursor::begun(rules.id.clone(), 0, now);
        let mut pauses = Vec::new();
        let mut batches = vec![cursor.most(&rules)];
        for _ in 0..10 {
            cursor = cursor.failed(SinkTrouble::Timeout, now, &Fixed(255));
            pauses.push(cursor.trouble.unwrap().retry.since(now).as_millis());
            batches.push(cursor.most(&rules));
        }
        assert_eq!(pauses, [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 153_600, 307_200, 360_000]);
        assert_eq!(batches, [100, 50, 25, 12, 6, 3, 1, 1, 1, 1, 1]);
        let soonest = cursor.clone().failed(SinkTrouble::Timeout, now, &Fixed(0)).trouble.unwrap().retry;
        assert_eq!(soonest.since(now), Duration::from_mins(4));
        for _ in 0..100 {
            cursor = cursor.failed(SinkTrouble::Timeout, now, &Fixed(0));
        }
        assert_eq!((cursor.most(&rules), cursor.trouble.unwrap().since), (1, now));
        let well = cursor.delivered(7, now);
        assert_eq!((well.trouble, well.most(&rules), well.delivered, well.seq), (None, 100, Some(now), 7));
    }

    #[test]
    fn nobody_else_begins_while_a_node_delivers() {
        let (now, rules) = (Timestamp::from_secs(1_000), rules());
        let [one, other] = [1, 2].map(|byte| Uuid::from_bytes([byte; 16]));
        let cursor = SinkCursor::begun(rules.id.clone(), 0, now);
        assert!(cursor.is_for(one, now) && cursor.is_for(other, now) && !cursor.is_held(&rules, one, now));
        let kept = cursor.kept_by(&rules, one, now);
        assert!(kept.is_held(&rules, one, now) && !kept.is_for(other, now + rules.timeout) && !kept.is_held(&rules, other, now));
        assert!(!kept.is_held(&rules, one, now + LEFT_ALONE), "it is not enough for another delivery");
        assert!(kept.is_for(other, now + rules.timeout + LEFT_ALONE));
    }
}
