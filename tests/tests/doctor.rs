//! `vestibule doctor` beside a gateway that is well, and beside what is not.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use vestibule_tests::{House, SEALING_KEY, Upstream, binary};

/// What it says, and whether it left with 0.
fn doctor(config: &Path) -> (bool, Value) {
    let output = Command::new(binary()).args(["doctor", "--json", "--config"]).arg(config).output().expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let report: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["ok"], output.status.success(), "{report:#}");
    (output.status.success(), report)
}

/// Each thing and how it stands, in order.
fn states(report: &Value) -> Vec<(String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().expect("a text").to_owned();
    report["findings"].as_array().expect("a list").iter().map(|finding| (text(finding, "what"), text(finding, "state"))).collect()
}

fn finding<'a>(report: &'a Value, what: &str) -> &'a Value {
    let found = report["findings"].as_array().expect("a list").iter().find(|finding| finding["what"] == what && finding["state"] != "ok");
    found.unwrap_or_else(|| panic!("nothing is wrong with {what}: {report:#}"))
}

/// The configuration of a house, written differently, as another file beside it.
fn other(house: &House, from: &str, to: &str) -> std::path::PathBuf {
    let text = std::fs::read_to_string(house.folder().join("vestibule.toml")).expect("the configuration");
    assert!(text.contains(from), "{from}: {text}");
    let path = house.folder().join("other.toml");
    std::fs::write(&path, text.replace(from, to)).expect("a file");
    path
}

#[tokio::test]
async fn beside_a_gateway_that_is_well_everything_is_well_and_what_breaks_is_named() {
    let (mut house, upstream) = House::start(Upstream::start).await;
    let config = house.folder().join("vestibule.toml");
    let (well, report) = doctor(&config);
    assert!(well, "{report:#}");
    let named = |names: &[&str]| -> Vec<(String, String)> { names.iter().map(|name| ((*name).to_owned(), "ok".to_owned())).collect() };
    // How much room this machine has is its own affair.
    let without_disk: Vec<_> = states(&report).into_iter().filter(|(what, _)| what != "disk").collect();
    assert_eq!(without_disk, named(&["configuration", "issuer", "clock", "database", "sealing key", "provider acme"]));
    let text = house.command(&["doctor"]);
    assert!(
        text.lines().any(|line| line.starts_with("ok    issuer ") && line.ends_with("its discovery is the one of this configuration")),
        "{text}"
    );

    // Another configuration than the one that is served.
    let (well, report) = doctor(&other(&house, "[log]", "[registration]\nmode = \"open\"\n[log]"));
    assert!(
        !well && finding(&report, "issuer")["found"].as_str().is_some_and(|found| found.contains("another discovery document")),
        "{report:#}"
    );

    // Another sealing key: what is stored stays shut.
    let (well, report) = doctor(&other(&house, SEALING_KEY, &SEALING_KEY.replace('6', "7")));
    assert!(!well, "{report:#}");
    let shut = finding(&report, "sealing key");
    assert!(shut["found"].as_str().is_some_and(|found| found.contains("can't be opened")) && shut["advice"].is_string(), "{report:#}");
    assert!(!report.to_string().contains(&SEALING_KEY.replace('6', "7")), "no secret is told");

    // A provider that is gone.
    drop(upstream);
    let (well, report) = doctor(&config);
    assert!(!well, "{report:#}");
    assert_eq!(finding(&report, "provider acme")["state"], "fail");
    assert!(finding(&report, "provider acme")["advice"].as_str().is_some_and(|advice| advice.contains("vestibule provider test acme")));

    // The gateway itself.
    house.stop();
    let (well, report) = doctor(&config);
    let issuer = finding(&report, "issuer");
    assert!(!well && issuer["found"].as_str().is_some_and(|found| found.starts_with(&house.issuer)), "{report:#}");

    // No database, and none is made.
    let missing = house.folder().join("nothing.db");
    let (well, report) = doctor(&other(&house, "vestibule.db", "nothing.db"));
    assert!(
        !well && finding(&report, "database")["found"].as_str().is_some_and(|found| found.contains("there is no database")),
        "{report:#}"
    );
    assert!(!missing.exists());
}

#[test]
fn a_configuration_that_is_none_is_all_that_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vestibule.toml");
    std::fs::write(&path, "isuer = \"https://a.example\"\n").expect("a file");
    let (well, report) = doctor(&path);
    assert!(!well);
    assert_eq!(states(&report), [("configuration".to_owned(), "fail".to_owned())]);
    let found = report["findings"][0]["found"].as_str().expect("a text");
    assert!(found.ends_with("vestibule.toml:1:1: isuer is not a setting; did you mean issuer?"), "{found}");
    assert_eq!(report["ok"], json!(false));
}
