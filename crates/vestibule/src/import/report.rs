//! What became of each client, for people and for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::found::{Found, NoteKind};
use crate::table::{printable, table};

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The gateway would take it.
    Ready,
    /// It is registered.
    Registered,
    /// Something of its id was there before.
    Exists,
    /// It is not for us.
    PassedOver(String),
    /// It breaks rules, or can't be read.
    Refused(Vec<String>),
}

#[derive(Debug)]
pub(super) struct Reported {
    pub(super) found: Found,
    pub(super) outcome: Outcome,
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Registered => "registered",
            Self::Exists => "exists",
            Self::PassedOver(_) => "passed_over",
            Self::Refused(_) => "refused",
        }
    }
}

pub(super) fn text(reported: &[Reported], beside: &[String], dry_run: bool) -> String {
    let mut text = String::new();
    for Reported { found, outcome } in reported {
        let state = match outcome {
            Outcome::Ready | Outcome::Registered => "can be registered".to_owned(),
            Outcome::Exists => "is there already, and stays as it is".to_owned(),
            Outcome::PassedOver(why) => format!("is passed over: {why}"),
            Outcome::Refused(_) => "can't be registered".to_owned(),
        };
        let _ = writeln!(text, "{} {}", printable(&found.id), printable(&state));
        if let Outcome::Refused(faults) = outcome {
            for fault in faults {
                let _ = writeln!(text, "  ! {}", printable(fault));
            }
        }
        if matches!(outcome, Outcome::PassedOver(_)) {
            continue;
        }
        if !found.carried.is_empty() {
            let _ = writeln!(text, "  = {}", found.carried.join(", "));
        }
        let rows: Vec<_> = found.notes.iter().map(|note| vec![format!("{} {}", sign(note.kind), note.field), note.why.clone()]).collect();
        text.push_str(&table(&[], &rows));
    }
    if !beside.is_empty() {
        text.push_str("\nNot clients:\n");
        for what in beside {
            let _ = writeln!(text, "  {}", printable(what));
        }
    }
    if reported.iter().any(|each| each.outcome == Outcome::Ready) {
        text.push_str("\nPeople have other names (sub) here: an app finds them again by their verified e-mail address, or not at all.\n");
    }
    let _ = write!(
        text,
        "\n= carries over   ~ is another here   - is left out   > is for you to do   ! is wrong\n\n{}\n",
        summary(reported, dry_run)
    );
    text
}

/// What came of registering one.
pub(super) fn done(Reported { found, outcome }: &Reported) -> String {
    match outcome {
        Outcome::Refused(faults) => printable(&format!("{} is refused: {}", found.id, faults.join("; "))),
        Outcome::Exists => printable(&format!("{} was registered by somebody else meanwhile", found.id)),
        _ => printable(&format!("{} is registered", found.id)),
    }
}

const fn sign(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Changes => "~",
        NoteKind::LeftOut => "-",
        NoteKind::ToDo => ">",
    }
}

fn summary(reported: &[Reported], dry_run: bool) -> String {
    let count = |word: &str| reported.iter().filter(|each| each.outcome.word() == word).count();
    let nothing = if dry_run { " Nothing was done." } else { "" };
    format!(
        "Import: {} to register, {} there already, {} passed over, {} refused.{nothing}",
        count("ready"),
        count("exists"),
        count("passed_over"),
        count("refused")
    )
}

pub(super) fn json(reported: &[Reported], beside: &[String], secrets: &Map<String, Value>) -> Value {
    let clients = reported.iter().map(|each| {
        let faults = match &each.outcome {
            Outcome::Refused(faults) => faults.clone(),
            Outcome::PassedOver(why) => vec![why.clone()],
            _ => Vec::new(),
        };
        json!({
            "client_id": each.found.id, "outcome": each.outcome.word(), "why": faults,
            "registration": each.found.registration(), "carried_over": each.found.carried, "notes": each.found.notes,
        })
    });
    json!({ "clients": clients.collect::<Vec<_>>(), "beside": beside, "secrets": secrets })
}
