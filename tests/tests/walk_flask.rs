//! A person in Chromium, an app of the tutorials (Flask and Authlib), an issuer that others wrote (`oidc-provider`).

use std::process::Command;

use serde_json::{Value, json};
use vestibule_tests::{Client, House, Program, Upstream, browser, free_port, python, screenshots};

fn flask(house: &House, client: &Client, port: u16) -> Program {
    let mut command: Command = python("flask_app.py");
    command
        .env("OIDC_DISCOVERY", format!("{}/.well-known/openid-configuration", house.issuer))
        .env("OIDC_CLIENT_ID", &client.client_id)
        .env("OIDC_CLIENT_SECRET", &client.client_secret)
        .env("PORT", port.to_string());
    Program::start(command)
}

async fn app(house: &House) -> (Program, Client) {
    let port = free_port();
    let client = house
        .register(json!({
            "client_name": "Flask app",
            "redirect_uris": [format!("http://127.0.0.1:{port}/callback")],
            "post_logout_redirect_uris": [format!("http://127.0.0.1:{port}/goodbye")],
        }))
        .await;
    (flask(house, &client, port), client)
}

/// With one provider and no page to show first, the person goes straight through.
#[tokio::test]
async fn a_person_signs_in_refreshes_and_signs_out() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let (app, client) = app(&house).await;
    let seen = browser(
        json!({}),
        json!([
            { "goto": app.url },
            { "click": "#login" },
            { "click": "[data-provider=acme]", "optional": true },
            { "click": "button[value=alice]" },
            // The app asks for consent each time.
            { "click": "main[data-page=consent] button[value=allow]" },
            { "expect": "#person", "text": "Alice Archer" },
            { "click": "#me" },
            { "expect": "#userinfo", "text": "alice@example.com" },
            { "goto": app.url },
            { "click": "#refresh" },
            { "expect": "#refreshed", "text": "{\"renewed\": true, \"rotated\": true}" },
            { "goto": app.url },
            { "click": "#logout" },
            { "expect": "#goodbye" },
            { "screenshot": screenshots().join("flask-goodbye.png") },
        ]),
    )
    .await;
    let complaints = seen["console"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let ours: Vec<_> = complaints.filter(|complaint| complaint.starts_with(&house.issuer)).collect();
    assert!(ours.is_empty(), "no page of ours complains: {ours:?}");

    let audit = house.audit();
    let names: Vec<_> = audit.iter().filter_map(|event| event["name"].as_str()).collect();
    for expected in
        ["client.created", "user.provisioned", "identity.linked", "login.succeeded", "code.redeemed", "token.refreshed", "session.ended"]
    {
        assert!(names.contains(&expected), "{expected} is missing in {names:?}");
    }
    let login = audit.iter().find(|event| event["name"] == "login.succeeded").expect("checked above");
    assert_eq!(login["client"], json!(client.client_id));
    assert_eq!(login["provider"], "acme");
    assert!(login["trace_id"].as_str().is_some_and(|id| id.len() == 32), "{login:#}");

    let metrics = house.metrics().await;
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("vestibule_login_total{") && line.contains("outcome=\"success\"") && line.ends_with(" 1")),
        "{metrics}"
    );
}

#[tokio::test]
async fn somebody_who_refuses_sees_why_and_finds_the_way_back() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let (app, _) = app(&house).await;
    let seen = browser(
        json!({ "javascript": false, "width": 390 }),
        json!([
            { "goto": app.url },
            { "click": "#login" },
            { "click": "[data-provider=acme]", "optional": true },
            { "click": "#refuse" },
            { "expect": "main[data-code=person_declined]", "text": "Sign-in was cancelled" },
            { "screenshot": screenshots().join("declined.png") },
            { "expect": ".reference", "keep": "reference" },
            { "click": "a.button" },
            { "expect": "#error", "text": "access_denied" },
        ]),
    )
    .await;
    let reference = seen["kept"]["reference"].as_str().expect("a reference");
    let failed: Vec<Value> = house.audit().into_iter().filter(|event| event["name"] == "login.failed").collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!((&failed[0]["reason"], &failed[0]["trace_id"]), (&json!("person_declined"), &json!(reference)));
}
