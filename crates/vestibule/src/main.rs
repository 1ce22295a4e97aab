//! The `vestibule` program: its command line, its configuration, and the one place where the house is put together ([`wire`]).

mod account;
mod api_keys;
mod apply;
mod atlas;
mod audit;
mod checkpoint_file;
mod claims;
mod cli;
mod client;
mod config;
mod config_command;
mod console_key;
mod dev;
mod doctor;
mod document;
mod explain;
mod failure;
mod healthcheck;
mod import;
mod keygen;
mod keys;
mod maintenance;
mod migrate;
mod onlooker;
mod policy;
mod print;
mod progress;
mod provider;
mod registration_tokens;
mod rehearsal;
mod reload;
mod remote;
mod serve;
mod signals;
mod stats;
mod surroundings;
mod table;
mod watch;
mod wire;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::{
    cli::{AuditCommand, Cli, Command, KeysCommand, PolicyCommand, ProviderCommand},
    failure::Failure,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has had enough; that is no failure of ours.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::WouldChange) => ExitCode::from(3),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve { config } => runtime()?.block_on(serve::serve(&config)),
        Command::Dev(options) => runtime()?.block_on(dev::dev(&options)),
        Command::Config { command } => runtime()?.block_on(config_command::run(&command)),
        Command::Audit { command: AuditCommand::Tail(options) } => runtime()?.block_on(audit::tail(&options)),
        Command::Audit { command: AuditCommand::List(options) } => runtime()?.block_on(audit::list(&options)),
        Command::Audit { command: AuditCommand::Export(options) } => runtime()?.block_on(audit::export(&options)),
        Command::Audit { command: AuditCommand::Verify(options) } => runtime()?.block_on(audit::verify(&options)),
        Command::Audit { command: AuditCommand::Show(named) } => runtime()?.block_on(account::show_one(&named, "event", "audit-events")),
        Command::Audit { command: AuditCommand::Chain(at) } => runtime()?.block_on(audit::chain(&at)),
        Command::Audit { command: AuditCommand::Key(options) } => runtime()?.block_on(audit::key(&options)),
        Command::Audit { command: AuditCommand::Sinks(options) } => runtime()?.block_on(audit::sinks(&options)),
        Command::Audit { command: AuditCommand::Detect(options) } => runtime()?.block_on(audit::detect(&options)),
        Command::Audit { command: AuditCommand::Schema } => print::text(&audit::schema()),
        Command::Audit { command: AuditCommand::Erase(options) } => runtime()?.block_on(audit::erase(&options)),
        Command::Explain(options) => runtime()?.block_on(explain::explain(&options)),
        Command::Provider { command: ProviderCommand::List(options) } => runtime()?.block_on(provider::list(&options)),
        Command::Provider { command: ProviderCommand::Show(named) } => runtime()?.block_on(provider::show(&named)),
        Command::Provider { command: ProviderCommand::Create(options) } => runtime()?.block_on(provider::create(&options)),
        Command::Provider { command: ProviderCommand::Update(options) } => runtime()?.block_on(provider::update(&options)),
        Command::Provider { command: ProviderCommand::Delete(options) } => runtime()?.block_on(provider::delete(&options)),
        Command::Provider { command: ProviderCommand::Test(options) } => runtime()?.block_on(provider::test(&options)),
        Command::Claims(options) => runtime()?.block_on(claims::claims(&options)),
        Command::Policy { command: PolicyCommand::Replay(options) } => runtime()?.block_on(policy::replay(&options)),
        Command::Keys { command: KeysCommand::List(options) } => runtime()?.block_on(keys::list(&options)),
        Command::Keys { command: KeysCommand::Rotate(options) } => runtime()?.block_on(keys::rotate(&options)),
        Command::ConsoleKey(options) => runtime()?.block_on(console_key::console_key(&options)),
        Command::Client { command } => runtime()?.block_on(client::run(&command)),
        Command::Apply(options) => runtime()?.block_on(apply::apply(&options)),
        Command::Import(options) => runtime()?.block_on(import::import(&options)),
        Command::Account { command } => runtime()?.block_on(account::run(&command)),
        Command::Session { command } => runtime()?.block_on(account::sessions(&command)),
        Command::Grant { command } => runtime()?.block_on(account::grants(&command)),
        Command::Consent { command } => runtime()?.block_on(account::consents(&command)),
        Command::RegistrationTokens { command } => runtime()?.block_on(registration_tokens::run(&command)),
        Command::ApiKeys { command } => runtime()?.block_on(api_keys::run(&command)),
        Command::Stats(options) => runtime()?.block_on(stats::stats(&options)),
        Command::Migrate { config, plan, json } => runtime()?.block_on(migrate::migrate(&config, plan, json)),
        Command::Keygen { bootstrap } => keygen::keygen(bootstrap),
        Command::Doctor(options) => runtime()?.block_on(doctor::doctor(&options)),
        Command::Healthcheck { config, json } => healthcheck::healthcheck(config.as_deref(), json),
        Command::Completions { shell } => print::completions(shell, &mut Cli::command()),
        Command::Man { dir: None } => print::man(Cli::command()),
        Command::Man { dir: Some(folder) } => print::man_pages(Cli::command(), &folder),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::io("the runtime can't be started", error))
}
