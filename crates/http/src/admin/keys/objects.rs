//! The words of the API about signing keys. What stands in the comments here is what the OpenAPI document says.

use poem_openapi::{Object, types::Example};
use vestibule_domain::{client::SigningAlg, keys::SigningKey, time::Timestamp};

use crate::admin::{
    body::{Fields, Read},
    text::{Moment, Text},
};

/// A key that tokens are signed with. The private part is never shown.
#[derive(Object)]
#[oai(rename = "SigningKey", example)]
pub(super) struct KeyObject {
    /// Its name in the JWKS: the RFC 7638 thumbprint.
    kid: String,
    /// What it signs with.
    alg: Text<SigningAlg>,
    /// `next`: published, not signing yet. `current`: signing. `retiring`: published for what it signed.
    state: String,
    /// When it was published.
    published_at: Text<Moment>,
    /// When it begins to sign.
    signs_from: Text<Moment>,
    /// When its successor takes over.
    signs_until: Text<Moment>,
    /// When it leaves the JWKS, and tokens it signed are refused.
    published_until: Text<Moment>,
}

impl KeyObject {
    fn new(key: SigningKey, now: Timestamp) -> Self {
        Self {
            state: key.state(now).as_str().to_owned(),
            kid: key.kid,
            alg: key.alg.into(),
            published_at: key.created.into(),
            signs_from: key.signs_from.into(),
            signs_until: key.signs_until.into(),
            published_until: key.published_until.into(),
        }
    }
}

impl Example for KeyObject {
    fn example() -> Self {
        const DAY: i64 = 86_400;
        let day = |days: i64| Text::from(Timestamp::from_secs(1_795_514_400 + days * DAY));
        Self {
            kid: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".into(),
            alg: SigningAlg::Rs256.into(),
            state: "current".into(),
            published_at: day(-30),
            signs_from: day(-30),
            signs_until: day(60),
            published_until: day(90),
        }
    }
}

/// All of them.
#[derive(Object)]
#[oai(rename = "SigningKeys", example)]
pub(super) struct KeyList {
    /// The keys, by algorithm and date.
    items: Vec<KeyObject>,
}

impl KeyList {
    pub(super) fn new(keys: Vec<SigningKey>, now: Timestamp) -> Self {
        Self { items: keys.into_iter().map(|key| KeyObject::new(key, now)).collect() }
    }
}

impl Example for KeyList {
    fn example() -> Self {
        Self { items: vec![KeyObject::example()] }
    }
}

/// How to rotate.
#[derive(Object)]
#[oai(rename = "KeyRotation", example, deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct RotationObject {
    /// Of which algorithm; left out, of every one that has keys.
    pub(super) alg: Option<Text<SigningAlg>>,
    /// Whether the next key signs as soon as every node knows it, in two minutes.
    #[oai(default)]
    pub(super) at_once: bool,
    /// Whether the keys before it are taken away at that moment, with everything they signed.
    #[oai(default)]
    pub(super) withdraw: bool,
}

impl Read for RotationObject {
    const MAY_BE_EMPTY: bool = true;
    const READ_ONLY: &'static [&'static str] = &[];

    fn read(fields: &mut Fields) -> Self {
        Self {
            alg: fields.text("alg").map(Text::new),
            at_once: fields.flag("at_once").unwrap_or_default(),
            withdraw: fields.flag("withdraw").unwrap_or_default(),
        }
    }
}

impl Example for RotationObject {
    fn example() -> Self {
        Self { alg: Some(SigningAlg::Rs256.into()), at_once: false, withdraw: false }
    }
}
