//! The document that clients discover us by (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). It says what is there, and has no field that no
//! specification knows.

use serde::Serialize;
use vestibule_domain::{client::AuthMethod, settings::CertificateSettings};

use crate::dpop;

/// Scopes that mean something here.
pub const SCOPES: &[&str] = &["openid", "profile", "email", "groups", "offline_access"];

const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "locale",
    "zoneinfo",
    "email",
    "email_verified",
    "groups",
];

/// How a client may prove who it is, wherever a client calls.
const AUTH_METHODS: [AuthMethod; 4] =
    [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost, AuthMethod::ClientSecretJwt, AuthMethod::PrivateKeyJwt];

/// What client assertions may be signed with; Ed25519 is the name that RFC 9864 gives to what EdDSA is here.
const ASSERTION_ALGS: &[&str] = &["HS256", "RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/// What clients may sign request objects with; Ed25519 is the name that RFC 9864 gives to what EdDSA is here.
const CLIENT_ALGS: &[&str] = &["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/// Provider metadata. The same document is served at every well-known address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specifications'")]
pub struct ProviderMetadata {
    /// Compared as a string by clients, so it is the configured text, unchanged.
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    /// RFC 9126 §5. Whether a client must push is its own registration's business, so `require_pushed_authorization_requests` is left out.
    pub pushed_authorization_request_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
    /// RFC 8628 §4.
    pub device_authorization_endpoint: String,
    /// Where apps register themselves (RFC 7591 §3); absent where they can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Whether the address of a metadata document is a client id; absent where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id_metadata_document_supported: Option<bool>,
    /// RP-Initiated Logout 1.0 §2.1.
    pub end_session_endpoint: String,
    /// Back-Channel Logout 1.0 §2.1.
    pub backchannel_logout_supported: bool,
    /// Said of the gateway: clients whose subject type is pairwise are told of no session.
    pub backchannel_logout_session_supported: bool,
    /// Front-Channel Logout 1.0 §3.
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
    pub scopes_supported: &'static [&'static str],
    pub claims_supported: &'static [&'static str],
    pub claim_types_supported: &'static [&'static str],
    pub response_types_supported: &'static [&'static str],
    pub response_modes_supported: &'static [&'static str],
    pub grant_types_supported: &'static [&'static str],
    pub subject_types_supported: &'static [&'static str],
    /// RS256 is among them, always (§3).
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub userinfo_signing_alg_values_supported: Vec<String>,
    /// RFC 9701 §7.
    pub introspection_signing_alg_values_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// Without `none`: a public client can't prove who it is, so it may not ask about tokens (RFC 7662 §2.1).
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// RFC 8705 §5: where clients with certificates call, when it is at another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<MtlsEndpoints>,
    /// RFC 8705 §3.3: whether tokens can be bound to a certificate.
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Without it, some clients conclude that there is no PKCE (RFC 9700 §2.1.1).
    pub code_challenge_methods_supported: &'static [&'static str],
    /// RFC 9449 §5.1.
    pub dpop_signing_alg_values_supported: &'static [&'static str],
    /// Initiating User Registration 1.0 §4 has the list; clients look here for `none`.
    pub prompt_values_supported: &'static [&'static str],
    /// RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: bool,
    pub claims_parameter_supported: bool,
    /// RFC 9101 §9; what a client's keys can do. `none` is not among them.
    pub request_parameter_supported: bool,
    pub request_object_signing_alg_values_supported: &'static [&'static str],
    /// Said because left out it would mean true (§3).
    pub request_uri_parameter_supported: bool,
}

/// The endpoints that a client with a certificate calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specifications'")]
pub struct MtlsEndpoints {
    pub token_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub device_authorization_endpoint: String,
    pub userinfo_endpoint: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
}

