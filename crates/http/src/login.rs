//! `GET /login/{provider}`, the buttons of the chooser, and `GET /callback/{provider}`, where providers send people back.

use std::sync::Arc;

use http::header;
use poem::Response;
use vestibule_domain::{
    attempt::AttemptFault,
    ids::{AttemptId, ProviderId},
    provider::Callback,
};
use vestibule_flows::{Callbacks, Fault, Halt};

use crate::{authorize::with_attempt, halt, house::House, pages::ErrorKind, visit::Visit};

pub(crate) async fn depart(house: Arc<House>, visit: Visit) -> Response {
    let provider = provider_in(&visit);
    let attempt: Option<AttemptId> = visit.parameters().ok().and_then(|parameters| parameters.get("attempt")?.parse().ok());
    let Some(attempt) = attempt else {
        return halt::respond(&house, &visit, &Fault::Attempt(AttemptFault::NotHere).into(), None);
    };
    let cookie = house.cookies.attempt(visit.headers(), attempt);
    // The chooser set a cookie a moment ago; a browser that brings none at all does not keep them.
    if cookie.is_none() && !house.cookies.any(visit.headers()) {
        return halt::page(&visit, ErrorKind::CookiesBlocked);
    }
    match house.gateway.depart(&visit.witness, attempt, cookie.as_deref(), &provider).await {
        Ok(away) => with_attempt(&house, &visit, &away.attempt, halt::see_other(&away.location)),
        Err(end) => ended(&house, &visit, &end, &provider),
    }
}

pub(crate) async fn arrive(house: Arc<House>, visit: Visit) -> Response {
    let provider = provider_in(&visit);
    let mut parameters = match visit.parameters() {
        Ok(parameters) => parameters,
        Err(fault) => return halt::page(&visit, ErrorKind::RequestInvalid { detail: fault.explanation().to_owned() }),
    };
    let repeated = parameters.repeated(&["code", "state", "iss", "error"]);
    let attempt: Option<AttemptId> = parameters.take("state").filter(|_| !repeated.contains(&"state")).and_then(|state| state.parse().ok());
    let brought = Callbacks {
        attempt,
        attempt_cookie: attempt.and_then(|id| house.cookies.attempt(visit.headers(), id)),
        session_cookie: house.cookies.session(visit.headers()),
        callback: Callback {
            code: parameters.take("code"),
            iss: parameters.take("iss"),
            error: parameters.take("error"),
            redirect_uri: String::new(),
            repeated,
        },
    };
    match house.gateway.arrive(&visit.witness, &provider, brought).await {
        Ok(arrived) => {
            let mut response = halt::to_app(&arrived.answer, &arrived.client_name);
            for cookie in [
                house.cookies.set_session(&arrived.session),
                house.cookies.drop_attempt(arrived.settled),
                house.cookies.set_last_provider(&arrived.provider),
            ] {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(end) => ended(&house, &visit, &end, &provider),
    }
}

fn ended(house: &House, visit: &Visit, end: &Halt, provider: &str) -> Response {
    let label = ProviderId::parse(provider).ok().and_then(|id| house.gateway.provider_label(&id).map(str::to_owned));
    halt::respond(house, visit, end, label.as_deref())
}

fn provider_in(visit: &Visit) -> String {
    visit.request.raw_path_param("provider").unwrap_or_default().to_owned()
}
