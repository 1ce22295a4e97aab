//! `vestibule explain`: what happened to one login, from the reference on its page: from the database itself, or from a running gateway.

use vestibule_domain::{audit::search::EventSearch, login_trace::Explanation};
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
    let of_trace = EventSearch { since: Some(since), trace: Some(reference), ..EventSearch::default() };
    let mut events = audit::latest(store, of_trace, usize::MAX).await?;
    let login = events.iter().find_map(|event| event.login);
    if login.is_some() {
        events = audit::latest(store, EventSearch { login, ..EventSearch::default() }, usize::MAX).await?;
    }
    if events.is_empty() {
        return Err(Failure::UnknownReference { reference: options.reference.clone(), days: options.days });
    }
    Ok(Explanation::new(None, login, &[], events.make_contiguous()))
}