/// RFC 8628 §3.4.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// RFC 8693 §2.1.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The metadata of `issuer`, whose endpoints lie right below it; `algs` are the algorithms that have a signing key, RS256 first.
/// `mtls` is the issuer as clients with certificates call it, if that is another name.
pub fn provider_metadata(issuer: &str, algs: &[&str], certificates: &CertificateSettings, mtls: Option<&str>) -> ProviderMetadata {
    let confidential: Vec<_> = auth_methods(certificates).map(AuthMethod::as_str).collect();
    let and_public = [confidential.as_slice(), &[AuthMethod::None.as_str()]].concat();
    let url = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    let signing_algs: Vec<_> = algs.iter().map(|&alg| alg.to_owned()).collect();
    ProviderMetadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: url("/authorize"),
        token_endpoint: url("/token"),
        pushed_authorization_request_endpoint: url("/par"),
        userinfo_endpoint: url("/userinfo"),
        jwks_uri: url("/jwks"),
        revocation_endpoint: url("/revoke"),
        introspection_endpoint: url("/introspect"),
        device_authorization_endpoint: url("/device_authorization"),
        registration_endpoint: None,
        client_id_metadata_document_supported: None,
        end_session_endpoint: url("/logout"),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
        scopes_supported: SCOPES,
        claims_supported: CLAIMS,
        claim_types_supported: &["normal"],
        response_types_supported: &["code"],
        response_modes_supported: &["query", "form_post"],
        grant_types_supported: &["authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, TOKEN_EXCHANGE],
        subject_types_supported: &["public", "pairwise"],
        id_token_signing_alg_values_supported: signing_algs.clone(),
        userinfo_signing_alg_values_supported: signing_algs.clone(),
        introspection_signing_alg_values_supported: signing_algs,
        token_endpoint_auth_methods_supported: and_public.clone(),
        token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
        revocation_endpoint_auth_methods_supported: and_public,
        revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
        introspection_endpoint_auth_methods_supported: confidential,
        introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
        mtls_endpoint_aliases: mtls.map(mtls_endpoints),
        tls_client_certificate_bound_access_tokens: certificates.reach_us,
        code_challenge_methods_supported: &["S256"],
        dpop_signing_alg_values_supported: dpop::ALGORITHMS,
        prompt_values_supported: &["none", "login", "consent", "select_account"],
        authorization_response_iss_parameter_supported: true,
        claims_parameter_supported: true,
        request_parameter_supported: true,
        request_object_signing_alg_values_supported: CLIENT_ALGS,
        request_uri_parameter_supported: false,
    }
}

/// Certificates only where they reach us, and those of authorities only where there are some.
fn auth_methods(certificates: &CertificateSettings) -> impl Iterator<Item = AuthMethod> {
    let by_authority = (certificates.reach_us && certificates.vouched_for).then_some(AuthMethod::TlsClientAuth);
    let by_itself = certificates.reach_us.then_some(AuthMethod::SelfSignedTlsClientAuth);
    AUTH_METHODS.into_iter().chain(by_authority).chain(by_itself)
}

