//! No statement of the writer, of the sweep or of the audit log reads a whole table: SQLite is asked how it would go.

use std::collections::BTreeSet;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, QuerySelect, QueryTrait, SqlxSqliteConnector, Statement, sea_query::SqliteQueryBuilder,
};
use vestibule_domain::{
    audit::{EventName, Outcome, Reason, search::EventSearch},
    ids::{EventId, GrantId},
    stats::Step,
    store::{EventQuery, GrantQuery, SessionQuery},
    time::Timestamp,
    upstream::TokensDue,
};
use vestibule_testkit::sample::Sample;

use super::{
    Kind,
    kinds::{ALL, SIZES},
};
use crate::{
    connect,
    entities::{audit_events::Column, session_clients},
    events,
    options::StoreOptions,
    pen::Address,
    reads, stats, sweep,
};

/// A database with every table and nothing in them, opened as a writer opens it.
async fn migrated(directory: &tempfile::TempDir) -> DatabaseConnection {
    let options = StoreOptions::new(format!("sqlite:{}/vestibule.db", directory.path().display()));
    let opened = connect::open(&options).await.unwrap();
    let address = opened.pens[0].address();
    connect::migrate(address, &options).await.unwrap();
    let Address::Sqlite(options) = address else { unreachable!() };
    SqlxSqliteConnector::from_sqlx_sqlite_pool(sqlx::SqlitePool::connect_with((**options).clone()).await.unwrap())
}

/// The steps of its plan, in SQLite's words.
async fn plan(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let explain = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = db.query_all_raw(explain).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect()
}

/// Tables that are read from end to end, with or without an index.
async fn scanned(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let tables =
        db.query_all_raw(Statement::from_string(DbBackend::Sqlite, "SELECT name FROM sqlite_master WHERE type = 'table'".to_owned()));
    let tables: BTreeSet<String> = tables.await.unwrap().iter().map(|row| row.try_get("", "name").unwrap()).collect();
    let reads_all =
        |step: &String| step.strip_prefix("SCAN ").is_some_and(|rest| tables.contains(rest.split(' ').next().unwrap_or_default()));
    plan(db, sql).await.into_iter().filter(reads_all).collect()
}

#[tokio::test]
async fn every_write_finds_its_rows_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let mut read_whole = Vec::new();
    for kind in ALL.into_iter().filter(|kind| !matches!(kind, Kind::HoldAccounts | Kind::HoldSessions)) {
        for rows in SIZES {
            let scanned = scanned(&db, kind.example(rows)).await;
            read_whole.extend(scanned.into_iter().map(|step| format!("{kind:?} of {rows}: {step}")));
        }
    }
    assert_eq!(read_whole, Vec::<String>::new());
}

#[tokio::test]
async fn every_sweep_finds_its_rows_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    for kind in sweep::Kind::ALL {
        assert_eq!(scanned(&db, kind.deletion()).await, Vec::<String>::new(), "{kind:?}");
    }
    for besides in [sweep::LIVING_GRANTS, sweep::HABITS_WITHOUT_END] {
        assert_eq!(scanned(&db, besides).await, Vec::<String>::new(), "{besides}");
    }
}

#[tokio::test]
async fn clients_that_registered_themselves_are_counted_along_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sql = format!("SELECT COUNT(*) FROM ({}) AS counted", reads::self_registered().build(DbBackend::Sqlite));
    let steps = plan(&db, &sql).await;
    assert!(steps.iter().all(|step| step.contains("INDEX clients_by_kept_until")), "{steps:?}: {sql}");
}

#[tokio::test]
async fn what_was_decided_under_a_reference_is_found_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sql = reads::of_reference("0af7651916cd43dd8448eb211c80319c").build(DbBackend::Sqlite).to_string();
    let steps = plan(&db, &sql).await;
    assert!(steps.iter().any(|step| step.contains("INDEX login_traces_by_reference (reference=?)")), "{steps:?}: {sql}");
}

#[tokio::test]
async fn clients_that_are_used_no_more_are_found_along_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sql = reads::unused_clients(Timestamp::default(), 50).build(DbBackend::Sqlite).to_string();
    let steps = plan(&db, &sql).await;
    assert!(matches!(&*steps, [step] if step.contains("INDEX clients_by_kept_until (kept_until>? AND kept_until<?)")), "{steps:?}: {sql}");
}

