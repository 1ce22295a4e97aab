//! The question whether an app may have what it asks for, and the answer.
//!
//! It is asked of somebody who is signed in, before the code; of an app that nobody vetted, before anybody is sent anywhere. The question lives in the
//! browser's sealed attempt like everything before the code, and only the session it was asked of, by the form that was shown to it, can answer.

use std::sync::Arc;

use vestibule_domain::{
    account::Account,
    attempt::{Attempt, AttemptFault, Consenting},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::{Client, ConsentMode},
    consent::{self, Again, Consent},
    error::{OAuthError, OAuthErrorCode},
    ids::{AccountId, AttemptId},
    login_trace::Decisions,
    redirect::RedirectUri,
    scope::Scopes,
    secret::{Digest, Purpose},
    session::Session,
    store::{Changes, Contest, StoreError, Write},
};

use crate::{
    AppAnswer, Authorized, Fault, Gateway, Halt, SealedAttempt,
    arrive::spend,
    authorize::too_long,
    login_trace::{end_of, of_session},
    sealed_attempt,
};

/// What the page of consent shows.
#[derive(Debug)]
pub struct Question {
    /// The attempt it belongs to.
    pub attempt: AttemptId,
    /// For the browser's cookie; absent where it has it already.
    pub sealed: Option<SealedAttempt>,
    /// What people know the app as.
    pub client_name: String,
    /// The host of the document it is known by, if it is: all that is certain of it.
    pub known_by: Option<String>,
    /// Where the answer goes.
    pub returns_to: RedirectUri,
    /// Who is asked; absent before anybody has signed in.
    pub person: Option<Arc<Account>>,
    /// What is asked for.
    pub scopes: Scopes,
    /// Whether they will be asked again.
    pub again: Again,
    /// Whether somebody of the house stands behind the app.
    pub is_vetted: bool,
    /// For the form.
    pub token: String,
    /// In which languages the app would have the page.
    pub ui_locales: Option<String>,
}

/// What the form of consent says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// What the page put into it.
    pub token: &'a str,
    /// Whether the person allows it.
    pub allows: bool,
}

/// What came of an answer.
#[derive(Debug)]
pub struct Consented {
    /// Back to the app, or on with the sign-in.
    pub authorized: Authorized,
    /// The attempt that is over, so that its cookie goes.
    pub settled: Option<AttemptId>,
}

impl Gateway {
    /// Asks the person of a session, or, before anybody has signed in, whoever sits there.
    pub(crate) async fn ask_person(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: Attempt,
        session: Option<&Session>,
    ) -> Result<Authorized, Halt> {
        let consent = match attempt.consent {
            asked @ Consenting::Asked { .. } => asked,
            _ => Consenting::Asked { session: session.map(|session| session.id), arrived: false },
        };
        let asked = Attempt { consent, ..attempt };
        let Some(sealed) = sealed_attempt::seal(&asked, witness.now, self.sealer.as_ref()) else {
            return Err(self.refuse(client, &asked, too_long()));
        };
        let question = self.question(client, &asked, session).await?;
        Ok(Authorized::Ask(Box::new(Question { sealed: Some(sealed), ..question })))
    }

    /// An attempt that its browser comes with again: to the question it waits with, or else to the choice of a provider.
    pub(crate) async fn resume(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: Attempt,
        session_cookie: Option<&str>,
    ) -> Result<Authorized, Halt> {
        let Consenting::Asked { session: asked, .. } = attempt.consent else { return self.begin(witness, client, attempt).await };
        let session = self.session_of(witness, session_cookie).await?.filter(|session| asked == Some(session.id));
        if asked.is_none() || session.is_some() {
            return self.ask_person(witness, client, attempt, session.as_deref()).await;
        }
        self.begin(witness, client, Attempt { consent: Consenting::NotAsked, ..attempt }).await
    }

    /// The question that an attempt of this browser waits with.
    pub async fn asked(
        &self,
        witness: &Witness,
        id: AttemptId,
        cookie: Option<&str>,
        session_cookie: Option<&str>,
    ) -> Result<Question, Halt> {
        let (attempt, client, session) = self.unanswered(witness, id, cookie, session_cookie).await?;
        Ok(self.question(&client, &attempt, session.as_deref()).await?)
    }

    /// Takes the answer. An attempt of another browser, one that waits with no question, another session than the one that was asked, and a form that
    /// was not made for both are all turned away (attacks 39, 41).
    pub async fn consent(
        &self,
        witness: &Witness,
        id: AttemptId,
        cookie: Option<&str>,
        session_cookie: Option<&str>,
        said: Said<'_>,
    ) -> Result<Consented, Halt> {
        let (attempt, client, session) = self.unanswered(witness, id, cookie, session_cookie).await?;
        let bound = bound(&attempt, session.as_deref());
        if !Digest::from_hex(said.token).is_some_and(|tag| self.sealer.tag_matches(Purpose::ConsentForm, &bound, &tag)) {
            return Err(self.end_attempt(witness, &client, &attempt, None, Fault::Attempt(AttemptFault::NotHere)).await);
        }
        if !said.allows {
            return self.declined(witness, &client, &attempt, session.as_deref()).await;
        }
        let authorized = match session {
            Some(session) => {
                // As at every other use of a session: rules may have changed since the page was shown.
                if let Err(refusal) = self.standing(&client, &session.account, &session.link).await? {
                    return Err(self.end_attempt(witness, &client, &attempt, Some(&session.provider), refusal.into()).await);
                }
                self.answer_from_session(witness, &client, &attempt, &session).await?
            }
            None => self.meet(witness, &client, Attempt { consent: Consenting::Allowed, ..attempt }, session_cookie).await?,
        };
        let settled = matches!(authorized, Authorized::Answered { .. }).then_some(id);
        Ok(Consented { authorized, settled })
    }

