//! `vestibule serve` as an operator starts it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Upstream, free_port, person::plain_client, project};

/// The sealing key of every house here.
pub const SEALING_KEY: &str = "6b1f0c58a1c94e0e9d3f27b4a85d71f2c40e6a9b8d3c5f17e2a4960bd8317c5e";
/// The bootstrap key of its admin API.
pub const ADMIN_KEY: &str = "bootstrap-Zk3nQ0yW7rT5uX9aB2cD4eF6gH8jK1mN";

/// How a house differs from the plain one.
#[derive(Debug, Default)]
pub struct HouseOptions {
    /// The database, when it is not a new SQLite file.
    pub store_url: Option<String>,
    /// More configuration, as TOML.
    pub extra: String,
    /// More lines of its section `admin`.
    pub admin: String,
    /// What it calls itself instead of where it answers.
    pub issuer: Option<String>,
    /// The host of its own name: `127.0.0.1` unless another name of this machine is wanted. Browsers take `localhost` for another site.
    pub host: Option<&'static str>,
}

/// The providers around a house.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// Their sections of the configuration.
    providers: Vec<String>,
    /// Where they are, as host and port.
    allowed: Vec<String>,
    /// How they are reached, as lines of TOML.
    reached: Vec<String>,
}

impl Neighbours {
    /// With a provider more: its section of the configuration without the header, and the addresses that it needs.
    #[must_use]
    pub fn with(mut self, section: &str, urls: &[&str]) -> Self {
        self.providers.push(format!("[[providers]]\n{section}\n"));
        self.allowed.extend(urls.iter().map(|url| url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned()));
        self
    }

    /// Reached in this way: a line of the configuration's section `egress`.
    #[must_use]
    pub fn reached(mut self, line: &str) -> Self {
        self.reached.push(format!("{line}\n"));
        self
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct House {
    /// Its issuer name, where it answers too.
    pub issuer: String,
    /// Where this very node answers.
    own: String,
    /// Where `/metrics` answers.
    pub ops: String,
    folder: TempDir,
    child: Option<Child>,
}

/// A registered client app.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct Client {
    pub client_id: String,
    pub client_secret: String,
}

impl House {
    /// Starts a gateway on a new SQLite file with `upstream` as its provider `acme`.
    pub async fn start(with_upstream: impl FnOnce(&str) -> Upstream) -> (Self, Upstream) {
        Self::start_with(HouseOptions::default(), with_upstream).await
    }

    /// The same with options.
    pub async fn start_with(options: HouseOptions, with_upstream: impl FnOnce(&str) -> Upstream) -> (Self, Upstream) {
        let acme = async |gateway: &str| {
            let upstream = with_upstream(gateway);
            (Neighbours::default().with(&upstream.section("acme", ""), &[upstream.issuer()]), upstream)
        };
        Self::start_among(options, acme).await
    }

    /// Starts a gateway among providers that want to know its issuer name before.
    pub async fn start_among<T>(options: HouseOptions, neighbours: impl AsyncFnOnce(&str) -> (Neighbours, T)) -> (Self, T) {
        let folder = tempfile::tempdir().expect("a folder for the house");
        let (port, ops) = (free_port(), free_port());
        let own = format!("http://{}:{port}", options.host.unwrap_or("127.0.0.1"));
        let issuer = options.issuer.unwrap_or_else(|| own.clone());
        let (Neighbours { providers, allowed, reached }, others) = neighbours(&issuer).await;
        let store = options.store_url.unwrap_or_else(|| format!("sqlite://{}/vestibule.db", folder.path().display()));
        let config = format!(
            r#"issuer = "{issuer}"
[listen]
address = "127.0.0.1:{port}"
[ops]
address = "127.0.0.1:{ops}"
[store]
url = "{store}"
[sealing]
key = "{SEALING_KEY}"
[admin]
bootstrap_key = "{ADMIN_KEY}"
{admin}
[log]
format = "json"
filter = "debug"
[egress]
allow = {allowed:?}
{reached}{providers}{extra}
"#,
            reached = reached.concat(),
            providers = providers.concat(),
            extra = options.extra,
            admin = options.admin,
        );
        std::fs::write(folder.path().join("vestibule.toml"), config).expect("the configuration can be written");
        let mut house = Self { issuer, own, ops: format!("http://127.0.0.1:{ops}"), folder, child: None };
        house.resume().await;
        (house, others)
    }

