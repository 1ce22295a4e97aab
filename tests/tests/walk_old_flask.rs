//! A person in Chromium, and an app of the tutorials before OpenID Connect: Flask-OAuthlib, which knows neither `openid` nor PKCE.

use serde_json::json;
use vestibule_tests::{House, Program, Upstream, browser, free_port, old_python, screenshots};

/// The app, registered with the one switch that there is for its like.
async fn app(house: &House) -> Program {
    let port = free_port();
    let client = house
        .register(json!({
            "client_name": "Old Flask app",
            "redirect_uris": [format!("http://127.0.0.1:{port}/authorized")],
            "legacy_oauth": true,
        }))
        .await;
    let mut command = old_python("old_flask_app.py");
    command
        .env("ISSUER", &house.issuer)
        .env("OAUTH_CLIENT_ID", &client.client_id)
        .env("OAUTH_CLIENT_SECRET", &client.client_secret)
        .env("PORT", port.to_string());
    Program::start(command)
}

#[tokio::test]
async fn an_app_of_the_old_tutorials_signs_a_person_in_and_reads_their_address() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let app = app(&house).await;
    browser(
        json!({}),
        json!([
            { "goto": app.url },
            { "click": "#login" },
            { "click": "[data-provider=acme]", "optional": true },
            { "click": "button[value=alice]" },
            { "expect": "#person", "text": "alice@example.com" },
            { "screenshot": screenshots().join("old-flask.png") },
        ]),
    )
    .await;
    let audit = house.audit();
    let redeemed = audit.iter().find(|event| event["name"] == "code.redeemed").expect("the code was redeemed");
    assert_eq!(redeemed["scopes"], json!(["email"]), "{redeemed:#}");
}

#[tokio::test]
async fn an_app_of_the_old_tutorials_shows_why_somebody_was_not_signed_in() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let app = app(&house).await;
    browser(
        json!({}),
        json!([
            { "goto": app.url },
            { "click": "#login" },
            { "click": "[data-provider=acme]", "optional": true },
            { "click": "#refuse" },
            { "expect": "main[data-code=person_declined]" },
            { "click": "a.button" },
            { "expect": "#denied", "text": "access_denied" },
            { "expect": "#why", "text": "the person declined at the identity provider" },
        ]),
    )
    .await;
}
