//! How many commits a second the writer does, when one, 32 or 256 callers wait: each rotates a refresh family and records it.
//!
//!     cargo run --release --package vestibule-persistence --example commits [DIRECTORY]
//!
//! The database file lies in DIRECTORY, or else in the system's temporary one; a directory in memory measures no disk.
#![expect(clippy::print_stdout, reason = "what it measures is what it is for")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use vestibule_domain::{
    account::Account,
    audit::EventName,
    client::Client,
    grant::Grant,
    ports::Store,
    store::{Changes, StoreError, Write},
};
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::sample::Sample;

const FOR: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = match std::env::args_os().nth(1) {
        Some(parent) => tempfile::tempdir_in(parent)?,
        None => tempfile::tempdir()?,
    };
    println!("{:>8} {:>12} {:>12} {:>10} {:>10}", "callers", "commits/s", "on average", "p50", "p99");
    for callers in [1, 32, 256] {
        let (transactions, grouped) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut options = StoreOptions::new(format!("sqlite://{}/{callers}.db", directory.path().display()));
        options.on_commit = Some({
            let (transactions, grouped) = (transactions.clone(), grouped.clone());
            Arc::new(move |stats| {
                transactions.fetch_add(1, Ordering::Relaxed);
                grouped.fetch_add(stats.batch as u64, Ordering::Relaxed);
            })
        });
        let store = Arc::new(SqlStore::connect(&options).await?);
        let mut took = measure(&store, callers).await?;
        store.close().await;
        took.sort_unstable();
        let commits = took.len();
        println!(
            "{callers:>8} {:>12} {:>12.1} {:>7} us {:>7} us",
            commits as u64 / FOR.as_secs(),
            ratio(grouped.load(Ordering::Relaxed), transactions.load(Ordering::Relaxed)),
            took[commits / 2],
            took[commits * 99 / 100],
        );
    }
    Ok(())
}

/// How long each commit took, in microseconds.
async fn measure(store: &Arc<SqlStore>, callers: usize) -> Result<Vec<u128>, Box<dyn std::error::Error>> {
    let sample = Arc::new(Sample::default());
    let (client, account) = (Arc::new(sample.client("app")), Arc::new(sample.account()));
    let mut tasks = Vec::with_capacity(callers);
    for _ in 0..callers {
        let grant = sample.any_grant(&client);
        store.commit(Changes::default().write(Write::AddGrant(grant.clone()))).await?;
        tasks.push(tokio::spawn(refresh(store.clone(), sample.clone(), client.clone(), account.clone(), grant)));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.append(&mut task.await??);
    }
    Ok(all)
}

/// One app that refreshes as fast as it is answered.
async fn refresh(
    store: Arc<SqlStore>,
    sample: Arc<Sample>,
    client: Arc<Client>,
    account: Arc<Account>,
    grant: Grant,
) -> Result<Vec<u128>, StoreError> {
    let Some(mut family) = grant.family else {
        return Ok(Vec::new());
    };
    let mut took = Vec::new();
    let until = Instant::now() + FOR;
    while Instant::now() < until {
        let from = family.generation;
        family.generation += 1;
        let rotate = Write::RotateFamily { grant: grant.id, from, family: family.clone(), access_expires: grant.access_expires };
        let changes = Changes::default().write(rotate).event(sample.event(EventName::TokenRefreshed, &account, &client));
        let began = Instant::now();
        store.commit(changes).await?;
        took.push(began.elapsed().as_micros());
    }
    Ok(took)
}

#[expect(clippy::cast_precision_loss, reason = "to print one digit")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to.max(1) as f64
}
