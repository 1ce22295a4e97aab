//! After a full walk, every secret that was seen is looked for where it must not be: database, its dump, logs, metrics, audit export, and what a collector
//! was sent.

use std::{fs, path::Path, process::Command, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::json;
use vestibule_tests::{
    ADMIN_KEY, CLIENT_SECRET, Client, Collector, House, HouseOptions, Person, SEALING_KEY, Upstream, postgres_database, postgres_dump,
};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

#[tokio::test]
async fn attack_78_and_79_no_secret_of_a_walk_lies_in_the_database_the_log_the_metrics_or_the_audit_log_nor_is_sent_to_a_collector() {
    let collector = Collector::start();
    let extra = format!(
        "[tracing]\notlp_endpoint = \"{0}\"\n[metrics]\notlp_endpoint = \"{0}\"\n\
         [[audit.sinks]]\nid = \"otel\"\nkind = \"otlp\"\nurl = \"{0}\"\nallow_private = true\nstart = \"beginning\"\n",
        collector.url
    );
    let (mut house, upstream) = House::start_with(HouseOptions { extra, ..HouseOptions::default() }, Upstream::start).await;
    let (client, secrets) = a_walk(&house, &upstream).await;
    sealed(&house).await;
    let agents = column(&house, "SELECT body FROM audit_events WHERE personal IS NOT NULL");
    let tells = ["\"ip\"", "user_agent"].iter().any(|field| agents.contains(field));
    assert!(agents.contains("login.succeeded") && !tells, "{agents}");
    let metrics = house.metrics().await;
    let audit = json!(house.audit()).to_string();
    for _ in 0..300 {
        if collector.times("client.created") > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(house.stop(), Some(0));
    let config = house.folder().join("vestibule.toml");
    let mut places = vec![
        ("metrics".to_owned(), metrics.into_bytes()),
        ("audit export".into(), audit.into_bytes()),
        ("collector".into(), collector.seen()),
    ];
    for file in
        fs::read_dir(house.folder()).expect("the folder of the house").flatten().map(|entry| entry.path()).filter(|path| *path != config)
    {
        places.push((name_of(&file), fs::read(&file).expect("a file of the house")));
    }
    for (place, least) in [("vestibule.db", 10_000), ("log", 1_000), ("collector", 10_000)] {
        assert!(places.iter().any(|(name, bytes)| name == place && bytes.len() > least), "{:?}", names(&places));
    }
    lie_nowhere(&secrets, &places);
    // And the search can find something: the client's id is no secret and does lie there, and what was signed in to was sent.
    for place in ["vestibule.db", "collector"] {
        assert!(places.iter().any(|(name, bytes)| name == place && contains(bytes, client.client_id.as_bytes())), "{place}");
    }
}

#[tokio::test]
async fn attack_79_no_secret_of_a_walk_lies_in_a_dump_of_postgres() {
    let database = postgres_database("secrets");
    let options = HouseOptions { store_url: Some(database.clone()), ..HouseOptions::default() };
    let (mut house, upstream) = House::start_with(options, Upstream::start).await;
    let (client, secrets) = a_walk(&house, &upstream).await;
    sealed(&house).await;
    assert_eq!(house.stop(), Some(0));
    let dump = postgres_dump(&database);
    assert!(contains(&dump, client.client_id.as_bytes()) && contains(&dump, b"login.succeeded"), "{} bytes", dump.len());
    lie_nowhere(&secrets, &[("dump".to_owned(), dump)]);
}

/// Somebody signs in, somebody guesses, and an operator is at work; what of that is secret, by what it is.
async fn a_walk(house: &House, upstream: &Upstream) -> (Client, Vec<(&'static str, String)>) {
    let client = house.register_app(CALLBACK).await;
    let alice = Person::named("alice");

    let landed = alice.signs_in(house, &client, CALLBACK).await;
    let (status, tokens) = Person::redeems(house, &client, CALLBACK, &landed.code()).await;
    assert_eq!(status, StatusCode::OK);
    let text = |value: &serde_json::Value| value.as_str().expect("a token").to_owned();
    let (_, fresh) = Person::refreshes(house, &client, &text(&tokens["refresh_token"])).await;
    Person::introspects(house, &client, &text(&fresh["access_token"])).await;
    // What is refused must not be written down either.
    let wrong = Client { client_secret: "wrong-secret-of-a-guesser-0123456789".into(), ..client.clone() };
    Person::refreshes(house, &wrong, "a-refresh-token-that-is-none").await;
    Person::redeems(house, &client, CALLBACK, "a-code-that-is-none-0123456789").await;
    // Found by a walk that fails: the callback's own code.
    let callback = format!("{}/callback/acme?code=stolen-code-0123456789&state=00000000000000000000000000000000", house.issuer);
    assert_eq!(alice.http().get(callback).send().await.expect("an answer").status(), StatusCode::BAD_REQUEST);

    let mut secrets = vec![
        ("the client's secret", client.client_secret.clone()),
        ("a wrong secret", wrong.client_secret),
        ("the code", landed.code()),
        ("an unknown code", "a-code-that-is-none-0123456789".into()),
        ("a stolen upstream code", "stolen-code-0123456789".into()),
        ("the PKCE verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into()),
        ("the sealing key", SEALING_KEY.into()),
        ("the admin key", ADMIN_KEY.into()),
        ("the secret for the upstream", CLIENT_SECRET.into()),
    ];
    for (name, answer) in [("first", &tokens), ("second", &fresh)] {
        for kind in ["access_token", "refresh_token", "id_token"] {
            secrets.push((name, text(&answer[kind])));
        }
    }
    secrets.extend(of_operators(house).await);
    let issued = upstream.issued().await;
    assert!(issued.len() >= 3, "the upstream gave a code and tokens");
    secrets.extend(issued.into_iter().map(|one| ("the upstream's", one)));
    (client, secrets)
}

/// From where somebody acted is sealed under a key of theirs as soon as the event is.
async fn sealed(house: &House) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for _ in 0..200 {
        let asked = http.get(format!("{}/api/v1/audit-chain", house.issuer)).bearer_auth(ADMIN_KEY).send().await;
        // For the first seconds there is no chain.
        let chain: serde_json::Value = asked.expect("an answer").json().await.expect("JSON");
        if chain["unsealed"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not everything was sealed");
}

/// None of them is in any of the places: as it is, in Base64 or in hexadecimal.
fn lie_nowhere(secrets: &[(&str, String)], places: &[(String, Vec<u8>)]) {
    for (what, secret) in secrets {
        let forms = [secret.clone().into_bytes(), STANDARD.encode(secret).into_bytes(), hex(secret)];
        for (place, bytes) in places {
            assert!(!forms.iter().any(|form| contains(bytes, form)), "{what} lies in the {place}: {secret}");
        }
    }
}

/// What operators are given, each as it was shown once: keys, tokens, secrets, and the ways into the console.
async fn of_operators(house: &House) -> Vec<(&'static str, String)> {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let makes = async |path: &str, body: serde_json::Value, name: &str| {
        let asked = http.post(format!("{}/api/v1{path}", house.issuer)).bearer_auth(ADMIN_KEY).json(&body);
        let answer = asked.header("idempotency-key", format!("call-{name}-0123456789")).send().await.expect("an answer");
        let status = answer.status();
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(status, StatusCode::CREATED, "{path}: {answer:#}");
        answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer:#}")).to_owned()
    };
    let uris = json!(["https://other.example.com/cb"]);
    let mut all = vec![
        ("a key of the admin API", makes("/api-keys", json!({ "name": "k", "scopes": ["clients:read"] }), "key").await),
        ("a registration token", makes("/registration-tokens", json!({ "name": "farm" }), "token").await),
        // The answer is kept, to be given again: sealed.
        (
            "a secret in an answer that is kept",
            makes("/clients", json!({ "client_name": "Other", "redirect_uris": uris }), "client_secret").await,
        ),
    ];
    let link = house.command(&["console-key"]);
    let key = link.trim().split_once("?key=").expect("a link").1.to_owned();
    let unused = house.command(&["console-key"]);
    all.push(("a one-time key that nobody used", unused.trim().split_once("?key=").expect("a link").1.to_owned()));
    let opened = http.post(format!("{}/console/key", house.issuer)).form(&[("key", &key)]).send().await.expect("an answer");
    assert_eq!(opened.status(), StatusCode::SEE_OTHER);
    let cookie = opened.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
    let page = http.get(format!("{}/console", house.issuer)).header("cookie", &cookie).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    let token = page.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form").to_owned();
    all.extend([
        ("a one-time key that was used", key),
        ("an operator's cookie", cookie.split_once('=').expect("a cookie").1.to_owned()),
        ("what an operator's forms carry", token),
    ]);
    all
}

/// One column of what a query finds, a line each.
fn column(house: &House, sql: &str) -> String {
    let script =
        "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=20) as db:\n  for row in db.execute(sys.argv[2]): print(row[0])";
    let done = Command::new("python3").arg("-c").arg(script).arg(house.folder().join("vestibule.db")).arg(sql).output();
    let done = done.expect("python3 runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn names(places: &[(String, Vec<u8>)]) -> Vec<(&str, usize)> {
    places.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn hex(text: &str) -> Vec<u8> {
    text.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
