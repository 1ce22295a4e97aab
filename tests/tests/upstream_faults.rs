//! What becomes of a login when its provider goes wrong: the person gets the right page, the operator a reason, and nobody else notices.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use url::Url;
use vestibule_tests::{Client, Faulty, House, HouseOptions, Mockin, Neighbours, Person};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A page that ended a walk.
#[derive(Debug)]
struct Page {
    code: String,
    reference: String,
    text: String,
}

fn start(house: &House, client: &Client, provider: &str) -> Url {
    Person::authorize_url(house, client, CALLBACK, &[("idp_hint", provider)])
}

/// Somebody walks through `provider`, and comes no further than to a page of ours.
async fn fails(person: &Person, house: &House, client: &Client, provider: &str) -> Page {
    fails_from(person, start(house, client, provider)).await
}

async fn fails_from(person: &Person, start: Url) -> Page {
    let walked = person.tries_to_walk(start, CALLBACK).await;
    let text = walked.map(|landed| landed.url).expect_err("the provider goes wrong, and nobody gets in");
    let found =
        |before: &str, after: char| text.split_once(before).and_then(|(_, rest)| rest.split(after).next()).unwrap_or_default().to_owned();
    Page { code: found("data-code=\"", '"'), reference: found("class=\"code reference\" dir=\"ltr\">", '<'), text }
}

/// Somebody gets in through `provider`, and the app gets tokens.
async fn gets_in(person: &Person, house: &House, client: &Client, provider: &str) {
    let landed = person.walks(start(house, client, provider), CALLBACK).await;
    let (status, tokens) = Person::redeems(house, client, CALLBACK, &landed.code()).await;
    assert_eq!(status, 200, "{tokens:#}");
}

fn event_of(house: &House, page: &Page) -> Value {
    let found = house.audit().into_iter().find(|event| event["trace_id"] == page.reference.as_str());
    found.unwrap_or_else(|| panic!("no event has the reference of {page:?}"))
}

/// What an operator finds under the reference of a page.
struct Told<'a> {
    code: &'a str,
    reason: &'a str,
    /// What the detail begins with: the step, then the rule or the status.
    detail: &'a str,
}

const fn told<'a>(code: &'a str, reason: &'a str, detail: &'a str) -> Told<'a> {
    Told { code, reason, detail }
}

