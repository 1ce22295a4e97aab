//! Apps hear that a session has ended (OpenID Connect Back-Channel Logout 1.0). What is owed lies in the store since the commit that ended the session,
//! so it is told whatever becomes of the node that ended it.

use std::time::Duration;

use vestibule_domain::{
    account::Account,
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::Client,
    code::Code,
    logout::{DueLogout, Participant},
    redirect::RegisteredUri,
    store::{Changes, Contest, StoreError, Write},
    token::LogoutToken,
};

use crate::Gateway;

/// How long a logout token is good (§2.4 recommends two minutes at most).
const TOKEN_LIVES: Duration = Duration::from_mins(2);
/// How long an app may take. Far shorter than the first pause between attempts, after which another node takes the delivery for abandoned.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The app was told.
    Delivered,
    /// It was not, and is tried again later.
    Later,
    /// It was not, and that was the last attempt.
    Never,
    /// There was nothing to do: another node does it, or the app is no longer to be told.
    Nothing,
}

impl Gateway {
    /// Deliveries that are due, at most `each` of one client.
    pub async fn logouts_due(&self, each: u64, limit: u64) -> Result<Vec<DueLogout>, StoreError> {
        self.store.logouts_due(self.clock().now(), each, limit).await
    }

    /// Tries to tell one client. The right to is taken first, on whichever node: a client hears of an end once unless its answer is lost.
    pub async fn deliver_logout(&self, due: &DueLogout) -> Result<Told, StoreError> {
        let witness = self.own_witness();
        let DueLogout { session, client: id, account, attempts } = due.clone();
        let client = self.store.client(&id).await?.filter(|client| !client.disabled);
        let account = self.store.account(&account).await?;
        let told = client.as_ref().and_then(|client| Some((client, client.logout.backchannel_uri.as_ref()?)));
        let (Some((client, to)), Some(account)) = (told, account) else {
            // Told by a frame of the signed-out page alone, or not registered any more.
            self.store.commit(Changes::default().write(Write::SettleDelivery { session, client: id })).await?;
            return Ok(Told::Nothing);
        };
        let take = Write::TakeDelivery { session, client: id.clone(), attempts, next: due.next(witness.now) };
        match self.store.commit(Changes::default().write(take)).await {
            Err(StoreError::Conflict(Contest::Delivery)) => return Ok(Told::Nothing),
            taken => taken?,
        }
        let sent = self.send_logout(&witness, client, &account, due, to).await;
        let event = |name, outcome| AuditEvent {
            account: Some(account.id),
            client: Some(id.clone()),
            session: Some(session),
            ..self.event(&witness, name, outcome, Actor::System)
        };
        let settle = Changes::default().write(Write::SettleDelivery { session, client: id.clone() });
        match sent {
            Ok(()) => {
                self.commit(settle.event(event(EventName::LogoutDelivered, Outcome::Success))).await?;
                Ok(Told::Delivered)
            }
            Err(why) if due.is_last() => {
                let failed = event(EventName::LogoutFailed, Outcome::Failure);
                let detail = Some(format!("given up after {} attempts: {why}", attempts + 1));
                self.commit(settle.event(AuditEvent { reason: Some(Reason::Undelivered), detail, ..failed })).await?;
                Ok(Told::Never)
            }
            Err(why) => {
                let attempt = attempts + 1;
                tracing::warn!(client.id = %id, session.id = %session, attempt, "{id} was not told of a logout, and is tried again: {why}");
                Ok(Told::Later)
            }
        }
    }

    async fn send_logout(
        &self,
        witness: &Witness,
        client: &Client,
        account: &Account,
        due: &DueLogout,
        to: &RegisteredUri,
    ) -> Result<(), String> {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let token = LogoutToken {
            issuer: self.settings.issuer.clone(),
            subject: account.name_at(client, self.sealer.as_ref()),
            client: client.id.clone(),
            issued: witness.now,
            expires: witness.now + TOKEN_LIVES,
            id: u128::from_be_bytes(random),
            session: client.session_name(due.session),
        };
        // Signed as the client's ID tokens are (§2.4): it has the key and the algorithm already.
        let token = self.signer.sign_logout_token(client.id_token_alg, &token).map_err(|error| error.to_string())?;
        match tokio::time::timeout(PATIENCE, self.back_channel.send(to, &token)).await {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
        }
    }

    /// Notes that a client has tokens of a session, if it wants to hear of its end.
    pub(crate) fn joins(&self, witness: &Witness, changes: Changes, client: &Client, code: &Code) -> Changes {
        if !client.logout.is_told() {
            return changes;
        }
        let expires = witness.now + self.settings.lifetimes.session_absolute;
        changes.write(Write::JoinSession(Participant { session: code.session, client: client.id.clone(), account: code.account, expires }))
    }
}
