//! Log lines: one per event, whatever was in it, written by a thread of their own.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use tracing::Subscriber;
use tracing_subscriber::{Layer, fmt::MakeWriter, registry::LookupSpan};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Lines that may wait to be written. When a reader of our standard error is that far behind, whoever logs waits: lines are not dropped.
const WAITING: usize = 8192;
/// How much is written at once.
const BATCH: usize = 64 * 1024;
const LAST_LINES: Duration = Duration::from_secs(5);

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Where lines go. Cheap to clone; all clones share one thread.
#[derive(Clone)]
pub(crate) struct Sink {
    lines: SyncSender<Message>,
    format: LogFormat,
}

impl Sink {
    /// Starts the thread that writes.
    pub(crate) fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        thread::Builder::new().name("log".into()).spawn(move || write_lines(&waiting, out))?;
        Ok(Self { lines, format: LogFormat::default() })
    }

    /// Waits until everything said so far is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.lines.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(LAST_LINES);
        }
    }
}

fn write_lines(waiting: &Receiver<Message>, mut out: impl Write) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(first) = waiting.recv() {
        let mut next = Some(first);
        let mut asked = Vec::new();
        while let Some(message) = next {
            match message {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::Flush(done) => asked.push(done),
            }
            next = (batch.len() < BATCH).then(|| waiting.try_recv().ok()).flatten();
        }
        // There is nowhere to report to that standard error can't be written.
        let _ = out.write_all(&batch).and_then(|()| out.flush());
        batch.clear();
        for done in asked {
            let _ = done.try_send(());
        }
    }
}

/// The layer that makes lines of events.
pub(crate) fn layer<S>(format: LogFormat, sink: Sink) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let sink = Sink { format, ..sink };
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
        if let Err(unsent) = self.lines.send(Message::Line(line))
            && let Message::Line(line) = unsent.0
        {
            // The thread is gone; rather a slow line than none.
            io::stderr().write_all(&line)?;
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{info, info_span, subscriber::with_default};
    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::*;

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
        let sink = Sink::to(paper.clone()).unwrap();
        with_default(registry().with(layer(format, sink.clone())), say);
        sink.flush();
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

    #[test]
    fn json_lines_stay_json_and_say_what_was_said() {
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
        let text = logged(LogFormat::Pretty, || (0..20_000).for_each(|n| info!(n, "line")));
        assert_eq!(text.lines().count(), 20_000);
    }
}
