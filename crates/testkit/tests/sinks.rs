//! Sending audit events on: nothing is lost, nothing overtakes, and nobody waits for anybody.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use vestibule_crypto::SystemEntropy;
use vestibule_domain::{
    audit::{
        Actor, EventName, Outcome, Reason,
        chain::SealRules,
        record::RecordForm,
        sink::{SinkEvents, SinkKind, SinkRules, SinkStart, SinkTrouble},
    },
    ids::SinkId,
    ports::{Clock, Store},
    store::Changes,
};
use vestibule_flows::{Gateway, Sink, SinkRound};
use vestibule_testkit::{
    fake_sink::FakeSink,
    memory_store::{Look, MemoryStore},
    rig::{Rig, RigOptions},
};

const DAY: Duration = Duration::from_hours(24);

fn rules(id: &str) -> SinkRules {
    SinkRules {
        id: SinkId::parse(id).unwrap(),
        kind: SinkKind::Webhook,
        form: RecordForm::Json,
        events: SinkEvents::parse(&["*".to_owned()]).unwrap(),
        start: SinkStart::Beginning,
        most: 10,
        timeout: Duration::from_millis(100),
    }
}

/// A gateway with one sink, and the fake behind it.
struct Bench {
    gateway: Gateway,
    rig: Rig,
    sink: Sink,
    fake: Arc<FakeSink>,
}

impl Bench {
    async fn with(rules: SinkRules, audit: SealRules) -> Self {
        Self::on(Arc::default(), rules, audit).await
    }

    async fn on(store: Arc<MemoryStore>, rules: SinkRules, audit: SealRules) -> Self {
        let fake = Arc::<FakeSink>::default();
        let sink = Sink { rules, target: fake.clone() };
        let (gateway, rig) = Rig::gateway_on(RigOptions { sinks: vec![sink.clone()], audit, ..RigOptions::default() }, store).await;
        Self { gateway, rig, sink, fake }
    }

    /// So many events more, sealed; the number of the last.
    async fn happen(&self, name: EventName, many: usize) -> i64 {
        for _ in 0..many {
            let event = self.rig.witness().event(name, Outcome::Success, Actor::System, &SystemEntropy);
            self.rig.store.commit(Changes::default().event(event)).await.unwrap();
        }
        while self.gateway.seal_audit().await.unwrap().more {}
        self.rig.store.chain().await.unwrap().map_or(0, |head| head.seq)
    }

    async fn round(&self) -> SinkRound {
        self.gateway.send_on(&self.sink).await.unwrap()
    }

    /// Rounds until there is nothing more to do now.
    async fn rounds(&self) -> SinkRound {
        loop {
            let round = self.round().await;
            if round != SinkRound::More {
                return round;
            }
        }
    }

    async fn seq(&self) -> i64 {
        self.rig.store.sink_cursors().await.unwrap()[0].seq
    }

    async fn waiting(&self) -> u64 {
        self.gateway.sink_states().await.unwrap()[0].lag.events
    }
}

#[tokio::test]
async fn everything_is_handed_over_once_in_order_and_in_batches() {
    let bench = Bench::with(rules("siem"), SealRules::default()).await;
    let last = bench.happen(EventName::ConfigChecked, 25).await;
    assert_eq!(bench.rounds().await, SinkRound::Nothing);
    assert_eq!(bench.fake.taken(), (1..=last).collect::<Vec<_>>());
    assert!(bench.fake.batches().iter().all(|batch| batch.len() <= 10));
    assert_eq!((bench.seq().await, bench.waiting().await), (last, 0));
    assert_eq!(bench.round().await, SinkRound::Nothing);
    let next = bench.happen(EventName::ConfigChecked, 1).await;
    bench.rounds().await;
    assert_eq!(bench.fake.taken().last(), Some(&next));
}

#[tokio::test]
async fn a_new_sink_begins_with_the_next_event_unless_it_is_told_otherwise() {
    let bench = Bench::with(SinkRules { start: SinkStart::Now, ..rules("siem") }, SealRules::default()).await;
    let before = bench.happen(EventName::ConfigChecked, 5).await;
    assert_eq!(bench.rounds().await, SinkRound::Nothing);
    assert!(bench.fake.taken().is_empty());
    bench.happen(EventName::ConfigChecked, 1).await;
    bench.rounds().await;
    assert_eq!(bench.fake.taken(), [before + 1]);
}

