//! `/device_authorization`, and the token request of a device (RFC 8628): how one without a browser asks, and how it hears the answer.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use vestibule_domain::{
    ages::Ages,
    audit::{AuditEvent, EventName, Outcome, Reason, Witness},
    client::{Client, GrantType},
    device::{DeviceFault, DeviceRequest, DeviceState, EXPIRES_IN, INTERVAL, Pace, UserCode},
    error::{OAuthError, OAuthErrorCode},
    ids::LoginId,
    limits::Limit,
    resource::Resources,
    secret::{Digest, Purpose},
    store::{Changes, Contest, StoreError, Write},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
};

use crate::{Gateway, Issued, Presented, TokenAsked, client_auth::unavailable, codec, possession::Shown};

/// A device authorization request (§3.1). Empty is absent.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct DeviceAsked {
    pub scope: Option<String>,
    /// RFC 8707 §2: each that was named.
    pub resources: Vec<String>,
    /// Names of known parameters that came more than once.
    pub repeated: Vec<&'static str>,
}

/// What a device is given (§3.2).
#[derive(Debug)]
pub struct DeviceStarted {
    /// For the device alone: 256 random bits.
    pub device_code: secrecy::SecretString,
    /// For the person.
    pub user_code: UserCode,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code in it, for what a camera reads.
    pub verification_uri_complete: String,
    /// For how long both codes are good.
    pub expires_in: Duration,
    /// How long the device waits between two questions.
    pub interval: Duration,
}

/// How long a ticket stays after its time, so that a device that still asks hears why it gets nothing.
const KEPT_AFTER: Duration = Duration::from_mins(5);

/// Codes that a device asks with are never the same; those of people may be, once in millions.
const TRIES: usize = 3;

impl Gateway {
    /// Answers a device that asks for a person.
    pub async fn start_device(&self, witness: &Witness, presented: &Presented, asked: &DeviceAsked) -> Result<DeviceStarted, OAuthError> {
        if let Some(name) = asked.repeated.first() {
            return Err(OAuthError::invalid_request(format!("{name} came more than once")));
        }
        let client = self.authenticate(witness, presented).await?;
        self.admit_client(witness, Limit::Device, &client).await?;
        if !client.grant_types.contains(&GrantType::DeviceCode) {
            let why = "this client is not registered for the device_code grant";
            return Err(OAuthError::new(OAuthErrorCode::UnauthorizedClient, why));
        }
        self.bound_strangers(witness, &client, EventName::DeviceStarted).await?;
        let scopes = client.scopes_asked(asked.scope.as_deref())?;
        let resources = Resources::parse(&asked.resources, &client)?;
        let device_code = codec::random_text(self.entropy.as_ref());
        let request = DeviceRequest {
            client: client.id.clone(),
            scopes,
            resources,
            asked: witness.now,
            from: witness.source.ip,
            expires: witness.now + EXPIRES_IN,
            login: LoginId::new(witness.now, self.entropy.as_ref()),
            state: DeviceState::Waiting,
        };
        let user_code = self.keep_device(&device_code, &request).await?;
        self.seen(&AuditEvent {
            login: Some(request.login),
            scopes: Some(request.scopes),
            grant_type: Some(GrantType::DeviceCode),
            ..self.token_event(witness, EventName::DeviceStarted, &client, Outcome::Success)
        });
        let verification_uri = self.settings.url("/device");
        Ok(DeviceStarted {
            device_code: device_code.into(),
            user_code,
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            verification_uri,
            expires_in: EXPIRES_IN,
            interval: INTERVAL,
        })
    }

