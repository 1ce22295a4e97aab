//! What is asked of an audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use vestibule_domain::{
    audit::{EventName, form::Form},
    ids::{AccountId, ClientId, LoginId},
};

use super::{At, AuditList, Named, OfGateway, Sure};
use crate::{audit::Moment, config::meant};

const VERIFYING: &str = "\
An export needs nothing but itself and the key, which `vestibule audit key`
prints: keep that, and the file of `[audit] checkpoint_file`, away from the
gateway. Whoever owns the database can make another log, and can end it sooner;
they can't sign it, nor change what you kept.";

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the latest events
    Tail(TailOptions),
    /// List events of a running gateway, newest first, from wherever you are
    List(Box<AuditList>),
    /// Write events, oldest first
    Export(ExportOptions),
    /// Say whether an export, or the log in the database, is what was sealed, and name the first event that is not
    #[command(after_help = VERIFYING)]
    Verify(VerifyOptions),
    /// Show one event of a running gateway, whole
    Show(Named),
    /// Show how far the log of a running gateway is proven: the key, the head of the chain, the last checkpoint
    Chain(At),
    /// Print the public key that checkpoints are checked with
    Key(KeyOptions),
    /// Show the places that events are sent on to: how far each has come, and what keeps it
    Sinks(OfGateway),
    /// Say what of what was recorded is unusual by the rules of a configuration, and change nothing
    Detect(DetectOptions),
    /// Print the JSON Schema of the records
    Schema,
    /// Erase a person, at their request: profile, ways in, and from where they did what; the log stays provable
    Erase(EraseOptions),
}

#[derive(Debug, Args)]
pub(crate) struct DetectOptions {
    #[command(flatten)]
    pub(crate) of: OfGateway,
    /// What was found from then on: 2026-11-24, 2026-11-24T10:00:00Z, or how long ago, as 30d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Moment,
}

#[derive(Debug, Args)]
pub(crate) struct EraseOptions {
    /// Which
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: AccountId,
    /// The configuration file of the gateway
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
    pub(crate) config: PathBuf,
    #[command(flatten)]
    pub(crate) sure: Sure,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[group(id = "verified", required = true, multiple = true)]
pub(crate) struct VerifyOptions {
    /// An export, as `audit export --format jsonl` writes it; without one, the log in the database
    #[arg(value_name = "EXPORT", requires = "key", conflicts_with_all = ["config", "data"], group = "verified")]
    pub(crate) export: Option<PathBuf>,
    /// The public key, or a file that has it; of a database, the key in it is believed if you name none
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// A file of checkpoints that was kept elsewhere: what is verified must reach as far as they do
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// The configuration file of the gateway
    #[arg(long, value_name = "FILE", group = "verified", conflicts_with = "data")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory of `vestibule dev`
    #[arg(long, value_name = "DIR", group = "verified")]
    pub(crate) data: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the audit log lies.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Place {
    /// The configuration file of the gateway
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory of `vestibule dev`
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Which events.
#[derive(Debug, Default, Args)]
pub(crate) struct Filter {
    /// Only of this client
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<ClientId>,
    /// Only of this account
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// Only of the login of this id
    #[arg(long, value_name = "ID")]
    pub(crate) login: Option<LoginId>,
    /// Only of this kind, as login.failed
    #[arg(long, value_name = "NAME", value_parser = event_name)]
    pub(crate) event: Option<EventName>,
}

#[derive(Debug, Args)]
pub(crate) struct TailOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// How many events
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) lines: usize,
    /// Go on with new events as they come
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    /// In which form; only jsonl can be verified
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Only from then on: 2026-11-24, 2026-11-24T10:00:00Z, or how long ago, as 2h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Only until then, exclusive
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Into this file instead of standard output; there is nothing in its place until all is written
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line
    Jsonl,
    /// A table with a heading; cells that a spreadsheet would compute begin with '
    Csv,
    /// One event of the Open Cybersecurity Schema Framework (OCSF) a line
    Ocsf,
    /// One event of the Elastic Common Schema (ECS) a line
    Ecs,
}

impl Format {
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::Jsonl => Form::Jsonl,
            Self::Csv => Form::Csv,
            Self::Ocsf => Form::Ocsf,
            Self::Ecs => Form::Ecs,
        }
    }
}

fn event_name(text: &str) -> Result<EventName, String> {
    text.parse().map_err(|()| {
        let names: Vec<_> = EventName::ALL.iter().map(|name| name.as_str()).collect();
        let near = meant(text, &names).map(|near| format!("did you mean {near}?"));
        near.unwrap_or_else(|| format!("it is none of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_the_name_of_an_event_leads_to_one_name_and_anything_else_to_all() {
        assert_eq!(event_name("login.suceeded"), Err("did you mean login.succeeded?".to_owned()));
        assert_eq!(event_name("login.succeeded"), Ok(EventName::LoginSucceeded));
        let all = event_name("zzz").unwrap_err();
        assert!(all.starts_with("it is none of ") && all.contains("login.succeeded") && all.contains("config.reloaded"), "{all}");
    }
}