#[tokio::test]
async fn what_is_not_for_a_sink_is_passed_over() {
    let events = SinkEvents::parse(&["config.*".to_owned()]).unwrap();
    let bench = Bench::with(SinkRules { events, start: SinkStart::Now, ..rules("siem") }, SealRules::default()).await;
    // A sink begins where the chain is when it is looked at first.
    bench.happen(EventName::AdminLogout, 1).await;
    bench.rounds().await;
    bench.happen(EventName::AdminLogout, 30).await;
    let wanted = bench.happen(EventName::ConfigChecked, 1).await;
    let last = bench.happen(EventName::AdminLogout, 600).await;
    assert_eq!(bench.rounds().await, SinkRound::Nothing);
    assert_eq!((bench.fake.taken(), bench.seq().await), (vec![wanted], last));
}

#[tokio::test]
async fn a_dead_sink_is_tried_again_later_and_loses_nothing() {
    let bench = Bench::with(rules("siem"), SealRules::default()).await;
    bench.fake.fails(Some(SinkTrouble::Refused));
    let last = bench.happen(EventName::ConfigChecked, 25).await;
    assert_eq!(bench.rounds().await, SinkRound::Failed(SinkTrouble::Refused));
    assert_eq!(bench.round().await, SinkRound::Later, "it is not time yet");
    let state = bench.gateway.sink_states().await.unwrap().remove(0);
    let trouble = state.cursor.unwrap().trouble.unwrap();
    assert_eq!((trouble.kind, trouble.attempts, state.lag.events), (SinkTrouble::Refused, 1, u64::try_from(last).unwrap()));
    bench.rig.clock.advance(Duration::from_secs(2));
    assert_eq!(bench.round().await, SinkRound::Failed(SinkTrouble::Refused));
    bench.fake.fails(None);
    bench.rig.clock.advance(Duration::from_mins(6));
    assert_eq!(bench.rounds().await, SinkRound::Nothing);
    assert_eq!(bench.fake.taken(), (1..=last).collect::<Vec<_>>());
    assert_eq!(bench.fake.batches()[0].len(), 2, "after two attempts a quarter is tried");
}

#[tokio::test]
async fn a_sink_that_never_answers_is_given_up_for_now() {
    let bench = Bench::with(rules("siem"), SealRules::default()).await;
    bench.happen(EventName::ConfigChecked, 1).await;
    bench.fake.is_silent();
    assert_eq!(bench.rounds().await, SinkRound::Failed(SinkTrouble::Timeout));
}

#[tokio::test]
async fn one_node_sends_until_it_is_gone() {
    let store = Arc::<MemoryStore>::default();
    let one = Bench::on(store.clone(), rules("siem"), SealRules::default()).await;
    let other = Bench::on(store, rules("siem"), SealRules::default()).await;
    one.happen(EventName::ConfigChecked, 3).await;
    one.rounds().await;
    let last = one.happen(EventName::ConfigChecked, 3).await;
    assert_eq!(other.round().await, SinkRound::Later, "the first has it in hand");
    // The first is gone; after so long another takes over, where it was.
    other.rig.clock.set(one.rig.clock.now() + Duration::from_secs(30));
    assert_eq!(other.rounds().await, SinkRound::Nothing);
    let all: Vec<_> = one.fake.taken().into_iter().chain(other.fake.taken()).collect();
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    assert_eq!(one.round().await, SinkRound::Later);
}

#[tokio::test]
async fn a_node_that_stops_lets_another_begin_at_once() {
    let store = Arc::<MemoryStore>::default();
    let one = Bench::on(store.clone(), rules("siem"), SealRules::default()).await;
    let other = Bench::on(store, rules("siem"), SealRules::default()).await;
    one.happen(EventName::ConfigChecked, 3).await;
    one.rounds().await;
    let last = one.happen(EventName::ConfigChecked, 3).await;
    other.gateway.let_go_of_sinks().await.unwrap();
    assert_eq!(other.round().await, SinkRound::Later, "only who has it lets go of it");
    one.gateway.let_go_of_sinks().await.unwrap();
    assert_eq!(other.rounds().await, SinkRound::Nothing);
    assert_eq!(other.fake.taken().last(), Some(&last));
}

#[tokio::test]
async fn of_two_nodes_that_send_at_once_none_loses_anything() {
    let store = Arc::<MemoryStore>::default();
    let rules = SinkRules { most: 1, ..rules("siem") };
    let one = Bench::on(store.clone(), rules.clone(), SealRules::default()).await;
    let other = Bench::on(store, rules, SealRules::default()).await;
    let last = one.happen(EventName::ConfigChecked, 20).await;
    tokio::join!(one.rounds(), other.rounds());
    while one.seq().await < last {
        one.rig.clock.advance(Duration::from_mins(1));
        one.rounds().await;
    }
    let all: BTreeSet<_> = one.fake.taken().into_iter().chain(other.fake.taken()).collect();
    assert_eq!(all, (1..=last).collect());
}

