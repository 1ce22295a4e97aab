//! Tokens that let apps register themselves: made, listed and taken back by operators.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value, json};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    change::difference,
    ids::RegistrationTokenId,
    self_registration::RegistrationToken,
    store::{Changes, Write},
};

use crate::{AdminFault, Gateway, codec};

const LONGEST_NAME: usize = 100;

impl Gateway {
    /// Makes one that is good for `uses` apps until it expires. Only now is it seen.
    pub async fn create_registration_token(
        &self,
        witness: &Witness,
        actor: &Actor,
        name: &str,
        lives: Duration,
        uses: u32,
    ) -> Result<(RegistrationToken, SecretString), AdminFault> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AdminFault::at("/name", "must have 1 to 100 printable characters"));
        }
        let text = codec::random_text(self.entropy.as_ref());
        let token = RegistrationToken {
            id: RegistrationTokenId::new(witness.now, self.entropy.as_ref()),
            name: name.to_owned(),
            digest: self.sealer.hash(text.as_bytes()),
            created: witness.now,
            expires: witness.now + lives,
            uses_left: uses,
            version: 1,
        };
        let event = self.event(witness, EventName::RegistrationTokenCreated, Outcome::Success, actor.clone());
        let changes = Changes::default().write(Write::PutRegistrationToken { token: token.clone(), expected: None }).event(AuditEvent {
            detail: Some(format!("token {}, for {uses} apps", token.id)),
            change: difference(&Map::new(), &facts(&token)),
            ..event
        });
        self.commit(changes).await.map_err(AdminFault::Store)?;
        Ok((token, text.into()))
    }

    /// Those that are there, oldest first, at most `limit` after `after`.
    pub async fn registration_tokens(&self, after: Option<&str>, limit: u64) -> Result<Vec<RegistrationToken>, AdminFault> {
        let read = |text: &str| {
            text.parse::<RegistrationTokenId>().map_err(|_| AdminFault::at("/after", "must be the id of a registration token"))
        };
        let after = after.map(read).transpose()?;
        self.store.registration_tokens(after.as_ref(), limit).await.map_err(AdminFault::Store)
    }

    /// Takes one back. Apps that it let register stay.
    pub async fn delete_registration_token(&self, witness: &Witness, actor: &Actor, id: &str) -> Result<(), AdminFault> {
        let id: RegistrationTokenId = id.parse().map_err(|_| AdminFault::NotFound)?;
        let token = self.store.registration_token_by_id(&id).await.map_err(AdminFault::Store)?.ok_or(AdminFault::NotFound)?;
        let event = self.event(witness, EventName::RegistrationTokenDeleted, Outcome::Success, actor.clone());
        let event = AuditEvent { detail: Some(format!("token {id}")), change: difference(&facts(&token), &Map::new()), ..event };
        self.commit(Changes::default().write(Write::DropRegistrationToken { id }).event(event)).await.map_err(AdminFault::Store)
    }
}

/// A token in the words of the admin API, for the record of a change.
fn facts(token: &RegistrationToken) -> Map<String, Value> {
    let facts = json!({ "name": token.name, "uses_left": token.uses_left, "expires_at": token.expires.to_string() });
    facts.as_object().cloned().unwrap_or_default()
}
