//! An OpenID Connect issuer on loopback: honest until its [`Manners`] say otherwise, and with a memory of everything it was asked.
//!
//! Honest, it signs in whom [`Issuer::signs_in`] named, without asking: `/authorize` sends the browser straight back with a code.

mod answers;
mod keys;
mod manners;
mod protocol;

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;
use vestibule_domain::{client::SigningAlg, ports::Clock, provider::Callback};

use self::{answers::Reply, protocol::Issued};
pub use self::{
    keys::{IssuerKeys, is_signed_by},
    manners::{Answer, CallbackIss, Claims, Manners, Person, Place, Signature},
};

/// The client that the issuer knows.
pub const CLIENT_ID: &str = "vestibule";
/// Its secret, with characters that HTTP Basic has to encode (RFC 6749 §2.3.1).
pub const CLIENT_SECRET: &str = "s3cret: 100%+ä";

/// A request as the issuer saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What was asked; nothing when it is none of the issuer's endpoints.
    pub place: Option<Place>,
    /// Path and query, as sent.
    pub target: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Names and values of the headers, lower case.
    pub headers: Vec<(String, String)>,
    /// The fields of the form, in order.
    pub form: Vec<(String, String)>,
}

impl Seen {
    /// The first field of the form with this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Where `/authorize` sent a browser.
#[derive(Debug)]
pub struct Returned {
    /// The whole address.
    pub location: Url,
    /// Its `state`.
    pub state: String,
    /// What the gateway makes of its parameters; `redirect_uri` is filled in.
    pub callback: Callback,
}

/// A running issuer. It stops when it is dropped.
#[derive(Debug)]
pub struct Issuer {
    desk: Arc<Desk>,
    accepting: JoinHandle<()>,
}

/// What the connections of an issuer share.
struct Desk {
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    manners: Manners,
    person: Person,
    keys: Arc<IssuerKeys>,
    codes: HashMap<String, Issued>,
    access_tokens: HashMap<String, Person>,
    counter: u64,
    seen: Vec<Seen>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Starts one that signs with ES256.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        Self::start_signing(clock, SigningAlg::Es256).await
    }

    /// Starts one that signs with `alg`.
    pub async fn start_signing(clock: Arc<dyn Clock>, alg: SigningAlg) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = State {
            manners: Manners::default(),
            person: Person::new("person-1"),
            keys: Arc::new(IssuerKeys::new(alg)),
            codes: HashMap::new(),
            access_tokens: HashMap::new(),
            counter: 0,
            seen: Vec::new(),
        };
        let desk = Arc::new(Desk { address, clock, state: Mutex::new(state) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&desk)));
        Self { desk, accepting }
    }

    /// Its identifier.
    pub fn url(&self) -> String {
        self.desk.url()
    }

    /// Where it listens, as the allow-list of the outgoing client wants it.
    pub fn host_and_port(&self) -> String {
        self.desk.address.to_string()
    }

    /// Changes its manners.
    pub fn behaves(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.desk.lock().manners);
    }

    /// Names who signs in from now on.
    pub fn signs_in(&self, person: Person) {
        self.desk.lock().person = person;
    }

    /// The keys it signs with now.
    pub fn keys(&self) -> Arc<IssuerKeys> {
        Arc::clone(&self.desk.lock().keys)
    }

    /// Throws its keys away for new ones.
    pub fn rotates_keys(&self, alg: SigningAlg) {
        self.desk.lock().keys = Arc::new(IssuerKeys::new(alg));
    }

    /// Everything it was asked.
    pub fn seen(&self) -> Vec<Seen> {
        self.desk.lock().seen.clone()
    }

    /// What it was asked at one place.
    pub fn seen_at(&self, place: Place) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.place == Some(place)).collect()
    }

    /// Does what a browser does with an authorization address, without one.
    pub fn visit(&self, location: &str) -> Result<Returned, String> {
        let location = Url::parse(location).map_err(|error| error.to_string())?;
        let back = self.desk.authorize(location.query().unwrap_or_default())?;
        let parameter = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let redirect_uri = location.query_pairs().find(|(key, _)| key == "redirect_uri").map(|(_, value)| value.into_owned());
        let callback = Callback {
            code: parameter("code"),
            iss: parameter("iss"),
            error: parameter("error"),
            user: None,
            redirect_uri: redirect_uri.unwrap_or_default(),
            repeated: Vec::new(),
        };
        Ok(Returned { state: parameter("state").unwrap_or_default(), callback, location: back })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Desk {
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((socket, _)) = listener.accept().await {
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let desk = Arc::clone(&desk);
                async move {
                    match desk.answer(request).await {
                        Reply::Response(response) => Ok(response),
                        Reply::Reset => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
                    }
                }
            });
            // A connection that ends badly is the guest's choice, or the test's.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
        });
    }
}
