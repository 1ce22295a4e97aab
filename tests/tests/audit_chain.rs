//! The audit log, proven from outside: by the command, by a program in another language, and against somebody who owns the database.

use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use vestibule_testkit::every_event::every_event;
use vestibule_tests::{House, HouseOptions, Person, Upstream, binary, project, python};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A house with a few logins that a checkpoint covers.
async fn lived_in(options: HouseOptions) -> House {
    let extra = format!("{}[audit]\ncheckpoint_after = \"1s\"\n", options.extra);
    let (house, _upstream) = House::start_with(HouseOptions { extra, ..options }, Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    for name in ["ada", "bob", "cleo"] {
        let landed = Person::named(name).signs_in(&house, &client, CALLBACK).await;
        assert_eq!(Person::redeems(&house, &client, CALLBACK, &landed.code()).await.0, StatusCode::OK);
    }
    sealed(&house).await;
    house
}

/// Holds an export of this form against what is published of it, by a program in another language; how many records it found good.
fn checked(format: &str, file: &Path) -> u64 {
    let schema = project().join("docs/audit/events.schema.json").display().to_string();
    let arguments = if format == "jsonl" { vec!["schema", schema.as_str()] } else { vec![format] };
    let output = python("check_audit.py").args(arguments).arg(file).output().expect("Python runs");
    assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).expect("it says what it found")["checked"].as_u64().unwrap_or_default()
}

