//! The admin API's use cases about providers: made, replaced, disabled, deleted, tried.

use std::{collections::BTreeMap, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    change::{self, OTHER_SECRET, SECRET, difference},
    claims::Claims,
    health::{BreakerState, Checked},
    ids::{ManagerName, ProviderId},
    provider::{Definition, PresetCard, ProviderError, StoredProvider},
    registration::FieldFault,
    secret::Purpose,
    store::{Changes, Contest, Write},
    time::Timestamp,
};

use crate::{AdminFault, Edit, Gateway, ManagedBy, Provider, Trial, held};

/// A provider as somebody wrote it.
#[derive(Clone, Debug, Default)]
pub struct ProviderDraft {
    /// Settings by name, secrets among them. A secret that is left out stays as it was; `null` takes it away.
    pub settings: Claims,
    /// Whether nobody may come through it.
    pub disabled: bool,
}

/// A provider as it is shown: never with a secret.
#[derive(Clone, Debug)]
pub struct ShownProvider {
    /// Its name.
    pub id: ProviderId,
    /// What stands on its button; its name when it can't be made.
    pub label: String,
    /// Where it comes from.
    pub managed_by: ManagedBy,
    /// The set of files that keeps it, if one does.
    pub keeper: Option<ManagerName>,
    /// Its version; 0 for one of the configuration.
    pub version: i64,
    /// As an operator set it.
    pub disabled: bool,
    /// What is wrong with its definition, if anything.
    pub faults: Vec<FieldFault>,
    /// What is done with requests to it now.
    pub health: BreakerState,
    /// Our callback there.
    pub callback: String,
    /// Its settings without secrets; nothing for one of the configuration, whose file has them.
    pub settings: Option<Claims>,
    /// Which secrets it has.
    pub secrets: Vec<String>,
    /// When it was made and last changed; nothing for one of the configuration.
    pub times: Option<(Timestamp, Timestamp)>,
}

/// What trying a provider showed, step by step.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Which.
    pub id: ProviderId,
    /// What its published documents say, or why they can't be had.
    pub checked: Result<Checked, ProviderError>,
    /// Where to sign in to try the rest; nothing when the documents can't be had.
    pub trial: Option<Trial>,
}

impl Gateway {
    /// All providers, in the order of the house.
    pub async fn shown_providers(&self, witness: &Witness) -> Result<Vec<ShownProvider>, AdminFault> {
        let stored = self.store.providers().await.map_err(AdminFault::Store)?;
        let providers = self.providers().await.map_err(AdminFault::Store)?;
        Ok(providers.all().iter().map(|provider| self.shown(witness, provider, &stored)).collect())
    }

    /// What a provider may be made from.
    pub fn presets(&self) -> Vec<PresetCard> {
        self.doorkeeper.factory().presets()
    }

