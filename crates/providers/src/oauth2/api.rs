//! A provider's interface, asked with one person's access token.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use openidconnect::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;
use vestibule_domain::provider::{Phase, ProviderError};
use vestibule_protocol::json;

use super::fault::{self, FindFault};
use crate::line::{Line, Object, invalid};

/// No list is followed further: a server that always has a next page must not keep us reading (attack 30).
pub(crate) const MOST_PAGES: usize = 10;

/// The interface as one person sees it.
pub(crate) struct Api<'a> {
    line: &'a Line,
    headers: HeaderMap,
    find_fault: FindFault,
}

/// A list of a provider's.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) items: Vec<Value>,
    /// Whether that was all of it.
    pub(crate) whole: bool,
}

impl<'a> Api<'a> {
    /// With these headers besides that of the token, which [`bearer`] makes.
    pub(crate) fn new(line: &'a Line, bearer: HeaderValue, headers: &HeaderMap, find_fault: FindFault) -> Self {
        let mut headers = headers.clone();
        headers.insert(header::AUTHORIZATION, bearer);
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Self { line, headers, find_fault }
    }

    /// GETs, and leaves the answer to be judged.
    pub(crate) async fn get(&self, phase: Phase, url: &Url) -> Result<HttpResponse, ProviderError> {
        self.send(phase, Method::GET, url).await
    }

    /// DELETEs, and leaves the answer to be judged.
    pub(crate) async fn delete(&self, phase: Phase, url: &Url) -> Result<HttpResponse, ProviderError> {
        self.send(phase, Method::DELETE, url).await
    }

    async fn send(&self, phase: Phase, method: Method, url: &Url) -> Result<HttpResponse, ProviderError> {
        self.line.send(phase, request(phase, method, url, self.headers.clone(), Vec::new())?).await
    }

    /// GETs a JSON object.
    pub(crate) async fn object(&self, phase: Phase, url: &Url) -> Result<Object, ProviderError> {
        fault::read(phase, &self.get(phase, url).await?, self.find_fault)
    }

    /// GETs a list, page after page, as `Link` leads (RFC 8288).
    pub(crate) async fn list(&self, url: &Url) -> Result<Listed, ProviderError> {
        let mut listed = Listed { items: Vec::new(), whole: true };
        let mut next = Some(url.clone());
        for _ in 0..MOST_PAGES {
            let Some(page) = next else { return Ok(listed) };
            let answer = self.get(Phase::Api, &page).await?;
            listed.items.extend(self.items(&answer)?);
            next = next_page(answer.headers(), url)?;
        }
        listed.whole = next.is_none();
        Ok(listed)
    }

    fn items(&self, answer: &HttpResponse) -> Result<Vec<Value>, ProviderError> {
        if answer.status() != StatusCode::OK {
            // An error is an object; whatever comes of reading it, it is no list.
            fault::read(Phase::Api, answer, self.find_fault)?;
            return Err(fault::of_status(Phase::Api, answer.status(), answer.headers()));
        }
        match json::parse_strict(answer.body()) {
            Ok(Value::Array(items)) => Ok(items),
            Ok(_) => Err(invalid(Phase::Api, "json", "not a JSON array")),
            Err(error) => Err(invalid(Phase::Api, "json", error.to_string())),
        }
    }
}

/// What shows an access token (RFC 6750 §2.1).
pub(crate) fn bearer(phase: Phase, token: &SecretString) -> Result<HeaderValue, ProviderError> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| invalid(phase, "access_token", "the access token can't be sent in a header"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// A request to `url`.
pub(crate) fn request(phase: Phase, method: Method, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<HttpRequest, ProviderError> {
    let mut request = HttpRequest::new(body);
    // A URL that the `url` crate reads and `http` does not has no host that could be connected to.
    *request.uri_mut() = url.as_str().parse().map_err(|_| invalid(phase, "address", "an address that can't be asked"))?;
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Where `Link` says the next page is. At another place than the list it would carry the person's token there (attack 31).
fn next_page(headers: &HeaderMap, list: &Url) -> Result<Option<Url>, ProviderError> {
    let texts = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    // Each link begins with its address between angle brackets, which no address has in itself; commas they do have.
    let Some(target) = texts.flat_map(|text| text.split('<').skip(1)).find_map(next_target) else { return Ok(None) };
    let fault = |detail: &str| invalid(Phase::Api, "next_page", detail);
    let next = list.join(target).map_err(|_| fault("the next page has no address"))?;
    let is_home = next.origin() == list.origin() && next.username().is_empty() && next.password().is_none();
    if is_home { Ok(Some(next)) } else { Err(fault("the next page is at another place than the list")) }
}

fn next_target(link: &str) -> Option<&str> {
    let (target, parameters) = link.split_once('>')?;
    let is_next = |parameter: &str| matches!(parameter.trim(), "rel=\"next\"" | "rel=next");
    parameters.split([';', ',']).any(is_next).then_some(target)
}

/// Headers from texts; `None` for one that is no header.
pub(crate) fn header_of(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Result<Option<String>, ProviderError> {
        let headers = HeaderMap::from_iter([(header::LINK, link.parse().unwrap())]);
        let list = "https://api.example/user/orgs".parse().unwrap();
        next_page(&headers, &list).map(|url| url.map(Into::into))
    }

    #[test]
    fn rfc_8288_section_3_the_next_page_is_where_the_link_says() {
        let page = |number| Ok(Some(format!("https://api.example/user/1/orgs?page={number}")));
        assert_eq!(
            next(r#"<https://api.example/user/1/orgs?page=2>; rel="next", <https://api.example/user/1/orgs?page=9>; rel="last""#),
            page(2)
        );
        assert_eq!(next(r#"<https://api.example/user/1/orgs?page=1>; rel="prev", </user/1/orgs?page=3>; rel=next"#), page(3));
        assert_eq!(
            next(r#"<https://api.example/user/1/orgs?page=4&x=a,b>; title="x"; rel="next""#),
            Ok(Some("https://api.example/user/1/orgs?page=4&x=a,b".into()))
        );
        for none in
            [r#"<https://api.example/?page=1>; rel="first""#, "", "<", "https://api.example/", r#"<https://api.example/>; rel="nextish""#]
        {
            assert_eq!(next(none), Ok(None), "{none}");
        }
    }

    #[test]
    fn attack_31_no_page_is_fetched_from_another_place() {
        for elsewhere in [
            "https://evil.example/",
            "http://api.example/",
            "https://api.example:8443/",
            "//evil.example/x",
            "https://a:b@api.example/",
            "file:///etc",
        ] {
            let answer = next(&format!("<{elsewhere}>; rel=\"next\""));
            assert!(matches!(answer, Err(ProviderError::Invalid { rule: "next_page", .. })), "{elsewhere}");
        }
    }
}
