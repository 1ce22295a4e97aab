//! Changes as statements. Made by the caller before it queues, so that the writer only has to run them.
//!
//! Every statement is understood by both databases.

use std::sync::Arc;

use sea_orm::Value;
use vestibule_domain::{
    account::{Account, Link, LinkKey, UpstreamTokens},
    client::Client,
    code::Code,
    grant::{Grant, RefreshFamily, Revoked},
    ids::{ClientId, GrantId},
    keys::SigningKey,
    session::Session,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{
    caches::Effect,
    entities::{body, codes, grants, revoked_tokens, sessions},
    events::Record,
};

/// How long a tombstone waits for its grant: far longer than any code can still be redeemed.
const TOMBSTONE_STANDS: std::time::Duration = std::time::Duration::from_hours(24);

/// Everything one caller wants written.
pub(crate) struct Prepared {
    /// Contested, in order.
    pub(crate) contested: Vec<(Lock, Contest, Step)>,
    /// The rest, in order; run when every contest is won.
    pub(crate) rest: Vec<(Lock, Step)>,
    /// Inserted together with those of the other callers.
    pub(crate) events: Vec<Record>,
}

/// The row a statement takes hold of. Every transaction goes through its statements in this order, on every node, so that no two wait
/// for each other; the few that cross it (a rotation and the end of another grant) are run again by the writer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lock(Table, Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Attempts,
    Clients,
    Keys,
    Links,
    Accounts,
    Sessions,
    Codes,
    UpstreamTokens,
    Tokens,
    Grants,
    ManyGrants,
}

/// One statement.
pub(crate) struct Step {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
    pub(crate) then: Then,
}

/// What a statement that worked means for the caches.
pub(crate) enum Then {
    Nothing,
    /// This, if a row was changed.
    Effect(Effect),
    /// It returns `revoked_at` of the row it made, or nothing if there was a grant already.
    GrantMade(Arc<Grant>),
    /// It returns the ids of the grants it ended.
    GrantsEnded,
}

impl Prepared {
    pub(crate) fn new(changes: Changes) -> Result<Self, StoreError> {
        let mut prepared = Self { contested: Vec::new(), rest: Vec::new(), events: Vec::with_capacity(changes.events.len()) };
        for write in changes.writes {
            let (lock, contest) = (lock(&write), write.contest());
            let step = step(write)?;
            match contest {
                Some(contest) => prepared.contested.push((lock, contest, step)),
                None => prepared.rest.push((lock, step)),
            }
        }
        prepared.keep_grants_in_order();
        for event in &changes.events {
            prepared.events.push(Record::new(event)?);
        }
        Ok(prepared)
    }

    /// What ends many grants must come before or after what makes one as its caller said. Then none of them is sorted.
    fn keep_grants_in_order(&mut self) {
        let many = self.rest.iter().any(|(lock, _)| lock.0 == Table::ManyGrants);
        for (lock, _) in self.rest.iter_mut().filter(|(lock, _)| many && lock.0 == Table::Grants) {
            *lock = Lock(Table::ManyGrants, Vec::new());
        }
    }
}

