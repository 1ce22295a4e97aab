//! The admin API from outside: what operators and their programs send, and what they get.
#![expect(clippy::unwrap_used, reason = "in helpers of tests too, a panic is how a test fails")]

mod access;
mod accounts;
mod api_keys;
mod audit;
mod bodies;
mod browser;
mod clients;
mod configuration;
mod document;
mod dry_run;
mod gate;
mod keys;
mod providers;
mod registration_tokens;
mod repeats;
mod rules;
mod secrets;
mod stats;
mod table;
mod trials;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode};
use poem::{Endpoint, EndpointExt, Request, Response, endpoint::BoxEndpoint};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::EventName,
    consent::Consent,
    ids::ClientId,
    limits::Limits,
    ports::Store,
    scope::Scopes,
    store::{Changes, Write},
};
use vestibule_flows::Gateway;
use vestibule_http::{House, HttpSettings, routes};
use vestibule_telemetry::{Build, Metrics};
use vestibule_testkit::{
    rig::{ADMIN_KEY, Rig, RigOptions},
    sample::NOW,
};

/// An operator's desk: the API, and the fakes behind it.
struct Desk {
    api: BoxEndpoint<'static, Response>,
    metrics: Arc<Metrics>,
    rig: Rig,
    gateway: Gateway,
    house: Arc<House>,
    prefix: &'static str,
    document: Value,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The faults, as `pointer message`.
    fn faults(&self) -> Vec<String> {
        let json = self.json();
        let faults = json["errors"].as_array().cloned().unwrap_or_default();
        let place = |fault: &Value| fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap_or_default().to_owned();
        faults.iter().map(|fault| format!("{} {}", place(fault), fault["detail"].as_str().unwrap())).collect()
    }

    /// The whole answer for a snapshot; its reference is chance but for the moment it begins with.
    fn shown(&self) -> String {
        let mut json = self.json();
        let reference = json["trace_id"].as_str().unwrap();
        let moment = vestibule_domain::time::Timestamp::from_millis(i64::from_str_radix(&reference[..12], 16).unwrap());
        assert!(reference.len() == 32 && moment >= NOW && moment < NOW + Duration::from_hours(24), "{reference}");
        json["trace_id"] = "…".into();
        let named = ["etag", "allow", "retry-after", "www-authenticate", "content-type"];
        let headers = named.iter().filter(|name| self.headers.contains_key(**name));
        let headers: Vec<_> = headers.map(|name| format!("{name}: {}\n", self.header(name))).collect();
        let headers = headers.concat();
        format!("{}\n{headers}{}", self.status, serde_json::to_string_pretty(&json).unwrap())
    }
}

impl Desk {
    async fn open() -> Self {
        Self::at("https://sso.example.com", "").await
    }

    /// One where a key may be used so many times a minute.
    async fn with_limit(admin_per_key: u32) -> Self {
        let limits = Limits { admin_per_key, ..Limits::default() };
        Self::with(RigOptions { limits, ..RigOptions::default() }, "").await
    }

    async fn at(issuer: &str, prefix: &'static str) -> Self {
        Self::with(RigOptions { issuer: issuer.into(), ..RigOptions::default() }, prefix).await
    }

    async fn with(options: RigOptions, prefix: &'static str) -> Self {
        let metrics = Arc::new(Metrics::new(Build { version: "0", revision: "0" }));
        let (gateway, rig) = Rig::gateway(RigOptions { observers: vec![metrics.clone()], ..options }).await;
        let house = Arc::new(House::new(gateway.clone(), metrics.clone(), HttpSettings::default()));
        let mut desk = Self { api: routes(&house).boxed(), metrics, rig, gateway, house, prefix, document: Value::Null };
        desk.document = desk.plain(Method::GET, "/openapi.json", &[], "").await.json();
        desk
    }

    /// A request of somebody without a key.
    async fn plain(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        self.ask(method, &format!("{}/api/v1{path}", self.prefix), headers, body).await
    }

