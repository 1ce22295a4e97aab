//! What the console writes for client libraries, copied out of its page and run as it is written: npm `openid-client`, and Flask with Authlib.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Stdio},
};

use serde_json::{Value, json};
use url::Url;
use vestibule_tests::{House, Person, Program, Upstream, browser, free_port, node, python};

/// Comes into the console by its one-time key, takes these steps, and gives the texts that were kept.
async fn in_the_console(house: &House, steps: &[Value]) -> Value {
    let mut all = vec![
        json!({ "goto": house.command(&["console-key"]).trim() }),
        json!({ "click": "button:has-text('Open the console')" }),
        json!({ "expect": "main[data-page=console-overview]" }),
    ];
    all.extend_from_slice(steps);
    browser(json!({}), all.into()).await["kept"].clone()
}

fn text<'a>(kept: &'a Value, name: &str) -> &'a str {
    kept[name].as_str().unwrap_or_else(|| panic!("{kept:#}"))
}

/// A running snippet of `openid-client`'s.
struct Running {
    child: Child,
    says: BufReader<ChildStdout>,
    /// Where it sends people.
    start: Url,
}

impl Running {
    fn begin(snippet: &str) -> Self {
        let mut command = node("snippet.mjs", &json!({ "text": format!("{snippet}\n") }));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node starts");
        let mut says = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        says.read_line(&mut line).expect("a line");
        let start = line.trim().strip_prefix("ready ").and_then(|url| url.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        Self { child, says, start }
    }

    fn redirect_uri(&self) -> String {
        let found = self.start.query_pairs().find(|(name, _)| name == "redirect_uri");
        found.map(|(_, value)| value.into_owned()).expect("where people come back to")
    }

    /// All that it says until it ends well.
    fn ends(mut self) -> String {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.says.read_to_string(&mut rest).expect("text");
        assert!(self.child.wait().expect("it ends").success(), "{rest}");
        rest
    }
}

#[tokio::test]
async fn what_is_written_for_an_app_with_a_secret_signs_people_in_as_it_is() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let port = free_port();
    let callback = format!("http://127.0.0.1:{port}/callback");
    let kept = in_the_console(
        &house,
        &[
            json!({ "goto": format!("{}/console/apps/new", house.issuer) }),
            json!({ "fill": "#name", "value": "Wiki" }),
            json!({ "fill": "#client_id", "value": "wiki" }),
            json!({ "fill": "#redirect_uris", "value": callback }),
            json!({ "click": "button:has-text('Create app')" }),
            json!({ "expect": "#snippet-openid-client", "keep": "openid-client" }),
            json!({ "click": "summary:has-text('Flask with Authlib')" }),
            json!({ "expect": "#snippet-authlib", "keep": "authlib" }),
            json!({ "click": "summary:has-text('Argo CD')" }),
            json!({ "expect": "details:has(#snippet-argo-cd)", "text": "one that ends in /auth/callback" }),
        ],
    )
    .await;

    let mut running = Running::begin(text(&kept, "openid-client"));
    let landed = Person::named("alice").walks(running.start.clone(), &callback).await;
    let stdin = running.child.stdin.as_mut().expect("standard input is piped");
    writeln!(stdin, "{}", landed.url).expect("it reads");
    let said = running.ends();
    assert!(said.contains("Alice Archer"), "{said}");

    let file = house.folder().join("snippet.py");
    std::fs::write(&file, text(&kept, "authlib")).expect("a file");
    let mut command = python("snippet_app.py");
    command.env("SNIPPET", &file).env("PORT", port.to_string());
    let app = Program::start(command);
    let bob = Person::named("bob");
    let start = format!("{}/login", app.url).parse().expect("an address");
    let landed = bob.walks(start, &callback).await;
    let answer = bob.http().get(landed.url).send().await.expect("the app answers");
    let (status, name) = (answer.status(), answer.text().await.expect("text"));
    assert!(status.is_success() && name.contains("Bob"), "{status}: {name}");
}

#[tokio::test]
async fn what_is_written_for_a_command_line_app_waits_at_whichever_port_is_free() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let tool = house
        .register(json!({
            "client_name": "A tool",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        }))
        .await;
    let kept = in_the_console(
        &house,
        &[
            json!({ "goto": format!("{}/console/app/{}", house.issuer, tool.client_id) }),
            json!({ "click": "summary:has-text('A command-line or native app')" }),
            json!({ "expect": "#snippet-command-line-app", "keep": "tool" }),
        ],
    )
    .await;
    let running = Running::begin(text(&kept, "tool"));
    let redirect_uri = running.redirect_uri();
    assert_ne!(redirect_uri, "http://127.0.0.1/callback");
    let person = Person::named("alice");
    let landed = person.walks(running.start.clone(), &redirect_uri).await;
    person.http().get(landed.url).send().await.expect("the tool answers");
    let said = running.ends();
    assert!(said.contains("Alice Archer"), "{said}");
}
