//! What surrounds every handler: a span and a reference, our own name, the method, the body's limit, the count, and the last resort.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Body, Endpoint, Request, Response, error::ReadBodyError};
use tracing::Instrument;
use vestibule_domain::{
    error::{OAuthError, OAuthErrorCode},
    ids::Reference,
    ports::Answered,
};

use crate::{
    admin, halt,
    house::House,
    limits, oauth,
    pages::ErrorKind,
    visit::{self, Visit},
};

/// Who reads the answer; it decides the form of what goes wrong around a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A person, who sees a page.
    Person,
    /// A program, which reads JSON.
    Program,
    /// An operator's machine, which knows our address but not our name.
    Operator,
    /// A caller of the admin API, which reads problem documents.
    Admin,
}

/// One step of the walk at its address. The route is the label of metrics and spans.
pub(crate) struct Step<F> {
    pub(crate) house: Arc<House>,
    pub(crate) route: &'static str,
    pub(crate) methods: &'static [Method],
    pub(crate) reader: Reader,
    pub(crate) act: F,
}

/// More than any form of ours needs; the largest is a token request with a client assertion.
const LARGEST_BODY: usize = 64 * 1024;

impl<F, Fut> Endpoint for Step<F>
where
    F: Fn(Arc<House>, Visit) -> Fut + Send + Sync,
    Fut: Future<Output = Response> + Send,
{
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let method = request.method().clone();
        let body = if matches!(method, Method::POST | Method::PUT) { request.take_body() } else { Body::empty() };
        let answer = watched(&self.house, self.route, self.reader, request, |visit| async move {
            match self.admit(visit, body).await {
                Ok(visit) => (self.act)(self.house.clone(), visit).await,
                Err(refusal) => *refusal,
            }
        });
        Ok(answer.await)
    }
}

impl<F: Send + Sync> Step<F> {
    async fn admit(&self, visit: Visit, body: Body) -> Result<Visit, Box<Response>> {
        let asked = visit.request.method();
        // What a person's page does on GET, a scanner's HEAD must not do (RFC 9110 §9.3.2).
        let head_of_get = *asked == Method::HEAD && self.methods.contains(&Method::GET) && self.reader != Reader::Person;
        if !self.methods.contains(asked) && !head_of_get {
            return Err(Box::new(self.refusal(&visit, Refusal::Method)));
        }
        // Before the body is read: that is work too.
        if let Some(limit) = limits::of(self.route)
            && let Err(seconds) = self.house.gateway.admit_address(&visit.witness, limit).await
        {
            return Err(Box::new(self.too_many(&visit, seconds)));
        }
        match body.into_bytes_limit(LARGEST_BODY).await {
            Ok(body) => Ok(Visit { body: body.into(), ..visit }),
            Err(ReadBodyError::PayloadTooLarge) => Err(Box::new(self.refusal(&visit, Refusal::TooLarge))),
            Err(_) => Err(Box::new(self.refusal(&visit, Refusal::Unreadable))),
        }
    }

    fn too_many(&self, visit: &Visit, seconds: u64) -> Response {
        match self.reader {
            Reader::Person => {
                let retry_after = u32::try_from(seconds).unwrap_or(u32::MAX);
                halt::page(&self.house, visit, ErrorKind::TooManyRequests { retry_after })
            }
            Reader::Program | Reader::Operator | Reader::Admin => oauth::error(&OAuthError::too_many(seconds), false),
        }
    }

