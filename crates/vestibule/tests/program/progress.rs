//! Progress of long work: on a terminal, and nowhere else.

use std::process::Command;

use crate::bench::{Folder, run};

#[test]
fn a_terminal_is_shown_that_migrations_are_under_way_and_a_pipe_is_not() {
    let folder = Folder::new();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    // A terminal for a program is made by `script` of util-linux; without it there is none to look at.
    if Command::new("script").arg("--version").output().is_ok() {
        let typed = format!("{} migrate --config {config}", env!("CARGO_BIN_EXE_vestibule"));
        let seen = Command::new("script").args(["-qec", &typed, "/dev/null"]).env("TERM", "xterm").output().unwrap();
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(seen.contains("migrating"), "{seen}");
        std::fs::remove_file(format!("{}/vestibule.db", folder.path())).unwrap();
    }
    let piped = run(&["migrate", "--config", &config], &[]);
    assert!(piped.code == 0 && !piped.err.contains("migrating"), "{} {}", piped.out, piped.err);
}
