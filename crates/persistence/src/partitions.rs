//! The partitions of the audit table on PostgreSQL: the next is made before it is wanted, and one whose events are all kept no more goes whole.
//!
//! Whoever reads the log waits for this for a moment, and so does a seal; a request writes its event elsewhere, and no seal shares its transaction with one.
//! What has no partition of its own lies in the default one, from which events go row by row, so a gateway whose database user may make no tables works as
//! well, only that more is written when much goes.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::Instant;
use vestibule_domain::time::Timestamp;
use vestibule_migrations::A_PARTITION;

use crate::{connect::milliseconds, errors::classify_sqlx, store::lock};

/// How the name of a partition begins; it ends in the last number that lies there.
const NAMED: &str = "audit_events_to_";

/// A partition that was filled within this is not deleted row by row, for so long: soon all of it is old.
const A_DAY: Duration = Duration::from_hours(24);

/// Who failed does not try at once again, because whoever reads the log waits behind one who waits to change the table.
const REST: Duration = Duration::from_secs(50);

/// Whom the work took too long has longer for it, but not soon: making a partition reads all of the default one, and keeps readers and seals up meanwhile.
const LONG_REST: Duration = Duration::from_hours(1);
const LONGER: Duration = Duration::from_secs(10);

/// How long the lock may be waited for.
const WAIT: Duration = Duration::from_secs(2);

/// How long a statement may take with that. Were it no longer than the wait, a wait that is too long would look like work that is.
const BRIEFLY: Duration = Duration::from_secs(4);
const _: () = assert!(WAIT.as_secs() < BRIEFLY.as_secs() && BRIEFLY.as_secs() < LONGER.as_secs());

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
    /// Whether the work took too long the last time.
    takes_long: bool,
    /// The partition whose first events are kept no more, and since when.
    held: Option<(i64, Timestamp)>,
}

/// What there is.
struct Standing {
    /// Where the table lies.
    schema: String,
    /// Whether this user may change it.
    is_ours: bool,
    may_make: bool,
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
    /// again later.
    pub(crate) async fn keep(&self, now: Timestamp) -> i64 {
        self.try_keep(now).await.unwrap_or_else(|error| {
            self.say(&error);
            i64::MAX
        })
    }

