//! How often things happen, drawn here so that a browser needs nothing to show it; and again every few seconds, for whoever lets scripts run.

mod board;
mod chart;
mod live;

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use vestibule_domain::{
    audit::Witness,
    ids::{ClientId, ProviderId},
    operator::Operator,
    stats::{Only, Range},
};
use vestibule_flows::{AdminFault, Desk};

pub(super) use self::board::Board;
use super::{Frame, Section, faulty, like, parts::Field, read, refused, show};
use crate::{admin::table::STATS, house::House, visit::Visit};

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}{path}", house.prefix(), super::BASE);
    routes
        .at(under("/dashboards"), read(house, "/console/dashboards", like(&Method::GET, STATS), page))
        .at(under("/events"), read(house, "/console/events", like(&Method::GET, STATS), live::events))
}

/// What somebody looks at.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    range: Range,
    only: Only,
}

impl Asked {
    /// What stands in the address; what is left out is a day of everything.
    pub(super) fn of(visit: &Visit) -> Result<Self, String> {
        let mut sent = visit.parameters().map_err(|_| "The address has more in it than is read.".to_owned())?;
        let mut named = |name: &str| sent.take(name).filter(|text| !text.is_empty());
        let range = match named("range") {
            None => Range::Day,
            Some(text) => text.parse().map_err(|()| "A range is one of 1h, 6h, 24h, 7d, 30d and 13mo.".to_owned())?,
        };
        let only = match (named("provider"), named("client")) {
            (None, None) => Only::Everything,
            (Some(id), None) => Only::Provider(ProviderId::parse(id).map_err(|_| "That can't be the id of a provider.".to_owned())?),
            (None, Some(id)) => Only::Client(ClientId::parse(id).map_err(|_| "That can't be the id of an app.".to_owned())?),
            (Some(_), Some(_)) => {
                return Err("Choose a provider or an app: nobody counts which app's people came by which provider.".to_owned());
            }
        };
        Ok(Self { range, only })
    }

    /// As it stands behind the `?` of an address, for another range.
    fn query(&self, range: Range) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("range", range.as_str());
        match &self.only {
            Only::Everything => &mut query,
            Only::Provider(id) => query.append_pair("provider", id.as_str()),
            Only::Client(id) => query.append_pair("client", id.as_str()),
        };
        query.finish()
    }

    fn provider(&self) -> &str {
        if let Only::Provider(id) = &self.only { id.as_str() } else { "" }
    }

    fn client(&self) -> &str {
        if let Only::Client(id) = &self.only { id.as_str() } else { "" }
    }
}

/// What can't be asked for is said.
pub(super) fn not_asked(house: &House, visit: &Visit, desk: &Desk, text: &str) -> Response {
    refused(house, visit, desk, StatusCode::BAD_REQUEST, "That can't be shown", text)
}

async fn page(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let asked = match Asked::of(&visit) {
        Ok(asked) => asked,
        Err(text) => return not_asked(&house, &visit, &desk, &text),
    };
    match seen(&house, &visit.witness, &desk.operator, asked).await {
        Ok((board, choice)) => {
            let frame = Frame::new(&house, &visit, &desk, Section::Dashboards);
            show(StatusCode::OK, &frame, &Page { f: &frame, board, choice })
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

async fn seen(house: &House, witness: &Witness, operator: &Operator, asked: Asked) -> Result<(Board, Choice), AdminFault> {
    let everything = house.gateway.report(witness, asked.range, &Only::Everything).await.map_err(AdminFault::Store)?;
    let providers = everything.providers.iter().map(|line| line.name.clone()).collect();
    let apps = everything.apps.iter().map(|line| line.name.clone()).collect();
    let choice = Choice {
        range: asked.range.as_str(),
        fields: [
            choice("provider", "Provider", asked.provider(), "Every provider", providers),
            choice("client", "App", asked.client(), "Every app", apps),
        ],
    };
    Ok((Board::of(house, witness, operator, asked, "/dashboards").await?, choice))
}

/// Those that were counted, the one that is looked at, and all of them.
fn choice(name: &'static str, label: &'static str, chosen: &str, all: &str, mut names: Vec<String>) -> Field {
    if !chosen.is_empty() && !names.iter().any(|name| name == chosen) {
        names.push(chosen.to_owned());
    }
    let choices = std::iter::once((String::new(), all.to_owned())).chain(names.into_iter().map(|name| (name.clone(), name)));
    Field::choice(name, label, chosen, choices)
}

/// What may be chosen: a provider or an app.
struct Choice {
    range: &'static str,
    fields: [Field; 2],
}

#[derive(Template)]
#[template(path = "console/dashboards.html")]
struct Page<'a> {
    f: &'a Frame,
    board: Board,
    choice: Choice,
}
