//! What the dashboards show: counted by every node for itself, written once a minute, and added up when somebody looks.

mod statistics;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use vestibule_domain::{
    audit::Witness,
    ids::{AccountId, ProviderId},
    stats::{MADE_UP, Only, People, Range, Report, StatsRow, Step, Tally, day},
    store::{Changes, StoreError, Write},
    time::Timestamp,
};

pub use self::statistics::Statistics;
use crate::Gateway;

/// How long what other nodes wrote may be kept before it is read again. They write once a minute, and thirteen months are long to read.
const fn read_every(step: Step) -> Duration {
    match step {
        Step::TenSeconds => Duration::from_secs(10),
        Step::Minute => Duration::from_secs(30),
        Step::Hour => Duration::from_mins(1),
    }
}

/// How long the numbers of people may be kept: they take a walk over a month.
const PEOPLE_EVERY: Duration = Duration::from_mins(1);
/// How many clients are looked at when the house opens, for the names of a hundred; those beyond get theirs when somebody signs in to them.
const MOST_PAGES: usize = 10;
const A_PAGE: u64 = 200;
/// How many rows go into one commit.
const AT_ONCE: usize = 2_000;
const DAY: Duration = Duration::from_hours(24);
/// For so long somebody is counted after the day they were here last, and that day itself.
const MONTH: Duration = Duration::from_hours(24 * 30);

/// What was read lately.
#[derive(Debug, Default)]
pub(crate) struct Lately {
    points: Mutex<BTreeMap<Range, Arc<Read>>>,
    people: Mutex<Option<(Timestamp, People)>>,
}

/// What all nodes wrote, point by point, without what this one has itself.
#[derive(Debug)]
struct Read {
    at: Timestamp,
    generation: u64,
    since: Timestamp,
    points: BTreeMap<Timestamp, Tally>,
    is_made_up: bool,
}

impl Gateway {
    /// Counts by name the apps that operators registered, the first hundred of them, and learns until when people are counted whom somebody made up. Run
    /// once before the house opens.
    pub async fn begin_statistics(&self) -> Result<(), StoreError> {
        self.statistics.people_are_made_up_until(self.made_up_until().await?);
        let mut after = None;
        for _ in 0..MOST_PAGES {
            let page = self.store.clients(after.as_ref(), A_PAGE).await?;
            page.iter().filter(|client| client.is_vetted()).for_each(|client| self.statistics.introduce(&client.id));
            match page.into_iter().next_back() {
                Some(last) => after = Some(last.id),
                None => break,
            }
        }
        Ok(())
    }

    /// Whoever made people up made up what they did, which says so: its last day is theirs.
    async fn made_up_until(&self) -> Result<Timestamp, StoreError> {
        let rows = self.store.stats(Step::Hour, day(self.clock().now()) - MONTH).await?;
        let last = rows.iter().filter(|row| row.node == MADE_UP).map(|row| row.start + Step::Hour.span()).max();
        Ok(last.map_or_else(Timestamp::default, |last| day(last) + MONTH))
    }

    /// Writes what was counted and is over; with `all`, what is not over too, because the house closes. Run every minute. What could not be written is
    /// written the next time.
    pub async fn write_statistics(&self, all: bool) -> Result<usize, StoreError> {
        for id in self.statistics.take_unknown() {
            if self.store.client(&id).await?.is_some_and(|client| client.is_vetted()) {
                self.statistics.introduce(&id);
            }
        }
        let rows = self.statistics.due(self.node, all);
        for some in rows.chunks(AT_ONCE) {
            self.put_statistics(some).await?;
            self.statistics.written(some);
        }
        let people = self.note_people().await?;
        Ok(rows.len() + people)
    }

    /// Keeps what was counted in spans of time.
    pub async fn put_statistics(&self, rows: &[StatsRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let write = |row: &StatsRow| Write::PutStats(Box::new(row.clone()));
        self.commit(Changes { writes: rows.iter().map(write).collect(), events: Vec::new() }).await
    }

    /// Notes who was here, each on a day ([`day`]).
    pub async fn put_people(&self, people: &[(Timestamp, AccountId)]) -> Result<(), StoreError> {
        let note = |(day, account): &(Timestamp, AccountId)| Write::NoteActive { account: *account, day: *day };
        self.commit(Changes { writes: people.iter().map(note).collect(), events: Vec::new() }).await
    }

    async fn note_people(&self) -> Result<usize, StoreError> {
        // They stay in memory until they are noted: a stop may cut this off, and what is left is noted then.
        let people = self.statistics.people();
        for some in people.chunks(AT_ONCE) {
            self.put_people(some).await?;
            self.statistics.noted(some);
        }
        Ok(people.len())
    }

    /// So many browsers are signed in ([`Gateway::sessions_alive`]).
    pub fn note_sessions(&self, sessions: u64) {
        self.statistics.sessions(sessions);
    }

    /// When our secrets at providers expire, where that is known.
    pub fn secrets_expire(&self) -> BTreeMap<ProviderId, Timestamp> {
        self.statistics.secrets()
    }

    /// What happened in a stretch of time until now, on all nodes: this one's up to now, the others' as it was at most two minutes ago.
    pub async fn report(&self, witness: &Witness, range: Range, only: &Only) -> Result<Report, StoreError> {
        let now = witness.now;
        let live = self.statistics.live(range.step());
        let read = self.counted_by_all(range, now, &live).await?;
        let mut points = read.points.clone();
        for (start, tally) in live.spans.iter().filter(|(start, _)| **start >= read.since) {
            points.entry(range.point_of(*start)).or_default().add(tally);
        }
        Ok(Report::new(range, now, only, &points, read.is_made_up))
    }

    async fn counted_by_all(&self, range: Range, now: Timestamp, live: &statistics::Live) -> Result<Arc<Read>, StoreError> {
        let since = range.since(now);
        let kept = self.lately.points.lock().unwrap_or_else(PoisonError::into_inner).get(&range).cloned();
        let is_good =
            |read: &Arc<Read>| read.generation == live.generation && read.since == since && now.since(read.at) < read_every(range.step());
        if let Some(read) = kept.filter(is_good) {
            return Ok(read);
        }
        let rows = self.store.stats(range.step(), since).await?;
        let is_made_up = rows.iter().any(|row| row.node == MADE_UP);
        let mut points: BTreeMap<Timestamp, Tally> = BTreeMap::new();
        // What this node may write again is in memory, and more of it.
        for row in rows.iter().filter(|row| row.node != self.node || !live.spans.contains_key(&row.start)) {
            points.entry(range.point_of(row.start)).or_default().add(&row.tally);
        }
        let read = Arc::new(Read { at: now, generation: live.generation, since, points, is_made_up });
        self.lately.points.lock().unwrap_or_else(PoisonError::into_inner).insert(range, read.clone());
        Ok(read)
    }

    /// How many people were here; as it was at most two minutes ago.
    pub async fn people_here(&self, witness: &Witness) -> Result<People, StoreError> {
        let now = witness.now;
        let kept = self.lately.people.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, people)) = kept
            && now.since(at) < PEOPLE_EVERY
            && day(at) == day(now)
        {
            return Ok(people);
        }
        let today = day(now);
        let people = People {
            day: self.store.people_active(today).await?,
            week: self.store.people_active(today - DAY * 6).await?,
            month: self.store.people_active(today - DAY * 29).await?,
            days: self.store.people_by_day(today - DAY * 29).await?,
            made_up: now < self.statistics.made_up_until(),
        };
        *self.lately.people.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, people.clone()));
        Ok(people)
    }
}
