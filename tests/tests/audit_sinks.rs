//! Audit events sent on, from outside: to a receiver on the library of others that is dead, slow and restarted, to a log server, a file and a collector.

use std::{
    io::Read,
    net::TcpListener,
    path::Path,
    sync::mpsc,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use vestibule_tests::{Client, Collector, House, HouseOptions, Person, Program, Upstream, free_port, node};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const OLD_SECRET: &str = "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9s";
const NEW_SECRET: &str = "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5l";

/// A house that sends events on as these sections say.
async fn house_with(sinks: &str) -> (House, Upstream, Client) {
    let extra = format!("[audit]\ncheckpoint_after = \"1s\"\n{sinks}");
    let (house, upstream) = House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    (house, upstream, client)
}

async fn sign_in(house: &House, client: &Client, names: &[&str]) {
    for name in names {
        let landed = Person::named(name).signs_in(house, client, CALLBACK).await;
        assert_eq!(Person::redeems(house, client, CALLBACK, &landed.code()).await.0, StatusCode::OK);
    }
}

/// The numbers of all events so far, once all of them are in the chain.
async fn sealed(house: &House) -> Vec<i64> {
    for _ in 0..100 {
        let events = house.audit();
        if let Some(seqs) = events.iter().map(|event| event["chain"]["seq"].as_i64()).collect() {
            return seqs;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("nothing was sealed");
}

fn sinks(house: &House) -> Value {
    serde_json::from_str(&house.command(&["audit", "sinks", "--json"])).expect("it says JSON")
}

/// Waits until `done` says something; panics after a while.
async fn eventually<T>(what: &str, mut done: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = done().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn heard(receiver: &Program) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{}/bench/heard", receiver.url)).send().await.expect("the receiver answers");
    answer.json().await.expect("it answers with JSON")
}

fn seqs(heard: &Value) -> Vec<i64> {
    let batches = heard["batches"].as_array().expect("a list");
    batches.iter().flat_map(|batch| batch["seqs"].as_array().expect("a list")).filter_map(Value::as_i64).collect()
}

/// In the order of their first coming.
fn without_repeats(seqs: &[i64]) -> Vec<i64> {
    let mut once: Vec<i64> = Vec::new();
    for seq in seqs {
        if !once.contains(seq) {
            once.push(*seq);
        }
    }
    once
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_dead_slow_and_restarted_loses_nothing_and_holds_up_no_login() {
    let port = free_port();
    let (mut house, _upstream, client) = house_with(&format!(
        "[[audit.sinks]]\nid = \"siem\"\nkind = \"webhook\"\nstart = \"beginning\"\nbatch = 4\nurl = \"http://127.0.0.1:{port}/events\"\n\
         secrets = [\"{OLD_SECRET}\", \"{NEW_SECRET}\"]\nallow_private = true\n"
    ))
    .await;
    sign_in(&house, &client, &["ada", "bob"]).await;
    eventually("a failure that is told", async || (sinks(&house)[0]["state"] == "failing").then_some(())).await;
    let state = sinks(&house);
    assert_eq!((&state[0]["trouble"]["kind"], &state[0]["seq"]), (&json!("unreachable"), &json!(0)), "{state:#}");
    assert!(state[0]["lag_events"].as_i64() > Some(0), "{state:#}");
    let metrics = house.metrics().await;
    assert!(metrics.contains("vestibule_audit_sink_deliveries_total{sink=\"siem\",result=\"unreachable\"}"), "{metrics}");

    // It comes back, slow, and knows the new secret alone. In the middle of it the gateway is killed.
    let receiver = Program::start(node("webhook_receiver.mjs", &json!({ "port": port, "secret": NEW_SECRET, "slow": 700 })));
    eventually("a first batch", async || (!seqs(&heard(&receiver).await).is_empty()).then_some(())).await;
    house.kill();
    house.resume().await;
    sign_in(&house, &client, &["cleo"]).await;
    let all = sealed(&house).await;
    let last = *all.last().expect("there are events");
    let heard = eventually("all of it", async || {
        let heard = heard(&receiver).await;
        seqs(&heard).contains(&last).then_some(heard)
    })
    .await;
    assert_eq!(heard["refused"], json!([]), "the library believes every signature");
    let came = without_repeats(&seqs(&heard));
    assert_eq!(came[..all.len()], all, "everything, in its order");
    // What came twice is known by its name.
    for batch in heard["batches"].as_array().expect("a list") {
        let mut same = heard["batches"].as_array().expect("a list").iter().filter(|other| other["id"] == batch["id"]);
        assert!(same.all(|other| other["seqs"] == batch["seqs"]), "{heard:#}");
    }
    let state = eventually("a sink that is well", async || {
        let state = sinks(&house);
        (state[0]["state"] == "ok").then_some(state)
    })
    .await;
    assert!(state[0]["trouble"].is_null() && state[0]["lag_events"] == 0, "{state:#}");
    eventually("a lag of nothing", async || {
        let metrics = house.metrics().await;
        metrics.contains("vestibule_audit_sink_lag_events{sink=\"siem\"} 0\n").then_some(())
    })
    .await;
}

/// One who never answers while people sign in: whoever waited for it would wait for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_while_a_receiver_holds_every_delivery_open() {
    let receiver = Program::start(node("webhook_receiver.mjs", &json!({ "secret": NEW_SECRET, "hold": true })));
    let (house, _upstream, client) = house_with(&format!(
        "[[audit.sinks]]\nid = \"siem\"\nkind = \"webhook\"\nstart = \"beginning\"\nurl = \"{}/events\"\nsecrets = [\"{NEW_SECRET}\"]\n\
         allow_private = true\n",
        receiver.url
    ))
    .await;
    eventually("a delivery", async || (heard(&receiver).await["held"].as_u64() > Some(0)).then_some(())).await;
    sign_in(&house, &client, &["ada", "bob", "cleo", "dan", "eve"]).await;
    let all = sealed(&house).await;
    let heard_so_far = heard(&receiver).await;
    assert_eq!(heard_so_far["answered"], 0, "everybody was in before any delivery was answered: {heard_so_far:#}");
    assert_eq!(sinks(&house)[0]["seq"], 0, "and none counts as taken");

    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.put(format!("{}/bench/release", receiver.url)).send().await.expect("the receiver answers");
    let last = *all.last().expect("there are events");
    let heard = eventually("the last event", async || {
        let heard = heard(&receiver).await;
        seqs(&heard).contains(&last).then_some(heard)
    })
    .await;
    assert_eq!(without_repeats(&seqs(&heard))[..all.len()], all, "nothing was lost, and all of it is in order");
}

/// As docs/watching.md shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unusual_is_posted_and_nothing_else_where_that_is_what_was_asked_for() {
    let receiver = Program::start(node("webhook_receiver.mjs", &json!({ "secret": NEW_SECRET })));
    let (house, _upstream, client) = house_with(&format!(
        "[lifetimes]\nrefresh_grace = \"0s\"\n[[audit.sinks]]\nid = \"unusual\"\nkind = \"webhook\"\nurl = \"{}/events\"\n\
         secrets = [\"{NEW_SECRET}\"]\nallow_private = true\nstart = \"beginning\"\nevents = [\"detection.*\"]\n",
        receiver.url
    ))
    .await;
    let tokens = Person::named("ada").gets_tokens(&house, &client, CALLBACK).await;
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    for expected in [StatusCode::OK, StatusCode::BAD_REQUEST] {
        assert_eq!(Person::refreshes(&house, &client, token).await.0, expected);
    }
    let names = eventually("a detection", async || {
        let heard = heard(&receiver).await;
        let batches = heard["batches"].as_array().expect("a list").iter();
        let names: Vec<_> = batches.flat_map(|batch| batch["names"].as_array().expect("a list").clone()).collect();
        (!names.is_empty()).then_some(names)
    })
    .await;
    assert_eq!(names, [json!("detection.refresh_reuse")], "the sign-in and the token's own event are others' to have");
    assert_eq!(heard(&receiver).await["refused"], json!([]), "the library believes the signature");
}

/// A log server that breaks off at first and then reads to the end of each connection; what it read, connection by connection.
fn log_server() -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (say, hear) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            let mut read = vec![0; 1];
            if number == 0 {
                // With something unread, closing is a reset.
                let _ = stream.read_exact(&mut read);
                continue;
            }
            read.clear();
            let _ = stream.read_to_end(&mut read);
            let _ = say.send(read);
        }
    });
    (port, hear)
}

