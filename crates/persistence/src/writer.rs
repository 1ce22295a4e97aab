//! The writers: whatever waits is committed together, and everybody is answered after the commit.

use std::{
    sync::{Arc, Mutex as Lock, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::MissedTickBehavior,
};
use tracing::Instrument;
use vestibule_domain::store::StoreError;

use crate::{
    caches::{Caches, Effect, Ticket},
    errors::Fault,
    listener,
    options::{CommitStats, OnCommit},
    pen::{Dialect, Pen, within},
    sweep::Broom,
};

mod apply;
mod kinds;
#[cfg(test)]
mod plans;
mod steps;
#[cfg(test)]
mod tests;

use apply::Written;
pub(crate) use kinds::{Kind, STATEMENTS};
pub(crate) use steps::{Prepared, Step};

/// Most callers in one transaction: enough to make the disk's wait small for each, few enough that the first does not wait long for the last.
pub(crate) const MOST_TOGETHER: usize = 256;

/// How often SQLite is asked whether another process has written to the file.
const LOOK_FOR_STRANGERS_EVERY: Duration = Duration::from_millis(500);

/// How often a transaction is tried again that lost a deadlock or its connection.
const TRIES: u32 = 6;

/// How many callers of a group may each wait as long as a statement may take, before the rest is told that the database is slow.
const MOST_SLOW: u32 = 1;

/// What a writer is asked to do.
pub(crate) enum Order {
    Commit(Prepared, oneshot::Sender<Result<(), StoreError>>),
    Sweep(Broom, oneshot::Sender<Result<u64, StoreError>>),
}

type Caller = (Prepared, oneshot::Sender<Result<(), StoreError>>);

/// One writer. Several may take from the same queue.
pub(crate) struct Writer {
    pub(crate) pen: Pen,
    pub(crate) queue: Arc<Mutex<mpsc::Receiver<Order>>>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) on_commit: Option<OnCommit>,
}

/// Since when a writer waits for the database, if it does.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Lock<Option<Instant>>);

impl Pulse {
    /// Whether it has waited longer than that.
    pub(crate) fn is_stuck(&self, longer: Duration) -> bool {
        self.lock().is_some_and(|since| since.elapsed() > longer)
    }

