//! The key sets that clients publish (`jwks_uri`, RFC 7591 §2).
//!
//! Whoever registers a client chooses what we fetch, and whoever knows its `client_id` chooses when: by showing something that is signed with a key
//! we have not seen. So every address goes through the guarded client (attacks 42 and 43), and is asked seldom (attack 22).

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use http::{HeaderValue, Request, StatusCode, header};
use url::Url;
use vestibule_domain::{
    ports::{ClientKeys, Clock, KeysUnavailable},
    provider::{Phase, ProviderError},
};
use vestibule_protocol::key_set;

use crate::{
    egress::Egress,
    kept::{Kept, Whose},
    line,
};

/// So many addresses are remembered; beyond, one of them is forgotten and fetched again when it is needed.
const MOST_ADDRESSES: usize = 2_000;

/// Fetches what clients publish, and keeps it as providers' documents are kept: an hour, a day when it can't be had anew, and asked again at most
/// once a minute because of an unknown key.
#[derive(Clone)]
pub struct KeyFetcher {
    egress: Egress,
    clock: Arc<dyn Clock>,
    shelves: Arc<Mutex<HashMap<String, Arc<Shelf>>>>,
}

/// One address's document.
type Shelf = Kept<Vec<u8>>;

impl fmt::Debug for KeyFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFetcher").finish_non_exhaustive()
    }
}

impl KeyFetcher {
    /// One that has fetched nothing yet.
    pub fn new(egress: Egress, clock: Arc<dyn Clock>) -> Self {
        Self { egress, clock, shelves: Arc::default() }
    }

    fn shelf(&self, address: &str) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = shelves.get(address) {
            return Arc::clone(shelf);
        }
        if shelves.len() >= MOST_ADDRESSES {
            // The map has no order that a stranger could foresee.
            let forgotten = shelves.keys().next().cloned();
            forgotten.and_then(|address| shelves.remove(&address));
        }
        let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let shelf = Arc::new(Kept::new(Whose::Client(host), Phase::Keys, Arc::clone(&self.clock)));
        shelves.insert(address.to_owned(), Arc::clone(&shelf));
        shelf
    }

    /// The document, which is a key set that can be read; what it is worth is for whoever checks a signature with it.
    async fn fetch(self, address: String) -> Result<Vec<u8>, ProviderError> {
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = address.parse().map_err(|_| line::invalid(Phase::Keys, "address", "an address that can't be asked"))?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
        let answer = self.egress.send(request).await.map_err(|error| line::unreachable(Phase::Keys, None, error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(line::unreachable(Phase::Keys, Some(answer.status()), "it has no keys for us"));
        }
        line::object(Phase::Keys, &answer)?;
        match key_set::read(answer.body()) {
            Ok(_) => Ok(answer.into_body()),
            Err(fault) => Err(line::invalid(Phase::Keys, "keys", fault.to_string())),
        }
    }
}

#[async_trait]
impl ClientKeys for KeyFetcher {
    fn permits(&self, jwks_uri: &str) -> bool {
        Url::parse(jwks_uri).is_ok_and(|url| self.egress.permits(&url))
    }

    async fn keys(&self, jwks_uri: &str) -> Result<Arc<Vec<u8>>, KeysUnavailable> {
        let fetch = || self.clone().fetch(jwks_uri.to_owned());
        self.shelf(jwks_uri).get(fetch).await.map_err(|error| unavailable(jwks_uri, &error))
    }

    async fn renewed_keys(&self, jwks_uri: &str) -> Result<Arc<Vec<u8>>, KeysUnavailable> {
        let fetch = || self.clone().fetch(jwks_uri.to_owned());
        self.shelf(jwks_uri).renew(fetch).await.map_err(|error| unavailable(jwks_uri, &error))
    }
}

/// The address stands in the registration, which only an operator writes; what came from there is not repeated.
fn unavailable(address: &str, error: &ProviderError) -> KeysUnavailable {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    tracing::warn!(server.address = %host, %error, "a client's keys can't be had from {host}");
    KeysUnavailable
}
