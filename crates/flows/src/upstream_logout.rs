//! A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0): what they came by ends here too, and apps hear of it.

use vestibule_domain::{
    account::LinkKey,
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    error::OAuthError,
    ids::{LinkId, ProviderId},
    provider::{LogoutNotice, ProviderError},
    session::Session,
    store::{Changes, Contest, StoreError, Write},
};

use crate::{Fault, Gateway, client_auth::unavailable};

impl Gateway {
    /// Takes a provider's logout token. Whoever it names has no session left that came by it; what they were given with `offline_access` stays, as at any
    /// other logout (§2.7).
    pub async fn upstream_logout(&self, witness: &Witness, provider: &str, token: Option<&str>) -> Result<(), OAuthError> {
        let token = token.ok_or_else(|| OAuthError::invalid_request("logout_token is missing"))?;
        let unknown = || OAuthError::invalid_request("there is no provider here whose logout tokens are taken");
        let id = ProviderId::parse(provider).map_err(|_| unknown())?;
        let providers = self.providers().await.map_err(unavailable)?;
        let adapter = providers.find(&id).and_then(|provider| provider.open()).ok_or_else(unknown)?;
        let upstream = adapter.logout().ok_or_else(unknown)?;
        // Not by the breaker: what a stranger sends says nothing of how the provider is.
        let notice = match upstream.read(token, witness.now).await {
            Ok(notice) => notice,
            Err(error) => return Err(self.refuse_notice(witness, &id, error).await),
        };
        let mut spend = Some(self.spent_once(&id, &notice));
        // More sessions than one look finds are ended by the next.
        loop {
            let sessions = self.sessions_of_notice(&id, &notice).await.map_err(unavailable)?;
            let mut changes = Changes::default();
            if let Some(spend) = spend.take() {
                changes = changes.write(spend).event(AuditEvent {
                    detail: Some(format!("{} sessions end with it", sessions.len())),
                    account: sessions.first().map(|session| session.account),
                    ..self.notice_event(witness, &id, Outcome::Success)
                });
            } else if sessions.is_empty() {
                return Ok(());
            }
            for session in &sessions {
                changes = self.end_session(changes, witness, session, &Actor::System, Reason::UpstreamLogout);
            }
            match self.commit(changes).await {
                Ok(()) => {}
                Err(StoreError::Conflict(Contest::Once)) => {
                    let event = self.notice_event(witness, &id, Outcome::Denied);
                    self.record_failure(witness, AuditEvent { reason: Some(Reason::Replayed), ..event }, Vec::new()).await;
                    return Err(OAuthError::invalid_request("this logout token was used before"));
                }
                Err(error) => return Err(unavailable(error)),
            }
        }
    }

    /// The sessions that end: of the session there, of the person there, or of both where both are named.
    async fn sessions_of_notice(&self, provider: &ProviderId, notice: &LogoutNotice) -> Result<Vec<Session>, StoreError> {
        let link = match &notice.subject {
            None => None,
            Some(subject) => {
                let key = LinkKey { provider: provider.clone(), issuer: notice.issuer.clone(), subject: subject.clone() };
                match self.store.link(&key).await? {
                    Some(link) => Some(link),
                    // Nobody who ever came here.
                    None => return Ok(Vec::new()),
                }
            }
        };
        let came_by = |session: &Session, link: LinkId| session.link == link;
        let mut sessions = match (&notice.session, &link) {
            (Some(session), _) => self.store.sessions_by_upstream(provider, session).await?,
            (None, Some(link)) => self.every_session_of(link.account).await?,
            (None, None) => Vec::new(),
        };
        sessions.retain(|session| link.as_ref().is_none_or(|link| came_by(session, link.id)));
        Ok(sessions)
    }

    /// A token works once, on whichever node (§2.6): one that somebody copied would end sessions that began after it.
    fn spent_once(&self, provider: &ProviderId, notice: &LogoutNotice) -> Write {
        let name = format!("upstream logout\0{provider}\0{}\0{}", notice.issuer, notice.id);
        Write::SpendOnce { digest: self.sealer.hash(name.as_bytes()), expires: notice.expires }
    }

    async fn refuse_notice(&self, witness: &Witness, provider: &ProviderId, error: ProviderError) -> OAuthError {
        let answer = match &error {
            // Its keys can't be had now: it may send the token again.
            ProviderError::Unreachable { .. } | ProviderError::Paused { .. } => OAuthError::unavailable(),
            _ => OAuthError::invalid_request("this is no logout token of the provider for this gateway"),
        };
        let fault = Fault::Provider(error);
        let event = self.notice_event(witness, provider, Outcome::Failure);
        let event = AuditEvent { reason: Some(fault.reason()), detail: fault.detail(), ..event };
        self.record_failure(witness, event, Vec::new()).await;
        answer
    }

    fn notice_event(&self, witness: &Witness, provider: &ProviderId, outcome: Outcome) -> AuditEvent {
        AuditEvent { provider: Some(provider.clone()), ..self.event(witness, EventName::UpstreamLogoutReceived, outcome, Actor::Anonymous) }
    }
}
