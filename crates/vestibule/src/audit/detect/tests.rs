//! A real gateway on a store in memory raises what it finds as it seals; what was recorded is then looked at again.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    audit::{Actor, EventName, EventName as E, Outcome, Source, Witness},
    detection::{Place, Spot},
    ids::ProviderId,
    ports::Clock,
    store::{Changes, Write},
};
use vestibule_flows::Gateway;
use vestibule_testkit::{
    memory_store::MemoryStore,
    rig::{FakeAtlas, Rig, RigOptions},
    sample::{Sample, provider_id},
};

use super::*;

const DAY: Duration = Duration::from_hours(24);
const HOME: &str = "192.0.2.44";
const ABROAD: &str = "203.0.113.9";

/// A gateway with a map, and a person.
struct House {
    gateway: Gateway,
    rig: Rig,
    sample: Sample,
    person: AccountId,
}

fn map() -> FakeAtlas {
    let place = |ip: &str, country: &str, latitude, longitude| {
        let spot = Some(Spot { latitude, longitude, radius: 20 });
        (ip.parse::<IpAddr>().unwrap(), Place { country: Some(country.into()), spot })
    };
    FakeAtlas(vec![place(HOME, "DE", 52.5, 13.4), place(ABROAD, "BR", -23.5, -46.6)])
}

fn options() -> RigOptions {
    RigOptions { atlas: Some(map()), ..RigOptions::default() }
}

impl House {
    async fn open() -> Self {
        let (gateway, rig) = Rig::gateway(options()).await;
        let sample = Sample::default();
        let account = sample.account();
        let person = account.id;
        rig.port().commit(Changes::default().write(Write::PutAccount(account))).await.unwrap();
        Self { gateway, rig, sample, person }
    }

    async fn happens(&self, name: EventName, outcome: Outcome, ip: &str, through: &ProviderId) {
        let source = Source { ip: ip.parse().ok(), user_agent: Some("Mozilla/5.0".into()), country: None };
        let witness = Witness { now: self.rig.clock.now(), source, trace_id: None };
        let event = AuditEvent {
            account: Some(self.person),
            provider: Some(through.clone()),
            login: Some(self.sample.login()),
            session: Some(self.sample.session(&self.sample.account()).id),
            ..witness.event(name, outcome, Actor::Account(self.person), &self.sample.entropy)
        };
        self.rig.port().commit(Changes::default().event(event)).await.unwrap();
    }

    async fn signs_in(&self, ip: &str) {
        self.happens(EventName::LoginSucceeded, Outcome::Success, ip, &provider_id("github")).await;
    }

    async fn fails(&self, times: usize) {
        for _ in 0..times {
            self.rig.clock.advance(Duration::from_secs(1));
            self.happens(EventName::LoginFailed, Outcome::Failure, HOME, &provider_id("github")).await;
        }
    }

    async fn settles(&self) {
        for _ in 0..4 {
            self.signs_in(HOME).await;
            self.rig.clock.advance(DAY);
        }
        self.seal().await;
    }

    async fn seal(&self) {
        while self.gateway.seal_audit().await.unwrap().more {}
    }

    fn raised(&self) -> Vec<EventName> {
        self.rig.events().iter().map(|event| event.name).filter(|name| Detection::recorded_by(*name).is_some()).collect()
    }

    async fn replayed(&self) -> Report {
        let atlas = Some(Arc::new(map()) as Arc<dyn Atlas>);
        replay(self.rig.port(), DetectionRules::default(), atlas, Timestamp::default()).await.unwrap()
    }

    /// Whether anything is kept of the person's habits.
    async fn keeps_habits(&self) -> bool {
        self.rig.port().subjects(&[self.person]).await.unwrap().iter().any(|subject| subject.habits.is_some())
    }
}

#[tokio::test]
async fn what_is_raised_is_recorded_with_its_evidence_and_a_replay_finds_the_same() {
    let house = House::open().await;
    house.settles().await;
    assert_eq!(house.raised(), []);
    house.signs_in(HOME).await;
    house.rig.clock.advance(Duration::from_hours(1));
    house.happens(EventName::LoginSucceeded, Outcome::Success, ABROAD, &provider_id("google")).await;
    house.fails(10).await;
    house.seal().await;
    house.seal().await;
    let mut raised = house.raised();
    raised.sort_unstable();
    assert_eq!(raised, [E::DetectionFailureBurst, E::DetectionNewCountry, E::DetectionImpossibleTravel, E::DetectionNewProvider]);
    let events = house.rig.port().events(&EventQuery { limit: 100, ..EventQuery::default() }).await.unwrap();
    let travel = events.iter().find(|event| event.name == E::DetectionImpossibleTravel).unwrap();
    assert_eq!((travel.account, travel.source.country.as_deref()), (Some(house.person), Some("BR")));
    assert!(travel.link.is_some() && travel.personal.is_some(), "it is in the chain, and where the person was can be erased");
    let detail = travel.detail.as_deref().unwrap();
    assert!(detail.starts_with("10") && detail.contains(" km in 3600 s; at login.succeeded "), "{detail}");
    let report = house.replayed().await;
    assert_eq!(report.found.len(), 4);
    assert!(report.counts.values().all(|count| count.found == count.recorded), "{:?}", report.counts);
    assert!(report.text().contains("impossible_travel"), "{}", report.text());
}

