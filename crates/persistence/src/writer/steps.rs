//! Changes as rows of statements. Made by the caller before it queues, so that the writer only has to run them.

use std::collections::{HashMap, HashSet};

use vestibule_domain::{
    account::{Account, Link, Profile, UpstreamTokens, sought},
    api_key::ApiKey,
    audit::{
        chain::{ChainHead, SealedEvent},
        sink::SinkCursor,
    },
    client::Client,
    code::Code,
    consent::Consent,
    grant::{Grant, RefreshFamily, Revoked},
    ids::{AccountId, ClientId, GrantId, LinkId, SessionId},
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::Participant,
    provider::StoredProvider,
    self_registration::RegistrationToken,
    session::Session,
    stats::StatsRow,
    store::{Changes, StoreError, Write},
    ticket::Ticket,
    time::Timestamp,
};

use super::kinds::Kind;
use crate::{
    caches::{Effect, Weighed},
    entities::{audit_chain, body, codes, grants, links, revoked_tokens, sessions, stats},
    events,
    pen::Value,
};

/// How long a tombstone waits for its grant: far longer than any code can still be redeemed.
const TOMBSTONE_STANDS: std::time::Duration = std::time::Duration::from_hours(24);

/// Everything one caller wants written.
pub(crate) struct Prepared {
    /// Contested, in order.
    pub(crate) contested: Vec<Step>,
    /// The rest, in order, events last; run when every contest is won.
    pub(crate) rest: Vec<Step>,
    /// Whether going by kinds comes to the same as going in order.
    pub(crate) orderly: bool,
}

/// One row of one statement.
pub(crate) struct Step {
    pub(crate) kind: Kind,
    /// The row it takes hold of, within its table.
    pub(crate) key: Vec<u8>,
    pub(crate) values: Vec<Value>,
    /// What it means for the caches.
    pub(crate) effect: Option<Effect>,
}

impl Prepared {
    pub(crate) fn new(changes: Changes) -> Result<Self, StoreError> {
        let mut prepared = Self { contested: Vec::new(), rest: Vec::with_capacity(changes.events.len()), orderly: true };
        for write in changes.writes {
            prepared.rest.extend(withdrawal(&write));
            let moved = moved(&write);
            let step = step(write)?;
            if step.kind.contest().is_some() { &mut prepared.contested } else { &mut prepared.rest }.push(step);
            prepared.rest.extend(moved);
        }
        prepared.orderly = prepared.contested.is_sorted_by_key(|step| step.kind) && is_orderly(&prepared.rest);
        for event in &changes.events {
            prepared.rest.push(events::record(event)?);
        }
        Ok(prepared)
    }

    /// Whether it may be written in one transaction with others. Who wants its rows in an order of its own has one of its own.
    pub(crate) fn shares(&self) -> bool {
        self.orderly && !self.is_of_the_chain()
    }

    /// A seal waits while the audit table is being changed, and holds the head of the chain meanwhile; whoever moves that too waits for it.
    pub(crate) fn is_of_the_chain(&self) -> bool {
        self.contested.iter().chain(&self.rest).any(|step| matches!(step.kind, Kind::SealEvent | Kind::BeginChain | Kind::MoveChain))
    }
}

/// Whether no write would overtake one that it may meet in a row.
fn is_orderly(steps: &[Step]) -> bool {
    let mut before = HashMap::new();
    let forward = steps.iter().all(|step| before.insert(step.kind.meets(), step.kind).is_none_or(|before| before <= step.kind));
    // Of two that are alike only the last would be written.
    let mut seen = HashSet::new();
    forward && steps.iter().filter(|step| step.kind.last_wins()).all(|step| seen.insert((step.kind, &step.key)))
}

