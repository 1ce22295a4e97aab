//! Whose fault it is when a server answers with something else than it was asked for.
//!
//! Error codes are known by our own texts. What an upstream writes beside them is neither shown nor logged nor put into an error (attack 25).

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};
use openidconnect::HttpResponse;
use serde_json::Value;
use vestibule_domain::provider::{Phase, ProviderError};

use crate::line::{Object, invalid, misconfigured, object, unreachable};

/// Tells from an answer's body whether it is an error, whatever its status: several providers send theirs with 200.
pub(crate) type FindFault = fn(Phase, StatusCode, &Object) -> Option<ProviderError>;

/// RFC 6749 §5.2, the codes that GitHub adds, and `"ok": false`, which is how some interfaces that are older than the specification say no.
pub(crate) fn standard(phase: Phase, _: StatusCode, body: &Object) -> Option<ProviderError> {
    match body.get("error") {
        Some(Value::String(code)) => Some(of_code(phase, code)),
        Some(Value::Null) | None => (body.get("ok") == Some(&Value::Bool(false))).then(|| unknown(phase)),
        Some(_) => Some(unknown(phase)),
    }
}

/// What an error code may be said to mean.
pub(crate) const KNOWN: [&str; 15] = [
    "invalid_grant",
    "invalid_token",
    "invalid_client",
    "redirect_uri_mismatch",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_request",
    "insufficient_scope",
    "temporarily_unavailable",
    "server_error",
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
];

/// What a provider's own word means, if the settings say so. At a refresh a code of the specification's means what it says: taking a slip in our
/// request for a revocation would end the person's sessions.
pub(crate) fn meaning<'m>(phase: Phase, code: &str, own: &'m BTreeMap<String, String>) -> Option<&'m str> {
    let is_plain = phase == Phase::Refresh && KNOWN.contains(&code);
    own.get(code).filter(|_| !is_plain).map(String::as_str)
}

/// The fault that an error code stands for.
pub(crate) fn of_code(phase: Phase, code: &str) -> ProviderError {
    let wrong = |detail: &str| misconfigured(phase, detail);
    match code {
        // Asked without the person there, the provider wants them: what we hold is good for nothing until they have come.
        "interaction_required" | "login_required" | "consent_required" | "access_denied" if phase == Phase::Refresh => {
            spent(phase, "the person has to sign in there again")
        }
        "invalid_grant" => spent(phase, "invalid_grant: what was sent is spent, too old or another's"),
        "bad_verification_code" => spent(phase, "bad_verification_code: the code is spent, too old or another's"),
        "bad_refresh_token" => spent(phase, "bad_refresh_token: the refresh token is spent, too old or revoked"),
        "invalid_token" => spent(phase, "invalid_token: the access token is expired or revoked"),
        "invalid_client" => wrong("invalid_client: check client id, secret and how they are sent"),
        "incorrect_client_credentials" => wrong("incorrect_client_credentials: check client id and secret"),
        "redirect_uri_mismatch" => wrong("redirect_uri_mismatch: our callback address is not the one that is registered there"),
        "unauthorized_client" => wrong("unauthorized_client: the client there may not use this grant"),
        "unsupported_grant_type" => wrong("unsupported_grant_type: the client there may not use this grant"),
        "invalid_scope" => wrong("invalid_scope: the client there may not ask for all configured scopes"),
        "invalid_request" => wrong("invalid_request: compare the registration there with the configuration"),
        "insufficient_scope" => wrong("insufficient_scope: ask for the scope that this needs"),
        "unverified_user_email" => ProviderError::Refused { rule: "unverified_user_email" },
        "server_error" | "temporarily_unavailable" | "slow_down" => unreachable(phase, None, "it answered with an error of its own"),
        _ => unknown(phase),
    }
}

/// What we sent is honoured no more: a code in a sign-in, the tokens themselves in a refresh.
pub(crate) fn spent(phase: Phase, detail: &str) -> ProviderError {
    match phase {
        Phase::Refresh => ProviderError::Denied { phase, detail: detail.to_owned() },
        Phase::Token => invalid(phase, "code", detail),
        _ => invalid(phase, "token", detail),
    }
}

pub(crate) fn unknown(phase: Phase) -> ProviderError {
    invalid(phase, "error", "an error code that is not known")
}