#[tokio::test]
async fn the_same_is_not_raised_again_until_it_has_cooled_down() {
    let house = House::open().await;
    house.fails(35).await;
    house.seal().await;
    assert_eq!(house.raised(), [EventName::DetectionFailureBurst]);
    house.fails(10).await;
    house.seal().await;
    assert_eq!(house.raised().len(), 1);
    house.rig.clock.advance(DAY);
    house.fails(10).await;
    house.seal().await;
    assert_eq!(house.raised().len(), 2);
}

#[tokio::test]
async fn another_node_goes_on_where_one_stopped() {
    let house = House::open().await;
    house.settles().await;
    house.fails(6).await;
    house.seal().await;
    house.rig.clock.advance(Duration::from_secs(20));
    let store: Arc<MemoryStore> = house.rig.store.clone();
    let (other, others_rig) = Rig::gateway_on(options(), store).await;
    others_rig.clock.advance(house.rig.clock.now().since(others_rig.clock.now()));
    house.fails(4).await;
    others_rig.clock.advance(Duration::from_secs(30));
    house.signs_in(ABROAD).await;
    while other.seal_audit().await.unwrap().more {}
    let mut raised = house.raised();
    raised.sort_unstable();
    assert_eq!(
        raised,
        [EventName::DetectionFailureBurst, EventName::DetectionNewCountry],
        "the failures and the habits of the first count"
    );
    // And back again: what the first remembers is out of date.
    house.rig.clock.advance(Duration::from_mins(2));
    house.fails(9).await;
    house.seal().await;
    assert_eq!(house.raised().len(), 2);
}

#[tokio::test]
async fn who_is_erased_has_no_habits_left_and_gets_none_from_what_was_before() {
    let house = House::open().await;
    house.settles().await;
    assert!(house.keeps_habits().await);
    let witness = house.rig.witness();
    house.gateway.erase_account(&witness, &Actor::System, &house.person.to_string()).await.unwrap();
    assert!(!house.keeps_habits().await);
    house.rig.clock.advance(Duration::from_secs(1));
    house.seal().await;
    assert!(!house.keeps_habits().await);
    let report = house.replayed().await;
    assert_eq!(report.erased, 4, "nothing is said any more of where they were");
}

#[tokio::test]
async fn who_comes_back_after_long_is_noticed_and_of_who_never_does_nothing_is_left() {
    let house = House::open().await;
    house.settles().await;
    house.rig.clock.advance(DAY * 500);
    house.gateway.sweep().await.unwrap();
    assert!(house.keeps_habits().await, "dormant, and still known");
    house.signs_in(HOME).await;
    house.seal().await;
    assert_eq!(house.raised(), [EventName::DetectionDormantReturn]);
    house.rig.clock.advance(DAY * 546);
    house.gateway.sweep().await.unwrap();
    assert!(!house.keeps_habits().await);
    // As somebody new, of whom nothing is unusual; a replay, which is not swept, says the same.
    house.signs_in(ABROAD).await;
    house.seal().await;
    assert_eq!(house.raised().len(), 1);
    let report = house.replayed().await;
    assert_eq!(report.found.len(), 1, "{}", report.text());
}

#[tokio::test]
async fn an_event_of_before_the_erasure_that_is_sealed_after_it_teaches_nothing() {
    let house = House::open().await;
    house.settles().await;
    house.signs_in(ABROAD).await;
    house.gateway.erase_account(&house.rig.witness(), &Actor::System, &house.person.to_string()).await.unwrap();
    house.seal().await;
    assert!(!house.keeps_habits().await);
    assert_eq!(house.raised(), []);
}

#[tokio::test]
async fn what_is_kept_of_habits_says_nothing_to_who_steals_the_database() {
    let house = House::open().await;
    house.settles().await;
    let subjects = house.rig.port().subjects(&[house.person]).await.unwrap();
    let habits = subjects[0].habits.clone().unwrap();
    let text = String::from_utf8_lossy(&habits.0).into_owned();
    assert!(!text.contains("192.0.2") && !text.contains("github") && !text.contains("DE"), "{text}");
}

#[tokio::test]
async fn with_detections_off_nothing_is_learned() {
    let (gateway, rig) =
        Rig::gateway(RigOptions { detections: DetectionRules { enabled: false, ..DetectionRules::default() }, ..options() }).await;
    let sample = Sample::default();
    let house = House { gateway, rig, person: sample.account().id, sample };
    house.settles().await;
    house.fails(20).await;
    house.seal().await;
    assert_eq!(house.raised(), []);
    assert!(!house.keeps_habits().await);
}
