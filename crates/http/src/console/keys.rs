//! Signing keys: which there are, and the next ones sooner.

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use vestibule_domain::{
    keys::{KeyState, Pace},
    operator::AdminArea,
};
use vestibule_flows::Desk;

use super::{
    Frame, Section, faulty,
    form::Sent,
    like, onward,
    parts::{Badge, When},
    read, show, write,
};
use crate::{
    admin::table::{KEY_ROTATION, KEYS},
    house::House,
    visit::Visit,
};

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}/keys{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/keys", like(&Method::GET, KEYS), list))
        .at(under("/rotate"), write(house, "/console/keys/rotate", like(&Method::POST, KEY_ROTATION), rotate))
}

async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let keys = match house.gateway.shown_keys().await {
        Ok(keys) => keys,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let now = visit.witness.now;
    let frame = Frame::new(&house, &visit, &desk, Section::Keys);
    let row = |key: &vestibule_domain::keys::SigningKey| Key {
        kid: key.kid.clone(),
        alg: key.alg.as_str(),
        state: match key.state(now) {
            KeyState::Current => Badge::good("Signs"),
            KeyState::Next => Badge::plain("Next"),
            KeyState::Retiring => Badge::warn("Retiring"),
            KeyState::Gone => Badge::bad("Gone"),
        },
        signs_from: When::new(key.signs_from, now),
        signs_until: When::new(key.signs_until, now),
        published_until: When::new(key.published_until, now),
    };
    show(StatusCode::OK, &frame, &List { f: &frame, rows: keys.iter().map(row).collect() })
}

async fn rotate(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let pace = match Sent::of(&visit).text("pace").as_str() {
        "withdraw" => Pace::AtOnce { withdraw: true },
        "at_once" => Pace::AtOnce { withdraw: false },
        _ => Pace::Planned,
    };
    match house.gateway.rotate_keys(&visit.witness, &desk.operator.actor, None, pace).await {
        Ok(_) => onward(&house, "/keys", Some("rotated")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

struct Key {
    kid: String,
    alg: &'static str,
    state: Badge,
    signs_from: When,
    signs_until: When,
    published_until: When,
}

#[derive(Template)]
#[template(path = "console/keys.html")]
struct List<'a> {
    f: &'a Frame,
    rows: Vec<Key>,
}
