//! What the house stands on: the room its database has, and how long its certificate is good.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use vestibule_http::door::TlsFiles;
use vestibule_telemetry::Metrics;

use crate::config::Config;

const EVERY: Duration = Duration::from_mins(1);

/// What is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    database: Option<PathBuf>,
    certificate: Option<TlsFiles>,
}

impl Surroundings {
    pub(crate) fn of(config: &Config) -> Self {
        Self { database: config.store.sqlite_file().map(Path::to_owned), certificate: config.listen.tls.clone() }
    }

    /// Looks once a minute, until it is aborted.
    pub(crate) async fn watch(self, metrics: Arc<Metrics>) {
        let mut minutes = interval(EVERY);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            minutes.tick().await;
            let (looking, metrics) = (self.clone(), metrics.clone());
            // A disk that does not answer keeps only this waiting.
            let _ = tokio::task::spawn_blocking(move || looking.look(&metrics)).await;
        }
    }

    fn look(&self, metrics: &Metrics) {
        if let Some(file) = &self.database {
            match room(file) {
                Ok((size, free)) => metrics.set_store_room(size, free),
                Err(error) => warn!(%error, "the room that the database has can't be measured"),
            }
        }
        if let Some(expires) = self.certificate.as_ref().and_then(TlsFiles::expiry) {
            metrics.set_certificate_expiry(expires);
        }
    }
}

/// What the database and its write-ahead log take, and what is free where they lie; in bytes.
fn room(file: &Path) -> io::Result<(u64, u64)> {
    let log = format!("{}-wal", file.display());
    let size = fs::metadata(file)?.len() + fs::metadata(log).map_or(0, |log| log.len());
    Ok((size, free_beside(file)?))
}

/// What is free where a file lies, in bytes.
pub(crate) fn free_beside(file: &Path) -> io::Result<u64> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let system = rustix::fs::statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_counts_as_the_database_and_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v.db");
        assert!(room(&file).is_err());
        fs::write(&file, [0; 3000]).unwrap();
        fs::write(folder.path().join("v.db-wal"), [0; 500]).unwrap();
        let (size, free) = room(&file).unwrap();
        assert_eq!(size, 3500);
        assert!(free > 0);
    }
}
