//! The admin API's use cases about people: who they are, the ways they come in, and turning them away.

use std::fmt::Display;

use serde_json::{Value, json};
use vestibule_domain::{
    account::{Account, Link},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    change::Change,
    consent::Consent,
    email::EmailAddress,
    grant::{Revoked, RevokedBy},
    ids::{AccountId, ClientId, LinkId},
    registration::escaped,
    store::{Changes, StoreError, Write},
};

use crate::{AdminFault, Gateway};

impl Gateway {
    /// Accounts in the order of their ids, at most `limit` after `after`.
    pub async fn accounts(&self, after: Option<&str>, limit: u64) -> Result<Vec<Account>, AdminFault> {
        let after = after.map(str::parse::<AccountId>).transpose().map_err(|_| AdminFault::at("/after", "must be the id of an account"))?;
        self.store.accounts(after.as_ref(), limit).await.map_err(AdminFault::Store)
    }

    /// Accounts that a text leads to, at most `limit`: an id, an address that a provider vouches for, or how a name begins.
    pub async fn find_accounts(&self, text: &str, limit: u64) -> Result<Vec<Account>, AdminFault> {
        let text = text.trim();
        if text.parse::<AccountId>().is_ok() {
            return match self.account(text).await {
                Ok(account) => Ok(vec![account]),
                Err(AdminFault::NotFound) => Ok(Vec::new()),
                Err(fault) => Err(fault),
            };
        }
        if let Some(email) = EmailAddress::parse(text) {
            let links = self.store.links_by_verified_email(&email).await.map_err(AdminFault::Store)?;
            let mut found: Vec<Account> = Vec::new();
            for link in links {
                if found.len() < usize::try_from(limit).unwrap_or(usize::MAX)
                    && found.iter().all(|account| account.id != link.account)
                    && let Some(account) = self.store.account(&link.account).await.map_err(AdminFault::Store)?
                {
                    found.push((*account).clone());
                }
            }
            return Ok(found);
        }
        self.store.accounts_named(text, limit).await.map_err(AdminFault::Store)
    }

    /// One account.
    pub async fn account(&self, id: &str) -> Result<Account, AdminFault> {
        let id: AccountId = id.parse().map_err(|_| AdminFault::NotFound)?;
        let account = self.store.account(&id).await.map_err(AdminFault::Store)?.ok_or(AdminFault::NotFound)?;
        Ok((*account).clone())
    }

    /// The ways into an account, oldest first.
    pub async fn links(&self, account: &str) -> Result<Vec<Link>, AdminFault> {
        let account = self.account(account).await?;
        self.store.links_of(&account.id).await.map_err(AdminFault::Store)
    }

    /// What somebody allowed apps, by app and host, at most `limit` after `after`: the [place](Consent::place) of one.
    pub async fn consents(&self, account: &str, after: Option<&str>, limit: u64) -> Result<Vec<Consent>, AdminFault> {
        let account = self.account(account).await?;
        let read = |text: &str| {
            let (client, host) = text.split_once(' ')?;
            Some((ClientId::parse(client).ok()?, host.to_owned()))
        };
        let unread = || AdminFault::at("/after", "must be a client's id, a space and a host");
        let after = after.map(|text| read(text).ok_or_else(unread)).transpose()?;
        let after = after.as_ref().map(|(client, host)| (client, host.as_str()));
        self.store.consents_of(&account.id, after, limit).await.map_err(AdminFault::Store)
    }

    /// Forgets what somebody allowed an app: they are asked again. What it was given stands until that is ended.
    pub async fn forget_consents(&self, witness: &Witness, actor: &Actor, account: &str, client: &str) -> Result<(), AdminFault> {
        let client = ClientId::parse(client).map_err(|_| AdminFault::NotFound)?;
        let account = self.account(account).await?;
        if self.store.consents(&account.id, &client).await.map_err(AdminFault::Store)?.is_empty() {
            return Err(AdminFault::NotFound);
        }
        let event = AuditEvent {
            account: Some(account.id),
            client: Some(client.clone()),
            change: gone("consents", &client, json!({ "client_id": client })),
            ..self.event(witness, EventName::ConsentRevoked, Outcome::Success, actor.clone())
        };
        let changes = Changes::default().write(Write::DropConsents { account: account.id, client }).event(event);
        self.commit(changes).await.map_err(AdminFault::Store)
    }

    /// Turns somebody away, or lets them in again. Turning away ends their sessions and whatever was given in them, at once and on every node; what was
    /// ended stays so when they are let in again.
    pub async fn disable_account(&self, witness: &Witness, actor: &Actor, id: &str, disabled: bool) -> Result<Account, AdminFault> {
        let account = self.account(id).await?;
        if account.disabled == disabled {
            return Ok(account);
        }
        let name = if disabled { EventName::AccountDisabled } else { EventName::AccountEnabled };
        let change = vec![Change { pointer: "/disabled".into(), before: Some(account.disabled.into()), after: Some(disabled.into()) }];
        let event = AuditEvent { account: Some(account.id), change, ..self.event(witness, name, Outcome::Success, actor.clone()) };
        let mut changes = Changes::default().write(Write::DisableAccount { id: account.id, disabled }).event(event);
        if disabled {
            changes = self.turned_out(changes, witness, account.id, actor).await.map_err(AdminFault::Store)?;
        }
        self.commit(changes).await.map_err(AdminFault::Store)?;
        Ok(Account { disabled, ..account })
    }

    /// Undoes a way into an account, the last one too: then nobody comes in by it until an address leads there again.
    pub async fn undo_link(&self, witness: &Witness, actor: &Actor, account: &str, link: &str) -> Result<(), AdminFault> {
        let id: LinkId = link.parse().map_err(|_| AdminFault::NotFound)?;
        let account = self.account(account).await?;
        let link = self.store.link_by_id(&id).await.map_err(AdminFault::Store)?.filter(|link| link.account == account.id);
        let link = link.ok_or(AdminFault::NotFound)?;
        let event = AuditEvent {
            account: Some(link.account),
            provider: Some(link.key.provider.clone()),
            // Nothing that the provider knows the person by: what is in the chain outlasts them.
            change: gone("links", &link.id, json!({ "provider": link.key.provider })),
            ..self.event(witness, EventName::IdentityUnlinked, Outcome::Success, actor.clone())
        };
        self.unlink(witness, &link, event, false).await.map(drop).map_err(AdminFault::Store)
    }

    /// Nothing that an account was given works from now on, on any node, and the apps of its sessions are told.
    pub(crate) async fn turned_out(
        &self,
        changes: Changes,
        witness: &Witness,
        account: AccountId,
        actor: &Actor,
    ) -> Result<Changes, StoreError> {
        let at = witness.now;
        let changes = changes
            .write(Write::EndAccountSessions { account, at })
            .write(Write::RevokeAccountGrants { account, revoked: Revoked { at, by: RevokedBy::Admin } })
            .write(Write::AnnounceEnds { account, at });
        let ended = self.session_ends(witness, account, None, actor, Reason::AccountDisabled).await?;
        Ok(ended.into_iter().fold(changes, Changes::event))
    }
}

/// That something of an account is there no more.
pub(crate) fn gone(kind: &str, id: &impl Display, was: Value) -> Vec<Change> {
    vec![Change { pointer: format!("/{kind}/{}", escaped(&id.to_string())), before: Some(was), after: None }]
}