fn step(write: Write) -> Result<Step, StoreError> {
    Ok(match write {
        Write::SpendAttempt { id, expires } => Step::new(Kind::SpendAttempt, id.0.as_bytes(), [expires.as_millis().into()]),
        Write::SpendOnce { digest, expires } => Step::new(Kind::SpendOnce, &digest.0, [expires.as_millis().into()]),
        Write::PutTicket { ticket, expected } => put_ticket(ticket, expected),
        Write::TakeTicket { digest, kind, expected } => Step::new(Kind::TakeTicket, &digest.0, [kind.as_str().into(), expected.into()]),
        Write::PutAccount(account) => put_account(account)?,
        Write::DisableAccount { id, disabled } => {
            Step::new(Kind::DisableAccount, id.0.as_bytes(), [disabled.into()]).means(Effect::Account(id, None))
        }
        Write::AddLink(link) => add_link(link)?,
        Write::UpdateLink(link) => update_link(&link)?,
        Write::RemoveLink { id, account, leaves_another } => remove_link(id, account, leaves_another),
        Write::EmptyAccount { id, at } => {
            let values = [at.as_millis().into(), body(&Profile::default())?.into()];
            Step::new(Kind::EmptyAccount, id.0.as_bytes(), values).means(Effect::Account(id, None))
        }
        Write::EndAccountSessions { account, at } => Step::new(Kind::EndAccountSessions, account.0.as_bytes(), [at.as_millis().into()]),
        Write::EndLinkSessions { link, account, at } => {
            Step::new(Kind::EndLinkSessions, link.0.as_bytes(), [bytes(account.0.as_bytes()), at.as_millis().into()])
        }
        Write::RevokeAccountGrants { account, revoked } => {
            Step::new(Kind::RevokeAccountGrants, account.0.as_bytes(), [revoked.at.as_millis().into(), revoked.by.as_str().into()])
        }
        Write::RevokeLinkGrants { link, account, revoked } => {
            let values = [bytes(account.0.as_bytes()), revoked.at.as_millis().into(), revoked.by.as_str().into()];
            Step::new(Kind::RevokeLinkGrants, link.0.as_bytes(), values)
        }
        Write::PutProvider { provider, expected } => put_provider(&provider, expected)?,
        Write::DeleteProvider { id, expected } => {
            Step::named(Kind::DeleteProvider, [id.as_str().into()], [expected.into()]).means(Effect::Providers)
        }
        Write::RenewUpstreamTokens { tokens, expected } => renew_upstream_tokens(tokens, expected),
        Write::LeaseUpstreamTokens { link, expected, at, until } => {
            let values = [expected.into(), at.as_millis().into(), until.as_millis().into()];
            Step::new(Kind::LeaseUpstreamTokens, link.0.as_bytes(), values)
        }
        Write::TouchUpstreamTokens { link, at } => Step::new(Kind::TouchUpstreamTokens, link.0.as_bytes(), [at.as_millis().into()]),
        Write::DropUpstreamTokens { link } => Step::new(Kind::DropUpstreamTokens, link.0.as_bytes(), []),
        Write::PutSession(session) => put_session(session)?,
        Write::TouchSession { id, at } => {
            Step::new(Kind::TouchSession, id.0.as_bytes(), [at.as_millis().into()]).means(Effect::SessionSeen(id, at))
        }
        Write::EndSession { id, at } => {
            Step::new(Kind::EndSession, id.0.as_bytes(), [at.as_millis().into()]).means(Effect::Session(id, None))
        }
        Write::RevokeSessionGrants { session, revoked } => {
            Step::new(Kind::RevokeSessionGrants, session.0.as_bytes(), [revoked.at.as_millis().into(), revoked.by.as_str().into()])
        }
        Write::JoinSession(Participant { session, client, account, expires }) => {
            Step::of_client(Kind::JoinSession, session, &client, [bytes(account.0.as_bytes()), expires.as_millis().into()])
        }
        Write::AnnounceEnds { account, at } => Step::new(Kind::AnnounceEnds, account.0.as_bytes(), [at.as_millis().into()]),
        Write::TakeDelivery { session, client, attempts, next } => {
            let values = [i64::from(attempts).into(), next.as_millis().into()];
            Step::of_client(Kind::TakeDelivery, session, &client, values)
        }
        Write::SettleDelivery { session, client } => Step::of_client(Kind::SettleDelivery, session, &client, []),
        Write::PutConsent(consent) => put_consent(&consent),
        Write::DropConsents { account, client } => {
            Step::new(Kind::DropConsents, account.0.as_bytes(), [client.as_str().into()]).beside(client.as_str())
        }
        Write::DropAccountConsents { account } => Step::new(Kind::DropAccountConsents, account.0.as_bytes(), []),
        Write::DropClientConsents { client } => Step::named(Kind::DropClientConsents, [client.as_str().into()], []),
        Write::AddCode(code) => add_code(code)?,
        Write::RedeemCode { digest, at } => {
            Step::new(Kind::RedeemCode, &digest.0, [at.as_millis().into()]).means(Effect::CodeRedeemed(digest, at))
        }
        Write::AddGrant(grant) => add_grant(grant)?,
        Write::RotateFamily { grant, from, family, access_expires } => rotate_family(grant, from, family, access_expires),
        Write::RevokeGrant { id, revoked } => revoke_grant(id, revoked),
        Write::RevokeAppGrants { account, client, revoked } => {
            let key = [account.0.as_bytes(), client.as_str().as_bytes()].concat();
            let values =
                vec![bytes(account.0.as_bytes()), client.as_str().into(), revoked.at.as_millis().into(), revoked.by.as_str().into()];
            Step { kind: Kind::RevokeAppGrants, key, values, effect: None }
        }
        Write::RevokeClientGrants { client, revoked } => {
            let values = [revoked.at.as_millis().into(), revoked.by.as_str().into()];
            Step::named(Kind::RevokeClientGrants, [client.as_str().into()], values)
        }
        Write::RevokeToken { id, expires } => {
            Step::new(Kind::RevokeToken, &revoked_tokens::key(&id), [expires.as_millis().into()]).means(Effect::Token(id))
        }
        Write::PutUpstreamTokens(tokens) => put_upstream_tokens(tokens),
        Write::PutClient { client, expected } => put_client(*client, expected)?,
        Write::DeleteClient { id, expected } => {
            Step::named(Kind::DeleteClient, [id.as_str().into()], [expected.into()]).means(Effect::Client(id, None))
        }
        Write::DropUnusedClient { id, kept_until } => {
            let kept_until = kept_until.as_millis().into();
            Step::named(Kind::DropUnusedClient, [id.as_str().into()], [kept_until]).means(Effect::Client(id, None))
        }
        Write::PutDocument { client, over } => put_document(*client, over)?,
        Write::KeepClient { id, until } => Step::named(Kind::KeepClient, [id.as_str().into()], [until.as_millis().into()]),
        Write::PutRegistrationToken { token, expected } => put_registration_token(&token, expected)?,
        Write::DropRegistrationToken { id } => Step::new(Kind::DropRegistrationToken, id.0.as_bytes(), []),
        Write::PutApiKey { key, expected } => put_api_key(&key, expected)?,
        Write::DropApiKey { id, expected } => Step::new(Kind::DropApiKey, id.0.as_bytes(), [expected.into()]),
        Write::NoteUse { id, at } => Step::new(Kind::NoteUse, id.0.as_bytes(), [at.as_millis().into()]),
        Write::PutStats(row) => put_stats(&row)?,
        Write::NoteActive { account, day } => note_active(account, day),
        Write::ForgetActivity { account } => Step::new(Kind::ForgetActivity, account.0.as_bytes(), []),
        Write::AddSigningKey(key) => add_signing_key(key),
        Write::RedateSigningKey { key, signed_from, signed_until } => {
            let dates = [key.signs_from, key.signs_until, key.published_until, signed_from, signed_until];
            Step::named(Kind::RedateSigningKey, [key.kid.into()], dates.map(|date| date.as_millis().into()))
        }
        Write::DropSigningKey { kid } => Step::named(Kind::DropSigningKey, [kid.into()], []),
        Write::PutChain { head, expected } => put_chain(&head, expected)?,
        Write::SealEvent(event) => seal_event(*event),
        Write::PutSinkCursor { cursor, expected } => put_sink_cursor(&cursor, expected)?,
        Write::AddCheckpoint(checkpoint) => {
            let values = vec![checkpoint.seq.into(), checkpoint.at.as_millis().into(), body(&checkpoint)?.into()];
            Step { kind: Kind::AddCheckpoint, key: checkpoint.seq.to_be_bytes().to_vec(), values, effect: None }
        }
        Write::PutLoginTrace(trace) => put_login_trace(&trace)?,
        Write::DropLoginTraces { account } => Step::new(Kind::DropLoginTraces, account.0.as_bytes(), []),
        Write::PutSubjectKey { account, key } => Step::new(Kind::PutSubjectKey, account.0.as_bytes(), [bytes(&key.0)]),
        Write::PutHabits { account, habits, until } => {
            Step::new(Kind::PutHabits, account.0.as_bytes(), [bytes(&habits.0), until.as_millis().into()])
        }
        Write::EraseSubject { account, at } => Step::new(Kind::EraseSubject, account.0.as_bytes(), [at.as_millis().into()]),
    })
}

