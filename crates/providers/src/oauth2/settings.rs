//! How one OAuth 2.0 server is configured. Everything here can be said by a preset or by an operator.

use std::collections::BTreeMap;

use http::{HeaderMap, header};
use serde::Deserialize;
use url::Url;

use super::{
    api::header_of,
    fault,
    person::{List, Resource},
    template::Template,
};
use crate::{
    egress::Egress,
    factory::{self, Common},
    oidc::is_a_name,
    params,
    sheet::{Sheet, escaped},
};

/// How a client proves itself at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum TokenAuth {
    /// In the header.
    #[default]
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// In the form.
    #[serde(rename = "client_secret_post")]
    Post,
    /// A public client (RFC 6749 §2.1).
    #[serde(rename = "none")]
    None,
}

/// What stands between scopes, here and there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Separator {
    /// RFC 6749 §3.3.
    #[default]
    Space,
    /// Not that.
    Comma,
}

/// Whether PKCE is used, always with S256 (RFC 7636).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pkce {
    /// Used: such servers don't announce it, and RFC 6749 §3.1 has those that don't know it ignore it.
    #[default]
    Auto,
    /// Not used, for servers that refuse what they don't know.
    Never,
    /// Used.
    Required,
}

/// What a subject must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubjectKind {
    /// A text or a whole number.
    #[default]
    Any,
    /// A text.
    Text,
    /// A whole number.
    Number,
}

/// One list of a provider's interface, and the claim that is made of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListSettings {
    /// Where it is.
    endpoint: String,
    /// The raw claim it goes to; several lists may go to one.
    claim: String,
    /// What is made of each entry, as [`Template`].
    item: String,
    /// It is asked for only where this scope is.
    scope: Option<String>,
}

/// The endpoints of a server.
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    /// RFC 7009, where there is one.
    pub(crate) revocation: Option<Url>,
}

/// How the server is spoken to.
pub(crate) struct Ways {
    /// What it is called where links are kept, and what its `iss` must be if it sends one (RFC 9207).
    pub(crate) issuer: String,
    /// Whether every answer must carry `iss`.
    pub(crate) says_iss: bool,
    pub(crate) auth: TokenAuth,
    pub(crate) scopes: Vec<String>,
    pub(crate) separator: Separator,
    pub(crate) pkce: bool,
    /// What its error codes mean in the words of RFC 6749 §5.2, where they mean something else than they say.
    pub(crate) error_codes: BTreeMap<String, String>,
    pub(crate) params: Params,
}

/// Parameters of the authorization request, besides those of the specification.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    /// Always.
    pub(crate) always: BTreeMap<String, String>,
    /// When the person should choose an account there.
    pub(crate) select_account: BTreeMap<String, String>,
    /// When they must prove who they are again.
    pub(crate) fresh: BTreeMap<String, String>,
    /// The parameter for the address or name that the person typed here.
    pub(crate) login_hint: Option<String>,
    /// The parameter for the languages that the person reads.
    pub(crate) ui_locales: Option<String>,
}

/// Reads the endpoints; returns the client that reaches them too, at the port of the token endpoint.
pub(crate) fn endpoints(sheet: &mut Sheet<'_>, egress: &Egress) -> (Egress, Option<Endpoints>) {
    let token = sheet.address("token_endpoint").and_then(|text| Url::parse(&text).ok());
    let egress = token.map_or_else(|| egress.clone(), |url| egress.clone().at_port_of(&url));
    let authorization = required_address(sheet, &egress, "authorization_endpoint", "where people are sent to sign in");
    let token = required_address(sheet, &egress, "token_endpoint", "where codes become tokens");
    let revocation = address(sheet, &egress, "revocation_endpoint");
    let endpoints = authorization.zip(token).map(|(authorization, token)| Endpoints { authorization, token, revocation });
    (egress, endpoints)
}

/// An address that has to be there.
pub(crate) fn required_address(sheet: &mut Sheet<'_>, egress: &Egress, name: &str, what: &str) -> Option<Url> {
    if !sheet.has(name) {
        return sheet.required(name, what).and(None);
    }
    address(sheet, egress, name)
}

/// An address that need not be there.
pub(crate) fn address(sheet: &mut Sheet<'_>, egress: &Egress, name: &str) -> Option<Url> {
    let text = sheet.address(name)?;
    reachable(sheet, egress, name, &text)
}

fn reachable(sheet: &mut Sheet<'_>, egress: &Egress, at: &str, text: &str) -> Option<Url> {
    let Some(url) = Url::parse(text).ok().filter(|url| url.has_host() && url.fragment().is_none()) else {
        sheet.fault(at, "is not an address, as https://login.example.com/oauth/token");
        return None;
    };
    if !egress.permits(&url) {
        sheet.fault(at, "is not a public https address; for a provider on the premises, put its host:port on the egress allow-list");
        return None;
    }
    Some(url)
}

