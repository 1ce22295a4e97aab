//! The gateway under load.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{StatusCode, header};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    Outcome,
    client::Connection,
    database::Database,
    upstream::{CLIENT_ID, CLIENT_SECRET, Upstream},
};

const ADMIN_KEY: &str = "load-bootstrap-key-0123456789abcdefghijkl";

/// What every gateway of a run has in common.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) binary: PathBuf,
    pub(crate) upstream: Upstream,
    /// The server that their databases are on; without one each has a file.
    pub(crate) server: Option<String>,
}

/// A gateway that can be started and stopped.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) authority: String,
    pub(crate) ops: String,
    pub(crate) database: Database,
    binary: PathBuf,
    folder: TempDir,
    child: Option<Child>,
    pinned: bool,
}

/// The apps of the load: one a signing algorithm.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) rs256: App,
    pub(crate) es256: App,
}

/// A confidential app.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) basic: String,
}

/// Where codes are sent.
pub(crate) const CALLBACK: &str = "https://app.example.com/callback";

impl House {
    /// With more configuration than the usual, as TOML.
    pub(crate) async fn prepare(site: &Site, extra: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let database = Database::prepare(site.server.as_deref(), folder.path()).await?;
        let (port, ops) = (free_port()?, free_port()?);
        let issuer = format!("http://127.0.0.1:{port}");
        let config = format!(
            r#"issuer = "{issuer}"
[listen]
address = "127.0.0.1:{port}"
[ops]
address = "127.0.0.1:{ops}"
[store]
url = "{database}"
[sealing]
key = "6b1f0c58a1c94e0e9d3f27b4a85d71f2c40e6a9b8d3c5f17e2a4960bd8317c5e"
[admin]
bootstrap_key = "{ADMIN_KEY}"
[limits]
authorize_per_address = 0
token_per_address = 0
token_per_client = 0
sign_ins_per_account = 0
admin_per_key = 0
{extra}[egress]
allow = ["{upstream_authority}"]
[[providers]]
preset = "oidc"
id = "load"
label = "Load"
issuer = "{upstream_issuer}"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
userinfo = false
"#,
            database = database.url(),
            upstream_authority = site.upstream.issuer.trim_start_matches("http://"),
            upstream_issuer = site.upstream.issuer,
        );
        std::fs::write(folder.path().join("vestibule.toml"), config)?;
        // Where there is only one core, this is refused. How many this process may use says nothing once it has been pinned.
        let pinned = pin(std::process::id(), 1);
        let authority = format!("127.0.0.1:{port}");
        Ok(Self { authority, ops: format!("127.0.0.1:{ops}"), database, binary: site.binary.clone(), folder, child: None, pinned })
    }