/// Waits until a checkpoint covers everything.
async fn sealed(house: &House) {
    for _ in 0..100 {
        if house.audit().iter().all(|event| event.get("chain").is_some()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("nothing was sealed");
}

fn vestibule(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the vestibule binary runs")
}

fn verify(house: &House) -> Result<String, String> {
    told(&vestibule(&["audit", "verify", "--config", &config(house)]))
}

fn told(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn config(house: &House) -> String {
    house.folder().join("vestibule.toml").display().to_string()
}

/// What somebody does who owns the database.
fn meddle(house: &House, sql: &str) {
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=20) as db: assert db.execute(sys.argv[2]).rowcount > 0";
    let database = house.folder().join("vestibule.db");
    let done = Command::new("python3").arg("-c").arg(script).arg(database).arg(sql).output().expect("python3 runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn export(house: &House, to: &Path) {
    house.command(&["audit", "export", "--format", "jsonl", "--output", &to.display().to_string()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_verified_without_a_database_and_by_another_program() {
    let house = lived_in(HouseOptions::default()).await;
    let key = house.command(&["audit", "key"]);
    let file = house.folder().join("log.jsonl");
    export(&house, &file);
    let path = file.display().to_string();
    let said = told(&vestibule(&["audit", "verify", &path, "--key", key.trim()])).expect("it is whole");
    assert!(said.starts_with("whole: events 1 to "), "{said}");
    let as_json = told(&vestibule(&["audit", "verify", &path, "--key", key.trim(), "--json"])).expect("it is whole");
    let verdict: Value = serde_json::from_str(&as_json).expect("JSON");
    assert_eq!((&verdict["result"], &verdict["from"], &verdict["believed_key"]), (&json!("whole"), &json!(1), &Value::Null), "{verdict:#}");
    assert_eq!(verdict["last_checkpoint"]["seq"], verdict["to"], "{verdict:#}");

    let other = python("verify_audit.py").arg(&file).arg(key.trim()).output().expect("Python runs");
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stderr));
    let counted: Value = serde_json::from_slice(&other.stdout).expect("it says what it found");
    assert!(said.contains(&format!("events 1 to {} ", counted["covered"])), "{said} {counted}");

    let text = std::fs::read_to_string(&file).expect("the export");
    let altered = text.replacen("login.succeeded", "login.silent", 1);
    let line = 1 + text.lines().position(|line| line.contains("login.succeeded")).expect("somebody signed in");
    std::fs::write(&file, altered).expect("it can be written");
    let refused = told(&vestibule(&["audit", "verify", &path, "--key", key.trim()])).expect_err("it was altered");
    assert!(refused.contains(&format!("log.jsonl:{line}: event ")) && refused.contains("was altered"), "{refused}");
    let as_json = vestibule(&["audit", "verify", &path, "--key", key.trim(), "--json"]);
    let verdict: Value = serde_json::from_slice(&as_json.stdout).expect("JSON");
    let why = verdict["why"].as_str().expect("a text");
    assert!(!as_json.status.success() && verdict["result"] == "broken" && refused.contains(why), "{verdict:#}");
    assert!(!python("verify_audit.py").arg(&file).arg(key.trim()).output().expect("Python runs").status.success());
    let other_key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    std::fs::write(&file, text).expect("it can be written");
    let refused = told(&vestibule(&["audit", "verify", &path, "--key", other_key])).expect_err("another key");
    assert!(refused.contains("signed by another key"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_79_whoever_owns_the_database_is_found_out() {
    let mut house = lived_in(HouseOptions::default()).await;
    let alone = verify(&house).expect("it is consistent");
    assert!(alone.starts_with("consistent, and no more is proven: events 1 to ") && !alone.contains("whole"), "{alone}");
    let key = house.command(&["audit", "key"]);
    let proven = told(&vestibule(&["audit", "verify", "--config", &config(&house), "--key", key.trim()])).expect("it is whole");
    assert!(proven.starts_with("whole: events 1 to ") && proven.contains("\nsigned up to event "), "{proven}");
    assert!(proven.contains("whether more came after that was cut off is told only by checkpoints that were kept elsewhere"), "{proven}");
    house.stop();
    let whole = std::fs::read(house.folder().join("vestibule.db")).expect("the database");
    for (sql, said) in [
        ("DELETE FROM audit_events WHERE seq = 5", "event 5 is missing; event 6 follows"),
        ("UPDATE audit_events SET body = replace(body, 'success', 'failure') WHERE seq = 6", "event 6 was altered"),
        ("UPDATE audit_events SET name = 'login.failed' WHERE seq = 7", "event 7 was altered: the columns"),
        (
            "UPDATE audit_events SET account = NULL WHERE seq IN (SELECT seq FROM audit_events WHERE account IS NOT NULL ORDER BY seq LIMIT 1)",
            "was altered: the columns",
        ),
        ("UPDATE audit_events SET personal = NULL WHERE personal IS NOT NULL", "what it says of the person is not what was sealed"),
        ("DELETE FROM audit_events WHERE seq > 9", "the end is missing after event 9"),
        ("DELETE FROM audit_checkpoints", "the end is missing"),
        ("UPDATE audit_checkpoints SET body = replace(body, '\"seq\":', '\"seq\":1')", "checkpoint"),
    ] {
        meddle(&house, sql);
        let refused = verify(&house).expect_err(sql);
        assert!(refused.contains(said), "{sql}: {refused}");
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(house.folder().join(format!("vestibule.db{suffix}")));
        }
        std::fs::write(house.folder().join("vestibule.db"), &whole).expect("it can be put back");
    }
    verify(&house).expect("it is whole again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_kept_elsewhere_tell_that_the_end_is_missing() {
    let kept = tempfile::tempdir().expect("a folder that the database's owner can't write to");
    let file = kept.path().join("checkpoints.jsonl");
    // The section is the one that `lived_in` begins.
    let (house, _upstream) = House::start_with(
        HouseOptions {
            extra: format!("[audit]\ncheckpoint_after = \"1s\"\ncheckpoint_file = {:?}\n", file.display().to_string()),
            ..HouseOptions::default()
        },
        Upstream::start,
    )
    .await;
    sealed(&house).await;
    let export_file = house.folder().join("log.jsonl");
    export(&house, &export_file);
    let earlier = std::fs::read_to_string(&export_file).expect("the export");
    house.register_app(CALLBACK).await;
    sealed(&house).await;
    let key = house.command(&["audit", "key"]);
    let (path, known) = (export_file.display().to_string(), file.display().to_string());
    assert!(earlier.ends_with("}\n"));
    let alone = told(&vestibule(&["audit", "verify", &path, "--key", key.trim()]));
    alone.expect("what was exported before is whole in itself");
    let short = told(&vestibule(&["audit", "verify", &path, "--key", key.trim(), "--checkpoints", &known])).expect_err("there was more");
    assert!(short.contains("the end is missing after event") && short.contains("a checkpoint covers events up to"), "{short}");
    export(&house, &export_file);
    told(&vestibule(&["audit", "verify", &path, "--key", key.trim(), "--checkpoints", &known])).expect("now it is all there");
    let said = told(&vestibule(&["audit", "verify", "--config", &config(&house), "--checkpoints", &known])).expect("in the database, too");
    assert!(said.starts_with("whole: ") && said.contains(" checkpoints that were kept elsewhere are all in it\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_79_an_erased_person_is_gone_and_the_log_is_still_proven() {
    let house = lived_in(HouseOptions::default()).await;
    let before = house.audit();
    let account = before.iter().find(|event| event["name"] == "login.succeeded").expect("a login")["account"].clone();
    let of_them = |audit: &[Value]| audit.iter().filter(|event| event["account"] == account && event["source"]["ip"].is_string()).count();
    assert!(of_them(&before) > 0);
    let account_id = account.as_str().expect("an id");
    let unasked = told(&vestibule(&["audit", "erase", account_id, "--config", &config(&house)])).expect_err("nobody said yes");
    assert!(unasked.contains("nobody is there to be asked") && of_them(&house.audit()) > 0, "{unasked}");
    let erased: Value = serde_json::from_str(&house.command(&["audit", "erase", account_id, "--yes", "--json"])).expect("JSON");
    assert_eq!(erased, json!({ "erased": account_id }));
    sealed(&house).await;
    assert_eq!(of_them(&house.audit()), 0);
    assert!(verify(&house).expect("it is whole").contains("say nothing any more of the person behind them"));
    assert!(house.audit().iter().any(|event| event["name"] == "account.erased" && event["account"] == account));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_keeps_the_published_schema_and_its_other_forms_keep_theirs() {
    let house = lived_in(HouseOptions::default()).await;
    let client = house.register_app(CALLBACK).await;
    // What fails has records too.
    Person::redeems(&house, &client, CALLBACK, "a-code-that-is-none-0123456789").await;
    Person::refreshes(&house, &client, "a-refresh-token-that-is-none").await;
    let exported = |format: &str| {
        let file = house.folder().join(format!("log.{format}"));
        house.command(&["audit", "export", "--format", format, "--output", &file.display().to_string()]);
        checked(format, &file)
    };
    let records = exported("jsonl");
    assert!(records > 15, "{records}");
    assert!(exported("ocsf") >= records && exported("ecs") >= records);
    let ecs = house.command(&["audit", "export", "--format", "ecs"]);
    let first: Value = serde_json::from_str(ecs.lines().next().expect("a line")).expect("JSON");
    assert!(first["@timestamp"].is_string() && first["event"]["dataset"] == "vestibule.audit", "{first}");
}

/// What few tests cause, too: every kind of event with everything in it that a record can have.
#[test]
fn every_kind_of_event_keeps_the_published_schemas_with_everything_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events");
    let mut counts = Vec::new();
    for format in ["jsonl", "ocsf", "ecs"] {
        std::fs::write(&file, every_event(format)).expect("it can be written");
        counts.push(checked(format, &file));
    }
    assert!(counts[0] > 400 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_comes_back_is_raised_as_unusual_and_a_replay_says_the_same() {
    let extra = "[lifetimes]\nrefresh_grace = \"0s\"\n[audit]\ncheckpoint_after = \"1s\"\n".into();
    let (house, _upstream) = House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let landed = Person::named("dora").signs_in(&house, &client, CALLBACK).await;
    let (_, tokens) = Person::redeems(&house, &client, CALLBACK, &landed.code()).await;
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    for expected in [StatusCode::OK, StatusCode::BAD_REQUEST] {
        assert_eq!(Person::refreshes(&house, &client, token).await.0, expected);
    }
    let counted = "vestibule_detections_total{detection=\"refresh_reuse\"} 1";
    for _ in 0..50 {
        if house.metrics().await.contains(counted) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(house.metrics().await.contains(counted), "it is raised while the token's event is sealed");
    let raised = house.audit().into_iter().find(|event| event["name"] == "detection.refresh_reuse").expect("its record");
    assert!(raised["account"].is_string() && raised["code"] == 901, "{raised:#}");
    assert!(raised["detail"].as_str().is_some_and(|detail| detail.contains("at token.reuse_detected ")), "{raised:#}");
    sealed(&house).await;
    verify(&house).expect("the log is whole with it");
    let replayed: Value = serde_json::from_str(&house.command(&["audit", "detect", "--since", "1h", "--json"])).expect("JSON");
    assert_eq!(replayed["counts"]["refresh_reuse"], serde_json::json!({ "found": 1, "recorded": 1 }), "{replayed:#}");
}
