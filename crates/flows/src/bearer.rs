//! Is an access token still good? One rule for userinfo, introspection and whatever else is called with one.

use std::sync::Arc;

use vestibule_domain::{
    account::{Account, Link},
    audit::Witness,
    client::Client,
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
            (Subject::Client(_), None) => Ok((client.created <= token.issued).then_some(Living { token, client, person: None })),
            (Subject::Account(id), Some(grant)) => {
                let Some(grant) = self.store.grant(&grant).await?.filter(|grant| grant.is_alive()) else { return Ok(None) };
                if grant.client != token.client {
                    return Ok(None);
                }
                let standing = self.standing(&client, &grant.account, &grant.link).await?;
                let person = standing.ok().filter(|(account, _)| account.name_at(&client, self.sealer.as_ref()) == *id);
                Ok(person.map(|person| Living { token, client, person: Some(person) }))
            }
            // A person's token without a grant, or a client's with one: never made by us.
            _ => Ok(None),
        }
    }

    /// Whether a client may hear about a token: its own, or one that is for it (RFC 7662 §4: no oracle for others').
    pub(crate) fn may_inspect(client: &Client, token: &AccessToken) -> bool {
        token.client == client.id || client.is_among(&token.audiences)
    }
}

/// Nodes of one gateway may be this far apart.
const CLOCKS_OF_OUR_NODES: std::time::Duration = std::time::Duration::from_secs(10);
