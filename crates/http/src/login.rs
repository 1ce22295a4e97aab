//! `GET /login/{provider}`, the buttons of the chooser, and `GET /callback/{provider}`, where providers send people back.

use std::sync::Arc;

use http::header;
use poem::Response;
use vestibule_domain::{
    attempt::AttemptFault,
    ids::{AttemptId, ProviderId},
    provider::Callback,
};
use vestibule_flows::{Callbacks, Fault, Halt, Landing};
use vestibule_protocol::parameters::Parameters;

use crate::{
    authorize::{self, with_attempt},
    console, device, halt,
    house::House,
    pages::{ErrorKind, Page, Tried},
    visit::{FormFault, Visit},
};

pub(crate) async fn depart(house: Arc<House>, visit: Visit) -> Response {
    let provider = provider_in(&visit);
    if let Some(name) = visit.parameters().ok().and_then(|mut parameters| parameters.take("trial")) {
        return match house.gateway.depart_on_trial(&visit.witness, &provider, &name).await {
            Ok(away) => with_attempt(&house, &visit, &away.attempt, halt::see_other(&away.location)),
            Err(end) => ended(&house, &visit, &end, &provider),
        };
    }
    let attempt: Option<AttemptId> = visit.parameters().ok().and_then(|parameters| parameters.get("attempt")?.parse().ok());
    let Some(attempt) = attempt else {
        return halt::respond(&house, &visit, &Fault::Attempt(AttemptFault::NotHere).into(), None);
    };
    let cookie = house.cookies.attempt(visit.headers(), attempt);
    // The chooser set a cookie a moment ago; a browser that brings none at all does not keep them.
    if cookie.is_none() && !house.cookies.any(visit.headers()) {
        return halt::page(&house, &visit, ErrorKind::CookiesBlocked);
    }
    match house.gateway.depart(&visit.witness, attempt, cookie.as_deref(), &provider).await {
        Ok(away) => with_attempt(&house, &visit, &away.attempt, halt::see_other(&away.location)),
        Err(end) => ended(&house, &visit, &end, &provider),
    }
}

/// The door that an address leads to; without one, the page of choice again.
pub(crate) async fn find(house: Arc<House>, visit: Visit) -> Response {
    let parameters = visit.parameters().ok();
    let attempt: Option<AttemptId> = parameters.as_ref().and_then(|parameters| parameters.get("attempt")?.parse().ok());
    let Some(attempt) = attempt else {
        return halt::respond(&house, &visit, &Fault::Attempt(AttemptFault::NotHere).into(), None);
    };
    let cookie = house.cookies.attempt(visit.headers(), attempt);
    let sent = parameters.as_ref().filter(|_| visit.is_post());
    let email = sent.and_then(|parameters| parameters.get("email")).unwrap_or_default();
    match house.gateway.find_door(&visit.witness, attempt, cookie.as_deref(), email).await {
        Ok(authorized) => authorize::after_form(&house, &visit, authorized, visit.is_post()),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

pub(crate) async fn arrive(house: Arc<House>, visit: Visit) -> Response {
    let provider = provider_in(&visit);
    let read = visit.parameters().map_err(FormFault::explanation);
    if visit.is_post() {
        return posted(&house, &visit, &provider, read.err());
    }
    // What was posted comes back sealed, and only that is read then.
    let read = match read.as_ref().ok().and_then(|parameters| parameters.get("posted")) {
        Some(sealed) => match house.gateway.open_posted(&visit.witness, &provider, sealed) {
            Some(form) => Parameters::parse(form.as_bytes()).map_err(|_| "the provider's answer is not a well-formed form"),
            None => return halt::respond(&house, &visit, &Fault::Attempt(AttemptFault::Expired).into(), None),
        },
        None => read,
    };
    let mut parameters = match read {
        Ok(parameters) => parameters,
        Err(explanation) => return halt::page(&house, &visit, ErrorKind::RequestInvalid { detail: explanation.to_owned() }),
    };
    let repeated = parameters.repeated(&["code", "state", "iss", "error", "user"]);
    let attempt: Option<AttemptId> = parameters.take("state").filter(|_| !repeated.contains(&"state")).and_then(|state| state.parse().ok());
    let brought = Callbacks {
        attempt,
        attempt_cookie: attempt.and_then(|id| house.cookies.attempt(visit.headers(), id)),
        session_cookie: house.cookies.session(visit.headers()),
        callback: Callback {
            code: parameters.take("code"),
            iss: parameters.take("iss"),
            error: parameters.take("error"),
            user: parameters.take("user"),
            redirect_uri: String::new(),
            repeated,
        },
    };
    match house.gateway.arrive_on_trial(&visit.witness, &provider, &brought).await {
        None => {}
        Some(Ok(outcome)) => {
            let label = ProviderId::parse(&provider).ok().and_then(|id| house.gateway.provider_label(&id));
            let mut response = Tried { provider: label.unwrap_or(provider), outcome }.respond(&house.look(&visit, Some("en")));
            if let Some(id) = brought.attempt {
                response.headers_mut().append(header::SET_COOKIE, house.cookies.drop_attempt(id));
            }
            return response;
        }
        Some(Err(end)) => return ended(&house, &visit, &end, &provider),
    }
    match house.gateway.arrive(&visit.witness, &provider, brought).await {
        Ok(arrived) => {
            let mut response = match &arrived.landing {
                Landing::App(answer) => halt::to_app(&house, &visit, answer, &arrived.client_name),
                // By a redirect, so that to load the page again does not call back again.
                Landing::Consent(waiting) => {
                    let response = halt::see_other(&format!("{}/consent?attempt={}", house.prefix(), waiting.id));
                    with_attempt(&house, &visit, waiting, response)
                }
                Landing::Device(form) => halt::see_other(&device::question_at(&house, form)),
                Landing::Console => halt::see_other(&format!("{}/console/enter", house.prefix())),
                Landing::Tried(client) => console::tried(&house, client.as_str()),
                Landing::OwnPage => {
                    let added = if arrived.session.is_none() { "?notice=added" } else { "" };
                    halt::see_other(&format!("{}/account{added}", house.prefix()))
                }
            };
            let session = arrived.session.as_ref().map(|session| house.cookies.set_session(session));
            let attempt = house.cookies.drop_attempt(arrived.settled);
            // Adding a way in is no sign-in by it.
            let last = arrived.session.as_ref().map(|_| house.cookies.set_last_provider(&arrived.provider));
            for cookie in session.into_iter().chain([attempt]).chain(last) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(end) => ended(&house, &visit, &end, &provider),
    }
}

/// A provider's form comes from its own site, without our cookies; the browser asks again by GET with what it said sealed.
fn posted(house: &House, visit: &Visit, provider: &str, fault: Option<&'static str>) -> Response {
    let form = std::str::from_utf8(&visit.body).ok().filter(|_| fault.is_none());
    if let Some(sealed) = form.and_then(|form| house.gateway.seal_posted(&visit.witness, provider, form)) {
        return halt::see_other(&format!("{}/callback/{provider}?posted={sealed}", house.prefix()));
    }
    let detail = fault.unwrap_or("the provider's answer is longer than any real one").to_owned();
    halt::page(house, visit, ErrorKind::RequestInvalid { detail })
}

pub(crate) fn ended(house: &House, visit: &Visit, end: &Halt, provider: &str) -> Response {
    let label = ProviderId::parse(provider).ok().and_then(|id| house.gateway.provider_label(&id));
    halt::respond(house, visit, end, label.as_deref())
}

fn provider_in(visit: &Visit) -> String {
    visit.request.raw_path_param("provider").unwrap_or_default().to_owned()
}
