//! `vestibule keys`: which keys sign, and the next one sooner, from the database itself, beside a running gateway or without one.

use serde::Serialize;
use vestibule_domain::{
    audit::{Actor, Source, Witness},
    keys::{Pace, SigningKey},
    time::Timestamp,
};
use vestibule_flows::AdminFault;

use crate::{
    cli::{OfGateway, RotateOptions},
    failure::Failure,
    onlooker::{Onlooker, Opened},
    print,
    table::table,
    wire,
};

/// A key in the list.
#[derive(Debug, Serialize)]
struct Listed {
    kid: String,
    alg: &'static str,
    state: &'static str,
    published_at: String,
    signs_from: String,
    signs_until: String,
    published_until: String,
}

/// Lists them.
pub(crate) async fn list(options: &OfGateway) -> Result<(), Failure> {
    let Opened { gateway, store } = Onlooker::read(&options.config)?.open().await?;
    let keys = gateway.shown_keys().await;
    store.close().await;
    say(&keys.map_err(failed)?, options.json)
}

/// Brings the next one forward, and lists them.
pub(crate) async fn rotate(options: &RotateOptions) -> Result<(), Failure> {
    let Opened { gateway, store } = Onlooker::read(&options.of.config)?.open_to_write().await?;
    let witness = Witness { now: wire::clock().now(), source: Source::default(), trace_id: None };
    let pace = if options.at_once { Pace::AtOnce { withdraw: options.withdraw } } else { Pace::Planned };
    let keys = gateway.rotate_keys(&witness, &Actor::System, options.alg, pace).await;
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
            alg: key.alg.as_str(),
            state: key.state(now).as_str(),
            published_at: key.created.to_string(),
            signs_from: key.signs_from.to_string(),
            signs_until: key.signs_until.to_string(),
            published_until: key.published_until.to_string(),
        }
    }
}

fn text(listed: &[Listed]) -> String {
    let row = |key: &Listed| {
        vec![
            key.alg.into(),
            key.state.into(),
            key.signs_from.clone(),
            key.signs_until.clone(),
            key.published_until.clone(),
            key.kid.clone(),
        ]
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
