//! The person has picked a provider: off to it, with the attempt sealed into their browser.

use std::sync::Arc;

use vestibule_domain::{
    attempt::{Attempt, AttemptFault, Consenting, Departed, Errand},
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    authorize::Prompt,
    client::Client,
    door::Chosen,
    ids::{AttemptId, ProviderId},
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
    /// What people know the provider as.
    pub provider_label: String,
}

impl Gateway {
    /// Sends the person of an attempt to a provider they picked.
    pub async fn depart(&self, witness: &Witness, id: AttemptId, cookie: Option<&str>, provider: &str) -> Result<Away, Halt> {
        let attempt = self.open_attempt(witness, id, cookie).await?;
        let client = self.client_of(witness, &attempt).await?;
        self.may_depart(witness, &client, &attempt).await?;
        let Ok(provider) = ProviderId::parse(provider) else {
            return Err(self.end_attempt(witness, &client, &attempt, None, Fault::ProviderNotAllowed).await);
        };
        self.send_away(witness, &client, attempt, &provider, Chosen::Click).await
    }

    /// Whether somebody may still be sent to a provider with an attempt: it is not too late, and nobody goes anywhere for an app that was not vetted
    /// before they allowed it (attack 40).
    pub(crate) async fn may_depart(&self, witness: &Witness, client: &Client, attempt: &Attempt) -> Result<(), Halt> {
        let fault = if witness.now >= attempt.expires {
            AttemptFault::Expired
        } else if attempt.errand.is_sign_in() && !client.is_vetted() && attempt.consent != Consenting::Allowed {
            AttemptFault::NotHere
        } else {
            return Ok(());
        };
        Err(self.end_attempt(witness, client, attempt, None, Fault::Attempt(fault)).await)
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

    pub(crate) async fn send_away(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: Attempt,
        id: &ProviderId,
        how: Chosen,
    ) -> Result<Away, Halt> {
        let provider = match self.provider_for(client, id).await {
            Ok(provider) => provider,
            Err(fault) => return Err(self.end_attempt(witness, client, &attempt, Some(id), fault).await),
        };
        let Some(adapter) = provider.open() else {
            return Err(self.end_attempt(witness, client, &attempt, Some(id), Fault::ProviderNotAllowed).await);
        };
        let seen = |name| AuditEvent {
            client: Some(client.id.clone()),
            provider: Some(id.clone()),
            login: Some(attempt.login),
            ..self.event(witness, name, Outcome::Success, Actor::Anonymous)
        };
        self.seen(&AuditEvent { detail: Some(format!("by {}", how.as_str())), ..seen(EventName::LoginProviderSelected) });
        let redirected = seen(EventName::UpstreamRedirected);
        let departure = self.departure(&attempt, id);
        let is_again = attempt.departed.as_ref().is_some_and(|before| before.provider == *id);
        let sent = match self.ask_the_way(&provider, adapter.begin(&departure)).await {
            Ok(sent) => sent,
            // The attempt stays in the browser: another provider can be picked.
            Err(error) => {
                let halt = self.end_attempt(witness, client, &attempt, Some(id), Fault::Provider(error)).await;
                let others =
                    self.providers().await?.offers(client, witness.now).len() > 1 && !matches!(attempt.errand, Errand::Link { .. });
                return Err(Halt { goes_on: others.then_some(attempt.id), ..halt });
            }
        };
        // Whoever was asked and would rather be somebody else is asked again as them.
        let consent = if attempt.consent == Consenting::Allowed { Consenting::Allowed } else { Consenting::NotAsked };
        let departed = Some(Departed { provider: id.clone(), at: witness.now, kept: sent.kept });
        let departed = Attempt { departed, consent, ..attempt };
        let Some(sealed) = sealed_attempt::seal(&departed, witness.now, self.sealer.as_ref()) else {
            let detail = "its issuer name is too long to be kept in a cookie".into();
            let error = ProviderError::Misconfigured { phase: vestibule_domain::provider::Phase::Callback, detail };
            return Err(self.end_attempt(witness, client, &departed, Some(id), Fault::Provider(error)).await);
        };
        self.seen(&redirected);
        if !is_again {
            self.observer.departed(id, departed.login);
        }
        Ok(Away { location: sent.location, attempt: sealed, provider_label: adapter.card().label.clone() })
    }

    pub(crate) fn departure(&self, attempt: &Attempt, provider: &ProviderId) -> Departure {
        let request = &attempt.request;
        Departure {
            attempt: attempt.id,
            redirect_uri: self.settings.callback_of(provider),
            fresh: request.wants_fresh_sign_in(None, attempt.started),
            select_account: request.prompt.contains(&Prompt::SelectAccount),
            max_age: request.max_age,
            login_hint: request.login_hint.clone(),
            domain_hint: request.domain_hint.clone(),
            acr_values: request.acr_values.clone(),
            ui_locales: request.ui_locales.clone(),
        }
    }

    /// The client of an attempt, as it is now: it may have been disabled since.
    pub(crate) async fn client_of(&self, witness: &Witness, attempt: &Attempt) -> Result<Arc<Client>, Halt> {
        let client = match attempt.errand {
            Errand::SignIn | Errand::Device(_) | Errand::Tried => {
                self.client_under_way(witness, &attempt.request.client).await?.filter(|client| !client.disabled)
            }
            Errand::OwnPage | Errand::Link { .. } => Some(self.own_page.client.clone()),
            Errand::Console => Some(self.console.client.clone()),
            // It has a walk of its own; here it leads nowhere.
            Errand::Trial { .. } => None,
        };
        if client.is_none() {
            self.record_failure(witness, self.login_failure(witness, attempt, None, &Fault::ClientGone), Vec::new()).await;
        }
        client.ok_or_else(|| Halt { settled: Some(attempt.id), ..Fault::ClientGone.into() })
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
        self.halt_of(client, attempt, fault)
    }

    /// An end with a way back to the app, unless that is on another device or nobody came from it.
    pub(crate) fn halt_of(&self, client: &Client, attempt: &Attempt, fault: Fault) -> Halt {
        let halt = self.halt_at(client, &attempt.request, fault);
        if matches!(attempt.errand, Errand::Device(_) | Errand::Tried) { Halt { back: None, ..halt } } else { halt }
    }

    pub(crate) fn login_failure(&self, witness: &Witness, attempt: &Attempt, provider: Option<&ProviderId>, fault: &Fault) -> AuditEvent {
        let (name, outcome) = match fault {
            Fault::ProviderNotAllowed
            | Fault::AccountDisabled
            | Fault::OtherPerson
            | Fault::NotAllowed(_)
            | Fault::Provider(ProviderError::Refused { .. }) => (EventName::LoginDeniedByPolicy, Outcome::Denied),
            Fault::LinkTaken => (EventName::IdentityLinkRefused, Outcome::Denied),
            Fault::Provider(ProviderError::Declined) => (EventName::LoginFailed, Outcome::Denied),
            _ => (EventName::LoginFailed, Outcome::Failure),
        };
        let event = AuditEvent {
            reason: Some(fault.reason()),
            client: Some(attempt.request.client.clone()),
            provider: provider.cloned(),
            login: Some(attempt.login),
            took_ms: u64::try_from(witness.now.since(attempt.started).as_millis()).ok(),
            detail: fault.detail(),
            ..self.event(witness, name, outcome, Actor::Anonymous)
        };
        AuditEvent { trial: attempt.errand == Errand::Tried, ..event }
    }
}
