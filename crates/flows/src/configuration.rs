//! The configuration, for operators: what holds, whether what is written could hold, and living by it.

use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    configuration::{ConfigurationChange, SettingFault, ShownSetting},
    store::{Changes, StoreError},
};

use crate::{AdminFault, Gateway};

impl Gateway {
    /// What holds, and where each value comes from; secrets are hidden.
    pub async fn configuration(&self) -> Vec<ShownSetting> {
        self.configuration.shown().await
    }

    /// What reading the configuration again would change, or why it could not be used.
    pub async fn check_configuration(&self, witness: &Witness, actor: &Actor) -> Result<ConfigurationChange, Vec<SettingFault>> {
        let checked = self.configuration.check().await;
        self.record_reading(witness, actor, [EventName::ConfigChecked; 2], &checked).await;
        checked
    }

    /// Reads the configuration again and lives by it. Nothing of it holds unless all of it can. To rehearse it is to check it.
    pub async fn reload_configuration(&self, witness: &Witness, actor: &Actor) -> Result<ConfigurationChange, AdminFault> {
        let rehearsing = self.is_rehearsing();
        let reloaded = if rehearsing { self.configuration.check().await } else { self.configuration.reload().await };
        if reloaded.is_ok() || !rehearsing {
            self.record_reading(witness, actor, [EventName::ConfigReloaded, EventName::ConfigReloadFailed], &reloaded).await;
        }
        reloaded.map_err(AdminFault::Configuration)
    }

    /// The record follows the fact: a database that is away must not keep an operator from changing what they need to change then.
    async fn record_reading(
        &self,
        witness: &Witness,
        actor: &Actor,
        [good, bad]: [EventName; 2],
        read: &Result<ConfigurationChange, Vec<SettingFault>>,
    ) {
        let event = match read {
            Ok(change) => AuditEvent {
                detail: Some(change.detail()),
                change: change.record(),
                ..self.event(witness, good, Outcome::Success, actor.clone())
            },
            Err(faults) => AuditEvent {
                reason: Some(Reason::BadConfiguration),
                detail: faults.first().map(SettingFault::detail),
                ..self.event(witness, bad, Outcome::Failure, actor.clone())
            },
        };
        let recorded = self.commit(Changes { writes: Vec::new(), events: vec![event] }).await;
        if let Err(error) = recorded.or_else(|error| if error == StoreError::Rehearsed { Ok(()) } else { Err(error) }) {
            tracing::error!(%error, "that the configuration was read again could not be recorded in the audit log");
        }
    }
}
