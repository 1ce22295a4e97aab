//! Native apps (RFC 8252): public clients on a loopback port, and behind a scheme of their own.

use serde_json::json;
use vestibule_tests::{Client, House, Person, Program, Upstream, browser, node, screenshots};

const SCHEME: &str = "com.example.app:/callback";

async fn native(house: &House) -> Client {
    house
        .register(json!({
            "client_name": "Native app",
            "redirect_uris": ["http://127.0.0.1/callback", "http://[::1]/callback", SCHEME],
            "token_endpoint_auth_method": "none",
        }))
        .await
}

#[tokio::test]
async fn rfc_8252_section_7_3_a_native_app_waits_on_whatever_port_it_was_given() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = native(&house).await;
    for host in ["127.0.0.1", "::1"] {
        let app = Program::start(node("native_app.mjs", &json!({ "issuer": house.issuer, "client_id": client.client_id, "host": host })));
        browser(
            json!({}),
            json!([
                { "goto": app.url },
                { "click": "[data-provider=acme]" },
                { "click": "button[value=alice]" },
                { "expect": "#person", "text": "Alice Archer" },
            ]),
        )
        .await;
    }
}

/// As far as a browser can go where no such app is installed: a page that stays, with a link to click.
#[tokio::test]
async fn rfc_8252_section_7_1_a_scheme_of_ones_own_is_reached_by_a_page_with_a_link() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = native(&house).await;
    let start = Person::authorize_url(&house, &client, SCHEME, &[]);
    for (scheme, width) in [("light", 1280), ("dark", 390)] {
        let seen = browser(
            json!({ "scheme": scheme, "width": width }),
            json!([
                { "goto": start.as_str() },
                { "click": "[data-provider=acme]" },
                { "click": "button[value=alice]" },
                { "expect": "[data-page=return-to-app] a[href^='com.example.app:/callback?code=']", "text": "Native app" },
                { "screenshot": screenshots().join(format!("native-{scheme}.png")) },
                { "axe": "return-to-app" },
            ]),
        )
        .await;
        assert_eq!((&seen["status"], &seen["axe"]["return-to-app"]), (&json!(200), &json!([])), "{seen:#}");
    }
    // What the app would be given is good.
    let code = Person::named("alice").walks(start, SCHEME).await.code();
    let (status, tokens) = redeems_publicly(&house, &client, &code).await;
    assert_eq!(status, 200, "{tokens:#}");
    assert!(tokens["id_token"].is_string());
}

async fn redeems_publicly(house: &House, client: &Client, code: &str) -> (u16, serde_json::Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &client.client_id),
        ("code", code),
        ("redirect_uri", SCHEME),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let app = Person::named("app");
    let answer = app.http().post(format!("{}/token", house.issuer)).form(&form).send().await.expect("the gateway answers");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}
