use super::*;
use crate::{change::Change, ids::LoginId};

/// A Friday, at 08:00 UTC.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_hours(24);

struct Counting(std::sync::atomic::AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

static ENTROPY: Counting = Counting(std::sync::atomic::AtomicU8::new(0));

fn account(number: u128) -> AccountId {
    AccountId(uuid::Uuid::from_u128(number))
}

fn event(name: EventName, outcome: Outcome, actor: Actor, ip: &str, at: Timestamp) -> AuditEvent {
    let source = Source { ip: ip.parse().ok(), user_agent: Some("Mozilla/5.0".into()), country: None };
    Witness { now: at, source, trace_id: Some("0af7".into()) }.event(name, outcome, actor, &ENTROPY)
}

/// A person, what is known of them, and what is found as they come.
#[derive(Default)]
struct Person {
    habits: Habits,
    detector: Detector,
    rules: DetectionRules,
    place: Option<Place>,
}

impl Person {
    fn of(rules: DetectionRules) -> Self {
        Self { rules, ..Self::default() }
    }

    fn is_in(&mut self, country: &str, latitude: f64, longitude: f64) -> &mut Self {
        self.place = Some(Place { country: Some(country.into()), spot: Some(Spot { latitude, longitude, radius: 20 }) });
        self
    }

    fn comes(&mut self, name: EventName, through: &str, ip: &str, at: Timestamp) -> Vec<Detection> {
        let event = AuditEvent {
            account: Some(account(1)),
            provider: through.parse().ok(),
            login: Some(LoginId(uuid::Uuid::from_u128(7))),
            ..event(name, Outcome::Success, Actor::Account(account(1)), ip, at)
        };
        let found = self.detector.look(&self.rules, &event, self.place.as_ref(), Some(&mut self.habits));
        found.into_iter().map(|finding| finding.detection).collect()
    }

    fn signs_in(&mut self, ip: &str, at: Timestamp) -> Vec<Detection> {
        self.comes(EventName::LoginSucceeded, "github", ip, at)
    }

    /// Five days of office.
    fn settled(mut self) -> Self {
        for day in 0..5 {
            assert_eq!(self.signs_in("192.0.2.7", NOW - DAY * (10 - day)), [], "day {day}");
        }
        self
    }
}

#[test]
fn a_new_account_raises_nothing_and_a_known_one_at_home_neither() {
    let mut person = Person::default().settled();
    assert_eq!(person.signs_in("192.0.2.200", NOW), [], "the same /24");
    let mut newcomer = Person::default();
    assert_eq!(newcomer.signs_in("192.0.2.7", NOW), []);
    assert_eq!(newcomer.signs_in("198.51.100.7", NOW + DAY), [], "after one sign-in nothing is a habit");
}

#[test]
fn a_network_is_new_to_who_has_settled_and_known_from_then_on() {
    let mut person = Person::default().settled();
    assert_eq!(person.signs_in("198.51.100.7", NOW), [Detection::NewNetwork]);
    assert_eq!(person.signs_in("198.51.100.7", NOW), []);
    assert_eq!(person.signs_in("2001:db8:1:2::7", NOW + DAY), [Detection::NewNetwork]);
    assert_eq!(person.signs_in("203.0.113.7", NOW + DAY), [], "eight sign-ins for three networks: they get about");
    for day in 2..8 {
        person.signs_in("2001:db8:1:2::7", NOW + DAY * day);
    }
    assert_eq!(person.signs_in("2001:db8:1:ffff::1", NOW + DAY * 9), [], "the same /48");
    assert_eq!(person.signs_in("2001:db8:2::1", NOW + DAY * 9), [Detection::NewNetwork]);
    assert_eq!(
        person.signs_in("198.51.100.9", NOW + DAY * 250),
        [Detection::DormantReturn],
        "what is forgotten is no habit to differ from"
    );
}

#[test]
fn who_is_always_somewhere_else_raises_nothing_by_being_there() {
    let mut person = Person::default();
    for day in 0..60 {
        let found = person.signs_in(&format!("198.18.{day}.1"), NOW + DAY * day);
        assert_eq!(found, [], "day {day}");
    }
}

#[test]
fn what_is_known_of_a_person_is_bounded() {
    let mut person = Person::default();
    let letters = ('A'..='Z').flat_map(|first| ('A'..='Z').map(move |second| format!("{first}{second}")));
    for (number, country) in (0..300u64).zip(letters) {
        person.is_in(&country, 50.0, 8.0);
        person.comes(
            EventName::LoginSucceeded,
            &format!("p{number}"),
            &format!("198.18.{}.1", number % 256),
            NOW + Duration::from_mins(number),
        );
    }
    assert!(serde_json::to_string(&person.habits).unwrap().len() < 4_096);
}

#[test]
fn a_country_is_new_and_its_network_is_then_no_news() {
    let mut person = Person::default();
    person.is_in("DE", 52.5, 13.4);
    let mut person = person.settled();
    person.is_in("DE", 48.1, 11.6);
    assert_eq!(person.signs_in("198.51.100.7", NOW), [], "another network of the same country");
    person.is_in("FR", 48.9, 2.4);
    assert_eq!(person.signs_in("203.0.113.7", NOW + DAY), [Detection::NewCountry]);
    for day in 2..4 {
        assert_eq!(person.signs_in("203.0.113.7", NOW + DAY * day), []);
    }
    person.is_in("BR", -23.5, -46.6);
    assert_eq!(
        person.comes(EventName::LoginSilent, "github", "203.0.113.99", NOW + DAY * 4),
        [Detection::NewCountry],
        "a session that was carried off"
    );
    // The database says nothing of an address on the premises.
    person.place = None;
    assert_eq!(person.signs_in("10.0.0.1", NOW + DAY * 5), [Detection::NewNetwork]);
}

#[test]
fn nobody_is_in_berlin_and_an_hour_later_in_sao_paulo() {
    let mut person = Person::default();
    person.is_in("DE", 52.5, 13.4);
    assert_eq!(person.signs_in("192.0.2.7", NOW), []);
    person.is_in("BR", -23.5, -46.6);
    assert_eq!(person.signs_in("198.51.100.7", NOW + Duration::from_hours(1)), [Detection::ImpossibleTravel]);
    assert_eq!(person.signs_in("198.51.100.7", NOW + Duration::from_hours(2)), [], "they are there now");
    person.is_in("DE", 52.5, 13.4);
    assert_eq!(person.signs_in("192.0.2.7", NOW + Duration::from_hours(16)), [], "a plane takes twelve hours");
    // Potsdam is not far enough for a database to be believed.
    person.is_in("DE", 52.4, 13.1);
    assert_eq!(person.signs_in("192.0.2.8", NOW + Duration::from_hours(16) + Duration::from_secs(1)), []);
}

#[test]
fn two_nodes_that_record_in_another_order_make_nobody_travel() {
    let mut person = Person::default();
    person.is_in("DE", 52.5, 13.4);
    person.signs_in("192.0.2.7", NOW + Duration::from_hours(20));
    person.is_in("BR", -23.5, -46.6);
    assert_eq!(person.signs_in("198.51.100.7", NOW), [], "twenty hours before, recorded after");
}

#[test]
fn a_provider_is_new_to_who_has_used_others() {
    let mut person = Person::default();
    person.comes(EventName::LoginSucceeded, "github", "192.0.2.7", NOW);
    assert_eq!(person.comes(EventName::LoginSucceeded, "google", "192.0.2.7", NOW + DAY), [], "they are only beginning");
    let mut person = Person::default().settled();
    assert_eq!(person.comes(EventName::LoginSucceeded, "google", "192.0.2.7", NOW), [Detection::NewProvider]);
    assert_eq!(person.comes(EventName::LoginSucceeded, "google", "192.0.2.7", NOW + DAY), []);
}

#[test]
fn who_was_away_for_a_quarter_returns() {
    let mut person = Person::default().settled();
    assert_eq!(person.signs_in("192.0.2.7", NOW + DAY * 84), [], "ninety days less a bit");
    assert_eq!(person.signs_in("192.0.2.7", NOW + DAY * 180), [Detection::DormantReturn]);
    assert_eq!(person.signs_in("192.0.2.7", NOW + DAY * 181), []);
}

#[test]
fn who_was_away_for_longer_than_anything_is_known_is_somebody_new() {
    let mut person = Person::default().settled();
    let known_for = person.rules.known_for();
    assert_eq!(known_for, DAY * (180 + 365));
    assert!(DetectionRules { dormant_after: DAY * 3_650, ..DetectionRules::default() }.known_for() > DAY * 3_650, "or nobody ever returns");
    let back = NOW + DAY * 181;
    assert_eq!(person.signs_in("192.0.2.7", back), [Detection::DormantReturn]);
    assert_eq!(person.signs_in("192.0.2.7", back + known_for), [Detection::DormantReturn], "to the last moment");
    assert_eq!(person.signs_in("192.0.2.7", back + known_for * 2 + Duration::from_millis(1)), []);
    let mut nobody = Person::default();
    nobody.signs_in("192.0.2.7", back + known_for * 2 + Duration::from_millis(1));
    assert_eq!(person.habits, nobody.habits, "nothing is left of before");
}

#[test]
fn what_is_turned_off_is_not_found_and_learned_all_the_same() {
    let mut person = Person::of(DetectionRules { off: vec![Detection::NewNetwork], ..DetectionRules::default() }).settled();
    assert_eq!(person.signs_in("198.51.100.7", NOW), []);
    person.rules.off.clear();
    assert_eq!(person.signs_in("198.51.100.7", NOW), []);
    let mut nobody = Person::of(DetectionRules { enabled: false, ..DetectionRules::default() });
    nobody.signs_in("192.0.2.7", NOW);
    assert_eq!(nobody.habits, Habits::default(), "nothing is learned of anybody");
}

fn failure(reason: Reason, ip: &str, at: Timestamp) -> AuditEvent {
    let event = event(EventName::LoginFailed, Outcome::Failure, Actor::Anonymous, ip, at);
    AuditEvent { reason: Some(reason), account: Some(account(1)), client: "app".parse().ok(), ..event }
}

#[test]
fn ten_failures_of_an_account_within_ten_minutes_are_a_burst() {
    let rules = DetectionRules::default();
    let mut detector = Detector::default();
    let mut fails = |number: u64, every: u64, reason| {
        detector.look(&rules, &failure(reason, &format!("192.0.2.{number}"), NOW + Duration::from_secs(number * every)), None, None)
    };
    for number in 1..30 {
        assert_eq!(fails(number, 120, Reason::MixUp), [], "one in two minutes");
    }
    for number in 100..130 {
        assert_eq!(fails(number, 60, Reason::UpstreamUnreachable), [], "the provider's fault");
    }
    for number in 131..140 {
        assert_eq!(fails(number, 60, Reason::MixUp), []);
    }
    let found = fails(140, 60, Reason::MixUp);
    let burst = Finding {
        detection: Detection::FailureBurst,
        target: Target::Account(account(1)),
        evidence: "10 failures within 540 s".into(),
        country: None,
    };
    assert_eq!(found, [burst]);
    assert_eq!(fails(141, 60, Reason::MixUp), [], "counting began anew");
}

#[test]
fn failures_from_one_household_and_of_one_client_are_bursts_of_their_own() {
    let rules = DetectionRules { failures_per_account: 0, failures_per_address: 5, failures_per_client: 7, ..DetectionRules::default() };
    let mut detector = Detector::default();
    let mut found = Vec::new();
    for number in 0..7u16 {
        let at = NOW + Duration::from_secs(number.into());
        found.extend(detector.look(&rules, &failure(Reason::AttemptUnknown, &format!("2001:db8:1:2::{number:x}"), at), None, None));
    }
    let targets: Vec<_> = found.iter().map(|finding| finding.target.clone()).collect();
    assert_eq!(targets, [Target::Address("2001:db8:1:2::".parse().unwrap()), Target::Client("app".parse().unwrap())]);
}

#[test]
fn attack_84_a_flood_of_addresses_makes_no_more_than_a_bounded_memory() {
    let rules = DetectionRules { failures_per_account: 0, failures_per_client: 0, ..DetectionRules::default() };
    let mut detector = Detector::default();
    for number in 0..100_000u32 {
        let address = std::net::Ipv4Addr::from(number).to_string();
        detector.recall(&rules, &failure(Reason::AttemptUnknown, &address, NOW));
    }
    assert!(detector.failures.len() <= crate::ages::MOST_KEPT);
}

#[test]
fn a_token_that_comes_back_is_found() {
    let cause = AuditEvent {
        account: Some(account(1)),
        client: "app".parse().ok(),
        grant_type: Some(GrantType::RefreshToken),
        ..event(EventName::TokenReuseDetected, Outcome::Failure, Actor::Client("app".parse().unwrap()), "192.0.2.9", NOW)
    };
    let found = Detector::default().look(&DetectionRules::default(), &cause, None, None);
    assert_eq!((found[0].detection, &found[0].target), (Detection::RefreshReuse, &Target::Account(account(1))));
    let record = found[0].event(&cause, NOW, &ENTROPY);
    assert_eq!(
        (record.name, record.actor.clone(), record.subject()),
        (EventName::DetectionRefreshReuse, cause.actor.clone(), Some(account(1)))
    );
    assert_eq!(record.detail, Some(format!("a refresh token that was used up came back; at token.reuse_detected {}", cause.id)));
}

#[test]
fn operators_who_work_at_night_are_found_in_their_own_time_zone() {
    let rules = DetectionRules {
        admin_hours: Some(OfficeHours::parse("Mon-Fri 08:00-18:00, Sat 09:00-13:00", "Europe/Berlin").unwrap()),
        admin_keys_at_any_hour: vec!["nightly".into()],
        ..DetectionRules::default()
    };
    let does = |name, actor, outcome, at| {
        let found = Detector::default().look(&rules, &event(name, outcome, actor, "192.0.2.7", at), None, None);
        found.into_iter().map(|finding| finding.evidence).collect::<Vec<_>>()
    };
    let key = |name: &str| Actor::AdminKey(name.to_owned());
    let noon = NOW;
    let night = NOW + Duration::from_hours(11);
    assert_eq!(does(EventName::ClientUpdated, key("terraform"), Outcome::Success, noon), Vec::<String>::new());
    assert_eq!(does(EventName::ClientUpdated, key("terraform"), Outcome::Success, night), ["client.updated at Fri 20:00 (Europe/Berlin)"]);
    assert_eq!(does(EventName::ProviderUpdated, Actor::Operator(account(1)), Outcome::Success, night).len(), 1);
    assert!(does(EventName::ClientUpdated, key("nightly"), Outcome::Success, night).is_empty());
    assert!(does(EventName::AdminLogin, Actor::Operator(account(1)), Outcome::Success, night).is_empty());
    assert!(does(EventName::ClientUpdated, key("terraform"), Outcome::Denied, night).is_empty());
    assert!(does(EventName::KeyRotated, Actor::System, Outcome::Success, night).is_empty());
    assert_eq!(does(EventName::KeyRotated, Actor::command(), Outcome::Success, night).len(), 1, "by a command on the machine");
    // A file that says the same is read again by whoever renews a certificate.
    let reload = event(EventName::ConfigReloaded, Outcome::Success, Actor::System, "192.0.2.7", night);
    let finds = |rules: &DetectionRules, reload: &AuditEvent| Detector::default().look(rules, reload, None, None);
    assert!(finds(&rules, &reload).is_empty());
    let change = vec![Change { pointer: "/providers.acme.label".into(), before: None, after: Some("Acme".into()) }];
    let reload = AuditEvent { change, ..reload };
    assert_eq!(finds(&rules, &reload)[0].target, Target::Operator(COMMAND_LINE.to_owned()));
    let rules = DetectionRules { admin_keys_at_any_hour: vec![COMMAND_LINE.to_owned()], ..rules };
    assert!(finds(&rules, &reload).is_empty());
}

#[test]
fn hours_are_read_as_they_are_written() {
    let include = |text: &str, hour: u64| OfficeHours::parse(text, "UTC").unwrap().include(NOW + Duration::from_hours(hour));
    // NOW is a Friday at eight.
    assert!(include("Mon-Fri 08:00-18:00", 0) && include("Fri 08:00-09:00", 0));
    assert!(!include("Mon-Fri 08:00-18:00", 10) && !include("Mon-Thu 00:00-24:00", 0));
    assert!(include("Sat-Mon 00:00-24:00", 24) && !include("Sat-Mon 00:00-24:00", 0), "over the end of the week");
    assert!(include("Mon 00:00-01:00, Fri 07:30-08:01", 0));
    for bad in ["", "Mon", "Monday 08:00-09:00", "Mon 8:00-9:00", "Mon 08:00", "Mon 08:60-09:00", "Mon 08:00-24:01", "Mon-Fri 08:00-18:00,"]
    {
        assert_eq!(OfficeHours::parse(bad, "UTC"), Err(HoursFault::Form), "{bad}");
    }
    assert_eq!(OfficeHours::parse("Mon 22:00-06:00", "UTC"), Err(HoursFault::Backwards));
    assert_eq!(OfficeHours::parse("Mon 08:00-09:00", "Berlin"), Err(HoursFault::Zone));
}

#[test]
fn summer_time_moves_the_hours() {
    let hours = OfficeHours::parse("Mon-Sun 08:00-18:00", "Europe/Berlin").unwrap();
    let at = |text: &str| Timestamp::parse(text).unwrap();
    assert!(!hours.include(at("2027-01-15T06:30:00Z")));
    assert!(hours.include(at("2027-07-15T06:30:00Z")));
}

#[test]
fn the_record_of_a_finding_says_of_a_person_only_what_can_be_erased() {
    let cause = AuditEvent {
        account: Some(account(1)),
        provider: "github".parse().ok(),
        ..event(EventName::LoginSucceeded, Outcome::Success, Actor::Account(account(1)), "198.51.100.7", NOW)
    };
    let finding = |target| Finding { detection: Detection::NewCountry, target, evidence: "a country".into(), country: Some("FR".into()) };
    let mut record = finding(Target::Account(account(1))).event(&cause, NOW, &ENTROPY);
    assert_eq!(record.source.country.as_deref(), Some("FR"));
    assert!(crate::audit::schema::missing(&record).is_empty());
    let kept = record.set_apart(crate::secret::Digest([1; 32]), |_| crate::secret::Digest([2; 32])).unwrap();
    assert!(kept.contains("FR") && kept.contains("198.51.100.7"));
    let chained = crate::audit::record::chained(&record);
    assert!(!chained.contains("FR") && !chained.contains("198.51.100"), "{chained}");
    // What failed for many people from one address names none of them.
    let record = finding(Target::Address("198.51.100.7".parse().unwrap())).event(&cause, NOW, &ENTROPY);
    assert_eq!((record.account, record.actor, record.source.user_agent), (None, Actor::Anonymous, None));
    let record = finding(Target::Client("app".parse().unwrap())).event(&cause, NOW, &ENTROPY);
    assert_eq!((record.account, record.source), (None, Source::default()));
}

#[test]
fn every_detection_has_an_event_of_its_own_and_no_other_event_is_one() {
    for name in EventName::ALL {
        let detection = Detection::recorded_by(*name);
        assert_eq!(detection.is_some(), name.as_str().starts_with("detection."), "{name}");
        if let Some(detection) = detection {
            assert_eq!(name.as_str(), format!("detection.{detection}"));
        }
    }
}
