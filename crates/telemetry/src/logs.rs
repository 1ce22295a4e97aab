//! Log lines: one per event, whatever was in it, written by a thread of their own.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Lines that may wait to be written. When the reader of our standard error is further behind, lines are dropped and counted: whoever logs
/// serves others meanwhile, and a stopped reader of lines must not stop logins.
const WAITING: usize = 8192;
/// How much is written at once.
const BATCH: usize = 64 * 1024;
/// How often a full queue is tried again at the end.
const TRY_AGAIN: Duration = Duration::from_millis(5);

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Where lines go. Cheap to clone; all clones share one thread.
#[derive(Clone)]
pub(crate) struct Sink {
    lines: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
}

impl Sink {
    /// Starts the thread that writes.
    pub(crate) fn to(out: impl Write + Send + 'static, format: LogFormat) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let scribe = Scribe { waiting, out, dropped: Arc::clone(&dropped), format };
        thread::Builder::new().name("log".into()).spawn(move || scribe.write_lines())?;
        Ok(Self { lines, dropped, format })
    }

    /// Waits until everything said so far is written, but no longer than this.
    pub(crate) fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let (done, wait) = sync_channel(1);
        let mut request = Message::Flush(done);
        while let Err(TrySendError::Full(unsent)) = self.lines.try_send(request) {
            if Instant::now() >= until {
                return;
            }
            request = unsent;
            thread::sleep(TRY_AGAIN);
        }
        let _ = wait.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// Who writes, on a thread of its own, where waiting for a reader holds up nobody.
struct Scribe<W> {
    waiting: Receiver<Message>,
    out: W,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
}

impl<W: Write> Scribe<W> {
    fn write_lines(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = self.next() {
            let mut next = Some(first);
            let mut asked = Vec::new();
            while let Some(message) = next {
                match message {
                    Message::Line(line) => batch.extend_from_slice(&line),
                    Message::Flush(done) => asked.push(done),
                }
                next = (batch.len() < BATCH).then(|| self.waiting.try_recv().ok()).flatten();
            }
            self.write(&batch);
            batch.clear();
            if !asked.is_empty() {
                self.tell_of_dropped();
            }
            for done in asked {
                let _ = done.try_send(());
            }
        }
    }

    /// Waits for the next message. When there is none yet, the reader has caught up, and hears what it missed.
    fn next(&mut self) -> Result<Message, RecvError> {
        if let Ok(message) = self.waiting.try_recv() {
            return Ok(message);
        }
        self.tell_of_dropped();
        self.waiting.recv()
    }

    fn write(&mut self, lines: &[u8]) {
        // There is nowhere to report to that standard error can't be written.
        let _ = self.out.write_all(lines).and_then(|()| self.out.flush());
    }

    /// Says once what is missing.
    fn tell_of_dropped(&mut self) {
        match self.dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            dropped => self.write(loss(dropped, self.format).as_bytes()),
        }
    }
}

/// The line about lines that are missing. It is no event: a filter could leave it out.
fn loss(dropped: u64, format: LogFormat) -> String {
    const MESSAGE: &str = "log lines are missing here: whoever reads them was too slow";
    let mut now = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    let target = module_path!();
    match format {
        LogFormat::Pretty => format!("{now}  WARN {target}: {MESSAGE} dropped={dropped}\n"),
        LogFormat::Json => {
            format!(
                "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"{MESSAGE}\",\"dropped\":{dropped},\"target\":\"{target}\"}}\n"
            )
        }
    }
}

