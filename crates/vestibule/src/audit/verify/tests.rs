//! A log is made by a real gateway on a store in memory, exported by the command's own code, and then meddled with.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use vestibule_domain::{
    audit::{
        Actor, AuditEvent, EventName, Outcome, Source, Witness,
        chain::SealRules,
        form::Form,
        verify::{Broken, Report, Verifier},
    },
    detection::DetectionRules,
    ids::AccountId,
    ports::{Clock, Notary},
    secret::PublicKey,
    store::{Changes, EventQuery},
    time::Timestamp,
};
use vestibule_flows::Gateway;
use vestibule_testkit::{
    every_event::every_event,
    memory_store::{Look, MemoryStore},
    rig::{Rig, RigOptions},
    sample::Sample,
};

use super::*;
use crate::audit::export::What;

/// A gateway whose checkpoints cover five events, and a person.
struct House {
    gateway: Gateway,
    rig: Rig,
    sample: Sample,
    person: AccountId,
}

impl House {
    async fn open() -> Self {
        Self::with(SealRules { checkpoint_every: 5, ..SealRules::default() }).await
    }

    /// One whose oldest events are past their time, and not given up yet.
    async fn with_old_events() -> Self {
        let keep_for = Some(Duration::from_hours(24));
        let house = Self::with(SealRules { checkpoint_every: 5, keep_for, ..SealRules::default() }).await;
        house.happens(12).await;
        house.seal_all().await;
        house.rig.clock.advance(Duration::from_hours(25));
        house.happens(4).await;
        house.seal_all().await;
        house
    }

    async fn with(audit: SealRules) -> Self {
        // The same failure again and again is not what it is about here.
        let detections = DetectionRules { enabled: false, ..DetectionRules::default() };
        let (gateway, rig) = Rig::gateway(RigOptions { audit, detections, ..RigOptions::default() }).await;
        let sample = Sample::default();
        let person = sample.account();
        rig.port().commit(Changes::default().write(vestibule_domain::store::Write::PutAccount(person.clone()))).await.unwrap();
        let house = Self { gateway, rig, sample, person: person.id };
        house.seal().await;
        house
    }

    /// Something happens, and a second goes by.
    async fn happens(&self, many: usize) {
        for _ in 0..many {
            self.rig.clock.advance(Duration::from_secs(1));
            let source = Source { ip: "192.0.2.44".parse().ok(), user_agent: Some("Browser \"\u{e9}\"/\u{1}".into()), country: None };
            let witness = Witness { now: self.rig.clock.now(), source, trace_id: None };
            let actor = Actor::Account(self.person);
            let event = AuditEvent {
                account: Some(self.person),
                ..witness.event(EventName::LoginFailed, Outcome::Failure, actor, &self.sample.entropy)
            };
            self.rig.port().commit(Changes::default().event(event)).await.unwrap();
        }
    }

    async fn seal(&self) {
        while self.gateway.seal_audit().await.unwrap().more {}
    }

    /// Everything is sealed, and a checkpoint covers it.
    async fn seal_all(&self) {
        self.seal().await;
        self.rig.clock.advance(Duration::from_secs(61));
        self.seal().await;
    }

    /// Somebody else seals what waits, right after the next look of that kind.
    fn is_sealed_after(&self, look: Look) {
        let gateway = self.gateway.clone();
        self.rig.store.meanwhile(look, async move { while gateway.seal_audit().await.unwrap().more {} });
    }

    /// Somebody else gives up what is past its time, right after the next look of that kind.
    fn is_given_up_after(&self, look: Look) {
        let gateway = self.gateway.clone();
        self.rig.store.meanwhile(look, async move {
            gateway.forget_old_events().await.unwrap();
            gateway.sweep().await.unwrap();
        });
    }

    async fn base(&self) -> i64 {
        self.rig.port().chain().await.unwrap().unwrap().base
    }

    async fn key(&self) -> PublicKey {
        self.rig.port().chain().await.unwrap().unwrap().key
    }

