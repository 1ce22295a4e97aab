//! What the stand-ins have in common: a socket, requests as they are read, and answers.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

/// A request as a stand-in read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The parameters of the query, in order.
    pub query: Vec<(String, String)>,
    /// The fields of the form, in order.
    pub form: Vec<(String, String)>,
    /// Names and values of the headers, lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

impl Asked {
    /// What a browser asks when it is sent to `location`.
    pub(super) fn get(location: &Url) -> Self {
        Self {
            method: "GET".to_owned(),
            path: location.path().to_owned(),
            query: location.query_pairs().into_owned().collect(),
            form: Vec::new(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// A parameter, from the form or the query. One that comes twice is none.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.form.iter().chain(&self.query).filter(|(key, _)| key == name);
        all.next().filter(|_| all.next().is_none()).map(|(_, value)| value.as_str())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The bearer token of the header (RFC 6750 §2.1; GitHub's clients write `token`).
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")).then_some(token)
    }

    /// Client id and secret, from the header or the form (RFC 6749 §2.3.1).
    pub(super) fn client(&self) -> Option<(String, String)> {
        let Some(sent) = self.header("authorization").and_then(|header| header.strip_prefix("Basic ").or(header.strip_prefix("basic ")))
        else {
            return Some((self.parameter("client_id")?.to_owned(), self.parameter("client_secret").unwrap_or_default().to_owned()));
        };
        let pair = String::from_utf8(STANDARD.decode(sent).ok()?).ok()?;
        let (id, secret) = pair.split_once(':')?;
        Some((form_decoded(id), form_decoded(secret)))
    }

    async fn read(request: Request<Incoming>) -> Self {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let is_form =
            parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| text(kind).starts_with("application/x-www-form-urlencoded"));
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            form: if is_form { form_urlencoded::parse(&body).into_owned().collect() } else { Vec::new() },
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).map(|(name, value)| if value.is_empty() { name } else { value }.into_owned()).collect()
}

/// What a stand-in answers.
#[derive(Debug)]
pub(super) struct Answer(Response<Full<Bytes>>);

impl Answer {
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", value.to_string())
    }

    pub(super) fn page(status: u16, title: &str, body: &str) -> Self {
        let page = format!("<!doctype html>\n<html lang=\"en\"><title>{title}</title><h1>{title}</h1>{body}</html>\n");
        Self::text(status, "text/html; charset=utf-8", page)
    }

    pub(super) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        let mut response = Response::new(Full::new(body.into()));
        *response.status_mut() = StatusCode::from_u16(status).expect("tests use real statuses");
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self(response)
    }

    pub(super) fn empty(status: u16) -> Self {
        let mut answer = Self::text(status, "text/plain", String::new());
        answer.0.headers_mut().remove(header::CONTENT_TYPE);
        answer
    }

    pub(super) fn redirect(to: &Url) -> Self {
        Self::empty(302).with(header::LOCATION, to.as_str())
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.0.headers_mut().insert(name, HeaderValue::from_str(value).expect("tests write good headers"));
        self
    }

    /// Where it sends a browser.
    pub(super) fn location(&self) -> Option<Url> {
        Url::parse(self.0.headers().get(header::LOCATION)?.to_str().ok()?).ok()
    }
}

/// Whoever answers at the socket.
pub(super) trait Desk: Send + Sync + 'static {
    fn answer(&self, asked: &Asked) -> Answer;
}

/// A socket on loopback with somebody who answers. It closes when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Binds a free port, then makes the desk, which may want to know its own address.
    pub(super) async fn start<D: Desk>(desk: impl FnOnce(String) -> D) -> (Self, Arc<D>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let desk = Arc::new(desk(format!("http://{address}")));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&desk), Arc::clone(&seen)));
        (Self { address, accepting, seen }, desk)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn host_and_port(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<D: Desk>(listener: TcpListener, desk: Arc<D>, seen: Arc<Mutex<Vec<Asked>>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (desk, seen) = (Arc::clone(&desk), Arc::clone(&seen));
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let (desk, seen) = (Arc::clone(&desk), Arc::clone(&seen));
                async move {
                    let asked = Asked::read(request).await;
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
                    Ok::<_, std::convert::Infallible>(desk.answer(&asked).0)
                }
            });
            // A connection that ends badly is the guest's choice, or the test's.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
        });
    }
}
