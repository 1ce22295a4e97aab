//! Providers, as operators set them up and people meet them.

use std::{collections::BTreeSet, time::Duration};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, EventName, Outcome},
    health::Checked,
    provider::{Phase, ProviderError},
    time::Timestamp,
};
use vestibule_testkit::rig::ADMIN_KEY;

use super::{Answer, Desk};

// The versions of a provider that is made when the test begins: the first is the moment it was made.
const V0: &str = "\"v1795514399999\"";
const V1: &str = "\"v1795514400000\"";
const V2: &str = "\"v1795514400001\"";
const V3: &str = "\"v1795514400002\"";
const V4: &str = "\"v1795514400003\"";
const V7: &str = "\"v1795514400006\"";
const V9: &str = "\"v1795514400008\"";

const SECRET: &str = "what-nobody-may-see-again";

fn fake() -> Value {
    json!({ "settings": { "preset": "fake", "client_id": "us", "client_secret": SECRET } })
}

impl Desk {
    async fn put_provider(&self, id: &str, etag: Option<&str>, body: Value) -> Answer {
        self.change(Method::PUT, &format!("/providers/{id}"), etag, body).await
    }

    async fn patch_provider(&self, id: &str, etag: Option<&str>, body: Value) -> Answer {
        self.later();
        self.change(Method::PATCH, &format!("/providers/{id}"), etag, body).await
    }

    async fn test_provider(&self, id: &str, body: &str) -> Answer {
        self.later();
        self.send(Method::POST, &format!("/providers/{id}:test"), &[], body).await
    }

    fn provider_events(&self) -> Vec<EventName> {
        let events = self.rig.events();
        events.iter().map(|event| event.name).filter(|name| name.as_str().starts_with("provider.")).collect()
    }
}

