//! What the system tells us to do, and what we tell it of ourselves.

use std::{future::pending, io};

use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Signals to stop.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl StopSignals {
    /// From now on they are ours to handle.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hangup: None })
    }

    /// The same, for what belongs to a terminal: it stops when the terminal is closed.
    pub(crate) fn listen_in_terminal() -> io::Result<Self> {
        Ok(Self { hangup: Some(signal(SignalKind::hangup())?), ..Self::listen()? })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hung_up(self.hangup.as_mut()) => {}
        }
    }
}

async fn hung_up(hangup: Option<&mut Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => pending().await,
    }
}

/// Tells tasks to stop, once.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    /// Nobody is told yet.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells everybody.
    pub(crate) fn call(&self) {
        self.0.send_replace(true);
    }

    /// Ready once it was called, or can't be any more.
    pub(crate) fn called(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopped = self.0.subscribe();
        async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    }
}

/// Says something to systemd; to nobody when it didn't start us.
pub(crate) fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd could not be told how we are");
    }
}

/// Says to systemd that the configuration is being read again; [`tell_systemd`] that we are ready says that it was.
pub(crate) fn tell_systemd_of_reload() {
    let told = NotifyState::monotonic_usec_now().and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now]));
    if let Err(error) = told {
        tracing::warn!(%error, "systemd could not be told that we reload");
    }
}
