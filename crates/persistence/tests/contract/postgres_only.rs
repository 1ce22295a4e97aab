//! What only PostgreSQL does: several nodes, a listener that may be cut off, deadlocks.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor};

use crate::support::{BEFORE_NAMES, Database, PostgresBench, comes_true, odd_account};
use vestibule_domain::{
    account::{Account, Link, Profile},
    ports::Store,
    store::{Changes, Contest, StoreError, Write},
};
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::{sample::Sample, store_contract::Bench};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_nodes_may_begin_at_once_on_an_empty_database() {
    let database = Database::create().await;
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let options = database.options();
            tokio::spawn(async move { SqlStore::connect(&options).await })
        })
        .collect();
    for store in starting {
        store.await.unwrap().unwrap().close().await;
    }
    SqlStore::connect(&StoreOptions { migrate: false, ..database.options() }).await.unwrap().close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_listener_is_cut_off_reads_without_caches_until_it_hears_again() {
    let bench = PostgresBench::set_up().await;
    let (store, other) = (bench.store(), bench.another().await);
    let account = Sample::default().account();
    let put = |disabled| Changes::default().write(Write::DisableAccount { id: account.id, disabled });
    store.commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
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

/// A server behind a wire that can be cut without either side being told.
async fn wire(server: &str) -> (String, Arc<tokio::sync::watch::Sender<bool>>) {
    let (before, after) = server.split_once('@').expect("a user");
    let (address, path) = after.split_once('/').expect("a database");
    let (address, before, path) = (address.to_owned(), before.to_owned(), path.to_owned());
    let listening = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("{before}@{}/{path}", listening.local_addr().expect("an address"));
    let cut = Arc::new(tokio::sync::watch::Sender::new(false));
    let told = cut.clone();
    tokio::spawn(async move {
        while let Ok((here, _)) = listening.accept().await {
            let there = tokio::net::TcpStream::connect(&address).await.expect("PostgreSQL answers");
            let ((mut from_here, mut to_here), (mut from_there, mut to_there)) = (here.into_split(), there.into_split());
            let mut told = told.subscribe();
            tokio::spawn(async move {
                let copies =
                    async { tokio::join!(tokio::io::copy(&mut from_here, &mut to_there), tokio::io::copy(&mut from_there, &mut to_here)) };
                let silence = async { told.wait_for(|cut| *cut).await.map(drop) };
                tokio::select! {
                    _ = copies => {}
                    // Both ends stay open.
                    _ = silence => std::future::pending().await,
                }
            });
        }
    });
    (url, cut)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_without_a_word_is_given_up_and_closing_does_not_wait_for_it() {
    let database = Database::create().await;
    let (url, cut) = wire(&database.url()).await;
    let patience = std::time::Duration::from_millis(500);
    let options = StoreOptions { patience, writers: 1, readers: 2, ..StoreOptions::new(url) };
    let store = Arc::new(SqlStore::connect(&options).await.unwrap());
    let sample = Sample::default();
    let put = || Changes::default().write(Write::PutAccount(sample.account()));
    store.commit(put()).await.unwrap();

    cut.send(true).unwrap();
    let began = std::time::Instant::now();
    let waiting = tokio::spawn({
        let (store, changes) = (store.clone(), put());
        async move { store.commit(changes).await }
    });
    comes_true("that a writer is stuck", || async {
        store.ping().await == Err(StoreError::Unavailable("a writer waits for the database and is not answered".into()))
    })
    .await;
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Unavailable(_))));
    assert!(began.elapsed() < patience * 20, "it took {:?}", began.elapsed());

    let began = std::time::Instant::now();
    let waiting = tokio::spawn({
        let (store, changes) = (store.clone(), put());
        async move { store.commit(changes).await }
    });
    tokio::task::yield_now().await;
    store.close().await;
    assert!(began.elapsed() < patience * 20, "it took {:?}", began.elapsed());
    assert!(waiting.await.unwrap().is_err());
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_row_that_somebody_holds_fails_only_who_wants_it() {
    let database = Database::create().await;
    let patience = std::time::Duration::from_millis(500);
    let options = StoreOptions { patience, writers: 1, ..database.options() };
    let store = Arc::new(SqlStore::connect(&options).await.unwrap());
    let sample = Sample::default();
    let held = sample.account();
    let put = |account: &Account| Changes::default().write(Write::PutAccount(account.clone()));
    store.commit(put(&held)).await.unwrap();
    let mut other = database.connect().await;
    other.execute("BEGIN; UPDATE accounts SET updated = updated").await.unwrap();

    let accounts: Vec<Account> = (0..20).map(|at| if at == 10 { held.clone() } else { sample.account() }).collect();
    let commits: Vec<_> = accounts
        .iter()
        .map(|account| {
            let (store, changes) = (store.clone(), put(account));
            tokio::spawn(async move { store.commit(changes).await })
        })
        .collect();
    for (at, commit) in commits.into_iter().enumerate() {
        let expected = if at == 10 { Err(StoreError::Unavailable("the database took too long".into())) } else { Ok(()) };
        assert_eq!(commit.await.unwrap(), expected, "{at}");
    }
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(store.commit(put(&held)).await, Ok(()));
    store.close().await;
    database.drop().await;
}

