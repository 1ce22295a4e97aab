//! `vestibule audit`: reads the audit log from the database itself, beside a running gateway or without one; `audit list` asks a running one.

mod detect;
mod export;
mod follow;
mod line;
mod list;
mod moment;
mod record;
mod sinks;
mod verify;

use std::collections::VecDeque;

use serde_json::json;
use vestibule_domain::{
    audit::{Actor, AuditEvent, Source, Witness, schema, search::EventSearch},
    ports::Store,
    store::{EventQuery, StoreError},
};
use vestibule_persistence::SqlStore;

pub(crate) use self::{
    detect::detect,
    export::export,
    line::line,
    list::{chain, list},
    moment::Moment,
    sinks::sinks,
};
use self::{follow::Follower, verify::Verdict};
use crate::{
    cli::{EraseOptions, Filter, KeyOptions, Place, TailOptions, VerifyOptions},
    config::{self, layers},
    dev,
    failure::Failure,
    onlooker::{Onlooker, Opened},
    print,
    remote::confirm,
    wire,
};

/// How many events are read at once.
pub(crate) const PAGE: u64 = 500;

/// How many are looked at in one question for the newest.
const LOOK: u64 = 20_000;

/// Shows the latest events, and the next ones as they come.
pub(crate) async fn tail(options: &TailOptions) -> Result<(), Failure> {
    let store = open(&options.place).await?;
    let done = async {
        let looked = wire::clock().now();
        let latest = latest(&store, search(&options.filter), options.lines).await?;
        let show = |event: &AuditEvent| print::text(&if options.json { record::json_line(event) } else { line(event) });
        latest.iter().try_for_each(show)?;
        if options.follow { Follower::after(&latest, looked).follow(&store, &options.filter, show).await } else { Ok(()) }
    }
    .await;
    store.close().await;
    done
}

/// The JSON Schema of the records, as `docs/audit/events.schema.json` has it.
pub(crate) fn schema() -> String {
    let schema = serde_json::to_string_pretty(&schema::schema()).unwrap_or_default();
    format!("{schema}\n")
}

/// Says whether a log is what was sealed.
pub(crate) async fn verify(options: &VerifyOptions) -> Result<(), Failure> {
    let verdict = verdict(options).await;
    if let (Err(Failure::Broken(why)), true) = (&verdict, options.json) {
        print::json(&json!({ "result": "broken", "why": why }))?;
    }
    let verdict = verdict?;
    if options.json { print::json(&verdict.json()) } else { print::text(&verdict.text()) }
}

async fn verdict(options: &VerifyOptions) -> Result<Verdict, Failure> {
    if let Some(path) = &options.export {
        return verify::export(path, options);
    }
    let place = Place { config: options.config.clone(), data: options.data.clone() };
    let (store, opens) = open_as_can_be(&place).await?;
    let verdict = verify::store(&store, options, opens).await;
    store.close().await;
    verdict
}

/// Erases a person.
pub(crate) async fn erase(options: &EraseOptions) -> Result<(), Failure> {
    confirm(&format!("Erase the account {}? There is no way back.", options.account), options.sure.yes)?;
    let Opened { gateway, store } = Onlooker::read(&options.config)?.open_to_write().await?;
    let witness = Witness { now: wire::clock().now(), source: Source::default(), trace_id: None };
    let done = gateway.erase_account(&witness, &Actor::command(), &options.account.to_string()).await;
    store.close().await;
    done.map_err(|fault| Failure::Admin { what: format!("the account {}", options.account), fault })?;
    let id = options.account.to_string();
    if options.json { print::json(&json!({ "erased": id })) } else { print::text(&erased(&id)) }
}

/// What is said of an account when nothing is left of the person.
pub(crate) fn erased(id: &str) -> String {
    format!("erased {id}; its id stays, disabled, and means nobody else\n")
}

/// Prints the key that checkpoints are checked with.
pub(crate) async fn key(options: &KeyOptions) -> Result<(), Failure> {
    let store = open(&options.place).await?;
    let head = store.chain().await;
    store.close().await;
    match head? {
        Some(head) if options.json => print::json(&json!({ "chain": head.chain, "key": head.key })),
        Some(head) => print::text(&format!("{}\n", head.key)),
        None => Err(Failure::Plain("there is no chain yet: no gateway of this version has run on this database".into())),
    }
}

/// The last events that are looked for, oldest first, however far they lie apart.
pub(crate) async fn latest(store: &SqlStore, search: EventSearch, most: usize) -> Result<VecDeque<AuditEvent>, StoreError> {
    let mut search = EventSearch { look: LOOK, ..search };
    let mut latest = VecDeque::new();
    while latest.len() < most {
        search.limit = PAGE.min((most - latest.len()) as u64);
        let found = store.search_events(&search).await?;
        for event in found.events {
            latest.push_front(event);
        }
        match found.rest {
            Some(rest) => search.after = Some(rest),
            None => break,
        }
    }
    Ok(latest)
}

fn search(filter: &Filter) -> EventSearch {
    EventSearch {
        names: filter.event.into_iter().collect(),
        account: filter.account,
        client: filter.client.clone(),
        login: filter.login,
        ..EventSearch::default()
    }
}

fn query(filter: &Filter) -> EventQuery {
    EventQuery {
        name: filter.event,
        account: filter.account,
        client: filter.client.clone(),
        login: filter.login,
        limit: PAGE,
        ..EventQuery::default()
    }
}

/// Opens the database to read events. What they say of people is opened with the sealing key, if that is at hand.
pub(crate) async fn open(place: &Place) -> Result<SqlStore, Failure> {
    open_as_can_be(place).await.map(|(store, _)| store)
}

/// And whether what events say of people can be opened.
async fn open_as_can_be(place: &Place) -> Result<(SqlStore, bool), Failure> {
    let (settings, sealing) = if let Some(folder) = &place.data {
        (dev::store_in(folder), dev::sealing_in(folder))
    } else {
        let told = |faults| if place.config.is_some() { Failure::Config(faults) } else { Failure::Nowhere(faults) };
        let layered = layers::read(place.config.as_deref(), &config::environment()).map_err(told)?;
        (config::store_of(&layered).map_err(told)?, config::sealing_of(&layered))
    };
    if sealing.is_none() {
        eprintln!("warning: without the sealing key, what events say of people stays closed");
    }
    Ok((wire::open_to_read(&settings, sealing.as_ref()).await?, sealing.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_16_2_4_the_published_schema_is_that_of_the_records() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit/events.schema.json");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == schema(), "run: vestibule audit schema > docs/audit/events.schema.json");
    }
}
