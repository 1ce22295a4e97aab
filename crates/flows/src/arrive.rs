//! The person is back from a provider: who are they, may they enter, and what does the app get?

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::Serialize;
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens},
    attempt::{Attempt, AttemptFault},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    client::Client,
    grant::{Revoked, RevokedBy},
    ids::{AccountId, AttemptId, ProviderId, SessionId},
    policy,
    provider::{Arrival, Callback, ProviderError, ReceivedTokens},
    secret::Purpose,
    session::Session,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{AppAnswer, Fault, Gateway, Halt, SessionCookie, codec};

/// What a browser brought back from a provider.
#[derive(Debug)]
pub struct Callbacks {
    /// The `state`, when it can be one of ours.
    pub attempt: Option<AttemptId>,
    /// The value of that attempt's cookie in this browser.
    pub attempt_cookie: Option<String>,
    /// The value of the session's cookie in this browser.
    pub session_cookie: Option<String>,
    /// What the provider sent; its `redirect_uri` is filled in here.
    pub callback: Callback,
}

/// A login that went well.
#[derive(Debug)]
pub struct Arrived {
    /// Back to the app.
    pub answer: AppAnswer,
    /// What people know the app as.
    pub client_name: String,
    /// The browser's new session cookie: always a new value (attack 62).
    pub session: SessionCookie,
    /// The attempt that is over.
    pub settled: AttemptId,
    /// Through whom, for the last-used badge.
    pub provider: ProviderId,
}

impl Gateway {
    /// Settles an attempt with what came back from `provider`.
    pub async fn arrive(&self, witness: &Witness, provider: &str, brought: Callbacks) -> Result<Arrived, Halt> {
        let unknown = || Fault::Attempt(AttemptFault::NotHere);
        let provider = ProviderId::parse(provider).map_err(|_| unknown())?;
        let id = brought.attempt.ok_or_else(unknown)?;
        let attempt = self.open_attempt(witness, id, brought.attempt_cookie.as_deref()).await?;
        let client = self.client_of(witness, &attempt).await?;
        let settled = match self.identify(witness, &client, &attempt, &provider, brought.callback).await {
            Ok(arrival) => self.settle(witness, &client, &attempt, &provider, arrival, brought.session_cookie.as_deref()).await,
            Err(fault) => Err(fault),
        };
        match settled {
            Ok(arrived) => Ok(arrived),
            Err(fault) => {
                // A failed attempt is spent like a good one: its callback can't be tried again.
                let event = self.login_failure(witness, &attempt, Some(&provider), &fault);
                let is_spent = matches!(fault, Fault::AttemptSpent);
                self.record_failure(witness, event, if is_spent { Vec::new() } else { vec![spend(&attempt)] }).await;
                Err(Halt { settled: Some(attempt.id), ..self.halt_at(&client, &attempt.request, fault) })
            }
        }
    }

    /// From the callback to a verified identity. The only wait for the network; no database work is open meanwhile.
    async fn identify(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        provider: &ProviderId,
        callback: Callback,
    ) -> Result<Arrival, Fault> {
        let departed = attempt.returned_to(provider, witness.now).map_err(Fault::Attempt)?;
        let adapter = self.provider_for(client, provider).ok_or(Fault::ProviderNotAllowed)?;
        // Asked here and again at settlement, where it holds on every node: whoever comes a second time does not make us knock at the provider.
        if !self.taken_up.first(attempt.id) {
            return Err(Fault::AttemptSpent);
        }
        let callback = Callback { redirect_uri: self.callback_of(provider), ..callback };
        let arrival = adapter.complete(callback, departed.kept.clone(), witness.now).await.map_err(Fault::Provider)?;
        if attempt.request.is_stale(arrival.auth_time, departed.at, witness.now) {
            return Err(Fault::StaleSignIn);
        }
        Ok(arrival)
    }

    async fn settle(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        provider: &ProviderId,
        arrival: Arrival,
        session_cookie: Option<&str>,
    ) -> Result<Arrived, Fault> {
        let key = LinkKey { provider: provider.clone(), issuer: arrival.issuer.clone(), subject: arrival.subject.clone() };
        // Two tabs may bring the same new person at once, or a logout may come between. Who loses sees what is there on the second try.
        for last_try in [false, true] {
            let previous = self.session_of(witness, session_cookie).await.map_err(Fault::Store)?;
            let known = self.account_behind(&key).await.map_err(Fault::Store)?;
            if known.as_ref().is_some_and(|account| !policy::still_good(client, account, provider)) {
                return Err(Fault::AccountDisabled);
            }
            // A new person is nobody's expected one.
            let expected = attempt.request.expected.is_none_or(|expected| known.as_ref().is_some_and(|known| known.id == expected));
            if !expected {
                return Err(Fault::OtherPerson);
            }
            let settlement = self.settlement(witness, client, attempt, &key, &arrival, known.as_deref(), previous.as_deref());
            return match self.commit(settlement.changes).await {
                Ok(()) => Ok(settlement.arrived),
                Err(StoreError::Conflict(Contest::Link | Contest::Session)) if !last_try => continue,
                Err(StoreError::Conflict(Contest::Attempt)) => Err(Fault::AttemptSpent),
                Err(error) => Err(Fault::Store(error)),
            };
        }
        Err(Fault::AttemptSpent)
    }

    async fn account_behind(&self, key: &LinkKey) -> Result<Option<Arc<Account>>, StoreError> {
        match self.store.link(key).await? {
            Some(link) => self.store.account(&link.account).await,
            None => Ok(None),
        }
    }

