//! What only PostgreSQL does: several nodes, a listener that may be cut off, deadlocks.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor};

use crate::support::{Database, PostgresBench, comes_true};
use vestibule_domain::{
    account::{Account, Profile},
    ports::Store,
    store::{Changes, StoreError, Write},
};
use vestibule_persistence::{SqlStore, StoreOptions, migrate, pending};
use vestibule_testkit::{sample::Sample, store_contract::Bench};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_nodes_may_begin_at_once_on_an_empty_database() {
    let database = Database::create().await;
    assert_eq!(pending(&database.options()).await.unwrap(), ["m20261125_000001_create_tables"]);
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let options = database.options();
            tokio::spawn(async move { SqlStore::connect(&options).await })
        })
        .collect();
    for store in starting {
        store.await.unwrap().unwrap().close().await;
    }
    assert_eq!(migrate(&database.options()).await.unwrap(), [""; 0]);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_listener_is_cut_off_reads_without_caches_until_it_hears_again() {
    let bench = PostgresBench::set_up().await;
    let (store, other) = (bench.store(), bench.another().await);
    let account = Sample::default().account();
    let put = |disabled| Changes::default().write(Write::PutAccount(Account { disabled, ..account.clone() }));
    store.commit(put(false)).await.unwrap();
    let seen = |store: Arc<dyn Store>| async move { store.account(&account.id).await.unwrap().unwrap().disabled };
    for round in 1..4 {
        assert!(!seen(other.clone()).await);
        // Everybody's listener, and whatever else is idle.
        bench
            .database()
            .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' OR query = 'SELECT 1' AND pid <> pg_backend_pid()")
            .await;
        store.commit(put(true)).await.unwrap();
        comes_true("the change while nobody listens", || seen(other.clone())).await;
        assert!(seen(other.clone()).await, "round {round}");
        // Until it hears again, and after.
        for _ in 0..30 {
            store.commit(put(false)).await.unwrap();
            comes_true("a change", || async { !seen(other.clone()).await }).await;
            store.commit(put(true)).await.unwrap();
            comes_true("a change", || seen(other.clone())).await;
        }
        store.commit(put(false)).await.unwrap();
        comes_true("a change", || async { !seen(other.clone()).await }).await;
    }
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_go_on_after_every_connection_was_cut() {
    let bench = PostgresBench::set_up().await;
    let store = bench.store();
    let sample = Sample::default();
    let put = || Changes::default().write(Write::PutAccount(sample.account()));
    for _ in 0..20 {
        store.commit(put()).await.unwrap();
    }
    bench
        .database()
        .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .await;
    for _ in 0..20 {
        assert_eq!(store.commit(put()).await, Ok(()));
        assert_eq!(store.ping().await, Ok(()));
    }
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_do_not_wait_for_each_other_in_a_circle() {
    let bench = PostgresBench::set_up().await;
    let store = bench.store();
    let sample = Sample::default();
    let accounts: Vec<_> = (0..6).map(|_| sample.account()).collect();
    let began = std::time::Instant::now();
    let commits: Vec<_> = (0..400)
        .map(|at| {
            // The same rows, forward and backward.
            let mut mine: Vec<_> = accounts.iter().cloned().map(Write::PutAccount).collect();
            if at % 2 == 0 {
                mine.reverse();
            }
            let (store, changes) = (store.clone(), mine.into_iter().fold(Changes::default(), Changes::write));
            tokio::spawn(async move { store.commit(changes).await })
        })
        .collect();
    for commit in commits {
        assert_eq!(commit.await.unwrap(), Ok(()));
    }
    // PostgreSQL looks for a deadlock after a second; no writer fell into one.
    let deadlocks = bench.database().count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await;
    assert_eq!(deadlocks, 0, "after {:?}", began.elapsed());
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_victim_of_a_deadlock_is_run_again() {
    let bench = PostgresBench::set_up().await;
    let store = bench.store();
    let sample = Sample::default();
    let mut accounts = [sample.account(), sample.account()];
    accounts.sort_by_key(|account| account.id);
    let put = |name: &str| {
        let named = |account: &Account| Account { profile: Profile { name: Some(name.into()), ..Profile::default() }, ..account.clone() };
        accounts.iter().map(named).map(Write::PutAccount).fold(Changes::default(), Changes::write)
    };
    store.commit(put("before")).await.unwrap();
    let touch = |account: &Account| format!("UPDATE accounts SET updated = updated WHERE id = '\\x{}'", account.id.0.simple());

    // Somebody else goes through the rows the other way round.
    let mut other = bench.database().connect().await;
    other.execute(AssertSqlSafe(format!("SET deadlock_timeout = '20s'; BEGIN; {}", touch(&accounts[1])))).await.unwrap();
    let commit = tokio::spawn({
        let (store, changes) = (store.clone(), put("after"));
        async move { store.commit(changes).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    other.execute(AssertSqlSafe(touch(&accounts[0]))).await.unwrap();
    other.execute("COMMIT").await.unwrap();

    assert_eq!(commit.await.unwrap(), Ok(()));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    comes_true("a deadlock", || async { bench.database().count(deadlocks).await == 1 }).await;
    for account in &accounts {
        assert_eq!(store.account(&account.id).await.unwrap().unwrap().profile.name.as_deref(), Some("after"));
    }
    bench.tear_down().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_without_the_address() {
    let database = Database::create().await;
    let url = database.url();
    let wrong_password = url.replace(":vestibule@", ":hunter2@");
    for (url, why) in [
        (wrong_password.as_str(), "the database refused the name or the password"),
        ("postgres://u:hunter2@127.0.0.1:1/d", "it can't be reached"),
        ("postgres://u:hunter2@[not-an-address/d", "its address is not understood"),
    ] {
        let options = StoreOptions { patience: std::time::Duration::from_secs(2), ..StoreOptions::new(url) };
        assert_eq!(SqlStore::connect(&options).await.unwrap_err(), StoreError::Unavailable(why.into()));
    }
    database.drop().await;
}