    /// What is written of a yes, beside what it leads to. It is remembered where it is ever read.
    pub(crate) fn allowed(
        &self,
        changes: Changes,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        session: &Session,
        given: &[Consent],
    ) -> Changes {
        let remembered = client.consent == ConsentMode::Remembered;
        let consent = remembered.then(|| Write::PutConsent(Consent::to(&attempt.request, session.account, given, client, witness.now)));
        let event = self.login_event(witness, EventName::ConsentGranted, Outcome::Success, attempt.login, session, client);
        changes.and(consent).event(AuditEvent { scopes: Some(attempt.request.told()), ..event })
    }

    /// What a person allowed an app before; read only where it is remembered.
    pub(crate) async fn given(&self, client: &Client, account: &AccountId) -> Result<Vec<Consent>, StoreError> {
        match client.consent {
            ConsentMode::Remembered => self.store.consents(account, &client.id).await,
            ConsentMode::Implicit | ConsentMode::Always => Ok(Vec::new()),
        }
    }

    /// An attempt of this browser that waits with its question, and the session it was asked of.
    async fn unanswered(
        &self,
        witness: &Witness,
        id: AttemptId,
        cookie: Option<&str>,
        session_cookie: Option<&str>,
    ) -> Result<(Attempt, Arc<Client>, Option<Arc<Session>>), Halt> {
        let attempt = self.open_attempt(witness, id, cookie).await?;
        let client = self.client_of(witness, &attempt).await?;
        let fault = match attempt.consent {
            _ if witness.now >= attempt.expires => AttemptFault::Expired,
            Consenting::Asked { session: None, .. } => return Ok((attempt, client, None)),
            Consenting::Asked { session: Some(asked), .. } => {
                match self.session_of(witness, session_cookie).await?.filter(|session| session.id == asked) {
                    Some(session) => return Ok((attempt, client, Some(session))),
                    None => AttemptFault::NotHere,
                }
            }
            Consenting::NotAsked | Consenting::Allowed => AttemptFault::NotHere,
        };
        Err(self.end_attempt(witness, &client, &attempt, None, Fault::Attempt(fault)).await)
    }

    async fn question(&self, client: &Client, attempt: &Attempt, session: Option<&Session>) -> Result<Question, StoreError> {
        let person = match session {
            Some(session) => self.store.account(&session.account).await?,
            None => None,
        };
        Ok(Question {
            attempt: attempt.id,
            sealed: None,
            client_name: client.name.clone(),
            known_by: client.id.document_host(),
            returns_to: attempt.request.redirect_uri.clone(),
            person,
            scopes: attempt.request.told(),
            again: Again::of(client, &attempt.request),
            is_vetted: client.is_vetted(),
            token: self.sealer.tag(Purpose::ConsentForm, &bound(attempt, session)).to_hex(),
            ui_locales: attempt.request.ui_locales.clone(),
        })
    }

    async fn declined(&self, witness: &Witness, client: &Client, attempt: &Attempt, session: Option<&Session>) -> Result<Consented, Halt> {
        let event = match session {
            Some(session) => self.login_event(witness, EventName::ConsentDenied, Outcome::Denied, attempt.login, session, client),
            None => AuditEvent {
                client: Some(client.id.clone()),
                login: Some(attempt.login),
                ..self.event(witness, EventName::ConsentDenied, Outcome::Denied, Actor::Anonymous)
            },
        };
        let scopes = Some(attempt.request.told());
        let event = AuditEvent { reason: Some(Reason::PersonDeclined), scopes, ..event };
        let mut decided = Decisions::begun(attempt);
        decided.end = Some(end_of(&event));
        if let Some(session) = session {
            of_session(&mut decided, session);
        }
        let trace = self.trace_of(witness, attempt.login, decided);
        if session.is_some() {
            let changes = Changes::default().and(trace).event(event).write(spend(attempt));
            self.commit(changes).await.map_err(|error| self.unsettled(client, attempt, error))?;
        } else {
            // Anybody can say no to a link they made up.
            self.record_traced_failure(witness, event, Vec::new(), trace).await;
        }
        let error = OAuthError::new(OAuthErrorCode::AccessDenied, "the person did not allow it");
        let answer = AppAnswer::error(&attempt.request, &error, &self.settings.issuer);
        let authorized = Authorized::Answered { answer, client_name: client.name.clone() };
        Ok(Consented { authorized, settled: Some(attempt.id) })
    }

    /// What an answer leads to could not be committed. It is, once: whoever sends the form again is told that it was used.
    pub(crate) fn unsettled(&self, client: &Client, attempt: &Attempt, error: StoreError) -> Halt {
        let spent = error == StoreError::Conflict(Contest::Attempt);
        let fault = if spent { Fault::AttemptSpent } else { Fault::Store(error) };
        Halt { settled: spent.then_some(attempt.id), ..self.halt_at(client, &attempt.request, fault) }
    }
}

/// What a form is made for: the attempt, and the session by its secret digest, so no other site can make one and none outlives a sign-in.
fn bound(attempt: &Attempt, session: Option<&Session>) -> Vec<u8> {
    let session = session.map(|session| session.digest.0.as_slice()).unwrap_or_default();
    [attempt.id.0.as_bytes().as_slice(), session].concat()
}

/// Whether somebody must be asked before an attempt of theirs gets its code; `given` is what they allowed the app before.
pub(crate) fn must_consent(client: &Client, attempt: &Attempt, given: &[Consent]) -> bool {
    attempt.errand.is_sign_in() && attempt.consent != Consenting::Allowed && consent::is_needed(client, &attempt.request, given)
}
