//! The first page: is anything wrong, what is there, and where to go.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::Response;
use vestibule_domain::{audit::Witness, health::BreakerState};
use vestibule_flows::{AdminFault, Desk, ShownProvider};

use super::{Frame, Section, faulty, show};
use crate::{house::House, pages::visible, visit::Visit};

/// Nobody reads a larger number as a number.
const MOST_COUNTED: u64 = 200;

pub(super) async fn show_overview(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match seen(&house, &visit.witness).await {
        Ok(seen) => {
            let frame = Frame::new(&house, &visit, &desk, Section::Overview);
            show(StatusCode::OK, &frame, &Overview { f: &frame, seen })
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What there is.
struct Seen {
    apps: String,
    providers: usize,
    sessions: u64,
    keys: usize,
    troubles: Vec<Trouble>,
}

/// Something that wants to be looked at.
struct Trouble {
    text: String,
    /// Where, below the console.
    path: String,
}

async fn seen(house: &House, witness: &Witness) -> Result<Seen, AdminFault> {
    let gateway = &house.gateway;
    let apps = gateway.clients(None, MOST_COUNTED + 1).await?.len() as u64;
    let providers = gateway.shown_providers(witness).await?;
    let sessions = gateway.sessions_alive().await.map_err(AdminFault::Store)?;
    let keys = gateway.shown_keys().await?.iter().filter(|key| key.signs(witness.now)).count();
    let mut troubles: Vec<_> = providers.iter().filter_map(trouble).collect();
    if providers.is_empty() {
        troubles.push(Trouble { text: "Nobody can sign in: there is no provider yet.".into(), path: "/providers".into() });
    }
    let apps = if apps > MOST_COUNTED { format!("{MOST_COUNTED}+") } else { apps.to_string() };
    Ok(Seen { apps, providers: providers.iter().filter(|provider| !provider.disabled).count(), sessions, keys, troubles })
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
