//! Digests of secrets and the purposes that keep them apart.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;

/// 32 bytes that stand for a secret: SHA-256, or HMAC-SHA-256 under the sealing key. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct Digest(pub [u8; 32]);

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl Digest {
    /// Lower-case hexadecimal, as rows keep it.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads what [`Digest::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }

    /// 43 characters of base64url without padding, as others write a SHA-256. Written here because the domain has no codec of its own.
    pub fn from_base64url(text: &str) -> Option<Self> {
        let value = |b: u8| match b {
            b'A'..=b'Z' => Some(u32::from(b - b'A')),
            b'a'..=b'z' => Some(u32::from(b - b'a') + 26),
            b'0'..=b'9' => Some(u32::from(b - b'0') + 52),
            b'-' => Some(62),
            b'_' => Some(63),
            _ => None,
        };
        if text.len() != 43 {
            return None;
        }
        let (mut bytes, mut filled, mut bits, mut held) = ([0u8; 32], 0, 0u32, 0u32);
        for b in text.bytes() {
            held = (held << 6) | value(b)?;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                *bytes.get_mut(filled)? = u8::try_from((held >> bits) & 0xff).ok()?;
                filled += 1;
            }
        }
        // The last character holds two bits too many; they must be zero, or two texts would mean one digest.
        (held & ((1 << bits) - 1) == 0).then_some(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

/// The key of one person's part of the audit log. Of no use without the sealing key, and what it sealed is of no use without it.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectKey(pub [u8; 32]);

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

/// A public key of Ed25519 (RFC 8032 §5.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// A signature of Ed25519 (RFC 8032 §5.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

macro_rules! in_hex {
    ($($name:ident: $what:literal),*) => {
        $(
            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&hex(&self.0))
                }
            }

            impl std::str::FromStr for $name {
                type Err = &'static str;
                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    unhex(text).map(Self).ok_or(concat!("not the hexadecimal digits of ", $what))
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                }
            }
        )*
    };
}

in_hex!(PublicKey: "an Ed25519 key", Signature: "an Ed25519 signature");

/// What a seal or a keyed digest is for. Each has a key of its own, so a value made for one never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A login attempt in a browser's cookie.
    Attempt,
    /// A refresh token's MAC.
    RefreshToken,
    /// A client's secret, as a keyed digest; sealed where it is the key of an HMAC.
    ClientSecret,
    /// A key of the admin API, as a keyed digest.
    AdminKey,
    /// A private signing key at rest.
    SigningKey,
    /// An upstream's tokens at rest.
    UpstreamTokens,
    /// A provider's secrets at rest.
    ProviderSecrets,
    /// An authorization request that was pushed, at rest.
    PushedRequest,
    /// What a provider posted to our callback, on its way through the browser to the page that may read its cookies.
    PostedCallback,
    /// A sign-in at a provider that is only tried, at rest.
    ProviderTrial,
    /// Where somebody goes on to who is sent to sign out at their provider.
    LogoutReturn,
    /// The confirmation form of a logout.
    LogoutConfirmation,
    /// The confirmation form of the page of a person's own links.
    AccountForm,
    /// The forms of the operators' console.
    ConsoleForm,
    /// What an operator is to see once, on its way through the browser to the page that shows it.
    ConsoleShown,
    /// A code that a person types, as a keyed digest: it has too few bits for a plain one.
    UserCode,
    /// The form in which a person answers a device.
    DeviceForm,
    /// The form in which a person allows an app what it asks for.
    ConsentForm,
    /// The nonce of DPoP proofs.
    DpopNonce,
    /// What a call of the admin API was answered, at rest.
    RepeatedCall,
    /// What the audit log says of where a person was, at rest.
    AuditPersonal,
    /// The key that signs the checkpoints of the audit log, at rest.
    AuditKey,
    /// Of whom something unusual was found, as a keyed digest.
    Detection,
}

impl Purpose {
    /// The label that separates this purpose's key from the others'. Changing one makes what was sealed unreadable.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::RefreshToken => "refresh token",
            Self::ClientSecret => "client secret",
            Self::AdminKey => "admin key",
            Self::SigningKey => "signing key",
            Self::UpstreamTokens => "upstream tokens",
            Self::ProviderSecrets => "provider secrets",
            Self::PushedRequest => "pushed request",
            Self::PostedCallback => "posted callback",
            Self::ProviderTrial => "provider trial",
            Self::LogoutReturn => "logout return",
            Self::LogoutConfirmation => "logout confirmation",
            Self::AccountForm => "account form",
            Self::ConsoleForm => "console form",
            Self::ConsoleShown => "console shown",
            Self::UserCode => "user code",
            Self::DeviceForm => "device form",
            Self::ConsentForm => "consent form",
            Self::DpopNonce => "dpop nonce",
            Self::RepeatedCall => "repeated call",
            Self::AuditPersonal => "audit personal",
            Self::AuditKey => "audit key",
            Self::Detection => "detection",
        }
    }

    /// Every purpose.
    pub const ALL: [Self; 23] = [
        Self::Attempt,
        Self::RefreshToken,
        Self::ClientSecret,
        Self::AdminKey,
        Self::SigningKey,
        Self::UpstreamTokens,
        Self::ProviderSecrets,
        Self::PushedRequest,
        Self::PostedCallback,
        Self::ProviderTrial,
        Self::LogoutReturn,
        Self::LogoutConfirmation,
        Self::AccountForm,
        Self::ConsoleForm,
        Self::ConsoleShown,
        Self::UserCode,
        Self::DeviceForm,
        Self::ConsentForm,
        Self::DpopNonce,
        Self::RepeatedCall,
        Self::AuditPersonal,
        Self::AuditKey,
        Self::Detection,
    ];
}

/// Bytes that only the holder of the sealing key can read or make.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
