//! A login tried: what an app would get of whoever is signed in in this browser.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::Response;
use vestibule_domain::policy::Refusal;
use vestibule_flows::{Desk, TriedApp};
use vestibule_protocol::claims::UserinfoClaims;

use super::{
    super::{BASE, Frame, Section, door::leads_back, faulty, named, onward, show, unavailable},
    place_of,
};
use crate::{
    authorize, halt,
    house::House,
    pages::{visible, visible_lines},
    visit::Visit,
};

/// What it would get.
pub(super) async fn show_trial(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let client = match house.gateway.client(&named(&visit, "app")).await {
        Ok(client) => client,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let session = house.cookies.session(visit.headers());
    let tried = match house.gateway.tried_app(&visit.witness, session.as_deref(), &client).await {
        Ok(tried) => tried,
        Err(error) => return unavailable(&house, &visit, &error),
    };
    let frame = Frame::new(&house, &visit, &desk, Section::Apps);
    let view = Trial {
        f: &frame,
        name: visible(&client.name, 100),
        at: format!("{}{}", frame.base, place_of(client.id.as_str())),
        may_begin: !client.redirect_uris.is_empty(),
        elsewhere: (!leads_back(&house, &visit))
            .then(|| house.gateway.settings().url(&format!("{BASE}{}/try", place_of(client.id.as_str())))),
        got: tried.map(|tried| got(&house, tried)),
        scopes: client.scopes.to_string(),
    };
    show(StatusCode::OK, &frame, &view)
}

/// Off to sign in, as the app's people do.
pub(super) async fn begin(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let client = match house.gateway.client(&named(&visit, "app")).await {
        Ok(client) => client,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    // Whoever is sent to a provider from here would not come back here.
    if !leads_back(&house, &visit) {
        return onward(&house, &format!("{}/try", place_of(client.id.as_str())), None);
    }
    match house.gateway.begin_app_trial(&visit.witness, &client).await {
        Ok(authorized) => authorize::respond(&house, &visit, authorized, false),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

fn got(house: &House, tried: TriedApp) -> Got {
    let claims = UserinfoClaims { sub: tried.subject.to_string(), person: tried.claims.into() };
    let claims = serde_json::to_string_pretty(&claims).unwrap_or_default();
    Got {
        provider: house.gateway.provider_label(&tried.provider).unwrap_or_else(|| tried.provider.to_string()),
        refused: tried.verdict.err().map(why),
        // What a person is called stands in it, so that what hides text is shown here too.
        claims: visible_lines(&claims),
        asks_consent: tried.asks_consent,
    }
}

fn why(refusal: Refusal) -> String {
    match refusal {
        Refusal::ClientDisabled => "The app is disabled.".to_owned(),
        Refusal::AccountDisabled => "The account is disabled.".to_owned(),
        Refusal::ProviderNotAllowed => "The app does not let people in by this provider.".to_owned(),
        Refusal::Rule(denial) => format!("The rule {denial} is not met."),
    }
}

/// What came of it.
struct Got {
    provider: String,
    refused: Option<String>,
    claims: String,
    asks_consent: bool,
}

#[derive(Template)]
#[template(path = "console/app_trial.html")]
struct Trial<'a> {
    f: &'a Frame,
    name: String,
    at: String,
    may_begin: bool,
    /// Where it can be tried, if not under the name that this page is called by.
    elsewhere: Option<String>,
    got: Option<Got>,
    scopes: String,
}