    fn refusal(&self, visit: &Visit, why: Refusal) -> Response {
        let allow = allow(self.methods, self.reader);
        let (status, text) = match why {
            Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method"),
            Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 KiB"),
            Refusal::Unreadable => (StatusCode::BAD_REQUEST, "the body can't be read"),
        };
        let mut response = match (self.reader, why) {
            (Reader::Person, Refusal::Method) => halt::page(&self.house, visit, ErrorKind::MethodNotAllowed { allow }),
            (Reader::Person, _) => halt::page(&self.house, visit, ErrorKind::RequestInvalid { detail: text.to_owned() }),
            (Reader::Program | Reader::Operator | Reader::Admin, _) => {
                oauth::error(&OAuthError::new(OAuthErrorCode::InvalidRequest, text), false)
            }
        };
        response.set_status(status);
        if why == Refusal::Method {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Method,
    TooLarge,
    Unreadable,
}

fn allow(methods: &[Method], reader: Reader) -> &'static str {
    match (methods.contains(&Method::GET), methods.contains(&Method::POST), reader) {
        (true, true, Reader::Person) => "GET, POST",
        (true, false, Reader::Person) => "GET",
        (true, true, _) => "GET, HEAD, POST",
        (false, true, _) => "POST",
        (true, false, _) if methods.contains(&Method::PUT) => "GET, HEAD, PUT, DELETE",
        _ => "GET, HEAD",
    }
}

/// Runs `act` with a span, a reference and a count around it, if the request came under our own name.
pub(crate) async fn watched<A, Fut>(house: &Arc<House>, route: &'static str, reader: Reader, request: Request, act: A) -> Response
where
    A: FnOnce(Visit) -> Fut + Send,
    Fut: Future<Output = Response> + Send,
{
    let began = Instant::now();
    let _in_flight = house.metrics.request_begins();
    let method = request.method().clone();
    let known = known_method(&method);
    let span = vestibule_telemetry::request_span(known, route);
    let trace_id = vestibule_telemetry::trace_id(&span).unwrap_or_else(|| reference(house));
    let witness = visit::witness(house, &request, trace_id.clone());
    let now = witness.now;
    let visit = Visit { witness, request, body: Vec::new() };
    let answer = async {
        if reader == Reader::Operator || comes_under_our_name(house, &visit.request, reader) {
            act(visit).await
        } else {
            // Says nothing of ours: whoever calls under another name has no business here.
            Response::builder().status(StatusCode::MISDIRECTED_REQUEST).content_type("text/plain; charset=utf-8").body("wrong host\n")
        }
    };
    let mut response = AssertUnwindSafe(answer.instrument(span.clone())).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(parent: &span, route, "a handler panicked");
        match reader {
            Reader::Admin => admin::last_resort(&trace_id),
            Reader::Person => halt::last_resort(&trace_id, now),
            Reader::Program | Reader::Operator => oauth::error(&OAuthError::server_error(), false),
        }
    });
    protect(house, &mut response);
    let status = response.status().as_u16();
    vestibule_telemetry::request_ended(&span, status);
    span.in_scope(|| {
        house.gateway.observer().answered(&Answered { method: known, route, status, took: began.elapsed() });
        tracing::debug!(status, "{known} {route}");
    });
    response
}

/// Methods are free text on the wire, and this is a label.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Headers that every answer of the house carries.
fn protect(house: &House, response: &mut Response) {
    const NOSNIFF: (HeaderName, HeaderValue) = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    const HSTS: (HeaderName, HeaderValue) =
        (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    if house.is_secure() {
        headers.insert(HSTS.0, HSTS.1);
    }
}

/// Goes with requests that came by the listener of the admin API and the console. It is called by whatever name its machine has: a key in a header and a
/// cookie of that very name are all that counts there, and a page of another site has neither (attack 44).
#[derive(Clone, Copy)]
pub(crate) struct OwnDoor;

/// Attack 44. A trusted proxy answers for the name itself.
fn comes_under_our_name(house: &House, request: &Request, reader: Reader) -> bool {
    // The name for clients with certificates has no pages: nobody's browser is to be asked for one.
    let for_certificates = |host: &str| reader == Reader::Program && house.is_called_for_certificates(host);
    request.data::<OwnDoor>().is_some()
        || visit::called(request).is_some_and(|host| house.is_called(host) || for_certificates(host))
        || visit::peer(request).is_some_and(|peer| house.trusts(peer))
}

fn reference(house: &House) -> String {
    let mut random = [0; 10];
    house.gateway.entropy().fill(&mut random);
    Reference::new(house.gateway.clock().now(), &random).to_string()
}
