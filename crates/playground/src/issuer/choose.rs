//! The answer to "Who do you want to be?".

use poem::{Response, http::StatusCode};
use vestibule_domain::error::OAuthErrorCode;
use vestibule_protocol::parameters::Parameters;

use super::{
    Code, Desk, Grant,
    authorize::{ChoosePage, Request, Typed},
    people::{self, Person},
    refused,
};
use crate::{page, random, server::Asked};

/// Reads the request again, as it came through the form, and sends the browser back as whoever was chosen. Nothing about it was kept, so
/// pages that nobody answers cost nothing, and the back button works.
pub(super) fn choose(desk: &Desk, asked: &Asked) -> Response {
    if !asked.comes_from_here() {
        return refused(StatusCode::FORBIDDEN, "Another page tried to choose for you.");
    }
    let request = match Request::read(desk, &asked.form) {
        Ok(request) => request,
        Err(rejection) => return rejection.respond(desk),
    };
    match asked.form.get("person") {
        Some("refuse") => request.back.error(desk, OAuthErrorCode::AccessDenied, "the person refused"),
        Some("else") => somebody_else(desk, &request, &asked.form),
        key => match people::ALL.iter().find(|known| Some(known.key) == key) {
            Some(known) => request.back.code(desk, &sign_in(desk, &request, known.into())),
            None => refused(StatusCode::BAD_REQUEST, "Nobody of that name lives here."),
        },
    }
}

fn somebody_else(desk: &Desk, request: &Request, form: &Parameters) -> Response {
    let [name, email] = ["name", "email"].map(|field| form.get(field).unwrap_or_default());
    let verified = form.get("verified").is_some();
    match Person::somebody_else(name, email, verified) {
        Ok(person) => request.back.code(desk, &sign_in(desk, request, person)),
        Err(fault) => page::html(StatusCode::BAD_REQUEST, &ChoosePage::again(request, Typed { name, email, verified, fault: Some(fault) })),
    }
}

/// A code for this person.
fn sign_in(desk: &Desk, request: &Request, person: Person) -> String {
    let now = desk.clock.now();
    let code = random::secret(desk.entropy.as_ref());
    let grant = Grant {
        id: random::secret(desk.entropy.as_ref()),
        person,
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        auth_time: now,
    };
    let redirect_uri = request.back.redirect_uri.clone();
    desk.books().codes.put(&code, Code { grant, redirect_uri, challenge: request.challenge.clone(), spent: false }, now);
    code
}