    fn set(&self, since: Option<Instant>) {
        *self.lock() = since;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Works until nobody can put anything into the queue any more and it is empty; then gives its pen back.
    pub(crate) async fn run(mut self) -> Pen {
        let mut orders = Vec::with_capacity(MOST_TOGETHER);
        let mut strangers = Strangers::new(self.pen.dialect());
        loop {
            let taken = tokio::select! {
                taken = self.take(&mut orders) => taken,
                () = strangers.due() => {
                    strangers.look(&mut self.pen, &self.caches).await;
                    continue;
                }
            };
            if taken == 0 {
                return self.pen;
            }
            self.obey(&mut orders).await;
        }
    }

    async fn take(&self, orders: &mut Vec<Order>) -> usize {
        self.queue.lock().await.recv_many(orders, MOST_TOGETHER).await
    }

    async fn obey(&mut self, orders: &mut Vec<Order>) {
        let mut callers = Vec::with_capacity(orders.len());
        let mut brooms = Vec::new();
        for order in orders.drain(..) {
            match order {
                Order::Commit(changes, answer) => callers.push((changes, answer)),
                Order::Sweep(broom, answer) => brooms.push((broom, answer)),
            }
        }
        let (sharing, mut others): (Vec<Caller>, Vec<Caller>) = callers.into_iter().partition(|(changes, _)| changes.shares());
        others.sort_by_key(|(changes, _)| changes.is_of_the_chain());
        for callers in std::iter::once(sharing).chain(others.into_iter().map(|caller| vec![caller])) {
            if !callers.is_empty() {
                let span = tracing::debug_span!("store.transaction", batch = callers.len());
                self.commit(callers).instrument(span).await;
            }
        }
        for (broom, answer) in brooms {
            let swept = self.sweep(&broom).await;
            // Whoever asked may have gone; what was done is done.
            let _ = answer.send(swept);
        }
    }

    async fn commit(&mut self, callers: Vec<Caller>) {
        let began = Instant::now();
        let mut outcome = self.together(&callers).await;
        for _ in 0..TRIES {
            // A server that says nothing is not asked again and again: each time costs all the patience there is.
            let patient = self.pen.limit().is_none_or(|limit| began.elapsed() < limit);
            if !patient || !matches!(outcome, Err(Failed::Statement(Fault::Lost))) {
                break;
            }
            // The server may have been started anew since this connection was used last.
            outcome = self.together(&callers).await;
        }
        match outcome {
            Ok(answers) => answer(callers, answers),
            Err(Failed::Statement(fault)) if fault.is_the_databases() || (callers.len() == 1 && fault != Fault::Again) => {
                answer_all(callers, &fault.to_error());
            }
            Err(Failed::Statement(_)) => self.one_by_one(callers).await,
            Err(Failed::Commit(error)) => answer_all(callers, &error),
        }
    }

    /// After a failure in the group: each on its own, so that only the culprit fails.
    async fn one_by_one(&mut self, callers: Vec<Caller>) {
        let mut gone = None;
        let mut slow = 0;
        for caller in callers {
            let outcome = match &gone {
                Some(error) => Err(StoreError::clone(error)),
                None => self.alone(&caller, &mut slow).await,
            };
            match outcome {
                Ok(outcome) => answer(vec![caller], vec![outcome]),
                Err(error) => {
                    answer(vec![caller], vec![Err(error.clone())]);
                    gone = Some(error);
                }
            }
        }
    }

    /// One caller's answer, or that the database is gone and nobody else need try.
    async fn alone(&mut self, caller: &Caller, slow: &mut u32) -> Result<Result<(), StoreError>, StoreError> {
        let mut pause = Duration::from_millis(5);
        for _ in 0..TRIES {
            match self.together(std::slice::from_ref(caller)).await {
                Ok(mut answers) => return Ok(answers.pop().unwrap_or(Ok(()))),
                Err(Failed::Statement(Fault::Again)) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(Failed::Statement(fault)) if fault.is_the_databases() => return Err(fault.to_error()),
                Err(Failed::Statement(Fault::Slow)) => {
                    *slow += 1;
                    // Once may be a row that somebody holds on to. More is the database, and the queue grows meanwhile.
                    return if *slow > MOST_SLOW { Err(Fault::Slow.to_error()) } else { Ok(Err(Fault::Slow.to_error())) };
                }
                Err(Failed::Statement(fault)) => return Ok(Err(fault.to_error())),
                Err(Failed::Commit(error)) => return Ok(Err(error)),
            }
        }
        Ok(Err(Fault::Again.to_error()))
    }

    /// One transaction for all of `callers`, and their answers in order. After an error nothing is known to be written.
    async fn together(&mut self, callers: &[Caller]) -> Result<Answers, Failed> {
        let began = Instant::now();
        self.pulse.set(Some(began));
        let outcome = match self.transact(callers, How::Together).await {
            Ok(None) => self.transact(callers, How::InTurn).await,
            outcome => outcome,
        };
        self.pulse.set(None);
        if let Some(on_commit) = &self.on_commit {
            // Who holds the queue waits for it to have something in it.
            let waiting = self.queue.try_lock().map_or(0, |queue| queue.len());
            on_commit(CommitStats { batch: callers.len(), waiting, took: began.elapsed() });
        }
        outcome.map(Option::unwrap_or_default)
    }

    /// Nothing if this is not the way: then nothing was written.
    async fn transact(&mut self, callers: &[Caller], how: How) -> Result<Option<Answers>, Failed> {
        self.pen.begin().await.map_err(Failed::Statement)?;
        let written = match within(self.pen.limit(), write(&mut self.pen, callers, how, self.caches.signature())).await {
            Ok(Some(written)) => written,
            // Not this way: nobody knows who lost.
            Ok(None) => {
                self.pen.roll_back().await;
                return Ok(None);
            }
            Err(fault) => {
                self.give_up(fault).await;
                return Err(Failed::Statement(fault));
            }
        };
        let answers = written.lost.iter().map(|lost| lost.map_or(Ok(()), |contest| Err(StoreError::Conflict(contest)))).collect();
        if written.lost.iter().all(Option::is_some) {
            self.pen.roll_back().await;
        } else {
            let effects = self.caches.expect(written.effects);
            if let Err(fault) = self.pen.commit().await {
                return Err(self.commit_failed(fault, effects));
            }
            self.caches.apply(effects);
        }
        // Who lost has read something that another node or process has changed since, and will look again at once, before word of it is
        // here: what overtook a code decides whether this was a replay.
        for effect in &written.outdated {
            self.caches.forget(effect);
        }
        Ok(Some(answers))
    }

    async fn give_up(&mut self, fault: Fault) {
        if fault.is_the_databases() {
            // Perhaps there is nobody to say ROLLBACK to, and the next one must not be told that it was answered. Perhaps this is a server
            // that only reads since another one took over: the next connection finds that one.
            self.pen.discard();
        } else {
            self.pen.roll_back().await;
        }
    }

    /// Whether it was committed is not known, so the caches believe neither. On PostgreSQL it may be committed yet; then this node is
    /// notified like every other.
    fn commit_failed(&self, fault: Fault, effects: Vec<(Effect, Ticket)>) -> Failed {
        self.caches.doubt(effects.into_iter().map(|(effect, _)| effect));
        match fault {
            // PostgreSQL says so before it commits.
            Fault::Again => Failed::Statement(Fault::Again),
            fault => Failed::Commit(fault.to_error()),
        }
    }

    async fn sweep(&mut self, broom: &Broom) -> Result<u64, StoreError> {
        self.pulse.set(Some(Instant::now()));
        let limit = self.pen.limit();
        let swept = within(limit, async { broom.sweep(self.pen.connection().await?).await }).await;
        self.pulse.set(None);
        if swept.is_err() {
            self.pen.discard();
        }
        let swept = swept.map_err(Fault::to_error)?;
        for effect in &swept.effects {
            self.caches.forget(effect);
        }
        Ok(swept.rows)
    }
}

async fn write(pen: &mut Pen, callers: &[Caller], how: How, signature: u64) -> Result<Option<Written>, Fault> {
    let connection = pen.connection().await?;
    let changes: Vec<&Prepared> = callers.iter().map(|(changes, _)| changes).collect();
    let written = match (how, &*changes) {
        (_, [caller]) if !caller.orderly => Some(apply::in_order(connection, caller).await?),
        (How::Together, callers) => apply::together(connection, callers).await?,
        (How::InTurn, callers) => Some(apply::in_turn(connection, callers).await?),
    };
    // SQLite has no other nodes; another process on the same file looks by itself.
    if let Some(written) = &written
        && connection.dialect() == Dialect::Postgres
    {
        listener::tell(connection, signature, &written.effects).await?;
    }
    Ok(written)
}

type Answers = Vec<Result<(), StoreError>>;

/// How the callers of a group are run.
#[derive(Clone, Copy, Debug)]
enum How {
    /// A statement for all.
    Together,
    /// Contests one after the other, each with statements of its own.
    InTurn,
}

enum Failed {
    /// Nothing was written.
    Statement(Fault),
    /// Perhaps everything was. Trying again could tell a winner that it lost.
    Commit(StoreError),
}

fn answer_all(callers: Vec<Caller>, error: &StoreError) {
    let answers = callers.iter().map(|_| Err(error.clone())).collect();
    answer(callers, answers);
}

fn answer(callers: Vec<Caller>, answers: Vec<Result<(), StoreError>>) {
    for ((_, caller), answer) in callers.into_iter().zip(answers) {
        // A caller that hung up does not undo its commit.
        let _ = caller.send(answer);
    }
}

/// Notices that another process has written to the same SQLite file: `data_version` changes for commits of other connections only,
/// and this process has no other that writes.
struct Strangers {
    tick: Option<tokio::time::Interval>,
    /// Of which connection, and what it said. No other connection's number can be compared with it.
    seen: Option<(u64, i64)>,
}

impl Strangers {
    fn new(dialect: Dialect) -> Self {
        let tick = (dialect == Dialect::Sqlite).then(|| {
            let mut tick = tokio::time::interval(LOOK_FOR_STRANGERS_EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            tick
        });
        Self { tick, seen: None }
    }

    async fn due(&mut self) {
        match &mut self.tick {
            Some(tick) => {
                tick.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    async fn look(&mut self, pen: &mut Pen, caches: &Caches) {
        let version = match pen.connection().await {
            Ok(connection) => connection.number("PRAGMA data_version", &[]).await.ok().flatten().flatten(),
            Err(_) => None,
        };
        let now = version.map(|version| (pen.opened(), version));
        // The first look, too: what was written between the first read and now would never show.
        if now.is_none() || self.seen != now {
            caches.forget_all();
        }
        self.seen = now;
    }
}
