//! An upstream issuer that others wrote: npm `oidc-provider`.

use serde_json::{Value, json};

use crate::{Program, node};

/// A running issuer that knows one gateway as its client.
#[derive(Debug)]
pub struct Upstream {
    program: Program,
}

/// What the gateway is known as upstream.
pub const CLIENT_ID: &str = "vestibule";
/// Its secret there.
pub const CLIENT_SECRET: &str = "upstream-secret-0123456789abcdef0123456789";

impl Upstream {
    /// Starts it; `gateway` is the issuer of the gateway, which comes under the provider name `acme`.
    pub fn start(gateway: &str) -> Self {
        let client = json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [format!("{gateway}/callback/acme")],
            "grant_types": ["authorization_code", "refresh_token"],
            "backchannel_logout_uri": format!("{gateway}/callback/acme/backchannel-logout"),
            "backchannel_logout_session_required": true,
            "post_logout_redirect_uris": [format!("{gateway}/logout/back")],
        });
        Self { program: Program::start(node("upstream.mjs", &json!({ "clients": [client] }))) }
    }

    /// Its issuer name.
    pub fn issuer(&self) -> &str {
        &self.program.url
    }

    /// Its section of the configuration, with more lines if there are any.
    pub fn section(&self, id: &str, more: &str) -> String {
        format!(
            r#"preset = "oidc"
id = "{id}"
label = "Acme"
issuer = "{}"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
scopes = ["profile", "email", "offline_access"]
{more}"#,
            self.issuer()
        )
    }

    /// Signs with a new key from now on; the old one is gone.
    pub async fn rotate_keys(&self) {
        let answer = crate::person::plain_client().post(format!("{}/bench/rotate", self.issuer())).send().await;
        assert_eq!(answer.expect("the upstream answers").status(), 204);
    }

    /// Every code and token it has issued.
    pub async fn issued(&self) -> Vec<String> {
        self.list("issued").await
    }

    /// Every trace (`traceparent`) that it was told of.
    pub async fn traces(&self) -> Vec<String> {
        self.list("traces").await
    }

    async fn list(&self, name: &str) -> Vec<String> {
        let answer = crate::person::plain_client().get(format!("{}/bench/{name}", self.issuer())).send().await;
        let list: Value = answer.expect("the upstream answers").json().await.expect("it answers with JSON");
        list.as_array().expect("a list").iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }
}
