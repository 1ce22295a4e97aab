//! Erasing a person: a page that says what would go, and then the act.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::Response;
use serde_json::Value;
use vestibule_domain::change::Change;
use vestibule_flows::{AdminFault, Desk};

use super::{
    super::{Frame, Section, faulty, named, show},
    back, name_of,
};
use crate::{house::House, pages::visible, visit::Visit};

/// What would go, by the word of the same use case that lets it go.
pub(super) async fn ask(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match would_go(&house, &visit, &desk).await {
        Ok((name, goes)) => {
            let frame = Frame::new(&house, &visit, &desk, Section::People);
            let at = format!("{}/person/{}", frame.base, super::segment(&named(&visit, "account")));
            show(StatusCode::OK, &frame, &Erasure { f: &frame, at, name, goes })
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// There is no way back.
pub(super) async fn erase(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let done = house.gateway.erase_account(&visit.witness, &desk.operator.actor, &named(&visit, "account")).await;
    back(&house, &visit, &desk, done, "erased")
}

/// What they are called, and what would go.
async fn would_go(house: &House, visit: &Visit, desk: &Desk) -> Result<(String, Vec<(String, String)>), AdminFault> {
    let id = named(visit, "account");
    let name = name_of(&house.gateway.account(&id).await?);
    let (rehearsing, rehearsed) = house.gateway.rehearsing();
    let tried = rehearsing.erase_account(&visit.witness, &desk.operator.actor, &id).await;
    match (rehearsed.outcome(), tried) {
        (Some((_, changes)), _) => Ok((name, changes.iter().map(goes).collect())),
        (None, tried) => tried.map(|()| (name, Vec::new())),
    }
}

/// One kind of thing that goes, and how much of it.
fn goes(change: &Change) -> (String, String) {
    let kind = match change.pointer.as_str() {
        "/profile" => "What is known of them",
        "/links" => "Ways in",
        "/upstream_tokens" => "Tokens of their providers",
        "/consents" => "What they allowed apps",
        "/sessions" => "Browsers that are signed in",
        "/grants" => "What apps have of them",
        other => other.trim_start_matches('/'),
    };
    let much = match &change.before {
        Some(Value::Array(names)) => names.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(", "),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    (kind.to_owned(), visible(&much, 1_000))
}

#[derive(Template)]
#[template(path = "console/erasure.html")]
struct Erasure<'a> {
    f: &'a Frame,
    /// The person's address in the console.
    at: String,
    name: String,
    goes: Vec<(String, String)>,
}
