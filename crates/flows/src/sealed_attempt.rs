//! Attempts as browsers carry them.

use std::time::Duration;

use vestibule_domain::{
    attempt::{Attempt, AttemptFault},
    ids::AttemptId,
    ports::Sealer,
    secret::{Purpose, Sealed},
    time::Timestamp,
};

use crate::codec;

/// An attempt for one browser's cookie.
#[derive(Clone)]
pub struct SealedAttempt {
    /// Names the cookie.
    pub id: AttemptId,
    /// The cookie's value.
    pub value: String,
    /// How long the browser keeps it.
    pub max_age: Duration,
}

impl std::fmt::Debug for SealedAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedAttempt").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a browser keeps of one cookie, name and attributes included, is 4,096 bytes (RFC 6265 §6.1).
const LONGEST_VALUE: usize = 3_800;
/// Left free in an attempt that has not departed yet, for what a departure adds.
const ROOM_FOR_DEPARTURE: usize = 700;

/// Seals; nothing if it is more than a cookie holds.
pub(crate) fn seal(attempt: &Attempt, now: Timestamp, sealer: &dyn Sealer) -> Option<SealedAttempt> {
    let plain = serde_json::to_vec(attempt).ok()?;
    let value = codec::encode(&sealer.seal(Purpose::Attempt, attempt.id.0.as_bytes(), &plain).0);
    // Nor does one leave that waits for an answer, and it is a little longer than before.
    let waits = !attempt.consent.is_not_asked();
    let longest = if attempt.departed.is_some() || waits { LONGEST_VALUE } else { LONGEST_VALUE - ROOM_FOR_DEPARTURE };
    let fits = value.len() <= longest;
    fits.then(|| SealedAttempt { id: attempt.id, value, max_age: attempt.expires.since(now) })
}

/// Opens what this browser carries, however old. What was sealed for another attempt does not open: the id is its context.
pub(crate) fn open(id: AttemptId, value: Option<&str>, sealer: &dyn Sealer) -> Result<Attempt, AttemptFault> {
    let value = value.filter(|value| value.len() <= LONGEST_VALUE).ok_or(AttemptFault::NotHere)?;
    let sealed = Sealed(codec::decode(value).ok_or(AttemptFault::NotHere)?);
    let plain = sealer.open(Purpose::Attempt, id.0.as_bytes(), &sealed).ok_or(AttemptFault::NotHere)?;
    serde_json::from_slice(&plain).map_err(|_| AttemptFault::NotHere)
}
