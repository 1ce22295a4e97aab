//! `/introspect` (RFC 7662): what a client may know of a token it was given.

use std::sync::Arc;

use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    client::Client,
    error::OAuthError,
    grant::{Grant, Refresh},
    store::StoreError,
    time::Timestamp,
    token::AccessToken,
};

use crate::{Gateway, Presented, client_auth::unavailable, refresh_token};

/// The answer, and who asked.
#[derive(Debug)]
pub struct Introspected {
    /// What there is to know.
    pub found: Introspection,
    /// Who is told.
    pub client: Arc<Client>,
}

/// What a client is told. `Inactive` says nothing more, whatever the cause (§2.2).
#[derive(Debug)]
pub enum Introspection {
    /// Unknown, expired, revoked, foreign, or not the caller's to know.
    Inactive,
    /// A good access token.
    AccessToken(Arc<AccessToken>),
    /// A good refresh token.
    RefreshToken {
        /// Its grant.
        grant: Arc<Grant>,
        /// When it dies if it is not used.
        expires: Timestamp,
    },
}

impl Gateway {
    /// Answers a client about a token. A public client can't prove who it is, so it hears nothing (§2.1: token scanning).
    pub async fn introspect(&self, witness: &Witness, presented: &Presented, token: Option<&str>) -> Result<Introspected, OAuthError> {
        let client = self.authenticate(witness, presented).await?;
        if client.is_public() {
            return Err(OAuthError::invalid_client());
        }
        let token = token.ok_or_else(|| OAuthError::invalid_request("token is missing or came more than once"))?;
        let found = self.known_of(witness, &client, token).await.map_err(unavailable)?;
        self.seen(&AuditEvent {
            client: Some(client.id.clone()),
            detail: Some(if matches!(found, Introspection::Inactive) { "inactive" } else { "active" }.to_owned()),
            ..self.event(witness, EventName::TokenIntrospected, Outcome::Success, Actor::Client(client.id.clone()))
        });
        Ok(Introspected { found, client })
    }

    async fn known_of(&self, witness: &Witness, client: &Client, token: &str) -> Result<Introspection, StoreError> {
        if let Some((id, generation)) = refresh_token::read(token, self.sealer.as_ref()) {
            let grant = self.store.grant(&id).await?.filter(|grant| grant.client == client.id);
            let Some(grant) = grant else { return Ok(Introspection::Inactive) };
            return self.refresh_token_lives(witness, grant, generation, client).await;
        }
        let living = self.living(witness, token).await?;
        Ok(match living.filter(|living| client.may_inspect(&living.token)) {
            Some(living) => Introspection::AccessToken(living.token),
            None => Introspection::Inactive,
        })
    }

    async fn refresh_token_lives(
        &self,
        witness: &Witness,
        grant: Arc<Grant>,
        generation: u32,
        client: &Client,
    ) -> Result<Introspection, StoreError> {
        let rotates = matches!(
            grant.refresh(client, generation, witness.now, &self.settings.lifetimes),
            Ok(Refresh::Rotate { .. } | Refresh::Repeat { .. })
        );
        let standing = self.standing(client, &grant.account, &grant.link).await?;
        Ok(match (&grant.family, standing) {
            (Some(family), Ok(_)) if rotates => {
                let expires = family.idle_expires;
                Introspection::RefreshToken { grant, expires }
            }
            _ => Introspection::Inactive,
        })
    }
}
