//! What an issuer publishes for everybody: its metadata and its keys, fetched when they are needed and kept.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use vestibule_domain::{
    ports::Clock,
    provider::{Phase, ProviderError},
};

use super::{
    issuers::Issuers,
    keys::KeySet,
    metadata::{self, Metadata},
    settings::Endpoints,
};
use crate::{
    kept::{Kept, Whose},
    line::Line,
};

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
    /// Of which endpoints on other hosts it was told last.
    pub(super) foreign: Mutex<Vec<(&'static str, String)>>,
}

impl Documents {
    pub(super) fn new(source: Source, clock: Arc<dyn Clock>) -> Self {
        let provider = &source.line.provider;
        Self {
            metadata: Kept::new(Whose::Provider(provider.clone()), Phase::Discovery, Arc::clone(&clock)),
            keys: Kept::new(Whose::Provider(provider.clone()), Phase::Keys, clock),
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

    /// Both as the issuer publishes them now, whatever was kept.
    pub(super) async fn look(&self) -> Result<(Arc<Metadata>, Arc<KeySet>), ProviderError> {
        let metadata = self.metadata.look(|| Arc::clone(&self.source).metadata()).await?;
        self.keys.retain(|set| set.from == metadata.jwks_uri);
        let keys = self.keys.look(|| Arc::clone(&self.source).keys(metadata.jwks_uri.clone())).await?;
        Ok((metadata, keys))
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
        if let Some(foreign) = self.newly_foreign(&metadata) {
            let id = &self.line.provider;
            let names: Vec<_> = foreign.into_iter().map(|(name, host)| format!("{name}={host}")).collect();
            tracing::warn!(provider.id = %id, endpoints = names.join(" "), "{id} has endpoints on other hosts than its issuer");
        }
        Ok(metadata)
    }

    /// The endpoints on other hosts, when there are any and they are others than the last time: one that moves later is the one to look at.
    fn newly_foreign(&self, metadata: &Metadata) -> Option<Vec<(&'static str, String)>> {
        let foreign = metadata.foreign(&self.issuers.configured, &self.endpoint_hosts);
        let mut told = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *told != foreign;
        told.clone_from(&foreign);
        (is_new && !foreign.is_empty()).then_some(foreign)
    }

    async fn keys(self: Arc<Self>, address: String) -> Result<KeySet, ProviderError> {
        let fetched = async {
            let document = self.line.get(Phase::Keys, &address, HeaderMap::new()).await?;
            KeySet::read(address.clone(), &document)
        };
        self.line.step(Phase::Keys, fetched).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_domain::ids::ProviderId;
    use vestibule_testkit::rig::Unwatched;

    use super::*;
    use crate::egress::{Egress, EgressOptions};

    #[test]
    fn attack_04_an_endpoint_that_moves_to_another_host_is_told_of_each_time_it_moves() {
        let issuers = Issuers::new("https://issuer.example".into(), Vec::new(), None);
        let egress = Egress::new(EgressOptions::default()).unwrap();
        let source = Source {
            issuers: issuers.clone(),
            set: Endpoints::default(),
            discovery: true,
            endpoint_hosts: Vec::new(),
            line: Line { provider: ProviderId::parse("acme").unwrap(), egress, observer: Arc::new(Unwatched) },
            foreign: Mutex::default(),
        };
        let at = |host: &str| {
            let document = json!({
                "issuer": "https://issuer.example", "authorization_endpoint": "https://issuer.example/a", "jwks_uri": "https://issuer.example/k",
                "token_endpoint": format!("https://{host}/token"),
            });
            let metadata = Metadata::read(&issuers, &Endpoints::default(), document.as_object().unwrap()).unwrap();
            source.newly_foreign(&metadata).map(|foreign| foreign.into_iter().map(|(_, host)| host).collect::<Vec<_>>())
        };
        assert_eq!(at("tokens.example"), Some(vec!["tokens.example".to_owned()]));
        assert_eq!(at("tokens.example"), None);
        assert_eq!(at("evil.example"), Some(vec!["evil.example".to_owned()]));
        assert_eq!(at("issuer.example"), None);
        assert_eq!(at("evil.example"), Some(vec!["evil.example".to_owned()]));
    }
}
