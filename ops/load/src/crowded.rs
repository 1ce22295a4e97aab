//! What a long history costs: the same gateway with none, with none once more (what differs between those two is chance), and with many audit events
//! in its table, under the same load in turns; and how long those who look at that history wait.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use hyper::{StatusCode, header};
use vestibule_crypto::{SystemClock, SystemEntropy};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome as Ended, Reason, Source, Witness},
    ids::{AccountId, ClientId, LoginId, ProviderId},
    ports::{Clock, Entropy, Store},
    store::Changes,
    time::Timestamp,
};
use vestibule_persistence::{SqlStore, StoreOptions};

use crate::{
    Load, Outcome,
    client::Connection,
    house::{House, Site, operator},
    turns::{self, Named},
};

/// What is measured: what writes events.
const LINES: [&str; 3] = ["login ES256", "refresh ES256", "client_credentials ES256"];
/// Written in one commit.
const TOGETHER: usize = 1000;
/// Over how many days the history goes; less than events are kept.
const DAYS: i64 = 60;
const PEOPLE: usize = 5000;
const APPS: usize = 50;
/// How often each question is asked.
const ASKED: usize = 20;

/// Prints how long the history took to be sealed and verified, the rows of [`LINES`], and one for each question of the viewer.
#[expect(clippy::print_stdout, reason = "the table is what the tool is for")]
pub(crate) async fn run(site: &Site, load: &Load, events: usize) -> Outcome<()> {
    let mut empty = House::prepare(site, "").await?;
    let mut other = House::prepare(site, "").await?;
    let mut crowded = House::prepare(site, "").await?;
    let began = Instant::now();
    let one = fill(crowded.database.url(), events).await?;
    println!("written: {events} events in {:.1} s", began.elapsed().as_secs_f64());
    empty.start().await?;
    other.start().await?;
    let ready = crowded.start().await?;
    println!("start: {} ms beside them", ready.as_millis());
    let began = Instant::now();
    crowded.sealed().await?;
    println!("sealed: all of them in {:.1} s", began.elapsed().as_secs_f64());

    turns::run(&LINES, &[Named("empty", &empty), Named("empty too", &other), Named("crowded", &crowded)], &site.upstream, load).await?;

    println!();
    println!("| question to the audit log | p50 ms | slowest ms |");
    println!("|---|---|---|");
    for (question, query) in questions(&one) {
        let (p50, slowest) = ask(&crowded, &query).await?;
        println!("| {question} | {p50:.1} | {slowest:.1} |");
    }
    empty.leave().await?;
    other.leave().await?;
    crowded.stop().await?;
    let began = Instant::now();
    crowded.command(&["audit", "verify"])?;
    println!();
    println!("verified: the whole chain in {:.1} s", began.elapsed().as_secs_f64());
    crowded.leave().await
}

/// Somebody whom the history tells of.
struct One {
    account: AccountId,
    client: ClientId,
    login: LoginId,
    reference: String,
    address: IpAddr,
}

/// Writes a history of logins: four events each, one login in twenty fails.
async fn fill(database: &str, events: usize) -> Outcome<One> {
    let store = SqlStore::connect(&StoreOptions::new(database)).await?;
    let entropy = SystemEntropy;
    let people: Vec<AccountId> = (0..PEOPLE).map(|_| AccountId::new(&entropy)).collect();
    let apps = (0..APPS).map(|n| format!("app-{n}").parse()).collect::<Result<Vec<ClientId>, _>>()?;
    let provider: ProviderId = "load".parse()?;
    let end = SystemClock.now();
    let logins = events.div_ceil(4);
    let apart = Duration::from_secs(DAYS.unsigned_abs() * 24 * 3600) / u32::try_from(logins)?;
    let mut waiting = Vec::with_capacity(TOGETHER + 4);
    let mut middle = None;
    for n in 0..logins {
        let now = end - apart * u32::try_from(logins - n)?;
        let (account, client) = (people[n * 7919 % PEOPLE], &apps[n % APPS]);
        let login = login(now, account, client, &provider, n, &entropy);
        if n == logins / 2 {
            middle = Some(One {
                account,
                client: client.clone(),
                login: login[0].login.ok_or("a login has an id")?,
                reference: login[0].trace_id.clone().unwrap_or_default(),
                address: address(n),
            });
        }
        waiting.extend(login);
        if waiting.len() >= TOGETHER || n + 1 == logins {
            store.commit(Changes { writes: Vec::new(), events: std::mem::take(&mut waiting) }).await?;
        }
    }
    store.close().await;
    middle.ok_or_else(|| "no events were asked for".into())
}

fn login(now: Timestamp, account: AccountId, client: &ClientId, provider: &ProviderId, n: usize, entropy: &dyn Entropy) -> [AuditEvent; 4] {
    let user_agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".to_owned();
    let source = Source { ip: Some(address(n)), user_agent: Some(user_agent), country: None };
    let witness = Witness { now, source, trace_id: Some(format!("{:032x}", n + 1)) };
    let id = LoginId::new(now, entropy);
    let failed = n.is_multiple_of(20);
    let names = if failed {
        [EventName::UpstreamTokenRefreshed, EventName::ConsentGranted, EventName::LoginDeniedByPolicy, EventName::LoginFailed]
    } else {
        [EventName::LoginSucceeded, EventName::CodeRedeemed, EventName::TokenRefreshed, EventName::SessionEnded]
    };
    names.map(|name| {
        let refused = matches!(name, EventName::LoginFailed | EventName::LoginDeniedByPolicy);
        AuditEvent {
            account: Some(account),
            client: Some(client.clone()),
            provider: Some(provider.clone()),
            login: Some(id),
            reason: refused.then_some(Reason::UpstreamUnreachable),
            took_ms: Some(40),
            ..witness.event(name, if refused { Ended::Failure } else { Ended::Success }, Actor::Account(account), entropy)
        }
    })
}

fn address(n: usize) -> IpAddr {
    let n = u32::try_from(n % 60_000).unwrap_or_default();
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
}

/// What people ask the viewer, and how it asks.
fn questions(one: &One) -> Vec<(&'static str, String)> {
    vec![
        ("the newest", String::new()),
        ("one event", "event=login.failed".to_owned()),
        ("one person", format!("account={}", one.account)),
        ("one app", format!("client={}", one.client)),
        ("one provider", "provider=load".to_owned()),
        ("what failed", "outcome=failure".to_owned()),
        ("what never happens", "event=account.erased".to_owned()),
        ("one reference", format!("reference={}", one.reference)),
        ("one login", format!("login={}", one.login)),
        ("one address", format!("address={}", one.address)),
        ("one person, what failed", format!("account={}&outcome=failure", one.account)),
        ("one app, one event", format!("client={}&event=login.failed", one.client)),
    ]
}

async fn ask(house: &House, query: &str) -> Outcome<(f64, f64)> {
    let bearer = operator();
    let mut connection = Connection::open(&house.authority).await?;
    let mut took = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let began = Instant::now();
        let path = format!("/api/v1/audit-events?limit=50&{query}");
        connection.get(path.trim_end_matches('&'), &[(header::AUTHORIZATION, &bearer)]).await?.expect(StatusCode::OK)?;
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    Ok((took[ASKED / 2], took[ASKED - 1]))
}
