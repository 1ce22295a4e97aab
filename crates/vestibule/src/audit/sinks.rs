//! `vestibule audit sinks`: how it stands with the places that events are sent on to.

use serde::Serialize;
use vestibule_domain::{audit::sink::Trouble, time::Timestamp};
use vestibule_flows::SinkState;

use crate::{
    cli::OfGateway,
    failure::Failure,
    onlooker::{Onlooker, Opened},
    print,
    table::table,
    wire,
};

/// A sink in the list.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    kind: &'static str,
    format: &'static str,
    /// `new`, `ok`, `behind` or `failing`.
    state: &'static str,
    /// The number of the last event it has, or that is not for it.
    seq: Option<i64>,
    lag_events: u64,
    lag_seconds: u64,
    delivered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<ListedTrouble>,
}

/// What keeps it from its events.
#[derive(Debug, Serialize)]
struct ListedTrouble {
    kind: &'static str,
    since: String,
    attempts: u32,
    next_try: String,
}

/// Lists those of the configuration.
pub(crate) async fn sinks(options: &OfGateway) -> Result<(), Failure> {
    let Opened { gateway, store } = Onlooker::read(&options.config)?.open().await?;
    let states = gateway.sink_states().await;
    store.close().await;
    let now = wire::clock().now();
    let listed: Vec<_> = states?.iter().map(|state| Listed::new(state, now)).collect();
    if options.json { print::json(&listed) } else { print::text(&text(&listed)) }
}

impl Listed {
    fn new(state: &SinkState, now: Timestamp) -> Self {
        let trouble = state.cursor.as_ref().and_then(|cursor| cursor.trouble);
        let word = match (&state.cursor, trouble) {
            (None, _) => "new",
            (Some(_), Some(_)) => "failing",
            (Some(_), None) if state.lag.events > 0 => "behind",
            (Some(_), None) => "ok",
        };
        Self {
            id: state.rules.id.to_string(),
            kind: state.rules.kind.as_str(),
            format: state.rules.form.as_str(),
            state: word,
            seq: state.cursor.as_ref().map(|cursor| cursor.seq),
            lag_events: state.lag.events,
            lag_seconds: state.lag.waited(now).as_secs(),
            delivered_at: state.cursor.as_ref().and_then(|cursor| cursor.delivered).map(|at| at.to_string()),
            trouble: trouble.map(ListedTrouble::from),
        }
    }
}

impl From<Trouble> for ListedTrouble {
    fn from(trouble: Trouble) -> Self {
        let Trouble { kind, since, attempts, retry } = trouble;
        Self { kind: kind.as_str(), since: since.to_string(), attempts, next_try: retry.to_string() }
    }
}

fn text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "events are sent on to nobody: the configuration has no [[audit.sinks]]\n".into();
    }
    let row = |sink: &Listed| {
        let trouble = sink.trouble.as_ref();
        let why = trouble.map(|trouble| format!("{} since {}, {} attempts", trouble.kind, trouble.since, trouble.attempts));
        vec![
            sink.id.clone(),
            sink.kind.into(),
            sink.format.into(),
            sink.state.into(),
            sink.seq.map_or_else(|| "-".into(), |seq| seq.to_string()),
            sink.lag_events.to_string(),
            format!("{}s", sink.lag_seconds),
            sink.delivered_at.clone().unwrap_or_else(|| "-".into()),
            why.unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = listed.iter().map(row).collect();
    table(&["ID", "KIND", "FORMAT", "STATE", "LAST", "WAITING", "OLDEST", "TAKEN", "TROUBLE"], &rows)
}
