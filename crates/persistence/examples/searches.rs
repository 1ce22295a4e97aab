//! How long the audit log takes to answer, when there are a million events or as many as you say.
//!
//!     cargo run --release --package vestibule-persistence --example searches [COUNT] [DATABASE]
//!
//! DATABASE is `postgres://…` for an empty database, or a directory for a file; without one the file lies in the system's temporary directory. Among the
//! events are a hundred thousand people, a thousand apps, ten providers and three kinds, and a hundred of a kind of its own, all of them long ago.
#![expect(clippy::print_stdout, reason = "what it measures is what it is for")]

use std::time::{Duration, Instant};

use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Reason, search::EventSearch},
    ids::{AccountId, ClientId, ProviderId},
    ports::Store,
    store::Changes,
};
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::sample::Sample;

const PEOPLE: usize = 100_000;
const APPS: usize = 1_000;
const PROVIDERS: usize = 10;
const AT_ONCE: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    let url = match std::env::args().nth(2) {
        Some(url) if url.starts_with("postgres") => url,
        Some(directory) => format!("sqlite://{directory}/searches.db"),
        None => format!("sqlite://{}/searches.db", directory.path().display()),
    };
    let store = SqlStore::connect(&StoreOptions::new(url)).await?;
    let began = Instant::now();
    let last = fill(&store, count).await?;
    println!("{count} events were written in {} s", began.elapsed().as_secs());
    let all = || EventSearch { limit: 50, look: 8_000, ..EventSearch::default() };
    let rare = [EventName::KeyRotated].into();
    let searches = [
        ("the newest", all()),
        ("the middle", EventSearch { until: Some(last.time - Duration::from_millis(count as u64 / 2)), ..all() }),
        ("of an account", EventSearch { account: last.account, ..all() }),
        ("of an account that has none", EventSearch { account: Some(Sample::default().account().id), ..all() }),
        ("of an app", EventSearch { client: last.client.clone(), ..all() }),
        ("of an app, denied", EventSearch { client: last.client.clone(), outcome: Some(Outcome::Denied), ..all() }),
        ("of a provider", EventSearch { provider: last.provider.clone(), ..all() }),
        ("of a provider that has none", EventSearch { provider: Some(ProviderId::parse("none")?), ..all() }),
        ("of a rare kind", EventSearch { names: rare, ..all() }),
        ("of sixteen kinds", EventSearch { names: EventName::ALL.iter().copied().take(16).collect(), ..all() }),
        ("of all kinds but one", EventSearch { names: EventName::ALL.iter().copied().skip(1).collect(), ..all() }),
        ("for a reason that is none", EventSearch { reason: Some(Reason::MixUp), ..all() }),
        ("by a reference", EventSearch { trace: last.trace_id.clone(), ..all() }),
        ("by a reference that is none", EventSearch { trace: Some("0".repeat(32)), ..all() }),
        ("of a login", EventSearch { login: last.login, ..all() }),
        ("from an address", EventSearch { address: last.source.ip, ..all() }),
        ("from an address that is none", EventSearch { address: "192.0.2.1".parse().ok(), ..all() }),
    ];
    println!("{:<32} {:>8} {:>12} {:>12}", "what", "found", "first", "median");
    for (what, search) in searches {
        let mut took = Vec::new();
        let mut found = 0;
        for _ in 0..9 {
            let began = Instant::now();
            found = store.search_events(&search).await?.events.len();
            took.push(began.elapsed());
        }
        let first = took[0];
        took.sort_unstable();
        println!("{what:<32} {found:>8} {:>9.1} ms {:>9.1} ms", first.as_secs_f64() * 1e3, took[4].as_secs_f64() * 1e3);
    }
    store.close().await;
    Ok(())
}

/// A millisecond apart, the last one now.
async fn fill(store: &SqlStore, count: usize) -> Result<AuditEvent, Box<dyn std::error::Error>> {
    let sample = Sample::default();
    let people: Vec<AccountId> = (0..PEOPLE).map(|_| sample.account().id).collect();
    let apps: Vec<ClientId> = (0..APPS).map(|at| ClientId::parse(format!("app-{at}"))).collect::<Result<_, _>>()?;
    let providers: Vec<ProviderId> = (0..PROVIDERS).map(|at| ProviderId::parse(format!("provider-{at}"))).collect::<Result<_, _>>()?;
    let usual = [EventName::LoginSucceeded, EventName::CodeRedeemed, EventName::TokenRefreshed];
    let event = sample.event(EventName::LoginSucceeded, &sample.account(), &sample.client("app"));
    let mut last = event.clone();
    for from in (0..count).step_by(AT_ONCE) {
        let mut changes = Changes::default();
        for at in from..(from + AT_ONCE).min(count) {
            let trace = format!("{:032x}", (at as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            let name = if at < 100 { EventName::KeyRotated } else { usual[at % usual.len()] };
            last = AuditEvent {
                name,
                account: Some(people[at.wrapping_mul(7_919) % PEOPLE]),
                client: Some(apps[at.wrapping_mul(31) % APPS].clone()),
                provider: Some(providers[at % PROVIDERS].clone()),
                login: Some(sample.login()),
                trace_id: Some(trace),
                ..sample.later(&event, Duration::from_millis(at as u64))
            };
            changes = changes.event(last.clone());
        }
        store.commit(changes).await?;
    }
    Ok(last)
}
