//! The file that checkpoints of the audit log are written to besides, so that they leave the machine: a line each, in the order of the chain.
//!
//! It is caught up from what it has itself: a checkpoint that was signed and not written when a gateway was stopped, or while the disk was away, is
//! written with the next one, or when the gateway starts again. Several nodes may share it: who writes holds it locked, and goes on from its last line.

use std::{
    error::Error,
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tracing::error;
use vestibule_domain::audit::chain::{ChainHead, Checkpoint};
use vestibule_flows::Gateway;

/// How many checkpoints are read at once.
const PAGE: u64 = 500;
/// How much of the end is read for the last line, in bytes: a line has about 500.
const TAIL: u64 = 16 << 10;
/// How often in a row it may be somebody else's turn, about once a second, before that is said: a node that writes is done at once.
const PATIENCE: u32 = 60;
/// What comes before everything.
const NOTHING: i64 = -1;

/// The file, and how far it has come.
pub(crate) struct CheckpointFile {
    path: PathBuf,
    /// The event up to which this node knows it to be written; where somebody moved the file away, the next one goes on from there.
    reached: i64,
    /// Whether something may be missing.
    is_behind: bool,
    /// Whether it was said that it can't be written.
    is_told: bool,
    /// How often in a row somebody else held it locked.
    waits: u32,
    /// Whether it was said that it has come further than the log.
    is_warned: bool,
}

impl CheckpointFile {
    /// One that may be behind.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, reached: NOTHING, is_behind: true, is_told: false, waits: 0, is_warned: false }
    }

    /// Writes what is missing, if something may be. What fails is tried again the next time.
    pub(crate) async fn keep_up(&mut self, gateway: &Gateway, is_new: bool) {
        if !self.is_behind && !is_new {
            return;
        }
        let written = self.catch_up(gateway).await;
        // Said once, and not with every second of an outage.
        if let (Err(error), false) = (&written, self.is_told) {
            error!(%error, "a checkpoint of the audit log can't be written to {}; it is tried again", self.path.display());
        }
        self.is_told = written.is_err();
        self.waits = if matches!(written, Ok(false)) { self.waits.saturating_add(1) } else { 0 };
        if self.waits == PATIENCE {
            error!("{} stays locked by somebody else, so no checkpoint of the audit log is written to it", self.path.display());
        }
        self.is_behind = !written.unwrap_or(false);
    }

    /// Whether nothing is missing any more; it may be another node's turn to write.
    async fn catch_up(&mut self, gateway: &Gateway) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let path = self.path.clone();
        let Some((mut file, last)) = spawn_blocking(move || in_turn(&path)).await?? else { return Ok(false) };
        // Read after the file, which has come no further than the log had by then.
        let Some(head) = gateway.audit_chain().await? else { return Ok(true) };
        self.reached = match last.filter(|last| last.chain == head.chain) {
            Some(last) => {
                self.warn(&head, last.seq);
                last.seq
            }
            None => self.reached,
        };
        loop {
            let page = gateway.checkpoints_after(self.reached, PAGE).await?;
            let Some(last) = page.last().map(|last| last.seq) else { return Ok(true) };
            file = spawn_blocking(move || append(file, &page)).await??;
            self.reached = last;
        }
    }

    fn warn(&mut self, head: &ChainHead, seq: i64) {
        let is_ahead = seq > head.seq;
        if is_ahead && !self.is_warned {
            error!(
                "{} has a checkpoint of event {seq}, and the audit log ends with event {}: its end is missing, as after a backup was put back",
                self.path.display(),
                head.seq
            );
        }
        self.is_warned = is_ahead;
    }
}

/// Opens the file for as long as nobody else writes to it, and reads its last line; nothing while somebody else does. Not every file can be locked.
fn in_turn(path: &Path) -> io::Result<Option<(File, Option<Checkpoint>)>> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    let last = last_in(&mut file)?;
    Ok(Some((file, last)))
}

fn append(mut file: File, checkpoints: &[Checkpoint]) -> io::Result<File> {
    let lines: Vec<_> = checkpoints.iter().map(|checkpoint| json!({ "checkpoint": checkpoint }).to_string() + "\n").collect();
    file.write_all(lines.concat().as_bytes())?;
    file.sync_data()?;
    Ok(file)
}

