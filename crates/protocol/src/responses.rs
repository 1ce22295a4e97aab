//! JSON bodies of the token, introspection and error responses. Each goes out with `Cache-Control: no-store` (RFC 6749 §5.1).

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    acting::{ActorClaim, MayActClaim},
    claims::{Audience, ConfirmationClaim},
};

/// A successful token response (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct TokenResponse {
    pub access_token: String,
    /// How it is used.
    pub token_type: Cow<'static, str>,
    /// Seconds.
    pub expires_in: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted; said always, so that nobody has to remember what was asked.
    #[serde(default)]
    pub scope: String,
}

impl TokenResponse {
    /// Whoever has it may use it, or, if it is bound to a certificate, whoever has that too (RFC 8705 §3).
    pub const BEARER: Cow<'static, str> = Cow::Borrowed("Bearer");
    /// Whoever holds the key that it is bound to may use it (RFC 9449 §5).
    pub const DPOP: Cow<'static, str> = Cow::Borrowed("DPoP");
}

/// Without the tokens.
impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").field("expires_in", &self.expires_in).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// A request that was pushed (RFC 9126 §2.2).
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct PushedResponse {
    pub request_uri: String,
    /// Seconds.
    pub expires_in: u64,
}

/// Without the name, by which the request could be used.
impl fmt::Debug for PushedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// A successful token exchange (RFC 8693 §2.2.1).
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct ExchangeResponse {
    pub access_token: String,
    pub issued_token_type: &'static str,
    /// `Bearer`.
    pub token_type: Cow<'static, str>,
    /// Seconds; left out when an upstream did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// An upstream's as it names them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

impl ExchangeResponse {
    /// The only `issued_token_type` there is here (RFC 8693 §3).
    pub const ACCESS_TOKEN: &'static str = "urn:ietf:params:oauth:token-type:access_token";
}

/// Without the token.
impl fmt::Debug for ExchangeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeResponse").field("expires_in", &self.expires_in).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// A device authorization response (RFC 8628 §3.2).
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct DeviceAuthorizationResponse {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds.
    pub interval: u64,
}

/// Without the codes.
impl fmt::Debug for DeviceAuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorizationResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// An error response (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorResponse {
    /// One of the registered codes.
    pub error: Cow<'static, str>,
    /// For the app's developer; only %x20-21 / %x23-5B / %x5D-7E.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<Cow<'static, str>>,
}

/// An introspection response (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntrospectionResponse {
    active: bool,
    #[serde(flatten)]
    token: Option<ActiveToken>,
}

/// The claims of an introspection response that is a JWT (RFC 9701 §5). It has neither `sub` nor `exp`, so that nobody takes it for a token; what is told
/// of the token stands one level below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct IntrospectionClaims<'a> {
    pub iss: &'a str,
    pub aud: &'a str,
    pub iat: i64,
    pub token_introspection: IntrospectionResponse,
}

/// What a client may know of a token that is good. No `username`: it would be personal data that the caller can do without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct ActiveToken {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// `Bearer` or `DPoP` for an access token; absent for a refresh token, which has no type in RFC 6749 §7.1's sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<Cow<'static, str>>,
    /// RFC 9449 §6.2, RFC 8705 §3.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<ConfirmationClaim>,
    /// RFC 8693 §4.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorClaim>,
    /// RFC 8693 §4.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_act: Option<MayActClaim>,
}

impl IntrospectionResponse {
    /// `{"active":false}` and nothing more, whatever the cause: anything else would be an oracle.
    pub const fn inactive() -> Self {
        Self { active: false, token: None }
    }

    /// A good token.
    pub const fn active(token: ActiveToken) -> Self {
        Self { active: true, token: Some(token) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7662_section_2_2_an_inactive_token_is_answered_with_that_and_nothing_more() {
        assert_eq!(serde_json::to_string(&IntrospectionResponse::inactive()).unwrap(), r#"{"active":false}"#);
    }

    #[test]
    fn rfc_7662_section_2_2_an_active_token_is_answered_with_what_is_known() {
        let token = ActiveToken {
            scope: Some("openid".into()),
            aud: Some("a".into()),
            exp: Some(1),
            token_type: Some(TokenResponse::BEARER),
            ..Default::default()
        };
        assert_eq!(
            serde_json::to_string(&IntrospectionResponse::active(token)).unwrap(),
            r#"{"active":true,"scope":"openid","aud":"a","exp":1,"token_type":"Bearer"}"#
        );
    }

    #[test]
    fn rfc_6749_section_5_1_a_token_response_leaves_out_what_was_not_given() {
        let response = TokenResponse {
            access_token: "hush".into(),
            token_type: TokenResponse::BEARER,
            expires_in: 600,
            refresh_token: None,
            id_token: None,
            scope: "openid".into(),
        };
        let text = serde_json::to_string(&response).unwrap();
        assert_eq!(text, r#"{"access_token":"hush","token_type":"Bearer","expires_in":600,"scope":"openid"}"#);
        assert_eq!(serde_json::from_str::<TokenResponse>(&text).unwrap(), response);
        assert!(!format!("{response:?}").contains("hush"));
    }

    #[test]
    fn rfc_6749_section_5_2_an_error_response() {
        let error = ErrorResponse { error: "invalid_grant".into(), error_description: Some("the code was used".into()) };
        assert_eq!(serde_json::to_string(&error).unwrap(), r#"{"error":"invalid_grant","error_description":"the code was used"}"#);
    }
}