#[tokio::test]
async fn people_are_found_by_name_along_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sql = reads::named("ada").limit(50).build(DbBackend::Sqlite).to_string();
    let steps = plan(&db, &sql).await;
    assert!(matches!(&*steps, [step] if step.contains("INDEX accounts_by_name (name>? AND name<?)")), "{steps:?}: {sql}");
}

#[tokio::test]
async fn a_round_of_refreshing_finds_its_rows_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let now = Timestamp::default();
    let round = TokensDue { now, expire_before: now, used_since: now, limit: 50 };
    let sql = reads::due(&round).build(DbBackend::Sqlite).to_string();
    assert_eq!(scanned(&db, &sql).await, Vec::<String>::new(), "{sql}");
}

#[tokio::test]
async fn every_page_of_sessions_and_grants_is_one_walk_along_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sample = Sample::default();
    let (account, client) = (Some(sample.account().id), Some(sample.client("app").id));
    let session = sample.session(&sample.account());
    let (sessions, grants) = (SessionQuery { limit: 50, ..SessionQuery::default() }, GrantQuery { limit: 50, ..GrantQuery::default() });
    let (after, provider) = (Some(session.id), Some(session.provider));
    let of_sessions = |query: &SessionQuery| reads::living_sessions(query).limit(query.limit).build(DbBackend::Sqlite).to_string();
    let of_grants = |query: &GrantQuery| reads::living_grants(query).build(DbBackend::Sqlite).to_string();
    let by_client = |after| reads::sessions_with_grants(client.as_ref().unwrap(), after, 50).build(DbBackend::Sqlite).to_string();
    let grant = Some(GrantId::new(sample.now, &sample.entropy));
    for (sql, by) in [
        (of_sessions(&SessionQuery { after, ..sessions.clone() }), "sqlite_autoindex_sessions_1 (id<?"),
        (of_sessions(&SessionQuery { account, ..sessions.clone() }), "sessions_alive_by_account (account=?"),
        (of_sessions(&SessionQuery { account, after, ..sessions.clone() }), "sessions_alive_by_account (account=? AND id<?"),
        (of_sessions(&SessionQuery { provider, after, ..sessions }), "sessions_alive_by_provider (provider=? AND id<?"),
        (by_client(None), "grants_alive_by_client_session (client=?"),
        (by_client(after.as_ref()), "grants_alive_by_client_session (client=? AND session<?"),
        (of_grants(&GrantQuery { after: grant, ..grants.clone() }), "sqlite_autoindex_grants_1 (id<?"),
        (of_grants(&GrantQuery { account, ..grants.clone() }), "grants_alive_by_account (account=?"),
        (of_grants(&GrantQuery { client: client.clone(), after: grant, ..grants }), "grants_alive_by_client (client=? AND id<?"),
    ] {
        let steps = plan(&db, &sql).await;
        assert!(matches!(&*steps, [step] if step.starts_with("SEARCH ") && step.contains(by)), "{steps:?}: {sql}");
    }
}

#[tokio::test]
async fn a_round_of_deliveries_finds_its_rows_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sql = session_clients::due(DbBackend::Sqlite, Timestamp::default(), 8, 50).to_string();
    let steps = plan(&db, &sql).await;
    assert!(steps.iter().any(|step| step.contains("session_clients_by_due (due<?)")), "{steps:?}");
    assert_eq!(scanned(&db, &sql).await, Vec::<String>::new(), "{sql}");
}

#[tokio::test]
async fn every_page_of_events_is_one_walk_along_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sample = Sample::default();
    let all = || EventQuery { limit: 50, ..EventQuery::default() };
    let cursor = || EventQuery { after: Some(EventId::new(sample.now, &sample.entropy)), ..all() };
    let time = "audit_events_by_time (";
    for (query, by) in [
        (cursor(), time),
        (EventQuery { since: Some(sample.now), until: Some(Timestamp::default()), ..all() }, time),
        (EventQuery { name: Some(EventName::LoginFailed), ..cursor() }, "audit_events_by_name (name=? AND "),
        (EventQuery { account: Some(sample.account().id), ..cursor() }, "audit_events_by_account (account=? AND "),
        (EventQuery { client: Some(sample.client("app").id), ..cursor() }, "audit_events_by_client (client=? AND "),
        (EventQuery { login: Some(sample.login()), ..cursor() }, "audit_events_by_login (login=? AND "),
        (EventQuery { login: Some(sample.login()), ..all() }, "audit_events_by_login (login=?)"),
        // All of it, in order.
        (all(), "audit_events_by_time"),
    ] {
        let waits = "sqlite_autoindex_audit_waiting_1";
        let waits = if query.after.is_some() || query.since.is_some() { format!("{waits} (") } else { waits.to_owned() };
        for (select, by) in events::selects(&query).into_iter().zip([&*waits, by]) {
            let sql = select.to_string(SqliteQueryBuilder);
            let steps = plan(&db, &sql).await;
            assert!(matches!(&*steps, [step] if step.contains(&format!(" USING INDEX {by}"))), "{steps:?}: {sql}");
        }
    }
    for (sql, by) in [
        (
            events::waiting([Column::Id, Column::Body], 200).to_string(SqliteQueryBuilder),
            "SCAN audit_waiting USING INDEX sqlite_autoindex_audit_waiting_1",
        ),
        (events::in_the_chain(7, 200).to_string(SqliteQueryBuilder), "SEARCH audit_events USING INTEGER PRIMARY KEY (rowid>?)"),
    ] {
        assert_eq!(plan(&db, &sql).await, [by], "{sql}");
    }
}

