//! Calls to Vestibule, and the record of each: what was sent, with the secret masked, and what came back.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
    redirect::Policy,
};
use serde_json::Value;
use vestibule_domain::time::Timestamp;
use vestibule_protocol::json;

use super::DemoClient;
use crate::page::encode;

/// One question and its answer, as the page shows them.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) title: &'static str,
    /// Where it is specified.
    pub(super) rule: &'static str,
    pub(super) at: Timestamp,
    pub(super) sent: String,
    pub(super) received: String,
    pub(super) is_good: bool,
    /// What the app makes of it, if that isn't plain.
    pub(super) note: Option<&'static str>,
}

/// A request to be made.
pub(super) struct Call<'a> {
    title: &'static str,
    rule: &'static str,
    url: &'a str,
    proof: Proof<'a>,
    form: Option<Vec<(&'static str, &'a str)>>,
}

/// How the app proves that it may ask.
enum Proof<'a> {
    Nothing,
    Client(&'a DemoClient),
    Token(&'a str),
}

impl<'a> Call<'a> {
    pub(super) fn get(title: &'static str, rule: &'static str, url: &'a str) -> Self {
        Self { title, rule, url, proof: Proof::Nothing, form: None }
    }

    /// With an access token (RFC 6750 §2.1).
    pub(super) fn with_token(self, token: &'a str) -> Self {
        Self { proof: Proof::Token(token), ..self }
    }

    /// A form, with the client's secret (RFC 6749 §2.3.1).
    pub(super) fn post(
        title: &'static str,
        rule: &'static str,
        url: &'a str,
        client: &'a DemoClient,
        form: Vec<(&'static str, &'a str)>,
    ) -> Self {
        Self { title, rule, url, proof: Proof::Client(client), form: Some(form) }
    }

    fn method(&self) -> Method {
        if self.form.is_some() { Method::POST } else { Method::GET }
    }

    /// As a person reads it, one parameter a line. The client's secret is masked; tokens are not, for they are what one came to see.
    fn shown(&self) -> String {
        let mut lines = vec![format!("{} {}", self.method(), self.url)];
        match self.proof {
            Proof::Nothing => {}
            Proof::Client(client) => lines.push(format!("Authorization: Basic (base64 of {}:••••••••)", client.client_id)),
            Proof::Token(token) => lines.push(format!("Authorization: Bearer {token}")),
        }
        if let Some(form) = &self.form {
            lines.extend(["Content-Type: application/x-www-form-urlencoded".to_owned(), String::new(), lines_of(form)]);
        }
        lines.join("\n")
    }
}

/// What came of a call.
pub(super) struct Reply {
    /// The JSON of a successful answer; `null` if it had no body.
    pub(super) ok: Option<Value>,
    pub(super) exchange: Exchange,
}

/// The app's HTTP client.
#[derive(Debug)]
pub(super) struct Http(Client);

/// Larger than any answer of Vestibule's.
const LARGEST_ANSWER: usize = 256 * 1024;
/// Characters of an answer that are kept to be shown.
const MOST_SHOWN: usize = 16_000;

impl Http {
    /// Straight to Vestibule, which stands on this machine: no proxy, no redirects, no long waits.
    pub(super) fn new() -> reqwest::Result<Self> {
        let patience = Duration::from_secs(10);
        Client::builder().no_proxy().redirect(Policy::none()).connect_timeout(Duration::from_secs(3)).timeout(patience).build().map(Self)
    }

    pub(super) async fn send(&self, call: Call<'_>, at: Timestamp) -> Reply {
        let answer = match self.request(&call).send().await {
            Ok(response) => read(response).await,
            Err(fault) => Err(why_not(&fault)),
        };
        let (ok, received) = match answer {
            Ok((status, headers, body)) => {
                let value = json::parse_strict(&body).ok();
                let shown = shown(status, &headers, &body, value.as_ref());
                (status.is_success().then(|| value.unwrap_or(Value::Null)), shown)
            }
            Err(why) => (None, why.to_owned()),
        };
        let exchange = Exchange { title: call.title, rule: call.rule, at, sent: call.shown(), received, is_good: ok.is_some(), note: None };
        Reply { ok, exchange }
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let request = self.0.request(call.method(), call.url).header(ACCEPT, "application/json");
        let request = match call.proof {
            Proof::Nothing => request,
            Proof::Client(client) => request.header("authorization", basic(client)),
            Proof::Token(token) => request.bearer_auth(token),
        };
        match &call.form {
            Some(form) => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(encode(form)),
            None => request,
        }
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined, so that a colon in the id stays one.
fn basic(client: &DemoClient) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(&client.client_id), encoded(&client.client_secret))))
}

async fn read(mut response: Response) -> Result<(StatusCode, HeaderMap, Vec<u8>), &'static str> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_ANSWER => {
                return Err("The answer is too large to be one of Vestibule's.");
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok((response.status(), response.headers().clone(), body)),
            Err(fault) => return Err(why_not(&fault)),
        }
    }
}

fn why_not(fault: &reqwest::Error) -> &'static str {
    if fault.is_timeout() {
        "No answer came in time."
    } else if fault.is_connect() {
        "Nobody listens at that address."
    } else {
        "The connection broke before the answer was complete."
    }
}

/// Status, the headers that say something, and the body, JSON in lines.
fn shown(status: StatusCode, headers: &HeaderMap, body: &[u8], value: Option<&Value>) -> String {
    let mut lines = vec![status.to_string()];
    for name in [CONTENT_TYPE, WWW_AUTHENTICATE, LOCATION, RETRY_AFTER] {
        lines.extend(
            headers.get(&name).and_then(|value| value.to_str().ok()).map(|value| format!("{}: {value}", title_case(name.as_str()))),
        );
    }
    let body: String = value.map_or_else(|| String::from_utf8_lossy(body).into_owned(), pretty).chars().take(MOST_SHOWN).collect();
    lines.extend([String::new(), if body.trim().is_empty() { "(no body)".to_owned() } else { body }]);
    lines.join("\n")
}

/// `content-type` as `Content-Type`.
fn title_case(name: &str) -> String {
    let word = |word: &str| word.chars().take(1).map(|first| first.to_ascii_uppercase()).chain(word.chars().skip(1)).collect::<String>();
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// JSON as people read it.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Parameters, one a line, decoded.
pub(super) fn lines_of(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_call_has_the_tokens_and_not_the_secret() {
        let client = DemoClient { issuer: "http://i".into(), client_id: "demo".into(), client_secret: "s3cret".into() };
        let call = Call::post("Refresh", "RFC 6749 §6", "http://i/token", &client, vec![("refresh_token", "r t")]);
        let shown = call.shown();
        assert!(shown.ends_with("\n\nrefresh_token=r t"), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains(&STANDARD.encode("demo:s3cret")));
        assert!(!format!("{client:?}").contains("s3cret"));
    }

    #[test]
    fn rfc_6749_section_2_3_1_id_and_secret_are_form_encoded() {
        let client = DemoClient { issuer: String::new(), client_id: "a:b".into(), client_secret: "c d".into() };
        assert_eq!(basic(&client), format!("Basic {}", STANDARD.encode("a%3Ab:c+d")));
    }
}