/// RFC 6587 §3.4.1.
fn messages(framed: &[u8]) -> Vec<String> {
    let (mut rest, mut messages) = (framed, Vec::new());
    while let Some(at) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..at]).expect("digits").parse().expect("a length");
        messages.push(String::from_utf8(rest[at + 1..][..length].to_vec()).expect("UTF-8"));
        rest = &rest[at + 1 + length..];
    }
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_server_a_file_and_a_collector_have_what_they_are_to_have() {
    let (port, lines) = log_server();
    let collector = Collector::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let name = file.display();
    let (house, _upstream, client) = house_with(&format!(
        "[[audit.sinks]]\nid = \"log\"\nkind = \"syslog\"\ntransport = \"tcp\"\naddress = \"127.0.0.1:{port}\"\nformat = \"ecs\"\nevents = [\"login.*\"]\n\
         [[audit.sinks]]\nid = \"file\"\nkind = \"file\"\npath = \"{name}\"\nstart = \"beginning\"\n\
         [[audit.sinks]]\nid = \"otel\"\nkind = \"otlp\"\nurl = \"{}\"\nallow_private = true\nformat = \"ocsf\"\nstart = \"beginning\"\n",
        collector.url
    ))
    .await;
    sign_in(&house, &client, &["ada", "bob"]).await;
    let all = sealed(&house).await;
    eventually("the file", async || (seqs_in(&file).len() >= all.len()).then_some(())).await;
    assert_eq!(seqs_in(&file)[..all.len()], all);

    let mut logged = Vec::new();
    while logged.len() < 2 {
        logged.extend(messages(&lines.recv_timeout(Duration::from_secs(30)).expect("the log server reads")));
    }
    for line in &logged {
        assert!(line.starts_with("<86>1 ") && line.contains(" 127.0.0.1 vestibule - login.succeeded [meta sequenceId=\""), "{line}");
        let record: Value = serde_json::from_str(&line[line.find('{').expect("a record")..]).expect("JSON");
        assert_eq!((&record["event"]["action"], &record["ecs"]["version"]), (&json!("login.succeeded"), &json!("9.1.0")));
    }
    eventually("the collector", async || (collector.times("login.succeeded") > 0).then_some(())).await;
    assert!(collector.times("class_uid") > 0 && collector.times("vestibule.audit.sequence") > 0);

    // Whoever moves the file away finds a new one; nothing has to be told to the gateway.
    std::fs::rename(&file, folder.path().join("moved")).expect("it can be moved");
    sign_in(&house, &client, &["cleo"]).await;
    let all = sealed(&house).await;
    eventually("a new file", async || (seqs_in(&file).last() >= all.last()).then_some(())).await;
    let both: Vec<_> = seqs_in(&folder.path().join("moved")).into_iter().chain(seqs_in(&file)).collect();
    assert_eq!(both[..all.len()], all);
}