#[tokio::test]
async fn whatever_events_are_looked_for_by_an_index_is_walked_and_no_more_than_was_said() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let sample = Sample::default();
    let all = || EventSearch { limit: 50, look: 20_000, ..EventSearch::default() };
    let after = Some(EventId::new(sample.now, &sample.entropy));
    let provider = sample.event(EventName::LoginFailed, &sample.account(), &sample.client("app")).provider;
    let time = "audit_events_by_time (";
    for (search, by) in [
        (all(), time),
        (EventSearch { provider: provider.clone(), ..all() }, time),
        (EventSearch { outcome: Some(Outcome::Denied), reason: Some(Reason::EntryRule), ..all() }, time),
        (EventSearch { names: EventName::ALL.iter().copied().collect(), ..all() }, time),
        (EventSearch { address: "192.0.2.1".parse().ok(), ..all() }, time),
        (EventSearch { names: [EventName::LoginFailed].into(), provider, ..all() }, "audit_events_by_name (name=? AND "),
        (EventSearch { account: Some(sample.account().id), ..all() }, "audit_events_by_account (account=? AND "),
        (EventSearch { client: Some(sample.client("app").id), ..all() }, "audit_events_by_client (client=? AND "),
        (EventSearch { login: Some(sample.login()), ..all() }, "audit_events_by_login (login=? AND "),
        (EventSearch { session: Some(sample.session(&sample.account()).id), ..all() }, "audit_events_by_session (session=? AND "),
        (EventSearch { trace: Some("0af7".into()), account: Some(sample.account().id), ..all() }, "audit_events_by_trace (trace=? AND "),
    ] {
        for (at, walk) in events::walks(&search).iter().enumerate() {
            let by = if at == 0 { "sqlite_autoindex_audit_waiting_1 (" } else { by };
            let found = walk.found(&search, after, 51).to_string(SqliteQueryBuilder);
            let steps = plan(&db, &found).await;
            let reads: Vec<_> = steps.iter().filter(|step| step.contains("audit_")).collect();
            assert!(matches!(&*reads, [step] if step.starts_with("SEARCH ") && step.contains(by)), "{steps:?}: {found}");
            // What is looked at is so in its order already: the page ends as soon as it is full.
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}: {found}");
            let last = walk.last_looked_at(&search, after).to_string(SqliteQueryBuilder);
            let steps = plan(&db, &last).await;
            assert!(matches!(&*steps, [step] if step.starts_with("SEARCH ") && step.contains(by)), "{steps:?}: {last}");
        }
    }
}

#[tokio::test]
async fn statistics_are_read_along_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(&directory).await;
    let since = Timestamp::from_secs(1);
    let sql = stats::rows_since(Step::Minute, since).build(DbBackend::Sqlite).to_string();
    let rows = plan(&db, &sql).await;
    assert!(rows.len() == 1 && rows[0].starts_with("SEARCH stats USING INDEX"), "{rows:?}");
    let days = scanned(&db, &stats::days_since(since).build(DbBackend::Sqlite).to_string()).await;
    assert_eq!(days, Vec::<String>::new());
    // Whoever counts the people of a month reads all that is kept, but nothing else than an index.
    let people = plan(&db, &stats::people_since(since).build(DbBackend::Sqlite).to_string()).await;
    assert!(people.iter().any(|step| step.contains("COVERING INDEX active_people_by_account")), "{people:?}");
}
