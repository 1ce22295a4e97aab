//! The first page: is anything wrong, what is there, and where to go.

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::Response;
use vestibule_domain::{
    audit::Witness,
    health::BreakerState,
    operator::{AdminArea, Operator},
};
use vestibule_flows::{AdminFault, Desk, ShownProvider};

use super::{
    Frame, Section,
    dashboard::{Asked, Board, not_asked},
    faulty, show,
};
use crate::{
    admin::table::{self, STATS},
    house::House,
    pages::visible,
    visit::Visit,
};

/// Nobody reads a larger number as a number.
const MOST_COUNTED: u64 = 200;

pub(super) async fn show_overview(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let asked = match Asked::of(&visit) {
        Ok(asked) => asked,
        Err(text) => return not_asked(&house, &visit, &desk, &text),
    };
    let frame = Frame::new(&house, &visit, &desk, Section::Overview);
    match seen(&house, &visit.witness, &desk.operator, &frame, asked).await {
        Ok(seen) => show(StatusCode::OK, &frame, &Overview { f: &frame, seen }),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What there is, as far as this operator may look.
struct Seen {
    figures: Vec<(&'static str, String)>,
    /// Whether what is said of providers can be said.
    has_providers: bool,
    troubles: Vec<Trouble>,
    /// What they may do next: where, below the console, what, and more of it.
    next: Vec<(&'static str, &'static str, &'static str)>,
    /// How often things happen, for whoever may know that.
    board: Option<Board>,
    /// In how many seconds that can be counted again for them, where they asked too often.
    wait: Option<u64>,
}

/// Something that wants to be looked at.
struct Trouble {
    text: String,
    /// Where, below the console.
    path: String,
}

async fn seen(house: &House, witness: &Witness, operator: &Operator, frame: &Frame, asked: Asked) -> Result<Seen, AdminFault> {
    let gateway = &house.gateway;
    let (mut figures, mut troubles) = (Vec::new(), Vec::new());
    if operator.sees(AdminArea::Clients) {
        let apps = gateway.clients(None, MOST_COUNTED + 1).await?.len() as u64;
        figures.push(("Apps", if apps > MOST_COUNTED { format!("{MOST_COUNTED}+") } else { apps.to_string() }));
    }
    let has_providers = operator.sees(AdminArea::Providers);
    if has_providers {
        let providers = gateway.shown_providers(witness).await?;
        figures.push(("Providers enabled", providers.iter().filter(|provider| !provider.disabled).count().to_string()));
        troubles.extend(providers.iter().filter_map(trouble));
        if providers.is_empty() {
            troubles.push(Trouble { text: "Nobody can sign in: there is no provider yet.".into(), path: "/providers".into() });
        }
    }
    if operator.sees(AdminArea::Sessions) {
        figures.push(("Browsers signed in now", gateway.sessions_alive().await.map_err(AdminFault::Store)?.to_string()));
    }
    if operator.sees(AdminArea::Keys) {
        let keys = gateway.shown_keys().await?;
        figures.push(("Keys that sign", keys.iter().filter(|key| key.signs(witness.now)).count().to_string()));
    }
    let next = [
        (frame.changes(AdminArea::Clients), ("/apps/new", "Add an app", "One form, and ready settings for the popular clients.")),
        (frame.changes(AdminArea::Providers), ("/providers/new", "Add a provider", "With the exact address to register there.")),
        (
            operator.sees(AdminArea::Accounts),
            ("/people", "Find a person", "What they may, where they are signed in, which apps have what."),
        ),
        (frame.sees(AdminArea::Audit), ("/audit", "See what happened", "Every sign-in, every change, and why something was refused.")),
    ];
    let next = next.into_iter().filter_map(|(may, entry)| may.then_some(entry)).collect();
    let (board, wait) = counted(house, witness, operator, asked).await?;
    Ok(Seen { figures, has_providers, troubles, next, board, wait })
}

/// The board, which costs a key what it costs by the admin API; without it the page shows the rest.
async fn counted(house: &House, witness: &Witness, operator: &Operator, asked: Asked) -> Result<(Option<Board>, Option<u64>), AdminFault> {
    if !operator.sees(AdminArea::Stats) {
        return Ok((None, None));
    }
    let row = table::row(&Method::GET, STATS);
    match house.gateway.permit(witness, operator, row.needs, row.cost).await {
        Ok(()) => Ok((Some(Board::of(house, witness, operator, asked, "").await?), None)),
        Err(AdminFault::TooMany(seconds)) => Ok((None, Some(seconds))),
        Err(fault) => Err(fault),
    }
}

fn trouble(provider: &ShownProvider) -> Option<Trouble> {
    let label = visible(&provider.label, 60);
    let text = match provider.health {
        _ if provider.disabled => return None,
        _ if !provider.faults.is_empty() => format!("{label} can't be used: its settings have faults."),
        BreakerState::Open => format!("{label} does not answer. It is asked again by itself."),
        BreakerState::HalfOpen => format!("{label} did not answer a moment ago and is being tried again."),
        BreakerState::Closed => return None,
    };
    Some(Trouble { text, path: format!("/provider/{}", provider.id) })
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview<'a> {
    f: &'a Frame,
    seen: Seen,
}