    /// A request to any address of the house.
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        let uri = format!("https://sso.example.com{path}");
        let mut request = Request::builder().method(method).uri(uri.parse().unwrap());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "sso.example.com");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.api.get_response(request.body(body.into())).await;
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.into_string().await.unwrap() }
    }

    /// A request with the key, and with JSON if there is a body. What every answer owes is checked here.
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        let key = format!("Bearer {ADMIN_KEY}");
        let body = body.into();
        let mut all = vec![("authorization", key.as_str())];
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let answer = self.plain(method.clone(), path, &all, body).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("access-control-allow-origin"));
        if answer.status.is_client_error() || answer.status.is_server_error() {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.json()["status"], answer.status.as_u16());
        }
        self.is_documented(&method, path, answer.status);
        answer
    }

    /// An operation answers only as the document says.
    fn is_documented(&self, method: &Method, path: &str, status: StatusCode) {
        let segments: Vec<_> = path.split('?').next().unwrap().split('/').skip(1).collect();
        let pattern = match segments.as_slice() {
            ["clients"] => "/clients",
            ["clients", _] => "/clients/{client_id}",
            ["clients", _, "grants"] => "/clients/{client_id}/grants",
            ["sessions"] => "/sessions",
            ["sessions", _] => "/sessions/{session_id}",
            ["grants"] => "/grants",
            ["grants", _] => "/grants/{grant_id}",
            ["clients", _, "secrets"] => "/clients/{client_id}/secrets",
            ["clients", _, "secrets", _] => "/clients/{client_id}/secrets/{secret_id}",
            ["providers"] => "/providers",
            ["providers", id] if id.ends_with(":test") => "/providers/{provider_id}:test",
            ["providers", _] => "/providers/{provider_id}",
            ["providers", _, "trials", _] => "/providers/{provider_id}/trials/{trial}",
            ["logins", _] => "/logins/{reference}",
            ["keys"] => "/keys",
            ["api-keys"] => "/api-keys",
            ["api-keys", _] => "/api-keys/{key_id}",
            ["registration-tokens"] => "/registration-tokens",
            ["registration-tokens", _] => "/registration-tokens/{token_id}",
            ["keys:rotate"] => "/keys:rotate",
            ["audit-events"] => "/audit-events",
            ["audit-events:export"] => "/audit-events:export",
            ["audit-events", _] => "/audit-events/{event_id}",
            ["audit-chain"] => "/audit-chain",
            ["stats"] => "/stats",
            ["config"] => "/config",
            ["config:check"] => "/config:check",
            ["config:reload"] => "/config:reload",
            ["accounts"] => "/accounts",
            ["accounts", _] => "/accounts/{account_id}",
            ["accounts", _, "consents"] => "/accounts/{account_id}/consents",
            ["accounts", _, "consents", _] => "/accounts/{account_id}/consents/{client_id}",
            ["accounts", _, "links"] => "/accounts/{account_id}/links",
            ["accounts", _, "links", _] => "/accounts/{account_id}/links/{link_id}",
            ["accounts", _, "sessions"] => "/accounts/{account_id}/sessions",
            _ => return,
        };
        let operation = &self.document["paths"][pattern][method.as_str().to_lowercase()];
        if operation.is_object() {
            assert!(operation["responses"][status.as_str()].is_object(), "{method} {pattern} answered {status}, which is not documented");
        }
    }

    /// Somebody who signed in to an app: their account, and its link, session and grant.
    async fn somebody(&self) -> (String, String, String, String) {
        self.register_web().await;
        self.browser().signs_in("acme", "ada").await;
        let first = async |path: &str| self.get(path).await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        let account = first("/accounts").await;
        let of = |kind: &str| format!("/accounts/{account}/{kind}");
        let (links, sessions, grants) = (of("links"), of("sessions"), of("grants"));
        (account.clone(), first(&links).await, first(&sessions).await, first(&grants).await)
    }

    /// Somebody said yes to an app.
    async fn allows(&self, client: &str, account: &str) {
        let consent = Consent {
            account: account.parse().unwrap(),
            client: ClientId::parse(client).unwrap(),
            host: "app.example.com".into(),
            scopes: Scopes::parse("openid").unwrap(),
            given: NOW,
        };
        self.rig.store.commit(Changes::default().write(Write::PutConsent(consent))).await.unwrap();
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Everything of a list by its links, two at a time: the ids, and how many pages they took.
    async fn walk(&self, list: &str, id: &str) -> (Vec<String>, usize) {
        let (mut path, mut seen, mut pages) = (format!("{list}?limit=2"), Vec::new(), 0);
        loop {
            let page = self.get(&path).await;
            pages += 1;
            seen.extend(page.json()["items"].as_array().unwrap().iter().map(|item| item[id].as_str().unwrap().to_owned()));
            let Some(rest) = page.header("link").strip_prefix("</api/v1") else { return (seen, pages) };
            rest.strip_suffix(">; rel=\"next\"").unwrap().clone_into(&mut path);
        }
    }

    async fn create(&self, body: Value) -> Answer {
        self.send(Method::POST, "/clients", &[], body.to_string()).await
    }

    async fn put(&self, id: &str, etag: Option<&str>, body: Value) -> Answer {
        self.change(Method::PUT, &format!("/clients/{id}"), etag, body).await
    }

    /// Later: events of one moment have no order.
    fn later(&self) {
        self.rig.clock.advance(Duration::from_secs(1));
    }

    /// A change, held to a version if one is given.
    async fn change(&self, method: Method, path: &str, etag: Option<&str>, body: Value) -> Answer {
        let headers: Vec<_> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
        self.send(method, path, &headers, body.to_string()).await
    }

    async fn delete(&self, path: &str, etag: Option<&str>) -> Answer {
        let headers: Vec<_> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
        self.send(Method::DELETE, path, &headers, "").await
    }

    async fn add_secret(&self, id: &str, body: &str) -> Answer {
        self.send(Method::POST, &format!("/clients/{id}/secrets"), &[], body).await
    }

    /// Events of changes, by name.
    fn events(&self) -> Vec<EventName> {
        let events = self.rig.events();
        events.iter().map(|event| event.name).filter(|name| name.as_str().starts_with("client.")).collect()
    }
}

/// The tags of the first versions of a client: they are counted from the moment it was made.
const V1: &str = "\"v1795514400000\"";
const V2: &str = "\"v1795514400001\"";
const V3: &str = "\"v1795514400002\"";
const V4: &str = "\"v1795514400003\"";

fn app(id: &str) -> Value {
    json!({ "client_id": id, "client_name": "App", "redirect_uris": ["https://app.example.com/cb"] })
}

fn public(id: &str) -> Value {
    let mut app = app(id);
    app["token_endpoint_auth_method"] = "none".into();
    app
}
