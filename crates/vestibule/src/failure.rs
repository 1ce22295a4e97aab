//! Why a command ended without having done what it should. Each is told in one piece on standard error, with exit code 1.

use std::io;

use vestibule_domain::store::StoreError;
use vestibule_flows::{AdminFault, KeysError};
use vestibule_telemetry::TelemetryError;

use crate::{config::fault::Faults, remote::Problem};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration.
    #[error("error: the configuration can't be used\n\n{0}")]
    Config(#[from] Faults),
    /// Nothing on the command line says whose data is meant, and the environment does not say enough.
    #[error(
        "error: it is not said which gateway is meant: name its configuration by --config FILE, or what `vestibule dev` keeps by --data DIR\n\n{0}"
    )]
    Nowhere(Faults),
    /// Rules to try.
    #[error("error: the draft can't be used\n\n{0}")]
    Draft(Faults),
    /// The database.
    #[error("error: {0}")]
    Store(#[from] StoreError),
    /// The signing keys.
    #[error("error: the signing keys can't be used: {0}")]
    Keys(#[from] KeysError),
    /// Logs or traces.
    #[error("error: {0}; look at log.filter and at [tracing] in the configuration")]
    Telemetry(#[from] TelemetryError),
    /// The demo app of `vestibule dev` can't be registered.
    #[error("error: the demo app can't be registered: {0:?}")]
    Demo(AdminFault),
    /// Something that the admin API has could not be had.
    #[error("error: {what} can't be had: {}", why(.fault))]
    Admin {
        /// What.
        what: String,
        /// Why.
        fault: AdminFault,
    },
    /// A running gateway refused.
    #[error("error: {0}")]
    Problem(Box<Problem>),
    /// There is no event of what is to be explained.
    #[error(
        "error: no event of the last {days} days has the reference {reference:?}\n\nA reference is the 32 letters and digits of an error page, or the id of a login; --days looks further back."
    )]
    UnknownReference {
        /// As it was written.
        reference: String,
        /// How far was looked back.
        days: u32,
    },
    /// What was said on standard output could not be written.
    #[error("error: standard output can't be written: {0}")]
    Output(io::Error),
    /// The system said no.
    #[error("error: {what}: {error}")]
    Io {
        /// To what.
        what: String,
        /// In its words.
        error: io::Error,
    },
    /// An audit log is not what was sealed: where, and how.
    #[error("error: {0}")]
    Broken(String),
    /// Something would be done, and that is what was to be found out: exit code 3, and no words.
    #[error("something would change")]
    WouldChange,
    /// Anything else.
    #[error("error: {0}")]
    Plain(String),
}

impl Failure {
    /// The system said no.
    pub(crate) fn io(what: impl Into<String>, error: io::Error) -> Self {
        Self::Io { what: what.into(), error }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

fn why(fault: &AdminFault) -> String {
    match fault {
        AdminFault::NotFound => "it is not there".into(),
        AdminFault::Store(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}
