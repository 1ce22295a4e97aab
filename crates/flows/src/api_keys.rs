//! Keys of the admin API: made, listed, changed and deleted by operators, none of whom gives more than they have.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use serde_json::{Map, Value, json};
use vestibule_domain::{
    api_key::{self, ApiKey},
    audit::{AuditEvent, EventName, Outcome, Witness},
    change::difference,
    ids::ApiKeyId,
    operator::{AdminScope, AdminScopes, Operator},
    ports::Sealer,
    registration::FieldFault,
    secret::{Digest, Purpose},
    store::{Changes, Contest, Write},
    time::Timestamp,
};

use crate::{AdminFault, Gateway, codec, held};

/// What every key begins with, so that programs that look for secrets in repositories find it.
const PREFIX: &str = "vsk_";
const ID: usize = 16;
const SECRET: usize = 32;
const CHECKSUM: usize = 4;

/// What is written to make a key.
#[derive(Clone, Debug)]
pub struct ApiKeyDraft {
    /// For whom or what it is.
    pub name: String,
    /// What its holder may do, as text.
    pub scopes: Vec<String>,
    /// How long it works; nothing for as long as it is there.
    pub lives: Option<Duration>,
}

/// A key as it is shown: never with what it is.
#[derive(Clone, Debug)]
pub struct ShownApiKey {
    /// The key.
    pub key: ApiKey,
    /// When it was used last, to the minute; nothing if it never was.
    pub used: Option<Timestamp>,
}

/// What a text that should be a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// Whole; it names the key that it would be.
    Whole(ApiKeyId),
    /// It begins like a key of ours, and a character is missing, too many, or another.
    Mistyped,
    /// Something else.
    Foreign,
}

/// Reads a text without asking the store.
pub(crate) fn read(text: &str, sealer: &dyn Sealer) -> Presented {
    let Some(rest) = text.strip_prefix(PREFIX) else { return Presented::Foreign };
    let bytes = codec::decode(rest).filter(|bytes| bytes.len() == ID + SECRET + CHECKSUM);
    let named = bytes.as_deref().and_then(|bytes| {
        let (body, check) = bytes.split_at_checked(ID + SECRET)?;
        let id = uuid::Uuid::from_slice(body.get(..ID)?).ok()?;
        (checksum(body, sealer) == check).then_some(ApiKeyId(id))
    });
    named.map_or(Presented::Mistyped, Presented::Whole)
}

fn checksum(body: &[u8], sealer: &dyn Sealer) -> [u8; CHECKSUM] {
    let Digest([a, b, c, d, ..]) = sealer.hash(&[PREFIX.as_bytes(), body].concat());
    [a, b, c, d]
}

impl Gateway {
    /// Makes a key. Only now is it seen.
    pub async fn create_api_key(
        &self,
        witness: &Witness,
        operator: &Operator,
        draft: &ApiKeyDraft,
    ) -> Result<(ApiKey, SecretString), AdminFault> {
        let (name, scopes) = checked(&draft.name, &draft.scopes)?;
        let id = ApiKeyId::new(witness.now, self.entropy.as_ref());
        let mut secret = [0; SECRET];
        self.entropy.fill(&mut secret);
        let body = [id.0.as_bytes().as_slice(), &secret].concat();
        let text = format!("{PREFIX}{}", codec::encode(&[body.as_slice(), &checksum(&body, self.sealer.as_ref())].concat()));
        let key = ApiKey {
            id,
            name,
            digest: self.sealer.tag(Purpose::AdminKey, text.as_bytes()),
            scopes,
            made_by: operator.actor.clone(),
            created: witness.now,
            updated: witness.now,
            expires: draft.lives.map(|lives| witness.now + lives),
            version: 1,
        };
        must_be_theirs_to_give(&key, operator)?;
        let event = self.key_of_operator_event(witness, operator, EventName::ApiKeyCreated, None, Some(&key));
        let changes = Changes::default().write(Write::PutApiKey { key: key.clone(), expected: None }).event(event);
        self.commit(changes).await.map_err(|error| AdminFault::of_write(error, Contest::ApiKey))?;
        Ok((key, text.into()))
    }

    /// Keys in the order of their making, at most `limit` after `after`.
    pub async fn api_keys(&self, after: Option<&str>, limit: u64) -> Result<Vec<ShownApiKey>, AdminFault> {
        let after = after.map(str::parse::<ApiKeyId>).transpose().map_err(|_| AdminFault::at("/after", "must be the id of a key"))?;
        let keys = self.store.api_keys(after.as_ref(), limit).await.map_err(AdminFault::Store)?;
        self.with_uses(keys).await
    }

    /// One key.
    pub async fn api_key(&self, id: &str) -> Result<ShownApiKey, AdminFault> {
        let key = self.stored_api_key(id).await?;
        self.with_uses(vec![key]).await?.pop().ok_or(AdminFault::NotFound)
    }

