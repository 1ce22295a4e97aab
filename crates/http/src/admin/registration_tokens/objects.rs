//! The words of the API about registration tokens. What stands in the comments here is what the OpenAPI document says.

use poem_openapi::{Object, types::Example};
use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{self_registration::RegistrationToken, time::Timestamp};

use crate::admin::{
    body::{Fields, Read},
    text::{Moment, Text},
};

/// A year, in seconds.
pub(crate) const LONGEST: u64 = 31_536_000;
/// The most apps that one is good for.
pub(crate) const MOST_USES: u64 = 1_000;

/// What is written to make a registration token.
#[derive(Object)]
#[oai(rename = "RegistrationTokenRequest", example, deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// For whom or what it is.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: String,
    /// After how many seconds it stops working: a week unless said otherwise, a year at most.
    #[oai(default = "default_expires_in", validator(minimum(value = "60"), maximum(value = "31536000")))]
    pub(super) expires_in: u64,
    /// How many apps it is good for.
    #[oai(default = "default_uses", validator(minimum(value = "1"), maximum(value = "1000")))]
    pub(super) uses: u32,
}

fn default_expires_in() -> u64 {
    7 * 24 * 3600
}

fn default_uses() -> u32 {
    1
}

impl Read for TokenRequest {
    const MAY_BE_EMPTY: bool = false;
    const READ_ONLY: &'static [&'static str] = &["id", "created_at", "expires_at", "uses_left", "token"];

    fn read(fields: &mut Fields) -> Self {
        let name = fields.text("name");
        if name.is_none() {
            fields.is_missing("name", "say for whom or what it is");
        }
        let uses = fields.whole("uses", 1..=MOST_USES).and_then(|uses| u32::try_from(uses).ok());
        Self {
            name: name.unwrap_or_default(),
            expires_in: fields.whole("expires_in", 60..=LONGEST).unwrap_or_else(default_expires_in),
            uses: uses.unwrap_or_else(default_uses),
        }
    }
}

impl Example for TokenRequest {
    fn example() -> Self {
        Self { name: "the build farm".into(), expires_in: 86_400, uses: 10 }
    }
}

/// A registration token, without what it is.
#[derive(Object)]
#[oai(rename = "RegistrationToken", example)]
pub(super) struct TokenObject {
    /// Names it.
    id: String,
    /// For whom or what it is.
    name: String,
    /// How many more apps it is good for.
    uses_left: u32,
    /// When it was made.
    created_at: Text<Moment>,
    /// When it stops working.
    expires_at: Text<Moment>,
}

impl From<&RegistrationToken> for TokenObject {
    fn from(token: &RegistrationToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            uses_left: token.uses_left,
            created_at: token.created.into(),
            expires_at: token.expires.into(),
        }
    }
}

const EXAMPLE_TIME: Timestamp = Timestamp::from_secs(1_795_514_400);

impl Example for TokenObject {
    fn example() -> Self {
        Self {
            id: "019ab55f-7c00-7d4e-9a3b-0c1d2e3f4a5b".into(),
            name: "the build farm".into(),
            uses_left: 10,
            created_at: EXAMPLE_TIME.into(),
            expires_at: (EXAMPLE_TIME + std::time::Duration::from_hours(24)).into(),
        }
    }
}

/// Some registration tokens, oldest first. `Link` leads to the next ones, if there are any.
#[derive(Object)]
#[oai(rename = "RegistrationTokenList", example)]
pub(super) struct TokenList {
    items: Vec<TokenObject>,
}

impl TokenList {
    pub(super) fn new(tokens: &[RegistrationToken]) -> Self {
        Self { items: tokens.iter().map(TokenObject::from).collect() }
    }
}

impl Example for TokenList {
    fn example() -> Self {
        Self { items: vec![TokenObject::example()] }
    }
}

/// A registration token that was just made.
#[derive(Object)]
#[oai(rename = "NewRegistrationToken", example)]
pub(super) struct NewTokenObject {
    #[oai(flatten)]
    shown: TokenObject,
    /// The token. Shown in this answer only; it is sent to `/register` as a bearer token.
    token: String,
}

impl NewTokenObject {
    pub(super) fn new(token: &RegistrationToken, text: &SecretString) -> Self {
        Self { shown: token.into(), token: text.expose_secret().to_owned() }
    }
}

impl Example for NewTokenObject {
    fn example() -> Self {
        Self { shown: TokenObject::example(), token: "shown-once-43-letters-of-256-random-bits-AAA".into() }
    }
}
