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
                Self(ordered(now, &random))
            }

            /// When it was made (RFC 9562 §5.7: its first 48 bits).
            pub fn made(&self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0.as_u128() >> 80).unwrap_or_default())
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

uuid_id!(/// One key of the admin API; names it, reveals nothing of it.
    ApiKeyId);

uuid_id!(/// One token that lets apps register themselves; names it, reveals nothing of it.
    RegistrationTokenId);

/// In the order of time (RFC 9562 §5.7).
fn ordered(now: Timestamp, random: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

/// What one request is known by: a person reads it out from an error page, its audit events can be found by it, and where its trace is kept, it is the name of
/// that too. Its text is 32 hexadecimal digits.
///
/// It is ordered by time, since every event is found by it: what is written together then lies together there too. The last seven bytes are random, which
/// is all that who shares out traces by their names may count on (W3C Trace Context Level 2, "Random Trace ID Flag").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference(Uuid);

impl Reference {
    /// A new one.
    pub fn new(now: Timestamp, random: &[u8; 10]) -> Self {
        Self(ordered(now, random))
    }

    /// As a trace has it.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

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
    /// A part of an address that leads elsewhere.
    #[error("may not be '.' or '..'")]
    Dots,
    /// An address that no document of a client can have.
    #[error("is an address, and must be https with a path, in its normal form, without user, fragment and '.' or '..' in the path")]
    Address,
}

fn unreserved(text: &str, longest: usize) -> Result<(), NameError> {
    if text.is_empty() || text.len() > longest {
        return Err(NameError::Length(longest));
    }
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if text.bytes().all(fine) { Ok(()) } else { Err(NameError::Character) }
}

/// The address of a client's metadata document (Client ID Metadata Document draft §3). One spelling alone: what two texts mean alike to a fetcher
/// would be two clients to everything that compares them.
fn document_address(text: &str) -> Result<(), NameError> {
    if text.len() > LONGEST_ADDRESS {
        return Err(NameError::Length(LONGEST_ADDRESS));
    }
    let url = url::Url::parse(text).map_err(|_| NameError::Address)?;
    // The parser resolves dot segments, encoded ones too, and adds a path where there is none: such texts are not what it makes of them.
    let is_normal = url.as_str() == text && text.bytes().all(|b| matches!(b, 0x21..=0x7e));
    let is_plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // The parser leaves a backslash in a query as it is, and other parsers read it as a slash.
    if is_normal && is_plain && !text.contains(['@', '\\']) { Ok(()) } else { Err(NameError::Address) }
}

const ADDRESS: &str = "https://";
const LONGEST_ADDRESS: usize = 255;

/// Either: no name has a colon, so neither can be taken for the other.
fn name_or_address(text: &str, longest: usize) -> Result<(), NameError> {
    if text.starts_with(ADDRESS) { document_address(text) } else { unreserved(text, longest) }
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $rule:ident, $longest:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The name, when it keeps the rules.
            pub fn parse(text: impl AsRef<str>) -> Result<Self, NameError> {
                $rule(text.as_ref(), $longest).map(|()| Self(text.as_ref().into()))
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

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
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

name_id!(/// A `client_id`: a name that was given here, or the address of a document that says what the client is.
    ClientId, name_or_address, 100);
name_id!(/// The name of a configured provider; part of its callback address and of every link to it.
    ProviderId, unreserved, 60);
name_id!(/// The name of a set of files that keeps what it describes.
    ManagerName, unreserved, 60);
name_id!(/// The name of a place that audit events are sent on to.
    SinkId, unreserved, 40);

impl ClientId {
    /// A name that can be given here: never an address, which would be somebody else's document (Client ID Metadata Document draft §6.9).
    pub fn name(text: &str) -> Result<Self, NameError> {
        unreserved(text, 100)?;
        // Browsers fold such a part of an address away, so that what has it for a name would be found nowhere (RFC 3986 §5.2.4).
        if matches!(text, "." | "..") {
            return Err(NameError::Dots);
        }
        Self::parse(text)
    }

    /// The address of the client's document, if that is what it is known by.
    pub fn document(&self) -> Option<&str> {
        self.0.starts_with(ADDRESS).then_some(&self.0)
    }

    /// The host of that address, which is all that is known for certain of such a client.
    pub fn document_host(&self) -> Option<String> {
        url::Url::parse(self.document()?).ok()?.host_str().map(str::to_owned)
    }
}

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
    fn references_come_in_the_order_of_time_and_end_by_chance() {
        let at = |millis, chance| Reference::new(Timestamp::from_millis(millis), &[chance; 10]);
        assert_eq!(at(1_795_781_465_230, 0xff).to_string(), "01a21cea948e7fffbfffffffffffffff");
        assert!(at(1_795_781_465_230, 0xff) < at(1_795_781_465_231, 0));
        assert!(at(1_795_781_465_230, 0xff).to_string() < at(1_795_781_465_231, 0).to_string());
        assert_eq!(at(0, 0xa5).to_bytes()[9..], [0xa5; 7], "what shares of traces are drawn from");
    }

    #[test]
    fn client_ids_use_only_what_basic_authentication_leaves_alone() {
        assert!(ClientId::parse("my-app_1.test~x").is_ok());
        for bad in ["", "a:b", "a b", "a%20", "http://x/", "ä", "a\r\nb"] {
            assert!(ClientId::parse(bad).is_err() && ClientId::name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ClientId::parse("a".repeat(101)), Err(NameError::Length(100)));
        assert!(ClientId::name("...").is_ok() && [".", ".."].iter().all(|dots| ClientId::name(dots) == Err(NameError::Dots)));
    }

    #[test]
    fn cimd_section_3_cimd_section_6_9_a_document_s_address_has_a_path_and_one_spelling() {
        for good in ["https://app.example/c", "https://app.example/", "https://app.example:8443/a/b.json", "https://app.example/c?v=1"] {
            assert_eq!(ClientId::parse(good).unwrap().document(), Some(good));
            assert!(ClientId::name(good).is_err(), "section 6.9: no client of ours has such a name");
        }
        for bad in [
            "https://app.example",
            "https://app.example/c#x",
            "https://u@app.example/c",
            "https://u:p@app.example/c",
            "https://@app.example/c",
            "https://app.example/a/../c",
            "https://app.example/./c",
            "https://app.example/%2e%2e/c",
            "https://app.example/.%2E/c",
            "https://APP.example/c",
            "https://app.example:443/c",
            "https://app.example/a b",
            "https://app.example\\c",
            "https://app.example/?\\c",
            "https:/app.example/c",
            "https:app.example/c",
            "HTTPS://app.example/c",
            "https:///c",
            "https://ä.example/c",
            "https://0x7f.1/c",
            "https://app.example/\u{0}",
        ] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ClientId::parse(format!("https://app.example/{}", "a".repeat(300))), Err(NameError::Length(255)));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_name_an_address_or_refused(text in r"(https://)?[a-z0-9@:/?#.%\\ \[\]~-]{0,60}") {
            if let Ok(id) = ClientId::parse(&text) {
                proptest::prop_assert_eq!(id.as_str(), text.as_str());
                proptest::prop_assert_eq!(id.document().is_some(), text.contains(':'), "{}", text);
                if let Some(address) = id.document() {
                    let url = url::Url::parse(address).unwrap();
                    proptest::prop_assert!(url.as_str() == address && url.scheme() == "https" && url.host_str().is_some());
                    proptest::prop_assert!(!address.contains(['#', '@', ' ', '\\']) && !url.path_segments().unwrap().any(|s| s == "." || s == ".."));
                }
            }
        }
    }
}
