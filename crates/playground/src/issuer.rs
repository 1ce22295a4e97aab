//! An upstream that asks nobody for proof: an OpenID Connect issuer where one says who one wants to be.
//!
//! All else is done by the book, so that what works here works elsewhere: one registered client that proves who it is, exact redirect
//! addresses, PKCE with S256, codes that work once, rotated refresh tokens, signed ID tokens.

mod authorize;
mod choose;
mod people;
mod token;
mod userinfo;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use askama::Template;
use poem::{
    Response,
    http::{Method, StatusCode, header},
};
use serde_json::json;
use vestibule_crypto::{KeySealer, LocalSigner, SealingKey};
use vestibule_domain::{
    client::SigningAlg,
    keys::Rotation,
    ports::{Clock, Entropy, SignerError, TokenSigner},
    secret::Digest,
    time::Timestamp,
};

use self::people::Person;
use crate::{
    page, random,
    server::{Asked, Loopback, Site},
    shelf::Shelf,
};

/// The pretend upstream, bound to its address.
#[derive(Debug)]
pub struct PretendIssuer {
    door: Loopback,
    desk: Desk,
}

impl PretendIssuer {
    /// Binds a loopback address, port 0 for a free one, and makes a fresh signing key.
    ///
    /// # Errors
    /// The address is taken, or not a loopback address; or no key could be made.
    pub fn bind(addr: SocketAddr, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> io::Result<Self> {
        let door = Loopback::bind(addr)?;
        let issuer = door.origin().to_owned();
        let signer = signer(&issuer, clock.now(), entropy.as_ref()).map_err(io::Error::other)?;
        Ok(Self { door, desk: Desk { issuer, clock, entropy, signer, client: None, books: Mutex::new(Books::new()) } })
    }

    /// The issuer identifier, as `http://127.0.0.1:8081`, and below it the discovery document.
    pub fn issuer(&self) -> &str {
        &self.desk.issuer
    }

    /// Registers the one client, in place of an earlier one. `redirect_uri` is compared as a string.
    pub fn register(&mut self, client_id: impl Into<String>, client_secret: &str, redirect_uri: impl Into<String>) {
        self.desk.client = Some(Client { id: client_id.into(), secret: random::digest(client_secret), redirect_uri: redirect_uri.into() });
    }

    /// Serves until `shutdown` is ready.
    ///
    /// # Errors
    /// The listener can't be used, most likely because there is no tokio runtime with IO here.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        self.door.serve("pretend issuer", self.desk, shutdown).await
    }
}

/// A signer with one RSA key, which nobody keeps: the sealing key is forgotten with the process.
fn signer(issuer: &str, now: Timestamp, entropy: &dyn Entropy) -> Result<LocalSigner, SignerError> {
    // As long as anybody leaves a computer on.
    const YEARS: Duration = Duration::from_hours(24 * 365 * 10);
    let sealer = Arc::new(KeySealer::new(SealingKey::generate(entropy), vec![]));
    let signer = LocalSigner::new(issuer.to_owned(), sealer);
    let rotation = Rotation { every: YEARS, algorithms: vec![SigningAlg::Rs256], ..Rotation::default() };
    let keys = rotation.wanted(&[], now).into_iter().map(|wanted| {
        let (kid, sealed) = signer.generate(wanted.alg)?;
        Ok(rotation.dated(kid, &wanted, sealed, now))
    });
    signer.install(&keys.collect::<Result<Vec<_>, _>>()?)?;
    Ok(signer)
}

/// Everything the issuer's endpoints need.
struct Desk {
    issuer: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    signer: LocalSigner,
    client: Option<Client>,
    books: Mutex<Books>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("issuer", &self.issuer).field("client", &self.client).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Client {
    id: String,
    secret: Digest,
    redirect_uri: String,
}

/// What was given out and is still good.
struct Books {
    codes: Shelf<Code>,
    access: Shelf<Grant>,
    refresh: Shelf<Refresh>,
}

/// What one sign-in gave. The `id` names it, so that all that came of it can be taken back at once.
#[derive(Clone, Debug)]
struct Grant {
    id: String,
    person: Person,
    scopes: Vec<String>,
    nonce: Option<String>,
    auth_time: Timestamp,
}

struct Code {
    grant: Grant,
    redirect_uri: String,
    challenge: String,
    spent: bool,
}

struct Refresh {
    grant: Grant,
    spent: bool,
}

const CODE_LIFETIME: Duration = Duration::from_mins(1);
const TOKEN_LIFETIME: Duration = Duration::from_mins(5);
const REFRESH_LIFETIME: Duration = Duration::from_hours(24 * 30);
/// Of each kind.
const MOST_KEPT: usize = 2_000;

impl Books {
    fn new() -> Self {
        Self {
            codes: Shelf::new(MOST_KEPT, CODE_LIFETIME),
            access: Shelf::new(MOST_KEPT, TOKEN_LIFETIME),
            refresh: Shelf::new(MOST_KEPT, REFRESH_LIFETIME),
        }
    }

    /// Takes back every token of a sign-in.
    fn revoke(&mut self, grant: &str) {
        self.access.keep(|token| token.id != grant);
        self.refresh.keep(|token| token.grant.id != grant);
    }
}

impl Desk {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn discovery(&self) -> Response {
        let issuer = &self.issuer;
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "scopes_supported": authorize::SCOPES,
            "claims_supported": people::CLAIMS,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [SigningAlg::Rs256.as_str()],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": authorize::PROMPTS,
            "authorization_response_iss_parameter_supported": true,
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        });
        page::json(StatusCode::OK, &metadata)
    }

    fn jwks(&self) -> Response {
        Response::builder().content_type("application/json").body(self.signer.jwks(self.clock.now()).to_vec())
    }
}

impl Site for Desk {
    async fn answer(&self, asked: Asked) -> Response {
        let (takes_get, takes_post, allow) = match asked.path.as_str() {
            "/authorize" | "/userinfo" => (true, true, "GET, HEAD, POST"),
            "/choose" | "/token" => (false, true, "POST"),
            _ => (true, false, "GET, HEAD"),
        };
        if !(takes_get && asked.method == Method::GET || takes_post && asked.method == Method::POST) {
            let refusal = page::text(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method\n");
            return page::with_header(refusal, header::ALLOW, allow);
        }
        match asked.path.as_str() {
            "/" => page::html(StatusCode::OK, &HomePage { issuer: &self.issuer, people: people::ALL }),
            "/.well-known/openid-configuration" => self.discovery(),
            "/jwks" => self.jwks(),
            "/authorize" => authorize::authorize(self, &asked),
            "/choose" => choose::choose(self, &asked),
            "/token" => token::token(self, &asked),
            "/userinfo" => userinfo::userinfo(self, &asked),
            _ => refused(StatusCode::NOT_FOUND, "There is nothing at this address."),
        }
    }
}

#[derive(Template)]
#[template(path = "issuer/home.html")]
struct HomePage<'a> {
    issuer: &'a str,
    people: &'static [people::Known],
}

#[derive(Template)]
#[template(path = "issuer/refused.html")]
struct RefusedPage<'a> {
    why: &'a str,
}

/// A page for a request that can't be sent back to whoever made it.
fn refused(status: StatusCode, why: &str) -> Response {
    page::html(status, &RefusedPage { why })
}
