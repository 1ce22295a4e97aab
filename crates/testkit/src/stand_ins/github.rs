//! GitHub's web flow and as much of its REST interface as a sign-in needs, as <https://docs.github.com/apps/oauth-apps/building-oauth-apps> and
//! <https://docs.github.com/rest> have them, laid out as an Enterprise Server: the interface lies below `/api/v3`.
//!
//! What others' stand-ins lack is here: teams, pages, scopes that count, addresses that are not verified, PKCE, errors with status 200, and
//! GitHub Apps, whose tokens expire and whose refresh tokens work once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderName, header};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use vestibule_domain::{ports::Clock, time::Timestamp};

use super::{
    oauth::{Choice, Issued, Registration, back, sign_in_page},
    server::{Answer, Asked, Desk, Server},
};

const SELECTED: HeaderName = HeaderName::from_static("x-github-api-version-selected");
const GRANTED: HeaderName = HeaderName::from_static("x-oauth-scopes");
const API: &str = "/api/v3";
const CODE_LIVES: Duration = Duration::from_mins(10);
const APP_TOKEN_LIVES: Duration = Duration::from_hours(8);
const REFRESH_TOKEN_LIVES: Duration = Duration::from_hours(24 * 184);

/// Somebody with an account there.
#[derive(Clone, Debug)]
pub struct GithubPerson {
    /// Their number, which never changes.
    pub id: u64,
    /// Their name in addresses, which they can change.
    pub login: String,
    /// The name of the profile, if they set one.
    pub name: Option<String>,
    /// Addresses: the address, whether it is the primary one, whether it is verified.
    pub emails: Vec<(String, bool, bool)>,
    /// Organizations.
    pub orgs: Vec<String>,
    /// Teams, as organization and slug.
    pub teams: Vec<(String, String)>,
}

impl GithubPerson {
    /// Somebody with one verified address and nothing else.
    pub fn new(id: u64, login: &str, name: &str, email: &str) -> Self {
        Self {
            id,
            login: login.to_owned(),
            name: Some(name.to_owned()),
            emails: vec![(email.to_owned(), true, true)],
            orgs: Vec::new(),
            teams: Vec::new(),
        }
    }
}

/// Which kind of application the client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppKind {
    /// An OAuth app: scopes, and tokens that don't expire.
    #[default]
    OauthApp,
    /// A GitHub App: permissions instead of scopes, and tokens that expire and are refreshed.
    GithubApp,
}

/// A running GitHub. It stops when it is dropped.
#[derive(Debug)]
pub struct Github {
    server: Server,
    desk: Arc<Hub>,
}

struct Hub {
    url: String,
    app: Registration,
    kind: AppKind,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    people: BTreeMap<String, GithubPerson>,
    codes: HashMap<String, (Issued, Timestamp)>,
    tokens: HashMap<String, Token>,
    refresh_tokens: HashMap<String, RefreshToken>,
    counter: u64,
}

#[derive(Clone)]
struct Token {
    /// A key of [`State::people`].
    person: String,
    scopes: Vec<String>,
    expires: Option<Timestamp>,
}

struct RefreshToken {
    access_token: String,
    expires: Timestamp,
}

