//! Tokens that let apps register themselves.

use std::{sync::Arc, time::Duration};

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use secrecy::ExposeSecret;
use vestibule_domain::{operator::AdminArea, self_registration::RegistrationMode};
use vestibule_flows::{AdminFault, Desk};

use super::{
    Frame, Section, faulty,
    form::Sent,
    like, made_for, onward, onward_to_show,
    parts::{Badge, Field, Pager, When},
    read, show, shown_once, write,
};
use crate::{
    admin::{
        registration_tokens::objects::{LONGEST, MOST_USES},
        table::{REGISTRATION_TOKEN, REGISTRATION_TOKENS},
    },
    house::House,
    listing,
    pages::visible,
    visit::Visit,
};

/// As the admin API has it.
const MOST_DAYS: u64 = LONGEST / 86_400;
/// Where they are, below the console's address.
const AT: &str = "/registration-tokens";

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
    let uses = sent.text("uses").parse::<u32>().ok().filter(|uses| (1..=MOST_USES).contains(&u64::from(*uses)));
    let days = sent.text("days").parse::<u64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    let wrong = |field: &'static str, most: u64| vec![(field, format!("Must be a whole number from 1 to {most}."))];
    let faults = match (uses, days) {
        (None, _) => wrong("uses", MOST_USES),
        (_, None) => wrong("days", MOST_DAYS),
        (Some(uses), Some(days)) => {
            let lives = Duration::from_hours(24 * days);
            match house.gateway.create_registration_token(&visit.witness, &desk.operator.actor, &name, lives, uses).await {
                Ok((_, token)) => {
                    return onward_to_show(&house, &visit, &desk, AT, token.expose_secret());
                }
                Err(AdminFault::Invalid(faults)) => faults.into_iter().map(|fault| ("name", format!("It {}.", fault.message))).collect(),
                Err(fault) => return faulty(&house, &visit, &desk, &fault),
            }
        }
    };
    let written = Written { name, uses: sent.text("uses"), days: sent.text("days"), faults };
    page(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, written).await
}

async fn revoke(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.delete_registration_token(&visit.witness, &desk.operator.actor, &Sent::of(&visit).text("id")).await {
        Ok(()) => onward(&house, "/registration-tokens", Some("revoked")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What stands in the form.
struct Written {
    name: String,
    uses: String,
    days: String,
    faults: Vec<(&'static str, String)>,
}

impl Default for Written {
    fn default() -> Self {
        Self { name: String::new(), uses: "1".into(), days: "7".into(), faults: Vec::new() }
    }
}

async fn page(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, written: Written) -> Response {
    let after = if visit.is_post() { None } else { Sent::of(visit).optional("after") };
    let (tokens, last) = match house.gateway.registration_tokens(after.as_deref(), listing::USUAL + 1).await {
        Ok(tokens) => listing::page(tokens, listing::USUAL, |last| last.id.to_string()),
        Err(fault) => return faulty(house, visit, desk, &fault),
    };
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
    let made = made_for(house, visit, desk, AT).map(|made| made.expose_secret().to_owned());
    let is_made = made.is_some();
    let view = List {
        f: &frame,
        rows: rows.collect(),
        fields,
        // A token is of use only where apps may register by one.
        is_off: house.gateway.settings().registration.mode != RegistrationMode::Token,
        made,
        pager: Pager::new(format!("{}{AT}", frame.base), "tokens", last, after.is_none()),
    };
    let response = show(status, &frame, &view);
    if is_made { shown_once(house, response) } else { response }
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
    pager: Pager,
}
