//! `vestibule audit`, on a log that `vestibule dev` began.

use std::time::Duration;

use vestibule_domain::{
    audit::{AuditEvent, EventName, Source},
    ports::Store,
    store::{Changes, Write},
};
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::sample::Sample;

use crate::bench::{Folder, Running, four_ports, run};

/// A data folder with a few events in it.
fn begun() -> (Folder, String) {
    let folder = Folder::new();
    let data = format!("{}/data", folder.path());
    let house = Running::start(&["dev", "--port", &four_ports().to_string(), "--data", &data], "Ctrl-C");
    assert_eq!(house.stop("-TERM"), Some(0));
    (folder, data)
}

#[test]
fn events_are_exported_in_both_forms_and_filtered() {
    let (folder, data) = begun();
    let lines = run(&["audit", "export", "--format", "jsonl", "--data", &data], &[]).out;
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["key.rotated", "key.rotated", "audit.chain_begun", "client.created", "console_key.created"]);
    assert!(events.iter().all(|event| event["code"].is_number() && event["time"].as_str().unwrap().ends_with('Z')));

    let table = folder.write("events.csv", "an older export");
    let told = run(&["audit", "export", "--format", "csv", "--client", "demo", "--since", "1h", "--data", &data, "--output", &table], &[]);
    assert_eq!((told.code, told.out.as_str()), (0, ""), "{}", told.err);
    let rows = std::fs::read_to_string(&table).unwrap();
    assert!(rows.lines().count() == 2 && rows.contains("client.created"), "{rows}");
    assert!(!std::path::Path::new(&format!("{table}.partial")).exists());

    let none = run(&["audit", "export", "--format", "jsonl", "--until", "1d", "--data", &data], &[]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
}

#[test]
fn the_latest_come_last_and_no_more_than_asked() {
    let (_folder, data) = begun();
    let tail = run(&["audit", "tail", "-n", "1", "--data", &data], &[]);
    assert_eq!(tail.out.lines().count(), 1, "{}", tail.out);
    assert!(tail.out.contains("console_key.created"), "{}", tail.out);
    let two = run(&["audit", "tail", "-n", "2", "--data", &data], &[]).out;
    assert!(two.lines().next().is_some_and(|line| line.contains("client.created") && line.contains("client=demo")), "{two}");
    let of_demo = run(&["audit", "tail", "-n", "1", "--client", "demo", "--data", &data], &[]);
    assert!(of_demo.out.contains("client.created") && of_demo.out.contains("client=demo"), "{}", of_demo.out);
    let json = run(&["audit", "tail", "--json", "--event", "key.rotated", "--data", &data], &[]);
    assert_eq!(json.out.lines().count(), 2, "{}", json.out);
}

#[test]
fn what_no_checkpoint_covers_yet_is_not_called_proven() {
    let (folder, data) = begun();
    let key = run(&["audit", "key", "--data", &data], &[]).out;
    assert!(key.trim().len() == 64, "{key}");
    let export = format!("{}/log.jsonl", folder.path());
    assert_eq!(run(&["audit", "export", "--format", "jsonl", "--data", &data, "--output", &export], &[]).code, 0);
    let refused = run(&["audit", "verify", &export, "--key", key.trim()], &[]);
    assert!(refused.code == 1 && refused.err.contains("there is no checkpoint"), "{}", refused.err);
    let in_place = run(&["audit", "verify", "--data", &data], &[]);
    assert!(in_place.code == 0 && in_place.out.contains("The key came from the database itself"), "{} {}", in_place.out, in_place.err);
    for wrong in [&["audit", "verify"][..], &["audit", "verify", &export], &["audit", "verify", &export, "--key", "k", "--data", &data]] {
        assert_eq!(run(wrong, &[]).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    let refused = run(&["audit", "tail", "--data", &folder.path()], &[]);
    assert!(refused.code == 1 && refused.err.contains("there is no database at"), "{}", refused.err);
    assert!(!std::path::Path::new(&folder.path()).join("vestibule.db").exists());
}

#[test]
fn a_wrong_filter_is_a_wrong_command_line() {
    let refused = run(&["audit", "tail", "--event", "login.suceeded"], &[]);
    assert!(refused.code == 2 && refused.err.contains("login.succeeded"), "{}", refused.err);
}

#[test]
fn who_does_not_say_whose_log_is_told_how() {
    for command in [&["audit", "tail"][..], &["explain", "e75cf56bbc0281b014f1cdc59602b218"]] {
        let refused = run(command, &[]);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains("--config FILE") && refused.err.contains("--data DIR"), "{}", refused.err);
    }
}

/// Ada signed in from her office on four days, and on the fifth from elsewhere.
async fn five_days(url: &str) {
    let store = SqlStore::connect(&StoreOptions::new(url)).await.expect("a database");
    let sample = Sample::default();
    let (account, client) = (sample.account(), sample.client("grafana"));
    let first = AuditEvent { provider: "github".parse().ok(), ..sample.event(EventName::LoginSucceeded, &account, &client) };
    let mut changes = Changes::default().write(Write::PutAccount(account));
    for (day, ip) in (0..).zip(["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "198.51.100.1"]) {
        let source = Source { ip: ip.parse().ok(), ..Source::default() };
        changes = changes.event(AuditEvent { source, ..sample.later(&first, Duration::from_hours(24 * day)) });
    }
    store.commit(changes).await.expect("a commit");
    store.close().await;
}

#[test]
fn other_thresholds_are_tried_on_what_was_recorded_and_nothing_is_changed() {
    let folder = Folder::new();
    let url = format!("sqlite://{}/vestibule.db", folder.path());
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &url);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(five_days(&url));
    let detect = |config: &str, more: &[&str]| {
        let arguments = ["audit", "detect", "--since", "2020-01-01", "--config", config];
        let told = run(&arguments.into_iter().chain(more.iter().copied()).collect::<Vec<_>>(), &[]);
        assert_eq!(told.code, 0, "{}", told.err);
        told.out
    };
    let told = detect(&config, &[]);
    assert!(told.contains("new_network  account ") && told.contains("a network (/24) beside the 1 known"), "{told}");
    assert!(told.contains("5 events since 2020-01-01T00:00:00Z; nothing was changed"), "{told}");
    let json: serde_json::Value = serde_json::from_str(&detect(&config, &["--json"])).unwrap();
    assert_eq!(json["counts"]["new_network"], serde_json::json!({ "found": 1, "recorded": 0 }), "{json:#}");
    let text = std::fs::read_to_string(&config).unwrap();
    let draft = folder.write("draft.toml", &format!("{text}\n[detections]\nlearn_sign_ins = 5\n"));
    assert!(!detect(&draft, &[]).contains("account "), "four sign-ins are no habit by the draft");
    let later = run(&["audit", "detect", "--since", "2028-01-01", "--config", &config], &[]);
    assert!(later.out.contains("0 events since"), "{}", later.out);
    let all = run(&["audit", "export", "--format", "jsonl", "--config", &config], &[]).out;
    assert_eq!(all.lines().count(), 5, "{all}");
}
