//! Programs of others, started and asked.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde_json::Value;

/// A program that runs until it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Where it answers, as it said itself.
    pub url: String,
}

impl Program {
    /// Starts a program that prints `ready URL` when it answers.
    pub fn start(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{shown}: {error}; run tests/run once"));
        let output = child.stdout.take().expect("standard output is piped");
        let (say, hear) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads on to the end, so that the program never blocks on a full pipe.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("ready ") {
                    let _ = say.send(url.to_owned());
                }
            }
        });
        let url = hear.recv_timeout(Duration::from_mins(1));
        let url = url.unwrap_or_else(|_| panic!("{shown} did not get ready; run tests/run once"));
        Self { child, url }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of the project that match one of these patterns of git's.
pub fn tracked(patterns: &[&str]) -> Vec<String> {
    let output = Command::new("git").arg("ls-files").args(patterns).current_dir(project()).output().expect("git runs");
    let found: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert!(output.status.success() && !found.is_empty(), "{patterns:?}: {}", String::from_utf8_lossy(&output.stderr));
    found
}

/// The top of the project.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}

/// Node.js with a script of `tests/bench`.
pub fn node(script: &str, argument: &Value) -> Command {
    let mut command = Command::new("node");
    command.arg(project().join("tests/bench").join(script)).arg(argument.to_string());
    command
}

/// The same by a Node.js of version 24 or newer: the system's, or the one that comes with the packages of `tests/bench`.
pub fn modern_node(script: &str, argument: &Value) -> Command {
    let bundled = ["x64", "arm64"].map(|arch| project().join(format!("tests/bench/node_modules/node-linux-{arch}/bin/node")));
    let mut command = Command::new(bundled.into_iter().find(|path| path.exists()).unwrap_or_else(|| "node".into()));
    command.arg(project().join("tests/bench").join(script)).arg(argument.to_string());
    command
}

/// The Python of the tests, with a script of `tests/bench`.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(project().join("tests/.bench/venv/bin/python"));
    command.arg(project().join("tests/bench").join(script));
    command
}

/// The Python that has the libraries of old tutorials, with a script of `tests/bench`.
pub fn old_python(script: &str) -> Command {
    let mut command = Command::new(project().join("tests/.bench/venv-oauthlib/bin/python"));
    command.arg(project().join("tests/bench").join(script));
    command
}

/// The Python that has what reads OpenAPI documents: a program of it, or `python` with a script of `tests/bench`.
pub fn openapi_tool(program: &str) -> Command {
    Command::new(project().join("tests/.bench/venv-openapi/bin").join(program))
}

/// One run of the browser through `steps` (`tests/bench/browser.mjs` says what it can); panics with what it saw when a step fails.
pub async fn browser(screen: Value, steps: Value) -> Value {
    let command = node("browser.mjs", &serde_json::json!({ "screen": screen, "steps": steps }));
    let seen = output_of(command).await;
    assert_eq!(seen["ok"], true, "{seen:#}");
    seen
}

/// One act of the client library `openid-client`; its own error when it finds something wrong.
pub async fn openid_client(request: Value) -> Value {
    client_library("openid_client.mjs", request).await
}

/// One act of a client library by a script of `tests/bench`.
pub async fn client_library(script: &str, request: Value) -> Value {
    output_of(node(script, &request)).await
}

async fn output_of(command: Command) -> Value {
    let shown = format!("{command:?}");
    let output = tokio::process::Command::from(command).output().await.unwrap_or_else(|error| panic!("{shown}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{shown}: {error}: {text} {}", String::from_utf8_lossy(&output.stderr)))
}

/// A port that is free, and that nobody is given by chance before it is used.
///
/// A gateway must know its port before it starts, so the port can't be held until then. The system gives outgoing connections, and whoever asks
/// for any port, one of its ephemeral range; ports below that range are taken on purpose only. Each test process has a stretch of them for
/// itself, by its number.
pub fn free_port() -> u16 {
    const LOWEST: u32 = 10_000;
    const STRETCH: u32 = 16;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let width = ephemeral_ports_begin().saturating_sub(LOWEST);
    for _ in 0..width {
        let port = LOWEST + (std::process::id().wrapping_mul(STRETCH).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % width;
        let port = u16::try_from(port).expect("it lies below the ephemeral range");
        if is_free(port) {
            return port;
        }
    }
    // Where the system gives out nearly every port there is no better one.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener.local_addr().expect("a bound listener has an address").port()
}

fn ephemeral_ports_begin() -> u32 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    // Where nobody says, the range that IANA set aside (RFC 6335 section 6).
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(49_152)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Where screenshots of a run are kept, to be looked at.
pub fn screenshots() -> PathBuf {
    let folder = project().join("tests/.bench/screenshots");
    std::fs::create_dir_all(&folder).expect("the folder for screenshots can be made");
    folder
}
