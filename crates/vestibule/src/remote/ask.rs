//! One question to the admin API.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use super::BASE;

/// What is asked: a method, an address by its segments, and perhaps a body and a condition.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    body: Option<&'a Value>,
    condition: Option<(HeaderName, &'a str)>,
}

impl<'a> Ask<'a> {
    fn new(method: Method, path: &[&'a str], body: Option<&'a Value>) -> Self {
        Self { method, path: path.to_vec(), query: Vec::new(), body, condition: None }
    }

    pub(crate) fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub(crate) fn post(path: &[&'a str], body: &'a Value) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    /// What is done without a word about how.
    pub(crate) fn act(path: &[&'a str]) -> Self {
        Self::new(Method::POST, path, None)
    }

    pub(crate) fn put(path: &[&'a str], body: &'a Value) -> Self {
        Self::new(Method::PUT, path, Some(body))
    }

    /// A JSON Merge Patch (RFC 7396).
    pub(crate) fn patch(path: &[&'a str], body: &'a Value) -> Self {
        Self::new(Method::PATCH, path, Some(body))
    }

    pub(crate) fn delete(path: &[&'a str]) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    /// With a parameter, if there is a value for it.
    #[must_use]
    pub(crate) fn query(mut self, name: &'a str, value: Option<&str>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// Only if it is still the version that was seen.
    #[must_use]
    pub(crate) fn if_match(self, etag: Option<&'a str>) -> Self {
        Self { condition: etag.map(|etag| (header::IF_MATCH, etag)), ..self }
    }

    /// Only if nothing is there.
    #[must_use]
    pub(crate) fn if_new(self) -> Self {
        Self { condition: Some((header::IF_NONE_MATCH, "*")), ..self }
    }

    /// Its address below the gateway's own. Ids are one segment each, whatever characters they have.
    pub(super) fn address(&self, url: &mut Url) {
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{BASE}"));
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
    }

    pub(super) fn into_parts(self) -> (Method, Vec<u8>, HeaderMap) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if self.body.is_some() {
            let kind = if self.method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some((name, value)) = self.condition
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
        (self.method, self.body.map(Value::to_string).unwrap_or_default().into_bytes(), headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_whatever_it_has() {
        let mut url: Url = "https://example.com/auth".parse().unwrap();
        Ask::get(&["clients", "https://app.example/client?x#y"]).query("after", Some("a&b")).query("none", None).address(&mut url);
        assert_eq!(url.as_str(), "https://example.com/auth/api/v1/clients/https:%2F%2Fapp.example%2Fclient%3Fx%23y?after=a%26b");
    }
}
