//! Where the tests stand: in front of the house, with a browser and an app.

use std::{collections::BTreeMap, sync::Arc};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, Request, endpoint::BoxEndpoint};
use serde_json::Value;
use url::Url;
use vestibule_domain::registration::Draft;
use vestibule_http::{House, HttpSettings, routes};
use vestibule_telemetry::{Build, Metrics};
use vestibule_testkit::{
    memory_store::MemoryStore,
    rig::{Rig, RigOptions},
};

pub(crate) const CALLBACK: &str = "https://app.example.com/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A house, and the fakes behind it.
pub(crate) struct Street {
    pub(crate) rig: Rig,
    pub(crate) house: Arc<House>,
    endpoint: BoxEndpoint<'static, poem::Response>,
    host: String,
}

/// A registered app.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uri: String,
}

/// Cookies as a browser keeps them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

fn uncounted() -> Arc<Metrics> {
    Arc::new(Metrics::new(Build { version: "test", revision: "test" }))
}

impl Street {
    pub(crate) async fn open() -> Self {
        Self::with(RigOptions::default()).await
    }

    pub(crate) async fn with(options: RigOptions) -> Self {
        Self::on(options, Arc::default()).await
    }

    /// Another node on the same store, or the same one after a restart.
    pub(crate) async fn beside(&self) -> Self {
        Self::on(RigOptions::default(), self.rig.store.clone()).await
    }

    async fn on(options: RigOptions, store: Arc<MemoryStore>) -> Self {
        let host = Url::parse(&options.issuer).unwrap();
        let host = host.port().map_or_else(|| host.host_str().unwrap().to_owned(), |port| format!("{}:{port}", host.host_str().unwrap()));
        let metrics = uncounted();
        let (gateway, rig) = Rig::gateway_on(RigOptions { observers: vec![metrics.clone()], ..options }, store).await;
        Self::standing(gateway, rig, host, metrics)
    }

    /// Another node of the same house.
    pub(crate) fn at(gateway: vestibule_flows::Gateway, beside: &Self) -> Self {
        Self::standing(gateway, beside.rig.clone(), beside.host.clone(), uncounted())
    }

    fn standing(gateway: vestibule_flows::Gateway, rig: Rig, host: String, metrics: Arc<Metrics>) -> Self {
        let house = Arc::new(House::new(gateway, metrics, HttpSettings::default()));
        Self { rig, endpoint: routes(&house).boxed(), house, host }
    }

    /// A confidential app with every grant.
    pub(crate) async fn app(&self, id: &str) -> App {
        self.app_as(id, Draft { grant_types: grants(&["authorization_code", "refresh_token", "client_credentials"]), ..plain() }).await
    }

    /// A public app.
    pub(crate) async fn public_app(&self, id: &str) -> App {
        self.app_as(id, Draft { auth_method: "none".into(), ..plain() }).await
    }

    pub(crate) async fn app_as(&self, id: &str, draft: Draft) -> App {
        let redirect_uri = draft.redirect_uris.first().cloned().unwrap_or_default();
        let (_, secret) = self.rig.register(self.gateway(), id, draft).await;
        App { id: id.into(), secret, redirect_uri }
    }