/// Clocks of nodes differ, but by less than this. What expired before can't be redeemed any more, on whichever of them.
const CLOCKS_DIFFER: std::time::Duration = std::time::Duration::from_mins(1);

/// What a write means for grants that are not made yet: those that codes of the same people and apps would make are ended before.
fn withdrawal(write: &Write) -> Option<Step> {
    let ended = |revoked: &Revoked| -> [Value; 4] {
        let (sweep_after, expires) = (revoked.at + TOMBSTONE_STANDS, revoked.at - CLOCKS_DIFFER);
        [revoked.at.as_millis().into(), revoked.by.as_str().into(), sweep_after.as_millis().into(), expires.as_millis().into()]
    };
    match write {
        Write::RevokeAppGrants { account, client, revoked } => {
            let key = [account.0.as_bytes(), client.as_str().as_bytes()].concat();
            let values = [bytes(account.0.as_bytes()), client.as_str().into()].into_iter().chain(ended(revoked)).collect();
            Some(Step { kind: Kind::WithdrawAppCodes, key, values, effect: None })
        }
        Write::RevokeClientGrants { client, revoked } => {
            Some(Step::named(Kind::WithdrawClientCodes, [client.as_str().into()], ended(revoked)))
        }
        _ => None,
    }
}

fn put_chain(head: &ChainHead, expected: Option<i64>) -> Result<Step, StoreError> {
    let mut values = vec![audit_chain::ID.into(), head.version.into(), head.base.into(), body(head)?.into()];
    values.extend(expected.map(Value::from));
    let kind = if expected.is_some() { Kind::MoveChain } else { Kind::BeginChain };
    Ok(Step { kind, key: audit_chain::ID.to_be_bytes().to_vec(), values, effect: None })
}

