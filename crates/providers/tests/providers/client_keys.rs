//! Fetching clients' key sets from addresses that others chose.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use vestibule_domain::{
    client::SigningAlg,
    ports::{ClientKeys, Clock, KeysUnavailable},
};
use vestibule_providers::client_keys::KeyFetcher;
use vestibule_testkit::{
    clock::StoppedClock,
    issuer::{Answer, Issuer, Place},
};

use crate::bench::egress;

/// An issuer's key set will do: it is a server that publishes one.
struct Published {
    server: Issuer,
    fetcher: KeyFetcher,
    clock: Arc<StoppedClock>,
    address: String,
}

impl Published {
    async fn new() -> Self {
        let clock = Arc::new(StoppedClock::default());
        let server = Issuer::start_signing(Arc::clone(&clock) as Arc<dyn Clock>, SigningAlg::Es256).await;
        let fetcher = KeyFetcher::new(egress(&[&server.host_and_port()]), Arc::clone(&clock) as Arc<dyn Clock>);
        let address = format!("{}/jwks", server.url());
        Self { server, fetcher, clock, address }
    }

    fn times_asked(&self) -> usize {
        self.server.seen_at(Place::Keys).len()
    }

    fn answers(&self, answer: Answer) {
        self.server.behaves(|manners| drop(manners.answers.insert(Place::Keys, answer)));
    }
}

fn text(body: impl Into<String>) -> Answer {
    Answer::Text { status: 200, content_type: "application/json", body: body.into() }
}

#[tokio::test]
async fn attack_42_addresses_inside_are_not_asked_for_keys() {
    let fetcher = KeyFetcher::new(egress(&[]), Arc::new(StoppedClock::default()));
    for address in [
        "https://127.0.0.1/jwks",
        "https://[::1]/jwks",
        "https://[::ffff:127.0.0.1]/jwks",
        "https://0.0.0.0/jwks",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/jwks",
        "https://[fd00::1]/jwks",
        "https://2130706433/jwks",
        "https://0x7f.1/jwks",
        "https://0177.0.0.1/jwks",
        "https://app.example.com:6379/jwks",
        "http://app.example.com/jwks",
        "https://user@8.8.8.8/jwks",
        "file:///etc/passwd",
        "gopher://8.8.8.8/jwks",
        "jwks",
    ] {
        assert!(!fetcher.permits(address), "{address}");
        assert_eq!(fetcher.keys(address).await, Err(KeysUnavailable), "{address}");
    }
    assert!(fetcher.permits("https://app.example.com/jwks"));
}

#[tokio::test]
async fn attack_43_a_clients_name_that_leads_inside_is_not_connected_to() {
    // `localhost` is a name, so that only its resolution tells where it leads.
    let fetcher = KeyFetcher::new(egress(&[]), Arc::new(StoppedClock::default()));
    assert!(fetcher.permits("https://localhost/jwks"), "its text is that of any name");
    assert_eq!(fetcher.keys("https://localhost/jwks").await, Err(KeysUnavailable));
}

#[tokio::test]
async fn attack_22_keys_are_kept_and_an_unknown_one_has_them_fetched_once_a_minute() {
    let bench = Published::new().await;
    let first = bench.fetcher.keys(&bench.address).await.unwrap();
    assert!(Arc::ptr_eq(&first, &bench.fetcher.keys(&bench.address).await.unwrap()));
    assert_eq!(bench.times_asked(), 1);
    bench.server.rotates_keys(SigningAlg::Es256);
    let renewed = bench.fetcher.renewed_keys(&bench.address).await.unwrap();
    assert_ne!(first, renewed);
    for _ in 0..5 {
        assert!(Arc::ptr_eq(&renewed, &bench.fetcher.renewed_keys(&bench.address).await.unwrap()));
    }
    assert_eq!(bench.times_asked(), 2);
    bench.clock.advance(Duration::from_mins(1));
    bench.fetcher.renewed_keys(&bench.address).await.unwrap();
    assert_eq!(bench.times_asked(), 3);
}

#[tokio::test]
async fn a_client_whose_server_is_down_goes_on_for_a_day_with_the_keys_it_had() {
    let bench = Published::new().await;
    let keys = bench.fetcher.keys(&bench.address).await.unwrap();
    bench.answers(Answer::Reset);
    bench.clock.advance(Duration::from_hours(2));
    assert!(Arc::ptr_eq(&keys, &bench.fetcher.keys(&bench.address).await.unwrap()));
    bench.clock.advance(Duration::from_hours(22));
    assert_eq!(bench.fetcher.keys(&bench.address).await, Err(KeysUnavailable));
    let asked = bench.times_asked();
    assert_eq!(bench.fetcher.keys(&bench.address).await, Err(KeysUnavailable));
    assert_eq!(bench.times_asked(), asked, "a dead server is left alone for a while");
}

#[tokio::test]
async fn attack_22_what_is_no_key_set_is_not_kept() {
    let private = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "AA"}]});
    for answer in [
        text("{}"),
        text(private.to_string()),
        text(format!("{{\"keys\":[{}]}}", "{},".repeat(60) + "{}")),
        text(" ".repeat(300_000)),
        Answer::html(200),
        Answer::html(404),
        Answer::Reset,
    ] {
        let bench = Published::new().await;
        bench.answers(answer);
        assert_eq!(bench.fetcher.keys(&bench.address).await, Err(KeysUnavailable));
    }
}
