//! Audit events as lines of a file.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use time::{OffsetDateTime, macros::format_description};
use vestibule_domain::{
    audit::sink::{Batch, NotTaken, SinkTrouble},
    ports::AuditSink,
    time::Timestamp,
};

/// Where lines are written, and when a new file is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The file. Its folder must be there.
    pub path: PathBuf,
    /// In bytes: when the file has so many, it is given another name before more is written.
    pub rotate_size: Option<u64>,
    /// When the file was begun so long ago, likewise.
    pub rotate_after: Option<Duration>,
    /// Whether a batch counts as taken only once it lies on the disk.
    pub fsync: bool,
}

/// Appends an event a line. The file is opened for each batch, so whoever moves it away finds a new one in its place; a line that a crash cut off is
/// taken away before more is written.
#[derive(Clone, Debug)]
pub struct FileSink {
    options: FileOptions,
}

impl FileSink {
    /// To this file; nothing is opened yet.
    pub const fn new(options: FileOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl AuditSink for FileSink {
    async fn deliver(&self, batch: &Batch) -> Result<(), NotTaken> {
        let lines: String = batch.events.iter().map(|event| batch.form.text(event) + "\n").collect();
        let (options, now) = (self.options.clone(), batch.now);
        let path = options.path.display().to_string();
        let written = tokio::task::spawn_blocking(move || append(&options, lines.as_bytes(), now)).await;
        let written = written.unwrap_or_else(|_| Err(io::Error::other("the writer broke down")));
        written.map_err(|error| NotTaken { trouble: SinkTrouble::File, why: format!("{path} can't be written: {error}") })
    }
}

fn append(options: &FileOptions, lines: &[u8], now: Timestamp) -> io::Result<()> {
    rotate(options, now)?;
    let is_new = !options.path.exists();
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(&options.path)?;
    // A write that was given up may still hang, and would cut off what is written meanwhile. Not every file can be locked.
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, "somebody still writes to it"));
    }
    let whole = whole_lines(&mut file)?;
    let written = file.write_all(lines).and_then(|()| if options.fsync { file.sync_data() } else { Ok(()) });
    if let Err(error) = written {
        // What was written of it would be read as events that are there twice, or as half of one.
        file.set_len(whole)?;
        return Err(error);
    }
    if is_new && options.fsync { sync_folder(&options.path) } else { Ok(()) }
}

/// Cuts off what follows the last end of a line, and tells how long the file is then.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const PIECE: u64 = 8192;
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        let mut piece = vec![0; usize::try_from(end - start).unwrap_or_default()];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

/// Gives the file another name if it is time for a new one. Nothing is ever deleted here.
fn rotate(options: &FileOptions, now: Timestamp) -> io::Result<()> {
    let known = match fs::metadata(&options.path) {
        Ok(known) if known.len() > 0 => known,
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let is_large = options.rotate_size.is_some_and(|most| known.len() >= most);
    // Not every file system knows when a file was made.
    let begun = known.created().or_else(|_| known.modified())?;
    let is_old = options.rotate_after.is_some_and(|most| now.since(moment(begun)) >= most);
    if !is_large && !is_old {
        return Ok(());
    }
    fs::rename(&options.path, free_name(&options.path, now))?;
    sync_folder(&options.path)
}

fn moment(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The file's name and the moment, as `audit.jsonl.20261126T101500Z`; with a number behind it if somebody has that name.
fn free_name(path: &Path, now: Timestamp) -> PathBuf {
    let stamp = OffsetDateTime::from_unix_timestamp(now.as_secs())
        .ok()
        .and_then(|moment| moment.format(format_description!("[year][month][day]T[hour][minute][second]Z")).ok())
        .unwrap_or_else(|| now.as_millis().to_string());
    let named = |suffix: &str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let first = named(&format!(".{stamp}"));
    let others = (2..).map(|number| named(&format!(".{stamp}.{number}")));
    std::iter::once(first.clone()).chain(others).find(|name| !name.exists()).unwrap_or(first)
}

/// A new name is on the disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn options(folder: &tempfile::TempDir) -> FileOptions {
        FileOptions { path: folder.path().join("audit.jsonl"), rotate_size: None, rotate_after: None, fsync: true }
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn lines_are_added_and_half_a_line_is_taken_away_first() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        append(&options, b"one\ntwo\n", NOW).unwrap();
        OpenOptions::new().append(true).open(&options.path).unwrap().write_all(&vec![b'x'; 20_000]).unwrap();
        append(&options, b"three\n", NOW).unwrap();
        assert_eq!(text(&options.path), "one\ntwo\nthree\n");
        fs::write(&options.path, "no end of a line at all").unwrap();
        append(&options, b"four\n", NOW).unwrap();
        assert_eq!(text(&options.path), "four\n");
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        append(&options, b"one\n", NOW).unwrap();
        fs::rename(&options.path, folder.path().join("moved")).unwrap();
        append(&options, b"two\n", NOW).unwrap();
        assert_eq!((text(&folder.path().join("moved")), text(&options.path)), ("one\n".into(), "two\n".into()));
    }

    #[test]
    fn a_file_that_is_large_or_old_gets_another_name_and_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions { rotate_size: Some(8), ..options(&folder) };
        for line in ["1234567\n", "second!\n", "third\n"] {
            append(&options, line.as_bytes(), NOW).unwrap();
        }
        let all = ["audit.jsonl", "audit.jsonl.20270115T080000Z", "audit.jsonl.20270115T080000Z.2"];
        assert_eq!(names(&folder), all);
        assert_eq!(all.map(|name| text(&folder.path().join(name))), ["third\n", "1234567\n", "second!\n"]);

        let by_age = FileOptions { rotate_size: None, rotate_after: Some(Duration::from_hours(1)), ..options };
        let begun = moment(fs::metadata(&by_age.path).unwrap().created().unwrap());
        append(&by_age, b"soon\n", begun + Duration::from_mins(59)).unwrap();
        assert_eq!(text(&by_age.path), "third\nsoon\n");
        append(&by_age, b"later\n", begun + Duration::from_mins(61)).unwrap();
        assert_eq!(text(&by_age.path), "later\n");
    }

    #[test]
    fn while_somebody_writes_nobody_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        append(&options, b"one\n", NOW).unwrap();
        let held = OpenOptions::new().append(true).open(&options.path).unwrap();
        held.lock().unwrap();
        assert_eq!(append(&options, b"two\n", NOW).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(held);
        append(&options, b"two\n", NOW).unwrap();
        assert_eq!(text(&options.path), "one\ntwo\n");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions { path: folder.path().join("none/audit.jsonl"), ..options(&folder) };
        assert_eq!(append(&options, b"one\n", NOW).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