fn put_login_trace(trace: &LoginTrace) -> Result<Step, StoreError> {
    let values = [
        trace.reference.as_str().into(),
        trace.at.as_millis().into(),
        trace.expires.as_millis().into(),
        trace.decisions.account.map(|id| id.0.into_bytes().to_vec()).into(),
        body(&trace.decisions)?.into(),
    ];
    Ok(Step::new(Kind::PutLoginTrace, trace.login.0.as_bytes(), values).beside(&trace.reference))
}

fn put_sink_cursor(cursor: &SinkCursor, expected: Option<i64>) -> Result<Step, StoreError> {
    let name = [cursor.sink.as_str().into()];
    let (version, seq, body) = (cursor.version.into(), cursor.seq.into(), body(cursor)?.into());
    Ok(match expected {
        None => Step::named(Kind::BeginSink, name, [version, seq, body]),
        Some(expected) => Step::named(Kind::MoveSink, name, [version, seq, body, expected.into()]),
    })
}

/// What is put into the chain waits no more, once it lies there.
fn moved(write: &Write) -> Option<Step> {
    let Write::SealEvent(event) = write else { return None };
    Some(Step::new(Kind::TakeWaiting, event.id.0.as_bytes(), [event.time.as_millis().into()]))
}

fn seal_event(event: SealedEvent) -> Step {
    let values = [
        event.time.as_millis().into(),
        event.link.seq.into(),
        bytes(&event.link.prev.0),
        bytes(&event.link.hash.0),
        event.personal.map(|sealed| sealed.0).into(),
        event.record.into(),
    ];
    Step::new(Kind::SealEvent, event.id.0.as_bytes(), values)
}

fn put_account(account: Account) -> Result<Step, StoreError> {
    let values = [
        account.created.as_millis().into(),
        account.updated.as_millis().into(),
        account.disabled.into(),
        bytes(&account.salt.0),
        body(&account.profile)?.into(),
        Value::Text(account.profile.name.as_deref().map(sought)),
    ];
    Ok(Step::new(Kind::PutAccount, account.id.0.as_bytes(), values).means(Effect::Account(account.id, Some(Weighed::new(account)))))
}

