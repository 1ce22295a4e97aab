//! A sign-in that is only tried: an operator walks to a provider and back, and sees what would come of it. Nobody is signed in and nothing is kept
//! but what was seen, sealed and for a few minutes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    attempt::{Attempt, Departed, Errand},
    audit::{Actor, EventName, Outcome, Witness},
    claims::Claims,
    ids::ProviderId,
    ports::IdentityProvider,
    provider::{Arrival, Callback, Definition, Phase, ProviderError},
    rehearsal::{Rehearsal, rehearse},
    secret::{Digest, Purpose, Sealed},
    store::{Changes, Contest, StoreError, Write},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
};

use crate::{AdminFault, Away, Callbacks, Fault, Gateway, Halt, codec, sealed_attempt};

/// How long an operator has to sign in, and then to read what came of it.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// A trial that waits for somebody to sign in.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its name: whoever has it may sign in by it once, and read what came of it.
    pub name: String,
    /// Where to sign in, in a browser.
    pub url: String,
    /// Until when.
    pub expires: Timestamp,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrialOutcome {
    /// Nobody came back yet.
    Waiting,
    /// Somebody signed in.
    SignedIn(TriedSignIn),
    /// It went wrong; what happened, for the operator.
    Failed(String),
}

/// Who came back, and what would come of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedSignIn {
    /// Who says so.
    pub issuer: String,
    /// The provider's name for the person.
    pub subject: String,
    /// Which tokens came: `access_token`, `refresh_token`, `id_token`.
    pub tokens: Vec<String>,
    /// With what scopes, where it says.
    pub scope: Option<String>,
    /// What its claims would become.
    pub rehearsal: Rehearsal,
}

/// What a trial's ticket holds, sealed: a draft has secrets in it, and an outcome has a person in it.
#[derive(Serialize, Deserialize)]
struct Kept {
    provider: ProviderId,
    /// Settings and secrets of a draft; nothing for a provider that is there.
    draft: Option<(Claims, BTreeMap<String, String>)>,
    outcome: TrialOutcome,
}

impl Gateway {
    /// Makes a trial of a provider that is there, or of a draft.
    pub(crate) async fn new_trial(&self, witness: &Witness, id: &ProviderId, draft: Option<Definition>) -> Result<Trial, AdminFault> {
        let name = codec::random_text(self.entropy.as_ref());
        let text = |secret: SecretString| secret.expose_secret().to_owned();
        let draft = draft.map(|draft| (draft.settings, draft.secrets.into_iter().map(|(name, secret)| (name, text(secret))).collect()));
        let kept = Kept { provider: id.clone(), draft, outcome: TrialOutcome::Waiting };
        let digest = self.sealer.hash(name.as_bytes());
        let expires = witness.now + GOOD_FOR;
        let ticket = Ticket { digest, kind: TicketKind::ProviderTrial, version: 1, expires, body: self.sealed(&digest, &kept) };
        self.commit(Changes::default().write(Write::PutTicket { ticket, expected: None })).await.map_err(AdminFault::Store)?;
        let url = self.settings.url(&format!("/login/{id}?trial={name}"));
        Ok(Trial { name, url, expires })
    }

    /// What came of a trial of this provider, as long as it is kept.
    pub async fn trial(&self, witness: &Witness, provider: &str, name: &str) -> Result<TrialOutcome, AdminFault> {
        let digest = self.sealer.hash(name.as_bytes());
        let found = self.open_trial(witness, &digest).await.map_err(AdminFault::Store)?;
        let (_, kept) = found.filter(|(_, kept)| kept.provider.as_str() == provider).ok_or(AdminFault::NotFound)?;
        Ok(kept.outcome)
    }

    /// Sends whoever has a trial's name to its provider.
    pub async fn depart_on_trial(&self, witness: &Witness, provider: &str, name: &str) -> Result<Away, Halt> {
        let digest = self.sealer.hash(name.as_bytes());
        let found = self.open_trial(witness, &digest).await?;
        let waits = |kept: &Kept| kept.provider.as_str() == provider && kept.outcome == TrialOutcome::Waiting;
        let (_, kept) = found.filter(|(_, kept)| waits(kept)).ok_or(Fault::Attempt(vestibule_domain::attempt::AttemptFault::NotHere))?;
        let adapter = self.on_trial(&kept).await?;
        let attempt = self.new_attempt(witness, self.own_page.request(None)?, Errand::Trial { ticket: digest });
        let sent = adapter.begin(&self.departure(&attempt, &kept.provider)).await.map_err(Fault::Provider)?;
        let departed = Departed { provider: kept.provider, how: None, at: witness.now, kept: sent.kept };
        let attempt = Attempt { departed: Some(departed), ..attempt };
        let sealed = sealed_attempt::seal(&attempt, witness.now, self.sealer.as_ref());
        let too_long =
            || ProviderError::Misconfigured { phase: Phase::Callback, detail: "its issuer name is too long to be kept in a cookie".into() };
        let sealed = sealed.ok_or_else(|| Fault::Provider(too_long()))?;
        Ok(Away { location: sent.location, attempt: sealed, provider_label: adapter.card().label.clone() })
    }

