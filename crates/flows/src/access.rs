//! What is open now, whosever it is: the sessions people are signed in with, and what apps were given. Operators page through both, and end them.

use std::sync::Arc;

use serde_json::json;
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    change::Change,
    grant::{Grant, Revoked, RevokedBy},
    ids::{AccountId, ClientId, GrantId, LinkId, ProviderId, SessionId},
    session::Session,
    store::{Changes, FoundSessions, GrantQuery, SessionQuery, StoreError, Write},
    time::Timestamp,
};

use crate::{AdminFault, Gateway, accounts::gone};

/// Whose sessions or grants are asked for, as it was written. Nothing means everybody's.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessFilter<'a> {
    /// The id of an account.
    pub account: Option<&'a str>,
    /// The id of a client.
    pub client: Option<&'a str>,
    /// The name of a provider; of sessions only.
    pub provider: Option<&'a str>,
}

/// A page of them.
#[derive(Clone, Copy, Debug)]
pub struct AccessPage<'a> {
    /// The last one of the page before, or the last that was looked at for it.
    pub after: Option<&'a str>,
    /// How many at most.
    pub limit: u64,
}

/// How many are read at once where all are wanted.
const AT_ONCE: u64 = 500;
/// How many sessions in which an app was given something are looked at for a page, whether they live or not: what somebody waits for has an end.
const LOOK: u64 = 10_000;

impl Gateway {
    /// Living sessions, newest first. A page of an app's may end before it is full, where many of those it was given something in have ended: then it
    /// says how far it came.
    pub async fn sessions(&self, witness: &Witness, filter: AccessFilter<'_>, page: AccessPage<'_>) -> Result<FoundSessions, AdminFault> {
        let query = SessionQuery {
            account: account_in(filter)?,
            client: client_in(filter)?,
            provider: filter
                .provider
                .map(ProviderId::parse)
                .transpose()
                .map_err(|_| AdminFault::at("/provider", "must be the name of a provider"))?,
            after: page.after.map(str::parse).transpose().map_err(|_| AdminFault::at("/after", "must be the id of a session"))?,
            limit: page.limit,
            look: LOOK,
            ..self.sessions_alive_at(witness.now)
        };
        self.store.sessions(&query).await.map_err(AdminFault::Store)
    }

    /// One living session.
    pub async fn session_of_id(&self, witness: &Witness, id: &str) -> Result<Session, AdminFault> {
        let session = self.session_not_ended(id).await?;
        if session.is_alive(witness.now, &self.settings.lifetimes) { Ok(session) } else { Err(AdminFault::NotFound) }
    }

    /// One that was not ended, however long ago somebody used it.
    async fn session_not_ended(&self, id: &str) -> Result<Session, AdminFault> {
        let id: SessionId = id.parse().map_err(|_| AdminFault::NotFound)?;
        let session = self.store.session_by_id(&id).await.map_err(AdminFault::Store)?;
        session.filter(|session| session.ended.is_none()).ok_or(AdminFault::NotFound)
    }

    /// Signs a browser out. With an account, only if the session is that account's. One that nobody used for long is ended as all of an
    /// account's are: its tokens may be good still, and it may have been listed a moment ago.
    pub async fn end_session_of_id(&self, witness: &Witness, actor: &Actor, account: Option<&str>, id: &str) -> Result<(), AdminFault> {
        let session = self.session_not_ended(id).await?;
        if account.is_some_and(|account| account.parse() != Ok(session.account)) {
            return Err(AdminFault::NotFound);
        }
        let mut changes = self.end_session(Changes::default(), witness, &session, actor, Reason::Logout);
        for event in changes.events.iter_mut().filter(|event| event.name == EventName::SessionEnded) {
            event.change =
                gone("sessions", &session.id, json!({ "provider": session.provider, "created_at": session.created.to_string() }));
        }
        self.commit(changes).await.map_err(AdminFault::Store)
    }

    /// What apps were given and is good now, newest first.
    pub async fn grants(&self, witness: &Witness, filter: AccessFilter<'_>, page: AccessPage<'_>) -> Result<Vec<Grant>, AdminFault> {
        let query = GrantQuery {
            account: account_in(filter)?,
            client: client_in(filter)?,
            after: page.after.map(str::parse).transpose().map_err(|_| AdminFault::at("/after", "must be the id of a grant"))?,
            now: witness.now,
            limit: page.limit,
        };
        self.store.grants(&query).await.map_err(AdminFault::Store)
    }

    /// One grant that is good now.
    pub async fn grant_of_id(&self, witness: &Witness, id: &str) -> Result<Arc<Grant>, AdminFault> {
        let id: GrantId = id.parse().map_err(|_| AdminFault::NotFound)?;
        let grant = self.store.grant(&id).await.map_err(AdminFault::Store)?;
        grant.filter(|grant| grant.is_alive() && witness.now < grant.expires()).ok_or(AdminFault::NotFound)
    }

