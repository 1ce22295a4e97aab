//! What is left of an answer for who may write and not read: what names the thing, and what was made for them.

use http::{StatusCode, header};
use poem::{Body, Response};
use serde_json::{Map, Value};

use super::problem::Problem;

/// The members that stay: names, and secrets that are shown in this answer and in no other.
const STAYS: [&str; 3] = ["id", "client_id", "client_secret"];

/// The answer to a change of something that was there. What was made is the caller's own, and they wrote all of it.
pub(crate) async fn without_what_is_there(response: Response) -> Result<Response, Problem> {
    let is_json = response.content_type().is_some_and(|kind| kind.starts_with("application/json"));
    if response.status() != StatusCode::OK || !is_json {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let shown: Map<String, Value> = body.into_json().await.map_err(|_| Problem::internal())?;
    let left: Map<String, Value> = shown.into_iter().filter(|(name, _)| STAYS.contains(&name.as_str())).collect();
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(Value::from(left).to_string())))
}
