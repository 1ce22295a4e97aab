//! Clients: registered, read, listed, changed and deleted, and nobody's change lost.

use std::{collections::BTreeSet, time::Duration};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::audit::EventName;

use super::{Desk, V1, V2, V3, app, public};

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
      "backchannel_logout_session_required": false,
      "client_id": "app",
      "client_name": "App",
      "client_secret": "…",
      "consent": "implicit",
      "contacts": [],
      "created_at": "2026-11-24T10:00:00Z",
      "disabled": false,
      "dpop_bound_access_tokens": false,
      "entry": {},
      "exchange_audiences": [],
      "frontchannel_logout_session_required": false,
      "grant_types": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_claims": true,
      "id_token_signed_response_alg": "RS256",
      "introspection_audiences": [],
      "legacy_oauth": false,
      "post_logout_redirect_uris": [],
      "redirect_uris": [
        "https://app.example.com/cb"
      ],
      "registered_by": "operator",
      "release": {},
      "require_pkce": true,
      "require_pushed_authorization_requests": false,
      "require_signed_request_object": false,
      "scope": "email groups offline_access openid profile",
      "secrets": [
        {
          "created_at": "2026-11-24T10:00:00Z",
          "id": "…"
        }
      ],
      "subject_type": "public",
      "tls_client_certificate_bound_access_tokens": false,
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
    let (seen, pages) = desk.walk("/clients", "client_id").await;
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
async fn rfc_9110_section_13_1_2_a_reader_with_the_present_version_is_sent_nothing() {
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
async fn rfc_9110_section_8_8_1_a_client_that_is_made_again_has_tags_of_its_own() {
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

/// What a set of files keeps is theirs: others are told where it is changed, and go past them only by saying so. Secrets stand in no file.
#[tokio::test]
async fn what_files_keep_is_changed_in_their_name_or_by_force() {
    let desk = Desk::open().await;
    let put = async |query: &str, version: Option<&str>, name: &str| {
        let body = json!({ "client_name": name, "redirect_uris": ["https://wiki.example.com/cb"] });
        desk.put(&format!("wiki?{query}"), version, body).await
    };
    let made = put("managed_by=web", None, "1").await;
    assert_eq!((made.status, &made.json()["managed_by"]), (StatusCode::CREATED, &json!("web")), "{}", made.body);
    for (query, why) in [("", "a person"), ("managed_by=ops", "other files")] {
        let refused = put(query, Some(V1), "2").await;
        assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &json!("managed_elsewhere")), "{why}");
        assert_eq!(refused.json()["detail"], "The files of web keep this; nothing was changed.");
    }
    let patch = json!({ "client_name": "2" });
    let refused = desk.change(Method::PATCH, "/clients/wiki", Some(V1), patch).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(desk.delete("/clients/wiki", Some(V1)).await.status, StatusCode::CONFLICT);
    assert_eq!(desk.delete("/clients/wiki?managed_by=ops", Some(V1)).await.status, StatusCode::CONFLICT);

    assert_eq!(put("managed_by=web", Some(V1), "2").await.json()["client_name"], "2");
    let forced = desk.change(Method::PATCH, "/clients/wiki?force=true", Some(V2), json!({ "client_name": "3" })).await;
    assert_eq!((forced.status, &forced.json()["managed_by"]), (StatusCode::OK, &json!("web")), "{}", forced.body);
    let taken = put("managed_by=ops&force=true", Some(V3), "4").await;
    assert_eq!(taken.json()["managed_by"], "ops", "{}", taken.body);
    let wrong = put("managed_by=a%20b", Some(V3), "4").await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_parameter")), "{}", wrong.body);
    let added = desk.add_secret("wiki", "").await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
}

/// In trouble anybody who may write shuts an app, whoever keeps it; whether it is open again is theirs to say.
#[tokio::test]
async fn what_files_keep_anybody_shuts_and_the_files_open() {
    let desk = Desk::open().await;
    let body = json!({ "client_name": "Wiki", "redirect_uris": ["https://wiki.example.com/cb"] });
    desk.put("wiki?managed_by=web", None, body.clone()).await;
    let disable =
        async |path: &str, etag: &str, disabled: bool| desk.change(Method::PATCH, path, Some(etag), json!({ "disabled": disabled })).await;
    let shut = disable("/clients/wiki", V1, true).await;
    assert_eq!((shut.status, shut.header("etag"), &shut.json()["managed_by"]), (StatusCode::OK, V2, &json!("web")));
    let refused = disable("/clients/wiki", V2, false).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "managed_elsewhere"), "{}", refused.body);
    let forced = disable("/clients/wiki?force=true", V2, false).await;
    assert_eq!((forced.status, &forced.json()["disabled"]), (StatusCode::OK, &json!(false)), "{}", forced.body);
}

#[tokio::test]
async fn what_is_so_already_is_no_change_and_leaves_no_record() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    for (method, body) in [(Method::PATCH, json!({})), (Method::PATCH, json!({ "disabled": false })), (Method::PUT, app("app"))] {
        let same = desk.change(method, "/clients/app", Some(V1), body).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::OK, V1), "{}", same.body);
    }
    for etag in [V1, V2] {
        let shut = desk.change(Method::PATCH, "/clients/app", Some(etag), json!({ "disabled": true })).await;
        assert_eq!((shut.status, shut.header("etag")), (StatusCode::OK, V2), "{}", shut.body);
    }
    assert_eq!(desk.events(), [EventName::ClientCreated, EventName::ClientUpdated]);
}
