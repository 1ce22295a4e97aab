//! `vestibule policy replay` and what else reads people and apps from a database, on one that was filled for it.

use serde_json::{Value, json};
use vestibule_domain::{
    account::{Link, LinkKey},
    audit::{AuditEvent, EventName},
    ids::ProviderId,
    ports::Store,
    store::{Changes, Write},
};
use vestibule_persistence::{SqlStore, StoreOptions};
use vestibule_testkit::sample::Sample;

use crate::bench::{Ended, Folder, run};

/// Ada and Bob have signed in to Grafana through Acme, Ada twice; what Acme says of Cem, who has too, was not kept.
fn lived_in() -> (Folder, String) {
    let folder = Folder::new();
    let url = format!("sqlite://{}/vestibule.db", folder.path());
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &url);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(fill(&url));
    (folder, config)
}

async fn fill(url: &str) {
    let store = SqlStore::connect(&StoreOptions::new(url)).await.expect("a database");
    let sample = Sample::default();
    let acme = ProviderId::parse("acme").expect("an id");
    let client = sample.client("grafana");
    let mut changes = Changes::default().write(Write::PutClient { client: Box::new(client.clone()), expected: None });
    for (subject, logins, claims) in [
        ("ada", 2, json!({"email": "ada@corp.example", "email_verified": true, "groups": ["eng-core"], "teams": ["red"]})),
        ("bob", 1, json!({"email": "bob@partner.example", "email_verified": true, "groups": ["sales"]})),
        ("cem", 1, json!({})),
    ] {
        let Value::Object(claims) = claims else { unreachable!() };
        let account = sample.account();
        let key = LinkKey { provider: acme.clone(), issuer: "https://login.acme.example".into(), subject: subject.into() };
        changes = changes.write(Write::PutAccount(account.clone()));
        changes = changes.write(Write::AddLink(Link { key, claims, ..sample.link(&account, subject) }));
        for _ in 0..logins {
            let event = sample.event(EventName::LoginSucceeded, &account, &client);
            changes = changes.event(AuditEvent { provider: Some(acme.clone()), ..event });
        }
    }
    store.commit(changes).await.expect("a commit");
    store.close().await;
}

fn replay(folder: &Folder, config: &str, draft: &str, more: &[&str]) -> Ended {
    let draft = folder.write("draft.toml", draft);
    let arguments = ["policy", "replay", &draft, "--config", config, "--since", "2020-01-01"];
    run(&arguments.into_iter().chain(more.iter().copied()).collect::<Vec<_>>(), &[])
}

#[test]
fn a_draft_says_whom_it_would_have_turned_away_and_by_which_rule() {
    let (folder, config) = lived_in();
    let told = replay(&folder, &config, "[[providers]]\nid = \"acme\"\nentry = { email_domains = [\"corp.example\"] }\n", &[]);
    assert_eq!(told.code, 0, "{}", told.err);
    let denied: Vec<_> = told.out.lines().filter(|line| line.trim_start().starts_with("denied")).collect();
    assert!(denied.len() == 1 && denied[0].ends_with("by provider.email") && denied[0].contains("grafana"), "{}", told.out);
    assert!(told.out.contains("4 logins of 3 people"), "{}", told.out);
    assert!(told.out.contains("1 would be denied, 0 that are denied now would be let in, 0 mapped differently"), "{}", told.out);
    assert!(
        told.out.contains("1 can't be judged") && told.out.contains("Judged by what the provider said of each person last"),
        "{}",
        told.out
    );
    assert!(!told.out.contains('@'), "no address is shown: {}", told.out);
}

