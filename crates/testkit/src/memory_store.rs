//! The fake of the [`Store`](vestibule_domain::ports::Store) port: everything in one process's memory, nothing durable. It passes the same contract as the databases.

mod faster;
mod login_traces;
mod meanwhile;
mod port;
mod stats;
mod sweep;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use vestibule_domain::{
    account::{Account, Link, LinkKey, Profile, UpstreamTokens},
    api_key::{ApiKey, UsedId},
    audit::{
        AuditEvent,
        chain::{ChainHead, Checkpoint, SealedEvent},
        personal::Subject,
        sink::SinkCursor,
    },
    client::Client,
    code::Code,
    consent::Consent,
    grant::{Grant, Revoked},
    ids::{
        AccountId, ApiKeyId, AttemptId, ClientId, EventId, GrantId, LinkId, LoginId, ProviderId, RegistrationTokenId, SessionId, SinkId,
    },
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::Participant,
    ports::Sealer,
    provider::StoredProvider,
    secret::{Digest, Sealed},
    self_registration::RegistrationToken,
    session::Session,
    store::{Changes, EventQuery, StoreError, Write},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
    token::TokenId,
};

pub use self::meanwhile::Look;

const DAY: Duration = Duration::from_hours(24);

/// A [`Store`](vestibule_domain::ports::Store) in memory.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    broken: Mutex<Option<StoreError>>,
    sealer: Mutex<Option<Arc<dyn Sealer>>>,
    faster: Mutex<Option<faster::Faster>>,
    meanwhile: Mutex<meanwhile::Meanwhile>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("rows", &self.rows()).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default)]
struct Tables {
    clients: BTreeMap<ClientId, Client>,
    kept_until: BTreeMap<ClientId, Timestamp>,
    registration_tokens: BTreeMap<RegistrationTokenId, RegistrationToken>,
    api_keys: BTreeMap<ApiKeyId, ApiKey>,
    last_uses: BTreeMap<UsedId, Timestamp>,
    stats: stats::Stats,
    accounts: HashMap<AccountId, Account>,
    links: HashMap<LinkKey, Link>,
    providers: BTreeMap<ProviderId, StoredProvider>,
    /// Made anew with every change of one.
    all_providers: Arc<[StoredProvider]>,
    sessions: HashMap<SessionId, Session>,
    session_clients: BTreeMap<(SessionId, ClientId), Joined>,
    consents: BTreeMap<(AccountId, ClientId, String), Consent>,
    codes: HashMap<Digest, Code>,
    grants: HashMap<GrantId, Grant>,
    /// Grants that were ended before they were made.
    tombstones: HashMap<GrantId, Revoked>,
    spent_attempts: HashMap<AttemptId, Timestamp>,
    spent_once: HashMap<Digest, Timestamp>,
    tickets: HashMap<Digest, Ticket>,
    revoked_tokens: HashMap<TokenId, Timestamp>,
    upstream_tokens: HashMap<LinkId, UpstreamTokens>,
    signing_keys: BTreeMap<String, SigningKey>,
    login_traces: BTreeMap<(LoginId, String), LoginTrace>,
    events: BTreeMap<(Timestamp, EventId), AuditEvent>,
    /// What was set apart of those that are sealed.
    personal: HashMap<EventId, Sealed>,
    chain: Option<ChainHead>,
    checkpoints: BTreeMap<i64, Checkpoint>,
    sinks: BTreeMap<SinkId, SinkCursor>,
    subjects: BTreeMap<AccountId, Subject>,
    habits_until: BTreeMap<AccountId, Timestamp>,
    /// The same as they came: where the clock stands still, their ids are in no order.
    committed: Vec<AuditEvent>,
}

/// A client in a session, and when it is to be told of its end.
#[derive(Clone, Debug)]
struct Joined {
    account: AccountId,
    expires: Timestamp,
    due: Option<Timestamp>,
    attempts: u32,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on answers everything with `error`; nothing mends it.
    pub fn break_with(&self, error: Option<StoreError>) {
        *lock(&self.broken) = error;
    }

