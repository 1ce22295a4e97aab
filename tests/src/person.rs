//! A person at a browser without a screen: follows redirects, keeps cookies, presses the one button that matters.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{StatusCode, header, redirect};
use serde_json::Value;
use url::Url;

use crate::{Client, House};

/// Somebody with a browser of their own.
#[derive(Debug)]
pub struct Person {
    http: reqwest::Client,
    /// Who they are upstream.
    name: String,
}

/// Back at the app.
#[derive(Clone, Debug)]
pub struct Landed {
    /// The address with its parameters.
    pub url: Url,
}

impl Landed {
    /// One of the parameters.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The code; panics when an error came instead.
    pub fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code came back: {}", self.url))
    }
}

pub(crate) fn plain_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().expect("a client can be made")
}

/// A verifier of RFC 7636 for tests, and its challenge.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Person {
    /// A new person with a new browser.
    pub fn named(name: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().cookie_store(true).redirect(redirect::Policy::none()).build();
        Self { http: http.expect("a client can be made"), name: name.to_owned() }
    }

    /// The address an app sends people to.
    pub fn authorize_url(house: &House, client: &Client, redirect_uri: &str, extra: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&format!("{}/authorize", house.issuer)).expect("the issuer is a URL");
        url.query_pairs_mut().extend_pairs([
            ("client_id", client.client_id.as_str()),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", "openid profile email offline_access"),
            ("state", "state-of-the-app"),
            ("nonce", "nonce-of-the-app"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        url.query_pairs_mut().extend_pairs(extra);
        url
    }

    /// From the app's link to the app's callback.
    pub async fn signs_in(&self, house: &House, client: &Client, redirect_uri: &str) -> Landed {
        self.walks(Self::authorize_url(house, client, redirect_uri, &[]), redirect_uri).await
    }

    /// Follows `start` until the browser would be back at the app.
    pub async fn walks(&self, start: Url, redirect_uri: &str) -> Landed {
        self.tries_to_walk(start, redirect_uri).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, when it may fail: says where.
    pub async fn tries_to_walk(&self, start: Url, redirect_uri: &str) -> Result<Landed, String> {
        let mut request = self.http.get(start.clone());
        let mut at = start;
        for _ in 0..20 {
            let answer = request.send().await.map_err(|error| format!("{at}: {error}"))?;
            let status = answer.status();
            if status.is_redirection() {
                let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
                at = at.join(&location).map_err(|error| format!("{location}: {error}"))?;
                if at.as_str().starts_with(redirect_uri) {
                    return Ok(Landed { url: at });
                }
                request = self.http.get(at.clone());
                continue;
            }
            let page = answer.text().await.map_err(|error| format!("{at}: {error}"))?;
            if status != StatusCode::OK {
                return Err(format!("{at}: {status}: {page}"));
            }
            // The gateway's own question.
            if page.contains("data-page=\"consent\"") {
                let field = |name: &str| between(&page, &format!("name=\"{name}\" value=\""), "\"").unwrap_or_default().to_owned();
                let form = [("attempt", field("attempt")), ("token", field("token")), ("decision", "allow".to_owned())];
                at = at.join("/consent").map_err(|error| error.to_string())?;
                request = self.http.post(at.clone()).form(&form);
                continue;
            }
            // Where an app could be another one that poses as it, the way on is never taken unasked, not even the only one.
            if page.contains("data-page=\"chooser\"") && page.matches("data-provider=").count() == 1 {
                let link = between(&page, "<a class=\"button\" href=\"", "\"").unwrap_or_default().replace("&amp;", "&");
                at = at.join(&link).map_err(|error| error.to_string())?;
                request = self.http.get(at.clone());
                continue;
            }
            // A page that moves on by itself.
            if let Some(target) = between(&page, "<meta http-equiv=\"refresh\" content=\"0;url=", "\"") {
                at = at.join(&target.replace("&#38;", "&").replace("&amp;", "&")).map_err(|error| error.to_string())?;
                if at.as_str().starts_with(redirect_uri) {
                    return Ok(Landed { url: at });
                }
                request = self.http.get(at.clone());
                continue;
            }
            // The issuer's page: choose who to be, or allow what is asked.
            if let Some(action) = between(&page, "action=\"", "\"") {
                at = at.join(action).map_err(|error| error.to_string())?;
                request = self.http.post(at.clone()).form(&[("login", &self.name)]);
            } else {
                return Err(format!("{at}: a page without a way on: {page}"));
            }
        }
        Err(format!("{at}: too many steps"))
    }

    /// What the app gets for a code at the token endpoint.
    pub async fn redeems(house: &House, client: &Client, redirect_uri: &str, code: &str) -> (StatusCode, Value) {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri), ("code_verifier", VERIFIER)];
        asks(house, client, "/token", &form).await
    }

    /// What the app gets for a refresh token.
    pub async fn refreshes(house: &House, client: &Client, token: &str) -> (StatusCode, Value) {
        asks(house, client, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// What the app hears about a token.
    pub async fn introspects(house: &House, client: &Client, token: &str) -> (StatusCode, Value) {
        asks(house, client, "/introspect", &[("token", token)]).await
    }

    /// Signs in and redeems: the token response.
    pub async fn gets_tokens(&self, house: &House, client: &Client, redirect_uri: &str) -> Value {
        let landed = self.signs_in(house, client, redirect_uri).await;
        let (status, tokens) = Self::redeems(house, client, redirect_uri, &landed.code()).await;
        assert_eq!(status, StatusCode::OK, "{tokens:#}");
        tokens
    }

    /// The claims of a JWT, unchecked.
    pub fn claims(token: &str) -> Value {
        let payload = token.split('.').nth(1).unwrap_or_default();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
    }

    /// Signs out at the issuer itself, as by a link on its own page.
    pub async fn signs_out_at(&self, issuer: &str) {
        let address = format!("{issuer}/session/end");
        let page = self.http.get(&address).send().await.expect("the issuer answers").text().await.expect("a page");
        let field = |name: &str| between(&page, &format!("name=\"{name}\" value=\""), "\"").unwrap_or_else(|| panic!("no {name}: {page}"));
        let action = between(&page, "action=\"", "\"").unwrap_or_else(|| panic!("no form: {page}"));
        let form = [("xsrf", field("xsrf")), ("logout", "yes")];
        let answer = self.http.post(action).form(&form).send().await.expect("the issuer answers");
        assert!(!answer.status().is_client_error() && !answer.status().is_server_error(), "{}", answer.status());
    }

    /// The browser, for anything else.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

/// A POST of a client that authenticates with HTTP Basic.
async fn asks(house: &House, client: &Client, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = plain_client().post(format!("{}{path}", house.issuer)).basic_auth(&client.client_id, Some(&client.client_secret));
    let form: HashMap<_, _> = form.iter().copied().collect();
    let answer = request.form(&form).send().await.expect("the gateway answers");
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default())
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
