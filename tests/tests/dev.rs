//! `vestibule dev`, as a newcomer meets it: one command, a link, a person to be, tokens to look at.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_tests::{binary, browser, free_port, screenshots};

/// A running `vestibule dev`.
struct Dev {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Dev {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (child, port) = started(folder.path());
        Self { child, folder, port }
    }

    /// Ends it with Ctrl-C; its exit code.
    fn interrupt(&mut self) -> Option<i32> {
        let told = Command::new("kill").arg("-INT").arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|told| told.success()));
        self.child.wait().expect("it was there").code()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("printed")).unwrap_or_default()
    }

    fn demo(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port + 2)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Four ports in a row are wanted; when somebody has one of them, another four are tried.
fn started(folder: &Path) -> (Child, u16) {
    for _ in 0..10 {
        let port = free_port().min(65_000);
        let printed = File::create(folder.join("printed")).expect("a file");
        let mut command = Command::new(binary());
        command.args(["dev", "--port", &port.to_string(), "--data"]).arg(folder.join("data"));
        command.stdin(Stdio::null()).stdout(printed.try_clone().expect("one file, two names")).stderr(printed);
        let mut child = command.spawn().expect("the binary starts");
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(folder.join("printed")).unwrap_or_default();
            if text.contains("Ctrl-C ends it") {
                return (child, port);
            }
            if child.try_wait().expect("a child").is_some() {
                assert!(text.contains("is taken"), "{text}");
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("no four free ports in a row")
}

#[tokio::test]
async fn a_newcomer_clicks_the_printed_link_and_tries_everything() {
    let mut dev = Dev::start();
    let printed = dev.printed();
    assert!(printed.contains(dev.demo().trim_end_matches('/')), "{printed}");
    let shot = |name: &str| screenshots().join(format!("dev-{name}.png"));
    let seen = browser(
        json!({}),
        json!([
            { "goto": dev.demo() },
            { "screenshot": shot("welcome") },
            { "click": "button:has-text('Sign in')" },
            { "click": "[data-provider]", "optional": true },
            { "expect": "main[data-page=issuer-choose]" },
            { "screenshot": shot("choose") },
            { "click": "button:has-text('Alice')" },
            { "expect": "main[data-page=demo-signed-in] h1", "text": "Alice" },
            { "screenshot": shot("signed-in") },
            { "axe": "demo" },
            { "click": "button:has-text('Call userinfo')" },
            { "expect": "details[open] summary", "text": "fine" },
            { "click": "button:text-is('Refresh')" },
            { "expect": "details[open] summary", "text": "fine" },
            { "click": "button:has-text('Introspect access token')" },
            { "expect": "details[open] pre >> nth=1", "text": "\"active\": true" },
            { "click": "button:has-text('Sign in silently')" },
            { "expect": "main[data-page=demo-signed-in]" },
            { "click": "button:has-text('Revoke refresh token')" },
            { "click": "button:has-text('Call userinfo')" },
            { "expect": "details[open] summary", "text": "failed" },
            { "click": "button:has-text('Sign out everywhere')" },
            { "expect": "main[data-page=demo-signed-out]" },
            { "screenshot": shot("signed-out") },
        ]),
    )
    .await;
    assert_eq!(seen["axe"]["demo"], json!([]), "{seen:#}");

    let audit = Command::new(binary()).args(["audit", "export", "--format", "jsonl", "--data"]).arg(dev.data()).output().expect("it runs");
    let audit = String::from_utf8(audit.stdout).expect("UTF-8");
    for name in ["login.succeeded", "login.silent", "token.refreshed", "token.revoked", "session.ended"] {
        assert!(audit.contains(&format!("\"{name}\"")), "{name}: {audit}");
    }
    let metrics = reqwest::get(format!("http://127.0.0.1:{}/metrics", dev.port + 3)).await.expect("it answers").text().await.expect("text");
    for name in ["vestibule_login_total", "vestibule_store_size_bytes", "vestibule_signing_key_age_seconds", "vestibule_sessions_active"] {
        assert!(metrics.contains(&format!("\n{name}")), "what is told in service is told here too: {name}: {metrics}");
    }
    assert_eq!(dev.interrupt(), Some(0), "Ctrl-C ends it in order: {}", dev.printed());
}

#[tokio::test]
async fn without_javascript_in_the_dark_on_a_phone_every_person_gets_what_is_theirs() {
    let dev = Dev::start();
    let shot = |name: &str| screenshots().join(format!("dev-dark-{name}.png"));
    let screen = json!({ "scheme": "dark", "width": 390, "height": 844, "javascript": false });
    for (person, expected) in [("Bob", "\"email_verified\": false"), ("Carol", "\"name\": \"Carol Cook\"")] {
        let seen = browser(
            screen.clone(),
            json!([
                { "goto": dev.demo() },
                { "click": "button:has-text('Sign in')" },
                { "click": "[data-provider]", "optional": true },
                { "click": format!("button:has-text('{person}')") },
                { "expect": "details:has-text('ID token') pre", "text": expected, "keep": "claims" },
                { "screenshot": shot(person) },
            ]),
        )
        .await;
        let claims = seen["kept"]["claims"].as_str().unwrap_or_default();
        let has_address = serde_json::from_str::<Value>(claims).expect("claims are JSON")["email"].is_string();
        assert_eq!(has_address, person == "Bob", "{claims}");
    }
    browser(
        screen,
        json!([
            { "goto": dev.demo() },
            { "click": "button:has-text('Sign in')" },
            { "click": "[data-provider]", "optional": true },
            { "click": "button:has-text('Refuse')" },
            { "expect": "main[data-code=person_declined]" },
            { "screenshot": shot("declined") },
            { "click": "a.button" },
            { "expect": "main[data-page=demo-trouble]", "text": "access_denied" },
        ]),
    )
    .await;
}
