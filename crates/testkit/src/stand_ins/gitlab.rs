//! GitLab as an OpenID Connect issuer, as <https://docs.gitlab.com/integration/openid_connect_provider/> and
//! <https://docs.gitlab.com/api/oauth2/> have it.
//!
//! What is GitLab's own: groups are told by userinfo alone, the ID token has those that the person is in directly, under another name; each
//! refresh makes both old tokens worthless; an ID token lives for two minutes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value, json};
use url::Url;
use vestibule_domain::{client::SigningAlg, ports::Clock, time::Timestamp};

use super::{
    oauth::{Choice, Issued, Registration, back, sign_in_page},
    server::{Answer, Asked, Desk, Server},
};
use crate::issuer::{Claims, IssuerKeys, Signature};

const ACCESS_TOKEN_LIVES: Duration = Duration::from_hours(2);
const ID_TOKEN_LIVES: Duration = Duration::from_mins(2);
const CODE_LIVES: Duration = Duration::from_mins(10);
const KNOWN_SCOPES: [&str; 6] = ["openid", "profile", "email", "read_user", "read_api", "api"];

/// Somebody with an account there.
#[derive(Clone, Debug)]
pub struct GitlabPerson {
    /// Their number.
    pub id: u64,
    /// The whole name.
    pub name: String,
    /// Their address, public or not.
    pub email: String,
    /// Whether they followed the link that was sent there.
    pub is_confirmed: bool,
    /// Full paths of groups they own, maintain and develop, and of those they are in otherwise.
    pub groups: GitlabGroups,
    /// An administrator blocked them.
    pub is_blocked: bool,
}

/// Groups by role.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are GitLab's roles")]
pub struct GitlabGroups {
    pub owner: Vec<String>,
    pub maintainer: Vec<String>,
    pub developer: Vec<String>,
    pub guest: Vec<String>,
}

impl GitlabGroups {
    fn all(&self) -> Vec<&String> {
        [&self.owner, &self.maintainer, &self.developer, &self.guest].into_iter().flatten().collect()
    }
}

/// A running GitLab. It stops when it is dropped.
#[derive(Debug)]
pub struct Gitlab {
    server: Server,
    desk: Arc<Instance>,
}

struct Instance {
    url: String,
    app: Registration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    keys: IssuerKeys,
    people: BTreeMap<String, GitlabPerson>,
    codes: HashMap<String, (Issued, Timestamp)>,
    /// By access token; a refresh token leads to its access token.
    grants: HashMap<String, Grant>,
    refresh_tokens: HashMap<String, String>,
    counter: u64,
}

#[derive(Clone)]
struct Grant {
    login: String,
    scopes: Vec<String>,
    nonce: Option<String>,
    signed_in: Timestamp,
    expires: Timestamp,
    is_revoked: bool,
}

/// Status, error and description.
type Refused = (u16, &'static str, &'static str);

const BAD_GRANT: Refused = (
    400,
    "invalid_grant",
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
);

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Gitlab {
    /// Starts one that knows this application. Its people are alice, who is in groups, and carol, who never confirmed her address.
    pub async fn start(app: Registration, clock: Arc<dyn Clock>) -> Self {
        let groups = GitlabGroups {
            owner: vec!["acme".to_owned()],
            developer: vec!["acme/platform".to_owned(), "friends".to_owned()],
            ..GitlabGroups::default()
        };
        let alice = person(7, "Alice Archer", "alice@example.com", true, groups);
        let carol = person(8, "Carol Cook", "carol@example.com", false, GitlabGroups::default());
        let state = State {
            keys: IssuerKeys::new(SigningAlg::Rs256),
            people: [("alice".to_owned(), alice), ("carol".to_owned(), carol)].into(),
            codes: HashMap::new(),
            grants: HashMap::new(),
            refresh_tokens: HashMap::new(),
            counter: 0,
        };
        let (server, desk) = Server::start(|url| Instance { url, app, clock, state: Mutex::new(state) }).await;
        Self { server, desk }
    }

    /// Its issuer name.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where it listens, as an allow-list has it.
    pub fn host_and_port(&self) -> String {
        self.server.host_and_port()
    }

    /// Everything it was asked.
    pub fn seen(&self) -> Vec<Asked> {
        self.server.seen()
    }

    /// Changes somebody; `login` is their username. Panics when there is nobody of that name.
    pub fn changes(&self, login: &str, change: impl FnOnce(&mut GitlabPerson)) {
        change(self.desk.lock().people.get_mut(login).expect("there is such a person"));
    }

    /// Takes back every token of somebody's, as their settings page does.
    pub fn forgets_the_app(&self, login: &str) {
        self.desk.lock().grants.values_mut().filter(|grant| grant.login == login).for_each(|grant| grant.is_revoked = true);
    }

    /// Does what a browser does with an authorization address, for whoever goes on as `login`; refuses for nobody.
    pub fn visit(&self, location: &str, login: Option<&str>) -> Result<Url, String> {
        let asked = Asked::get(&Url::parse(location).map_err(|error| error.to_string())?);
        let choice = login.map_or(Choice::Refuses, Choice::Is);
        self.desk.authorize(&asked, choice).location().ok_or_else(|| "GitLab shows an error".to_owned())
    }
}

