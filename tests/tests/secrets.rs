//! After a full walk, every secret that was seen is looked for where it must not be: database, logs, metrics, audit export.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::json;
use vestibule_tests::{ADMIN_KEY, House, HouseOptions, Person, SEALING_KEY, Upstream};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

#[tokio::test]
async fn attack_78_and_79_no_secret_of_a_walk_lies_in_the_database_the_log_the_metrics_or_the_audit_log() {
    let (mut house, upstream) = House::start_with(HouseOptions::default(), Upstream::start).await;
    let client = house.register_app(CALLBACK).await;
    let alice = Person::named("alice");

    let landed = alice.signs_in(&house, &client, CALLBACK).await;
    let (status, tokens) = Person::redeems(&house, &client, CALLBACK, &landed.code()).await;
    assert_eq!(status, StatusCode::OK);
    let text = |value: &serde_json::Value| value.as_str().expect("a token").to_owned();
    let (_, fresh) = Person::refreshes(&house, &client, &text(&tokens["refresh_token"])).await;
    Person::introspects(&house, &client, &text(&fresh["access_token"])).await;
    // What is refused must not be written down either.
    let wrong = vestibule_tests::Client { client_secret: "wrong-secret-of-a-guesser-0123456789".into(), ..client.clone() };
    Person::refreshes(&house, &wrong, "a-refresh-token-that-is-none").await;
    Person::redeems(&house, &client, CALLBACK, "a-code-that-is-none-0123456789").await;
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
        ("the secret for the upstream", "upstream-secret-0123456789abcdef0123456789".into()),
    ];
    for (name, answer) in [("first", &tokens), ("second", &fresh)] {
        for kind in ["access_token", "refresh_token", "id_token"] {
            secrets.push((name, text(&answer[kind])));
        }
    }
    let issued = upstream.issued().await;
    assert!(issued.len() >= 3, "the upstream gave a code and tokens");
    secrets.extend(issued.into_iter().map(|one| ("the upstream's", one)));

    let metrics = house.metrics().await;
    let audit = json!(house.audit()).to_string();
    assert_eq!(house.stop(), Some(0));
    let config = house.folder().join("vestibule.toml");
    let mut places = vec![("metrics".to_owned(), metrics.into_bytes()), ("audit export".into(), audit.into_bytes())];
    for file in
        fs::read_dir(house.folder()).expect("the folder of the house").flatten().map(|entry| entry.path()).filter(|path| *path != config)
    {
        places.push((name_of(&file), fs::read(&file).expect("a file of the house")));
    }
    assert!(places.iter().any(|(name, bytes)| name == "vestibule.db" && bytes.len() > 10_000), "{:?}", names(&places));
    assert!(places.iter().any(|(name, bytes)| name == "log" && bytes.len() > 1_000), "{:?}", names(&places));

    for (what, secret) in &secrets {
        let forms = [secret.clone().into_bytes(), STANDARD.encode(secret).into_bytes(), hex(secret)];
        for (place, bytes) in &places {
            assert!(!forms.iter().any(|form| contains(bytes, form)), "{what} lies in the {place}: {secret}");
        }
    }
    // And the search can find something: the client's id is no secret and does lie there.
    assert!(places.iter().any(|(name, bytes)| name == "vestibule.db" && contains(bytes, client.client_id.as_bytes())));
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
