//! `/revoke` (RFC 7009).

use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Witness},
    client::Client,
    error::OAuthError,
    grant::RevokedBy,
    store::{Changes, StoreError, Write},
};

use crate::{Gateway, Presented, client_auth::unavailable, refresh_token};

impl Gateway {
    /// Ends a token of the calling client. One that is unknown or another's leaves no trace and no sign (§2.2): no oracle.
    ///
    /// A refresh token takes its whole grant along, access tokens included (§2.1); an access token goes alone.
    pub async fn revoke(&self, witness: &Witness, presented: &Presented, token: Option<&str>) -> Result<(), OAuthError> {
        let client = self.authenticate(witness, presented).await?;
        let token = token.ok_or_else(|| OAuthError::invalid_request("token is missing or came more than once"))?;
        self.revoke_own(witness, &client, token).await.map_err(unavailable)
    }

    async fn revoke_own(&self, witness: &Witness, client: &Client, token: &str) -> Result<(), StoreError> {
        if let Some((id, _)) = refresh_token::read(token, self.sealer.as_ref()) {
            let grant = self.store.grant(&id).await?.filter(|grant| grant.client == client.id && grant.is_alive());
            let Some(grant) = grant else { return Ok(()) };
            let event = self.grant_event(witness, EventName::TokenRevoked, &grant);
            return self.revoke_grant(id, RevokedBy::Client, witness.now, event).await;
        }
        let Some(living) = self.living(witness, token).await?.filter(|living| living.token.client == client.id) else { return Ok(()) };
        let event = AuditEvent {
            account: living.person.map(|(account, _)| account.id),
            grant: living.token.id.grant,
            ..self.token_event(witness, EventName::TokenRevoked, client, Outcome::Success)
        };
        self.commit(Changes::default().write(Write::RevokeToken { id: living.token.id, expires: living.token.expires }).event(event)).await
    }
}
