//! The command line.

mod audit;
mod files;
mod place;
mod remote;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;
use vestibule_domain::{
    client::SigningAlg,
    ids::{ClientId, ProviderId},
    operator::AdminScope,
};

pub(crate) use self::{
    audit::{AuditCommand, DetectOptions, EraseOptions, ExportOptions, Filter, KeyOptions, Place, TailOptions, VerifyOptions},
    files::{ApplyOptions, Foreign, ImportOptions},
    place::{Either, Far, Seat},
    remote::{
        AccountCommand, Act, ApiKeyCommand, ApiKeyCreate, ApiKeyUpdate, At, AuditList, ClientCommand, ClientCreate, ConsentCommand, Delete,
        DeleteKept, Enable, Forget, GrantCommand, Named, OfAccount, OfAnybody, ProviderCreate, ProviderSettings, ProviderUpdate,
        RegistrationTokenCommand, SecretAdd, SecretCommand, SecretRevoke, SecretTo, SessionCommand, StatsOptions, Sure, TokenCreate,
        Unlink, Update,
    },
};
use crate::audit::Moment;

const EXIT_CODES: &str = "\
Exit codes:
  0  it was done
  1  it was not, and standard error says why
  2  the command line was not understood";

const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0  nothing fails, though there may be warnings
  1  something does
  2  the command line was not understood";

const ENVIRONMENT: &str = "\
Every setting can come from the environment too: VESTIBULE__SECTION__KEY, as
VESTIBULE__LISTEN__ADDRESS; a secret as the path of a file, as
VESTIBULE__SEALING__KEY_FILE. `vestibule config show` says what holds and why.";

