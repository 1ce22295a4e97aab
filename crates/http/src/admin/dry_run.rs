//! `?dry_run=true`: what a change would change.

use http::StatusCode;
use poem::Response;
use poem_openapi::{
    Object,
    types::{Example, ToJSON},
};
use serde_json::Value;
use vestibule_domain::{audit::EventName, change::Change};
use vestibule_flows::Rehearsed;

use super::{
    problem::Problem,
    table::{Does, Row},
};

/// Told apart from the answers that the operations give, which have schemas of their own.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.vestibule.dry-run+json";

/// What a change would do. Nothing was written.
#[derive(Object)]
#[oai(example)]
pub(crate) struct DryRun {
    /// What it would be recorded as; nothing if nothing would be another.
    events: Vec<String>,
    /// Where something would be another.
    changes: Vec<Difference>,
}

/// One place that would be another.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Difference {
    /// Where: a JSON pointer (RFC 6901) into what would be changed.
    pointer: String,
    /// What is there; absent if nothing is. Secrets are never shown.
    before: Option<Value>,
    /// What would be there; absent if nothing would.
    after: Option<Value>,
}

impl From<Change> for Difference {
    fn from(change: Change) -> Self {
        Self { pointer: change.pointer, before: change.before, after: change.after }
    }
}

impl Example for DryRun {
    fn example() -> Self {
        let change = Difference { pointer: "/client_name".into(), before: Some("Grafana".into()), after: Some("Grafana (staging)".into()) };
        Self { events: vec![EventName::ClientUpdated.to_string()], changes: vec![change] }
    }
}

/// Whether it is only to be tried. What changes nothing can't be, and says so: who thinks that they only try should not be deceived.
pub(crate) fn is_asked(row: &Row, query: Option<&str>) -> Result<bool, Problem> {
    let all = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let asked: Vec<_> = all.filter(|(name, _)| name == "dry_run").map(|(_, value)| value).collect();
    match (asked.as_slice(), row.does) {
        ([], _) | (_, Does::Reads) => Ok(false),
        ([value], does) => match (value.as_ref(), does) {
            ("false", _) => Ok(false),
            ("true", Does::Writes(_)) => Ok(true),
            ("true", _) => Err(Problem::parameter("dry_run", "can't be asked here: this changes nothing")),
            _ => Err(Problem::parameter("dry_run", "must be true or false")),
        },
        _ => Err(Problem::parameter("dry_run", "is there twice")),
    }
}

/// What came of it: the difference if it came to writing, or if nothing was to be written; and otherwise why not.
pub(crate) fn answered(answer: Result<Response, Problem>, rehearsed: &Rehearsed) -> Result<Response, Problem> {
    let (events, changes) = match (rehearsed.outcome(), answer) {
        (Some(outcome), _) => outcome,
        (None, Ok(answer)) if answer.status().is_success() => (Vec::new(), Vec::new()),
        (None, answer) => return answer,
    };
    let shown = DryRun { events: events.iter().map(ToString::to_string).collect(), changes: changes.into_iter().map(Into::into).collect() };
    let body = shown.to_json().unwrap_or_default().to_string();
    Ok(Response::builder().status(StatusCode::OK).content_type(MEDIA_TYPE).body(body))
}
