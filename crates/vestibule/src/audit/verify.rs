//! `vestibule audit verify`: whether a log is what was sealed. An export is checked by itself; the log in a database, as it lies.

use std::{
    fmt::Write,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use serde_json::{Value, json};
use vestibule_crypto::LocalNotary;
use vestibule_domain::{
    audit::{
        AuditEvent,
        chain::{ChainHead, Checkpoint},
        record::canonical,
        verify::{Broken, Report, Verifier},
    },
    ports::{Notary, Store},
    secret::PublicKey,
};

use crate::{cli::VerifyOptions, failure::Failure, progress::Progress};

/// How many links are read at once.
const PAGE: u64 = 500;
/// A line of an export is a few kilobytes; one that is far longer is something else, and is not read into memory.
const LONGEST_LINE: u64 = 1 << 20;

/// Verifies an export.
pub(super) fn export(path: &Path, options: &VerifyOptions) -> Result<Verdict, Failure> {
    let key = options.key.as_deref().ok_or_else(|| Failure::Plain("an export is verified with --key".into()))?;
    let unreadable = |error| Failure::io(format!("{} can't be read", path.display()), error);
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_or(0, |about| about.len());
    let mut reader = BufReader::new(file);
    let mut verifier = Verifier::new(&LocalNotary, read_key(key)?);
    let mut known = known(options)?;
    let progress = Progress::bytes(length, "verifying");
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        let broken = |broken: Broken| Failure::Broken(format!("{}:{number}: {broken}", path.display()));
        let read = (&mut reader).take(LONGEST_LINE).read_line(&mut line);
        match read {
            Ok(0) => break,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(broken(Broken::Form("no line of text"))),
            Err(error) => return Err(unreadable(error)),
            Ok(read) => progress.some(read as u64),
        }
        let Some(text) = line.strip_suffix('\n') else {
            return Err(broken(Broken::Form("cut off: every line ends with a new line")));
        };
        verifier.line(text).map_err(broken)?;
        known.met(&verifier).map_err(broken)?;
    }
    progress.end();
    let held_against = Anchors { key: true, checkpoints: known.count, people: true };
    known
        .all_met(&verifier)
        .and_then(|()| verifier.conclude())
        .map(|report| Verdict { report, waiting: 0, against: held_against, believed: None })
        .map_err(|broken| Failure::Broken(format!("{}: {broken}", path.display())))
}

/// Verifies the log in a database. A gateway may be at work on it: where it gave up the oldest events meanwhile, because their time was over, and that is
/// where this came to nothing, all of it is verified again from there, for nothing is broken by that.
pub(super) async fn store(store: &dyn Store, options: &VerifyOptions, opens: bool) -> Result<Verdict, Failure> {
    loop {
        // Read first: what comes to the file meanwhile is of what comes to the log meanwhile.
        let known = known(options)?;
        let head = head(store).await?;
        let mut reached = head.base;
        let said = as_it_lies(store, &head, options, known, opens, &mut reached).await;
        // What lies after what was given up is broken by something else.
        if said.is_ok() || self::head(store).await?.base <= reached {
            return said;
        }
    }
}

async fn head(store: &dyn Store) -> Result<ChainHead, Failure> {
    let none = || Failure::Plain("there is no chain yet: no gateway of this version has run on this database".into());
    store.chain().await?.ok_or_else(none)
}