fn add_link(link: Link) -> Result<Step, StoreError> {
    let [email, body] = said(&link)?;
    let values = [
        bytes(link.id.0.as_bytes()),
        bytes(link.account.0.as_bytes()),
        link.created.as_millis().into(),
        link.seen.as_millis().into(),
        email,
        body,
    ];
    let key = [link.key.provider.as_str().into(), link.key.issuer.as_str().into(), link.key.subject.as_str().into()];
    Ok(Step::named(Kind::AddLink, key, values).means(Effect::Link(link.id, Some(Weighed::new(link)))))
}

/// What must leave another is known by its account, so that one statement never takes two of one account.
fn remove_link(id: LinkId, account: AccountId, leaves_another: bool) -> Step {
    let values = [bytes(account.0.as_bytes())];
    let step = if leaves_another {
        Step { key: account.0.as_bytes().to_vec(), ..Step::new(Kind::RemoveSpareLink, id.0.as_bytes(), values) }
    } else {
        Step::new(Kind::RemoveLink, id.0.as_bytes(), values)
    };
    step.means(Effect::Link(id, None))
}

/// The row may have been moved on by somebody who saw more: what lies in it is read again.
fn update_link(link: &Link) -> Result<Step, StoreError> {
    let [email, body] = said(link)?;
    let step =
        Step::new(Kind::UpdateLink, link.id.0.as_bytes(), [link.seen.as_millis().into(), email, body, bytes(link.account.0.as_bytes())]);
    Ok(step.means(Effect::Link(link.id, None)))
}

/// What its provider says of a link: the address it vouches for, and all of it.
fn said(link: &Link) -> Result<[Value; 2], StoreError> {
    let email = link.verified_email().map(|email| email.to_string());
    let text = body(&links::Body { evidence: link.evidence.clone(), profile: link.profile.clone(), claims: link.claims.clone() })?;
    Ok([Value::Text(email), text.into()])
}

fn put_provider(provider: &StoredProvider, expected: Option<i64>) -> Result<Step, StoreError> {
    let values = [
        provider.version.into(),
        provider.disabled.into(),
        Value::Bytes(provider.secrets.as_ref().map(|sealed| sealed.0.clone())),
        provider.created.as_millis().into(),
        provider.updated.as_millis().into(),
        body(&provider.settings)?.into(),
        Value::Text(provider.managed_by.as_ref().map(ToString::to_string)),
    ];
    let key = [provider.id.as_str().into()];
    let step = match expected {
        None => Step::named(Kind::AddProvider, key, values),
        Some(expected) => {
            let mut step = Step::named(Kind::ReplaceProvider, key, values);
            step.values.push(expected.into());
            step
        }
    };
    Ok(step.means(Effect::Providers))
}

fn put_ticket(ticket: Ticket, expected: Option<i64>) -> Step {
    let values = [ticket.kind.as_str().into(), ticket.version.into(), ticket.expires.as_millis().into(), ticket.body.into()];
    match expected {
        None => Step::new(Kind::AddTicket, &ticket.digest.0, values),
        Some(expected) => {
            let mut step = Step::new(Kind::ReplaceTicket, &ticket.digest.0, values);
            step.values.push(expected.into());
            step
        }
    }
}

fn put_session(session: Session) -> Result<Step, StoreError> {
    let values = [
        bytes(&session.digest.0),
        bytes(session.account.0.as_bytes()),
        session.provider.as_str().into(),
        bytes(session.link.0.as_bytes()),
        session.auth_time.as_millis().into(),
        session.created.as_millis().into(),
        session.last_seen.as_millis().into(),
        session.ended.map(Timestamp::as_millis).into(),
        Value::Text(session.upstream_session.clone()),
        body(&sessions::Body { acr: session.acr.clone(), amr: session.amr.clone(), source: session.source.clone() })?.into(),
    ];
    let step = Step::new(Kind::PutSession, session.id.0.as_bytes(), values);
    Ok(step.means(Effect::Session(session.id, Some(Weighed::new(session)))))
}

fn put_consent(consent: &Consent) -> Step {
    let (client, host) = (consent.client.as_str(), consent.host.as_str());
    let values = [client.into(), host.into(), consent.given.as_millis().into(), consent.scopes.to_string().into()];
    Step::new(Kind::PutConsent, consent.account.0.as_bytes(), values).beside(client).beside(host)
}

