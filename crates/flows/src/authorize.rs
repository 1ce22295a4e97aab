//! `/authorize`: is the request sound, is a session enough, or does the person sign in?

use std::sync::Arc;

use vestibule_domain::{
    account::Account,
    attempt::{Attempt, Consenting, Errand},
    audit::{self, Actor, AuditEvent, EventName, Outcome, Witness},
    authorize::{Asked, AuthorizationRequest, Expected, Meeting, PageFault, Person, Rejection},
    client::Client,
    code::Code,
    door::{self, Chosen, Hints, Offer},
    email::EmailAddress,
    error::{OAuthError, OAuthErrorCode},
    ids::{AttemptId, GrantId, LoginId},
    login_trace::Decisions,
    redirect::RedirectUri,
    session::Session,
    store::{Changes, StoreError, Write},
};

use crate::{
    AppAnswer, Fault, Gateway, Halt, Question, SealedAttempt,
    arrive::spend,
    codec,
    consent::must_consent,
    depart::Away,
    login_trace::{end_of, of_session},
    refused::Named,
    sealed_attempt,
};

/// What a browser carries of ours.
#[derive(Default)]
pub struct Carried {
    /// The value of the session's cookie.
    pub session: Option<String>,
    /// The attempts it keeps, with the values of their cookies.
    pub attempts: Vec<(AttemptId, String)>,
}

impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carried").finish_non_exhaustive()
    }
}

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
    /// A session was enough, once its person allows it; or nobody is sent anywhere before they do.
    Ask(Box<Question>),
    /// The person picks a provider.
    Choose(Box<Choice>),
    /// Only one provider can be picked: straight to it.
    Departed(Away),
}

/// What the page of choice shows.
#[derive(Debug)]
pub struct Choice {
    /// For the browser's cookie.
    pub attempt: SealedAttempt,
    /// What people know the app as.
    pub client_name: String,
    /// Where they will return to; absent on their own page.
    pub returns_to: Option<RedirectUri>,
    /// Whom they can pick.
    pub offers: Vec<Offer>,
    /// In which languages the app would have the page (OpenID Connect Core 1.0 §3.1.2.1).
    pub ui_locales: Option<String>,
}

impl Choice {
    /// Whether an address can lead to a provider: only then is it asked for.
    pub fn asks_for_email(&self) -> bool {
        self.offers.len() > 1 && self.offers.iter().any(|offer| !offer.domains.is_empty())
    }
}

impl Gateway {
    /// Decides an authorization request (OAuth 2.1 §4.1.1, OpenID Connect Core 1.0 §3.1.2). Writes nothing for somebody who is not signed in.
    /// What is believed in nothing leaves a record, within the budget of what strangers cause.
    pub async fn authorize(&self, witness: &Witness, asked: Asked, carried: &Carried) -> Result<Authorized, Halt> {
        let named = Named::by(&asked);
        let client = match self.client_named(witness, &asked).await {
            Ok(client) => client,
            Err(halt) => return Err(self.refused(witness, &named, None, halt).await),
        };
        match Box::pin(self.authorize_for(witness, &client, asked, carried)).await {
            Ok(authorized) => Ok(authorized),
            Err(halt) => Err(self.refused(witness, &named, Some(&client), halt).await),
        }
    }

    /// The client that a request names.
    async fn client_named(&self, witness: &Witness, asked: &Asked) -> Result<Arc<Client>, Halt> {
        let id = asked.client_id().map_err(|rejection| Halt::rejected(rejection, None, &self.settings.issuer))?;
        let client = self.client_asking(witness, &id).await?.map_err(PageFault::ClientDocument).map_err(Fault::Request)?;
        Ok(client.ok_or(Fault::Request(PageFault::ClientUnknown))?)
    }