    /// Which settings of providers are secrets.
    pub fn secret_settings(&self) -> &'static [&'static str] {
        self.doorkeeper.factory().secret_settings()
    }

    /// One provider.
    pub async fn shown_provider(&self, witness: &Witness, id: &str) -> Result<ShownProvider, AdminFault> {
        let all = self.shown_providers(witness).await?;
        all.into_iter().find(|provider| provider.id.as_str() == id).ok_or(AdminFault::NotFound)
    }

    /// Makes a provider, or replaces it; its secrets stay unless others are given. `edit` has the version the caller saw.
    pub async fn put_provider(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: &str,
        draft: ProviderDraft,
        edit: impl Into<Edit> + Send,
    ) -> Result<ShownProvider, AdminFault> {
        let Edit { expected, editor } = edit.into();
        let id = ProviderId::parse(id).map_err(|error| AdminFault::at("/id", &error))?;
        self.must_be_ours(&id)?;
        let present = self.stored_provider(&id).await?;
        let expected = match (&present, expected) {
            (None, None) => None,
            (None, Some(_)) => return Err(AdminFault::PreconditionFailed(None)),
            (Some(present), expected) => Some(held(expected, present.version)?),
        };
        let managed_by = editor.keeper(present.as_ref().and_then(|present| present.managed_by.as_ref()))?;
        let kept = self.kept_secrets(present.as_ref(), &draft.settings);
        let definition = self.definition(id, draft.settings, kept)?;
        self.doorkeeper.factory().make(&definition).map_err(AdminFault::Invalid)?;
        let provider = StoredProvider {
            // Not 1: an ETag of one that was deleted must not fit one that was made anew under its name.
            version: expected.map_or(witness.now.as_millis(), |version| version + 1),
            disabled: draft.disabled,
            managed_by,
            secrets: self.sealed_secrets(&definition),
            created: present.as_ref().map_or(witness.now, |present| present.created),
            updated: witness.now,
            settings: definition.settings.clone(),
            id: definition.id.clone(),
        };
        let name = match &present {
            None => EventName::ProviderCreated,
            Some(present) if present.disabled && !provider.disabled => EventName::ProviderEnabled,
            Some(present) if !present.disabled && provider.disabled => EventName::ProviderDisabled,
            Some(_) => EventName::ProviderUpdated,
        };
        let before = present.as_ref().map(|present| self.doorkeeper.definition(present).map(|known| known.secrets).unwrap_or_default());
        let mut after = facts(&provider, &definition.secrets);
        // That a secret took another's place is all that is said of it.
        for (name, secret) in before.iter().flatten().filter_map(|(name, secret)| Some((name, (secret, definition.secrets.get(name)?)))) {
            if secret.0.expose_secret() != secret.1.expose_secret()
                && let Some(serde_json::Value::Object(settings)) = after.get_mut("settings")
            {
                settings.insert(name.clone(), OTHER_SECRET.into());
            }
        }
        let known = present.as_ref().zip(before.as_ref());
        let change = difference(&known.map(|(present, secrets)| facts(present, secrets)).unwrap_or_default(), &after);
        // What is so already is no change, and leaves no record of one.
        if known.is_some() && change.is_empty() {
            return self.shown_provider(witness, provider.id.as_str()).await;
        }
        let detail = Some(match &present {
            Some(_) => change::names(&change),
            None => format!("preset {}", provider.settings.get("preset").and_then(|name| name.as_str()).unwrap_or("oidc")),
        });
        let id = provider.id.clone();
        let event = AuditEvent { detail, change, ..self.provider_event(witness, name, Outcome::Success, actor, &id) };
        self.commit(Changes::default().write(Write::PutProvider { provider, expected }).event(event))
            .await
            .map_err(|error| AdminFault::of_write(error, Contest::Provider))?;
        self.shown_provider(witness, id.as_str()).await
    }

    /// Shuts a provider, or opens it again. Nothing else of it is looked at, only whether the caller saw it as it is: one that can't be made any more is
    /// shut all the same. What files keep anybody may shut; to open it again is theirs.
    pub async fn disable_provider(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: &str,
        disabled: bool,
        edit: impl Into<Edit> + Send,
    ) -> Result<ShownProvider, AdminFault> {
        let edit = edit.into();
        let id = ProviderId::parse(id).map_err(|_| AdminFault::NotFound)?;
        self.must_be_ours(&id)?;
        let present = self.stored_provider(&id).await?.ok_or(AdminFault::NotFound)?;
        let expected = held(edit.expected, present.version)?;
        if present.disabled == disabled {
            return self.shown_provider(witness, id.as_str()).await;
        }
        edit.may_disable(disabled, present.managed_by.as_ref())?;
        let name = if disabled { EventName::ProviderDisabled } else { EventName::ProviderEnabled };
        let provider = StoredProvider { disabled, version: expected + 1, updated: witness.now, ..present.clone() };
        let change = difference(&facts(&present, &BTreeMap::new()), &facts(&provider, &BTreeMap::new()));
        let detail = Some(change::names(&change));
        let event = AuditEvent { detail, change, ..self.provider_event(witness, name, Outcome::Success, actor, &id) };
        self.commit(Changes::default().write(Write::PutProvider { provider, expected: Some(expected) }).event(event))
            .await
            .map_err(|error| AdminFault::of_write(error, Contest::Provider))?;
        self.shown_provider(witness, id.as_str()).await
    }

    /// Deletes a provider. Whatever people who came through it have stops working; their accounts stay.
    pub async fn delete_provider(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: &str,
        edit: impl Into<Edit> + Send,
    ) -> Result<(), AdminFault> {
        let Edit { expected, editor } = edit.into();
        let id = ProviderId::parse(id).map_err(|_| AdminFault::NotFound)?;
        self.must_be_ours(&id)?;
        let present = self.stored_provider(&id).await?.ok_or(AdminFault::NotFound)?;
        editor.keeper(present.managed_by.as_ref())?;
        let expected = held(expected, present.version)?;
        let secrets = self.doorkeeper.definition(&present).map(|known| known.secrets).unwrap_or_default();
        let event = AuditEvent {
            change: difference(&facts(&present, &secrets), &Claims::new()),
            ..self.provider_event(witness, EventName::ProviderDeleted, Outcome::Success, actor, &id)
        };
        self.commit(Changes::default().write(Write::DeleteProvider { id, expected }).event(event))
            .await
            .map_err(|error| AdminFault::of_write(error, Contest::Provider))
    }

    /// Looks at what a provider publishes, now and past its breaker, and makes ready for a sign-in on trial. Changes nothing.
    pub async fn test_provider(&self, witness: &Witness, actor: &Actor, id: &str) -> Result<Tested, AdminFault> {
        let id = ProviderId::parse(id).map_err(|_| AdminFault::NotFound)?;
        let providers = self.providers().await.map_err(AdminFault::Store)?;
        let provider = providers.find(&id).ok_or(AdminFault::NotFound)?;
        let adapter = provider.made.clone().map_err(AdminFault::Invalid)?;
        let checked = adapter.check().await;
        self.record_test(witness, actor, &id, checked.is_ok()).await?;
        let trial = if checked.is_ok() { Some(self.new_trial(witness, &id, None).await?) } else { None };
        Ok(Tested { id, checked, trial })
    }

    /// The same for a definition that is not kept.
    pub async fn test_draft(&self, witness: &Witness, actor: &Actor, id: &str, settings: Claims) -> Result<Tested, AdminFault> {
        let id = ProviderId::parse(id).map_err(|error| AdminFault::at("/id", &error))?;
        let kept = self.kept_secrets(self.stored_provider(&id).await?.as_ref(), &settings);
        let definition = self.definition(id.clone(), settings, kept)?;
        let adapter = self.doorkeeper.factory().make(&definition).map_err(AdminFault::Invalid)?;
        let checked = adapter.check().await;
        self.record_test(witness, actor, &id, checked.is_ok()).await?;
        let trial = if checked.is_ok() { Some(self.new_trial(witness, &id, Some(definition)).await?) } else { None };
        Ok(Tested { id, checked, trial })
    }

    async fn record_test(&self, witness: &Witness, actor: &Actor, id: &ProviderId, well: bool) -> Result<(), AdminFault> {
        let outcome = if well { Outcome::Success } else { Outcome::Failure };
        let event = AuditEvent {
            reason: (!well).then_some(Reason::UpstreamUnreachable),
            ..self.provider_event(witness, EventName::ProviderTested, outcome, actor, id)
        };
        self.commit(Changes::default().event(event)).await.map_err(AdminFault::Store)
    }

    /// One of the configuration is changed there and nowhere else.
    fn must_be_ours(&self, id: &ProviderId) -> Result<(), AdminFault> {
        match self.doorkeeper.last_known().find(id).map(|provider| provider.managed_by.clone()) {
            Some(ManagedBy::File(file)) => Err(AdminFault::ManagedElsewhere(file)),
            _ => Ok(()),
        }
    }

    async fn stored_provider(&self, id: &ProviderId) -> Result<Option<StoredProvider>, AdminFault> {
        let stored = self.store.providers().await.map_err(AdminFault::Store)?;
        Ok(stored.iter().find(|stored| stored.id == *id).cloned())
    }

    /// The secrets that stay where none is written: those of the same addresses. Whoever may write but not read must not have them sent elsewhere.
    fn kept_secrets(&self, present: Option<&StoredProvider>, settings: &Claims) -> BTreeMap<String, SecretString> {
        let same = present.filter(|present| !self.doorkeeper.factory().leads_elsewhere(&present.settings, settings));
        same.and_then(|present| self.doorkeeper.definition(present)).map(|definition| definition.secrets).unwrap_or_default()
    }

    /// Settings and secrets apart, with the secrets there were where none was written.
    fn definition(&self, id: ProviderId, mut settings: Claims, kept: BTreeMap<String, SecretString>) -> Result<Definition, AdminFault> {
        let mut secrets = kept;
        for name in self.doorkeeper.factory().secret_settings() {
            match settings.remove(*name) {
                None => {}
                Some(serde_json::Value::Null) => drop(secrets.remove(*name)),
                Some(serde_json::Value::String(text)) => drop(secrets.insert((*name).to_owned(), text.into())),
                Some(_) => return Err(AdminFault::at(&format!("/{name}"), "must be a text")),
            }
        }
        Ok(Definition { id, settings, secrets })
    }

    fn sealed_secrets(&self, definition: &Definition) -> Option<vestibule_domain::secret::Sealed> {
        if definition.secrets.is_empty() {
            return None;
        }
        let texts: BTreeMap<&str, &str> = definition.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret())).collect();
        let plain = serde_json::to_vec(&texts).unwrap_or_default();
        Some(self.sealer.seal(Purpose::ProviderSecrets, definition.id.as_str().as_bytes(), &plain))
    }

    fn shown(&self, witness: &Witness, provider: &Arc<Provider>, stored: &[StoredProvider]) -> ShownProvider {
        let stored = stored.iter().find(|stored| stored.id == provider.id).filter(|_| provider.managed_by == ManagedBy::Api);
        let definition = stored.and_then(|stored| self.doorkeeper.definition(stored));
        ShownProvider {
            id: provider.id.clone(),
            label: provider.made.as_ref().map_or_else(|_| provider.id.to_string(), |adapter| adapter.card().label.clone()),
            managed_by: provider.managed_by.clone(),
            keeper: stored.and_then(|stored| stored.managed_by.clone()),
            version: provider.version,
            disabled: provider.disabled,
            faults: provider.made.as_ref().err().cloned().unwrap_or_default(),
            health: provider.health(witness.now),
            callback: self.settings.callback_of(&provider.id),
            settings: stored.map(|stored| stored.settings.clone()),
            secrets: definition.map(|definition| definition.secrets.into_keys().collect()).unwrap_or_default(),
            times: stored.map(|stored| (stored.created, stored.updated)),
        }
    }

    fn provider_event(&self, witness: &Witness, name: EventName, outcome: Outcome, actor: &Actor, id: &ProviderId) -> AuditEvent {
        AuditEvent { provider: Some(id.clone()), ..self.event(witness, name, outcome, actor.clone()) }
    }
}

/// A provider in the words of the admin API, for the record of a change: of a secret it says that it is there.
fn facts(provider: &StoredProvider, secrets: &BTreeMap<String, SecretString>) -> Claims {
    let mut settings = provider.settings.clone();
    settings.extend(secrets.keys().map(|name| (name.clone(), SECRET.into())));
    let keeper = provider.managed_by.as_ref().map(|keeper| ("managed_by".to_owned(), keeper.as_str().into()));
    [("settings".to_owned(), settings.into()), ("disabled".to_owned(), provider.disabled.into())].into_iter().chain(keeper).collect()
}
