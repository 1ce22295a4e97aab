//! `vestibule audit list`: what a running gateway says happened, newest first, by its admin API.

use serde_json::Value;
use vestibule_domain::{
    audit::{AuditEvent, EventName, Reason},
    time::Timestamp,
};
use vestibule_flows::EventFilter;

use super::{Moment, line};
use crate::{
    cli::{At, AuditList},
    config::meant,
    failure::Failure,
    print,
    progress::Progress,
    remote::{Ask, Remote, details},
    wire,
};

/// As many as the API gives at once.
const PAGE: u64 = 200;

/// Shows the newest that are asked for, however far they lie apart.
pub(crate) async fn list(options: &AuditList) -> Result<(), Failure> {
    let remote = Remote::new(&options.at)?;
    let asked = asked(options, wire::clock().now());
    let progress = Progress::counting("looking for events");
    let (mut found, mut after): (Vec<Value>, Option<String>) = (Vec::new(), None);
    while (found.len() as u64) < options.limit {
        let limit = PAGE.min(options.limit - found.len() as u64).to_string();
        let page = remote.page(asked.clone().query("limit", Some(&limit)), after.as_deref()).await;
        let (page, next) = page.map_err(|failure| with_what_was_meant(failure, options))?;
        progress.some(page.len() as u64);
        found.extend(page);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    progress.end();
    if options.at.json {
        return print::json(&found);
    }
    let told: Result<Vec<_>, _> = found.into_iter().map(serde_json::from_value::<AuditEvent>).collect();
    let told = told.map_err(|_| {
        Failure::Plain(format!("{} has records that are not known here; is it another version? --json shows them", remote.shown()))
    })?;
    print::text(&told.iter().map(line).collect::<String>())
}

/// Shows what the log is to be held against.
pub(crate) async fn chain(at: &At) -> Result<(), Failure> {
    let found = Remote::new(at)?.call(Ask::get(&["audit-chain"])).await?.body;
    if at.json { print::json(&found) } else { print::text(&details(&found)) }
}

/// The same failure, with the names that may have been meant. It is the gateway that refuses: one of a later release knows more names.
fn with_what_was_meant(failure: Failure, options: &AuditList) -> Failure {
    let Failure::Problem(problem) = &failure else { return failure };
    let hints = slips(options);
    if !problem.is("invalid_parameter") || hints.is_empty() {
        return failure;
    }
    Failure::Plain(format!("{problem}\n{}", hints.join("\n")))
}

/// Names of events and reasons that are not known, each with the one that may have been meant.
fn slips(options: &AuditList) -> Vec<String> {
    let names: Vec<_> = EventName::ALL.iter().map(|name| name.as_str()).collect();
    let reasons: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let hint = |option: &str, written: &str, known: &[&str]| {
        let near = if known.contains(&written) { None } else { meant(written, known) };
        near.map(|near| crate::table::printable(&format!("--{option} {written}: did you mean {near}?")))
    };
    let of_events = options.event.iter().filter(|event| !event.ends_with(".*")).filter_map(|event| hint("event", event, &names));
    of_events.chain(options.reason.iter().filter_map(|reason| hint("reason", reason, &reasons))).collect()
}

fn asked(options: &AuditList, now: Timestamp) -> Ask<'static> {
    let moment = |moment: Option<Moment>| moment.map(|moment| moment.at(now).to_string());
    let AuditList { event, account, client, provider, outcome, reason, address, reference, login, session, since, until, .. } = options;
    let filter = EventFilter {
        event: event.clone(),
        account: account.clone(),
        client: client.clone(),
        provider: provider.clone(),
        outcome: outcome.clone(),
        reason: reason.clone(),
        address: address.clone(),
        reference: reference.clone(),
        login: login.clone(),
        session: session.clone(),
        from: moment(*since),
        to: moment(*until),
    };
    filter.pairs().into_iter().fold(Ask::get(&["audit-events"]), |ask, (name, value)| ask.query(name, Some(value)))
}
