//! `Idempotency-Key`: a POST that is sent again is done once.

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{
    Body, Request, Response,
    error::{ReadBodyError, ResponseError},
};
use tracing::Instrument;
use vestibule_domain::{audit::Witness, operator::Operator};
use vestibule_flows::{Begun, Ended, Gateway, RepeatedAnswer};

use super::{body::LARGEST, code::Code, problem::Problem};

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that this was the answer to an earlier call.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The headers of an answer that are its own; the others every answer gets.
const KEPT: [HeaderName; 4] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG, header::LINK];

/// The name of a call, if it has one. What is no POST can be sent again as it is.
pub(crate) fn name(request: &Request) -> Result<Option<String>, Problem> {
    if *request.method() != Method::POST {
        return Ok(None);
    }
    let mut all = request.headers().get_all(NAME).iter();
    let Some(name) = all.next() else { return Ok(None) };
    let text = name.to_str().map(str::trim).unwrap_or_default();
    let is_fine = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if is_fine && all.next().is_none() {
        return Ok(Some(text.to_owned()));
    }
    Err(Problem::parameter("Idempotency-Key", "must be one text of 1 to 255 visible characters without spaces, as a UUID"))
}

/// Who sends a call, and when.
pub(crate) struct Call {
    pub(crate) gateway: Gateway,
    pub(crate) witness: Witness,
    pub(crate) operator: Operator,
}

impl Call {
    /// Does it, unless it was done: then answers what it was answered. What was refused was not done, and is not remembered. Once begun it goes on,
    /// whether or not its caller still waits: they ask again because they do not know.
    pub(crate) async fn answered<A, Fut>(self, name: &str, mut request: Request, act: A) -> Result<Response, Problem>
    where
        A: FnOnce(Request) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Response, Problem>> + Send,
    {
        let body = request.take_body().into_bytes_limit(LARGEST).await.map_err(|error| match error {
            ReadBodyError::PayloadTooLarge => Problem::too_large(),
            _ => Problem::new(Code::InvalidJson, "The body can't be read to its end."),
        })?;
        let asked = [
            format!("{} {}?{}\n", request.method(), request.uri().path(), request.uri().query().unwrap_or_default()).as_bytes(),
            &body[..],
        ]
        .concat();
        let once = match self.gateway.begin_once(&self.witness, &self.operator, name, &asked).await? {
            Begun::Again(answer) => return Ok(again(answer)),
            Begun::First(once) => once,
        };
        request.set_body(Body::from(body));
        let done = async move {
            let (answer, ended) = match act(request).await {
                Ok(response) => kept(response).await,
                Err(problem) => {
                    let ended = without_success(problem.status());
                    (Err(problem), ended)
                }
            };
            self.gateway.end_once(&self.witness, once, ended).await;
            answer
        };
        tokio::spawn(done.in_current_span()).await.unwrap_or_else(|_| Err(Problem::internal()))
    }
}

/// What fails here may have been done before it failed.
fn without_success(status: StatusCode) -> Ended {
    if status.is_server_error() { Ended::Unknown } else { Ended::Refused }
}

/// The answer, and what is kept of it.
async fn kept(response: Response) -> (Result<Response, Problem>, Ended) {
    if !response.status().is_success() {
        let ended = without_success(response.status());
        return (Ok(response), ended);
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.into_string().await else { return (Err(Problem::internal()), Ended::Unknown) };
    let text = |name: &HeaderName| Some((name.as_str().to_owned(), parts.headers.get(name)?.to_str().ok()?.to_owned()));
    let answer = RepeatedAnswer { status: parts.status.as_u16(), headers: KEPT.iter().filter_map(text).collect(), body: body.clone() };
    (Ok(Response::from_parts(parts, Body::from(body))), Ended::Done(answer))
}

fn again(answer: RepeatedAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = Response::builder().status(status).body(answer.body);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
