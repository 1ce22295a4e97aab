//! `vestibule explain`: what happened to one login, from the reference on its page: from the database itself, or from a running gateway.

use vestibule_domain::{
    audit::{AuditEvent, search::EventSearch},
    ids::LoginId,
    login_trace::Explanation,
    ports::Store,
};
use vestibule_flows::explain_login;
use vestibule_persistence::SqlStore;

use crate::{
    audit,
    cli::{At, ExplainOptions},
    failure::Failure,
    print,
    remote::{Ask, Remote},
    wire,
};

/// Says what was decided about the login that the reference names, why, and what helps.
pub(crate) async fn explain(options: &ExplainOptions) -> Result<(), Failure> {
    let told = if let Some(at) = options.far.at(options.json)? {
        from_gateway(&at, &options.reference).await?
    } else {
        let store = audit::open(&options.place).await?;
        let found = from_store(&store, options).await;
        store.close().await;
        found?
    };
    if options.json { print::json(&told) } else { print::text(&told.text()) }
}

async fn from_gateway(at: &At, reference: &str) -> Result<Explanation, Failure> {
    let remote = Remote::new(at)?;
    let answer = match remote.call(Ask::get(&["logins", reference.trim()])).await {
        Err(Failure::Problem(problem)) if problem.is("not_found") => {
            let what = format!("{} knows of no login of the reference {reference:?}, or not any more", remote.shown());
            return Err(Failure::Plain(crate::table::printable(&what)));
        }
        answer => answer?,
    };
    serde_json::from_value(answer.body)
        .map_err(|_| Failure::Plain(format!("{} tells of logins in another way; it is another version", remote.shown())))
}

/// What is kept of it. Where nothing is, the audit log is searched: the reference is the id of a trace, and where that is part of a login, all of the login
/// is told, because it began in another request.
async fn from_store(store: &SqlStore, options: &ExplainOptions) -> Result<Explanation, Failure> {
    if let Some(told) = explain_login(store, &options.reference).await? {
        return Ok(told);
    }
    let since = wire::clock().now() - std::time::Duration::from_hours(24) * options.days;
    let reference = options.reference.trim().to_ascii_lowercase();
    // With hyphens it is a login's: a UUID without them looks like a trace's.
    let mut login = reference.contains('-').then(|| reference.parse::<LoginId>().ok()).flatten();
    let mut events = Vec::new();
    if login.is_none() {
        events = matching(store, EventSearch { since: Some(since), trace: Some(reference), ..EventSearch::default() }).await?;
        login = events.iter().find_map(|event| event.login);
    }
    if let Some(login) = login {
        events = matching(store, EventSearch { login: Some(login), ..EventSearch::default() }).await?;
    }
    if events.is_empty() {
        return Err(Failure::UnknownReference { reference: options.reference.clone(), days: options.days });
    }
    Ok(Explanation::new(None, login, &[], &events))
}

/// All of them, oldest first.
async fn matching(store: &SqlStore, search: EventSearch) -> Result<Vec<AuditEvent>, Failure> {
    let mut search = EventSearch { limit: audit::PAGE, look: audit::LOOK, ..search };
    let mut matching = Vec::new();
    loop {
        let found = store.search_events(&search).await?;
        matching.extend(found.events);
        match found.rest {
            Some(rest) => search.after = Some(rest),
            None => break,
        }
    }
    matching.reverse();
    Ok(matching)
}