/// Reads how the server is spoken to.
pub(crate) fn ways(sheet: &mut Sheet<'_>, common: &Common, token_endpoint: Option<&Url>) -> Ways {
    let issuer = sheet.address("issuer");
    if issuer.as_ref().is_some_and(|issuer| issuer.len() > 255 || !issuer.bytes().all(|byte| byte.is_ascii_graphic())) {
        sheet.fault("issuer", "must have 1 to 255 printable ASCII characters without spaces");
    }
    let origin = || token_endpoint.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let pkce = sheet.shaped::<Pkce>("pkce") != Pkce::Never;
    let auth = sheet.shaped::<TokenAuth>("token_auth");
    match (auth, common.client_secret.is_some()) {
        (TokenAuth::None, true) => sheet.fault("token_auth", "is none, and there is a client_secret that would never be used"),
        (TokenAuth::Basic | TokenAuth::Post, false) => {
            sheet.fault("client_secret", "is missing; for a public client write token_auth = \"none\"");
        }
        _ => {}
    }
    if common.client_secret.is_none() && !pkce {
        sheet.fault("pkce", "can't be never without a client secret: anybody who sees a code could use it");
    }
    Ways {
        issuer: issuer.unwrap_or_else(origin),
        says_iss: sheet.flag("says_iss"),
        auth,
        scopes: scopes(sheet, common),
        separator: sheet.shaped("scope_separator"),
        pkce,
        error_codes: error_codes(sheet),
        params: params_of(sheet, common),
    }
}

/// What is asked for; where tokens are kept, with what the provider wants to hear for a refresh token.
fn scopes(sheet: &mut Sheet<'_>, common: &Common) -> Vec<String> {
    let mut scopes = common.scopes.clone();
    let offline = factory::scopes(sheet, "offline_scopes");
    if common.terms.keeps_tokens {
        scopes.extend(offline.into_iter().filter(|scope| !common.scopes.contains(scope)));
    }
    scopes
}

/// What error codes of the provider's own mean in those of the specification.
pub(crate) fn error_codes(sheet: &mut Sheet<'_>) -> BTreeMap<String, String> {
    let codes = sheet.table("error_codes");
    for (name, meaning) in &codes {
        if !fault::KNOWN.contains(&meaning.as_str()) {
            sheet.fault(&format!("error_codes/{}", escaped(name)), format!("must be one of {}", fault::KNOWN.join(", ")));
        }
    }
    codes
}

fn params_of(sheet: &mut Sheet<'_>, common: &Common) -> Params {
    let mut always: BTreeMap<_, _> = common.authorization_params.iter().cloned().collect();
    if !common.prompt.is_empty() {
        always.insert("prompt".to_owned(), common.prompt.join(" "));
    }
    Params {
        always,
        select_account: params::table(sheet, "select_account_params", &params::WISHES),
        fresh: params::table(sheet, "fresh_params", &params::WISHES),
        login_hint: params::name(sheet, "login_hint_param", Some("login_hint")),
        ui_locales: params::name(sheet, "ui_locales_param", Some("ui_locales")),
    }
}

/// Reads where the server says who somebody is, but for its lists.
pub(crate) fn resource(sheet: &mut Sheet<'_>, egress: &Egress, find_fault: fault::FindFault) -> Option<Resource> {
    let userinfo = required_address(sheet, egress, "userinfo_endpoint", "where it says, as JSON, who holds an access token");
    let subject = sheet.text("subject").unwrap_or_else(|| "/id".to_owned());
    let root = sheet.text("userinfo_root");
    for (name, text) in [("subject", Some(&subject)), ("userinfo_root", root.as_ref())] {
        if text.is_some_and(|text| !text.starts_with('/')) {
            sheet.fault(name, "is not a JSON pointer (RFC 6901): write \"/id\"");
        }
    }
    if subject.rsplit('/').next().is_some_and(is_a_name) {
        sheet.fault("subject", "can be changed or taken over by another person; name what never changes, as an id");
    }
    let subject_is = sheet.shaped("subject_is");
    let made = sheet.table("made").into_iter();
    let made: Vec<_> =
        made.filter_map(|(claim, text)| Some((claim.clone(), template(sheet, &format!("made/{}", escaped(&claim)), &text)?))).collect();
    let headers = headers(sheet);
    Some(Resource { userinfo: userinfo?, root, subject, subject_is, lists: Vec::new(), made, headers, find_fault })
}

/// Reads which lists of the server's become claims.
pub(crate) fn lists(sheet: &mut Sheet<'_>, egress: &Egress, scopes: &[String]) -> Vec<List> {
    let mut lists = Vec::new();
    for (at, list) in sheet.shaped::<Vec<ListSettings>>("lists").into_iter().enumerate() {
        let endpoint = reachable(sheet, egress, &format!("lists/{at}/endpoint"), &list.endpoint);
        let item = template(sheet, &format!("lists/{at}/item"), &list.item);
        let is_wanted = list.scope.as_ref().is_none_or(|scope| scopes.contains(scope));
        if let (Some(endpoint), Some(item), true) = (endpoint, item, is_wanted) {
            lists.push(List { endpoint, claim: list.claim, item });
        }
    }
    lists
}

fn template(sheet: &mut Sheet<'_>, at: &str, text: &str) -> Option<Template> {
    let template = text.parse::<Template>();
    if let Err(fault) = template {
        sheet.fault(at, fault.to_string());
        return None;
    }
    template.ok()
}

fn headers(sheet: &mut Sheet<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in sheet.table("api_headers") {
        let at = format!("api_headers/{}", escaped(&name));
        match header_of(&name, &value) {
            Some((name, _)) if name == header::AUTHORIZATION || name == header::HOST => {
                sheet.fault(&at, "is the protocol's own and can't be set");
            }
            Some((name, value)) => drop(headers.insert(name, value)),
            None => sheet.fault(&at, "is not a header"),
        }
    }
    headers
}
