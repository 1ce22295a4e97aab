//! Takes away what has expired, a bounded number of rows at a time, so that no commit waits long behind it.

use std::time::Duration;

use uuid::Uuid;
use vestibule_domain::{
    detection::DetectionRules,
    ids::{GrantId, SessionId},
    secret::Digest,
    stats::PEOPLE_KEPT,
    time::Timestamp,
};

use crate::{
    caches::Effect,
    entities::revoked_tokens,
    errors::Fault,
    pen::{Connection, Value},
};

/// Rows a writer deletes between two groups of commits.
pub(crate) const AT_ONCE: u64 = 500;

/// How long a code stays after it expired, so that a late replay still revokes; and a session after it ended.
const DAY: Duration = Duration::from_hours(24);

/// How long a key of the admin API stays after it expired, for whoever asks why it does not work.
const MONTH: Duration = Duration::from_hours(24 * 30);

/// How long it is known when a key or a secret was used last. Of what is gone nobody asks; the row goes by its age, whichever way that went.
const USES: Duration = Duration::from_hours(24 * 400);

/// What to take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Spent,
    Tickets,
    Codes,
    Grants,
    RevokedTokens,
    EndedSessions,
    OldSessions,
    SessionClients,
    RegistrationTokens,
    ApiKeys,
    LastUses,
    LoginTraces,
    Stats,
    ActivePeople,
    Habits,
    AuditEvents,
    AuditCheckpoints,
}

impl Kind {
    pub(crate) const ALL: [Self; 17] = [
        Self::Spent,
        Self::Tickets,
        Self::Codes,
        Self::Grants,
        Self::RevokedTokens,
        Self::EndedSessions,
        Self::OldSessions,
        Self::SessionClients,
        Self::RegistrationTokens,
        Self::ApiKeys,
        Self::LastUses,
        Self::LoginTraces,
        Self::Stats,
        Self::ActivePeople,
        Self::Habits,
        Self::AuditEvents,
        Self::AuditCheckpoints,
    ];

    /// What may come alive again says so twice: PostgreSQL asks the outer condition again of a row that it had to wait for.
    pub(crate) const fn deletion(self) -> &'static str {
        match self {
            Self::Spent => "DELETE FROM spent WHERE id IN (SELECT id FROM spent WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING id",
            Self::Tickets => {
                "DELETE FROM tickets WHERE digest IN (SELECT digest FROM tickets WHERE expires < $1 ORDER BY expires LIMIT $2) \
                 AND expires < $1 RETURNING digest"
            }
            Self::Codes => {
                "DELETE FROM codes WHERE digest IN (SELECT digest FROM codes WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING digest"
            }
            Self::Grants => {
                "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE sweep_after < $1 \
                 AND COALESCE(access_expires, sweep_after) < $1 AND COALESCE(idle_expires, sweep_after) < $1 \
                 ORDER BY sweep_after LIMIT $2) \
                 AND COALESCE(access_expires, sweep_after) < $1 AND COALESCE(idle_expires, sweep_after) < $1 RETURNING id"
            }
            Self::RevokedTokens => {
                "DELETE FROM revoked_tokens WHERE id IN (SELECT id FROM revoked_tokens WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING id"
            }
            Self::EndedSessions => {
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended IS NOT NULL AND ended < $1 ORDER BY ended LIMIT $2) \
                 RETURNING id"
            }
            Self::OldSessions => {
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended IS NULL AND last_seen < $1 ORDER BY last_seen LIMIT $2) \
                 AND ended IS NULL AND last_seen < $1 RETURNING id"
            }
            // Who is still to be told stays, and so does who took part in a session that was signed in to again and again.
            Self::SessionClients => {
                "DELETE FROM session_clients WHERE (session, client) IN (SELECT session, client FROM session_clients \
                 WHERE due IS NULL AND expires < $1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = session_clients.session) \
                 ORDER BY expires LIMIT $2) AND due IS NULL RETURNING session"
            }
            Self::RegistrationTokens => {
                "DELETE FROM registration_tokens WHERE id IN (SELECT id FROM registration_tokens WHERE expires < $1 ORDER BY expires LIMIT $2) \
                 RETURNING id"
            }
            Self::ApiKeys => {
                "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE expires IS NOT NULL AND expires < $1 ORDER BY expires LIMIT $2) \
                 AND expires < $1 RETURNING id"
            }
            Self::LastUses => {
                "DELETE FROM last_uses WHERE id IN (SELECT id FROM last_uses WHERE used < $1 ORDER BY used LIMIT $2) AND used < $1 \
                 RETURNING id"
            }
            Self::LoginTraces => {
                "DELETE FROM login_traces WHERE (login, reference) IN (SELECT login, reference FROM login_traces WHERE expires < $1 \
                 ORDER BY expires LIMIT $2) AND expires < $1 RETURNING login"
            }
            Self::Stats => {
                "DELETE FROM stats WHERE (step, start, node) IN (SELECT step, start, node FROM stats WHERE expires < $1 ORDER BY expires LIMIT $2) \
                 RETURNING node"
            }
            Self::ActivePeople => {
                "DELETE FROM active_people WHERE (day, account) IN (SELECT day, account FROM active_people WHERE day < $1 ORDER BY day LIMIT $2) \
                 RETURNING account"
            }
            // The row is that of the person's key, which stays.
            Self::Habits => {
                "UPDATE audit_subjects SET habits = NULL, habits_until = NULL WHERE account IN (SELECT account FROM audit_subjects \
                 WHERE habits IS NOT NULL AND habits_until < $1 ORDER BY habits_until LIMIT $2) AND habits_until < $1 RETURNING account"
            }
            // What is kept no more is said by the chain, in one commit with its event; its moment has nothing to do with it.
            Self::AuditEvents => {
                "DELETE FROM audit_events WHERE seq IN (SELECT seq FROM audit_events \
                 WHERE seq < $1 AND seq <= (SELECT base FROM audit_chain WHERE id = 1) ORDER BY seq LIMIT $2) RETURNING id"
            }
            // The last of them stays: the events that are kept follow it.
            Self::AuditCheckpoints => {
                "DELETE FROM audit_checkpoints WHERE seq IN (SELECT seq FROM audit_checkpoints \
                 WHERE seq < (SELECT base FROM audit_chain WHERE id = 1 AND $1 > 0) ORDER BY seq LIMIT $2) RETURNING body"
            }
        }
    }
}

