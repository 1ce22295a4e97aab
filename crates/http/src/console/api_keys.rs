//! Keys of the admin API: for programs, and for people who do by it what is done here.

use std::{sync::Arc, time::Duration};

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use secrecy::ExposeSecret;
use vestibule_domain::{
    operator::{AdminArea, AdminScope},
    time::Timestamp,
};
use vestibule_flows::{AdminFault, ApiKeyDraft, Desk, ShownApiKey};

use super::{
    Frame, Section, faulty,
    form::Sent,
    like, made_for, onward, onward_to_show,
    parts::{Badge, Field, Pager, When},
    read, show, shown_once, write,
};
use crate::{
    admin::{
        api_keys::objects::LONGEST,
        table::{API_KEY, API_KEYS},
    },
    house::House,
    listing,
    pages::visible,
    visit::Visit,
};

/// Where they are, below the console's address.
const AT: &str = "/api-keys";
/// As the admin API has it.
const MOST_DAYS: u64 = LONGEST / 86_400;

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}/api-keys{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/api-keys", like(&Method::GET, API_KEYS), list))
        .at(under("/create"), write(house, "/console/api-keys/create", like(&Method::POST, API_KEYS), create))
        .at(under("/rename"), write(house, "/console/api-keys/rename", like(&Method::PATCH, API_KEY), rename))
        .at(under("/delete"), write(house, "/console/api-keys/delete", like(&Method::DELETE, API_KEY), delete))
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    page(&house, &visit, &desk, StatusCode::OK, Written::default()).await
}

async fn create(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let (name, scopes, days) = (sent.text("name"), sent.text("scopes"), sent.text("days"));
    let lives = match days.parse::<u64>() {
        Ok(days) if (1..=MOST_DAYS).contains(&days) => Ok(Some(Duration::from_hours(24 * days))),
        Err(_) if days.is_empty() => Ok(None),
        _ => Err(vec![("days", format!("Must be a whole number from 1 to {MOST_DAYS}, or nothing."))]),
    };
    let faults = match lives {
        Err(faults) => faults,
        Ok(lives) => {
            let draft = ApiKeyDraft { name: name.clone(), scopes: scopes.split_whitespace().map(str::to_owned).collect(), lives };
            match house.gateway.create_api_key(&visit.witness, &desk.operator, &draft).await {
                Ok((_, key)) => {
                    return onward_to_show(&house, &visit, &desk, AT, key.expose_secret());
                }
                Err(AdminFault::Invalid(faults)) => {
                    faults.into_iter().map(|fault| in_form(&fault.pointer, &fault.message, &draft)).collect()
                }
                Err(fault) => return faulty(&house, &visit, &desk, &fault),
            }
        }
    };
    let written = Written { name, scopes, days, faults };
    page(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, written).await
}

/// Gives one another name; what it may do stays.
async fn rename(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let id = sent.text("id");
    let renamed = async {
        let scopes: Vec<_> = house.gateway.api_key(&id).await?.key.scopes.to_string().split(' ').map(str::to_owned).collect();
        let expected = Some(sent.version().ok_or(AdminFault::PreconditionRequired)?);
        house.gateway.change_api_key(&visit.witness, &desk.operator, &id, &sent.text("name"), &scopes, expected).await
    };
    match renamed.await {
        Ok(_) => onward(&house, AT, Some("saved")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

async fn delete(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.delete_api_key(&visit.witness, &desk.operator, &Sent::of(&visit).text("id")).await {
        Ok(()) => onward(&house, "/api-keys", Some("deleted")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What is wrong, at the field of the form where it was written.
fn in_form(pointer: &str, message: &str, draft: &ApiKeyDraft) -> (&'static str, String) {
    let scope = pointer.strip_prefix("/scopes/").and_then(|at| draft.scopes.get(at.parse::<usize>().ok()?));
    match (pointer, scope) {
        (_, Some(scope)) => ("scopes", format!("{scope} {message}.")),
        ("/name", _) => ("name", format!("It {message}.")),
        ("/expires_in", _) => ("days", format!("It {message}.")),
        _ => ("scopes", format!("It {message}.")),
    }
}

/// What stands in the form.
#[derive(Default)]
struct Written {
    name: String,
    scopes: String,
    days: String,
    faults: Vec<(&'static str, String)>,
}

async fn page(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, written: Written) -> Response {
    let after = if visit.is_post() { None } else { Sent::of(visit).optional("after") };
    let (keys, last) = match house.gateway.api_keys(after.as_deref(), listing::USUAL + 1).await {
        Ok(keys) => listing::page(keys, listing::USUAL, |last| last.key.id.to_string()),
        Err(fault) => return faulty(house, visit, desk, &fault),
    };
    let frame = Frame::new(house, visit, desk, Section::ApiKeys);
    let faults = |name: &str| written.faults.iter().filter(|(field, _)| *field == name).map(|(_, fault)| fault.clone()).collect::<Vec<_>>();
    let fields = vec![
        Field::text("name", "For whom or what", &written.name).wrong(faults("name")),
        Field::code("scopes", "What its holder may do", &written.scopes)
            .hint("Scopes, separated by spaces: clients:read, clients:* for all that can be done with apps, * for everything.")
            .wrong(faults("scopes")),
        Field::number("days", "For so many days", &written.days)
            .hint("Left empty, it works until it is deleted.")
            .optional()
            .wrong(faults("days")),
    ];
    let scopes = AdminScope::all().map(|scope| scope.to_string()).collect::<Vec<_>>().join(" ");
    let rows = keys.into_iter().map(|key| Key::new(key, visit.witness.now)).collect();
    let pager = Pager::new(format!("{}{AT}", frame.base), "keys", last, after.is_none());
    let made = made_for(house, visit, desk, AT).map(|made| made.expose_secret().to_owned());
    let is_made = made.is_some();
    let response = show(status, &frame, &List { f: &frame, rows, fields, scopes, made, pager });
    if is_made { shown_once(house, response) } else { response }
}

/// A key, without what it is.
struct Key {
    id: String,
    name: String,
    version: i64,
    state: Badge,
    scopes: String,
    created: When,
    used: Option<When>,
    expires: Option<When>,
}

impl Key {
    fn new(ShownApiKey { key, used }: ShownApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            name: visible(&key.name, 100),
            version: key.version,
            state: if key.is_alive(now) { Badge::good("Works") } else { Badge::bad("Expired") },
            scopes: key.scopes.to_string(),
            created: When::new(key.created, now),
            used: used.map(|used| When::new(used, now)),
            expires: key.expires.map(|expires| When::new(expires, now)),
        }
    }
}

#[derive(Template)]
#[template(path = "console/api_keys.html")]
struct List<'a> {
    f: &'a Frame,
    rows: Vec<Key>,
    fields: Vec<Field>,
    /// Every scope there is.
    scopes: String,
    made: Option<String>,
    pager: Pager,
}
