//! Checking a chain, by whoever has its records and trusts a key: nothing else is needed.

use serde_json::{Map, Value, json};

use super::{
    AuditEvent,
    chain::{Checkpoint, Link, beginning, bound},
    record::{canonical, record},
};
use crate::{
    ports::Notary,
    secret::{Digest, PublicKey},
};

/// Takes a chain in its order, link by link, and names the first that is broken.
#[derive(Debug)]
pub struct Verifier<'a, N: Notary + ?Sized> {
    notary: &'a N,
    key: PublicKey,
    report: Report,
    /// The last link, proven to follow those before it.
    last: Option<(i64, Digest)>,
    /// The links that no checkpoint has covered yet begin here.
    unsigned_from: Option<i64>,
    /// What the link of number 1 follows, to be held against the name of the chain.
    first_prev: Option<Digest>,
    chain: Option<uuid::Uuid>,
}

/// What was found to be whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first event of all.
    pub from: Option<i64>,
    /// The last that a checkpoint covers.
    pub to: Option<i64>,
    /// How many records were there.
    pub records: u64,
    /// Of how many only the digest was there.
    pub left_out: u64,
    /// How many say nothing any more of the person behind them.
    pub redacted: u64,
    /// How many were not sealed yet.
    pub unsealed: u64,
    /// How many checkpoints were checked.
    pub checkpoints: u64,
    /// The last of them.
    pub last_checkpoint: Option<Checkpoint>,
}

/// The first broken link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It can't be read.
    #[error("it is {0}")]
    Form(&'static str),
    /// The record is another than was sealed.
    #[error("event {0} was altered: its record is not the one that was sealed")]
    Altered(i64),
    /// What is said of the person is not what was sealed.
    #[error("event {0} was altered: what it says of the person is not what was sealed")]
    Personal(i64),
    /// What an event is found by in the database says something else than its record.
    #[error("event {0} was altered: the columns it is found by say something else than its record")]
    Columns(i64),
    /// Events are missing.
    #[error("event {0} is missing; event {1} follows")]
    Missing(i64, i64),
    /// An event stands where it does not belong.
    #[error("event {0} stands after event {1}: something was put in or reordered")]
    Reordered(i64, i64),
    /// It does not follow the one before it.
    #[error("event {0} does not follow the one before it: one of the two was put in another's place")]
    Unlinked(i64),
    /// The chain is another than the checkpoint's.
    #[error("the checkpoint at event {0} is of another chain, or signed by another key")]
    Foreign(i64),
    /// The signature is not good.
    #[error("the checkpoint at event {0} is not what was signed")]
    Signature(i64),
    /// The events are not those that were signed.
    #[error("the checkpoint at event {0} covers other events than these")]
    Other(i64),
    /// The end is missing.
    #[error("the end is missing after event {0}: what was sealed up to here is covered by no checkpoint")]
    CutOff(i64),
    /// A checkpoint that is known from elsewhere covers more.
    #[error("the end is missing after event {0}: a checkpoint covers events up to {1}")]
    Short(i64, i64),
    /// There is nothing that a checkpoint covers.
    #[error("there is no checkpoint, so nothing proves anything")]
    Unproven,
}

impl<'a, N: Notary + ?Sized> Verifier<'a, N> {
    /// Believes checkpoints that this key signed, and no others.
    pub fn new(notary: &'a N, key: PublicKey) -> Self {
        Self { notary, key, report: Report::default(), last: None, unsigned_from: None, first_prev: None, chain: None }
    }

    /// The next line of an export. It must be written exactly as the house writes it: what reads alike and is not alike is altered too.
    pub fn line(&mut self, line: &str) -> Result<(), Broken> {
        let value: Value = serde_json::from_str(line).map_err(|_| Broken::Form("no line of JSON"))?;
        if canonical(&value) != line {
            return Err(unreadable(&value, "not in its canonical form (RFC 8785), so it was altered"));
        }
        let Value::Object(mut object) = value else { return Err(Broken::Form("no record")) };
        if let Some(said) = object.remove("checkpoint") {
            let whole = object.is_empty();
            let checkpoint: Checkpoint = serde_json::from_value(said.clone()).map_err(|_| Broken::Form("no checkpoint"))?;
            // A name and hexadecimal digits are read in capitals too, which the house never writes.
            if json!(checkpoint) != said {
                return Err(Broken::Signature(checkpoint.seq));
            }
            return if whole { self.checkpoint(&checkpoint) } else { Err(Broken::Form("more than a checkpoint")) };
        }
        let Some(chain) = object.remove("chain") else { return self.not_sealed(&object) };
        let link: Link = serde_json::from_value(chain.clone()).map_err(|_| Broken::Form("no place in a chain"))?;
        if json!(link) != chain {
            return Err(Broken::Altered(link.seq));
        }
        if let Some(Value::String(digest)) = object.get("digest").filter(|_| object.len() == 1) {
            let digest = Digest::from_hex(digest).filter(|read| read.to_hex() == *digest).ok_or(Broken::Form("no digest"))?;
            self.report.left_out += 1;
            return self.follow(&link, &digest);
        }
        let personal = self.personal(&mut object, link.seq)?;
        self.report.records += 1;
        self.report.redacted += u64::from(personal);
        self.follow(&link, &self.notary.hash(canonical(&Value::Object(object)).as_bytes()))
    }