    pub(crate) fn gateway(&self) -> &vestibule_flows::Gateway {
        self.house.gateway()
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let response = self.endpoint.get_response(request).await;
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.into_string().await.unwrap() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> poem::RequestBuilder {
        Request::builder().method(method).uri(path.parse().unwrap()).header(header::HOST, &self.host)
    }

    /// What comes to a browser, not read to its end: it may have none.
    pub(crate) async fn opens(&self, browser: &Browser, path: &str) -> poem::Response {
        self.endpoint.get_response(self.request(Method::GET, path).header(header::COOKIE, browser.header()).finish()).await
    }

    /// The same for a form.
    pub(crate) async fn opens_by(&self, browser: &Browser, path: &str, form: &[(&str, &str)]) -> poem::Response {
        let request = self.request(Method::POST, path).header(header::COOKIE, browser.header());
        self.endpoint.get_response(request.content_type("application/x-www-form-urlencoded").body(encode(form))).await
    }

    /// A navigation of a browser: sends its cookies, keeps what comes.
    pub(crate) async fn goes(&self, browser: &mut Browser, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header(header::COOKIE, browser.header()).finish();
        let answer = self.send(request).await;
        browser.keep(&answer);
        answer
    }

    pub(crate) async fn posts(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header(header::COOKIE, browser.header());
        let answer = self.send(request.content_type("application/x-www-form-urlencoded").body(encode(form))).await;
        browser.keep(&answer);
        answer
    }

    /// The app's link, with parameters replaced or, by an empty value, left out.
    pub(crate) fn link(app: &App, changed: &[(&str, &str)]) -> String {
        let mut parameters = BTreeMap::from([
            ("client_id", app.id.as_str()),
            ("redirect_uri", app.redirect_uri.as_str()),
            ("response_type", "code"),
            ("scope", "openid profile email offline_access"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(changed.iter().copied());
        let pairs: Vec<_> = parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("/authorize?{}", encode(&pairs))
    }

    /// From the app's link to the provider: the attempt's id.
    pub(crate) async fn departs(&self, browser: &mut Browser, app: &App, provider: &str) -> String {
        let page = self.goes(browser, &Self::link(app, &[])).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let attempt = page.between("?attempt=", "\"").to_owned();
        let away = self.goes(browser, &format!("/login/{provider}?attempt={attempt}")).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{away:?}");
        attempt
    }

    /// All the way back to the app: the answer with its address.
    pub(crate) async fn arrives(&self, browser: &mut Browser, app: &App, person: &str) -> Answer {
        let attempt = self.departs(browser, app, "acme").await;
        self.goes(browser, &format!("/callback/acme?code={person}&state={attempt}")).await
    }

    /// The same for a link with other parameters, after which the chooser is seen.
    pub(crate) async fn arrives_asking(&self, browser: &mut Browser, app: &App, changed: &[(&str, &str)], person: &str) -> Answer {
        let page = self.goes(browser, &Self::link(app, changed)).await;
        let attempt = page.between("?attempt=", "\"").to_owned();
        self.goes(browser, &format!("/login/acme?attempt={attempt}")).await;
        self.goes(browser, &format!("/callback/acme?code={person}&state={attempt}")).await
    }

    /// The same for an app that nobody vetted: its person is asked before they are sent anywhere.
    pub(crate) async fn signs_in_to_a_stranger(&self, browser: &mut Browser, app: &App, person: &str) -> String {
        let page = self.goes(browser, &Self::link(app, &[])).await;
        assert_eq!((page.status, page.between("data-page=\"", "\"")), (StatusCode::OK, "consent"), "{page:?}");
        let field = |name: &str| page.between(&format!("name=\"{name}\" value=\""), "\"").to_owned();
        let (attempt, token) = (field("attempt"), field("token"));
        self.posts(browser, "/consent", &[("attempt", &attempt), ("token", &token), ("decision", "allow")]).await;
        self.goes(browser, &format!("/login/acme?attempt={attempt}")).await;
        let landed = self.goes(browser, &format!("/callback/acme?code={person}&state={attempt}")).await;
        landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"))
    }

    /// Signs in; the code.
    pub(crate) async fn signs_in(&self, browser: &mut Browser, app: &App, person: &str) -> String {
        let landed = self.arrives(browser, app, person).await;
        landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"))
    }

    /// A POST of an app, authenticated as it is registered.
    pub(crate) async fn asks(&self, app: &App, path: &str, form: &[(&str, &str)]) -> Answer {
        self.asks_with(app, path, form, &[]).await
    }

    /// The same with DPoP headers.
    pub(crate) async fn asks_with(&self, app: &App, path: &str, form: &[(&str, &str)], proofs: &[&str]) -> Answer {
        let mut form = form.to_vec();
        let mut request = self.request(Method::POST, path).content_type("application/x-www-form-urlencoded");
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        match &app.secret {
            Some(secret) => request = request.header(header::AUTHORIZATION, basic(&app.id, secret)),
            None => form.push(("client_id", &app.id)),
        }
        self.send(request.body(encode(&form))).await
    }

    /// The addresses that take a client's secret: those at which a wrong one is what is wrong.
    pub(crate) async fn taking_secrets() -> Vec<String> {
        let street = Self::open().await;
        let guesser = App { secret: Some("wrong".into()), ..street.app("app").await };
        let mut found = Vec::new();
        for path in addresses() {
            let answer = street.asks(&guesser, &path, &[("grant_type", "client_credentials")]).await;
            if answer.status == StatusCode::UNAUTHORIZED && answer.body.contains("\"invalid_client\"") {
                found.push(path);
            }
        }
        assert!(found.len() >= 5, "{found:?}");
        found
    }

    pub(crate) async fn redeems(&self, app: &App, code: &str) -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &app.redirect_uri), ("code_verifier", VERIFIER)];
        self.asks(app, "/token", &form).await
    }

    pub(crate) async fn refreshes(&self, app: &App, token: &str) -> Answer {
        self.asks(app, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Signs in somebody new and gets the tokens.
    pub(crate) async fn tokens(&self, app: &App, person: &str) -> Value {
        let code = self.signs_in(&mut Browser::default(), app, person).await;
        let answer = self.redeems(app, &code).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    /// Tokens that are good now, for those that were good once.
    pub(crate) async fn tokens_again(&self, app: &App, tokens: Value) -> Value {
        let answer = self.refreshes(app, tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        self.send(self.request(Method::GET, "/userinfo").header(header::AUTHORIZATION, format!("Bearer {token}")).finish()).await
    }

    /// Whether a token still opens userinfo.
    pub(crate) async fn is_good(&self, token: &str) -> bool {
        self.userinfo(token).await.status == StatusCode::OK
    }

    /// How often an event stands in the audit log.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.rig.events().iter().filter(|event| event.name.as_str() == name).count()
    }
}

impl Browser {
    pub(crate) fn header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn session(&self) -> Option<&String> {
        self.cookies.get("__Host-vestibule-session")
    }

    pub(crate) fn keep(&mut self, answer: &Answer) {
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let text = set.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> Option<Url> {
        self.headers.get(header::LOCATION).map(|value| Url::parse(value.to_str().unwrap()).unwrap())
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.location()?.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The code of an error page.
    pub(crate) fn page(&self) -> &str {
        self.between("data-code=\"", "\"")
    }

    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let found = self.body.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(found, _)| found);
        found.unwrap_or_else(|| panic!("no {before:?}: {self:?}"))
    }
}

pub(crate) fn plain() -> Draft {
    Draft {
        name: "The app".into(),
        redirect_uris: vec![CALLBACK.into()],
        post_logout_redirect_uris: vec!["https://app.example.com/bye".into()],
        scope: "openid profile email groups offline_access api".into(),
        ..Draft::default()
    }
}

pub(crate) fn grants(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Every address that `routes.rs` has for people and apps, with the provider `acme` where one is named.
pub(crate) fn addresses() -> Vec<String> {
    const ROUTES: &str = include_str!("../../src/routes.rs");
    let constant = |name: &str| ROUTES.lines().find_map(|line| line.strip_prefix(&format!("const {name}: &str = \"")));
    let written = ROUTES.lines().filter_map(|line| line.split_once(".at(under(")?.1.split(')').next());
    let address = |written: &str| match written.strip_prefix('"') {
        Some(text) => text.trim_end_matches('"').to_owned(),
        None => constant(written).unwrap_or_else(|| panic!("{written} is no constant")).trim_end_matches("\";").to_owned(),
    };
    let found: Vec<_> = written.map(|written| address(written).replace(":provider", "acme").replace(":client_id", "app")).collect();
    assert!(found.len() > 20, "routes.rs has another form than this reads: {found:?}");
    found
}
