//! The file that checkpoints of the audit log are written to besides, so that they leave the machine: a line each, in the order of the chain.
//!
//! It is caught up from what it has itself: a checkpoint that was signed and not written when a gateway was stopped, or while the disk was away, is
//! written with the next one, or when the gateway starts again.

use std::{
    error::Error,
    io::SeekFrom,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};
use tracing::error;
use vestibule_domain::audit::chain::{ChainHead, Checkpoint};
use vestibule_flows::Gateway;

/// How many checkpoints are read at once.
const PAGE: u64 = 500;
/// How much of the end is read for the last line, in bytes: a line has about 500.
const TAIL: u64 = 16 << 10;

/// The file, and how far it has come.
pub(crate) struct CheckpointFile {
    path: PathBuf,
    /// The event that its last line covers; nothing before it was looked at.
    reached: Option<i64>,
    /// Whether something may be missing.
    is_behind: bool,
    /// Whether it was said that it can't be written.
    is_told: bool,
}

impl CheckpointFile {
    /// One that may be behind.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, reached: None, is_behind: true, is_told: false }
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
        (self.is_told, self.is_behind) = (written.is_err(), written.is_err());
    }

    async fn catch_up(&mut self, gateway: &Gateway) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Some(head) = gateway.audit_chain().await? else { return Ok(()) };
        let mut reached = match self.reached {
            Some(reached) => reached,
            None => last_in(&self.path, &head).await?,
        };
        loop {
            let page = gateway.checkpoints_after(reached, PAGE).await?;
            let Some(last) = page.last() else { break };
            append(&self.path, &page).await?;
            reached = last.seq;
            self.reached = Some(reached);
        }
        self.reached = Some(reached);
        Ok(())
    }
}

async fn append(path: &Path, checkpoints: &[Checkpoint]) -> std::io::Result<()> {
    let lines: Vec<_> = checkpoints.iter().map(|checkpoint| json!({ "checkpoint": checkpoint }).to_string() + "\n").collect();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o640).open(path).await?;
    file.write_all(lines.concat().as_bytes()).await?;
    file.sync_data().await
}

/// How far the file has come in this chain; before everything, if there is nothing of it. A line that was not written to its end is taken away: with it
/// nobody could read the file.
async fn last_in(path: &Path, head: &ChainHead) -> std::io::Result<i64> {
    const NOTHING: i64 = -1;
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(NOTHING),
        Err(error) => return Err(error),
    };
    let length = file.metadata().await?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).await?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).await?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole == 0 && length > TAIL {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "it has no lines at its end, so it is none of ours"));
    }
    let torn = (tail.len() - whole) as u64;
    if torn > 0 {
        OpenOptions::new().write(true).open(path).await?.set_len(length - torn).await?;
    }
    let lines = tail[..whole].split(|byte| *byte == b'\n').rev().find(|line| !line.is_empty());
    let last = lines.and_then(|line| serde_json::from_slice::<Value>(line).ok());
    let last = last.and_then(|mut line| serde_json::from_value::<Checkpoint>(line["checkpoint"].take()).ok());
    let Some(last) = last.filter(|last| last.chain == head.chain) else { return Ok(NOTHING) };
    if last.seq > head.seq {
        error!(
            "{} has a checkpoint of event {}, and the audit log ends with event {}: its end is missing, as after a backup was put back",
            path.display(),
            last.seq,
            head.seq
        );
    }
    Ok(last.seq)
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
}
