//! The one place where an OAuth error becomes a response, and other answers to programs.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use poem::Response;
use secrecy::SecretString;
use serde::Serialize;
use vestibule_domain::{
    client::SigningAlg,
    error::{OAuthError, OAuthErrorCode},
    ports::SignerError,
    possession::Thumbprint,
    token::SignedAnswer,
};
use vestibule_flows::{BearerFault, Presented, Scheme, TokenShown};
use vestibule_protocol::{authorization::Authorization, parameters::Parameters, responses::ErrorResponse};

use crate::{house::House, visit::Visit};

/// A JSON answer that nobody keeps (RFC 6749 §5.1).
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => Response::builder()
            .status(status)
            .content_type("application/json")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::PRAGMA, "no-cache")
            .body(body),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into(),
    }
}

/// A signed answer that nobody keeps.
pub(crate) fn signed(
    house: &House,
    visit: &Visit,
    (alg, answer): (SigningAlg, SignedAnswer),
    content_type: &'static str,
    claims: &impl Serialize,
) -> Response {
    let now = visit.witness.now;
    let signed = serde_json::to_vec(claims).map_err(|_| SignerError::Failed);
    match signed.and_then(|claims| house.gateway.signer().sign_answer(alg, answer, &claims, now)) {
        Ok(jwt) => Response::builder().content_type(content_type).header(header::CACHE_CONTROL, "no-store").body(jwt),
        Err(fault) => {
            tracing::error!(error = %fault, "an answer can't be signed");
            error(&OAuthError::server_error(), false)
        }
    }
}

/// An error for an app (RFC 6749 §5.2). `used_authorization`: the client authenticated by header, so the answer names the scheme.
pub(crate) fn error(error: &OAuthError, used_authorization: bool) -> Response {
    use OAuthErrorCode as Code;
    let status = match error.code {
        Code::InvalidClient => StatusCode::UNAUTHORIZED,
        // To a device it is an answer like any other (RFC 8628 §3.5).
        Code::SlowDown if error.retry_after.is_some() => StatusCode::TOO_MANY_REQUESTS,
        Code::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        Code::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = ErrorResponse { error: error.code.as_str().into(), error_description: Some(error.description.clone()) };
    let mut response = json(status, &body);
    if error.code == Code::InvalidClient && used_authorization {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"vestibule\", charset=\"UTF-8\""));
    }
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What a client may say who it is with; each of them once.
const CREDENTIALS: [&str; 4] = ["client_id", "client_secret", "client_assertion_type", "client_assertion"];

/// A request of a client that says who it is.
pub(crate) struct ClientRequest {
    pub(crate) presented: Presented,
    pub(crate) parameters: Parameters,
}

impl ClientRequest {
    /// Reads the form and the credentials. Secrets in the query are not looked at (OAuth 2.1 §2.4).
    pub(crate) fn read(house: &House, visit: &Visit) -> Result<Self, OAuthError> {
        let mut parameters = visit.parameters().map_err(|fault| OAuthError::invalid_request(fault.explanation()))?;
        if let Some(name) = parameters.repeated(&CREDENTIALS).first() {
            return Err(OAuthError::invalid_request(format!("{name} came more than once")));
        }
        let basic = match authorization_of(visit)? {
            Some(Authorization::Basic { id, secret }) => Some((id, SecretString::from(secret))),
            Some(_) => return Err(OAuthError::invalid_request("clients authenticate with HTTP Basic or in the form")),
            None => None,
        };
        let presented = Presented {
            basic,
            client_id: parameters.take("client_id"),
            client_secret: parameters.take("client_secret").map(SecretString::from),
            assertion_type: parameters.take("client_assertion_type"),
            assertion: parameters.take("client_assertion").map(SecretString::from),
            certificate: house.certificate(visit).map(Arc::new),
            proofs: proofs(visit),
            endpoint: house.url_of(visit),
        };
        Ok(Self { presented, parameters })
    }

    /// Whether the client used the `Authorization` header.
    pub(crate) fn used_authorization(visit: &Visit) -> bool {
        visit.headers().contains_key(header::AUTHORIZATION)
    }
}

fn authorization_of(visit: &Visit) -> Result<Option<Authorization>, OAuthError> {
    let mut values = visit.headers().get_all(header::AUTHORIZATION).iter();
    let (first, second) = (values.next(), values.next());
    match (first, second) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(OAuthError::invalid_request("there is more than one Authorization header")),
        (Some(value), None) => Authorization::parse(value.as_bytes())
            .map(Some)
            .map_err(|_| OAuthError::invalid_request("the Authorization header is malformed")),
    }
}

/// The bearer token of the `Authorization` header and nothing else.
pub(crate) fn header_bearer(visit: &Visit) -> Result<Option<String>, BearerFault> {
    match authorization_of(visit) {
        Ok(Some(Authorization::Bearer(token))) => Ok(Some(token)),
        Ok(Some(_)) | Err(_) => Err(BearerFault::Malformed("the Authorization header must be Bearer and one token")),
        Ok(None) => Ok(None),
    }
}

/// The values of the `DPoP` headers (RFC 9449 §4.1); one that is no text is no proof either.
fn proofs(visit: &Visit) -> Vec<String> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    visit.headers().get_all("dpop").iter().map(text).collect()
}

/// Tells who came with a proof, or has to, what the next one must have in it (RFC 9449 §8.2).
pub(crate) fn with_nonce(house: &House, visit: &Visit, is_asked_for: bool, mut response: Response) -> Response {
    if is_asked_for || visit.headers().contains_key("dpop") {
        // Base64url is fit for a header.
        if let Ok(nonce) = HeaderValue::try_from(house.gateway.dpop_nonce(visit.witness.now)) {
            response.headers_mut().insert("dpop-nonce", nonce);
        }
    }
    response
}

/// The access token of a request: the header, or, in a POST, the form (RFC 6750 §2, RFC 9449 §7.1). In the query it is not looked at.
pub(crate) fn access_token(house: &House, visit: &Visit) -> Result<Option<TokenShown>, BearerFault> {
    let from_header = match authorization_of(visit) {
        Ok(Some(Authorization::Bearer(token))) => Some((token, Scheme::Bearer)),
        Ok(Some(Authorization::Dpop(token))) => Some((token, Scheme::Dpop)),
        Ok(Some(_)) | Err(_) => return Err(BearerFault::Malformed("the Authorization header must be Bearer or DPoP and one token")),
        Ok(None) => None,
    };
    let is_form = visit.is_post() && !visit.body.is_empty();
    let from_form = if is_form {
        let mut form = visit.parameters().map_err(|fault| BearerFault::Malformed(fault.explanation()))?;
        if !form.repeated(&["access_token"]).is_empty() {
            return Err(BearerFault::Malformed("access_token came more than once"));
        }
        form.take("access_token").map(|token| (token, Scheme::Form))
    } else {
        None
    };
    if from_header.is_some() && from_form.is_some() {
        return Err(BearerFault::Malformed("the token came in two ways at once"));
    }
    let shown = |(text, scheme)| TokenShown {
        text,
        scheme,
        proofs: proofs(visit),
        certificate: house.certificate(visit).map(|certificate| Thumbprint(certificate.thumbprint)),
        method: visit.request.method().to_string(),
        endpoint: house.url_of(visit),
    };
    Ok(from_header.or(from_form).map(shown))
}
