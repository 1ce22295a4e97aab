//! Erasing a person, at their request: what the house knows of them goes, and what it did stays provable.

use serde_json::{Map, Value, json};
use vestibule_domain::{
    account::{Link, Profile, UpstreamTokens},
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    change::difference,
    ids::AccountId,
    store::{Changes, Contest, StoreError, Write},
};

use crate::{AccessFilter, AccessPage, AdminFault, Gateway, KeysError};

/// How often somebody else may be faster: a link of theirs changes as they sign in, and the chain of events moves on about every second.
const TRIES: u32 = 20;
/// How many sessions, grants and consents are counted.
const MOST_COUNTED: u64 = 500;

/// A way in that goes, and the upstream's tokens that came by it.
type Way = (Link, Option<UpstreamTokens>);

impl Gateway {
    /// Erases a person: their profile, the ways they came in by, what they allowed apps, on which days they were here, and in the audit log from where they
    /// did what. Their sessions and grants end, and upstream tokens are given back as they are when a way in is undone. The account stays, disabled and with
    /// nothing in it, so that its id, which apps know, never means anybody else; whoever comes by one of the ways again is somebody new.
    pub async fn erase_account(&self, witness: &Witness, actor: &Actor, id: &str) -> Result<(), AdminFault> {
        for _ in 0..TRIES {
            let (changes, ways) = self.erasure(witness, actor, id).await?;
            match self.commit(changes).await {
                Err(StoreError::Conflict(Contest::Chain | Contest::Link)) => {}
                Err(error) => return Err(AdminFault::Store(error)),
                Ok(()) => {
                    for (link, tokens) in &ways {
                        self.give_back(witness, link, tokens.as_ref()).await;
                    }
                    return Ok(());
                }
            }
        }
        Err(AdminFault::Store(StoreError::Unavailable("the audit log moved on again and again".into())))
    }

    async fn erasure(&self, witness: &Witness, actor: &Actor, id: &str) -> Result<(Changes, Vec<Way>), AdminFault> {
        let account = self.account(id).await?;
        let (id, at) = (account.id, witness.now);
        let mut ways = Vec::new();
        for link in self.store.links_of(&id).await.map_err(AdminFault::Store)? {
            let tokens = self.store.upstream_tokens(&link.id).await.map_err(AdminFault::Store)?;
            ways.push((link, tokens));
        }
        let consents = self.store.consents_of(&id, None, MOST_COUNTED).await.map_err(AdminFault::Store)?;
        let (sessions, grants) = self.what_is_open(witness, &id).await?;
        let counts = [
            ("links", ways.len()),
            ("upstream_tokens", ways.iter().filter(|(_, tokens)| tokens.is_some()).count()),
            ("consents", consents.len()),
            ("sessions", sessions),
            ("grants", grants),
        ];
        let event = AuditEvent {
            account: Some(id),
            detail: Some(format!("with {} ways in", ways.len())),
            change: difference(&what_goes(&account.profile, &counts), &Map::new()),
            ..self.event(witness, EventName::AccountErased, Outcome::Success, actor.clone())
        };
        let mut changes =
            Changes::default().write(Write::DropLoginTraces { account: id }).write(Write::ForgetActivity { account: id }).event(event);
        for (link, _) in &ways {
            changes = changes
                .write(Write::RemoveLink { id: link.id, account: id, leaves_another: false })
                .write(Write::DropUpstreamTokens { link: link.id });
        }
        // Lost if another way in was added since they were read: nothing of a person is left behind.
        changes = self.turned_out(changes.write(Write::EmptyAccount { id, at }), witness, id, actor).await.map_err(AdminFault::Store)?;
        changes = changes.write(Write::DropAccountConsents { account: id });
        // Up to now, and not up to when it was asked for: they may have done something since.
        changes = changes.write(Write::EraseSubject { account: id, at: self.clock().now() });
        // Beside the chain, so that nobody who is sealing events keeps a key that is destroyed here.
        let changes = self.beside_the_chain(changes, at).await.map_err(of_keys)?;
        Ok((changes, ways))
    }

    /// How many sessions and grants of an account end, as far as anybody wants to know.
    async fn what_is_open(&self, witness: &Witness, account: &AccountId) -> Result<(usize, usize), AdminFault> {
        let id = account.to_string();
        let of_account = AccessFilter { account: Some(&id), ..AccessFilter::default() };
        let first = AccessPage { after: None, limit: MOST_COUNTED };
        Ok((self.sessions(witness, of_account, first).await?.sessions.len(), self.grants(witness, of_account, first).await?.len()))
    }
}

/// What goes, by its names and numbers: the record of it stays when the person is gone, so nothing of them is in it.
fn what_goes(profile: &Profile, counts: &[(&str, usize)]) -> Map<String, Value> {
    let claims: Vec<_> = match serde_json::to_value(profile) {
        Ok(Value::Object(claims)) => claims.into_iter().filter(|(_, value)| *value != Value::Bool(false)).map(|(name, _)| name).collect(),
        _ => Vec::new(),
    };
    let claims = if claims.is_empty() { Value::Null } else { json!(claims) };
    let counted = |(name, count): &(&str, usize)| ((*name).to_owned(), if *count == 0 { Value::Null } else { json!(count) });
    std::iter::once(("profile".to_owned(), claims)).chain(counts.iter().map(counted)).collect()
}

fn of_keys(error: KeysError) -> AdminFault {
    AdminFault::Store(match error {
        KeysError::Store(error) => error,
        KeysError::Signer(error) => StoreError::Unavailable(error.to_string()),
    })
}
