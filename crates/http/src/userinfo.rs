//! `GET` and `POST /userinfo` (OpenID Connect Core 1.0 §5.3).

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use poem::Response;
use vestibule_domain::{
    error::{OAuthError, OAuthErrorCode},
    possession::ProofFault,
    token::SignedAnswer,
};
use vestibule_flows::{BearerFault, Scheme, Userinfo};
use vestibule_protocol::{
    claims::{SignedUserinfoClaims, UserinfoClaims},
    dpop,
    responses::ErrorResponse,
};

use crate::{house::House, oauth, visit::Visit};

pub(crate) async fn userinfo(house: Arc<House>, visit: Visit) -> Response {
    let (result, scheme) = match oauth::access_token(&house, &visit) {
        Ok(Some(token)) => (house.gateway.userinfo(&visit.witness, &token).await, token.scheme),
        Ok(None) => (Err(BearerFault::Missing), Scheme::Bearer),
        Err(fault) => (Err(fault), Scheme::Bearer),
    };
    let wants_nonce = matches!(result, Err(BearerFault::Unproven(ProofFault::Nonce)));
    let response = match result {
        Ok(userinfo) => said(&house, &visit, userinfo),
        Err(fault) => turned_away(&house, &fault, scheme),
    };
    oauth::with_nonce(&house, &visit, wants_nonce, response)
}

/// Plain JSON, or a JWT for a client that is registered for one.
fn said(house: &House, visit: &Visit, userinfo: Userinfo) -> Response {
    let Userinfo { subject, claims, client, alg } = userinfo;
    let userinfo = UserinfoClaims { sub: subject.to_string(), person: claims.into() };
    let Some(alg) = alg else { return oauth::json(StatusCode::OK, &userinfo) };
    let claims = SignedUserinfoClaims { iss: &house.gateway.settings().issuer, aud: client.as_str(), userinfo };
    oauth::signed(house, visit, (alg, SignedAnswer::Userinfo), "application/jwt", &claims)
}

/// RFC 6750 §3, RFC 9449 §7.1: a request without a token learns only the schemes, and where it is said who gives tokens (RFC 9728 §5.1).
fn turned_away(house: &House, fault: &BearerFault, scheme: Scheme) -> Response {
    let (status, code, description, scope) = match fault {
        BearerFault::Missing => return schemes(house),
        BearerFault::Malformed(why) => (StatusCode::BAD_REQUEST, OAuthErrorCode::InvalidRequest, *why, None),
        BearerFault::Invalid => {
            (StatusCode::UNAUTHORIZED, OAuthErrorCode::InvalidToken, "the token is not good, or not good any more", None)
        }
        BearerFault::Unproven(fault) => (StatusCode::UNAUTHORIZED, code_of(*fault), fault.explanation(), None),
        BearerFault::InsufficientScope(scope) => {
            (StatusCode::FORBIDDEN, OAuthErrorCode::InsufficientScope, "the token does not allow this", Some(*scope))
        }
        BearerFault::Store(error) => {
            tracing::error!(%error, "the database can't be used");
            return oauth::error(&OAuthError::unavailable(), false);
        }
    };
    let by_proof = scheme == Scheme::Dpop || matches!(fault, BearerFault::Unproven(_));
    let scope = scope.map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
    let text = format!("{}, error=\"{code}\", error_description=\"{description}\"{scope}", challenge(house, by_proof));
    let body = ErrorResponse { error: code.as_str().into(), error_description: Some(description.into()) };
    with_challenges(oauth::json(status, &body), &[text])
}

/// A token that came without what it is bound to is as bad as another (RFC 9449 §7.1); a proof that is wrong is named.
fn code_of(fault: ProofFault) -> OAuthErrorCode {
    match fault {
        ProofFault::Missing | ProofFault::OtherKey => OAuthErrorCode::InvalidToken,
        other => other.to_oauth().code,
    }
}

fn schemes(house: &House) -> Response {
    with_challenges(Response::builder().status(StatusCode::UNAUTHORIZED).finish(), &[challenge(house, false), challenge(house, true)])
}

fn challenge(house: &House, by_proof: bool) -> String {
    let metadata = house.resource_metadata("/userinfo");
    if by_proof {
        format!("DPoP realm=\"vestibule\", resource_metadata=\"{metadata}\", algs=\"{}\"", dpop::ALGORITHMS.join(" "))
    } else {
        format!("Bearer realm=\"vestibule\", resource_metadata=\"{metadata}\"")
    }
}

fn with_challenges(mut response: Response, challenges: &[String]) -> Response {
    for text in challenges {
        if let Ok(text) = HeaderValue::try_from(text) {
            response.headers_mut().append(header::WWW_AUTHENTICATE, text);
        }
    }
    response
}
