//! How often, how fast.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use crate::Outcome;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) count: f64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Keeps this thread from sleeping while it waits for answers. To wake a processor that sleeps costs whoever wakes it, much of it on a virtual machine: the
/// slower of two gateways, for whose answers more is waited, would pay for that too.
pub(crate) async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// Runs one worker a connection, again and again until the span is over. A worker that fails ends the run.
pub(crate) async fn measure<W, F>(
    connections: usize,
    span: Duration,
    mut worker: impl AsyncFnMut(usize) -> Outcome<W>,
    step: F,
) -> Outcome<Row>
where
    W: 'static,
    F: AsyncFn(&mut W) -> Outcome<()> + Clone + 'static,
{
    let took = Rc::new(RefCell::new(Vec::with_capacity(1_000_000)));
    let mut workers = Vec::with_capacity(connections);
    for n in 0..connections {
        workers.push(worker(n).await?);
    }
    let began = Instant::now();
    let end = began + span;
    let set = LocalSet::new();
    let handles: Vec<_> = workers
        .into_iter()
        .map(|mut worker| {
            let (took, step) = (took.clone(), step.clone());
            set.spawn_local(async move {
                while Instant::now() < end {
                    let start = Instant::now();
                    step(&mut worker).await?;
                    took.borrow_mut().push(start.elapsed());
                }
                Outcome::Ok(())
            })
        })
        .collect();
    set.await;
    let elapsed = began.elapsed();
    for handle in handles {
        handle.await??;
    }
    let mut took = took.take();
    took.sort_unstable();
    let count = f64::from(u32::try_from(took.len())?);
    let per_second = count / elapsed.as_secs_f64();
    let at = |hundredths: usize| took.get(took.len() * hundredths / 100).or(took.last()).map_or(0.0, |took| took.as_secs_f64() * 1000.0);
    Ok(Row { count, per_second, p50_ms: at(50), p99_ms: at(99) })
}
