//! A place that audit events are sent on to: the fake behind the port.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use vestibule_domain::{
    audit::{
        AuditEvent,
        sink::{Batch, NotTaken, SinkTrouble},
    },
    ports::AuditSink,
};

/// Remembers what it was handed, and takes it unless it is told otherwise.
#[derive(Debug, Default)]
pub struct FakeSink {
    taken: Mutex<Vec<Vec<AuditEvent>>>,
    answers: Mutex<Answers>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Answers {
    #[default]
    Takes,
    Fails(SinkTrouble),
    Never,
}

impl FakeSink {
    /// From now on it takes nothing; nothing mends it.
    pub fn fails(&self, trouble: Option<SinkTrouble>) {
        *lock(&self.answers) = trouble.map_or(Answers::Takes, Answers::Fails);
    }

    /// From now on it never answers.
    pub fn is_silent(&self) {
        *lock(&self.answers) = Answers::Never;
    }

    /// The batches it took so far.
    pub fn batches(&self) -> Vec<Vec<AuditEvent>> {
        lock(&self.taken).clone()
    }

    /// The numbers of the events it took so far, as they came.
    pub fn taken(&self) -> Vec<i64> {
        lock(&self.taken).iter().flatten().filter_map(|event| Some(event.link?.seq)).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl AuditSink for FakeSink {
    async fn deliver(&self, batch: &Batch) -> Result<(), NotTaken> {
        let answers = *lock(&self.answers);
        match answers {
            Answers::Takes => {
                lock(&self.taken).push(batch.events.clone());
                Ok(())
            }
            Answers::Fails(trouble) => Err(NotTaken { trouble, why: "the fake was told so".into() }),
            Answers::Never => std::future::pending().await,
        }
    }
}
