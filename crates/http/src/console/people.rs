//! People: who they are, the ways they come in by, where they are signed in, and what apps have of them.

mod erasure;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use vestibule_domain::{
    account::{Account, LinkedBy},
    ids::{AccountId, ProviderId},
    operator::{AdminArea, Operator},
    session::Session,
    time::Timestamp,
};
use vestibule_flows::{AccessFilter, AccessPage, AdminFault, Desk};

use super::{
    Frame, Section,
    apps::AppNames,
    faulty,
    form::Sent,
    like, named, onward,
    parts::{Badge, Pager, When},
    read, segment, show, write,
};
use crate::{
    admin::table::{ACCOUNT, ACCOUNTS, CONSENT, ERASURE, GRANT, LINK, SESSION},
    house::House,
    listing,
    pages::visible,
    visit::Visit,
};

/// Nobody allowed more apps something; the admin API shows whatever comes beyond.
const MOST_CONSENTS: u64 = 500;

/// How many browsers, and how many grants, of one person are shown: the newest. The admin API has a list of all.
const NEWEST: AccessPage<'_> = AccessPage { after: None, limit: 500 };

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}{path}", house.prefix(), super::BASE);
    routes
        .at(under("/people"), read(house, "/console/people", like(&Method::GET, ACCOUNTS), list))
        .at(under("/person/:account"), read(house, "/console/person/:account", like(&Method::GET, ACCOUNT), show_person))
        .at(under("/person/:account/disable"), write(house, "/console/person/:account/disable", like(&Method::PATCH, ACCOUNT), disable))
        .at(under("/person/:account/unlink"), write(house, "/console/person/:account/unlink", like(&Method::DELETE, LINK), unlink))
        .at(under("/person/:account/end"), write(house, "/console/person/:account/end", like(&Method::DELETE, SESSION), end_session))
        .at(under("/person/:account/revoke"), write(house, "/console/person/:account/revoke", like(&Method::DELETE, GRANT), revoke))
        .at(under("/person/:account/forget"), write(house, "/console/person/:account/forget", like(&Method::DELETE, CONSENT), forget))
        .at(under("/person/:account/erase"), read(house, "/console/person/:account/erase", like(&Method::POST, ERASURE), erasure::ask))
        .at(
            under("/person/:account/erase/now"),
            write(house, "/console/person/:account/erase/now", like(&Method::POST, ERASURE), erasure::erase),
        )
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let (query, after) = (sent.text("q"), sent.optional("after"));
    let found = if query.is_empty() {
        house.gateway.accounts(after.as_deref(), listing::USUAL + 1).await
    } else {
        house.gateway.find_accounts(&query, listing::USUAL).await
    };
    let (accounts, last) = match found {
        Ok(accounts) => listing::page(accounts, listing::USUAL, |account| account.id.to_string()),
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let rows = accounts.iter().map(|account| Listed::new(account, visit.witness.now)).collect();
    let frame = Frame::new(&house, &visit, &desk, Section::People);
    let pager = Pager::new(format!("{}/people", frame.base), "people", last, after.is_none());
    show(StatusCode::OK, &frame, &List { f: &frame, query, rows, pager })
}

