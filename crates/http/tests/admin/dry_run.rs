//! What a change would change, and that nothing is written; and what is recorded of one that is made.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::EventName,
    configuration::{ConfigurationChange, SettingChange, SettingFault},
    ports::Store,
    store::{Changes, Write},
};
use vestibule_testkit::sample::Sample;

use super::{Answer, Desk, V1, V2, app};

impl Answer {
    fn would(&self) -> Value {
        assert_eq!((self.status, self.header("content-type")), (StatusCode::OK, "application/vnd.vestibule.dry-run+json"), "{}", self.body);
        self.json()
    }
}

#[tokio::test]
async fn a_change_is_tried_and_then_made_and_recorded_with_the_same_difference() {
    let desk = Desk::open().await;
    let before = (desk.rig.store.rows(), desk.rig.events().len());
    let would = desk.send(Method::POST, "/clients?dry_run=true", &[], app("app").to_string()).await.would();
    assert_eq!(would["events"], json!(["client.created"]));
    assert!(would["changes"].as_array().unwrap().contains(&json!({ "pointer": "/client_name", "after": "App" })), "{would}");
    assert_eq!((desk.rig.store.rows(), desk.rig.events().len()), before, "nothing is written");
    assert_eq!(desk.get("/clients/app").await.status, StatusCode::NOT_FOUND);

    desk.create(app("app")).await;
    desk.later();
    let patch = json!({ "client_name": "Other", "entry": { "groups": ["staff"] }, "contacts": ["a@example.com"] });
    let tried = desk.change(Method::PATCH, "/clients/app?dry_run=true", Some(V1), patch.clone()).await.would();
    let expected = json!([
        { "pointer": "/client_name", "before": "App", "after": "Other" },
        { "pointer": "/contacts", "before": [], "after": ["a@example.com"] },
        { "pointer": "/entry/groups", "after": ["staff"] },
    ]);
    assert_eq!(tried["changes"], expected);
    assert_eq!(desk.get("/clients/app").await.header("etag"), V1);
    let made = desk.change(Method::PATCH, "/clients/app", Some(V1), patch).await;
    assert_eq!(made.header("etag"), V2);
    let event = desk.rig.events().into_iter().find(|event| event.name == EventName::ClientUpdated).unwrap();
    assert_eq!(serde_json::to_value(&event.change).unwrap(), expected);
    assert_eq!(event.detail.as_deref(), Some("changed: client_name, contacts, entry/groups"));
}

