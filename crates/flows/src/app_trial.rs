//! What an app would get, tried by an operator with a sign-in of their own: a real one, as the app's settings are, but for the code.

use std::collections::BTreeSet;

use vestibule_domain::{
    account::Released,
    attempt::Errand,
    audit::Witness,
    authorize::AuthorizationRequest,
    client::Client,
    consent,
    ids::{AccountId, ProviderId},
    policy::Refusal,
    store::StoreError,
};

use crate::{Authorized, Fault, Gateway, Halt};

/// What an app would get of whoever is signed in in this browser.
#[derive(Clone, Debug)]
pub struct TriedApp {
    /// Through which provider they came.
    pub provider: ProviderId,
    /// Whether they would be let in.
    pub verdict: Result<(), Refusal>,
    /// What the app would know them as.
    pub subject: AccountId,
    /// What it would be told, with all the scopes that it may have.
    pub claims: Released,
    /// Whether they would be asked for consent first, whatever they allowed before.
    pub asks_consent: bool,
}

impl Gateway {
    /// Sends an operator to sign in to an app. Whoever may not come in there sees what its people would see.
    pub async fn begin_app_trial(&self, witness: &Witness, client: &Client) -> Result<Authorized, Halt> {
        self.begin(witness, client, self.new_attempt(witness, plain_request(client)?, Errand::Tried)).await
    }

    /// What the session of this browser would mean at an app; nothing when nobody is signed in.
    pub async fn tried_app(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        client: &Client,
    ) -> Result<Option<TriedApp>, StoreError> {
        let Some(session) = self.session_of(witness, session_cookie).await? else { return Ok(None) };
        let (Some(account), Some(link)) = (self.store.account(&session.account).await?, self.store.link_by_id(&session.link).await?) else {
            return Ok(None);
        };
        Ok(Some(TriedApp {
            verdict: self.standing(client, &session.account, &session.link).await?.map(drop),
            subject: account.name_at(client, self.sealer.as_ref()),
            claims: link.profile.released(&client.scopes, &BTreeSet::new(), &client.release),
            asks_consent: plain_request(client).is_ok_and(|request| consent::is_needed(client, &request, &[])),
            provider: session.provider.clone(),
        }))
    }
}

/// What an app asks for that asks for all it may have, and nothing unusual.
fn plain_request(client: &Client) -> Result<AuthorizationRequest, Fault> {
    let redirect_uri = client.redirect_uris.first().ok_or(Fault::ClientGone)?.exactly();
    Ok(AuthorizationRequest::plain(client.id.clone(), redirect_uri, client.scopes.clone()))
}
