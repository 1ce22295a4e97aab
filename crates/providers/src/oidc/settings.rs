//! How one issuer is configured.

use secrecy::SecretString;
use url::Url;
use vestibule_domain::{client::SigningAlg, ids::ProviderId};

use crate::egress::Egress;

/// An issuer and our registration there.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Its name here.
    pub id: ProviderId,
    /// What stands on its button.
    pub label: String,
    /// Its identifier, exactly as it names itself, trailing slash included.
    pub issuer: String,
    /// Our client there.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<SecretString>,
    /// What is asked for; `openid` is always among it.
    pub scopes: Vec<String>,
    /// How the client proves itself at the token endpoint.
    pub token_auth: TokenAuth,
    /// Whether claims are fetched from userinfo too.
    pub userinfo: bool,
    /// How its ID tokens may be signed.
    pub allowed_algs: Vec<SigningAlg>,
}

/// How a client proves itself (OpenID Connect Core 1.0 §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenAuth {
    /// `client_secret_basic`.
    #[default]
    Basic,
    /// `client_secret_post`.
    Post,
}

/// What is wrong with the settings of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// OpenID Connect Discovery 1.0 §4: a URL without query or fragment.
    #[error("issuer is not a URL without query and fragment, as https://accounts.example.com")]
    Issuer,
    /// Not public https.
    #[error("issuer is not a public https address; for a test bench or an issuer on the premises, put host:port on the allow-list")]
    IssuerAddress,
    /// Nothing there.
    #[error("client_id is blank")]
    ClientId,
    /// Nothing could be accepted.
    #[error("allowed_algs is empty")]
    Algorithms,
    /// RFC 6749 §3.3.
    #[error("a scope is blank or has other characters than printable ASCII without quotes, backslashes and spaces")]
    Scope,
}

impl OidcSettings {
    /// The usual settings for an issuer: profile and e-mail, HTTP Basic, userinfo.
    pub fn new(id: ProviderId, label: impl Into<String>, issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            id,
            label: label.into(),
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret: None,
            scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
            token_auth: TokenAuth::default(),
            userinfo: true,
            allowed_algs: vec![SigningAlg::Rs256, SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa],
        }
    }

    /// Checks everything; returns the client that reaches the issuer, at its port too.
    pub(super) fn reached_by(&self, egress: Egress) -> Result<Egress, SettingsFault> {
        let url = Url::parse(&self.issuer).map_err(|_| SettingsFault::Issuer)?;
        let printable = self.issuer.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || url.query().is_some() || url.fragment().is_some() || url.host().is_none() {
            return Err(SettingsFault::Issuer);
        }
        let scope_char = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let bad_scope = |scope: &String| scope.is_empty() || !scope.bytes().all(scope_char);
        let egress = egress.at_port_of(&url);
        if !egress.permits(&url) {
            Err(SettingsFault::IssuerAddress)
        } else if self.client_id.is_empty() {
            Err(SettingsFault::ClientId)
        } else if self.allowed_algs.is_empty() {
            Err(SettingsFault::Algorithms)
        } else if self.scopes.iter().any(bad_scope) {
            Err(SettingsFault::Scope)
        } else {
            Ok(egress)
        }
    }
}
