//! What commands lean on that look at a gateway from its configuration and its database, beside the gateway or without one. They change nothing, but for
//! those that say so.

use std::{path::Path, sync::Arc};

use vestibule_domain::{
    claims::Claims,
    ids::ProviderId,
    ports::{IdentityProvider, ProviderFactory, Store},
    registration::FieldFault,
};
use vestibule_flows::{FixedProvider, Gateway, ManagedBy, Provider};
use vestibule_persistence::SqlStore;

use crate::{
    config::{Config, fault::Faults},
    failure::Failure,
    wire,
};

/// A configuration with its providers made.
pub(crate) struct Onlooker {
    pub(crate) config: Arc<Config>,
    pub(crate) factory: Arc<dyn ProviderFactory>,
    fixed: Vec<FixedProvider>,
}

/// A provider as it is found.
pub(crate) struct Found {
    pub(crate) id: ProviderId,
    pub(crate) managed_by: ManagedBy,
    pub(crate) disabled: bool,
    pub(crate) made: Result<Arc<dyn IdentityProvider>, Vec<FieldFault>>,
}

/// A database that is open, and a gateway that looks at it.
pub(crate) struct Opened {
    pub(crate) gateway: Gateway,
    pub(crate) store: Arc<SqlStore>,
}

impl Onlooker {
    /// Reads the configuration. What is wrong with providers' own files is said on standard error.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let (onlooker, faults) = Self::of(Config::load(Some(path))?)?;
        for fault in &faults.0 {
            eprintln!("warning: a provider can't be used: {fault}");
        }
        Ok(onlooker)
    }

    /// Makes the providers of a configuration, and says what is wrong with their own files.
    pub(crate) fn of(config: Config) -> Result<(Self, Faults), Faults> {
        let factory = wire::quiet_factory(&config)?;
        let configured = wire::configured(&config, factory.as_ref())?;
        Ok((Self { config: Arc::new(config), factory, fixed: configured.providers }, configured.faults))
    }

    /// Opens the database; close its store afterwards.
    pub(crate) async fn open(&self) -> Result<Opened, Failure> {
        let store = Arc::new(wire::open_to_read(&self.config.store, Some(&self.config.sealing)).await?);
        let gateway = wire::onlooker(&self.config, store.clone(), self.factory.clone(), self.fixed.clone())?;
        Ok(Opened { gateway, store })
    }

    /// The same, to change something. The database must be there and up to date: a command is no release.
    pub(crate) async fn open_to_write(&self) -> Result<Opened, Failure> {
        let store = Arc::new(wire::open_to_write(&self.config.store, &self.config.sealing).await?);
        let gateway = wire::onlooker(&self.config, store.clone(), self.factory.clone(), self.fixed.clone())?;
        Ok(Opened { gateway, store })
    }

    /// The providers of the configuration.
    pub(crate) fn fixed(&self) -> Vec<Found> {
        let found = |fixed: &FixedProvider| Found {
            id: fixed.id.clone(),
            managed_by: ManagedBy::File(fixed.file.clone()),
            disabled: false,
            made: fixed.made.clone(),
        };
        self.fixed.iter().map(found).collect()
    }

    /// One provider. The database is asked only for one that is not in the configuration.
    pub(crate) async fn find(&self, id: &ProviderId) -> Result<Found, Failure> {
        if let Some(found) = self.fixed().into_iter().find(|found| found.id == *id) {
            return Ok(found);
        }
        let opened = self.open().await?;
        let all = opened.all().await;
        opened.store.close().await;
        let all = all?;
        let names: Vec<_> = all.iter().map(|found| found.id.to_string()).collect();
        let found = all.into_iter().find(|found| found.id == *id);
        found.ok_or_else(|| Failure::Plain(format!("there is no provider {id}; there are: {}", names.join(", "))))
    }

    /// The settings of a provider, secrets included, as they are now.
    pub(crate) async fn settings(
        &self,
        store: &SqlStore,
        id: &ProviderId,
    ) -> Result<Option<vestibule_domain::provider::Definition>, Failure> {
        if let Some(provider) = self.config.providers.iter().find(|provider| provider.id == *id) {
            return Ok(provider.definition.as_ref().ok().cloned());
        }
        let stored = store.providers().await?;
        Ok(stored.iter().find(|stored| stored.id == *id).and_then(|stored| wire::stored_definition(&self.config, stored)))
    }
}

impl Opened {
    /// Every provider, in the order of the house.
    pub(crate) async fn all(&self) -> Result<Vec<Found>, Failure> {
        let providers = self.gateway.providers().await?;
        Ok(providers.all().iter().map(|provider| Found::of(provider)).collect())
    }
}

impl Found {
    /// One of a gateway's.
    pub(crate) fn of(provider: &Provider) -> Self {
        Self { id: provider.id.clone(), managed_by: provider.managed_by.clone(), disabled: provider.disabled, made: provider.made.clone() }
    }

    /// The provider, if it can be made.
    pub(crate) fn adapter(&self) -> Result<&Arc<dyn IdentityProvider>, Failure> {
        self.made.as_ref().map_err(|faults| Failure::Plain(format!("{} can't be used: {}", self.id, said(faults).join("; "))))
    }
}

/// Faults as a person reads them.
pub(crate) fn said(faults: &[FieldFault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.message).trim().to_owned()).collect()
}

/// A file with a JSON object.
pub(crate) fn read_claims(path: &Path) -> Result<Claims, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(format!("{} can't be read", path.display()), error))?;
    serde_json::from_str(&text).map_err(|error| {
        let place = format!("{}:{}:{}", path.display(), error.line(), error.column());
        Failure::Plain(format!("{place}: it is no JSON object with claims, as {{\"sub\": \"1\", \"email\": \"ada@corp.example\"}}"))
    })
}
