//! The forms in which events are taken away, by the command line and by the admin API alike: text, made from the records alone.

use serde_json::json;

use super::{
    Actor, AuditEvent,
    record::{RecordForm, canonical},
};
use crate::{client::closed_enum, ids::EventId, time::Timestamp};
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

closed_enum! {
    /// A form.
    Form {
        /// One record a line, in its one text (RFC 8785).
        Jsonl = "jsonl",
        /// A table with a heading (RFC 4180), for spreadsheets.
        Csv = "csv",
        /// One event of the Open Cybersecurity Schema Framework a line.
        Ocsf = "ocsf",
        /// One event of the Elastic Common Schema a line.
        Ecs = "ecs",
    }
}

/// Where and why an export ends before everything was in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When that was.
    pub at: Timestamp,
    /// Why.
    pub why: CutShort,
    /// The last event that was looked at; one that goes on after it has the rest. Nothing if none was.
    pub after: Option<EventId>,
}

closed_enum! {
    /// Why an export ends too soon.
    CutShort {
        /// It has as many events as one may have, or as were asked for.
        Limit = "limit",
        /// The database could not be read any more.
        Unavailable = "unavailable",
        /// The gateway stops.
        Closing = "closing",
        /// Whoever takes it may not any more: their key or their desk ended, or lost the scope.
        NotAllowed = "not_allowed",
    }
}

const COLUMNS: [&str; 30] = [
    "id",
    "time",
    "name",
    "code",
    "outcome",
    "reason",
    "actor_type",
    "actor_id",
    "account",
    "client",
    "provider",
    "login",
    "session",
    "grant",
    "grant_type",
    "scopes",
    "auth_method",
    "took_ms",
    "detail",
    "ip",
    "user_agent",
    "trace_id",
    // New columns come last: whoever reads by number reads on.
    "change",
    "seq",
    "prev",
    "hash",
    "trial",
    "country",
    "audience",
    "acting",
];

/// What stands as the name in the last row of a table that was cut; no event is called so.
const CUT: &str = "cut";

impl Form {
    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl | Self::Ocsf | Self::Ecs => "application/jsonl",
        }
    }

    /// How a file of it ends.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl | Self::Ocsf | Self::Ecs => "jsonl",
        }
    }

    /// What comes before the first event.
    pub fn head(self) -> String {
        match self {
            Self::Csv => row(COLUMNS),
            Self::Jsonl | Self::Ocsf | Self::Ecs => String::new(),
        }
    }

    /// An event, with the end of its line.
    pub fn line(self, event: &AuditEvent) -> String {
        match self {
            Self::Jsonl => RecordForm::Json.text(event) + "\n",
            Self::Ocsf => RecordForm::Ocsf.text(event) + "\n",
            Self::Ecs => RecordForm::Ecs.text(event) + "\n",
            Self::Csv => row(cells(event).map(harmless)),
        }
    }

    /// What comes last where not everything is there: half an export must not look like a whole one.
    pub fn cut(self, cut: &Cut) -> String {
        let after = cut.after.map(|after| after.to_string());
        match self {
            Self::Jsonl | Self::Ocsf | Self::Ecs => {
                canonical(&json!({ "cut": { "at": cut.at.to_string(), "why": cut.why, "after": after } })) + "\n"
            }
            Self::Csv => row(COLUMNS.map(|column| match column {
                "id" => after.clone().unwrap_or_default(),
                "time" => cut.at.to_string(),
                "name" => CUT.to_owned(),
                "reason" => cut.why.to_string(),
                _ => String::new(),
            })),
        }
    }
}