    async fn export(&self) -> Vec<String> {
        self.export_of(EventQuery::default()).await
    }

    async fn export_of(&self, query: EventQuery) -> Vec<String> {
        let what = What { query: EventQuery { limit: 7, ..query }, form: Form::Jsonl, provable: true };
        let out = what.write(self.rig.port(), Vec::new()).await.unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }
}

fn verify<'a>(key: PublicKey, lines: impl IntoIterator<Item = &'a str>) -> Result<Report, Broken> {
    let mut verifier = Verifier::new(&LocalNotary, key);
    lines.into_iter().try_for_each(|line| verifier.line(line))?;
    verifier.conclude()
}

fn all(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn what_was_sealed_is_whole() {
    let house = House::open().await;
    house.happens(12).await;
    house.seal_all().await;
    let lines = house.export().await;
    let report = verify(house.key().await, all(&lines)).unwrap();
    let sealed = house.rig.events().len();
    assert_eq!((report.from, report.to, report.records), (Some(1), i64::try_from(sealed).ok(), sealed as u64));
    assert!(report.checkpoints >= 2 && lines.last().unwrap().starts_with("{\"checkpoint\":"), "{report:?}");
    assert!(lines.iter().any(|line| line.contains("192.0.2.44")), "what is said of a person can be read");

    // What came since is there, and nothing is proven of it.
    house.happens(2).await;
    house.seal().await;
    house.happens(1).await;
    let lines = house.export().await;
    assert_eq!(verify(house.key().await, all(&lines)).unwrap().unsealed, 3);
}

#[tokio::test]
async fn each_way_to_meddle_is_named_with_its_event() {
    let house = House::open().await;
    house.happens(12).await;
    house.seal_all().await;
    let (lines, key) = (house.export().await, house.key().await);
    let seq =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap().pointer("/chain/seq").and_then(serde_json::Value::as_i64);
    let at = lines.iter().position(|line| seq(line) == Some(8)).unwrap();
    let meddled = |meddle: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        meddle(&mut lines);
        verify(key, all(&lines))
    };
    let end = i64::try_from(house.rig.events().len()).unwrap();
    let before = &lines[at - 1];
    assert_eq!(meddled(&|lines| drop(lines.remove(at))), Err(Broken::Missing(8, 9)));
    assert_eq!(meddled(&|lines| lines.swap(at, at + 1)), Err(Broken::Missing(8, 9)));
    assert_eq!(meddled(&|lines| lines.insert(at, before.clone())), Err(Broken::Reordered(7, 7)));
    assert_eq!(meddled(&|lines| lines.truncate(lines.len() - 1)), Err(Broken::CutOff(end)));
    assert_eq!(meddled(&|lines| lines.retain(|line| !line.starts_with("{\"checkpoint"))), Err(Broken::CutOff(end)));
    assert_eq!(meddled(&Vec::clear), Err(Broken::Unproven));
    let replaced = |what: &str, by: &str| meddled(&|lines| lines[at] = lines[at].replace(what, by));
    assert_eq!(replaced("login.failed", "login.silent"), Err(Broken::Altered(8)));
    assert_eq!(replaced("192.0.2.44", "192.0.2.45"), Err(Broken::Personal(8)));

    // Another chain: links and checkpoints of its own, all good among themselves.
    let other = House::open().await;
    other.happens(12).await;
    other.seal_all().await;
    let foreign = other.export().await;
    assert!(matches!(verify(key, all(&foreign)), Err(Broken::Foreign(_))));
    let checkpoint = foreign.iter().find(|line| line.starts_with("{\"checkpoint")).unwrap();
    let place = lines.iter().position(|line| line.starts_with("{\"checkpoint")).unwrap();
    assert!(matches!(meddled(&|lines| lines[place].clone_from(checkpoint)), Err(Broken::Foreign(_))));
}

