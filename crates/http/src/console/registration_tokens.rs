//! Tokens that let apps register themselves.

use std::{sync::Arc, time::Duration};

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use secrecy::ExposeSecret;
use vestibule_domain::self_registration::RegistrationMode;
use vestibule_flows::{AdminFault, Desk};

use super::{
    Frame, Section, faulty,
    form::Sent,
    like, onward,
    parts::{Badge, Field, When},
    read, show, write,
};
use crate::{
    admin::table::{REGISTRATION_TOKEN, REGISTRATION_TOKENS},
    house::House,
    pages::visible,
    visit::Visit,
};

/// How many stand on a page, oldest first.
const A_PAGE: u64 = 50;

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}/registration-tokens{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/registration-tokens", like(&Method::GET, REGISTRATION_TOKENS), list))
        .at(under("/create"), write(house, "/console/registration-tokens/create", like(&Method::POST, REGISTRATION_TOKENS), create))
        .at(under("/revoke"), write(house, "/console/registration-tokens/revoke", like(&Method::DELETE, REGISTRATION_TOKEN), revoke))
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    page(&house, &visit, &desk, StatusCode::OK, Written::default()).await
}

async fn create(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let name = sent.text("name");
    let uses = sent.text("uses").parse::<u32>().ok().filter(|uses| (1..=1_000).contains(uses));
    let days = sent.text("days").parse::<u64>().ok().filter(|days| (1..=365).contains(days));
    let wrong = |field: &'static str, text: &str| vec![(field, text.to_owned())];
    let faults = match (uses, days) {
        (None, _) => wrong("uses", "Must be a whole number from 1 to 1000."),
        (_, None) => wrong("days", "Must be a whole number from 1 to 365."),
        (Some(uses), Some(days)) => {
            let lives = Duration::from_hours(24 * days);
            match house.gateway.create_registration_token(&visit.witness, &desk.operator.actor, &name, lives, uses).await {
                Ok((_, token)) => {
                    let made = Some(token.expose_secret().to_owned());
                    return page(&house, &visit, &desk, StatusCode::OK, Written { made, ..Written::default() }).await;
                }
                Err(AdminFault::Invalid(faults)) => faults.into_iter().map(|fault| ("name", format!("It {}.", fault.message))).collect(),
                Err(fault) => return faulty(&house, &visit, &desk, &fault),
            }
        }
    };
    let written = Written { name, uses: sent.text("uses"), days: sent.text("days"), faults, made: None };
    page(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, written).await
}

async fn revoke(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.delete_registration_token(&visit.witness, &desk.operator.actor, &Sent::of(&visit).text("id")).await {
        Ok(()) => onward(&house, "/registration-tokens", Some("revoked")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What stands in the form, or what was made by it.
struct Written {
    name: String,
    uses: String,
    days: String,
    faults: Vec<(&'static str, String)>,
    made: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Self { name: String::new(), uses: "1".into(), days: "7".into(), faults: Vec::new(), made: None }
    }
}

async fn page(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, written: Written) -> Response {
    let after = if visit.is_post() { None } else { Sent::of(visit).optional("after") };
    let mut tokens = match house.gateway.registration_tokens(after.as_deref(), A_PAGE + 1).await {
        Ok(tokens) => tokens,
        Err(fault) => return faulty(house, visit, desk, &fault),
    };
    let is_more = tokens.len() as u64 > A_PAGE;
    tokens.truncate(usize::try_from(A_PAGE).unwrap_or(usize::MAX));
    let more = tokens.last().filter(|_| is_more).map(|last| last.id.to_string());
    let now = visit.witness.now;
    let frame = Frame::new(house, visit, desk, Section::RegistrationTokens);
    let rows = tokens.iter().map(|token| Token {
        id: token.id.to_string(),
        name: visible(&token.name, 100),
        state: if token.is_good(now) { Badge::good("Works") } else { Badge::plain("Used up") },
        uses_left: token.uses_left,
        expires: When::new(token.expires, now),
    });
    let faults = |name: &str| written.faults.iter().filter(|(field, _)| *field == name).map(|(_, fault)| fault.clone()).collect::<Vec<_>>();
    let fields = vec![
        Field::text("name", "For whom or what", &written.name).wrong(faults("name")),
        Field::number("uses", "Good for so many apps", &written.uses).wrong(faults("uses")),
        Field::number("days", "And so many days", &written.days).wrong(faults("days")),
    ];
    let view = List {
        f: &frame,
        rows: rows.collect(),
        fields,
        // A token is of use only where apps may register by one.
        is_off: house.gateway.settings().registration.mode != RegistrationMode::Token,
        made: written.made,
        more,
        is_first: after.is_none(),
    };
    show(status, &frame, &view)
}

struct Token {
    id: String,
    name: String,
    state: Badge,
    uses_left: u32,
    expires: When,
}

#[derive(Template)]
#[template(path = "console/registration_tokens.html")]
struct List<'a> {
    f: &'a Frame,
    rows: Vec<Token>,
    fields: Vec<Field>,
    is_off: bool,
    made: Option<String>,
    more: Option<String>,
    is_first: bool,
}
