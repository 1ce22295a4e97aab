//! `GET` and `POST /authorize`.

use std::sync::Arc;

use http::header;
use poem::Response;
use url::Url;
use vestibule_domain::{authorize::Asked, door::Offer};
use vestibule_flows::{Authorized, Away, Carried, SealedAttempt};
use vestibule_protocol::{claims_request, parameters::Parameters};

use crate::{
    consent, halt,
    house::House,
    pages::{Choice, Chooser, EmailForm, ErrorKind, Href, Page, PostForm, place_of},
    visit::Visit,
};

pub(crate) async fn authorize(house: Arc<House>, visit: Visit) -> Response {
    let mut parameters = match visit.parameters() {
        Ok(parameters) => parameters,
        Err(fault) => return halt::page(&house, &visit, ErrorKind::RequestInvalid { detail: fault.explanation().to_owned() }),
    };
    if visit.is_post() {
        return halt::again_by_get(&house, &visit, "/authorize");
    }
    let asked = asked(&mut parameters);
    let carried = Carried { session: house.cookies.session(visit.headers()), attempts: house.cookies.attempts(visit.headers()) };
    // Boxed: it is large, and so would be whatever holds it.
    match Box::pin(house.gateway.authorize(&visit.witness, asked, &carried)).await {
        Ok(authorized) => respond(&house, &visit, authorized, false),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// The parameters of an authorization request, here or pushed.
pub(crate) fn asked(parameters: &mut Parameters) -> Asked {
    let repeated = parameters.repeated(&Asked::NAMES);
    let asked = Asked::read(|name| parameters.take(name));
    let claims = parameters.take("claims").map(|text| claims_request::read(&text));
    Asked { claims, resources: parameters.take_all("resource"), repeated, ..asked }
}

/// Says what an authorization request, or a person's own page, led to.
pub(crate) fn respond(house: &House, visit: &Visit, authorized: Authorized, unknown_email: bool) -> Response {
    match authorized {
        Authorized::Answered { answer, client_name } => halt::to_app(house, visit, &answer, &client_name),
        Authorized::Departed(away) => with_attempt(house, visit, &away.attempt, halt::see_other(&away.location)),
        Authorized::Ask(question) => consent::ask(house, visit, &question),
        Authorized::Choose(choice) => {
            let look = house.look(visit, choice.ui_locales.as_deref());
            let mut response = with_attempt(house, visit, &choice.attempt, chooser(house, visit, &choice, unknown_email).respond(&look));
            // What comes after, an error page or the way back, speaks the language the app asked for too.
            if choice.ui_locales.is_some() {
                response.headers_mut().append(header::SET_COOKIE, house.cookies.set_language(look.texts.lang));
            }
            response
        }
    }
}

/// The same where a form led to it: off to a provider by a page of ours.
pub(crate) fn after_form(house: &House, visit: &Visit, authorized: Authorized, unknown_email: bool) -> Response {
    match authorized {
        Authorized::Departed(away) => onward(house, visit, &away),
        authorized => respond(house, visit, authorized, unknown_email),
    }
}

/// Off to a provider, by a page of ours.
pub(crate) fn onward(house: &House, visit: &Visit, away: &Away) -> Response {
    let response = halt::onward(house, visit, &away.location, away.provider_label.clone());
    with_attempt(house, visit, &away.attempt, response)
}

pub(crate) fn with_attempt(house: &House, visit: &Visit, attempt: &SealedAttempt, mut response: Response) -> Response {
    for cookie in house.cookies.set_attempt(visit.headers(), attempt) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn chooser(house: &House, visit: &Visit, choice: &vestibule_flows::Choice, unknown: bool) -> Chooser {
    let button = |offer: &Offer| {
        let card = &offer.card;
        let href = Href::local(&format!("{}/login/{}?attempt={}", house.prefix(), card.id, choice.attempt.id))?;
        Some(Choice {
            id: card.id.to_string(),
            label: card.label.clone(),
            wording: card.wording,
            icon: card.icon.clone(),
            trouble: offer.in_trouble,
            href,
        })
    };
    let returns_to = choice.returns_to.as_ref().and_then(|uri| Url::parse(uri.as_str()).ok());
    Chooser {
        client_name: Some(choice.client_name.clone()).filter(|name| !name.is_empty()),
        returns_to: returns_to.map(|url| place_of(&url)),
        choices: choice.offers.iter().filter_map(button).collect(),
        last_used: house.cookies.last_provider(visit.headers()).map(|id| id.to_string()),
        email: choice.asks_for_email().then(|| EmailForm {
            form: PostForm { action: house.href("/login"), fields: vec![("attempt", choice.attempt.id.to_string())] },
            unknown,
        }),
    }
}
