//! `/device`: a person types what their device shows, signs in, and says whether it may have what it asks (RFC 8628 §3.3).
//!
//! Whoever began it on the device and whoever answers need not be the same person (§5.4), so nothing here goes without the person's own yes, on a page
//! that says which app asks, for what, when and from where; and a link that brings the code along saves typing it, not confirming it (§3.3.1).

use std::sync::Arc;

use vestibule_domain::{
    account::Account,
    attempt::Errand,
    audit::{AuditEvent, EventName, Outcome, Witness},
    authorize::AuthorizationRequest,
    client::{Client, GrantType},
    code::Code,
    device::{DeviceRequest, DeviceState, UserCode, network_of},
    login_trace::{Decisions, ErrandKind},
    redirect::RegisteredUri,
    scope::Scopes,
    secret::{Digest, Purpose, Sealed},
    session::Session,
    store::{Changes, Contest, StoreError, Write},
    ticket::TicketKind,
    time::Timestamp,
};

use crate::{
    Authorized, Fault, Gateway, Halt, codec, device,
    guesses::Guesser,
    login_trace::{end_of, of_session},
};

/// What comes of a code that a person typed.
#[derive(Debug)]
pub enum DeviceEntered {
    /// It is none, or none any more.
    Unknown,
    /// Too many were none: seconds until another is looked at.
    TooMany(u64),
    /// The person signs in first.
    SignIn(Authorized),
    /// The person is known and is asked: what the address of the question carries.
    Known(String),
}

/// The question whether a device may be let in.
#[derive(Debug)]
pub struct DeviceQuestion {
    /// What the device shows, for the person to compare.
    pub user_code: UserCode,
    /// Which app asks.
    pub client_name: String,
    /// Whose account it would be.
    pub account: Arc<Account>,
    /// What for.
    pub scopes: Scopes,
    /// When it asked.
    pub asked: Timestamp,
    /// From which network.
    pub network: Option<String>,
    /// Whether the person's own browser comes from there too; one that does not is either on another line or a stranger's.
    pub is_near: bool,
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAnswered {
    /// The device is let in.
    Allowed {
        /// What people know its app as.
        client_name: String,
    },
    /// The device is turned away.
    Denied {
        /// What people know its app as.
        client_name: String,
    },
}

/// A device that waits for an answer.
struct Waiting {
    user_code: UserCode,
    digest: Digest,
    version: i64,
    request: DeviceRequest,
    client: Arc<Client>,
}

impl Gateway {
    /// Looks at a code that somebody typed.
    pub async fn enter_user_code(&self, witness: &Witness, session_cookie: Option<&str>, typed: &str) -> Result<DeviceEntered, Halt> {
        let session = self.session_of(witness, session_cookie).await?;
        let guesser = Guesser::of(witness, session.as_deref());
        if let Some(seconds) = self.guesses_wait(witness, &guesser).await? {
            return Ok(DeviceEntered::TooMany(seconds));
        }
        let waiting = match UserCode::parse(typed) {
            Some(code) => self.waiting(witness, code).await?,
            None => None,
        };
        let Some(waiting) = waiting else {
            // A slip that can be no code at all is no guess.
            if UserCode::parse(typed).is_some() {
                self.guessed_wrong(witness, &guesser).await?;
            }
            return Ok(DeviceEntered::Unknown);
        };
        if let Some(session) = session
            && self.standing(&waiting.client, &session.account, &session.link).await?.is_ok()
        {
            return Ok(DeviceEntered::Known(self.device_form(&session.digest, waiting.user_code)));
        }
        let request = self.request_of(&waiting.request)?;
        let attempt = self.new_attempt(witness, request, Errand::Device(waiting.user_code));
        self.begin(witness, &waiting.client, attempt).await.map(DeviceEntered::SignIn)
    }