#[tokio::test]
async fn an_export_of_a_time_is_proven_and_says_nothing_of_the_rest() {
    let house = House::open().await;
    house.happens(30).await;
    house.seal_all().await;
    let since = house.rig.events()[12].time;
    let until = house.rig.events()[22].time;
    let lines = house.export_of(EventQuery { since: Some(since), until: Some(until), ..EventQuery::default() }).await;
    let report = verify(house.key().await, all(&lines)).unwrap();
    assert_eq!((report.records, report.unsealed), (10, 0), "{report:?}");
    assert!(report.left_out > 0 && report.left_out < 10, "as far as the next checkpoint: {report:?}");
}

#[tokio::test]
async fn attack_79_an_erased_person_is_gone_from_the_log_and_the_chain_holds() {
    let house = House::open().await;
    house.happens(6).await;
    house.seal_all().await;
    // The last of them is not sealed yet.
    house.happens(1).await;
    house.rig.clock.advance(Duration::from_secs(1));
    let actor = Actor::AdminKey("rig".into());
    house.gateway.erase_account(&house.rig.witness(), &actor, &house.person.to_string()).await.unwrap();
    house.seal_all().await;
    let lines = house.export().await;
    assert!(!lines.iter().any(|line| line.contains("192.0.2.44") || line.contains("Browser")), "{lines:#?}");
    let report = verify(house.key().await, all(&lines)).unwrap();
    assert_eq!(report.redacted, 7, "{report:?}");
    let account = house.rig.port().account(&house.person).await.unwrap().unwrap();
    assert!(account.disabled && account.profile == vestibule_domain::account::Profile::default());

    // What comes after can be read again.
    house.happens(1).await;
    house.seal_all().await;
    assert!(house.export().await.iter().any(|line| line.contains("192.0.2.44")));
}

#[tokio::test]
async fn what_is_kept_no_more_leaves_the_rest_provable() {
    let house = House::with_old_events().await;
    house.gateway.forget_old_events().await.unwrap();
    house.gateway.sweep().await.unwrap();
    house.seal_all().await;
    let base = house.base().await;
    assert!(base >= 12, "{base}");
    let lines = house.export().await;
    let report = verify(house.key().await, all(&lines)).unwrap();
    assert_eq!(report.from, Some(base + 1));
    assert!(lines.iter().any(|line| line.contains("audit.retention_purged")));
}

#[tokio::test]
async fn what_is_sealed_while_it_is_exported_is_there_once() {
    for look in [Look::Chain, Look::Unsealed, Look::Sequenced, Look::Events] {
        for since in [None, Some(Timestamp::default())] {
            let house = House::open().await;
            house.happens(12).await;
            house.seal_all().await;
            // As many as a checkpoint covers, so that the last of them is covered at once.
            house.happens(5).await;
            house.is_sealed_after(look);
            let lines = house.export_of(EventQuery { since, ..EventQuery::default() }).await;
            let id_of = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().map(str::to_owned);
            let mut exported: Vec<_> = lines.iter().filter_map(id_of).collect();
            let mut happened: Vec<_> = house.rig.events().iter().map(|event| event.id.to_string()).collect();
            exported.sort();
            happened.sort();
            assert_eq!(exported, happened, "{look:?} {since:?}");
            verify(house.key().await, all(&lines)).unwrap();
        }
    }
}

