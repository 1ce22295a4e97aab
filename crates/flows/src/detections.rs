//! Unusual activity, looked for while events are put into the chain: once for all nodes, in the order of the chain, and off every request's path. What
//! is found is committed with what it was found in, so that nothing is found twice and nothing is lost with a node.

use std::{collections::HashSet, sync::PoisonError};

use uuid::Uuid;
use vestibule_domain::{
    audit::{AuditEvent, chain::ChainHead},
    detection::{Detector, FAILURES, Finding, Habits, Place},
    ids::AccountId,
    secret::{Digest, Purpose, Sealed, SubjectKey},
    store::{Changes, EventQuery, StoreError, Write},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
};

use crate::Gateway;

/// How many events are read at once.
const PAGE: u64 = 500;

/// What is remembered of the last minutes, and up to which event. Good only while nobody else lengthens the chain.
#[derive(Debug)]
pub(crate) struct Memory {
    chain: Uuid,
    seq: i64,
    detector: Detector,
}

/// One round of looking.
#[derive(Debug)]
pub(crate) struct Looking {
    detector: Detector,
    found: Vec<(Finding, AuditEvent)>,
}

impl Gateway {
    /// Begins to look at what comes after the head; nothing if nothing is looked for.
    pub(crate) async fn begin_looking(&self, head: &ChainHead, now: Timestamp) -> Result<Option<Looking>, StoreError> {
        if !self.settings.detections.enabled {
            return Ok(None);
        }
        let kept = self.detector_memory.lock().unwrap_or_else(PoisonError::into_inner).take();
        let detector = match kept.filter(|kept| kept.chain == head.chain && kept.seq == head.seq) {
            Some(kept) => kept.detector,
            None => self.recollect(now).await?,
        };
        Ok(Some(Looking { detector, found: Vec::new() }))
    }

    /// Looks at one event. `habits` are those of whom it is about.
    pub(crate) fn look(&self, looking: &mut Looking, event: &AuditEvent, habits: Option<&mut Habits>, now: Timestamp) {
        let place = self.place_of(event);
        for finding in looking.detector.look(&self.settings.detections, event, place.as_ref(), habits) {
            let record = finding.event(event, now, self.entropy.as_ref());
            looking.found.push((finding, record));
        }
    }

    /// Adds what was found, but for what was said lately.
    pub(crate) async fn say(&self, found: Vec<(Finding, AuditEvent)>, mut changes: Changes, now: Timestamp) -> Result<Changes, StoreError> {
        let mut said = HashSet::new();
        for (finding, record) in found {
            let name = format!("{} {}", finding.detection, finding.target);
            let digest = self.sealer.tag(Purpose::Detection, name.as_bytes());
            if !said.insert(digest) {
                continue;
            }
            let before = self.store.ticket(TicketKind::Detection, &digest).await?;
            if before.as_ref().is_some_and(|before| before.expires > now) {
                continue;
            }
            changes = changes.write(self.said(digest, before.map(|before| before.version), now)).event(record);
        }
        Ok(changes)
    }

    fn said(&self, digest: Digest, expected: Option<i64>, now: Timestamp) -> Write {
        let (version, expires) = (expected.unwrap_or_default() + 1, now + self.settings.detections.cool_down);
        let ticket = Ticket { digest, kind: TicketKind::Detection, version, expires, body: "{}".into() };
        Write::PutTicket { ticket, expected }
    }

    /// Remembers the last minutes, up to the head that was written.
    pub(crate) fn end_looking(&self, detector: Detector, chain: Uuid, seq: i64) {
        *self.detector_memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(Memory { chain, seq, detector });
    }

    /// What a node that was not there would remember: the failures of the last minutes, as they were recorded.
    async fn recollect(&self, now: Timestamp) -> Result<Detector, StoreError> {
        let rules = &self.settings.detections;
        let mut detector = Detector::default();
        for name in FAILURES {
            let mut query = EventQuery { since: Some(now - rules.failures_within), name: Some(name), limit: PAGE, ..EventQuery::default() };
            loop {
                let page = self.store.events(&query).await?;
                // What is not in the chain yet is still to be looked at.
                page.iter().filter(|event| event.link.is_some()).for_each(|event| detector.recall(rules, event));
                match page.last() {
                    Some(last) if page.len() as u64 == PAGE => query.after = Some(last.id),
                    _ => break,
                }
            }
        }
        Ok(detector)
    }

    fn place_of(&self, event: &AuditEvent) -> Option<Place> {
        self.atlas.as_ref()?.place(event.source.ip?)
    }

    /// What is known of a person's ways; nothing if it can't be read, and then it is learned anew.
    pub(crate) fn open_habits(&self, account: &AccountId, key: &SubjectKey, sealed: &Sealed) -> Option<Habits> {
        let opened = self.sealer.open_for(key, &context(account), sealed)?;
        serde_json::from_slice(&opened).ok()
    }

    pub(crate) fn seal_habits(&self, account: &AccountId, key: &SubjectKey, habits: &Habits) -> Sealed {
        let text = serde_json::to_vec(habits).unwrap_or_default();
        self.sealer.seal_for(key, &context(account), &text)
    }
}

impl Looking {
    /// What was found, and what is remembered from now on.
    pub(crate) fn ends(self) -> (Vec<(Finding, AuditEvent)>, Detector) {
        (self.found, self.detector)
    }
}

/// What is sealed of one person is no other's, and no event's.
fn context(account: &AccountId) -> Vec<u8> {
    [b"habits ".as_slice(), account.0.as_bytes()].concat()
}
