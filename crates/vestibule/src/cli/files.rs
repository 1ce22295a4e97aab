//! What files say, done at a running gateway.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::remote::{At, Past, Sure};

#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    /// A file that describes apps, or a folder of such files, in TOML, JSON or YAML; may be repeated
    #[arg(short = 'f', long = "file", value_name = "PATH", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What this set of files is called; whatever it describes is kept by it, and by no other
    #[arg(long, value_name = "NAME", default_value = "files")]
    pub(crate) managed_by: String,
    /// Delete what this set of files kept and describes no more
    #[arg(long)]
    pub(crate) prune: bool,
    /// How many things --prune removes: it has to be said where that is more than half of what this set of files kept
    #[arg(long, value_name = "COUNT", requires = "prune")]
    pub(crate) removals: Option<usize>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// With --dry-run, end with exit code 3 if anything would be done
    #[arg(long, requires = "dry_run")]
    pub(crate) detailed_exitcode: bool,
    /// Write each new secret into a file of this folder, for its owner alone, instead of showing it
    #[arg(long, value_name = "DIR")]
    pub(crate) secrets_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) past: Past,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    /// What wrote the file
    #[arg(value_name = "FORMAT")]
    pub(crate) format: Foreign,
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this client of the file; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Say what would become of each client, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write each new secret into a file of this folder, for its owner alone, instead of showing it
    #[arg(long, value_name = "DIR")]
    pub(crate) secrets_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Programs whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// A configuration of Dex with staticClients, in YAML
    Dex,
    /// An export of a realm of Keycloak, or of one client, in JSON
    Keycloak,
    /// Clients of Ory Hydra, one or a list, in JSON
    Hydra,
    /// A configuration of oauth2-proxy
    #[value(name = "oauth2-proxy")]
    Oauth2Proxy,
}