    /// From now on opens what events say of people with this, and takes no event that is not of the form that is published of its kind: a house is
    /// built on it.
    pub fn open_with(&self, sealer: Arc<dyn Sealer>) {
        *lock(&self.sealer) = Some(sealer);
    }

    /// Every event committed so far, in the order of the commits.
    pub fn all_events(&self) -> Vec<AuditEvent> {
        lock(&self.tables).committed.clone()
    }

    /// The tickets of a kind, as they lie.
    pub fn tickets_of(&self, kind: TicketKind) -> Vec<Ticket> {
        lock(&self.tables).tickets.values().filter(|ticket| ticket.kind == kind).cloned().collect()
    }

    /// How many rows of all kinds there are: a test can see that something left nothing behind.
    pub fn rows(&self) -> usize {
        let tables = lock(&self.tables);
        [
            tables.clients.len(),
            tables.registration_tokens.len(),
            tables.api_keys.len(),
            tables.last_uses.len(),
            tables.stats.rows(),
            tables.accounts.len(),
            tables.links.len(),
            tables.sessions.len(),
            tables.session_clients.len(),
            tables.consents.len(),
            tables.codes.len(),
            tables.grants.len(),
            tables.tombstones.len(),
            tables.spent_attempts.len(),
            tables.spent_once.len(),
            tables.tickets.len(),
            tables.revoked_tokens.len(),
            tables.upstream_tokens.len(),
            tables.signing_keys.len(),
            tables.login_traces.len(),
            tables.events.len(),
        ]
        .iter()
        .sum()
    }