/// One deletion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broom {
    pub(crate) kind: Kind,
    pub(crate) now: Timestamp,
    pub(crate) sessions_before: Timestamp,
    /// From this event on they go a partition at a time.
    pub(crate) whole_from: i64,
    pub(crate) most: u64,
}

/// What one deletion did.
pub(crate) struct Swept {
    pub(crate) rows: u64,
    /// Rows that may be in a cache.
    pub(crate) effects: Vec<Effect>,
}

impl Broom {
    pub(crate) async fn sweep(&self, connection: &mut Connection) -> Result<Swept, Fault> {
        let values = self.values();
        let values = values.each_ref();
        if self.kind == Kind::Grants {
            connection.execute(LIVING_GRANTS, &values).await?;
        }
        if self.kind == Kind::Habits {
            let until = Value::from((self.now + DetectionRules::default().known_for()).as_millis());
            connection.execute(HABITS_WITHOUT_END, &[&until, values[1]]).await?;
        }
        let keys = connection.keys(self.kind.deletion(), &values).await?;
        let effects = keys.iter().filter_map(|key| self.effect(key)).collect();
        Ok(Swept { rows: keys.len() as u64, effects })
    }

    fn values(&self) -> [Value; 2] {
        let most = i64::try_from(self.most).unwrap_or(i64::MAX).into();
        let before = match self.kind {
            Kind::AuditEvents => return [self.whole_from.into(), most],
            Kind::Codes | Kind::EndedSessions => self.now - DAY,
            Kind::OldSessions => self.sessions_before,
            Kind::ApiKeys => self.now - MONTH,
            Kind::LastUses => self.now - USES,
            Kind::ActivePeople => self.now - PEOPLE_KEPT,
            _ => self.now,
        };
        [before.as_millis().into(), most]
    }

    fn effect(&self, key: &[u8]) -> Option<Effect> {
        match self.kind {
            Kind::Grants => Uuid::from_slice(key).ok().map(|id| Effect::Grant(GrantId(id), None)),
            Kind::EndedSessions | Kind::OldSessions => Uuid::from_slice(key).ok().map(|id| Effect::Session(SessionId(id), None)),
            Kind::RevokedTokens => revoked_tokens::id(key).map(Effect::Token),
            Kind::Codes => key.try_into().ok().map(|digest| Effect::Code(Digest(digest), None)),
            Kind::Spent
            | Kind::Tickets
            | Kind::SessionClients
            | Kind::RegistrationTokens
            | Kind::ApiKeys
            | Kind::LastUses
            | Kind::LoginTraces
            | Kind::Stats
            | Kind::ActivePeople
            | Kind::Habits
            | Kind::AuditEvents
            | Kind::AuditCheckpoints => None,
        }
    }
}

/// A rotation leaves `sweep_after` alone, to write nothing but its row. Grants that were used since are given their new moment here,
/// once in the time a family may lie idle.
pub(crate) const LIVING_GRANTS: &str = "UPDATE grants SET sweep_after = CASE WHEN COALESCE(idle_expires, 0) > access_expires THEN idle_expires \
     ELSE access_expires END WHERE id IN (SELECT id FROM grants WHERE sweep_after < $1 AND (access_expires >= $1 OR idle_expires >= $1) \
     ORDER BY sweep_after LIMIT $2)";

/// What the release before this one learned of people has no end: it is given one here, by the usual rules.
pub(crate) const HABITS_WITHOUT_END: &str = "UPDATE audit_subjects SET habits_until = $1 WHERE account IN (SELECT account FROM audit_subjects \
     WHERE habits IS NOT NULL AND habits_until IS NULL LIMIT $2) AND habits_until IS NULL";
