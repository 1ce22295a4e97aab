//! Facebook Login's code flow and the Graph interface, as <https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow>,
//! <https://developers.facebook.com/docs/graph-api/guides/secure-requests> and
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling> have them.
//!
//! Facebook has two hosts, `www` and `graph`; here both are one. Any path may begin with a version; without one it is the oldest.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, header};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use url::Url;
use vestibule_domain::{ports::Clock, secret::Digest, time::Timestamp};

use super::{
    oauth::{Choice, Issued, Registration, back, scopes, sign_in_page},
    server::{Answer, Asked, Desk, Server},
};

const VERSION: HeaderName = HeaderName::from_static("facebook-api-version");
/// How long a token from the dialog lives.
const SHORT: Duration = Duration::from_hours(2);
/// How long one lives that it was exchanged for.
const LONG: Duration = Duration::from_hours(60 * 24);
const CODE_LIVES: Duration = Duration::from_mins(10);

/// Somebody with an account there.
#[derive(Clone, Debug)]
pub struct FacebookPerson {
    /// The app-scoped user id, all digits.
    pub id: String,
    /// The whole name.
    pub name: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// Whoever has a telephone number alone has none.
    pub email: Option<String>,
    /// Permissions that they take back in the dialog.
    pub declines: Vec<String>,
}

impl FacebookPerson {
    /// Somebody who grants everything that is asked for.
    pub fn new(id: &str, first_name: &str, last_name: &str, email: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            name: format!("{first_name} {last_name}"),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            email: email.map(str::to_owned),
            declines: Vec::new(),
        }
    }
}

/// How it behaves.
#[derive(Clone, Debug)]
pub struct FacebookManners {
    /// Versions of Graph that exist, the oldest first. One that is gone is answered with the oldest.
    pub versions: Vec<String>,
    /// The app's setting "Require app secret": calls of Graph without a proof are refused.
    pub requires_proof: bool,
    /// The error that every call of Graph is answered with, if any: code, sub-code, type and message.
    pub fails_with: Option<(i64, Option<i64>, String, String)>,
}

impl Default for FacebookManners {
    fn default() -> Self {
        let versions = ["v24.0", "v25.0", "v26.0"].map(str::to_owned).into();
        Self { versions, requires_proof: true, fails_with: None }
    }
}

/// A running Facebook. It stops when it is dropped.
#[derive(Debug)]
pub struct Facebook {
    server: Server,
    desk: Arc<Office>,
}

struct Office {
    app: Registration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    manners: FacebookManners,
    people: BTreeMap<String, FacebookPerson>,
    codes: HashMap<String, (Issued, Timestamp)>,
    tokens: HashMap<String, Token>,
    counter: u64,
}

/// What an access token stands for.
#[derive(Clone)]
struct Token {
    login: String,
    asked: Vec<String>,
    issued: Timestamp,
    expires: Timestamp,
    is_revoked: bool,
}

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").field("app", &self.app.client_id).finish_non_exhaustive()
    }
}

impl Facebook {
    /// Starts one that knows this app. Its people are alice, and pavel, who has no e-mail address.
    pub async fn start(app: Registration, clock: Arc<dyn Clock>) -> Self {
        let people = [
            ("alice", FacebookPerson::new("10229384756102938", "Alice", "Archer", Some("alice@example.com"))),
            ("pavel", FacebookPerson::new("10229384756109999", "Pavel", "Petrov", None)),
        ];
        let people = people.into_iter().map(|(login, person)| (login.to_owned(), person)).collect();
        let state = Mutex::new(State { people, ..State::default() });
        let (server, desk) = Server::start(|_| Office { app, clock, state }).await;
        Self { server, desk }
    }

    /// Where it answers; both of Facebook's hosts.
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

    /// Changes its manners.
    pub fn behaves(&self, change: impl FnOnce(&mut FacebookManners)) {
        change(&mut self.desk.lock().manners);
    }

    /// Adds somebody, or changes them; `login` is what stands on their button.
    pub fn has(&self, login: &str, person: FacebookPerson) {
        self.desk.lock().people.insert(login.to_owned(), person);
    }

    /// Does what a browser does with the address of the dialog, for whoever goes on as `login`; refuses for nobody.
    pub fn visit(&self, location: &str, login: Option<&str>) -> Result<Url, String> {
        let asked = Asked::get(&Url::parse(location).map_err(|error| error.to_string())?);
        let choice = login.map_or(Choice::Refuses, Choice::Is);
        self.desk.dialog(&asked, choice).location().ok_or_else(|| "the dialog shows an error".to_owned())
    }