    fn read(&self) -> Result<MutexGuard<'_, Tables>, StoreError> {
        match &*lock(&self.broken) {
            Some(error) => Err(error.clone()),
            None => Ok(lock(&self.tables)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tables {
    fn apply(&mut self, changes: Changes) -> Result<(), StoreError> {
        let (contested, rest): (Vec<_>, Vec<_>) = changes.writes.into_iter().partition(|write| write.contest().is_some());
        for write in contested.into_iter().chain(rest) {
            let contest = write.contest();
            let done = self.write(write)?;
            if let (Some(contest), false) = (contest, done) {
                return Err(StoreError::Conflict(contest));
            }
        }
        for event in changes.events {
            self.committed.push(event.clone());
            if self.events.insert((event.time, event.id), event).is_some() {
                return Err(there());
            }
        }
        Ok(())
    }

    /// Whether it changed anything.
    fn write(&mut self, write: Write) -> Result<bool, StoreError> {
        Ok(match write {
            Write::SpendAttempt { id, expires } => add(&mut self.spent_attempts, id, expires),
            Write::SpendOnce { digest, expires } => add(&mut self.spent_once, digest, expires),
            Write::PutTicket { ticket, expected: None } => add(&mut self.tickets, ticket.digest, ticket),
            Write::PutTicket { ticket, expected: Some(expected) } => {
                let known = self.tickets.get_mut(&ticket.digest).filter(|known| known.kind == ticket.kind && known.version == expected);
                known.map(|known| *known = ticket).is_some()
            }
            Write::TakeTicket { digest, kind, expected } => {
                let there = self.tickets.get(&digest).is_some_and(|ticket| ticket.kind == kind && ticket.version == expected);
                there && self.tickets.remove(&digest).is_some()
            }
            Write::PutAccount(account) => {
                let (disabled, salt) =
                    self.accounts.get(&account.id).map_or((account.disabled, account.salt), |known| (known.disabled, known.salt));
                self.accounts.insert(account.id, Account { disabled, salt, ..account }).is_none()
            }
            Write::DisableAccount { id, disabled } => self.accounts.get_mut(&id).map(|account| account.disabled = disabled).is_some(),
            Write::AddLink(link) => {
                if self.links.values().any(|other| other.id == link.id && other.key != link.key) {
                    return Err(there());
                }
                !self.is_disabled(link.account) && add(&mut self.links, link.key.clone(), link)
            }
            Write::EmptyAccount { id, at } => {
                let is_empty = !self.links.values().any(|link| link.account == id);
                let account = self.accounts.get_mut(&id).filter(|_| is_empty);
                account
                    .map(|known| *known = Account { profile: Profile::default(), disabled: true, updated: at, ..known.clone() })
                    .is_some()
            }
            Write::UpdateLink(link) => {
                let same = |known: &&mut Link| known.id == link.id && known.account == link.account && known.seen <= link.seen;
                let known = self.links.values_mut().find(same);
                known
                    .map(|known| *known = Link { key: known.key.clone(), account: known.account, created: known.created, ..link })
                    .is_some()
            }
            Write::RemoveLink { id, account, leaves_another } => {
                let before = self.links.len();
                if leaves_another && !self.links.values().any(|link| link.account == account && link.id != id) {
                    return Ok(false);
                }
                self.links.retain(|_, link| link.id != id || link.account != account);
                self.links.len() < before
            }
            Write::EndAccountSessions { account, at } => self.end_all(at, |session| session.account == account),
            Write::EndLinkSessions { link, account, at } => self.end_all(at, |session| session.link == link && session.account == account),
            Write::RevokeAccountGrants { account, revoked } => self.revoke_all(revoked, |grant| grant.account == account),
            Write::RevokeLinkGrants { link, account, revoked } => {
                self.revoke_all(revoked, |grant| grant.link == link && grant.account == account)
            }
            Write::PutProvider { provider, expected } => {
                let fine = self.providers.get(&provider.id).map(|provider| provider.version) == expected;
                if fine {
                    self.providers.insert(provider.id.clone(), provider);
                    self.all_providers = self.providers.values().cloned().collect();
                }
                fine
            }
            Write::DeleteProvider { id, expected } => {
                let fine = self.providers.get(&id).is_some_and(|provider| provider.version == expected);
                if fine {
                    self.providers.remove(&id);
                    self.all_providers = self.providers.values().cloned().collect();
                }
                fine
            }
            Write::PutSession(session) => {
                if self.sessions.values().any(|other| other.digest == session.digest && other.id != session.id) {
                    return Err(there());
                }
                let fine = self.sessions.get(&session.id).is_none_or(|session| session.ended.is_none());
                if fine {
                    self.sessions.insert(session.id, session);
                }
                fine
            }
            Write::TouchSession { id, at } => {
                self.sessions.get_mut(&id).map(|session| session.last_seen = session.last_seen.max(at)).is_some()
            }
            Write::EndSession { id, at } => self.sessions.get_mut(&id).map(|session| session.ended.get_or_insert(at)).is_some(),
            Write::RevokeSessionGrants { session, revoked } => {
                self.revoke_all(revoked, |grant| grant.session == session && grant.ends_with_session())
            }
            Write::JoinSession(Participant { session, client, account, expires }) => {
                let joined = self.session_clients.entry((session, client));
                let joined = joined.or_insert(Joined { account, expires, due: None, attempts: 0 });
                joined.expires = joined.expires.max(expires);
                true
            }
            Write::AnnounceEnds { account, at } => {
                let sessions = &self.sessions;
                let has_ended = |id: &SessionId| sessions.get(id).is_some_and(|session| session.ended.is_some());
                for ((session, _), joined) in &mut self.session_clients {
                    if joined.account == account && joined.due.is_none() && has_ended(session) {
                        joined.due = Some(at);
                    }
                }
                true
            }
            Write::TakeDelivery { session, client, attempts, next } => {
                let joined = self.session_clients.get_mut(&(session, client));
                let joined = joined.filter(|joined| joined.due.is_some() && joined.attempts == attempts);
                joined.map(|joined| (joined.due, joined.attempts) = (Some(next), attempts + 1)).is_some()
            }
            Write::SettleDelivery { session, client } => self.session_clients.remove(&(session, client)).is_some(),
            Write::PutConsent(consent) => {
                let key = (consent.account, consent.client.clone(), consent.host.clone());
                !self.is_disabled(consent.account) && self.consents.insert(key, consent).is_none()
            }
            Write::DropConsents { account, client } => self.drop_consents(|consent| consent.account == account && consent.client == client),
            Write::DropAccountConsents { account } => self.drop_consents(|consent| consent.account == account),
            Write::DropClientConsents { client } => self.drop_consents(|consent| consent.client == client),
            Write::AddCode(code) => add(&mut self.codes, code.digest, code).then_some(true).ok_or_else(there)?,
            Write::RedeemCode { digest, at } => self.redeem(&digest, at),
            Write::AddGrant(grant) => self.add_grant(grant)?,
            Write::RotateFamily { grant, from, family, access_expires } => {
                let alive = self.grants.get_mut(&grant).filter(|grant| grant.is_alive());
                let there = alive.filter(|grant| grant.family.as_ref().is_some_and(|family| family.generation == from));
                there
                    .map(|grant| {
                        grant.family = Some(family);
                        grant.access_expires = grant.access_expires.max(access_expires);
                    })
                    .is_some()
            }
            Write::RevokeGrant { id, revoked } => match self.grants.get_mut(&id) {
                Some(grant) => grant.revoked.replace(grant.revoked.unwrap_or(revoked)).is_none(),
                None => add(&mut self.tombstones, id, revoked),
            },
            Write::RevokeAppGrants { account, client, revoked } => {
                self.withdraw(revoked, |code| code.account == account && code.client == client);
                self.revoke_all(revoked, |grant| grant.account == account && grant.client == client)
            }
            Write::RevokeClientGrants { client, revoked } => {
                self.withdraw(revoked, |code| code.client == client);
                self.revoke_all(revoked, |grant| grant.client == client)
            }
            Write::RevokeToken { id, expires } => add(&mut self.revoked_tokens, id, expires),
            Write::PutUpstreamTokens(tokens) => {
                let kept = self.upstream_tokens.get(&tokens.link).map(|known| UpstreamTokens {
                    version: known.version + 1,
                    used: known.used,
                    leased_until: None,
                    denied: None,
                    failures: 0,
                    retry_after: None,
                    ..tokens.clone()
                });
                self.upstream_tokens.insert(tokens.link, kept.unwrap_or(tokens)).is_none()
            }
            Write::RenewUpstreamTokens { tokens, expected } => {
                let known = self.upstream_tokens.get_mut(&tokens.link).filter(|known| known.version == expected);
                known.map(|known| *known = UpstreamTokens { used: known.used, ..tokens }).is_some()
            }
            Write::LeaseUpstreamTokens { link, expected, at, until } => {
                let known = self.upstream_tokens.get_mut(&link).filter(|known| known.version == expected);
                let free = known.filter(|known| known.leased_until.is_none_or(|leased| leased <= at));
                free.map(|known| known.leased_until = Some(until)).is_some()
            }
            Write::TouchUpstreamTokens { link, at } => {
                self.upstream_tokens.get_mut(&link).map(|known| known.used = known.used.max(Some(at))).is_some()
            }
            Write::DropUpstreamTokens { link } => self.upstream_tokens.remove(&link).is_some(),
            Write::PutClient { client, expected } => {
                let fine = self.clients.get(&client.id).map(|client| client.version) == expected;
                if fine {
                    if let (None, Some(until)) = (expected, client.origin.kept_until()) {
                        self.kept_until.insert(client.id.clone(), until);
                    }
                    self.clients.insert(client.id.clone(), *client);
                }
                fine
            }
            Write::DeleteClient { id, expected } => {
                let fine = self.clients.get(&id).is_some_and(|client| client.version == expected);
                if fine {
                    self.kept_until.remove(&id);
                }
                fine && self.clients.remove(&id).is_some()
            }
            Write::DropUnusedClient { id, kept_until } => {
                let fine = self.kept_until.get(&id) == Some(&kept_until);
                if fine {
                    self.kept_until.remove(&id);
                    self.clients.remove(&id);
                }
                fine
            }
            Write::PutDocument { client, over } => {
                let known = self.clients.get(&client.id).map(|known| known.version);
                let newer = known == over && known.is_none_or(|known| known < client.version);
                if newer {
                    let until = client.origin.kept_until();
                    until.map(|until| self.kept_until.insert(client.id.clone(), until));
                    self.clients.insert(client.id.clone(), *client);
                }
                newer
            }
            Write::KeepClient { id, until } => self.kept_until.get_mut(&id).map(|kept| *kept = until.max(*kept)).is_some(),
            Write::PutRegistrationToken { token, expected } => {
                let fine = self.registration_tokens.get(&token.id).map(|token| token.version) == expected;
                if fine {
                    self.registration_tokens.insert(token.id, token);
                }
                fine
            }
            Write::DropRegistrationToken { id } => self.registration_tokens.remove(&id).is_some(),
            Write::PutApiKey { key, expected } => {
                let fine = self.api_keys.get(&key.id).map(|key| key.version) == expected;
                if fine {
                    self.api_keys.insert(key.id, key);
                }
                fine
            }
            Write::DropApiKey { id, expected } => {
                self.api_keys.get(&id).is_some_and(|key| key.version == expected) && self.api_keys.remove(&id).is_some()
            }
            Write::NoteUse { id, at } => {
                let used = self.last_uses.entry(id).or_insert(at);
                *used = at.max(*used);
                true
            }
            Write::PutStats(row) => self.stats.put(*row),
            Write::NoteActive { account, day } => self.stats.note(day, account, self.subjects.get(&account)),
            Write::ForgetActivity { account } => self.stats.forget(account),
            Write::AddSigningKey(key) => {
                let followed = self.signing_keys.values().any(|other| other.alg == key.alg && other.follows == key.follows);
                !followed && !self.signing_keys.contains_key(&key.kid) && self.signing_keys.insert(key.kid.clone(), key).is_none()
            }
            Write::RedateSigningKey { key, signed_from, signed_until } => {
                let as_read = |known: &&mut SigningKey| (known.signs_from, known.signs_until) == (signed_from, signed_until);
                let known = self.signing_keys.get_mut(&key.kid).filter(as_read);
                let (signs_from, signs_until, published_until) = (key.signs_from, key.signs_until, key.published_until);
                known.map(|known| *known = SigningKey { signs_from, signs_until, published_until, ..known.clone() }).is_some()
            }
            Write::DropSigningKey { kid } => self.signing_keys.remove(&kid).is_some(),
            Write::PutChain { head, expected } => {
                let fine = self.chain.as_ref().map(|head| head.version) == expected;
                if fine {
                    self.chain = Some(*head);
                }
                fine
            }
            Write::PutSinkCursor { cursor, expected } => {
                let fine = self.sinks.get(&cursor.sink).map(|known| known.version) == expected;
                fine.then(|| self.sinks.insert(cursor.sink.clone(), *cursor)).is_some()
            }
            Write::SealEvent(sealed) => {
                let SealedEvent { id, time, link, record, personal } = *sealed;
                let known = self.events.get_mut(&(time, id)).filter(|event| event.link.is_none());
                known
                    .map(|event| {
                        // Read back from its text, as from a database.
                        *event = AuditEvent { link: Some(link), ..serde_json::from_str(&record).expect("a record is an event") };
                        self.personal.extend(personal.map(|personal| (id, personal)));
                    })
                    .is_some()
            }
            Write::AddCheckpoint(checkpoint) => self.checkpoints.insert(checkpoint.seq, checkpoint).is_none(),
            Write::PutLoginTrace(trace) => self.put_login_trace(*trace),
            Write::DropLoginTraces { account } => self.drop_login_traces(account),
            Write::PutSubjectKey { account, key } => {
                let subject = self.subjects.entry(account).or_insert(Subject { account, key: None, erased: None, habits: None });
                subject.key.get_or_insert(key);
                true
            }
            Write::PutHabits { account, habits, until } => {
                let known = self.subjects.get_mut(&account).filter(|subject| subject.key.is_some());
                known
                    .map(|subject| {
                        subject.habits = Some(habits);
                        self.habits_until.insert(account, until);
                    })
                    .is_some()
            }
            Write::EraseSubject { account, at } => {
                self.habits_until.remove(&account);
                self.subjects.insert(account, Subject { account, key: None, erased: Some(at), habits: None });
                true
            }
        })
    }

    fn links_in_order(&self, which: impl Fn(&Link) -> bool) -> Vec<Link> {
        let mut links: Vec<_> = self.links.values().filter(|link| which(link)).cloned().collect();
        links.sort_by_key(|link| (link.created, link.id));
        links
    }

    fn is_disabled(&self, account: AccountId) -> bool {
        self.accounts.get(&account).is_some_and(|account| account.disabled)
    }

    fn redeem(&mut self, digest: &Digest, at: Timestamp) -> bool {
        let sessions = &self.sessions;
        let signed_in = |id: SessionId| sessions.get(&id).is_some_and(|session| session.ended.is_none());
        let (grants, tombstones) = (&self.grants, &self.tombstones);
        let taken_back = |id: &GrantId| tombstones.contains_key(id) || grants.get(id).is_some_and(|grant| !grant.is_alive());
        let is_good = |code: &&mut Code| code.redeemed.is_none() && signed_in(code.session) && !taken_back(&code.grant);
        let fresh = self.codes.get_mut(digest).filter(is_good);
        fresh.map(|code| code.redeemed = Some(at)).is_some()
    }

    /// Ends grants before codes make them.
    fn withdraw(&mut self, revoked: Revoked, which: impl Fn(&Code) -> bool) {
        let not_made = |code: &&Code| code.expires > revoked.at - Duration::from_mins(1) && !self.grants.contains_key(&code.grant);
        for grant in self.codes.values().filter(|code| which(code)).filter(not_made).map(|code| code.grant) {
            self.tombstones.entry(grant).or_insert(revoked);
        }
    }

    fn add_grant(&mut self, mut grant: Grant) -> Result<bool, StoreError> {
        if let Some(revoked) = self.tombstones.remove(&grant.id) {
            grant.revoked = Some(revoked);
        }
        if add(&mut self.grants, grant.id, grant) { Ok(true) } else { Err(there()) }
    }

    fn drop_consents(&mut self, which: impl Fn(&Consent) -> bool) -> bool {
        let before = self.consents.len();
        self.consents.retain(|_, consent| !which(consent));
        self.consents.len() < before
    }

    fn end_all(&mut self, at: Timestamp, which: impl Fn(&Session) -> bool) -> bool {
        let alive = self.sessions.values_mut().filter(|session| session.ended.is_none() && which(session));
        alive.map(|session| session.ended = Some(at)).count() > 0
    }

    fn revoke_all(&mut self, revoked: Revoked, which: impl Fn(&Grant) -> bool) -> bool {
        let ended = self.grants.values_mut().filter(|grant| grant.is_alive() && which(grant));
        ended.map(|grant| grant.revoked = Some(revoked)).count() > 0
    }

    /// An event as a reader sees it.
    fn put_together(&self, event: &AuditEvent, sealer: Option<&dyn Sealer>) -> AuditEvent {
        let key = event.subject().and_then(|account| self.subjects.get(&account)?.key.as_ref());
        event.clone().put_together(self.personal.get(&event.id), key, sealer)
    }

    /// The sealed events after a place in the chain, in its order.
    fn in_the_chain(&self, after: i64) -> Vec<&AuditEvent> {
        let mut sealed: Vec<_> = self.events.values().filter(|event| event.link.is_some_and(|link| link.seq > after)).collect();
        sealed.sort_by_key(|event| event.link.map(|link| link.seq));
        sealed
    }
}

fn add<K: std::hash::Hash + Eq, V>(table: &mut HashMap<K, V>, key: K, value: V) -> bool {
    let std::collections::hash_map::Entry::Vacant(place) = table.entry(key) else {
        return false;
    };
    place.insert(value);
    true
}

fn there() -> StoreError {
    StoreError::Unavailable("a row that had to be new was there, or a value was not allowed".to_owned())
}

/// The place of an event right after which a page begins: the moment is in the id (RFC 9562 §5.7).
fn place_of(id: EventId) -> (Timestamp, EventId) {
    (id.made(), id)
}

fn asked_for(query: &EventQuery, event: &AuditEvent) -> bool {
    query.after.is_none_or(|after| (event.time, event.id) > place_of(after))
        && query.since.is_none_or(|since| event.time >= since)
        && query.until.is_none_or(|until| event.time < until)
        && query.name.is_none_or(|name| event.name == name)
        && query.account.is_none_or(|account| event.account == Some(account))
        && query.client.as_ref().is_none_or(|client| event.client.as_ref() == Some(client))
        && query.login.is_none_or(|login| event.login == Some(login))
}

fn at_most(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
