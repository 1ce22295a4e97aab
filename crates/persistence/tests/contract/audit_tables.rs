//! How audit events lie: they wait in one table and are kept in another, which PostgreSQL has in partitions.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Database as Library};
use vestibule_domain::{
    audit::{AuditEvent, EventName, chain::ChainHead, search::EventSearch},
    ports::Store,
    secret::Sealed,
    store::{Changes, EventQuery, Write},
    time::Timestamp,
};
use vestibule_migrations::{Migrator, MigratorTrait};
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::{
    sample::{Sample, sealing},
    store_contract::Bench,
};

use crate::support::{Database, PostgresBench, SqliteBench};

/// An event that waits, from so long after the first.
async fn waiting(store: &dyn Store, sample: &Sample, after: Duration) -> AuditEvent {
    let event = sample.later(&sample.event(EventName::LoginSucceeded, &sample.account(), &sample.client("app")), after);
    store.commit(Changes::default().event(event.clone())).await.expect("it is written");
    event
}

/// The same at a place in the chain.
async fn sealed(store: &dyn Store, sample: &Sample, seq: i64, after: Duration) -> AuditEvent {
    let event = waiting(store, sample, after).await;
    let seal = sealing(&event, sample.chain_link(seq), Some(Sealed(vec![7; 40])));
    store.commit(Changes::default().write(seal)).await.expect("it is sealed");
    event
}

/// Gives up what is before, in the version after those that were.
async fn give_up(store: &dyn Store, sample: &Sample, version: i64, base: i64) {
    let expected = (version > 1).then(|| version - 1);
    let head = ChainHead { version, seq: base, signed: base, base, ..sample.chain_head() };
    store.commit(Changes::default().write(Write::PutChain { head: Box::new(head), expected })).await.expect("the chain moves");
}

async fn kept(store: &dyn Store) -> Vec<i64> {
    store.sequenced(0, 100).await.expect("the database answers").into_iter().map(|(seq, _)| seq).collect()
}

async fn sweep(store: &dyn Store, sample: &Sample) -> u64 {
    sweep_at(store, sample.now).await
}

async fn sweep_at(store: &dyn Store, now: Timestamp) -> u64 {
    store.sweep(now, Timestamp::default(), 10).await.expect("the database answers")
}

impl PostgresBench {
    async fn has(&self, partition: &str) -> bool {
        self.database().count(&format!("SELECT COUNT(*) FROM pg_class WHERE relname = '{partition}'")).await == 1
    }

    async fn lie_in(&self, partition: &str) -> i64 {
        self.database().count(&format!("SELECT COUNT(*) FROM {partition}")).await
    }
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn the_next_partition_is_made_before_it_is_wanted_and_an_old_one_goes_whole() {
    let bench = PostgresBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    sealed(&*store, &sample, 1, Duration::ZERO).await;
    sweep(&*store, &sample).await;
    assert!(bench.has("audit_events_to_1000000").await && !bench.has("audit_events_to_2000000").await, "half of the first is free");
    sealed(&*store, &sample, 600_000, HOUR).await;
    sweep(&*store, &sample).await;
    assert!(bench.has("audit_events_to_2000000").await);
    sealed(&*store, &sample, 1_000_000, HOUR * 2).await;
    let last = sealed(&*store, &sample, 1_000_001, HOUR * 3).await;
    assert_eq!((bench.lie_in("audit_events_to_1000000").await, bench.lie_in("audit_events_to_2000000").await), (3, 1));

    // It is full, and was so within a day: nothing is deleted that will go whole.
    give_up(&*store, &sample, 1, 600_000).await;
    assert_eq!(sweep(&*store, &sample).await, 0);
    assert_eq!(kept(&*store).await, [1, 600_000, 1_000_000, 1_000_001]);
    assert_eq!(sweep_at(&*store, sample.now + HOUR * 24).await, 0);
    assert_eq!(kept(&*store).await, [1, 600_000, 1_000_000, 1_000_001]);
    give_up(&*store, &sample, 2, 1_000_000).await;
    assert_eq!(sweep(&*store, &sample).await, 0);
    assert!(!bench.has("audit_events_to_1000000").await);
    assert_eq!(kept(&*store).await, [1_000_001]);
    let search = EventSearch { account: last.account, limit: 9, look: 9, ..EventSearch::default() };
    let found = store.search_events(&search).await.unwrap().events;
    assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), [last.id]);
    bench.tear_down().await;
}

