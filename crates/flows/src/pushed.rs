//! `/par` (RFC 9126): an app says beforehand what it will ask, and gets a name for it that works once. What it asked nobody can change on its way
//! through the browser, or read there.

use std::time::Duration;

use vestibule_domain::{
    attempt::{Attempt, Errand},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    authorize::{Asked, AuthorizationRequest, PUSHED, PageFault},
    client::Client,
    error::OAuthError,
    limits::Limit,
    possession::ProofFault,
    secret::{Digest, Purpose, Sealed},
    store::{Changes, Contest, StoreError, Write},
    ticket::{Ticket, TicketKind},
};

use crate::{
    Authorized, Fault, Gateway, Halt, Presented,
    authorize::{Carried, too_long},
    codec,
    possession::lost,
    sealed_attempt,
};

/// A request that waits for its browser.
pub struct Pushed {
    /// Its name (§2.2).
    pub request_uri: String,
    /// For how many seconds it waits.
    pub expires_in: u64,
}

/// Whoever knows the name can begin the sign-in.
impl std::fmt::Debug for Pushed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pushed").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Enough for a redirect on a slow line; a name that lies in a history is worth nothing.
const GOOD_FOR: Duration = Duration::from_secs(90);

impl Gateway {
    /// Keeps a request for the client that pushes it. It is checked as if it had come by a browser: what is wrong is said here, where no person waits (§2.1).
    pub async fn push(&self, witness: &Witness, presented: &Presented, asked: Asked) -> Result<Pushed, OAuthError> {
        let client = self.authenticate(witness, presented).await?;
        self.admit_client(witness, Limit::Push, &client).await?;
        let pushed = self.push_of(witness, &client, presented, asked).await;
        let outcome = if pushed.is_ok() { Outcome::Success } else { Outcome::Failure };
        self.seen(&AuditEvent {
            detail: pushed.as_ref().err().map(|error| error.code.to_string()),
            client: Some(client.id.clone()),
            auth_method: Some(client.auth_method),
            ..self.event(witness, EventName::RequestPushed, outcome, Actor::Client(client.id.clone()))
        });
        pushed
    }

    async fn push_of(&self, witness: &Witness, client: &Client, presented: &Presented, asked: Asked) -> Result<Pushed, OAuthError> {
        self.bound_strangers(witness, client, EventName::RequestPushed).await?;
        if asked.request_uri.is_some() {
            return Err(OAuthError::invalid_request("request_uri must not be pushed"));
        }
        let asked = Asked { client_id: Some(client.id.to_string()), pushed: true, ..asked };
        let request = self.checked(witness, client, asked).await.map_err(vestibule_domain::authorize::Rejection::to_oauth)?;
        let proof = self.proof_of_push(client, presented, request.dpop_jkt, witness.now).map_err(ProofFault::to_oauth)?;
        let (key, spend) = proof.unzip();
        let request = AuthorizationRequest { dpop_jkt: key.or(request.dpop_jkt), ..request };
        // What no browser could carry is refused here rather than in front of the person. It bounds the row, too.
        let attempt = Attempt { pushed: Some(Digest([0; 32])), ..self.new_attempt(witness, request.clone(), Errand::SignIn) };
        sealed_attempt::seal(&attempt, witness.now, self.sealer.as_ref()).ok_or_else(too_long)?;
        let name = codec::random_text(self.entropy.as_ref());
        let digest = self.sealer.hash(name.as_bytes());
        let plain = serde_json::to_vec(&request).map_err(|_| OAuthError::server_error())?;
        let ticket = Ticket {
            digest,
            kind: TicketKind::PushedRequest,
            version: 1,
            expires: witness.now + GOOD_FOR,
            body: codec::encode(&self.sealer.seal(Purpose::PushedRequest, &digest.0, &plain).0),
        };
        let changes =
            Changes { writes: spend.into_iter().chain([Write::PutTicket { ticket, expected: None }]).collect(), events: Vec::new() };
        self.commit(changes).await.map_err(lost)?;
        Ok(Pushed { request_uri: format!("{PUSHED}{name}"), expires_in: GOOD_FOR.as_secs() })
    }

    /// The request of that name, used up by this (§4): whoever comes with the name later has seen it somewhere. Another client's is left for that client.
    pub(crate) async fn take_pushed(
        &self,
        witness: &Witness,
        client: &Client,
        digest: Digest,
    ) -> Result<Result<AuthorizationRequest, Reason>, StoreError> {
        let kind = TicketKind::PushedRequest;
        let Some(ticket) = self.store.ticket(kind, &digest).await? else { return Ok(Err(Reason::Unknown)) };
        if witness.now >= ticket.expires {
            return Ok(Err(Reason::Expired));
        }
        let sealed = codec::decode(&ticket.body).map(Sealed);
        let plain = sealed.and_then(|sealed| self.sealer.open(Purpose::PushedRequest, &digest.0, &sealed));
        let Some(request) = plain.and_then(|plain| serde_json::from_slice::<AuthorizationRequest>(&plain).ok()) else {
            return Ok(Err(Reason::Unknown));
        };
        if !request.fits(client) {
            return Ok(Err(Reason::OtherClient));
        }
        match self.commit(Changes::default().write(Write::TakeTicket { digest, kind, expected: ticket.version })).await {
            Ok(()) => Ok(Ok(request)),
            Err(StoreError::Conflict(Contest::Ticket)) => Ok(Err(Reason::Replayed)),
            Err(error) => Err(error),
        }
    }

    /// A name that is not good any more. The browser that began with it has its attempt still: people load pages again, and come back from a provider to
    /// pick another. Anybody else gets a page.
    pub(crate) async fn pushed_before(
        &self,
        witness: &Witness,
        client: &Client,
        digest: Digest,
        reason: Reason,
        carried: &Carried,
    ) -> Result<Authorized, Halt> {
        let opened = carried.attempts.iter().filter_map(|(id, value)| sealed_attempt::open(*id, Some(value), self.sealer.as_ref()).ok());
        let mut mine = opened.filter(|attempt| attempt.pushed == Some(digest) && witness.now < attempt.expires);
        if let Some(attempt) = mine.find(|attempt| attempt.request.fits(client)) {
            return self.resume(witness, client, attempt, carried.session.as_deref()).await;
        }
        let event = self.event(witness, EventName::LoginFailed, Outcome::Failure, Actor::Anonymous);
        let event = AuditEvent { reason: Some(reason), client: Some(client.id.clone()), ..event };
        self.record_lost_login(witness, event).await;
        Err(Halt { client_name: Some(client.name.clone()), ..Fault::Request(PageFault::PushedGone).into() })
    }
}