async fn show_person(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match seen(&house, &visit, &desk.operator, &named(&visit, "account")).await {
        Ok(seen) => {
            let frame = Frame::new(&house, &visit, &desk, Section::People);
            let at = format!("{}/person/{}", frame.base, seen.person.id);
            show(StatusCode::OK, &frame, &Person { f: &frame, at, seen })
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

async fn disable(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let disabled = Sent::of(&visit).text("disabled") == "true";
    let done = house.gateway.disable_account(&visit.witness, &desk.operator.actor, &named(&visit, "account"), disabled).await;
    back(&house, &visit, &desk, done.map(drop), if disabled { "disabled" } else { "enabled" })
}

async fn unlink(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let link = Sent::of(&visit).text("link");
    let done = house.gateway.undo_link(&visit.witness, &desk.operator.actor, &named(&visit, "account"), &link).await;
    back(&house, &visit, &desk, done, "unlinked")
}

async fn end_session(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let session = Sent::of(&visit).text("session");
    let done = house.gateway.end_session_of_id(&visit.witness, &desk.operator.actor, Some(&named(&visit, "account")), &session).await;
    back(&house, &visit, &desk, done, "ended")
}

async fn revoke(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let grant = Sent::of(&visit).text("grant");
    let done = house.gateway.revoke_grant_of_id(&visit.witness, &desk.operator.actor, Some(&named(&visit, "account")), &grant).await;
    back(&house, &visit, &desk, done, "revoked")
}

async fn forget(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let app = Sent::of(&visit).text("app");
    let done = house.gateway.forget_consents(&visit.witness, &desk.operator.actor, &named(&visit, "account"), &app).await;
    back(&house, &visit, &desk, done, "forgotten")
}

/// To the person's page again.
fn back(house: &House, visit: &Visit, desk: &Desk, done: Result<(), AdminFault>, notice: &str) -> Response {
    match done {
        Ok(()) => onward(house, &format!("/person/{}", segment(&named(visit, "account"))), Some(notice)),
        Err(fault) => faulty(house, visit, desk, &fault),
    }
}

/// Everything about one person that this operator may look at.
async fn seen(house: &House, visit: &Visit, operator: &Operator, id: &str) -> Result<Seen, AdminFault> {
    let (gateway, witness, now) = (&house.gateway, &visit.witness, visit.witness.now);
    let account = gateway.account(id).await?;
    let label = |id: &ProviderId| visible(&gateway.provider_label(id).unwrap_or_else(|| id.to_string()), 60);
    let links = gateway.links(id).await?.into_iter().map(|link| Way {
        id: link.id.to_string(),
        provider: label(&link.key.provider),
        names: [&link.profile.name, &link.profile.email].into_iter().flatten().map(|text| visible(text, 254)).collect(),
        is_verified: link.profile.email.is_some() && link.profile.email_verified,
        subject: visible(&link.key.subject, 254),
        by: match link.evidence.by {
            LinkedBy::FirstSignIn => "First sign-in",
            LinkedBy::Person => "Added by the person",
            LinkedBy::Email => "Same verified address",
        },
        created: When::new(link.created, now),
        seen: When::new(link.seen, now),
    });
    let links: Vec<_> = links.collect();
    let sees_sessions = operator.sees(AdminArea::Sessions);
    let sessions = if sees_sessions { Some(gateway.sessions(witness, of_person(id), NEWEST).await?.sessions) } else { None };
    let shown = |session: Session| Browser {
        id: session.id.to_string(),
        user_agent: visible(session.source.user_agent.as_deref().unwrap_or("Unknown browser"), 200),
        from: session.source.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        provider: label(&session.provider),
        created: When::new(session.created, now),
        seen: When::new(session.last_seen, now),
    };
    let sessions = sessions.map(|sessions| sessions.into_iter().map(shown).collect());
    let grants = if operator.sees(AdminArea::Grants) { Some(given(house, visit, operator, id).await?) } else { None };
    let consents = gateway.consents(id, None, MOST_CONSENTS).await?.into_iter().map(|consent| Allowed {
        app: consent.client.to_string(),
        host: visible(&consent.host, 254),
        scopes: consent.scopes.to_string(),
        given: When::new(consent.given, now),
    });
    let consents = consents.collect();
    Ok(Seen {
        person: Listed::new(&account, now),
        groups: account.profile.groups.iter().map(|group| visible(group, 100)).collect(),
        links,
        sessions,
        grants,
        consents,
    })
}

fn of_person(id: &str) -> AccessFilter<'_> {
    AccessFilter { account: Some(id), ..AccessFilter::default() }
}

/// What apps have of a person. Who may not look at apps sees their ids alone.
async fn given(house: &House, visit: &Visit, operator: &Operator, id: &str) -> Result<Vec<Given>, AdminFault> {
    let (gateway, now) = (&house.gateway, visit.witness.now);
    let grants = gateway.grants(&visit.witness, of_person(id), NEWEST).await?;
    let apps = AppNames::of(house, operator, grants.iter().map(|grant| grant.client.to_string()).collect()).await?;
    let given = grants.iter().map(|grant| Given {
        id: grant.id.to_string(),
        name: apps.name(grant.client.as_str()).map(str::to_owned),
        segment: segment(grant.client.as_str()),
        app: grant.client.to_string(),
        scopes: grant.scopes.to_string(),
        issued: When::new(grant.issued, now),
        used: When::new(grant.last_used(), now),
    });
    Ok(given.collect())
}

/// What a person is called.
fn name_of(account: &Account) -> String {
    let profile = &account.profile;
    let name = profile.name.as_ref().or(profile.preferred_username.as_ref()).or(profile.email.as_ref());
    name.map_or_else(|| "Nameless".to_owned(), |name| visible(name, 100))
}

/// What some people are called, as far as an operator may know.
#[derive(Default)]
pub(super) struct People(BTreeMap<AccountId, String>);

impl People {
    pub(super) async fn of(house: &House, operator: &Operator, ids: impl Iterator<Item = AccountId> + Send) -> Result<Self, AdminFault> {
        let mut people = BTreeMap::new();
        if !operator.sees(AdminArea::Accounts) {
            return Ok(Self::default());
        }
        for id in ids.collect::<BTreeSet<_>>() {
            match house.gateway.account(&id.to_string()).await {
                Ok(account) => people.insert(id, name_of(&account)),
                Err(AdminFault::NotFound) => None,
                Err(fault) => return Err(fault),
            };
        }
        Ok(Self(people))
    }

    /// The name of one of them; their id where there is none.
    pub(super) fn name(&self, id: AccountId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// What a list shows of one.
struct Listed {
    id: String,
    name: String,
    email: String,
    disabled: bool,
    state: Badge,
    created: When,
    seen: When,
}

impl Listed {
    fn new(account: &Account, now: Timestamp) -> Self {
        Self {
            id: account.id.to_string(),
            name: name_of(account),
            email: account.profile.email.as_deref().map(|email| visible(email, 254)).unwrap_or_default(),
            disabled: account.disabled,
            state: if account.disabled { Badge::bad("Disabled") } else { Badge::good("Active") },
            created: When::new(account.created, now),
            seen: When::new(account.updated, now),
        }
    }
}

struct Seen {
    person: Listed,
    groups: Vec<String>,
    links: Vec<Way>,
    /// Nothing where the operator may not look.
    sessions: Option<Vec<Browser>>,
    /// The same.
    grants: Option<Vec<Given>>,
    consents: Vec<Allowed>,
}

/// A way in.
struct Way {
    id: String,
    provider: String,
    names: Vec<String>,
    is_verified: bool,
    subject: String,
    by: &'static str,
    created: When,
    seen: When,
}

/// A browser that is signed in.
struct Browser {
    id: String,
    user_agent: String,
    from: String,
    provider: String,
    created: When,
    seen: When,
}

/// What an app has.
struct Given {
    id: String,
    app: String,
    /// Nothing for one that is gone, or where the operator may not look.
    name: Option<String>,
    segment: String,
    scopes: String,
    issued: When,
    used: When,
}

/// What an app was allowed.
struct Allowed {
    app: String,
    host: String,
    scopes: String,
    given: When,
}

#[derive(Template)]
#[template(path = "console/people.html")]
struct List<'a> {
    f: &'a Frame,
    query: String,
    rows: Vec<Listed>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "console/person.html")]
struct Person<'a> {
    f: &'a Frame,
    at: String,
    seen: Seen,
}