/// Keeps for a day, and for two more what a sink has not had; every event has a checkpoint.
fn kept_for_a_day() -> SealRules {
    SealRules { checkpoint_every: 1, keep_for: Some(DAY), keep_for_sinks: DAY * 2, ..SealRules::default() }
}

#[tokio::test]
async fn what_a_sink_has_not_had_is_kept_longer_but_not_for_ever() {
    let bench = Bench::with(rules("siem"), kept_for_a_day()).await;
    bench.happen(EventName::ConfigChecked, 3).await;
    bench.rounds().await;
    let had = bench.seq().await;
    bench.fake.fails(Some(SinkTrouble::Unreachable));
    let last = bench.happen(EventName::ConfigChecked, 3).await;
    let base = async || bench.rig.store.chain().await.unwrap().unwrap().base;
    let named = |name| bench.rig.events().into_iter().filter(|event| event.name == name).collect::<Vec<_>>();

    bench.rig.clock.advance(DAY + Duration::from_mins(1));
    bench.gateway.forget_old_events().await.unwrap();
    assert_eq!(base().await, had, "what it has not had is kept");
    assert!(named(EventName::AuditSinkMissed).is_empty());
    bench.rig.clock.advance(DAY);
    bench.gateway.forget_old_events().await.unwrap();
    assert_eq!(base().await, had);

    bench.rig.clock.advance(DAY);
    bench.gateway.forget_old_events().await.unwrap();
    assert_eq!((base().await, bench.seq().await), (last, last));
    let missed = named(EventName::AuditSinkMissed).remove(0);
    assert_eq!((missed.outcome, missed.reason), (Outcome::Failure, Some(Reason::Undelivered)));
    assert_eq!(missed.detail, Some(format!("siem has not had events {} to {last}, which are kept no more", had + 1)));

    // It goes on with what there is, and with what says that it missed something.
    bench.fake.fails(None);
    let end = bench.happen(EventName::ConfigChecked, 1).await;
    bench.rig.clock.advance(Duration::from_mins(10));
    bench.rounds().await;
    assert_eq!(bench.fake.taken(), (1..=had).chain(last + 1..=end).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_sink_that_is_up_to_date_holds_nothing_back() {
    let bench = Bench::with(rules("siem"), kept_for_a_day()).await;
    let last = bench.happen(EventName::ConfigChecked, 3).await;
    bench.rounds().await;
    bench.rig.clock.advance(DAY + Duration::from_mins(1));
    bench.gateway.forget_old_events().await.unwrap();
    assert_eq!(bench.rig.store.chain().await.unwrap().unwrap().base, last);
}

/// A node that has no such sink in its configuration, after a day: what it gives up, it gives up without asking.
async fn forgetful_node(bench: &Bench) -> Gateway {
    let (other, rig) = Rig::gateway_on(RigOptions { audit: kept_for_a_day(), ..RigOptions::default() }, bench.rig.store.clone()).await;
    rig.clock.advance(DAY + Duration::from_mins(1));
    // It has the chain in hand for a few seconds then.
    bench.rig.clock.advance(DAY + Duration::from_mins(2));
    other
}

async fn forgets(node: &Gateway) {
    node.forget_old_events().await.unwrap();
    node.sweep().await.unwrap();
}

#[tokio::test]
async fn what_was_given_up_while_a_sink_was_out_of_the_configuration_is_recorded_as_missed() {
    let bench = Bench::with(rules("siem"), kept_for_a_day()).await;
    let had = bench.happen(EventName::ConfigChecked, 3).await;
    bench.rounds().await;
    let last = bench.happen(EventName::ConfigChecked, 3).await;
    forgets(&forgetful_node(&bench).await).await;
    let end = bench.happen(EventName::ConfigChecked, 1).await;
    bench.rounds().await;
    assert_eq!(bench.fake.taken(), (1..=had).chain(last + 1..=end).collect::<Vec<_>>());
    let missed: Vec<_> = bench.rig.events().into_iter().filter(|event| event.name == EventName::AuditSinkMissed).collect();
    let expected = format!("siem has not had events {} to {last}, which are kept no more", had + 1);
    assert_eq!(missed.into_iter().filter_map(|event| event.detail).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn a_sink_that_begins_while_events_are_given_up_is_said_to_have_missed_them() {
    let bench = Bench::with(rules("siem"), kept_for_a_day()).await;
    let last = bench.happen(EventName::ConfigChecked, 3).await;
    let other = forgetful_node(&bench).await;
    bench.rig.store.meanwhile(Look::Chain, async move { forgets(&other).await });
    assert_eq!(bench.rounds().await, SinkRound::Nothing);
    assert_eq!(bench.seq().await, last);
    assert!(bench.rig.events().iter().any(|event| event.name == EventName::AuditSinkMissed));
}
