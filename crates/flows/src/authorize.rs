//! `/authorize`: is the request sound, is a session enough, or does the person sign in?

use vestibule_domain::{
    attempt::Attempt,
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    authorize::{Asked, AuthorizationRequest, Meeting, Prompt},
    client::Client,
    code::Code,
    error::OAuthError,
    ids::{AccountId, AttemptId, GrantId, LoginId},
    provider::ProviderCard,
    redirect::RedirectUri,
    session::Session,
    store::{Changes, Write},
};

use crate::{AppAnswer, Fault, Gateway, Halt, SealedAttempt, codec, depart::Away, sealed_attempt};

/// What an authorization request leads to.
#[derive(Debug)]
pub enum Authorized {
    /// A session was enough: back to the app with a code.
    Answered {
        /// Where the browser goes.
        answer: AppAnswer,
        /// What people know the app as.
        client_name: String,
    },
    /// The person picks a provider.
    Choose {
        /// For the browser's cookie.
        attempt: SealedAttempt,
        /// What people know the app as.
        client_name: String,
        /// Where they will return to.
        returns_to: RedirectUri,
        /// Whom they can pick.
        providers: Vec<ProviderCard>,
    },
    /// Only one provider can be picked: straight to it.
    Departed(Away),
}

impl Gateway {
    /// Decides an authorization request (OAuth 2.1 §4.1.1, OpenID Connect Core 1.0 §3.1.2). Writes nothing for somebody who is not signed in.
    pub async fn authorize(&self, witness: &Witness, asked: Asked, session_cookie: Option<&str>) -> Result<Authorized, Halt> {
        let issuer = &self.settings.issuer;
        let id = asked.client_id().map_err(|rejection| Halt::rejected(rejection, None, issuer))?;
        let client = self.store.client(&id).await?.ok_or(Fault::Request(vestibule_domain::authorize::PageFault::ClientUnknown))?;
        let hint = asked.id_token_hint.clone();
        let request = asked.check(&client).map_err(|rejection| Halt::rejected(rejection, Some(&client.name), issuer))?;
        let expected = self.expected(witness, hint.as_deref()).map_err(|error| self.refuse(&client, &request, error))?;
        let request = AuthorizationRequest { expected, ..request };
        let session = self.session_of(witness, session_cookie).await?;
        match (request.meets(session.as_deref(), &client, witness.now), session) {
            (Meeting::SessionIsEnough, Some(session)) => self.answer_from_session(witness, &client, &request, &session).await,
            (Meeting::Refuse(error), _) => Err(self.refuse(&client, &request, error)),
            _ => self.begin_attempt(witness, &client, request).await,
        }
    }

    /// Whom `id_token_hint` names, if the app sent one (OpenID Connect Core 1.0 §3.1.2.2). Expired hints are fine; another issuer's are not.
    fn expected(&self, witness: &Witness, hint: Option<&str>) -> Result<Option<AccountId>, OAuthError> {
        let Some(hint) = hint else { return Ok(None) };
        let hint = self.signer.verify_id_token_hint(hint, witness.now);
        hint.map(|hint| Some(hint.subject)).ok_or_else(|| OAuthError::invalid_request("id_token_hint is not an ID token of this issuer"))
    }

    async fn answer_from_session(
        &self,
        witness: &Witness,
        client: &Client,
        request: &AuthorizationRequest,
        session: &Session,
    ) -> Result<Authorized, Halt> {
        let login = LoginId::new(witness.now, self.entropy.as_ref());
        let (code, text) = self.new_code(witness, request, session, login);
        let event = AuditEvent {
            scopes: Some(request.scopes.clone()),
            ..self.login_event(witness, EventName::LoginSilent, Outcome::Success, login, session, client)
        };
        let mut changes = Changes::default().write(Write::AddCode(code)).event(event);
        if session.wants_touch(witness.now) {
            changes = changes.write(Write::TouchSession { id: session.id, at: witness.now });
        }
        self.commit(changes).await.map_err(|error| self.halt_at(client, request, Fault::Store(error)))?;
        let answer = AppAnswer::code(&request.redirect_uri, &text, request.state.as_ref(), &self.settings.issuer);
        Ok(Authorized::Answered { answer, client_name: client.name.clone() })
    }

