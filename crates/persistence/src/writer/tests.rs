use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use vestibule_domain::{
    account::Profile,
    audit::EventName,
    store::{Changes, Contest, StoreError, Write},
};
use vestibule_testkit::sample::Sample;

use super::{How, Prepared, Pulse, Writer};
use crate::{caches::Caches, connect, options::StoreOptions, pen::Pen};

/// A writer that is asked directly, on a file of its own.
async fn writer(directory: &tempfile::TempDir) -> Writer {
    let options = StoreOptions::new(format!("sqlite:{}/vestibule.db", directory.path().display()));
    let mut opened = connect::open(&options).await.unwrap();
    let pen: Pen = opened.pens.remove(0);
    connect::migrate(pen.address(), options.patience).await.unwrap();
    Writer {
        pen,
        queue: Arc::new(Mutex::new(mpsc::channel(1).1)),
        caches: Arc::new(Caches::new(1 << 20, true)),
        pulse: Arc::new(Pulse::default()),
        on_commit: None,
    }
}

async fn commit(writer: &mut Writer, all: Vec<Changes>) -> Vec<Result<(), StoreError>> {
    let mut answers = Vec::new();
    let mut callers = Vec::new();
    for changes in all {
        let (answer, answered) = oneshot::channel();
        callers.push((Prepared::new(changes).unwrap(), answer));
        answers.push(answered);
    }
    writer.commit(callers).await;
    let mut outcomes = Vec::new();
    for answered in answers {
        outcomes.push(answered.await.unwrap());
    }
    outcomes
}

fn one(write: Write) -> Changes {
    Changes::default().write(write)
}

/// What another connection finds in a table.
async fn count(directory: &tempfile::TempDir, table: &'static str) -> i64 {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("vestibule.db"));
    let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(&mut options.connect().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn after_the_disk_was_full_what_is_answered_as_committed_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory).await;
    let sample = Sample::default();
    let attempt = sample.attempt();
    let spend = || one(Write::SpendAttempt { id: attempt, expires: sample.now });
    assert_eq!(commit(&mut writer, vec![spend()]).await, [Ok(())]);
    let pages = writer.pen.connection().await.unwrap().number("PRAGMA page_count", &[]).await.unwrap().flatten().unwrap();
    assert!(pages < 100, "{pages}");
    writer.pen.connection().await.unwrap().run("PRAGMA max_page_count = 100").await.unwrap();

    // Each is large enough to need a page of its own, and SQLite takes the transaction back by itself.
    let large = || {
        let profile = Profile { name: Some("x".repeat(4000)), ..Profile::default() };
        one(Write::PutAccount(vestibule_domain::account::Account { profile, ..sample.account() }))
    };
    let mut full = None;
    let mut kept = 0;
    while full.is_none() {
        match commit(&mut writer, vec![large()]).await.remove(0) {
            Ok(()) => kept += 1,
            Err(error) => full = Some(error),
        }
    }
    assert_eq!(full, Some(StoreError::Unavailable("the disk is full".into())));
    // Room is made again, whoever asks.
    writer.pen.connection().await.unwrap().run("PRAGMA max_page_count = 1073741823").await.unwrap();

    assert_eq!(commit(&mut writer, vec![spend()]).await, [Err(StoreError::Conflict(Contest::Attempt))]);
    assert_eq!(commit(&mut writer, vec![large(), large()]).await, [Ok(()), Ok(())]);
    assert_eq!(count(&directory, "accounts").await, kept + 2, "seen from elsewhere");
    writer.pen.close().await;
}

#[tokio::test]
async fn a_group_of_logins_goes_together_and_a_race_within_it_is_settled_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory).await;
    let sample = Sample::default();
    let client = sample.client("app");
    let taken = sample.link(&sample.account(), "taken");
    assert_eq!(commit(&mut writer, vec![one(Write::AddLink(taken))]).await, [Ok(())]);
    let login = |subject: &str| {
        let account = sample.account();
        let session = sample.session(&account);
        one(Write::SpendAttempt { id: sample.attempt(), expires: sample.now })
            .write(Write::AddLink(sample.link(&account, subject)))
            .write(Write::PutAccount(account.clone()))
            .write(Write::PutSession(session.clone()))
            .write(Write::AddCode(sample.code(&client, &session)))
            .event(sample.event(EventName::LoginSucceeded, &account, &client))
    };
    let prepare = |subject: &str| (Prepared::new(login(subject)).unwrap(), oneshot::channel().0);

    let all: Vec<_> = (0..30).map(|at| prepare(&at.to_string())).collect();
    let answers = writer.transact(&all, How::Together).await;
    assert!(matches!(answers, Ok(Some(answers)) if answers == vec![Ok(()); 30]));

    // Who loses its link has spent its attempt in vain: that has to be taken back.
    let all: Vec<_> = ["fresh", "taken"].map(prepare).into();
    assert!(matches!(writer.transact(&all, How::Together).await, Ok(None)));
    assert_eq!(count(&directory, "spent_attempts").await, 30);
    let answers = commit(&mut writer, ["fresh", "taken", "other"].map(login).into()).await;
    assert_eq!(answers, [Ok(()), Err(StoreError::Conflict(Contest::Link)), Ok(())]);
    for (table, rows) in [("spent_attempts", 32), ("links", 33), ("accounts", 32), ("sessions", 32), ("codes", 32), ("audit_events", 32)] {
        assert_eq!(count(&directory, table).await, rows, "{table}");
    }
    writer.pen.close().await;
}