async fn expect(house: &House, client: &Client, provider: &str, fault: &str, told: &Told<'_>) {
    let page = fails(&Person::named("somebody"), house, client, provider).await;
    assert_eq!(page.code, told.code, "{provider} {fault}: {page:?}");
    let event = event_of(house, &page);
    assert_eq!((&event["name"], &event["reason"]), (&"login.failed".into(), &told.reason.into()), "{provider} {fault}: {event:#}");
    assert_eq!(event["provider"], provider);
    let detail = event["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with(told.detail), "{provider} {fault}: {detail}");
    for hostile in ["elsewhere.example", "another-client", "Be right back"] {
        assert!(!page.text.contains(hostile) && !detail.contains(hostile), "what the upstream wrote goes nowhere: {page:?} {detail}");
    }
}

#[tokio::test]
async fn each_fault_of_an_issuer_gives_the_person_its_page_and_the_operator_its_reason() {
    let (house, (faulty, mockin)) = House::start_among(HouseOptions::default(), async |_: &str| {
        let (faulty, mockin) = (Faulty::start(), Mockin::start());
        let neighbours =
            Neighbours::default().with(&faulty.section("faulty"), &[faulty.issuer()]).with(&mockin.section("mockin"), &[mockin.issuer()]);
        (neighbours, (faulty, mockin))
    })
    .await;
    let client = house.register_app(CALLBACK).await;

    for (fault, expected) in [
        ("expired", told("clock_skew", "upstream_invalid", "token: exp")),
        ("iss", told("upstream_invalid", "upstream_invalid", "token: iss")),
        ("aud", told("upstream_invalid", "upstream_invalid", "token: aud")),
        ("nonce", told("upstream_invalid", "upstream_invalid", "token: nonce")),
        ("other_person", told("upstream_invalid", "upstream_invalid", "userinfo: sub")),
        ("invalid_client", told("upstream_misconfigured", "upstream_misconfigured", "token: invalid_client")),
        ("invalid_grant", told("upstream_invalid", "upstream_invalid", "token: code")),
        ("status_500", told("upstream_unavailable", "upstream_unreachable", "token (status 500)")),
        ("html", told("upstream_invalid", "upstream_invalid", "token: content_type")),
    ] {
        faulty.has(fault).await;
        expect(&house, &client, "faulty", fault, &expected).await;
        faulty.has("none").await;
        gets_in(&Person::named("johndoe"), &house, &client, "faulty").await;
    }

    for (fault, expected) in [
        ("wrongKey=1", told("upstream_invalid", "upstream_invalid", "token: signature")),
        ("expired=1", told("clock_skew", "upstream_invalid", "token: exp")),
        ("iss=https://issuer.elsewhere.example", told("upstream_invalid", "upstream_invalid", "token: iss")),
        ("aud=another-client", told("upstream_invalid", "upstream_invalid", "token: aud")),
        ("error=invalid_grant", told("upstream_invalid", "upstream_invalid", "token: code")),
        ("status=500&error=server_error", told("upstream_unavailable", "upstream_unreachable", "token (status 500)")),
    ] {
        mockin.spoils(Some(fault)).await;
        expect(&house, &client, "mockin", fault, &expected).await;
        mockin.spoils(None).await;
        gets_in(&Person::named("John Smith"), &house, &client, "mockin").await;
    }
}

/// How many people hang.
const HUNG: usize = 200;
/// How many logins are timed.
const TIMED: usize = 20;
/// A login that is slower by less than this factor is as fast as before. Generous: other tests run beside this one.
const STILL_FAST: u32 = 5;

async fn median_login(house: &House, client: &Client, provider: &str) -> Duration {
    let mut took = Vec::new();
    for _ in 0..TIMED {
        let person = Person::named("johndoe");
        let began = Instant::now();
        gets_in(&person, house, client, provider).await;
        took.push(began.elapsed());
    }
    took.sort();
    took[TIMED / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hung_logins_at_one_provider_leave_another_fast() {
    let (house, (well, hung)) = House::start_among(HouseOptions::default(), async |_: &str| {
        let (well, hung) = (Faulty::start(), Faulty::start());
        let neighbours = Neighbours::default()
            .with(&well.section("well"), &[well.issuer()])
            .with(&hung.section("hung"), &[hung.issuer()])
            // Long enough for everything that is looked at while they hang.
            .reached("timeout = \"28s\"");
        (neighbours, (well, hung))
    })
    .await;
    let client = house.register_app(CALLBACK).await;
    gets_in(&Person::named("johndoe"), &house, &client, "well").await;
    gets_in(&Person::named("johndoe"), &house, &client, "hung").await;
    let before = median_login(&house, &client, "well").await;

    hung.has("hang").await;
    let people: Vec<_> = (0..HUNG).map(|number| Person::named(&number.to_string())).collect();
    let mut walks = JoinSet::new();
    for person in people {
        let start = start(&house, &client, "hung");
        walks.spawn(async move { person.tries_to_walk(start, CALLBACK).await.map(|landed| landed.url) });
    }
    let began = Instant::now();
    while hung.hanging().await < HUNG {
        assert!(began.elapsed() < Duration::from_secs(20), "only {} hang", hung.hanging().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let beside = median_login(&house, &client, "well").await;
    assert_eq!(hung.hanging().await, HUNG, "all of them hung the whole time");
    let floor = Duration::from_millis(20);
    assert!(beside < before.max(floor) * STILL_FAST, "{before:?} alone, {beside:?} beside {HUNG} that hang");

    while let Some(walked) = walks.join_next().await {
        let text = walked.expect("nobody panics").expect_err("nobody gets in through a provider that hangs");
        assert!(text.contains("data-code=\"upstream_unavailable\""), "{text}");
    }
    // Whoever comes now is not left hanging: they choose, and the provider is marked; who insists is told at once.
    let (began, next) = (Instant::now(), Person::named("the next"));
    let chooser = fails(&next, &house, &client, "hung").await;
    assert!(chooser.text.contains("badge trouble"), "{chooser:?}");
    let (before, _) = chooser.text.split_once("\" data-provider=\"hung\"").expect("a button for it");
    let href = before.rsplit_once("href=\"").map(|(_, href)| href.replace("&amp;", "&")).expect("a button leads somewhere");
    let page = fails_from(&next, Url::parse(&house.issuer).and_then(|issuer| issuer.join(&href)).expect("an address")).await;
    assert_eq!(page.code, "provider_paused", "{page:?}");
    assert_eq!(event_of(&house, &page)["reason"], "breaker_open");
    assert!(began.elapsed() < Duration::from_secs(10));
    gets_in(&Person::named("johndoe"), &house, &client, "well").await;
    drop(well);
}
