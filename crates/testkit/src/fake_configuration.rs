//! A configuration that says what a test has written into it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use vestibule_domain::{
    configuration::{ConfigurationChange, SettingFault, ShownSetting},
    ports::Configuration,
};

/// What reading it again says.
type Said = Result<ConfigurationChange, Vec<SettingFault>>;

/// Shows what it was told to show, and reads what it was told to read.
#[derive(Debug, Default)]
pub struct FakeConfiguration {
    shown: Mutex<Vec<ShownSetting>>,
    says: Mutex<Option<Said>>,
    reloads: AtomicUsize,
}

impl FakeConfiguration {
    /// From now on this is what holds.
    pub fn shows(&self, settings: Vec<ShownSetting>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// How often it was reloaded.
    pub fn reloads(&self) -> usize {
        self.reloads.load(Ordering::Relaxed)
    }

    /// From now on this is what reading it again says.
    pub fn says(&self, said: Result<ConfigurationChange, Vec<SettingFault>>) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }
}

#[async_trait]
impl Configuration for FakeConfiguration {
    async fn shown(&self) -> Vec<ShownSetting> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn check(&self) -> Said {
        self.says.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(|| Ok(ConfigurationChange::default()))
    }

    async fn reload(&self) -> Said {
        self.reloads.fetch_add(1, Ordering::Relaxed);
        self.check().await
    }
}
