//! Upstream tokens: kept sealed, kept fresh, and given to an app only under a rule that names it (RFC 8693).
//!
//! Whoever wants to refresh a set first takes a lease on the version it saw. So one alone asks the upstream, on whichever node, and one that rotates
//! its refresh tokens is never shown an old one. Everybody else waits for the version that comes of it.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    account::{Account, Link, UpstreamTokens},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::{Client, GrantType, UpstreamTokenRule},
    error::{OAuthError, OAuthErrorCode},
    grant::{Grant, Revoked, RevokedBy},
    ids::{AccountId, LinkId, ProviderId},
    ports::{RefreshUpstream, Sealer},
    provider::{Known, ProviderError, ReceivedTokens, Renewed},
    scope::Scopes,
    secret::Purpose,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
    upstream::{RefreshOutcome, TokensDue, Want},
};

use crate::{Gateway, Provider, TokenAsked, arrive::kept_claims, client_auth::unavailable};

/// An upstream's access token, for an app that may have it.
pub struct Exchanged {
    /// The token.
    pub access_token: SecretString,
    /// For how many seconds it is good, if the upstream said.
    pub expires_in: Option<u64>,
    /// Its scopes, in the provider's own names.
    pub scope: String,
}

impl std::fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchanged").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// What a round of refreshing ahead came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "one for each outcome")]
pub struct RefreshReport {
    pub refreshed: u32,
    pub denied: u32,
    pub unreachable: u32,
}

/// What is sealed of an upstream's tokens.
#[derive(Serialize, Deserialize)]
struct KeptTokens {
    access_token: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    scope: Option<String>,
}

/// Seals tokens for one link. What was sealed for another does not open.
pub(crate) fn seal(link: LinkId, tokens: &ReceivedTokens, version: i64, now: Timestamp, sealer: &dyn Sealer) -> Option<UpstreamTokens> {
    let text = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
    let kept = KeptTokens {
        access_token: text(&tokens.access_token),
        refresh_token: text(&tokens.refresh_token),
        id_token: text(&tokens.id_token),
        scope: tokens.scope.clone(),
    };
    let plain = serde_json::to_vec(&kept).ok()?;
    Some(UpstreamTokens {
        link,
        sealed: sealer.seal(Purpose::UpstreamTokens, link.0.as_bytes(), &plain),
        version,
        expires: tokens.expires,
        received: now,
        refreshable: tokens.refresh_token.is_some(),
        leased_until: None,
        used: None,
        denied: None,
        failures: 0,
        retry_after: None,
    })
}

/// Opens them; nothing if the sealing key is another.
pub(crate) fn open(tokens: &UpstreamTokens, sealer: &dyn Sealer) -> Option<ReceivedTokens> {
    let plain = sealer.open(Purpose::UpstreamTokens, tokens.link.0.as_bytes(), &tokens.sealed)?;
    let kept: KeptTokens = serde_json::from_slice(&plain).ok()?;
    Some(ReceivedTokens {
        access_token: kept.access_token.map(SecretString::from),
        refresh_token: kept.refresh_token.map(SecretString::from),
        id_token: kept.id_token.map(SecretString::from),
        expires: tokens.expires,
        scope: kept.scope,
    })
}

/// Why there is no fresh token.
#[derive(Debug)]
enum Stale {
    /// The person has to sign in at the provider again.
    Reconnect,
    /// The provider can't be asked now.
    Unreachable,
    /// Our database.
    Store(StoreError),
}

