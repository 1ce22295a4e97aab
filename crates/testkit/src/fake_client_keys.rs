//! Key sets at clients' addresses, in the test's hand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use vestibule_domain::ports::{ClientKeys, KeysUnavailable};

/// What is published where, what was fetched of it, and how often.
#[derive(Debug, Default)]
pub struct FakeClientKeys(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    published: HashMap<String, Vec<u8>>,
    kept: HashMap<String, Arc<Vec<u8>>>,
    fetched: usize,
}

impl FakeClientKeys {
    /// Publishes a key set, or takes the address down.
    pub fn publish(&self, jwks_uri: &str, jwks: Option<Vec<u8>>) {
        let published = &mut self.lock().published;
        match jwks {
            Some(jwks) => published.insert(jwks_uri.to_owned(), jwks),
            None => published.remove(jwks_uri),
        };
    }

    /// How often anything was fetched.
    pub fn fetched(&self) -> usize {
        self.lock().fetched
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ClientKeys for FakeClientKeys {
    fn permits(&self, jwks_uri: &str) -> bool {
        jwks_uri.starts_with("https://")
    }

    async fn keys(&self, jwks_uri: &str) -> Result<Arc<Vec<u8>>, KeysUnavailable> {
        let kept = self.lock().kept.get(jwks_uri).cloned();
        match kept {
            Some(kept) => Ok(kept),
            None => self.renewed_keys(jwks_uri).await,
        }
    }

    async fn renewed_keys(&self, jwks_uri: &str) -> Result<Arc<Vec<u8>>, KeysUnavailable> {
        let mut state = self.lock();
        state.fetched += 1;
        let jwks = Arc::new(state.published.get(jwks_uri).cloned().ok_or(KeysUnavailable)?);
        state.kept.insert(jwks_uri.to_owned(), Arc::clone(&jwks));
        Ok(jwks)
    }
}