    /// Takes back everything that the person let the app see, as their settings page does.
    pub fn forgets_the_app(&self, login: &str) {
        self.desk.lock().revoke(login);
    }
}

impl State {
    fn new_text(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:08}", self.counter)
    }

    fn revoke(&mut self, login: &str) {
        self.tokens.values_mut().filter(|token| token.login == login).for_each(|token| token.is_revoked = true);
    }

    /// The version that answers for the one that was asked for, if any was.
    fn answering(&self, asked: Option<&str>) -> String {
        let versions = &self.manners.versions;
        let known = asked.and_then(|asked| versions.iter().find(|version| *version == asked));
        known.or(versions.first()).cloned().unwrap_or_default()
    }
}

impl Desk for Office {
    fn answer(&self, asked: &Asked) -> Answer {
        let (version, path) = versioned(&asked.path);
        let answered_by = self.lock().answering(version);
        let answer = match (asked.method.as_str(), path) {
            (_, "/dialog/oauth") => return self.dialog(asked, Choice::of(asked)),
            ("GET" | "POST", "/oauth/access_token") => self.access_token(asked),
            ("GET", "/me") => self.me(asked),
            ("GET", "/debug_token") => self.debug_token(asked),
            ("DELETE", "/me/permissions") => self.give_back(asked),
            _ => Err(Fault::new(2500, None, "OAuthException", "Unknown path components: ")),
        };
        answer.unwrap_or_else(Fault::answer).with(VERSION, &answered_by)
    }
}

/// A version and the path below it.
fn versioned(path: &str) -> (Option<&str>, &str) {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_version = first.strip_prefix('v').is_some_and(|number| number.split('.').all(|part| part.parse::<u32>().is_ok()));
    if is_version { (Some(first), &path[first.len() + 1..]) } else { (None, path) }
}

/// An error of Graph's.
struct Fault {
    status: u16,
    code: i64,
    subcode: Option<i64>,
    kind: String,
    message: String,
}

impl Fault {
    fn new(code: i64, subcode: Option<i64>, kind: &str, message: &str) -> Self {
        Self { status: 400, code, subcode, kind: kind.to_owned(), message: message.to_owned() }
    }

    /// A token that is good no more.
    fn token(subcode: Option<i64>, message: &str) -> Self {
        Self { status: 401, ..Self::new(190, subcode, "OAuthException", message) }
    }

    fn answer(self) -> Answer {
        let mut error = json!({"message": self.message, "type": self.kind, "code": self.code, "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW"});
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        let challenge = format!("OAuth \"Facebook Platform\" \"invalid_request\" \"{}\"", self.message);
        Answer::json(self.status, &json!({ "error": error })).with(header::WWW_AUTHENTICATE, &challenge)
    }
}

impl Office {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dialog(&self, asked: &Asked, choice: Choice<'_>) -> Answer {
        let error = |text: &str| Answer::page(400, "Facebook: error", &format!("<p>{text}</p>"));
        if asked.query.iter().find(|(name, _)| name == "client_id").is_none_or(|(_, id)| *id != self.app.client_id) {
            return error("Invalid App ID: The provided app ID does not look like a valid app ID.");
        }
        let Some(redirect_uri) = asked.parameter("redirect_uri").filter(|uri| self.app.knows(uri)) else {
            return error(
                "URL blocked: This redirect failed because the redirect URI is not white-listed in the app's client OAuth settings.",
            );
        };
        let mut state = self.lock();
        match choice {
            Choice::Looks => sign_in_page("Facebook", asked, state.people.keys().cloned()),
            Choice::Is(login) if state.people.contains_key(login) => {
                let code = state.new_text("AQ-code-");
                let issued = Issued::to(login, asked, redirect_uri);
                state.codes.insert(code.clone(), (issued, self.clock.now()));
                let mut back = back(redirect_uri, asked, &[("code", &code)]);
                // It has always left this behind.
                back.set_fragment(Some("_=_"));
                Answer::redirect(&back)
            }
            Choice::Is(_) => error("There is no such person."),
            Choice::Refuses => {
                let refusal = [
                    ("error", "access_denied"),
                    ("error_code", "200"),
                    ("error_description", "Permissions error"),
                    ("error_reason", "user_denied"),
                ];
                Answer::redirect(&back(redirect_uri, asked, &refusal))
            }
        }
    }