impl From<StoreError> for Stale {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How often somebody who waits for another's refresh looks whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Gateway {
    /// Token exchange: our access token for one of the provider its person came by.
    pub(crate) async fn exchange(&self, witness: &Witness, client: &Client, asked: &TokenAsked) -> Result<Exchanged, OAuthError> {
        let (account, grant, rule) = match self.exchange_asked(witness, client, asked).await? {
            Ok(found) => found,
            Err((reason, error)) => return Err(self.refuse_release(witness, client, asked, None, reason, error).await),
        };
        let refuse = |reason, error| self.refuse_release(witness, client, asked, Some(account), reason, error);
        let Some(link) = self.link_at(&grant, &rule.provider).await.map_err(unavailable)? else {
            let why = "the person has not signed in through that provider";
            return Err(refuse(Reason::Unknown, OAuthError::new(OAuthErrorCode::InvalidTarget, why)).await);
        };
        let tokens = match self.fresh(witness, &link).await {
            Ok(tokens) => tokens,
            Err(Stale::Reconnect) => {
                let why = "the provider honours the person's tokens no more, or gave none; they have to sign in through it again";
                return Err(refuse(Reason::UpstreamDenied, OAuthError::invalid_grant(why)).await);
            }
            Err(Stale::Unreachable) => return Err(refuse(Reason::UpstreamUnreachable, OAuthError::unavailable()).await),
            Err(Stale::Store(error)) => return Err(unavailable(error)),
        };
        let opened = open(&tokens, self.sealer.as_ref()).ok_or_else(OAuthError::server_error)?;
        let scope = opened.scope.clone().unwrap_or_default();
        if scope.split([' ', ',']).any(|scope| !scope.is_empty() && !rule.scopes.contains(scope)) {
            let why = "the provider granted scopes that this client's rule does not name";
            return Err(refuse(Reason::Scope, OAuthError::new(OAuthErrorCode::InvalidScope, why)).await);
        }
        let access_token = opened.access_token.ok_or_else(OAuthError::server_error)?;
        let event = AuditEvent {
            account: Some(account),
            provider: Some(rule.provider.clone()),
            grant: Some(grant.id),
            login: Some(grant.login),
            session: Some(grant.session),
            grant_type: Some(GrantType::TokenExchange),
            scopes: Scopes::parse(&scope.replace(',', " ")).ok(),
            ..self.token_event(witness, EventName::UpstreamTokenReleased, client, Outcome::Success)
        };
        // No token leaves without its record.
        let changes = Changes::default().write(Write::TouchUpstreamTokens { link: link.id, at: witness.now }).event(event);
        self.commit(changes).await.map_err(unavailable)?;
        let expires_in = tokens.expires.map(|expires| expires.since(witness.now).as_secs());
        Ok(Exchanged { access_token, expires_in, scope })
    }

