//! The authorization request: one list of one-purpose checks, from what a stranger sent to what the walk may trust.

mod meeting;

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    claims_request::ClaimsRequest,
    client::{Client, GrantType, closed_enum},
    client_document::DocumentFault,
    error::{OAuthError, OAuthErrorCode},
    ids::{AccountId, ClientId},
    possession::Thumbprint,
    redirect::{self, RedirectUri},
    resource::Resources,
    scope::Scopes,
    secret::Digest,
};

pub use meeting::{Meeting, Person};

/// The parameters as they came. Empty is absent (OAuth 2.1 §3.1); unknown ones were ignored.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the specifications'")]
pub struct Asked {
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub response_type: Option<String>,
    pub response_mode: Option<String>,
    pub scope: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub prompt: Option<String>,
    pub max_age: Option<String>,
    pub login_hint: Option<String>,
    pub domain_hint: Option<String>,
    pub idp_hint: Option<String>,
    pub id_token_hint: Option<String>,
    pub acr_values: Option<String>,
    /// As the wire's reader found it, or what is wrong with it.
    pub claims: Option<Result<ClaimsRequest, &'static str>>,
    pub ui_locales: Option<String>,
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
    pub dpop_jkt: Option<String>,
    pub request: Option<String>,
    pub request_uri: Option<String>,
    pub registration: Option<String>,
    /// As often as it came (RFC 8707 §2).
    pub resources: Vec<String>,
    /// Whether it came from the client itself, beforehand (RFC 9126).
    pub pushed: bool,
    /// Whether the client signed it (RFC 9101).
    pub signed: bool,
    /// Names of known parameters that came more than once.
    pub repeated: Vec<&'static str>,
}

/// A checked request. Everything later trusts it; it is sealed into the attempt as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: ClientId,
    /// Where the answer goes: one of the client's.
    pub redirect_uri: RedirectUri,
    /// Whether the request named it.
    pub redirect_uri_was_sent: bool,
    /// How the answer goes there.
    #[serde(default, skip_serializing_if = "ResponseMode::is_query")]
    pub response_mode: ResponseMode,
    /// What is asked, within what the client may have.
    pub scopes: Scopes,
    /// Echoed exactly.
    pub state: Option<State>,
    /// For the ID token.
    pub nonce: Option<Nonce>,
    /// RFC 7636.
    pub challenge: Option<CodeChallenge>,
    /// The key that the code is for (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
    /// What may or must be shown.
    pub prompt: BTreeSet<Prompt>,
    /// How fresh the sign-in must be.
    pub max_age: Option<Duration>,
    /// Who is expected; passed upstream, never believed.
    pub login_hint: Option<String>,
    /// To which domain the person belongs: it leads to a provider, and is passed upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_hint: Option<String>,
    /// Which provider the app would take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idp_hint: Option<String>,
    /// Passed upstream.
    pub acr_values: Option<String>,
    /// Passed upstream.
    pub ui_locales: Option<String>,
    /// Claims by name, and what the sign-in has to be like (OpenID Connect Core 1.0 §5.5).
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// For which resources tokens are asked (RFC 8707 §2.1).
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// Whom `id_token_hint` names: nobody else gets a code for this request (OpenID Connect Core 1.0 §3.1.2.2).
    pub expected: Option<Expected>,
}

/// Somebody by the name they have at a client ([`Account::name_at`](crate::account::Account::name_at)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The `sub` of the hint.
    pub name: AccountId,
    /// Whose hint it is.
    pub client: ClientId,
}

/// The app's `state`: opaque, echoed, never looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub String);

/// The app's `nonce`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(pub String);

/// An S256 challenge: the SHA-256 of a verifier (RFC 7636 §4.2). `plain` does not exist here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(pub Digest);

closed_enum! {
    /// How the answer goes to the app (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). `fragment` is for flows that are not here.
    ResponseMode {
        /// In the query of its address.
        Query = "query",
        /// In a form that the browser posts to it (OAuth 2.0 Form Post Response Mode).
        FormPost = "form_post",
    }
}

