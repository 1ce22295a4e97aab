//! Typed identifiers. An id of one thing can't be passed for another, and none is made from ambient randomness.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ports::Entropy, time::Timestamp};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, ordered by time: rows written together lie together.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut random = [0; 10];
                entropy.fill(&mut random);
                let millis = u64::try_from(now.as_millis()).unwrap_or_default();
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(/// One walk from `/authorize` to a code, whatever becomes of it; ties its audit events together.
    LoginId);
uuid_id!(/// A browser session; the `sid` claim (OpenID Connect Back-Channel Logout 1.0 §2.1).
    SessionId);
uuid_id!(/// What one sign-in gave one client; revoked as a whole, refresh family included.
    GrantId);
uuid_id!(/// One audit event.
    EventId);
uuid_id!(/// One way into an account: what sessions and grants remember of how the person came.
    LinkId);
uuid_id!(/// One secret of a client; names it, reveals nothing of it.
    SecretId);

/// An account; its text is the `sub` of public clients' tokens. Random, never reassigned, says nothing of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

impl AccountId {
    /// A new id from 122 random bits: unlike the ordered ids, it doesn't tell when the account was made.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self(uuid::Builder::from_random_bytes(random).into_uuid())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AccountId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// What is wrong with a name that a person gave to a client or a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or longer than the limit.
    #[error("must have 1 to {0} characters")]
    Length(usize),
    /// A character outside RFC 3986's unreserved set: clients mis-encode anything else in HTTP Basic.
    #[error("may only have letters, digits, '-', '.', '_' and '~'")]
    Character,
}

fn unreserved(text: &str, longest: usize) -> Result<(), NameError> {
    if text.is_empty() || text.len() > longest {
        return Err(NameError::Length(longest));
    }
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if text.bytes().all(fine) { Ok(()) } else { Err(NameError::Character) }
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $longest:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The name, when it keeps the rules.
            pub fn parse(text: impl AsRef<str>) -> Result<Self, NameError> {
                unreserved(text.as_ref(), $longest).map(|()| Self(text.as_ref().into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }
    };
}

name_id!(/// A `client_id`. Never a URL, so it can't collide with a client ID metadata document's.
    ClientId, 100);
name_id!(/// The name of a configured provider; part of its callback address and of every link to it.
    ProviderId, 60);

/// A login attempt on its way through a browser. Its text is the `state` sent upstream: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub Uuid);

impl AttemptId {
    /// A new id. The version bits of a UUID would cost six random bits, so none are set.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self(Uuid::from_bytes(random))
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl FromStr for AttemptId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_use_only_what_basic_authentication_leaves_alone() {
        assert!(ClientId::parse("my-app_1.test~x").is_ok());
        for bad in ["", "a:b", "a b", "a%20", "https://x", "ä", "a\r\nb"] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ClientId::parse("a".repeat(101)), Err(NameError::Length(100)));
    }
}