    /// Starts the program on what is there, and waits until it is ready.
    pub async fn resume(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a file for the log");
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(self.folder.path().join("vestibule.toml"));
        command.stdout(log.try_clone().expect("one file, two names")).stderr(log).stdin(Stdio::null());
        self.child = Some(command.spawn().expect("the vestibule binary starts"));
        let began = Instant::now();
        while !self.is_ready().await {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(30), "not ready: {ended:?}\n{}", self.log_text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        plain_client().get(format!("{}/readyz", self.ops)).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the gateway can be killed");
            child.wait().expect("the gateway was there");
        }
    }

    /// Sends SIGTERM and waits for the end; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let told = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        assert!(told.is_ok_and(|told| told.success()), "the gateway can be told to stop");
        child.wait().ok()?.code()
    }

    /// Sends SIGHUP: it reads its configuration again.
    pub fn hang_up(&self) {
        let told = Command::new("kill").arg("-HUP").arg(self.process_id().to_string()).status();
        assert!(told.is_ok_and(|told| told.success()), "the gateway can be told to read its configuration");
    }

    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().expect("the gateway runs").id()
    }

    /// Everything the program printed so far.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Where its data lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it counted, as Prometheus text.
    pub async fn metrics(&self) -> String {
        let answer = plain_client().get(format!("{}/metrics", self.ops)).send().await.expect("the operators' listener answers");
        answer.text().await.expect("metrics are text")
    }

    /// Registers a client through the admin API.
    pub async fn register(&self, registration: Value) -> Client {
        let answer = plain_client().post(format!("{}/api/v1/clients", self.issuer)).bearer_auth(ADMIN_KEY).json(&registration).send().await;
        let answer = answer.expect("the admin API answers");
        let status = answer.status();
        let body: Value = answer.json().await.expect("the admin API answers with JSON");
        assert_eq!(status, StatusCode::CREATED, "{body:#}");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Client { client_id: text("client_id"), client_secret: text("client_secret") }
    }

    /// Registers a confidential app that people sign in to.
    pub async fn register_app(&self, redirect_uri: &str) -> Client {
        self.register(json!({
            "client_name": "The app",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": "openid profile email groups offline_access api",
        }))
        .await
    }

    /// A POST of a client to this very node, under the name it shares with others.
    pub async fn post_as_named(&self, client: &Client, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let name = self.issuer.trim_start_matches("http://");
        let request = plain_client().post(format!("{}{path}", self.own)).header("host", name);
        let request = request.basic_auth(&client.client_id, Some(&client.client_secret));
        let answer = request.form(form).send().await.expect("the node answers");
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    /// What a browser's console says of our own pages.
    pub fn complaints<'a>(&self, seen: &'a Value) -> Vec<&'a str> {
        let lines = seen["console"].as_array().expect("a list").iter().filter_map(Value::as_str);
        lines.filter(|line| line.contains(&self.issuer)).collect()
    }

    /// Every audit event, as `vestibule audit export` writes it.
    pub fn audit(&self) -> Vec<Value> {
        let text = self.command(&["audit", "export", "--format", "jsonl"]);
        let lines = text.lines().map(|line| -> Value { serde_json::from_str(line).expect("each line is JSON") });
        lines.filter(|line| line.get("checkpoint").is_none()).collect()
    }
}

impl House {
    /// What a command of `vestibule` says of this house.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary());
        command.args(arguments).arg("--config").arg(self.folder.path().join("vestibule.toml"));
        let output = command.output().expect("the vestibule binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("what it says is UTF-8")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log_text();
            let from = log.len().saturating_sub(6_000);
            eprintln!("the end of the gateway's log:\n{}", log.get(from..).unwrap_or(&log));
        }
    }
}

/// The binary under test: what `tests/run` built, or what lies where cargo puts it.
#[expect(clippy::disallowed_methods, reason = "the tests' own configuration")]
pub fn binary() -> PathBuf {
    std::env::var("VESTIBULE_BIN").map_or_else(|_| project().join("target/debug/vestibule"), |path| project().join(path))
}