    /// A link as the store has it.
    pub fn kept(&mut self, link: &Link, record: &str) -> Result<(), Broken> {
        self.report.records += 1;
        self.follow(link, &self.notary.hash(record.as_bytes()))
    }

    /// The house's word for what came before. At the very beginning it is where the chain begins for us.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), Broken> {
        self.believe(checkpoint)?;
        match self.last {
            None => self.report.from = Some(checkpoint.seq + 1),
            Some((seq, _)) if seq < checkpoint.seq => return Err(Broken::Missing(seq + 1, checkpoint.seq)),
            Some(last) if last != (checkpoint.seq, checkpoint.hash) => return Err(Broken::Other(checkpoint.seq)),
            Some(_) => {}
        }
        let begins = |chain| beginning(chain, |data| self.notary.hash(data));
        if self.first_prev.is_some_and(|prev| prev != begins(checkpoint.chain)) {
            return Err(Broken::Unlinked(1));
        }
        self.chain = Some(checkpoint.chain);
        self.last = Some((checkpoint.seq, checkpoint.hash));
        self.unsigned_from = None;
        self.report.to = Some(checkpoint.seq);
        self.report.checkpoints += 1;
        self.report.last_checkpoint = Some(checkpoint.clone());
        Ok(())
    }

    /// Whether all of it is covered.
    pub fn conclude(self) -> Result<Report, Broken> {
        match (self.unsigned_from, self.last) {
            (Some(_), Some((seq, _))) => Err(Broken::CutOff(seq)),
            (None, None) => Err(Broken::Unproven),
            _ => Ok(self.report),
        }
    }

    /// The same, where some events at the end may still wait for their checkpoint: in a store that is in use. How many is said too.
    pub fn conclude_in_use(self) -> (Report, i64) {
        let waiting = self.unsigned_from.zip(self.last).map_or(0, |(from, (seq, _))| seq - from + 1);
        (self.report, waiting)
    }

    /// How far it has come: the last link.
    pub fn reached(&self) -> Option<(i64, Digest)> {
        self.last
    }

    /// A checkpoint that was kept elsewhere: what is verified must reach as far, and lead to the same links.
    pub fn believe(&self, checkpoint: &Checkpoint) -> Result<(), Broken> {
        if checkpoint.key != self.key || self.chain.is_some_and(|chain| chain != checkpoint.chain) {
            return Err(Broken::Foreign(checkpoint.seq));
        }
        if !self.notary.vouched_for(&self.key, checkpoint.signed().as_bytes(), &checkpoint.signature) {
            return Err(Broken::Signature(checkpoint.seq));
        }
        Ok(())
    }

    fn not_sealed(&mut self, said: &Map<String, Value>) -> Result<(), Broken> {
        if said.contains_key("personal") || !said.contains_key("id") {
            return Err(Broken::Form("a record whose place in the chain was taken away"));
        }
        // Or written under another name, where nothing reads it.
        let read = serde_json::from_value::<AuditEvent>(Value::Object(said.clone()));
        if !read.is_ok_and(|event| record(&event) == *said) {
            return Err(Broken::Form("no record as an event has before it is sealed"));
        }
        self.report.unsealed += 1;
        Ok(())
    }

    /// Puts the digest where what is said of the person stands; whether that is gone.
    fn personal(&self, record: &mut Map<String, Value>, seq: i64) -> Result<bool, Broken> {
        let Some(personal) = record.remove("personal") else { return Ok(false) };
        let source = record.remove("source");
        let said = |name: &str| personal.get(name).cloned().unwrap_or_default();
        let digest = said("digest");
        let redacted = personal.get("salt").is_none();
        let whole = if redacted {
            // An empty source is what an event has that says nothing of anybody.
            source.is_none_or(|source| source == json!({})) && personal == json!({ "digest": digest, "redacted": true })
        } else {
            let kept = canonical(&json!({ "salt": said("salt"), "source": source }));
            json!(self.notary.hash(kept.as_bytes())) == digest && personal == json!({ "digest": digest, "salt": said("salt") })
        };
        if !whole {
            return Err(Broken::Personal(seq));
        }
        record.insert("personal".into(), json!({ "digest": digest }));
        Ok(redacted)
    }

    fn follow(&mut self, link: &Link, record: &Digest) -> Result<(), Broken> {
        if let Some((seq, hash)) = self.last {
            if link.seq <= seq {
                return Err(Broken::Reordered(link.seq, seq));
            }
            if link.seq > seq + 1 {
                return Err(Broken::Missing(seq + 1, link.seq));
            }
            if link.prev != hash {
                return Err(Broken::Unlinked(link.seq));
            }
        }
        if bound(&link.prev, record, |data| self.notary.hash(data)) != link.hash {
            return Err(Broken::Altered(link.seq));
        }
        if link.seq == 1 {
            self.first_prev = Some(link.prev);
        }
        self.report.from.get_or_insert(link.seq);
        self.unsigned_from.get_or_insert(link.seq);
        self.last = Some((link.seq, link.hash));
        Ok(())
    }
}

/// Names the event, if its number can still be read.
fn unreadable(value: &Value, what: &'static str) -> Broken {
    value.pointer("/chain/seq").and_then(Value::as_i64).map_or(Broken::Form(what), Broken::Altered)
}
