//! The dashboards in the operators' console: on a page that needs no script, and again and again for whoever keeps it open.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use http::StatusCode;
use scraper::{Html, Selector};
use serde_json::json;
use vestibule_domain::{
    limits::Limits,
    ports::Clock,
    stats::{MADE_UP, StatsRow, Step, Tally},
};
use vestibule_testkit::rig::RigOptions;

use crate::{
    console::{alices, is_in, operator, options, sends},
    street::{Browser, Street},
};

fn texts(page: &str, selector: &str) -> Vec<String> {
    let (document, selector) = (Html::parse_document(page), Selector::parse(selector).unwrap());
    let found = document.select(&selector).map(|element| element.text().collect::<String>());
    found.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn an_operator_sees_how_often_people_sign_in_as_pictures_and_as_tables() {
    let street = alices().await;
    let app = street.app("app").await;
    street.tokens(&app, "bob").await;
    street.gateway().write_statistics(false).await.unwrap();
    street.tokens(&app, "bob").await;
    let mut alice = operator(&street).await;
    for path in ["/console?range=1h", "/console/dashboards?range=1h"] {
        let page = street.goes(&mut alice, path).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let figures = texts(&page.body, ".figures dd");
        assert!(figures.contains(&"100.0 %".to_owned()), "{path}: {figures:?}");
        assert!(texts(&page.body, ".board figcaption").contains(&"Sign-ins by how they ended".to_owned()));
        let table = texts(&page.body, "#logins-table tbody td");
        assert!(table.contains(&"3".to_owned()), "two for the app and one for the console: {table:?}");
        // No part of the policy lets a style through that stands in an attribute, nor a script in the markup.
        assert!(!page.body.contains(" style=\"") && !page.body.contains(" onclick"), "{path}");
        let apps = texts(&page.body, "section[aria-labelledby=by-app] tbody td.name");
        assert!(apps.contains(&"app".to_owned()) && apps.contains(&"none".to_owned()), "{apps:?}");
    }
    let of_acme = street.goes(&mut alice, "/console/dashboards?range=1h&provider=acme").await;
    assert!(of_acme.body.contains("only <bdi>acme</bdi>") && of_acme.body.contains("<option value=\"acme\" selected>"), "{of_acme:?}");
    let of_app = street.goes(&mut alice, "/console/dashboards?range=1h&provider=&client=app").await;
    assert!(of_app.body.contains("only <bdi>app</bdi>") && !of_app.body.contains("id=\"by-provider\""), "{of_app:?}");
    for (path, said) in [
        ("/console/dashboards?range=1y", "A range is one of"),
        ("/console?range=1y", "A range is one of"),
        ("/console/dashboards?provider=a&client=b", "Choose a provider or an app"),
        ("/console/events?range=1y", "A range is one of"),
    ] {
        let refused = street.goes(&mut alice, path).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.body.contains(said), "{path}: {refused:?}");
    }
}

#[tokio::test]
async fn a_login_that_failed_leads_to_its_explanation_and_what_was_made_up_is_said() {
    let street = alices().await;
    let mut alice = operator(&street).await;
    let now = street.gateway().clock().now();
    let row = StatsRow { node: MADE_UP, step: Step::Minute, start: Step::Minute.start(now), tally: Tally::default() };
    street.gateway().put_statistics(&[row]).await.unwrap();
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    street.goes(&mut browser, &format!("/callback/acme?error=access_denied&state={attempt}")).await;
    let failed = street.rig.events().into_iter().find(|event| event.name.as_str() == "login.failed").unwrap();
    let page = street.goes(&mut alice, "/console").await;
    assert!(page.body.contains(&format!("/console/logins/{}", failed.trace_id.unwrap())), "{page:?}");
    assert!(page.body.contains("made up by <code>vestibule dev</code>"), "{page:?}");
    assert_eq!(texts(&page.body, "section[aria-labelledby=reasons] tbody td"), ["person declined", "1"]);
}

