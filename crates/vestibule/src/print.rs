//! Standard output: answers and nothing else. Logs and progress go to standard error.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::Command;
use clap_complete::Shell;

use crate::failure::Failure;

/// Prints a text as it is.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Prints a value as JSON for people, a new line after it.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let shown = serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
    text(&format!("{shown}\n"))
}

/// The completion script of a shell.
pub(crate) fn completions(shell: Shell, command: &mut Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "vestibule", &mut script);
    text(&String::from_utf8_lossy(&script))
}

/// The manual page, in roff.
pub(crate) fn man(command: Command) -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(Failure::Output)?;
    text(&String::from_utf8_lossy(&page))
}

/// The same for each command, as files.
pub(crate) fn man_pages(command: Command, folder: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::io(format!("{} can't be written", folder.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)
}
