//! A listener on loopback, and what is the same for every request that comes in.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use poem::{
    Endpoint, Request, Response, Server,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    listener::TcpAcceptor,
};
use vestibule_protocol::parameters::Parameters;

use crate::page;

/// A bound address that nobody is served at yet.
#[derive(Debug)]
pub(crate) struct Loopback {
    listener: TcpListener,
    origin: String,
}

/// What stands behind an address.
pub(crate) trait Site: Send + Sync + 'static {
    fn answer(&self, asked: Asked) -> impl Future<Output = Response> + Send;
}

/// A request as far as anybody here looks at it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Parameters,
    /// The form of a POST; empty otherwise.
    pub(crate) form: Parameters,
}

/// More than any form here needs.
const LARGEST_BODY: usize = 32 * 1024;
/// How long a browser that holds a connection open can delay the end.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

impl Loopback {
    /// Port 0 takes a free one; [`Loopback::origin`] says which.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        if !addr.ip().is_loopback() {
            let text = format!("{addr} can be reached from outside; the playground stands on loopback only, as 127.0.0.1:0");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, origin })
    }

    /// As `http://127.0.0.1:8081`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Serves until `shutdown` is ready.
    pub(crate) async fn serve(self, name: &str, site: impl Site, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let acceptor = TcpAcceptor::from_std(self.listener)?;
        let host = self.origin.trim_start_matches("http://").to_owned();
        Server::new_with_acceptor(acceptor)
            .name(name)
            .idle_timeout(Duration::from_mins(1))
            .run_with_graceful_shutdown(Door { host, site }, shutdown, Some(LAST_REQUESTS))
            .await
    }
}

impl Asked {
    /// Whether a page of ours, or a person at the address bar, asks. Browsers name the asker on loopback too (Fetch Metadata, `Sec-Fetch-Site`);
    /// what sends no such header is no browser, and nobody can make it ask against its will.
    pub(crate) fn comes_from_here(&self) -> bool {
        self.headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none")
    }

    /// A cookie that came once.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
        let mut named = cookies.filter_map(|pair| pair.trim().split_once('=')).filter(|(found, _)| *found == name);
        match (named.next(), named.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

struct Door<S> {
    host: String,
    site: S,
}

impl<S: Site> Endpoint for Door<S> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let mut response = match admit(&self.host, request).await {
            Ok(asked) => self.site.answer(asked).await,
            Err((status, why)) => page::text(status, why),
        };
        protect(response.headers_mut());
        Ok(response)
    }
}

async fn admit(our_host: &str, mut request: Request) -> Result<Asked, (StatusCode, &'static str)> {
    // Whoever comes under another name was led here by a page that has its own name resolved to loopback (attack 44).
    if request.headers().get(header::HOST).is_none_or(|host| host != our_host) {
        return Err((StatusCode::MISDIRECTED_REQUEST, "wrong host: use the address that was printed, digits included\n"));
    }
    let unreadable = (StatusCode::BAD_REQUEST, "the parameters can't be read\n");
    let query = Parameters::parse(request.uri().query().unwrap_or_default().as_bytes()).map_err(|_| unreadable)?;
    let form = if request.method() == Method::POST {
        let body = request.take_body().into_bytes_limit(LARGEST_BODY).await;
        let body = body.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 32 KiB or broke off\n"))?;
        Parameters::parse(&body).map_err(|_| unreadable)?
    } else {
        Parameters::default()
    };
    // hyper leaves the body of an answer to HEAD out by itself.
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    Ok(Asked { method, path: request.uri().path().to_owned(), headers: request.headers().clone(), query, form })
}

/// Addresses and pages here hold codes and tokens: they are stored nowhere, told to nobody, framed by nobody.
fn protect(headers: &mut HeaderMap) {
    const PROTECTION: [(HeaderName, &str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)]) -> Asked {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect();
        Asked { method: Method::POST, path: "/".into(), headers, query: Parameters::default(), form: Parameters::default() }
    }

    #[test]
    fn nothing_is_bound_where_others_could_reach_it() {
        for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            assert_eq!(Loopback::bind(addr.parse().unwrap()).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{addr}");
        }
        assert!(Loopback::bind("127.0.0.1:0".parse().unwrap()).unwrap().origin().starts_with("http://127.0.0.1:"));
    }

    #[test]
    fn attack_63_two_cookies_of_a_name_are_none() {
        assert_eq!(asked(&[("cookie", "a=1; b=2")]).cookie("b"), Some("2"));
        assert_eq!(asked(&[("cookie", "b=1; b=2")]).cookie("b"), None);
        assert_eq!(asked(&[("cookie", "bb=1")]).cookie("b"), None);
    }

    #[test]
    fn a_form_on_a_strangers_page_does_not_come_from_here() {
        for (site, here) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            assert_eq!(asked(&[("sec-fetch-site", site)]).comes_from_here(), here, "{site}");
        }
        assert!(asked(&[]).comes_from_here());
    }
}
