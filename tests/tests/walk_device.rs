//! Devices without a browser (RFC 8628): an app of npm `openid-client`, and a script that knows nothing but the specification; the person in Chromium.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
};

use serde_json::{Value, json};
use vestibule_tests::{Client, House, Person, Upstream, browser, openid_client, python, screenshots};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn television(house: &House) -> Client {
    house
        .register(json!({
            "client_name": "Television",
            "redirect_uris": [],
            "grant_types": [GRANT, "refresh_token"],
            "token_endpoint_auth_method": "none",
        }))
        .await
}

fn request(house: &House, client: &Client, act: &str, more: &Value) -> Value {
    let mut request = json!({ "act": act, "issuer": house.issuer, "client_id": client.client_id, "authentication": "none" });
    let object = request.as_object_mut().expect("an object");
    object.extend(more.as_object().expect("an object").clone());
    request
}

/// From the address on the device to the question, as Alice.
fn to_the_question(start: &str, typed: Option<&str>) -> Vec<Value> {
    let mut steps = vec![json!({ "goto": start })];
    steps.extend(typed.map(|code| json!({ "fill": "#user-code", "value": code })));
    steps.extend([
        json!({ "click": "button[type=submit]" }),
        json!({ "click": "a.solid", "optional": true }),
        json!({ "click": "button[value=alice]" }),
        json!({ "expect": "[data-page=ask-device] h1", "text": "Television" }),
    ]);
    steps
}

#[tokio::test]
async fn rfc_8628_openid_client_waits_until_the_person_has_said_yes_in_their_browser() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = television(&house).await;
    let started = openid_client(request(&house, &client, "device", &json!({ "scope": "openid profile email offline_access" }))).await;
    let code = started["user_code"].as_str().unwrap_or_else(|| panic!("{started:#}")).to_owned();
    let polling = tokio::spawn(openid_client(request(&house, &client, "device_poll", &json!({ "started": started }))));

    let mut steps =
        to_the_question(started["verification_uri"].as_str().expect("an address"), Some(&code.to_lowercase().replace('-', " ")));
    steps.extend([
        json!({ "expect": ".shown", "text": code }),
        json!({ "screenshot": screenshots().join("device-question.png") }),
        json!({ "click": "button[value=allow]" }),
        json!({ "expect": "[data-page=device-done]" }),
    ]);
    let seen = browser(json!({ "javascript": false }), json!(steps)).await;
    assert_eq!(house.complaints(&seen), [""; 0]);

    let tokens = polling.await.expect("the library ends");
    assert_eq!(tokens["claims"]["name"], "Alice Archer", "{tokens:#}");
    let refreshed = openid_client(request(&house, &client, "refresh", &json!({ "refresh_token": tokens["refresh_token"] }))).await;
    assert_eq!(Person::claims(refreshed["id_token"].as_str().expect("an ID token"))["sub"], tokens["claims"]["sub"]);
    let again = openid_client(request(&house, &client, "device_poll", &json!({ "started": started }))).await;
    assert_eq!(again["failed"]["error"], "invalid_grant", "{again:#}");
    let names: Vec<_> = house.audit().into_iter().filter_map(|event| event["name"].as_str().map(str::to_owned)).collect();
    assert!(names.iter().any(|name| name == "device.approved"), "{names:?}");
}

/// The script at the terminal, and the address it told.
fn at_the_terminal(house: &House, client: &Client) -> (Child, String) {
    let mut command = python("device_login.py");
    command.args([&house.issuer, &client.client_id, "openid email"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Python starts");
    let told = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let link = told.map_while(Result::ok).find_map(|line| line.strip_prefix("or open ").map(str::to_owned));
    (child, link.expect("it says where to go"))
}

#[tokio::test]
async fn rfc_8628_a_script_that_knows_only_the_specification_signs_in_and_is_turned_away() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = television(&house).await;
    for (answer, expected) in [("allow", true), ("deny", false)] {
        let (mut terminal, link) = at_the_terminal(&house, &client);
        let mut steps = to_the_question(&link, None);
        steps.extend([
            json!({ "axe": "ask-device" }),
            json!({ "click": format!("button[value={answer}]") }),
            json!({ "expect": "[data-page=device-done]" }),
        ]);
        let seen = browser(json!({ "scheme": "dark", "width": 390 }), json!(steps)).await;
        assert_eq!(seen["axe"]["ask-device"], json!([]));
        let mut said = String::new();
        terminal.stdout.take().expect("it is piped").read_to_string(&mut said).expect("text");
        assert_eq!(terminal.wait().expect("it ends").success(), expected, "{said}");
        if expected {
            let tokens: Value = serde_json::from_str(&said).expect("a token response");
            assert_eq!(Person::claims(tokens["id_token"].as_str().expect("an ID token"))["email"], "alice@example.com");
        }
    }
}
