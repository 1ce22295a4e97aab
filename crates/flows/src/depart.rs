//! The person has picked a provider: off to it, with the attempt sealed into their browser.

use std::sync::Arc;

use vestibule_domain::{
    attempt::{Attempt, AttemptFault, Departed},
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    authorize::Prompt,
    client::Client,
    ids::{AttemptId, ProviderId},
    policy,
    ports::IdentityProvider,
    provider::{Departure, ProviderError},
};

use crate::{Fault, Gateway, Halt, SealedAttempt, sealed_attempt};

/// Off to a provider.
#[derive(Debug)]
pub struct Away {
    /// The provider's address.
    pub location: String,
    /// For the browser's cookie, replacing what it has of this attempt.
    pub attempt: SealedAttempt,
}

impl Gateway {
    /// Sends the person of an attempt to a provider they picked.
    pub async fn depart(&self, witness: &Witness, id: AttemptId, cookie: Option<&str>, provider: &str) -> Result<Away, Halt> {
        let attempt = sealed_attempt::open(id, cookie, self.sealer.as_ref()).map_err(Fault::Attempt)?;
        let client = self.client_of(&attempt).await?;
        if witness.now >= attempt.expires {
            return Err(self.halt_attempt(&client, &attempt, Fault::Attempt(AttemptFault::Expired)));
        }
        let Ok(provider) = ProviderId::parse(provider) else {
            return Err(self.halt_attempt(&client, &attempt, Fault::ProviderNotAllowed));
        };
        self.send_away(witness, &client, attempt, &provider).await
    }

    pub(crate) async fn send_away(&self, witness: &Witness, client: &Client, attempt: Attempt, id: &ProviderId) -> Result<Away, Halt> {
        let Some(provider) = self.provider_for(client, id) else {
            return Err(self.halt_attempt(client, &attempt, Fault::ProviderNotAllowed));
        };
        let sent = match provider.begin(&self.departure(&attempt, id)).await {
            Ok(sent) => sent,
            Err(error) => {
                self.record_login_failure(witness, &attempt, Some(id), &Fault::Provider(error.clone())).await;
                // The attempt stays: another provider can be picked.
                return Err(self.halt_attempt(client, &attempt, Fault::Provider(error)));
            }
        };
        let departed = Attempt { departed: Some(Departed { provider: id.clone(), at: witness.now, kept: sent.kept }), ..attempt };
        let Some(sealed) = sealed_attempt::seal(&departed, witness.now, self.sealer.as_ref()) else {
            let detail = "its issuer name is too long to be kept in a cookie".into();
            let error = ProviderError::Misconfigured { phase: vestibule_domain::provider::Phase::Callback, detail };
            return Err(self.halt_attempt(client, &departed, Fault::Provider(error)));
        };
        self.seen(&AuditEvent {
            client: Some(client.id.clone()),
            provider: Some(id.clone()),
            login: Some(departed.login),
            ..self.event(witness, EventName::UpstreamRedirected, Outcome::Success, Actor::Anonymous)
        });
        Ok(Away { location: sent.location, attempt: sealed })
    }

    /// Our callback at a provider: one of its own for each, so that an answer can't be taken for another's (RFC 9700 §4.4.2.2).
    pub fn callback_of(&self, provider: &ProviderId) -> String {
        self.settings.url(&format!("/callback/{provider}"))
    }

    fn departure(&self, attempt: &Attempt, provider: &ProviderId) -> Departure {
        let request = &attempt.request;
        Departure {
            attempt: attempt.id,
            redirect_uri: self.callback_of(provider),
            fresh: request.wants_fresh_sign_in(None, attempt.started),
            select_account: request.prompt.contains(&Prompt::SelectAccount),
            max_age: request.max_age,
            login_hint: request.login_hint.clone(),
            acr_values: request.acr_values.clone(),
            ui_locales: request.ui_locales.clone(),
        }
    }

    /// The client of an attempt, as it is now: it may have been disabled since.
    pub(crate) async fn client_of(&self, attempt: &Attempt) -> Result<Arc<Client>, Halt> {
        let client = self.store.client(&attempt.request.client).await?.filter(|client| !client.disabled);
        client.ok_or_else(|| Halt { settled: Some(attempt.id), ..Fault::ClientGone.into() })
    }

    /// A provider that exists and through which people may come to this client.
    pub(crate) fn provider_for(&self, client: &Client, id: &ProviderId) -> Option<&Arc<dyn IdentityProvider>> {
        self.providers.get(id).filter(|_| policy::may_use_provider(client, id))
    }

    pub(crate) fn halt_attempt(&self, client: &Client, attempt: &Attempt, fault: Fault) -> Halt {
        self.halt_at(client, &attempt.request, fault)
    }

    /// Leaves a trace of a login that ended without one.
    pub(crate) async fn record_login_failure(&self, witness: &Witness, attempt: &Attempt, provider: Option<&ProviderId>, fault: &Fault) {
        self.record_failure(self.login_failure(witness, attempt, provider, fault), witness.now).await;
    }

    pub(crate) fn login_failure(&self, witness: &Witness, attempt: &Attempt, provider: Option<&ProviderId>, fault: &Fault) -> AuditEvent {
        let (name, outcome) = match fault {
            Fault::ProviderNotAllowed | Fault::AccountDisabled | Fault::Provider(ProviderError::Refused { .. }) => {
                (EventName::LoginDeniedByPolicy, Outcome::Denied)
            }
            Fault::Provider(ProviderError::Declined) => (EventName::LoginFailed, Outcome::Denied),
            _ => (EventName::LoginFailed, Outcome::Failure),
        };
        AuditEvent {
            reason: Some(fault.reason()),
            client: Some(attempt.request.client.clone()),
            provider: provider.cloned(),
            login: Some(attempt.login),
            took_ms: u64::try_from(witness.now.since(attempt.started).as_millis()).ok(),
            detail: fault.detail(),
            ..self.event(witness, name, outcome, Actor::Anonymous)
        }
    }
}
