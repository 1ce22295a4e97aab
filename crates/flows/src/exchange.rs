//! Token exchange (RFC 8693): our access token for another one of ours, or for one of the provider its person came by.

use std::sync::Arc;

use secrecy::SecretString;
use vestibule_domain::{
    account::{Account, Link},
    audit::{self, AuditEvent, EventName, Outcome, Witness},
    client::{Client, GrantType},
    error::OAuthError,
    exchange::{Exchange, ExchangeFault, Wish},
    grant::Grant,
    store::Changes,
    token::{AccessToken, Subject, TokenId},
};

use crate::{
    Gateway, TokenAsked,
    bearer::Living,
    client_auth::unavailable,
    possession::{Shown, lost},
    token::unsigned,
};

/// What came out of an exchange: an access token of ours, or an upstream's.
pub struct Exchanged {
    /// The token.
    pub access_token: SecretString,
    /// Whether it is bound to the key of the request's proof.
    pub is_bound_to_key: bool,
    /// For how many seconds it is good; an upstream need not say.
    pub expires_in: Option<u64>,
    /// Its scopes; an upstream's in the provider's own names.
    pub scope: String,
}

impl std::fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchanged").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Whose token is exchanged, and what was decided.
struct Decided {
    subject: Arc<AccessToken>,
    account: Arc<Account>,
    link: Arc<Link>,
    grant: Arc<Grant>,
    exchange: Exchange,
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// RFC 8693 §3: what it is rather than what it is for. Ours are both.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

impl Gateway {
    /// Token exchange by a client that is registered for the grant.
    pub(crate) async fn exchange(
        &self,
        witness: &Witness,
        client: &Client,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Exchanged, OAuthError> {
        check_types(asked)?;
        if is_for_an_upstreams(client, asked) {
            return self.exchange_for_upstreams(witness, client, asked, shown).await;
        }
        let Decided { subject, account, link, grant, exchange } = match self.decide_exchange(witness, client, asked, shown).await? {
            Ok(decided) => decided,
            Err(fault) => return Err(self.refuse_exchange(witness, client, fault, None).await),
        };
        // The person must be wanted where they signed in, which was looked at, and at the app that goes on with their token.
        let standing = self.standing(client, &account.id, &link.id).await.map_err(unavailable)?;
        let fault = match standing {
            Err(_) => Some(ExchangeFault::NotWelcome),
            Ok(_) if Subject::Account(account.name_at(client, self.sealer.as_ref())) != subject.subject => Some(ExchangeFault::OtherName),
            Ok(_) => None,
        };
        if let Some(fault) = fault {
            return Err(self.refuse_exchange(witness, client, fault, Some(&account)).await);
        }
        let event = AuditEvent {
            scopes: Some(exchange.scopes.clone()),
            client: Some(client.id.clone()),
            grant_type: Some(GrantType::TokenExchange),
            auth_method: Some(client.auth_method),
            audience: audit::audience(&exchange.audiences),
            acting: exchange.actors.iter().cloned().collect(),
            detail: Some(record_of(&subject, &exchange)),
            ..self.grant_event(witness, EventName::TokenExchanged, &grant)
        };
        let actor = vestibule_domain::audit::Actor::Client(client.id.clone());
        self.commit(shown.spent_with(Changes::default().event(AuditEvent { actor, ..event }))).await.map_err(lost)?;
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let scope = exchange.scopes.to_string();
        let expires_in = Some(exchange.expires.since(witness.now).as_secs());
        let token = AccessToken {
            audiences: exchange.audiences,
            client: client.id.clone(),
            scopes: exchange.scopes,
            id: TokenId { grant: Some(grant.id), random: u128::from_be_bytes(random) },
            issued: witness.now,
            expires: exchange.expires,
            actors: exchange.actors,
            may_act: exchange.may_act,
            // Bound to who has it now, never to who had the old one.
            confirmation: shown.confirmation.clone(),
            ..AccessToken::clone(&subject)
        };
        let access_token = self.signer.sign_access_token(client.access_token_alg, &token).map_err(|error| unsigned(&error))?;
        let is_bound_to_key = shown.confirmation.key.is_some();
        Ok(Exchanged { access_token: access_token.into(), is_bound_to_key, expires_in, scope })
    }

    /// Reads the tokens and lets the rules decide.
    async fn decide_exchange(
        &self,
        witness: &Witness,
        client: &Client,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Result<Decided, ExchangeFault>, OAuthError> {
        let subject = asked.subject_token.as_deref().unwrap_or_default();
        let living = self.living(witness, subject).await.map_err(unavailable)?;
        let Some(Living { token: subject, person, .. }) = living else { return Ok(Err(ExchangeFault::Subject)) };
        let actor = match asked.actor_token.as_deref() {
            Some(text) => match self.living(witness, text).await.map_err(unavailable)? {
                Some(living) => Some(living.token),
                None => return Ok(Err(ExchangeFault::Actor)),
            },
            None => None,
        };
        let wish = Wish { scope: asked.scope.as_deref(), audience: asked.audience.as_deref(), resources: &asked.resources };
        let latest = witness.now + self.settings.lifetimes.access_token;
        let exchange = match Exchange::decide(client, &subject, actor.as_deref(), wish, latest) {
            Ok(exchange) => exchange,
            Err(fault) => return Ok(Err(fault)),
        };
        // Only now: whoever may not know a token shall not learn that it is good.
        let is_proven = |token: &AccessToken| token.may_be_exchanged_by(&client.id, &shown.confirmation);
        if !is_proven(&subject) || !actor.as_deref().is_none_or(is_proven) {
            return Ok(Err(ExchangeFault::Unproven));
        }
        let grant = match subject.id.grant {
            Some(grant) => self.store.grant(&grant).await.map_err(unavailable)?,
            None => None,
        };
        // What is decided has a person and a grant; without them there is no token, whatever was decided.
        let (Some((account, link)), Some(grant)) = (person, grant) else { return Ok(Err(ExchangeFault::NoPerson)) };
        Ok(Ok(Decided { subject, account, link, grant, exchange }))
    }

    async fn refuse_exchange(&self, witness: &Witness, client: &Client, fault: ExchangeFault, account: Option<&Account>) -> OAuthError {
        let event = AuditEvent {
            reason: Some(fault.reason()),
            account: account.map(|account| account.id),
            grant_type: Some(GrantType::TokenExchange),
            ..self.token_event(witness, EventName::TokenExchangeFailed, client, Outcome::Denied)
        };
        self.record_failure(witness, event, Vec::new()).await;
        fault.to_oauth()
    }
}

/// RFC 8693 §2.1: each token comes with its type, and an actor's type only with an actor's token.
fn check_types(asked: &TokenAsked) -> Result<(), OAuthError> {
    let is_access_token = |kind: &Option<String>| kind.as_deref().is_some_and(|kind| [ACCESS_TOKEN, JWT].contains(&kind));
    if asked.subject_token.is_none() {
        return Err(OAuthError::invalid_request("subject_token is missing"));
    }
    if !is_access_token(&asked.subject_token_type) {
        return Err(OAuthError::invalid_request(format!("subject_token_type must be {ACCESS_TOKEN} or {JWT}")));
    }
    match (&asked.actor_token, &asked.actor_token_type) {
        (None, None) => {}
        (None, Some(_)) => return Err(OAuthError::invalid_request("actor_token_type came without actor_token")),
        (Some(_), kind) if is_access_token(kind) => {}
        (Some(_), _) => return Err(OAuthError::invalid_request(format!("actor_token_type must be {ACCESS_TOKEN} or {JWT}"))),
    }
    if asked.requested_token_type.as_deref().is_some_and(|wanted| wanted != ACCESS_TOKEN) {
        return Err(OAuthError::invalid_request(format!("requested_token_type must be {ACCESS_TOKEN}, or left out")));
    }
    Ok(())
}

/// Whether an upstream's token is meant: `audience` names its provider, or nothing and the client may have such tokens. A client that may have no
/// upstream's tokens never means one.
fn is_for_an_upstreams(client: &Client, asked: &TokenAsked) -> bool {
    let names_one = |audience: &str| client.upstream_tokens.iter().any(|rule| rule.provider.as_str() == audience);
    match asked.audience.as_deref() {
        _ if client.exchange_audiences.is_empty() => true,
        Some(audience) => names_one(audience),
        None => !client.upstream_tokens.is_empty() && asked.resources.is_empty(),
    }
}

/// For the audit record: whose token it was, for whom the new one is, and who acts. Every name in it is a registered one.
fn record_of(subject: &AccessToken, exchange: &Exchange) -> String {
    let actors: Vec<_> = exchange.actors.iter().map(ToString::to_string).collect();
    let acting = if actors.is_empty() { String::new() } else { format!("; acting: {}", actors.join(", for ")) };
    format!("token of {} for {}{acting}", subject.client, exchange.audiences.join(" "))
}