const DRAFTS: &str = "\
A draft has what would be written differently, and nothing else:

  [[providers]]
  id = \"acme\"
  entry = { email_domains = [\"corp.example\"] }

  [[clients]]
  client_id = \"grafana\"
  entry = { groups = [\"eng-*\"] }

Settings of a provider replace its present ones, name by name; a client's entry
replaces its present one.";

const APPLY: &str = "\
A file is one app, called as the file is unless it has a client_id, in the fields
of the admin API:

  client_name = \"Grafana\"
  redirect_uris = [\"https://grafana.example.com/login/generic_oauth\"]

Exit codes:
  0  the gateway is as the files say, or with --dry-run: the plan holds
  1  it is not, and standard error says why
  2  the command line was not understood
  3  with --dry-run --detailed-exitcode: something would change";

/// One sign-in for all your apps: an OpenID Provider in front of many identity providers.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    #[command(after_help = ENVIRONMENT)]
    Serve {
        /// The configuration file
        #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
        config: PathBuf,
    },
    /// Try everything on this machine: a gateway, a pretend provider and a demo app
    Dev(DevOptions),
    /// Check, show or describe the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Read the audit log
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Say what happened to a login and why, from the reference on its error page
    Explain(ExplainOptions),
    /// The places where people can sign in: list them, try one, or make one at a running gateway
    Provider {
        #[command(subcommand)]
        command: ProviderCommand,
    },
    /// Say what claims of a provider would become, and who would be let in with them
    Claims(ClaimsOptions),
    /// Try rules on logins of the past
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// List the keys that sign tokens, or bring the next one forward
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Print a link that opens the operators' console once, within ten minutes
    ConsoleKey(ConsoleKeyOptions),
    /// Register apps at a running gateway, look at them, change them
    Client {
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Register, change and delete apps as files describe them, after showing what that would do
    #[command(after_help = APPLY)]
    Apply(ApplyOptions),
    /// Register apps that are registered at another gateway, after saying what becomes of each
    Import(ImportOptions),
    /// Look after the people of a running gateway
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// List where people are signed in, or sign a browser out
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// List what apps were given, or take it back
    Grant {
        #[command(subcommand)]
        command: GrantCommand,
    },
    /// List what a person allowed apps, or forget it
    Consent {
        #[command(subcommand)]
        command: ConsentCommand,
    },
    /// Make and take back tokens that let apps register themselves
    RegistrationTokens {
        #[command(subcommand)]
        command: RegistrationTokenCommand,
    },
    /// Make keys of the admin API that may do less than yours, look at them, delete them
    ApiKeys {
        #[command(subcommand)]
        command: ApiKeyCommand,
    },
    /// Say how often people signed in, how it ended and how fast it was, as the console's dashboards show it
    Stats(StatsOptions),
    /// Bring the database up to date, which `serve` does too when it starts
    Migrate {
        /// The configuration file of the gateway
        #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
        config: PathBuf,
        /// Say which migrations are missing, and apply none
        #[arg(long)]
        plan: bool,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a fresh sealing key
    Keygen {
        /// Print a key for the admin API instead
        #[arg(long)]
        bootstrap: bool,
    },
    /// Look at everything a gateway leans on, and say what to do about what is wrong
    #[command(after_help = DOCTOR_EXIT_CODES)]
    Doctor(OfGateway),
    /// Ask the gateway of this machine whether it is ready
    Healthcheck {
        /// The configuration file, which says where to ask
        #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
        config: Option<PathBuf>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Into this folder, a page for each command, instead of one on standard output
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// The first of four ports: gateway, pretend provider, demo app, operators
    #[arg(long, default_value_t = 8000, value_parser = clap::value_parser!(u16).range(1..=65532))]
    pub(crate) port: u16,
    /// Where its data lies
    #[arg(long, value_name = "DIR", default_value = "./data")]
    pub(crate) data: PathBuf,
    /// Begin anew: delete the data first
    #[arg(long)]
    pub(crate) reset: bool,
    /// More settings, as other providers; addresses and keys stay those of `dev`
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Log what happens; twice for everything
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that `serve` would refuse, and what is wrong with providers' own files
    Check {
        /// The configuration file
        #[arg(required_unless_present = "url", conflicts_with = "url")]
        file: Option<PathBuf>,
        /// Don't read the files it names: this is not the machine they are on
        #[arg(long, conflicts_with = "url")]
        without_files: bool,
        #[command(flatten)]
        far: Far,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what holds, and where each value comes from; secrets stay hidden
    #[command(after_help = ENVIRONMENT)]
    Show {
        /// The configuration file; without it, what is built in and the environment
        #[arg(conflicts_with = "url")]
        file: Option<PathBuf>,
        #[command(flatten)]
        far: Far,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a running gateway live by what is written now: all of it, or nothing if anything is wrong
    Reload(Act),
    /// Print the JSON Schema of the configuration file
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys that apps can fetch, by algorithm and date
    List(Either),
    /// Let the next key sign sooner than its date says; without more, when it has been published long enough that no app notices
    Rotate(RotateOptions),
}

#[derive(Debug, Args)]
pub(crate) struct RotateOptions {
    #[command(flatten)]
    pub(crate) of: Either,
    /// With --url: say what would change, and change nothing
    #[arg(long, requires = "url")]
    pub(crate) dry_run: bool,
    /// Only of this algorithm: RS256, PS256, ES256 or EdDSA
    #[arg(long, value_parser = signing_alg)]
    pub(crate) alg: Option<SigningAlg>,
    /// In two minutes, when every node knows it; apps that keep our keys for longer refuse tokens until they fetch them again
    #[arg(long)]
    pub(crate) at_once: bool,
    /// Take the keys before it away at that moment, with every token they signed: they may be in other hands
    #[arg(long, requires = "at_once")]
    pub(crate) withdraw: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("data", |data| data.conflicts_with("url")))]
pub(crate) struct ExplainOptions {
    /// The reference of the error page, which is the id of its trace, or the id of a login
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) far: Far,
    /// How many days to look back in the audit log, where what was decided is not kept
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3660), conflicts_with = "url")]
    pub(crate) days: u32,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Of which gateway.
#[derive(Debug, Args)]
pub(crate) struct ConsoleKeyOptions {
    #[command(flatten)]
    pub(crate) of: OfGateway,
    /// What whoever opens it may do, as the scopes of admin keys: clients:read, or everything
    #[arg(long = "scope", value_name = "SCOPE", default_value = "*")]
    pub(crate) scopes: Vec<AdminScope>,
}

#[derive(Debug, Args)]
pub(crate) struct OfGateway {
    /// The configuration file of the gateway
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
    pub(crate) config: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Show every provider: those of the configuration, and those made by the admin API
    List(Either),
    /// Show one of a running gateway
    Show(Named),
    /// Make one at a running gateway; it works at once
    Create(ProviderCreate),
    /// Change one that was made so; what is not named stays, secrets too
    Update(ProviderUpdate),
    /// Delete one that was made so; nobody comes in by it any more
    Delete(DeleteKept),
    /// Try one: its published documents, then a real sign-in in your browser; changes nothing
    Test(TestOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Which
    #[arg(value_name = "NAME")]
    pub(crate) provider: ProviderId,
    #[command(flatten)]
    pub(crate) of: Either,
    /// Where your browser comes back to, on this machine; the provider must know it
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true, conflicts_with = "url")]
    pub(crate) port: u16,
    /// Stop after the documents
    #[arg(long)]
    pub(crate) no_login: bool,
    /// Show what claims say, and not only what they are
    #[arg(long, conflicts_with = "url")]
    pub(crate) show_values: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimsOptions {
    #[command(flatten)]
    pub(crate) of: OfGateway,
    /// Whose claims they are
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: ProviderId,
    /// A file with what the provider says of somebody, as a JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) sample: PathBuf,
    /// For which app, whose rules and scopes count too
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<ClientId>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Hold recorded logins against rules that are not in force yet; changes nothing
    #[command(after_help = DRAFTS)]
    Replay(ReplayOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    /// The rules to try
    #[arg(value_name = "DRAFT.toml")]
    pub(crate) draft: PathBuf,
    #[command(flatten)]
    pub(crate) of: OfGateway,
    /// Logins from then on: 2026-11-24, 2026-11-24T10:00:00Z, or how long ago, as 7d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Moment,
}

fn signing_alg(text: &str) -> Result<SigningAlg, String> {
    text.parse().map_err(|()| {
        let names: Vec<_> = SigningAlg::ALL.iter().map(|alg| alg.as_str()).collect();
        format!("it is none of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
