//! The operators' console from outside: a real browser, a real client library, the pages looked at.

use std::process::Command;

use serde_json::{Value, json};
use vestibule_tests::{ADMIN_KEY, House, HouseOptions, Person, Upstream, binary, browser, openid_client, project, screenshots};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

async fn house() -> (House, Upstream) {
    let extra = "[console.operators]\nemails = [\"alice@example.com\"]\n[registration]\nmode = \"token\"\n".to_owned();
    House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await
}

/// The link that an operator prints on the gateway's machine.
fn key_link(house: &House) -> String {
    let config = house.folder().join("vestibule.toml");
    let output = Command::new(binary()).arg("console-key").arg("--config").arg(config).output().expect("the binary runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("an address").trim().to_owned()
}

/// Whether a client library signs somebody in with this secret.
async fn signs_in(house: &House, secret: &str) -> Result<Value, Value> {
    let request = |act: &str| json!({ "act": act, "issuer": house.issuer, "client_id": "wiki", "client_secret": secret });
    let with = |act: &str, more: Value| {
        let mut request = request(act);
        request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        request
    };
    let started = openid_client(with("start", json!({ "redirect_uri": CALLBACK, "scope": "openid profile email" }))).await;
    let url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")).parse().expect("an address");
    let landed = Person::named("bob").walks(url, CALLBACK).await;
    let tokens = openid_client(with("finish", json!({ "callback": landed.url.as_str(), "kept": started["kept"] }))).await;
    if tokens["access_token"].is_string() { Ok(tokens) } else { Err(tokens) }
}

#[tokio::test]
async fn an_app_is_made_in_the_console_rotated_and_its_old_secret_revoked() {
    let (house, _upstream) = house().await;
    let console = format!("{}/console", house.issuer);
    let shot = |name: &str| screenshots().join(format!("console-walk-{name}.png"));
    let made = browser(
        json!({}),
        json!([
            { "goto": key_link(&house) },
            { "click": "button:has-text('Open the console')" },
            { "expect": "main[data-page=console-overview]" },
            { "goto": format!("{console}/apps/new") },
            { "fill": "#name", "value": "Wiki" },
            { "fill": "#client_id", "value": "wiki" },
            { "fill": "#redirect_uris", "value": "http://wiki.example/callback" },
            { "expect": "#redirect_uris-fault:has-text('Line 1')" },
            { "screenshot": shot("judged") },
            { "fill": "#redirect_uris", "value": CALLBACK },
            { "click": "button:has-text('Create app')" },
            { "expect": "#secret", "keep": "first" },
            { "expect": "#snippet-openid-client", "text": "wiki" },
            { "screenshot": shot("made") },
            { "goto": format!("{console}/app/wiki") },
            { "click": "button:has-text('Rotate')" },
            { "expect": "#secret", "keep": "second" },
            { "screenshot": shot("rotated") },
        ]),
    )
    .await;
    assert!(made["console"].as_array().expect("a list").is_empty(), "{made:#}");
    let secret = |name: &str| made["kept"][name].as_str().unwrap_or_default().to_owned();
    for name in ["first", "second"] {
        let tokens = signs_in(&house, &secret(name)).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(tokens["claims"]["email"], "bob@example.com", "{tokens:#}");
    }
    // Who signed in, and that the secret was changed, is in the audit log; the old one goes on working until it is revoked.
    let revoked = browser(
        json!({ "javascript": false }),
        json!([
            { "goto": key_link(&house) },
            { "click": "button:has-text('Open the console')" },
            { "goto": format!("{console}/app/wiki") },
            { "click": "a:has-text('Events')" },
            { "expect": "main[data-page=console-audit] table.events", "text": "client.secret_added" },
            { "expect": "table.events", "text": "Bob" },
            { "screenshot": shot("events") },
            { "fill": "#event1", "value": "login.*" },
            { "click": "button:has-text('Show')" },
            { "expect": "table.events", "text": "login.succeeded" },
            { "click": "table.events a:has-text('login.succeeded')" },
            { "expect": "main[data-page=console-audit-event] dl.facts", "text": "Bob" },
            { "screenshot": shot("event") },
            { "click": "a:has-text('All events of its login')" },
            { "expect": "table.events", "text": "code.redeemed" },
            { "goto": format!("{console}/app/wiki") },
            { "click": "summary:has-text('Revoke')" },
            { "click": "button:has-text('Revoke this secret')" },
            { "expect": "[role=status]", "text": "Revoked" },
        ]),
    )
    .await;
    assert_eq!(revoked["ok"], true);
    assert!(signs_in(&house, &secret("second")).await.is_ok());
    let refused = signs_in(&house, &secret("first")).await.expect_err("the old secret is revoked");
    assert!(refused.to_string().contains("invalid_client") || refused.to_string().contains("401"), "{refused:#}");
}

#[tokio::test]
async fn an_operator_signs_in_as_everybody_does_and_every_page_is_accessible_in_light() {
    every_page_is_accessible("light", 1280).await;
}

#[tokio::test]
async fn an_operator_signs_in_as_everybody_does_and_every_page_is_accessible_in_the_dark_on_a_phone() {
    every_page_is_accessible("dark", 390).await;
}

/// What looks otherwise there than in the two that see every page.
#[tokio::test]
async fn pages_with_much_in_them_are_accessible_in_light_on_a_phone_and_in_the_dark_on_a_desk() {
    let (house, upstream) = house().await;
    let console = format!("{}/console", house.issuer);
    house.register(json!({ "client_id": "raced-light", "client_name": "Raced", "redirect_uris": [CALLBACK] })).await;
    house.register(json!({ "client_id": "raced-dark", "client_name": "Raced", "redirect_uris": [CALLBACK] })).await;
    for (scheme, width) in [("light", 390), ("dark", 1280)] {
        let mut steps = vec![json!({ "goto": key_link(&house) }), json!({ "click": "button:has-text('Open the console')" })];
        for (name, path) in [("overview", ""), ("dashboards", "/dashboards?range=1h"), ("new-app", "/apps/new"), ("audit", "/audit")] {
            steps.push(json!({ "goto": format!("{console}{path}") }));
            steps.extend(looked_at(scheme, width, name));
        }
        steps.extend(on_the_way(&house, &upstream, scheme, width));
        let seen = browser(json!({ "scheme": scheme, "width": width }), json!(steps)).await;
        finds_nothing(&seen, scheme, width);
    }
}

/// Axe and a picture.
fn looked_at(scheme: &str, width: u32, name: &str) -> [Value; 2] {
    [json!({ "axe": name }), json!({ "screenshot": screenshots().join(format!("console-{scheme}-{width}-{name}.png")) })]
}

fn finds_nothing(seen: &Value, scheme: &str, width: u32) {
    for (page, found) in seen["axe"].as_object().expect("what axe found") {
        assert_eq!(*found, json!([]), "{page} in {scheme} at {width}");
    }
}

/// Pages that are come to by doing something: a secret, a form that somebody else was faster with, a provider that was tested, its form.
fn on_the_way(house: &House, upstream: &Upstream, scheme: &str, width: u32) -> Vec<Value> {
    let console = format!("{}/console", house.issuer);
    let look = |name: &str| looked_at(scheme, width, name);
    let mut steps = vec![
        json!({ "goto": format!("{console}/apps/new") }),
        json!({ "fill": "#name", "value": "Shown once" }),
        json!({ "fill": "#client_id", "value": format!("once-{scheme}") }),
        json!({ "fill": "#redirect_uris", "value": CALLBACK }),
        json!({ "click": "button:has-text('Create app')" }),
        json!({ "expect": "#secret" }),
    ];
    steps.extend(look("app-secret"));
    let raced = format!("raced-{scheme}");
    steps.extend([
        json!({ "goto": format!("{console}/app/{raced}/edit") }),
        json!({
            "patch": format!("{}/api/v1/clients/{raced}", house.issuer),
            "headers": { "authorization": format!("Bearer {ADMIN_KEY}") },
            "body": { "client_name": "Theirs" },
        }),
        json!({ "fill": "#name", "value": "Mine" }),
        json!({ "click": "button:has-text('Save')" }),
        json!({ "expect": "[role=alert]", "text": "Somebody changed this meanwhile" }),
    ]);
    steps.extend(look("app-late"));
    let id = format!("second-{scheme}");
    steps.extend([
        json!({ "goto": format!("{console}/providers/new/oidc") }),
        json!({ "fill": "#id", "value": id }),
        json!({ "fill": "#issuer", "value": upstream.issuer() }),
        json!({ "fill": "#client_id", "value": "vestibule" }),
        json!({ "fill": "#client_secret", "value": "secret-of-second-0123456789" }),
        json!({ "fill": "#label", "value": "Second" }),
        json!({ "click": "button:has-text('Save')" }),
        json!({ "expect": "main[data-page=console-provider] h1", "text": "Second" }),
        json!({ "click": "button:has-text('Test')" }),
        json!({ "expect": "#tested" }),
    ]);
    steps.extend(look("provider-tested"));
    steps
        .extend([json!({ "goto": format!("{console}/provider/{id}/edit") }), json!({ "expect": "main[data-page=console-provider-form]" })]);
    steps.extend(look("provider-form"));
    steps
}

/// Nobody needs a mouse, and everybody sees where they are.
#[tokio::test]
async fn an_app_is_made_by_the_keyboard_alone() {
    let (house, _upstream) = house().await;
    let refresh = "input[name=grant_types][value=refresh_token]";
    let seen = browser(
        json!({}),
        json!([
            { "goto": key_link(&house) },
            { "press": "Tab", "until": "button:has-text('Open the console')" },
            { "press": "Enter" },
            { "expect": "main[data-page=console-overview]" },
            { "press": "Tab", "until": "nav a:has-text('Apps')" },
            { "press": "Enter" },
            { "expect": "main[data-page=console-apps]" },
            { "press": "Tab", "until": "a:has-text('New app')" },
            { "press": "Enter" },
            { "expect": "main[data-page=console-app-form]" },
            { "press": "Tab", "until": "#name" },
            { "type": "Wiki" },
            { "press": "Tab", "until": "#client_id" },
            { "type": "wiki" },
            { "press": "Tab", "until": "#redirect_uris" },
            { "type": "http://wiki.example/callback" },
            { "expect": "#redirect_uris-fault:has-text('Line 1')" },
            { "press": "Control+A" },
            { "type": CALLBACK },
            { "press": "Tab", "until": "input[name=providers][value=all]" },
            { "press": "ArrowDown" },
            { "expect": "input[name=providers][value=these]:checked" },
            { "press": "ArrowUp" },
            { "expect": "input[name=providers][value=all]:checked" },
            { "press": "Tab", "until": refresh },
            { "press": "Space" },
            { "expect": format!("{refresh}:not(:checked)") },
            { "press": "Tab", "until": "button:has-text('Create app')" },
            { "press": "Shift+Tab", "until": refresh },
            { "press": "Space" },
            { "press": "Tab", "until": "button:has-text('Create app')" },
            { "press": "Enter" },
            { "expect": "#secret", "keep": "secret" },
        ]),
    )
    .await;
    let secret = seen["kept"]["secret"].as_str().expect("a secret");
    assert!(signs_in(&house, secret).await.is_ok(), "{seen:#}");
}

async fn every_page_is_accessible(scheme: &str, width: u32) {
    let (house, upstream) = house().await;
    let console = format!("{}/console", house.issuer);
    house.register_app(CALLBACK).await;
    house.register(json!({ "client_id": format!("raced-{scheme}"), "client_name": "Raced", "redirect_uris": [CALLBACK] })).await;
    Person::named("bob").signs_in(&house, &house.register_app("http://127.0.0.1:9/other").await, "http://127.0.0.1:9/other").await;
    // Bob is no operator.
    let enter = format!("{console}/enter").parse().expect("an address");
    assert!(Person::named("bob").tries_to_walk(enter, "http://127.0.0.1:9/").await.is_err());
    let look = |name: &str| looked_at(scheme, width, name);
    let login = |name: &str| {
        let found = house.audit().into_iter().rfind(|event| event["name"] == name && event["trace_id"].is_string());
        found.unwrap_or_else(|| panic!("there is no {name}"))["trace_id"].as_str().unwrap_or_default().to_owned()
    };
    let mut steps = vec![json!({ "goto": key_link(&house) }), json!({ "expect": "main[data-page=console-key]" })];
    steps.extend(look("one-time-key"));
    steps.extend([json!({ "goto": format!("{console}/people") }), json!({ "expect": "main[data-page=console-sign-in]" })]);
    steps.extend(look("sign-in"));
    steps.extend([
        json!({ "click": "a:has-text('Sign in')" }),
        json!({ "click": "[data-provider]", "optional": true }),
        json!({ "click": "button[value=alice]" }),
        json!({ "click": "#allow", "optional": true }),
        json!({ "expect": "main[data-page=console-people]" }),
    ]);
    let pages = [
        ("overview", ""),
        ("dashboards", "/dashboards?range=1h"),
        ("dashboards-of-acme", "/dashboards?range=24h&provider=acme"),
        ("dashboards-of-an-app", "/dashboards?range=7d&client=other"),
        ("apps", "/apps"),
        ("new-app", "/apps/new"),
        ("providers", "/providers"),
        ("presets", "/providers/new"),
        ("new-provider", "/providers/new/microsoft"),
        ("provider", "/provider/acme"),
        ("people", "/people"),
        ("nobody", "/people?q=nobody"),
        ("sessions", "/sessions"),
        ("audit", "/audit"),
        ("audit-narrowed", "/audit?event=login.*&outcome=success&client=none"),
        ("audit-refused", "/audit?event=none&from=yesterday"),
        ("keys", "/keys"),
        ("api-keys", "/api-keys"),
        ("registration-tokens", "/registration-tokens"),
        ("configuration", "/configuration"),
        ("not-there", "/app/none"),
        ("logins", "/logins"),
        ("login-unknown", "/logins/0af7651916cd43dd8448eb211c80319c"),
    ];
    for (name, path) in pages {
        steps.push(json!({ "goto": format!("{console}{path}") }));
        steps.extend(look(name));
    }
    for (name, reference) in [("login", login("login.succeeded")), ("login-denied", login("login.denied_by_policy"))] {
        steps.push(json!({ "goto": format!("{console}/logins") }));
        steps.push(json!({ "fill": "input[name=reference]", "value": reference }));
        steps.push(json!({ "click": "button:has-text('Explain')" }));
        steps.push(json!({ "expect": "main[data-page=console-login]" }));
        steps.extend(look(name));
    }
    for (name, list) in [("app", "/apps"), ("person", "/people"), ("audit-event", "/audit?event=client.created")] {
        steps.push(json!({ "goto": format!("{console}{list}") }));
        steps.push(json!({ "click": "td.name a" }));
        steps.extend(look(name));
    }
    for (name, link) in
        [("app-form", "a:has-text('Edit')"), ("app-settings", "a:has-text('all its settings')"), ("app-trial", "a:has-text('Try a login')")]
    {
        steps.push(json!({ "goto": format!("{console}/apps") }));
        steps.push(json!({ "click": "td.name a" }));
        steps.push(json!({ "click": link }));
        steps.extend(look(name));
    }
    for (name, list, act) in [
        ("erasure", "/people", "a:has-text('Erase')"),
        ("configuration-checked", "/configuration", "button:has-text('Check what is written')"),
    ] {
        steps.push(json!({ "goto": format!("{console}{list}") }));
        steps.push(json!({ "click": "td.name a", "optional": true }));
        steps.push(json!({ "click": act }));
        steps.extend(look(name));
    }
    steps.extend(on_the_way(&house, &upstream, scheme, width));
    let seen = browser(json!({ "scheme": scheme, "width": width }), json!(steps)).await;
    finds_nothing(&seen, scheme, width);
    // Pages that say what is not there, not understood, or somebody else's by now, are among them.
    let late = format!("/app/raced-{scheme}/");
    let refused = [
        ("/app/none: ", 404),
        ("/logins/0af7651916cd43dd8448eb211c80319c: ", 404),
        ("/audit?event=none&from=yesterday: ", 400),
        (late.as_str(), 409),
    ];
    let expected = |line: &&Value| {
        let line = line.as_str().unwrap_or_default();
        // The upstream has no icon.
        line.strip_prefix(upstream.issuer()).is_some_and(|of_upstream| of_upstream.trim_start_matches('/').starts_with("favicon.ico: "))
            || refused.iter().any(|(page, status)| line.contains(page) && line.contains(&format!("a status of {status} ")))
    };
    let told: Vec<_> = seen["console"].as_array().expect("a list").iter().filter(|line| !expected(line)).collect();
    assert!(told.is_empty(), "{scheme} {width}: {told:#?}");
}

#[tokio::test]
async fn without_javascript_a_provider_is_added_tested_and_deleted() {
    let (house, upstream) = house().await;
    let console = format!("{}/console", house.issuer);
    let shot = |name: &str| screenshots().join(format!("console-provider-{name}.png"));
    let seen = browser(
        json!({ "javascript": false }),
        json!([
            { "goto": key_link(&house) },
            { "click": "button:has-text('Open the console')" },
            { "goto": format!("{console}/providers/new/oidc") },
            { "expect": "code", "text": "/callback/oidc" },
            { "fill": "#issuer", "value": "nonsense" },
            { "fill": "#client_id", "value": "vestibule" },
            { "fill": "#client_secret", "value": "secret-of-second-0123456789" },
            { "click": "button:has-text('Save')" },
            { "expect": "#issuer-fault", "text": "issuer" },
            { "screenshot": shot("refused") },
            { "fill": "#issuer", "value": upstream.issuer() },
            { "fill": "#client_secret", "value": "secret-of-second-0123456789" },
            { "fill": "#label", "value": "Second" },
            { "click": "button:has-text('Save')" },
            { "expect": "main[data-page=console-provider] h1", "text": "Second" },
            { "click": "button:has-text('Test')" },
            { "expect": "#tested" },
            { "expect": "a:has-text('Sign in on trial')" },
            { "screenshot": shot("tested") },
            { "click": "summary:has-text('Delete')" },
            { "fill": "#name", "value": "oidc" },
            { "click": "button:has-text('Delete for good')" },
            { "expect": "[role=status]", "text": "Deleted" },
        ]),
    )
    .await;
    assert_eq!(seen["ok"], true);
}

/// The first page counts as twenty calls of a key and what renews its board as twenty more: with 34 a minute there are enough again after eleven seconds.
#[tokio::test]
async fn a_board_that_is_refused_says_so_and_asks_again_when_it_may() {
    let extra = "[limits]\nadmin_per_key = 34\n".to_owned();
    let (house, _upstream) = House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await;
    let seen = browser(
        json!({}),
        json!([
            { "goto": key_link(&house) },
            { "click": "button:has-text('Open the console')" },
            { "expect": "main[data-page=console-overview] .lately:has-text('not live just now')" },
            { "expect": ".lately:has-text('· live')" },
        ]),
    )
    .await;
    assert_eq!(seen["ok"], true);
}

/// What is built in is what its makers published: the package is pinned by its digest in `tests/bench/package-lock.json`.
#[test]
fn htmx_is_the_one_that_its_makers_published() {
    let ours = std::fs::read(project().join("crates/http/assets/htmx-2.0.11.min.js")).expect("the file that is built in");
    let theirs = std::fs::read(project().join("tests/bench/node_modules/htmx.org/dist/htmx.min.js")).expect("run tests/run once");
    assert!(ours == theirs, "the file that is built in differs from the package's");
    let package =
        std::fs::read_to_string(project().join("tests/bench/node_modules/htmx.org/package.json")).expect("the package's own file");
    assert!(package.contains("\"version\": \"2.0.11\""), "{package}");
}
