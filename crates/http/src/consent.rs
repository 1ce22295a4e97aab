//! `GET` and `POST /consent`: the question whether an app may have what it asks for, and the answer.

use std::sync::Arc;

use http::header;
use poem::Response;
use url::Url;
use vestibule_domain::{attempt::AttemptFault, ids::AttemptId};
use vestibule_flows::{Fault, Question, Said};

use crate::{
    authorize::{self, with_attempt},
    halt,
    house::House,
    pages::{ConsentPage, FormTarget, Href, Page, PostForm, place_of},
    visit::Visit,
};

pub(crate) async fn consent(house: Arc<House>, visit: Visit) -> Response {
    let mut parameters = visit.parameters().ok();
    let mut take = |name| parameters.as_mut().and_then(|parameters| parameters.take(name)).unwrap_or_default();
    let (attempt, token, decision) = (take("attempt"), take("token"), take("decision"));
    let Ok(attempt) = attempt.parse::<AttemptId>() else {
        return halt::respond(&house, &visit, &Fault::Attempt(AttemptFault::NotHere).into(), None);
    };
    let cookie = house.cookies.attempt(visit.headers(), attempt);
    let session = house.cookies.session(visit.headers());
    if !visit.is_post() {
        return match house.gateway.asked(&visit.witness, attempt, cookie.as_deref(), session.as_deref()).await {
            Ok(question) => ask(&house, &visit, &question),
            Err(end) => halt::respond(&house, &visit, &end, None),
        };
    }
    // Nothing but the button is a yes.
    let said = Said { token: &token, allows: decision == "allow" };
    match house.gateway.consent(&visit.witness, attempt, cookie.as_deref(), session.as_deref(), said).await {
        Ok(consented) => {
            let mut response = authorize::after_form(&house, &visit, consented.authorized, false);
            if let Some(id) = consented.settled {
                response.headers_mut().append(header::SET_COOKIE, house.cookies.drop_attempt(id));
            }
            response
        }
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// The page with the question.
pub(crate) fn ask(house: &House, visit: &Visit, question: &Question) -> Response {
    let address = Url::parse(question.returns_to.as_str()).ok();
    let profile = question.person.as_ref().map(|person| &person.profile);
    let page = ConsentPage {
        client_name: question.client_name.clone(),
        known_by: question.known_by.clone(),
        returns_to: address.as_ref().map(place_of).unwrap_or_default(),
        person: profile.and_then(|profile| profile.name.clone().or_else(|| profile.email.clone())),
        scopes: question.scopes.iter().map(str::to_owned).collect(),
        again: question.again,
        is_vetted: question.is_vetted,
        form: PostForm {
            action: house.href("/consent"),
            fields: vec![("attempt", question.attempt.to_string()), ("token", question.token.clone())],
        },
        ends_at: address.as_ref().map(FormTarget::after).unwrap_or_default(),
        other_account: question
            .person
            .as_ref()
            .and_then(|_| Href::local(&format!("{}/login?attempt={}", house.prefix(), question.attempt))),
    };
    let response = page.respond(&house.look(visit, question.ui_locales.as_deref()));
    match &question.sealed {
        Some(sealed) => with_attempt(house, visit, sealed, response),
        None => response,
    }
}
