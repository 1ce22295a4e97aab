//! JWTs that somebody else signed, and how one can fail to be.

use crate::{claims::Claims, client::SigningAlg};

/// A JWT whose signature a key of its sender made. That its claims are true, and meant for us, is for others to decide.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedJwt {
    /// `typ`: the media type without `application/`, as it was written. It keeps kinds of tokens apart (RFC 8725 §3.11).
    pub typ: Option<String>,
    /// What it was signed with; nothing if it was an HMAC.
    pub alg: Option<SigningAlg>,
    /// What it says.
    pub claims: Claims,
}

/// Why a JWT is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtFault {
    /// It is no signed JWT in compact serialization, or wants extensions.
    #[error("is no signed JWT")]
    Malformed,
    /// It is signed with an algorithm that is not accepted here, or not with the one that its key is for.
    #[error("is signed with an algorithm that is not accepted")]
    Algorithm,
    /// None of the keys made this signature; a newer one might have.
    #[error("is signed with none of the client's keys")]
    UnknownKey,
    /// The key that it names did not make this signature.
    #[error("has a wrong signature")]
    Signature,
    /// The keys can't be had, or are no keys.
    #[error("can't be checked, because the client's keys can't be had")]
    NoKeys,
}
