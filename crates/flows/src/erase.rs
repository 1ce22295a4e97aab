//! Erasing a person, at their request: what the house knows of them goes, and what it did stays provable.

use vestibule_domain::{
    account::{Link, UpstreamTokens},
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    store::{Changes, Contest, StoreError, Write},
};

use crate::{AdminFault, Gateway, KeysError, accounts::turned_out};

/// How often somebody else may be faster: a link of theirs changes as they sign in, and the chain of events moves on about every second.
const TRIES: u32 = 20;

/// A way in that goes, and the upstream's tokens that came by it.
type Way = (Link, Option<UpstreamTokens>);

impl Gateway {
    /// Erases a person: their profile, the ways they came in by, what they allowed apps, and in the audit log from where they did what. Their sessions and
    /// grants end, and upstream tokens are given back as they are when a way in is undone. The account stays, disabled and with nothing in it, so that its
    /// id, which apps know, never means anybody else; whoever comes by one of the ways again is somebody new.
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
        let (id, at) = (self.account(id).await?.id, witness.now);
        let mut ways = Vec::new();
        for link in self.store.links_of(&id).await.map_err(AdminFault::Store)? {
            let tokens = self.store.upstream_tokens(&link.id).await.map_err(AdminFault::Store)?;
            ways.push((link, tokens));
        }
        let event = AuditEvent {
            account: Some(id),
            detail: Some(format!("with {} ways in", ways.len())),
            ..self.event(witness, EventName::AccountErased, Outcome::Success, actor.clone())
        };
        let mut changes = Changes::default().event(event);
        for (link, _) in &ways {
            changes = changes
                .write(Write::RemoveLink { id: link.id, account: id, leaves_another: false })
                .write(Write::DropUpstreamTokens { link: link.id });
        }
        // Lost if another way in was added since they were read: nothing of a person is left behind.
        changes = turned_out(changes.write(Write::EmptyAccount { id, at }), id, at).write(Write::DropAccountConsents { account: id });
        // Beside the chain, so that nobody who is sealing events keeps a key that is destroyed here.
        let changes = self.beside_the_chain(changes.write(Write::EraseSubject { account: id, at }), at).await.map_err(of_keys)?;
        Ok((changes, ways))
    }
}

fn of_keys(error: KeysError) -> AdminFault {
    AdminFault::Store(match error {
        KeysError::Store(error) => error,
        KeysError::Signer(error) => StoreError::Unavailable(error.to_string()),
    })
}
