//! What else a person sees on their own page: where they are signed in, and which apps have what of them. They end the one and take back the other.

use std::net::IpAddr;

use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    grant::{Revoked, RevokedBy},
    ids::{AccountId, ClientId, SessionId},
    scope::Scopes,
    session::Session,
    store::{Changes, StoreError, Write},
    time::Timestamp,
};

use crate::{Gateway, Halt, OwnPageNotice, Providers};

/// A browser that is signed in, as its person sees it.
#[derive(Clone, Debug)]
pub struct OwnSession {
    /// Names it.
    pub id: SessionId,
    /// What its provider is called, if it is there still.
    pub label: Option<String>,
    /// Whether it is the one that looks.
    pub is_current: bool,
    /// The browser, in its own words.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub ip: Option<IpAddr>,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
}

/// An app that has something of a person.
#[derive(Clone, Debug)]
pub struct OwnApp {
    /// Names it.
    pub id: ClientId,
    /// What people know it as.
    pub name: String,
    /// What it was granted, in all.
    pub scopes: Scopes,
    /// Since when.
    pub since: Timestamp,
    /// When it last got tokens.
    pub used: Timestamp,
    /// Where a sign-in to it begins, if an operator registered that.
    pub begin: Option<String>,
}

impl Gateway {
    /// The living sessions of an account, the one that looks first.
    pub(crate) async fn own_sessions(
        &self,
        witness: &Witness,
        providers: &Providers,
        current: &Session,
    ) -> Result<Vec<OwnSession>, StoreError> {
        let mut sessions = self.every_session_of(current.account).await?;
        sessions.retain(|session| session.is_alive(witness.now, &self.settings.lifetimes));
        sessions.sort_by_key(|session| (session.id != current.id, std::cmp::Reverse(session.last_seen)));
        let shown = |session: Session| OwnSession {
            label: providers.find(&session.provider).and_then(|provider| Some(provider.made.as_ref().ok()?.card().label.clone())),
            is_current: session.id == current.id,
            id: session.id,
            user_agent: session.source.user_agent,
            ip: session.source.ip,
            last_seen: session.last_seen,
        };
        Ok(sessions.into_iter().map(shown).collect())
    }

    /// The apps that have tokens of an account which are good now, by their names.
    pub(crate) async fn own_apps(&self, witness: &Witness, account: &AccountId) -> Result<Vec<OwnApp>, StoreError> {
        let mut apps: Vec<OwnApp> = Vec::new();
        for grant in self.every_grant_of(witness, *account).await? {
            let used = grant.last_used();
            if let Some(app) = apps.iter_mut().find(|app| app.id == grant.client) {
                (app.since, app.used) = (app.since.min(grant.issued), app.used.max(used));
                app.scopes = app.scopes.union(&grant.scopes);
            } else if let Some(client) = self.store.client(&grant.client).await?.filter(|client| !client.disabled) {
                apps.push(OwnApp {
                    id: client.id.clone(),
                    name: client.name.clone(),
                    scopes: grant.scopes,
                    since: grant.issued,
                    used,
                    // Nobody looked at the addresses of an app that registered itself, and a link on this page would speak for them.
                    begin: client.about.initiation(&self.settings.issuer).filter(|_| client.is_vetted()),
                });
            }
        }
        apps.sort_by(|a, b| (a.name.to_lowercase(), &a.id).cmp(&(b.name.to_lowercase(), &b.id)));
        Ok(apps)
    }

    /// Ends another session of the person, or every other. The one that asks is ended by signing out.
    pub async fn end_own_sessions(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        token: &str,
        which: Option<&str>,
    ) -> Result<OwnPageNotice, Halt> {
        let current = match self.own_session(witness, session_cookie, token).await? {
            Ok(session) => session,
            Err(notice) => return Ok(notice),
        };
        let Ok(which) = which.map(str::parse::<SessionId>).transpose() else { return Ok(OwnPageNotice::Stale) };
        let mut sessions = self.every_session_of(current.account).await?;
        sessions.retain(|session| session.id != current.id && which.is_none_or(|which| which == session.id));
        if !sessions.is_empty() {
            let actor = Actor::Account(current.account);
            let ended = |changes, session: &Session| self.end_session(changes, witness, session, &actor, Reason::Logout);
            self.commit(sessions.iter().fold(Changes::default(), ended)).await?;
        }
        Ok(if which.is_some() { OwnPageNotice::SessionEnded } else { OwnPageNotice::OtherSessionsEnded })
    }

    /// Takes back whatever an app was given, what it may use offline included, and what the person allowed it: they are asked again.
    pub async fn revoke_own_app(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        token: &str,
        client: &str,
    ) -> Result<OwnPageNotice, Halt> {
        let session = match self.own_session(witness, session_cookie, token).await? {
            Ok(session) => session,
            Err(notice) => return Ok(notice),
        };
        let Ok(client) = ClientId::parse(client) else { return Ok(OwnPageNotice::Stale) };
        let revoked = Revoked { at: witness.now, by: RevokedBy::Person };
        let event = AuditEvent {
            account: Some(session.account),
            client: Some(client.clone()),
            session: Some(session.id),
            ..self.event(witness, EventName::GrantRevoked, Outcome::Success, Actor::Account(session.account))
        };
        let changes = Changes::default()
            .write(Write::RevokeAppGrants { account: session.account, client: client.clone(), revoked })
            .write(Write::DropConsents { account: session.account, client });
        self.commit(changes.event(event)).await?;
        Ok(OwnPageNotice::AppRevoked)
    }
}