/// The layer that makes lines of events.
pub(crate) fn layer<S>(sink: Sink) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let format = sink.format;
    // No colours: with none of ours in a line, every control character in it came from outside.
    let lines = tracing_subscriber::fmt::layer().with_writer(sink).with_ansi(false);
    match format {
        LogFormat::Pretty => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Sink {
    /// Takes one whole event, as the layer hands it over.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = one_line(event, self.format);
        match self.lines.try_send(Message::Line(line)) {
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            // The thread is gone; rather a slow line than none.
            Err(TrySendError::Disconnected(Message::Line(line))) => io::stderr().write_all(&line)?,
            Ok(()) | Err(TrySendError::Disconnected(Message::Flush(_))) => {}
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The event as one line without anything a terminal or a reader of lines would act on (attack 78). `tracing_subscriber` lets line breaks
/// in messages through, and JSON allows DEL, C1 controls and the marks that turn the direction of writing.
fn one_line(event: &[u8], format: LogFormat) -> Vec<u8> {
    let body = event.strip_suffix(b"\n").unwrap_or(event);
    let is_plain = body.iter().all(|b| matches!(b, b' '..=b'~'));
    let mut line = if is_plain { body.to_vec() } else { escaped(&String::from_utf8_lossy(body), format).into_owned().into_bytes() };
    line.push(b'\n');
    line
}

fn escaped(text: &str, format: LogFormat) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !is_unsafe(c) {
            safe.push(c);
        } else if format == LogFormat::Json {
            // All of them lie in the basic plane, so one escape says each; and in JSON they can only stand inside a string.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.extend(c.escape_default());
        }
    }
    Cow::Owned(safe)
}

/// Control characters, line and paragraph separators, and marks that turn the direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What panics are told under: no filter leaves them out.
pub(crate) const PANICS: &str = "vestibule_panic";

/// Has a panic told as a line like every other: where it was, and what it says, if that is a text of the program. One that was put together when it
/// happened may have any value in it, a token or a name, so it stays unsaid.
pub(crate) fn tell_of_panics() {
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(may have anything in it)");
        tracing::error!(target: PANICS, at, said, "the program has a fault");
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{info, info_span, subscriber::with_default};
    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, say: impl FnOnce()) -> String {
        let paper = Paper::default();
        let sink = Sink::to(paper.clone(), format).unwrap();
        with_default(registry().with(layer(sink.clone())), say);
        sink.flush(PATIENCE);
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    const HOSTILE: &str = "a\r\n2026-01-01T00:00:00Z  INFO forged: \u{1b}[31mred\u{7}\u{8}\u{9b}2J\u{7f}\u{2028}\u{202e}\t\0\"}{";

    #[test]
    fn attack_78_whatever_is_logged_it_stays_one_line_without_control_characters() {
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let text = logged(format, || {
                let span = info_span!("request", who = HOSTILE, shown = %HOSTILE);
                let _entered = span.enter();
                info!(value = HOSTILE, shown = %HOSTILE, debugged = ?HOSTILE, "the message: {HOSTILE}");
                info!("a second one");
            });
            assert_eq!(text.lines().count(), 2, "{format:?}: {text}");
            assert!(text.ends_with('\n') && !text.trim_end_matches('\n').replace('\n', "").contains(is_unsafe), "{format:?}: {text:?}");
        }
    }

    fn fails(act: impl FnOnce() + panic::UnwindSafe) -> bool {
        panic::catch_unwind(act).is_err()
    }

    #[test]
    fn attack_78_a_panic_is_one_line_without_what_was_put_together_for_it() {
        let secret = format!("secret-0123456789\n{HOSTILE}");
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let text = logged(format, || {
                let before = panic::take_hook();
                tell_of_panics();
                let both = fails(|| panic::panic_any(format!("no such token: {secret}"))) && fails(|| panic::panic_any("a text of ours"));
                panic::set_hook(before);
                assert!(both);
            });
            assert_eq!(text.lines().count(), 2, "{format:?}: {text}");
            assert_eq!(text.matches("logs.rs:").count(), 2, "{format:?}: {text}");
            assert!(!text.contains("0123456789") && text.contains("a text of ours"), "{format:?}: {text}");
        }
    }

    #[test]
    fn asvs_16_2_2_json_lines_stay_json_and_say_what_was_said() {
        let text = logged(LogFormat::Json, || info!(value = HOSTILE, "hello"));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["value"], HOSTILE);
        assert_eq!(line["message"], "hello");
        assert_eq!(line["level"], "INFO");
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "UTC, RFC 3339: {time}");
    }

    #[test]
    fn a_pretty_line_says_what_was_said() {
        let text = logged(LogFormat::Pretty, || info!(provider.id = "github", "signed in through github"));
        assert!(text.contains("INFO") && text.contains("signed in through github") && text.contains("provider.id=\"github\""), "{text}");
    }

    #[test]
    fn no_line_is_lost_when_many_are_said_at_once() {
        let text = logged(LogFormat::Pretty, || (0..WAITING).for_each(|n| info!(n, "line")));
        assert_eq!(text.lines().count(), WAITING);
    }

    #[test]
    fn a_reader_that_stalls_holds_nobody_up_and_what_is_missing_is_said_once() {
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let paper = Paper::default();
            let sink = Sink::to(paper.clone(), format).unwrap();
            // Whoever holds the paper keeps the thread from writing.
            let stalled = paper.0.lock().unwrap();
            let said = 3 * WAITING;
            with_default(registry().with(layer(sink.clone())), || (0..said).for_each(|_| info!("line")));
            let began = Instant::now();
            sink.flush(Duration::from_millis(100));
            assert!(began.elapsed() < Duration::from_secs(5), "a flush ends though nobody reads");
            drop(stalled);
            sink.flush(PATIENCE);
            let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
            let (losses, lines): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.contains("missing"));
            let dropped = said - lines.len();
            let count = if format == LogFormat::Json { format!("\"dropped\":{dropped},") } else { format!("dropped={dropped}") };
            assert!(dropped > 0 && losses.len() == 1 && losses[0].contains(&count), "{dropped}: {losses:?}");
            assert!(format == LogFormat::Pretty || serde_json::from_str::<serde_json::Value>(losses[0]).unwrap()["level"] == "WARN");
        }
    }
}
