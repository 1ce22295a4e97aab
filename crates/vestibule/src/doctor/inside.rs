//! What lies on this machine or is ours: the database, the room for it, and whether the sealing key opens what is in it.

use std::time::Duration;

use tokio::time::timeout;
use vestibule_domain::{ports::Store, store::StoreError};
use vestibule_flows::{KeysError, SinkState};

use super::{PATIENCE, finding::Finding};
use crate::{
    config::Config,
    onlooker::{Onlooker, Opened},
    surroundings::free_beside,
    wire,
};

/// What was found, and the database if it can be used.
pub(super) struct Inside {
    pub(super) findings: Vec<Finding>,
    pub(super) opened: Option<Opened>,
}

/// Looks at all of it.
pub(super) async fn look(onlooker: &Onlooker) -> Inside {
    let mut findings: Vec<_> = room(&onlooker.config).into_iter().collect();
    let opened = match timeout(PATIENCE, onlooker.open()).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(failure)) => {
            let found = failure.to_string().trim_start_matches("error: ").to_owned();
            let advice = if found.contains("a later release") {
                "start that release again"
            } else if found.contains("migrations") {
                "start `vestibule serve` once with this version"
            } else {
                "look at store.url in the configuration, and whether the database runs"
            };
            findings.push(Finding::fail("database", found, advice));
            return Inside { findings, opened: None };
        }
        Err(_) => {
            findings.push(Finding::fail(
                "database",
                "does not answer within two seconds",
                "look at the network between here and there, and at its load",
            ));
            return Inside { findings, opened: None };
        }
    };
    findings.push(schema(&onlooker.config).await);
    findings.push(match timeout(PATIENCE, keys(&opened)).await {
        Ok(finding) => finding,
        Err(_) => Finding::fail("sealing key", "the database takes too long", "look at its load"),
    });
    findings.extend(timeout(PATIENCE, sinks(&opened)).await.unwrap_or_else(|_| vec![slow_to_tell()]));
    findings.extend(timeout(PATIENCE, provider_secrets(&onlooker.config, &opened)).await.ok().flatten());
    Inside { findings, opened: Some(opened) }
}

/// What a later release added to the schema is no hindrance, and worth a word: somebody went back to this one.
async fn schema(config: &Config) -> Finding {
    match timeout(PATIENCE, wire::standing(&config.store)).await {
        Ok(Ok(standing)) if !standing.later.is_empty() => Finding::warn(
            "database",
            format!("can be reached; a later release applied {}, which this one works without knowing", standing.later.join(", ")),
            "go on to that release when what made you go back is mended",
        ),
        _ => Finding::ok("database", "can be reached, and its schema is this version's"),
    }
}

/// Signing keys are sealed, so that whoever opens them has the right key; and there must be one that signs.
async fn keys(opened: &Opened) -> Finding {
    let what = "sealing key";
    match opened.gateway.learn_keys().await {
        Ok(keys) => {
            let now = wire::clock().now();
            let signing = keys.iter().filter(|key| key.signs(now)).count();
            if signing == 0 {
                return Finding::fail("signing keys", "none signs now", "start `vestibule serve`, which makes them");
            }
            Finding::ok(what, format!("opens what is stored: {signing} of {} signing keys sign now", keys.len()))
        }
        Err(KeysError::Signer(error)) => Finding::fail(
            what,
            error.to_string(),
            "name the key that this database was begun with, in sealing.previous_files if there is a newer one",
        ),
        Err(KeysError::Store(error)) => Finding::fail("database", error.to_string(), "look at the database's log"),
    }
}

/// After how long somebody should look at a sink; the alert says the same.
const BEHIND: Duration = Duration::from_mins(15);

/// The places that audit events are sent on to.
async fn sinks(opened: &Opened) -> Vec<Finding> {
    let states = match opened.gateway.sink_states().await {
        Ok(states) => states,
        Err(error) => return vec![unreadable(&error)],
    };
    let now = wire::clock().now();
    let one = |state: &SinkState| {
        let what = format!("audit sink {}", state.rules.id);
        let (lag, waited) = (state.lag, state.lag.waited(now));
        let found = format!("{} events wait, the oldest for {} minutes", lag.events, waited.as_secs() / 60);
        let trouble = state.cursor.as_ref().and_then(|cursor| cursor.trouble);
        let advice = "`vestibule audit sinks` shows how far it has come, and the gateway's log why it did not take them; nothing is lost";
        match (&state.cursor, trouble) {
            (None, _) => Finding::ok(what, "is new: no gateway has looked at it yet"),
            (_, Some(trouble)) if waited > BEHIND => Finding::fail(what, format!("{found}: {}", trouble.kind), advice),
            (_, Some(trouble)) => Finding::warn(what, format!("{found}: {}", trouble.kind), advice),
            (_, None) if waited > BEHIND => Finding::warn(what, found, "does a gateway run? One node sends for all"),
            (Some(cursor), None) => Finding::ok(what, format!("has every event up to number {}", cursor.seq)),
        }
    };
    states.iter().map(one).collect()
}

fn slow_to_tell() -> Finding {
    Finding::fail("database", "takes too long to tell how far the audit sinks are", "look at its load")
}

/// Of those the admin API made.
async fn provider_secrets(config: &Config, opened: &Opened) -> Option<Finding> {
    let stored = match opened.store.providers().await {
        Ok(stored) => stored,
        Err(error) => return Some(unreadable(&error)),
    };
    let closed: Vec<_> =
        stored.iter().filter(|stored| wire::stored_definition(config, stored).is_none()).map(|stored| stored.id.to_string()).collect();
    let found = format!("the secrets of {} can't be opened", closed.join(", "));
    (!closed.is_empty())
        .then(|| Finding::fail("sealing key", found, "name the key they were sealed with in sealing.previous_files, or write them anew"))
}

fn unreadable(error: &StoreError) -> Finding {
    Finding::fail("database", error.to_string(), "look at the database's log")
}

/// Room that a database of many people grows into in weeks, and what it needs to go on at all.
const LITTLE: u64 = 1024 * 1024 * 1024;
const TOO_LITTLE: u64 = 100 * 1024 * 1024;

/// Of an SQLite database; another is on a machine of its own.
fn room(config: &Config) -> Option<Finding> {
    let what = "disk";
    let file = config.store.sqlite_file()?;
    let advice = "make room: without any, nobody can sign in";
    let free = match free_beside(file) {
        Ok(free) => free,
        Err(error) => {
            let found = format!("where {} lies can't be looked at: {error}", file.display());
            return Some(Finding::fail(what, found, "look at store.url in the configuration"));
        }
    };
    let found = format!("{} MiB are free for {}", free / 1024 / 1024, file.display());
    Some(match free {
        ..TOO_LITTLE => Finding::fail(what, found, advice),
        TOO_LITTLE..LITTLE => Finding::warn(what, found, advice),
        _ => Finding::ok(what, found),
    })
}