    /// Takes a grant back. With an account, only if the grant is that account's.
    pub async fn revoke_grant_of_id(&self, witness: &Witness, actor: &Actor, account: Option<&str>, id: &str) -> Result<(), AdminFault> {
        let grant = self.grant_of_id(witness, id).await?;
        if account.is_some_and(|account| account.parse() != Ok(grant.account)) {
            return Err(AdminFault::NotFound);
        }
        let change = gone("grants", &grant.id, json!({ "client_id": grant.client, "scope": grant.scopes.to_string() }));
        let event = AuditEvent { actor: actor.clone(), change, ..self.grant_event(witness, EventName::GrantRevoked, &grant) };
        self.revoke_grant(grant.id, RevokedBy::Admin, witness.now, event).await.map_err(AdminFault::Store)
    }

    /// Takes back everything that an app was given by anybody, codes on their way among it. The app stays registered.
    pub async fn revoke_grants_of_client(&self, witness: &Witness, actor: &Actor, client: &str) -> Result<(), AdminFault> {
        let client = self.client(client).await?.id;
        let revoked = Revoked { at: witness.now, by: RevokedBy::Admin };
        let event = AuditEvent {
            client: Some(client.clone()),
            detail: Some("everything the app was given".to_owned()),
            change: vec![Change { pointer: "/grants".into(), before: Some(json!({ "client_id": client })), after: None }],
            ..self.event(witness, EventName::GrantRevoked, Outcome::Success, actor.clone())
        };
        let changes = Changes::default().write(Write::RevokeClientGrants { client, revoked }).event(event);
        self.commit(changes).await.map_err(AdminFault::Store)
    }

    /// Every session of an account that was not ended, newest first. One that nobody used for long is among them: its tokens may be good still, and
    /// its apps want to hear of its end.
    pub(crate) async fn every_session_of(&self, account: AccountId) -> Result<Vec<Session>, StoreError> {
        let query = |after| SessionQuery { account: Some(account), after, limit: AT_ONCE, ..SessionQuery::default() };
        let FoundSessions { sessions: mut all, mut rest } = self.store.sessions(&query(None)).await?;
        while rest.is_some() {
            let next = self.store.sessions(&query(rest)).await?;
            all.extend(next.sessions);
            rest = next.rest;
        }
        Ok(all)
    }

    /// The events of all sessions of an account that end at once, or of those that came by a link. One that begins in this moment ends beside them.
    pub(crate) async fn session_ends(
        &self,
        witness: &Witness,
        account: AccountId,
        link: Option<LinkId>,
        actor: &Actor,
        why: Reason,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let mut sessions = self.every_session_of(account).await?;
        sessions.retain(|session| link.is_none_or(|link| session.link == link));
        Ok(sessions.iter().map(|session| self.session_ended(witness, session, actor, why)).collect())
    }

    /// That a session ended: by whom, and why.
    pub(crate) fn session_ended(&self, witness: &Witness, session: &Session, actor: &Actor, why: Reason) -> AuditEvent {
        AuditEvent {
            reason: Some(why),
            account: Some(session.account),
            provider: Some(session.provider.clone()),
            session: Some(session.id),
            ..self.event(witness, EventName::SessionEnded, Outcome::Success, actor.clone())
        }
    }

    /// Every grant of an account from which tokens are good now or can be got, newest first.
    pub(crate) async fn every_grant_of(&self, witness: &Witness, account: AccountId) -> Result<Vec<Grant>, StoreError> {
        let query = |after| GrantQuery { account: Some(account), client: None, after, now: witness.now, limit: AT_ONCE };
        let mut all = self.store.grants(&query(None)).await?;
        let mut page = all.len();
        while page as u64 == AT_ONCE {
            let next = self.store.grants(&query(all.last().map(|grant| grant.id))).await?;
            page = next.len();
            all.extend(next);
        }
        Ok(all)
    }

    /// Asks for all that live, as [`Session::is_alive`] means it.
    fn sessions_alive_at(&self, now: Timestamp) -> SessionQuery {
        let lifetimes = &self.settings.lifetimes;
        SessionQuery {
            seen_since: now - lifetimes.session_idle,
            created_since: now - lifetimes.session_absolute,
            ..SessionQuery::default()
        }
    }
}

fn account_in(filter: AccessFilter<'_>) -> Result<Option<AccountId>, AdminFault> {
    filter.account.map(str::parse).transpose().map_err(|_| AdminFault::at("/account", "must be the id of an account"))
}

fn client_in(filter: AccessFilter<'_>) -> Result<Option<ClientId>, AdminFault> {
    filter.client.map(ClientId::parse).transpose().map_err(|error| AdminFault::at("/client", &error))
}
