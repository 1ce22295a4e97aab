//! Putting committed events into the chain, and taking those away that are kept no more. Off every request's path: an event is whole and readable before
//! it is sealed. On their way into the chain events are looked at for what is unusual ([`crate::detections`]).

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;
use vestibule_domain::{
    audit::{
        Actor, AuditEvent, EventName, Outcome,
        chain::{ChainHead, Checkpoint, SealedEvent, Unsealed, beginning},
        personal::Subject,
        record::chained,
    },
    detection::{Habits, visitor},
    ids::AccountId,
    secret::{Digest, Purpose, Sealed, SubjectKey},
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{Gateway, KeysError, detections::Looking};

/// Most events that are sealed in one commit, so that no login waits long behind it.
const AT_ONCE: u64 = 500;

/// What one round of sealing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealReport {
    /// How many events were put into the chain.
    pub sealed: u64,
    /// Whether there may be more.
    pub more: bool,
    /// The house's word for what was sealed, if it was time for it.
    pub checkpoint: Option<Checkpoint>,
}

impl Gateway {
    /// Puts what waits into the chain, at most a few hundred events. Every node may try: one of them does it, the others leave it alone until that
    /// one is gone.
    pub async fn seal_audit(&self) -> Result<SealReport, KeysError> {
        let now = self.clock().now();
        let Some(head) = self.store.chain().await? else { return self.begin_chain(now).await };
        if !head.is_for(self.node, now) {
            return Ok(SealReport::default());
        }
        let room = i64::from(self.settings.audit.checkpoint_every) - (head.seq - head.signed);
        let most = AT_ONCE.min(u64::try_from(room).unwrap_or_default().max(1));
        let events = self.store.unsealed(most).await?;
        if events.is_empty() && !head.wants_checkpoint(&self.settings.audit, now) {
            return Ok(SealReport::default());
        }
        let mut looking = self.begin_looking(&head, now).await?;
        let expected = Some(head.version);
        let mut head = head.kept_by(self.node, now);
        let mut report = SealReport { sealed: events.len() as u64, more: events.len() as u64 == most, checkpoint: None };
        let mut changes = Changes::default();
        let mut people = self.subjects_of(&events).await?;
        let of_the_house: Vec<_> = events.iter().filter(|event| event.actor.runs_the_house()).cloned().collect();
        for event in events {
            if let Some(looking) = &mut looking {
                self.look_at(looking, &event, &mut people, now);
            }
            let (event, personal) = self.set_apart(event, &mut people);
            let record = chained(&event);
            let link = head.add(&record, now, |data| self.notary.hash(data));
            let sealed = SealedEvent { id: event.id, time: event.time, link, record, personal };
            changes = changes.write(Write::SealEvent(Box::new(sealed)));
        }
        let mut learned = Vec::new();
        for (account, mut person) in people {
            if let Some(habits) = person.learned.take() {
                let habits = self.seal_habits(&account, self.key_of(&mut person), &habits);
                learned.push(Write::PutHabits { account, habits, until: now + self.settings.detections.known_for() });
            }
            if let Some(key) = person.new_key {
                changes = changes.write(Write::PutSubjectKey { account, key });
            }
        }
        changes.writes.extend(learned);
        let detector = match looking.map(Looking::ends) {
            Some((found, detector)) => {
                changes = self.say(found, changes, now).await?;
                Some(detector)
            }
            None => None,
        };
        if head.wants_checkpoint(&self.settings.audit, now) {
            report.checkpoint = Some(self.checkpoint(&mut head, now)?);
            changes.writes.extend(report.checkpoint.clone().map(Write::AddCheckpoint));
        }
        let (chain, seq) = (head.chain, head.seq);
        match self.commit(changes.write(Write::PutChain { head: Box::new(head), expected })).await {
            Ok(()) => {
                for event in &of_the_house {
                    self.observer.sealed(event);
                }
                if let Some(detector) = detector {
                    self.end_looking(detector, chain, seq);
                }
                Ok(report)
            }
            Err(StoreError::Conflict(Contest::Chain | Contest::Ticket)) => Ok(SealReport::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at an event while it still says from where it came; not at what somebody did who was erased since.
    fn look_at(&self, looking: &mut Looking, event: &AuditEvent, people: &mut HashMap<AccountId, Person>, now: Timestamp) {
        if event.subject().and_then(|account| people.get(&account)).is_some_and(|person| person.is_erased(event)) {
            return;
        }
        let Some(account) = visitor(event) else { return self.look(looking, event, None, now) };
        let person = people.entry(account).or_default();
        let kept = || {
            let (sealed, key) = person.habits.as_ref().zip(person.key.as_ref())?;
            self.open_habits(&account, key, sealed)
        };
        let known = person.learned.clone().or_else(kept).unwrap_or_default();
        let mut habits = known.clone();
        self.look(looking, event, Some(&mut habits), now);
        if habits != known {
            person.learned = Some(habits);
        }
    }

    /// What waits, for a gauge.
    pub async fn unsealed(&self) -> Result<Unsealed, StoreError> {
        self.store.count_unsealed().await
    }

    /// Gives up the events that are past their time, as far as a checkpoint covers nothing but such. The sweep takes them away. Those that a sink
    /// has not had stay longer, but not for ever: a sink that nobody mends must not fill the disk.
    pub async fn forget_old_events(&self) -> Result<(), StoreError> {
        let witness = self.own_witness();
        let rules = &self.settings.audit;
        let (Some(keep_for), Some(head)) = (rules.keep_for, self.store.chain().await?) else { return Ok(()) };
        let cursors = self.cursors_of_sinks().await?;
        let had = cursors.iter().map(|cursor| cursor.seq).min().unwrap_or(i64::MAX);
        let old = witness.now - keep_for;
        let in_time = self.store.checkpoint_before(old, had).await?;
        let overdue = if cursors.is_empty() { None } else { self.store.checkpoint_before(old - rules.keep_for_sinks, i64::MAX).await? };
        let Some(last) = in_time.into_iter().chain(overdue).max_by_key(|checkpoint| checkpoint.seq) else { return Ok(()) };
        if last.seq <= head.base || !head.is_for(self.node, witness.now) {
            return Ok(());
        }
        let event = AuditEvent {
            detail: Some(format!("events {} to {}, sealed before {}", head.base + 1, last.seq, last.at)),
            ..self.event(&witness, EventName::AuditRetentionPurged, Outcome::Success, Actor::System)
        };
        let missing: Vec<_> = cursors.into_iter().filter(|cursor| cursor.seq < last.seq).collect();
        let (expected, next) = (Some(head.version), ChainHead { base: last.seq, ..head.kept_by(self.node, witness.now) });
        let mut changes = Changes::default().write(Write::PutChain { head: Box::new(next), expected }).event(event);
        for cursor in &missing {
            changes = self.misses(&witness, changes, cursor, last.seq);
        }
        match self.commit(changes).await {
            Ok(()) => {
                for cursor in missing {
                    self.observer.sink_missed(&cursor.sink, u64::try_from(last.seq - cursor.seq).unwrap_or_default());
                }
                Ok(())
            }
            Err(StoreError::Conflict(Contest::Chain | Contest::Sink)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the chain is checked with, once it has begun.
    pub async fn audit_chain(&self) -> Result<Option<ChainHead>, StoreError> {
        self.store.chain().await
    }

    /// The checkpoints that cover more than a place in the chain, in their order.
    pub async fn checkpoints_after(&self, seq: i64, limit: u64) -> Result<Vec<Checkpoint>, StoreError> {
        self.store.checkpoints(seq, limit).await
    }

    /// Moves the chain on beside what `changes` writes, or begins it there: nobody who is sealing events meanwhile wins.
    pub(crate) async fn beside_the_chain(&self, changes: Changes, now: Timestamp) -> Result<Changes, KeysError> {
        Ok(match self.store.chain().await? {
            Some(head) => {
                let (expected, next) = (Some(head.version), ChainHead { version: head.version + 1, ..head });
                changes.write(Write::PutChain { head: Box::new(next), expected })
            }
            None => self.with_a_new_chain(changes, now)?,
        })
    }

    async fn begin_chain(&self, now: Timestamp) -> Result<SealReport, KeysError> {
        match self.commit(self.with_a_new_chain(Changes::default(), now)?).await {
            Ok(()) | Err(StoreError::Conflict(Contest::Chain)) => Ok(SealReport { more: true, ..SealReport::default() }),
            Err(error) => Err(error.into()),
        }
    }

    fn with_a_new_chain(&self, changes: Changes, now: Timestamp) -> Result<Changes, KeysError> {
        let (key, private) = self.notary.generate()?;
        let chain = self.random_name();
        let head = ChainHead {
            chain,
            version: 1,
            seq: 0,
            hash: beginning(chain, |data| self.notary.hash(data)),
            signed: 0,
            unsigned_since: None,
            base: 0,
            keeper: self.node,
            kept_until: now,
            key,
            private_key: self.sealer.seal(Purpose::AuditKey, chain.as_bytes(), &private),
        };
        let event = AuditEvent {
            detail: Some(format!("chain {chain}, checkpoints signed by {key}")),
            ..self.event(&self.own_witness(), EventName::AuditChainBegun, Outcome::Success, Actor::System)
        };
        Ok(changes.write(Write::PutChain { head: Box::new(head), expected: None }).event(event))
    }

    fn checkpoint(&self, head: &mut ChainHead, now: Timestamp) -> Result<Checkpoint, KeysError> {
        let unreadable = || vestibule_domain::ports::SignerError::Unreadable("of the audit log".into());
        let private = self.sealer.open(Purpose::AuditKey, head.chain.as_bytes(), &head.private_key).ok_or_else(unreadable)?;
        let sign = |text: &str| self.notary.vouch(&private, text.as_bytes()).ok();
        head.checkpoint(now, sign).ok_or_else(|| vestibule_domain::ports::SignerError::Failed.into())
    }

    /// The people behind events that have something to set apart.
    async fn subjects_of(&self, events: &[AuditEvent]) -> Result<HashMap<AccountId, Person>, StoreError> {
        let accounts: BTreeSet<_> = events.iter().filter_map(AuditEvent::subject).collect();
        let accounts: Vec<_> = accounts.into_iter().collect();
        let known = if accounts.is_empty() { Vec::new() } else { self.store.subjects(&accounts).await? };
        Ok(known.into_iter().map(|subject| (subject.account, Person::from(subject))).collect())
    }

    /// Puts a digest in the place of what an event says of a person, and seals what it stands for; for nobody, if they were erased since.
    fn set_apart(&self, mut event: AuditEvent, people: &mut HashMap<AccountId, Person>) -> (AuditEvent, Option<Sealed>) {
        let Some(account) = event.subject() else { return (event, None) };
        let Some(kept) = event.set_apart(Digest(self.random()), |data| self.notary.hash(data)) else { return (event, None) };
        let person = people.entry(account).or_default();
        if person.is_erased(&event) {
            return (event, None);
        }
        let sealed = self.sealer.seal_for(self.key_of(person), event.id.0.as_bytes(), kept.as_bytes());
        (event, Some(sealed))
    }

    /// The key of a person, which is made if there is none.
    fn key_of<'a>(&self, person: &'a mut Person) -> &'a SubjectKey {
        person.key.get_or_insert_with(|| person.new_key.insert(SubjectKey(self.random())).clone())
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    fn random_name(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random()).into_uuid()
    }
}

/// A person whose events are being sealed.
#[derive(Debug, Default)]
struct Person {
    key: Option<SubjectKey>,
    /// The same, if it was made just now.
    new_key: Option<SubjectKey>,
    erased: Option<Timestamp>,
    /// What is known of their ways, as it was kept.
    habits: Option<Sealed>,
    /// The same with what was learned just now, to be kept.
    learned: Option<Habits>,
}

impl Person {
    /// Whether an event is of before they were erased.
    fn is_erased(&self, event: &AuditEvent) -> bool {
        self.erased.is_some_and(|erased| event.time <= erased)
    }
}

impl From<Subject> for Person {
    fn from(subject: Subject) -> Self {
        Self { key: subject.key, erased: subject.erased, habits: subject.habits, ..Self::default() }
    }
}
