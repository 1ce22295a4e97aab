//! Who is in front of the page: a random cookie, and behind it what the app remembers.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use poem::http::HeaderValue;
use vestibule_domain::{ports::Entropy, time::Timestamp};

use super::{App, exchange::Exchange, header_value, home::Trouble, id_token::Check, provider::Provider};
use crate::{random, server::Asked, shelf::Shelf};

/// Cookies know no ports, and everything of `vestibule dev` stands on one host, so each part has names of its own.
const COOKIE: &str = "playground_demo";
/// As long as a tab is likely to stay open.
const LIFETIME: Duration = Duration::from_hours(12);
const MOST_SESSIONS: usize = 200;
/// Tabs in which a sign-in may be under way.
const MOST_DEPARTURES: usize = 4;
const MOST_EXCHANGES: usize = 12;

pub(super) type Sessions = Shelf<Session>;

pub(super) fn shelf() -> Sessions {
    Shelf::new(MOST_SESSIONS, LIFETIME)
}

/// What the app remembers of one browser.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// In every form; nobody else's page knows it.
    pub(super) csrf: String,
    departures: VecDeque<Departure>,
    pub(super) signed_in: Option<SignedIn>,
    /// The `state` of a logout that is under way.
    pub(super) leaving: Option<String>,
    /// What was sent and came back, youngest first.
    pub(super) log: VecDeque<Exchange>,
}

/// A sign-in that is under way: what must come back, and the secret that never left.
#[derive(Clone, Debug)]
pub(super) struct Departure {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) provider: Arc<Provider>,
}

/// Somebody is signed in.
#[derive(Clone, Debug)]
pub(super) struct SignedIn {
    pub(super) provider: Arc<Provider>,
    pub(super) sub: String,
    pub(super) nonce: String,
    pub(super) access_token: String,
    pub(super) id_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) scope: String,
    pub(super) expires: Timestamp,
    /// What was checked of the ID token, all of it good.
    pub(super) checks: Vec<Check>,
}

impl Session {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        Self { csrf: random::secret(entropy), departures: VecDeque::new(), signed_in: None, leaving: None, log: VecDeque::new() }
    }

    pub(super) fn depart(&mut self, departure: Departure) {
        self.departures.truncate(MOST_DEPARTURES - 1);
        self.departures.push_front(departure);
    }

    /// The sign-in that left with this state. It comes back once.
    pub(super) fn arrive(&mut self, state: &str) -> Option<Departure> {
        let at = self.departures.iter().position(|departure| random::digest(&departure.state) == random::digest(state))?;
        self.departures.remove(at)
    }

    pub(super) fn note(&mut self, exchange: Exchange) {
        self.log.truncate(MOST_EXCHANGES - 1);
        self.log.push_front(exchange);
    }
}

/// The browser that asks.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The cookie's value, if a session lies behind it.
    key: Option<String>,
    /// Whether the browser has yet to be told of it.
    is_new: bool,
}

impl Visitor {
    pub(super) fn of(app: &App, asked: &Asked) -> Self {
        let now = app.now();
        let key = asked.cookie(COOKIE).filter(|key| app.sessions().get(key, now).is_some()).map(str::to_owned);
        Self { key, is_new: false }
    }

    /// Reads or changes the session, if there is one.
    pub(super) fn session<T>(&self, app: &App, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        app.sessions().get(self.key.as_deref()?, app.now()).map(act)
    }

    /// The session as it is now; a new one if there is none.
    pub(super) fn session_or_new(&mut self, app: &App) -> Session {
        if let Some(session) = self.session(app, |session| session.clone()) {
            return session;
        }
        let session = Session::new(app.entropy.as_ref());
        self.begin(app, session.clone());
        session
    }

    /// Puts a session behind a new cookie, and forgets the old one: a cookie that somebody planted before a sign-in opens nothing after it.
    pub(super) fn begin(&mut self, app: &App, session: Session) {
        let key = random::secret(app.entropy.as_ref());
        let mut sessions = app.sessions();
        if let Some(old) = self.key.take() {
            sessions.take(&old, app.now());
        }
        sessions.put(&key, session, app.now());
        *self = Self { key: Some(key), is_new: true };
    }

    /// The cookie to set, if the browser has yet to get it. Lax: the way back from Vestibule may cross other sites.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        let key = self.key.as_deref().filter(|_| self.is_new)?;
        header_value(&format!("{COOKIE}={key}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax", LIFETIME.as_secs()))
    }

    /// Lets only our own forms act.
    pub(super) fn guard(&self, app: &App, asked: &Asked) -> Result<(), Trouble> {
        let sent = asked.form.get("csrf").map(random::digest);
        let ours = self.session(app, |session| random::digest(&session.csrf));
        if asked.comes_from_here() && ours.is_some() && sent == ours { Ok(()) } else { Err(Trouble::stale_form()) }
    }

    pub(super) fn signed_in(&self, app: &App) -> Result<SignedIn, Trouble> {
        self.session(app, |session| session.signed_in.clone()).flatten().ok_or_else(Trouble::not_signed_in)
    }
}
