use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Source},
    health::BreakerState,
    ids::{AccountId, ClientId, LoginId, ProviderId},
    ports::{Answered, Clock, Entropy, Observer},
    provider::Phase,
    stats::Step,
};

use super::*;

/// A clock that is set, and randomness that is none.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl Entropy for Hand {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A full hour.
const NOON: i64 = 1_795_514_400;
const NODE: Uuid = Uuid::from_bytes([1; 16]);

fn at(second: i64) -> (Arc<Hand>, Statistics) {
    let hand = Arc::new(Hand(AtomicI64::new(NOON + second)));
    let statistics = Statistics::new(hand.clone());
    statistics.provider_health(&provider("acme"), BreakerState::Closed);
    statistics.introduce(&client("wiki"));
    (hand, statistics)
}

fn set(hand: &Hand, second: i64) {
    hand.0.store(NOON + second, Ordering::Relaxed);
}

fn provider(id: &str) -> ProviderId {
    ProviderId::parse(id).unwrap()
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

fn event(hand: &Hand, name: EventName, outcome: Outcome) -> AuditEvent {
    let witness = Witness { now: hand.now(), source: Source::default(), trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()) };
    AuditEvent {
        provider: Some(provider("acme")),
        client: Some(client("wiki")),
        account: Some(AccountId(Uuid::from_bytes([9; 16]))),
        ..witness.event(name, outcome, Actor::Anonymous, hand)
    }
}

fn signed_in(hand: &Hand) -> AuditEvent {
    event(hand, EventName::LoginSucceeded, Outcome::Success)
}

/// Writes what is due: the rows, as the step in seconds, the second they begin at, and how many signed in.
fn written(statistics: &Statistics, all: bool) -> Vec<(u64, i64, u64)> {
    let rows = statistics.due(NODE, all);
    statistics.written(&rows);
    let mut shown: Vec<_> =
        rows.iter().map(|row| (row.step.span().as_secs(), row.start.as_secs() - NOON, row.tally.logins().succeeded)).collect();
    shown.sort_unstable();
    shown
}

#[test]
fn ten_seconds_are_written_once_when_they_are_over_and_minutes_and_hours_as_they_grow() {
    let (hand, statistics) = at(3);
    statistics.observed(&signed_in(&hand));
    assert_eq!(written(&statistics, false), []);
    set(&hand, 12);
    statistics.observed(&signed_in(&hand));
    assert_eq!(written(&statistics, false), [(10, 0, 1), (60, 0, 1), (3600, 0, 1)]);
    assert_eq!(written(&statistics, false), []);
    set(&hand, 61);
    statistics.observed(&signed_in(&hand));
    assert_eq!(written(&statistics, false), [(10, 10, 1), (60, 0, 2), (3600, 0, 2)]);
    assert_eq!(statistics.live(Step::Minute).spans.len(), 1, "the minute that is over is written, and here no more");
    set(&hand, 3_605);
    assert_eq!(written(&statistics, false), [(10, 60, 1), (60, 60, 1), (3600, 0, 3)]);
    assert!(Step::ALL.iter().all(|step| statistics.live(*step).spans.is_empty()));
}

#[test]
fn what_could_not_be_written_is_due_again() {
    let (hand, statistics) = at(3);
    statistics.observed(&signed_in(&hand));
    set(&hand, 200);
    let first = statistics.due(NODE, false);
    assert_eq!(first.len(), 3);
    assert_eq!(statistics.due(NODE, false), first);
    assert_eq!(statistics.live(Step::Hour).spans.values().map(|tally| tally.logins().succeeded).sum::<u64>(), 1);
    set(&hand, 3 + 7 * 3_600);
    let later: Vec<_> = statistics.due(NODE, false).iter().map(|row| row.step).collect();
    assert_eq!(later, [Step::Minute, Step::Hour], "nobody looks at ten seconds of so long ago");
}

#[test]
fn at_the_end_everything_is_written_and_what_comes_after_overwrites_nothing() {
    let (hand, statistics) = at(3);
    statistics.observed(&signed_in(&hand));
    assert_eq!(written(&statistics, true), [(10, 0, 1), (60, 0, 1), (3600, 0, 1)]);
    statistics.observed(&signed_in(&hand));
    assert_eq!(written(&statistics, true), [(10, 10, 1), (60, 0, 2), (3600, 0, 2)]);
}

#[test]
fn a_clock_that_was_set_back_overwrites_nothing() {
    let (hand, statistics) = at(65);
    statistics.observed(&signed_in(&hand));
    set(&hand, 75);
    assert_eq!(written(&statistics, false), [(10, 60, 1), (60, 60, 1), (3600, 0, 1)]);
    set(&hand, 62);
    statistics.observed(&signed_in(&hand));
    set(&hand, 90);
    assert_eq!(written(&statistics, false), [(10, 70, 1), (60, 60, 2), (3600, 0, 2)]);
}