fn lock(write: &Write) -> Lock {
    let (table, key) = match write {
        Write::SpendAttempt { id, .. } => (Table::Attempts, id.0.as_bytes().to_vec()),
        Write::PutAccount(account) => (Table::Accounts, account.id.0.as_bytes().to_vec()),
        Write::AddLink(link) => (Table::Links, link_lock(&link.key)),
        Write::PutSession(session) => (Table::Sessions, session.id.0.as_bytes().to_vec()),
        Write::TouchSession { id, .. } | Write::EndSession { id, .. } => (Table::Sessions, id.0.as_bytes().to_vec()),
        Write::RevokeSessionGrants { .. } | Write::RevokeClientGrants { .. } => (Table::ManyGrants, Vec::new()),
        Write::AddCode(code) => (Table::Codes, code.digest.0.to_vec()),
        Write::RedeemCode { digest, .. } => (Table::Codes, digest.0.to_vec()),
        Write::AddGrant(grant) => (Table::Grants, grant.id.0.as_bytes().to_vec()),
        Write::RotateFamily { grant: id, .. } | Write::RevokeGrant { id, .. } => (Table::Grants, id.0.as_bytes().to_vec()),
        Write::RevokeToken { id, .. } => (Table::Tokens, revoked_tokens::key(id)),
        Write::PutUpstreamTokens(tokens) => (Table::UpstreamTokens, link_lock(&tokens.link)),
        Write::PutClient { client, .. } => (Table::Clients, client.id.as_str().into()),
        Write::DeleteClient { id, .. } => (Table::Clients, id.as_str().into()),
        Write::AddSigningKey(key) => (Table::Keys, key.kid.clone().into_bytes()),
        Write::DropSigningKey { kid } => (Table::Keys, kid.clone().into_bytes()),
    };
    Lock(table, key)
}

fn link_lock(key: &LinkKey) -> Vec<u8> {
    [key.provider.as_str(), &key.issuer, &key.subject].join("\0").into_bytes()
}

fn step(write: Write) -> Result<Step, StoreError> {
    Ok(match write {
        Write::SpendAttempt { id, expires } => {
            let sql = "INSERT INTO spent_attempts (id, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            Step::plain(sql, vec![bytes(id.0.as_bytes()), expires.as_millis().into()])
        }
        Write::PutAccount(account) => put_account(account)?,
        Write::AddLink(link) => add_link(link),
        Write::PutSession(session) => put_session(session)?,
        Write::TouchSession { id, at } => {
            let sql = "UPDATE sessions SET last_seen = $2 WHERE id = $1 AND last_seen < $2";
            Step::effect(sql, vec![bytes(id.0.as_bytes()), at.as_millis().into()], Effect::SessionSeen(id, at))
        }
        Write::EndSession { id, at } => {
            let sql = "UPDATE sessions SET ended = $2 WHERE id = $1 AND ended IS NULL";
            Step::effect(sql, vec![bytes(id.0.as_bytes()), at.as_millis().into()], Effect::Session(id, None))
        }
        Write::RevokeSessionGrants { session, revoked } => {
            let sql = "UPDATE grants SET revoked_at = $2, revoked_by = $3 \
                WHERE session = $1 AND revoked_at IS NULL AND ends_with_session RETURNING id";
            Step { sql, values: revoking(bytes(session.0.as_bytes()), revoked), then: Then::GrantsEnded }
        }
        Write::AddCode(code) => add_code(code)?,
        Write::RedeemCode { digest, at } => {
            let sql = "UPDATE codes SET redeemed = $2 WHERE digest = $1 AND redeemed IS NULL";
            Step::plain(sql, vec![bytes(&digest.0), at.as_millis().into()])
        }
        Write::AddGrant(grant) => add_grant(grant)?,
        Write::RotateFamily { grant, from, family, access_expires } => rotate_family(grant, from, family, access_expires),
        Write::RevokeGrant { id, revoked } => revoke_grant(id, revoked),
        Write::RevokeClientGrants { client, revoked } => {
            let sql = "UPDATE grants SET revoked_at = $2, revoked_by = $3 WHERE client = $1 AND revoked_at IS NULL RETURNING id";
            Step { sql, values: revoking(client.as_str().into(), revoked), then: Then::GrantsEnded }
        }
        Write::RevokeToken { id, expires } => {
            let sql = "INSERT INTO revoked_tokens (id, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            Step::effect(sql, vec![revoked_tokens::key(&id).into(), expires.as_millis().into()], Effect::Token(id))
        }
        Write::PutUpstreamTokens(tokens) => put_upstream_tokens(tokens),
        Write::PutClient { client, expected } => put_client(client, expected)?,
        Write::DeleteClient { id, expected } => {
            let values = vec![id.as_str().into(), expected.into()];
            Step::effect("DELETE FROM clients WHERE id = $1 AND version = $2", values, Effect::Client(id, None))
        }
        Write::AddSigningKey(key) => add_signing_key(key),
        Write::DropSigningKey { kid } => Step::plain("DELETE FROM signing_keys WHERE kid = $1", vec![kid.into()]),
    })
}

