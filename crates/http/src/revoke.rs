//! `POST /revoke` (RFC 7009).

use std::sync::Arc;

use http::StatusCode;
use poem::{IntoResponse, Response};
use vestibule_domain::error::OAuthError;

use crate::{
    house::House,
    oauth::{self, ClientRequest},
    visit::Visit,
};

pub(crate) async fn revoke(house: Arc<House>, visit: Visit) -> Response {
    let result = async {
        let request = ClientRequest::read(&house, &visit)?;
        let token = token_of(&request)?;
        house.gateway.revoke(&visit.witness, &request.presented, token).await
    };
    match result.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => oauth::error(&error, ClientRequest::used_authorization(&visit)),
    }
}

/// `token`; its hint is only a hint, and every form of token is told from its own text.
pub(crate) fn token_of(request: &ClientRequest) -> Result<Option<&str>, OAuthError> {
    match request.parameters.repeated(&["token", "token_type_hint"]).first() {
        Some(name) => Err(OAuthError::invalid_request(format!("{name} came more than once"))),
        None => Ok(request.parameters.get("token")),
    }
}