#[test]
fn a_draft_of_a_client_and_of_a_map_is_tried_too() {
    let (folder, config) = lived_in();
    let draft = "[[providers]]\nid = \"acme\"\nclaims = { groups = { from = [\"/teams\", \"/groups\"], coerce = \"texts\" } }\n\
                 [[clients]]\nclient_id = \"grafana\"\nentry = { groups = [\"red\"] }\n";
    let told = replay(&folder, &config, draft, &["--json"]);
    let report: Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {} {}", told.out, told.err));
    let changed = report["changed"].as_array().unwrap();
    let of = |change: &str| changed.iter().find(|each| each["change"] == change).unwrap_or_else(|| panic!("{change} in {report:#}"));
    assert_eq!((&of("mapped")["claims"], &of("mapped")["logins"]), (&json!(["groups"]), &json!(2)));
    assert_eq!(of("denied")["rule"], "client.groups");
    assert_eq!((&report["logins"], &report["people"], &report["unjudged"]["claims_not_kept"]), (&json!(4), &json!(3), &json!(1)));
}

#[test]
fn rules_that_turn_people_away_now_and_would_not_are_named() {
    let (folder, config) = lived_in();
    let strict = std::fs::read_to_string(&config).unwrap() + "entry = { groups = [\"eng-*\"] }\n";
    folder.write("vestibule.toml", &strict);
    let told = replay(&folder, &config, "[[providers]]\nid = \"acme\"\nentry = {}\n", &[]);
    assert!(
        told.out.contains("now denied by provider.groups") && told.out.contains("1 that are denied now would be let in"),
        "{}",
        told.out
    );
}

#[test]
fn slips_in_a_draft_are_found_where_they_stand() {
    let (folder, config) = lived_in();
    let draft = "[[providers]]\nid = \"acme\"\nentri = {}\n[[providers]]\nid = \"nobody\"\n[[providers]]\nid = \"acme\"\n\
                 entry = { emails = [\"x\"] }\nclient_secret = \"hunter2\"\n[[clients]]\nclient_id = \"grafana\"\nentrry = {}\n[[client]]\n";
    let told = replay(&folder, &config, draft, &[]);
    assert_eq!(told.code, 1);
    for expected in [
        "draft.toml:3:1: providers[0].entri is not a setting of the preset oidc",
        "draft.toml:5:1: providers[1].id nobody is no provider that can be used; there are: acme",
        "draft.toml:8:21: providers[2].entry.emails[0] is not one e-mail address",
        "draft.toml:9:1: providers[2].client_secret has nothing to do with rules",
        "draft.toml:12:1: clients[0].entrry is not a setting of a draft; did you mean entry?",
        "client is not a setting of a draft; did you mean clients?",
    ] {
        assert!(told.err.contains(expected), "{expected} is missing in\n{}", told.err);
    }
    assert!(!told.err.contains("hunter2"), "{}", told.err);
    let empty = replay(&folder, &config, "", &[]);
    assert!(empty.code == 1 && empty.err.contains("there is nothing to try"), "{}", empty.err);
}

#[test]
fn a_sample_of_claims_is_explained_for_an_app_with_what_it_would_be_told() {
    let (folder, config) = lived_in();
    let sample = folder.write("ada.json", r#"{"sub": "1", "name": "Ada", "email": "ada@corp.example", "email_verified": true}"#);
    let arguments = ["claims", "--config", &config, "--provider", "acme", "--sample", &sample, "--client"];
    let ask =
        |client: &str, more: &[&str]| run(&arguments.iter().copied().chain([client]).chain(more.iter().copied()).collect::<Vec<_>>(), &[]);
    let told = ask("grafana", &["--json"]);
    let all: Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {} {}", told.out, told.err));
    assert_eq!(all["released"], json!({"name": "Ada", "email": "ada@corp.example", "email_verified": true, "groups": []}));
    assert!(all["admitted"] == true && all["rules"].to_string().contains("client.allowed_providers"), "{all:#}");
    assert!(ask("grafana", &[]).out.contains("What the client would be told"));
    let none = ask("nobody", &[]);
    assert!(none.code == 1 && none.err.contains("the client nobody can't be had: it is not there"), "{}", none.err);
}
