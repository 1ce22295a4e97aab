//! `GET` and `POST /authorize`.

use std::sync::Arc;

use http::header;
use poem::Response;
use url::Url;
use vestibule_domain::{authorize::Asked, provider::ProviderCard, redirect::RedirectUri};
use vestibule_flows::{Authorized, SealedAttempt};

use crate::{
    halt,
    house::House,
    pages::{Choice, Chooser, ErrorKind, Href, Page, place_of},
    visit::Visit,
};

/// Every parameter we know (OAuth 2.1 §4.1.1, OpenID Connect Core 1.0 §3.1.2.1); others are ignored.
const KNOWN: [&str; 18] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "acr_values",
    "ui_locales",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
];

pub(crate) async fn authorize(house: Arc<House>, visit: Visit) -> Response {
    let mut parameters = match visit.parameters() {
        Ok(parameters) => parameters,
        Err(fault) => return halt::page(&visit, ErrorKind::RequestInvalid { detail: fault.explanation().to_owned() }),
    };
    if visit.is_post() {
        return halt::again_by_get(&house, &visit, "/authorize");
    }
    let repeated = parameters.repeated(&KNOWN);
    let mut take = |name| parameters.take(name);
    let asked = Asked {
        client_id: take("client_id"),
        redirect_uri: take("redirect_uri"),
        response_type: take("response_type"),
        response_mode: take("response_mode"),
        scope: take("scope"),
        state: take("state"),
        nonce: take("nonce"),
        prompt: take("prompt"),
        max_age: take("max_age"),
        login_hint: take("login_hint"),
        id_token_hint: take("id_token_hint"),
        acr_values: take("acr_values"),
        ui_locales: take("ui_locales"),
        code_challenge: take("code_challenge"),
        code_challenge_method: take("code_challenge_method"),
        request: take("request"),
        request_uri: take("request_uri"),
        registration: take("registration"),
        repeated,
    };
    let session = house.cookies.session(visit.headers());
    match house.gateway.authorize(&visit.witness, asked, session.as_deref()).await {
        Ok(Authorized::Answered { answer, client_name }) => halt::to_app(&answer, &client_name),
        Ok(Authorized::Departed(away)) => with_attempt(&house, &visit, &away.attempt, halt::see_other(&away.location)),
        Ok(Authorized::Choose { attempt, client_name, returns_to, providers }) => {
            let page = chooser(&house, &visit, &attempt, client_name, &returns_to, &providers);
            with_attempt(&house, &visit, &attempt, page.respond())
        }
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

pub(crate) fn with_attempt(house: &House, visit: &Visit, attempt: &SealedAttempt, mut response: Response) -> Response {
    for cookie in house.cookies.set_attempt(visit.headers(), attempt) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn chooser(
    house: &House,
    visit: &Visit,
    attempt: &SealedAttempt,
    client_name: String,
    returns_to: &RedirectUri,
    providers: &[ProviderCard],
) -> Chooser {
    let choice = |card: &ProviderCard| {
        let href = Href::local(&format!("{}/login/{}?attempt={}", house.prefix(), card.id, attempt.id))?;
        Some(Choice { id: card.id.to_string(), label: card.label.clone(), href })
    };
    Chooser {
        client_name,
        returns_to: Url::parse(returns_to.as_str()).map(|url| place_of(&url)).unwrap_or_default(),
        choices: providers.iter().filter_map(choice).collect(),
        last_used: house.cookies.last_provider(visit.headers()).map(|id| id.to_string()),
    }
}
