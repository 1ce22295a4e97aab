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
        let attempt = self.open_attempt(witness, id, cookie).await?;
        let client = self.client_of(witness, &attempt).await?;
        if witness.now >= attempt.expires {
            return Err(self.end_attempt(witness, &client, &attempt, None, Fault::Attempt(AttemptFault::Expired)).await);
        }
        let Ok(provider) = ProviderId::parse(provider) else {
            return Err(self.end_attempt(witness, &client, &attempt, None, Fault::ProviderNotAllowed).await);
        };
        self.send_away(witness, &client, attempt, &provider).await
    }

    /// The attempt this browser carries. One that it does not carry was begun elsewhere, or is somebody else's: that leaves a trace too.
    pub(crate) async fn open_attempt(&self, witness: &Witness, id: AttemptId, cookie: Option<&str>) -> Result<Attempt, Halt> {
        match sealed_attempt::open(id, cookie, self.sealer.as_ref()) {
            Ok(attempt) => Ok(attempt),
            Err(fault) => {
                let fault = Fault::Attempt(fault);
                let event = self.event(witness, EventName::LoginFailed, Outcome::Failure, Actor::Anonymous);
                self.record_failure(witness, AuditEvent { reason: Some(fault.reason()), ..event }, Vec::new()).await;
                Err(fault.into())
            }
        }
    }

    pub(crate) async fn send_away(&self, witness: &Witness, client: &Client, attempt: Attempt, id: &ProviderId) -> Result<Away, Halt> {
        let Some(provider) = self.provider_for(client, id) else {
            return Err(self.end_attempt(witness, client, &attempt, Some(id), Fault::ProviderNotAllowed).await);
        };
        let sent = match provider.begin(&self.departure(&attempt, id)).await {
            Ok(sent) => sent,
            // The attempt stays in the browser: another provider can be picked.
            Err(error) => return Err(self.end_attempt(witness, client, &attempt, Some(id), Fault::Provider(error)).await),
        };
        let departed = Attempt { departed: Some(Departed { provider: id.clone(), at: witness.now, kept: sent.kept }), ..attempt };
        let Some(sealed) = sealed_attempt::seal(&departed, witness.now, self.sealer.as_ref()) else {
            let detail = "its issuer name is too long to be kept in a cookie".into();
            let error = ProviderError::Misconfigured { phase: vestibule_domain::provider::Phase::Callback, detail };
            return Err(self.end_attempt(witness, client, &departed, Some(id), Fault::Provider(error)).await);
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
    pub(crate) async fn client_of(&self, witness: &Witness, attempt: &Attempt) -> Result<Arc<Client>, Halt> {
        let client = self.store.client(&attempt.request.client).await?.filter(|client| !client.disabled);
        if client.is_none() {
            self.record_failure(witness, self.login_failure(witness, attempt, None, &Fault::ClientGone), Vec::new()).await;
        }
        client.ok_or_else(|| Halt { settled: Some(attempt.id), ..Fault::ClientGone.into() })
    }

    /// A provider that exists and through which people may come to this client.
    pub(crate) fn provider_for(&self, client: &Client, id: &ProviderId) -> Option<&Arc<dyn IdentityProvider>> {
        self.providers.get(id).filter(|_| policy::may_use_provider(client, id))
    }

    /// The end of a login before anybody came back, with its trace in the audit log.
    pub(crate) async fn end_attempt(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        provider: Option<&ProviderId>,
        fault: Fault,
    ) -> Halt {
        self.record_failure(witness, self.login_failure(witness, attempt, provider, &fault), Vec::new()).await;
        self.halt_at(client, &attempt.request, fault)
    }

    pub(crate) fn login_failure(&self, witness: &Witness, attempt: &Attempt, provider: Option<&ProviderId>, fault: &Fault) -> AuditEvent {
        let (name, outcome) = match fault {
            Fault::ProviderNotAllowed | Fault::AccountDisabled | Fault::OtherPerson | Fault::Provider(ProviderError::Refused { .. }) => {
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