#[tokio::test]
async fn a_reader_of_postgres_cannot_write() {
    let bench = PostgresBench::set_up().await;
    let account = Sample::default().account();
    bench.store().commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    let reader = SqlStore::connect(&StoreOptions { read_only: true, ..bench.database().options() }).await.unwrap();
    assert_eq!(reader.account(&account.id).await.unwrap().as_deref(), Some(&account));
    let refused = reader.commit(Changes::default().write(Write::PutAccount(account))).await;
    assert_eq!(refused, Err(StoreError::Unavailable("it is open for reading only".into())));
    reader.close().await;
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_its_own_changes_so_that_it_learns_of_a_commit_whose_answer_was_lost() {
    let bench = PostgresBench::set_up().await;
    let store = bench.store();
    let account = Sample::default().account();
    store.commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    let seen = || async { store.account(&account.id).await.unwrap().unwrap().disabled };
    assert!(!seen().await);
    // As the server does it when it commits after the connection broke.
    let word = format!("SELECT pg_notify('vestibule', 'a{}')", account.id.0.simple());
    bench.database().run(&format!("BEGIN; UPDATE accounts SET disabled = true; {word}; COMMIT")).await;
    comes_true("the change", seen).await;
    bench.tear_down().await;
}

/// How many deadlocks there were. A connection says what it counted once a second at most, with what it does next.
async fn deadlocks(bench: &PostgresBench, stores: &[&Arc<dyn Store>]) -> i64 {
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    for store in stores {
        store.commit(Changes::default().write(Write::PutAccount(Sample::default().account()))).await.expect("it is written");
    }
    bench.database().count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
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
    assert_eq!(deadlocks(&bench, &[&store]).await, 0, "after {:?}", began.elapsed());
    bench.tear_down().await;
}

/// What a sign-in by a known link writes of its person.
fn sign_in(sample: &Sample, (account, link): &(Account, Link)) -> Changes {
    let writes = [Write::UpdateLink(link.clone()), Write::PutAccount(account.clone()), Write::PutSession(sample.session(account))];
    writes.into_iter().fold(Changes::default(), Changes::write)
}

/// What an erasure does.
fn erasure(sample: &Sample, (account, link): &(Account, Link)) -> Changes {
    let writes = [
        Write::RemoveLink { id: link.id, account: account.id, leaves_another: false },
        Write::EmptyAccount { id: account.id, at: sample.now },
        Write::EndAccountSessions { account: account.id, at: sample.now },
    ];
    writes.into_iter().fold(Changes::default(), Changes::write)
}

/// So many people with a way in each.
async fn people(store: &Arc<dyn Store>, sample: &Sample, subjects: impl IntoIterator<Item = String>) -> Vec<(Account, Link)> {
    let person = |subject: String| {
        let account = sample.account();
        let link = sample.link(&account, &subject);
        (account, link)
    };
    let people: Vec<_> = subjects.into_iter().map(person).collect();
    for (account, link) in &people {
        let changes = Changes::default().write(Write::AddLink(link.clone())).write(Write::PutAccount(account.clone()));
        store.commit(changes).await.expect("it is written");
    }
    people
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_takes_hold_of_the_account_before_the_link_as_an_erasure_does() {
    let bench = PostgresBench::set_up().await;
    let (store, sample) = (bench.store(), Sample::default());
    let [person] = people(&store, &sample, ["1".to_owned()]).await.try_into().unwrap();
    let (account, link) = (person.0.id.0.simple(), person.1.id.0.simple());
    let mut other = bench.database().connect().await;
    let hold = format!("SET deadlock_timeout = '50ms'; BEGIN; UPDATE accounts SET updated = updated WHERE id = '\\x{account}'");
    other.execute(AssertSqlSafe(hold)).await.unwrap();
    let commit = tokio::spawn({
        let (store, changes) = (store.clone(), sign_in(&sample, &person));
        async move { store.commit(changes).await }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    comes_true("that the sign-in waits", || async { bench.database().count(waiting).await == 1 }).await;
    // It would find itself in a circle if the link were taken.
    other.execute(AssertSqlSafe(format!("DELETE FROM links WHERE id = '\\x{link}'; COMMIT"))).await.unwrap();
    assert_eq!(commit.await.unwrap(), Err(StoreError::Conflict(Contest::Link)));
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sign_ins_and_erasures_at_once_none_wait_for_each_other_in_a_circle_and_nothing_is_left() {
    let bench = PostgresBench::set_up().await;
    let (store, other) = (bench.store(), bench.another().await);
    let sample = Sample::default();
    let began = std::time::Instant::now();
    for round in 0..40 {
        let people = people(&store, &sample, (0..4).map(|at| format!("{round} {at}"))).await;
        let all: Vec<_> = (0..5)
            .flat_map(|turn| people.iter().map(move |person| (turn == 2, person)))
            .map(|(erases, person)| (erases, if erases { erasure(&sample, person) } else { sign_in(&sample, person) }))
            .collect();
        let commits: Vec<_> = all
            .into_iter()
            .zip([&store, &other, &other].into_iter().cycle())
            .map(|((erases, changes), node)| {
                let node = Arc::clone(node);
                (erases, tokio::spawn(async move { node.commit(changes).await }))
            })
            .collect();
        for (erases, commit) in commits {
            match commit.await.unwrap() {
                Ok(()) => {}
                Err(StoreError::Conflict(Contest::Link)) if !erases => {}
                answer => panic!("round {round}, erases {erases}: {answer:?}"),
            }
        }
    }
    for left in [
        "SELECT count(*) FROM links",
        "SELECT count(*) FROM accounts WHERE NOT disabled OR name IS NOT NULL",
        "SELECT count(*) FROM sessions WHERE ended IS NULL",
    ] {
        assert_eq!(bench.database().count(left).await, 0, "{left}");
    }
    assert_eq!(deadlocks(&bench, &[&store, &other]).await, 0, "after {:?}", began.elapsed());
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

/// As it is when another server took over and this one was left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_is_left_for_the_next_one() {
    let database = Database::create().await;
    let store = SqlStore::connect(&StoreOptions { writers: 1, ..database.options() }).await.unwrap();
    let sample = Sample::default();
    let put = || Changes::default().write(Write::PutAccount(sample.account()));
    store.commit(put()).await.unwrap();
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    database.at_the_server(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    database.at_the_server(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    assert_eq!(store.commit(put()).await, Err(StoreError::Unavailable("the database only allows reading".into())));
    database.at_the_server(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    assert_eq!(store.commit(put()).await, Ok(()));
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_used_while_the_sweep_waits_for_it_stays() {
    let bench = PostgresBench::set_up().await;
    let store = bench.store();
    let sample = Sample::default();
    let session = sample.session(&sample.account());
    store.commit(Changes::default().write(Write::PutSession(session.clone()))).await.unwrap();
    let before = sample.now + std::time::Duration::from_secs(1);
    let mut other = bench.database().connect().await;
    other.execute(AssertSqlSafe(format!("BEGIN; UPDATE sessions SET last_seen = {}", before.as_millis()))).await.unwrap();
    let sweep = tokio::spawn({
        let store = store.clone();
        async move { store.sweep(before, before, 10).await }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    comes_true("that the sweep waits", || async { bench.database().count(waiting).await == 1 }).await;
    other.execute("COMMIT").await.unwrap();
    assert_eq!(sweep.await.unwrap(), Ok(0));
    assert_eq!(bench.database().count("SELECT last_seen FROM sessions").await, before.as_millis());
    bench.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_step_of_a_login_reads_what_its_node_committed_and_not_the_database() {
    let bench = PostgresBench::set_up().await;
    let (store, other) = (bench.store(), bench.another().await);
    let sample = Sample::default();
    let client = sample.client("app");
    let account = sample.account();
    let (link, session) = (sample.link(&account, "1"), sample.session(&account));
    let code = sample.code(&client, &session);
    let writes = [
        Write::PutClient { client: Box::new(client.clone()), expected: None },
        Write::AddLink(link.clone()),
        Write::PutAccount(account.clone()),
        Write::PutSession(session.clone()),
        Write::AddCode(code.clone()),
    ];
    store.commit(writes.into_iter().fold(Changes::default(), Changes::write)).await.unwrap();
    let tables = ["clients", "links", "accounts", "sessions", "codes"];
    for table in tables {
        bench.database().run(&format!("ALTER TABLE {table} RENAME TO {table}_elsewhere")).await;
    }
    // Long enough for word of it to come back.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(store.client(&client.id).await.unwrap().as_deref(), Some(&client));
    assert_eq!(store.link(&link.key).await.unwrap().as_deref(), Some(&link));
    assert_eq!(store.account(&account.id).await.unwrap().as_deref(), Some(&account));
    assert_eq!(store.session(&session.digest).await.unwrap().as_deref(), Some(&session));
    assert_eq!(store.session_by_id(&session.id).await, Ok(Some(session.clone())));
    assert_eq!(store.code(&code.digest).await, Ok(Some(code.clone())));
    assert!(other.code(&code.digest).await.is_err(), "another node has to ask");
    for table in tables {
        bench.database().run(&format!("ALTER TABLE {table}_elsewhere RENAME TO {table}")).await;
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
        ("postgres://u:hunter2@[not-an-address/d", "its address is not understood; it looks like postgres://user:password@host/database"),
    ] {
        let options = StoreOptions { patience: std::time::Duration::from_secs(2), ..StoreOptions::new(url) };
        assert_eq!(SqlStore::connect(&options).await.unwrap_err(), StoreError::Unavailable(why.into()));
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_from_before_names_had_a_column_are_found_whatever_else_is_said_of_them() {
    let database = Database::create().await;
    let store = SqlStore::connect(&database.options()).await.unwrap();
    let account = odd_account();
    store.commit(Changes::default().write(Write::PutAccount(account.clone()))).await.unwrap();
    store.close().await;
    for sql in BEFORE_NAMES {
        database.run(sql).await;
    }
    let store = SqlStore::connect(&database.options()).await.unwrap();
    let found = store.accounts_named("ADA", 10).await.unwrap();
    assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [account.id]);
    store.close().await;
    database.drop().await;
}