    async fn keep_device(&self, device_code: &str, request: &DeviceRequest) -> Result<UserCode, OAuthError> {
        let digest = self.sealer.hash(device_code.as_bytes());
        let expires = request.expires + KEPT_AFTER;
        for _ in 0..TRIES {
            let user_code = UserCode::new(self.entropy.as_ref());
            let changes = Changes::default()
                .write(Write::PutTicket { ticket: ticket(TicketKind::Device, digest, 1, expires, request), expected: None })
                .write(Write::PutTicket {
                    ticket: ticket(TicketKind::UserCode, self.user_code_digest(user_code), 1, request.expires, &digest),
                    expected: None,
                });
            match self.commit(changes).await {
                Ok(()) => return Ok(user_code),
                Err(StoreError::Conflict(Contest::Ticket)) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(OAuthError::unavailable())
    }

    /// A keyed digest: whoever has the database could try all the codes there are against a plain one.
    pub(crate) fn user_code_digest(&self, code: UserCode) -> Digest {
        self.sealer.tag(Purpose::UserCode, code.as_bytes())
    }

    /// What a device gets for its code (§3.4): tokens, once a person said yes.
    pub(crate) async fn redeem_device(
        &self,
        witness: &Witness,
        client: &Client,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Issued, OAuthError> {
        let text = asked.device_code.as_deref().ok_or_else(|| OAuthError::invalid_request("device_code is missing"))?;
        let digest = self.sealer.hash(text.as_bytes());
        // Each client has a pace of its own: who is not the code's client must not make the device wait that is.
        let pace = self.sealer.hash(format!("{} {text}", client.id).as_bytes());
        // Before anything is read: this is what an impatient device must not make us do.
        if self.device_paces.is_too_soon(&pace, witness.now) {
            return Err(DeviceFault::TooSoon.to_oauth());
        }
        let request = match self.device_request(&digest).await.map_err(unavailable)? {
            Some((request, _)) => {
                self.device_paces.begin(pace, witness.now);
                request.answer(&client.id, witness.now).map(|code| (request, code))
            }
            None => Err(DeviceFault::Unknown),
        };
        let (request, code) = match request {
            Ok(found) => found,
            Err(DeviceFault::Unknown) => {
                let event = self.token_event(witness, EventName::CodeFailed, client, Outcome::Failure);
                let event = AuditEvent { reason: Some(Reason::Unknown), grant_type: Some(GrantType::DeviceCode), ..event };
                self.record_unless_stranger(witness, event, client).await;
                return Err(DeviceFault::Unknown.to_oauth());
            }
            Err(fault) => return Err(fault.to_oauth()),
        };
        let code = self.store.code(&code).await.map_err(unavailable)?.filter(|code| code.login == request.login);
        let code = code.ok_or_else(|| DeviceFault::Unknown.to_oauth())?;
        // The address of our own page stands in the code; the device never had it.
        let redirect_uri = Some(code.redirect_uri.as_str().to_owned());
        let asked = TokenAsked { redirect_uri, resources: asked.resources.clone(), ..TokenAsked::default() };
        self.redeem_code(witness, client, &code, &asked, shown, GrantType::DeviceCode).await
    }

    /// A device's request and the version of its ticket.
    pub(crate) async fn device_request(&self, digest: &Digest) -> Result<Option<(DeviceRequest, i64)>, StoreError> {
        let Some(ticket) = self.store.ticket(TicketKind::Device, digest).await? else { return Ok(None) };
        Ok(Some((body(&ticket)?, ticket.version)))
    }

    /// The write that replaces a device's request of that version.
    pub(crate) fn replace_device(digest: Digest, request: &DeviceRequest, version: i64) -> Write {
        let ticket = ticket(TicketKind::Device, digest, version + 1, request.expires + KEPT_AFTER, request);
        Write::PutTicket { ticket, expected: Some(version) }
    }
}

pub(crate) fn ticket(kind: TicketKind, digest: Digest, version: i64, expires: Timestamp, body: &impl Serialize) -> Ticket {
    // Texts, numbers and times: nothing in a body can fail to be written.
    let body = serde_json::to_string(body).unwrap_or_default();
    Ticket { digest, kind, version, expires, body }
}

/// What a ticket of ours stands for.
pub(crate) fn body<T: DeserializeOwned>(ticket: &Ticket) -> Result<T, StoreError> {
    let corrupt = |_| StoreError::Corrupt { table: "tickets", column: "body", id: ticket.kind.to_string() };
    serde_json::from_str(&ticket.body).map_err(corrupt)
}

/// How often devices ask. In memory, a node each: a device that finds another node gains a question, and nothing that is worth one.
#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<Ages<Digest, Pace>>);

impl Paces {
    /// Whether a device that asked before asks too soon. Its pace follows.
    fn is_too_soon(&self, device: &Digest, now: Timestamp) -> bool {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((pace, in_time)) = paces.get(device).map(|pace| pace.asks(now)) else { return false };
        paces.put(*device, pace);
        !in_time
    }

    /// Notes the first question of a device that exists.
    fn begin(&self, device: Digest, now: Timestamp) {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.get(&device).is_none() {
            paces.put(device, Pace::begin(now));
        }
    }
}