impl ResponseMode {
    /// Whether it is the usual one of the code flow.
    pub fn is_query(&self) -> bool {
        *self == Self::Query
    }
}

#[expect(clippy::derivable_impls, reason = "the enum is made by a macro that has no place for the attribute")]
impl Default for ResponseMode {
    fn default() -> Self {
        Self::Query
    }
}

closed_enum! {
    /// OpenID Connect Core 1.0 §3.1.2.1.
    Prompt {
        /// Show nothing.
        None = "none",
        /// Sign in again.
        Login = "login",
        /// Ask again.
        Consent = "consent",
        /// Choose again.
        SelectAccount = "select_account",
    }
}

/// Why a request goes no further, and whether the app may be told by redirect: not before its address is known to be its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A page: there is nowhere safe to send the browser.
    Page(PageFault),
    /// A redirect with an error.
    Redirect {
        /// Where, known to be the client's.
        to: RedirectUri,
        /// How: as it was asked, if that can be.
        mode: ResponseMode,
        /// Echoed.
        state: Option<State>,
        /// What.
        error: OAuthError,
    },
}

/// Faults that end on a page (OAuth 2.1 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// No `client_id`, or none that is known, or a disabled one: one page for all.
    ClientUnknown,
    /// The client is known by the address of its document, and that can't be had or is no good.
    ClientDocument(DocumentFault),
    /// The address is not registered; what was received, for the developer.
    RedirectMismatch {
        /// As it came, if it came.
        received: Option<String>,
        /// The first part in which it differs from the registered address nearest to it; never that address.
        differs: Option<&'static str>,
    },
    /// A parameter that decides where to go came twice.
    Repeated(&'static str),
    /// There is no such pushed request: too late, used before, or another client's. One page for all.
    PushedGone,
    /// Wrong, and nobody knows where to tell the app.
    Invalid(OAuthError),
}

impl Rejection {
    /// The same for an app that asked by itself and not by way of a browser (RFC 9126 §2.3).
    pub fn to_oauth(self) -> OAuthError {
        match self {
            Self::Redirect { error, .. } | Self::Page(PageFault::Invalid(error)) => error,
            Self::Page(PageFault::ClientUnknown | PageFault::ClientDocument(_)) => OAuthError::invalid_client(),
            Self::Page(PageFault::RedirectMismatch { received: None, .. }) => OAuthError::invalid_request("redirect_uri is missing"),
            Self::Page(PageFault::RedirectMismatch { .. }) => {
                OAuthError::invalid_request("redirect_uri is not one of this client's; they are compared character by character")
            }
            Self::Page(PageFault::Repeated(name)) => OAuthError::invalid_request(format!("{name} came more than once")),
            Self::Page(PageFault::PushedGone) => OAuthError::invalid_request("there is no such pushed request"),
        }
    }
}

const LONGEST_STATE: usize = 2048;
const LONGEST_NONCE: usize = 512;
const LONGEST_HINT: usize = 256;

/// What a request that was pushed is named by, before its random part (RFC 9126 §2.2).
pub const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";

impl Asked {
    /// Every parameter that may come once (OAuth 2.1 §4.1.1, OpenID Connect Core 1.0 §3.1.2.1, §5.2, §5.5); others but `resource` are ignored.
    ///
    /// `display` and `claims_locales` are known and change nothing (§15.1): a page fits whatever it is shown in, and providers say claims in one language.
    pub const NAMES: [&'static str; 24] = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "domain_hint",
        "idp_hint",
        "id_token_hint",
        "acr_values",
        "claims",
        "claims_locales",
        "display",
        "ui_locales",
        "code_challenge",
        "code_challenge_method",
        "dpop_jkt",
        "request",
        "request_uri",
        "registration",
    ];