fn put_account(account: Account) -> Result<Step, StoreError> {
    let sql = "INSERT INTO accounts (id, created, updated, disabled, body) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (id) DO UPDATE SET created = excluded.created, updated = excluded.updated, \
        disabled = excluded.disabled, body = excluded.body";
    let values = vec![
        bytes(account.id.0.as_bytes()),
        account.created.as_millis().into(),
        account.updated.as_millis().into(),
        account.disabled.into(),
        body(&account.profile)?.into(),
    ];
    Ok(Step::effect(sql, values, Effect::Account(account.id, Some(Arc::new(account)))))
}

fn add_link(link: Link) -> Step {
    let sql =
        "INSERT INTO links (provider, issuer, subject, account, created, login) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let mut values = link_key(link.key);
    values.extend([bytes(link.account.0.as_bytes()), link.created.as_millis().into(), bytes(link.login.0.as_bytes())]);
    Step::plain(sql, values)
}

fn put_session(session: Session) -> Result<Step, StoreError> {
    let sql = "INSERT INTO sessions (id, digest, account, provider, auth_time, created, last_seen, ended, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, account = excluded.account, provider = excluded.provider, \
        auth_time = excluded.auth_time, created = excluded.created, last_seen = excluded.last_seen, ended = excluded.ended, \
        body = excluded.body";
    let values = vec![
        bytes(session.id.0.as_bytes()),
        bytes(&session.digest.0),
        bytes(session.account.0.as_bytes()),
        session.provider.as_str().into(),
        session.auth_time.as_millis().into(),
        session.created.as_millis().into(),
        session.last_seen.as_millis().into(),
        session.ended.map(Timestamp::as_millis).into(),
        body(&sessions::Body { acr: session.acr.clone(), amr: session.amr.clone() })?.into(),
    ];
    Ok(Step::effect(sql, values, Effect::Session(session.id, Some(Arc::new(session)))))
}

fn add_code(code: Code) -> Result<Step, StoreError> {
    let sql = "INSERT INTO codes (digest, grant_id, expires, redeemed, body) VALUES ($1, $2, $3, $4, $5)";
    let mut values = vec![
        bytes(&code.digest.0),
        bytes(code.grant.0.as_bytes()),
        code.expires.as_millis().into(),
        code.redeemed.map(Timestamp::as_millis).into(),
    ];
    values.push(body(&codes::Body::from(code))?.into());
    Ok(Step::plain(sql, values))
}

