//! The partitions of the audit table on PostgreSQL: the next is made before it is wanted, and one whose events are all kept no more goes whole.
//!
//! Nothing waits for this but a sealer: a request writes its event elsewhere. What has no partition of its own lies in the default one, from which events
//! go row by row, so a gateway whose database user may make no tables works as well, only that more is written when much goes.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use vestibule_migrations::A_PARTITION;

use crate::errors::classify_sqlx;

/// How the name of a partition begins; it ends in the last number that lies there.
const NAMED: &str = "audit_events_to_";

/// A partition that was filled within this is not deleted row by row: soon all of it is old.
const A_DAY: i64 = 24 * 60 * 60 * 1000;

/// Whoever reads the log waits behind one who waits to change the table.
const BRIEFLY: &str = "SET LOCAL lock_timeout = '2s'";

#[derive(Debug)]
pub(crate) struct Partitions {
    pool: PgPool,
    /// Whether it was said already that this user may not make tables.
    is_said: AtomicBool,
}

/// What there is.
struct Standing {
    /// The last number of each partition, in order.
    ends: Vec<i64>,
    /// The last event that is in the chain.
    last: i64,
    /// Up to here they are kept no more.
    base: i64,
}

impl Partitions {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, is_said: AtomicBool::new(false) }
    }

    /// Makes what is wanted next and drops what is kept no more. Returns from which event on they are left to go whole. What can't be done now is tried
    /// again with the next sweep.
    pub(crate) async fn keep(&self) -> i64 {
        match self.try_keep().await {
            Ok(whole_from) => whole_from,
            Err(error) => {
                self.say(&error);
                i64::MAX
            }
        }
    }

    async fn try_keep(&self) -> Result<i64, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let standing = standing(&mut connection).await?;
        if standing.wants_more() {
            make(&mut connection).await?;
        }
        for end in standing.ends.iter().filter(|end| **end <= standing.base) {
            drop_whole(&mut connection, *end).await?;
        }
        whole_from(&mut connection, &standing).await
    }

    fn say(&self, error: &sqlx::Error) {
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        match code.as_deref() {
            // insufficient_privilege
            Some("42501") => {
                if !self.is_said.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "the user of the database may not make or drop partitions of audit_events: its owner may; until then events lie in the default \
                         one, and old ones are deleted row by row"
                    );
                }
            }
            // lock_not_available: somebody reads for long, or another node is at it.
            Some("55P03") => tracing::debug!("the audit table was in use; its partitions are seen to with the next sweep"),
            _ => {
                let error = classify_sqlx(error).to_error();
                tracing::warn!(%error, "the partitions of audit_events could not be seen to; it is tried again with the next sweep");
            }
        }
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
    let chain = "SELECT COALESCE((SELECT MAX(seq) FROM audit_events), 0), COALESCE((SELECT base FROM audit_chain WHERE id = 1), 0)";
    let (last, base) = sqlx::query_as(chain).fetch_one(&mut *connection).await?;
    Ok(Standing { ends, last, base })
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
    sqlx::query(AssertSqlSafe(format!("DROP TABLE IF EXISTS {NAMED}{end}"))).execute(&mut *transaction).await?;
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
        (Some((whole_from, began)), Some(ended)) if ended - began < A_DAY => whole_from,
        _ => i64::MAX,
    })
}
