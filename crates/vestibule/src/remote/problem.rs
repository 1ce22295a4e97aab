//! A problem document (RFC 9457), said as a person reads it.

use std::{fmt, time::Duration};

use http::StatusCode;
use serde_json::{Map, Value};

use crate::table::printable;

/// Why the gateway did not do what was asked, in its own words.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: String,
    detail: String,
    /// Where, and what.
    places: Vec<(String, String)>,
    hint: Option<String>,
    trace: Option<String>,
    retry_after: Option<Duration>,
}

impl Problem {
    pub(super) fn read(status: StatusCode, document: &Map<String, Value>, retry_after: Option<&str>) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(printable);
        let places = document.get("errors").and_then(Value::as_array).into_iter().flatten().map(|place| {
            let of = |name: &str| place[name].as_str().map(printable);
            (of("pointer").or_else(|| of("parameter")).unwrap_or_default(), of("detail").unwrap_or_default())
        });
        Self {
            status,
            code: text("code").unwrap_or_default(),
            detail: text("detail").or_else(|| text("title")).unwrap_or_default(),
            places: places.collect(),
            hint: text("hint"),
            trace: text("trace_id"),
            retry_after: retry_after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        }
    }

    /// After what time the same question may be asked again, where the gateway had too many to look at it.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.retry_after.filter(|_| self.is("slow_down"))
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Whether it is about what was sent or what it met, and not about who sent it, how often, or how the gateway is.
    pub(crate) fn is_about_what_was_sent(&self) -> bool {
        matches!(
            self.status,
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::UNPROCESSABLE_ENTITY
        )
    }

    /// Where something is wrong.
    pub(crate) fn pointers(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|(place, _)| place.as_str())
    }

    /// Each thing that is wrong in other places than these, in one sentence.
    pub(crate) fn sentences_but(&self, passed_over: &[&str]) -> Vec<String> {
        let rest = self.places.iter().filter(|(place, _)| !passed_over.contains(&place.as_str()));
        let places: Vec<_> = rest.map(|(place, detail)| format!("{place} {detail}").trim().to_owned()).collect();
        if places.is_empty() { vec![self.detail.clone()] } else { places }
    }

    /// Each thing that is wrong, in one sentence.
    pub(crate) fn sentences(&self) -> Vec<String> {
        self.sentences_but(&[])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        let width = self.places.iter().map(|(place, _)| place.chars().count()).max().unwrap_or_default();
        for (place, detail) in &self.places {
            write!(f, "\n  {place:width$}  {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        // What is wrong on its side is found by the operator's log alone.
        match &self.trace {
            Some(trace) if self.status.is_server_error() => write!(f, "\nreference: {trace}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_a_sentence_with_its_places_and_what_helps() {
        let document = json!({
            "code": "invalid_fields", "title": "Fields break rules", "detail": "2 things are wrong with what was sent.", "trace_id": "4bf9",
            "errors": [
                { "pointer": "/redirect_uris/0", "detail": "has a fragment; leave out '#'\u{1b}[31m" },
                { "pointer": "/scope", "detail": "is empty" },
            ],
            "hint": "look again",
        });
        let problem = Problem::read(StatusCode::UNPROCESSABLE_ENTITY, document.as_object().unwrap(), None);
        assert_eq!(
            problem.to_string(),
            "2 things are wrong with what was sent.\n  /redirect_uris/0  has a fragment; leave out '#'\u{fffd}[31m\n  /scope            is empty\nhint: look again"
        );
        assert!(problem.is("invalid_fields"));
        assert_eq!(problem.wait(), None);
    }

    #[test]
    fn only_who_was_not_looked_at_waits() {
        let wait = |code: &str, after| {
            let document = json!({ "code": code });
            Problem::read(StatusCode::TOO_MANY_REQUESTS, document.as_object().unwrap(), after).wait()
        };
        assert_eq!(wait("slow_down", Some("3")), Some(Duration::from_secs(3)));
        assert_eq!(wait("slow_down", Some("Thu, 26 Nov 2026 10:00:00 GMT")), None);
        assert_eq!(wait("unavailable", Some("5")), None, "something may have been done");
    }
}
