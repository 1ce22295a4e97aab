//! `vestibule keys`: which keys sign, and the next one sooner, from the database itself, beside a running gateway or without one; or at a running one from
//! afar.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, Source, Witness},
    keys::{Pace, SigningKey},
    time::Timestamp,
};
use vestibule_flows::AdminFault;

use crate::{
    cli::{Act, At, Either, RotateOptions, Seat},
    failure::Failure,
    onlooker::{Onlooker, Opened},
    print,
    remote::{Ask, Remote},
    table::table,
    wire,
};

/// A key in the list.
#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    kid: String,
    alg: String,
    state: String,
    published_at: String,
    signs_from: String,
    signs_until: String,
    published_until: String,
}

/// Lists them.
pub(crate) async fn list(options: &Either) -> Result<(), Failure> {
    let config = match options.seat()? {
        Seat::Beside(config) => config,
        Seat::Far(at) => return say_far(&Remote::new(&at)?.call(Ask::get(&["keys"])).await?.body, &at),
    };
    let Opened { gateway, store } = Onlooker::read(config)?.open().await?;
    let keys = gateway.shown_keys().await;
    store.close().await;
    say(&keys.map_err(failed)?, options.json)
}

/// Brings the next one forward, and lists them.
pub(crate) async fn rotate(options: &RotateOptions) -> Result<(), Failure> {
    match options.of.seat()? {
        Seat::Beside(config) => rotate_beside(config, options).await,
        Seat::Far(at) => rotate_far(at, options).await,
    }
}

async fn rotate_far(at: At, options: &RotateOptions) -> Result<(), Failure> {
    let mut asked = json!({ "at_once": options.at_once, "withdraw": options.withdraw });
    if let Some(alg) = options.alg {
        asked["alg"] = alg.as_str().into();
    }
    let act = Act { at, dry_run: options.dry_run };
    let remote = Remote::new(&act.at)?;
    match remote.act(Ask::post(&["keys:rotate"], &asked), &act).await? {
        Some(rotated) => say_far(&rotated.body, &act.at),
        None => Ok(()),
    }
}

/// What a running gateway says of its keys, as they are listed beside one.
fn say_far(told: &Value, at: &At) -> Result<(), Failure> {
    if at.json {
        return print::json(&told["items"]);
    }
    let unknown = |_| Failure::Plain(format!("{} tells of keys in another way; it is another version", at.url));
    let listed: Vec<Listed> = serde_json::from_value(told["items"].clone()).map_err(unknown)?;
    print::text(&text(&listed))
}

async fn rotate_beside(config: &Path, options: &RotateOptions) -> Result<(), Failure> {
    let Opened { gateway, store } = Onlooker::read(config)?.open_to_write().await?;
    let witness = Witness { now: wire::clock().now(), source: Source::default(), trace_id: None };
    let pace = if options.at_once { Pace::AtOnce { withdraw: options.withdraw } } else { Pace::Planned };
    let keys = gateway.rotate_keys(&witness, &Actor::command(), options.alg, pace).await;
    store.close().await;
    say(&keys.map_err(failed)?, options.of.json)
}

fn say(keys: &[SigningKey], as_json: bool) -> Result<(), Failure> {
    let now = wire::clock().now();
    let listed: Vec<_> = keys.iter().map(|key| Listed::new(key, now)).collect();
    if as_json { print::json(&listed) } else { print::text(&text(&listed)) }
}

impl Listed {
    fn new(key: &SigningKey, now: Timestamp) -> Self {
        Self {
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            state: key.state(now).as_str().to_owned(),
            published_at: key.created.to_string(),
            signs_from: key.signs_from.to_string(),
            signs_until: key.signs_until.to_string(),
            published_until: key.published_until.to_string(),
        }
    }
}

fn text(listed: &[Listed]) -> String {
    let row = |key: &Listed| {
        [&key.alg, &key.state, &key.signs_from, &key.signs_until, &key.published_until, &key.kid].map(String::clone).to_vec()
    };
    let rows: Vec<_> = listed.iter().map(row).collect();
    table(&["ALG", "STATE", "SIGNS FROM", "UNTIL", "PUBLISHED UNTIL", "KID"], &rows)
}

fn failed(fault: AdminFault) -> Failure {
    match fault {
        AdminFault::Invalid(faults) => Failure::Plain(crate::onlooker::said(&faults).join("; ").trim_start_matches('/').to_owned()),
        AdminFault::PreconditionFailed(_) => {
            Failure::Plain("somebody rotated in the same moment; look at the keys and decide again".into())
        }
        AdminFault::Store(error) => Failure::from(error),
        fault => Failure::Plain(format!("the keys can't be rotated: {fault:?}")),
    }
}