    /// Gives a key another name or other scopes. `expected` is the version the caller saw.
    pub async fn change_api_key(
        &self,
        witness: &Witness,
        operator: &Operator,
        id: &str,
        name: &str,
        scopes: &[String],
        expected: Option<i64>,
    ) -> Result<ShownApiKey, AdminFault> {
        let present = self.stored_api_key(id).await?;
        must_be_theirs(&present, operator)?;
        let expected = held(expected, present.version)?;
        let (name, scopes) = checked(name, scopes)?;
        if (&name, &scopes) == (&present.name, &present.scopes) {
            return self.with_uses(vec![present]).await?.pop().ok_or(AdminFault::NotFound);
        }
        let key = ApiKey { name, scopes, updated: witness.now, version: expected + 1, ..present.clone() };
        must_be_theirs_to_give(&key, operator)?;
        let event = self.key_of_operator_event(witness, operator, EventName::ApiKeyUpdated, Some(&present), Some(&key));
        let changes = Changes::default().write(Write::PutApiKey { key: key.clone(), expected: Some(expected) }).event(event);
        self.commit(changes).await.map_err(|error| AdminFault::of_write(error, Contest::ApiKey))?;
        self.with_uses(vec![key]).await?.pop().ok_or(AdminFault::NotFound)
    }

    /// Deletes a key: it works nowhere from now on. Keys that were made with it stay.
    pub async fn delete_api_key(&self, witness: &Witness, operator: &Operator, id: &str) -> Result<(), AdminFault> {
        let present = self.stored_api_key(id).await?;
        must_be_theirs(&present, operator)?;
        let event = self.key_of_operator_event(witness, operator, EventName::ApiKeyDeleted, Some(&present), None);
        let changes = Changes::default().write(Write::DropApiKey { id: present.id, expected: present.version }).event(event);
        self.commit(changes).await.map_err(|error| AdminFault::of_write(error, Contest::ApiKey))
    }

    async fn stored_api_key(&self, id: &str) -> Result<ApiKey, AdminFault> {
        let id: ApiKeyId = id.parse().map_err(|_| AdminFault::NotFound)?;
        self.store.api_key(&id).await.map_err(AdminFault::Store)?.ok_or(AdminFault::NotFound)
    }

    async fn with_uses(&self, keys: Vec<ApiKey>) -> Result<Vec<ShownApiKey>, AdminFault> {
        let ids: Vec<_> = keys.iter().map(|key| key.id.into()).collect();
        let used: BTreeMap<_, _> = self.store.last_uses(&ids).await.map_err(AdminFault::Store)?;
        Ok(keys.into_iter().map(|key| ShownApiKey { used: used.get(&key.id.into()).copied(), key }).collect())
    }

    fn key_of_operator_event(
        &self,
        witness: &Witness,
        operator: &Operator,
        name: EventName,
        before: Option<&ApiKey>,
        after: Option<&ApiKey>,
    ) -> AuditEvent {
        let change = difference(&facts(before), &facts(after));
        let id = before.or(after).map(|key| format!("key {}", key.id));
        AuditEvent { detail: id, change, ..self.event(witness, name, Outcome::Success, operator.actor.clone()) }
    }
}

/// A key in the words of the admin API, for the record of a change.
fn facts(key: Option<&ApiKey>) -> Map<String, Value> {
    let Some(key) = key else { return Map::new() };
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.to_string()).collect();
    let facts = json!({ "name": key.name, "scopes": scopes, "expires_at": key.expires.map(|expires| expires.to_string()) });
    facts.as_object().cloned().unwrap_or_default()
}

/// What a draft asks, or everything that is wrong with it.
fn checked(name: &str, scopes: &[String]) -> Result<(String, AdminScopes), AdminFault> {
    let mut faults = Vec::new();
    let mut fault = |pointer: String, message: String| faults.push(FieldFault { pointer, message });
    let name = api_key::name(name).unwrap_or_else(|message| {
        fault("/name".into(), message.into());
        String::new()
    });
    let mut read = Vec::new();
    for (at, text) in scopes.iter().enumerate() {
        match text.parse::<AdminScope>() {
            Ok(scope) => read.push(scope),
            Err(wrong) => fault(format!("/scopes/{at}"), wrong.to_string()),
        }
    }
    if scopes.is_empty() {
        fault("/scopes".into(), "must name at least one scope, as clients:read".into());
    }
    if faults.is_empty() { Ok((name, read.into_iter().collect())) } else { Err(AdminFault::Invalid(faults)) }
}

/// Attack 86: a key that makes keys is no way to more than it may do itself, nor for longer.
fn must_be_theirs_to_give(key: &ApiKey, operator: &Operator) -> Result<(), AdminFault> {
    if let Some(beyond) = key.scopes.beyond(&operator.scopes) {
        return Err(AdminFault::at("/scopes", &format!("has {beyond}, which the key you use does not have itself")));
    }
    match operator.until {
        Some(until) if key.expires.is_none_or(|expires| expires > until) => {
            Err(AdminFault::at("/expires_in", &format!("must end before the key you use does, at {until}")))
        }
        _ => Ok(()),
    }
}

/// Whoever may do less does not take away from who may do more.
fn must_be_theirs(key: &ApiKey, operator: &Operator) -> Result<(), AdminFault> {
    key.scopes.beyond(&operator.scopes).map_or(Ok(()), |beyond| Err(AdminFault::Forbidden(beyond)))
}
