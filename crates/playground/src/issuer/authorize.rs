//! The authorization endpoint: a request is read, and then somebody has to say who they are.

use askama::Template;
use poem::{
    Response,
    http::{Method, StatusCode},
};
use vestibule_domain::error::OAuthErrorCode;
use vestibule_protocol::parameters::Parameters;

use super::{
    Desk,
    people::{self, NoPerson},
    refused,
};
use crate::{page, server::Asked};

pub(super) const SCOPES: &[&str] = &["openid", "profile", "email", "groups", "offline_access"];
pub(super) const PROMPTS: &[&str] = &["none", "login", "consent", "select_account"];

/// Parameters that mean something here; they travel through the page's form and are read again when it comes back.
const KNOWN: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "request",
    "request_uri",
];

/// An authorization request by the registered client, at its registered address, in order.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) back: Back,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    is_silent: bool,
    login_hint: Option<String>,
    /// The request itself, for the form.
    fields: Vec<(&'static str, String)>,
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    state: Option<String>,
}

/// Why a request is not answered with a page to choose on.
pub(super) enum Rejection {
    /// Who asks, or where to answer, is not known: nobody is sent anywhere (RFC 6749 §4.1.2.1).
    Page(&'static str),
    /// The app is told.
    Redirect(Back, OAuthErrorCode, &'static str),
}

/// RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2.1.
pub(super) fn authorize(desk: &Desk, asked: &Asked) -> Response {
    let parameters = if asked.method == Method::POST { &asked.form } else { &asked.query };
    match Request::read(desk, parameters) {
        Ok(request) if request.is_silent => {
            // Nobody is ever signed in here (§3.1.2.6), which is also why every other prompt and any max_age is met by asking.
            request.back.error(desk, OAuthErrorCode::LoginRequired, "nobody is signed in here; this issuer always asks")
        }
        Ok(request) => page::html(StatusCode::OK, &ChoosePage::asking(&request)),
        Err(rejection) => rejection.respond(desk),
    }
}

impl Request {
    pub(super) fn read(desk: &Desk, parameters: &Parameters) -> Result<Self, Rejection> {
        use OAuthErrorCode as Code;
        let back = Back::read(desk, parameters)?;
        match Self::faults(parameters) {
            Some((code, why)) => Err(Rejection::Redirect(back, code, why)),
            None => match parameters.get("code_challenge").filter(|challenge| challenge.len() == 43) {
                None => Err(Rejection::Redirect(
                    back,
                    Code::InvalidRequest,
                    "code_challenge must be 43 characters of base64url (PKCE is required)",
                )),
                Some(challenge) => Ok(Self {
                    back,
                    scopes: scopes(parameters).filter(|scope| SCOPES.contains(scope)).map(str::to_owned).collect(),
                    nonce: parameters.get("nonce").map(str::to_owned),
                    challenge: challenge.to_owned(),
                    is_silent: parameters.get("prompt") == Some("none"),
                    login_hint: parameters.get("login_hint").map(str::to_owned),
                    fields: KNOWN.iter().filter_map(|&name| Some((name, parameters.get(name)?.to_owned()))).collect(),
                }),
            },
        }
    }

    /// Who is expected, if they live here.
    fn meant(&self) -> &'static str {
        let hint = self.login_hint.as_deref().unwrap_or_default();
        people::ALL.iter().find(|known| known.is_meant(hint)).map_or("", |known| known.key)
    }

    /// The first thing wrong with a request whose sender may be told.
    fn faults(parameters: &Parameters) -> Option<(OAuthErrorCode, &'static str)> {
        use OAuthErrorCode as Code;
        let prompts: Vec<&str> = parameters.get("prompt").unwrap_or_default().split_ascii_whitespace().collect();
        let rules = [
            (!parameters.repeated(KNOWN).is_empty(), Code::InvalidRequest, "a parameter is there twice"),
            (parameters.get("request").is_some(), Code::RequestNotSupported, "request objects are not supported"),
            (parameters.get("request_uri").is_some(), Code::RequestUriNotSupported, "request_uri is not supported"),
            (parameters.get("response_type") != Some("code"), Code::UnsupportedResponseType, "response_type must be code"),
            (parameters.get("response_mode").is_some_and(|mode| mode != "query"), Code::InvalidRequest, "response_mode must be query"),
            (!scopes(parameters).any(|scope| scope == "openid"), Code::InvalidScope, "scope must contain openid"),
            (parameters.get("code_challenge_method") != Some("S256"), Code::InvalidRequest, "code_challenge_method must be S256"),
            (!prompts.iter().all(|prompt| PROMPTS.contains(prompt)), Code::InvalidRequest, "prompt has an unknown value"),
            (prompts.contains(&"none") && prompts.len() > 1, Code::InvalidRequest, "prompt=none stands alone"),
            (
                parameters.get("max_age").is_some_and(|age| age.parse::<u32>().is_err()),
                Code::InvalidRequest,
                "max_age is a number of seconds",
            ),
        ];
        rules.into_iter().find_map(|(broken, code, why)| broken.then_some((code, why)))
    }
}

fn scopes(parameters: &Parameters) -> impl Iterator<Item = &str> {
    parameters.get("scope").unwrap_or_default().split_ascii_whitespace()
}

impl Back {
    fn read(desk: &Desk, parameters: &Parameters) -> Result<Self, Rejection> {
        let client = desk.client.as_ref().ok_or(Rejection::Page("No app is registered here yet."))?;
        if !parameters.repeated(&["client_id", "redirect_uri"]).is_empty() {
            return Err(Rejection::Page("The request names its app or its return address twice."));
        }
        if parameters.get("client_id") != Some(&client.id) {
            return Err(Rejection::Page("The app that sent you is not the one that is registered here."));
        }
        // Compared as strings (RFC 9700 §2.1).
        if parameters.get("redirect_uri") != Some(&client.redirect_uri) {
            return Err(Rejection::Page("The app wants you returned to an address that is not the registered one."));
        }
        Ok(Self { redirect_uri: client.redirect_uri.clone(), state: parameters.get("state").map(str::to_owned) })
    }