/// The JSON object that an answer holds, unless it is an error.
pub(crate) fn read(phase: Phase, answer: &HttpResponse, find: FindFault) -> Result<Object, ProviderError> {
    let body = object(phase, answer);
    if let Some(fault) = body.as_ref().ok().and_then(|body| find(phase, answer.status(), body)) {
        return Err(fault);
    }
    if answer.status().is_success() { body } else { Err(of_status(phase, answer.status(), answer.headers())) }
}

/// The fault that a status stands for when the body says nothing better.
pub(crate) fn of_status(phase: Phase, status: StatusCode, headers: &HeaderMap) -> ProviderError {
    let code = status.as_u16();
    let about_us = matches!(phase, Phase::Token | Phase::Refresh | Phase::Revocation);
    match status {
        StatusCode::FORBIDDEN if is_rate_limit(headers) => unreachable(phase, Some(status), "we have asked it too often"),
        StatusCode::FORBIDDEN if is_page(headers) => {
            unreachable(phase, Some(status), "status 403 and a page: what stands before it turns us away")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if about_us => {
            misconfigured(phase, format!("status {code}: check client id and secret"))
        }
        StatusCode::UNAUTHORIZED => invalid(phase, "token", "status 401: it does not take the access token that it gave"),
        StatusCode::FORBIDDEN => misconfigured(phase, "status 403: our registration there lacks a scope or a permission for this"),
        _ => invalid(phase, "status", format!("status {code}")),
    }
}

/// GitHub says so with 403 and these headers; others with 429, which never comes this far.
fn is_rate_limit(headers: &HeaderMap) -> bool {
    headers.contains_key(http::header::RETRY_AFTER) || headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0")
}

/// No interface answers with a page; what guards one from robots does.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(phase: Phase, body: &Value) -> Option<ProviderError> {
        standard(phase, StatusCode::OK, body.as_object().unwrap())
    }

    #[test]
    fn an_error_is_one_whatever_the_status_of_the_answer() {
        assert_eq!(found(Phase::Token, &json!({"access_token": "a"})), None);
        assert_eq!(found(Phase::Token, &json!({"access_token": "a", "error": null, "ok": true})), None);
        for body in [
            json!({"ok": false}),
            json!({"ok": false, "error": "x"}),
            json!({"error": {"code": 1}}),
            json!({"error": "", "access_token": "a"}),
        ] {
            assert!(matches!(found(Phase::Token, &body), Some(ProviderError::Invalid { rule: "error", .. })), "{body}");
        }
    }

    #[test]
    fn what_is_spent_is_the_codes_fault_in_a_sign_in_and_the_end_in_a_refresh() {
        for code in ["invalid_grant", "bad_verification_code", "bad_refresh_token"] {
            assert!(matches!(of_code(Phase::Token, code), ProviderError::Invalid { rule: "code", .. }), "{code}");
            assert!(matches!(of_code(Phase::Refresh, code), ProviderError::Denied { .. }), "{code}");
        }
    }

    #[test]
    fn attack_25_unknown_codes_are_not_repeated() {
        for hostile in ["<script>", "a\r\nlevel=error", "Invalid_Grant"] {
            assert!(!format!("{:?}", of_code(Phase::Token, hostile)).contains(hostile));
        }
    }

    #[test]
    fn a_full_house_is_nobodys_mistake() {
        let limited = HeaderMap::from_iter([(http::HeaderName::from_static("x-ratelimit-remaining"), http::HeaderValue::from_static("0"))]);
        assert!(matches!(of_status(Phase::Api, StatusCode::FORBIDDEN, &limited), ProviderError::Unreachable { status: Some(403), .. }));
        assert!(matches!(of_status(Phase::Api, StatusCode::FORBIDDEN, &HeaderMap::new()), ProviderError::Misconfigured { .. }));
        assert!(matches!(
            of_status(Phase::Userinfo, StatusCode::UNAUTHORIZED, &HeaderMap::new()),
            ProviderError::Invalid { rule: "token", .. }
        ));
        assert!(matches!(of_status(Phase::Token, StatusCode::UNAUTHORIZED, &HeaderMap::new()), ProviderError::Misconfigured { .. }));
    }
}