    async fn authorize_for(&self, witness: &Witness, client: &Client, asked: Asked, carried: &Carried) -> Result<Authorized, Halt> {
        let (request, pushed) = match asked.pushed_as().map(|name| self.sealer.hash(name.as_bytes())) {
            Some(name) => match self.take_pushed(witness, client, name).await? {
                Ok(request) => (request, Some(name)),
                Err(reason) => return self.pushed_before(witness, client, name, reason, carried).await,
            },
            None => match self.checked(witness, client, asked).await {
                Ok(request) => (request, None),
                Err(rejection) => {
                    let halt = Halt::rejected(rejection, Some(&client.name), &self.settings.issuer);
                    // Nobody is sent on to a stranger by a mistake in a link (attack 34).
                    return Err(Halt { at_once: halt.at_once && client.is_vetted(), ..halt });
                }
            },
        };
        // What was pushed was held against the client as it was then.
        if pushed.is_some() && client.redirect_uri(Some(request.redirect_uri.as_str())).is_none() {
            let fault = PageFault::RedirectMismatch { received: Some(request.redirect_uri.as_str().to_owned()), differs: None };
            return Err(Fault::Request(fault).into());
        }
        let attempt = Attempt { pushed, ..self.new_attempt(witness, request, Errand::SignIn) };
        if client.is_vetted() {
            return self.meet(witness, client, attempt, carried.session.as_deref()).await;
        }
        if attempt.request.is_silent() {
            let error = OAuthError::new(OAuthErrorCode::ConsentRequired, "the person has not allowed this client what it asks for");
            return Err(self.refuse(client, &attempt, error));
        }
        self.ask_person(witness, client, attempt, None).await
    }

    /// What the session of this browser, if there is one, means for an attempt that nobody has been sent away with.
    pub(crate) async fn meet(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: Attempt,
        session_cookie: Option<&str>,
    ) -> Result<Authorized, Halt> {
        let session = self.session_of(witness, session_cookie).await?;
        let person = match session.as_deref() {
            Some(session) => self.person_of(client, &attempt, session).await?,
            None => Person::default(),
        };
        match (attempt.request.meets(session.as_deref(), person, client, witness.now), session) {
            (Meeting::SessionIsEnough, Some(session)) => self.answer_from_session(witness, client, &attempt, &session).await,
            (Meeting::Ask, Some(session)) => self.ask_person(witness, client, attempt, Some(&session)).await,
            (Meeting::Refuse(error), _) => Err(self.refuse(client, &attempt, error)),
            _ => self.begin(witness, client, attempt).await,
        }
    }

    /// A request that is sound in itself, by whichever way it came.
    pub(crate) async fn checked(&self, witness: &Witness, client: &Client, asked: Asked) -> Result<AuthorizationRequest, Rejection> {
        let asked = self.as_signed(witness, client, asked).await?;
        let hint = asked.id_token_hint.clone();
        let request = asked.check(client)?;
        match self.expected(witness, hint.as_deref()) {
            Ok(expected) => Ok(AuthorizationRequest { expected, ..request }),
            Err(error) => Err(Rejection::Redirect { to: request.redirect_uri, mode: request.response_mode, state: request.state, error }),
        }
    }

    /// Whom `id_token_hint` names, if the app sent one (OpenID Connect Core 1.0 §3.1.2.2). Expired hints are fine; another issuer's are not.
    fn expected(&self, witness: &Witness, hint: Option<&str>) -> Result<Option<Expected>, OAuthError> {
        let Some(hint) = hint else { return Ok(None) };
        let hint = self.signer.verify_id_token_hint(hint, witness.now);
        let hint = hint.ok_or_else(|| OAuthError::invalid_request("id_token_hint is not an ID token of this issuer"))?;
        Ok(Some(Expected { name: hint.subject, client: hint.client }))
    }

    /// Whether an account is the one that is expected, if one is: by `id_token_hint`, or by name in `claims`.
    pub(crate) async fn is_expected(&self, request: &AuthorizationRequest, account: &Account) -> Result<bool, StoreError> {
        if let Some(subjects) = &request.claims.subjects {
            let client = self.store.client(&request.client).await?;
            if !client.is_some_and(|client| subjects.contains(&account.name_at(&client, self.sealer.as_ref()))) {
                return Ok(false);
            }
        }
        let Some(Expected { name, client }) = &request.expected else { return Ok(true) };
        let client = self.store.client(client).await?;
        Ok(client.is_some_and(|client| account.name_at(&client, self.sealer.as_ref()) == *name))
    }

