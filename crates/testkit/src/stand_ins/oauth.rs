//! The part of OAuth 2.0 that the stand-ins share: who their client is, the page, codes that work once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::server::{Answer, Asked};

/// The one client that a stand-in knows.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where people may be sent back to.
    pub redirect_uris: Vec<String>,
}

impl Registration {
    /// A client that has one callback.
    pub fn new(client_id: &str, client_secret: &str, redirect_uri: &str) -> Self {
        Self { client_id: client_id.to_owned(), client_secret: client_secret.to_owned(), redirect_uris: vec![redirect_uri.to_owned()] }
    }

    pub(super) fn knows(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| known == redirect_uri)
    }
}

/// What a code stands for.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    /// Who signed in.
    pub(super) login: String,
    pub(super) redirect_uri: String,
    /// S256 (RFC 7636 §4.2).
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) scopes: Vec<String>,
    /// A code works once.
    pub(super) is_spent: bool,
}

impl Issued {
    /// What the browser brought, for whoever chose to be `login`.
    pub(super) fn to(login: &str, asked: &Asked, redirect_uri: &str) -> Self {
        let text = |name: &str| asked.parameter(name).map(str::to_owned);
        Self {
            login: login.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            challenge: text("code_challenge"),
            nonce: text("nonce"),
            scopes: scopes(asked.parameter("scope").unwrap_or_default()),
            is_spent: false,
        }
    }

    /// RFC 7636 §4.6: who brings the code must know the verifier; who began without a challenge must bring none.
    pub(super) fn is_proven_by(&self, verifier: Option<&str>) -> bool {
        let hashed = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())));
        self.challenge == hashed
    }
}

/// A list of scopes; some providers take commas for spaces.
pub(super) fn scopes(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// What the person does on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    /// Nothing yet.
    Looks,
    /// Goes on as somebody.
    Is(&'a str),
    /// Wants none of it.
    Refuses,
}

impl<'a> Choice<'a> {
    pub(super) fn of(asked: &'a Asked) -> Self {
        match (asked.method.as_str(), asked.form.iter().find(|(name, _)| name == "login")) {
            ("POST", Some((_, login))) => Self::Is(login),
            ("POST", None) => Self::Refuses,
            _ => Self::Looks,
        }
    }
}

/// The page to sign in at, which leads back to the same address.
pub(super) fn sign_in_page(title: &str, asked: &Asked, people: impl Iterator<Item = String>) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&asked.query).finish().replace('&', "&amp;");
    let buttons: Vec<_> = people.map(|login| format!("<button name=\"login\" value=\"{login}\">{login}</button>")).collect();
    let form = |buttons: &str| format!("<form method=\"post\" action=\"{}?{query}\">{buttons}</form>", asked.path);
    Answer::page(200, title, &(form(&buttons.join(" ")) + &form("<button id=\"refuse\">Cancel</button>")))
}

/// The way back to the client, with `state` as it came.
pub(super) fn back(redirect_uri: &str, asked: &Asked, parameters: &[(&str, &str)]) -> Url {
    let mut back = Url::parse(redirect_uri).expect("a registered redirect address is one");
    back.query_pairs_mut().extend_pairs(parameters);
    if let Some(state) = asked.parameter("state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    back
}
