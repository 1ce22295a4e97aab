//! Keys of the API: what each may do, and that nobody makes more of theirs.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::audit::{Actor, EventName};

use super::{Answer, Desk, V1, app};

impl Desk {
    /// A request with another key than the one of the configuration.
    async fn sends(&self, key: &str, method: Method, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("if-match", "\"v1\"")];
        let headers = if body.is_null() { &headers[..1] } else { &headers[..] };
        self.plain(method, path, headers, if body.is_null() { String::new() } else { body.to_string() }).await
    }

    /// A key with these scopes, made with the one of the configuration.
    pub(crate) async fn key(&self, scopes: &[&str]) -> (String, String) {
        let made = self.send(Method::POST, "/api-keys", &[], json!({ "name": "test", "scopes": scopes }).to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let made = made.json();
        (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn a_key_is_made_shown_once_used_changed_and_deleted() {
    let desk = Desk::open().await;
    let body = json!({ "name": " Terraform ", "scopes": ["clients:read", "clients:write"], "expires_in": 3600 });
    let made = desk.send(Method::POST, "/api-keys", &[], body.to_string()).await;
    assert_eq!((made.status, made.header("etag")), (StatusCode::CREATED, "\"v1\""));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/api/v1/api-keys/{id}"));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("vsk_") && key.len() == 74, "{key}");

    assert_eq!(desk.sends(&key, Method::POST, "/clients", app("app")).await.status, StatusCode::CREATED);
    let created = desk.rig.events().into_iter().find(|event| event.name == EventName::ClientCreated).unwrap();
    assert_eq!(created.actor, Actor::AdminKey(id.clone()));

    // Noted where it is used, and written by the house.
    assert_eq!(desk.get(&format!("/api-keys/{id}")).await.json()["last_used_at"], Value::Null);
    assert_eq!(desk.gateway.write_uses().await, Ok(1));
    let mut shown = desk.get(&format!("/api-keys/{id}")).await.json();
    assert_eq!(shown["id"].take(), id.as_str());
    insta::assert_snapshot!(shown, @r#"{"created_at":"2026-11-24T10:00:00Z","expires_at":"2026-11-24T11:00:00Z","id":null,"last_used_at":"2026-11-24T10:00:00Z","made_by":"bootstrap","name":"Terraform","scopes":["clients:read","clients:write"],"updated_at":"2026-11-24T10:00:00Z"}"#);
    assert!(!desk.get("/api-keys").await.body.contains("vsk_"));

    let path = format!("/api-keys/{id}");
    let unheld = desk.change(Method::PATCH, &path, None, json!({ "scopes": ["clients:read"] })).await;
    assert_eq!((unheld.status, unheld.code()), (StatusCode::PRECONDITION_REQUIRED, "precondition_required".into()));
    let changed = desk.change(Method::PATCH, &path, Some("\"v1\""), json!({ "scopes": ["clients:read"] })).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"v2\""));
    let stale = desk.change(Method::PATCH, &path, Some("\"v1\""), json!({ "name": "other" })).await;
    assert_eq!((stale.status, stale.header("etag")), (StatusCode::PRECONDITION_FAILED, "\"v2\""));
    let event = desk.rig.events().into_iter().find(|event| event.name == EventName::ApiKeyUpdated).unwrap();
    assert_eq!(
        serde_json::to_value(&event.change).unwrap(),
        json!([{ "pointer": "/scopes", "before": ["clients:read", "clients:write"], "after": ["clients:read"] }])
    );
    assert_eq!(desk.sends(&key, Method::GET, "/clients", Value::Null).await.status, StatusCode::OK);
    assert_eq!(desk.sends(&key, Method::POST, "/clients", app("two")).await.status, StatusCode::FORBIDDEN);

    assert_eq!(desk.delete(&path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.sends(&key, Method::GET, "/clients", Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.delete(&path, None).await.status, StatusCode::NOT_FOUND);
    assert!(!format!("{:?}", desk.rig.events()).contains(&key[4..]), "a key stands in no record");
}

#[tokio::test]
async fn a_key_that_expired_says_so_to_who_has_it() {
    let desk = Desk::open().await;
    let body = json!({ "name": "short", "scopes": ["*"], "expires_in": 60 });
    let key = desk.send(Method::POST, "/api-keys", &[], body.to_string()).await.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(desk.sends(&key, Method::GET, "/clients", Value::Null).await.status, StatusCode::OK);
    desk.rig.clock.advance(Duration::from_mins(1));
    let expired = desk.sends(&key, Method::GET, "/clients", Value::Null).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    assert_eq!(expired.json()["detail"], "This key expired at 2026-11-24T10:01:00Z.");
}

#[tokio::test]
async fn a_slip_of_the_keyboard_is_told_from_a_key_that_is_none_without_the_store() {
    let desk = Desk::open().await;
    let (key, id) = desk.key(&["clients:read"]).await;
    let whole = "This key is not whole: a character is missing, too many, or another.";
    desk.rig.store.break_with(Some(vestibule_domain::store::StoreError::Unavailable("gone".into())));
    let other = if key.ends_with('A') { "E" } else { "A" };
    for typo in [key[..key.len() - 1].to_owned(), format!("{key}x"), format!("{}{other}", &key[..73]), key.replacen("vsk_", "vsk_x", 1)] {
        let refused = desk.sends(&typo, Method::GET, "/clients", Value::Null).await;
        assert_eq!((refused.status, &refused.json()["detail"]), (StatusCode::UNAUTHORIZED, &json!(whole)), "{typo}");
    }
    desk.rig.store.break_with(None);
    // One that is whole and was deleted is a key like any other that is none.
    desk.delete(&format!("/api-keys/{id}"), None).await;
    let unknown = desk.sends(&key, Method::GET, "/clients", Value::Null).await;
    assert_eq!((unknown.status, unknown.json()["detail"] == whole), (StatusCode::UNAUTHORIZED, false));
}

#[tokio::test]
async fn attack_86_nobody_makes_a_key_that_may_do_more_than_theirs_or_lives_longer() {
    let desk = Desk::open().await;
    let body = json!({ "name": "ci", "scopes": ["api-keys:*", "clients:read"], "expires_in": 3600 });
    let key = desk.send(Method::POST, "/api-keys", &[], body.to_string()).await.json()["key"].as_str().unwrap().to_owned();
    for (scopes, expires_in, said) in [
        (json!(["*"]), 60, "/scopes has *, which the key you use does not have itself"),
        (json!(["clients:*"]), 60, "/scopes has clients:*, which the key you use does not have itself"),
        (json!(["clients:write"]), 60, "/scopes has clients:write, which the key you use does not have itself"),
        (json!(["clients:read"]), 3601, "/expires_in must end before the key you use does, at 2026-11-24T11:00:00Z"),
    ] {
        let refused = desk.sends(&key, Method::POST, "/api-keys", json!({ "name": "x", "scopes": scopes, "expires_in": expires_in })).await;
        assert_eq!((refused.status, refused.faults()), (StatusCode::UNPROCESSABLE_ENTITY, vec![said.to_owned()]));
    }
    let endless = desk.sends(&key, Method::POST, "/api-keys", json!({ "name": "x", "scopes": ["clients:read"] })).await;
    assert_eq!(endless.status, StatusCode::UNPROCESSABLE_ENTITY);
    let narrower = desk.sends(&key, Method::POST, "/api-keys", json!({ "name": "x", "scopes": ["clients:read"], "expires_in": 60 })).await;
    assert_eq!(narrower.status, StatusCode::CREATED);
    // Nor does it touch a key that may do more, or widen one of its own.
    let (_, stronger) = desk.key(&["clients:*"]).await;
    let path = format!("/api-keys/{stronger}");
    assert_eq!(desk.sends(&key, Method::DELETE, &path, Value::Null).await.code(), "insufficient_scope");
    assert_eq!(desk.sends(&key, Method::PATCH, &path, json!({ "scopes": ["clients:read"] })).await.code(), "insufficient_scope");
    let own = format!("/api-keys/{}", narrower.json()["id"].as_str().unwrap());
    assert_eq!(desk.sends(&key, Method::PATCH, &own, json!({ "scopes": ["*"] })).await.code(), "invalid_fields");
}

/// Who may write and not read changes what they know, and is not shown the rest by the way of it.
#[tokio::test]
async fn attack_86_who_may_only_write_is_shown_nothing_that_is_there() {
    let desk = Desk::open().await;
    let (key, _) = desk.key(&["clients:write"]).await;
    let bearer = format!("Bearer {key}");
    let made = desk.sends(&key, Method::POST, "/clients", app("app")).await;
    assert!(made.status == StatusCode::CREATED && made.json()["client_secret"].is_string(), "it wrote all of it: {}", made.body);
    let asks = async |method: Method, path: &str, body: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("if-match", V1)];
        desk.plain(method, path, &headers, body).await
    };
    let patched = asks(Method::PATCH, "/clients/app", "{}").await;
    assert_eq!((patched.status, patched.header("etag"), patched.json()), (StatusCode::OK, V1, json!({ "client_id": "app" })));
    for (method, body) in [(Method::DELETE, ""), (Method::PATCH, "{\"client_name\": \"x\"}")] {
        let tried = asks(method, "/clients/app?dry_run=true", body).await;
        assert_eq!((tried.status, tried.code().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"), "{}", tried.body);
        assert!(tried.header("www-authenticate").contains("clients:read"));
    }
    assert_eq!(asks(Method::DELETE, "/clients/app", "").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn attack_86_a_key_without_the_scope_is_told_which_and_does_nothing() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    let (key, id) = desk.key(&["providers:*", "clients:read"]).await;
    let refused = desk.sends(&key, Method::DELETE, "/clients/app", Value::Null).await;
    insta::assert_snapshot!(refused.shown(), @r#"
    403 Forbidden
    www-authenticate: Bearer error="insufficient_scope", scope="clients:write"
    content-type: application/problem+json
    {
      "code": "insufficient_scope",
      "detail": "This needs the scope clients:write, which the key does not have.",
      "hint": "use a key that has it, or have an operator who has it give it to this one",
      "status": 403,
      "title": "The key may not do this",
      "trace_id": "…",
      "type": "urn:vestibule:problem:insufficient_scope"
    }
    "#);
    let denied = desk.rig.events().into_iter().find(|event| event.name == EventName::AdminAccessDenied).unwrap();
    assert_eq!((denied.actor, denied.detail.as_deref()), (Actor::AdminKey(id), Some("needs clients:write")));
    assert_eq!(desk.get("/clients/app").await.status, StatusCode::OK);
    for path in ["/accounts", "/keys", "/api-keys", "/registration-tokens", "/accounts/x/sessions", "/accounts/x/grants"] {
        assert_eq!(desk.sends(&key, Method::GET, path, Value::Null).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_named_all_at_once() {
    let desk = Desk::open().await;
    let body = json!({ "name": " ", "scopes": ["clients", "audit:write", "clients:read"], "expires_in": 60 });
    let refused = desk.send(Method::POST, "/api-keys", &[], body.to_string()).await;
    assert_eq!(
        refused.faults(),
        [
            "/name must have 1 to 100 printable characters",
            "/scopes/0 must be *, or an area and read, write or *, as clients:read",
            "/scopes/1 can't be had: nothing is changed there; write audit:read",
        ]
    );
    let refused = desk.send(Method::POST, "/api-keys", &[], "{}").await;
    assert_eq!(refused.faults().len(), 2);
}

#[tokio::test]
async fn keys_are_listed_a_page_at_a_time() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(desk.key(&["clients:read"]).await.1);
        desk.later();
    }
    assert_eq!(desk.walk("/api-keys", "id").await, (ids, 3));
}

#[tokio::test]
async fn a_key_is_used_so_often_a_minute_and_what_asks_a_provider_counts_more() {
    let desk = Desk::with_limit(50).await;
    let (key, _) = desk.key(&["clients:read", "providers:*"]).await;
    for _ in 0..2 {
        let tested = desk.sends(&key, Method::POST, "/providers/absent:test", json!({})).await;
        assert_eq!(tested.status, StatusCode::NOT_FOUND, "{}", tested.body);
    }
    for _ in 0..10 {
        assert_eq!(desk.sends(&key, Method::GET, "/clients", Value::Null).await.status, StatusCode::OK);
    }
    let slow = desk.sends(&key, Method::GET, "/clients", Value::Null).await;
    assert_eq!((slow.status, slow.code(), slow.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "slow_down".into(), "2"));
    assert_eq!(desk.get("/clients").await.status, StatusCode::OK, "another key has its own");
    desk.rig.clock.advance(Duration::from_secs(2));
    assert_eq!(desk.sends(&key, Method::GET, "/clients", Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn when_a_client_used_its_secret_last_is_shown() {
    let desk = Desk::open().await;
    let created = desk.create(app("app")).await.json();
    assert_eq!(desk.get("/clients/app").await.json()["secrets"][0]["last_used_at"], Value::Null);
    let form =
        format!("grant_type=refresh_token&refresh_token=x&client_id=app&client_secret={}", created["client_secret"].as_str().unwrap());
    let put = json!({ "client_name": "App", "redirect_uris": ["https://app.example.com/cb"], "token_endpoint_auth_method": "client_secret_post" });
    desk.put("app", Some(V1), put).await;
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let answer = desk.ask(Method::POST, "/token", &kind, form).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "the secret is good, the token is not: {}", answer.body);
    desk.gateway.write_uses().await.unwrap();
    assert_eq!(desk.get("/clients/app").await.json()["secrets"][0]["last_used_at"], "2026-11-24T10:00:00Z");
    assert_eq!(desk.get("/clients").await.json()["items"][0]["secrets"][0]["last_used_at"], "2026-11-24T10:00:00Z");
}
