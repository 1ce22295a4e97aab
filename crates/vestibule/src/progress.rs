//! How far long work has come, on a terminal and nowhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// A line on standard error that says so; where standard error is no terminal, nothing.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of so many steps.
    pub(crate) fn of(steps: u64, what: &str) -> Self {
        Self::styled(ProgressBar::new(steps), what, "{msg} {wide_bar} {human_pos}/{human_len}")
    }

    /// Of so many bytes.
    pub(crate) fn bytes(all: u64, what: &str) -> Self {
        Self::styled(ProgressBar::new(all), what, "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes}")
    }

    /// Of nobody knows how many.
    pub(crate) fn counting(what: &str) -> Self {
        Self::styled(ProgressBar::no_length(), what, "{msg} {human_pos}, {per_sec}")
    }

    /// Of a few long steps; of nobody knows how many if there are none yet.
    pub(crate) fn steps(steps: u64, what: &str) -> Self {
        let progress = if steps == 0 {
            Self::styled(ProgressBar::new_spinner(), what, "{spinner} {msg} {human_pos}")
        } else {
            Self::styled(ProgressBar::new(steps), what, "{spinner} {msg} {human_pos}/{human_len}")
        };
        progress.0.enable_steady_tick(Duration::from_millis(120));
        progress
    }

    fn styled(bar: ProgressBar, what: &str, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Whatever ends the work, no line of it stands before what is said then.
        Self(bar.with_style(style).with_message(what.to_owned()).with_finish(ProgressFinish::AndClear))
    }

    /// One step more is done.
    pub(crate) fn one(&self) {
        self.0.inc(1);
    }

    /// Some steps more are done.
    pub(crate) fn some(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Says something without tearing the line.
    pub(crate) fn aside(&self, what: &str) {
        self.0.suspend(|| eprintln!("{what}"));
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