    /// Reads them by name.
    pub fn read(mut take: impl FnMut(&'static str) -> Option<String>) -> Self {
        Self {
            client_id: take("client_id"),
            redirect_uri: take("redirect_uri"),
            response_type: take("response_type"),
            response_mode: take("response_mode"),
            scope: take("scope"),
            state: take("state"),
            nonce: take("nonce"),
            prompt: take("prompt"),
            max_age: take("max_age"),
            login_hint: take("login_hint"),
            domain_hint: take("domain_hint"),
            idp_hint: take("idp_hint"),
            id_token_hint: take("id_token_hint"),
            acr_values: take("acr_values"),
            ui_locales: take("ui_locales"),
            code_challenge: take("code_challenge"),
            code_challenge_method: take("code_challenge_method"),
            dpop_jkt: take("dpop_jkt"),
            request: take("request"),
            request_uri: take("request_uri"),
            registration: take("registration"),
            ..Self::default()
        }
    }

    /// The random part of the name of a pushed request, if that is what was sent (RFC 9126 §4). Nothing else of the request counts then.
    pub fn pushed_as(&self) -> Option<&str> {
        self.request_uri.as_deref()?.strip_prefix(PUSHED)
    }

    /// Says no to what could not be read: back to the app where the request names an address of its own, on a page where it does not.
    pub fn rejected(&self, client: &Client, error: OAuthError) -> Rejection {
        match self.redirect_uri.as_deref().and_then(|asked| client.redirect_uri(Some(asked))) {
            Some(to) => {
                let state = self.state.clone().filter(|state| state.len() <= LONGEST_STATE);
                let mode = self.response_mode_at(&to).unwrap_or_default();
                Rejection::Redirect { to, mode, state: state.map(State), error }
            }
            None => Rejection::Page(PageFault::Invalid(error)),
        }
    }

    /// The client asked for, if the text can be a client's name.
    pub fn client_id(&self) -> Result<ClientId, Rejection> {
        if let Some(name) = self.repeated.iter().find(|name| matches!(**name, "client_id" | "redirect_uri")) {
            return Err(Rejection::Page(PageFault::Repeated(name)));
        }
        let text = self.client_id.as_deref().ok_or(Rejection::Page(PageFault::ClientUnknown))?;
        ClientId::parse(text).map_err(|_| Rejection::Page(PageFault::ClientUnknown))
    }

    /// Holds the request against the client's registration.
    pub fn check(self, client: &Client) -> Result<AuthorizationRequest, Rejection> {
        if client.disabled {
            return Err(Rejection::Page(PageFault::ClientUnknown));
        }
        // OpenID Connect Core 1.0 §3.1.2.1: an OpenID request names its address, even where there is only one.
        let must_name_it = self.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|token| token == "openid"));
        let must_name_it = must_name_it || client.is_fapi2();
        let named = (self.redirect_uri.is_some() || !must_name_it).then(|| client.redirect_uri(self.redirect_uri.as_deref()));
        let Some(redirect_uri) = named.flatten() else {
            let differs = self.redirect_uri.as_deref().and_then(|asked| redirect::first_difference(&client.redirect_uris, asked));
            return Err(Rejection::Page(PageFault::RedirectMismatch { received: self.redirect_uri, differs }));
        };
        // From here the address is the client's own, so the app hears of its mistakes itself.
        let state = self.state.clone().filter(|state| state.len() <= LONGEST_STATE);
        let mode = self.response_mode_at(&redirect_uri);
        let reject = |error| Rejection::Redirect {
            to: redirect_uri.clone(),
            mode: mode.clone().unwrap_or_default(),
            state: state.map(State),
            error,
        };
        match self.checked_for(client, redirect_uri.clone(), mode.clone()) {
            Ok(request) => Ok(request),
            Err(error) => Err(reject(error)),
        }
    }

    fn checked_for(
        self,
        client: &Client,
        redirect_uri: RedirectUri,
        response_mode: Result<ResponseMode, OAuthError>,
    ) -> Result<AuthorizationRequest, OAuthError> {
        self.nothing_repeated()?;
        self.nothing_unsupported()?;
        self.came_as_registered(client)?;
        let response_mode = response_mode?;
        self.code_flow_for(client)?;
        let scopes = client.scopes_asked(self.scope.as_deref())?;
        let resources = Resources::parse(&self.resources, client)?;
        let challenge = self.challenge_for(client)?;
        let dpop_jkt = self.key_thumbprint()?;
        let prompt = self.prompts()?;
        let max_age = self.max_age()?;
        let claims = self.claims.transpose().map_err(OAuthError::invalid_request)?.unwrap_or_default().known_by(client);
        let shorter = |text: Option<String>, longest: usize, sorry: &'static str| match text {
            Some(text) if text.len() > longest => Err(OAuthError::invalid_request(sorry)),
            text => Ok(text),
        };
        let redirect_uri_was_sent = self.redirect_uri.is_some();
        Ok(AuthorizationRequest {
            client: client.id.clone(),
            redirect_uri,
            redirect_uri_was_sent,
            response_mode,
            scopes,
            state: shorter(self.state, LONGEST_STATE, "state is longer than 2048 bytes")?.map(State),
            nonce: shorter(self.nonce, LONGEST_NONCE, "nonce is longer than 512 bytes")?.map(Nonce),
            challenge,
            dpop_jkt,
            prompt,
            max_age,
            // Hints are only hints: one that can't be carried is left out, never an error.
            login_hint: self.login_hint.filter(|hint| hint.len() <= LONGEST_HINT),
            domain_hint: self.domain_hint.filter(|hint| hint.len() <= LONGEST_HINT),
            idp_hint: self.idp_hint.filter(|hint| hint.len() <= LONGEST_HINT),
            acr_values: self.acr_values.or_else(|| claims.acr_values()).filter(|values| values.len() <= LONGEST_HINT),
            claims,
            ui_locales: self.ui_locales.filter(|locales| locales.len() <= LONGEST_HINT),
            resources,
            expected: None,
        })
    }

    fn nothing_repeated(&self) -> Result<(), OAuthError> {
        match self.repeated.first() {
            Some(name) => Err(OAuthError::invalid_request(format!("{name} came more than once"))),
            None => Ok(()),
        }
    }

    fn nothing_unsupported(&self) -> Result<(), OAuthError> {
        use OAuthErrorCode as Code;
        if self.request.is_some() {
            return Err(OAuthError::new(Code::RequestNotSupported, "request objects are not supported for this client"));
        }
        if self.request_uri.is_some() {
            return Err(OAuthError::new(Code::RequestUriNotSupported, "request_uri must be one that was given for a pushed request"));
        }
        if self.registration.is_some() {
            return Err(OAuthError::new(Code::RegistrationNotSupported, "registration is not supported"));
        }
        Ok(())
    }

    /// A browser posts no form to an installed app, so a private-use address gets its answers in the query.
    fn response_mode_at(&self, redirect_uri: &RedirectUri) -> Result<ResponseMode, OAuthError> {
        let mode = self.response_mode.as_deref().map_or(Ok(ResponseMode::Query), str::parse);
        let mode = mode.map_err(|()| OAuthError::invalid_request("response_mode must be query or form_post"))?;
        if mode == ResponseMode::FormPost && !redirect_uri.is_web() {
            return Err(OAuthError::invalid_request("response_mode=form_post needs a redirect_uri of https or http"));
        }
        Ok(mode)
    }

    /// What a client always does it must always do, or whoever links to us in its name leaves it out (RFC 9126 §6, RFC 9101 §10.5).
    fn came_as_registered(&self, client: &Client) -> Result<(), OAuthError> {
        if client.must_push() && !self.pushed {
            return Err(OAuthError::invalid_request("this client must push its authorization requests (RFC 9126)"));
        }
        if client.require_signed_requests && !self.signed {
            return Err(OAuthError::invalid_request("this client must sign its authorization requests (RFC 9101)"));
        }
        Ok(())
    }

    fn code_flow_for(&self, client: &Client) -> Result<(), OAuthError> {
        match self.response_type.as_deref() {
            Some("code") => {}
            Some(_) => {
                return Err(OAuthError::new(OAuthErrorCode::UnsupportedResponseType, "response_type must be code"));
            }
            None => return Err(OAuthError::invalid_request("response_type is missing; it must be code")),
        }
        if client.grant_types.contains(&GrantType::AuthorizationCode) {
            Ok(())
        } else {
            Err(OAuthError::new(OAuthErrorCode::UnauthorizedClient, "this client is not registered for the authorization_code grant"))
        }
    }

    fn challenge_for(&self, client: &Client) -> Result<Option<CodeChallenge>, OAuthError> {
        match (self.code_challenge.as_deref(), self.code_challenge_method.as_deref()) {
            (Some(challenge), Some("S256")) => Digest::from_base64url(challenge)
                .map(|challenge| Some(CodeChallenge(challenge)))
                .ok_or_else(|| OAuthError::invalid_request("code_challenge must be 43 characters of base64url without padding")),
            // Absent means `plain` (RFC 7636 §4.3), which is not offered.
            (Some(_), _) => Err(OAuthError::invalid_request("code_challenge_method must be S256")),
            (None, Some(_)) => Err(OAuthError::invalid_request("code_challenge is missing")),
            (None, None) if client.needs_pkce() => {
                Err(OAuthError::invalid_request("code_challenge is missing; this client must use PKCE with S256"))
            }
            (None, None) => Ok(None),
        }
    }

    fn key_thumbprint(&self) -> Result<Option<Thumbprint>, OAuthError> {
        let sorry = || OAuthError::invalid_request("dpop_jkt must be the thumbprint of a key: 43 characters of base64url without padding");
        self.dpop_jkt.as_deref().map(|text| Thumbprint::parse(text).ok_or_else(sorry)).transpose()
    }

    fn prompts(&self) -> Result<BTreeSet<Prompt>, OAuthError> {
        let prompts = self
            .prompt
            .as_deref()
            .unwrap_or_default()
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().map_err(|()| OAuthError::invalid_request("prompt must be of none, login, consent, select_account")))
            .collect::<Result<BTreeSet<Prompt>, _>>()?;
        if prompts.contains(&Prompt::None) && prompts.len() > 1 {
            return Err(OAuthError::invalid_request("prompt=none stands alone"));
        }
        Ok(prompts)
    }

    fn max_age(&self) -> Result<Option<Duration>, OAuthError> {
        self.max_age
            .as_deref()
            .map(|text| {
                text.parse().map(Duration::from_secs).map_err(|_| OAuthError::invalid_request("max_age must be a whole number of seconds"))
            })
            .transpose()
    }
}