    /// Whose token it is, which grant speaks for it, and the rule that lets this client have it.
    async fn exchange_asked<'c>(
        &self,
        witness: &Witness,
        client: &'c Client,
        asked: &TokenAsked,
    ) -> Result<Result<(AccountId, Arc<Grant>, &'c UpstreamTokenRule), (Reason, OAuthError)>, OAuthError> {
        const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
        let subject = asked.subject_token.as_deref().ok_or_else(|| OAuthError::invalid_request("subject_token is missing"))?;
        if asked.subject_token_type.as_deref() != Some(ACCESS_TOKEN) {
            return Err(OAuthError::invalid_request(format!("subject_token_type must be {ACCESS_TOKEN}")));
        }
        if asked.requested_token_type.as_deref().is_some_and(|wanted| wanted != ACCESS_TOKEN) {
            return Err(OAuthError::invalid_request(format!("requested_token_type must be {ACCESS_TOKEN}, or left out")));
        }
        let living = self.living(witness, subject).await.map_err(unavailable)?;
        // Another client's token is no better than none: it would let one app act as another.
        let unknown = (Reason::Unknown, OAuthError::invalid_grant("subject_token is not a good access token of this client"));
        let Some(living) = living.filter(|living| living.token.client == client.id) else { return Ok(Err(unknown)) };
        let (Some(account), Some(grant)) = (living.account, living.token.id.grant) else { return Ok(Err(unknown)) };
        let Some(grant) = self.store.grant(&grant).await.map_err(unavailable)? else { return Ok(Err(unknown)) };
        let wanted = match asked.audience.as_deref() {
            Some(name) => ProviderId::parse(name).ok(),
            None => Some(grant.provider.clone()),
        };
        let rule = client.upstream_tokens.iter().find(|rule| Some(&rule.provider) == wanted.as_ref());
        let Some(rule) = rule else {
            let why = "audience is not a provider whose tokens this client may have";
            return Ok(Err((Reason::ProviderNotAllowed, OAuthError::new(OAuthErrorCode::InvalidTarget, why))));
        };
        if let Some(scope) = asked.scope.as_deref()
            && scope.split(' ').any(|scope| !rule.scopes.contains(scope))
        {
            let why = "scope asks for more than this client's rule names";
            return Ok(Err((Reason::Scope, OAuthError::new(OAuthErrorCode::InvalidScope, why))));
        }
        Ok(Ok((account.id, grant, rule)))
    }

    async fn refuse_release(
        &self,
        witness: &Witness,
        client: &Client,
        asked: &TokenAsked,
        account: Option<AccountId>,
        reason: Reason,
        error: OAuthError,
    ) -> OAuthError {
        let event = AuditEvent {
            account,
            reason: Some(reason),
            provider: asked.audience.as_deref().and_then(|name| ProviderId::parse(name).ok()),
            grant_type: Some(GrantType::TokenExchange),
            ..self.token_event(witness, EventName::UpstreamTokenRefused, client, Outcome::Denied)
        };
        self.record_failure(witness, event, Vec::new()).await;
        error
    }

    /// The link whose tokens are meant: the one the person came by, or their latest at that provider.
    async fn link_at(&self, grant: &Grant, provider: &ProviderId) -> Result<Option<Link>, StoreError> {
        let links = self.store.links_of(&grant.account).await?;
        let mut there: Vec<_> = links.into_iter().filter(|link| link.key.provider == *provider).collect();
        there.sort_by_key(|link| (link.id == grant.link, link.seen));
        Ok(there.pop())
    }

    /// Tokens that are good now, refreshed if need be.
    async fn fresh(&self, witness: &Witness, link: &Link) -> Result<UpstreamTokens, Stale> {
        let rules = self.settings.upstream;
        loop {
            let now = self.clock().now().max(witness.now);
            let tokens = self.store.upstream_tokens(&link.id).await?.ok_or(Stale::Reconnect)?;
            match tokens.want(now, &rules) {
                Want::Give | Want::GiveStale => return Ok(tokens),
                Want::Reconnect => return Err(Stale::Reconnect),
                Want::Wait(_) => return Err(Stale::Unreachable),
                Want::Refresh => {}
            }
            if let Some(outcome) = self.refresh_once(witness, link, &tokens, now).await? {
                let is_good = tokens.expires.is_none_or(|expires| now < expires);
                match outcome {
                    RefreshOutcome::Ok => {}
                    RefreshOutcome::Denied => return Err(Stale::Reconnect),
                    RefreshOutcome::Unreachable if is_good => return Ok(tokens),
                    RefreshOutcome::Unreachable => return Err(Stale::Unreachable),
                }
            } else {
                // Somebody else refreshes them. Their lease ends whatever becomes of them, so this does too.
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Refreshes tokens of this version; nothing if somebody else is at it, or was.
    async fn refresh_once(
        &self,
        witness: &Witness,
        link: &Link,
        tokens: &UpstreamTokens,
        now: Timestamp,
    ) -> Result<Option<RefreshOutcome>, StoreError> {
        if tokens.leased_until.is_some_and(|until| now < until) {
            return Ok(None);
        }
        let providers = self.providers().await?;
        let provider = providers.find(&link.key.provider);
        let Some((provider, adapter)) = provider.and_then(|provider| Some((provider, provider.open()?))) else {
            return Ok(Some(RefreshOutcome::Denied));
        };
        let (Some(refresh), Some(opened)) = (adapter.refresh(), open(tokens, self.sealer.as_ref())) else {
            return Ok(Some(RefreshOutcome::Denied));
        };
        let rules = self.settings.upstream;
        let lease = Write::LeaseUpstreamTokens { link: link.id, expected: tokens.version, at: now, until: now + rules.lease };
        match self.commit(Changes::default().write(lease)).await {
            Ok(()) => {}
            Err(StoreError::Conflict(Contest::UpstreamTokens)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let answered = self.ask_for_new(provider, refresh, link, &opened, now).await;
        let (outcome, changes) = self.refreshed(witness, link, tokens, opened, answered).await?;
        self.observer.upstream_refreshed(&link.key.provider, outcome);
        match self.commit(changes).await {
            // A sign-in brought newer ones meanwhile: those are good, whatever became of these.
            Ok(()) | Err(StoreError::Conflict(Contest::UpstreamTokens)) => Ok(Some(outcome)),
            Err(error) => Err(error),
        }
    }

    async fn ask_for_new(
        &self,
        provider: &Provider,
        refresh: &dyn RefreshUpstream,
        link: &Link,
        opened: &ReceivedTokens,
        now: Timestamp,
    ) -> Result<Renewed, ProviderError> {
        let known = Known { issuer: &link.key.issuer, subject: &link.key.subject, claims: &link.claims };
        self.ask(provider, refresh.refresh(opened, known, now)).await
    }

    /// What follows from a refresh, decided before it is written.
    async fn refreshed(
        &self,
        witness: &Witness,
        link: &Link,
        tokens: &UpstreamTokens,
        opened: ReceivedTokens,
        answered: Result<Renewed, ProviderError>,
    ) -> Result<(RefreshOutcome, Changes), StoreError> {
        let now = self.clock().now().max(witness.now);
        let expected = tokens.version;
        let renewed = match answered {
            Ok(renewed) => renewed,
            Err(ProviderError::Denied { .. }) => {
                let changes = Changes::default().write(Write::RenewUpstreamTokens { tokens: tokens.after_denial(now), expected });
                return Ok((RefreshOutcome::Denied, self.denied(witness, changes, link, now).await?));
            }
            // Whatever else goes wrong there is no word from the provider that these tokens are worth nothing.
            Err(error) => {
                tracing::warn!(provider.id = %link.key.provider, "tokens of {} could not be refreshed: {error}", link.key.provider);
                let tokens = tokens.after_failure(now, &self.settings.upstream);
                return Ok((RefreshOutcome::Unreachable, Changes::default().write(Write::RenewUpstreamTokens { tokens, expected })));
            }
        };
        let Renewed { tokens: new, claims } = renewed;
        let kept = ReceivedTokens {
            access_token: new.access_token,
            refresh_token: new.refresh_token.or(opened.refresh_token),
            id_token: new.id_token.or(opened.id_token),
            expires: new.expires,
            scope: new.scope.or(opened.scope),
        };
        let sealed = seal(link.id, &kept, expected + 1, now, self.sealer.as_ref());
        let Some(sealed) = sealed else { return Ok((RefreshOutcome::Unreachable, Changes::default())) };
        let sealed = UpstreamTokens { used: tokens.used, ..sealed };
        let mut changes = Changes::default().write(Write::RenewUpstreamTokens { tokens: sealed, expected });
        if let Some(claims) = claims {
            changes = self.said_anew(changes, link, &claims, now).await?;
        }
        let event = AuditEvent {
            account: Some(link.account),
            provider: Some(link.key.provider.clone()),
            ..self.event(witness, EventName::UpstreamTokenRefreshed, Outcome::Success, Actor::System)
        };
        Ok((RefreshOutcome::Ok, changes.event(event)))
    }

    /// What the provider says of the person now becomes what we know.
    async fn said_anew(
        &self,
        changes: Changes,
        link: &Link,
        claims: &vestibule_domain::claims::Claims,
        now: Timestamp,
    ) -> Result<Changes, StoreError> {
        let providers = self.providers().await?;
        let Some(terms) = providers.terms(&link.key.provider) else { return Ok(changes) };
        let claims = terms.known_of(claims.clone(), Some(&link.claims));
        let profile = terms.profile_of(&claims).profile;
        let account = self.store.account(&link.account).await?;
        let changes =
            changes.write(Write::UpdateLink(Link { profile: profile.clone(), claims: kept_claims(&claims), seen: now, ..link.clone() }));
        Ok(match account {
            // The account says what the link says that was used last.
            Some(account) if account.profile == link.profile => {
                changes.write(Write::PutAccount(Account { profile, ..Account::clone(&account) }))
            }
            _ => changes,
        })
    }

    /// The provider honours the person's tokens no more; if it is configured so, their sessions end with that.
    async fn denied(&self, witness: &Witness, changes: Changes, link: &Link, now: Timestamp) -> Result<Changes, StoreError> {
        let event = |name| AuditEvent {
            account: Some(link.account),
            provider: Some(link.key.provider.clone()),
            reason: Some(Reason::UpstreamDenied),
            ..self.event(witness, name, Outcome::Failure, Actor::System)
        };
        let changes = changes.event(event(EventName::UpstreamNeedsReconnect));
        let ends = self.providers().await?.terms(&link.key.provider).is_some_and(|terms| terms.ends_sessions);
        if !ends {
            return Ok(changes);
        }
        let revoked = Revoked { at: now, by: RevokedBy::UpstreamDenied };
        Ok(changes
            .write(Write::EndLinkSessions { link: link.id, account: link.account, at: now })
            .write(Write::RevokeLinkGrants { link: link.id, account: link.account, revoked })
            .event(AuditEvent { outcome: Outcome::Success, ..event(EventName::SessionEnded) }))
    }

    /// Before an app refreshes: what the provider said of the person is asked again if it is older than its operator wants. A provider that can't be
    /// reached stops nobody; one that says no does, where sessions end with that.
    pub(crate) async fn recheck(&self, witness: &Witness, grant: &Grant) -> Result<(), OAuthError> {
        let providers = self.providers().await.map_err(unavailable)?;
        let Some(recheck) = providers.terms(&grant.provider).and_then(|terms| terms.recheck) else { return Ok(()) };
        let Some(link) = self.store.link_by_id(&grant.link).await.map_err(unavailable)? else { return Ok(()) };
        if witness.now.since(link.seen) < recheck {
            return Ok(());
        }
        let Some(tokens) = self.store.upstream_tokens(&link.id).await.map_err(unavailable)? else { return Ok(()) };
        let waits = tokens.retry_after.is_some_and(|after| witness.now < after);
        if !tokens.refreshable || tokens.denied.is_some() || waits {
            return Ok(());
        }
        match self.refresh_once(witness, &link, &tokens, witness.now).await.map_err(unavailable)? {
            Some(RefreshOutcome::Denied) if providers.terms(&grant.provider).is_some_and(|terms| terms.ends_sessions) => {
                Err(OAuthError::invalid_grant("the identity provider honours the person's sign-in no more"))
            }
            _ => Ok(()),
        }
    }

    /// Refreshes what apps use and what expires soon, before anybody has to wait for it. To be called now and then on every node, at moments that differ.
    pub async fn refresh_ahead(&self, witness: &Witness, most: u64) -> Result<RefreshReport, StoreError> {
        let rules = self.settings.upstream;
        let now = witness.now;
        let due = TokensDue { now, expire_before: now + rules.ahead, used_since: now - rules.in_use, limit: most };
        let mut report = RefreshReport::default();
        for id in self.store.upstream_tokens_due(&due).await? {
            let Some(link) = self.store.link_by_id(&id).await? else { continue };
            let Some(tokens) = self.store.upstream_tokens(&id).await? else { continue };
            match self.refresh_once(witness, &link, &tokens, self.clock().now().max(now)).await? {
                Some(RefreshOutcome::Ok) => report.refreshed += 1,
                Some(RefreshOutcome::Denied) => report.denied += 1,
                Some(RefreshOutcome::Unreachable) => report.unreachable += 1,
                None => {}
            }
        }
        Ok(report)
    }

    /// Gives an upstream's tokens back after a link was undone. The link is gone already, so what goes wrong here is only recorded.
    pub(crate) async fn give_back(&self, witness: &Witness, link: &Link, tokens: Option<&UpstreamTokens>) {
        let Some(opened) = tokens.and_then(|tokens| open(tokens, self.sealer.as_ref())) else { return };
        let Ok(providers) = self.providers().await else { return };
        let provider = providers.find(&link.key.provider);
        let Some((provider, adapter)) = provider.and_then(|provider| Some((provider, provider.open()?))) else { return };
        let Some(revocation) = adapter.revocation() else { return };
        let outcome = match self.ask(provider, revocation.revoke(&opened)).await {
            Ok(()) => Outcome::Success,
            Err(error) => {
                tracing::warn!(provider.id = %provider.id, "tokens of {} could not be given back: {error}", provider.id);
                Outcome::Failure
            }
        };
        let event = AuditEvent {
            account: Some(link.account),
            provider: Some(link.key.provider.clone()),
            reason: (outcome == Outcome::Failure).then_some(Reason::UpstreamUnreachable),
            ..self.event(witness, EventName::UpstreamTokenRevoked, outcome, Actor::System)
        };
        if let Err(error) = self.commit(Changes::default().event(event)).await {
            tracing::error!(%error, "that tokens were given back could not be recorded");
        }
    }
}
