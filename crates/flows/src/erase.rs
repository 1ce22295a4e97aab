//! Erasing a person, at their request: what the house knows of them goes, and what it did stays provable.

use vestibule_domain::{
    account::{Account, Profile},
    audit::{Actor, AuditEvent, EventName, Outcome, Witness, chain::ChainHead},
    consent::Consent,
    grant::{Revoked, RevokedBy},
    ids::AccountId,
    store::{Changes, Contest, StoreError, Write},
};

use crate::{AdminFault, Gateway, KeysError};

/// How often somebody else may be faster: a link of theirs changes as they sign in, and the chain of events moves on about every second.
const TRIES: u32 = 20;
/// How many consents are read at a time.
const CONSENTS_AT_ONCE: u64 = 500;

impl Gateway {
    /// Erases a person: their profile, the ways they came in by, the upstream tokens, what they allowed apps, and in the audit log from where they did
    /// what. Their sessions and grants end. The account stays, disabled and with nothing in it, so that its id, which apps know, never means
    /// anybody else; whoever comes by one of the ways again is somebody new.
    pub async fn erase_account(&self, witness: &Witness, actor: &Actor, id: &str) -> Result<(), AdminFault> {
        for _ in 0..TRIES {
            match self.commit(self.erasure(witness, actor, id).await?).await {
                Err(StoreError::Conflict(Contest::Chain | Contest::Link)) => {}
                done => return done.map_err(AdminFault::Store),
            }
        }
        Err(AdminFault::Store(StoreError::Unavailable("the audit log moved on again and again".into())))
    }

    async fn erasure(&self, witness: &Witness, actor: &Actor, id: &str) -> Result<Changes, AdminFault> {
        let account = self.account(id).await?;
        let (account, at) = (Account { profile: Profile::default(), updated: witness.now, ..account }, witness.now);
        let (id, revoked) = (account.id, Revoked { at, by: RevokedBy::Admin });
        let links = self.store.links_of(&id).await.map_err(AdminFault::Store)?;
        let consents = self.all_consents(&id).await.map_err(AdminFault::Store)?;
        let event = AuditEvent {
            account: Some(id),
            detail: Some(format!("with {} ways in", links.len())),
            ..self.event(witness, EventName::AccountErased, Outcome::Success, actor.clone())
        };
        let mut changes = Changes::default()
            .write(Write::PutAccount(account))
            .write(Write::DisableAccount { id, disabled: true })
            .write(Write::EndAccountSessions { account: id, at })
            .write(Write::RevokeAccountGrants { account: id, revoked })
            .write(Write::AnnounceEnds { account: id, at })
            .event(event);
        for link in links {
            changes = changes
                .write(Write::RemoveLink { id: link.id, account: id, leaves_another: false })
                .write(Write::DropUpstreamTokens { link: link.id });
        }
        for consent in consents {
            changes = changes.write(Write::DropConsents { account: id, client: consent.client });
        }
        // Beside the chain, so that nobody who is sealing events keeps a key that is destroyed here.
        let head = self.chain_head().await.map_err(of_keys)?;
        let (expected, next) = (Some(head.version), ChainHead { version: head.version + 1, ..head });
        Ok(changes.write(Write::EraseSubject { account: id, at }).write(Write::PutChain { head: Box::new(next), expected }))
    }

    /// What a person allowed apps, all of it.
    async fn all_consents(&self, account: &AccountId) -> Result<Vec<Consent>, StoreError> {
        let mut all: Vec<Consent> = Vec::new();
        loop {
            let after = all.last().map(|consent| (&consent.client, consent.host.as_str()));
            let page = self.store.consents_of(account, after, CONSENTS_AT_ONCE).await?;
            let more = page.len() as u64 == CONSENTS_AT_ONCE;
            all.extend(page);
            if !more {
                return Ok(all);
            }
        }
    }
}

fn of_keys(error: KeysError) -> AdminFault {
    AdminFault::Store(match error {
        KeysError::Store(error) => error,
        KeysError::Signer(error) => StoreError::Unavailable(error.to_string()),
    })
}
