//! The one outgoing HTTP client. Whoever talks to an upstream talks through it.
//!
//! An upstream's documents name further addresses, and a hostile one names ours: so what is reached is decided here and not by who asks
//! (attacks 42 and 43). There are no redirects (attack 31), no cookies, no proxies from the environment, and an end to every answer (attack 30).

mod address;
mod resolver;

use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::HeaderMap;
use reqwest::{Certificate, Client, redirect, tls::TlsInfo};
use url::Url;

use self::{
    address::literal,
    resolver::{GuardedResolver, NoneAllowed, Reach},
};
pub use self::{
    address::{AllowedAddress, AllowedAddressError, is_public},
    resolver::{Lookup, SystemLookup},
};

/// Adds the headers of the current trace (W3C Trace Context) to a request to that host, if the host is to know.
pub type Propagate = Arc<dyn Fn(&str, &mut HeaderMap) + Send + Sync>;

/// How upstreams are reached.
#[derive(Clone)]
pub struct EgressOptions {
    /// How long a connection may take, its name and TLS included.
    pub connect_timeout: Duration,
    /// How long a request may take in all, to the last byte of its answer.
    pub timeout: Duration,
    /// How many bytes of a body are read, counted after decompression.
    pub most_bytes: usize,
    /// What is reached although it is not public, not https or at another port than 443. Empty unless an operator says so.
    pub allow: Vec<AllowedAddress>,
    /// Certificate authorities besides the platform's, each a PEM file with one certificate or more.
    pub extra_roots: Vec<Vec<u8>>,
    /// Who adds the trace headers, if anybody.
    pub propagate: Option<Propagate>,
    /// Where addresses of names come from.
    pub lookup: Arc<dyn Lookup>,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            most_bytes: 256 * 1024,
            allow: Vec::new(),
            extra_roots: Vec::new(),
            propagate: None,
            lookup: Arc::new(SystemLookup),
        }
    }
}

impl fmt::Debug for EgressOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("most_bytes", &self.most_bytes)
            .field("allow", &self.allow)
            .field("extra_roots", &self.extra_roots.len())
            .finish_non_exhaustive()
    }
}

/// Why the client can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressSetupError {
    /// An extra root is no PEM certificate.
    #[error("extra root {0} is not a PEM file of certificates")]
    Root(usize),
    /// The TLS library can't be set up: most likely there is nobody to trust.
    #[error(
        "TLS can't be set up: no certificate authorities were found on this machine, nor where SSL_CERT_FILE says, so no provider could prove who it is"
    )]
    Tls,
}

/// Why there is no answer. The texts are for the operator and hold nothing that a stranger or an upstream wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The address may not be reached. One error and one text for every reason, so that nobody learns of our network from it.
    #[error("the address is not public https at port 443 or that of the issuer, and not on the allow-list")]
    Blocked,
    /// The name has no address.
    #[error("the host's name can't be resolved")]
    Name,
    /// Nobody there, or no TLS with a certificate we trust.
    #[error("no connection, or no TLS with a trusted certificate")]
    Connect,
    /// Not within the time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke off")]
    Broken,
    /// More than the limit.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// A redirect, which is never followed: it would carry our credentials to whom the upstream likes (attack 31).
    #[error("a redirect, which is not followed")]
    Redirect(u16),
}

/// The certificate that who answered had, in DER; among the extensions of an answer that came by TLS.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Vec<u8>);

/// The client. Cheap to clone; connections are shared.
#[derive(Clone)]
pub struct Egress {
    /// For the public internet.
    public: Client,
    /// For networks of the allow-list alone.
    inside: Client,
    /// For hosts that the allow-list names with their port.
    named: Client,
    allow: Arc<[AllowedAddress]>,
    /// A port of the public internet that is reached besides [`HTTPS`].
    port: Option<u16>,
    most_bytes: usize,
    propagate: Option<Propagate>,
}

/// Where issuers are. What answers at another port is somebody's database, mail or printer, and a hostile document could have us knock there.
const HTTPS: u16 = 443;

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("allow", &self.allow).field("most_bytes", &self.most_bytes).finish_non_exhaustive()
    }
}