    /// Ends a trial with what came back. Nothing if what came back belongs to no trial of this browser, but to a login.
    pub async fn arrive_on_trial(&self, witness: &Witness, provider: &str, brought: &Callbacks) -> Option<Result<TrialOutcome, Halt>> {
        let id = brought.attempt?;
        let attempt = sealed_attempt::open(id, brought.attempt_cookie.as_deref(), self.sealer.as_ref()).ok()?;
        let Errand::Trial { ticket } = attempt.errand else { return None };
        let ended = self.end_trial(witness, provider, &attempt, &ticket, brought.callback.clone()).await;
        Some(ended.map_err(|halt| Halt { settled: Some(id), ..halt }))
    }

    async fn end_trial(
        &self,
        witness: &Witness,
        provider: &str,
        attempt: &Attempt,
        digest: &Digest,
        callback: Callback,
    ) -> Result<TrialOutcome, Halt> {
        let gone = || Fault::Attempt(vestibule_domain::attempt::AttemptFault::Expired);
        let provider = ProviderId::parse(provider).map_err(|_| gone())?;
        let departed = attempt.returned_to(&provider, witness.now).map_err(Fault::Attempt)?;
        let found = self.open_trial(witness, digest).await?.filter(|(_, kept)| kept.outcome == TrialOutcome::Waiting);
        let (ticket, kept) = found.ok_or_else(gone)?;
        let adapter = self.on_trial(&kept).await?;
        let callback = Callback { redirect_uri: self.settings.callback_of(&provider), ..callback };
        let outcome = match adapter.complete(callback, departed.kept.clone(), witness.now).await {
            Ok(arrival) => TrialOutcome::SignedIn(tried(&provider, adapter.as_ref(), arrival)),
            Err(error) => TrialOutcome::Failed(Fault::Provider(error.clone()).detail().unwrap_or_else(|| error.to_string())),
        };
        let well = matches!(outcome, TrialOutcome::SignedIn(_));
        let event = vestibule_domain::audit::AuditEvent {
            provider: Some(provider),
            detail: Some("a sign-in on trial".into()),
            ..self.event(witness, EventName::ProviderTested, if well { Outcome::Success } else { Outcome::Failure }, Actor::Anonymous)
        };
        let body = self.sealed(digest, &Kept { outcome: outcome.clone(), ..kept });
        let expected = Some(ticket.version);
        let ticket = Ticket { version: ticket.version + 1, expires: witness.now + GOOD_FOR, body, ..ticket };
        match self.commit(Changes::default().write(Write::PutTicket { ticket, expected }).event(event)).await {
            Ok(()) => Ok(outcome),
            Err(StoreError::Conflict(Contest::Ticket)) => Err(gone().into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The provider a trial is of: the draft, or the one that is there. Its breaker is asked nothing and told nothing.
    async fn on_trial(&self, kept: &Kept) -> Result<Arc<dyn IdentityProvider>, Halt> {
        let made = match &kept.draft {
            Some((settings, secrets)) => {
                let secrets = secrets.iter().map(|(name, secret)| (name.clone(), secret.clone().into())).collect();
                let definition = Definition { id: kept.provider.clone(), settings: settings.clone(), secrets };
                self.doorkeeper.factory().make(&definition).ok()
            }
            None => self.providers().await?.find(&kept.provider).and_then(|provider| provider.made.clone().ok()),
        };
        made.ok_or_else(|| Fault::ProviderNotAllowed.into())
    }

    async fn open_trial(&self, witness: &Witness, digest: &Digest) -> Result<Option<(Ticket, Kept)>, StoreError> {
        let ticket = self.store.ticket(TicketKind::ProviderTrial, digest).await?.filter(|ticket| witness.now < ticket.expires);
        Ok(ticket.and_then(|ticket| {
            let sealed = Sealed(codec::decode(&ticket.body)?);
            let plain = self.sealer.open(Purpose::ProviderTrial, &digest.0, &sealed)?;
            Some((ticket, serde_json::from_slice(&plain).ok()?))
        }))
    }

    fn sealed(&self, digest: &Digest, kept: &Kept) -> String {
        let plain = serde_json::to_vec(kept).unwrap_or_default();
        codec::encode(&self.sealer.seal(Purpose::ProviderTrial, &digest.0, &plain).0)
    }
}

fn tried(provider: &ProviderId, adapter: &dyn IdentityProvider, arrival: Arrival) -> TriedSignIn {
    let tokens = &arrival.tokens;
    let all = [("access_token", &tokens.access_token), ("refresh_token", &tokens.refresh_token), ("id_token", &tokens.id_token)];
    let came = |token: &Option<SecretString>| token.as_ref().is_some_and(|token| !token.expose_secret().is_empty());
    TriedSignIn {
        tokens: all.into_iter().filter(|(_, token)| came(token)).map(|(name, _)| name.to_owned()).collect(),
        scope: tokens.scope.clone(),
        rehearsal: rehearse(provider, adapter.terms(), None, &arrival.claims),
        issuer: arrival.issuer,
        subject: arrival.subject,
    }
}
