//! What only SQLite does: a file, its mode, its log, and rows that somebody wrote by hand.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use crate::support::{BEFORE_NAMES, SqliteBench, comes_true, odd_account, sqlite_options};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, sqlite::SqliteConnectOptions};
use vestibule_domain::{
    audit::EventName,
    detection::DetectionRules,
    ports::Store,
    secret::{Sealed, SubjectKey},
    store::{Changes, EventQuery, StoreError, Write},
    time::Timestamp,
};
use vestibule_persistence::{CommitStats, OnMigration, SqlStore, StoreOptions};
use vestibule_testkit::{sample::Sample, store_contract::Bench};

async fn run(bench: &SqliteBench, sql: &str) {
    let mut connection = SqliteConnectOptions::new().filename(bench.path()).connect().await.expect("the file opens");
    connection.execute(AssertSqlSafe(sql.to_owned())).await.expect("the statement works");
}

fn text_of(error: StoreError) -> String {
    match error {
        StoreError::Unavailable(text) => text,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_file_is_made_for_its_owner_alone() {
    let bench = SqliteBench::set_up().await;
    for name in ["vestibule.db", "vestibule.db-wal", "vestibule.db-shm"] {
        let mode = std::fs::metadata(bench.path().with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    bench.tear_down().await;
}

#[tokio::test]
async fn sqlite_is_built_as_the_configuration_of_cargo_says() {
    let bench = SqliteBench::set_up().await;
    let mut connection = SqliteConnectOptions::new().filename(bench.path()).connect().await.expect("the file opens");
    let built: Vec<String> = sqlx::query_scalar("PRAGMA compile_options").fetch_all(&mut connection).await.unwrap();
    assert!(built.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{built:?}");
    assert!(!built.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"), "{built:?}");
    bench.tear_down().await;
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let error = SqlStore::connect(&StoreOptions::new("sqlite:/nowhere/at/all/v.db")).await.unwrap_err();
    assert_eq!(text_of(error), "the directory of /nowhere/at/all/v.db does not exist");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("vestibule.db"), "not a database at all, but long enough to look like one\n".repeat(100)).unwrap();
    let error = SqlStore::connect(&sqlite_options(&directory)).await.unwrap_err();
    assert_eq!(text_of(error), "the database file is damaged or is none");
}

#[tokio::test]
async fn what_was_committed_is_there_after_it_was_closed_and_the_file_alone_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let sample = Sample::default();
    let account = sample.account();
    let store = SqlStore::connect(&sqlite_options(&directory)).await.unwrap();
    store.commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    store.close().await;
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["vestibule.db"], "the log is written back");

    let store = SqlStore::connect(&sqlite_options(&directory)).await.unwrap();
    assert_eq!(store.account(&account.id).await, Ok(Some(Arc::new(account))));
    store.close().await;
}

#[tokio::test]
async fn closing_finishes_what_waits_and_answers_what_comes_after() {
    let bench = SqliteBench::set_up().await;
    let store = bench.sql_store();
    let sample = Sample::default();
    let accounts: Vec<_> = (0..500).map(|_| sample.account()).collect();
    let waiting: Vec<_> = accounts
        .iter()
        .map(|account| {
            let (store, changes) = (store.clone(), Changes::default().write(Write::PutAccount(account.clone())));
            tokio::spawn(async move { store.commit(changes).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    let mut done = 0;
    for commit in waiting {
        match commit.await.unwrap() {
            Ok(()) => done += 1,
            Err(error) => assert_eq!(text_of(error), "the store is closed"),
        }
    }
    assert!(done > 0);
    let late = Changes::default().write(Write::PutAccount(sample.account()));
    assert_eq!(text_of(store.commit(late).await.unwrap_err()), "the store is closed");
    assert_eq!(text_of(store.code(&sample.digest()).await.unwrap_err()), "the store is closed");
    assert!(store.ping().await.is_err());
    store.close().await;

    let again = bench.another().await;
    let mut kept = 0;
    for account in &accounts {
        kept += usize::from(again.account(&account.id).await.unwrap().is_some());
    }
    assert_eq!(kept, done, "exactly what was answered with success is there");
    bench.tear_down().await;
}

#[tokio::test]
async fn what_lacks_a_migration_is_not_opened_and_the_way_on_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { migrate: false, ..sqlite_options(&directory) };
    let all = <vestibule_migrations::Migrator as vestibule_migrations::MigratorTrait>::migrations().len();
    let lacking = format!("it lacks {all} migrations; start `vestibule serve` once with this version, it applies them");
    assert_eq!(text_of(SqlStore::connect(&options).await.unwrap_err()), lacking);
    let reading = StoreOptions { read_only: true, ..sqlite_options(&directory) };
    assert_eq!(text_of(SqlStore::connect(&reading).await.unwrap_err()), lacking, "and a reader applies none");
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let tells = told.clone();
    let on_migration: Option<OnMigration> = Some(Arc::new(move |name: &str| tells.lock().unwrap().push(name.to_owned())));
    SqlStore::connect(&StoreOptions { on_migration, ..sqlite_options(&directory) }).await.unwrap().close().await;
    let told = told.lock().unwrap().clone();
    assert!(told.len() == all && told.is_sorted(), "each is told of as it is applied: {told:?}");
    SqlStore::connect(&options).await.unwrap().close().await;
}

/// A release that had to be taken back: the one before works on what it left, unless it says that nobody can.
#[tokio::test]
async fn what_a_later_release_added_is_no_hindrance_unless_it_says_so() {
    let bench = SqliteBench::set_up().await;
    let apply = async |name: &str| run(&bench, &format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{name}', 0)")).await;
    apply("m20990101_000001_more").await;
    // One that is missing here is applied beside it.
    run(&bench, "DELETE FROM seaql_migrations WHERE version = 'm20261126_000007_uses_by_their_age'").await;
    run(&bench, "DROP INDEX last_uses_by_age").await;
    let options = StoreOptions::new(format!("sqlite:{}", bench.path().display()));
    let standing = SqlStore::standing(&options).await.unwrap();
    assert_eq!(standing.missing, ["m20261126_000007_uses_by_their_age"]);
    assert_eq!(standing.later, ["m20990101_000001_more"]);
    SqlStore::connect(&options).await.unwrap().close().await;
    assert_eq!(SqlStore::standing(&options).await.unwrap().missing, Vec::<String>::new());

    apply("m20990101_000002_columns_gone_closes_older_releases").await;
    let refused = text_of(SqlStore::connect(&options).await.unwrap_err());
    assert!(refused.starts_with("a later release applied the migration m20990101_000002_columns_gone_closes_older_releases"), "{refused}");
    bench.tear_down().await;
}

#[tokio::test]
async fn a_reader_makes_no_file_and_refuses_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { read_only: true, ..sqlite_options(&directory) };
    assert_eq!(text_of(SqlStore::connect(&options).await.unwrap_err()), "the database file can't be opened");
    assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none());

    SqlStore::connect(&sqlite_options(&directory)).await.unwrap().close().await;
    let reader = SqlStore::connect(&options).await.unwrap();
    let changes = Changes::default().write(Write::PutAccount(Sample::default().account()));
    assert_eq!(text_of(reader.commit(changes).await.unwrap_err()), "it is open for reading only");
    assert_eq!(reader.ping().await, Ok(()));
    reader.close().await;
    assert!(reader.ping().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_what_is_written_and_holds_nobody_up_even_when_it_leaves() {
    let bench = SqliteBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    let directory = bench.path();
    let url = format!("sqlite://{}", directory.display());
    let account = sample.account();
    store.commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    let log = bench.path().with_file_name("vestibule.db-wal");
    let length = || std::fs::metadata(&log).unwrap().len();
    let written = length();
    assert!(written > 0);

    // While somebody writes, which a checkpoint on the way out would wait for.
    let mut busy = SqliteConnectOptions::new().filename(bench.path()).connect().await.unwrap();
    busy.execute("BEGIN IMMEDIATE").await.unwrap();
    let began = std::time::Instant::now();
    let reader = SqlStore::connect(&StoreOptions { read_only: true, ..StoreOptions::new(url) }).await.unwrap();
    assert_eq!(reader.account(&account.id).await, Ok(Some(Arc::new(account.clone()))));
    reader.close().await;
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "it waited {:?}", began.elapsed());
    busy.execute("ROLLBACK").await.unwrap();
    assert_eq!(length(), written, "the log is as it was");
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_may_begin_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let starting: Vec<_> = (0..6)
        .map(|_| {
            // Each waits its turn to bring the file up to date; how long that takes is the disk's to say.
            let options = StoreOptions { patience: std::time::Duration::from_mins(1), ..sqlite_options(&directory) };
            tokio::spawn(async move { SqlStore::connect(&options).await })
        })
        .collect();
    for store in starting {
        store.await.unwrap().unwrap().close().await;
    }
}

#[tokio::test]
async fn what_the_release_before_learned_of_people_goes_too() {
    let bench = SqliteBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    let account = sample.account().id;
    let learned = [
        Write::PutSubjectKey { account, key: SubjectKey([1; 32]) },
        Write::PutHabits { account, habits: Sealed(vec![2; 40]), until: sample.now },
    ];
    store.commit(learned.into_iter().fold(Changes::default(), Changes::write)).await.unwrap();
    // As that release leaves it.
    run(&bench, "UPDATE audit_subjects SET habits_until = NULL").await;
    let end = sample.now + DetectionRules::default().known_for();
    for (now, gone) in [(sample.now, 0), (end, 0), (end + std::time::Duration::from_millis(1), 1)] {
        assert_eq!(store.sweep(now, Timestamp::default(), 10).await, Ok(gone));
        let subjects = store.subjects(&[account]).await.unwrap();
        assert!(subjects[0].habits.is_some() == (gone == 0) && subjects[0].key.is_some());
    }
    bench.tear_down().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_not_shown() {
    let bench = SqliteBench::set_up().await;
    let store = bench.store();
    let sample = Sample::default();
    let (client, account) = (sample.client("app"), sample.account());
    let session = sample.session(&account);
    let code = sample.code(&client, &session);
    let grant = sample.grant(&code, &client);
    let (event, key) = (sample.event(EventName::LoginSucceeded, &account, &client), sample.signing_key("kid-1", None));
    let link = sample.link(&account, "1");
    let changes = [
        Write::PutClient { client: Box::new(client.clone()), expected: None },
        Write::PutAccount(account.clone()),
        Write::PutSession(session.clone()),
        Write::AddCode(code.clone()),
        Write::AddGrant(grant.clone()),
        Write::AddSigningKey(key),
        Write::AddLink(link.clone()),
    ];
    let changes = changes.into_iter().fold(Changes::default(), Changes::write).event(event.clone());
    store.commit(changes).await.unwrap();
    run(
        &bench,
        "UPDATE clients SET body = '{\"secret\":\"hunter2\"}'; UPDATE accounts SET body = 'hunter2'; \
         UPDATE sessions SET digest = 'hunter2'; UPDATE codes SET body = '[]'; UPDATE grants SET generation = -1; \
         UPDATE signing_keys SET alg = 'hunter2'; UPDATE audit_waiting SET body = '{}'; UPDATE links SET id = x'00'",
    )
    .await;

    // Another store has nothing in its caches.
    let store = bench.another().await;
    let corrupt = |table, column, id: String| StoreError::Corrupt { table, column, id };
    assert_eq!(store.client(&client.id).await, Err(corrupt("clients", "body", "app".into())));
    assert_eq!(store.clients(None, 9).await, Err(corrupt("clients", "body", "app".into())));
    assert_eq!(store.account(&account.id).await, Err(corrupt("accounts", "body", account.id.to_string())));
    assert_eq!(store.session_by_id(&session.id).await, Err(corrupt("sessions", "digest", session.id.to_string())));
    assert_eq!(store.code(&code.digest).await, Err(corrupt("codes", "body", format!("grant {}", grant.id))));
    assert_eq!(store.grant(&grant.id).await, Err(corrupt("grants", "generation", grant.id.to_string())));
    assert_eq!(store.signing_keys().await, Err(corrupt("signing_keys", "alg", "kid-1".into())));
    let events = store.events(&EventQuery { limit: 9, ..EventQuery::default() }).await;
    assert_eq!(events, Err(corrupt("audit_waiting", "body", event.id.to_string())));
    assert_eq!(store.link(&link.key).await, Err(corrupt("links", "id", format!("account {}", account.id))));
    // What it could not read may be anybody's secret, and is in no error.
    let told = [
        store.client(&client.id).await.map(drop).unwrap_err(),
        store.account(&account.id).await.map(drop).unwrap_err(),
        store.session_by_id(&session.id).await.map(drop).unwrap_err(),
        store.signing_keys().await.map(drop).unwrap_err(),
    ];
    for error in told {
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    bench.tear_down().await;
}

#[tokio::test]
async fn a_column_of_the_wrong_type_is_corrupt_too() {
    let bench = SqliteBench::set_up().await;
    let sample = Sample::default();
    let account = sample.account();
    bench.store().commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    run(&bench, "UPDATE accounts SET created = 'hunter2'").await;
    let error = bench.another().await.account(&account.id).await.unwrap_err();
    assert_eq!(error, StoreError::Corrupt { table: "accounts", column: "created", id: account.id.to_string() });
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_callers_are_committed_together_and_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let seen: Arc<Mutex<Vec<CommitStats>>> = Arc::default();
    let told = seen.clone();
    let on_commit = Some(Arc::new(move |stats| told.lock().unwrap().push(stats)) as vestibule_persistence::OnCommit);
    let store = Arc::new(SqlStore::connect(&StoreOptions { on_commit, ..sqlite_options(&directory) }).await.unwrap());
    let sample = Sample::default();
    let commits: Vec<_> = (0..200)
        .map(|_| {
            let (store, changes) = (store.clone(), Changes::default().write(Write::PutAccount(sample.account())));
            tokio::spawn(async move { store.commit(changes).await })
        })
        .collect();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    store.close().await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(|stats| stats.batch).sum::<usize>(), 200);
    assert!(seen.len() < 100, "{} transactions for 200 callers", seen.len());
}

#[tokio::test]
async fn a_locked_file_is_waited_for_and_then_said() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { patience: std::time::Duration::from_millis(300), ..sqlite_options(&directory) };
    let store = SqlStore::connect(&options).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(directory.path().join("vestibule.db")).connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let sample = Sample::default();
    let put = || Changes::default().write(Write::PutAccount(sample.account()));
    assert_eq!(text_of(store.commit(put()).await.unwrap_err()), "another process holds the database file");
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(store.commit(put()).await, Ok(()), "and works again");
    store.close().await;
}

#[tokio::test]
async fn what_another_process_writes_by_hand_is_noticed() {
    let bench = SqliteBench::set_up().await;
    let store = bench.store();
    let account = Sample::default().account();
    store.commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    assert!(!store.account(&account.id).await.unwrap().unwrap().disabled);
    run(&bench, "UPDATE accounts SET disabled = true").await;
    comes_true("the change", || async { store.account(&account.id).await.unwrap().unwrap().disabled }).await;
    bench.tear_down().await;
}

#[tokio::test]
async fn people_from_before_names_had_a_column_are_found_whatever_else_is_said_of_them() {
    let bench = SqliteBench::set_up().await;
    let account = odd_account();
    bench.store().commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    bench.sql_store().close().await;
    for sql in BEFORE_NAMES {
        run(&bench, sql).await;
    }
    let again = bench.another().await;
    let found = again.accounts_named("ADA", 10).await.unwrap();
    assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [account.id]);
    bench.tear_down().await;
}