#[tokio::test]
async fn what_is_not_valid_any_more_is_disabled_all_the_same() {
    let desk = Desk::open().await;
    let version = desk.put_provider("house", None, fake()).await.header("etag").to_owned();
    let client = desk.put(
        "app",
        None,
        json!({
            "client_name": "App", "redirect_uris": ["https://app.example/cb"], "allowed_providers": ["house"],
        }),
    );
    let client = client.await.header("etag").to_owned();
    desk.later();
    assert_eq!(desk.delete("/providers/house", Some(&version)).await.status, StatusCode::NO_CONTENT);
    let named = desk.change(Method::PATCH, "/clients/app", Some(&client), json!({ "client_name": "Other" })).await;
    assert_eq!(named.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", named.body);
    let shut = desk.change(Method::PATCH, "/clients/app", Some(&client), json!({ "disabled": true })).await;
    assert_eq!((shut.status, &shut.json()["disabled"]), (StatusCode::OK, &json!(true)), "{}", shut.body);
    let late = desk.change(Method::PATCH, "/clients/app", Some(&client), json!({ "disabled": false })).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_provider_is_made_and_shown_without_its_secret() {
    let desk = Desk::open().await;
    let created = desk.put_provider("house", None, fake()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    assert_eq!((created.header("location"), created.header("etag")), ("/api/v1/providers/house", V1));
    insta::assert_snapshot!(serde_json::to_string_pretty(&created.json()).unwrap(), @r#"
    {
      "callback": "https://sso.example.com/callback/house",
      "created_at": "2026-11-24T10:00:00Z",
      "disabled": false,
      "faults": [],
      "health": "closed",
      "id": "house",
      "label": "house",
      "managed_by": {
        "kind": "api"
      },
      "secrets": [
        "client_secret"
      ],
      "settings": {
        "client_id": "us",
        "preset": "fake"
      },
      "updated_at": "2026-11-24T10:00:00Z"
    }
    "#);
    let read = desk.get("/providers/house").await;
    assert_eq!((read.json(), read.header("etag")), (created.json(), V1));
    let listed = desk.get("/providers").await.json();
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|provider| provider["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["acme", "other", "house"], "those of the configuration first");
    assert_eq!(desk.get("/providers/absent").await.code(), "not_found");
}

#[tokio::test]
async fn a_provider_is_open_shut_and_gone_for_people_at_once() {
    let desk = Desk::open().await;
    desk.register_web().await;
    assert_eq!(desk.browser().choices().await, ["acme", "other"]);
    assert_ne!(desk.browser().departs("house").await.status, StatusCode::SEE_OTHER);

    desk.put_provider("house", None, fake()).await;
    assert_eq!(desk.browser().choices().await, ["acme", "other", "house"]);
    let tokens = desk.browser().signs_in("house", "ada").await;
    assert!(desk.knows(&tokens).await);

    // Shut: not offered, not gone to, not come back from, and what was given does not work as long as it is so.
    let mut under_way = desk.browser();
    let away = under_way.departs("house").await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    let shut = desk.patch_provider("house", Some(V1), json!({ "disabled": true })).await;
    assert_eq!((shut.status, shut.header("etag"), &shut.json()["disabled"]), (StatusCode::OK, V2, &json!(true)));
    assert_eq!(shut.json()["settings"], json!({ "preset": "fake", "client_id": "us" }), "the rest stays");
    assert_eq!(desk.browser().choices().await, ["acme", "other"]);
    assert_ne!(desk.browser().departs("house").await.status, StatusCode::SEE_OTHER);
    assert!(!desk.knows(&tokens).await && !desk.refreshes(&tokens).await);

    let open = desk.patch_provider("house", Some(V2), json!({ "disabled": false })).await;
    assert_eq!(open.header("etag"), V3);
    assert!(desk.knows(&tokens).await, "what was given works again");
    assert_eq!(desk.browser().choices().await, ["acme", "other", "house"]);

    desk.later();
    assert_eq!(desk.delete("/providers/house", Some(V3)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.get("/providers/house").await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.browser().choices().await, ["acme", "other"]);
    assert!(!desk.knows(&tokens).await && !desk.refreshes(&tokens).await);
    assert_eq!(
        desk.provider_events(),
        [EventName::ProviderCreated, EventName::ProviderDisabled, EventName::ProviderEnabled, EventName::ProviderDeleted]
    );
}

#[tokio::test]
async fn a_secret_is_never_shown_stays_when_it_is_left_out_and_goes_with_null() {
    let desk = Desk::open().await;
    let mut answers = vec![desk.put_provider("house", None, fake()).await];
    desk.rig.clock.advance(Duration::from_mins(1));
    answers.push(desk.put_provider("house", Some(V1), json!({ "settings": { "preset": "fake", "client_id": "we" } })).await);
    let replaced = answers[1].json();
    assert_eq!((answers[1].status, &replaced["secrets"]), (StatusCode::OK, &json!(["client_secret"])), "{replaced}");
    assert_eq!((&replaced["created_at"], &replaced["updated_at"]), (&json!("2026-11-24T10:00:00Z"), &json!("2026-11-24T10:01:00Z")));
    answers.push(desk.patch_provider("house", Some(V2), json!({ "settings": { "client_id": null, "label": "House" } })).await);
    let patched = answers[2].json();
    assert_eq!((&patched["settings"], &patched["secrets"]), (&json!({ "preset": "fake", "label": "House" }), &json!(["client_secret"])));
    answers.push(desk.patch_provider("house", Some(V3), json!({ "settings": { "client_secret": "another-that-nobody-sees" } })).await);
    assert_eq!(answers[3].status, StatusCode::OK);

    // This kind of provider can't be without, and says so: the null arrived.
    for gone in [
        desk.patch_provider("house", Some(V4), json!({ "settings": { "client_secret": null } })).await,
        desk.put_provider("house", Some(V4), json!({ "settings": { "preset": "fake", "client_secret": null } })).await,
    ] {
        assert_eq!((gone.status, gone.faults()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/settings/client_secret is missing".to_owned()]));
        answers.push(gone);
    }
    answers.push(desk.put_provider("house", Some(V4), json!({ "settings": { "preset": SECRET, "client_secret": SECRET } })).await);
    answers.push(desk.put_provider("house", Some(V9), fake()).await);
    answers.push(desk.test_provider("house", "").await);
    answers.push(desk.test_provider("house", &fake().to_string()).await);
    answers.push(desk.get("/providers").await);
    answers.push(desk.get("/providers/house").await);
    for answer in &answers {
        assert!(!answer.body.contains(SECRET) && !answer.body.contains("nobody-sees"), "{}", answer.body);
    }
    let kept = format!("{:?}", desk.rig.events());
    assert!(!kept.contains(SECRET) && !kept.contains("nobody-sees") && !kept.contains(ADMIN_KEY), "{kept}");
    assert!(!desk.document.to_string().contains(SECRET));
}

#[tokio::test]
async fn what_is_wrong_with_settings_is_named_where_it_stands() {
    let desk = Desk::open().await;
    for (body, fault) in [
        (json!({ "settings": { "preset": "unheard-of" } }), "/settings/preset must be fake"),
        (json!({ "settings": { "preset": "fake" } }), "/settings/client_secret is missing"),
        (json!({ "settings": { "preset": "fake", "client_secret": 7 } }), "/settings/client_secret must be a text"),
        (json!({}), "/settings is missing: an object that begins with \"preset\""),
        (json!({ "settings": [] }), "/settings must be an object, in '{' and '}'"),
        (
            json!({ "settings": { "preset": "fake", "client_secret": "s" }, "label": "x" }),
            "/label is set by the gateway; leave it out of what you send",
        ),
        (
            json!({ "settings": { "preset": "fake", "client_secret": "s" }, "preset": "x" }),
            "/preset is not a field here; the fields are settings, disabled",
        ),
    ] {
        let refused = desk.put_provider("house", None, body.clone()).await;
        assert_eq!((refused.status, refused.faults()), (StatusCode::UNPROCESSABLE_ENTITY, vec![fault.to_owned()]), "{body}");
    }
    let twice = r#"{"settings": {"preset": "fake", "client_secret": "a", "client_secret": "b"}}"#;
    let refused = desk.send(Method::PUT, "/providers/house", &[], twice).await;
    assert_eq!(refused.faults(), ["/settings/client_secret is there twice"]);
    let refused = desk.send(Method::PATCH, "/providers/house", &[], r#"{"disabled": true, "disabled": false}"#).await;
    assert_eq!(refused.faults(), ["/disabled is there twice"]);
    for id in ["a%20b", &"x".repeat(61)] {
        let refused = desk.put_provider(id, None, fake()).await;
        assert_eq!(
            (refused.status, refused.json()["errors"][0]["pointer"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("/id")),
            "{id}"
        );
        assert_eq!(desk.test_provider(id, &fake().to_string()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = desk.send(Method::PATCH, "/providers/house", &[("content-type", "text/plain")], "{}").await;
    assert_eq!(
        (refused.status, refused.header("accept-patch")),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/merge-patch+json, application/json")
    );
    assert_eq!(desk.provider_events(), []);
}

#[tokio::test]
async fn a_change_of_a_provider_is_held_to_the_version_its_author_saw() {
    let desk = Desk::open().await;
    desk.put_provider("house", None, fake()).await;
    for (required, code) in [
        (desk.put_provider("house", None, fake()).await, "precondition_required"),
        (desk.patch_provider("house", None, json!({})).await, "precondition_required"),
        (desk.delete("/providers/house", None).await, "precondition_required"),
        (desk.put_provider("house", Some(V7), fake()).await, "precondition_failed"),
        (desk.patch_provider("house", Some(V7), json!({})).await, "precondition_failed"),
        (desk.delete("/providers/house", Some(V7)).await, "precondition_failed"),
        (desk.put_provider("absent", Some(V1), fake()).await, "precondition_failed"),
        (desk.patch_provider("absent", Some(V1), json!({})).await, "not_found"),
        (desk.delete("/providers/absent", Some(V1)).await, "not_found"),
        (desk.put_provider("house", Some("*"), fake()).await, "invalid_parameter"),
        (desk.send(Method::PUT, "/providers/house", &[("if-none-match", "*")], fake().to_string()).await, "precondition_failed"),
    ] {
        assert_eq!(required.code(), code, "{}", required.body);
        let tag = if code == "precondition_failed" && !required.body.contains("It is not there") { V1 } else { "" };
        assert_eq!(required.header("etag"), tag, "{}", required.body);
    }
    let made = desk.send(Method::PUT, "/providers/second", &[("if-none-match", "*")], fake().to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(desk.provider_events(), [EventName::ProviderCreated, EventName::ProviderCreated]);
}

#[tokio::test]
async fn of_two_editors_of_a_provider_one_is_told_and_nothing_is_lost() {
    let desk = Desk::open().await;
    desk.put_provider("house", None, fake()).await;
    let label = |label: &str| json!({ "settings": { "label": label } });
    let (one, two) =
        tokio::join!(desk.patch_provider("house", Some(V1), label("One")), desk.patch_provider("house", Some(V1), label("Two")),);
    assert_eq!(BTreeSet::from([one.status, two.status]), BTreeSet::from([StatusCode::OK, StatusCode::PRECONDITION_FAILED]));
    let (won, lost) = if one.status == StatusCode::OK { (one, two) } else { (two, one) };
    assert_eq!((won.header("etag"), lost.header("etag")), (V2, V2), "the one who lost hears the version that is there now");
    assert_eq!(desk.get("/providers/house").await.json()["settings"], won.json()["settings"]);

    let (one, two) = tokio::join!(desk.put_provider("new", None, fake()), desk.put_provider("new", None, fake()));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses[0], StatusCode::CREATED);
    assert!(statuses[1].is_client_error(), "{statuses:?}");
}

#[tokio::test]
async fn a_provider_of_the_configuration_is_shown_and_changed_there() {
    let desk = Desk::open().await;
    let read = desk.get("/providers/acme").await;
    assert_eq!(read.header("etag"), "", "there is nothing to hold a change to");
    insta::assert_snapshot!(serde_json::to_string_pretty(&read.json()).unwrap(), @r#"
    {
      "callback": "https://sso.example.com/callback/acme",
      "disabled": false,
      "faults": [],
      "health": "closed",
      "id": "acme",
      "label": "acme",
      "managed_by": {
        "file": "rig.toml",
        "kind": "file"
      },
      "secrets": []
    }
    "#);
    for refused in [
        desk.put_provider("acme", None, fake()).await,
        desk.put_provider("acme", Some(V1), fake()).await,
        desk.patch_provider("acme", None, json!({ "disabled": true })).await,
        desk.patch_provider("acme", Some(V0), json!({ "disabled": true })).await,
        desk.delete("/providers/acme", Some(V1)).await,
        desk.delete("/providers/acme", None).await,
        desk.send(Method::PUT, "/providers/acme", &[("if-none-match", "*")], fake().to_string()).await,
    ] {
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "managed_elsewhere"), "{}", refused.body);
        assert_eq!(refused.json()["hint"], "change it in rig.toml, or choose another id");
    }
    assert_eq!(desk.get("/providers/acme").await.json(), read.json());
    assert_eq!(desk.provider_events(), []);
}

/// Of a test that went well, but for the names that are random.
fn without_sign_in(tested: &Answer) -> Value {
    let mut told = tested.json();
    let sign_in = told.as_object_mut().unwrap().remove("sign_in").unwrap();
    assert!(sign_in["url"].as_str().unwrap().ends_with(sign_in["trial"].as_str().unwrap()), "{sign_in}");
    told
}

#[tokio::test]
async fn a_test_tells_what_was_found_or_why_nothing_was() {
    let desk = Desk::open().await;
    let acme = &desk.rig.providers[0];
    acme.checks_next(Ok(Checked {
        facts: vec![("issuer", "https://upstream.example".into()), ("keys", "2".into())],
        warnings: vec!["the metadata does not announce PKCE".into()],
        secret_expires: Some(Timestamp::from_secs(1_800_000_000)),
    }));
    let tested = desk.test_provider("acme", "").await;
    assert_eq!(tested.status, StatusCode::OK);
    insta::assert_snapshot!(serde_json::to_string_pretty(&without_sign_in(&tested)).unwrap(), @r#"
    {
      "facts": [
        {
          "name": "issuer",
          "value": "https://upstream.example"
        },
        {
          "name": "keys",
          "value": "2"
        }
      ],
      "id": "acme",
      "ok": true,
      "secret_expires_at": "2027-01-15T08:00:00Z",
      "warnings": [
        "the metadata does not announce PKCE"
      ]
    }
    "#);

    acme.checks_next(Err(ProviderError::Unreachable { phase: Phase::Discovery, status: Some(502), detail: "bad gateway".into() }));
    let tested = desk.test_provider("acme", "{}").await;
    assert_eq!(tested.status, StatusCode::OK);
    insta::assert_snapshot!(serde_json::to_string_pretty(&tested.json()).unwrap(), @r#"
    {
      "facts": [],
      "failure": {
        "detail": "bad gateway",
        "kind": "unreachable",
        "phase": "discovery",
        "status": 502
      },
      "id": "acme",
      "ok": false,
      "warnings": []
    }
    "#);
    for (error, failure) in [
        (
            ProviderError::Invalid { phase: Phase::Keys, rule: "alg", detail: "no key fits".into() },
            json!({ "kind": "invalid", "phase": "keys", "rule": "alg", "detail": "no key fits" }),
        ),
        (
            ProviderError::Misconfigured { phase: Phase::Token, detail: "invalid_client".into() },
            json!({ "kind": "misconfigured", "phase": "token", "detail": "invalid_client" }),
        ),
        (
            ProviderError::Refused { rule: "tenant" },
            json!({ "kind": "refused", "rule": "tenant", "detail": "refused by the provider's rules: tenant" }),
        ),
    ] {
        acme.checks_next(Err(error));
        let tested = desk.test_provider("acme", "").await.json();
        assert_eq!((&tested["ok"], &tested["failure"]), (&json!(false), &failure));
    }
    let outcomes: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::ProviderTested).collect();
    let outcomes: Vec<_> = outcomes.iter().map(|event| (&event.actor, event.outcome)).collect();
    let operator = Actor::AdminKey("bootstrap".into());
    assert_eq!(outcomes[0], (&operator, Outcome::Success));
    assert!(outcomes[1..].iter().all(|event| *event == (&operator, Outcome::Failure)) && outcomes.len() == 5);
}

#[tokio::test]
async fn a_draft_is_tested_without_being_kept() {
    let desk = Desk::open().await;
    assert_eq!(desk.test_provider("house", "").await.status, StatusCode::NOT_FOUND);
    let tested = desk.test_provider("house", &fake().to_string()).await;
    assert_eq!(without_sign_in(&tested), json!({ "id": "house", "ok": true, "facts": [], "warnings": [] }));
    assert_eq!(desk.get("/providers/house").await.status, StatusCode::NOT_FOUND);
    let refused = desk.test_provider("house", r#"{"settings": {"preset": "fake"}}"#).await;
    assert_eq!(refused.faults(), ["/settings/client_secret is missing"]);
    let refused = desk.test_provider("house", r#"{"disabled": true}"#).await;
    assert_eq!(refused.faults(), ["/disabled is not a field here; the fields are settings"]);

    // With the secret that is there.
    let made = desk.put_provider("house", None, fake()).await;
    let tested = desk.test_provider("house", r#"{"settings": {"preset": "fake"}}"#).await;
    assert_eq!((tested.status, &tested.json()["ok"]), (StatusCode::OK, &json!(true)));
    assert_eq!(desk.get("/providers/house").await.header("etag"), made.header("etag"));
}

#[tokio::test]
async fn a_secret_is_not_sent_to_another_address_by_whoever_may_only_write() {
    let desk = Desk::open().await;
    desk.put_provider("house", None, fake()).await;
    for (name, value) in [("issuer", "https://evil.example"), ("token_endpoint", "https://evil.example/token"), ("host", "evil.example")] {
        let mut moved = json!({ "settings": { "preset": "fake" } });
        moved["settings"][name] = json!(value);
        for refused in [
            desk.put_provider("house", Some(V1), moved.clone()).await,
            desk.patch_provider("house", Some(V1), moved.clone()).await,
            desk.test_provider("house", &moved.to_string()).await,
        ] {
            assert_eq!(refused.faults(), ["/settings/client_secret is missing"], "{name}");
        }
        moved["settings"]["client_secret"] = json!("written-anew");
        assert_eq!(desk.test_provider("house", &moved.to_string()).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_etag_of_a_provider_that_was_deleted_does_not_fit_one_made_anew() {
    let desk = Desk::open().await;
    let made = desk.put_provider("house", None, fake()).await;
    desk.rig.clock.advance(Duration::from_secs(1));
    assert_eq!(desk.delete("/providers/house", Some(made.header("etag"))).await.status, StatusCode::NO_CONTENT);
    desk.put_provider("house", None, fake()).await;
    assert_eq!(desk.delete("/providers/house", Some(made.header("etag"))).await.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn the_provider_in_the_document_is_the_one_that_is_read() {
    let desk = Desk::open().await;
    let schemas = &desk.document["components"]["schemas"];
    let whole = &schemas["ProviderDraft"];
    assert_eq!((&whole["additionalProperties"], &whole["required"]), (&json!(false), &json!(["settings"])));
    assert_eq!(whole["properties"]["disabled"]["default"], false);
    for name in ["ProviderDraftPatch", "RegistrationPatch", "AccountChange"] {
        let patch = &schemas[name];
        assert_eq!((&patch["additionalProperties"], &patch["required"]), (&json!(false), &Value::Null), "{name}");
        assert!(patch["properties"].as_object().unwrap().values().all(|property| property["default"].is_null()), "{name}");
    }
    let mut example = whole["example"].clone();
    example["settings"]["preset"] = "fake".into();
    assert_eq!(desk.put_provider("house", None, example).await.status, StatusCode::CREATED);
    let paths = desk.document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/providers/{provider_id}:test") && !paths.contains_key("/providers/{provider_id}/test"));
}