fn row<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>) -> String {
    let mut out = csv::WriterBuilder::new().buffer_capacity(1024).from_writer(Vec::new());
    // What is written to memory has room.
    let _ = out.write_record(cells);
    out.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn cells(event: &AuditEvent) -> [String; COLUMNS.len()] {
    fn text<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    let (actor, actor_id) = match &event.actor {
        Actor::Anonymous => ("anonymous", String::new()),
        Actor::Account(id) => ("account", id.to_string()),
        Actor::Client(id) => ("client", id.to_string()),
        Actor::AdminKey(key) => ("admin_key", key.clone()),
        Actor::System => ("system", String::new()),
        Actor::Operator(id) => ("operator", id.to_string()),
    };
    [
        event.id.to_string(),
        event.time.to_string(),
        event.name.to_string(),
        event.name.code().to_string(),
        event.outcome.to_string(),
        text(event.reason.as_ref()),
        actor.to_owned(),
        actor_id,
        text(event.account.as_ref()),
        text(event.client.as_ref()),
        text(event.provider.as_ref()),
        text(event.login.as_ref()),
        text(event.session.as_ref()),
        text(event.grant.as_ref()),
        text(event.grant_type.as_ref()),
        text(event.scopes.as_ref()),
        text(event.auth_method.as_ref()),
        text(event.took_ms.as_ref()),
        text(event.detail.as_ref()),
        text(event.source.ip.as_ref()),
        text(event.source.user_agent.as_ref()),
        text(event.trace_id.as_ref()),
        if event.change.is_empty() { String::new() } else { serde_json::to_string(&event.change).unwrap_or_default() },
        text(event.link.map(|link| link.seq).as_ref()),
        event.link.map(|link| link.prev.to_hex()).unwrap_or_default(),
        event.link.map(|link| link.hash.to_hex()).unwrap_or_default(),
        if event.trial { "true".to_owned() } else { String::new() },
        text(event.source.country.as_ref()),
        event.audience.join(" "),
        event.acting.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    ]
}

/// A spreadsheet takes a cell that begins like this for a formula and computes it: whoever chose a `User-Agent` would have it run.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{EventName, Outcome, Source, Witness};

    struct Nothing;
    impl crate::ports::Entropy for Nothing {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn event(user_agent: &str) -> AuditEvent {
        let source = Source { ip: Some([192, 0, 2, 1].into()), user_agent: Some(user_agent.into()), country: None };
        let witness = Witness { now: Timestamp::from_secs(1_800_000_000), source, trace_id: Some("0af7".into()) };
        witness.event(EventName::LoginSucceeded, Outcome::Success, Actor::System, &Nothing)
    }

    fn read(table: &str) -> Vec<Vec<String>> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
        rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn attack_78_no_cell_of_a_table_is_a_formula() {
        for hostile in ["=HYPERLINK(\"http://evil\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            let [row] = read(&Form::Csv.line(&event(hostile))).try_into().unwrap();
            assert_eq!(row[20], format!("'{hostile}"));
            assert_eq!(row.len(), COLUMNS.len());
        }
    }

    #[test]
    fn for_whom_tokens_are_and_who_acts_stand_in_the_last_columns_and_nowhere_where_there_is_neither() {
        let plain = event("x");
        assert!(!Form::Jsonl.line(&plain).contains("\"audience\"") && !Form::Jsonl.line(&plain).contains("\"acting\""));
        let acting = ["billing", "api"].map(|id| crate::ids::ClientId::parse(id).unwrap()).to_vec();
        let event = AuditEvent { audience: vec!["https://a.example".into(), "https://b.example".into()], acting, ..plain };
        let [row] = read(&Form::Csv.line(&event)).try_into().unwrap();
        assert_eq!(row[28..], ["https://a.example https://b.example", "billing api"]);
        let line: serde_json::Value = serde_json::from_str(&Form::Ecs.line(&event)).unwrap();
        assert_eq!(line["vestibule"]["acting"], json!(["billing", "api"]));
        assert_eq!(Form::Csv.head().trim_end().split(',').next_back(), Some("acting"));
    }

    #[test]
    fn a_table_begins_with_its_heading() {
        assert!(Form::Csv.head().starts_with("id,time,name,code,"));
        assert_eq!(Form::Jsonl.head(), "");
    }

    #[test]
    fn a_line_of_json_says_when_in_words_and_what_by_number_too() {
        let line: serde_json::Value = serde_json::from_str(&Form::Jsonl.line(&event("a\nb"))).unwrap();
        assert_eq!((&line["time"], &line["code"], &line["name"]), (&json!("2027-01-15T08:00:00Z"), &json!(102), &json!("login.succeeded")));
    }

    #[test]
    fn what_was_cut_says_so_in_its_last_row() {
        let last = event("x");
        let cut = Cut { at: last.time, why: CutShort::Limit, after: Some(last.id) };
        let said = format!("{{\"cut\":{{\"after\":\"{}\",\"at\":\"2027-01-15T08:00:00Z\",\"why\":\"limit\"}}}}\n", last.id);
        assert_eq!(Form::Jsonl.cut(&cut), said);
        assert_eq!(Form::Ecs.cut(&cut), said);
        let [row] = read(&Form::Csv.cut(&cut)).try_into().unwrap();
        assert_eq!(
            (row.len(), &*row[0], &*row[1], &*row[2], &*row[5]),
            (COLUMNS.len(), &*last.id.to_string(), "2027-01-15T08:00:00Z", "cut", "limit")
        );
        assert!(EventName::ALL.iter().all(|name| name.as_str() != CUT));
    }
}