    async fn try_keep(&self, now: Timestamp) -> Result<i64, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut standing = standing(&mut connection).await?;
        if !standing.is_ours {
            self.say_that_it_may_not();
            return Ok(i64::MAX);
        }
        if self.memory().rests_until.is_none_or(|until| until <= Instant::now()) {
            self.change(&mut connection, &mut standing).await;
        }
        self.whole_from(&mut connection, &standing, now).await
    }

    /// One that can't be made is no reason to drop none.
    async fn change(&self, connection: &mut PgConnection, standing: &mut Standing) {
        let patience = if self.memory().takes_long { LONGER } else { BRIEFLY };
        let mut failed = None;
        if !standing.may_make {
            self.say_that_it_may_not();
        } else if standing.wants_more() {
            failed = make(connection, patience).await.err();
        }
        while let Some(end) = standing.ends.first().copied().filter(|end| *end <= standing.base) {
            if let Err(error) = drop_whole(connection, &standing.partition(end), patience).await {
                failed = Some(error);
                break;
            }
            standing.ends.remove(0);
            tracing::info!("dropped a partition of audit_events whose events are kept no more, the last of them {end}");
        }
        let takes_long = failed.as_ref().is_some_and(|error| code(error).as_deref() == Some(QUERY_CANCELED));
        {
            let mut memory = self.memory();
            memory.rests_until = failed.is_some().then(|| Instant::now() + if takes_long { LONG_REST } else { REST });
            memory.takes_long = takes_long;
        }
        if let Some(error) = failed {
            self.say(&error);
        }
    }

    /// Deleting what will go whole within a day would be for nothing. What took longer to come goes row by row, or it would be kept for too long; so does what
    /// was held for a day, as when a sink holds up the rest.
    async fn whole_from(&self, connection: &mut PgConnection, standing: &Standing, now: Timestamp) -> Result<i64, sqlx::Error> {
        let Some(end) = standing.ends.first().copied() else { return Ok(i64::MAX) };
        let first = format!("SELECT seq, time FROM {} ORDER BY seq LIMIT 1", standing.partition(end));
        let first: Option<(i64, i64)> = sqlx::query_as(AssertSqlSafe(first)).fetch_optional(&mut *connection).await?;
        let Some((first, began)) = first.filter(|(first, _)| *first <= standing.base) else { return Ok(i64::MAX) };
        let since = {
            let mut memory = self.memory();
            let held = memory.held.filter(|(held, _)| *held == end).unwrap_or((end, now));
            memory.held = Some(held);
            held.1
        };
        if since + A_DAY < now {
            return Ok(i64::MAX);
        }
        if end <= standing.base {
            return Ok(first);
        }
        let last: Option<i64> =
            sqlx::query_scalar("SELECT time FROM audit_events WHERE seq = $1").bind(end).fetch_optional(connection).await?;
        let came_within_a_day = last.is_some_and(|ended| Timestamp::from_millis(ended) < Timestamp::from_millis(began) + A_DAY);
        Ok(if came_within_a_day { first } else { i64::MAX })
    }

    fn say(&self, error: &sqlx::Error) {
        match code(error).as_deref() {
            // insufficient_privilege
            Some("42501") => self.say_that_it_may_not(),
            // lock_not_available, undefined_table: somebody reads for long, or another node was at it.
            Some("55P03" | "42P01") => tracing::debug!("the audit table was in use; its partitions are seen to in a minute"),
            Some(QUERY_CANCELED) => tracing::warn!(
                "a partition of audit_events could not be made or dropped in time, perhaps because much lies in the default one, audit_events_other; \
                 it is tried again in an hour, and may take ten seconds then"
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
                "partitions of audit_events are made by a database user who owns that table and may create tables in its schema, and this one is not: until \
                 then events come to lie in the default one, and go from it row by row"
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

    fn partition(&self, end: i64) -> String {
        format!("{}.{NAMED}{end}", self.schema)
    }
}

const QUERY_CANCELED: &str = "57014";

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

async fn standing(connection: &mut PgConnection) -> Result<Standing, sqlx::Error> {
    let names = "SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit_events'::regclass";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *connection).await?;
    let mut ends: Vec<i64> = names.iter().filter_map(|name| name.strip_prefix(NAMED)?.parse().ok()).collect();
    ends.sort_unstable();
    // Who only belongs to the owner would make tables that are not the owner's.
    let about = "SELECT quote_ident(n.nspname), pg_get_userbyid(t.relowner) = current_user, has_schema_privilege(n.oid, 'CREATE'), \
                 COALESCE((SELECT MAX(seq) FROM audit_events), 0), COALESCE((SELECT base FROM audit_chain WHERE id = 1), 0) \
                 FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace WHERE t.oid = 'audit_events'::regclass";
    let (schema, is_ours, may_make, last, base): (_, _, _, i64, i64) = sqlx::query_as(about).fetch_one(&mut *connection).await?;
    // Where all are kept no more, none may be there.
    Ok(Standing { schema, is_ours, may_make, ends, last: last.max(base), base })
}

/// The next one, for numbers that no event has yet.
async fn make(connection: &mut PgConnection, patience: Duration) -> Result<(), sqlx::Error> {
    let mut transaction = begin(connection, patience).await?;
    // Nothing is sealed meanwhile, and nobody else does the same.
    sqlx::query("LOCK TABLE audit_events IN SHARE ROW EXCLUSIVE MODE").execute(&mut *transaction).await?;
    let standing = standing(&mut transaction).await?;
    if standing.wants_more() {
        let first = standing.ends.last().copied().unwrap_or_default().max(standing.last) + 1;
        let end = (first / A_PARTITION + 1) * A_PARTITION;
        let (partition, beyond) = (standing.partition(end), end + 1);
        let sql = format!("CREATE TABLE {partition} PARTITION OF audit_events FOR VALUES FROM ({first}) TO ({beyond})");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn drop_whole(connection: &mut PgConnection, partition: &str, patience: Duration) -> Result<(), sqlx::Error> {
    let mut transaction = begin(connection, patience).await?;
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {partition}"))).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn begin(connection: &mut PgConnection, patience: Duration) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let limits = "SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)";
    sqlx::query(limits).bind(milliseconds(WAIT)).bind(milliseconds(patience)).execute(&mut *transaction).await?;
    Ok(transaction)
}
