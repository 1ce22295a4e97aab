//! `vestibule config`.

mod far;

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
pub(crate) async fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { file, without_files, far, json } => match (far.at(*json)?, file) {
            (Some(at), _) => far::check(&at).await,
            (None, Some(file)) => say_checked(file, *without_files, *json),
            (None, None) => Err(Failure::Plain("it is not said which file is to be checked".into())),
        },
        ConfigCommand::Reload(act) => far::reload(act).await,
        ConfigCommand::Show { file, far, json } => {
            if let Some(at) = far.at(*json)? {
                return far::show(&at).await;
            }
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

fn say_checked(file: &Path, without_files: bool, json: bool) -> Result<(), Failure> {
    let files = if without_files { Files::TakenOnTrust } else { Files::Read };
    let checked = check(file, files);
    if json {
        let faults = checked.as_ref().err().map_or(&[][..], |faults| &faults.0);
        print::json(&Checked { ok: faults.is_empty(), faults })?;
    } else if checked.is_ok() {
        print::text(&format!("{} is good\n", file.display()))?;
    }
    checked.map_err(Failure::from)
}

/// Everything that `serve` would refuse before it opens anything.
fn check(file: &Path, files: Files) -> Result<(), Faults> {
    let layered = layers::read(Some(file), &config::environment())?;
    let config = Config::check(&layered, files)?;
    wire::check_providers(&config)?;
    wire::sinks(&config)?;
    if files == Files::Read { serve::refuse_leftovers(&config) } else { Ok(()) }
}
