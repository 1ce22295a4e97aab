//! `vestibule audit`: reads the audit log from the database itself, beside a running gateway or without one.

mod follow;
mod line;
mod moment;
mod record;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use vestibule_domain::{
    audit::AuditEvent,
    ports::Store,
    store::{EventQuery, StoreError},
    time::Timestamp,
};
use vestibule_persistence::SqlStore;

pub(crate) use self::{line::line, moment::Moment};
use crate::{
    cli::{ExportOptions, Filter, Format, Place, TailOptions},
    config::{self, layers},
    dev,
    failure::Failure,
    print, wire,
};

/// How many events are read at once.
pub(crate) const PAGE: u64 = 500;
/// How often somebody who watches is told how far an export is, in events.
const PROGRESS_EVERY: u64 = 1_000;

/// Shows the latest events, and the next ones as they come.
pub(crate) async fn tail(options: &TailOptions) -> Result<(), Failure> {
    let store = open(&options.place).await?;
    let done = async {
        let latest = latest(&store, &options.filter, options.lines).await?;
        let show = |event: &AuditEvent| print::text(&if options.json { record::json_line(event) } else { line(event) });
        latest.iter().try_for_each(show)?;
        if options.follow { follow::follow(&store, &options.filter, latest, show).await } else { Ok(()) }
    }
    .await;
    store.close().await;
    done
}

/// Writes events in their order.
pub(crate) async fn export(options: &ExportOptions) -> Result<(), Failure> {
    let now = wire::clock().now();
    let query = EventQuery {
        since: options.since.map(|moment| moment.at(now)),
        until: options.until.map(|moment| moment.at(now)),
        ..query(&options.filter)
    };
    let store = open(&options.place).await?;
    let done = match &options.output {
        None => write_events(&store, query, options.format, BufWriter::new(io::stdout())).await.map(drop),
        Some(path) => export_to_file(&store, query, options.format, path).await,
    };
    store.close().await;
    done
}

/// Half an export must never look like a whole one, so it is written beside its place and moved there at the end.
async fn export_to_file(store: &SqlStore, query: EventQuery, format: Format, path: &Path) -> Result<(), Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let failed = |error| Failure::io(format!("{} can't be written", partial.display()), error);
    let file = dev::create_private(&partial).map_err(failed)?;
    let written = write_events(store, query, format, BufWriter::new(file)).await;
    let file = match written {
        Ok(out) => out.into_inner().map_err(|error| failed(error.into_error()))?,
        Err(failure) => {
            let _ = fs::remove_file(&partial);
            return Err(failure);
        }
    };
    File::sync_all(&file).and_then(|()| fs::rename(&partial, path)).map_err(failed)
}

async fn write_events<W: Write + Send>(store: &SqlStore, mut query: EventQuery, format: Format, out: W) -> Result<W, Failure> {
    let watched = io::stderr().is_terminal();
    let mut writer = record::Writer::new(format, out);
    let mut written = 0;
    loop {
        let page = store.events(&query).await?;
        for event in &page {
            writer.write(event).map_err(Failure::Output)?;
            written += 1;
            if watched && written % PROGRESS_EVERY == 0 {
                eprint!("\r{written} events");
            }
        }
        match page.last() {
            Some(last) if page.len() as u64 == query.limit => query.after = Some(last.id),
            _ => break,
        }
    }
    if watched && written >= PROGRESS_EVERY {
        eprintln!("\r{written} events");
    }
    writer.finish().map_err(Failure::Output)
}

/// The last events. They are read forwards, so wider and wider spans of time are looked at until there are enough.
async fn latest(store: &SqlStore, filter: &Filter, most: usize) -> Result<VecDeque<AuditEvent>, StoreError> {
    const HOUR: Duration = Duration::from_hours(1);
    let now = wire::clock().now();
    let mut found = VecDeque::new();
    for since in [Some(now - HOUR), Some(now - HOUR * 24), Some(now - HOUR * 24 * 30), None] {
        found = latest_since(store, filter, since, most).await?;
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}

async fn latest_since(
    store: &SqlStore,
    filter: &Filter,
    since: Option<Timestamp>,
    most: usize,
) -> Result<VecDeque<AuditEvent>, StoreError> {
    let mut query = EventQuery { since, ..query(filter) };
    let mut found = VecDeque::new();
    loop {
        let page = store.events(&query).await?;
        let last = page.last().map(|event| event.id).filter(|_| page.len() as u64 == query.limit);
        found.extend(page);
        found.drain(..found.len().saturating_sub(most));
        match last {
            Some(last) => query.after = Some(last),
            None => return Ok(found),
        }
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

pub(crate) async fn open(place: &Place) -> Result<SqlStore, Failure> {
    let told = |faults| if place.config.is_some() { Failure::Config(faults) } else { Failure::Nowhere(faults) };
    let settings = match &place.data {
        Some(folder) => dev::store_in(folder),
        None => layers::read(place.config.as_deref(), &config::environment()).and_then(|read| config::store_of(&read)).map_err(told)?,
    };
    wire::open_to_read(&settings).await
}