#[tokio::test]
async fn an_export_that_would_have_a_gap_because_events_were_given_up_meanwhile_fails() {
    for (look, since, form) in
        [(Look::Chain, None, Form::Jsonl), (Look::Events, Some(Timestamp::default()), Form::Jsonl), (Look::Events, None, Form::Csv)]
    {
        let house = House::with_old_events().await;
        let query = EventQuery { since, limit: 7, ..EventQuery::default() };
        let what = What { query, form, provable: form == Form::Jsonl };
        house.is_given_up_after(look);
        let failed = what.write(house.rig.port(), Vec::new()).await.unwrap_err().to_string();
        assert!(failed.contains(&format!("events up to {} came to the end", house.base().await)), "{look:?} {form}: {failed}");
        what.write(house.rig.port(), Vec::new()).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_has_no_gap_where_only_what_it_had_read_was_given_up() {
    let house = House::with_old_events().await;
    house.happens(20).await;
    house.seal_all().await;
    let query = EventQuery { limit: 7, ..EventQuery::default() };
    let what = What { query, form: Form::Csv, provable: false };
    // After the fifth page: what is given up lies in those before the fourth.
    let gateway = house.gateway.clone();
    let mut happens: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        gateway.forget_old_events().await.unwrap();
        gateway.sweep().await.unwrap();
    });
    for _ in 1..5 {
        let (store, next) = (house.rig.store.clone(), happens);
        happens = Box::pin(async move { store.meanwhile(Look::Events, next) });
    }
    house.rig.store.meanwhile(Look::Events, happens);
    let written = what.write(house.rig.port(), Vec::new()).await.unwrap();
    let base = house.base().await;
    assert!((12..17).contains(&base), "{base}");
    assert!(String::from_utf8(written).unwrap().lines().count() > 36);
}

