//! How an issuer behaves. The default is honest.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::IssuerKeys;

/// A JSON object.
pub type Claims = Map<String, Value>;

/// What an issuer can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// `/authorize`.
    Authorize,
    /// `/token`.
    Token,
    /// `/userinfo`.
    Userinfo,
    /// `/jwks`.
    Keys,
}

impl Place {
    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Discovery => "/.well-known/openid-configuration",
            Self::Authorize => "/authorize",
            Self::Token => "/token",
            Self::Userinfo => "/userinfo",
            Self::Keys => "/jwks",
        }
    }

    pub(super) fn of(path: &str) -> Option<Self> {
        [Self::Discovery, Self::Authorize, Self::Token, Self::Userinfo, Self::Keys].into_iter().find(|place| place.path() == path)
    }
}

/// What is answered instead of the truth.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This text.
    Text {
        /// The status.
        status: u16,
        /// The content type.
        content_type: &'static str,
        /// The body.
        body: String,
    },
    /// A redirect, with status 307, which would carry body and headers along.
    Redirect(String),
    /// Nothing, for half a minute.
    Hang,
    /// Headers at once, and then a byte every 50 ms.
    Drip,
    /// A closed connection.
    Reset,
    /// JSON of this many bytes.
    Huge(usize),
    /// The same answer as 8 MiB of white space, compressed to a few kilobytes.
    GzipBomb,
    /// The same, compressed to fourteen bytes.
    BrotliBomb,
}

impl Answer {
    /// An OAuth error with a description, which may be hostile.
    pub fn error(status: u16, code: &str, description: &str) -> Self {
        let body = serde_json::json!({"error": code, "error_description": description}).to_string();
        Self::Text { status, content_type: "application/json", body }
    }

    /// A page, as proxies and captive portals show it.
    pub fn html(status: u16) -> Self {
        Self::Text { status, content_type: "text/html; charset=utf-8", body: "<!doctype html><title>Sign in to the Wi-Fi</title>".into() }
    }
}

/// The `iss` of what goes back through the browser (RFC 9207).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallbackIss {
    /// The issuer's.
    #[default]
    Right,
    /// None.
    Missing,
    /// This.
    Other(String),
}

/// How the ID token is signed.
#[derive(Clone, Debug, Default)]
pub enum Signature {
    /// As it should be.
    #[default]
    Good,
    /// With one bit of the signature turned.
    Spoilt,
    /// With a signature of zeros.
    Zeros,
    /// Not at all, with this for `alg`.
    Unsigned(String),
    /// By HMAC-SHA-256 with the text of the public key for a secret.
    HmacOfPublicKey,
    /// With these keys, which are not the published ones.
    By(Arc<IssuerKeys>),
}

/// How an issuer behaves. In the objects, a member replaces the honest one and `null` removes it.
#[derive(Clone, Debug)]
pub struct Manners {
    /// What is answered instead, by place.
    pub answers: BTreeMap<Place, Answer>,
    /// Changes to the metadata.
    pub discovery: Claims,
    /// The key set, instead of the honest one.
    pub jwks: Option<Value>,
    /// `iss` in callbacks.
    pub callback_iss: CallbackIss,
    /// Code and description of the error with which people are sent back.
    pub callback_error: Option<(String, String)>,
    /// Changes to the token response.
    pub token: Claims,
    /// Changes to the ID token's header, made after it was signed.
    pub header: Claims,
    /// The ID token's type.
    pub typ: String,
    /// Changes to the ID token's claims.
    pub claims: Claims,
    /// Text put at the beginning of the claims, as `"sub":"victim",`: members that come twice.
    pub claims_prefix: String,
    /// How the ID token is signed.
    pub signature: Signature,
    /// Whether the claims of the person stand in the ID token, not just at userinfo.
    pub thick_id_token: bool,
    /// Changes to the answer of userinfo.
    pub userinfo: Claims,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            answers: BTreeMap::new(),
            discovery: Claims::new(),
            jwks: None,
            callback_iss: CallbackIss::default(),
            callback_error: None,
            token: Claims::new(),
            header: Claims::new(),
            typ: "JWT".into(),
            claims: Claims::new(),
            claims_prefix: String::new(),
            signature: Signature::default(),
            thick_id_token: true,
            userinfo: Claims::new(),
        }
    }
}

/// Somebody who signs in at the issuer.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Their subject there.
    pub sub: String,
    /// What the issuer says of them.
    pub claims: Claims,
}

impl Person {
    /// Somebody with a name and a verified address that come from the subject.
    pub fn new(sub: &str) -> Self {
        Self { sub: sub.to_owned(), claims: Claims::new() }
            .with("name", format!("Person {sub}"))
            .with("email", format!("{sub}@people.example"))
            .with("email_verified", true)
    }

    /// The same, with one more claim or another value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }
}

/// `object` with `changes`.
pub(super) fn changed(mut object: Claims, changes: &Claims) -> Claims {
    for (name, value) in changes {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    object
}
