//! `vestibule audit list`: what a running gateway says happened, newest first, by its admin API.

use serde_json::Value;
use vestibule_domain::{audit::AuditEvent, time::Timestamp};

use super::{Moment, line};
use crate::{
    cli::AuditList,
    failure::Failure,
    print,
    progress::Progress,
    remote::{Ask, Remote},
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
        let (page, next) = remote.page(asked.clone().query("limit", Some(&limit)), after.as_deref()).await?;
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

fn asked(options: &AuditList, now: Timestamp) -> Ask<'static> {
    let moment = |moment: Option<Moment>| moment.map(|moment| moment.at(now).to_string());
    let mut ask = Ask::get(&["audit-events"]);
    for event in &options.event {
        ask = ask.query("event", Some(event.as_str()));
    }
    for (name, value) in [
        ("account", &options.account),
        ("client", &options.client),
        ("provider", &options.provider),
        ("outcome", &options.outcome),
        ("reason", &options.reason),
        ("address", &options.address),
        ("reference", &options.reference),
        ("login", &options.login),
        ("session", &options.session),
        ("from", &moment(options.since)),
        ("to", &moment(options.until)),
    ] {
        ask = ask.query(name, value.as_deref());
    }
    ask
}
