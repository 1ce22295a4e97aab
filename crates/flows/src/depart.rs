//! The person has picked a provider: off to it, with the attempt sealed into their browser.

use std::sync::Arc;

use vestibule_domain::{
    attempt::{Attempt, AttemptFault, Consenting, Departed, Errand},
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    authorize::Prompt,
    client::Client,
    door::Chosen,
    ids::{AttemptId, LoginId, ProviderId},
    login_trace::{Decisions, Door},
    provider::{Departure, ProviderError},
};

use crate::{Fault, Gateway, Halt, SealedAttempt, heard, login_trace::end_of, sealed_attempt};

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
                self.record_lost_login(witness, AuditEvent { reason: Some(fault.reason()), ..event }).await;
                Err(fault.into())
            }
        }
    }

    /// Records the end of a login of which nobody brought what would say which it was. A new id stands for it, so that the reference on the page leads
    /// somewhere.
    pub(crate) async fn record_lost_login(&self, witness: &Witness, event: AuditEvent) {
        let login = LoginId::new(witness.now, self.entropy.as_ref());
        let trace = Decisions { end: Some(end_of(&event)), ..Decisions::default() };
        let event = AuditEvent { login: Some(login), ..event };
        self.record_traced_failure(witness, event, Vec::new(), self.trace_of(witness, login, trace)).await;
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
        let (sent, requests) = heard::listening(self.ask_the_way(&provider, adapter.begin(&departure))).await;
        let sent = match sent {
            Ok(sent) => sent,
            // The attempt stays in the browser: another provider can be picked.
            Err(error) => {
                let door = Some(Door { provider: id.clone(), how: Some(how), away_ms: None });
                let decided = Decisions { door, requests, ..Decisions::begun(&attempt) };
                let halt = self.end_decided(witness, client, &attempt, Some(id), Fault::Provider(error), decided).await;
                let others =
                    self.providers().await?.offers(client, witness.now).len() > 1 && !matches!(attempt.errand, Errand::Link { .. });
                return Err(Halt { goes_on: others.then_some(attempt.id), ..halt });
            }
        };
        // Whoever was asked and would rather be somebody else is asked again as them.
        let consent = if attempt.consent == Consenting::Allowed { Consenting::Allowed } else { Consenting::NotAsked };
        let departed = Some(Departed { provider: id.clone(), how: Some(how), at: witness.now, kept: sent.kept });
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
            self.record_failed_login(witness, attempt, None, &Fault::ClientGone, Decisions::begun(attempt)).await;
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
        let mut decided = Decisions::begun(attempt);
        if let Some(provider) = provider.filter(|provider| decided.door.as_ref().is_none_or(|door| door.provider != **provider)) {
            decided.door = Some(Door { provider: provider.clone(), how: None, away_ms: None });
        }
        self.end_decided(witness, client, attempt, provider, fault, decided).await
    }

    /// The same, with what was decided on the way.
    async fn end_decided(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        provider: Option<&ProviderId>,
        fault: Fault,
        decided: Decisions,
    ) -> Halt {
        self.record_failed_login(witness, attempt, provider, &fault, decided).await;
        self.halt_of(client, attempt, fault)
    }

    async fn record_failed_login(
        &self,
        witness: &Witness,
        attempt: &Attempt,
        provider: Option<&ProviderId>,
        fault: &Fault,
        decided: Decisions,
    ) {
        let event = self.login_failure(witness, attempt, provider, fault);
        let decided = Decisions { end: Some(end_of(&event)), ..decided };
        self.record_traced_failure(witness, event, Vec::new(), self.trace_of(witness, attempt.login, decided)).await;
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
