//! `vestibule audit export`: events as records for programs. All of them, or all of a time, are written in the order of the chain with their places in it
//! and the checkpoints, so that the export can be verified.
//!
//! A gateway may be at work meanwhile. What it seals between two reads is there once; where it takes away what is kept no more, so that a gap would be left,
//! the export fails and says so.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::json;
use vestibule_crypto::LocalNotary;
use vestibule_domain::{
    audit::{
        AuditEvent,
        chain::{Checkpoint, Link},
        form::Form,
        record::{canonical, chained},
    },
    ids::EventId,
    ports::{Notary, Store},
    store::EventQuery,
};

use super::{
    PAGE, open, query,
    record::{self, Writer},
};
use crate::{
    cli::{ExportOptions, Filter},
    dev,
    failure::Failure,
    progress::Progress,
    wire,
};

/// Writes events in their order.
pub(crate) async fn export(options: &ExportOptions) -> Result<(), Failure> {
    let now = wire::clock().now();
    let query = EventQuery {
        since: options.since.map(|moment| moment.at(now)),
        until: options.until.map(|moment| moment.at(now)),
        ..query(&options.filter)
    };
    let form = options.format.form();
    let what = What { query, form, provable: form == Form::Jsonl && is_whole(&options.filter) };
    let store = open(&options.place).await?;
    let done = match &options.output {
        None => what.write(&store, BufWriter::new(io::stdout())).await.map(drop),
        Some(path) => what.write_to_file(&store, path).await,
    };
    store.close().await;
    done
}

/// Whether no kind of events is left out.
fn is_whole(filter: &Filter) -> bool {
    filter.client.is_none() && filter.account.is_none() && filter.login.is_none() && filter.event.is_none()
}

pub(super) struct What {
    pub(super) query: EventQuery,
    pub(super) form: Form,
    /// Whether it is written so that it can be verified.
    pub(super) provable: bool,
}

impl What {
    /// Half an export must never look like a whole one, so it is written beside its place and moved there at the end.
    async fn write_to_file(&self, store: &dyn Store, path: &Path) -> Result<(), Failure> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let failed = |error| Failure::io(format!("{} can't be written", partial.display()), error);
        let file = dev::create_private(&partial).map_err(failed)?;
        let file = match self.write(store, BufWriter::new(file)).await {
            Ok(out) => out.into_inner().map_err(|error| failed(error.into_error()))?,
            Err(failure) => {
                let _ = fs::remove_file(&partial);
                return Err(failure);
            }
        };
        File::sync_all(&file).and_then(|()| fs::rename(&partial, path)).map_err(failed)
    }

    pub(super) async fn write<W: Write + Send>(&self, store: &dyn Store, out: W) -> Result<W, Failure> {
        if self.provable { self.chain(store, out).await } else { self.events(store, out).await }
    }

    /// One event after the other, by their moments.
    async fn events<W: Write + Send>(&self, store: &dyn Store, out: W) -> Result<W, Failure> {
        let progress = Progress::counting("exporting events");
        let mut writer = Writer::new(self.form, out);
        let mut query = self.query.clone();
        let mut base = store.chain().await?.map_or(0, |head| head.base);
        let mut before: Option<i64> = None;
        loop {
            let page = store.events(&query).await?;
            let first = page.iter().filter_map(|event| event.link).map(|link| link.seq).min();
            // What lies before the page that was read before this one was there when it was read.
            if let Some(gone) = gone_since(store, base).await? {
                if before.or(first).is_some_and(|at| at <= gone) {
                    return Err(has_a_gap(gone));
                }
                base = gone;
            }
            before = first.or(before);
            for event in &page {
                writer.write(event).map_err(Failure::Output)?;
            }
            progress.some(page.len() as u64);
            match page.last() {
                Some(last) if page.len() as u64 == query.limit => query.after = Some(last.id),
                _ => break,
            }
        }
        progress.end();
        writer.finish().map_err(Failure::Output)
    }

    /// From the first to the last that was asked for, and on to the checkpoint that covers it; of what lies between and was not asked for, the digest. Then
    /// those that no checkpoint covers yet, as they are.
    async fn chain<W: Write + Send>(&self, store: &dyn Store, mut out: W) -> Result<W, Failure> {
        let range = self.range(store).await?;
        let progress = Progress::of(u64::try_from(range.last - range.after).unwrap_or_default(), "exporting");
        let mut covers = Covers { store, page: Vec::new() };
        let mut line = |text: String| out.write_all(text.as_bytes()).map_err(Failure::Output);
        if let Some(first) = &range.first {
            line(of_checkpoint(first))?;
        }
        let (mut seq, mut covered) = (range.after, range.after);
        while seq < range.last {
            let page = store.sequenced(seq, PAGE).await?;
            let next = page.first().map(|(at, _)| *at);
            if next != Some(seq + 1) {
                still_kept(store, seq).await?;
            }
            // What somebody took away behind the gateway's back is for `verify` to find.
            if next.is_none_or(|next| next > range.last) {
                break;
            }
            for (at, event) in page.iter().take_while(|(at, _)| *at <= range.last) {
                seq = *at;
                line(if self.asks_for(event) { record::json_line(event) } else { of_digest(event) })?;
                if let Some(checkpoint) = covers.at(seq).await? {
                    line(of_checkpoint(&checkpoint))?;
                    covered = seq;
                }
                progress.one();
            }
        }
        if covered < range.last {
            still_kept(store, covered).await?;
        }
        for event in &range.waiting {
            line(record::json_line(&AuditEvent { link: None, personal: None, ..event.clone() }))?;
        }
        progress.end();
        out.flush().map_err(Failure::Output)?;
        Ok(out)
    }

    fn asks_for(&self, event: &AuditEvent) -> bool {
        self.query.since.is_none_or(|since| event.time >= since) && self.query.until.is_none_or(|until| event.time < until)
    }

    /// What is in the chain goes by its head as it is read first, and everything else by what is read after that.
    async fn range(&self, store: &dyn Store) -> Result<Range, Failure> {
        let Some(head) = store.chain().await? else { return Ok(Range { waiting: self.all(store, |_| true).await?.0, ..Range::default() }) };
        let base = head.base;
        if self.query.since.is_none() && self.query.until.is_none() {
            let waiting = beyond(store, head.signed).await?;
            let first = store.checkpoints(base - 1, 1).await?.into_iter().find(|first| first.seq == base);
            if base > 0 && first.is_none() {
                still_kept(store, base).await?;
            }
            return Ok(Range { after: base, last: head.signed, first, waiting });
        }
        let (waiting, span) = self.all(store, |link| link.is_none_or(|link| link.seq > head.signed)).await?;
        let Some((from, to)) = span.filter(|(from, _)| *from <= head.signed) else { return Ok(Range { waiting, ..Range::default() }) };
        // As far as the checkpoint that covers the last of them. What was signed since is among those that wait.
        let to = to.min(head.signed);
        let covers = store.checkpoints(to - 1, 1).await?.first().map_or(head.signed, |checkpoint| checkpoint.seq.min(head.signed));
        Ok(Range { after: (from - 1).max(base), last: covers, first: None, waiting })
    }

    /// Those that are asked for and that `which` chooses, and the first and the last place in the chain of any that is asked for.
    async fn all(&self, store: &dyn Store, which: impl Fn(Option<Link>) -> bool) -> Result<(Vec<AuditEvent>, Option<(i64, i64)>), Failure> {
        let (mut chosen, mut span) = (Vec::new(), None);
        let mut query = self.query.clone();
        loop {
            let page = store.events(&query).await?;
            let last = page.last().map(|event| event.id).filter(|_| page.len() as u64 == query.limit);
            for event in page {
                if let Some(Link { seq, .. }) = event.link {
                    let (from, to) = span.unwrap_or((seq, seq));
                    span = Some((from.min(seq), to.max(seq)));
                }
                if which(event.link) {
                    chosen.push(event);
                }
            }
            match last {
                Some(last) => query.after = Some(last),
                None => return Ok((chosen, span)),
            }
        }
    }
}