/// `reached` is the last event that was found to be as it was sealed.
async fn as_it_lies(
    store: &dyn Store,
    head: &ChainHead,
    options: &VerifyOptions,
    mut known: Known,
    opens: bool,
    reached: &mut i64,
) -> Result<Verdict, Failure> {
    let key = options.key.as_deref().map(read_key).transpose()?;
    let mut verifier = Verifier::new(&LocalNotary, key.unwrap_or(head.key));
    let failed = |broken: Broken| Failure::Broken(broken.to_string());
    let progress = Progress::of(u64::try_from(head.seq - head.base).unwrap_or_default(), "verifying");
    let mut checkpoints = store.checkpoints(head.base - 1, PAGE).await?;
    let mut redacted = 0;
    if head.base > 0 {
        let first = checkpoints.first().filter(|first| first.seq == head.base).ok_or_else(|| failed(Broken::Unproven))?;
        verifier.checkpoint(first).map_err(failed)?;
    }
    let mut seq = head.base;
    while seq < head.seq {
        let page = store.chain_links(seq, PAGE).await?;
        match page.first() {
            None => return Err(failed(Broken::Short(seq, head.seq))),
            Some(first) if first.link.seq > seq + 1 => return Err(failed(Broken::Missing(seq + 1, first.link.seq))),
            Some(_) => {}
        }
        for kept in &page {
            if kept.link.seq > head.seq {
                break;
            }
            if !kept.found_as_said {
                return Err(failed(Broken::Columns(kept.link.seq)));
            }
            verifier.kept(&kept.link, &kept.record).map_err(failed)?;
            seq = kept.link.seq;
            *reached = seq;
            if checkpoints.last().is_none_or(|last| last.seq < seq) {
                checkpoints = store.checkpoints(seq - 1, PAGE).await?;
            }
            if let Ok(at) = checkpoints.binary_search_by_key(&seq, |checkpoint| checkpoint.seq) {
                verifier.checkpoint(&checkpoints[at]).map_err(failed)?;
            }
            known.met(&verifier).map_err(failed)?;
            progress.one();
        }
        if opens && let (Some(first), Some(last)) = (page.first(), page.last()) {
            redacted += personal(store, first.link.seq - 1, last.link.seq).await?.map_err(failed)?;
        }
    }
    progress.end();
    known.all_met(&verifier).map_err(failed)?;
    let (report, waiting) = verifier.conclude_in_use();
    if report.to.unwrap_or(head.base) < head.signed {
        return Err(failed(Broken::Short(report.to.unwrap_or(head.base), head.signed)));
    }
    let unsealed = store.count_unsealed().await?.events;
    let held_against = Anchors { key: key.is_some(), checkpoints: known.count, people: opens };
    let believed = if key.is_none() { Some(head.key) } else { None };
    Ok(Verdict { report: Report { redacted, unsealed, ..report }, waiting, against: held_against, believed })
}

/// What a verification came to.
pub(super) struct Verdict {
    report: Report,
    /// How many events are in the chain and wait for their checkpoint.
    waiting: i64,
    against: Anchors,
    /// The key that came from the database itself, where no other was named.
    believed: Option<PublicKey>,
}

/// What a log was held against, besides itself.
struct Anchors {
    /// A key that was kept elsewhere.
    key: bool,
    /// How many checkpoints that were kept elsewhere.
    checkpoints: usize,
    /// The sealing key, without which nobody sees what is said of people.
    people: bool,
}

/// What is said of people: whether it is what was sealed, or was erased in order. How many events say nothing any more.
async fn personal(store: &dyn Store, after: i64, to: i64) -> Result<Result<u64, Broken>, Failure> {
    let events = store.sequenced(after, PAGE).await?;
    let closed: Vec<_> = events.iter().filter(|(seq, event)| *seq <= to && is_closed(event)).collect();
    let people: Vec<_> = closed.iter().filter_map(|(_, event)| event.subject()).collect();
    let people = store.subjects(&people).await?;
    for (seq, event) in &closed {
        let erased = people.iter().find(|person| Some(person.account) == event.subject()).and_then(|person| person.erased);
        if erased.is_none_or(|erased| erased < event.time) {
            return Ok(Err(Broken::Personal(*seq)));
        }
    }
    for (seq, event) in events.iter().filter(|(seq, _)| *seq <= to) {
        let Some((personal, salt)) = event.personal.as_ref().and_then(|personal| Some((personal, personal.salt?))) else { continue };
        let kept = canonical(&json!({ "salt": salt, "source": event.source }));
        if LocalNotary.hash(kept.as_bytes()) != personal.digest {
            return Ok(Err(Broken::Personal(*seq)));
        }
    }
    Ok(Ok(closed.len() as u64))
}

fn is_closed(event: &AuditEvent) -> bool {
    event.personal.as_ref().is_some_and(|personal| personal.redacted)
}

impl Verdict {
    /// From which event to which all is as it was sealed; nothing where no checkpoint covers any.
    fn covered(&self) -> Option<(i64, i64)> {
        self.report.from.zip(self.report.to).filter(|(from, to)| to >= from)
    }

