//! The userinfo endpoint (OpenID Connect Core 1.0 §5.3).

use poem::{
    Response,
    http::{StatusCode, header},
};
use vestibule_protocol::authorization::Authorization;

use super::Desk;
use crate::{page, server::Asked};

/// Answers to a token in the `Authorization` header, and to nothing else.
pub(super) fn userinfo(desk: &Desk, asked: &Asked) -> Response {
    let sent = asked.headers.get(header::AUTHORIZATION).map(|value| Authorization::parse(value.as_bytes()));
    let Some(Ok(Authorization::Bearer(token))) = sent else {
        // RFC 6750 §3.1: who sent no token is not told of an error.
        return unauthorized("Bearer realm=\"pretend issuer\"");
    };
    let grant = desk.books().access.get(&token, desk.clock.now()).cloned();
    let Some(grant) = grant else {
        return unauthorized("Bearer realm=\"pretend issuer\", error=\"invalid_token\"");
    };
    let mut claims = grant.person.claims(&grant.scopes);
    claims.insert("sub".to_owned(), grant.person.sub().into());
    page::json(StatusCode::OK, &claims)
}

fn unauthorized(challenge: &'static str) -> Response {
    page::with_header(page::text(StatusCode::UNAUTHORIZED, "no good access token\n"), header::WWW_AUTHENTICATE, challenge)
}