    fn access_token(&self, asked: &Asked) -> Result<Answer, Fault> {
        let oauth = |code, subcode, message| Fault::new(code, subcode, "OAuthException", message);
        let (id, secret) = asked.client().ok_or_else(|| oauth(101, None, "Missing client_id parameter."))?;
        if id != self.app.client_id {
            return Err(oauth(101, None, "Error validating application. Cannot get application info due to a system error."));
        }
        if secret != self.app.client_secret {
            return Err(oauth(1, None, "Error validating client secret."));
        }
        match asked.parameter("grant_type") {
            Some("client_credentials") => Ok(Answer::json(200, &json!({"access_token": self.app_token(), "token_type": "bearer"}))),
            Some("fb_exchange_token") => {
                let token = self.known(asked.parameter("fb_exchange_token"))?;
                Ok(self.gives(&token.login, token.asked, LONG))
            }
            Some("authorization_code") | None => {
                let issued = self.redeem(asked)?;
                Ok(self.gives(&issued.login, issued.scopes, SHORT))
            }
            Some(_) => Err(oauth(100, None, "Invalid grant_type")),
        }
    }

    fn redeem(&self, asked: &Asked) -> Result<Issued, Fault> {
        let wrong = |subcode, message| Fault::new(100, subcode, "OAuthException", message);
        let now = self.clock.now();
        let mut state = self.lock();
        let known = asked.parameter("code").and_then(|code| state.codes.get_mut(code));
        let (issued, at) = known.ok_or_else(|| wrong(None, "Invalid verification code format."))?;
        if asked.parameter("redirect_uri") != Some(&issued.redirect_uri) {
            let message = "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the \
                           OAuth dialog request";
            return Err(wrong(Some(36008), message));
        }
        if issued.is_spent {
            return Err(wrong(Some(36009), "This authorization code has been used."));
        }
        if now.since(*at) > CODE_LIVES {
            return Err(wrong(Some(36007), "This authorization code has expired."));
        }
        if !issued.is_proven_by(asked.parameter("code_verifier")) {
            return Err(wrong(None, "Invalid code_verifier parameter"));
        }
        issued.is_spent = true;
        Ok(issued.clone())
    }

    fn gives(&self, login: &str, asked: Vec<String>, lives: Duration) -> Answer {
        let now = self.clock.now();
        let mut state = self.lock();
        let text = state.new_text("EAAB-token-");
        let token = Token { login: login.to_owned(), asked, issued: now, expires: now + lives, is_revoked: false };
        state.tokens.insert(text.clone(), token);
        Answer::json(200, &json!({"access_token": text, "token_type": "bearer", "expires_in": lives.as_secs()}))
    }

    fn app_token(&self) -> String {
        format!("{}|{}", self.app.client_id, self.app.client_secret)
    }

    /// The token that was shown, when it is good.
    fn known(&self, token: Option<&str>) -> Result<Token, Fault> {
        let none =
            || Fault::new(2500, None, "OAuthException", "An active access token must be used to query information about the current user.");
        let token = token.ok_or_else(none)?;
        let found = self.lock().tokens.get(token).cloned();
        let found = found.ok_or_else(|| Fault::token(None, "Invalid OAuth access token - Cannot parse access token"))?;
        if found.is_revoked {
            let message = format!("Error validating access token: The user has not authorized application {}.", self.app.client_id);
            return Err(Fault::token(Some(458), &message));
        }
        if self.clock.now() >= found.expires {
            return Err(Fault::token(Some(463), "Error validating access token: Session has expired"));
        }
        Ok(found)
    }

    /// The token of a call of Graph, with the proof that belongs to it.
    fn proven(&self, asked: &Asked) -> Result<Token, Fault> {
        let manners = self.lock().manners.clone();
        if let Some((code, subcode, kind, message)) = manners.fails_with {
            return Err(Fault::new(code, subcode, &kind, &message));
        }
        let text = asked.bearer().or_else(|| asked.parameter("access_token"));
        let token = self.known(text)?;
        let graph = |message| Fault::new(100, None, "GraphMethodException", message);
        match asked.parameter("appsecret_proof") {
            Some(proof) if proof == self.proof(text.unwrap_or_default()) => Ok(token),
            Some(_) => Err(graph("Invalid appsecret_proof provided in the API argument")),
            None if manners.requires_proof => Err(graph("API calls from the server require an appsecret_proof argument")),
            None => Ok(token),
        }
    }

