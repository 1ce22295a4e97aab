//! Secrets of clients.

use std::{collections::BTreeMap, time::Duration};

use poem_openapi::{Object, types::Example};
use secrecy::ExposeSecret;
use vestibule_domain::{client::ClientSecret, ids::SecretId, time::Timestamp};
use vestibule_flows::NewSecret;

use super::{
    super::{
        body::{Fields, Read},
        text::{Moment, Text},
    },
    EXAMPLE_SECRET, EXAMPLE_TIME,
};

const EXAMPLE_SECRET_ID: &str = "019ab55f-7c00-7d4e-9a3b-0c1d2e3f4a5b";

/// A secret of a client, without what it is.
#[derive(Object)]
#[oai(rename = "Secret", skip_serializing_if_is_none)]
pub(crate) struct SecretObject {
    /// Names it.
    id: String,
    /// When it was made.
    created_at: Text<Moment>,
    /// When it stops working, or stopped; absent for one that does not.
    expires_at: Option<Text<Moment>>,
    /// When the app used it last, to the minute; absent if it never did. Shown when the client is read.
    last_used_at: Option<Text<Moment>>,
}

impl SecretObject {
    /// The same, with when it was used last.
    pub(super) fn used(self, uses: &BTreeMap<SecretId, Timestamp>) -> Self {
        let used = self.id.parse().ok().and_then(|id: SecretId| uses.get(&id).copied());
        Self { last_used_at: used.map(Into::into), ..self }
    }
}

impl From<&ClientSecret> for SecretObject {
    fn from(secret: &ClientSecret) -> Self {
        Self {
            id: secret.id.to_string(),
            created_at: secret.created.into(),
            expires_at: secret.expires.map(Into::into),
            last_used_at: None,
        }
    }
}

impl Example for SecretObject {
    fn example() -> Self {
        Self { id: EXAMPLE_SECRET_ID.into(), created_at: EXAMPLE_TIME.into(), expires_at: None, last_used_at: Some(EXAMPLE_TIME.into()) }
    }
}

/// How long secrets live. Without a body the new one has no end, and the others are left as they are.
#[derive(Object)]
#[oai(example, deny_unknown_fields, skip_serializing_if_is_none)]
pub(crate) struct SecretRequest {
    /// After how many seconds the new secret stops working.
    #[oai(validator(minimum(value = "60"), maximum(value = "315360000")))]
    expires_in: Option<u64>,
    /// After how many seconds the client's other secrets stop working, unless they end sooner: the time the app has to take the new one.
    #[oai(validator(maximum(value = "315360000")))]
    others_expire_in: Option<u64>,
}

/// Ten years.
const LONGEST: u64 = 315_360_000;

impl Read for SecretRequest {
    const MAY_BE_EMPTY: bool = true;
    const READ_ONLY: &'static [&'static str] = &["created_at", "expires_at", "client_secret"];

    fn read(fields: &mut Fields) -> Self {
        Self { expires_in: fields.whole("expires_in", 60..=LONGEST), others_expire_in: fields.whole("others_expire_in", 0..=LONGEST) }
    }
}

impl SecretRequest {
    pub(crate) fn lives(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    pub(crate) fn others_live(&self) -> Option<Duration> {
        self.others_expire_in.map(Duration::from_secs)
    }
}

impl Example for SecretRequest {
    fn example() -> Self {
        Self { expires_in: None, others_expire_in: Some(86_400) }
    }
}

/// A secret that was just made.
#[derive(Object)]
#[oai(rename = "NewSecret", example, skip_serializing_if_is_none)]
pub(crate) struct NewSecretObject {
    /// Names it.
    id: String,
    /// The secret. Shown in this answer only; keep it.
    client_secret: String,
    /// When it was made.
    created_at: Text<Moment>,
    /// When it stops working; absent if it does not.
    expires_at: Option<Text<Moment>>,
}

impl NewSecretObject {
    pub(crate) fn new(secret: &NewSecret, created: Timestamp) -> Self {
        Self {
            id: secret.id.to_string(),
            client_secret: secret.secret.expose_secret().to_owned(),
            created_at: created.into(),
            expires_at: secret.expires.map(Into::into),
        }
    }
}

impl Example for NewSecretObject {
    fn example() -> Self {
        Self { id: EXAMPLE_SECRET_ID.into(), client_secret: EXAMPLE_SECRET.into(), created_at: EXAMPLE_TIME.into(), expires_at: None }
    }
}
