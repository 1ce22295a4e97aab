#![doc = include_str!("../README.md")]
#![expect(clippy::future_not_send, reason = "everything runs on one thread, on purpose")]

mod client;
mod crowded;
mod database;
mod house;
mod measure;
mod turns;
mod upstream;
mod walks;
mod watched;

use std::{path::PathBuf, time::Duration};

use clap::Parser;

use crate::{
    house::{House, Site},
    measure::Row,
    upstream::Upstream,
};

/// Measures a vestibule binary on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// The binary to measure.
    #[arg(long, default_value = "target/release/vestibule")]
    binary: PathBuf,
    /// How long each line runs.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many connections are kept busy.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Only the lines whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// A PostgreSQL server to keep it all on, as `postgres://user:password@host/database`, instead of a file. Databases named `vestibule_load_1` and on
    /// are dropped there and made anew.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// What watching costs instead: audit events, metrics sent and asked for each second, and traces of some and of all requests, against none of it.
    #[arg(long)]
    watching: bool,
    /// What a long history costs instead: a gateway with so many audit events against one with none, and one more with none to see what chance does.
    #[arg(long, value_name = "COUNT", conflicts_with = "watching")]
    events: Option<usize>,
}

/// What is sent to a gateway.
#[derive(Debug)]
struct Load {
    connections: usize,
    /// How long each line runs.
    span: Duration,
    /// What the names of lines must contain.
    only: String,
}

impl Load {
    fn has(&self, line: &str) -> bool {
        line.contains(&self.only)
    }
}

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    // Everything of ours on one thread: the load has one core, like the gateway.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(arguments))
}

#[expect(clippy::print_stdout, reason = "the table is what the tool is for")]
async fn run(arguments: Arguments) -> Outcome<()> {
    let span = Duration::from_secs(arguments.seconds);
    let site = Site { binary: arguments.binary, upstream: Upstream::start().await?, server: arguments.store };
    let load = Load { connections: arguments.connections, span, only: arguments.only.clone().unwrap_or_default() };
    if arguments.watching {
        println!("machine: {}", machine());
        return watched::run(&site, &load).await;
    }
    if let Some(events) = arguments.events {
        println!("machine: {}", machine());
        return crowded::run(&site, &load, events).await;
    }
    let mut house = House::prepare(&site, "").await?;
    let first = house.start().await?;
    house.stop().await?;
    let mut starts = Vec::new();
    for _ in 0..5 {
        starts.push(house.start().await?);
        house.stop().await?;
    }
    starts.sort();
    house.start().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("machine: {}", machine());
    println!("pinned: {}", house.pinning());
    println!("start: {} ms the first time (keys are made), {} ms after (median of five)", first.as_millis(), starts[2].as_millis());
    println!("memory idle: {}", house.memory()?);
    println!();
    println!("| what | per second | p50 ms | p99 ms | of livez |");
    println!("|---|---|---|---|---|");

    let clients = house.register_clients().await?;
    let mut baseline = None;
    for name in walks::NAMES {
        if !load.has(name) && *name != "livez" {
            continue;
        }
        let row: Row = walks::run(name, &house, &clients, &site.upstream, load.connections, load.span).await?;
        let baseline = *baseline.get_or_insert(row.per_second);
        println!("| {name} | {:.0} | {:.2} | {:.2} | {:.3} |", row.per_second, row.p50_ms, row.p99_ms, row.per_second / baseline);
    }
    println!();
    println!("memory loaded: {}", house.memory()?);
    house.leave().await
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).map(|line| line.trim_start_matches([' ', '\t', ':']));
    // Not what this process may use: it is pinned to one.
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    format!("{} × {}, Linux {}", cores, model.unwrap_or("unknown processor"), read("/proc/sys/kernel/osrelease").trim())
}