    /// The question, for whoever is signed in in this browser and came here by typing the code in it; nothing when that is not so, or somebody has
    /// answered.
    pub async fn device_question(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        form: &str,
    ) -> Result<Option<DeviceQuestion>, Halt> {
        let Some((session, waiting)) = self.asked_device(witness, session_cookie, form).await? else { return Ok(None) };
        let (account, _) = self.device_standing(witness, &session, &waiting).await?;
        let network = waiting.request.from.map(network_of);
        Ok(Some(DeviceQuestion {
            user_code: waiting.user_code,
            client_name: waiting.client.name.clone(),
            account,
            scopes: waiting.request.scopes,
            asked: waiting.request.asked,
            is_near: network == witness.source.ip.map(network_of),
            network,
        }))
    }

    /// Does what the person said. Nothing when somebody has answered before, or this is another sign-in than the question was put to.
    pub async fn answer_device(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        form: &str,
        allow: bool,
    ) -> Result<Option<DeviceAnswered>, Halt> {
        let Some((session, waiting)) = self.asked_device(witness, session_cookie, form).await? else { return Ok(None) };
        let changes = if allow {
            self.device_standing(witness, &session, &waiting).await?;
            self.let_in(witness, &session, &waiting)?
        } else {
            let denied = DeviceRequest { state: DeviceState::Denied, ..waiting.request.clone() };
            let event = self.device_event(witness, EventName::DeviceDenied, Outcome::Denied, &session, &waiting);
            let trace = self.device_trace(witness, &session, &waiting, &event, None)?;
            Changes::default().write(Self::replace_device(waiting.digest, &denied, waiting.version)).and(trace).event(event)
        };
        // Contested, like the request itself: a code is answered once, from whichever tab.
        let digest = self.user_code_digest(waiting.user_code);
        let changes = changes.write(Write::TakeTicket { digest, kind: TicketKind::UserCode, expected: 1 });
        let client_name = waiting.client.name.clone();
        match self.commit(changes).await {
            Ok(()) if allow => Ok(Some(DeviceAnswered::Allowed { client_name })),
            Ok(()) => Ok(Some(DeviceAnswered::Denied { client_name })),
            Err(StoreError::Conflict(Contest::Ticket)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The person said yes: a code is made whose text nobody gets, and the device's request names it.
    fn let_in(&self, witness: &Witness, session: &Session, waiting: &Waiting) -> Result<Changes, Fault> {
        let (code, _) = self.new_code(witness, &self.request_of(&waiting.request)?, session, waiting.request.login);
        let code = Code { expires: waiting.request.expires, ..code };
        let allowed = DeviceRequest { state: DeviceState::Allowed(code.digest), ..waiting.request.clone() };
        let event = self.device_event(witness, EventName::DeviceApproved, Outcome::Success, session, waiting);
        let mut changes = Changes::default()
            .write(Self::replace_device(waiting.digest, &allowed, waiting.version))
            .and(self.device_trace(witness, session, waiting, &event, Some(&code))?)
            .write(Write::AddCode(code))
            .event(event);
        if session.wants_touch(witness.now) {
            changes = changes.write(Write::TouchSession { id: session.id, at: witness.now });
        }
        Ok(changes)
    }

    /// What a device asked, in the words of an authorization request: it takes the same way through the house. It comes back to our own page.
    fn request_of(&self, request: &DeviceRequest) -> Result<AuthorizationRequest, Fault> {
        let page = RegisteredUri::parse(&self.settings.url("/device")).map_err(|_| Fault::ProviderNotAllowed)?;
        let plain = AuthorizationRequest::plain(request.client.clone(), page.exactly(), request.scopes.clone());
        Ok(AuthorizationRequest { resources: request.resources.clone(), ..plain })
    }

    async fn device_standing(
        &self,
        witness: &Witness,
        session: &Session,
        waiting: &Waiting,
    ) -> Result<(Arc<Account>, Arc<vestibule_domain::account::Link>), Halt> {
        let refusal = match self.standing(&waiting.client, &session.account, &session.link).await? {
            Ok(standing) => return Ok(standing),
            Err(refusal) => Fault::from(refusal),
        };
        let event = self.device_event(witness, EventName::LoginDeniedByPolicy, Outcome::Denied, session, waiting);
        let event = AuditEvent { reason: Some(refusal.reason()), detail: refusal.detail(), ..event };
        let trace = self.device_trace(witness, session, waiting, &event, None)?;
        self.record_traced_failure(witness, event, Vec::new(), trace).await;
        Err(Halt { client_name: Some(waiting.client.name.clone()), ..refusal.into() })
    }

    /// What was decided about a device's login, by whoever answers it.
    fn device_trace(
        &self,
        witness: &Witness,
        session: &Session,
        waiting: &Waiting,
        event: &AuditEvent,
        code: Option<&Code>,
    ) -> Result<Option<Write>, Fault> {
        let request = self.request_of(&waiting.request)?;
        let mut decided = Decisions::answering(&request, ErrandKind::Device, waiting.request.asked);
        of_session(&mut decided, session);
        decided.end = Some(end_of(event));
        if let Some(code) = code {
            decided.gives(code, &waiting.client);
        }
        Ok(self.trace_of(witness, waiting.request.login, decided))
    }

    fn device_event(&self, witness: &Witness, name: EventName, outcome: Outcome, session: &Session, waiting: &Waiting) -> AuditEvent {
        AuditEvent {
            scopes: Some(waiting.request.scopes.clone()),
            grant_type: Some(GrantType::DeviceCode),
            ..self.login_event(witness, name, outcome, waiting.request.login, session, &waiting.client)
        }
    }

    /// The session and the device of a question that was put in this browser.
    async fn asked_device(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        form: &str,
    ) -> Result<Option<(Arc<Session>, Waiting)>, StoreError> {
        let Some(session) = self.session_of(witness, session_cookie).await? else { return Ok(None) };
        let Some(code) = self.open_device_form(&session.digest, form) else { return Ok(None) };
        let waiting = self.waiting(witness, code).await?;
        Ok(waiting.map(|waiting| (session, waiting)))
    }

    /// The device that a code leads to, if it waits still.
    async fn waiting(&self, witness: &Witness, user_code: UserCode) -> Result<Option<Waiting>, StoreError> {
        let ticket = self.store.ticket(TicketKind::UserCode, &self.user_code_digest(user_code)).await?;
        let Some(ticket) = ticket.filter(|ticket| witness.now < ticket.expires) else { return Ok(None) };
        let digest: Digest = device::body(&ticket)?;
        let Some((request, version)) = self.device_request(&digest).await? else { return Ok(None) };
        let client = self.store.client(&request.client).await?.filter(|client| !client.disabled);
        let Some(client) = client.filter(|_| request.is_open(witness.now)) else { return Ok(None) };
        Ok(Some(Waiting { user_code, digest, version, request, client }))
    }

    /// What leads to the question and answers it: sealed for one session by its secret digest, so that neither another site nor another browser can make or
    /// use one (attacks 51, 66), and nobody is asked who did not type the code, or confirm the one that a link brought.
    pub(crate) fn device_form(&self, session: &Digest, code: UserCode) -> String {
        codec::encode(&self.sealer.seal(Purpose::DeviceForm, &session.0, code.as_bytes()).0)
    }

    fn open_device_form(&self, session: &Digest, form: &str) -> Option<UserCode> {
        let sealed = Sealed(codec::decode(form).filter(|_| form.len() <= LONGEST_FORM)?);
        let plain = self.sealer.open(Purpose::DeviceForm, &session.0, &sealed)?;
        UserCode::parse(std::str::from_utf8(&plain).ok()?)
    }
}

/// Eight letters, sealed.
const LONGEST_FORM: usize = 256;