#[tokio::test]
async fn what_would_be_refused_is_refused() {
    let desk = Desk::open().await;
    desk.create(app("app")).await;
    let refused = desk.send(Method::POST, "/clients?dry_run=true", &[], app("app").to_string()).await;
    assert_eq!(refused.code(), "client_exists");
    let stale = desk.change(Method::PATCH, "/clients/app?dry_run=true", Some(V2), json!({ "client_name": "x" })).await;
    assert_eq!(stale.code(), "precondition_failed");
    let invalid = desk.change(Method::PATCH, "/clients/app?dry_run=true", Some(V1), json!({ "redirect_uris": ["http://x/"] })).await;
    assert_eq!(invalid.code(), "invalid_fields");
    let absent = desk.delete("/clients/absent?dry_run=true", Some(V1)).await;
    assert_eq!(absent.code(), "not_found");
    for (query, said) in [("dry_run=yes", "must be true or false"), ("dry_run=true&dry_run=false", "is there twice")] {
        let refused = desk.send(Method::POST, &format!("/clients?{query}"), &[], app("x").to_string()).await;
        assert_eq!(refused.faults(), [format!("dry_run {said}")]);
    }
    let tested = desk.send(Method::POST, "/providers/acme:test?dry_run=true", &[], "").await;
    assert_eq!(tested.faults(), ["dry_run can't be asked here: this changes nothing"]);
    // Without a key nothing is tried either.
    assert_eq!(desk.plain(Method::DELETE, "/clients/app?dry_run=true", &[], "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn attack_86_no_difference_has_a_secret_in_it() {
    let desk = Desk::open().await;
    let settings = |secret: &str| json!({ "settings": { "preset": "fake", "client_id": "x", "client_secret": secret } });
    let path = "/providers/mine";
    let made = desk.change(Method::PUT, path, None, settings("s3cret-one")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let tag = made.header("etag").to_owned();
    let tried = desk.change(Method::PUT, &format!("{path}?dry_run=true"), Some(&tag), settings("s3cret-two")).await.would();
    assert_eq!(tried["changes"], json!([{ "pointer": "/settings/client_secret", "before": "(secret)", "after": "(another secret)" }]));
    desk.change(Method::PUT, path, Some(&tag), settings("s3cret-two")).await;
    let new = desk.change(Method::PUT, "/providers/new?dry_run=true", None, settings("s3cret-three")).await.would();
    let made = json!({ "pointer": "/settings", "after": { "preset": "fake", "client_id": "x", "client_secret": "(secret)" } });
    assert!(new["changes"].as_array().unwrap().contains(&made), "{new}");
    assert_eq!(desk.get("/providers/new").await.status, StatusCode::NOT_FOUND);

    let created = desk.create(app("app")).await.json();
    let added = desk.send(Method::POST, "/clients/app/secrets?dry_run=true", &[], r#"{"others_expire_in": 60}"#).await.would();
    let pointer = format!("/secrets/{}/expires_at", created["secrets"][0]["id"].as_str().unwrap());
    assert!(added["changes"].as_array().unwrap().contains(&json!({ "pointer": pointer, "after": "2026-11-24T10:01:00Z" })), "{added}");
    let (text, new) = (format!("{:?}", desk.rig.events()), format!("{tried}{new}{added}"));
    for secret in ["s3cret", created["client_secret"].as_str().unwrap()] {
        assert!(!text.contains(secret) && !new.contains(secret));
    }
}

#[tokio::test]
async fn every_other_write_is_tried_too_and_leaves_everything_as_it_is() {
    let desk = Desk::open().await;
    let (account, link, session, grant) = desk.somebody().await;
    let token = desk.send(Method::POST, "/registration-tokens", &[], r#"{"name": "farm"}"#).await.json();
    let key = desk.send(Method::POST, "/api-keys", &[], r#"{"name": "k", "scopes": ["*"]}"#).await.json();
    let (token, key) = (token["id"].as_str().unwrap(), key["id"].as_str().unwrap());
    let change = SettingChange { key: "login.straight_through".into(), before: Some(true.into()), after: Some(false.into()) };
    desk.rig.configuration.says(Ok(ConfigurationChange { changes: vec![change], ..ConfigurationChange::default() }));
    let before = (desk.rig.store.rows(), desk.rig.events().len());
    for (method, path, body, event) in [
        (Method::PATCH, format!("/accounts/{account}"), r#"{"disabled": true}"#, "account.disabled"),
        (Method::DELETE, format!("/accounts/{account}/links/{link}"), "", "identity.unlinked"),
        (Method::DELETE, format!("/accounts/{account}/sessions/{session}"), "", "session.ended"),
        (Method::DELETE, format!("/accounts/{account}/grants/{grant}"), "", "grant.revoked"),
        (Method::DELETE, format!("/sessions/{session}"), "", "session.ended"),
        (Method::DELETE, format!("/grants/{grant}"), "", "grant.revoked"),
        (Method::DELETE, "/clients/web/grants".into(), "", "grant.revoked"),
        (Method::POST, "/config:reload".into(), "", "config.reloaded"),
        (Method::DELETE, format!("/registration-tokens/{token}"), "", "registration_token.deleted"),
        (Method::POST, "/registration-tokens".into(), r#"{"name": "x"}"#, "registration_token.created"),
        (Method::DELETE, format!("/api-keys/{key}"), "", "api_key.deleted"),
        (Method::POST, "/keys:rotate".into(), "", "key.rotated"),
        (Method::POST, format!("/accounts/{account}:erase"), "", "account.erased"),
    ] {
        let would = desk.send(method.clone(), &format!("{path}?dry_run=true"), &[], body).await.would();
        assert_eq!(would["events"][0], event, "{method} {path}");
        assert!(!would["changes"].as_array().unwrap().is_empty(), "{method} {path}");
    }
    let way = desk.rig.store.links_of(&account.parse().unwrap()).await.unwrap().remove(0);
    let tokens = Sample::default().upstream_tokens(&way);
    desk.rig.store.commit(Changes::default().write(Write::PutUpstreamTokens(tokens))).await.unwrap();
    // What of a person would go is said by names and numbers: the record of it stays.
    let gone = desk.send(Method::POST, &format!("/accounts/{account}:erase?dry_run=true"), &[], "").await.would();
    let places: Vec<_> = gone["changes"].as_array().unwrap().iter().map(|change| change["pointer"].as_str().unwrap()).collect();
    for place in ["/profile", "/links", "/upstream_tokens", "/sessions", "/grants"] {
        assert!(places.contains(&place), "{place}: {gone}");
    }
    assert!(gone.to_string().contains("email") && !gone.to_string().contains('@'), "{gone}");
    // What is so already changes nothing.
    let same = desk.send(Method::PATCH, &format!("/accounts/{account}?dry_run=true"), &[], r#"{"disabled": false}"#).await.would();
    assert_eq!(same, json!({ "events": [], "changes": [] }));
    assert_eq!(desk.rig.configuration.reloads(), 0, "to try it is to check it");
    desk.rig.configuration.says(Err(vec![SettingFault {
        origin: None,
        key: "issuer".into(),
        message: "is missing".into(),
        add: Vec::new(),
    }]));
    let refused = desk.send(Method::POST, "/config:reload?dry_run=true", &[], "").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_configuration".into()));
    assert_eq!((desk.rig.store.rows(), desk.rig.events().len()), before);
}
