//! From a request to what goes over the wire, true or not.

use std::{io::Write, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    Desk, Seen,
    manners::{Answer, Place},
    protocol::Refused,
};

type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// What happens to a request.
pub(super) enum Reply {
    Response(Response<Body>),
    /// The connection is closed without a word.
    Reset,
}

/// 8 MiB of spaces, compressed with brotli.
const BROTLI_BOMB: [u8; 14] = [0x9b, 0xff, 0xff, 0x7f, 0xf8, 0x25, 0x40, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x0f];
const BOMB_BYTES: usize = 8 << 20;

impl Desk {
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Reply {
        let seen = read(request).await;
        let place = seen.place;
        let planned = place.and_then(|place| self.lock().manners.answers.get(&place).cloned());
        self.lock().seen.push(seen.clone());
        match (planned, place) {
            (Some(answer), _) => misbehave(answer).await,
            (None, None) => json(404, &Value::Null),
            (None, Some(Place::Discovery)) => json(200, &self.metadata()),
            (None, Some(Place::Keys)) => json(200, &self.jwks()),
            (None, Some(Place::Token)) => said(self.token(&seen)),
            (None, Some(Place::Userinfo)) => said(self.userinfo(&seen)),
            (None, Some(Place::Authorize)) => match self.authorize(seen.target.split_once('?').map_or("", |(_, query)| query)) {
                Ok(back) => redirect(StatusCode::SEE_OTHER, back.as_str()),
                Err(text) => respond(400, "text/plain", text.into()),
            },
        }
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Seen {
        place: Place::of(parts.uri.path()),
        target: parts.uri.to_string(),
        authorization: parts.headers.get(header::AUTHORIZATION).map(text),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        form: form_urlencoded::parse(&body).into_owned().collect(),
    }
}

async fn misbehave(answer: Answer) -> Reply {
    match answer {
        Answer::Text { status, content_type, body } => respond(status, content_type, body.into()),
        Answer::Redirect(location) => redirect(StatusCode::TEMPORARY_REDIRECT, &location),
        Answer::Hang => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Reply::Reset
        }
        Answer::Reset => Reply::Reset,
        Answer::Drip => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
            });
            Reply::Response(whole(200, "application/json", StreamBody::new(drops).boxed_unsync()))
        }
        Answer::Huge(bytes) => respond(200, "application/json", vec![b' '; bytes].into()),
        Answer::GzipBomb => encoded("gzip", gzip_bomb()),
        Answer::BrotliBomb => encoded("br", BROTLI_BOMB.to_vec()),
    }
}

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b' '; BOMB_BYTES]).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn said(answer: Result<Value, Refused>) -> Reply {
    match answer {
        Ok(value) => json(200, &value),
        Err((status, code)) => json(status, &serde_json::json!({ "error": code })),
    }
}

fn json(status: u16, value: &Value) -> Reply {
    respond(status, "application/json", value.to_string().into())
}

fn respond(status: u16, content_type: &'static str, body: Bytes) -> Reply {
    Reply::Response(whole(status, content_type, Full::new(body).boxed_unsync()))
}

fn encoded(encoding: &'static str, body: Vec<u8>) -> Reply {
    let mut response = whole(200, "application/json", Full::new(body.into()).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
    Reply::Response(response)
}

fn redirect(status: StatusCode, location: &str) -> Reply {
    let mut response = whole(status.as_u16(), "text/plain", Full::default().boxed_unsync());
    response.headers_mut().insert(header::LOCATION, header::HeaderValue::from_str(location).expect("a location is a header"));
    Reply::Response(response)
}

fn whole(status: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("tests use real statuses");
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
