//! `GET` and `POST /userinfo` (OpenID Connect Core 1.0 §5.3).

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use poem::Response;
use vestibule_domain::error::{OAuthError, OAuthErrorCode};
use vestibule_flows::BearerFault;
use vestibule_protocol::{claims::UserinfoClaims, responses::ErrorResponse};

use crate::{house::House, oauth, visit::Visit};

pub(crate) async fn userinfo(house: Arc<House>, visit: Visit) -> Response {
    let result = match oauth::bearer(&visit) {
        Ok(Some(token)) => house.gateway.userinfo(&visit.witness, &token).await,
        Ok(None) => Err(BearerFault::Missing),
        Err(fault) => Err(fault),
    };
    match result {
        Ok(userinfo) => oauth::json(StatusCode::OK, &UserinfoClaims { sub: userinfo.subject.to_string(), person: userinfo.claims.into() }),
        Err(fault) => turned_away(&house, &fault),
    }
}

/// RFC 6750 §3: a request without a token learns only the scheme, and where it is said who gives tokens (RFC 9728 §5.1).
fn turned_away(house: &House, fault: &BearerFault) -> Response {
    let realm = format!("Bearer realm=\"vestibule\", resource_metadata=\"{}\"", house.resource_metadata("/userinfo"));
    let (status, code, description, scope) = match fault {
        BearerFault::Missing => return challenge(StatusCode::UNAUTHORIZED, realm, None),
        BearerFault::Malformed(why) => (StatusCode::BAD_REQUEST, OAuthErrorCode::InvalidRequest, *why, None),
        BearerFault::Invalid => {
            (StatusCode::UNAUTHORIZED, OAuthErrorCode::InvalidToken, "the token is not good, or not good any more", None)
        }
        BearerFault::InsufficientScope(scope) => {
            (StatusCode::FORBIDDEN, OAuthErrorCode::InsufficientScope, "the token does not allow this", Some(*scope))
        }
        BearerFault::Store(error) => {
            tracing::error!(%error, "the database can't be used");
            return oauth::error(&OAuthError::unavailable(), false);
        }
    };
    let scope = scope.map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
    let text = format!("{realm}, error=\"{code}\", error_description=\"{description}\"{scope}");
    challenge(status, text, Some(ErrorResponse { error: code.as_str().into(), error_description: Some(description.into()) }))
}

fn challenge(status: StatusCode, text: String, body: Option<ErrorResponse>) -> Response {
    let mut response = match body {
        Some(body) => oauth::json(status, &body),
        None => Response::builder().status(status).finish(),
    };
    if let Ok(text) = HeaderValue::try_from(text) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, text);
    }
    response
}
