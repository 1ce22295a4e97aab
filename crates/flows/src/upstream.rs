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
    claims::Claims,
    client::{Client, GrantType, UpstreamTokenRule},
    error::{OAuthError, OAuthErrorCode},
    grant::{Grant, Revoked, RevokedBy},
    ids::{AccountId, LinkId, ProviderId},
    policy::{self, Refusal},
    ports::{IdentityProvider, Sealer},
    provider::{Known, Phase, ProviderError, ProviderTerms, ReceivedTokens, Renewed},
    scope::Scopes,
    secret::Purpose,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
    upstream::{RefreshOutcome, TokensDue, Want},
};

use crate::{
    Exchanged, Gateway, Provider, TokenAsked,
    arrive::kept_claims,
    client_auth::unavailable,
    possession::{Shown, lost},
};

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

/// What became of a wish to refresh.
enum Attempted {
    /// The provider was asked.
    Done(RefreshOutcome),
    /// Somebody else is asking it, or has.
    Busy,
    /// It can't be asked: disabled, gone, without such a thing, or its tokens don't open.
    Impossible,
}

/// Everything a refresh needs, read before the provider is asked.
struct Held {
    witness: Witness,
    provider: Arc<Provider>,
    adapter: Arc<dyn IdentityProvider>,
    account: Arc<Account>,
    link: Link,
    tokens: UpstreamTokens,
    opened: ReceivedTokens,
}

/// What the provider says of the person now becomes what we know.
fn said_anew(changes: Changes, held: &Held, terms: &ProviderTerms, claims: &Claims, now: Timestamp) -> Changes {
    let Held { link, account, .. } = held;
    let claims = terms.known_of(claims.clone(), Some(&link.claims));
    let profile = terms.profile_of(&claims).profile;
    // The account says what the link says that was used last.
    let shown = account.profile == link.profile;
    let told = Link { profile: profile.clone(), claims: kept_claims(&claims), seen: now.max(link.seen), ..link.clone() };
    let changes = changes.write(Write::UpdateLink(told));
    if shown { changes.write(Write::PutAccount(Account { profile, ..Account::clone(account) })) } else { changes }
}