    /// Whether it was held against something that is not the log's own.
    fn is_anchored(&self) -> bool {
        self.against.key || self.against.checkpoints > 0
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        let result = match self.covered() {
            Some(_) if self.is_anchored() => "whole",
            Some(_) => "consistent",
            None => "nothing_proven",
        };
        let covered = self.covered();
        json!({
            "result": result,
            "from": covered.map(|(from, _)| from),
            "to": covered.map(|(_, to)| to),
            "records": self.report.records,
            "left_out": self.report.left_out,
            "redacted": self.report.redacted,
            "unsealed": self.report.unsealed,
            "waiting": self.waiting,
            "checkpoints": self.report.checkpoints,
            "last_checkpoint": self.report.last_checkpoint,
            "kept_checkpoints": self.against.checkpoints,
            "people_checked": self.against.people,
            "believed_key": self.believed,
        })
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let Self { report, waiting, against, believed } = self;
        let mut said = String::new();
        match self.covered() {
            Some((from, to)) if self.is_anchored() => {
                let _ = writeln!(said, "whole: events {from} to {to} are what was sealed");
            }
            Some((from, to)) => {
                let _ = writeln!(
                    said,
                    "consistent, and no more is proven: events {from} to {to} fit one another and the key that lies beside them; who can write \
                     there could have made all of it anew"
                );
            }
            None => said.push_str("nothing is proven: there are no events that a checkpoint covers\n"),
        }
        if let Some(last) = &report.last_checkpoint {
            let _ = writeln!(
                said,
                "signed up to event {}, by {} checkpoints, the last of {} (chain {})",
                last.seq, report.checkpoints, last.at, last.chain
            );
        }
        match against.checkpoints {
            0 => {
                said.push_str(
                    "whether more came after that was cut off is told only by checkpoints that were kept elsewhere (--checkpoints)\n",
                );
            }
            many => {
                let _ = writeln!(said, "{many} checkpoints that were kept elsewhere are all in it");
            }
        }
        if !against.people {
            said.push_str("what events say of people was not checked: without the sealing key it stays closed\n");
        }
        for (many, what) in [
            (report.left_out, "were left out of the export, and only their digests checked"),
            (report.redacted, "say nothing any more of the person behind them"),
            (report.unsealed, "were not sealed yet, and nothing is proven of them"),
            (u64::try_from(*waiting).unwrap_or_default(), "are in the chain and wait for their checkpoint"),
        ] {
            if many > 0 {
                let _ = writeln!(said, "{many} {what}");
            }
        }
        if let Some(key) = believed {
            let _ =
                writeln!(said, "The key came from the database itself; compare it with the one you kept, or name that with --key:\n{key}");
        }
        said
    }
}

/// The key itself, or the first line of a file.
fn read_key(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = text.trim().parse() {
        return Ok(key);
    }
    let wrong = || {
        Failure::Plain(format!(
            "{text} is no public key, nor a file that begins with one: 64 hexadecimal digits, as `vestibule audit key` prints them"
        ))
    };
    let read = std::fs::read_to_string(text).map_err(|_| wrong())?;
    read.lines().next().unwrap_or_default().trim().parse().map_err(|_| wrong())
}

/// Checkpoints that were kept elsewhere, as far as they were not met yet.
struct Known {
    rest: Vec<Checkpoint>,
    /// How many there were.
    count: usize,
}

fn known(options: &VerifyOptions) -> Result<Known, Failure> {
    let Some(path) = &options.checkpoints else { return Ok(Known { rest: Vec::new(), count: 0 }) };
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(format!("{} can't be read", path.display()), error))?;
    let mut known = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let read = serde_json::from_str::<serde_json::Value>(line)
            .ok()
            .and_then(|mut line| serde_json::from_value(line["checkpoint"].take()).ok());
        known.push(read.ok_or_else(|| Failure::Plain(format!("{}:{number}: it is no checkpoint", path.display())))?);
    }
    known.sort_by_key(|checkpoint: &Checkpoint| checkpoint.seq);
    Ok(Known { count: known.len(), rest: known })
}

impl Known {
    /// What was reached now must be what is known of it.
    fn met(&mut self, verifier: &Verifier<'_, LocalNotary>) -> Result<(), Broken> {
        let Some((seq, hash)) = verifier.reached() else { return Ok(()) };
        let past = self.rest.partition_point(|checkpoint| checkpoint.seq <= seq);
        for checkpoint in self.rest.drain(..past) {
            verifier.believe(&checkpoint)?;
            // One from before the first event here says nothing of what is here.
            if checkpoint.seq == seq && checkpoint.hash != hash {
                return Err(Broken::Other(seq));
            }
        }
        Ok(())
    }

    fn all_met(&self, verifier: &Verifier<'_, LocalNotary>) -> Result<(), Broken> {
        match (self.rest.last(), verifier.reached()) {
            (Some(last), Some((seq, _))) => verifier.believe(last).and(Err(Broken::Short(seq, last.seq))),
            (Some(_), None) => Err(Broken::Unproven),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
