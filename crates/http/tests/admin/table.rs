//! The one table of operations, held to what really happens.

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;

use super::{Desk, app};

/// Every operation that the document says leaves an event is made, and leaves it. Whoever adds one makes it here.
#[tokio::test]
async fn every_write_leaves_the_event_that_the_document_names() {
    let desk = Desk::open().await;
    let (account, link, session, grant) = desk.somebody().await;
    desk.later();
    desk.browser().signs_in("acme", "eve").await;
    let newest = async |path: &str| desk.get(path).await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let (other_session, other_grant) = (newest("/sessions").await, newest("/grants").await);
    desk.allows("web", &account).await;
    let provider = json!({ "settings": { "preset": "fake", "client_id": "x", "client_secret": "y" } }).to_string();
    let token = desk.send(Method::POST, "/registration-tokens", &[], r#"{"name": "farm"}"#).await.json()["id"].clone();
    let key = desk.send(Method::POST, "/api-keys", &[], r#"{"name": "k", "scopes": ["*"]}"#).await.json()["id"].clone();
    let (token, key) = (token.as_str().unwrap(), key.as_str().unwrap());
    let (consent, secret) = (format!("/accounts/{account}/consents/web"), "/clients/one/secrets/SECRET".to_owned());
    let mut made = BTreeSet::new();
    let calls = [
        ("POST /clients", "/clients".to_owned(), None, app("one").to_string()),
        ("PATCH /clients/{client_id}", "/clients/one".into(), Some("ETAG"), r#"{"client_name": "x"}"#.into()),
        ("PUT /clients/{client_id}", "/clients/one".into(), Some("ETAG"), app("one").to_string()),
        ("POST /clients/{client_id}/secrets", "/clients/one/secrets".into(), None, "{}".into()),
        ("DELETE /clients/{client_id}/secrets/{secret_id}", secret, None, String::new()),
        ("DELETE /clients/{client_id}", "/clients/one".into(), Some("ETAG"), String::new()),
        ("PUT /providers/{provider_id}", "/providers/mine".into(), None, provider),
        ("PATCH /providers/{provider_id}", "/providers/mine".into(), Some("ETAG"), r#"{"disabled": true}"#.into()),
        ("DELETE /providers/{provider_id}", "/providers/mine".into(), Some("ETAG"), String::new()),
        ("POST /providers/{provider_id}:test", "/providers/acme:test".into(), None, "{}".into()),
        ("DELETE /accounts/{account_id}/consents/{client_id}", consent, None, String::new()),
        ("DELETE /grants/{grant_id}", format!("/grants/{other_grant}"), None, String::new()),
        ("DELETE /sessions/{session_id}", format!("/sessions/{other_session}"), None, String::new()),
        ("GET /audit-events:export", "/audit-events:export?format=csv".into(), None, String::new()),
        ("POST /config:check", "/config:check".into(), None, String::new()),
        ("POST /config:reload", "/config:reload".into(), None, String::new()),
        ("DELETE /accounts/{account_id}/grants/{grant_id}", format!("/accounts/{account}/grants/{grant}"), None, String::new()),
        ("DELETE /accounts/{account_id}/sessions/{session_id}", format!("/accounts/{account}/sessions/{session}"), None, String::new()),
        ("DELETE /accounts/{account_id}/links/{link_id}", format!("/accounts/{account}/links/{link}"), None, String::new()),
        ("DELETE /clients/{client_id}/grants", "/clients/web/grants".into(), None, String::new()),
        ("PATCH /accounts/{account_id}", format!("/accounts/{account}"), None, r#"{"disabled": true}"#.into()),
        ("POST /accounts/{account_id}:erase", format!("/accounts/{account}:erase"), None, String::new()),
        ("POST /registration-tokens", "/registration-tokens".into(), None, r#"{"name": "x"}"#.into()),
        ("DELETE /registration-tokens/{token_id}", format!("/registration-tokens/{token}"), None, String::new()),
        ("POST /api-keys", "/api-keys".into(), None, r#"{"name": "x", "scopes": ["*"]}"#.into()),
        ("PATCH /api-keys/{key_id}", format!("/api-keys/{key}"), Some("ETAG"), r#"{"name": "y"}"#.into()),
        ("DELETE /api-keys/{key_id}", format!("/api-keys/{key}"), None, String::new()),
        ("POST /keys:rotate", "/keys:rotate".into(), None, "{}".into()),
    ];
    for (operation, mut path, mut etag, body) in calls {
        desk.later();
        if path.ends_with("SECRET") {
            let client = desk.get("/clients/one").await.json();
            path = path.replace("SECRET", client["secrets"][0]["id"].as_str().unwrap());
        }
        let present = if etag == Some("ETAG") { desk.get(&path).await.header("etag").to_owned() } else { String::new() };
        etag = etag.map(|tag| if tag == "ETAG" { present.as_str() } else { tag });
        let headers: Vec<_> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
        let before = desk.rig.events().len();
        let (method, pattern) = operation.split_once(' ').unwrap();
        let answer = desk.send(method.parse().unwrap(), &path, &headers, body).await;
        assert!(answer.status.is_success(), "{operation}: {} {}", answer.status, answer.body);
        let left: BTreeSet<_> = desk.rig.events()[before..].iter().map(|event| event.name.to_string()).collect();
        let described = desk.document["paths"][pattern][method.to_lowercase()]["description"].as_str().unwrap();
        let recorded = described.split("Recorded as ").nth(1).unwrap();
        assert!(left.iter().any(|name| recorded.contains(&format!("`{name}`"))), "{operation} left {left:?} and not {recorded}");
        made.insert(operation.to_owned());
    }
    let paths = desk.document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        let is_recorded =
            |operation: &serde_json::Value| operation["description"].as_str().is_some_and(|text| text.contains("Recorded as "));
        operations
            .filter(move |(method, operation)| *method != "get" || is_recorded(operation))
            .map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
    });
    assert_eq!(made, all.collect(), "make it in this test");
}
