//! What the port asks, answered from the tables.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens, sought},
    api_key::{ApiKey, UsedId},
    audit::{
        AuditEvent,
        chain::{ChainHead, Checkpoint, Kept as KeptLink, Unsealed},
        personal::Subject,
        record::chained,
        schema,
        search::{EventSearch, FoundEvents},
        sink::SinkCursor,
    },
    client::Client,
    code::Code,
    consent::Consent,
    email::EmailAddress,
    grant::Grant,
    ids::{AccountId, ApiKeyId, ClientId, EventId, GrantId, LinkId, LoginId, ProviderId, RegistrationTokenId, SessionId},
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::DueLogout,
    ports::Store,
    provider::StoredProvider,
    secret::Digest,
    self_registration::RegistrationToken,
    session::Session,
    stats::{StatsRow, Step},
    store::{Changes, EventQuery, FoundSessions, GrantQuery, SessionQuery, StoreError},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
    token::TokenId,
    upstream::TokensDue,
};

use super::{Joined, Look, MemoryStore, asked_for, at_most, lock, place_of};

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, changes: Changes) -> Result<(), StoreError> {
        if lock(&self.sealer).is_some() {
            for event in &changes.events {
                let missing = schema::missing(event);
                assert!(missing.is_empty(), "{} lacks {missing:?}: {event:?}", event.name);
            }
        }
        let overtaking = self.overtaking(&changes);
        let mut tables = self.read()?;
        for changes in overtaking.into_iter().chain([changes]) {
            let mut next = tables.clone();
            next.apply(changes)?;
            *tables = next;
        }
        Ok(())
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        Ok(self.read()?.clients.get(id).cloned().map(Arc::new))
    }

    async fn clients(&self, after: Option<&ClientId>, limit: u64) -> Result<Vec<Client>, StoreError> {
        let tables = self.read()?;
        let later = tables.clients.values().filter(|client| after.is_none_or(|after| client.id > *after));
        Ok(later.take(at_most(limit)).cloned().collect())
    }

    async fn unused_clients(&self, now: Timestamp, limit: u64) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
        let tables = self.read()?;
        let mut unused: Vec<_> =
            tables.kept_until.iter().filter(|(_, until)| **until < now).map(|(id, until)| (id.clone(), *until)).collect();
        unused.sort_by_key(|(_, until)| *until);
        unused.truncate(at_most(limit));
        Ok(unused)
    }

    async fn count_self_registered(&self) -> Result<u64, StoreError> {
        Ok(self.read()?.kept_until.keys().filter(|id| id.document().is_none()).count() as u64)
    }

    async fn registration_token(&self, digest: &Digest) -> Result<Option<RegistrationToken>, StoreError> {
        Ok(self.read()?.registration_tokens.values().find(|token| token.digest == *digest).cloned())
    }

    async fn registration_token_by_id(&self, id: &RegistrationTokenId) -> Result<Option<RegistrationToken>, StoreError> {
        Ok(self.read()?.registration_tokens.get(id).cloned())
    }

    async fn registration_tokens(&self, after: Option<&RegistrationTokenId>, limit: u64) -> Result<Vec<RegistrationToken>, StoreError> {
        let tables = self.read()?;
        let later = tables.registration_tokens.values().filter(|token| after.is_none_or(|after| token.id > *after));
        Ok(later.take(at_most(limit)).cloned().collect())
    }

    async fn api_key(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.read()?.api_keys.get(id).cloned())
    }

    async fn api_keys(&self, after: Option<&ApiKeyId>, limit: u64) -> Result<Vec<ApiKey>, StoreError> {
        let tables = self.read()?;
        let later = tables.api_keys.values().filter(|key| after.is_none_or(|after| key.id > *after));
        Ok(later.take(at_most(limit)).cloned().collect())
    }

    async fn last_uses(&self, ids: &[UsedId]) -> Result<BTreeMap<UsedId, Timestamp>, StoreError> {
        let tables = self.read()?;
        Ok(ids.iter().filter_map(|id| Some((*id, *tables.last_uses.get(id)?))).collect())
    }

    async fn stats(&self, step: Step, since: Timestamp) -> Result<Vec<StatsRow>, StoreError> {
        Ok(self.read()?.stats.since(step, since))
    }

    async fn people_active(&self, since: Timestamp) -> Result<u64, StoreError> {
        Ok(self.read()?.stats.people_since(since))
    }

    async fn people_by_day(&self, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        Ok(self.read()?.stats.days_since(since))
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        Ok(self.read()?.accounts.get(id).cloned().map(Arc::new))
    }

    async fn accounts(&self, after: Option<&AccountId>, limit: u64) -> Result<Vec<Account>, StoreError> {
        let tables = self.read()?;
        let mut later: Vec<_> = tables.accounts.values().filter(|account| after.is_none_or(|after| account.id > *after)).cloned().collect();
        later.sort_by_key(|account| account.id);
        later.truncate(at_most(limit));
        Ok(later)
    }

    async fn accounts_named(&self, beginning: &str, limit: u64) -> Result<Vec<Account>, StoreError> {
        let name = |account: &Account| account.profile.name.as_deref().map(sought);
        let beginning = sought(beginning);
        let tables = self.read()?;
        let begins = |account: &&Account| name(account).is_some_and(|name| name.starts_with(&beginning));
        let mut found: Vec<_> = tables.accounts.values().filter(begins).cloned().collect();
        found.sort_by_key(|account| (name(account), account.id));
        found.truncate(at_most(limit));
        Ok(found)
    }

    async fn link(&self, key: &LinkKey) -> Result<Option<Arc<Link>>, StoreError> {
        Ok(self.read()?.links.get(key).cloned().map(Arc::new))
    }

    async fn link_by_id(&self, id: &LinkId) -> Result<Option<Arc<Link>>, StoreError> {
        Ok(self.read()?.links.values().find(|link| link.id == *id).cloned().map(Arc::new))
    }

    async fn links_of(&self, account: &AccountId) -> Result<Vec<Link>, StoreError> {
        Ok(self.read()?.links_in_order(|link| link.account == *account))
    }

    async fn links_by_verified_email(&self, email: &EmailAddress) -> Result<Vec<Link>, StoreError> {
        Ok(self.read()?.links_in_order(|link| link.verified_email().as_ref() == Some(email)))
    }

    async fn providers(&self) -> Result<Arc<[StoredProvider]>, StoreError> {
        Ok(self.read()?.all_providers.clone())
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<FoundSessions, StoreError> {
        let tables = self.read()?;
        let is_asked_for = |session: &&Session| {
            session.ended.is_none()
                && session.last_seen > query.seen_since
                && session.created > query.created_since
                && query.account.is_none_or(|account| session.account == account)
                && query.provider.as_ref().is_none_or(|provider| session.provider == *provider)
        };
        let of_client = |client: &ClientId| {
            let given = tables.grants.values().filter(|grant| grant.client == *client && grant.is_alive());
            given.map(|grant| grant.session).collect::<BTreeSet<_>>()
        };
        let (all, look) = match &query.client {
            Some(client) => (of_client(client), at_most(query.look.max(1))),
            None => (tables.sessions.keys().copied().collect(), usize::MAX),
        };
        let mut found = FoundSessions::default();
        let behind = all.into_iter().rev().filter(|id| query.after.is_none_or(|after| *id < after));
        for (looked_at, id) in behind.enumerate() {
            let session = tables.sessions.get(&id).filter(is_asked_for);
            if looked_at == look || (session.is_some() && found.sessions.len() == at_most(query.limit)) {
                return Ok(found);
            }
            found.rest = Some(id);
            found.sessions.extend(session.cloned());
        }
        Ok(FoundSessions { rest: None, ..found })
    }

    async fn sessions_by_upstream(&self, provider: &ProviderId, session: &str) -> Result<Vec<Session>, StoreError> {
        let tables = self.read()?;
        let alive = tables.sessions.values().filter(|known| known.ended.is_none() && known.provider == *provider);
        Ok(alive.filter(|known| known.upstream_session.as_deref() == Some(session)).cloned().collect())
    }

    async fn session(&self, digest: &Digest) -> Result<Option<Arc<Session>>, StoreError> {
        Ok(self.read()?.sessions.values().find(|session| session.digest == *digest).cloned().map(Arc::new))
    }

    async fn session_by_id(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.read()?.sessions.get(id).cloned())
    }

    async fn clients_in(&self, session: &SessionId) -> Result<Vec<ClientId>, StoreError> {
        let tables = self.read()?;
        Ok(tables.session_clients.keys().filter(|(joined, _)| joined == session).map(|(_, client)| client.clone()).collect())
    }

    async fn logouts_due(&self, now: Timestamp, each: u64, limit: u64) -> Result<Vec<DueLogout>, StoreError> {
        let tables = self.read()?;
        let mut due: Vec<_> = tables.session_clients.iter().filter(|(_, joined)| joined.due.is_some_and(|due| due <= now)).collect();
        due.sort_by_key(|(_, joined)| joined.due);
        let mut places: HashMap<&ClientId, u64> = HashMap::new();
        let few = due.into_iter().filter(|((_, client), _)| {
            let place = places.entry(client).or_default();
            *place += 1;
            *place <= each
        });
        let owed = |((session, client), joined): (&(SessionId, ClientId), &Joined)| DueLogout {
            session: *session,
            client: client.clone(),
            account: joined.account,
            attempts: joined.attempts,
        };
        Ok(few.map(owed).take(at_most(limit)).collect())
    }

    async fn consents(&self, account: &AccountId, client: &ClientId) -> Result<Vec<Consent>, StoreError> {
        let tables = self.read()?;
        let asked = |consent: &&Consent| consent.account == *account && consent.client == *client;
        Ok(tables.consents.values().filter(asked).cloned().collect())
    }

    async fn consents_of(&self, account: &AccountId, after: Option<(&ClientId, &str)>, limit: u64) -> Result<Vec<Consent>, StoreError> {
        let tables = self.read()?;
        let place = |consent: &Consent| (consent.client.clone(), consent.host.clone());
        let after = after.map(|(client, host)| (client.clone(), host.to_owned()));
        let of = tables.consents.values().filter(|consent| consent.account == *account);
        let later = of.filter(|consent| after.as_ref().is_none_or(|after| place(consent) > *after));
        Ok(later.take(at_most(limit)).cloned().collect())
    }

    async fn code(&self, digest: &Digest) -> Result<Option<Code>, StoreError> {
        Ok(self.read()?.codes.get(digest).cloned())
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Arc<Grant>>, StoreError> {
        Ok(self.read()?.grants.get(id).cloned().map(Arc::new))
    }

    async fn grants(&self, query: &GrantQuery) -> Result<Vec<Grant>, StoreError> {
        let tables = self.read()?;
        let is_asked_for = |grant: &&Grant| {
            grant.is_alive()
                && query.now < grant.expires()
                && query.account.is_none_or(|account| grant.account == account)
                && query.client.as_ref().is_none_or(|client| grant.client == *client)
                && query.after.is_none_or(|after| grant.id < after)
        };
        let mut alive: Vec<_> = tables.grants.values().filter(is_asked_for).cloned().collect();
        alive.sort_by_key(|grant| std::cmp::Reverse(grant.id));
        alive.truncate(at_most(query.limit));
        Ok(alive)
    }

    async fn is_token_revoked(&self, id: &TokenId) -> Result<bool, StoreError> {
        Ok(self.read()?.revoked_tokens.contains_key(id))
    }

    async fn ticket(&self, kind: TicketKind, digest: &Digest) -> Result<Option<Ticket>, StoreError> {
        Ok(self.read()?.tickets.get(digest).filter(|ticket| ticket.kind == kind).cloned())
    }

    async fn upstream_tokens(&self, link: &LinkId) -> Result<Option<UpstreamTokens>, StoreError> {
        Ok(self.read()?.upstream_tokens.get(link).cloned())
    }

    async fn upstream_tokens_due(&self, due: &TokensDue) -> Result<Vec<LinkId>, StoreError> {
        let tables = self.read()?;
        let is_due = |tokens: &&UpstreamTokens| {
            tokens.refreshable
                && tokens.denied.is_none()
                && tokens.expires.is_some_and(|expires| expires < due.expire_before)
                && tokens.used.is_some_and(|used| used >= due.used_since)
                && tokens.leased_until.is_none_or(|until| until <= due.now)
                && tokens.retry_after.is_none_or(|after| after <= due.now)
        };
        let mut found: Vec<_> = tables.upstream_tokens.values().filter(is_due).map(|tokens| (tokens.expires, tokens.link)).collect();
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, link)| link).take(at_most(due.limit)).collect())
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        Ok(self.read()?.signing_keys.values().cloned().collect())
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<AuditEvent>, StoreError> {
        let found = {
            let (sealer, tables) = (lock(&self.sealer).clone(), self.read()?);
            let asked = tables.events.values().filter(|event| asked_for(query, event)).take(at_most(query.limit));
            asked.map(|event| tables.put_together(event, sealer.as_deref())).collect()
        };
        self.looked(Look::Events).await;
        Ok(found)
    }

    async fn search_events(&self, search: &EventSearch) -> Result<FoundEvents, StoreError> {
        let (sealer, tables) = (lock(&self.sealer).clone(), self.read()?);
        let mut found = FoundEvents::default();
        let behind = tables.events.values().rev().filter(|event| search.after.is_none_or(|after| (event.time, event.id) < place_of(after)));
        for (looked_at, event) in behind.enumerate() {
            if found.events.len() == at_most(search.limit) || looked_at == at_most(search.look) {
                return Ok(found);
            }
            found.rest = Some(event.id);
            let event = tables.put_together(event, sealer.as_deref());
            if search.fits(&event) {
                found.events.push(event);
            }
        }
        Ok(FoundEvents { rest: None, ..found })
    }

    async fn event(&self, id: &EventId) -> Result<Option<AuditEvent>, StoreError> {
        let (sealer, tables) = (lock(&self.sealer).clone(), self.read()?);
        let event = tables.events.get(&place_of(*id));
        Ok(event.map(|event| tables.put_together(event, sealer.as_deref())))
    }

    async fn login_traces(&self, login: &LoginId) -> Result<Vec<LoginTrace>, StoreError> {
        let tables = self.read()?;
        let mut found: Vec<_> = tables.login_traces.values().filter(|trace| trace.login == *login).cloned().collect();
        found.sort_by_key(|trace| trace.at);
        Ok(found)
    }

    async fn login_of_reference(&self, reference: &str) -> Result<Option<LoginId>, StoreError> {
        let tables = self.read()?;
        let found = tables.login_traces.values().filter(|trace| trace.reference == reference).max_by_key(|trace| trace.at);
        Ok(found.map(|trace| trace.login))
    }

    async fn unsealed(&self, limit: u64) -> Result<Vec<AuditEvent>, StoreError> {
        let found = {
            let tables = self.read()?;
            tables.events.values().filter(|event| event.link.is_none()).take(at_most(limit)).cloned().collect()
        };
        self.looked(Look::Unsealed).await;
        Ok(found)
    }

    async fn count_unsealed(&self) -> Result<Unsealed, StoreError> {
        let tables = self.read()?;
        let mut waiting = tables.events.values().filter(|event| event.link.is_none()).map(|event| event.time);
        let oldest = waiting.next();
        Ok(Unsealed { events: waiting.count() as u64 + u64::from(oldest.is_some()), oldest })
    }

    async fn sequenced(&self, after: i64, limit: u64) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
        let found = {
            let (sealer, tables) = (lock(&self.sealer).clone(), self.read()?);
            let sealed = tables.in_the_chain(after).into_iter().take(at_most(limit));
            sealed.filter_map(|event| Some((event.link?.seq, tables.put_together(event, sealer.as_deref())))).collect()
        };
        self.looked(Look::Sequenced).await;
        Ok(found)
    }

    async fn chain_links(&self, after: i64, limit: u64) -> Result<Vec<KeptLink>, StoreError> {
        let tables = self.read()?;
        let sealed = tables.in_the_chain(after).into_iter().take(at_most(limit));
        Ok(sealed.filter_map(|event| Some(KeptLink { link: event.link?, record: chained(event), found_as_said: true })).collect())
    }

    async fn chain(&self) -> Result<Option<ChainHead>, StoreError> {
        let found = self.read()?.chain.clone();
        self.looked(Look::Chain).await;
        Ok(found)
    }

    async fn checkpoints(&self, after: i64, limit: u64) -> Result<Vec<Checkpoint>, StoreError> {
        let tables = self.read()?;
        Ok(tables.checkpoints.range(after + 1..).map(|(_, checkpoint)| checkpoint.clone()).take(at_most(limit)).collect())
    }

    async fn checkpoint_before(&self, moment: Timestamp, most: i64) -> Result<Option<Checkpoint>, StoreError> {
        let tables = self.read()?;
        Ok(tables.checkpoints.range(..=most).map(|(_, checkpoint)| checkpoint).rfind(|checkpoint| checkpoint.at < moment).cloned())
    }

    async fn sink_cursors(&self) -> Result<Vec<SinkCursor>, StoreError> {
        Ok(self.read()?.sinks.values().cloned().collect())
    }

    async fn subjects(&self, accounts: &[AccountId]) -> Result<Vec<Subject>, StoreError> {
        let tables = self.read()?;
        Ok(accounts.iter().filter_map(|account| tables.subjects.get(account).cloned()).collect())
    }

    async fn count_sessions(&self, seen_since: Timestamp) -> Result<u64, StoreError> {
        let tables = self.read()?;
        let alive = tables.sessions.values().filter(|session| session.ended.is_none() && session.last_seen >= seen_since);
        Ok(alive.count() as u64)
    }

    async fn sweep(&self, now: Timestamp, sessions_before: Timestamp, most: u64) -> Result<u64, StoreError> {
        Ok(self.read()?.sweep(now, sessions_before, at_most(most)) as u64)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read().map(drop)
    }
}