fn person(id: u64, name: &str, email: &str, is_confirmed: bool, groups: GitlabGroups) -> GitlabPerson {
    GitlabPerson { id, name: name.to_owned(), email: email.to_owned(), is_confirmed, groups, is_blocked: false }
}

impl Desk for Instance {
    fn answer(&self, asked: &Asked) -> Answer {
        let answer = match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Ok(self.metadata()),
            ("GET", "/oauth/discovery/keys") => Ok(self.lock().keys.jwks()),
            (_, "/oauth/authorize") => return self.authorize(asked, Choice::of(asked)),
            ("POST", "/oauth/token") => self.token(asked),
            ("POST", "/oauth/revoke") => self.revoke(asked),
            ("GET" | "POST", "/oauth/userinfo") => self.userinfo(asked),
            _ => return Answer::json(404, &json!({"error": "404 Not Found"})),
        };
        match answer {
            Ok(value) => Answer::json(200, &value),
            Err((status, error, description)) => Answer::json(status, &json!({"error": error, "error_description": description})),
        }
    }
}

impl Instance {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({
            "issuer": self.url,
            "authorization_endpoint": at("/oauth/authorize"),
            "token_endpoint": at("/oauth/token"),
            "revocation_endpoint": at("/oauth/revoke"),
            "introspection_endpoint": at("/oauth/introspect"),
            "userinfo_endpoint": at("/oauth/userinfo"),
            "jwks_uri": at("/oauth/discovery/keys"),
            "scopes_supported": KNOWN_SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code", "password", "client_credentials", "device_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claim_types_supported": ["normal"],
            "claims_supported": [
                "iss", "sub", "aud", "exp", "iat", "sub_legacy", "name", "nickname", "preferred_username", "email", "email_verified", "website",
                "profile", "picture", "groups", "groups_direct", "https://gitlab.org/claims/groups/owner",
                "https://gitlab.org/claims/groups/maintainer", "https://gitlab.org/claims/groups/developer",
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
        })
    }

    fn authorize(&self, asked: &Asked, choice: Choice<'_>) -> Answer {
        let error = |text: &str| Answer::page(400, "An error has occurred", &format!("<p>{text}</p>"));
        if asked.query.iter().find(|(name, _)| name == "client_id").is_none_or(|(_, id)| *id != self.app.client_id) {
            return error(
                "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
            );
        }
        let Some(redirect_uri) = asked.parameter("redirect_uri").filter(|uri| self.app.knows(uri)) else {
            return error("The redirect URI included is not valid.");
        };
        let mut state = self.lock();
        let login = match choice {
            Choice::Looks => return sign_in_page("GitLab", asked, state.people.keys().cloned()),
            Choice::Is(login) => login,
            Choice::Refuses => {
                let refusal =
                    [("error", "access_denied"), ("error_description", "The resource owner or authorization server denied the request.")];
                return Answer::redirect(&back(redirect_uri, asked, &refusal));
            }
        };
        if state.people.get(login).is_none_or(|person| person.is_blocked) {
            return error("Your account has been blocked.");
        }
        let issued = Issued::to(login, asked, redirect_uri);
        if !issued.scopes.iter().all(|scope| KNOWN_SCOPES.contains(&scope.as_str())) {
            let invalid = [("error", "invalid_scope"), ("error_description", "The requested scope is invalid, unknown, or malformed.")];
            return Answer::redirect(&back(redirect_uri, asked, &invalid));
        }
        let code = state.new_text("code");
        state.codes.insert(code.clone(), (issued, self.clock.now()));
        Answer::redirect(&back(redirect_uri, asked, &[("code", &code)]))
    }

    fn checks_client(&self, asked: &Asked) -> Result<(), Refused> {
        let known = (self.app.client_id.clone(), self.app.client_secret.clone());
        let refused = (
            401,
            "invalid_client",
            "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
        );
        asked.client().filter(|client| *client == known).map(drop).ok_or(refused)
    }

