//! How far a long command is, for somebody who watches: nothing is said where nobody does.

use std::io::{self, IsTerminal};

/// Not more often than after so much.
const STEPS: u64 = 200;

/// A line on standard error that is written over.
#[derive(Debug)]
pub(super) struct Progress {
    watched: bool,
    what: &'static str,
    done: u64,
    all: u64,
    said: u64,
}

impl Progress {
    /// Of so many events.
    pub(super) fn events(all: u64) -> Self {
        Self { watched: io::stderr().is_terminal(), what: "events", done: 0, all, said: 0 }
    }

    /// Of so many bytes.
    pub(super) fn bytes(all: u64) -> Self {
        Self { what: "bytes", ..Self::events(all) }
    }

    /// So much further.
    pub(super) fn add(&mut self, more: u64) {
        self.done += more;
        if self.watched && self.done >= self.said + (self.all / STEPS).max(1_000) {
            self.said = self.done;
            eprint!("\r{} of {} {}", self.done, self.all.max(self.done), self.what);
        }
    }

    /// At the end.
    pub(super) fn done(&self) {
        if self.said > 0 {
            eprintln!("\r{} of {} {}", self.done, self.all.max(self.done), self.what);
        }
    }
}
