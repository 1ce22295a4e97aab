//! More issuers that others wrote: one with keys that rotate, and two that go wrong as they are told.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::{CLIENT_ID, CLIENT_SECRET, Program, free_port, modern_node, node, person::plain_client, python};

/// The section of the configuration for an issuer of the preset `oidc`.
fn section(id: &str, issuer: &str, more: &str) -> String {
    format!(
        "preset = \"oidc\"\nid = \"{id}\"\nlabel = \"{id}\"\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = \"{CLIENT_SECRET}\"\n{more}"
    )
}

async fn tell(method: Method, url: String) {
    let answer = plain_client().request(method, &url).send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
}

/// PyPI `nanoidp`: its own page to sign in at, one person, and keys that rotate while the old ones stay published.
#[derive(Debug)]
pub struct Nanoidp {
    program: Program,
    _folder: TempDir,
}

impl Nanoidp {
    /// Its person, and what they type.
    pub const PERSON: (&'static str, &'static str) = ("dora", "dora-password");

    /// Starts it; the gateway comes under the provider name `id`.
    pub fn start(gateway: &str, id: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for its configuration");
        let mut command = python("nanoidp_issuer.py");
        let asked = json!({ "port": free_port(), "folder": folder.path(), "redirect_uri": format!("{gateway}/callback/{id}") });
        command.arg(asked.to_string()).stderr(std::process::Stdio::null());
        Self { program: Program::start(command), _folder: folder }
    }

    /// Its issuer name.
    pub fn issuer(&self) -> &str {
        &self.program.url
    }

    /// Its section of the configuration.
    pub fn section(&self, id: &str) -> String {
        section(id, self.issuer(), "")
    }

    /// Signs with a new key from now on.
    pub async fn rotate_keys(&self) {
        tell(Method::POST, format!("{}/api/keys/rotate", self.issuer())).await;
    }
}

/// npm `oauth2-mock-server`: signs in `johndoe` without asking, and fails as it is told (`tests/bench/faulty.mjs` has the list).
#[derive(Debug)]
pub struct Faulty {
    program: Program,
}

impl Faulty {
    /// Starts an honest one.
    pub fn start() -> Self {
        Self { program: Program::start(node("faulty.mjs", &json!({ "port": free_port() }))) }
    }

    /// Its issuer name.
    pub fn issuer(&self) -> &str {
        &self.program.url
    }

    /// Its section of the configuration.
    pub fn section(&self, id: &str) -> String {
        section(id, self.issuer(), "")
    }

    /// Fails in this way from now on; `none` ends it.
    pub async fn has(&self, fault: &str) {
        tell(Method::PUT, format!("{}/bench/fault/{fault}", self.issuer())).await;
    }

    /// How many requests it holds without an answer.
    pub async fn hanging(&self) -> usize {
        let answer = plain_client().get(format!("{}/bench/hanging", self.issuer())).send().await.expect("it answers");
        answer.json().await.expect("it answers with a number")
    }
}

/// npm `@hellocoop/mockin`: signs in John Smith without asking, and spoils tokens as it is told.
#[derive(Debug)]
pub struct Mockin {
    program: Program,
}

impl Mockin {
    /// Starts an honest one.
    pub fn start() -> Self {
        Self { program: Program::start(modern_node("mockin.mjs", &json!({ "port": free_port() }))) }
    }

    /// Its issuer name.
    pub fn issuer(&self) -> &str {
        &self.program.url
    }

    /// Its section of the configuration. It knows the client by the form, and has no scope `profile`.
    pub fn section(&self, id: &str) -> String {
        section(id, self.issuer(), "token_auth = \"client_secret_post\"\nscopes = [\"openid\", \"name\", \"email\"]")
    }

    /// Spoils tokens in this way, as `wrongKey=1`; honest again without.
    pub async fn spoils(&self, how: Option<&str>) {
        tell(Method::DELETE, format!("{}/mock", self.issuer())).await;
        if let Some(how) = how {
            tell(Method::PUT, format!("{}/mock/token?{how}", self.issuer())).await;
        }
    }
}
