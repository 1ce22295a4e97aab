//! From hyper's request to poem's and back.

use std::{
    convert::Infallible,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderValue, Request, StatusCode, Version, header, uri::Scheme};
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use poem::{
    Endpoint, Response,
    web::{LocalAddr, RemoteAddr},
};
use tracing::{debug, error, warn};

use super::{
    framing,
    roster::{Roster, Seat, UnderWay},
};
use crate::certificates::PeerCertificates;

/// What all requests of a connection share.
pub(super) struct Visit<E> {
    pub(super) endpoint: Arc<E>,
    pub(super) roster: Arc<Roster>,
    pub(super) seat: Arc<Seat>,
    pub(super) local: LocalAddr,
    pub(super) remote: RemoteAddr,
    pub(super) scheme: Scheme,
    pub(super) request_timeout: Duration,
    /// What the client showed in the handshake, if it showed anything.
    pub(super) certificates: Option<PeerCertificates>,
}

impl<E: Endpoint> Visit<E> {
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<http::Response<Answer>, Infallible> {
        let has_body = !request.body().is_end_stream();
        let under_way = self.seat.begins(has_body);
        let is_http1 = request.version() < Version::HTTP_2;
        let fault = framing::fault(&request, self.seat.take_conflict());
        let response = match fault {
            Some(fault) => refuse(fault),
            None => self.ask(request, has_body).await,
        };
        under_way.progresses();
        let mut response = http::Response::from(response);
        // HTTP/2 has GOAWAY for this and forbids the header (RFC 9113 §8.2.2).
        if is_http1 && (fault.is_some() || self.roster.parts_after_answer()) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Answer { body, under_way }))
    }

    async fn ask(&self, mut request: Request<Incoming>, has_body: bool) -> Response {
        if let Some(certificates) = &self.certificates {
            request.extensions_mut().insert(certificates.clone());
        }
        let request = (request, self.local.clone(), self.remote.clone(), self.scheme.clone()).into();
        let mut answer = pin!(self.endpoint.get_response(request));
        // A panic costs its own request an answer, not the other requests of the connection theirs.
        let caught = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        });
        match tokio::time::timeout(self.request_timeout, caught).await {
            Ok(Some(response)) => response,
            Ok(None) => {
                error!("an endpoint panicked; the request was answered with 500");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "something failed here")
            }
            Err(_) if has_body => plain(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"),
            Err(_) => {
                warn!("an endpoint did not answer within {:?}; the request was answered with 503", self.request_timeout);
                plain(StatusCode::SERVICE_UNAVAILABLE, "this takes too long; try again")
            }
        }
    }
}

fn refuse(fault: &'static str) -> Response {
    debug!("refused a request: {fault}");
    plain(StatusCode::BAD_REQUEST, fault)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    Response::builder().status(status).content_type("text/plain; charset=utf-8").header(header::CACHE_CONTROL, "no-store").body(text)
}

/// A body that counts its request as under way until it has been taken.
pub(super) struct Answer {
    body: BoxBody<Bytes, io::Error>,
    under_way: UnderWay,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        this.under_way.progresses();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