/// The last checkpoint of the file, if it ends with one. A line that was not written to its end is taken away: with it nobody could read the file.
fn last_in(file: &mut File) -> io::Result<Option<Checkpoint>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole == 0 && length > TAIL {
        return Err(io::Error::new(ErrorKind::InvalidData, "it has no lines at its end, so it is none of ours"));
    }
    let torn = (tail.len() - whole) as u64;
    if torn > 0 {
        file.set_len(length - torn)?;
    }
    let last = tail[..whole].split(|byte| *byte == b'\n').rev().find(|line| !line.is_empty());
    let last = last.and_then(|line| serde_json::from_slice::<Value>(line).ok());
    Ok(last.and_then(|mut line| serde_json::from_value(line["checkpoint"].take()).ok()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vestibule_domain::{
        audit::{Actor, EventName, Outcome, chain::SealRules},
        store::Changes,
    };
    use vestibule_testkit::{
        rig::{Rig, RigOptions},
        sample::Sample,
    };

    use super::*;

    async fn signed(gateway: &Gateway, rig: &Rig, sample: &Sample) {
        rig.clock.advance(Duration::from_secs(61));
        let event = rig.witness().event(EventName::LoginFailed, Outcome::Failure, Actor::System, &sample.entropy);
        rig.port().commit(Changes::default().event(event)).await.unwrap();
        for _ in 0..3 {
            while gateway.seal_audit().await.unwrap().more {}
            rig.clock.advance(Duration::from_secs(61));
        }
    }

    fn lines(path: &Path) -> Vec<i64> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["checkpoint"]["seq"].as_i64().unwrap()).collect()
    }

    #[tokio::test]
    async fn what_was_signed_and_not_written_is_written_at_the_next_start() {
        let (gateway, rig) = Rig::gateway(RigOptions { audit: SealRules::default(), ..RigOptions::default() }).await;
        let (folder, sample) = (tempfile::tempdir().unwrap(), Sample::default());
        let path = folder.path().join("checkpoints.jsonl");
        signed(&gateway, &rig, &sample).await;
        CheckpointFile::new(path.clone()).keep_up(&gateway, true).await;
        let first = lines(&path);
        assert!(!first.is_empty());
        // Stopped before they were written, the last one in the middle of a line.
        signed(&gateway, &rig, &sample).await;
        signed(&gateway, &rig, &sample).await;
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{{\"checkpoint\":{{\"at\":17")).unwrap();
        CheckpointFile::new(path.clone()).keep_up(&gateway, false).await;
        let all: Vec<_> = rig.port().checkpoints(-1, 100).await.unwrap().iter().map(|checkpoint| checkpoint.seq).collect();
        assert!(all.len() >= first.len() + 2, "{all:?}");
        assert_eq!(lines(&path), all);
        CheckpointFile::new(path.clone()).keep_up(&gateway, false).await;
        assert_eq!(lines(&path), all, "and once");
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_written_when_it_can() {
        let (gateway, rig) = Rig::gateway(RigOptions { audit: SealRules::default(), ..RigOptions::default() }).await;
        let (folder, sample) = (tempfile::tempdir().unwrap(), Sample::default());
        let path = folder.path().join("mount").join("checkpoints.jsonl");
        let mut file = CheckpointFile::new(path.clone());
        signed(&gateway, &rig, &sample).await;
        file.keep_up(&gateway, true).await;
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        file.keep_up(&gateway, false).await;
        assert!(!lines(&path).is_empty());
    }

    #[tokio::test]
    async fn nodes_that_share_a_file_write_each_checkpoint_once_and_in_order() {
        let (gateway, rig) = Rig::gateway(RigOptions { audit: SealRules::default(), ..RigOptions::default() }).await;
        let (folder, sample) = (tempfile::tempdir().unwrap(), Sample::default());
        let path = folder.path().join("checkpoints.jsonl");
        let (mut one, mut other) = (CheckpointFile::new(path.clone()), CheckpointFile::new(path.clone()));
        for _ in 0..5 {
            signed(&gateway, &rig, &sample).await;
            tokio::join!(one.keep_up(&gateway, true), other.keep_up(&gateway, true));
        }
        // Whoever had no turn comes back, and so does one that has signed nothing itself.
        signed(&gateway, &rig, &sample).await;
        other.keep_up(&gateway, true).await;
        one.keep_up(&gateway, true).await;
        let all: Vec<_> = rig.port().checkpoints(-1, 100).await.unwrap().iter().map(|checkpoint| checkpoint.seq).collect();
        assert!(all.len() >= 6, "{all:?}");
        assert_eq!(lines(&path), all);
    }

    #[tokio::test]
    async fn while_somebody_else_writes_it_waits_and_a_file_that_was_moved_away_is_gone_on_with() {
        let (gateway, rig) = Rig::gateway(RigOptions { audit: SealRules::default(), ..RigOptions::default() }).await;
        let (folder, sample) = (tempfile::tempdir().unwrap(), Sample::default());
        let path = folder.path().join("checkpoints.jsonl");
        let mut file = CheckpointFile::new(path.clone());
        signed(&gateway, &rig, &sample).await;
        let (held, last) = in_turn(&path).unwrap().unwrap();
        assert!(last.is_none());
        file.keep_up(&gateway, true).await;
        assert!(lines(&path).is_empty());
        drop(held);
        file.keep_up(&gateway, false).await;
        let first = lines(&path);
        assert!(!first.is_empty());
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        signed(&gateway, &rig, &sample).await;
        file.keep_up(&gateway, true).await;
        let next = lines(&path);
        assert!(!next.is_empty() && next[0] > first[first.len() - 1], "{first:?} {next:?}");
    }
}
