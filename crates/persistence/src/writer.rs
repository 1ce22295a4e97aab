//! The writers: whatever waits is committed together, and everybody is answered after the commit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::MissedTickBehavior,
};
use tracing::Instrument;
use vestibule_domain::store::StoreError;

use crate::{
    caches::{Caches, Effect},
    errors::Fault,
    listener::Node,
    options::{CommitStats, OnCommit},
    sweep::Broom,
};

mod apply;
mod steps;

use apply::{Written, apply};
pub(crate) use steps::Prepared;

/// Most callers in one transaction: enough to make the disk's wait small for each, few enough that the first does not wait long for the last.
pub(crate) const MOST_TOGETHER: usize = 256;

/// How often SQLite is asked whether another process has written to the file.
const LOOK_FOR_STRANGERS_EVERY: Duration = Duration::from_millis(500);

/// How often a transaction is tried again that lost a deadlock or its connection.
const TRIES: u32 = 6;

/// What a writer is asked to do.
pub(crate) enum Order {
    Commit(Prepared, oneshot::Sender<Result<(), StoreError>>),
    Sweep(Broom, oneshot::Sender<Result<u64, StoreError>>),
}

type Caller = (Prepared, oneshot::Sender<Result<(), StoreError>>);

/// One writer. Several may take from the same queue.
pub(crate) struct Writer {
    pub(crate) db: DatabaseConnection,
    pub(crate) queue: Arc<Mutex<mpsc::Receiver<Order>>>,
    pub(crate) caches: Arc<Caches>,
    /// How the other nodes are told; there are none on SQLite.
    pub(crate) node: Option<Node>,
    pub(crate) on_commit: Option<OnCommit>,
}

impl Writer {
    /// Works until nobody can put anything into the queue any more and it is empty.
    pub(crate) async fn run(self) {
        let mut orders = Vec::with_capacity(MOST_TOGETHER);
        let mut strangers = Strangers::new(self.db.get_database_backend());
        loop {
            let taken = tokio::select! {
                taken = self.take(&mut orders) => taken,
                () = strangers.due() => {
                    strangers.look(&self.db, &self.caches).await;
                    continue;
                }
            };
            if taken == 0 {
                break;
            }
            self.obey(&mut orders).await;
        }
    }

    async fn take(&self, orders: &mut Vec<Order>) -> usize {
        self.queue.lock().await.recv_many(orders, MOST_TOGETHER).await
    }

    async fn obey(&self, orders: &mut Vec<Order>) {
        let mut callers = Vec::with_capacity(orders.len());
        let mut brooms = Vec::new();
        for order in orders.drain(..) {
            match order {
                Order::Commit(changes, answer) => callers.push((changes, answer)),
                Order::Sweep(broom, answer) => brooms.push((broom, answer)),
            }
        }
        if !callers.is_empty() {
            let span = tracing::debug_span!("store.commit", batch = callers.len());
            self.commit(callers).instrument(span).await;
        }
        for (broom, answer) in brooms {
            let swept = self.sweep(&broom).await;
            // Whoever asked may have gone; what was done is done.
            let _ = answer.send(swept);
        }
    }

