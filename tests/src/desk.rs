//! An operator at a command line of their own, before a running gateway.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{ADMIN_KEY, House, Upstream, binary};

/// A gateway, and a key to it in a file.
#[derive(Debug)]
pub struct Desk {
    /// The gateway.
    pub house: House,
    _upstream: Upstream,
    key: PathBuf,
}

impl Desk {
    /// A new one.
    pub async fn open() -> Self {
        let (house, upstream) = House::start(Upstream::start).await;
        let key = house.folder().join("admin.key");
        std::fs::write(&key, format!("{ADMIN_KEY}\n")).expect("a file");
        Self { house, _upstream: upstream, key }
    }

    /// A command of `vestibule` that knows where the gateway is, and nothing else of this machine.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).env_clear().env("VESTIBULE_URL", &self.house.issuer).env("VESTIBULE_API_KEY_FILE", &self.key);
        command.stdin(Stdio::null());
        command
    }

    /// Runs one to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// What it says on standard output, if it did what it was told.
    pub fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said_in(&output.stderr));
        said_in(&output.stdout)
    }

    /// What it says in JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.said(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// What it says on standard error when it did not do what it was told.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}{}", said_in(&output.stdout), said_in(&output.stderr));
        said_in(&output.stderr)
    }

    /// A file beside the gateway's own.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.house.folder().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }
}

/// What a program said.
pub fn said_in(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what it says is UTF-8")
}