#[tokio::test]
async fn events_that_came_over_more_than_a_day_go_row_by_row() {
    let bench = PostgresBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    for (seq, after) in [(1, 0), (2, 25), (1_000_000, 26)] {
        sealed(&*store, &sample, seq, HOUR * after).await;
    }
    give_up(&*store, &sample, 1, 1).await;
    assert_eq!(sweep(&*store, &sample).await, 1);
    assert_eq!(kept(&*store).await, [2, 1_000_000]);
    bench.tear_down().await;
}

#[tokio::test]
async fn what_is_kept_no_more_does_not_wait_for_the_rest_of_its_partition_for_longer_than_a_day() {
    let bench = PostgresBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    for seq in [1, 2, 3, 1_000_000] {
        sealed(&*store, &sample, seq, Duration::ZERO).await;
    }
    for (base, after, swept) in [(1, 0, 0), (2, 24, 0), (3, 25, 3)] {
        give_up(&*store, &sample, base, base).await;
        assert_eq!(sweep_at(&*store, sample.now + HOUR * after).await, swept, "the first are kept no more for {after} hours");
    }
    assert_eq!(kept(&*store).await, [1_000_000]);
    bench.tear_down().await;
}

#[tokio::test]
async fn who_reads_for_long_is_not_waited_for_and_somebody_else_sees_to_it_later() {
    let bench = PostgresBench::set_up().await;
    let (store, other, sample) = (bench.store(), bench.another().await, Sample::default());
    sealed(&*store, &sample, 600_000, Duration::ZERO).await;
    let mut reader = bench.database().connect().await;
    for sql in ["BEGIN", "SELECT 1 FROM audit_events LIMIT 1"] {
        sqlx::query(sql).execute(&mut reader).await.unwrap();
    }
    let swept = tokio::time::timeout(Duration::from_secs(7), sweep(&*store, &sample)).await;
    assert!(swept.is_ok(), "others wait behind it for two seconds and no longer");
    assert!(!bench.has("audit_events_to_2000000").await);
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    // It has had its turn for now.
    sweep(&*store, &sample).await;
    assert!(!bench.has("audit_events_to_2000000").await);
    sweep(&*other, &sample).await;
    assert!(bench.has("audit_events_to_2000000").await);
    bench.tear_down().await;
}

/// The plan of a statement may be from when nothing waited. It must not walk through all that waits for each of the rows that it takes away.
#[tokio::test]
async fn what_is_sealed_is_taken_from_where_it_waits_row_by_row_however_much_waits() {
    let database = Database::create().await;
    let (store, sample) = (SqlStore::connect(&StoreOptions { writers: 1, ..database.options() }).await.unwrap(), Sample::default());
    let mut seq = 0;
    let mut seal = async |events: &[AuditEvent]| {
        let writes = events.iter().map(|event| {
            seq += 1;
            sealing(event, sample.chain_link(seq), None)
        });
        store.commit(writes.fold(Changes::default(), Changes::write)).await.unwrap();
    };
    let read = async || {
        // What a connection counted is told a second later at the latest, by its next transaction.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        waiting(&store, &sample, Duration::ZERO).await;
        let read = "SELECT (t.seq_tup_read + i.idx_tup_read)::bigint FROM pg_stat_user_tables AS t JOIN pg_stat_user_indexes AS i USING (relid) \
                    WHERE indexrelname = 'audit_waiting_pkey'";
        database.count(read).await
    };
    waiting(&store, &sample, Duration::ZERO).await;
    sqlx::query("VACUUM ANALYZE audit_waiting").execute(&mut database.connect().await).await.unwrap();
    for _ in 0..12 {
        let few = [waiting(&store, &sample, Duration::ZERO).await, waiting(&store, &sample, Duration::ZERO).await];
        seal(&few).await;
    }
    let event = sample.event(EventName::TokenRefreshed, &sample.account(), &sample.client("app"));
    let many: Vec<_> = (0..5000).map(|at| sample.later(&event, Duration::from_millis(at))).collect();
    for some in many.chunks(250) {
        store.commit(some.iter().cloned().fold(Changes::default(), Changes::event)).await.unwrap();
    }
    let before = read().await;
    seal(&many[4000..4002]).await;
    let after = read().await;
    assert!(after - before < 100, "{} rows were read for two", after - before);
    store.close().await;
    database.drop().await;
}

