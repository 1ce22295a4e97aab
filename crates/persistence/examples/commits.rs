//! How many commits a second the writer does, when one, 32 or 256 callers wait.
//!
//!     cargo run --release --package vestibule-persistence --example commits [refresh|login] [DIRECTORY]
//!
//! A `refresh` rotates a refresh family and records it. A `login` is what a first arrival writes: an attempt, a link, an account, a
//! session, a code and four events. The database file lies in DIRECTORY, or else in the system's temporary one; a directory in
//! memory measures no disk.
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

#[derive(Clone, Copy, Debug)]
enum Mode {
    Refresh,
    Login,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mode = match std::env::args().nth(1).as_deref() {
        None | Some("refresh") => Mode::Refresh,
        Some("login") => Mode::Login,
        Some(_) => return Err("the first argument is refresh or login".into()),
    };
    let directory = match std::env::args_os().nth(2) {
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
        let mut took = measure(&store, callers, mode).await?;
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
async fn measure(store: &Arc<SqlStore>, callers: usize, mode: Mode) -> Result<Vec<u128>, Box<dyn std::error::Error>> {
    let sample = Arc::new(Sample::default());
    let client = Arc::new(sample.client("app"));
    let mut tasks = Vec::with_capacity(callers);
    for _ in 0..callers {
        let caller = Caller { store: store.clone(), sample: sample.clone(), client: client.clone() };
        tasks.push(match mode {
            Mode::Refresh => {
                let grant = sample.any_grant(&client);
                store.commit(Changes::default().write(Write::AddGrant(grant.clone()))).await?;
                tokio::spawn(caller.refresh(grant))
            }
            Mode::Login => tokio::spawn(caller.login()),
        });
    }
    let mut all = Vec::new();
    for task in tasks {
        all.append(&mut task.await??);
    }
    Ok(all)
}

/// Somebody who commits again as soon as they are answered.
struct Caller {
    store: Arc<SqlStore>,
    sample: Arc<Sample>,
    client: Arc<Client>,
}

impl Caller {
    async fn refresh(self, grant: Grant) -> Result<Vec<u128>, StoreError> {
        let account = self.sample.account();
        let Some(mut family) = grant.family else {
            return Ok(Vec::new());
        };
        let next = || {
            let from = family.generation;
            family.generation += 1;
            let rotate = Write::RotateFamily { grant: grant.id, from, family: family.clone(), access_expires: grant.access_expires };
            Changes::default().write(rotate).event(self.sample.event(EventName::TokenRefreshed, &account, &self.client))
        };
        again_and_again(&self.store, next).await
    }

    async fn login(self) -> Result<Vec<u128>, StoreError> {
        again_and_again(&self.store, || self.settlement(&self.sample.account())).await
    }

    fn settlement(&self, account: &Account) -> Changes {
        let sample = &self.sample;
        let session = sample.session(account);
        let attempt = sample.attempt();
        let writes = [
            Write::SpendAttempt { id: attempt, expires: sample.now },
            Write::AddLink(sample.link(account, &account.id.to_string())),
            Write::PutAccount(account.clone()),
            Write::AddCode(sample.code(&self.client, &session)),
            Write::PutSession(session),
        ];
        let names = [EventName::UserProvisioned, EventName::IdentityLinked, EventName::LoginSucceeded, EventName::LoginStarted];
        let events = names.map(|name| sample.event(name, account, &self.client));
        events.into_iter().fold(writes.into_iter().fold(Changes::default(), Changes::write), Changes::event)
    }
}

async fn again_and_again(store: &SqlStore, mut next: impl FnMut() -> Changes) -> Result<Vec<u128>, StoreError> {
    let mut took = Vec::new();
    let until = Instant::now() + FOR;
    while Instant::now() < until {
        let changes = next();
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