    /// HMAC-SHA-256 of the token under the app's secret, in hexadecimal digits.
    fn proof(&self, token: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(self.app.client_secret.as_bytes()).expect("HMAC takes any key");
        Digest(mac.chain_update(token.as_bytes()).finalize().into_bytes().into()).to_hex()
    }

    fn me(&self, asked: &Asked) -> Result<Answer, Fault> {
        let token = self.proven(asked)?;
        let person = self.lock().people.get(&token.login).cloned();
        let person =
            person.ok_or_else(|| Fault::token(Some(464), "Error validating access token: Sessions for the user are not allowed"))?;
        let may_see_email = token.asked.iter().any(|scope| scope == "email") && !person.declines.iter().any(|scope| scope == "email");
        let mut said = Map::new();
        for field in fields(asked.parameter("fields").unwrap_or("id,name")) {
            let value: Value = match field.split(['.', '{']).next().unwrap_or_default() {
                "id" => person.id.clone().into(),
                "name" => person.name.clone().into(),
                "first_name" => person.first_name.clone().into(),
                "last_name" => person.last_name.clone().into(),
                // What was not granted, and what there is not, is left out without a word.
                "email" => match &person.email {
                    Some(email) if may_see_email => email.clone().into(),
                    _ => continue,
                },
                "middle_name" | "link" => continue,
                "picture" => {
                    let url = format!("https://platform-lookaside.fbsbx.com/platform/profilepic/?asid={}", person.id);
                    json!({"data": {"height": 200, "is_silhouette": false, "url": url, "width": 200}})
                }
                "permissions" => json!({ "data": permissions(&token, &person) }),
                other => {
                    let message = format!("(#100) Tried accessing nonexisting field ({other}) on node type (User)");
                    return Err(Fault::new(100, None, "OAuthException", &message));
                }
            };
            said.insert(field.split(['.', '{']).next().unwrap_or_default().to_owned(), value);
        }
        // The id is always there.
        said.entry("id").or_insert(person.id.into());
        Ok(Answer::json(200, &Value::Object(said)))
    }

    fn debug_token(&self, asked: &Asked) -> Result<Answer, Fault> {
        if asked.bearer().or_else(|| asked.parameter("access_token")) != Some(&self.app_token()) {
            return Err(Fault::new(
                100,
                None,
                "OAuthException",
                "(#100) You must provide an app access token, or a user access token that is an owner or developer of the app",
            ));
        }
        let input = asked.parameter("input_token");
        let data = match self.known(input) {
            Ok(token) => json!({
                "app_id": self.app.client_id, "type": "USER", "application": "The app", "is_valid": true,
                "issued_at": token.issued.as_secs(), "expires_at": token.expires.as_secs(),
                "scopes": token.asked, "user_id": self.lock().people.get(&token.login).map(|person| person.id.clone()),
            }),
            Err(fault) => {
                json!({"is_valid": false, "scopes": [], "error": {"code": fault.code, "message": fault.message, "subcode": fault.subcode}})
            }
        };
        Ok(Answer::json(200, &json!({ "data": data })))
    }

    fn give_back(&self, asked: &Asked) -> Result<Answer, Fault> {
        let token = self.proven(asked)?;
        self.lock().revoke(&token.login);
        Ok(Answer::json(200, &json!({"success": true})))
    }
}

/// Fields, at the commas that stand between parentheses and braces of none.
fn fields(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|char: char| {
        depth += i32::from(matches!(char, '(' | '{')) - i32::from(matches!(char, ')' | '}'));
        char == ',' && depth == 0
    })
    .filter(|field| !field.is_empty())
    .collect()
}

fn permissions(token: &Token, person: &FacebookPerson) -> Vec<Value> {
    let mut all = scopes("public_profile");
    all.extend(token.asked.iter().filter(|scope| *scope != "public_profile").cloned());
    let status = |scope: &String| if person.declines.contains(scope) { "declined" } else { "granted" };
    all.iter().map(|scope| json!({"permission": scope, "status": status(scope)})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_from_the_path_below_it() {
        assert_eq!(versioned("/v26.0/dialog/oauth"), (Some("v26.0"), "/dialog/oauth"));
        assert_eq!(versioned("/me"), (None, "/me"));
    }

    #[test]
    fn fields_of_fields_are_no_fields() {
        assert_eq!(fields("id,picture.type(large),friends{id,name},email"), ["id", "picture.type(large)", "friends{id,name}", "email"]);
    }
}
