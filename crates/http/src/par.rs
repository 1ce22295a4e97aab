//! `POST /par` (RFC 9126).

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_domain::error::{OAuthError, OAuthErrorCode};
use vestibule_flows::Pushed;
use vestibule_protocol::responses::PushedResponse;

use crate::{
    authorize,
    house::House,
    oauth::{self, ClientRequest},
    visit::Visit,
};

pub(crate) async fn push(house: Arc<House>, visit: Visit) -> Response {
    let pushed = answer(&house, &visit).await;
    let wants_nonce = matches!(&pushed, Err(error) if error.code == OAuthErrorCode::UseDpopNonce);
    let response = match pushed {
        Ok(Pushed { request_uri, expires_in }) => oauth::json(StatusCode::CREATED, &PushedResponse { request_uri, expires_in }),
        Err(error) => oauth::error(&error, ClientRequest::used_authorization(&visit)),
    };
    oauth::with_nonce(&house, &visit, wants_nonce, response)
}

async fn answer(house: &House, visit: &Visit) -> Result<Pushed, OAuthError> {
    let ClientRequest { presented, mut parameters } = ClientRequest::read(house, visit)?;
    house.gateway.push(&visit.witness, &presented, authorize::asked(&mut parameters)).await
}
