//! The words of the API about its keys. What stands in the comments here is what the OpenAPI document says.

use poem_openapi::{Object, types::Example};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use vestibule_domain::{api_key::ApiKey, audit::Actor, operator::AdminScope, time::Timestamp};
use vestibule_flows::ShownApiKey;

use crate::admin::{
    body::{Fields, Read},
    text::{Moment, Text},
};

/// Ten years, in seconds.
pub(crate) const LONGEST: u64 = 315_360_000;

/// What is written to make a key.
#[derive(Object)]
#[oai(example, deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct ApiKeyRequest {
    /// For whom or what it is.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: String,
    /// What its holder may do; no more than the holder of the key that makes it.
    #[oai(validator(min_items = 1))]
    pub(super) scopes: Vec<Text<AdminScope>>,
    /// After how many seconds it stops working. Left out, it works until it is deleted, or as long as the key that makes it must end.
    #[oai(validator(minimum(value = "60"), maximum(value = "315360000")))]
    pub(super) expires_in: Option<u64>,
}

impl Read for ApiKeyRequest {
    const MAY_BE_EMPTY: bool = false;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;

    fn read(fields: &mut Fields) -> Self {
        let (name, scopes) = name_and_scopes(fields);
        Self { name, scopes, expires_in: fields.whole("expires_in", 60..=LONGEST) }
    }
}

/// What the gateway sets and shows, and nobody sends.
const READ_ONLY: &[&str] = &["id", "key", "made_by", "created_at", "updated_at", "expires_at", "last_used_at"];

fn name_and_scopes(fields: &mut Fields) -> (String, Vec<Text<AdminScope>>) {
    let (name, scopes) = (fields.text("name"), fields.texts("scopes"));
    if name.is_none() {
        fields.is_missing("name", "say for whom or what it is");
    }
    if scopes.is_none() {
        fields.is_missing("scopes", "a list of what its holder may do, as [\"clients:read\"]");
    }
    (name.unwrap_or_default(), scopes.unwrap_or_default().into_iter().map(Text::new).collect())
}

fn scopes_of(key: &ApiKey) -> Vec<Text<AdminScope>> {
    key.scopes.iter().map(|scope| Text::new(scope.to_string())).collect()
}

impl Example for ApiKeyRequest {
    fn example() -> Self {
        let scopes = ["clients:*", "audit:read"].map(Text::new);
        Self { name: "Terraform".into(), scopes: scopes.into(), expires_in: Some(7_776_000) }
    }
}

/// What can be changed of a key.
#[derive(Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct ApiKeyChange {
    /// For whom or what it is.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: String,
    /// What its holder may do from now on.
    #[oai(validator(min_items = 1))]
    pub(super) scopes: Vec<Text<AdminScope>>,
}

impl Read for ApiKeyChange {
    const MAY_BE_EMPTY: bool = false;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;

    fn read(fields: &mut Fields) -> Self {
        let (name, scopes) = name_and_scopes(fields);
        Self { name, scopes }
    }
}

impl ApiKeyChange {
    /// What a merge patch is laid over.
    pub(super) fn base_of(key: &ApiKey) -> Value {
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.to_string()).collect();
        json!({ "name": key.name, "scopes": scopes })
    }
}

impl Example for ApiKeyChange {
    fn example() -> Self {
        Self { name: "Terraform".into(), scopes: vec![Text::new("clients:read")] }
    }
}

/// A key of this API, without what it is.
#[derive(Object)]
#[oai(rename = "ApiKey", example, skip_serializing_if_is_none)]
pub(super) struct ApiKeyObject {
    /// Names it, in audit events too.
    id: String,
    /// For whom or what it is.
    name: String,
    /// What its holder may do.
    scopes: Vec<Text<AdminScope>>,
    /// Who made it: the id of a key, `bootstrap` for the one of the configuration, or the id of an account.
    made_by: String,
    /// When it was made.
    created_at: Text<Moment>,
    /// When it last changed.
    updated_at: Text<Moment>,
    /// When it stops working, or stopped; absent for one that does not.
    expires_at: Option<Text<Moment>>,
    /// When it was used last, to the minute; absent if it was not in the last 400 days.
    last_used_at: Option<Text<Moment>>,
}

impl From<ShownApiKey> for ApiKeyObject {
    fn from(shown: ShownApiKey) -> Self {
        let ShownApiKey { key, used } = shown;
        Self {
            id: key.id.to_string(),
            scopes: scopes_of(&key),
            name: key.name,
            made_by: match key.made_by {
                Actor::AdminKey(id) => id,
                Actor::Account(id) | Actor::Operator(id) => id.to_string(),
                Actor::Client(id) => id.to_string(),
                Actor::Anonymous | Actor::System => "system".to_owned(),
            },
            created_at: key.created.into(),
            updated_at: key.updated.into(),
            expires_at: key.expires.map(Into::into),
            last_used_at: used.map(Into::into),
        }
    }
}

const EXAMPLE_TIME: Timestamp = Timestamp::from_secs(1_795_514_400);

impl Example for ApiKeyObject {
    fn example() -> Self {
        let ApiKeyRequest { name, scopes, expires_in } = ApiKeyRequest::example();
        Self {
            id: "019ab55f-7c00-7d4e-9a3b-0c1d2e3f4a5b".into(),
            name,
            scopes,
            made_by: "bootstrap".into(),
            created_at: EXAMPLE_TIME.into(),
            updated_at: EXAMPLE_TIME.into(),
            expires_at: expires_in.map(|seconds| (EXAMPLE_TIME + std::time::Duration::from_secs(seconds)).into()),
            last_used_at: Some(EXAMPLE_TIME.into()),
        }
    }
}

/// Some keys, in the order of their making. `Link` leads to the next ones, if there are any.
#[derive(Object)]
#[oai(example)]
pub(super) struct ApiKeyPage {
    items: Vec<ApiKeyObject>,
}

impl ApiKeyPage {
    pub(super) fn new(keys: Vec<ShownApiKey>) -> Self {
        Self { items: keys.into_iter().map(Into::into).collect() }
    }
}

impl Example for ApiKeyPage {
    fn example() -> Self {
        Self { items: vec![ApiKeyObject::example()] }
    }
}

/// A key that was just made.
#[derive(Object)]
#[oai(example)]
pub(super) struct NewApiKey {
    #[oai(flatten)]
    shown: ApiKeyObject,
    /// The key. Shown in this answer only; it is sent as a bearer token.
    key: String,
}

impl NewApiKey {
    pub(super) fn new(shown: ShownApiKey, text: &SecretString) -> Self {
        Self { shown: shown.into(), key: text.expose_secret().to_owned() }
    }
}

impl Example for NewApiKey {
    fn example() -> Self {
        let shown = ApiKeyObject { last_used_at: None, ..ApiKeyObject::example() };
        Self { shown, key: "vsk_AZq1X3wAfU6aOwwdLj9KW-shown-once-256-random-bits-and-a-checksum-AAAAA".into() }
    }
}