#[tokio::test]
async fn what_has_no_partition_lies_in_the_default_one_and_keeps_nobody_up() {
    let bench = PostgresBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    sealed(&*store, &sample, 1, Duration::ZERO).await;
    sealed(&*store, &sample, 9_000_000, HOUR).await;
    assert_eq!(bench.lie_in("audit_events_other").await, 1);
    sweep(&*store, &sample).await;
    // The next one begins where nothing lies in another.
    assert!(bench.has("audit_events_to_10000000").await);
    sealed(&*store, &sample, 9_000_001, HOUR * 2).await;
    sealed(&*store, &sample, 10_000_000, HOUR * 3).await;
    assert_eq!((bench.lie_in("audit_events_other").await, bench.lie_in("audit_events_to_10000000").await), (1, 2));
    give_up(&*store, &sample, 1, 9_000_001).await;
    assert_eq!(sweep(&*store, &sample).await, 1, "what lies in the default one goes row by row");
    assert_eq!(kept(&*store).await, [9_000_001, 10_000_000], "of the other nothing does");
    assert!(!bench.has("audit_events_to_1000000").await);
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_one_makes_the_next_partition() {
    let bench = PostgresBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    let others = [bench.another().await, bench.another().await, bench.another().await];
    sealed(&*store, &sample, 600_000, Duration::ZERO).await;
    let mut first = bench.database().connect().await;
    for sql in ["BEGIN", "LOCK TABLE audit_events IN SHARE ROW EXCLUSIVE MODE"] {
        sqlx::query(sql).execute(&mut first).await.unwrap();
    }
    let sweeps: Vec<_> =
        others.iter().cloned().map(|other| tokio::spawn(async move { sweep(&*other, &Sample::default()).await })).collect();
    let wait = "SELECT COUNT(*) FROM pg_locks WHERE relation = 'audit_events'::regclass AND NOT granted";
    while bench.database().count(wait).await < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sqlx::query("COMMIT").execute(&mut first).await.unwrap();
    for swept in sweeps {
        swept.await.unwrap();
    }
    let partitions = bench.database().count("SELECT COUNT(*) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass").await;
    assert_eq!(partitions, 3, "the first, the next and the default one");
    for other in others {
        bench.database().run("DROP TABLE audit_events_to_2000000").await;
        sweep(&*other, &sample).await;
        assert!(bench.has("audit_events_to_2000000").await, "none of them failed, and so none rests");
    }
    bench.tear_down().await;
}

#[tokio::test]
async fn a_user_who_may_make_no_tables_goes_on_without_partitions() {
    let database = Database::create().await;
    SqlStore::connect(&database.options()).await.unwrap().close().await;
    let user = format!("plain_{}", std::process::id());
    for sql in [
        format!("CREATE ROLE {user} LOGIN PASSWORD 'plain'"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}"),
    ] {
        database.run(&sql).await;
    }
    let (_, server) = database.url().split_once('@').map(|(user, server)| (user.to_owned(), server.to_owned())).unwrap();
    let options = StoreOptions { migrate: false, ..StoreOptions::new(format!("postgres://{user}:plain@{server}")) };
    let (store, sample) = (SqlStore::connect(&options).await.unwrap(), Sample::default());
    for seq in [999_999, 1_000_000, 1_000_001, 1_000_002] {
        sealed(&store, &sample, seq, HOUR * u32::try_from(seq - 999_999).unwrap() * 20).await;
    }
    assert_eq!(database.count("SELECT COUNT(*) FROM audit_events_other").await, 2);
    give_up(&store, &sample, 1, 1_000_001).await;
    assert_eq!(sweep(&store, &sample).await, 3);
    assert_eq!(kept(&store).await, [1_000_002]);
    // One who owns the table but may make none drops what there is.
    let there = "SELECT COUNT(*) FROM pg_class WHERE relname = 'audit_events_to_1000000'";
    assert_eq!(database.count(there).await, 1);
    for table in ["audit_events", "audit_events_to_1000000", "audit_events_other"] {
        database.run(&format!("ALTER TABLE {table} OWNER TO {user}")).await;
    }
    assert_eq!(sweep(&store, &sample).await, 0);
    assert_eq!(database.count(there).await, 0);
    store.close().await;
    database.run(&format!("REASSIGN OWNED BY {user} TO CURRENT_USER")).await;
    database.run(&format!("DROP OWNED BY {user}")).await;
    database.run(&format!("DROP ROLE {user}")).await;
    database.drop().await;
}

/// Takes a database back to before the step, to where an older release had left some of it, and applies the step again: everything is where it was.
async fn is_kept_by_the_step(url: &str) {
    let options = StoreOptions::new(url);
    let sample = Sample::default();
    let store = SqlStore::connect(&options).await.expect("it opens");
    // On PostgreSQL the last one lies in another partition than the first.
    let places = [1, 2, 3, 2_500_000];
    for seq in places {
        sealed(&store, &sample, seq, HOUR).await;
    }
    for _ in 0..2 {
        waiting(&store, &sample, Duration::ZERO).await;
    }
    let everything = async |store: &SqlStore| {
        let all = store.events(&EventQuery { limit: 9, ..EventQuery::default() }).await.expect("they are read");
        let links = store.chain_links(0, 9).await.expect("they are read");
        assert!(links.iter().all(|link| link.found_as_said));
        let links: Vec<_> = links.into_iter().map(|kept| (kept.link, kept.record)).collect();
        (all, store.unsealed(9).await.expect("they are read"), links)
    };
    let before = everything(&store).await;
    assert_eq!((before.0.len(), before.1.len(), before.2.len()), (6, 2, 4));
    store.close().await;

    let library = Library::connect(url).await.expect("it opens");
    let is_there = async || library.execute_unprepared("SELECT 1 FROM audit_waiting").await.is_ok();
    while is_there().await {
        Migrator::down(&library, Some(1)).await.expect("the step is taken back");
    }
    let as_it_was = "UPDATE audit_events SET outcome = NULL, provider = NULL, session = NULL, trace = NULL, reason = NULL WHERE seq = 2";
    library.execute_unprepared(as_it_was).await.expect("it is written");
    library.close().await.expect("it closes");

    let store = SqlStore::connect(&options).await.expect("the step is applied");
    assert_eq!(everything(&store).await, before);
    // And it goes on.
    sealed(&store, &sample, 2_500_001, HOUR).await;
    assert_eq!(kept(&store).await, [1, 2, 3, 2_500_000, 2_500_001]);
    store.close().await;
}

#[tokio::test]
async fn events_of_before_they_waited_in_a_table_of_their_own_are_kept_on_sqlite() {
    let bench = SqliteBench::set_up().await;
    let url = format!("sqlite://{}", bench.path().display());
    bench.sql_store().close().await;
    is_kept_by_the_step(&url).await;
    bench.tear_down().await;
}

#[tokio::test]
async fn events_of_before_they_waited_in_a_table_of_their_own_are_kept_on_postgres() {
    let database = Database::create().await;
    is_kept_by_the_step(&database.url()).await;
    database.drop().await;
}
