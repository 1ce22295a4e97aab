//! `Idempotency-Key`: a POST that is sent again is done once.

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Body, Request, Response, error::ReadBodyError};
use vestibule_domain::{audit::Witness, operator::Operator};
use vestibule_flows::{Begun, Gateway, RepeatedAnswer};

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
pub(crate) struct Call<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) witness: &'a Witness,
    pub(crate) operator: &'a Operator,
}

impl Call<'_> {
    /// Does it, unless it was done: then answers what it was answered. What was refused was not done, and is not remembered.
    pub(crate) async fn answered<A, Fut>(self, name: &str, mut request: Request, act: A) -> Result<Response, Problem>
    where
        A: FnOnce(Request) -> Fut + Send,
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
        let once = match self.gateway.begin_once(self.witness, self.operator, name, &asked).await? {
            Begun::Again(answer) => return Ok(again(answer)),
            Begun::First(once) => once,
        };
        request.set_body(Body::from(body));
        let done = act(request).await;
        let (answer, kept) = match done {
            Ok(response) => kept(response).await,
            Err(problem) => (Err(problem), None),
        };
        self.gateway.end_once(self.witness, once, kept).await;
        answer
    }
}

/// The answer, and what is kept of it if it was done.
async fn kept(response: Response) -> (Result<Response, Problem>, Option<RepeatedAnswer>) {
    if !response.status().is_success() {
        return (Ok(response), None);
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.into_string().await else { return (Err(Problem::internal()), None) };
    let text = |name: &HeaderName| Some((name.as_str().to_owned(), parts.headers.get(name)?.to_str().ok()?.to_owned()));
    let answer = RepeatedAnswer { status: parts.status.as_u16(), headers: KEPT.iter().filter_map(text).collect(), body: body.clone() };
    (Ok(Response::from_parts(parts, Body::from(body))), Some(answer))
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