#[tokio::test]
async fn attack_86_whoever_is_no_operator_sees_no_dashboard() {
    let street = alices().await;
    let stranger = street.goes(&mut Browser::default(), "/console/dashboards").await;
    assert_eq!((stranger.status, stranger.header("location")), (StatusCode::SEE_OTHER, "/console/sign-in"));
    let mut stranger = Browser::default();
    let told = street.goes(&mut stranger, "/console/events").await;
    assert_eq!((told.status, told.body.as_str()), (StatusCode::NO_CONTENT, ""), "a browser asks no more, and is led nowhere");
    assert!(stranger.cookies.is_empty());
}

/// The next event, however many pieces it comes in.
async fn next<B: AsRef<[u8]>>(pieces: &mut (impl Stream<Item = std::io::Result<B>> + Unpin)) -> Option<String> {
    let mut event = String::new();
    while !event.ends_with("\n\n") {
        event.push_str(std::str::from_utf8(pieces.next().await?.unwrap().as_ref()).unwrap());
    }
    Some(event)
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_is_sent_again_and_again_until_its_operator_is_gone() {
    let street = alices().await;
    let mut alice = operator(&street).await;
    let page = street.goes(&mut alice, "/console?range=1h").await;
    let live = page.between("data-live=\"", "\"").replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(live, "/console/events?range=1h&of=overview");
    let response = street.opens(&alice, &live).await;
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let mut events = response.into_body().into_bytes_stream();
    let app = street.app("app").await;
    for signed_in in ["1", "2"] {
        let event = next(&mut events).await.unwrap();
        assert!(event.starts_with("event: board\ndata: <div class=\"board\""), "{event}");
        let table = texts(&event.replace("data: ", ""), "#logins-table tbody td");
        assert!(table.contains(&signed_in.to_owned()), "{signed_in}: {table:?}");
        street.signs_in(&mut Browser::default(), &app, "bob").await;
    }
    let out = sends(&street, &mut alice, &page, "/console/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER, "{out:?}");
    assert!(next(&mut events).await.is_none(), "it ended with the operator's session");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_left_open_keeps_nobody_signed_in() {
    let street = alices().await;
    let mut alice = operator(&street).await;
    let began = street.rig.clock.now();
    let mut events = street.opens(&alice, "/console/events").await.into_body().into_bytes_stream();
    for _ in 0..4 {
        assert!(next(&mut events).await.is_some());
        street.rig.clock.advance(Duration::from_mins(9));
        // It came to its end, and the browser came again.
        if street.rig.clock.now().since(began) < Duration::from_mins(30) {
            events = street.opens(&alice, "/console/events").await.into_body().into_bytes_stream();
        }
    }
    assert!(next(&mut events).await.is_none(), "half an hour without anybody at work");
    assert!(!is_in(&street, &mut alice).await);
}

#[tokio::test(start_paused = true)]
async fn attack_84_only_so_many_dashboards_are_sent_at_once_and_none_for_ever() {
    let limits = Limits { admin_per_key: 0, ..Limits::default() };
    let street = Street::with(RigOptions { limits, ..options(json!({"emails": ["alice@example.com"]})) }).await;
    let alice = operator(&street).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let response = street.opens(&alice, "/console/events").await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    assert_eq!(street.opens(&alice, "/console/events").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let mut events = open.pop().unwrap().into_body().into_bytes_stream();
    let mut boards = 0;
    while next(&mut events).await.is_some() {
        boards += 1;
    }
    assert_eq!(boards, 30, "whoever stays comes again, and is looked at again");
    drop(events);
    let mut last = street.opens(&alice, "/console/events").await.into_body().into_bytes_stream();
    assert!(next(&mut last).await.is_some());
    street.house.set_draining();
    assert!(next(&mut last).await.is_none(), "the house does not wait for whoever only looks");
}