    /// What is known of the person of a session.
    async fn person_of(&self, client: &Client, attempt: &Attempt, session: &Session) -> Result<Person, StoreError> {
        match self.standing(client, &session.account, &session.link).await? {
            Ok((account, _)) => Ok(Person {
                is_expected: self.is_expected(&attempt.request, &account).await?,
                is_welcome: true,
                must_consent: must_consent(client, attempt, &self.given(client, &account.id).await?),
                has_allowed: attempt.consent == Consenting::Allowed,
            }),
            Err(_) => Ok(Person { is_expected: true, ..Person::default() }),
        }
    }

    /// A code from a session. If the person was asked, this is their yes.
    pub(crate) async fn answer_from_session(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        session: &Session,
    ) -> Result<Authorized, Halt> {
        let request = &attempt.request;
        let (code, text) = self.new_code(witness, request, session, attempt.login);
        let mut decided = Decisions::begun(attempt);
        of_session(&mut decided, session);
        decided.gives(&code, client);
        let mut changes = Changes::default().write(Write::AddCode(code));
        if !attempt.consent.is_not_asked() {
            let given = self.given(client, &session.account).await?;
            changes = self.allowed(changes, witness, client, attempt, session, &given).write(spend(attempt));
        }
        // Whoever has just signed in for this was counted then.
        let arrived = matches!(attempt.consent, Consenting::Asked { arrived: true, .. });
        let name = if arrived { EventName::ConsentGranted } else { EventName::LoginSilent };
        let event = AuditEvent {
            scopes: Some(request.scopes.clone()),
            ..self.login_event(witness, name, Outcome::Success, attempt.login, session, client)
        };
        decided.end = Some(end_of(&event));
        changes = changes.and(self.trace_of(witness, attempt.login, decided));
        if !arrived {
            changes = changes.event(event);
        }
        if session.wants_touch(witness.now) {
            changes = changes.write(Write::TouchSession { id: session.id, at: witness.now });
        }
        self.commit_remembering(changes, witness, client).await.map_err(|error| self.unsettled(client, attempt, error))?;
        let answer = AppAnswer::code(request, &text, &self.settings.issuer);
        Ok(Authorized::Answered { answer, client_name: client.name.clone() })
    }

    pub(crate) fn new_attempt(&self, witness: &Witness, request: AuthorizationRequest, errand: Errand) -> Attempt {
        Attempt {
            id: AttemptId::new(self.entropy.as_ref()),
            login: LoginId::new(witness.now, self.entropy.as_ref()),
            request,
            started: witness.now,
            expires: witness.now + self.settings.lifetimes.attempt,
            errand,
            pushed: None,
            consent: Consenting::NotAsked,
            departed: None,
        }
    }

    /// The page of choice, or straight to the provider that needs no choosing.
    pub(crate) async fn begin(&self, witness: &Witness, client: &Client, attempt: Attempt) -> Result<Authorized, Halt> {
        let offers = self.providers().await?.offers(client, witness.now);
        if offers.is_empty() {
            return Err(self.end_attempt(witness, client, &attempt, None, Fault::ProviderNotAllowed).await);
        }
        let Some(sealed) = sealed_attempt::seal(&attempt, witness.now, self.sealer.as_ref()) else {
            return Err(self.refuse(client, &attempt, too_long()));
        };
        if client.is_vetted() {
            self.observer.client_served(&client.id);
        }
        self.seen(&AuditEvent {
            client: Some(client.id.clone()),
            login: Some(attempt.login),
            ..self.event(witness, EventName::LoginStarted, Outcome::Success, Actor::Anonymous)
        });
        // A native app's address can be taken by another app on the device; such a person must act each time (RFC 8252 §8.6).
        let may_skip = self.settings.straight_through && !client.is_impersonable_at(&attempt.request.redirect_uri);
        let hints = Hints {
            provider: attempt.request.idp_hint.as_deref(),
            domain: attempt.request.domain_hint.as_deref(),
            login: attempt.request.login_hint.as_deref(),
        };
        match door::straight(&offers, hints, self.settings.straight_through).filter(|_| may_skip) {
            Some((provider, how)) => self.send_away(witness, client, attempt, &provider, how).await.map(Authorized::Departed),
            None => Ok(Authorized::Choose(Box::new(choice(sealed, client, attempt, offers)))),
        }
    }

