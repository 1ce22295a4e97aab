//! `POST /token`.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use secrecy::ExposeSecret;
use vestibule_domain::{
    client::GrantType,
    error::{OAuthError, OAuthErrorCode},
};
use vestibule_flows::{Answered, TokenAsked};
use vestibule_protocol::responses::{ExchangeResponse, TokenResponse};

use crate::{
    house::House,
    oauth::{self, ClientRequest},
    visit::Visit,
};

const KNOWN: [&str; 13] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "device_code",
    "scope",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
    "audience",
];

pub(crate) async fn token(house: Arc<House>, visit: Visit) -> Response {
    let (grant_type, result) = answer(&house, &visit).await;
    let wants_nonce = matches!(&result, Err(error) if error.code == OAuthErrorCode::UseDpopNonce);
    let response = match result {
        Ok(Answered::Exchanged(exchanged)) => oauth::json(
            StatusCode::OK,
            &ExchangeResponse {
                access_token: exchanged.access_token.expose_secret().to_owned(),
                issued_token_type: ExchangeResponse::ACCESS_TOKEN,
                token_type: if exchanged.is_bound_to_key { TokenResponse::DPOP } else { TokenResponse::BEARER },
                expires_in: exchanged.expires_in,
                scope: exchanged.scope,
            },
        ),
        Ok(Answered::Issued(issued)) => oauth::json(
            StatusCode::OK,
            &TokenResponse {
                access_token: issued.access_token,
                token_type: if issued.is_bound_to_key { TokenResponse::DPOP } else { TokenResponse::BEARER },
                expires_in: issued.expires_in,
                refresh_token: issued.refresh_token,
                id_token: issued.id_token,
                scope: issued.scopes.to_string(),
            },
        ),
        Err(error) => {
            house.gateway.observer().token_refused(grant_type, error.code);
            oauth::error(&error, ClientRequest::used_authorization(&visit))
        }
    };
    oauth::with_nonce(&house, &visit, wants_nonce, response)
}

async fn answer(house: &House, visit: &Visit) -> (Option<GrantType>, Result<Answered, OAuthError>) {
    let ClientRequest { presented, mut parameters } = match ClientRequest::read(house, visit) {
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
        device_code: take("device_code"),
        scope: take("scope"),
        subject_token: take("subject_token"),
        subject_token_type: take("subject_token_type"),
        actor_token: take("actor_token"),
        actor_token_type: take("actor_token_type"),
        requested_token_type: take("requested_token_type"),
        audience: take("audience"),
        resources: parameters.take_all("resource"),
        repeated,
    };
    let grant_type = asked.grant_type.as_deref().and_then(|text| text.parse().ok());
    (grant_type, house.gateway.token(&visit.witness, &presented, asked).await)
}
