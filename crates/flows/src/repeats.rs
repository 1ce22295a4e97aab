//! Calls of the admin API that are sent again because nobody knows whether they arrived: what was done once is not done twice, and is answered as it was
//! (draft-ietf-httpapi-idempotency-key-header).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    audit::{Actor, Witness},
    operator::Operator,
    secret::{Digest, Purpose, Sealed},
    store::{Changes, Contest, StoreError, Write},
    ticket::{Ticket, TicketKind},
};

use crate::{AdminFault, Gateway, codec};

/// How long a name is kept, with the answer or without.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// How long a call may take. One that has no answer after it was cut off.
const TAKES: Duration = Duration::from_mins(2);
/// More than any answer of ours to a POST.
const LARGEST: usize = 256 * 1024;

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Its headers, by name.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// What a call is.
#[derive(Debug)]
pub enum Begun {
    /// The first of its name; it is to be done, and then [`Gateway::end_once`] told.
    First(Once),
    /// The same as before: this was the answer.
    Again(RepeatedAnswer),
}

/// How a call ended.
#[derive(Debug)]
pub enum Ended {
    /// It was done, and this was the answer.
    Done(RepeatedAnswer),
    /// It was refused: nothing was done, and it may be begun again.
    Refused,
    /// Something failed, and it may have been done: it is not begun again.
    Unknown,
}

/// The right to do it.
#[derive(Debug)]
pub struct Once {
    ticket: Ticket,
    asked: Digest,
}

/// What a ticket of a call holds, sealed: an answer may have a secret in it.
#[derive(Serialize, Deserialize)]
struct Kept {
    asked: Digest,
    answer: Option<RepeatedAnswer>,
}

impl Gateway {
    /// Begins a call that its caller named, once. `asked` is all that makes it this call: under the same name nothing else may be asked.
    pub async fn begin_once(&self, witness: &Witness, operator: &Operator, name: &str, asked: &[u8]) -> Result<Begun, AdminFault> {
        let digest = self.sealer.hash(format!("call\n{}\n{name}", caller(&operator.actor)).as_bytes());
        let asked = self.sealer.hash(asked);
        let found = self.store.ticket(TicketKind::RepeatedCall, &digest).await.map_err(AdminFault::Store)?;
        let expected = found.as_ref().map(|ticket| ticket.version);
        if let Some(ticket) = found.filter(|ticket| witness.now < ticket.expires) {
            // One that can't be opened was sealed with a key that is gone: nobody knows what it was.
            let kept = self.kept_of(&ticket).ok_or(AdminFault::CutOff)?;
            let begun = ticket.expires - KEPT_FOR;
            return match kept.answer {
                _ if kept.asked != asked => Err(AdminFault::OtherCall),
                None if witness.now < begun + TAKES => Err(AdminFault::InProgress),
                None => Err(AdminFault::CutOff),
                Some(answer) => Ok(Begun::Again(answer)),
            };
        }
        let version = expected.unwrap_or_default() + 1;
        let body = self.sealed_call(&digest, &Kept { asked, answer: None });
        // Kept as long as an answer is: a call that was cut off after it was done must not be done again when its caller asks once more.
        let ticket = Ticket { digest, kind: TicketKind::RepeatedCall, version, expires: witness.now + KEPT_FOR, body };
        match self.commit(Changes::default().write(Write::PutTicket { ticket: ticket.clone(), expected })).await {
            Ok(()) => Ok(Begun::First(Once { ticket, asked })),
            Err(StoreError::Conflict(Contest::Ticket)) => Err(AdminFault::InProgress),
            Err(error) => Err(AdminFault::Store(error)),
        }
    }

    /// Keeps how a call ended. What can't be kept is no reason not to answer; that it was begun is kept in any case.
    pub async fn end_once(&self, witness: &Witness, once: Once, ended: Ended) {
        let Once { ticket, asked } = once;
        let expected = ticket.version;
        let write = match ended {
            Ended::Done(answer) if answer.body.len() <= LARGEST => {
                let body = self.sealed_call(&ticket.digest, &Kept { asked, answer: Some(answer) });
                let ticket = Ticket { version: expected + 1, expires: witness.now + KEPT_FOR, body, ..ticket };
                Write::PutTicket { ticket, expected: Some(expected) }
            }
            Ended::Done(_) | Ended::Unknown => return,
            Ended::Refused => Write::TakeTicket { digest: ticket.digest, kind: ticket.kind, expected },
        };
        if let Err(error) = self.commit(Changes::default().write(write)).await {
            tracing::error!(%error, "the answer of a call could not be kept; sent again, it is not done again and not answered");
        }
    }

    fn kept_of(&self, ticket: &Ticket) -> Option<Kept> {
        let sealed = Sealed(codec::decode(&ticket.body)?);
        serde_json::from_slice(&self.sealer.open(Purpose::RepeatedCall, &ticket.digest.0, &sealed)?).ok()
    }

    fn sealed_call(&self, digest: &Digest, kept: &Kept) -> String {
        let plain = serde_json::to_vec(kept).unwrap_or_default();
        codec::encode(&self.sealer.seal(Purpose::RepeatedCall, &digest.0, &plain).0)
    }
}

/// Names are each caller's own.
fn caller(actor: &Actor) -> String {
    serde_json::to_string(actor).unwrap_or_default()
}
