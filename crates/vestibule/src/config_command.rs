//! `vestibule config`.

use std::path::Path;

use serde::Serialize;

use crate::{
    cli::ConfigCommand,
    config::{
        self, Config, Files,
        fault::{Fault, Faults},
        layers, schema, show,
    },
    failure::Failure,
    print, serve, wire,
};

/// The answer of `config check --json`.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    ok: bool,
    faults: &'a [Fault],
}

/// Runs one of them.
pub(crate) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { file, without_files, json } => {
            let files = if *without_files { Files::TakenOnTrust } else { Files::Read };
            let checked = check(file, files);
            if *json {
                let faults = checked.as_ref().err().map_or(&[][..], |faults| &faults.0);
                print::json(&Checked { ok: faults.is_empty(), faults })?;
            } else if checked.is_ok() {
                print::text(&format!("{} is good\n", file.display()))?;
            }
            checked.map_err(Failure::from)
        }
        ConfigCommand::Show { file, json } => {
            let layered = layers::read(file.as_deref(), &config::environment())?;
            for fault in layered.sources.iter().filter_map(|source| source.fault.as_ref()) {
                eprintln!("warning: {fault}");
            }
            let shown = show::shown(&layered);
            if *json { print::json(&shown) } else { print::text(&show::text(&shown)) }
        }
        ConfigCommand::Schema => print::text(&schema::schema_text()),
    }
}

/// Everything that `serve` would refuse before it opens anything.
fn check(file: &Path, files: Files) -> Result<(), Faults> {
    let layered = layers::read(Some(file), &config::environment())?;
    let config = Config::check(&layered, files)?;
    wire::check_providers(&config)?;
    wire::sinks(&config)?;
    if files == Files::Read { serve::refuse_leftovers(&config) } else { Ok(()) }
}