fn add_code(code: Code) -> Result<Step, StoreError> {
    let digest = code.digest;
    let values = [
        bytes(code.grant.0.as_bytes()),
        bytes(code.session.0.as_bytes()),
        code.expires.as_millis().into(),
        code.redeemed.map(Timestamp::as_millis).into(),
        body(&codes::Body::from(code.clone()))?.into(),
        bytes(code.account.0.as_bytes()),
        code.client.as_str().into(),
    ];
    Ok(Step::new(Kind::AddCode, &digest.0, values).means(Effect::Code(digest, Some(Weighed::new(code)))))
}

fn add_grant(grant: Grant) -> Result<Step, StoreError> {
    let family = grant.family.as_ref();
    let values = [
        grant.client.as_str().into(),
        bytes(grant.account.0.as_bytes()),
        bytes(grant.session.0.as_bytes()),
        bytes(grant.link.0.as_bytes()),
        grant.ends_with_session().into(),
        grant.issued.as_millis().into(),
        grant.access_expires.as_millis().into(),
        family.map(|family| i64::from(family.generation)).into(),
        family.map(|family| family.rotated.as_millis()).into(),
        family.map(|family| family.idle_expires.as_millis()).into(),
        family.map(|family| family.absolute_expires.as_millis()).into(),
        grant.revoked.map(|revoked| revoked.at.as_millis()).into(),
        grant.revoked.map(|revoked| revoked.by.as_str()).into(),
        grant.expires().as_millis().into(),
        body(&grants::Body::from(&grant))?.into(),
    ];
    Ok(Step::new(Kind::AddGrant, grant.id.0.as_bytes(), values).means(Effect::Grant(grant.id, Some(Weighed::new(grant)))))
}

fn rotate_family(grant: GrantId, from: u32, family: RefreshFamily, access_expires: Timestamp) -> Step {
    let values = [
        i64::from(from).into(),
        i64::from(family.generation).into(),
        family.rotated.as_millis().into(),
        family.idle_expires.as_millis().into(),
        family.absolute_expires.as_millis().into(),
        access_expires.as_millis().into(),
    ];
    Step::new(Kind::RotateFamily, grant.0.as_bytes(), values).means(Effect::GrantRotated(grant, family, access_expires))
}

fn revoke_grant(id: GrantId, revoked: Revoked) -> Step {
    let sweep_after = revoked.at + TOMBSTONE_STANDS;
    let values = [revoked.at.as_millis().into(), revoked.by.as_str().into(), sweep_after.as_millis().into()];
    Step::new(Kind::RevokeGrant, id.0.as_bytes(), values).means(Effect::Grant(id, None))
}

fn put_upstream_tokens(tokens: UpstreamTokens) -> Step {
    let (link, values) = (tokens.link, upstream_values(tokens));
    Step::new(Kind::PutUpstreamTokens, link.0.as_bytes(), values)
}

fn renew_upstream_tokens(tokens: UpstreamTokens, expected: i64) -> Step {
    let (link, values) = (tokens.link, upstream_values(tokens));
    let mut step = Step::new(Kind::RenewUpstreamTokens, link.0.as_bytes(), values);
    step.values.push(expected.into());
    step
}

fn upstream_values(tokens: UpstreamTokens) -> [Value; 10] {
    let millis = |moment: Option<Timestamp>| Value::from(moment.map(Timestamp::as_millis));
    [
        tokens.sealed.0.into(),
        tokens.version.into(),
        millis(tokens.expires),
        tokens.received.as_millis().into(),
        tokens.refreshable.into(),
        millis(tokens.leased_until),
        millis(tokens.used),
        millis(tokens.denied),
        i64::from(tokens.failures).into(),
        millis(tokens.retry_after),
    ]
}

fn put_client(client: Client, expected: Option<i64>) -> Result<Step, StoreError> {
    let (id, text) = (client.id.clone(), body(&client)?);
    let key = [id.as_str().into()];
    let kept_until = client.origin.kept_until().map(Timestamp::as_millis);
    let step = match expected {
        None => Step::named(Kind::AddClient, key, [client.version.into(), text.into(), kept_until.into()]),
        Some(expected) => Step::named(Kind::ReplaceClient, key, [client.version.into(), text.into(), expected.into()]),
    };
    Ok(step.means(Effect::Client(id, Some(Weighed::new(client)))))
}

