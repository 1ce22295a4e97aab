//! What somebody sees who watches: traces lead through a login, and nobody outside can make the number of series grow. What Prometheus itself has to
//! say is in `prometheus.rs`.

use std::{
    collections::BTreeSet,
    process::Command,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_tests::{ADMIN_KEY, Client, Collector, House, HouseOptions, Person, Upstream, addresses, project};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

#[test]
fn dashboards_are_as_they_are_made() {
    let output = Command::new("python3").arg(project().join("ops/grafana/dashboards.py")).arg("--check").output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every address of the house, as it stands in the labels, with hostile values where something can be chosen.
async fn knock_everywhere(house: &House, client: &Client, round: usize) {
    let evil = format!("x{round}%22%7D%0Avestibule_login_total%7Bprovider%3D%22");
    let text = format!("x{round}\"}}\nvestibule_login_total{{provider=\"");
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let fields = [
        "client_id",
        "grant_type",
        "idp_hint",
        "provider",
        "token",
        "code",
        "state",
        "scope",
        "resource",
        "error",
        "user_code",
        "logout_token",
    ];
    let form: Vec<_> = fields.iter().map(|name| (*name, text.as_str())).collect();
    for path in addresses(house, &evil).await {
        let url = format!("{}{path}", house.issuer);
        let methods = [Method::GET, Method::POST, Method::DELETE, Method::from_bytes(format!("M{round}").as_bytes()).expect("a method")];
        for method in methods {
            let mut address = url::Url::parse(&url).expect("an address");
            address.query_pairs_mut().extend_pairs(&form);
            let request = http
                .request(method.clone(), address)
                .header("x-request-id", &evil)
                .header("user-agent", &evil)
                .header("traceparent", &evil);
            http.execute(request.form(&form).build().expect("a request")).await.expect("an answer");
            let request = http.request(method.clone(), &url).basic_auth(&evil, Some(&evil)).form(&form);
            request.send().await.expect("an answer");
            // Who is known may choose values too.
            let request = http.request(method, &url).basic_auth(&client.client_id, Some(&client.client_secret)).form(&form[1..]);
            request.send().await.expect("an answer");
        }
    }
    for method in [Method::GET, Method::POST, Method::PUT] {
        let url = format!("{}/api/v1/clients/{evil}", house.issuer);
        http.request(method, &url).bearer_auth(ADMIN_KEY).json(&json!({ "client_name": text })).send().await.expect("an answer");
    }
}

/// The label sets of every metric, without the buckets of a histogram, which are as many for each.
fn label_sets(metrics: &str) -> BTreeSet<String> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#') && !line.contains("le=\""));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

#[tokio::test]
async fn attack_87_hostile_values_at_every_address_make_no_series() {
    const ROUNDS: usize = 4;
    let (house, _upstream) =
        House::start_with(HouseOptions { extra: "[metrics]\nby_client = true\n".into(), ..HouseOptions::default() }, Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    // Asking for them is a request too.
    house.metrics().await;
    for round in 0..2 {
        knock_everywhere(&house, &client, round).await;
    }
    let before = label_sets(&house.metrics().await);
    for round in 2..2 + ROUNDS {
        knock_everywhere(&house, &client, round).await;
    }
    let text = house.metrics().await;
    let after = label_sets(&text);
    // A limit that fills up again lets somebody through in a later round than the one before it: an answer that an address had not given yet, of those it
    // can give. What a value from outside makes comes at least once a round and address.
    let new: Vec<_> = after.difference(&before).filter(|line| !line.contains("status_code=\"429\"")).collect();
    assert!(new.len() < ROUNDS, "{new:#?}");
    for round in 0..2 + ROUNDS {
        for written in [format!("x{round}"), format!("\"M{round}")] {
            assert!(!text.contains(&written), "{written} is a label: {after:#?}");
        }
    }
    assert!(text.lines().count() < 12_000, "{}", text.lines().count());
}

#[tokio::test]
async fn a_login_can_be_followed_through_traces_and_metrics_that_are_sent_and_nobody_is_named_in_them() {
    let collector = Collector::start();
    let extra = format!("[tracing]\notlp_endpoint = \"{0}\"\n[metrics]\notlp_endpoint = \"{0}\"\n", collector.url);
    let (mut house, _upstream) = House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let tokens = Person::named("alice").gets_tokens(&house, &client, CALLBACK).await;
    let login = house.audit().into_iter().find(|event| event["name"] == "login.succeeded").expect("a login");
    let metrics = house.metrics().await;
    assert_eq!(house.stop(), Some(0), "stopping sends the last of it");

    for span in ["GET /authorize", "GET /callback/:provider", "POST /token", "upstream.token", "store.commit", "RS256"] {
        assert!(collector.times(span) > 0, "there is no span {span}, or none that signs with it");
    }
    let id = login["login"].as_str().expect("a login");
    assert!(collector.times(id) >= 3, "the requests of one login are found by it: {}", collector.times(id));
    for metric in [
        "vestibule_login",
        "http_server_request_duration_seconds",
        "db_commit_batch_size",
        "vestibule_upstream_breaker_state",
        "vestibule_build_info",
    ] {
        assert!(collector.times(metric) > 0, "{metric} was not sent");
    }
    // From a slow request to its trace.
    let exemplar = metrics.lines().filter(|line| line.contains("http_route=\"/token\"")).find_map(|line| line.split_once("# {trace_id=\""));
    let trace = exemplar.and_then(|(_, rest)| rest.split('"').next()).expect("an exemplar");
    let bytes: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&trace[n * 2..n * 2 + 2], 16).expect("hexadecimal")).collect();
    assert!(collector.times(&bytes) > 0, "the exemplar leads to a trace that was sent");

    let subject = Person::claims(tokens["id_token"].as_str().expect("an ID token"))["sub"].as_str().expect("a subject").to_owned();
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    for (what, text) in [
        ("the person's address", "alice@example.com".to_owned()),
        ("the person's name", "Alice".to_owned()),
        ("who they are to the app", subject),
        ("the client's secret", client.client_secret.clone()),
        ("an access token", text("access_token")),
        ("a refresh token", text("refresh_token")),
        ("what stands in addresses", "state-of-the-app".to_owned()),
        ("an address", "127.0.0.1:9".to_owned()),
    ] {
        assert_eq!(collector.times(&text), 0, "{what} was sent");
    }
}

#[tokio::test]
async fn a_provider_is_told_of_our_trace_where_its_host_is_named_and_nowhere_else() {
    for (named, is_told) in [("127.0.0.1", true), ("login.elsewhere.example", false)] {
        let collector = Collector::start();
        let extra = format!("[tracing]\notlp_endpoint = \"{}\"\npropagate_to = [\"{named}\"]\n", collector.url);
        let (house, upstream) = House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await;
        let client = house.register_app(CALLBACK).await;
        Person::named("alice").gets_tokens(&house, &client, CALLBACK).await;
        let login = house.audit().into_iter().find(|event| event["name"] == "login.succeeded").expect("a login");
        let reference = login["trace_id"].as_str().expect("a reference").to_owned();
        let traces = upstream.traces().await;
        assert_eq!(traces.iter().any(|trace| trace.starts_with(&format!("00-{reference}-"))), is_told, "{named}: {traces:?}");
        assert_eq!(traces.is_empty(), !is_told, "{named}: {traces:?}");
    }
}

/// How many changes of a sort were counted.
async fn changes(house: &House, object: &str) -> u64 {
    let (metrics, series) = (house.metrics().await, format!("vestibule_admin_changes_total{{object=\"{object}\"}} "));
    let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
    line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no {series}: {metrics}"))
}

/// Waits until one was: events are sealed about every second.
async fn changed(house: &House, object: &str) {
    let began = Instant::now();
    while changes(house, object).await == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "no change of {object} was counted:\n{}", house.metrics().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_is_changed_by_a_command_or_in_the_file_is_counted_as_what_the_api_changes_is() {
    let (house, _upstream) = House::start(Upstream::start).await;
    assert_eq!(
        (changes(&house, "signing_key").await, changes(&house, "provider").await),
        (0, 0),
        "keys that make themselves are no change"
    );
    house.command(&["keys", "rotate"]);
    changed(&house, "signing_key").await;
    let is_by_command =
        |event: &Value| event["name"] == "key.rotated" && event["actor"] == json!({ "type": "admin_key", "id": "command-line" });
    assert!(house.audit().iter().any(is_by_command), "the record says which way they came");

    let file = house.folder().join("vestibule.toml");
    let written = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, written.replace("label = \"Acme\"", "label = \"Acme and daughters\"")).expect("a file");
    house.hang_up();
    changed(&house, "provider").await;
}