impl Egress {
    /// A client that keeps these rules.
    pub fn new(options: EgressOptions) -> Result<Self, EgressSetupError> {
        let EgressOptions { connect_timeout, timeout, most_bytes, allow, extra_roots, propagate, lookup } = options;
        let allow: Arc<[AllowedAddress]> = allow.into();
        let roots = read_roots(&extra_roots)?;
        let client = |reach| {
            let resolver = GuardedResolver { lookup: Arc::clone(&lookup), allow: Arc::clone(&allow), reach };
            Client::builder()
                .dns_resolver(resolver)
                .redirect(redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(connect_timeout)
                .timeout(timeout)
                // Servers commonly close what was idle for five seconds. A code that is sent down a connection in that moment is lost, and can't be sent
                // again: nobody knows whether it arrived.
                .pool_idle_timeout(Duration::from_secs(3))
                .tls_certs_merge(roots.clone())
                .tls_info(true)
                .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|_| EgressSetupError::Tls)
        };
        let (public, inside, named) = (client(Reach::Public)?, client(Reach::Inside)?, client(Reach::Anywhere)?);
        Ok(Self { public, inside, named, allow, port: None, most_bytes, propagate })
    }

    /// The same client for one issuer: whoever configured its address meant its port too.
    #[must_use]
    pub fn at_port_of(self, issuer: &Url) -> Self {
        Self { port: issuer.port(), ..self }
    }

    /// Whether a URL may be asked for at all, as far as its text tells; where its name leads is seen when it is resolved.
    pub fn permits(&self, url: &Url) -> bool {
        self.client_for(url).is_ok()
    }

    /// Sends a request and reads the whole answer, whatever its status, redirects excepted.
    pub async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, EgressError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| EgressError::Blocked)?;
        let client = self.client_for(&url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut outgoing = reqwest::Request::new(parts.method, url);
        *outgoing.headers_mut() = parts.headers;
        if let Some(propagate) = &self.propagate {
            propagate(&host, outgoing.headers_mut());
        }
        if !body.is_empty() {
            *outgoing.body_mut() = Some(body.into());
        }
        let answer = client.execute(outgoing).await.map_err(|error| fault(&error))?;
        if answer.status().is_redirection() {
            return Err(EgressError::Redirect(answer.status().as_u16()));
        }
        self.read(answer).await
    }

    /// Which client a URL is for. Userinfo is refused: it is how a URL pretends to lead elsewhere.
    fn client_for(&self, url: &Url) -> Result<&Client, EgressError> {
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || !matches!(url.scheme(), "http" | "https") {
            return Err(EgressError::Blocked);
        }
        if self.allow.iter().any(|allowed| allowed.names(url)) {
            return Ok(&self.named);
        }
        if url.scheme() != "https" {
            return Err(EgressError::Blocked);
        }
        let usual_port = url.port_or_known_default().is_some_and(|port| port == HTTPS || Some(port) == self.port);
        match literal(url) {
            // The connector does not resolve a host that is an address already, so the resolver never sees it.
            Some(address) if usual_port && is_public(address) => Ok(&self.public),
            None if usual_port => Ok(&self.public),
            // Its name may lead into a network that was allowed at any port.
            None if self.allow.iter().any(AllowedAddress::is_network) => Ok(&self.inside),
            _ => Err(EgressError::Blocked),
        }
    }

    /// Reads the decompressed body piece by piece and stops at the limit: a bomb is cut while it unfolds.
    async fn read(&self, mut answer: reqwest::Response) -> Result<http::Response<Vec<u8>>, EgressError> {
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| fault(&error))? {
            if body.len() + piece.len() > self.most_bytes {
                return Err(EgressError::TooLarge(self.most_bytes));
            }
            body.extend_from_slice(&piece);
        }
        let mut read = http::Response::new(body);
        *read.status_mut() = answer.status();
        *read.headers_mut() = std::mem::take(answer.headers_mut());
        let certificate = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        certificate.map(|certificate| read.extensions_mut().insert(PeerCertificate(certificate)));
        Ok(read)
    }
}

fn read_roots(files: &[Vec<u8>]) -> Result<Vec<Certificate>, EgressSetupError> {
    let mut roots = Vec::new();
    for (at, pem) in files.iter().enumerate() {
        match Certificate::from_pem_bundle(pem) {
            Ok(bundle) if !bundle.is_empty() => roots.extend(bundle),
            _ => return Err(EgressSetupError::Root(at)),
        }
    }
    Ok(roots)
}

fn fault(error: &reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<NoneAllowed>() {
            return EgressError::Blocked;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        EgressError::Timeout
    } else if error.is_dns() {
        EgressError::Name
    } else if error.is_connect() {
        EgressError::Connect
    } else {
        EgressError::Broken
    }
}
