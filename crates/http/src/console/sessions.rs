//! Every browser that is signed in, whoever by, and signing one out.

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use vestibule_domain::{operator::AdminArea, session::Session, store::FoundSessions};
use vestibule_flows::{AccessFilter, AccessPage, AdminFault, Desk};

use super::{
    Frame, Section, faulty,
    form::Sent,
    like, onward,
    parts::{Pager, When},
    people::People,
    read, said, show, write,
};
use crate::{
    admin::table::{ALL_SESSIONS, ANY_SESSION},
    house::House,
    listing,
    pages::visible,
    visit::Visit,
};

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}/sessions{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/sessions", like(&Method::GET, ALL_SESSIONS), list))
        .at(under("/end"), write(house, "/console/sessions/end", like(&Method::DELETE, ANY_SESSION), end))
}

/// Whose sessions are asked for.
struct Asked {
    account: Option<String>,
    client: Option<String>,
    provider: Option<String>,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let sent = Sent::of(visit);
        Self { account: sent.optional("account"), client: sent.optional("client"), provider: sent.optional("provider") }
    }

    fn filter(&self) -> AccessFilter<'_> {
        AccessFilter { account: self.account.as_deref(), client: self.client.as_deref(), provider: self.provider.as_deref() }
    }

    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [("account", &self.account), ("client", &self.client), ("provider", &self.provider)];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    /// The list that is narrowed so, below the console's own address.
    fn path(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish();
        if query.is_empty() { "/sessions".to_owned() } else { format!("/sessions?{query}") }
    }
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let (asked, after) = (Asked::of(&visit), Sent::of(&visit).optional("after"));
    let page = AccessPage { after: after.as_deref(), limit: listing::USUAL };
    let (found, faults) = match house.gateway.sessions(&visit.witness, asked.filter(), page).await {
        Ok(found) => (found, Vec::new()),
        Err(AdminFault::Invalid(faults)) => (FoundSessions::default(), faults.iter().map(said).collect()),
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let is_short = (found.sessions.len() as u64) < listing::USUAL;
    let rest = found.rest.map(|rest| rest.to_string());
    let rows = match rows(&house, &visit, &desk, &found.sessions).await {
        Ok(rows) => rows,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let frame = Frame::new(&house, &visit, &desk, Section::Sessions);
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let view = List {
        f: &frame,
        rows,
        faults,
        goes_on: rest.is_some(),
        pager: Pager::new(format!("{}{}", frame.base, asked.path()), "sessions", rest, after.is_none()).short(is_short),
        is_narrowed: !asked.pairs().is_empty(),
        account: asked.account.unwrap_or_default(),
        client: asked.client.unwrap_or_default(),
        provider: asked.provider.unwrap_or_default(),
    };
    show(status, &frame, &view)
}

async fn end(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let session = Sent::of(&visit).text("session");
    match house.gateway.end_session_of_id(&visit.witness, &desk.operator.actor, None, &session).await {
        Ok(()) => onward(&house, &Asked::of(&visit).path(), Some("ended")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

async fn rows(house: &House, visit: &Visit, desk: &Desk, sessions: &[Session]) -> Result<Vec<Row>, AdminFault> {
    let (gateway, now) = (&house.gateway, visit.witness.now);
    let people = People::of(house, &desk.operator, sessions.iter().map(|session| session.account)).await?;
    let row = |session: &Session| Row {
        id: session.id.to_string(),
        account: session.account.to_string(),
        person: people.name(session.account),
        user_agent: visible(session.source.user_agent.as_deref().unwrap_or("Unknown browser"), 200),
        from: session.source.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        provider: visible(&gateway.provider_label(&session.provider).unwrap_or_else(|| session.provider.to_string()), 60),
        created: When::new(session.created, now),
        seen: When::new(session.last_seen, now),
    };
    Ok(sessions.iter().map(row).collect())
}

struct Row {
    id: String,
    account: String,
    person: String,
    user_agent: String,
    from: String,
    provider: String,
    created: When,
    seen: When,
}

#[derive(Template)]
#[template(path = "console/sessions.html")]
struct List<'a> {
    f: &'a Frame,
    rows: Vec<Row>,
    faults: Vec<String>,
    goes_on: bool,
    pager: Pager,
    is_narrowed: bool,
    account: String,
    client: String,
    provider: String,
}
