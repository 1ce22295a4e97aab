//! The running program: how it stops, what it writes, where its traces go, and two of it on one PostgreSQL.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};
use vestibule_tests::{Client, Collector, House, HouseOptions, Person, Upstream, postgres_database};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_answers_every_accepted_request_and_ends_with_0() {
    let (mut house, _upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let stopping = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..16 {
        let (url, client, stopping, answered) = (format!("{}/token", house.issuer), client.clone(), stopping.clone(), answered.clone());
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        workers.spawn(async move {
            loop {
                let form = [("grant_type", "client_credentials"), ("scope", "api")];
                let request = http.post(&url).basic_auth(&client.client_id, Some(&client.client_secret)).form(&form);
                match request.send().await {
                    Ok(answer) => {
                        assert_eq!(answer.status(), StatusCode::OK);
                        answer.bytes().await.expect("an answer that has begun is finished");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => {
                        assert!(stopping.load(Ordering::Relaxed), "{error:?}");
                        assert!(error.is_connect(), "an accepted request was dropped: {error:?}");
                        return;
                    }
                }
            }
        });
    }
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stopping.store(true, Ordering::Relaxed);
    let code = tokio::task::spawn_blocking(move || (house.stop(), house)).await.expect("it stops");
    assert_eq!(code.0, Some(0), "{}", code.1.log_text());
    while let Some(worker) = workers.join_next().await {
        worker.expect("no request was dropped");
    }
}

#[tokio::test]
async fn attack_78_asvs_16_4_1_hostile_input_stays_one_line_of_json_in_the_log() {
    let (mut house, _upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let hostile = "x\u{1b}[31m\"}{\"level\":\"ERROR\"\\";
    let http = reqwest::Client::builder().no_proxy().user_agent(hostile.replace('\u{1b}', "")).build().expect("a client");
    for path in [
        format!("/authorize?client_id={}%0d%0a%1b[31m%22%7d", client.client_id),
        "/callback/acme?error=access_denied&error_description=%0d%0a%7b%22a%22%3a1%7d&state=00000000000000000000000000000000".into(),
        "/%0d%0aSet-Cookie:%20a=b".into(),
    ] {
        http.get(format!("{}{path}", house.issuer)).send().await.expect("an answer");
    }
    assert_eq!(house.stop(), Some(0));
    let log = house.log_text();
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["level"].is_string() && event["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
    assert!(!log.contains('\u{1b}'));
}

#[tokio::test]
async fn a_login_is_one_trace_and_its_id_is_the_reference_in_the_audit_log() {
    let collector = Collector::start();
    let options = HouseOptions { extra: format!("[tracing]\notlp_endpoint = \"{}\"\n", collector.url), ..HouseOptions::default() };
    let (mut house, _upstream) = House::start_with(options, Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    Person::named("alice").gets_tokens(&house, &client, CALLBACK).await;
    let audit = house.audit();
    let login = audit.iter().find(|event| event["name"] == "login.succeeded").expect("a login");
    assert_eq!(house.stop(), Some(0), "stopping sends the last spans");
    let id = login["trace_id"].as_str().expect("a trace");
    let bytes: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&id[n * 2..n * 2 + 2], 16).expect("hexadecimal")).collect();
    let times = collector.times(&bytes);
    assert!(times >= 2, "the request and what it called upstream are spans of one trace: {times}");
    for (what, secret) in [("the person's address", "alice@example.com"), ("the secret", &client.client_secret)] {
        assert_eq!(collector.times(secret), 0, "{what} is in the trace");
    }
}

#[tokio::test]
async fn attack_83_two_nodes_on_one_postgres_share_sessions_codes_and_revocations() {
    let database = postgres_database("two_nodes");
    let extra = "[audit]\ncheckpoint_after = \"1s\"\n".to_owned();
    let (first, _upstream) = House::start_with(
        HouseOptions { store_url: Some(database.clone()), extra: extra.clone(), ..HouseOptions::default() },
        Upstream::start,
    )
    .await;
    let issuer = first.issuer.clone();
    let options = HouseOptions { store_url: Some(database), issuer: Some(issuer.clone()), extra, ..HouseOptions::default() };
    let (second, _unused) = House::start_with(options, |_| Upstream::start(&issuer)).await;
    let client = first.register_app(CALLBACK).await;
    let landed = Person::named("alice").signs_in(&first, &client, CALLBACK).await;

    let (status, tokens) = second.post_as_named(&client, "/token", &redeem(&landed.code())).await;
    assert_eq!(status, StatusCode::OK, "a code of one node at the other: {tokens:#}");
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let access = tokens["access_token"].as_str().expect("an access token").to_owned();
    let (_, seen) = Person::introspects(&first, &client, &access).await;
    assert_eq!(seen["active"], true);
    let (_, seen) = second.post_as_named(&client, "/introspect", &[("token", access.as_str())]).await;
    assert_eq!(seen["active"], true, "cached there from now on");

    let (status, _) = Person::redeems(&first, &client, CALLBACK, &landed.code()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a replay at the other node");
    let mut told = false;
    for _ in 0..100 {
        let (_, seen) = second.post_as_named(&client, "/introspect", &[("token", access.as_str())]).await;
        told = seen == json!({ "active": false });
        if told {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(told, "the revocation reaches the cache of the second node");
    let (status, _) =
        second.post_as_named(&client, "/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    // One of them puts the events of both into one chain.
    let from = |node: &House| node.audit().iter().filter(|event| event["name"] == "audit.chain_begun").count();
    assert_eq!((from(&first), from(&second)), (1, 1));
    let mut verdict = Value::Null;
    for _ in 0..100 {
        verdict = serde_json::from_str(&second.command(&["audit", "verify", "--json"])).expect("JSON");
        if verdict["result"] == "consistent" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(verdict["result"], "consistent", "{verdict:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_37_attack_38_of_many_at_once_one_wins_on_sqlite() {
    let (house, _upstream) = House::start(Upstream::start).await;
    one_wins(&[Arc::new(house)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_37_attack_38_of_many_at_once_one_wins_on_two_nodes_of_one_postgres() {
    let database = postgres_database("races");
    let options = HouseOptions { store_url: Some(database.clone()), ..HouseOptions::default() };
    let (first, _upstream) = House::start_with(options, Upstream::start).await;
    let issuer = first.issuer.clone();
    let options = HouseOptions { store_url: Some(database), issuer: Some(issuer.clone()), ..HouseOptions::default() };
    let (second, _unused) = House::start_with(options, |_| Upstream::start(&issuer)).await;
    one_wins(&[Arc::new(first), Arc::new(second)]).await;
}

/// Exchanges of one code, and refreshes with one token, all at once and at every node in turn.
async fn one_wins(nodes: &[Arc<House>]) {
    let client = nodes[0].register_app(CALLBACK).await;
    for person in ["alice", "bob", "carol"] {
        let code = Person::named(person).signs_in(&nodes[0], &client, CALLBACK).await.code();
        let answers = at_once(nodes, &client, &redeem(&code)).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == StatusCode::OK).count(), 1, "{answers:?}");
        let losers = answers.iter().filter(|(status, answer)| *status == StatusCode::BAD_REQUEST && answer["error"] == "invalid_grant");
        assert_eq!(losers.count(), RACERS - 1, "{answers:?}");

        let code = Person::named(person).signs_in(&nodes[0], &client, CALLBACK).await.code();
        let (_, tokens) = Person::redeems(&nodes[0], &client, CALLBACK, &code).await;
        let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
        let answers = at_once(nodes, &client, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
        let successors: BTreeSet<_> = answers.iter().map(|(_, answer)| answer["refresh_token"].as_str()).collect();
        assert!(successors.len() == 1 && !successors.contains(&None), "{answers:?}");
        let successor = successors.into_iter().flatten().next().expect("a successor");
        let (status, next) = Person::refreshes(&nodes[0], &client, successor).await;
        assert_eq!(status, StatusCode::OK, "the family goes on: {next:#}");
    }
    let rotations = nodes[0].audit().iter().filter(|event| event["name"] == "token.refreshed").count();
    assert_eq!(rotations, 2 * 3, "each family was rotated once by all together, and once more");
}

const RACERS: usize = 32;

async fn at_once(nodes: &[Arc<House>], client: &Client, form: &[(&'static str, &str)]) -> Vec<(StatusCode, Value)> {
    let start = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for node in nodes.iter().cycle().take(RACERS) {
        let (node, client, start) = (node.clone(), client.clone(), start.clone());
        let form: Vec<(&'static str, String)> = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        racers.spawn(async move {
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            start.wait().await;
            node.post_as_named(&client, "/token", &form).await
        });
    }
    racers.join_all().await
}

fn redeem(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ]
}