/// Those after a place in the chain, or outside of it. Those outside are read first: one that is sealed meanwhile is met twice, and not never.
async fn beyond(store: &dyn Store, signed: i64) -> Result<Vec<AuditEvent>, Failure> {
    let outside = store.unsealed(u64::from(u32::MAX)).await?;
    let mut waiting: Vec<_> = store.sequenced(signed, u64::from(u32::MAX)).await?.into_iter().map(|(_, event)| event).collect();
    let sealed: HashSet<EventId> = waiting.iter().map(|event| event.id).collect();
    waiting.extend(outside.into_iter().filter(|event| !sealed.contains(&event.id)));
    waiting.sort_by_key(|event| (event.time, event.id));
    Ok(waiting)
}

/// Up to which event the log was given up since it began after `base`, if it was.
async fn gone_since(store: &dyn Store, base: i64) -> Result<Option<i64>, Failure> {
    Ok(store.chain().await?.map(|head| head.base).filter(|now| *now > base))
}

/// What is missing after `base` must not be missing because its time was over.
async fn still_kept(store: &dyn Store, base: i64) -> Result<(), Failure> {
    gone_since(store, base).await?.map_or(Ok(()), |gone| Err(has_a_gap(gone)))
}

fn has_a_gap(gone: i64) -> Failure {
    Failure::Plain(format!(
        "events up to {gone} came to the end of the time they are kept for while they were exported, so the export has a gap; export again"
    ))
}

/// What of the chain is written.
#[derive(Default)]
struct Range {
    /// Events after this one.
    after: i64,
    /// Up to this one, which a checkpoint covers.
    last: i64,
    /// What the first event follows, where those before it are kept no more.
    first: Option<Checkpoint>,
    /// Those that no checkpoint covers yet.
    waiting: Vec<AuditEvent>,
}

/// The checkpoints, page by page.
struct Covers<'a> {
    store: &'a dyn Store,
    page: Vec<Checkpoint>,
}

impl Covers<'_> {
    /// The one right at this place.
    async fn at(&mut self, seq: i64) -> Result<Option<Checkpoint>, Failure> {
        if self.page.last().is_none_or(|last| last.seq < seq) {
            self.page = self.store.checkpoints(seq - 1, PAGE).await?;
        }
        Ok(self.page.binary_search_by_key(&seq, |checkpoint| checkpoint.seq).ok().map(|at| self.page[at].clone()))
    }
}

fn of_checkpoint(checkpoint: &Checkpoint) -> String {
    canonical(&json!({ "checkpoint": checkpoint })) + "\n"
}

/// Its place in the chain, and the digest that is enough to go on from there.
fn of_digest(event: &AuditEvent) -> String {
    let digest = LocalNotary.hash(chained(event).as_bytes());
    canonical(&json!({ "chain": event.link, "digest": digest })) + "\n"
}
