//! A person with a browser, and an app: to see that what operators change is so for people.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Desk};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https%3A%2F%2Fapp.example.com%2Fcb";

/// A person's browser.
pub(crate) struct Browser<'a> {
    desk: &'a Desk,
    cookies: BTreeMap<String, String>,
}

/// What an app got for somebody.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Desk {
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { desk: self, cookies: BTreeMap::new() }
    }

    /// Registers the app that browsers here come from.
    pub(crate) async fn register_web(&self) {
        let app = json!({ "client_id": "web", "client_name": "Web", "redirect_uris": ["https://app.example.com/cb"], "token_endpoint_auth_method": "none" });
        assert_eq!(self.create(app).await.status, StatusCode::CREATED);
    }

    /// Whether an access token still works.
    pub(crate) async fn knows(&self, tokens: &Tokens) -> bool {
        let bearer = format!("Bearer {}", tokens.access);
        self.ask(Method::GET, "/userinfo", &[("authorization", &bearer)], "").await.status == StatusCode::OK
    }

    /// Whether a refresh token still works; if it does, it is spent.
    pub(crate) async fn refreshes(&self, tokens: &Tokens) -> bool {
        let form = format!("grant_type=refresh_token&client_id=web&refresh_token={}", tokens.refresh);
        self.token(form).await.status == StatusCode::OK
    }

    async fn token(&self, form: String) -> Answer {
        self.ask(Method::POST, "/token", &[("content-type", "application/x-www-form-urlencoded")], form).await
    }
}

impl Browser<'_> {
    async fn goes(&mut self, path: &str) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self.desk.ask(Method::GET, path, &[("cookie", &cookies.join("; "))], "").await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    async fn asks_to_sign_in(&mut self, more: &str) -> Answer {
        self.goes(&format!(
            "/authorize?client_id=web&redirect_uri={CALLBACK}&response_type=code&scope=openid%20profile%20email%20offline_access&state=s\
             &code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
        ))
        .await
    }

    /// The providers that the app's people may choose from.
    pub(crate) async fn choices(&mut self) -> Vec<String> {
        let page = self.asks_to_sign_in("&prompt=login").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let found = page.body.split("data-provider=\"").skip(1);
        found.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    /// Whether the app gets somebody without a page.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        let answer = self.asks_to_sign_in("&prompt=none").await;
        answer.header("location").contains("code=")
    }

    /// Chooses a provider; where that leads.
    pub(crate) async fn departs(&mut self, provider: &str) -> Answer {
        let page = self.asks_to_sign_in("&prompt=login").await;
        let attempt =
            page.body.split("?attempt=").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{}", page.body));
        self.goes(&format!("/login/{provider}?attempt={attempt}")).await
    }

    /// Comes back from a provider as `person`; where that leads.
    pub(crate) async fn arrives(&mut self, provider: &str, person: &str) -> Answer {
        let away = self.departs(provider).await;
        let state = away.header("location").split("state=").nth(1).unwrap_or_else(|| panic!("{} {}", away.status, away.body)).to_owned();
        self.goes(&format!("/callback/{provider}?code={person}&state={state}")).await
    }

    /// Signs in, and the app gets its tokens.
    pub(crate) async fn signs_in(&mut self, provider: &str, person: &str) -> Tokens {
        let back = self.arrives(provider, person).await;
        let code = back.header("location").split("code=").nth(1).and_then(|rest| rest.split('&').next());
        let code = code.unwrap_or_else(|| panic!("{} {}", back.status, back.body));
        let form = format!("grant_type=authorization_code&client_id=web&redirect_uri={CALLBACK}&code={code}&code_verifier={VERIFIER}");
        let answer = self.desk.token(form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let tokens: Value = answer.json();
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
        Tokens { access: text("access_token"), refresh: text("refresh_token") }
    }
}
