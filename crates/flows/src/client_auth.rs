//! Who is the client? One rule for every endpoint that a client calls.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::{AuthMethod, Client},
    error::OAuthError,
    ids::ClientId,
    secret::{Digest, Purpose},
};

use crate::Gateway;

/// What a client presented to prove who it is.
#[derive(Debug, Default)]
pub struct Presented {
    /// HTTP Basic, decoded: id and secret.
    pub basic: Option<(String, SecretString)>,
    /// `client_id` of the form.
    pub client_id: Option<String>,
    /// `client_secret` of the form.
    pub client_secret: Option<SecretString>,
}

impl Gateway {
    /// The client that presented this, or one error for every way it can be wrong (OAuth 2.1 §2.4). Nobody learns which clients exist.
    pub(crate) async fn authenticate(&self, witness: &Witness, presented: &Presented) -> Result<Arc<Client>, OAuthError> {
        let (id, method, secret) = presented.method()?;
        let id = ClientId::parse(id).map_err(|_| OAuthError::invalid_client())?;
        let ip = witness.source.ip;
        let client = self.store.client(&id).await.map_err(unavailable)?;
        let place = place_of(client.as_deref());
        if let Some(seconds) = self.secret_failures.wait(ip, place, witness.now) {
            return Err(OAuthError::slow_down(seconds));
        }
        match self.holds(client.as_deref(), method, secret, witness) {
            Ok(()) => {
                self.secret_failures.succeeded(ip, place);
                client.ok_or_else(OAuthError::invalid_client)
            }
            Err(reason) => {
                self.record_auth_failure(witness, client.as_deref(), method, reason).await;
                Err(OAuthError::invalid_client())
            }
        }
    }

    /// Whether the proof is good.
    fn holds(&self, client: Option<&Client>, method: AuthMethod, secret: &[u8], witness: &Witness) -> Result<(), Reason> {
        let nobody = [Digest([0; 32])];
        let alive: Vec<Digest> = client.map_or_else(
            || nobody.to_vec(),
            |client| client.secrets.iter().filter(|kept| kept.is_alive(witness.now)).map(|kept| kept.digest).collect(),
        );
        let matches = alive.iter().filter(|digest| self.sealer.tag_matches(Purpose::ClientSecret, secret, digest)).count() > 0;
        match client {
            None => Err(Reason::Unknown),
            Some(client) if client.disabled => Err(Reason::ClientDisabled),
            Some(client) if client.auth_method != method => Err(Reason::WrongMethod),
            Some(client) if client.is_public() || matches => Ok(()),
            Some(_) => Err(Reason::BadSecret),
        }
    }

    async fn record_auth_failure(&self, witness: &Witness, client: Option<&Client>, method: AuthMethod, reason: Reason) {
        let known = client.map(|client| client.id.clone());
        let event = AuditEvent {
            reason: Some(reason),
            client: known.clone(),
            auth_method: Some(method),
            ..self.event(witness, EventName::ClientAuthFailed, Outcome::Failure, Actor::Anonymous)
        };
        let reached_the_limit = self.secret_failures.count(witness.source.ip, place_of(client), witness.now);
        match known {
            Some(_) => self.record_failure(witness, event, Vec::new()).await,
            None => self.seen(&event),
        }
        if reached_the_limit {
            let event = AuditEvent {
                reason: Some(Reason::ClientRate),
                client: client.map(|client| client.id.clone()),
                ..self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous)
            };
            self.record_failure(witness, event, Vec::new()).await;
        }
    }
}

/// Where failures are counted: under the client's name, or together for all names that are nobody's.
fn place_of(client: Option<&Client>) -> &str {
    client.map_or("", |client| client.id.as_str())
}

impl Presented {
    /// The one method used (OAuth 2.1 §2.4: not two in one request).
    fn method(&self) -> Result<(&str, AuthMethod, &[u8]), OAuthError> {
        match (&self.basic, &self.client_id, &self.client_secret) {
            (Some(_), _, Some(_)) => Err(OAuthError::invalid_request("the client authenticated in two ways at once")),
            (Some((basic, _)), Some(id), None) if basic != id => {
                Err(OAuthError::invalid_request("client_id in the form is not the one of the Authorization header"))
            }
            (Some((id, secret)), _, None) => Ok((id, AuthMethod::ClientSecretBasic, secret.expose_secret().as_bytes())),
            (None, Some(id), Some(secret)) => Ok((id, AuthMethod::ClientSecretPost, secret.expose_secret().as_bytes())),
            (None, Some(id), None) => Ok((id, AuthMethod::None, b"")),
            (None, None, _) => Err(OAuthError::invalid_client()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it stands in map_err by its name")]
/// A database that can't be used is our fault and passes; the log has the rest.
pub(crate) fn unavailable(error: vestibule_domain::store::StoreError) -> OAuthError {
    tracing::error!(%error, "the database can't be used");
    OAuthError::unavailable()
}