    fn token(&self, asked: &Asked) -> Result<Value, Refused> {
        self.checks_client(asked)?;
        let now = self.clock.now();
        match asked.parameter("grant_type") {
            Some("authorization_code") => {
                let mut state = self.lock();
                let known = asked.parameter("code").and_then(|code| state.codes.get_mut(code));
                let (issued, at) = known.filter(|(issued, _)| !issued.is_spent).ok_or(BAD_GRANT)?;
                let fits = asked.parameter("redirect_uri") == Some(&issued.redirect_uri);
                if !fits || now.since(*at) > CODE_LIVES || !issued.is_proven_by(asked.parameter("code_verifier")) {
                    return Err(BAD_GRANT);
                }
                issued.is_spent = true;
                let Issued { login, nonce, scopes, .. } = issued.clone();
                drop(state);
                Ok(self.gives(Grant { login, scopes, nonce, signed_in: now, expires: now + ACCESS_TOKEN_LIVES, is_revoked: false }))
            }
            Some("refresh_token") => {
                let mut state = self.lock();
                let access_token =
                    asked.parameter("refresh_token").and_then(|token| state.refresh_tokens.remove(token)).ok_or(BAD_GRANT)?;
                let old = state.grants.get_mut(&access_token).filter(|grant| !grant.is_revoked).ok_or(BAD_GRANT)?;
                old.is_revoked = true;
                let renewed = Grant { nonce: None, expires: now + ACCESS_TOKEN_LIVES, is_revoked: false, ..old.clone() };
                let is_blocked = state.people.get(&renewed.login).is_none_or(|person| person.is_blocked);
                drop(state);
                if is_blocked { Err(BAD_GRANT) } else { Ok(self.gives(renewed)) }
            }
            _ => Err((400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")),
        }
    }

    fn gives(&self, grant: Grant) -> Value {
        let mut state = self.lock();
        let (access_token, refresh_token) = (state.new_text("access"), state.new_text("refresh"));
        let mut said = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_LIVES.as_secs(),
            "refresh_token": refresh_token,
            "scope": grant.scopes.join(" "),
            "created_at": self.clock.now().as_secs(),
        });
        if grant.scopes.iter().any(|scope| scope == "openid") {
            said["id_token"] = self.id_token(&state, &grant).into();
        }
        state.refresh_tokens.insert(refresh_token, access_token.clone());
        state.grants.insert(access_token, grant);
        said
    }

    fn id_token(&self, state: &State, grant: &Grant) -> String {
        let now = self.clock.now();
        let mut claims = self.claims(state, grant);
        if let Some(person) = state.people.get(&grant.login) {
            claims.insert("groups_direct".to_owned(), json!(person.groups.all()));
        }
        let times = [("iat", now), ("exp", now + ID_TOKEN_LIVES), ("auth_time", grant.signed_in)];
        claims.extend(times.map(|(name, time)| (name.to_owned(), time.as_secs().into())));
        claims.extend([("iss".to_owned(), self.url.clone().into()), ("aud".to_owned(), self.app.client_id.clone().into())]);
        claims.extend(grant.nonce.clone().map(|nonce| ("nonce".to_owned(), nonce.into())));
        state.keys.sign("JWT", &Claims::new(), Value::Object(claims).to_string().as_bytes(), &Signature::Good)
    }

    /// What the granted scopes let an application see.
    fn claims(&self, state: &State, grant: &Grant) -> Map<String, Value> {
        let mut claims = Map::new();
        let Some(person) = state.people.get(&grant.login) else { return claims };
        let has = |scope: &str| grant.scopes.iter().any(|granted| granted == scope);
        let mut say = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        say("sub", person.id.to_string().into());
        if has("profile") {
            say("name", person.name.clone().into());
            say("nickname", grant.login.clone().into());
            say("preferred_username", grant.login.clone().into());
            say("profile", format!("{}/{}", self.url, grant.login).into());
            say("picture", format!("{}/uploads/-/system/user/avatar/{}/avatar.png", self.url, person.id).into());
        }
        if has("email") {
            say("email", person.email.clone().into());
            say("email_verified", person.is_confirmed.into());
        }
        claims
    }

    fn userinfo(&self, asked: &Asked) -> Result<Value, Refused> {
        let state = self.lock();
        let grant = asked.bearer().and_then(|token| state.grants.get(token));
        let grant = grant.filter(|grant| !grant.is_revoked && self.clock.now() < grant.expires);
        let grant = grant.ok_or((401, "invalid_token", "The access token is invalid"))?;
        let person = state.people.get(&grant.login).filter(|person| !person.is_blocked).ok_or((
            403,
            "forbidden",
            "Your account has been blocked.",
        ))?;
        let mut claims = self.claims(&state, grant);
        claims.insert("groups".to_owned(), json!(person.groups.all()));
        let roles = [("owner", &person.groups.owner), ("maintainer", &person.groups.maintainer), ("developer", &person.groups.developer)];
        for (role, groups) in roles.into_iter().filter(|(_, groups)| !groups.is_empty()) {
            claims.insert(format!("https://gitlab.org/claims/groups/{role}"), json!(groups));
        }
        Ok(Value::Object(claims))
    }

    fn revoke(&self, asked: &Asked) -> Result<Value, Refused> {
        self.checks_client(asked)?;
        let mut state = self.lock();
        let token = asked.parameter("token").unwrap_or_default();
        let access_token = state.refresh_tokens.get(token).cloned().unwrap_or_else(|| token.to_owned());
        // RFC 7009 §2.2: what it does not know is no error.
        if let Some(grant) = state.grants.get_mut(&access_token) {
            grant.is_revoked = true;
        }
        Ok(json!({}))
    }
}

impl State {
    fn new_text(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("gitlab-{prefix}-{:08}", self.counter)
    }
}
