//! The statements themselves.

use super::Kind;

impl Kind {
    /// With `{rows}` where the rows go.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::HoldSessions => {
                "SELECT s.id FROM sessions AS s WHERE s.id IN (SELECT COALESCE(c.session, v.column1) \
                 FROM (VALUES {rows}) AS v LEFT JOIN codes AS c ON c.digest = v.column2) ORDER BY s.id FOR NO KEY UPDATE OF s"
            }
            Self::HoldAccounts => {
                "SELECT a.id FROM accounts AS a WHERE a.id IN (SELECT column1 FROM (VALUES {rows}) AS v) ORDER BY a.id \
                 FOR NO KEY UPDATE OF a"
            }
            Self::SpendAttempt | Self::SpendOnce => {
                "INSERT INTO spent (id, expires) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING"
            }
            Self::AddTicket => {
                "INSERT INTO tickets (digest, kind, version, expires, body) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING"
            }
            Self::ReplaceTicket => {
                "UPDATE tickets SET version = v.column3, expires = v.column4, body = v.column5 FROM (VALUES {rows}) AS v \
                 WHERE tickets.digest = v.column1 AND tickets.kind = v.column2 AND tickets.version = v.column6"
            }
            Self::TakeTicket => {
                "DELETE FROM tickets WHERE (digest, kind, version) IN (SELECT column1, column2, column3 FROM (VALUES {rows}) AS v)"
            }
            Self::AddClient => {
                "INSERT INTO clients (id, version, body, kept_until) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING"
            }
            Self::ReplaceClient => {
                "UPDATE clients SET version = v.column2, body = v.column3 FROM (VALUES {rows}) AS v \
                 WHERE clients.id = v.column1 AND clients.version = v.column4"
            }
            Self::DeleteClient => "DELETE FROM clients WHERE (id, version) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)",
            Self::DropUnusedClient => "DELETE FROM clients WHERE (id, kept_until) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)",
            Self::ReplaceDocument => {
                "UPDATE clients SET version = v.column2, body = v.column3, kept_until = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE clients.id = v.column1 AND clients.version = v.column5 AND clients.version < v.column2"
            }
            Self::KeepClient => {
                "UPDATE clients SET kept_until = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE clients.id = v.column1 AND clients.kept_until < v.column2"
            }
            Self::AddRegistrationToken => {
                "INSERT INTO registration_tokens (id, version, digest, expires, body) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING"
            }
            Self::ReplaceRegistrationToken => {
                "UPDATE registration_tokens SET version = v.column2, digest = v.column3, expires = v.column4, body = v.column5 \
                 FROM (VALUES {rows}) AS v WHERE registration_tokens.id = v.column1 AND registration_tokens.version = v.column6"
            }
            Self::DropRegistrationToken => "DELETE FROM registration_tokens WHERE id IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            Self::AddApiKey => {
                "INSERT INTO api_keys (id, version, expires, body) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING"
            }
            Self::ReplaceApiKey => {
                "UPDATE api_keys SET version = v.column2, expires = v.column3, body = v.column4 \
                 FROM (VALUES {rows}) AS v WHERE api_keys.id = v.column1 AND api_keys.version = v.column5"
            }
            Self::DropApiKey => "DELETE FROM api_keys WHERE (id, version) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)",
            Self::NoteUse => {
                "INSERT INTO last_uses (id, used) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (id) DO UPDATE SET used = excluded.used WHERE last_uses.used < excluded.used"
            }
            Self::PutStats => {
                "INSERT INTO stats (node, step, start, expires, body) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (step, start, node) DO UPDATE SET body = excluded.body"
            }
            // A node that has not heard of the erasure yet may still note them.
            Self::NoteActive => {
                "INSERT INTO active_people (account, day) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM audit_subjects AS s WHERE s.account = v.column1 AND s.erased IS NOT NULL) \
                 ON CONFLICT DO NOTHING"
            }
            Self::ForgetActivity => "DELETE FROM active_people WHERE account IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            Self::AddSigningKey => {
                "INSERT INTO signing_keys (kid, alg, sealed, follows, created, signs_from, signs_until, published_until) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING"
            }
            Self::RedateSigningKey => {
                "UPDATE signing_keys SET signs_from = v.column2, signs_until = v.column3, published_until = v.column4 \
                 FROM (VALUES {rows}) AS v WHERE signing_keys.kid = v.column1 AND signing_keys.signs_from = v.column5 \
                 AND signing_keys.signs_until = v.column6"
            }
            Self::DropSigningKey => "DELETE FROM signing_keys WHERE kid IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            // The account is held (`HoldAccounts`): whoever disables it is first, or sees the link.
            Self::AddLink => {
                "INSERT INTO links (provider, issuer, subject, id, account, created, seen, email, body) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = v.column5 AND accounts.disabled) ON CONFLICT DO NOTHING"
            }
            Self::RemoveLink => "DELETE FROM links WHERE (id, account) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)",
            // Rows of one account are never in one statement, and the account is held (`HoldAccounts`): of two that remove its last two, one is second.
            Self::RemoveSpareLink => {
                "DELETE FROM links WHERE (id, account) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v) \
                 AND EXISTS (SELECT 1 FROM links AS other WHERE other.account = links.account AND other.id <> links.id)"
            }
            Self::UpdateLink => {
                "UPDATE links SET seen = v.column2, email = v.column3, body = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE links.id = v.column1 AND links.seen <= v.column2 AND links.account = v.column5"
            }
            Self::AddProvider => {
                "INSERT INTO providers (id, version, disabled, secrets, created, updated, body, managed_by) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING"
            }
            Self::ReplaceProvider => {
                "UPDATE providers SET version = v.column2, disabled = v.column3, secrets = v.column4, created = v.column5, \
                 updated = v.column6, body = v.column7, managed_by = v.column8 FROM (VALUES {rows}) AS v \
                 WHERE providers.id = v.column1 AND providers.version = v.column9"
            }
            Self::DeleteProvider => "DELETE FROM providers WHERE (id, version) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)",
            Self::EmptyAccount => {
                "UPDATE accounts SET disabled = TRUE, updated = v.column2, body = v.column3, name = NULL FROM (VALUES {rows}) AS v \
                 WHERE accounts.id = v.column1 AND NOT EXISTS (SELECT 1 FROM links WHERE links.account = accounts.id)"
            }
            // `disabled` and `salt` are for a new row only: nobody who signs in takes one back or makes the other anew.
            Self::PutAccount => {
                "INSERT INTO accounts (id, created, updated, disabled, salt, body, name) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (id) DO UPDATE SET created = excluded.created, updated = excluded.updated, body = excluded.body, \
                 name = excluded.name \
                 RETURNING id, disabled, salt"
            }
            Self::DisableAccount => "UPDATE accounts SET disabled = v.column2 FROM (VALUES {rows}) AS v WHERE accounts.id = v.column1",
            Self::PutSession => {
                "INSERT INTO sessions (id, digest, account, provider, link, auth_time, created, last_seen, ended, \
                 upstream_session, body) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, account = excluded.account, provider = excluded.provider, \
                 link = excluded.link, auth_time = excluded.auth_time, created = excluded.created, last_seen = excluded.last_seen, ended = excluded.ended, \
                 upstream_session = excluded.upstream_session, body = excluded.body WHERE sessions.ended IS NULL"
            }
            Self::TouchSession => {
                "UPDATE sessions SET last_seen = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE sessions.id = v.column1 AND sessions.last_seen < v.column2"
            }
            Self::EndSession => {
                "UPDATE sessions SET ended = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE sessions.id = v.column1 AND sessions.ended IS NULL"
            }
            Self::EndAccountSessions => {
                "UPDATE sessions SET ended = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE sessions.account = v.column1 AND sessions.ended IS NULL RETURNING id"
            }
            Self::EndLinkSessions => {
                "UPDATE sessions SET ended = v.column3 FROM (VALUES {rows}) AS v \
                 WHERE sessions.account = v.column2 AND sessions.link = v.column1 AND sessions.ended IS NULL RETURNING id"
            }
            Self::PutConsent => {
                "INSERT INTO consents (account, client, host, given, scopes) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = v.column1 AND accounts.disabled) \
                 ON CONFLICT (account, client, host) DO UPDATE SET given = excluded.given, scopes = excluded.scopes"
            }
            Self::DropConsents => "DELETE FROM consents WHERE (account, client) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)",
            Self::DropAccountConsents => "DELETE FROM consents WHERE account IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            Self::DropClientConsents => "DELETE FROM consents WHERE client IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            Self::AddCode => {
                "INSERT INTO codes (digest, grant_id, session, expires, redeemed, body, account, client) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL"
            }
            // The sessions are held (`HoldSessions`), so none ends between this look and the commit.
            Self::RedeemCode => {
                "UPDATE codes SET redeemed = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE codes.digest = v.column1 AND codes.redeemed IS NULL \
                 AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = codes.session AND sessions.ended IS NULL) \
                 AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.id = codes.grant_id AND grants.revoked_at IS NOT NULL)"
            }
            Self::PutUpstreamTokens => {
                "INSERT INTO upstream_tokens (link, sealed, version, expires, received, refreshable, leased_until, used, denied, \
                 failures, retry_after) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (link) DO UPDATE SET sealed = excluded.sealed, version = upstream_tokens.version + 1, \
                 expires = excluded.expires, received = excluded.received, refreshable = excluded.refreshable, leased_until = NULL, \
                 denied = NULL, failures = 0, retry_after = NULL"
            }
            Self::RenewUpstreamTokens => {
                "UPDATE upstream_tokens SET sealed = v.column2, version = v.column3, expires = v.column4, received = v.column5, \
                 refreshable = v.column6, leased_until = v.column7, denied = v.column9, failures = v.column10, retry_after = v.column11 \
                 FROM (VALUES {rows}) AS v WHERE upstream_tokens.link = v.column1 AND upstream_tokens.version = v.column12"
            }
            Self::LeaseUpstreamTokens => {
                "UPDATE upstream_tokens SET leased_until = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE upstream_tokens.link = v.column1 AND upstream_tokens.version = v.column2 \
                 AND (upstream_tokens.leased_until IS NULL OR upstream_tokens.leased_until <= v.column3)"
            }
            Self::TouchUpstreamTokens => {
                "UPDATE upstream_tokens SET used = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE upstream_tokens.link = v.column1 AND (upstream_tokens.used IS NULL OR upstream_tokens.used < v.column2)"
            }
            Self::DropUpstreamTokens => "DELETE FROM upstream_tokens WHERE link IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            Self::RevokeToken => {
                "INSERT INTO revoked_tokens (id, expires) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING"
            }
            Self::JoinSession => {
                "INSERT INTO session_clients (session, client, account, expires) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (session, client) DO UPDATE SET expires = excluded.expires WHERE session_clients.expires < excluded.expires"
            }
            Self::AnnounceEnds => {
                "UPDATE session_clients SET due = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE session_clients.account = v.column1 AND session_clients.due IS NULL \
                 AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = session_clients.session AND sessions.ended IS NOT NULL)"
            }
            Self::TakeDelivery => {
                "UPDATE session_clients SET due = v.column4, attempts = session_clients.attempts + 1 FROM (VALUES {rows}) AS v \
                 WHERE session_clients.session = v.column1 AND session_clients.client = v.column2 AND session_clients.attempts = v.column3 \
                 AND session_clients.due IS NOT NULL"
            }
            Self::SettleDelivery => {
                "DELETE FROM session_clients WHERE (session, client) IN (SELECT column1, column2 FROM (VALUES {rows}) AS v)"
            }
            // A row less than given: there is a tombstone, or the grant itself.
            Self::AddGrant => {
                "INSERT INTO grants (id, client, account, session, link, ends_with_session, issued, access_expires, \
                 generation, rotated, idle_expires, absolute_expires, revoked_at, revoked_by, sweep_after, body) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING"
            }
            // A tombstone is filled and stays revoked; a grant that is there already is left alone, and nothing is returned.
            Self::FillGrant => {
                "INSERT INTO grants (id, client, account, session, link, ends_with_session, issued, access_expires, \
                 generation, rotated, idle_expires, absolute_expires, revoked_at, revoked_by, sweep_after, body) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (id) DO UPDATE SET client = excluded.client, account = excluded.account, session = excluded.session, \
                 link = excluded.link, ends_with_session = excluded.ends_with_session, issued = excluded.issued, access_expires = excluded.access_expires, \
                 generation = excluded.generation, rotated = excluded.rotated, idle_expires = excluded.idle_expires, \
                 absolute_expires = excluded.absolute_expires, sweep_after = excluded.sweep_after, body = excluded.body \
                 WHERE grants.body IS NULL RETURNING revoked_at"
            }
            // No column of an index changes, so that a rotation rewrites one row and nothing else.
            Self::RotateFamily => {
                "UPDATE grants SET generation = v.column3, rotated = v.column4, idle_expires = v.column5, \
                 absolute_expires = v.column6, \
                 access_expires = CASE WHEN grants.access_expires > v.column7 THEN grants.access_expires ELSE v.column7 END \
                 FROM (VALUES {rows}) AS v WHERE grants.id = v.column1 AND grants.generation = v.column2 AND grants.revoked_at IS NULL"
            }
            // One row is the meeting point of this and `AddGrant`: whichever comes first, the grant ends.
            Self::RevokeGrant => {
                "INSERT INTO grants (id, revoked_at, revoked_by, sweep_after) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by \
                 WHERE grants.revoked_at IS NULL"
            }
            Self::RevokeSessionGrants => {
                "UPDATE grants SET revoked_at = v.column2, revoked_by = v.column3 FROM (VALUES {rows}) AS v \
                 WHERE grants.session = v.column1 AND grants.revoked_at IS NULL AND grants.ends_with_session RETURNING id"
            }
            Self::RevokeClientGrants => {
                "UPDATE grants SET revoked_at = v.column2, revoked_by = v.column3 FROM (VALUES {rows}) AS v \
                 WHERE grants.client = v.column1 AND grants.revoked_at IS NULL RETURNING id"
            }
            Self::RevokeAccountGrants => {
                "UPDATE grants SET revoked_at = v.column2, revoked_by = v.column3 FROM (VALUES {rows}) AS v \
                 WHERE grants.account = v.column1 AND grants.revoked_at IS NULL RETURNING grants.id"
            }
            Self::RevokeAppGrants => {
                "UPDATE grants SET revoked_at = v.column3, revoked_by = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE grants.account = v.column1 AND grants.client = v.column2 AND grants.revoked_at IS NULL RETURNING grants.id"
            }
            Self::RevokeLinkGrants => {
                "UPDATE grants SET revoked_at = v.column3, revoked_by = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE grants.account = v.column2 AND grants.link = v.column1 AND grants.revoked_at IS NULL RETURNING grants.id"
            }
            // Every code that could be redeemed now, redeemed or not: what a redemption beside this makes is found by nothing else, and meets it in the
            // row of its grant.
            Self::WithdrawAppCodes => {
                "INSERT INTO grants (id, revoked_at, revoked_by, sweep_after) \
                 SELECT codes.grant_id, v.column3, v.column4, v.column5 FROM (VALUES {rows}) AS v, codes \
                 WHERE codes.account = v.column1 AND codes.client = v.column2 AND codes.expires > v.column6 \
                 ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by \
                 WHERE grants.revoked_at IS NULL RETURNING id"
            }
            Self::WithdrawClientCodes => {
                "INSERT INTO grants (id, revoked_at, revoked_by, sweep_after) \
                 SELECT codes.grant_id, v.column2, v.column3, v.column4 FROM (VALUES {rows}) AS v, codes \
                 WHERE codes.client = v.column1 AND codes.expires > v.column5 \
                 ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by \
                 WHERE grants.revoked_at IS NULL RETURNING id"
            }
            Self::BeginChain => {
                "INSERT INTO audit_chain (id, version, base, body) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING"
            }
            Self::MoveChain => {
                "UPDATE audit_chain SET version = v.column2, base = v.column3, body = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE audit_chain.id = v.column1 AND audit_chain.version = v.column5"
            }
            Self::BeginSink => {
                "INSERT INTO audit_sinks (id, version, seq, body) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING"
            }
            Self::MoveSink => {
                "UPDATE audit_sinks SET version = v.column2, seq = v.column3, body = v.column4 FROM (VALUES {rows}) AS v \
                 WHERE audit_sinks.id = v.column1 AND audit_sinks.version = v.column5"
            }
            Self::PutLoginTrace => {
                "INSERT INTO login_traces (login, reference, at, expires, account, body) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM audit_subjects AS s WHERE s.account = v.column5 AND s.erased IS NOT NULL) \
                 ON CONFLICT (login, reference) DO UPDATE SET at = excluded.at, expires = excluded.expires, account = excluded.account, \
                 body = excluded.body"
            }
            Self::DropLoginTraces => "DELETE FROM login_traces WHERE account IN (SELECT column1 FROM (VALUES {rows}) AS v)",
            Self::PutSubjectKey => {
                "INSERT INTO audit_subjects (account, subject_key) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (account) DO UPDATE SET subject_key = excluded.subject_key WHERE audit_subjects.subject_key IS NULL"
            }
            Self::PutHabits => {
                "UPDATE audit_subjects SET habits = v.column2, habits_until = v.column3 FROM (VALUES {rows}) AS v \
                 WHERE audit_subjects.account = v.column1 AND audit_subjects.subject_key IS NOT NULL"
            }
            Self::EraseSubject => {
                "INSERT INTO audit_subjects (account, erased) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL \
                 ON CONFLICT (account) DO UPDATE SET subject_key = NULL, habits = NULL, habits_until = NULL, erased = excluded.erased"
            }
            Self::AddCheckpoint => {
                "INSERT INTO audit_checkpoints (seq, at, body) SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL"
            }
            // What it says beside its place in the chain is moved as it lies, and only out of where it waits: an event is sealed once.
            Self::SealEvent => {
                "INSERT INTO audit_events (seq, prev, hash, personal, body, time, id, name, account, client, login, provider, session, trace, \
                 outcome, reason) SELECT v.column3, v.column4, v.column5, v.column6, v.column7, w.time, w.id, w.name, w.account, w.client, \
                 w.login, w.provider, w.session, w.trace, w.outcome, w.reason FROM (VALUES {rows}) AS v \
                 CROSS JOIN audit_waiting AS w WHERE w.id = v.column1 AND w.time = v.column2"
            }
            Self::TakeWaiting => "DELETE FROM audit_waiting WHERE (time, id) IN (SELECT column2, column1 FROM (VALUES {rows}) AS v)",
            // That no event is recorded twice is seen to only while it waits: its id is made with it, and nobody commits one again.
            Self::RecordEvent => {
                "INSERT INTO audit_waiting (id, time, name, account, client, login, body, provider, session, trace, outcome, reason) \
                 SELECT * FROM (VALUES {rows}) AS v WHERE column1 IS NOT NULL"
            }
        }
    }
}
