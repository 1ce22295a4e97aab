//! The one OAuth error. It is made where a rule is broken and becomes a response once, in the http crate.

use std::borrow::Cow;

use crate::client::closed_enum;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

closed_enum! {
    /// Error codes of RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core 1.0 §3.1.2.6, RFC 7009 §2.2.1 and RFC 6750 §3.1.
    OAuthErrorCode {
        /// Tokens for that audience (RFC 8693 §2.2.2), or for that resource (RFC 8707 §2), are not to be had.
        InvalidTarget = "invalid_target",
        /// Something is missing, malformed or there twice.
        InvalidRequest = "invalid_request",
        /// The client did not prove who it is.
        InvalidClient = "invalid_client",
        /// The code or refresh token is not good.
        InvalidGrant = "invalid_grant",
        /// This client may not do this.
        UnauthorizedClient = "unauthorized_client",
        /// No such grant here.
        UnsupportedGrantType = "unsupported_grant_type",
        /// No such response type here.
        UnsupportedResponseType = "unsupported_response_type",
        /// More than the client may have.
        InvalidScope = "invalid_scope",
        /// The person, or a rule, said no.
        AccessDenied = "access_denied",
        /// Our fault.
        ServerError = "server_error",
        /// Not now.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// `prompt=none`, and nobody is signed in.
        LoginRequired = "login_required",
        /// `prompt=none`, and a page would be needed.
        InteractionRequired = "interaction_required",
        /// `prompt=none`, and a choice would be needed.
        AccountSelectionRequired = "account_selection_required",
        /// `prompt=none`, and consent would be needed.
        ConsentRequired = "consent_required",
        /// The person did not sign in in a way that was demanded (OpenID Connect Core Error Code unmet_authentication_requirements 1.0).
        UnmetAuthenticationRequirements = "unmet_authentication_requirements",
        /// The request object is not good (RFC 9101 §7).
        InvalidRequestObject = "invalid_request_object",
        /// Request objects are not supported for this client.
        RequestNotSupported = "request_not_supported",
        /// Nor by reference.
        RequestUriNotSupported = "request_uri_not_supported",
        /// Nor is `registration`.
        RegistrationNotSupported = "registration_not_supported",
        /// RFC 7009 §2.2.1.
        UnsupportedTokenType = "unsupported_token_type",
        /// RFC 6750 §3.1.
        InvalidToken = "invalid_token",
        /// RFC 6750 §3.1.
        InsufficientScope = "insufficient_scope",
        /// RFC 9449 §5.
        InvalidDpopProof = "invalid_dpop_proof",
        /// RFC 9449 §8: not wrong, but to be done again with the nonce that comes along.
        UseDpopNonce = "use_dpop_nonce",
        /// RFC 8628 §3.5: the person has not answered yet.
        AuthorizationPending = "authorization_pending",
        /// RFC 8628 §3.5: nobody answered in time.
        ExpiredToken = "expired_token",
        /// RFC 8628 §3.5; also for too many attempts of any kind, sent with 429 and `Retry-After`.
        SlowDown = "slow_down",
    }
}

/// An error for the app's developer. The description never carries input back, so it needs no escaping anywhere
/// (its characters are %x20-21 / %x23-5B / %x5D-7E, RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    /// What kind.
    pub code: OAuthErrorCode,
    /// One sentence on what to change.
    pub description: Cow<'static, str>,
    /// Seconds to wait before another try, when that is what is asked.
    pub retry_after: Option<u64>,
}

impl OAuthError {
    /// Any error.
    pub fn new(code: OAuthErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        debug_assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{description:?}");
        Self { code, description, retry_after: None }
    }

    /// `invalid_request`.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant`.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(OAuthErrorCode::InvalidGrant, description)
    }

    /// `invalid_client`: one text for every cause, so that nobody learns which clients exist (attack 85).
    pub fn invalid_client() -> Self {
        Self::new(OAuthErrorCode::InvalidClient, "client authentication failed")
    }

    /// `server_error`, for what only the operator can mend.
    pub fn server_error() -> Self {
        Self::new(OAuthErrorCode::ServerError, "something failed here; the operator's log has the reference")
    }

    /// `slow_down`: too many failures from one place.
    pub fn slow_down(retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(OAuthErrorCode::SlowDown, "too many failed attempts; wait and try again") }
    }

    /// `slow_down`: too many requests of one asker.
    pub fn too_many(retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(OAuthErrorCode::SlowDown, "too many requests; wait and try again") }
    }

    /// `temporarily_unavailable`.
    pub fn unavailable() -> Self {
        Self::new(OAuthErrorCode::TemporarilyUnavailable, "try again in a moment")
    }
}