    async fn begin_attempt(&self, witness: &Witness, client: &Client, request: AuthorizationRequest) -> Result<Authorized, Halt> {
        let providers = self.providers_for(client);
        let attempt = Attempt {
            id: AttemptId::new(self.entropy.as_ref()),
            login: LoginId::new(witness.now, self.entropy.as_ref()),
            request,
            started: witness.now,
            expires: witness.now + self.settings.lifetimes.attempt,
            departed: None,
        };
        if providers.is_empty() {
            return Err(self.end_attempt(witness, client, &attempt, None, Fault::ProviderNotAllowed).await);
        }
        let Some(sealed) = sealed_attempt::seal(&attempt, witness.now, self.sealer.as_ref()) else {
            let too_long = OAuthError::invalid_request("the parameters are too long together to be kept while the person signs in");
            return Err(self.refuse(client, &attempt.request, too_long));
        };
        self.seen(&AuditEvent {
            client: Some(client.id.clone()),
            login: Some(attempt.login),
            ..self.event(witness, EventName::LoginStarted, Outcome::Success, Actor::Anonymous)
        });
        // A native app's address can be taken by another app on the device; such a person must act each time (RFC 8252 §8.6).
        let may_skip = self.settings.straight_through
            && !client.is_impersonable_at(&attempt.request.redirect_uri)
            && !attempt.request.prompt.contains(&Prompt::Consent);
        match (may_skip, providers.as_slice()) {
            (true, [only]) => self.send_away(witness, client, attempt, &only.id).await.map(Authorized::Departed),
            _ => Ok(Authorized::Choose {
                attempt: sealed,
                client_name: client.name.clone(),
                returns_to: attempt.request.redirect_uri,
                providers,
            }),
        }
    }

    /// A code for what a session allows, and its text, which only the app will see.
    pub(crate) fn new_code(&self, witness: &Witness, request: &AuthorizationRequest, session: &Session, login: LoginId) -> (Code, String) {
        let text = codec::random_text(self.entropy.as_ref());
        let code = Code {
            digest: self.sealer.hash(text.as_bytes()),
            client: request.client.clone(),
            redirect_uri: request.redirect_uri.clone(),
            redirect_uri_was_sent: request.redirect_uri_was_sent,
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            scopes: request.scopes.clone(),
            account: session.account,
            session: session.id,
            provider: session.provider.clone(),
            auth_time: session.auth_time,
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            login,
            grant: GrantId::new(witness.now, self.entropy.as_ref()),
            issued: witness.now,
            expires: witness.now + self.settings.lifetimes.code,
            redeemed: None,
        };
        (code, text)
    }

    pub(crate) fn login_event(
        &self,
        witness: &Witness,
        name: EventName,
        outcome: Outcome,
        login: LoginId,
        session: &Session,
        client: &Client,
    ) -> AuditEvent {
        AuditEvent {
            account: Some(session.account),
            client: Some(client.id.clone()),
            provider: Some(session.provider.clone()),
            login: Some(login),
            session: Some(session.id),
            ..self.event(witness, name, outcome, Actor::Account(session.account))
        }
    }

    /// An end with a way back to the app.
    pub(crate) fn halt_at(&self, client: &Client, request: &AuthorizationRequest, fault: Fault) -> Halt {
        let back = AppAnswer::error(&request.redirect_uri, &fault.to_oauth(), request.state.as_ref(), &self.settings.issuer);
        Halt { back: Some(back), client_name: Some(client.name.clone()), at_once: request.is_silent(), ..fault.into() }
    }

    fn refuse(&self, client: &Client, request: &AuthorizationRequest, error: OAuthError) -> Halt {
        Halt { at_once: true, ..self.halt_at(client, request, Fault::App(error)) }
    }
}