    async fn commit(&self, callers: Vec<Caller>) {
        let mut outcome = self.together(&callers).await;
        for _ in 0..TRIES {
            if !matches!(outcome, Err(Failed::Statement(Fault::Lost))) {
                break;
            }
            // The server may have been started anew since this connection was used last. So may the others that lie ready.
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
    async fn one_by_one(&self, callers: Vec<Caller>) {
        let mut gone = None;
        for caller in callers {
            let outcome = match &gone {
                Some(error) => Err(StoreError::clone(error)),
                None => self.alone(&caller).await,
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
    async fn alone(&self, caller: &Caller) -> Result<Result<(), StoreError>, StoreError> {
        let mut pause = Duration::from_millis(5);
        for _ in 0..TRIES {
            match self.together(std::slice::from_ref(caller)).await {
                Ok(mut answers) => return Ok(answers.pop().unwrap_or(Ok(()))),
                Err(Failed::Statement(Fault::Again)) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(Failed::Statement(fault)) if fault.is_the_databases() => return Err(fault.to_error()),
                Err(Failed::Statement(fault)) => return Ok(Err(fault.to_error())),
                Err(Failed::Commit(error)) => return Ok(Err(error)),
            }
        }
        Ok(Err(Fault::Again.to_error()))
    }

    /// One transaction for all of `callers`, and their answers in order. After an error nothing is known to be written.
    async fn together(&self, callers: &[Caller]) -> Result<Vec<Result<(), StoreError>>, Failed> {
        let began = Instant::now();
        let outcome = self.transact(callers).await;
        if let Some(on_commit) = &self.on_commit {
            on_commit(CommitStats { batch: callers.len(), took: began.elapsed() });
        }
        outcome
    }

    async fn transact(&self, callers: &[Caller]) -> Result<Vec<Result<(), StoreError>>, Failed> {
        let transaction = self.begin().await.map_err(|error| Failed::Statement(Fault::of(&error)))?;
        let written = match self.write(&transaction, callers).await {
            Ok(written) => written,
            Err(error) => {
                let fault = Fault::of(&error);
                // By name: a dropped transaction only queues its rollback, and the next BEGIN would find it open.
                let _ = transaction.rollback().await;
                return Err(Failed::Statement(fault));
            }
        };
        let answers = written.lost.iter().map(|lost| lost.map_or(Ok(()), |contest| Err(StoreError::Conflict(contest)))).collect();
        if written.lost.iter().all(Option::is_some) {
            let _ = transaction.rollback().await;
            return Ok(answers);
        }
        if let Err(error) = transaction.commit().await {
            return Err(self.commit_failed(&Fault::of(&error), &written.effects));
        }
        for effect in written.effects {
            self.caches.apply(effect);
        }
        Ok(answers)
    }

    async fn begin(&self) -> Result<DatabaseTransaction, sea_orm::DbErr> {
        // A deferred transaction that turns to writing gets BUSY at once, whatever the busy timeout.
        let immediate = (self.db.get_database_backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        self.db.begin_with_options(TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() }).await
    }

    async fn write(&self, transaction: &DatabaseTransaction, callers: &[Caller]) -> Result<Written, sea_orm::DbErr> {
        let changes: Vec<&Prepared> = callers.iter().map(|(changes, _)| changes).collect();
        let written = apply(transaction, &changes).await?;
        if let Some(node) = &self.node {
            node.tell(transaction, &written.effects).await?;
        }
        Ok(written)
    }

    /// Whether it was committed is not known, so the caches believe neither.
    fn commit_failed(&self, fault: &Fault, effects: &[Effect]) -> Failed {
        for effect in effects {
            self.caches.forget(effect);
        }
        match fault {
            // PostgreSQL says so before it commits.
            Fault::Again => Failed::Statement(Fault::Again),
            fault => Failed::Commit(fault.to_error()),
        }
    }

    async fn sweep(&self, broom: &Broom) -> Result<u64, StoreError> {
        let swept = broom.sweep(&self.db).await.map_err(|error| Fault::of(&error).to_error())?;
        for effect in &swept.effects {
            self.caches.forget(effect);
        }
        Ok(swept.rows)
    }
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
    seen: Option<i64>,
}

impl Strangers {
    fn new(backend: DbBackend) -> Self {
        let tick = (backend == DbBackend::Sqlite).then(|| {
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

    async fn look(&mut self, db: &DatabaseConnection, caches: &Caches) {
        let asked = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, "PRAGMA data_version")).await;
        let version = asked.ok().flatten().and_then(|row| row.try_get_by_index::<i64>(0).ok());
        if version.is_none() || (self.seen.is_some() && self.seen != version) {
            caches.forget_all();
        }
        self.seen = version;
    }
}