    /// Runs a command of the binary's with this gateway's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Outcome<()> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--config").arg(self.configuration()).stdin(Stdio::null()).stdout(Stdio::null());
        if command.status()?.success() { Ok(()) } else { Err(format!("`{}` failed", arguments.join(" ")).into()) }
    }

    /// Its log lines are written as anywhere, but not between the rows of a table.
    fn log(&self) -> PathBuf {
        self.folder.path().join("vestibule.log")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("vestibule.toml")
    }

    /// Starts it; returns how long it took until it was ready.
    pub(crate) async fn start(&mut self) -> Outcome<Duration> {
        let mut command = if self.pinned { Command::new("taskset") } else { Command::new(&self.binary) };
        if self.pinned {
            command.args(["-c", "0"]).arg(&self.binary);
        }
        command.args(["serve", "--config"]).arg(self.configuration()).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::options().create(true).append(true).open(self.log())?);
        let began = Instant::now();
        self.child = Some(command.spawn().map_err(|error| format!("{}: {error}", self.binary.display()))?);
        loop {
            if let Ok(mut connection) = Connection::open(&self.ops).await
                && connection.get("/readyz", &[]).await.is_ok_and(|answer| answer.status == StatusCode::OK)
            {
                return Ok(began.elapsed());
            }
            if began.elapsed() > Duration::from_secs(30) {
                return Err(format!("the gateway does not get ready; it says:\n{}", std::fs::read_to_string(self.log())?).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until the chain has all audit events: what it was asked for leaves nothing to do any more.
    pub(crate) async fn sealed(&self) -> Outcome<()> {
        let bearer = operator();
        let mut connection = Connection::open(&self.authority).await?;
        let (mut least, mut fell) = (u64::MAX, Instant::now());
        loop {
            let asked = Instant::now();
            let answer = connection.get("/api/v1/audit-chain", &[(header::AUTHORIZATION, &bearer)]).await?.expect(StatusCode::OK)?;
            let told: serde_json::Value = serde_json::from_slice(&answer.body)?;
            let unsealed = told["unsealed"].as_u64().ok_or("the chain does not say what waits")?;
            if unsealed == 0 {
                return Ok(());
            }
            if unsealed < least {
                (least, fell) = (unsealed, Instant::now());
            }
            if fell.elapsed() > Duration::from_secs(30) {
                return Err(format!("{unsealed} audit events wait to be sealed, and nothing seals them").into());
            }
            // To count what waits takes time where that is much; not more than a tenth of it.
            tokio::time::sleep(Duration::from_millis(20) + asked.elapsed() * 10).await;
        }
    }

    /// Stops it, and leaves no database behind.
    pub(crate) async fn leave(mut self) -> Outcome<()> {
        self.stop().await?;
        self.database.remove().await
    }

    pub(crate) async fn stop(&mut self) -> Outcome<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        let began = Instant::now();
        while child.try_wait()?.is_none() {
            if began.elapsed() > Duration::from_secs(30) {
                child.kill()?;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Whether it has a core that the load has not.
    pub(crate) fn is_apart(&self) -> bool {
        self.pinned
    }

    pub(crate) fn pinning(&self) -> &'static str {
        if self.pinned { "the gateway to core 0, the load to core 1" } else { "no; both share what there is" }
    }

    /// What it holds for itself, and with the parts of its file that lie in memory.
    pub(crate) fn memory(&self) -> Outcome<String> {
        Ok(format!("{:.1} MB of its own, {:.1} MB resident", self.status("RssAnon:")?, self.status("VmRSS:")?))
    }

    /// How long its threads have had a processor so far.
    pub(crate) fn processor(&self) -> Outcome<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.id()?))? {
            // One that has just ended says nothing any more.
            let Ok(said) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanos += said.split(' ').next().ok_or("the kernel does not say")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    fn id(&self) -> Outcome<u32> {
        Ok(self.child.as_ref().ok_or("the gateway does not run")?.id())
    }

    fn status(&self, name: &str) -> Outcome<f64> {
        let id = self.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("the kernel does not say")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
    }

    pub(crate) async fn register_clients(&self) -> Outcome<Clients> {
        Ok(Clients { rs256: self.register("RS256").await?, es256: self.register("ES256").await? })
    }

    async fn register(&self, alg: &str) -> Outcome<App> {
        let body = json!({
            "client_name": alg,
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": "openid profile email api",
            "id_token_signed_response_alg": alg,
            "access_token_signed_response_alg": alg,
        });
        let bearer = operator();
        let mut connection = Connection::open(&self.authority).await?;
        let answer = connection.post_json("/api/v1/clients", &[(header::AUTHORIZATION, &bearer)], Bytes::from(body.to_string())).await?;
        let answer = answer.expect(StatusCode::CREATED)?;
        let (id, secret) = (answer.json("client_id")?, answer.json("client_secret")?);
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{id}:{secret}"));
        Ok(App { id, basic: format!("Basic {basic}") })
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What who may do everything at the admin API says.
pub(crate) fn operator() -> String {
    format!("Bearer {ADMIN_KEY}")
}

fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn pin(process: u32, core: usize) -> bool {
    let pinned =
        Command::new("taskset").args(["-cp", &core.to_string(), &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    pinned.is_ok_and(|pinned| pinned.success())
}
