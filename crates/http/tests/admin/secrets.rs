//! Secrets of clients, and what is written down of every change.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use vestibule_domain::audit::{Actor, Outcome};
use vestibule_testkit::rig::ADMIN_KEY;

use super::{Desk, V1, V2, V3, V4, app, public};

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
    assert_eq!(events[1].detail.as_deref(), Some("changed: require_pkce, scope"));
}