    /// Everything a good arrival writes, decided before anything is written.
    #[expect(clippy::too_many_arguments, reason = "the facts a settlement is decided from, each used once")]
    fn settlement(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        key: &LinkKey,
        arrival: &Arrival,
        known: Option<&Account>,
        previous: Option<&Session>,
    ) -> Settlement {
        let now = witness.now;
        let account = Account {
            id: known.map_or_else(|| AccountId::new(self.entropy.as_ref()), |known| known.id),
            profile: arrival.profile.clone(),
            created: known.map_or(now, |known| known.created),
            updated: now,
            disabled: false,
        };
        let cookie = codec::random_text(self.entropy.as_ref());
        let same_person = previous.filter(|session| session.account == account.id);
        let session = Session {
            id: same_person.map_or_else(|| SessionId::new(now, self.entropy.as_ref()), |session| session.id),
            digest: self.sealer.hash(cookie.as_bytes()),
            account: account.id,
            provider: key.provider.clone(),
            auth_time: arrival.auth_time.map_or(now, |said| said.min(now)),
            acr: arrival.acr.clone(),
            amr: arrival.amr.clone(),
            created: now,
            last_seen: now,
            ended: None,
        };
        let (code, text) = self.new_code(witness, &attempt.request, &session, attempt.login);
        let event = |name| self.login_event(witness, name, Outcome::Success, attempt.login, &session, client);

        let mut changes = Changes::default().write(spend(attempt));
        if known.is_none() {
            let link = Link { key: key.clone(), account: account.id, created: now, login: attempt.login };
            changes = changes.write(Write::AddLink(link)).event(event(EventName::UserProvisioned)).event(event(EventName::IdentityLinked));
        }
        changes = changes.write(Write::PutAccount(account));
        if let Some(tokens) = self.sealed_tokens(key, &arrival.tokens, now) {
            changes = changes.write(Write::PutUpstreamTokens(tokens));
        }
        if let Some(other) = previous.filter(|session| session.account != code.account) {
            changes = self.end_session(changes, witness, other, Reason::Replaced);
        }
        changes = changes.write(Write::PutSession(session.clone())).write(Write::AddCode(code)).event(AuditEvent {
            scopes: Some(attempt.request.scopes.clone()),
            took_ms: u64::try_from(now.since(attempt.started).as_millis()).ok(),
            ..event(EventName::LoginSucceeded)
        });
        let arrived = Arrived {
            answer: AppAnswer::code(&attempt.request.redirect_uri, &text, attempt.request.state.as_ref(), &self.settings.issuer),
            client_name: client.name.clone(),
            session: SessionCookie { value: cookie, max_age: self.settings.lifetimes.session_absolute },
            settled: attempt.id,
            provider: key.provider.clone(),
        };
        Settlement { changes, arrived }
    }

    /// Ends a session and whatever ends with it.
    pub(crate) fn end_session(&self, changes: Changes, witness: &Witness, session: &Session, why: Reason) -> Changes {
        let event = AuditEvent {
            reason: Some(why),
            account: Some(session.account),
            provider: Some(session.provider.clone()),
            session: Some(session.id),
            ..self.event(witness, EventName::SessionEnded, Outcome::Success, Actor::Account(session.account))
        };
        changes
            .write(Write::EndSession { id: session.id, at: witness.now })
            .write(Write::RevokeSessionGrants { session: session.id, revoked: Revoked { at: witness.now, by: RevokedBy::Logout } })
            .event(event)
    }

    fn sealed_tokens(&self, key: &LinkKey, tokens: &ReceivedTokens, now: Timestamp) -> Option<UpstreamTokens> {
        tokens.access_token.as_ref()?;
        let text = |token: &Option<secrecy::SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
        let kept = KeptTokens {
            access_token: text(&tokens.access_token),
            refresh_token: text(&tokens.refresh_token),
            id_token: text(&tokens.id_token),
            scope: tokens.scope.clone(),
        };
        let plain = serde_json::to_vec(&kept).ok()?;
        let context = serde_json::to_vec(key).ok()?;
        let sealed = self.sealer.seal(Purpose::UpstreamTokens, &context, &plain);
        Some(UpstreamTokens { link: key.clone(), sealed, expires: tokens.expires, received: now })
    }
}

struct Settlement {
    changes: Changes,
    arrived: Arrived,
}

/// What is sealed of an upstream's tokens.
#[derive(Serialize)]
struct KeptTokens {
    access_token: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    scope: Option<String>,
}

fn spend(attempt: &Attempt) -> Write {
    Write::SpendAttempt { id: attempt.id, expires: attempt.expires }
}

impl Fault {
    /// What the operator reads in the audit record: never input from a stranger.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Provider(ProviderError::Unreachable { phase, status, detail }) => {
                let status = status.map(|status| format!(" (status {status})")).unwrap_or_default();
                Some(format!("{phase}{status}: {detail}"))
            }
            Self::Provider(ProviderError::Invalid { phase, rule, detail }) => Some(format!("{phase}: {rule}: {detail}")),
            Self::Provider(ProviderError::Refused { rule }) => Some((*rule).to_owned()),
            Self::Provider(ProviderError::Misconfigured { phase, detail }) => Some(format!("{phase}: {detail}")),
            Self::App(error) => Some(error.to_string()),
            _ => None,
        }
    }
}
