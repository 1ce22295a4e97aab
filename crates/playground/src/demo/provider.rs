//! What Vestibule says of itself (OpenID Connect Discovery 1.0 §4).

use serde::Deserialize;

use super::{
    App,
    exchange::{Call, Exchange},
    home::Trouble,
};

/// The part of the discovery document that this app goes by.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: String,
    pub(super) introspection_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    /// RFC 9207 §3.
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub(super) says_iss: bool,
}

impl Provider {
    /// Fetches the document anew: a restarted Vestibule may say other things.
    pub(super) async fn discover(app: &App, issuer: &str) -> Result<(Self, Exchange), Trouble> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let reply = app.http.send(Call::get("Discovery", "OpenID Connect Discovery 1.0 §4", &address), app.now()).await;
        let Some(document) = reply.ok else {
            return Err(Trouble::new("Vestibule can't be reached", "Its discovery document did not come.").with(reply.exchange));
        };
        match serde_json::from_value::<Self>(document) {
            // §4.3: exactly the same, or it is somebody else's document.
            Ok(provider) if provider.issuer == issuer && provider.is_on_the_web() => Ok((provider, reply.exchange)),
            Ok(_) => Err(Trouble::new("This is another issuer", "The discovery document does not belong to the issuer that was asked.")
                .with(reply.exchange)),
            Err(_) => {
                Err(Trouble::new("That was no discovery document", "It lacks an endpoint that every issuer has.").with(reply.exchange))
            }
        }
    }

    /// All that is asked for, as far as it is on offer.
    pub(super) fn scope(&self) -> String {
        let wanted = ["openid", "profile", "email", "groups", "offline_access"];
        let offered = |scope: &&&str| **scope == "openid" || self.scopes_supported.iter().any(|offered| offered == **scope);
        wanted.iter().filter(offered).copied().collect::<Vec<_>>().join(" ")
    }

    /// Browsers are sent to two of these.
    fn is_on_the_web(&self) -> bool {
        let to_the_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        to_the_web(&self.authorization_endpoint) && self.end_session_endpoint.as_deref().is_none_or(to_the_web)
    }
}