fn seqs_in(file: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.lines().take(text.matches('\n').count());
    whole.map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON")["chain"]["seq"].as_i64().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sinks_come_and_go_with_a_reload() {
    let (house, _upstream, client) = house_with("").await;
    let config = house.folder().join("vestibule.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let file = house.folder().join("sink.jsonl");
    let name = file.display();
    let reload = async |section: &str, told: &str| {
        std::fs::write(&config, format!("{text}{section}")).expect("it can be written");
        house.hang_up();
        eventually("a reload", async || house.log_text().contains(told).then_some(())).await;
    };
    reload(&format!("[[audit.sinks]]\nid = \"late\"\nkind = \"file\"\npath = \"{name}\"\n"), "audit.sinks[0].path").await;
    eventually("a cursor", async || (sinks(&house)[0]["state"] == "ok").then_some(())).await;
    sign_in(&house, &client, &["ada"]).await;
    eventually("the file", async || std::fs::read_to_string(&file).is_ok_and(|text| text.contains("login.succeeded")).then_some(())).await;
    // One that can't be used is refused as a whole, and the one before goes on.
    reload("[[audit.sinks]]\nid = \"late\"\nkind = \"webhook\"\nurl = \"http://10.0.0.1/\"\n", "audit.sinks[0].url").await;
    sign_in(&house, &client, &["bob"]).await;
    let all = sealed(&house).await;
    eventually("more of the file", async || (seqs_in(&file).last() >= all.last()).then_some(())).await;
    // One that stands there no more is sent nothing more.
    reload("", "\"event\":\"config.reloaded\"").await;
    let reloaded = || house.log_text().matches("\"event\":\"config.reloaded\"").count();
    eventually("the second reload that holds", async || (reloaded() == 2).then_some(())).await;
    let (had, before) = (seqs_in(&file), sealed(&house).await);
    sign_in(&house, &client, &["cy"]).await;
    eventually("the sealing of it", async || (sealed(&house).await.len() > before.len()).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(seqs_in(&file), had);
}