/// How often somebody who waits for another's refresh looks whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Gateway {
    /// Our access token for one of the provider its person came by. Types of tokens were looked at.
    pub(crate) async fn exchange_for_upstreams(
        &self,
        witness: &Witness,
        client: &Client,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Exchanged, OAuthError> {
        let (account, grant, rule) = match self.exchange_asked(witness, client, asked, shown).await? {
            Ok(found) => found,
            Err((reason, error)) => return Err(self.refuse_release(witness, client, asked, None, reason, error).await),
        };
        let refuse = |reason, error| self.refuse_release(witness, client, asked, Some(account.id), reason, error);
        let Some(link) = self.link_at(&grant, &rule.provider).await.map_err(unavailable)? else {
            let why = "the person has not signed in through that provider";
            return Err(refuse(Reason::Unknown, OAuthError::new(OAuthErrorCode::InvalidTarget, why)).await);
        };
        if let Err(refusal) = self.may_release(client, &account, &link).await.map_err(unavailable)? {
            let fault = crate::Fault::from(refusal);
            let why = "a rule here does not give that provider's token for this person";
            return Err(refuse(fault.reason(), OAuthError::new(OAuthErrorCode::InvalidTarget, why)).await);
        }
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
        // A token that nobody knows the scopes of is not given out: it may do anything.
        let is_named = opened.scope.is_some() && scope.split([' ', ',']).all(|scope| scope.is_empty() || rule.scopes.contains(scope));
        if !is_named {
            let why = "the provider granted scopes that this client's rule does not name";
            return Err(refuse(Reason::Scope, OAuthError::new(OAuthErrorCode::InvalidScope, why)).await);
        }
        let access_token = opened.access_token.ok_or_else(OAuthError::server_error)?;
        let event = AuditEvent {
            account: Some(account.id),
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
        self.commit(shown.spent_with(changes)).await.map_err(lost)?;
        let expires_in = tokens.expires.map(|expires| expires.since(witness.now).as_secs());
        Ok(Exchanged { access_token, is_bound_to_key: false, expires_in, scope })
    }

    /// Whose token it is, which grant speaks for it, and the rule that lets this client have it.
    async fn exchange_asked<'c>(
        &self,
        witness: &Witness,
        client: &'c Client,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Result<(Arc<Account>, Arc<Grant>, &'c UpstreamTokenRule), (Reason, OAuthError)>, OAuthError> {
        if asked.actor_token.is_some() {
            return Err(OAuthError::invalid_request("actor_token is not for an upstream's token, which says nothing of actors"));
        }
        let subject = asked.subject_token.as_deref().unwrap_or_default();
        let living = self.living(witness, subject).await.map_err(unavailable)?;
        // Another client's token is no better than none: it would let one app act as another. RFC 8693 §2.2.2 says which error it is.
        let unknown = (Reason::Unknown, OAuthError::invalid_request("subject_token is not a good access token of this client"));
        let Some(living) = living.filter(|living| living.token.client == client.id) else { return Ok(Err(unknown)) };
        if !living.token.confirmation.is_met_by(&shown.confirmation) {
            let why = "subject_token is bound to a key or certificate that was not shown";
            return Ok(Err((Reason::Proof, OAuthError::invalid_request(why))));
        }
        let (Some((account, _)), Some(grant)) = (living.person, living.token.id.grant) else { return Ok(Err(unknown)) };
        // Nor is one that was exchanged for another client's: its person never signed in to this one.
        let grant = self.store.grant(&grant).await.map_err(unavailable)?.filter(|grant| grant.client == client.id);
        let Some(grant) = grant else { return Ok(Err(unknown)) };
        if !asked.resources.is_empty() {
            let why = "an upstream's token is named by audience, not by resource";
            return Ok(Err((Reason::Resource, OAuthError::new(OAuthErrorCode::InvalidTarget, why))));
        }
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
        Ok(Ok((account, grant, rule)))
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

    /// Whether what a person brought by this link may be given out now: they are wanted here by it, whichever way they came, and its provider's tokens are
    /// kept.
    async fn may_release(&self, client: &Client, account: &Account, link: &Link) -> Result<Result<(), Refusal>, StoreError> {
        let providers = self.providers().await?;
        let terms = providers.terms(&link.key.provider).filter(|terms| terms.keeps_tokens);
        Ok(policy::stands(client, account, link, terms))
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
        // Whoever waits for another's refresh waits no longer than that may take.
        let looks = rules.lease.as_millis() / LOOK_EVERY.as_millis().max(1) + 1;
        for _ in 0..looks {
            let now = self.clock().now().max(witness.now);
            let tokens = self.store.upstream_tokens(&link.id).await?.ok_or(Stale::Reconnect)?;
            match tokens.want(now, &rules) {
                Want::Give | Want::GiveStale => return Ok(tokens),
                Want::Reconnect => return Err(Stale::Reconnect),
                Want::Wait(_) => return Err(Stale::Unreachable),
                Want::Refresh => {}
            }
            match self.refresh_once(witness, link, &tokens, now).await? {
                // Somebody else refreshes them.
                Attempted::Busy => tokio::time::sleep(LOOK_EVERY).await,
                Attempted::Impossible | Attempted::Done(RefreshOutcome::Unreachable) if tokens.is_good(now) => return Ok(tokens),
                Attempted::Impossible | Attempted::Done(RefreshOutcome::Denied) => return Err(Stale::Reconnect),
                Attempted::Done(RefreshOutcome::Unreachable) => return Err(Stale::Unreachable),
                // However short they live: asking again would bring no longer ones.
                Attempted::Done(RefreshOutcome::Ok) => {
                    let new = self.store.upstream_tokens(&link.id).await?.ok_or(Stale::Reconnect)?;
                    return if new.is_good(now) { Ok(new) } else { Err(Stale::Unreachable) };
                }
            }
        }
        Err(Stale::Unreachable)
    }

    /// Refreshes tokens of this version, unless somebody else is at it, or was.
    async fn refresh_once(&self, witness: &Witness, link: &Link, tokens: &UpstreamTokens, now: Timestamp) -> Result<Attempted, StoreError> {
        if tokens.leased_until.is_some_and(|until| now < until) {
            return Ok(Attempted::Busy);
        }
        let providers = self.providers().await?;
        let account = self.store.account(&link.account).await?;
        let provider = providers.find(&link.key.provider).filter(|provider| provider.terms().is_some_and(|terms| terms.keeps_tokens));
        let able = provider
            .and_then(|provider| Some((provider.clone(), provider.open()?.clone())))
            .filter(|(_, adapter)| adapter.refresh().is_some());
        let (Some((provider, adapter)), Some(opened), Some(account)) = (able, open(tokens, self.sealer.as_ref()), account) else {
            return Ok(Attempted::Impossible);
        };
        let rules = self.settings.upstream;
        let lease = Write::LeaseUpstreamTokens { link: link.id, expected: tokens.version, at: now, until: now + rules.lease };
        match self.commit(Changes::default().write(lease)).await {
            Ok(()) => {}
            Err(StoreError::Conflict(Contest::UpstreamTokens)) => return Ok(Attempted::Busy),
            Err(error) => return Err(error),
        }
        let held = Held { witness: witness.clone(), provider, adapter, account, link: link.clone(), tokens: tokens.clone(), opened };
        // On its own: a provider that rotates its refresh tokens has spent the old one as soon as it answers, so an app that hangs up must not keep the
        // new one from being written down.
        let gateway = self.clone();
        let done = tokio::spawn(async move { gateway.refresh_held(held).await });
        done.await.map_err(|_| StoreError::Unavailable("a refresh ended before its time".into()))?.map(Attempted::Done)
    }

    /// From the lease to the commit. Nothing is read in between, but for whose sessions end with a no: what the provider gives must be written down whatever
    /// else fails.
    async fn refresh_held(&self, held: Held) -> Result<RefreshOutcome, StoreError> {
        let Held { witness, provider, adapter, link, opened, .. } = &held;
        let rules = self.settings.upstream;
        let now = self.clock().now().max(witness.now);
        let until = now + rules.lease;
        let known = Known { issuer: &link.key.issuer, subject: &link.key.subject, claims: &link.claims };
        let asked = async {
            let late = || ProviderError::Unreachable { phase: Phase::Refresh, status: None, detail: "not within the lease".into() };
            match adapter.refresh() {
                Some(refresh) => {
                    tokio::time::timeout(rules.lease, refresh.refresh(opened, known, now)).await.unwrap_or_else(|_| Err(late()))
                }
                None => Err(late()),
            }
        };
        let answered = self.ask(provider, asked).await;
        let terms = adapter.terms();
        let ended = if terms.ends_sessions && matches!(answered, Err(ProviderError::Denied { .. })) {
            self.ended_by_denial(&held, until).await?
        } else {
            Vec::new()
        };
        let (outcome, mut changes) = self.refreshed(&held, terms, answered, ended);
        self.observer.upstream_refreshed(&link.key.provider, outcome);
        loop {
            let written = match self.commit(changes.clone()).await {
                Ok(()) => return Ok(outcome),
                // A sign-in put other tokens there meanwhile, or the link is gone.
                Err(StoreError::Conflict(_)) => self.over_others(&held, outcome, &changes).await,
                Err(error) => Err(error),
            };
            match written {
                Ok(Some(over)) => changes = over,
                Ok(None) => return Ok(outcome),
                Err(error) if self.clock().now() >= until => return Err(error),
                Err(_) => tokio::time::sleep(LOOK_EVERY * 4).await,
            }
        }
    }

    /// The ends of the sessions that end with a provider's no: asked for again, where the database is away, for as long as the lease goes.
    async fn ended_by_denial(&self, held: &Held, until: Timestamp) -> Result<Vec<AuditEvent>, StoreError> {
        let Held { witness, link, .. } = held;
        loop {
            match self.session_ends(witness, link.account, Some(link.id), &Actor::System, Reason::UpstreamDenied).await {
                Ok(ended) => return Ok(ended),
                Err(error) if self.clock().now() >= until => return Err(error),
                Err(_) => tokio::time::sleep(LOOK_EVERY * 4).await,
            }
        }
    }

    /// Ours over those that were put there meanwhile, where they carry the very refresh token that this refresh has spent: it is worth nothing now.
    async fn over_others(&self, held: &Held, outcome: RefreshOutcome, changes: &Changes) -> Result<Option<Changes>, StoreError> {
        let spent = |tokens: &ReceivedTokens| tokens.refresh_token.as_ref().map(|token| token.expose_secret().to_owned());
        if outcome != RefreshOutcome::Ok {
            return Ok(None);
        }
        let Some(there) = self.store.upstream_tokens(&held.link.id).await? else { return Ok(None) };
        let carried = open(&there, self.sealer.as_ref()).and_then(|opened| spent(&opened));
        let ours = changes.writes.iter().find_map(|write| match write {
            Write::RenewUpstreamTokens { tokens, .. } => Some(tokens.clone()),
            _ => None,
        });
        let Some(ours) = ours.filter(|_| carried.is_some() && carried == spent(&held.opened)) else {
            return Ok(None);
        };
        let tokens = UpstreamTokens { version: there.version + 1, ..ours };
        Ok(Some(Changes { writes: vec![Write::RenewUpstreamTokens { tokens, expected: there.version }], events: changes.events.clone() }))
    }

    /// What follows from a refresh, decided before it is written; and what is to be said of sessions that end with it.
    fn refreshed(
        &self,
        held: &Held,
        terms: &ProviderTerms,
        answered: Result<Renewed, ProviderError>,
        ended: Vec<AuditEvent>,
    ) -> (RefreshOutcome, Changes) {
        let Held { witness, link, tokens, opened, .. } = held;
        let now = self.clock().now().max(witness.now);
        let expected = tokens.version;
        let renewed = match answered {
            Ok(renewed) => renewed,
            Err(ProviderError::Denied { .. }) => {
                let changes = Changes::default().write(Write::RenewUpstreamTokens { tokens: tokens.after_denial(now), expected });
                let changes = self.denied(witness, changes, link, terms, now);
                return (RefreshOutcome::Denied, ended.into_iter().fold(changes, Changes::event));
            }
            // Whatever else goes wrong there is no word from the provider that these tokens are worth nothing.
            Err(error) => {
                tracing::warn!(provider.id = %link.key.provider, "tokens of {} could not be refreshed: {error}", link.key.provider);
                let tokens = tokens.after_failure(now, &self.settings.upstream);
                return (RefreshOutcome::Unreachable, Changes::default().write(Write::RenewUpstreamTokens { tokens, expected }));
            }
        };
        let Renewed { tokens: new, claims } = renewed;
        let kept = ReceivedTokens {
            access_token: new.access_token,
            refresh_token: new.refresh_token.or_else(|| opened.refresh_token.clone()),
            id_token: new.id_token.or_else(|| opened.id_token.clone()),
            expires: new.expires,
            scope: new.scope.or_else(|| opened.scope.clone()),
        };
        let Some(sealed) = seal(link.id, &kept, expected + 1, now, self.sealer.as_ref()) else {
            return (RefreshOutcome::Unreachable, Changes::default());
        };
        let sealed = UpstreamTokens { used: tokens.used, ..sealed };
        let mut changes = Changes::default().write(Write::RenewUpstreamTokens { tokens: sealed, expected });
        if let Some(claims) = claims {
            changes = said_anew(changes, held, terms, &claims, now);
        }
        let event = AuditEvent {
            account: Some(link.account),
            provider: Some(link.key.provider.clone()),
            ..self.event(witness, EventName::UpstreamTokenRefreshed, Outcome::Success, Actor::System)
        };
        (RefreshOutcome::Ok, changes.event(event))
    }

    /// The provider honours the person's tokens no more; if it is configured so, their sessions end with that.
    fn denied(&self, witness: &Witness, changes: Changes, link: &Link, terms: &ProviderTerms, now: Timestamp) -> Changes {
        let changes = changes.event(AuditEvent {
            account: Some(link.account),
            provider: Some(link.key.provider.clone()),
            reason: Some(Reason::UpstreamDenied),
            ..self.event(witness, EventName::UpstreamNeedsReconnect, Outcome::Failure, Actor::System)
        });
        if !terms.ends_sessions {
            return changes;
        }
        let revoked = Revoked { at: now, by: RevokedBy::UpstreamDenied };
        changes
            .write(Write::EndLinkSessions { link: link.id, account: link.account, at: now })
            .write(Write::RevokeLinkGrants { link: link.id, account: link.account, revoked })
            .write(Write::AnnounceEnds { account: link.account, at: now })
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
        // A refresh that brought no claims was an answer too.
        if witness.now.since(tokens.received) < recheck {
            return Ok(());
        }
        let waits = tokens.retry_after.is_some_and(|after| witness.now < after);
        if !tokens.refreshable || tokens.denied.is_some() || waits {
            return Ok(());
        }
        match self.refresh_once(witness, &link, &tokens, witness.now).await.map_err(unavailable)? {
            Attempted::Done(RefreshOutcome::Denied) if providers.terms(&grant.provider).is_some_and(|terms| terms.ends_sessions) => {
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
            let Some(tokens) = self.store.upstream_tokens(&id).await? else { continue };
            let Some(link) = self.store.link_by_id(&id).await? else {
                // What is left of a link that was undone while somebody signed in by it.
                self.commit(Changes::default().write(Write::DropUpstreamTokens { link: id })).await?;
                continue;
            };
            let now = self.clock().now().max(now);
            if !tokens.wants_refresh_ahead(now) {
                continue;
            }
            match self.refresh_once(witness, &link, &tokens, now).await? {
                Attempted::Done(RefreshOutcome::Ok) => report.refreshed += 1,
                Attempted::Done(RefreshOutcome::Denied) => report.denied += 1,
                Attempted::Done(RefreshOutcome::Unreachable) => report.unreachable += 1,
                Attempted::Busy => {}
                Attempted::Impossible => self.put_off(&tokens, now).await?,
            }
        }
        Ok(report)
    }

    /// Tokens that can't be refreshed here, because their provider is disabled, gone or keeps none any more, are looked at again later.
    async fn put_off(&self, tokens: &UpstreamTokens, now: Timestamp) -> Result<(), StoreError> {
        let later = tokens.after_failure(now, &self.settings.upstream);
        let changes = Changes::default().write(Write::RenewUpstreamTokens { tokens: later, expected: tokens.version });
        match self.commit(changes).await {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
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
