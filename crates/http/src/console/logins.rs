//! Explaining one login: what the reference on somebody's page leads to.

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use vestibule_domain::{
    audit::bounded_to,
    login_trace::{Chapter, Explanation, Mood, Step},
    operator::AdminArea,
};
use vestibule_flows::{AdminFault, Desk};

use super::{Frame, Section, apps::AppNames, faulty, form::Sent, like, named, onward, parts::Badge, read, segment, show};
use crate::{admin::table::LOGIN, house::House, pages::visible, visit::Visit};

/// Longer is no reference.
const LONGEST: usize = 64;

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}/logins{path}", house.prefix(), super::BASE);
    routes
        .at(under(""), read(house, "/console/logins", like(&Method::GET, LOGIN), find))
        .at(under("/:reference"), read(house, "/console/logins/:reference", like(&Method::GET, LOGIN), explain))
}

/// The field for a reference. What is pasted leads on to an address that can be kept and sent.
async fn find(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let reference = bounded_to(&Sent::of(&visit).text("reference"), LONGEST);
    if !reference.is_empty() {
        return onward(&house, &format!("/logins/{}", segment(&reference)), None);
    }
    let frame = Frame::new(&house, &visit, &desk, Section::Logins);
    show(StatusCode::OK, &frame, &Find { f: &frame, unknown: None })
}

async fn explain(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let reference = named(&visit, "reference");
    let told = async {
        let told = house.gateway.explain_login(&reference).await?;
        let apps = told.chapters.iter().filter_map(|chapter| chapter.client_id.clone()).collect();
        Ok((AppNames::of(&house, &desk.operator, apps).await?, told))
    };
    match told.await {
        Ok((apps, told)) => {
            let frame = Frame::new(&house, &visit, &desk, Section::Logins);
            let went_well = is_well(&told, &reference);
            let reference = visible(&reference, LONGEST);
            show(StatusCode::OK, &frame, &Explained { f: &frame, told: &told, went_well, apps, reference })
        }
        Err(AdminFault::NotFound) => {
            let frame = Frame::new(&house, &visit, &desk, Section::Logins);
            show(StatusCode::NOT_FOUND, &frame, &Find { f: &frame, unknown: Some(visible(&reference, LONGEST)) })
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Whether what is asked about went well, and what came after it.
fn is_well(told: &Explanation, reference: &str) -> bool {
    told.helps.is_none()
        && told.chapters.iter().find(|chapter| chapter.reference == reference).is_none_or(|chapter| chapter.reason.is_none())
}

fn mood(step: &Step) -> &'static str {
    match step.mood {
        Mood::Good => "good",
        Mood::Bad => "bad",
        Mood::Plain => "",
    }
}

fn badge(chapter: &Chapter) -> Badge {
    match chapter.outcome.as_str() {
        "success" => Badge::good("Went well"),
        "denied" => Badge::warn("Denied"),
        _ => Badge::bad("Failed"),
    }
}

#[derive(Template)]
#[template(path = "console/logins.html")]
struct Find<'a> {
    f: &'a Frame,
    /// What was asked about, and nothing is known of.
    unknown: Option<String>,
}

#[derive(Template)]
#[template(path = "console/login.html")]
struct Explained<'a> {
    f: &'a Frame,
    told: &'a Explanation,
    went_well: bool,
    apps: AppNames,
    reference: String,
}
