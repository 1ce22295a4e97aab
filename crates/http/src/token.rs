//! `POST /token`.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_domain::{client::GrantType, error::OAuthError};
use vestibule_flows::{Issued, TokenAsked};
use vestibule_protocol::responses::TokenResponse;

use crate::{
    house::House,
    oauth::{self, ClientRequest},
    visit::Visit,
};

const KNOWN: [&str; 6] = ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope"];

pub(crate) async fn token(house: Arc<House>, visit: Visit) -> Response {
    let (grant_type, result) = answer(&house, &visit).await;
    match result {
        Ok(issued) => oauth::json(
            StatusCode::OK,
            &TokenResponse {
                access_token: issued.access_token,
                token_type: TokenResponse::BEARER,
                expires_in: issued.expires_in,
                refresh_token: issued.refresh_token,
                id_token: issued.id_token,
                scope: issued.scopes.to_string(),
            },
        ),
        Err(error) => {
            house.metrics.token_error(grant_type, error.code);
            oauth::error(&error, ClientRequest::used_authorization(&visit))
        }
    }
}

async fn answer(house: &House, visit: &Visit) -> (Option<GrantType>, Result<Issued, OAuthError>) {
    let ClientRequest { presented, mut parameters } = match ClientRequest::read(visit) {
        Ok(request) => request,
        Err(error) => return (None, Err(error)),
    };
    let repeated = parameters.repeated(&KNOWN);
    let mut take = |name| parameters.take(name);
    let asked = TokenAsked {
        grant_type: take("grant_type"),
        code: take("code"),
        redirect_uri: take("redirect_uri"),
        code_verifier: take("code_verifier"),
        refresh_token: take("refresh_token"),
        scope: take("scope"),
        repeated,
    };
    let grant_type = asked.grant_type.as_deref().and_then(|text| text.parse().ok());
    (grant_type, house.gateway.token(&visit.witness, &presented, asked).await)
}
