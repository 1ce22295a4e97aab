//! The line to one upstream: every step on it is timed, counted and traced, and what comes back is read strictly.

use std::{future::Future, sync::Arc, time::Instant};

use http::{HeaderMap, Response, StatusCode, header};
use openidconnect::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use tracing::{Instrument, Span, info_span};
use vestibule_domain::{
    ids::ProviderId,
    ports::Observer,
    provider::{Phase, ProviderError},
};
use vestibule_protocol::json;

use crate::egress::{Egress, EgressError};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

pub(crate) fn invalid(phase: Phase, rule: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError::Invalid { phase, rule, detail: detail.into() }
}

pub(crate) fn misconfigured(phase: Phase, detail: impl Into<String>) -> ProviderError {
    ProviderError::Misconfigured { phase, detail: detail.into() }
}

pub(crate) fn unreachable(phase: Phase, status: Option<StatusCode>, detail: impl Into<String>) -> ProviderError {
    ProviderError::Unreachable { phase, status: status.map(|status| status.as_u16()), detail: detail.into() }
}

#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) provider: ProviderId,
    pub(crate) egress: Egress,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Line {
    /// Runs one step in a span of its own, and tells the observer how it ended.
    pub(crate) async fn step<T>(&self, phase: Phase, work: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
        let started = Instant::now();
        let outcome = work.instrument(self.span(phase)).await;
        let result = outcome.as_ref().map_or_else(kind, |_| "ok");
        self.observer.upstream_called(&self.provider, phase, result, started.elapsed());
        outcome
    }

    fn span(&self, phase: Phase) -> Span {
        let id = self.provider.as_str();
        match phase {
            Phase::Discovery => info_span!("upstream.discovery", provider.id = id),
            Phase::Keys => info_span!("upstream.keys", provider.id = id),
            Phase::Callback => info_span!("upstream.callback", provider.id = id),
            Phase::Token => info_span!("upstream.token", provider.id = id),
            Phase::Userinfo => info_span!("upstream.userinfo", provider.id = id),
            Phase::Api => info_span!("upstream.api", provider.id = id),
            Phase::Refresh => info_span!("upstream.refresh", provider.id = id),
            Phase::Revocation => info_span!("upstream.revocation", provider.id = id),
            Phase::Logout => info_span!("upstream.logout", provider.id = id),
        }
    }

    /// Sends, and turns away what is the issuer's trouble whatever it was asked: no answer, a full house, an error of its own.
    pub(crate) async fn send(&self, phase: Phase, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let started = Instant::now();
        let answer = self.egress.send(request).await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        self.observer.upstream_answered(&self.provider, phase, status, started.elapsed());
        let answer = answer.map_err(|error| unanswered(phase, error))?;
        let status = answer.status();
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            return Err(unreachable(phase, Some(status), "it answered with an error of its own"));
        }
        Ok(answer)
    }

    /// GETs a JSON object.
    pub(crate) async fn get(&self, phase: Phase, url: &str, headers: HeaderMap) -> Result<Object, ProviderError> {
        let mut request = HttpRequest::new(Vec::new());
        // A URL that the `url` crate reads and `http` does not has no host that could be connected to.
        *request.uri_mut() = url.parse().map_err(|_| invalid(phase, "address", "an address that can't be asked"))?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        let answer = self.send(phase, request).await?;
        if phase == Phase::Discovery && answer.status() == StatusCode::NOT_FOUND {
            return Err(misconfigured(phase, "status 404: there is no such issuer; look at its configured address"));
        }
        if answer.status() != StatusCode::OK {
            return Err(invalid(phase, "status", format!("status {}", answer.status().as_u16())));
        }
        object(phase, &answer)
    }
}

fn unanswered(phase: Phase, error: EgressError) -> ProviderError {
    match error {
        EgressError::TooLarge(_) => invalid(phase, "too_large", error.to_string()),
        EgressError::Redirect(status) => invalid(phase, "redirect", format!("status {status}: {error}")),
        // The issuer's own address is the operator's; all others are what the issuer says.
        EgressError::Blocked if phase == Phase::Discovery => misconfigured(phase, error.to_string()),
        EgressError::Blocked => invalid(phase, "address", error.to_string()),
        _ => unreachable(phase, None, error.to_string()),
    }
}

/// Reads an answer's body as one JSON object. A page of HTML with status 200 is what captive portals and error pages look like.
pub(crate) fn object(phase: Phase, answer: &Response<Vec<u8>>) -> Result<Object, ProviderError> {
    if !is_json(answer.headers()) {
        return Err(invalid(phase, "content_type", "the answer is not application/json"));
    }
    match json::parse_strict(answer.body()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(invalid(phase, "json", "not a JSON object")),
        Err(error) => Err(invalid(phase, "json", error.to_string())),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(text)) = headers.get(header::CONTENT_TYPE).map(header::HeaderValue::to_str) else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/jwk-set+json"].iter().any(|json| essence.eq_ignore_ascii_case(json))
}

fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Declined => "declined",
        ProviderError::Paused { .. } => "paused",
        ProviderError::Unreachable { .. } => "unreachable",
        ProviderError::Invalid { .. } => "invalid",
        ProviderError::Denied { .. } => "denied",
        ProviderError::Refused { .. } => "refused",
        ProviderError::Misconfigured { .. } => "misconfigured",
    }
}
