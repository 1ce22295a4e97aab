use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use vestibule_domain::{
    account::Profile,
    audit::EventName,
    store::{Changes, Contest, StoreError, Write},
};
use vestibule_testkit::sample::{Sample, sealing};

use super::{How, Order, Prepared, Pulse, Writer};
use crate::{caches::Caches, connect, options::StoreOptions, pen::Pen};

/// A writer that is asked directly, on a file of its own.
async fn writer(directory: &tempfile::TempDir) -> Writer {
    let options = StoreOptions::new(format!("sqlite:{}/vestibule.db", directory.path().display()));
    let mut opened = connect::open(&options).await.unwrap();
    let pen: Pen = opened.pens.remove(0);
    connect::migrate(pen.address(), &options).await.unwrap();
    Writer {
        pen,
        queue: Arc::new(Mutex::new(mpsc::channel(1).1)),
        caches: Arc::new(Caches::new(1 << 20)),
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
    assert!(pages < 120, "{pages}");
    writer.pen.connection().await.unwrap().run("PRAGMA max_page_count = 120").await.unwrap();

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
    assert_eq!(count(&directory, "spent").await, 30);
    let answers = commit(&mut writer, ["fresh", "taken", "other"].map(login).into()).await;
    assert_eq!(answers, [Ok(()), Err(StoreError::Conflict(Contest::Link)), Ok(())]);
    for (table, rows) in [("spent", 32), ("links", 33), ("accounts", 32), ("sessions", 32), ("codes", 32), ("audit_waiting", 32)] {
        assert_eq!(count(&directory, table).await, rows, "{table}");
    }
    writer.pen.close().await;
}

#[tokio::test]
async fn what_the_next_step_of_a_login_reads_is_kept_by_the_commit() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory).await;
    let sample = Sample::default();
    let client = sample.client("app");
    let account = sample.account();
    let link = sample.link(&account, "1");
    let session = sample.session(&account);
    let code = sample.code(&client, &session);
    let login = one(Write::AddLink(link.clone())).write(Write::PutAccount(account.clone())).write(Write::PutSession(session.clone()));
    assert_eq!(commit(&mut writer, vec![login.write(Write::AddCode(code.clone()))]).await, [Ok(())]);
    let caches = writer.caches.clone();
    assert_eq!(caches.accounts.get(&account.id).as_deref(), Some(&account));
    assert_eq!(caches.links.get(&link.id).as_deref(), Some(&link));
    assert_eq!(caches.sessions.get(&session.id).as_deref(), Some(&session));
    assert_eq!(caches.codes.get(&code.digest).as_deref(), Some(&code));

    let grant = sample.grant(&code, &client);
    let redeem = one(Write::RedeemCode { digest: code.digest, at: sample.now }).write(Write::AddGrant(grant.clone()));
    assert_eq!(commit(&mut writer, vec![redeem]).await, [Ok(())]);
    assert_eq!(caches.codes.get(&code.digest).unwrap().redeemed, Some(sample.now));
    assert_eq!(caches.grants.get(&grant.id).as_deref(), Some(&grant));
    writer.pen.close().await;
}

#[tokio::test]
async fn an_account_is_kept_as_its_row_is_whatever_a_sign_in_says() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory).await;
    let sample = Sample::default();
    let account = sample.account();
    let disable = one(Write::PutAccount(account.clone())).write(Write::DisableAccount { id: account.id, disabled: true });
    assert_eq!(commit(&mut writer, vec![disable]).await, [Ok(())]);
    // Who signs in has read it before that, and has a salt of its own.
    let again = vestibule_domain::account::Account { salt: sample.account().salt, ..account.clone() };
    assert_eq!(commit(&mut writer, vec![one(Write::PutAccount(again))]).await, [Ok(())]);
    let kept = writer.caches.accounts.get(&account.id).unwrap();
    assert_eq!((kept.disabled, kept.salt), (true, account.salt));
    writer.pen.close().await;
}

#[tokio::test]
async fn the_first_look_for_strangers_drops_what_was_read_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory).await;
    let account = Sample::default().account();
    assert_eq!(commit(&mut writer, vec![one(Write::PutAccount(account.clone()))]).await, [Ok(())]);
    let mut strangers = super::Strangers::new(writer.pen.dialect());
    strangers.look(&mut writer.pen, &writer.caches).await;
    assert_eq!(writer.caches.accounts.get(&account.id), None);
    assert_eq!(commit(&mut writer, vec![one(Write::PutAccount(account.clone()))]).await, [Ok(())]);
    strangers.look(&mut writer.pen, &writer.caches).await;
    assert!(writer.caches.accounts.get(&account.id).is_some(), "its own commits are no stranger's");
    writer.pen.close().await;
}

/// What takes back more than it names goes by the order of kinds too. A transaction of its own, in an order of its own, would wait for others that
/// wait for it.
#[test]
fn taking_everything_back_is_done_in_the_order_of_all() {
    use vestibule_domain::grant::{Revoked, RevokedBy};
    let sample = Sample::default();
    let (account, client) = (sample.account().id, sample.client("app").id);
    let revoked = Revoked { at: sample.now, by: RevokedBy::Admin };
    let by_person = one(Write::RevokeAppGrants { account, client: client.clone(), revoked });
    let by_operator = one(Write::RevokeClientGrants { client: client.clone(), revoked });
    for changes in
        [by_person.write(Write::DropConsents { account, client: client.clone() }), by_operator.write(Write::DropClientConsents { client })]
    {
        assert!(Prepared::new(changes).unwrap().orderly);
    }
}

/// A seal waits while the audit table is being changed; no sign-in waits with it, nor after it.
#[tokio::test]
async fn a_seal_comes_after_who_waits_with_it_and_has_a_transaction_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory).await;
    let batches: Arc<std::sync::Mutex<Vec<usize>>> = Arc::default();
    let told = batches.clone();
    writer.on_commit = Some(Arc::new(move |stats| told.lock().unwrap().push(stats.batch)));
    let sample = Sample::default();
    let event = sample.event(EventName::LoginSucceeded, &sample.account(), &sample.client("app"));
    assert_eq!(commit(&mut writer, vec![Changes::default().event(event.clone())]).await, [Ok(())]);
    let put = || one(Write::PutAccount(sample.account()));
    let (mut orders, mut answers) = (Vec::new(), Vec::new());
    let head = one(Write::PutChain { head: Box::new(sample.chain_head()), expected: None });
    for changes in [put(), one(sealing(&event, sample.chain_link(1), None)), put(), head, put()] {
        let (answer, answered) = oneshot::channel();
        orders.push(Order::Commit(Prepared::new(changes).unwrap(), answer));
        answers.push(answered);
    }
    writer.obey(&mut orders).await;
    for answered in answers {
        assert_eq!(answered.await.unwrap(), Ok(()));
    }
    assert_eq!(*batches.lock().unwrap(), [1, 3, 1, 1]);
    assert_eq!((count(&directory, "audit_waiting").await, count(&directory, "audit_events").await), (0, 1));
    writer.pen.close().await;
}