#[tokio::test]
async fn what_is_broken_is_said_though_older_events_are_given_up_meanwhile() {
    let house = House::with_old_events().await;
    let mut checkpoint = house.rig.port().checkpoints(-1, 100).await.unwrap().pop().unwrap();
    checkpoint.seq += 1_000;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, json!({ "checkpoint": checkpoint }).to_string()).unwrap();
    let (key, checkpoints) = (Some(house.key().await.to_string()), Some(file.path().to_owned()));
    let options = VerifyOptions { export: None, key, checkpoints, json: false, config: None, data: None };
    let looks = Arc::new(AtomicUsize::new(0));
    let (counted, store_of, gateway) = (looks.clone(), house.rig.store.clone(), house.gateway.clone());
    // When all was read, and before that checkpoint turns out to be none of this log.
    house.rig.store.meanwhile(Look::Sequenced, async move {
        gateway.forget_old_events().await.unwrap();
        gateway.sweep().await.unwrap();
        let store = store_of.clone();
        // After the look that ends it there is none.
        store_of.meanwhile(Look::Chain, async move {
            store.meanwhile(Look::Chain, async move {
                counted.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
    let failed = store(house.rig.port(), &options, true).await.err().unwrap();
    assert!(matches!(failed, Failure::Broken(_)), "{failed}");
    assert_eq!(looks.load(Ordering::Relaxed), 0, "it is not begun again");
    assert!(house.base().await > 0, "and yet events were given up");
}

#[tokio::test]
async fn what_is_given_up_or_signed_while_it_is_verified_is_nothing_broken() {
    let house = House::with_old_events().await;
    let key = Some(house.key().await.to_string());
    let mut options = VerifyOptions { export: None, key, checkpoints: None, json: false, config: None, data: None };
    house.is_given_up_after(Look::Chain);
    let said = store(house.rig.port(), &options, true).await.unwrap().text();
    assert!(said.starts_with(&format!("whole: events {} to ", house.base().await + 1)), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.jsonl");
    std::fs::write(&path, "").unwrap();
    options.checkpoints = Some(path.clone());
    house.happens(5).await;
    let (gateway, kept) = (house.gateway.clone(), house.rig.store.clone());
    house.rig.store.meanwhile(Look::Chain, async move {
        while gateway.seal_audit().await.unwrap().more {}
        let checkpoints = kept.checkpoints(-1, 100).await.unwrap();
        let lines: Vec<_> = checkpoints.iter().map(|checkpoint| json!({ "checkpoint": checkpoint }).to_string() + "\n").collect();
        std::fs::write(path, lines.concat()).unwrap();
    });
    store(house.rig.port(), &options, true).await.unwrap();
    let said = store(house.rig.port(), &options, true).await.unwrap().text();
    assert!(said.contains(" checkpoints that were kept elsewhere are all in it"), "{said}");
}

#[tokio::test]
async fn two_nodes_make_one_chain_and_one_of_them_does_the_work() {
    let store = Arc::<MemoryStore>::default();
    let (one, rig) = Rig::gateway_on(RigOptions::default(), store.clone()).await;
    let (other, _) = Rig::gateway_on(RigOptions::default(), store.clone()).await;
    while one.seal_audit().await.unwrap().more {}
    assert_eq!(other.seal_audit().await.unwrap().sealed, 0, "the first has it in hand");
    assert_eq!(rig.port().count_unsealed().await.unwrap().events, 0);
}

#[test]
fn keys_are_read_as_they_are_printed_and_from_files() {
    let (key, _) = LocalNotary.generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    assert_eq!(read_key(&key.to_string()).unwrap(), key);
    assert_eq!(read_key(file.to_str().unwrap()).unwrap(), key);
    assert!(read_key("nonsense").unwrap_err().to_string().contains("64 hexadecimal digits"));
}

/// An export, and its key; made once for many tries.
fn sealed() -> &'static (String, PublicKey) {
    static MADE: std::sync::OnceLock<(String, PublicKey)> = std::sync::OnceLock::new();
    MADE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let house = House::open().await;
            house.happens(12).await;
            house.seal_all().await;
            (house.export().await.join("\n"), house.key().await)
        })
    })
}

#[test]
fn any_event_may_be_one_that_was_not_sealed_yet() {
    for line in every_event("jsonl").lines() {
        let mut record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        record.retain(|name, _| !matches!(name.as_str(), "chain" | "personal"));
        let mut verifier = Verifier::new(&LocalNotary, sealed().1);
        assert_eq!(verifier.line(&canonical(&record.clone().into())), Ok(()), "{record:?}");
        record.insert("chain ".to_owned(), "of another name".into());
        let refused = Broken::Form("no record as an event has before it is sealed");
        assert_eq!(verifier.line(&canonical(&record.into())), Err(refused));
    }
}

/// What reads alike is not alike: names and hexadecimal digits are the same in capitals.
#[test]
fn any_letter_in_capitals_is_found() {
    let (export, key) = sealed();
    for (at, letter) in export.bytes().enumerate().filter(|(_, letter)| letter.is_ascii_lowercase()) {
        let mut bytes = export.clone().into_bytes();
        bytes[at] = letter.to_ascii_uppercase();
        let text = String::from_utf8(bytes).unwrap();
        assert!(verify(*key, text.split('\n')).is_err(), "byte {at}: {:?}", &export[at.saturating_sub(20)..(at + 20).min(export.len())]);
    }
}

proptest! {
    #[test]
    fn any_byte_that_is_changed_anywhere_is_found(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let (export, key) = sealed();
        let mut bytes = export.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        // What is no text any more is refused as it is read.
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(verify(*key, text.split('\n')).is_err(), "byte {at}: {:?}", &export[at.saturating_sub(20)..(at + 20).min(export.len())]);
        }
    }

    #[test]
    fn any_text_is_refused_and_nothing_breaks(text in r#"\{?("(chain|checkpoint|personal|digest|seq)":)?[ -~]{0,60}"#) {
        prop_assert!(verify(sealed().1, [text.as_str()]).is_err());
    }
}

#[tokio::test]
async fn what_was_not_checked_is_said() {
    let house = House::open().await;
    house.happens(12).await;
    house.seal_all().await;
    let options = |key: Option<String>| VerifyOptions { export: None, key, checkpoints: None, json: false, config: None, data: None };
    let said = store(house.rig.port(), &options(None), false).await.unwrap().text();
    assert!(said.starts_with("consistent, and no more is proven: events 1 to ") && !said.contains("whole"), "{said}");
    assert!(said.contains("\nwhat events say of people was not checked: without the sealing key it stays closed\n"), "{said}");
    let said = store(house.rig.port(), &options(Some(house.key().await.to_string())), true).await.unwrap().text();
    assert!(said.starts_with("whole: events 1 to ") && !said.contains("was not checked"), "{said}");
    let last = house.rig.events().len();
    assert!(said.contains(&format!("\nsigned up to event {last}, by ")), "{said}");
}
