//! A small client app of Vestibule: it signs people in with code and PKCE, and shows everything that it sends and gets.

mod act;
mod arrive;
mod depart;
mod exchange;
mod home;
mod id_token;
mod provider;
mod session;

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use poem::{
    Response,
    http::{HeaderValue, Method, StatusCode, header},
};
use vestibule_crypto::{SystemClock, SystemEntropy};
use vestibule_domain::{
    ports::{Clock, Entropy},
    time::Timestamp,
};

use self::{
    exchange::Http,
    home::{ClientOf, SignedOutPage, Trouble},
    session::{Sessions, Visitor},
};
use crate::{
    page,
    server::{Asked, Loopback, Site},
};

/// The demo app, bound to its address.
#[derive(Debug)]
pub struct DemoApp {
    door: Loopback,
    app: App,
}

/// How Vestibule knows the demo app: a confidential client with `client_secret_basic`.
#[derive(Clone)]
pub struct DemoClient {
    /// Vestibule's issuer, compared as a string with what its discovery document says.
    pub issuer: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret. Never shown on a page.
    pub client_secret: String,
}

/// Without the secret.
impl fmt::Debug for DemoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoClient").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Where the app wants people returned to. Registered, so these are part of its interface.
const CALLBACK: &str = "/callback";
const SIGNED_OUT: &str = "/signed-out";

impl DemoApp {
    /// Binds a loopback address, port 0 for a free one. The app keeps the machine's time: what it shows of tokens is for people to compare
    /// with their own watch.
    ///
    /// # Errors
    /// The address is taken, or not a loopback address; or the HTTP client can't be made.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let door = Loopback::bind(addr)?;
        let app = App {
            origin: door.origin().to_owned(),
            client: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            http: Http::new().map_err(io::Error::other)?,
            sessions: Mutex::new(session::shelf()),
        };
        Ok(Self { door, app })
    }

    /// Where people find it, as `http://127.0.0.1:8082`.
    pub fn url(&self) -> &str {
        &self.app.origin
    }

    /// To be registered for the client.
    pub fn redirect_uri(&self) -> String {
        self.app.redirect_uri()
    }

    /// To be registered for the client.
    pub fn post_logout_redirect_uri(&self) -> String {
        self.app.post_logout_redirect_uri()
    }

    /// Says which client it is, and of whom. Until then its page says that this is missing.
    pub fn configure(&mut self, client: DemoClient) {
        self.app.client = Some(client);
    }

    /// Serves until `shutdown` is ready. Vestibule need not be up yet: it is asked when somebody signs in.
    ///
    /// # Errors
    /// The listener can't be used, most likely because there is no tokio runtime with IO here.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        self.door.serve("demo app", self.app, shutdown).await
    }
}

/// Everything the app's pages need.
struct App {
    origin: String,
    client: Option<DemoClient>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    http: Http,
    sessions: Mutex<Sessions>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("origin", &self.origin).field("client", &self.client).finish_non_exhaustive()
    }
}

impl App {
    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.origin)
    }

    fn post_logout_redirect_uri(&self) -> String {
        format!("{}{SIGNED_OUT}", self.origin)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> Result<&DemoClient, Trouble> {
        self.client.as_ref().ok_or_else(|| Trouble::new("This app is no client yet", "Whoever started it has not told it who it is."))
    }

    /// A form of ours, sent by the person in front of the page.
    async fn act(&self, visitor: &Visitor, asked: &Asked) -> Result<Response, Trouble> {
        visitor.guard(self, asked)?;
        match asked.path.as_str() {
            "/sign-in" => depart::sign_in(self, visitor, asked).await,
            "/userinfo" => act::userinfo(self, visitor).await,
            "/refresh" => act::refresh(self, visitor).await,
            "/introspect" => act::introspect(self, visitor, asked).await,
            "/revoke" => act::revoke(self, visitor, asked).await,
            "/sign-out" => Ok(depart::sign_out_here(self, visitor)),
            "/sign-out-everywhere" => depart::sign_out_everywhere(self, visitor),
            _ => Err(Trouble::nothing_here()),
        }
    }
}

impl Site for App {
    async fn answer(&self, asked: Asked) -> Response {
        let mut visitor = Visitor::of(self, &asked);
        let answer = match (&asked.method, asked.path.as_str()) {
            (&Method::GET, "/") => Ok(home::page(self, &mut visitor)),
            (&Method::GET, CALLBACK) => arrive::arrive(self, &mut visitor, &asked).await,
            (&Method::GET, SIGNED_OUT) => Ok(signed_out(self, &visitor, &asked)),
            (&Method::POST, _) => self.act(&visitor, &asked).await,
            _ => Err(Trouble::nothing_here()),
        };
        let mut response = answer.unwrap_or_else(|trouble| trouble.respond());
        if let Some(cookie) = visitor.cookie() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Where RP-Initiated Logout 1.0 §3 brings people back to, with the `state` that they left with.
fn signed_out(app: &App, visitor: &Visitor, asked: &Asked) -> Response {
    let left_with = visitor.session(app, |session| session.leaving.take()).flatten();
    let state_is_ours = left_with.is_some() && left_with.as_deref() == asked.query.get("state");
    page::html(StatusCode::OK, &SignedOutPage { client: ClientOf::of(app), state_is_ours })
}

/// Names and values of our cookie are ours, so this never fails.
fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok()
}
