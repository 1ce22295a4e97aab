//! The PostgreSQL that `tests/run` started.

use std::process::Command;

/// A new, empty database of this name; its address.
#[expect(clippy::disallowed_methods, reason = "the tests' own configuration")]
pub fn postgres_database(name: &str) -> String {
    let server = std::env::var("VESTIBULE_TEST_POSTGRES").expect("tests/run starts a PostgreSQL and says where it is");
    let (base, _) = server.rsplit_once('/').expect("an address ends in a database");
    for statement in [format!("drop database if exists {name}"), format!("create database {name}")] {
        output(Command::new("psql").arg(&server).args(["-qc", &statement]));
    }
    format!("{base}/{name}")
}

/// Everything that is in one, as an operator saves it.
pub fn postgres_dump(database: &str) -> Vec<u8> {
    output(Command::new("pg_dump").arg(database))
}

fn output(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}
