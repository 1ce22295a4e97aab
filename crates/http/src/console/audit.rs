//! The audit log: what happened, newest first, narrowed by what stands in the address; one record, and what belongs to it; and copies to take away.

mod chain;
mod record;

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, form::Form, search::FoundEvents},
    time::Timestamp,
};
use vestibule_flows::{AdminFault, Desk, EventFilter, Permitted};

use super::{
    Frame, Section,
    apps::{AppName, AppNames},
    faulty,
    form::Sent,
    like, named,
    parts::{Badge, When},
    people::People,
    read, refused, said, segment, show, wants_part, write,
};
use crate::{
    admin::{
        audit::download,
        table::{self, AUDIT_EVENT, AUDIT_EVENTS, AUDIT_EXPORT},
    },
    house::House,
    listing,
    pages::{visible, visible_lines},
    visit::Visit,
};

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}/audit{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/audit", like(&Method::GET, AUDIT_EVENTS), list))
        .at(under("/export"), write(house, "/console/audit/export", like(&Method::GET, AUDIT_EXPORT), export))
        .at(under("/:event"), read(house, "/console/audit/:event", like(&Method::GET, AUDIT_EVENT), show_record))
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let filter = asked(&visit);
    let after = Sent::of(&visit).optional("after");
    let (found, faults) = match house.gateway.audit_events(&filter, after.as_deref(), listing::USUAL).await {
        Ok(found) => (found, Vec::new()),
        Err(AdminFault::Invalid(faults)) => (FoundEvents::default(), faults.iter().map(said).collect()),
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let told = async {
        let names = Names::of(&house, &desk, &found.events).await?;
        // `htmx` takes the list alone.
        let chain = if wants_part(&visit) { None } else { house.gateway.shown_chain().await? };
        Ok((names, chain))
    };
    let (names, chain) = match told.await {
        Ok(told) => told,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let now = visit.witness.now;
    let frame = Frame::new(&house, &visit, &desk, Section::Audit);
    let at = format!("{}/audit", frame.base);
    let pairs: Vec<_> = filter.pairs().into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    let is_short = (found.events.len() as u64) < listing::USUAL;
    // `htmx` puts no page that was refused into another.
    let status = if faults.is_empty() || wants_part(&visit) { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = List {
        f: &frame,
        rows: found.events.iter().map(|event| Row::new(event, &names, now)).collect(),
        more: found.rest.map(|rest| address(&at, &pairs, Some(&rest.to_string()))),
        looked_back: found.rest.filter(|_| is_short).map(|rest| When::new(rest.made(), now)),
        first: after.map(|_| address(&at, &pairs, None)),
        is_narrowed: !pairs.is_empty(),
        narrows_more: pairs.iter().any(|(name, _)| MORE.contains(name)),
        pairs,
        asked: Asked::from(filter),
        names: offered(),
        outcomes: Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
        reasons: Reason::ALL.iter().map(|reason| reason.as_str()).collect(),
        faults,
        at,
        chain: chain.map(|chain| chain::Chain::new(&chain, now)),
    };
    show(status, &frame, &page)
}

async fn export(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let Ok(form) = Sent::of(&visit).text("format").parse::<Form>() else {
        return refused(&house, &visit, &desk, StatusCode::BAD_REQUEST, "That can't be copied", "A copy is csv, jsonl, ocsf or ecs.");
    };
    let permitted = Permitted::at_desk(&desk, table::row(&Method::GET, AUDIT_EXPORT).needs);
    match house.gateway.export_events(&visit.witness, permitted, form, &asked(&visit), (None, None)).await {
        Ok(export) => download(house, export, visit.witness.now),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

async fn show_record(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let event = match house.gateway.audit_event(&named(&visit, "event")).await {
        Ok(event) => event,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    match Names::of(&house, &desk, std::slice::from_ref(&event)).await {
        Ok(names) => {
            let frame = Frame::new(&house, &visit, &desk, Section::Audit);
            show(StatusCode::OK, &frame, &record::Record::new(&frame, &event, &names, visit.witness.now))
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What is asked for, in the address or in the form of a copy.
fn asked(visit: &Visit) -> EventFilter {
    let mut sent = Sent::of(visit);
    let moment = |name: &str| sent.optional(name).map(|text| in_full(&text));
    EventFilter {
        account: sent.optional("account"),
        client: sent.optional("client"),
        provider: sent.optional("provider"),
        outcome: sent.optional("outcome"),
        reason: sent.optional("reason"),
        address: sent.optional("address"),
        reference: sent.optional("reference"),
        login: sent.optional("login"),
        session: sent.optional("session"),
        from: moment("from"),
        to: moment("to"),
        event: sent.ticked("event").iter().map(|event| event.trim().to_owned()).filter(|event| !event.is_empty()).collect(),
    }
}

/// A moment as a browser's field for it writes it, without a zone: it is UTC, as everything here is.
fn in_full(text: &str) -> String {
    let written = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z"), format!("{text}T00:00:00Z")];
    written.into_iter().find(|text| Timestamp::parse(text).is_some()).unwrap_or_else(|| text.to_owned())
}

/// The same the other way round. A browser's field takes nothing but a moment: of anything else the page says that it is none.
fn in_field(text: Option<String>) -> String {
    let at = text.and_then(|text| Timestamp::parse(&text));
    at.map(|at| at.to_string().chars().take(19).collect()).unwrap_or_default()
}

/// What is narrowed by in the part of the form that is folded.
const MORE: [&str; 7] = ["client", "provider", "reason", "address", "login", "session", "account"];

/// Kinds of events to choose from: what they are about, and each.
fn offered() -> Vec<String> {
    let mut names: Vec<String> = EventName::ALL.iter().map(ToString::to_string).collect();
    names.extend(EventName::ALL.iter().filter_map(|name| name.as_str().split_once('.')).map(|(object, _)| format!("{object}.*")));
    names.sort_unstable();
    names.dedup();
    names
}

/// The address of a list that is narrowed like this.
fn address(at: &str, pairs: &[(&'static str, String)], after: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs).extend_pairs(after.map(|after| ("after", after)));
    let query = query.finish();
    if query.is_empty() { at.to_owned() } else { format!("{at}?{query}") }
}

/// What the people and the apps of events are called.
struct Names {
    people: People,
    apps: AppNames,
}

impl Names {
    async fn of(house: &House, desk: &Desk, events: &[AuditEvent]) -> Result<Self, AdminFault> {
        let acting = events.iter().filter_map(|event| match event.actor {
            Actor::Account(id) | Actor::Operator(id) => Some(id),
            _ => None,
        });
        let people = People::of(house, &desk.operator, events.iter().filter_map(|event| event.account).chain(acting)).await?;
        let calling = events.iter().filter_map(|event| match &event.actor {
            Actor::Client(id) => Some(id.to_string()),
            _ => None,
        });
        let through = events.iter().flat_map(|event| &event.acting).map(ToString::to_string);
        let apps = events.iter().filter_map(|event| event.client.as_ref()).map(ToString::to_string).chain(calling).chain(through).collect();
        Ok(Self { people, apps: AppNames::of(house, &desk.operator, apps).await? })
    }
}

fn outcome(outcome: Outcome) -> Badge {
    match outcome {
        Outcome::Success => Badge::good("success"),
        Outcome::Failure => Badge::bad("failure"),
        Outcome::Denied => Badge::warn("denied"),
    }
}

/// An event as one line.
struct Row {
    id: String,
    name: &'static str,
    outcome: Badge,
    time: When,
    person: Option<String>,
    by: Option<String>,
    client: Option<AppName>,
    provider: Option<String>,
    why: String,
}

impl Row {
    fn new(event: &AuditEvent, names: &Names, now: Timestamp) -> Self {
        let by = match &event.actor {
            Actor::AdminKey(key) => Some(format!("by the key {key}")),
            Actor::Operator(id) => Some(format!("by {}", names.people.name(*id))),
            Actor::Anonymous | Actor::Account(_) | Actor::Client(_) | Actor::System => None,
        };
        let detail = event.detail.as_deref().map(|detail| visible(detail, 200));
        let why: Vec<_> = event.reason.map(|reason| reason.to_string()).into_iter().chain(detail).collect();
        Self {
            id: event.id.to_string(),
            name: event.name.as_str(),
            outcome: outcome(event.outcome),
            time: When::new(event.time, now),
            person: event.account.map(|id| names.people.name(id)),
            by,
            client: event.client.as_ref().map(|id| names.apps.shown(id.as_str())),
            provider: event.provider.as_ref().map(ToString::to_string),
            why: why.join(": "),
        }
    }
}

/// The fields of the form.
struct Asked {
    events: Vec<String>,
    account: String,
    client: String,
    provider: String,
    outcome: String,
    reason: String,
    address: String,
    reference: String,
    login: String,
    session: String,
    from: String,
    to: String,
}

impl From<EventFilter> for Asked {
    fn from(filter: EventFilter) -> Self {
        // One to write another into, if nothing is asked for.
        let events = if filter.event.is_empty() { vec![String::new()] } else { filter.event };
        Self {
            events,
            account: filter.account.unwrap_or_default(),
            client: filter.client.unwrap_or_default(),
            provider: filter.provider.unwrap_or_default(),
            outcome: filter.outcome.unwrap_or_default(),
            reason: filter.reason.unwrap_or_default(),
            address: filter.address.unwrap_or_default(),
            reference: filter.reference.unwrap_or_default(),
            login: filter.login.unwrap_or_default(),
            session: filter.session.unwrap_or_default(),
            from: in_field(filter.from),
            to: in_field(filter.to),
        }
    }
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct List<'a> {
    f: &'a Frame,
    at: String,
    asked: Asked,
    /// What narrows the list, for the forms of copies.
    pairs: Vec<(&'static str, String)>,
    is_narrowed: bool,
    narrows_more: bool,
    names: Vec<String>,
    outcomes: Vec<&'static str>,
    reasons: Vec<&'static str>,
    faults: Vec<String>,
    rows: Vec<Row>,
    more: Option<String>,
    /// How far it came, if it ends before it is full.
    looked_back: Option<When>,
    first: Option<String>,
    /// How far the log is proven, once it is chained.
    chain: Option<chain::Chain>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_browsers_write_it_and_written_as_they_read_it() {
        for (field, full) in [
            ("2026-11-24T10:00", "2026-11-24T10:00:00Z"),
            ("2026-11-24T10:00:30", "2026-11-24T10:00:30Z"),
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("2026-11-24T10:00:00+01:00", "2026-11-24T10:00:00+01:00"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(in_full(field), full);
        }
        assert_eq!(in_field(Some("2026-11-24T10:00:30.123+01:00".into())), "2026-11-24T09:00:30");
        assert_eq!(in_field(Some("yesterday".into())), "");
    }
}
