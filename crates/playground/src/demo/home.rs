//! The app's pages.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{
    App,
    exchange::Exchange,
    id_token::{self, Check},
    session::{Session, SignedIn, Visitor},
};
use crate::page;

/// Whose client the app is, and under which name.
#[derive(Clone, Debug)]
pub(super) struct ClientOf {
    issuer: String,
    client_id: String,
}

impl ClientOf {
    pub(super) fn of(app: &App) -> Option<Self> {
        app.client.as_ref().map(|client| Self { issuer: client.issuer.clone(), client_id: client.client_id.clone() })
    }
}

/// Everything there is to see and do.
pub(super) fn page(app: &App, visitor: &mut Visitor) -> Response {
    let Session { csrf, signed_in, log, .. } = visitor.session_or_new(app);
    let log = log.into_iter().collect();
    let client = ClientOf::of(app);
    match signed_in {
        None => page::html(StatusCode::OK, &WelcomePage { client, csrf, log }),
        Some(signed_in) => page::html(StatusCode::OK, &SignedInPage { client, csrf, log, person: person(&signed_in, app), signed_in }),
    }
}

#[derive(Template)]
#[template(path = "demo/welcome.html")]
struct WelcomePage {
    client: Option<ClientOf>,
    csrf: String,
    log: Vec<Exchange>,
}

#[derive(Template)]
#[template(path = "demo/signed_in.html")]
struct SignedInPage {
    client: Option<ClientOf>,
    csrf: String,
    log: Vec<Exchange>,
    person: Shown,
    signed_in: SignedIn,
}

#[derive(Template)]
#[template(path = "demo/signed_out.html")]
pub(super) struct SignedOutPage {
    pub(super) client: Option<ClientOf>,
    pub(super) state_is_ours: bool,
}

/// A signed-in person and their tokens, as the page shows them.
struct Shown {
    name: String,
    facts: Vec<(&'static str, String)>,
    tokens: Vec<ShownToken>,
}

struct ShownToken {
    title: &'static str,
    about: &'static str,
    raw: String,
    /// Header and claims, of a JWT.
    decoded: Option<(String, String)>,
}

fn person(signed_in: &SignedIn, app: &App) -> Shown {
    let claim = |name: &str| id_token::claim(&signed_in.id_token, name);
    let left = signed_in.expires.since(app.now()).as_secs();
    let expiry = if left == 0 { "has expired; refresh it".to_owned() } else { format!("expires in {} min {:02} s", left / 60, left % 60) };
    let mut facts = vec![("Subject", signed_in.sub.clone())];
    facts.extend(claim("email").map(|email| ("E-mail", email)));
    facts.extend([("Scope", signed_in.scope.clone()), ("Access token", expiry)]);
    let token = |title, about, raw: &String| ShownToken { title, about, decoded: id_token::decoded(raw), raw: raw.clone() };
    let mut tokens = vec![
        token("ID token", "Says who signed in. It is for this app, and goes nowhere else.", &signed_in.id_token),
        token("Access token", "Opens userinfo, and any API that trusts Vestibule. An app treats it as opaque.", &signed_in.access_token),
    ];
    tokens
        .extend(signed_in.refresh_token.as_ref().map(|raw| token("Refresh token", "Buys new tokens, and is replaced when it does.", raw)));
    let name = ["name", "preferred_username", "email"].into_iter().find_map(claim).unwrap_or_else(|| "somebody without a name".to_owned());
    Shown { name, facts, tokens }
}

/// Something that stopped the app, told to the person.
#[derive(Debug)]
pub(super) struct Trouble(Box<TroublePage>);

#[derive(Debug, Template)]
#[template(path = "demo/trouble.html")]
struct TroublePage {
    status: StatusCode,
    title: String,
    why: String,
    /// What Vestibule said: `error` and `error_description`.
    said: Option<(String, Option<String>)>,
    checks: Vec<Check>,
    log: Vec<Exchange>,
}

impl Trouble {
    pub(super) fn new(title: &str, why: &str) -> Self {
        let (title, why) = (title.to_owned(), why.to_owned());
        Self(Box::new(TroublePage { status: StatusCode::BAD_REQUEST, title, why, said: None, checks: Vec::new(), log: Vec::new() }))
    }

    /// Vestibule answered with an error (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6).
    pub(super) fn told(error: &str, description: Option<&str>) -> Self {
        let (title, why) = match error {
            "access_denied" => ("You were not signed in", "You said no, or a rule at Vestibule did. Nothing was changed."),
            "login_required" => (
                "Nobody is signed in at Vestibule",
                "The app asked that no page be shown, so Vestibule could only say no. That is how an app finds out silently.",
            ),
            "interaction_required" | "consent_required" | "account_selection_required" => {
                ("Vestibule would have to ask something", "The app asked that no page be shown. Sign in without that wish.")
            }
            "temporarily_unavailable" => ("Vestibule can't do it just now", "Try again in a moment."),
            "server_error" => ("Something failed at Vestibule", "Its log says what."),
            _ => ("Vestibule refused the request", "That is this app's fault, or that of whoever registered it."),
        };
        let mut trouble = Self::new(title, why);
        trouble.0.said = Some((error.to_owned(), description.map(str::to_owned)));
        trouble
    }

    pub(super) fn nothing_here() -> Self {
        let mut trouble = Self::new("There is nothing here", "This address belongs to no page of the app.");
        trouble.0.status = StatusCode::NOT_FOUND;
        trouble
    }

    pub(super) fn stale_form() -> Self {
        let mut trouble = Self::new(
            "That page was too old",
            "Its form was made for another sign-in, or by another app. Go back and press the button again.",
        );
        trouble.0.status = StatusCode::FORBIDDEN;
        trouble
    }

    pub(super) fn not_signed_in() -> Self {
        Self::new("Nobody is signed in", "The session has ended, or the app was restarted.")
    }

    pub(super) fn no_refresh_token() -> Self {
        Self::new("There is no refresh token", "Vestibule gave none, because offline_access was not granted.")
    }

    pub(super) fn not_offered(endpoint: &str) -> Self {
        Self::new("That is not on offer", &format!("The discovery document has no {endpoint}."))
    }

    /// With what was sent and received.
    pub(super) fn with(mut self, exchange: Exchange) -> Self {
        self.0.log.push(exchange);
        self
    }

    /// With what was checked.
    pub(super) fn checked(mut self, checks: Vec<Check>) -> Self {
        self.0.checks = checks;
        self
    }

    pub(super) fn respond(&self) -> Response {
        page::html(self.0.status, self.0.as_ref())
    }
}
