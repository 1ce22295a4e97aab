//! What an issuer publishes for everybody: its metadata and its keys, fetched when they are needed and kept.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::HeaderMap;
use vestibule_domain::{
    ports::Clock,
    provider::{Phase, ProviderError},
};

use super::{
    issuers::Issuers,
    kept::Kept,
    keys::KeySet,
    metadata::{self, Metadata},
    settings::Endpoints,
};
use crate::line::Line;

/// The documents of one issuer. They are its own: a key that one issuer publishes checks nothing that another signed (attack 21).
pub(super) struct Documents {
    source: Arc<Source>,
    metadata: Kept<Metadata>,
    keys: Kept<KeySet>,
}

/// Where they come from.
pub(super) struct Source {
    pub(super) issuers: Issuers,
    /// Endpoints that are set rather than believed.
    pub(super) set: Endpoints,
    /// Whether metadata is fetched at all.
    pub(super) discovery: bool,
    /// Hosts on which endpoints are known to lie.
    pub(super) endpoint_hosts: Vec<String>,
    pub(super) line: Line,
    pub(super) told_of_foreign: AtomicBool,
}

impl Documents {
    pub(super) fn new(source: Source, clock: Arc<dyn Clock>) -> Self {
        let provider = &source.line.provider;
        Self {
            metadata: Kept::new(provider.clone(), Phase::Discovery, Arc::clone(&clock)),
            keys: Kept::new(provider.clone(), Phase::Keys, clock),
            source: Arc::new(source),
        }
    }

    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        self.metadata.get(|| Arc::clone(&self.source).metadata()).await
    }

    pub(super) async fn keys(&self, metadata: &Metadata) -> Result<Arc<KeySet>, ProviderError> {
        self.keys.retain(|set| set.from == metadata.jwks_uri);
        self.keys.get(|| Arc::clone(&self.source).keys(metadata.jwks_uri.clone())).await
    }

    /// The newest keys, wherever the issuer keeps them now. It is asked at most once a minute.
    pub(super) async fn renewed_keys(&self) -> Result<Arc<KeySet>, ProviderError> {
        let metadata = self.metadata.renew(|| Arc::clone(&self.source).metadata()).await?;
        self.keys.renew(|| Arc::clone(&self.source).keys(metadata.jwks_uri.clone())).await
    }
}

impl Source {
    async fn metadata(self: Arc<Self>) -> Result<Metadata, ProviderError> {
        if !self.discovery {
            return Metadata::set(&self.issuers.configured, &self.set);
        }
        let address = metadata::address(&self.issuers.configured);
        let fetched = async {
            let document = self.line.get(Phase::Discovery, &address, HeaderMap::new()).await?;
            Metadata::read(&self.issuers, &self.set, &document)
        };
        let metadata = self.line.step(Phase::Discovery, fetched).await?;
        let foreign = metadata.foreign(&self.issuers.configured, &self.endpoint_hosts);
        if !foreign.is_empty() && !self.told_of_foreign.swap(true, Ordering::Relaxed) {
            let id = &self.line.provider;
            let names: Vec<_> = foreign.into_iter().map(|(name, _)| name).collect();
            tracing::warn!(provider.id = %id, endpoints = names.join(" "), "{id} has endpoints on other hosts than its issuer");
        }
        Ok(metadata)
    }

    async fn keys(self: Arc<Self>, address: String) -> Result<KeySet, ProviderError> {
        let fetched = async {
            let document = self.line.get(Phase::Keys, &address, HeaderMap::new()).await?;
            KeySet::read(address.clone(), &document)
        };
        self.line.step(Phase::Keys, fetched).await
    }
}
