//! `POST /introspect` (RFC 7662).

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_flows::Introspection;
use vestibule_protocol::{
    acting::{ActorClaim, MayActClaim},
    claims::{Audience, ConfirmationClaim},
    responses::{ActiveToken, IntrospectionResponse, TokenResponse},
};

use crate::{
    house::House,
    oauth::{self, ClientRequest},
    revoke::token_of,
    visit::Visit,
};

pub(crate) async fn introspect(house: Arc<House>, visit: Visit) -> Response {
    let result = async {
        let request = ClientRequest::read(&house, &visit)?;
        let token = token_of(&request)?;
        house.gateway.introspect(&visit.witness, &request.presented, token).await
    };
    match result.await {
        Ok(found) => oauth::json(StatusCode::OK, &body(&house, found)),
        Err(error) => oauth::error(&error, ClientRequest::used_authorization(&visit)),
    }
}

fn body(house: &House, found: Introspection) -> IntrospectionResponse {
    match found {
        Introspection::Inactive => IntrospectionResponse::inactive(),
        Introspection::AccessToken(token) => IntrospectionResponse::active(ActiveToken {
            scope: Some(token.scopes.to_string()),
            client_id: Some(token.client.to_string()),
            sub: Some(token.subject.to_claim()),
            aud: Some(Audience(token.audiences.clone())),
            iss: Some(token.issuer.clone()),
            exp: Some(token.expires.as_secs()),
            iat: Some(token.issued.as_secs()),
            jti: Some(token.id.to_string()),
            token_type: Some(if token.confirmation.key.is_some() { TokenResponse::DPOP } else { TokenResponse::BEARER }),
            cnf: ConfirmationClaim::of(&token.confirmation),
            act: ActorClaim::of(&token.actors),
            may_act: token.may_act.as_ref().map(MayActClaim::of),
        }),
        Introspection::RefreshToken { grant, expires } => IntrospectionResponse::active(ActiveToken {
            scope: Some(grant.scopes.to_string()),
            client_id: Some(grant.client.to_string()),
            sub: Some(grant.account.to_string()),
            iss: Some(house.gateway.settings().issuer.clone()),
            exp: Some(expires.as_secs()),
            iat: Some(grant.issued.as_secs()),
            ..ActiveToken::default()
        }),
    }
}
