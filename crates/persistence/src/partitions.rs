//! The partitions of the audit table on PostgreSQL: the next is made before it is wanted, and one whose events are all kept no more goes whole.
//!
//! Whoever reads the log waits for this for a moment, and so does a seal; a request writes its event elsewhere, and no seal shares its transaction with one.
//! What has no partition of its own lies in the default one, from which events go row by row, so a gateway whose database user may make no tables works as
//! well, only that more is written when much goes.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::time::Instant;
use vestibule_domain::time::Timestamp;
use vestibule_migrations::A_PARTITION;

use crate::{errors::classify_sqlx, store::lock};

/// How the name of a partition begins; it ends in the last number that lies there.
const NAMED: &str = "audit_events_to_";

/// A partition that was filled within this is not deleted row by row, for so long: soon all of it is old.
const A_DAY: Duration = Duration::from_hours(24);

/// Who failed does not try at once again, because whoever reads the log waits behind one who waits to change the table.
const REST: Duration = Duration::from_secs(50);

/// How long they may wait. The same for the work, because making a partition reads all of the default one.
const BRIEFLY: &str = "SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '2s', true)";

#[derive(Debug)]
pub(crate) struct Partitions {
    pool: PgPool,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// Whether it was said already that this user may not make tables.
    is_said: bool,
    rests_until: Option<Instant>,
    /// Up to which event they are kept no more, and since when it is that one.
    base: Option<(i64, Timestamp)>,
}

/// What there is.
struct Standing {
    /// Whether this user may change it.
    is_ours: bool,
    /// The last number of each partition, in order.
    ends: Vec<i64>,
    /// The last event that is in the chain.
    last: i64,
    /// Up to here they are kept no more.
    base: i64,
}

impl Partitions {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, memory: Mutex::default() }
    }

    /// Makes what is wanted next and drops what is kept no more. Returns from which event on they are left to go whole. What can't be done now is tried
    /// again in a minute.
    pub(crate) async fn keep(&self, now: Timestamp) -> i64 {
        if self.memory().rests_until.is_some_and(|until| Instant::now() < until) {
            return i64::MAX;
        }
        let kept = self.try_keep(now).await;
        kept.unwrap_or_else(|error| {
            self.memory().rests_until = Some(Instant::now() + REST);
            self.say(&error);
            i64::MAX
        })
    }

    async fn try_keep(&self, now: Timestamp) -> Result<i64, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let standing = standing(&mut connection).await?;
        if !standing.is_ours {
            self.say_that_it_may_not();
            return Ok(i64::MAX);
        }
        if standing.wants_more() {
            make(&mut connection).await?;
        }
        for end in standing.ends.iter().filter(|end| **end <= standing.base) {
            drop_whole(&mut connection, *end).await?;
        }
        // As when a sink holds up what is after it: that may be long.
        if self.stands_since(standing.base, now) + A_DAY < now {
            return Ok(i64::MAX);
        }
        whole_from(&mut connection, &standing).await
    }

    fn stands_since(&self, base: i64, now: Timestamp) -> Timestamp {
        let mut memory = self.memory();
        let (_, since) = memory.base.filter(|(before, _)| *before == base).unwrap_or((base, now));
        memory.base = Some((base, since));
        since
    }

    fn say(&self, error: &sqlx::Error) {
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        match code.as_deref() {
            // insufficient_privilege
            Some("42501") => self.say_that_it_may_not(),
            // lock_not_available, undefined_table: somebody reads for long, or another node was at it.
            Some("55P03" | "42P01") => tracing::debug!("the audit table was in use; its partitions are seen to in a minute"),
            // query_canceled
            Some("57014") => tracing::warn!(
                "a partition of audit_events could not be made or dropped within two seconds, perhaps because much lies in the default one, \
                 audit_events_other; it is tried again in a minute"
            ),
            _ => {
                let error = classify_sqlx(error).to_error();
                tracing::warn!(%error, "the partitions of audit_events could not be seen to; it is tried again in a minute");
            }
        }
    }

    fn say_that_it_may_not(&self) {
        if !std::mem::replace(&mut self.memory().is_said, true) {
            tracing::warn!(
                "the user of the database may not make or drop partitions of audit_events: its owner may; until then events lie in the default one, and \
                 old ones are deleted row by row"
            );
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

impl Standing {
    fn wants_more(&self) -> bool {
        self.ends.last().is_none_or(|end| end - self.last < A_PARTITION / 2)
    }
}

async fn standing(connection: &mut PgConnection) -> Result<Standing, sqlx::Error> {
    let names = "SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit_events'::regclass";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *connection).await?;
    let mut ends: Vec<i64> = names.iter().filter_map(|name| name.strip_prefix(NAMED)?.parse().ok()).collect();
    ends.sort_unstable();
    let about = "SELECT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'audit_events'::regclass), \
                 COALESCE((SELECT MAX(seq) FROM audit_events), 0), COALESCE((SELECT base FROM audit_chain WHERE id = 1), 0)";
    let (is_ours, last, base) = sqlx::query_as(about).fetch_one(&mut *connection).await?;
    Ok(Standing { is_ours, ends, last, base })
}

/// The next one, for numbers that no event has yet.
async fn make(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::query(BRIEFLY).execute(&mut *transaction).await?;
    // Nothing is sealed meanwhile, and nobody else does the same.
    sqlx::query("LOCK TABLE audit_events IN SHARE ROW EXCLUSIVE MODE").execute(&mut *transaction).await?;
    let standing = standing(&mut transaction).await?;
    if standing.wants_more() {
        let first = standing.ends.last().copied().unwrap_or_default().max(standing.last) + 1;
        let end = (first / A_PARTITION + 1) * A_PARTITION;
        let beyond = end + 1;
        let sql = format!("CREATE TABLE {NAMED}{end} PARTITION OF audit_events FOR VALUES FROM ({first}) TO ({beyond})");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn drop_whole(connection: &mut PgConnection, end: i64) -> Result<(), sqlx::Error> {
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::query(BRIEFLY).execute(&mut *transaction).await?;
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {NAMED}{end}"))).execute(&mut *transaction).await?;
    transaction.commit().await?;
    tracing::info!("dropped a partition of audit_events whose events are kept no more, the last of them {end}");
    Ok(())
}

/// Deleting what will go whole within a day would be for nothing. What took longer to come goes row by row, or it would be kept for too long.
async fn whole_from(connection: &mut PgConnection, standing: &Standing) -> Result<i64, sqlx::Error> {
    let Some(end) = standing.ends.iter().find(|end| **end > standing.base) else { return Ok(i64::MAX) };
    let first = format!("SELECT seq, time FROM {NAMED}{end} ORDER BY seq LIMIT 1");
    let first: Option<(i64, i64)> = sqlx::query_as(AssertSqlSafe(first)).fetch_optional(&mut *connection).await?;
    let last: Option<i64> = sqlx::query_scalar("SELECT time FROM audit_events WHERE seq = $1").bind(end).fetch_optional(connection).await?;
    Ok(match (first, last) {
        (Some((whole_from, began)), Some(ended)) if Timestamp::from_millis(ended) < Timestamp::from_millis(began) + A_DAY => whole_from,
        _ => i64::MAX,
    })
}