impl AuthorizationRequest {
    /// Whether the client may ask this still: its registration may have changed since the request was checked.
    pub fn fits(&self, client: &Client) -> bool {
        let addressed = client.redirect_uri(Some(self.redirect_uri.as_str())).is_some();
        let bound = self.challenge.is_some() || !client.needs_pkce();
        !client.disabled && self.client == client.id && addressed && bound && self.scopes.within(&client.scopes)
    }

    /// A request that asks for nothing out of the ordinary, made by the house itself.
    pub fn plain(client: ClientId, redirect_uri: RedirectUri, scopes: Scopes) -> Self {
        Self {
            client,
            redirect_uri,
            redirect_uri_was_sent: false,
            response_mode: ResponseMode::Query,
            claims: ClaimsRequest::default(),
            scopes,
            state: None,
            nonce: None,
            challenge: None,
            dpop_jkt: None,
            prompt: BTreeSet::new(),
            max_age: None,
            login_hint: None,
            domain_hint: None,
            idp_hint: None,
            acr_values: None,
            ui_locales: None,
            resources: Resources::default(),
            expected: None,
        }
    }

    /// What the app would learn and may do, in scopes: those it asks for, and those that let out the claims it asks for by name.
    pub fn told(&self) -> Scopes {
        self.scopes.union(&self.claims.wanted.scopes())
    }
}

/// Whether a `code_verifier` has the form of RFC 7636 §4.1: 43 to 128 unreserved characters.
pub fn is_code_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests;
