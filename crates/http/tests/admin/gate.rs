//! Who is let in, and what everybody else is told.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use vestibule_domain::{
    audit::{Actor, EventName},
    store::StoreError,
};
use vestibule_testkit::rig::ADMIN_KEY;

use super::{Desk, V1, app};

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

/// What strangers may not register, operators do not register by a slip either: another's id, addresses that lead anywhere or run, bodies without end.
#[tokio::test]
async fn attack_61_what_strangers_may_not_register_is_no_slip_of_an_operator_either() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    for id in ["app", "vestibule.console"] {
        let taken = desk.create(app(id)).await;
        assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "client_exists"), "{}", taken.body);
    }
    for (field, value) in [
        ("client_id", json!("../app")),
        ("client_uri", json!("javascript:alert(1)")),
        ("policy_uri", json!("data:text/html,<script>")),
        ("tos_uri", json!("vbscript:x")),
        ("redirect_uris", json!(["https://*.example.com/cb"])),
        ("redirect_uris", json!(["https://app.example.com@evil.example/cb"])),
        ("software_statement", json!("eyJhbGciOiJub25lIn0.e30.")),
    ] {
        let mut body = app("evil");
        body[field] = value.clone();
        let refused = desk.create(body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}: {}", refused.body);
        assert!(refused.faults()[0].starts_with(&format!("/{field}")), "{field} {value}: {}", refused.body);
    }
    let mut body = app("evil");
    body["client_name"] = "x".repeat(70_000).into();
    let refused = desk.create(body).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"), "{}", refused.body);
    assert_eq!(desk.get("/clients").await.json()["items"].as_array().unwrap().len(), 1);
}

/// Attack 86. The only credential is a header that no page of another site can set: `Authorization` is never sent by a form or an image, and a script
/// that sets it needs a CORS preflight, which is answered with 405 and without permission. So there is nothing for CSRF to ride on.
#[tokio::test]
async fn attack_86_only_a_key_in_the_header_opens_the_api() {
    let desk = Desk::open().await;
    let refused = desk.plain(Method::GET, "/clients", &[], "").await;
    insta::assert_snapshot!(refused.shown(), @r#"
    401 Unauthorized
    www-authenticate: Bearer realm="vestibule admin API", resource_metadata="https://sso.example.com/.well-known/oauth-protected-resource/api/v1"
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
      "detail": "Too many wrong keys came from this address; wait 61 seconds before another try.",
      "status": 429,
      "title": "Too often",
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
