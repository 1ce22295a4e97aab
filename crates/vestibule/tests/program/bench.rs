//! What the tests lean on.
#![expect(clippy::unwrap_used, reason = "a test that cannot begin fails where it stands")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use vestibule_crypto::{SystemClock, SystemEntropy};
use vestibule_playground::PretendIssuer;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end, with no variables of ours but these.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let output = command(arguments, environment).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

/// A folder with a configuration in it.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

const GOOD: &str = r#"issuer = "https://login.example.com"
[listen]
address = "127.0.0.1:8000"
[store]
url = "sqlite:///var/lib/vestibule/vestibule.db"
[sealing]
key_file = "SEALING_KEY"
[admin]
bootstrap_key_file = "BOOTSTRAP_KEY"
[[providers]]
preset = "oidc"
id = "acme"
label = "Acme"
issuer = "https://login.acme.example"
client_id = "vestibule"
client_secret = "given-by-acme"
"#;

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }

    /// Writes a file; returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a configuration that is good but for one change; returns its path.
    pub(crate) fn config(&self, instead_of: &str, put: &str) -> String {
        assert!(GOOD.contains(instead_of), "{instead_of}");
        let sealing = self.write("sealing.key", &run(&["keygen"], &[]).out);
        let bootstrap = self.write("bootstrap.key", &run(&["keygen", "--bootstrap"], &[]).out);
        let changed = if instead_of.is_empty() { GOOD.to_owned() } else { GOOD.replacen(instead_of, put, 1) };
        self.write("vestibule.toml", &changed.replace("SEALING_KEY", &sealing).replace("BOOTSTRAP_KEY", &bootstrap))
    }
}

/// The program while it runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// What it said on standard output until it was ready.
    pub(crate) said: String,
}

impl Running {
    /// Starts it and reads what it says, up to the line that begins with `last`.
    pub(crate) fn start(arguments: &[&str], last: &str) -> Self {
        let mut child = command(arguments, &[]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        // A larger buffer would keep what comes after the line from whoever reads on.
        let mut lines = BufReader::with_capacity(1, child.stdout.as_mut().unwrap());
        while !said.lines().last().is_some_and(|line| line.starts_with(last)) {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended early: {said}");
        }
        Self { child, said }
    }

    /// Reads on, up to the next line that begins so.
    pub(crate) fn line(mut self, begin: &str) -> (Self, String) {
        let mut line = String::new();
        let mut lines = BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap());
        while !line.starts_with(begin) {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended early: {}", self.said);
        }
        (self, line)
    }

    /// Starts it; somebody else will hear when it is ready.
    pub(crate) fn begin(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self { child: command(arguments, environment).stderr(Stdio::piped()).spawn().unwrap(), said: String::new() }
    }

    /// Reads what else it says on standard output, to its end.
    pub(crate) fn rest(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for the end; returns the exit code and what it logged.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }

    /// Sends a signal, waits, and returns the exit code.
    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pretend issuer that knows us as `vestibule`, with the secret of the good configuration, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pretend {
    pub(crate) issuer: String,
    _runtime: tokio::runtime::Runtime,
}

impl Pretend {
    /// Starts it; people are sent back to `callback`.
    pub(crate) fn start(callback: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let inside = runtime.enter();
        let address = "127.0.0.1:0".parse().unwrap();
        let mut pretend = PretendIssuer::bind(address, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap();
        pretend.register("vestibule", "given-by-acme", callback);
        let issuer = pretend.issuer().to_owned();
        runtime.spawn(pretend.serve(std::future::pending()));
        drop(inside);
        Self { issuer, _runtime: runtime }
    }

    /// Chooses somebody on the page that a link leads to; where the browser is sent then.
    pub(crate) fn chosen(&self, link: &str, person: &str) -> String {
        let query = link.split_once('?').unwrap().1;
        let host = self.issuer.strip_prefix("http://").unwrap();
        let form = format!("{query}&person={person}");
        let answer = send(
            host,
            &format!(
                "POST /choose HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{form}",
                form.len()
            ),
        );
        let location = answer.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("location")));
        location.unwrap_or_else(|| panic!("{answer}")).1.to_owned()
    }
}

/// Opens an address like a browser would.
pub(crate) fn open(address: &str) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    send(host, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
}

/// The first of four ports that were free a moment ago.
pub(crate) fn four_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if first < 65_500 && (first..first + 4).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}

/// The answer to a GET, its head included.
pub(crate) fn get(port: u16, path: &str) -> String {
    open(&format!("http://127.0.0.1:{port}{path}"))
}

fn send(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