    /// The door that an address leads to, for an attempt that this browser carries: away, or the page of choice again. It never tells whether anybody of
    /// that address is known here.
    pub async fn find_door(&self, witness: &Witness, id: AttemptId, cookie: Option<&str>, email: &str) -> Result<Authorized, Halt> {
        let attempt = self.open_attempt(witness, id, cookie).await?;
        let client = self.client_of(witness, &attempt).await?;
        self.may_depart(witness, &client, &attempt).await?;
        let offers = self.providers().await?.offers(&client, witness.now);
        let address = EmailAddress::parse(email.trim());
        let home = address.as_ref().and_then(|address| door::home_of(&offers, address.domain())).map(|offer| offer.card.id.clone());
        // What was typed goes along, so that nobody types it twice.
        let login_hint = address.map(|address| address.to_string()).or_else(|| attempt.request.login_hint.clone());
        let attempt = Attempt { request: AuthorizationRequest { login_hint, ..attempt.request }, ..attempt };
        match (home, sealed_attempt::seal(&attempt, witness.now, self.sealer.as_ref())) {
            (Some(provider), Some(_)) => {
                self.send_away(witness, &client, attempt, &provider, Chosen::Domain).await.map(Authorized::Departed)
            }
            (None, Some(sealed)) => Ok(Authorized::Choose(Box::new(choice(sealed, &client, attempt, offers)))),
            (_, None) => Err(self.refuse(&client, &attempt, too_long())),
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
            dpop_jkt: request.dpop_jkt,
            nonce: request.nonce.clone(),
            scopes: request.scopes.clone(),
            claims: request.claims.wanted.clone(),
            resources: request.resources.clone(),
            account: session.account,
            session: session.id,
            provider: session.provider.clone(),
            link: session.link,
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
        if outcome == Outcome::Success && client.is_vetted() {
            self.observer.client_served(&client.id);
        }
        AuditEvent {
            account: Some(session.account),
            client: Some(client.id.clone()),
            provider: Some(session.provider.clone()),
            login: Some(login),
            session: Some(session.id),
            acr: session.acr.as_deref().map(audit::bounded),
            amr: session.amr.iter().take(10).map(|means| audit::bounded(means)).collect(),
            ..self.event(witness, name, outcome, Actor::Account(session.account))
        }
    }

    /// An end with a way back to the app.
    pub(crate) fn halt_at(&self, client: &Client, request: &AuthorizationRequest, fault: Fault) -> Halt {
        let back = AppAnswer::error(request, &fault.to_oauth(), &self.settings.issuer);
        Halt {
            back: Some(back),
            client_name: Some(client.name.clone()).filter(|name| !name.is_empty()),
            at_once: request.is_silent() && client.is_vetted(),
            ..fault.into()
        }
    }

    /// An end that the app hears of at once, if somebody comes from it.
    pub(crate) fn refuse(&self, client: &Client, attempt: &Attempt, error: OAuthError) -> Halt {
        let halt = self.halt_of(client, attempt, Fault::App(error));
        Halt { at_once: client.is_vetted() && halt.back.is_some(), ..halt }
    }
}

fn choice(sealed: SealedAttempt, client: &Client, attempt: Attempt, offers: Vec<Offer>) -> Choice {
    let to_app = attempt.errand.is_sign_in();
    Choice {
        attempt: sealed,
        client_name: client.name.clone(),
        returns_to: Some(attempt.request.redirect_uri).filter(|_| to_app),
        offers,
        ui_locales: attempt.request.ui_locales,
    }
}

pub(crate) fn too_long() -> OAuthError {
    OAuthError::invalid_request("the parameters are too long together to be kept while the person signs in")
}