/// An error of the interface: its status and message.
type Refused = (u16, &'static str);

const NOT_FOUND: Refused = (404, "Not Found");
const BAD_CREDENTIALS: Refused = (401, "Bad credentials");

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("url", &self.url).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Github {
    /// Starts one that knows this application. Its people are alice, who has three addresses, is in an organization and teams, and hides her
    /// address; and erin, who verified none.
    pub async fn start(app: Registration, kind: AppKind, clock: Arc<dyn Clock>) -> Self {
        let alice = GithubPerson {
            emails: [("old@example.com", false, true), ("alice@example.com", true, true), ("alice@acme.example", false, false)]
                .map(|(email, is_primary, is_verified)| (email.to_owned(), is_primary, is_verified))
                .into(),
            orgs: ["acme", "friends", "zoo"].map(str::to_owned).into(),
            teams: [("acme", "platform"), ("acme", "on-call"), ("zoo", "keepers")]
                .map(|(org, team)| (org.to_owned(), team.to_owned()))
                .into(),
            ..GithubPerson::new(583_231, "alice", "Alice Archer", "alice@example.com")
        };
        let erin = GithubPerson {
            name: None,
            emails: vec![("erin@example.com".to_owned(), true, false)],
            ..GithubPerson::new(583_232, "erin", "", "")
        };
        let people = [("alice".to_owned(), alice), ("erin".to_owned(), erin)].into();
        let state = Mutex::new(State { people, ..State::default() });
        let (server, desk) = Server::start(|url| Hub { url, app, kind, clock, state }).await;
        Self { server, desk }
    }

    /// Where people are sent.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where the interface is.
    pub fn api(&self) -> String {
        format!("{}{API}", self.url())
    }

    /// Where it listens, as an allow-list has it.
    pub fn host_and_port(&self) -> String {
        self.server.host_and_port()
    }

    /// Everything it was asked.
    pub fn seen(&self) -> Vec<Asked> {
        self.server.seen()
    }

    /// Changes somebody; `button` is what stands on their button. Panics when there is nobody of that name.
    pub fn changes(&self, button: &str, change: impl FnOnce(&mut GithubPerson)) {
        change(self.desk.lock().people.get_mut(button).expect("there is such a person"));
    }

    /// Takes back every token of somebody's, as their settings page does.
    pub fn forgets_the_app(&self, button: &str) {
        let mut state = self.desk.lock();
        state.tokens.retain(|_, token| token.person != button);
        let State { tokens, refresh_tokens, .. } = &mut *state;
        refresh_tokens.retain(|_, refresh| tokens.contains_key(&refresh.access_token));
    }

    /// Does what a browser does with an authorization address, for whoever goes on as `login`; refuses for nobody.
    pub fn visit(&self, location: &str, login: Option<&str>) -> Result<Url, String> {
        let asked = Asked::get(&Url::parse(location).map_err(|error| error.to_string())?);
        let choice = login.map_or(Choice::Refuses, Choice::Is);
        self.desk.authorize(&asked, choice).location().ok_or_else(|| "GitHub shows an error".to_owned())
    }
}

impl Desk for Hub {
    fn answer(&self, asked: &Asked) -> Answer {
        match (asked.method.as_str(), asked.path.as_str()) {
            (_, "/login/oauth/authorize") => self.authorize(asked, Choice::of(asked)),
            ("POST", "/login/oauth/access_token") => self.access_token(asked),
            _ => match asked.path.strip_prefix(API) {
                Some(path) => self.interface(asked, path),
                None => Answer::page(404, "Not Found", ""),
            },
        }
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authorize(&self, asked: &Asked, choice: Choice<'_>) -> Answer {
        if asked.query.iter().find(|(name, _)| name == "client_id").is_none_or(|(_, id)| *id != self.app.client_id) {
            return Answer::page(404, "Not Found", "");
        }
        let Some(redirect_uri) = asked.parameter("redirect_uri").or(self.app.redirect_uris.first().map(String::as_str)) else {
            return Answer::page(404, "Not Found", "");
        };
        if !self.app.knows(redirect_uri) {
            let back = back(
                &self.app.redirect_uris[0],
                asked,
                &[
                    ("error", "redirect_uri_mismatch"),
                    ("error_description", "The redirect_uri MUST match the registered callback URL for this application."),
                ],
            );
            return Answer::redirect(&back);
        }
        let mut state = self.lock();
        match choice {
            Choice::Looks => sign_in_page("GitHub", asked, state.people.keys().cloned()),
            Choice::Is(button) if state.people.contains_key(button) => {
                let code = state.new_text("code");
                let issued = Issued::to(button, asked, redirect_uri);
                state.codes.insert(code.clone(), (issued, self.clock.now()));
                Answer::redirect(&back(redirect_uri, asked, &[("code", &code)]))
            }
            Choice::Is(_) => Answer::page(404, "Not Found", ""),
            Choice::Refuses => {
                let refusal = [("error", "access_denied"), ("error_description", "The user has denied your application access.")];
                Answer::redirect(&back(redirect_uri, asked, &refusal))
            }
        }
    }

    /// A form unless JSON is asked for; errors have status 200.
    fn access_token(&self, asked: &Asked) -> Answer {
        let said = self.tokens(asked).unwrap_or_else(|(error, description)| json!({"error": error, "error_description": description}));
        if asked.header("accept").is_some_and(|accept| accept.contains("json")) {
            return Answer::json(200, &said);
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in said.as_object().into_iter().flatten() {
            form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        Answer::text(200, "application/x-www-form-urlencoded; charset=utf-8", form.finish())
    }

    fn tokens(&self, asked: &Asked) -> Result<Value, (&'static str, &'static str)> {
        // Some clients send a JSON document instead of a form.
        let document: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let parameter = |name: &str| asked.parameter(name).or_else(|| document[name].as_str());
        let known = (Some(self.app.client_id.as_str()), Some(self.app.client_secret.as_str()));
        if (parameter("client_id"), parameter("client_secret")) != known {
            return Err(("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."));
        }
        let now = self.clock.now();
        let mut state = self.lock();
        if parameter("grant_type") == Some("refresh_token") {
            let spent = ("bad_refresh_token", "The refresh token passed is incorrect or expired.");
            let old = parameter("refresh_token").and_then(|token| state.refresh_tokens.remove(token)).ok_or(spent)?;
            let token = state.tokens.remove(&old.access_token).filter(|_| now < old.expires).ok_or(spent)?;
            return Ok(state.gives(token.person, Vec::new(), Some(now)));
        }
        let wrong = ("bad_verification_code", "The code passed is incorrect or expired.");
        let (issued, at) = parameter("code").and_then(|code| state.codes.remove(code)).ok_or(wrong)?;
        if parameter("redirect_uri").is_some_and(|uri| uri != issued.redirect_uri) {
            return Err(("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application."));
        }
        if now.since(at) > CODE_LIVES || !issued.is_proven_by(parameter("code_verifier")) {
            return Err(wrong);
        }
        let (scopes, expiring) = match self.kind {
            AppKind::OauthApp => (issued.scopes, None),
            AppKind::GithubApp => (Vec::new(), Some(now)),
        };
        Ok(state.gives(issued.login, scopes, expiring))
    }

    fn interface(&self, asked: &Asked, path: &str) -> Answer {
        // https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api: whoever does not say who they are is turned away.
        if asked.header("user-agent").is_none_or(str::is_empty) {
            return Answer::text(
                403,
                "text/html",
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.".to_owned(),
            );
        }
        let answer = match (asked.method.as_str(), path) {
            ("GET", "/rate_limit") => Ok(Answer::json(200, &json!({"resources": {"core": {"limit": 5000, "remaining": 4999}}}))),
            ("GET", _) => self.as_person(asked, path),
            ("DELETE", _) => self.give_back(asked, path),
            _ => Err(NOT_FOUND),
        };
        let version = asked.header("x-github-api-version").unwrap_or("2022-11-28");
        let error = |(status, message): Refused| {
            let documentation = "https://docs.github.com/rest";
            Answer::json(status, &json!({"message": message, "documentation_url": documentation, "status": status.to_string()}))
        };
        answer.unwrap_or_else(error).with(SELECTED, version)
    }

    /// What a person's token shows of them.
    fn as_person(&self, asked: &Asked, path: &str) -> Result<Answer, Refused> {
        let state = self.lock();
        let token = asked.bearer().and_then(|token| state.tokens.get(token)).ok_or(BAD_CREDENTIALS)?;
        if token.expires.is_some_and(|expires| self.clock.now() >= expires) {
            return Err(BAD_CREDENTIALS);
        }
        let person = state.people.get(&token.person).ok_or(BAD_CREDENTIALS)?;
        // A GitHub App has permissions, and here all of them.
        let has = |wanted: &[&str]| self.kind == AppKind::GithubApp || token.scopes.iter().any(|scope| wanted.contains(&scope.as_str()));
        let answer = match path {
            "/user" => Answer::json(200, &self.profile(person)),
            "/user/emails" if !has(&["user", "user:email"]) => return Err(NOT_FOUND),
            "/user/emails" => self.page(asked, path, &emails(person)),
            "/user/orgs" if !has(&["user", "read:org", "admin:org"]) => {
                return Err((403, "You need at least read:org scope or user scope to list your organizations."));
            }
            "/user/orgs" => {
                let orgs: Vec<_> = person.orgs.iter().map(|org| self.organization(org)).collect();
                self.page(asked, path, &orgs)
            }
            "/user/teams" if !has(&["user", "repo", "read:org", "admin:org"]) => {
                return Err((403, "You need at least read:org scope to list your teams."));
            }
            "/user/teams" => {
                let team = |(org, slug): &(String, String)| json!({"id": slug.len(), "slug": slug, "name": slug, "privacy": "closed", "permission": "pull", "organization": self.organization(org)});
                self.page(asked, path, &person.teams.iter().map(team).collect::<Vec<_>>())
            }
            _ => return Err(NOT_FOUND),
        };
        Ok(answer.with(GRANTED, &token.scopes.join(", ")))
    }

    fn profile(&self, person: &GithubPerson) -> Value {
        json!({
            "login": person.login, "id": person.id, "node_id": format!("U_{}", person.id), "type": "User", "site_admin": false,
            "name": person.name, "company": null, "blog": "", "location": null, "bio": null,
            // What the profile shows is empty unless somebody chose an address to be public.
            "email": null,
            "avatar_url": format!("{}/avatars/u/{}", self.url, person.id), "html_url": format!("{}/{}", self.url, person.login),
            "created_at": "2011-01-25T18:44:36Z", "updated_at": "2026-01-25T18:44:36Z",
        })
    }

    fn organization(&self, login: &str) -> Value {
        json!({"login": login, "id": login.len(), "url": format!("{}{API}/orgs/{login}", self.url), "description": null})
    }

    /// A page of a list, with `Link` to the others (RFC 8288).
    fn page(&self, asked: &Asked, path: &str, all: &[Value]) -> Answer {
        let number = |name: &str, other: usize| {
            asked.parameter(name).and_then(|text| text.parse().ok()).filter(|number| *number > 0).unwrap_or(other)
        };
        let (per_page, page) = (number("per_page", 30).min(100), number("page", 1));
        let items: Vec<_> = all.iter().skip((page - 1) * per_page).take(per_page).collect();
        let answer = Answer::json(200, &json!(items));
        let pages = all.len().div_ceil(per_page);
        if page >= pages {
            return answer;
        }
        let link = |page: usize, rel: &str| format!("<{}{API}{path}?per_page={per_page}&page={page}>; rel=\"{rel}\"", self.url);
        answer.with(header::LINK, &format!("{}, {}", link(page + 1, "next"), link(pages, "last")))
    }

    /// <https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token>: the application authenticates, the token comes in the body.
    fn give_back(&self, asked: &Asked, path: &str) -> Result<Answer, Refused> {
        if path != format!("/applications/{}/token", self.app.client_id) {
            return Err(NOT_FOUND);
        }
        if asked.client() != Some((self.app.client_id.clone(), self.app.client_secret.clone())) {
            return Err(BAD_CREDENTIALS);
        }
        let document: Value = serde_json::from_str(&asked.body).map_err(|_| (400, "Problems parsing JSON"))?;
        let token = document["access_token"].as_str().ok_or((422, "Validation Failed"))?;
        let mut state = self.lock();
        state.tokens.remove(token).ok_or(NOT_FOUND)?;
        state.refresh_tokens.retain(|_, refresh| refresh.access_token != token);
        Ok(Answer::empty(204))
    }
}

fn emails(person: &GithubPerson) -> Vec<Value> {
    let email = |(email, is_primary, is_verified): &(String, bool, bool)| {
        let visibility = is_primary.then_some("private");
        json!({"email": email, "primary": is_primary, "verified": is_verified, "visibility": visibility})
    };
    person.emails.iter().map(email).collect()
}

impl State {
    fn new_text(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}_{:016}", self.counter)
    }

    /// New tokens; they expire when `expiring` tells from when on.
    fn gives(&mut self, person: String, scopes: Vec<String>, expiring: Option<Timestamp>) -> Value {
        let access_token = self.new_text(if expiring.is_some() { "ghu" } else { "gho" });
        let mut said = json!({"access_token": access_token, "token_type": "bearer", "scope": scopes.join(",")});
        if let Some(now) = expiring {
            let refresh_token = self.new_text("ghr");
            said["expires_in"] = APP_TOKEN_LIVES.as_secs().into();
            said["refresh_token"] = refresh_token.clone().into();
            said["refresh_token_expires_in"] = REFRESH_TOKEN_LIVES.as_secs().into();
            self.refresh_tokens
                .insert(refresh_token, RefreshToken { access_token: access_token.clone(), expires: now + REFRESH_TOKEN_LIVES });
        }
        self.tokens.insert(access_token, Token { person, scopes, expires: expiring.map(|now| now + APP_TOKEN_LIVES) });
        said
    }
}
