//! Is an access token still good? One rule for userinfo, introspection and whatever else is called with one.

use std::sync::Arc;

use vestibule_domain::{
    account::{Account, Link},
    audit::Witness,
    client::Client,
    grant::Grant,
    store::StoreError,
    token::{AccessToken, Subject},
};

use crate::Gateway;

/// Why a bearer is turned away (RFC 6750 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BearerFault {
    /// No token came.
    Missing,
    /// It came in a way that is not allowed, or twice.
    Malformed(&'static str),
    /// Not ours, expired, revoked, or what it came from has ended: one answer for all.
    Invalid,
    /// Good, but not for this; the scope that is missing.
    InsufficientScope(&'static str),
    /// Nothing can be said now.
    Store(StoreError),
}

/// An access token that is good now, and who stands behind it.
#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) token: Arc<AccessToken>,
    /// Whose token it is.
    pub(crate) client: Arc<Client>,
    /// The person, and the way they came by; absent when it speaks for the client itself.
    pub(crate) person: Option<(Arc<Account>, Arc<Link>)>,
    /// What it came from; absent when it speaks for the client itself.
    pub(crate) grant: Option<Arc<Grant>>,
}

impl Gateway {
    /// The token, if it is ours, its time has not passed, nobody revoked it, and its grant, client and account still stand.
    pub(crate) async fn living(&self, witness: &Witness, text: &str) -> Result<Option<Living>, StoreError> {
        let now = witness.now;
        let token = self.signer.verify_access_token(text, now);
        let Some(token) = token.filter(|token| token.issued <= now + CLOCKS_OF_OUR_NODES && now < token.expires) else { return Ok(None) };
        let Some(client) = self.store.client(&token.client).await? else { return Ok(None) };
        if client.disabled || self.store.is_token_revoked(&token.id).await? {
            return Ok(None);
        }
        match (&token.subject, token.id.grant) {
            // A client that was deleted and made anew under its name is another one.
            (Subject::Client(_), None) => {
                Ok((client.created <= token.issued).then_some(Living { token, client, person: None, grant: None }))
            }
            (Subject::Account(id), Some(grant)) => {
                let Some(grant) = self.store.grant(&grant).await?.filter(|grant| grant.is_alive()) else { return Ok(None) };
                if !self.stands_by_others(&client, &token, &grant).await? {
                    return Ok(None);
                }
                let standing = self.standing(&client, &grant.account, &grant.link).await?;
                let person = standing.ok().filter(|(account, _)| account.name_at(&client, self.sealer.as_ref()) == *id);
                Ok(person.map(|person| Living { token, client, person: Some(person), grant: Some(grant) }))
            }
            // A person's token without a grant, or a client's with one: never made by us.
            _ => Ok(None),
        }
    }

    /// Whether everybody besides its holder whom a token leans on is there still: the apps that act by it, and, for one that was exchanged for another
    /// app's (RFC 8693), that app, its person's welcome there, and the rule that let the holder have it.
    async fn stands_by_others(&self, client: &Client, token: &AccessToken, grant: &Grant) -> Result<bool, StoreError> {
        for actor in token.actors.iter() {
            if self.store.client(actor).await?.is_none_or(|actor| actor.disabled) {
                return Ok(false);
            }
        }
        if grant.client == token.client {
            return Ok(true);
        }
        let Some(first) = self.store.client(&grant.client).await? else { return Ok(false) };
        // Deleted and made anew under its name, the holder is another client; the grant is not its own and did not end with it.
        let is_the_same = client.created <= token.issued;
        let may_have_it = is_the_same && client.may_exchange_for(&token.audiences);
        Ok(may_have_it && self.standing(&first, &grant.account, &grant.link).await?.is_ok())
    }
}

/// Nodes of one gateway may be this far apart.
const CLOCKS_OF_OUR_NODES: std::time::Duration = std::time::Duration::from_secs(10);
