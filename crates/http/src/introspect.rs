//! `POST /introspect` (RFC 7662).

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use poem::Response;
use vestibule_domain::{client::SigningAlg, token::SignedAnswer};
use vestibule_flows::{Introspected, Introspection};
use vestibule_protocol::{
    acting::{ActorClaim, MayActClaim},
    claims::{Audience, ConfirmationClaim},
    responses::{ActiveToken, IntrospectionClaims, IntrospectionResponse, TokenResponse},
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
        Ok(introspected) => said(&house, &visit, introspected),
        Err(error) => oauth::error(&error, ClientRequest::used_authorization(&visit)),
    }
}

/// The media type of a signed answer (RFC 9701 §4).
const JWT: &str = "application/token-introspection+jwt";

/// JSON, or a JWT for a client that asks for one: it can keep that as evidence of what we said.
fn said(house: &House, visit: &Visit, Introspected { found, client }: Introspected) -> Response {
    let answer = body(house, found);
    if !accepts(visit.headers(), JWT) {
        return oauth::json(StatusCode::OK, &answer);
    }
    let alg = client.introspection_alg.unwrap_or(if client.is_fapi2() { client.access_token_alg } else { SigningAlg::Rs256 });
    let iss = &house.gateway.settings().issuer;
    let claims = IntrospectionClaims { iss, aud: client.id.as_str(), iat: visit.witness.now.as_secs(), token_introspection: answer };
    oauth::signed(house, visit, (alg, SignedAnswer::Introspection), JWT, &claims)
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = said.flat_map(|text| text.split(',')).map(|text| text.split(';').next().unwrap_or_default().trim());
    kinds.any(|accepted| accepted.eq_ignore_ascii_case(kind))
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
