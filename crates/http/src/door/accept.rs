//! Accepting connections, and going on when that fails.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tracing::{debug, warn};

use super::roster::{Roster, Seat};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a lasting trouble is logged.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How many connections one look over the roster picks for shedding. A look costs time in proportion to all connections, so a flood must
/// not cause one for each of its own.
const PICK: usize = 64;

/// A listener that pauses when the system is out of something.
#[derive(Debug)]
pub(super) struct Accept {
    listener: TcpListener,
    pause: Duration,
    logged: Option<Instant>,
}

impl Accept {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, pause: FIRST_PAUSE, logged: None }
    }

    /// The next connection. An accept that fails for want of descriptors or memory fails again at once, so it is followed by a pause,
    /// and by shedding the connection that is missed least: only a closed one gives a descriptor back.
    pub(super) async fn next(&mut self, roster: &Roster, shedder: &mut Shedder) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    self.pause = FIRST_PAUSE;
                    return stream;
                }
                Err(error) if concerns_one_connection(&error) => debug!(%error, "a connection was gone before it was accepted"),
                Err(error) => {
                    self.log(&error);
                    roster.set_full(true);
                    shedder.shed(roster);
                    sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn log(&mut self, error: &io::Error) {
        if self.logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            self.logged = Some(Instant::now());
            warn!(%error, "can't accept connections; is the limit of open files too low for max_connections?");
        }
    }

    /// Stops listening, and returns what the kernel had already let in: a client whose connection was established may have sent its
    /// request with it, and would see a reset.
    pub(super) fn close(self) -> io::Result<Vec<TcpStream>> {
        // The standard listener asks the kernel itself; Tokio's would only know what its reactor has been told so far.
        let listener = self.listener.into_std()?;
        let mut streams = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            streams.push(TcpStream::from_std(stream)?);
        }
        Ok(streams)
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Closes, one at a time, the connections that are missed least.
#[derive(Debug, Default)]
pub(super) struct Shedder {
    picked: VecDeque<Arc<Seat>>,
}

impl Shedder {
    /// Asks one connection to leave, if there is one that no request depends on.
    pub(super) fn shed(&mut self, roster: &Roster) {
        if self.shed_picked(roster) {
            return;
        }
        self.picked = roster.pick(PICK).into();
        self.shed_picked(roster);
    }

    fn shed_picked(&mut self, roster: &Roster) -> bool {
        std::iter::from_fn(|| self.picked.pop_front()).any(|seat| roster.ask_to_leave(&seat))
    }
}
