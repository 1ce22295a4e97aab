//! What clients ask beyond their registration, and changing a client in part.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::audit::EventName;

use super::{Answer, Desk, V1, V2, V3, V4, app, public};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

impl Desk {
    async fn patch_client(&self, id: &str, etag: Option<&str>, body: Value) -> Answer {
        self.later();
        self.change(Method::PATCH, &format!("/clients/{id}"), etag, body).await
    }
}

fn ruled() -> Value {
    let mut body = app("app");
    body["grant_types"] = json!(["authorization_code", "refresh_token", EXCHANGE]);
    body["allowed_providers"] = json!(["other", "acme"]);
    body["entry"] = json!({
        "email_domains": ["corp.example", "*.corp.example"], "emails": ["ada@corp.example"], "groups": ["eng-*"], "organizations": ["acme:core"],
        "hosted_domains": ["corp.example"], "tenants": ["t1"], "claims": { "/department": ["engineering", "research"] },
    });
    body["release"] = json!({ "claims": ["email", "groups"], "groups": ["app-*"], "rename": { "groups": "roles" } });
    body["upstream_tokens"] = json!([{ "provider": "acme", "scopes": ["calendar.read", "mail.read"] }]);
    body
}

#[tokio::test]
async fn what_a_client_asks_is_kept_as_it_was_written() {
    let desk = Desk::open().await;
    let created = desk.create(ruled()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let read = desk.get("/clients/app").await.json();
    for field in ["allowed_providers", "entry", "release", "upstream_tokens"] {
        assert_eq!(read[field], ruled()[field], "{field}");
    }
    // A list of no claims is another thing than no list.
    let mut body = app("quiet");
    body["release"] = json!({ "claims": [] });
    assert_eq!(desk.create(body).await.json()["release"], json!({ "claims": [] }));
    let plain = desk.create(app("plain")).await.json();
    assert_eq!((&plain["entry"], &plain["release"], &plain["upstream_tokens"]), (&json!({}), &json!({}), &json!([])));
}

#[tokio::test]
async fn rules_that_can_not_be_are_named_where_they_stand() {
    let desk = Desk::open().await;
    let mut body = app("app");
    body["allowed_providers"] = json!(["acme", "acme"]);
    body["entry"] = json!({ "email_domains": ["corp"], "emails": ["a@b@c.example"], "groups": [""], "claims": { "a/b": ["x"] } });
    body["release"] = json!({ "rename": { "groups": "sub" } });
    body["upstream_tokens"] = json!([{ "provider": "nobody", "scopes": ["x"] }, { "provider": "acme", "scopes": [] }]);
    insta::assert_snapshot!(desk.create(body).await.faults().join("\n"), @r#"
    /allowed_providers/1 is there twice
    /entry/email_domains/0 is not a domain: write corp.example, or *.corp.example for what lies below it
    /entry/emails/0 is not one e-mail address, as ada@corp.example
    /entry/groups/0 must have 1 to 512 printable characters
    /entry/claims/a~1b is not a JSON pointer (RFC 6901): write "/department"
    /release/rename/groups can't be "sub": tokens have a claim of that name already
    /upstream_tokens/0/provider is not a configured provider; there are: acme, other
    /upstream_tokens/1/scopes is empty; name each scope that such a token may have, as the provider names it
    /upstream_tokens or /exchange_audiences, and the grant type urn:ietf:params:oauth:grant-type:token-exchange go together: it is what an app asks for such tokens with, and it gives nothing else
    "#);

    let mut body = app("app");
    body["entry"] = json!({ "groups": "eng", "claims": { "/a": "x" }, "domains": [] });
    body["release"] = json!({ "claims": "email", "rename": { "groups": 7 } });
    body["upstream_tokens"] = json!([{ "provider": 7 }, "acme"]);
    insta::assert_snapshot!(desk.create(body).await.faults().join("\n"), @r"
    /entry/groups must be a list of texts, in '[' and ']'
    /entry/claims/~1a must be a list of texts, in '[' and ']'
    /entry/domains is not a field here; the fields are email_domains, emails, groups, organizations, hosted_domains, tenants, claims
    /release/claims must be a list of texts, in '[' and ']'
    /release/rename/groups must be text in double quotes
    /upstream_tokens/0/provider must be text in double quotes
    /upstream_tokens/1 must be an object, in '{' and '}'
    ");

    let twice = r#"{"client_name": "A", "redirect_uris": ["https://app.example.com/cb"], "entry": {"groups": ["a"], "groups": []}}"#;
    assert_eq!(desk.send(Method::POST, "/clients", &[], twice).await.faults(), ["/entry/groups is there twice"]);
    assert_eq!(desk.events(), []);
}

#[tokio::test]
async fn a_clients_rules_hold_for_what_was_given_at_once() {
    let desk = Desk::open().await;
    desk.register_web().await;
    let mut ada = desk.browser();
    let tokens = ada.signs_in("acme", "ada").await;
    assert_eq!(ada.choices().await, ["acme", "other"]);

    desk.patch_client("web", Some(V1), json!({ "allowed_providers": ["other", "acme"] })).await;
    assert_eq!(ada.choices().await, ["other", "acme"], "in the order they are named");
    assert!(desk.knows(&tokens).await);

    let closed = desk.patch_client("web", Some(V2), json!({ "entry": { "email_domains": ["corp.example"] } })).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    assert!(!desk.knows(&tokens).await && !ada.is_signed_in().await, "ada is of example.com");
    let refused = ada.arrives("acme", "ada").await;
    assert!(!refused.header("location").contains("code="), "{}", refused.header("location"));

    desk.patch_client("web", Some(V3), json!({ "entry": { "emails": ["ada@example.com"] } })).await;
    assert_eq!(desk.get("/clients/web").await.json()["entry"], json!({ "email_domains": ["corp.example"], "emails": ["ada@example.com"] }));
    assert!(desk.knows(&tokens).await, "one or the other is enough");
    desk.patch_client("web", Some(V4), json!({ "entry": null })).await;
    assert_eq!(desk.get("/clients/web").await.json()["entry"], json!({}));
}

#[tokio::test]
async fn a_client_is_changed_in_part() {
    let desk = Desk::open().await;
    desk.create(ruled()).await;
    let changed = desk
        .patch_client("app", Some(V1), json!({ "client_name": "Renamed", "release": { "rename": null, "groups": ["x"] }, "scope": null }))
        .await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, V2), "{}", changed.body);
    let json = changed.json();
    assert_eq!((&json["client_name"], &json["entry"]), (&json!("Renamed"), &ruled()["entry"]));
    assert_eq!(json["release"], json!({ "claims": ["email", "groups"], "groups": ["x"] }));
    assert_eq!(json["scope"], "email groups offline_access openid profile", "what is taken away takes its default");
    assert!(json.get("client_secret").is_none() && json["secrets"].as_array().unwrap().len() == 1, "secrets stay");

    for (refused, code) in [
        (desk.patch_client("app", None, json!({})).await, "precondition_required"),
        (desk.patch_client("app", Some(V1), json!({})).await, "precondition_failed"),
        (desk.patch_client("absent", Some(V1), json!({})).await, "not_found"),
        (desk.patch_client("app", Some(V2), json!({ "client_id": "other" })).await, "invalid_fields"),
        (desk.patch_client("app", Some(V2), json!({ "redirect_uris": [] })).await, "invalid_fields"),
        (desk.patch_client("app", Some(V2), json!({ "client_name": null })).await, "invalid_fields"),
        (desk.patch_client("app", Some(V2), json!({ "secrets": [] })).await, "invalid_fields"),
    ] {
        assert_eq!(refused.code(), code, "{}", refused.body);
    }
    let spa = desk.create(public("spa")).await;
    let confidential =
        desk.patch_client("spa", Some(spa.header("etag")), json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    assert!(confidential.json()["client_secret"].is_string(), "it needs one now");
    assert_eq!(desk.events(), [EventName::ClientCreated, EventName::ClientUpdated, EventName::ClientCreated, EventName::ClientUpdated]);
}
