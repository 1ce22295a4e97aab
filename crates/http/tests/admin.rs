//! The admin API from outside: what operators and their programs send, and what they get.
#![expect(clippy::unwrap_used, reason = "in helpers of tests too, a panic is how a test fails")]

#[path = "admin/accounts.rs"]
mod accounts;
#[path = "admin/browser.rs"]
mod browser;
#[path = "admin/providers.rs"]
mod providers;
#[path = "admin/rules.rs"]
mod rules;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode};
use poem::{Endpoint, EndpointExt, Request, Response, endpoint::BoxEndpoint};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, EventName, Outcome},
    store::StoreError,
};
use vestibule_http::{House, HttpSettings, routes};
use vestibule_telemetry::{Build, Metrics};
use vestibule_testkit::rig::{ADMIN_KEY, Rig, RigOptions};

/// An operator's desk: the API, and the fakes behind it.
struct Desk {
    api: BoxEndpoint<'static, Response>,
    metrics: Arc<Metrics>,
    rig: Rig,
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

    /// The whole answer for a snapshot; its reference is random.
    fn shown(&self) -> String {
        let mut json = self.json();
        assert_eq!(json["trace_id"].as_str().unwrap().len(), 32);
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

    async fn at(issuer: &str, prefix: &'static str) -> Self {
        let (gateway, rig) = Rig::gateway(RigOptions { issuer: issuer.into(), ..RigOptions::default() }).await;
        let metrics = Arc::new(Metrics::new(Build { version: "0", revision: "0" }));
        let house = Arc::new(House::new(gateway, metrics.clone(), HttpSettings::default()));
        let mut desk = Self { api: routes(&house).boxed(), metrics, rig, prefix, document: Value::Null };
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
            ["clients", _, "secrets"] => "/clients/{client_id}/secrets",
            ["clients", _, "secrets", _] => "/clients/{client_id}/secrets/{secret_id}",
            ["providers"] => "/providers",
            ["providers", id] if id.ends_with(":test") => "/providers/{provider_id}:test",
            ["providers", _] => "/providers/{provider_id}",
            ["accounts"] => "/accounts",
            ["accounts", _] => "/accounts/{account_id}",
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

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
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

#[tokio::test]
async fn a_client_is_registered_with_defaults_and_its_secret_is_shown_once() {
    let desk = Desk::open().await;
    let created = desk.create(app("app")).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!((created.header("location"), created.header("etag")), ("/api/v1/clients/app", V1));
    let mut shown = created.json();
    let secret = shown["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 43);
    shown["client_secret"] = "…".into();
    shown["secrets"][0]["id"] = "…".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap(), @r#"
    {
      "access_token_signed_response_alg": "RS256",
      "allowed_providers": [],
      "audiences": [],
      "client_id": "app",
      "client_name": "App",
      "client_secret": "…",
      "created_at": "2026-11-24T10:00:00Z",
      "disabled": false,
      "entry": {},
      "grant_types": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_claims": true,
      "id_token_signed_response_alg": "RS256",
      "post_logout_redirect_uris": [],
      "redirect_uris": [
        "https://app.example.com/cb"
      ],
      "release": {},
      "require_pkce": true,
      "scope": "email groups offline_access openid profile",
      "secrets": [
        {
          "created_at": "2026-11-24T10:00:00Z",
          "id": "…"
        }
      ],
      "subject_type": "public",
      "token_endpoint_auth_method": "client_secret_basic",
      "updated_at": "2026-11-24T10:00:00Z",
      "upstream_tokens": []
    }
    "#);

    for path in ["/clients/app", "/clients"] {
        let read = desk.get(path).await;
        assert_eq!(read.status, StatusCode::OK);
        assert!(!read.body.contains(&secret) && !read.body.contains("client_secret\"") && !read.body.contains("digest"), "{}", read.body);
    }
    let read = desk.get("/clients/app").await;
    assert_eq!(read.header("etag"), V1);
    assert_eq!(read.json()["secrets"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_without_an_id_is_given_one_and_a_public_one_gets_no_secret() {
    let desk = Desk::open().await;
    let mut body = public("x");
    body.as_object_mut().unwrap().remove("client_id");
    let created = desk.create(body).await;
    let json = created.json();
    let id = json["client_id"].as_str().unwrap();
    assert_eq!(id.len(), 22);
    assert_eq!(created.header("location"), format!("/api/v1/clients/{id}"));
    assert!(json.get("client_secret").is_none() && json["secrets"] == json!([]));
    assert_eq!(desk.get(&format!("/clients/{id}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn addresses_lie_under_the_issuers_path() {
    let desk = Desk::at("https://sso.example.com/auth/", "/auth").await;
    assert_eq!(desk.create(app("app")).await.header("location"), "/auth/api/v1/clients/app");
    assert_eq!(desk.document["servers"][0]["url"], "/auth/api/v1");
    desk.create(app("bpp")).await;
    assert_eq!(desk.get("/clients?limit=1").await.header("link"), "</auth/api/v1/clients?limit=1&after=app>; rel=\"next\"");
}

#[tokio::test]
async fn an_id_that_is_taken_is_not_taken_over() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    let again = desk.create(app("app")).await;
    insta::assert_snapshot!(again.shown(), @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "code": "client_exists",
      "detail": "A client is registered under this client_id.",
      "hint": "change it with PUT and its ETag in If-Match, or leave client_id out to be given one",
      "status": 409,
      "title": "A client of this id is there",
      "trace_id": "…",
      "type": "urn:vestibule:problem:client_exists"
    }
    "#);
    assert_eq!(desk.events(), [EventName::ClientCreated]);
}

#[tokio::test]
async fn lists_are_walked_by_their_links() {
    let desk = Desk::open().await;
    for n in 0..5 {
        desk.create(public(&format!("app-{n}"))).await;
    }
    let (mut path, mut seen, mut pages) = ("/clients?limit=2".to_owned(), Vec::new(), 0);
    loop {
        let page = desk.get(&path).await;
        pages += 1;
        seen.extend(page.json()["items"].as_array().unwrap().iter().map(|client| client["client_id"].as_str().unwrap().to_owned()));
        let Some(rest) = page.header("link").strip_prefix("</api/v1") else { break };
        path = rest.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!((seen.join(" ").as_str(), pages), ("app-0 app-1 app-2 app-3 app-4", 3));
    assert_eq!(desk.get("/clients").await.header("link"), "");

    for (query, fault) in [
        ("limit=0", "limit must be a whole number from 1 to 200"),
        ("limit=201", "limit must be a whole number from 1 to 200"),
        ("limit=-1", "limit must be a whole number from 1 to 200"),
        ("limit=many", "limit must be a whole number from 1 to 200"),
        ("after=a%20b", "after may only have letters, digits, '-', '.', '_' and '~'"),
    ] {
        let refused = desk.get(&format!("/clients?{query}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_parameter"), "{query}");
        assert_eq!(refused.faults(), [fault], "{query}");
    }
}

#[tokio::test]
async fn rfc9110_13_1_2_a_reader_with_the_present_version_is_sent_nothing() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    for (tag, status) in [
        (V1, StatusCode::NOT_MODIFIED),
        ("W/\"v1795514400000\"", StatusCode::NOT_MODIFIED),
        ("\"v7\", \"v1795514400000\"", StatusCode::NOT_MODIFIED),
        (V2, StatusCode::OK),
    ] {
        let answer = desk.send(Method::GET, "/clients/app", &[("if-none-match", tag)], "").await;
        assert_eq!(answer.status, status, "{tag}");
        assert_eq!(answer.header("etag"), V1);
        assert_eq!(answer.body.is_empty(), status == StatusCode::NOT_MODIFIED);
    }
    let head = desk.send(Method::HEAD, "/clients/app", &[], "").await;
    assert_eq!((head.status, head.header("etag"), head.body.as_str()), (StatusCode::OK, V1, ""));
}

#[tokio::test]
async fn put_registers_what_is_not_there_and_replaces_what_is() {
    let desk = Desk::open().await;
    let created = desk.put("app", None, app("app")).await;
    assert_eq!((created.status, created.header("etag")), (StatusCode::CREATED, V1));
    assert_eq!(created.header("location"), "/api/v1/clients/app");
    assert!(created.json()["client_secret"].is_string());

    desk.rig.clock.advance(Duration::from_mins(1));
    let mut changed = app("app");
    changed["client_name"] = "Renamed".into();
    changed["disabled"] = true.into();
    let replaced = desk.put("app", Some(V1), changed).await;
    assert_eq!((replaced.status, replaced.header("etag"), replaced.header("location")), (StatusCode::OK, V2, ""));
    let json = replaced.json();
    assert!(json.get("client_secret").is_none(), "secrets stay, and are not shown again");
    assert_eq!(json["secrets"].as_array().unwrap().len(), 1);
    assert_eq!((json["client_name"].as_str(), json["disabled"].as_bool()), (Some("Renamed"), Some(true)));
    assert_eq!(json["created_at"], created.json()["created_at"]);
    assert_eq!(json["updated_at"], "2026-11-24T10:01:00Z");

    let replaced = desk.put("app", Some(V2), app("app")).await;
    assert_eq!(replaced.json()["disabled"], false, "what is left out takes its default");

    let other = desk.put("app", Some(V3), app("other")).await;
    assert_eq!(other.faults(), ["/client_id is not the id in the address; leave it out"]);
    assert_eq!(desk.put("a%20b", None, json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(desk.events(), [EventName::ClientCreated, EventName::ClientUpdated, EventName::ClientUpdated]);
}

#[tokio::test]
async fn a_change_without_a_precondition_is_refused() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    let put = desk.put("app", None, app("app")).await;
    insta::assert_snapshot!(put.shown(), @r#"
    428 Precondition Required
    content-type: application/problem+json
    {
      "code": "precondition_required",
      "detail": "A change without If-Match could overwrite somebody else's.",
      "hint": "read what is there and send its ETag in If-Match",
      "status": 428,
      "title": "If-Match is missing",
      "trace_id": "…",
      "type": "urn:vestibule:problem:precondition_required"
    }
    "#);
    let deleted = desk.delete("/clients/app", None).await;
    assert_eq!((deleted.status, deleted.code().as_str()), (StatusCode::PRECONDITION_REQUIRED, "precondition_required"));
    assert_eq!(desk.events(), [EventName::ClientCreated]);
}

#[tokio::test]
async fn a_precondition_that_does_not_hold_answers_with_the_version_that_is_there() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    insta::assert_snapshot!(desk.put("app", Some("\"v7\""), app("app")).await.shown(), @r#"
    412 Precondition Failed
    etag: "v1795514400000"
    content-type: application/problem+json
    {
      "code": "precondition_failed",
      "detail": "It is not as the precondition says; the ETag is the present one.",
      "hint": "read it again and make the change on what is there now",
      "status": 412,
      "title": "Not what the precondition says",
      "trace_id": "…",
      "type": "urn:vestibule:problem:precondition_failed"
    }
    "#);
    for tag in ["W/\"v1795514400000\"", "\"v01\"", "\"1\"", "\"\""] {
        assert_eq!(desk.put("app", Some(tag), app("app")).await.status, StatusCode::PRECONDITION_FAILED, "{tag}");
        assert_eq!(desk.delete("/clients/app", Some(tag)).await.status, StatusCode::PRECONDITION_FAILED, "{tag}");
    }
    for tag in ["*", "v1", "\"v1795514400000\", \"v1795514400001\""] {
        let put = desk.put("app", Some(tag), app("app")).await;
        assert_eq!((put.status, put.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_parameter"), "{tag}");
        assert_eq!(put.json()["hint"], "send the ETag of what you read");
        assert_eq!(desk.delete("/clients/app", Some(tag)).await.status, StatusCode::BAD_REQUEST, "{tag}");
    }
    let absent = desk.put("absent", Some(V1), app("absent")).await;
    assert_eq!((absent.status, absent.header("etag")), (StatusCode::PRECONDITION_FAILED, ""));
    assert_eq!(desk.delete("/clients/absent", Some(V1)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.events(), [EventName::ClientCreated]);
}

/// An editor that was left open over the deletion holds the tag of another client, though the id is the same.
#[tokio::test]
async fn rfc9110_8_8_1_a_client_that_is_made_again_has_tags_of_its_own() {
    let desk = Desk::open().await;
    let first = desk.create(app("app")).await;
    desk.later();
    assert_eq!(desk.delete("/clients/app", Some(first.header("etag"))).await.status, StatusCode::NO_CONTENT);
    let second = desk.put("app", None, app("app")).await;
    assert_eq!(second.status, StatusCode::CREATED);
    assert_ne!(second.header("etag"), first.header("etag"));
    let stale = desk.put("app", Some(first.header("etag")), app("app")).await;
    assert_eq!((stale.status, stale.header("etag")), (StatusCode::PRECONDITION_FAILED, second.header("etag")));
    assert_eq!(desk.delete("/clients/app", Some(first.header("etag"))).await.status, StatusCode::PRECONDITION_FAILED);
    let read = desk.send(Method::GET, "/clients/app", &[("if-none-match", first.header("etag"))], "").await;
    assert_eq!(read.status, StatusCode::OK);
}

#[tokio::test]
async fn if_none_match_registers_but_never_replaces() {
    let desk = Desk::open().await;
    let only_new = [("if-none-match", "*")];
    let put = |body: Value, headers: Vec<(&'static str, &'static str)>| {
        let desk = &desk;
        async move { desk.send(Method::PUT, "/clients/app", &headers, body.to_string()).await }
    };
    assert_eq!(put(app("app"), only_new.into()).await.status, StatusCode::CREATED);
    let again = put(app("app"), only_new.into()).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::PRECONDITION_FAILED, V1));
    assert_eq!(again.code(), "precondition_failed");
    assert_eq!(put(app("app"), vec![("if-none-match", V1)]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(put(app("app"), vec![("if-none-match", "*"), ("if-match", V1)]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn of_two_editors_one_is_told_and_nothing_is_lost() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    let read = desk.get("/clients/app").await;
    let edit = |name: &str, uri: &str| {
        let mut body = app("app");
        (body["client_name"], body["redirect_uris"]) = (name.into(), json!([uri]));
        body
    };
    let tag = Some(read.header("etag"));
    let (one, two) = tokio::join!(
        desk.put("app", tag, edit("One", "https://one.example.com/cb")),
        desk.put("app", tag, edit("Two", "https://two.example.com/cb")),
    );
    let statuses = BTreeSet::from([one.status, two.status]);
    assert_eq!(statuses, BTreeSet::from([StatusCode::OK, StatusCode::PRECONDITION_FAILED]));
    let (won, lost) = if one.status == StatusCode::OK { (one, two) } else { (two, one) };
    assert_eq!(lost.header("etag"), won.header("etag"), "the one who lost hears the version that is there now");
    let there = desk.get("/clients/app").await;
    assert_eq!(there.json()["redirect_uris"], won.json()["redirect_uris"]);
    let merged = desk.put("app", Some(lost.header("etag")), edit("Both", "https://both.example.com/cb")).await;
    assert_eq!(merged.header("etag"), V3);

    // A secret that was added meanwhile is a change too: an old page can't bring back the client as it was before.
    desk.add_secret("app", "").await;
    assert_eq!(desk.put("app", Some(V3), app("app")).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(desk.get("/clients/app").await.json()["secrets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_deleted_client_is_gone() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    let gone = desk.delete("/clients/app", Some(V1)).await;
    assert_eq!((gone.status, gone.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let read = desk.get("/clients/app").await;
    insta::assert_snapshot!(read.shown(), @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "code": "not_found",
      "detail": "There is nothing of this id.",
      "status": 404,
      "title": "Not there",
      "trace_id": "…",
      "type": "urn:vestibule:problem:not_found"
    }
    "#);
    assert_eq!(desk.delete("/clients/app", Some(V1)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.delete("/clients/app", None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.get("/clients").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_secret_is_changed_with_an_overlap() {
    let desk = Desk::open().await;
    let first = desk.create(app("app")).await.json();
    desk.rig.clock.advance(Duration::from_secs(10));
    let added = desk.add_secret("app", r#"{"others_expire_in": 3600}"#).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let second = added.json();
    assert_eq!(added.header("location"), format!("/api/v1/clients/app/secrets/{}", second["id"].as_str().unwrap()));
    assert_ne!(second["client_secret"], first["client_secret"]);
    assert!(second.get("expires_at").is_none());

    let read = desk.get("/clients/app").await;
    assert_eq!(read.header("etag"), V2);
    assert!(!read.body.contains(second["client_secret"].as_str().unwrap()), "shown once and never again");
    let secrets = read.json()["secrets"].clone();
    assert_eq!(secrets[0]["expires_at"], "2026-11-24T11:00:10Z");
    assert_eq!(secrets[1]["id"], second["id"]);

    let third = desk.add_secret("app", "").await;
    insta::assert_snapshot!(third.shown(), @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "code": "too_many_secrets",
      "detail": "At most two secrets of a client work at once.",
      "hint": "revoke one that no app uses any more, or wait until one expires",
      "status": 409,
      "title": "Two secrets work already",
      "trace_id": "…",
      "type": "urn:vestibule:problem:too_many_secrets"
    }
    "#);

    desk.rig.clock.advance(Duration::from_secs(3601));
    let third = desk.add_secret("app", r#"{"expires_in": 60, "others_expire_in": null}"#).await;
    assert_eq!((third.status, third.json()["expires_at"].as_str()), (StatusCode::CREATED, Some("2026-11-24T11:01:11Z")));
}

#[tokio::test]
async fn a_confidential_client_never_has_no_secret() {
    let desk = Desk::open().await;
    let first = desk.create(app("app")).await.json()["secrets"][0]["id"].as_str().unwrap().to_owned();
    let last = desk.delete(&format!("/clients/app/secrets/{first}"), None).await;
    insta::assert_snapshot!(last.shown(), @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "code": "last_secret",
      "detail": "Without this secret the app could not authenticate any more.",
      "hint": "add another secret first; to shut the app out, disable or delete the client",
      "status": 409,
      "title": "The last secret that works",
      "trace_id": "…",
      "type": "urn:vestibule:problem:last_secret"
    }
    "#);

    let second = desk.add_secret("app", "{}").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.delete(&format!("/clients/app/secrets/{first}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.delete(&format!("/clients/app/secrets/{first}"), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.delete(&format!("/clients/app/secrets/{second}"), None).await.code(), "last_secret");
    for nothing in ["/clients/app/secrets/not-an-id", "/clients/absent/secrets/x", "/clients/%20/secrets/x"] {
        assert_eq!(desk.delete(nothing, None).await.code(), "not_found", "{nothing}");
    }
    assert_eq!(desk.get("/clients/app").await.json()["secrets"].as_array().unwrap().len(), 1);

    // Made public it has none; made confidential again it has a new one, which is shown.
    assert_eq!(desk.put("app", Some(V3), public("app")).await.json()["secrets"], json!([]));
    let refused = desk.add_secret("app", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "public_client"));
    let back = desk.put("app", Some(V4), app("app")).await.json();
    assert!(back["client_secret"].is_string() && back["secrets"].as_array().unwrap().len() == 1);
}

#[tokio::test]
async fn every_write_is_recorded_with_who_and_what() {
    let desk = Desk::open().await;
    let later = || desk.later();
    let secret = desk.create(app("app")).await.json();
    later();
    let mut changed = app("app");
    (changed["scope"], changed["require_pkce"]) = ("openid".into(), false.into());
    desk.put("app", Some(V1), changed).await;
    later();
    let added = desk.add_secret("app", "").await.json();
    later();
    desk.delete(&format!("/clients/app/secrets/{}", secret["secrets"][0]["id"].as_str().unwrap()), None).await;
    later();
    desk.delete("/clients/app", Some(V4)).await;

    let events = desk.rig.events();
    let events: Vec<_> = events.iter().filter(|event| event.client.is_some()).collect();
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["client.created", "client.updated", "client.secret_added", "client.secret_revoked", "client.deleted"]);
    for event in &events {
        assert_eq!((&event.actor, event.outcome), (&Actor::AdminKey("bootstrap".into()), Outcome::Success));
        assert_eq!(event.trace_id.as_deref().map(str::len), Some(32));
        let text = format!("{event:?}");
        for shown in [&secret["client_secret"], &added["client_secret"]] {
            assert!(!text.contains(shown.as_str().unwrap()) && !text.contains(ADMIN_KEY), "{text}");
        }
    }
    assert_eq!(events[1].detail.as_deref(), Some("changed: scope, require_pkce"));
}

#[tokio::test]
async fn bad_redirect_addresses_are_named_with_what_to_write_instead() {
    let desk = Desk::open().await;
    let table = [
        ("", "is blank; write the whole address, as https://app.example.com/callback"),
        ("/callback", "is not an absolute address; begin it with https://"),
        ("app.example.com/cb", "is not an absolute address; begin it with https://"),
        ("https://app.example.com/cb#top", "has a fragment; leave out '#' and what follows"),
        ("https://*.example.com/cb", "has a wildcard; register each address in full"),
        ("https://me:pw@example.com/cb", "has a user name or password; leave out what stands before '@'"),
        ("http://app.example.com/cb", "uses http, which is only for 127.0.0.1, [::1] and localhost; write https://"),
        ("javascript:alert(1)", "has a scheme that no app can own; use https or a reverse-domain scheme such as com.example.app:/callback"),
        ("myapp:/cb", "has a private-use scheme without a dot; use your domain in reverse, as com.example.app:/callback"),
        ("https://app.example.com/a b", "has a character that does not belong in an address; percent-encode it"),
        ("https://app.example.com/x/../cb", "has '.' or '..' as a path segment; write the path without it"),
        ("https://app.example.com/fine", ""),
        ("https://app.example.com/fine", "is there twice"),
        ("app.immich:///oauth-callback", ""),
    ];
    let uris: Vec<_> = table.iter().map(|(uri, _)| *uri).collect();
    for field in ["redirect_uris", "post_logout_redirect_uris"] {
        let mut body = app("app");
        body[field] = json!(uris);
        let refused = desk.create(body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields"));
        let wanted = table.iter().enumerate().filter(|(_, (_, message))| !message.is_empty());
        let wanted: Vec<_> = wanted.map(|(at, (_, message))| format!("/{field}/{at} {message}")).collect();
        assert_eq!(refused.faults(), wanted);
    }
    assert_eq!(desk.get("/clients/app").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_broken_rule_is_named_at_its_place() {
    let desk = Desk::open().await;
    let refused = desk
        .create(json!({
            "client_id": "has space", "client_name": "", "redirect_uris": [], "grant_types": ["password"],
            "token_endpoint_auth_method": "none", "require_pkce": false, "allowed_providers": ["nobody"],
            "id_token_signed_response_alg": "none", "scope": "a\"b", "audiences": [""],
        }))
        .await;
    let faults = refused.faults();
    assert_eq!(faults[0], "/client_id may only have letters, digits, '-', '.', '_' and '~'");
    assert!(faults.len() > 6, "and the rest beside it: {faults:?}");
    let refused = desk
        .create(json!({
            "client_name": "", "redirect_uris": [], "grant_types": ["authorization_code", "password"],
            "token_endpoint_auth_method": "none", "require_pkce": false, "allowed_providers": ["nobody"],
            "id_token_signed_response_alg": "none", "scope": "a\"b", "audiences": [""],
        }))
        .await;
    insta::assert_snapshot!(refused.shown(), @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "code": "invalid_fields",
      "detail": "8 things are wrong with what was sent.",
      "errors": [
        {
          "detail": "must have 1 to 100 printable characters; people see it when they sign in",
          "pointer": "/client_name"
        },
        {
          "detail": "must be one of authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:token-exchange",
          "pointer": "/grant_types/1"
        },
        {
          "detail": "is empty; authorization_code needs at least one address to send codes to",
          "pointer": "/redirect_uris"
        },
        {
          "detail": "must be space-separated tokens of printable ASCII without quotes and backslashes",
          "pointer": "/scope"
        },
        {
          "detail": "must be one of RS256, ES256",
          "pointer": "/id_token_signed_response_alg"
        },
        {
          "detail": "must be true for a public client: without a secret, PKCE is all that protects its codes",
          "pointer": "/require_pkce"
        },
        {
          "detail": "must have 1 to 255 printable ASCII characters, as https://api.example.com",
          "pointer": "/audiences/0"
        },
        {
          "detail": "is not a configured provider; there are: acme, other",
          "pointer": "/allowed_providers/0"
        }
      ],
      "status": 422,
      "title": "Fields break rules",
      "trace_id": "…",
      "type": "urn:vestibule:problem:invalid_fields"
    }
    "#);
    let refused = desk
        .create(json!({ "client_name": 7, "redirect_uris": "https://a.test/", "requirePkce": true, "created_at": "x", "disabled": "no" }))
        .await;
    insta::assert_snapshot!(refused.faults().join("\n"), @r"
    /client_name must be text in double quotes
    /redirect_uris must be a list of texts, in '[' and ']'
    /disabled must be true or false
    /created_at is set by the gateway; leave it out of what you send
    /requirePkce is not a field here; the fields are client_id, client_name, redirect_uris, post_logout_redirect_uris, grant_types, token_endpoint_auth_method, scope, id_token_signed_response_alg, access_token_signed_response_alg, require_pkce, audiences, allowed_providers, entry, release, subject_type, upstream_tokens, id_token_claims, disabled
    ");
    let refused = desk.add_secret("app", r#"{"expires_in": 59, "others_expire_in": -1, "forever": true}"#).await;
    insta::assert_snapshot!(refused.faults().join("\n"), @r"
    /expires_in must be a whole number from 60 to 315360000
    /others_expire_in must be a whole number from 0 to 315360000
    /forever is not a field here; the fields are expires_in, others_expire_in
    ");
}

#[tokio::test]
async fn what_is_not_json_is_told_where_and_in_our_own_words() {
    let desk = Desk::open().await;
    let broken = desk.send(Method::POST, "/clients", &[], "{\n  \"client_name\": \"App\",\n  \"scope\": }").await;
    insta::assert_snapshot!(broken.shown(), @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "code": "invalid_json",
      "detail": "line 3, column 12: expected a value",
      "status": 400,
      "title": "The body is not the JSON it should be",
      "trace_id": "…",
      "type": "urn:vestibule:problem:invalid_json"
    }
    "#);
    for (body, detail) in [
        ("[]", "line 1, column 1: expected an object in '{' and '}'"),
        ("{\"client_name\":", "line 1, column 15: expected more; the JSON ends in the middle"),
        ("\u{feff}{}", "line 1, column 1: expected a value"),
    ] {
        assert_eq!(desk.send(Method::POST, "/clients", &[], body).await.json()["detail"], detail, "{body}");
    }
    let empty = desk.send(Method::POST, "/clients", &[("content-type", "application/json")], "").await;
    assert_eq!((empty.status, empty.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"));
    let twice = desk.send(Method::POST, "/clients", &[], r#"{"client_name": "A", "client_name": "B"}"#).await;
    assert_eq!(twice.faults(), ["/client_name is there twice"]);
    let large = desk.send(Method::POST, "/clients", &[], format!("{{\"client_name\": \"{}\"}}", "x".repeat(70_000))).await;
    assert_eq!((large.status, large.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    assert_eq!(desk.events(), []);
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let desk = Desk::open().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json; charset=latin1", ""] {
        for path in ["/clients", "/clients/app/secrets"] {
            let refused = desk.send(Method::POST, path, &[("content-type", kind)], "{}").await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"), "{kind}");
        }
    }
    for kind in ["application/json", "Application/JSON; charset=UTF-8"] {
        assert_eq!(desk.send(Method::POST, "/clients", &[("content-type", kind)], "{}").await.code(), "invalid_fields", "{kind}");
    }
}

#[tokio::test]
async fn other_addresses_and_methods_are_problems_too() {
    let desk = Desk::open().await;
    for path in [
        "",
        "/",
        "/nothing",
        "/clients/",
        "/clients/a/b",
        "/clients/a/secrets/b/c",
        "/explorer/../clients",
        "/providers/a/test",
        "/providers/a:try",
        "/providers/a:test:test",
        "/explorer/x",
    ] {
        let refused = desk.get(path).await;
        assert_eq!((refused.status, refused.header("content-type")), (StatusCode::NOT_FOUND, "application/problem+json"), "{path}");
    }
    insta::assert_snapshot!(desk.get("/nothing").await.shown(), @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "code": "no_such_address",
      "detail": "Nothing of the admin API is at this address.",
      "hint": "openapi.json lists every address",
      "status": 404,
      "title": "No such address",
      "trace_id": "…",
      "type": "urn:vestibule:problem:no_such_address"
    }
    "#);
    let post = desk.send(Method::POST, "/clients/app", &[], "{}").await;
    insta::assert_snapshot!(post.shown(), @r#"
    405 Method Not Allowed
    allow: GET, HEAD, PUT, PATCH, DELETE
    content-type: application/problem+json
    {
      "code": "method_not_allowed",
      "detail": "This address takes GET, HEAD, PUT, PATCH, DELETE.",
      "status": 405,
      "title": "Not with this method",
      "trace_id": "…",
      "type": "urn:vestibule:problem:method_not_allowed"
    }
    "#);
    for (method, path, allow) in [
        (Method::DELETE, "/clients", "GET, HEAD, POST"),
        (Method::OPTIONS, "/clients", "GET, HEAD, POST"),
        (Method::GET, "/clients/app/secrets", "POST"),
        (Method::PUT, "/clients/app/secrets/x", "DELETE"),
        (Method::POST, "/providers", "GET, HEAD"),
        (Method::POST, "/providers/acme", "GET, HEAD, PUT, PATCH, DELETE"),
        (Method::GET, "/providers/acme:test", "POST"),
        (Method::DELETE, "/accounts/x", "GET, HEAD, PATCH"),
        (Method::DELETE, "/accounts/x/links", "GET, HEAD"),
        (Method::GET, "/accounts/x/links/y", "DELETE"),
        (Method::POST, "/accounts/x/sessions", "GET, HEAD"),
        (Method::POST, "/openapi.json", "GET, HEAD"),
    ] {
        let refused = desk.plain(method, path, &[], "").await;
        assert_eq!((refused.status, refused.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, allow), "{path}");
        assert_eq!(refused.code(), "method_not_allowed");
    }
}

#[tokio::test]
async fn a_database_that_is_away_says_try_again_and_nothing_of_itself() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    desk.rig.store.break_with(Some(StoreError::Unavailable("connect to 10.1.2.3 as admin".into())));
    insta::assert_snapshot!(desk.create(app("other")).await.shown(), @r#"
    503 Service Unavailable
    retry-after: 5
    content-type: application/problem+json
    {
      "code": "unavailable",
      "detail": "Nothing was changed; try again in a moment.",
      "status": 503,
      "title": "The database can't be used now",
      "trace_id": "…",
      "type": "urn:vestibule:problem:unavailable"
    }
    "#);
    for path in ["/clients", "/clients/app"] {
        assert_eq!(desk.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(desk.put("app", Some(V1), app("app")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(desk.delete("/clients/app", Some(V1)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let row = StoreError::Corrupt { table: "clients", column: "grant_types", id: "app".into() };
    desk.rig.store.break_with(Some(row));
    let corrupt = desk.get("/clients/app").await;
    assert_eq!((corrupt.status, corrupt.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert!(!corrupt.body.contains("grant_types"));
    desk.rig.store.break_with(None);
    assert_eq!(desk.get("/clients/app").await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_44_another_name_leads_nowhere() {
    let desk = Desk::open().await;
    let key = format!("Bearer {ADMIN_KEY}");
    let answer = desk.plain(Method::GET, "/clients", &[("host", "evil.test"), ("authorization", &key)], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::MISDIRECTED_REQUEST, "wrong host\n"));
}

#[tokio::test]
async fn attack_65_markup_in_a_name_stays_text_and_scripts_are_no_addresses() {
    let desk = Desk::open().await;
    let markup = "</script><script>alert(1)</script>\"'&";
    let mut body = app("app");
    body["client_name"] = markup.into();
    let created = desk.create(body).await;
    assert_eq!((created.status, created.json()["client_name"].as_str()), (StatusCode::CREATED, Some(markup)));
    let read = desk.get("/clients/app").await;
    assert_eq!(read.json()["client_name"], markup);
    assert_eq!(read.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    for hostile in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "https://a.test/\"><script>",
        "java\nscript:x",
    ] {
        for field in ["redirect_uris", "post_logout_redirect_uris"] {
            let mut body = app("evil");
            body[field] = json!([hostile]);
            let refused = desk.create(body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{hostile}");
            assert!(refused.faults()[0].starts_with(&format!("/{field}/0 ")) && !refused.body.contains("script>"), "{}", refused.body);
        }
    }
}

/// Attack 86. The only credential is a header that no page of another site can set: `Authorization` is never sent by a form or an image, and a script
/// that sets it needs a CORS preflight, which is answered with 405 and without permission. So there is nothing for CSRF to ride on.
#[tokio::test]
async fn attack_86_only_a_key_in_the_header_opens_the_api() {
    let desk = Desk::open().await;
    let refused = desk.plain(Method::GET, "/clients", &[], "").await;
    insta::assert_snapshot!(refused.shown(), @r#"
    401 Unauthorized
    www-authenticate: Bearer realm="vestibule admin API"
    content-type: application/problem+json
    {
      "code": "unauthorized",
      "detail": "Send an admin key in the Authorization header, as a bearer token.",
      "status": 401,
      "title": "No admin key that works",
      "trace_id": "…",
      "type": "urn:vestibule:problem:unauthorized"
    }
    "#);
    let query = format!("/clients?access_token={ADMIN_KEY}&key={ADMIN_KEY}&api_key={ADMIN_KEY}");
    let cookie = format!("access_token={ADMIN_KEY}; key={ADMIN_KEY}; AdminKey={ADMIN_KEY}");
    let basic = format!("Basic {ADMIN_KEY}");
    let (padded, bearer) = (format!("Bearer {ADMIN_KEY}x"), format!("Bearer {ADMIN_KEY}"));
    let form = "application/x-www-form-urlencoded";
    for (path, headers) in [
        ("/clients", vec![]),
        (query.as_str(), vec![]),
        ("/clients", vec![("cookie", cookie.as_str())]),
        ("/clients", vec![("x-api-key", ADMIN_KEY)]),
        ("/clients", vec![("authorization", basic.as_str())]),
        ("/clients", vec![("authorization", ADMIN_KEY)]),
        ("/clients", vec![("authorization", "Bearer ")]),
        ("/clients", vec![("authorization", padded.as_str())]),
        ("/clients", vec![("authorization", "Bearer admin")]),
        ("/clients", vec![("authorization", bearer.as_str()), ("authorization", "Bearer x")]),
        ("/clients", vec![("content-type", form), ("cookie", cookie.as_str()), ("origin", "https://evil.test")]),
    ] {
        for method in [Method::GET, Method::POST] {
            let refused = desk.plain(method.clone(), path, &headers, format!("access_token={ADMIN_KEY}")).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path} {headers:?}");
            assert!(refused.header("www-authenticate").starts_with("Bearer ") && !refused.body.contains(ADMIN_KEY));
        }
    }
    let preflight =
        [("origin", "https://evil.test"), ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
    let answer = desk.plain(Method::OPTIONS, "/clients", &preflight, "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    assert!(desk.rig.events().iter().any(|event| event.name == EventName::AdminAuthFailed && event.actor == Actor::Anonymous));
    assert_eq!(desk.events(), []);
}

#[tokio::test]
async fn attack_86_guesses_are_slowed_down_and_the_right_key_waits_too() {
    let desk = Desk::open().await;
    for guess in 0..10 {
        let refused = desk.plain(Method::GET, "/clients", &[("authorization", &format!("Bearer guess-{guess}"))], "").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{guess}");
    }
    let slow = desk.get("/clients").await;
    insta::assert_snapshot!(slow.shown(), @r#"
    429 Too Many Requests
    retry-after: 61
    content-type: application/problem+json
    {
      "code": "slow_down",
      "detail": "Wait 61 seconds before another try.",
      "status": 429,
      "title": "Too many wrong keys",
      "trace_id": "…",
      "type": "urn:vestibule:problem:slow_down"
    }
    "#);
    desk.rig.clock.advance(Duration::from_secs(61));
    assert_eq!(desk.get("/clients").await.status, StatusCode::OK);
    let limited = desk.rig.events().into_iter().filter(|event| event.name == EventName::AbuseRateLimited);
    assert_eq!(limited.count(), 1);
}

#[tokio::test]
async fn attack_86_a_stranger_learns_nothing_of_what_is_there() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    for (method, there, absent) in [
        (Method::GET, "/clients/app", "/clients/absent"),
        (Method::DELETE, "/clients/app", "/clients/absent"),
        (Method::PUT, "/clients/app", "/clients/absent"),
        (Method::POST, "/clients/app/secrets", "/clients/absent/secrets"),
        (Method::PATCH, "/clients/app", "/clients/absent"),
        (Method::GET, "/providers/acme", "/providers/absent"),
        (Method::PUT, "/providers/acme", "/providers/absent"),
        (Method::PATCH, "/providers/acme", "/providers/absent"),
        (Method::DELETE, "/providers/acme", "/providers/absent"),
        (Method::POST, "/providers/acme:test", "/providers/absent:test"),
        (Method::PATCH, "/accounts/7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71", "/accounts/absent"),
        (Method::GET, "/accounts/7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71/links", "/accounts/absent/links"),
        (Method::DELETE, "/accounts/7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71/links/x", "/accounts/absent/links/x"),
        (Method::GET, "/accounts/7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71/sessions", "/accounts/absent/sessions"),
    ] {
        // Not even that its body is wrong: who has no key is asked for one before anything else is read.
        let there = desk.plain(method.clone(), there, &[("if-match", "*")], "not json").await;
        let absent = desk.plain(method.clone(), absent, &[("if-match", "*")], "{}").await;
        assert_eq!(there.status, StatusCode::UNAUTHORIZED);
        assert_eq!(there.shown(), absent.shown(), "{method}");
    }
}

#[tokio::test]
async fn requests_are_counted_under_the_pattern_of_their_operation() {
    let desk = Desk::open().await;
    desk.create(app("a-name-nobody-else-has")).await;
    desk.get("/clients/a-name-nobody-else-has").await;
    desk.get("/clients/another-name/secrets/x/y/z").await;
    let text = desk.metrics.render();
    for route in ["/api/v1/clients", "/api/v1/clients/:client_id", "/api/v1/unmatched", "/api/v1/openapi.json"] {
        assert!(text.contains(&format!("http_route=\"{route}\"")), "{route}\n{text}");
    }
    assert!(!text.contains("a-name-nobody") && !text.contains("another-name"));
}

/// What the document owes its readers: every reference leads somewhere, every operation is described and says how it may refuse.
#[tokio::test]
async fn the_document_is_whole() {
    let desk = Desk::open().await;
    let document = &desk.document;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0"));
    references(document, &mut |to| assert!(document.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to} leads nowhere"));
    let (mut lines, mut ids) = (Vec::new(), BTreeSet::new());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()));
            assert_eq!(operation["security"], json!([{ "AdminKey": [] }]), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path} {status}");
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem == "#/components/schemas/Problem", status.as_str() >= "400", "{method} {path} {status}");
                if problem.is_string() {
                    let examples = response["content"]["application/problem+json"]["examples"].as_object().unwrap();
                    assert!(!examples.is_empty(), "{method} {path} {status} has no example");
                    for (code, example) in examples {
                        assert_eq!((&example["value"]["code"], example["value"]["status"].to_string()), (&json!(code), status.clone()));
                    }
                }
            }
            for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
                assert!(parameter["description"].is_string(), "{method} {path} {parameter}");
            }
            let statuses: Vec<_> = responses.keys().map(String::as_str).collect();
            lines.push(format!("{} {path} → {}", method.to_uppercase(), statuses.join(" ")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    GET /accounts → 200 400 401 429 500 503
    GET /accounts/{account_id} → 200 401 404 429 500 503
    PATCH /accounts/{account_id} → 200 400 401 404 413 415 422 429 500 503
    GET /accounts/{account_id}/links → 200 401 404 429 500 503
    DELETE /accounts/{account_id}/links/{link_id} → 204 401 404 429 500 503
    GET /accounts/{account_id}/sessions → 200 401 404 429 500 503
    GET /clients → 200 400 401 429 500 503
    POST /clients → 201 400 401 409 413 415 422 429 500 503
    DELETE /clients/{client_id} → 204 400 401 404 412 428 429 500 503
    GET /clients/{client_id} → 200 304 401 404 429 500 503
    PATCH /clients/{client_id} → 200 400 401 404 412 413 415 422 428 429 500 503
    PUT /clients/{client_id} → 200 201 400 401 412 413 415 422 428 429 500 503
    POST /clients/{client_id}/secrets → 201 400 401 404 409 413 415 422 429 500 503
    DELETE /clients/{client_id}/secrets/{secret_id} → 204 401 404 409 429 500 503
    GET /providers → 200 401 429 500 503
    DELETE /providers/{provider_id} → 204 400 401 404 409 412 428 429 500 503
    GET /providers/{provider_id} → 200 401 404 429 500 503
    PATCH /providers/{provider_id} → 200 400 401 404 409 412 413 415 422 428 429 500 503
    PUT /providers/{provider_id} → 200 201 400 401 409 412 413 415 422 428 429 500 503
    POST /providers/{provider_id}:test → 200 400 401 404 413 415 422 429 500 503
    ");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let described = property["description"].is_string() || property["allOf"].is_array() || field == "items";
            assert!(described, "{name}.{field} has no description");
        }
    }
    for name in [
        "Registration",
        "Client",
        "RegisteredClient",
        "ClientPage",
        "SecretRequest",
        "NewSecret",
        "Entry",
        "Release",
        "Provider",
        "ProviderPage",
        "ProviderDraft",
        "ProviderTrial",
        "ProviderTest",
        "Account",
        "AccountPage",
        "AccountChange",
        "LinkList",
        "SessionList",
    ] {
        assert!(!document["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
    }
}

/// The schema is what is read: every documented field is taken, its defaults are the ones that apply, and its example registers.
#[tokio::test]
async fn the_registration_in_the_document_is_the_one_that_is_read() {
    let desk = Desk::open().await;
    let schema = &desk.document["components"]["schemas"]["Registration"];
    assert_eq!((&schema["additionalProperties"], &schema["required"]), (&json!(false), &json!(["client_name"])));
    let example = &schema["example"];
    let created = desk.create(example.clone()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    for (field, value) in example.as_object().unwrap() {
        assert_eq!(tokens(&created.json()[field]), tokens(value), "{field}");
    }
    let plain = desk.create(app("plain")).await.json();
    let defaults: serde_json::Map<_, _> = schema["properties"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, property)| !property["default"].is_null())
        .map(|(field, property)| (field.clone(), property["default"].clone()))
        .collect();
    for (field, default) in defaults.iter().filter(|(field, _)| *field != "redirect_uris") {
        assert_eq!(tokens(&plain[field]), tokens(default), "{field}");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&defaults).unwrap(), @r#"
    {
      "access_token_signed_response_alg": "RS256",
      "allowed_providers": [],
      "audiences": [],
      "disabled": false,
      "entry": {},
      "grant_types": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_claims": true,
      "id_token_signed_response_alg": "RS256",
      "post_logout_redirect_uris": [],
      "redirect_uris": [],
      "release": {},
      "require_pkce": true,
      "scope": "openid profile email groups offline_access",
      "subject_type": "public",
      "token_endpoint_auth_method": "client_secret_basic",
      "upstream_tokens": []
    }
    "#);
    assert_eq!(schema["properties"].as_object().unwrap().len(), defaults.len() + 2, "all but client_id and client_name have a default");
    assert_eq!(schema["properties"]["token_endpoint_auth_method"]["enum"], json!(["client_secret_basic", "client_secret_post", "none"]));
}

#[tokio::test]
async fn the_explorer_comes_whole_from_this_house_under_a_strict_policy() {
    let desk = Desk::open().await;
    let page = desk.plain(Method::GET, "/explorer", &[], "").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    insta::assert_snapshot!(page.header("content-security-policy"), @"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    assert!(
        !page.body.contains("http:") && !page.body.contains("https:") && !page.body.contains("<script>") && !page.body.contains("style=")
    );
    for (part, kind, least) in [
        ("swagger-ui.js", "text/javascript; charset=utf-8", 1_000_000),
        ("swagger-ui.css", "text/css; charset=utf-8", 100_000),
        ("start.js", "text/javascript; charset=utf-8", 100),
    ] {
        assert!(page.body.contains(&format!("\"explorer/{part}\"")));
        let file = desk.plain(Method::GET, &format!("/explorer/{part}"), &[], "").await;
        assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, kind), "{part}");
        assert!(file.body.len() > least && file.header("x-content-type-options") == "nosniff", "{part}");
        let again = desk.plain(Method::GET, &format!("/explorer/{part}"), &[("if-none-match", file.header("etag"))], "").await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{part}");
    }
}

/// The order of scopes says nothing.
fn tokens(value: &Value) -> Value {
    let mut tokens: Vec<_> = value.as_str().map(|text| text.split(' ').collect()).unwrap_or_default();
    tokens.sort_unstable();
    if tokens.is_empty() { value.clone() } else { tokens.into() }
}

fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get("$ref") {
                found(to);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
