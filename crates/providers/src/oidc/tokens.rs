//! What is asked of the token endpoint, and how our client proves itself there.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use openidconnect::HttpResponse;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use vestibule_domain::{
    provider::{Phase, ProviderError, ReceivedTokens},
    time::Timestamp,
};

use super::{
    OidcProvider, departure,
    metadata::Metadata,
    settings::{Pkce, TokenAuth},
};
use crate::{
    line::{Object, invalid, misconfigured, object},
    oauth2::{
        answer::{granted, tokens},
        api::request,
        client::{basic, random_text},
        fault,
        settings::Separator,
    },
};

/// How long what we sign for one request is good. Apple would take half a year; then a stolen one would be good for as long.
const ASSERTION: Duration = Duration::from_mins(5);
/// Whom Apple's client secret is for.
const APPLE: &str = "https://appleid.apple.com";

/// What the token endpoint gave.
pub(super) struct Redeemed {
    pub(super) tokens: ReceivedTokens,
    pub(super) id_token: SecretString,
    pub(super) access_token: SecretString,
}

impl OidcProvider {
    /// The code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(super) async fn redeem(
        &self,
        metadata: &Metadata,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Redeemed, ProviderError> {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
        if self.settings.pkce != Pkce::Never {
            form.push(("code_verifier", verifier));
        }
        let body = self.line.step(Phase::Token, self.ask(Phase::Token, metadata, &form)).await?;
        let tokens = granted(received(Phase::Token, &body, now)?, &body, &departure::scopes(&self.settings).join(" "));
        let (Some(access_token), Some(id_token)) = (tokens.access_token.clone(), tokens.id_token.clone()) else {
            return Err(invalid(Phase::Token, "id_token", "no ID token; is the scope openid allowed there?"));
        };
        Ok(Redeemed { tokens, id_token, access_token })
    }

    /// Asks the token endpoint with a form.
    pub(super) async fn ask(&self, phase: Phase, metadata: &Metadata, form: &[(&str, &str)]) -> Result<Object, ProviderError> {
        let answer = self.post(phase, &metadata.token_endpoint, form).await?;
        let body = object(phase, &answer);
        if let Ok(body) = &body
            && let Some(fault) = self.fault_in(phase, answer.status(), body)
        {
            return Err(fault);
        }
        if answer.status() == StatusCode::OK { body } else { Err(fault::of_status(phase, answer.status(), answer.headers())) }
    }

    /// The error that a body is (RFC 6749 §5.2). With status 200 only where the issuer is known to send them so.
    pub(super) fn fault_in(&self, phase: Phase, status: StatusCode, body: &Object) -> Option<ProviderError> {
        if status.is_success() && !self.settings.error_in_200 {
            return None;
        }
        let code = body.get("error").and_then(Value::as_str);
        match code {
            Some(code) => Some(fault::of_code(phase, fault::meaning(phase, code, &self.settings.error_codes).unwrap_or(code))),
            None => fault::standard(phase, status, body),
        }
    }

    /// POSTs a form as our client.
    pub(super) async fn post(&self, phase: Phase, endpoint: &str, form: &[(&str, &str)]) -> Result<HttpResponse, ProviderError> {
        let url = Url::parse(endpoint).map_err(|_| invalid(phase, "endpoint", "an address that is no URL"))?;
        let mut headers = HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ]);
        let mut fields: Vec<(&str, Cow<'_, str>)> = form.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
        self.prove(phase, &mut headers, &mut fields)?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes();
        self.line.send(phase, request(phase, Method::POST, &url, headers, body)?).await
    }

    /// OpenID Connect Core 1.0 §9.
    fn prove<'a>(&'a self, phase: Phase, headers: &mut HeaderMap, fields: &mut Vec<(&'a str, Cow<'a, str>)>) -> Result<(), ProviderError> {
        let settings = &self.settings;
        if let (TokenAuth::Basic, Some(secret)) = (settings.token_auth, &settings.client_secret) {
            headers.insert(header::AUTHORIZATION, basic(&settings.client_id, secret)?);
            return Ok(());
        }
        fields.push(("client_id", Cow::Borrowed(&settings.client_id)));
        match settings.token_auth {
            TokenAuth::PrivateKeyJwt => {
                fields.push(("client_assertion_type", Cow::Borrowed("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")));
                fields.push(("client_assertion", Cow::Owned(self.assertion(phase)?)));
            }
            TokenAuth::Apple => fields.push(("client_secret", Cow::Owned(self.apple_secret(phase)?))),
            TokenAuth::None => {}
            TokenAuth::Basic | TokenAuth::Post => {
                let secret = settings.client_secret.as_ref().map(|secret| ("client_secret", Cow::Borrowed(secret.expose_secret())));
                fields.extend(secret);
            }
        }
        Ok(())
    }

    /// RFC 7523 §3. It is for the issuer alone, whatever endpoint it is sent to: a hostile issuer that names another's endpoint as its own
    /// gets an assertion that is of no use there (attack 26).
    fn assertion(&self, phase: Phase) -> Result<String, ProviderError> {
        let settings = &self.settings;
        let now = self.clock.now();
        self.signed(
            phase,
            &json!({
                "iss": settings.client_id,
                "sub": settings.client_id,
                "aud": settings.assertion_audience.as_ref().unwrap_or(&settings.issuer),
                "jti": random_text(&*self.entropy),
                "iat": now.as_secs(),
                "exp": (now + ASSERTION).as_secs(),
            }),
        )
    }

    fn apple_secret(&self, phase: Phase) -> Result<String, ProviderError> {
        let now = self.clock.now();
        let (iss, sub) = (&self.settings.team_id, &self.settings.client_id);
        self.signed(phase, &json!({"iss": iss, "sub": sub, "aud": APPLE, "iat": now.as_secs(), "exp": (now + ASSERTION).as_secs()}))
    }

    fn signed(&self, phase: Phase, claims: &Value) -> Result<String, ProviderError> {
        let key = self.settings.private_key.as_ref().ok_or_else(|| misconfigured(phase, "there is no private key to sign with"))?;
        key.sign(claims).map_err(|error| misconfigured(phase, error.to_string()))
    }
}

/// The tokens of an answer; the ID token, if there is one, is not believed yet.
pub(super) fn received(phase: Phase, body: &Object, now: Timestamp) -> Result<ReceivedTokens, ProviderError> {
    // OpenID Connect Core 1.0 §3.1.3.3 wants it there.
    if !body.get("token_type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(invalid(phase, "token_type", "the access token is not a bearer token"));
    }
    let id_token = body.get("id_token").and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(ReceivedTokens { id_token: id_token.map(|text| text.to_owned().into()), ..tokens(phase, body, Separator::Space, now)? })
}