    /// Sends the browser back with a code.
    pub(super) fn code(&self, desk: &Desk, code: &str) -> Response {
        self.send(desk, &[("code", code)])
    }

    /// Sends the browser back with an error.
    pub(super) fn error(&self, desk: &Desk, code: OAuthErrorCode, why: &str) -> Response {
        self.send(desk, &[("error", code.as_str()), ("error_description", why)])
    }

    /// With `state` as it came, and `iss` always (RFC 9207 §2).
    fn send(&self, desk: &Desk, answer: &[(&str, &str)]) -> Response {
        let mut parameters = answer.to_vec();
        parameters.extend(self.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", &desk.issuer));
        page::see_other(&page::with_query(&self.redirect_uri, &parameters))
    }
}

impl Rejection {
    pub(super) fn respond(&self, desk: &Desk) -> Response {
        match self {
            Self::Page(why) => refused(StatusCode::BAD_REQUEST, why),
            Self::Redirect(back, code, why) => back.error(desk, *code, why),
        }
    }
}

/// "Who do you want to be?"
#[derive(Template)]
#[template(path = "issuer/choose.html")]
pub(super) struct ChoosePage<'a> {
    people: &'static [people::Known],
    fields: &'a [(&'static str, String)],
    /// Who is preselected; empty for nobody.
    meant: &'static str,
    typed: Typed<'a>,
    host: String,
}

/// What stands in the form for somebody else.
pub(super) struct Typed<'a> {
    pub(super) name: &'a str,
    pub(super) email: &'a str,
    pub(super) verified: bool,
    /// What is wrong with it.
    pub(super) fault: Option<NoPerson>,
}

impl<'a> ChoosePage<'a> {
    /// A hint that means nobody here is put into the form.
    fn asking(request: &'a Request) -> Self {
        let hint = request.login_hint.as_deref().unwrap_or_default();
        let (name, email) = match hint {
            _ if !request.meant().is_empty() => ("", ""),
            hint if hint.contains('@') => ("", hint),
            hint => (hint, ""),
        };
        Self::again(request, Typed { name, email, verified: true, fault: None })
    }

    /// With what was typed before.
    pub(super) fn again(request: &'a Request, typed: Typed<'a>) -> Self {
        let url = url::Url::parse(&request.back.redirect_uri).ok();
        let port = url.as_ref().and_then(url::Url::port).map(|port| format!(":{port}")).unwrap_or_default();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default();
        Self { people: people::ALL, fields: &request.fields, meant: request.meant(), typed, host: format!("{host}{port}") }
    }
}
