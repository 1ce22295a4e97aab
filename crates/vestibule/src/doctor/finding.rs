//! What was found, and how it is told.

use serde::Serialize;
use vestibule_domain::time::Timestamp;

use crate::{failure::Failure, print, table::printable};

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It works now.
    Warn,
    /// It does not.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// How it stands.
    pub(super) state: State,
    /// With what.
    pub(super) what: String,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    pub(super) fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Ok, what: what.into(), found: found.into(), advice: None }
    }

    pub(super) fn warn(what: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Warn, what: what.into(), found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn fail(what: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(what, found, advice) }
    }
}

const DAY: i64 = 24 * 60 * 60;
/// When an end comes near, and when it is a matter of days.
const SOON: i64 = 21;
const VERY_SOON: i64 = 7;

/// Something that ends on its day.
pub(super) fn ends(what: &str, of: &str, at: Timestamp, now: Timestamp, advice: &str) -> Finding {
    let days = (at.as_secs() - now.as_secs()).div_euclid(DAY);
    let date = at.to_string();
    let date = date.split('T').next().unwrap_or_default();
    match days {
        ..0 => Finding::fail(what, format!("{of} ended on {date}"), advice),
        0..VERY_SOON => Finding::fail(what, format!("{of} ends in {days} days, on {date}"), advice),
        VERY_SOON..SOON => Finding::warn(what, format!("{of} ends in {days} days, on {date}"), advice),
        _ => Finding::ok(what, format!("{of} is good for {days} days, until {date}")),
    }
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    ok: bool,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self { ok: findings.iter().all(|finding| finding.state != State::Fail), findings }
    }

    pub(super) fn failed(&self) -> usize {
        self.findings.iter().filter(|finding| finding.state == State::Fail).count()
    }

    pub(super) fn print(&self, as_json: bool) -> Result<(), Failure> {
        if as_json { print::json(self) } else { print::text(&self.text()) }
    }

    /// A line for each, and below it what to do.
    fn text(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or_default();
        let line = |finding: &Finding| {
            let state = match finding.state {
                State::Ok => "ok",
                State::Warn => "warn",
                State::Fail => "fail",
            };
            let mut found = finding.found.lines();
            let first = printable(found.next().unwrap_or_default());
            let indent = " ".repeat(width + 8);
            let more: Vec<_> = found.map(|line| format!("{indent}{}\n", printable(line))).collect();
            let advice = finding.advice.as_ref().map(|advice| format!("{indent}→ {}\n", printable(advice))).unwrap_or_default();
            format!("{state:4}  {:width$}  {first}\n{}{advice}", printable(&finding.what), more.concat())
        };
        self.findings.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_is_a_warning_and_what_ends_in_days_is_a_failure() {
        let now = Timestamp::from_secs(1_795_514_400);
        let ends = |days: i64| ends("certificate", "it", Timestamp::from_secs(now.as_secs() + days * DAY), now, "renew it").state;
        assert_eq!(
            [ends(-1), ends(0), ends(6), ends(7), ends(20), ends(21)],
            [State::Fail, State::Fail, State::Fail, State::Warn, State::Warn, State::Ok]
        );
    }

    #[test]
    fn advice_stands_below_what_it_is_about() {
        let report = Report::new(vec![
            Finding::ok("issuer", "answers"),
            Finding::fail("provider acme", "does not answer\nor only \u{1b}[31mred", "ask them"),
        ]);
        assert_eq!((report.ok, report.failed()), (false, 1));
        assert_eq!(
            report.text(),
            "ok    issuer         answers\nfail  provider acme  does not answer\n                     or only \u{fffd}[31mred\n                     → ask them\n"
        );
    }
}
