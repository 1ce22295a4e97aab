//! Reading the configuration again while people sign in: nobody notices, a bad file changes nothing, and what waits for a restart is named.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_tests::{ADMIN_KEY, House, HouseOptions, Person, Upstream};

const CALLBACK: &str = "https://app.example.com/cb";
/// Of RFC 7636, as [`Person::authorize_url`] uses it.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The configuration of a house, to be written anew.
struct File<'a>(&'a House);

impl File<'_> {
    fn text(&self) -> String {
        std::fs::read_to_string(self.0.folder().join("vestibule.toml")).expect("the configuration")
    }

    fn says(&self, text: &str) {
        // As editors and configuration management do it: nobody ever reads half of it.
        let (new, there) = (self.0.folder().join("vestibule.toml.new"), self.0.folder().join("vestibule.toml"));
        std::fs::write(&new, text).expect("a file");
        std::fs::rename(new, there).expect("it takes the place of the other");
    }
}

async fn asks(house: &House, method: Method, path: &str) -> (StatusCode, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.request(method, format!("{}/api/v1{path}", house.issuer)).bearer_auth(ADMIN_KEY).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

async fn metric(house: &House, name: &str) -> String {
    let metrics = house.metrics().await;
    let line = metrics.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.and_then(|line| line.split(' ').nth(1)).unwrap_or_else(|| panic!("no {name}: {metrics}")).to_owned()
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn reloads(house: &House) -> Vec<Value> {
    let is_reload = |event: &Value| event["name"].as_str().is_some_and(|name| name.starts_with("config.reload"));
    house.audit().into_iter().filter(is_reload).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_under_load_changes_what_holds_and_no_login_fails() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let file = File(&house);
    let written = file.text();
    assert_eq!(metric(&house, "vestibule_config_last_reload_success").await, "1");

    let (stopping, signed_in) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut people = JoinSet::new();
    for number in 0..4 {
        let (stopping, signed_in, client) = (stopping.clone(), signed_in.clone(), client.clone());
        let (start, token) = (Person::authorize_url(&house, &client, CALLBACK, &[]), format!("{}/token", house.issuer));
        people.spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().expect("a client");
            while !stopping.load(Ordering::Relaxed) {
                let person = Person::named(if number % 2 == 0 { "alice" } else { "bob" });
                let landed = person.walks(start.clone(), CALLBACK).await;
                let code = landed.code();
                let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
                let request = http.post(&token).basic_auth(&client.client_id, Some(&client.client_secret));
                let answer = request.form(&form).send().await.expect("nobody is cut off");
                assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
                signed_in.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for round in 1..=6 {
        let seen = signed_in.load(Ordering::Relaxed);
        file.says(&format!("{written}\n[lifetimes]\naccess_token = \"{round}m\"\n"));
        house.hang_up();
        until("logins on both sides of a reload", async || (signed_in.load(Ordering::Relaxed) >= seen + 4).then_some(())).await;
    }
    stopping.store(true, Ordering::Relaxed);
    while let Some(person) = people.join_next().await {
        person.expect("no login failed");
    }
    let tokens = Person::named("alice").gets_tokens(&house, &client, CALLBACK).await;
    assert_eq!(tokens["expires_in"], 360, "{tokens:#}");
    let reloads = reloads(&house);
    assert!(reloads.len() == 6 && reloads.iter().all(|event| event["name"] == "config.reloaded"), "{reloads:#?}");
    assert_eq!(reloads[0]["detail"], "lifetimes.access_token: \"10m\" → \"1m\"");
    assert_eq!(reloads[5]["detail"], "lifetimes.access_token: \"5m\" → \"6m\"");
    assert_eq!(reloads[0]["actor"]["type"], "system");
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_says_what_is_wrong() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let file = File(&house);
    let written = file.text();
    let (status, shown) = asks(&house, Method::GET, "/config").await;
    assert_eq!(status, StatusCode::OK);
    let before = metric(&house, "vestibule_config_last_reload_success_timestamp_seconds").await;

    // One good line and one bad one: neither holds.
    file.says(&format!("{written}\n[lifetimes]\naccess_token = \"5m\"\nrefresh_idel = \"1d\"\n"));
    let line = file.text().lines().count();
    let (status, checked) = asks(&house, Method::POST, "/config:check").await;
    assert_eq!((status, &checked["ok"]), (StatusCode::OK, &json!(false)), "{checked:#}");
    assert_eq!(checked["faults"][0]["message"], "is not a setting; did you mean lifetimes.refresh_idle?");
    assert_eq!(checked["faults"][0]["origin"]["line"], line);
    assert_eq!(metric(&house, "vestibule_config_last_reload_success").await, "1", "a check is no reload");

    let (status, problem) = asks(&house, Method::POST, "/config:reload").await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_configuration")), "{problem:#}");
    let detail = problem["errors"][0]["detail"].as_str().expect("a text");
    assert!(
        detail.ends_with(&format!(":{line}:1: lifetimes.refresh_idel is not a setting; did you mean lifetimes.refresh_idle?")),
        "{detail}"
    );
    assert_eq!(metric(&house, "vestibule_config_last_reload_success").await, "0");
    assert_eq!(metric(&house, "vestibule_config_last_reload_success_timestamp_seconds").await, before);

    house.hang_up();
    until("the second record", async || (house.log_text().matches("\"event\":\"config.reload_failed\"").count() == 2).then_some(())).await;
    assert_eq!(asks(&house, Method::GET, "/config").await.1, shown);
    let tokens = Person::named("alice").gets_tokens(&house, &client, CALLBACK).await;
    assert_eq!(tokens["expires_in"], 600, "{tokens:#}");

    file.says("this is no TOML");
    assert_eq!(asks(&house, Method::POST, "/config:reload").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    std::fs::remove_file(house.folder().join("vestibule.toml")).expect("it was there");
    let (status, problem) = asks(&house, Method::POST, "/config:reload").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["errors"][0]["detail"].as_str().is_some_and(|detail| detail.contains("can't be read")), "{problem:#}");
    file.says(&written);
    let (status, change) = asks(&house, Method::POST, "/config:reload").await;
    assert_eq!((status, change), (StatusCode::OK, json!({ "changes": [], "awaiting_restart": [], "warnings": [] })));
    let failed: Vec<_> = reloads(&house).into_iter().filter(|event| event["name"] == "config.reload_failed").collect();
    for (event, actor) in failed.iter().zip(["admin_key", "system", "admin_key", "admin_key"]) {
        assert_eq!((&event["reason"], &event["actor"]["type"]), (&json!("bad_configuration"), &json!(actor)), "{event:#}");
    }
    let named = failed.iter().filter(|event| event["detail"].as_str().is_some_and(|detail| detail.contains("refresh_idel")));
    assert_eq!((failed.len(), named.count()), (4, 2), "{failed:#?}");
    assert_eq!(metric(&house, "vestibule_config_last_reload_success").await, "1");
}

#[tokio::test]
async fn a_provider_comes_and_goes_with_a_reload_and_a_login_under_way_ends_where_it_began() {
    let (house, upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let file = File(&house);
    let written = file.text();

    // The same issuer once more under another name, from a file of its own.
    std::fs::create_dir(house.folder().join("providers.d")).expect("a folder");
    let own = house.folder().join("providers.d/second.toml");
    std::fs::write(&own, upstream.section("second", "").replace("label = \"Acme\"", "label = \"The second\"")).expect("a file");
    let (status, change) = asks(&house, Method::POST, "/config:reload").await;
    assert_eq!(status, StatusCode::OK, "{change:#}");
    let label = json!({ "key": "providers.second.label", "before": null, "after": "The second" });
    assert!(change["changes"].as_array().is_some_and(|changes| changes.contains(&label)), "{change:#}");
    let text = change.to_string();
    assert!(text.contains("(secret)") && !text.contains("upstream-secret"), "{text}");
    let chooser = Person::named("alice");
    let page = chooser.http().get(Person::authorize_url(&house, &client, CALLBACK, &[])).send().await.expect("an answer");
    assert!(page.text().await.is_ok_and(|page| page.contains("The second")), "people can choose it");

    std::fs::remove_file(own).expect("it was there");
    let (_, change) = asks(&house, Method::POST, "/config:reload").await;
    let changes = change["changes"].as_array().expect("a list");
    assert!(changes.iter().all(|change| change["key"].as_str().is_some_and(|key| key.starts_with("providers.second."))), "{change:#}");

    // Somebody is at the issuer while the provider they went to is written differently.
    let person = Person::named("bob");
    let away = person.http().get(Person::authorize_url(&house, &client, CALLBACK, &[])).send().await.expect("an answer");
    let location = away.headers()["location"].to_str().expect("an address").to_owned();
    assert!(location.starts_with(upstream.issuer()), "{location}");
    file.says(&written.replace("label = \"Acme\"", "label = \"Acme Corp\""));
    let (_, change) = asks(&house, Method::POST, "/config:reload").await;
    assert_eq!(change["changes"], json!([{ "key": "providers.acme.label", "before": "Acme", "after": "Acme Corp" }]));
    let landed = person.walks(location.parse().expect("an address"), CALLBACK).await;
    let (status, tokens) = Person::redeems(&house, &client, CALLBACK, &landed.code()).await;
    assert_eq!(status, StatusCode::OK, "{tokens:#}");
    let (_, providers) = asks(&house, Method::GET, "/providers").await;
    let labels: Vec<_> = providers["items"].as_array().expect("a list").iter().map(|provider| provider["label"].clone()).collect();
    assert_eq!(labels, ["Acme Corp"]);
}

#[tokio::test]
async fn what_waits_for_a_restart_is_named_until_it_comes() {
    let (mut house, _upstream) = House::start(Upstream::start).await;
    let written = File(&house).text();
    let patient = written.replace("[listen]\n", "[listen]\nmax_connections = 77\ntrusted_proxies = [\"192.0.2.0/24\"]\n");
    File(&house).says(&patient.replace("filter = \"debug\"", "filter = \"info\""));
    let (_, checked) = asks(&house, Method::POST, "/config:check").await;
    assert_eq!((&checked["ok"], &checked["awaiting_restart"]), (&json!(true), &json!(["listen.max_connections"])), "{checked:#}");
    for _ in 0..2 {
        let (_, change) = asks(&house, Method::POST, "/config:reload").await;
        assert_eq!(change["awaiting_restart"], json!(["listen.max_connections"]), "{change:#}");
    }
    let setting = async |house: &House, key: &str| {
        let (_, shown) = asks(house, Method::GET, "/config").await;
        let items = shown["items"].as_array().expect("a list").clone();
        items.into_iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("no {key}: {shown:#}"))
    };
    let waiting = setting(&house, "listen.max_connections").await;
    assert_eq!((&waiting["value"], &waiting["needs_restart"]), (&json!(10_000), &json!(true)), "it shows what holds: {waiting:#}");
    assert_eq!(setting(&house, "listen.trusted_proxies").await["value"], json!(["192.0.2.0/24"]));
    assert_eq!(setting(&house, "sealing.key").await["value"], "(secret)");
    assert_eq!(setting(&house, "admin.bootstrap_key").await["origin"]["from"], "file");
    // The filter holds at once: nothing is told that is less than information.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let told = house.log_text().len();
    asks(&house, Method::GET, "/config").await;
    assert!(!house.log_text()[told..].contains("DEBUG"), "{}", &house.log_text()[told..]);

    house.stop();
    house.resume().await;
    assert_eq!(setting(&house, "listen.max_connections").await["value"], 77);
    assert_eq!(asks(&house, Method::POST, "/config:reload").await.1["awaiting_restart"], json!([]));
}

#[tokio::test]
async fn another_bootstrap_key_opens_and_the_one_before_no_longer_does() {
    let (house, _upstream) = House::start_with(HouseOptions::default(), Upstream::start).await;
    let other = "another-bootstrap-key-0123456789abcdefghij";
    let file = File(&house);
    file.says(&file.text().replace(ADMIN_KEY, other));
    assert_eq!(asks(&house, Method::POST, "/config:reload").await.0, StatusCode::OK);
    assert_eq!(asks(&house, Method::GET, "/config").await.0, StatusCode::UNAUTHORIZED);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{}/api/v1/config", house.issuer)).bearer_auth(other).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.expect("a text");
    assert!(!text.contains(other) && !text.contains(ADMIN_KEY));
    assert!(reloads(&house).iter().all(|event| !event.to_string().contains(other)));
}

/// Everybody else's sign-in goes on; whoever reads the log or the answer hears of the one that does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_own_file_that_can_not_be_used_is_told_at_a_reload_as_at_the_start() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let told = || house.log_text().matches("a provider can't be used: ").count();
    assert_eq!(told(), 0);
    let folder = house.folder().join("providers.d");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("broken.toml"), "preset = \"oidc\"\n").expect("a file");
    house.hang_up();
    until("the line of the log", async || (told() > 0).then_some(())).await;
    assert!(house.log_text().contains("broken.toml"), "it says which file");
    let (status, answer) = asks(&house, Method::POST, "/config:reload").await;
    let warnings = answer["warnings"].as_array().expect("a list");
    assert!(status == StatusCode::OK && !warnings.is_empty() && answer["warnings"].to_string().contains("broken"), "{answer:#}");
}
