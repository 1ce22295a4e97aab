//! `/userinfo` (OpenID Connect Core 1.0 §5.3).

use vestibule_domain::{
    account::Released,
    audit::Witness,
    client::SigningAlg,
    ids::{AccountId, ClientId},
    store::StoreError,
};

use crate::{BearerFault, Gateway, TokenShown};

/// What the token's scopes let out about its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Userinfo {
    /// The same as in the ID token.
    pub subject: AccountId,
    /// The claims.
    pub claims: Released,
    /// Whom they are for, and how that client wants them signed, if at all.
    pub client: ClientId,
    /// See [`Userinfo::client`].
    pub alg: Option<SigningAlg>,
}

impl Gateway {
    /// The claims behind an access token.
    pub async fn userinfo(&self, witness: &Witness, shown: &TokenShown) -> Result<Userinfo, BearerFault> {
        let living = self.brought(witness, shown).await?;
        let (account, link) = living.person.ok_or(BearerFault::Invalid)?;
        // Both are names of this resource: the issuer's, and its own address (RFC 9728 §2).
        let own = self.settings.url("/userinfo");
        if !living.token.audiences.iter().any(|audience| *audience == self.settings.issuer || *audience == own) {
            return Err(BearerFault::Invalid);
        }
        if !living.client.may_ask_userinfo(&living.token.scopes) {
            return Err(BearerFault::InsufficientScope("openid"));
        }
        let subject = account.name_at(&living.client, self.sealer.as_ref());
        let asked = living.grant.map(|grant| grant.claims_for(&living.client, &living.token.scopes).userinfo).unwrap_or_default();
        let claims = link.profile.released(&living.token.scopes, &asked, &living.client.release);
        Ok(Userinfo { subject, claims, client: living.client.id.clone(), alg: living.client.userinfo_alg })
    }
}

impl From<StoreError> for BearerFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