fn put_document(client: Client, over: Option<i64>) -> Result<Step, StoreError> {
    let Some(over) = over else { return put_client(client, None) };
    let kept_until = client.origin.kept_until().map(Timestamp::as_millis);
    let values = [client.version.into(), body(&client)?.into(), kept_until.into(), over.into()];
    let (id, key) = (client.id.clone(), [client.id.as_str().into()]);
    Ok(Step::named(Kind::ReplaceDocument, key, values).means(Effect::Client(id, Some(Weighed::new(client)))))
}

fn put_registration_token(token: &RegistrationToken, expected: Option<i64>) -> Result<Step, StoreError> {
    let key = token.id.0.as_bytes();
    let values = [token.version.into(), bytes(&token.digest.0), token.expires.as_millis().into(), body(token)?.into()];
    Ok(match expected {
        None => Step::new(Kind::AddRegistrationToken, key, values),
        Some(expected) => {
            let [version, digest, expires, text] = values;
            Step::new(Kind::ReplaceRegistrationToken, key, [version, digest, expires, text, expected.into()])
        }
    })
}

fn put_api_key(key: &ApiKey, expected: Option<i64>) -> Result<Step, StoreError> {
    let id = key.id.0.as_bytes();
    let values = [key.version.into(), key.expires.map(Timestamp::as_millis).into(), body(key)?.into()];
    Ok(match expected {
        None => Step::new(Kind::AddApiKey, id, values),
        Some(expected) => {
            let [version, expires, text] = values;
            Step::new(Kind::ReplaceApiKey, id, [version, expires, text, expected.into()])
        }
    })
}

fn put_stats(row: &StatsRow) -> Result<Step, StoreError> {
    let (step, start) = (stats::seconds(row.step).into(), row.start.as_millis().into());
    let values = [step, start, row.expires().as_millis().into(), body(&row.tally)?.into()];
    Ok(Step::new(Kind::PutStats, row.node.as_bytes(), values).at(row.start).beside(&stats::seconds(row.step).to_string()))
}

fn note_active(account: AccountId, day: Timestamp) -> Step {
    Step::new(Kind::NoteActive, account.0.as_bytes(), [day.as_millis().into()]).at(day)
}

fn add_signing_key(key: SigningKey) -> Step {
    let values = [
        key.alg.as_str().into(),
        key.sealed.0.into(),
        key.follows.unwrap_or_default().into(),
        key.created.as_millis().into(),
        key.signs_from.as_millis().into(),
        key.signs_until.as_millis().into(),
        key.published_until.as_millis().into(),
    ];
    Step::named(Kind::AddSigningKey, [key.kid.into()], values)
}

fn bytes(bytes: &[u8]) -> Value {
    bytes.into()
}

impl Step {
    /// Of a row that is known by an id or a digest.
    pub(crate) fn new<const N: usize>(kind: Kind, key: &[u8], values: [Value; N]) -> Self {
        let values = std::iter::once(bytes(key)).chain(values).collect();
        Self { kind, key: key.to_vec(), values, effect: None }
    }

    /// Of what a client has to do with a session.
    fn of_client<const N: usize>(kind: Kind, session: SessionId, client: &ClientId, values: [Value; N]) -> Self {
        let key = [session.0.as_bytes(), client.as_str().as_bytes()].concat();
        let named = [bytes(session.0.as_bytes()), client.as_str().into()];
        Self { kind, key, values: named.into_iter().chain(values).collect(), effect: None }
    }

    /// Of a row that is known by a moment besides.
    fn at(mut self, moment: Timestamp) -> Self {
        self.key.extend_from_slice(&moment.as_millis().to_be_bytes());
        self
    }

    /// Of a row that is known by a name besides.
    fn beside(mut self, name: &str) -> Self {
        self.key.extend_from_slice(name.as_bytes());
        self.key.push(0);
        self
    }

    /// Of a row that is known by names.
    fn named<const K: usize, const N: usize>(kind: Kind, key: [Value; K], values: [Value; N]) -> Self {
        let mut bytes = Vec::new();
        for part in &key {
            if let Value::Text(Some(part)) = part {
                bytes.extend_from_slice(part.as_bytes());
            }
            // No name has it, so two keys are never alike by accident.
            bytes.push(0);
        }
        Self { kind, key: bytes, values: key.into_iter().chain(values).collect(), effect: None }
    }

    fn means(self, effect: Effect) -> Self {
        Self { effect: Some(effect), ..self }
    }
}