fn mtls_endpoints(issuer: &str) -> MtlsEndpoints {
    let url = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    MtlsEndpoints {
        token_endpoint: url("/token"),
        pushed_authorization_request_endpoint: url("/par"),
        device_authorization_endpoint: url("/device_authorization"),
        userinfo_endpoint: url("/userinfo"),
        revocation_endpoint: url("/revoke"),
        introspection_endpoint: url("/introspect"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn oidc_discovery_section_3_the_document_says_what_is_there_and_nothing_else() {
        let document = serde_json::to_value(provider_metadata(
            "https://id.example/tenant",
            &["RS256", "ES256"],
            &CertificateSettings::default(),
            None,
        ))
        .unwrap();
        let auth = json!(["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]);
        let confidential = json!(["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]);
        let assertions = json!(["HS256", "RS256", "PS256", "ES256", "EdDSA", "Ed25519"]);
        let claims = document["claims_supported"].clone();
        assert_eq!(
            document,
            json!({
                "issuer": "https://id.example/tenant",
                "authorization_endpoint": "https://id.example/tenant/authorize",
                "token_endpoint": "https://id.example/tenant/token",
                "pushed_authorization_request_endpoint": "https://id.example/tenant/par",
                "userinfo_endpoint": "https://id.example/tenant/userinfo",
                "jwks_uri": "https://id.example/tenant/jwks",
                "revocation_endpoint": "https://id.example/tenant/revoke",
                "introspection_endpoint": "https://id.example/tenant/introspect",
                "device_authorization_endpoint": "https://id.example/tenant/device_authorization",
                "end_session_endpoint": "https://id.example/tenant/logout",
                "backchannel_logout_supported": true,
                "backchannel_logout_session_supported": true,
                "frontchannel_logout_supported": true,
                "frontchannel_logout_session_supported": true,
                "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
                "claims_supported": claims,
                "claim_types_supported": ["normal"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "form_post"],
                "grant_types_supported": [
                    "authorization_code",
                    "refresh_token",
                    "client_credentials",
                    "urn:ietf:params:oauth:grant-type:device_code",
                    "urn:ietf:params:oauth:grant-type:token-exchange"
                ],
                "subject_types_supported": ["public", "pairwise"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "userinfo_signing_alg_values_supported": ["RS256", "ES256"],
                "introspection_signing_alg_values_supported": ["RS256", "ES256"],
                "token_endpoint_auth_methods_supported": auth,
                "token_endpoint_auth_signing_alg_values_supported": assertions,
                "revocation_endpoint_auth_methods_supported": auth,
                "revocation_endpoint_auth_signing_alg_values_supported": assertions,
                "introspection_endpoint_auth_methods_supported": confidential,
                "introspection_endpoint_auth_signing_alg_values_supported": assertions,
                "tls_client_certificate_bound_access_tokens": false,
                "code_challenge_methods_supported": ["S256"],
                "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"],
                "prompt_values_supported": ["none", "login", "consent", "select_account"],
                "authorization_response_iss_parameter_supported": true,
                "claims_parameter_supported": true,
                "request_parameter_supported": true,
                "request_object_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
                "request_uri_parameter_supported": false,
            })
        );
    }

    #[test]
    fn rfc_8705_section_5_certificates_are_announced_where_they_reach_us_and_at_the_name_they_come_under() {
        let methods = |reach_us, vouched_for| {
            let certificates = CertificateSettings { reach_us, vouched_for, host: None };
            let document = serde_json::to_value(provider_metadata("https://id.example", &["RS256"], &certificates, None)).unwrap();
            let all = document["token_endpoint_auth_methods_supported"].as_array().unwrap().clone();
            all.into_iter().filter(|method| method.as_str().unwrap().contains("tls")).collect::<Vec<_>>()
        };
        assert!(methods(false, true).is_empty() && methods(false, false).is_empty());
        assert_eq!(methods(true, false), ["self_signed_tls_client_auth"]);
        assert_eq!(methods(true, true), ["tls_client_auth", "self_signed_tls_client_auth"]);
        let there = provider_metadata("https://id.example", &["RS256"], &CertificateSettings::default(), Some("https://mtls.id.example/"));
        assert_eq!(there.mtls_endpoint_aliases.unwrap().token_endpoint, "https://mtls.id.example/token");
    }

    #[test]
    fn oidc_discovery_section_4_3_the_issuer_keeps_its_slash_and_the_endpoints_have_one() {
        let metadata = provider_metadata("https://id.example/", &["RS256"], &CertificateSettings::default(), None);
        assert_eq!((metadata.issuer.as_str(), metadata.jwks_uri.as_str()), ("https://id.example/", "https://id.example/jwks"));
    }

    #[test]
    fn every_claim_that_can_be_released_is_announced() {
        let all = crate::claims::StandardClaims {
            name: Some(String::new()),
            given_name: Some(String::new()),
            family_name: Some(String::new()),
            nickname: Some(String::new()),
            preferred_username: Some(String::new()),
            profile: Some(String::new()),
            picture: Some(String::new()),
            website: Some(String::new()),
            locale: Some(String::new()),
            zoneinfo: Some(String::new()),
            email: Some(String::new()),
            email_verified: Some(true),
            groups: Some(vec![]),
        };
        let all = serde_json::to_value(all).unwrap();
        for name in all.as_object().unwrap().keys() {
            assert!(CLAIMS.contains(&name.as_str()), "{name}");
        }
        assert_eq!(CLAIMS.len(), all.as_object().unwrap().len() + 11);
    }
}