/// A tombstone is filled and stays revoked; a grant that is there already is left alone, and nothing is returned.
fn add_grant(grant: Grant) -> Result<Step, StoreError> {
    let sql = "INSERT INTO grants (id, client, account, session, ends_with_session, issued, access_expires, \
        generation, rotated, idle_expires, absolute_expires, revoked_at, revoked_by, sweep_after, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
        ON CONFLICT (id) DO UPDATE SET client = excluded.client, account = excluded.account, session = excluded.session, \
        ends_with_session = excluded.ends_with_session, issued = excluded.issued, access_expires = excluded.access_expires, \
        generation = excluded.generation, rotated = excluded.rotated, idle_expires = excluded.idle_expires, \
        absolute_expires = excluded.absolute_expires, sweep_after = excluded.sweep_after, body = excluded.body \
        WHERE grants.body IS NULL RETURNING revoked_at";
    let family = grant.family.as_ref();
    let values = vec![
        bytes(grant.id.0.as_bytes()),
        grant.client.as_str().into(),
        bytes(grant.account.0.as_bytes()),
        bytes(grant.session.0.as_bytes()),
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
    Ok(Step { sql, values, then: Then::GrantMade(Arc::new(grant)) })
}

/// No column of an index changes, so that a rotation rewrites one row and nothing else.
fn rotate_family(grant: GrantId, from: u32, family: RefreshFamily, access_expires: Timestamp) -> Step {
    let sql = "UPDATE grants SET generation = $3, rotated = $4, idle_expires = $5, absolute_expires = $6, \
        access_expires = CASE WHEN access_expires > $7 THEN access_expires ELSE $7 END \
        WHERE id = $1 AND generation = $2 AND revoked_at IS NULL";
    let values = vec![
        bytes(grant.0.as_bytes()),
        i64::from(from).into(),
        i64::from(family.generation).into(),
        family.rotated.as_millis().into(),
        family.idle_expires.as_millis().into(),
        family.absolute_expires.as_millis().into(),
        access_expires.as_millis().into(),
    ];
    Step::effect(sql, values, Effect::GrantRotated(grant, family, access_expires))
}

/// One row is the meeting point of this and [`add_grant`]: whichever comes first, the grant ends.
fn revoke_grant(id: GrantId, revoked: Revoked) -> Step {
    let sql = "INSERT INTO grants (id, revoked_at, revoked_by, sweep_after) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by \
        WHERE grants.revoked_at IS NULL";
    let mut values = revoking(bytes(id.0.as_bytes()), revoked);
    values.push((revoked.at + TOMBSTONE_STANDS).as_millis().into());
    Step::effect(sql, values, Effect::Grant(id, None))
}

fn put_upstream_tokens(tokens: UpstreamTokens) -> Step {
    let sql = "INSERT INTO upstream_tokens (provider, issuer, subject, sealed, expires, received) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (provider, issuer, subject) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires, \
        received = excluded.received";
    let mut values = link_key(tokens.link);
    values.extend([tokens.sealed.0.into(), tokens.expires.map(Timestamp::as_millis).into(), tokens.received.as_millis().into()]);
    Step::plain(sql, values)
}

fn put_client(client: Client, expected: Option<i64>) -> Result<Step, StoreError> {
    let mut values = vec![client.id.as_str().into(), client.version.into(), body(&client)?.into()];
    let sql = match expected {
        None => "INSERT INTO clients (id, version, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        Some(expected) => {
            values.push(expected.into());
            "UPDATE clients SET version = $2, body = $3 WHERE id = $1 AND version = $4"
        }
    };
    let id: ClientId = client.id.clone();
    Ok(Step::effect(sql, values, Effect::Client(id, Some(Arc::new(client)))))
}

fn add_signing_key(key: SigningKey) -> Step {
    let sql = "INSERT INTO signing_keys (kid, alg, sealed, follows, created, signs_from, signs_until, published_until) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let values = vec![
        key.kid.into(),
        key.alg.as_str().into(),
        key.sealed.0.into(),
        key.follows.unwrap_or_default().into(),
        key.created.as_millis().into(),
        key.signs_from.as_millis().into(),
        key.signs_until.as_millis().into(),
        key.published_until.as_millis().into(),
    ];
    Step::plain(sql, values)
}

fn bytes(bytes: &[u8]) -> Value {
    bytes.to_vec().into()
}

fn link_key(key: LinkKey) -> Vec<Value> {
    vec![key.provider.as_str().into(), key.issuer.into(), key.subject.into()]
}

fn revoking(whose: Value, revoked: Revoked) -> Vec<Value> {
    vec![whose, revoked.at.as_millis().into(), revoked.by.as_str().into()]
}

impl Step {
    fn plain(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, then: Then::Nothing }
    }

    fn effect(sql: &'static str, values: Vec<Value>, effect: Effect) -> Self {
        Self { sql, values, then: Then::Effect(effect) }
    }
}
