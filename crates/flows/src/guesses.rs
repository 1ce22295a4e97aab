//! Guesses at what people type. The user code of a device has 34.5 bits (RFC 8628 §5.1), so wrong ones are counted where every node sees them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    limits::household,
    secret::{Digest, Purpose},
    session::Session,
    store::{Changes, Contest, StoreError, Write},
    ticket::TicketKind,
    time::Timestamp,
};

use crate::{Gateway, device};

/// Wrong codes from one place before no more are looked at for a while. Whoever has a code that is shown to them types it wrong once or twice.
const MOST_GUESSES: u32 = 10;

/// From the first wrong one on. As long as a code lives: of the ten guesses against each code that an address has, one in 2.5 billion is right.
const WINDOW: Duration = Duration::from_mins(10);

/// Two tabs of one place count at the same moment seldom, and thrice hardly ever.
const TRIES: usize = 3;

/// Whose guesses are counted together: those of one address, and those of one person wherever they are.
#[derive(Debug)]
pub(crate) struct Guesser(Vec<String>);

impl Guesser {
    pub(crate) fn of(witness: &Witness, session: Option<&Session>) -> Self {
        let address = witness.source.ip.map_or_else(|| "nowhere".to_owned(), |ip| household(ip).to_string());
        let person = session.map(|session| format!("account {}", session.account));
        Self(std::iter::once(format!("address {address}")).chain(person).collect())
    }
}

/// What is kept of a place.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Guesses {
    since: Timestamp,
    wrong: u32,
}

impl Gateway {
    /// Seconds to wait, if there were too many wrong guesses.
    pub(crate) async fn guesses_wait(&self, witness: &Witness, guesser: &Guesser) -> Result<Option<u64>, StoreError> {
        let mut longest = None;
        for place in &guesser.0 {
            let found = self.guesses_at(&self.place_of_guesses(place), witness.now).await?;
            let over = found.filter(|(guesses, _)| guesses.wrong >= MOST_GUESSES);
            longest = longest.max(over.map(|(guesses, _)| (guesses.since + WINDOW).since(witness.now).as_secs() + 1));
        }
        Ok(longest)
    }

    /// Counts a wrong guess everywhere it counts.
    pub(crate) async fn guessed_wrong(&self, witness: &Witness, guesser: &Guesser) -> Result<(), StoreError> {
        for place in &guesser.0 {
            if self.count_guess(witness, self.place_of_guesses(place)).await? == MOST_GUESSES {
                let event = self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous);
                self.record_failure(witness, AuditEvent { reason: Some(Reason::UserCodeRate), ..event }, Vec::new()).await;
            }
        }
        Ok(())
    }

    async fn count_guess(&self, witness: &Witness, digest: Digest) -> Result<u32, StoreError> {
        for _ in 0..TRIES {
            let before = self.guesses_at(&digest, witness.now).await?;
            let (guesses, version) = before.unwrap_or((Guesses { since: witness.now, wrong: 0 }, 0));
            let guesses = Guesses { wrong: guesses.wrong.saturating_add(1), ..guesses };
            let ticket = device::ticket(TicketKind::Guesses, digest, version + 1, guesses.since + WINDOW, &guesses);
            let expected = (version > 0).then_some(version);
            match self.commit(Changes::default().write(Write::PutTicket { ticket, expected })).await {
                Ok(()) => return Ok(guesses.wrong),
                Err(StoreError::Conflict(Contest::Ticket)) => {}
                Err(error) => return Err(error),
            }
        }
        // Somebody who guesses from many tabs at once has been counted by the others.
        Ok(0)
    }

    /// What is counted of a place, and the version of its ticket; a window that is over begins anew in the same ticket.
    async fn guesses_at(&self, digest: &Digest, now: Timestamp) -> Result<Option<(Guesses, i64)>, StoreError> {
        let Some(ticket) = self.store.ticket(TicketKind::Guesses, digest).await? else { return Ok(None) };
        let guesses: Guesses = device::body(&ticket)?;
        let is_over = now.since(guesses.since) >= WINDOW;
        Ok(Some((if is_over { Guesses { since: now, wrong: 0 } } else { guesses }, ticket.version)))
    }

    fn place_of_guesses(&self, place: &str) -> Digest {
        self.sealer.tag(Purpose::UserCode, format!("guesses: {place}").as_bytes())
    }
}
