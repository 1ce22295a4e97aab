//! The token endpoint.

use std::borrow::Cow;

use poem::{
    Response,
    http::{StatusCode, header},
};
use serde_json::Value;
use vestibule_domain::{
    client::SigningAlg,
    error::{OAuthError, OAuthErrorCode},
    time::Timestamp,
};
use vestibule_protocol::{
    authorization::Authorization,
    responses::{ErrorResponse, TokenResponse},
};

use super::{Client, Desk, Grant, Refresh, TOKEN_LIFETIME};
use crate::{page, random, server::Asked};

const KNOWN: &[&str] = &["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "client_id", "client_secret"];

/// RFC 6749 §3.2, OpenID Connect Core 1.0 §3.1.3.
pub(super) fn token(desk: &Desk, asked: &Asked) -> Response {
    match answer(desk, asked) {
        Ok(tokens) => page::json(StatusCode::OK, &tokens),
        Err(error) => {
            let basic = error.code == OAuthErrorCode::InvalidClient && asked.headers.contains_key(header::AUTHORIZATION);
            let status = match error.code {
                OAuthErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
                OAuthErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = ErrorResponse { error: error.code.as_str().into(), error_description: Some(error.description) };
            let response = page::json(status, &body);
            // RFC 6749 §5.2: in the scheme that was tried.
            if basic { page::with_header(response, header::WWW_AUTHENTICATE, "Basic realm=\"pretend issuer\"") } else { response }
        }
    }
}

fn answer(desk: &Desk, asked: &Asked) -> Result<TokenResponse, OAuthError> {
    if !asked.form.repeated(KNOWN).is_empty() {
        return Err(OAuthError::invalid_request("a parameter is there twice"));
    }
    authenticate(desk.client.as_ref(), asked)?;
    let now = desk.clock.now();
    match asked.form.get("grant_type") {
        Some("authorization_code") => {
            let grant = redeem(desk, asked, now)?;
            let id_token_nonce = grant.nonce.clone();
            issue(desk, &grant, grant.scopes.clone(), id_token_nonce, now)
        }
        // OpenID Connect Core 1.0 §12.2: a refreshed ID token has no nonce.
        Some("refresh_token") => renew(desk, asked, now).and_then(|(grant, scopes)| issue(desk, &grant, scopes, None, now)),
        Some(_) => Err(OAuthError::new(OAuthErrorCode::UnsupportedGrantType, "only authorization_code and refresh_token")),
        None => Err(OAuthError::invalid_request("grant_type is missing")),
    }
}

/// `client_secret_basic` or `client_secret_post`, never both (RFC 6749 §2.3).
fn authenticate(client: Option<&Client>, asked: &Asked) -> Result<(), OAuthError> {
    let client = client.ok_or_else(OAuthError::invalid_client)?;
    let posted = asked.form.get("client_secret");
    let (id, secret) = match (asked.headers.get(header::AUTHORIZATION), posted) {
        (Some(_), Some(_)) => return Err(OAuthError::invalid_request("the client proves itself in two ways at once")),
        (Some(value), None) => match Authorization::parse(value.as_bytes()) {
            Ok(Authorization::Basic { id, secret }) => (id, secret),
            _ => return Err(OAuthError::invalid_client()),
        },
        (None, Some(secret)) => (asked.form.get("client_id").unwrap_or_default().to_owned(), secret.to_owned()),
        (None, None) => return Err(OAuthError::invalid_client()),
    };
    if id == client.id && random::digest(&secret) == client.secret { Ok(()) } else { Err(OAuthError::invalid_client()) }
}

/// RFC 6749 §4.1.3, RFC 7636 §4.6. Whatever comes of it, the code is spent; a spent one takes back what it gave (RFC 6749 §10.5).
fn redeem(desk: &Desk, asked: &Asked, now: Timestamp) -> Result<Grant, OAuthError> {
    let text = asked.form.get("code").ok_or_else(|| OAuthError::invalid_request("code is missing"))?;
    let mut books = desk.books();
    let code = books.codes.get(text, now).ok_or_else(|| OAuthError::invalid_grant("the code is unknown or older than a minute"))?;
    if std::mem::replace(&mut code.spent, true) {
        let grant = code.grant.id.clone();
        books.revoke(&grant);
        return Err(OAuthError::invalid_grant("the code was used before; what it gave is revoked"));
    }
    if asked.form.get("redirect_uri") != Some(&code.redirect_uri) {
        return Err(OAuthError::invalid_grant("redirect_uri is not that of the authorization request"));
    }
    let verifier = asked.form.get("code_verifier").ok_or_else(|| OAuthError::invalid_grant("code_verifier is missing"))?;
    if !(43..=128).contains(&verifier.len()) || random::challenge(verifier) != code.challenge {
        return Err(OAuthError::invalid_grant("code_verifier does not match the code_challenge"));
    }
    Ok(code.grant.clone())
}

/// RFC 6749 §6, with rotation: a refresh token works once, and one that comes again takes back all (RFC 9700 §4.14.2).
fn renew(desk: &Desk, asked: &Asked, now: Timestamp) -> Result<(Grant, Vec<String>), OAuthError> {
    let text = asked.form.get("refresh_token").ok_or_else(|| OAuthError::invalid_request("refresh_token is missing"))?;
    let mut books = desk.books();
    let refresh = books.refresh.get(text, now).ok_or_else(|| OAuthError::invalid_grant("the refresh token is not good"))?;
    if refresh.spent {
        let grant = refresh.grant.id.clone();
        books.revoke(&grant);
        return Err(OAuthError::invalid_grant("the refresh token was used before; all of this sign-in is revoked"));
    }
    let scopes = match asked.form.get("scope") {
        Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
        None => refresh.grant.scopes.clone(),
    };
    if !scopes.iter().all(|scope| refresh.grant.scopes.contains(scope)) {
        return Err(OAuthError::new(OAuthErrorCode::InvalidScope, "more than was granted"));
    }
    refresh.spent = true;
    Ok((refresh.grant.clone(), scopes))
}

/// The tokens of a sign-in, for `scopes`; the refresh token keeps all that was granted (OAuth 2.1 §4.3.3).
fn issue(desk: &Desk, grant: &Grant, scopes: Vec<String>, nonce: Option<String>, now: Timestamp) -> Result<TokenResponse, OAuthError> {
    let access_token = random::secret(desk.entropy.as_ref());
    let narrowed = Grant { scopes, nonce, ..grant.clone() };
    let id_token = id_token(desk, &narrowed, &access_token, now)?;
    let scope = narrowed.scopes.join(" ");
    let mut books = desk.books();
    let refresh_token = grant.scopes.iter().any(|scope| scope == "offline_access").then(|| {
        let token = random::secret(desk.entropy.as_ref());
        books.refresh.put(&token, Refresh { grant: grant.clone(), spent: false }, now);
        token
    });
    books.access.put(&access_token, narrowed, now);
    Ok(TokenResponse {
        access_token,
        token_type: TokenResponse::BEARER,
        expires_in: TOKEN_LIFETIME.as_secs(),
        refresh_token,
        id_token: Some(id_token),
        scope,
    })
}

/// OpenID Connect Core 1.0 §2.
fn id_token(desk: &Desk, grant: &Grant, access_token: &str, now: Timestamp) -> Result<String, OAuthError> {
    let mut claims = grant.person.claims(&grant.scopes);
    let client = desk.client.as_ref().map(|client| client.id.clone()).unwrap_or_default();
    let facts: [(&str, Value); 7] = [
        ("iss", desk.issuer.clone().into()),
        ("sub", grant.person.sub().into()),
        ("aud", client.into()),
        ("iat", now.as_secs().into()),
        ("exp", (now + TOKEN_LIFETIME).as_secs().into()),
        ("auth_time", grant.auth_time.as_secs().into()),
        ("at_hash", random::half_hash(access_token).into()),
    ];
    claims.extend(facts.map(|(name, value)| (name.to_owned(), value)));
    if let Some(nonce) = grant.nonce.clone() {
        claims.insert("nonce".to_owned(), nonce.into());
    }
    let payload = Value::Object(claims).to_string();
    desk.signer.sign_claims(SigningAlg::Rs256, "JWT", payload.as_bytes(), now).map_err(|fault| {
        tracing::error!(%fault, "the pretend issuer could not sign an ID token");
        OAuthError { description: Cow::Borrowed("signing failed"), ..OAuthError::server_error() }
    })
}
