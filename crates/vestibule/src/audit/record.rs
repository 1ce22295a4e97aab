//! Events as records for programs.

use std::io::{self, Write};

use serde_json::Value;
use vestibule_domain::audit::{
    Actor, AuditEvent,
    ecs::ecs,
    ocsf::ocsf,
    record::{canonical, record},
};

use crate::cli::Format;

const COLUMNS: [&str; 22] = [
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
];

/// Writes records one after the other.
pub(crate) enum Writer<W: Write> {
    Lines(W, fn(&AuditEvent) -> String),
    Csv(Box<csv::Writer<W>>, bool),
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(format: Format, out: W) -> Self {
        match format {
            Format::Jsonl => Self::Lines(out, json_line),
            Format::Ocsf => Self::Lines(out, |event| canonical(&ocsf(event)) + "\n"),
            Format::Ecs => Self::Lines(out, |event| canonical(&ecs(event)) + "\n"),
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(out)), false),
        }
    }

    pub(crate) fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        match self {
            Self::Lines(out, line) => out.write_all(line(event).as_bytes()),
            Self::Csv(out, headed) => {
                if !std::mem::replace(headed, true) {
                    out.write_record(heading())?;
                }
                Ok(out.write_record(cells(event).map(harmless))?)
            }
        }
    }

    /// Writes what is still held back.
    pub(crate) fn finish(self) -> io::Result<W> {
        let mut out = match self {
            Self::Lines(out, _) => out,
            Self::Csv(mut out, headed) => {
                if !headed {
                    out.write_record(heading())?;
                }
                out.into_inner().map_err(csv::IntoInnerError::into_error)?
            }
        };
        out.flush()?;
        Ok(out)
    }
}

/// The event as one line of JSON, its one text (RFC 8785).
pub(crate) fn json_line(event: &AuditEvent) -> String {
    canonical(&Value::Object(record(event))) + "\n"
}

fn heading() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain(["change", "seq", "prev", "hash", "trial"])
}

fn cells(event: &AuditEvent) -> [String; COLUMNS.len() + 5] {
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
        // New columns come last: whoever reads by number reads on.
        if event.change.is_empty() { String::new() } else { serde_json::to_string(&event.change).unwrap_or_default() },
        text(event.link.map(|link| link.seq).as_ref()),
        event.link.map(|link| link.prev.to_hex()).unwrap_or_default(),
        event.link.map(|link| link.hash.to_hex()).unwrap_or_default(),
        if event.trial { "true".to_owned() } else { String::new() },
    ]
}

/// A spreadsheet takes a cell that begins like this for a formula and computes it: whoever chose a `User-Agent` would have it run.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_domain::{
        audit::{EventName, Outcome, Source, Witness},
        time::Timestamp,
    };

    use super::*;
    use crate::wire;

    fn event(user_agent: &str) -> AuditEvent {
        let source = Source { ip: Some([192, 0, 2, 1].into()), user_agent: Some(user_agent.into()) };
        let witness = Witness { now: Timestamp::from_secs(1_800_000_000), source, trace_id: Some("0af7".into()) };
        witness.event(EventName::LoginSucceeded, Outcome::Success, Actor::System, wire::entropy().as_ref())
    }

    fn written(format: Format, events: &[AuditEvent]) -> String {
        let mut writer = Writer::new(format, Vec::new());
        events.iter().try_for_each(|event| writer.write(event)).unwrap();
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn attack_78_no_cell_of_a_table_is_a_formula() {
        for hostile in ["=HYPERLINK(\"http://evil\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let table = written(Format::Csv, &[event(hostile)]);
            let mut rows = csv::Reader::from_reader(table.as_bytes());
            let row = rows.records().next().unwrap().unwrap();
            assert_eq!(&row[20], format!("'{hostile}"), "{table}");
            assert_eq!(row.len(), 26);
        }
    }

    #[test]
    fn a_table_without_events_has_its_heading() {
        assert!(written(Format::Csv, &[]).starts_with("id,time,name,code,"));
        assert_eq!(written(Format::Jsonl, &[]), "");
    }

    #[test]
    fn a_line_of_json_says_when_in_words_and_what_by_number_too() {
        let line: Value = serde_json::from_str(&written(Format::Jsonl, &[event("a\nb")])).unwrap();
        assert_eq!((&line["time"], &line["code"], &line["name"]), (&json!("2027-01-15T08:00:00Z"), &json!(102), &json!("login.succeeded")));
    }
}
