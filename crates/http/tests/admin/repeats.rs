//! Calls that are sent again.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use vestibule_domain::{audit::EventName, ticket::TicketKind};

use super::{Answer, Desk, app};

impl Desk {
    async fn named(&self, name: &str, path: &str, body: &str) -> Answer {
        self.send(Method::POST, path, &[("idempotency-key", name)], body).await
    }

    fn made(&self) -> usize {
        self.rig.events().iter().filter(|event| event.name == EventName::ClientCreated).count()
    }
}

const NAME: &str = "0b5c1f0e-7a39-4f0e-9a55-0d1f6c6f9c1a";

#[tokio::test]
async fn a_call_that_is_sent_again_is_done_once_and_answered_the_same() {
    let desk = Desk::open().await;
    let body = json!({ "client_name": "App", "redirect_uris": ["https://app.example.com/cb"] }).to_string();
    let first = desk.named(NAME, "/clients", &body).await;
    desk.rig.clock.advance(Duration::from_hours(23));
    let again = desk.named(NAME, "/clients", &body).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    for header in ["location", "etag", "content-type"] {
        assert!(!first.header(header).is_empty());
        assert_eq!(first.header(header), again.header(header), "{header}");
    }
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(desk.made(), 1);
    desk.rig.clock.advance(Duration::from_hours(2));
    assert_eq!(desk.named(NAME, "/clients", &body).await.status, StatusCode::CREATED);
    assert_eq!(desk.made(), 2, "after a day it is another call");
}

#[tokio::test]
async fn the_answer_that_is_kept_is_sealed() {
    let desk = Desk::open().await;
    let secret = desk.named(NAME, "/clients", &app("app").to_string()).await.json()["client_secret"].as_str().unwrap().to_owned();
    let kept: Vec<_> = desk.rig.store.tickets_of(TicketKind::RepeatedCall).into_iter().map(|ticket| ticket.body).collect();
    assert!(kept.len() == 1 && kept[0].len() > secret.len(), "the answer is kept: {kept:?}");
    for clear in [secret.as_str(), "client_secret", "redirect_uris"] {
        assert!(!kept[0].contains(clear), "{clear} lies in the store: {kept:?}");
    }
    // And it can be found where it is not sealed: the same answer comes again.
    assert_eq!(desk.named(NAME, "/clients", &app("app").to_string()).await.json()["client_secret"], secret.as_str());
}

#[tokio::test]
async fn under_the_same_name_nothing_else_is_done() {
    let desk = Desk::open().await;
    desk.named(NAME, "/clients", &app("one").to_string()).await;
    let other = desk.named(NAME, "/clients", &app("two").to_string()).await;
    assert_eq!((other.status, other.code()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused".into()));
    let elsewhere = desk.named(NAME, "/registration-tokens", r#"{"name": "x"}"#).await;
    assert_eq!(elsewhere.code(), "idempotency_key_reused");
    assert_eq!(desk.made(), 1);
    // Another caller's names are their own.
    let key = desk.send(Method::POST, "/api-keys", &[], r#"{"name": "k", "scopes": ["clients:*"]}"#).await.json();
    let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", NAME)];
    assert_eq!(desk.plain(Method::POST, "/clients", &headers, app("three").to_string()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_was_refused_was_not_done_and_may_be_tried_again() {
    let desk = Desk::open().await;
    assert_eq!(desk.named(NAME, "/clients", "{}").await.code(), "invalid_fields");
    assert_eq!(desk.named(NAME, "/clients", &app("app").to_string()).await.status, StatusCode::CREATED);
    for name in ["", "two words", "é", &"x".repeat(256)] {
        let refused = desk.named(name, "/clients", &app("other").to_string()).await;
        assert_eq!(refused.code(), "invalid_parameter", "{name}");
    }
}

#[tokio::test]
async fn of_the_same_call_many_times_at_once_one_is_done() {
    let desk = Desk::open().await;
    let body = json!({ "client_name": "App", "redirect_uris": ["https://app.example.com/cb"] }).to_string();
    let all = futures_util::future::join_all((0..16).map(|_| desk.named(NAME, "/clients", &body))).await;
    assert!(all.iter().all(|answer| matches!(answer.status, StatusCode::CREATED | StatusCode::CONFLICT)));
    assert_eq!(desk.made(), 1);
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_not_done_again() {
    let desk = Desk::open().await;
    let witness = desk.rig.witness();
    let operator = vestibule_domain::operator::Operator::unlimited(vestibule_domain::audit::Actor::AdminKey("bootstrap".into()));
    let body = app("app").to_string();
    let asked = format!("POST /clients?\n{body}");
    desk.gateway.begin_once(&witness, &operator, NAME, asked.as_bytes()).await.unwrap();
    let busy = desk.named(NAME, "/clients", &body).await;
    assert_eq!((busy.status, busy.code(), busy.header("retry-after")), (StatusCode::CONFLICT, "idempotency_key_in_use".into(), "1"));
    desk.rig.clock.advance(Duration::from_mins(2));
    let unknown = desk.named(NAME, "/clients", &body).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::CONFLICT, "idempotency_outcome_unknown".into()));
    assert_eq!(desk.made(), 0);
    desk.rig.clock.advance(Duration::from_hours(24));
    assert_eq!(desk.named(NAME, "/clients", &body).await.status, StatusCode::CREATED);
}

/// Whoever hangs up asks again, because they do not know: by then it is done, and they are told so.
#[tokio::test]
async fn a_call_goes_on_when_its_caller_hangs_up() {
    use futures_util::FutureExt;
    let desk = Desk::open().await;
    let body = app("app").to_string();
    // Begun and not waited for: it runs when this test waits for something else.
    assert!(desk.named(NAME, "/clients", &body).now_or_never().is_none(), "it waits for the task that does it");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.made(), 1);
    let again = desk.named(NAME, "/clients", &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::CREATED, "true"));
}