#[test]
fn attack_87_what_a_stranger_names_is_counted_without_a_name() {
    let (hand, statistics) = at(3);
    for at in 0..1_000 {
        let stranger = client(&format!("stranger-{at}"));
        let by_address = client(&format!("https://app-{at}.example/client"));
        for id in [stranger, by_address] {
            statistics.observed(&AuditEvent { client: Some(id), ..event(&hand, EventName::LoginStarted, Outcome::Success) });
        }
        statistics.departed(&provider(&format!("made-{at}")), LoginId::new(hand.now(), hand.as_ref()));
        statistics.provider_health(&provider(&format!("new-{at}")), BreakerState::Closed);
        statistics.departed(&provider(&format!("new-{at}")), LoginId::new(hand.now(), hand.as_ref()));
    }
    let live = statistics.live(Step::TenSeconds);
    let tally = live.spans.values().next().unwrap();
    assert_eq!(tally.clients.keys().collect::<Vec<_>>(), ["other"]);
    assert_eq!(tally.clients["other"].asked, 2_000);
    assert_eq!(tally.providers.len(), 100, "99 beside acme, and other");
    let unknown = statistics.take_unknown();
    assert_eq!(unknown.len(), 100);
    assert!(unknown.iter().all(|id| id.as_str().starts_with("stranger-")));
}

#[test]
fn what_happens_is_counted_where_it_belongs() {
    let (hand, statistics) = at(3);
    for (name, outcome, reason) in [
        (EventName::LoginStarted, Outcome::Success, None),
        (EventName::LoginFailed, Outcome::Failure, Some(Reason::UpstreamInvalid)),
        (EventName::LoginFailed, Outcome::Denied, Some(Reason::PersonDeclined)),
        (EventName::LoginSilent, Outcome::Success, None),
        (EventName::CodeRedeemed, Outcome::Success, None),
        (EventName::TokenRefreshed, Outcome::Success, None),
        (EventName::TokenRefreshed, Outcome::Success, Some(Reason::Replayed)),
        (EventName::TokenRefreshFailed, Outcome::Failure, Some(Reason::Expired)),
        (EventName::TokenReuseDetected, Outcome::Failure, Some(Reason::Replayed)),
        (EventName::AbuseRateLimited, Outcome::Denied, Some(Reason::TokenRate)),
    ] {
        statistics.observed(&AuditEvent { reason, ..event(&hand, name, outcome) });
    }
    let tried = AuditEvent { trial: true, ..event(&hand, EventName::LoginFailed, Outcome::Failure) };
    statistics.observed(&tried);
    for (phase, result) in [(Phase::Token, "ok"), (Phase::Api, "unreachable"), (Phase::Discovery, "ok"), (Phase::Token, "paused")] {
        statistics.upstream_called(&provider("acme"), phase, result, Duration::from_millis(120));
    }
    statistics.answered(&Answered { method: "POST", route: "/token", status: 200, took: Duration::from_millis(3) });
    statistics.answered(&Answered { method: "GET", route: "/jwks", status: 200, took: Duration::from_millis(3) });
    statistics.sessions(12);
    let live = statistics.live(Step::TenSeconds);
    let tally = live.spans.values().next().unwrap();
    let (acme, wiki) = (&tally.providers["acme"], &tally.clients["wiki"]);
    assert_eq!((acme.logins.succeeded, acme.logins.denied, acme.logins.failed), (0, 1, 2));
    assert_eq!((acme.answers.count(), acme.bad_answers), (2, 1));
    assert_eq!((wiki.asked, wiki.logins.all(), wiki.silent, wiki.redeemed), (1, 2, 1, 1), "who only tried entered nothing");
    assert_eq!((wiki.refreshed, wiki.not_refreshed), (1, 1), "a spent code is no refresh");
    assert_eq!((tally.tokens.count(), tally.rate_limited, tally.sessions), (1, 1, Some(12)));
    assert_eq!(tally.failures.len(), 2);
    statistics.observed(&AuditEvent { client: None, ..signed_in(&hand) });
    let own_page = Some(client("vestibule.console"));
    statistics.observed(&AuditEvent { client: own_page, ..event(&hand, EventName::LoginStarted, Outcome::Success) });
    let ours = statistics.live(Step::TenSeconds).spans.values().map(|tally| tally.clients["none"].clone()).next().unwrap();
    assert_eq!((ours.asked, ours.logins.succeeded), (1, 1), "what leads to a page of ours is no app's");
    assert_eq!(tally.failures[0].reference.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[test]
fn a_person_is_noted_once_a_day_and_not_after_they_were_erased() {
    let (hand, statistics) = at(3);
    statistics.observed(&signed_in(&hand));
    statistics.observed(&event(&hand, EventName::TokenRefreshed, Outcome::Success));
    let people = statistics.people();
    assert_eq!(people.len(), 1);
    statistics.noted(&people);
    statistics.observed(&signed_in(&hand));
    assert_eq!(statistics.people().len(), 0);
    set(&hand, 24 * 3_600);
    statistics.observed(&signed_in(&hand));
    statistics.observed(&event(&hand, EventName::AccountErased, Outcome::Success));
    assert_eq!(statistics.people().len(), 0);
}
