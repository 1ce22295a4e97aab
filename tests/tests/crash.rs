//! `kill -9` in the middle of a hundred logins: what was acknowledged is there, once, with its events.

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::{sync::Mutex, task::JoinSet};
use vestibule_tests::{House, Person, Upstream};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const LOGINS: usize = 100;

/// What one login was told before the crash, or after it when it came too late.
#[derive(Debug, Default)]
struct Told {
    code: Option<String>,
    tokens: Option<Value>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_no_code_works_twice_no_login_lacks_its_events_and_families_are_intact() {
    let (mut house, _upstream) = House::start(Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let told: Arc<Mutex<HashMap<usize, Told>>> = Arc::default();
    let shared = Arc::new(house);

    let mut walks = JoinSet::new();
    for n in 0..LOGINS {
        let (house, client, told) = (shared.clone(), client.clone(), told.clone());
        walks.spawn(async move {
            // Spread out, so that the crash finds logins at every step.
            tokio::time::sleep(Duration::from_millis(20 * n as u64)).await;
            let start = Person::authorize_url(&house, &client, CALLBACK, &[]);
            let Ok(landed) = Person::named(&format!("person-{n}")).tries_to_walk(start, CALLBACK).await else { return };
            let Some(code) = landed.parameter("code") else { return };
            told.lock().await.entry(n).or_default().code = Some(code.clone());
            if let Some((StatusCode::OK, tokens)) = tries_to_redeem(&house, &client, &code).await {
                told.lock().await.entry(n).or_default().tokens = Some(tokens);
            }
        });
    }
    // The moment of the crash: when half of the logins have their tokens and the others are under way.
    loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let done = told.lock().await.values().filter(|told| told.tokens.is_some()).count();
        if done >= LOGINS / 2 || walks.is_empty() {
            break;
        }
        while walks.try_join_next().is_some() {}
    }
    kill_minus_nine(shared.process_id());
    while walks.join_next().await.is_some() {}

    house = Arc::into_inner(shared).expect("every walk has ended");
    house.kill();
    house.resume().await;

    // Whatever the chain had come to, it goes on from there. `tests/run -E 'binary(crash)' --stress-count 50` is the long form.
    house.command(&["audit", "verify"]);
    let audit = house.audit();
    let events = |name: &str| audit.iter().filter(|event| event["name"] == name).count();
    let told = told.lock().await;
    let acknowledged = told.values().filter(|told| told.code.is_some()).count();
    let redeemed = told.values().filter(|told| told.tokens.is_some()).count();
    assert!(acknowledged >= LOGINS / 2, "the crash came too early: {acknowledged}");
    assert!(events("login.succeeded") >= acknowledged, "{} events for {acknowledged} logins", events("login.succeeded"));
    assert!(events("code.redeemed") >= redeemed, "{} events for {redeemed} redeemed codes", events("code.redeemed"));
    assert_eq!(events("user.provisioned"), events("identity.linked"));

    let (mut again, mut first_time) = (0, 0);
    for told in told.values() {
        let Some(code) = &told.code else { continue };
        if let Some(tokens) = &told.tokens {
            // The family goes on where it was: the token in hand is good, and rotates.
            let token = tokens["refresh_token"].as_str().expect("a refresh token");
            let (status, fresh) = Person::refreshes(&house, &client, token).await;
            assert_eq!(status, StatusCode::OK, "{fresh:#}");
            let (status, answer) = Person::redeems(&house, &client, CALLBACK, code).await;
            assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &Value::from("invalid_grant")), "a code works once");
            again += 1;
        } else {
            // Its answer was lost: either nothing was written and it works now, or it was and a second use ends it. Never both.
            let (first, _) = Person::redeems(&house, &client, CALLBACK, code).await;
            let (second, _) = Person::redeems(&house, &client, CALLBACK, code).await;
            assert_eq!(second, StatusCode::BAD_REQUEST);
            first_time += usize::from(first == StatusCode::OK);
        }
    }
    println!(
        "{acknowledged} acknowledged, {redeemed} redeemed, {again} codes refused a second time, {first_time} redeemed only after the crash"
    );
    assert_eq!(house.stop(), Some(0), "SIGTERM ends it in order");
}

async fn tries_to_redeem(house: &House, client: &vestibule_tests::Client, code: &str) -> Option<(StatusCode, Value)> {
    let (house, client, code) = (house.issuer.clone(), client.clone(), code.to_owned());
    let http = reqwest::Client::builder().no_proxy().build().ok()?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let request = http.post(format!("{house}/token")).basic_auth(&client.client_id, Some(&client.client_secret)).form(&form);
    let answer = request.send().await.ok()?;
    let status = answer.status();
    Some((status, answer.json().await.ok()?))
}

fn kill_minus_nine(id: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &id.to_string()]).status();
    assert!(killed.is_ok_and(|killed| killed.success()));
}
