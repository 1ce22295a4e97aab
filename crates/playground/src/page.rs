//! From a template or a value to a response.

use std::sync::LazyLock;

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use poem::{
    Response,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Everything about how pages look; stands between `<style>` and `</style>` unchanged.
pub(crate) const CSS: &str = include_str!("../templates/playground.css");

/// The mark as an icon, so that no browser asks for `/favicon.ico`. An open outline: the house, but only drawn.
pub(crate) const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40' fill='none' \
stroke='%237a3e6d' stroke-width='3' stroke-dasharray='5 3'%3E%3Cpath d='M4.5 38V19a15.5 15.5 0 0 1 31 0v19z'/%3E\
%3Cpath d='M14 38V21a6 6 0 0 1 12 0v17z'/%3E%3C/svg%3E";

/// Nothing runs, nothing loads, nobody frames it; our one style and the icon are all a page may show.
///
/// The one looser word is `form-action`: Chromium holds it against every redirect that follows a form, and the walk that begins with one of
/// these forms may cross any issuer and end at any app. So forms may lead to the web, though not to `javascript:` and its like.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(CSS));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'self' http: https:; frame-ancestors 'none'"
    )
});

/// Something a person sees.
pub(crate) fn html(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        tracing::error!("a page of the playground could not be rendered");
        return text(StatusCode::INTERNAL_SERVER_ERROR, "this page could not be made\n");
    };
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_LANGUAGE, "en")
        .header(header::CONTENT_SECURITY_POLICY, POLICY.as_str())
        .body(html)
}

/// One line, for what no page is worth.
pub(crate) fn text(status: StatusCode, text: &'static str) -> Response {
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(text)
}

/// Something a program reads.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => Response::builder().status(status).content_type("application/json").body(body),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "this answer could not be made\n"),
    }
}

/// The response with one more header.
pub(crate) fn with_header(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// 303, which turns a POST into a GET and so carries no form along (RFC 9700 §4.12).
pub(crate) fn see_other(url: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, url).finish()
}

/// An address with parameters added.
pub(crate) fn with_query(base: &str, parameters: &[(&str, &str)]) -> String {
    let query = encode(parameters);
    let separator = if base.contains('?') { '&' } else { '?' };
    format!("{base}{separator}{query}")
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encode(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
