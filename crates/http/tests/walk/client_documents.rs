//! Clients that are known by the address of their document.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::{
    client::Client,
    client_document::{DocumentFault, FetchedDocument},
    ids::ClientId,
    ports::Store,
    self_registration::SelfRegistration,
    settings::Settings,
    store::{Changes, Write},
};
use vestibule_flows::Renewal;
use vestibule_protocol::registration::read_metadata;
use vestibule_testkit::rig::RigOptions;

use super::street::{Answer, App, Browser, Street};

const ID: &str = "https://app.example/client.json";
const BACK: &str = "https://app.example/cb";

async fn street() -> Street {
    with(SelfRegistration { metadata_documents: true, ..SelfRegistration::default() }).await
}

async fn with(registration: SelfRegistration) -> Street {
    let street = Street::with(RigOptions { registration, ..RigOptions::default() }).await;
    street.publishes(ID, &plain());
    street
}

fn plain() -> Value {
    json!({
        "client_id": ID, "client_name": "The agent", "redirect_uris": [BACK], "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

fn app() -> App {
    App { id: ID.into(), secret: None, redirect_uri: BACK.into() }
}

impl Street {
    fn publishes(&self, address: &str, document: &Value) {
        let members = document.as_object().unwrap().clone();
        let document = FetchedDocument {
            client_id: members.get("client_id").and_then(Value::as_str).map(str::to_owned),
            has_secret: members.contains_key("client_secret"),
            asked: read_metadata(members).unwrap(),
            fresh_for: None,
        };
        self.rig.documents.put(address, Ok(document));
    }

    async fn comes(&self, app: &App) -> Answer {
        self.goes(&mut Browser::default(), &Self::link(app, &[])).await
    }
}

#[tokio::test]
async fn documents_are_off_unless_they_are_on() {
    let street = with(SelfRegistration::default()).await;
    let page = street.comes(&app()).await;
    assert_eq!((page.status, page.page()), (StatusCode::BAD_REQUEST, "client_unknown"));
    assert_eq!(street.rig.documents.fetched(), 0);
    let discovery = street.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    assert!(discovery.get("client_id_metadata_document_supported").is_none());
    let on = self::street().await;
    let discovery = on.goes(&mut Browser::default(), "/.well-known/oauth-authorization-server").await.json();
    assert_eq!(discovery["client_id_metadata_document_supported"], true);
}

#[tokio::test]
async fn attack_42_a_fault_of_a_document_is_a_page_that_says_no_more_than_which() {
    let street = street().await;
    for (fault, status) in [
        (DocumentFault::Unreachable, StatusCode::BAD_REQUEST),
        (DocumentFault::Redirect, StatusCode::BAD_REQUEST),
        (DocumentFault::TooLarge, StatusCode::BAD_REQUEST),
        (DocumentFault::NotJson, StatusCode::BAD_REQUEST),
        (DocumentFault::Status, StatusCode::BAD_REQUEST),
    ] {
        street.rig.documents.put("https://other.example/c", Err(fault));
        let page = street.comes(&App { id: "https://other.example/c".into(), ..app() }).await;
        assert_eq!((page.status, page.location()), (status, None), "never a redirect: {fault}");
        assert!(page.body.contains(&fault.to_string().replace('\'', "&#39;")), "{page:?}");
        assert!(!page.body.contains("href=\"https://app.example"), "nor a link");
    }
    for bad in [
        "https://app.example",
        "https://app.example/a/../client.json",
        "https://u@app.example/c",
        "http://app.example/c",
        "https://app.example/c#x",
    ] {
        let page = street.comes(&App { id: bad.into(), ..app() }).await;
        assert_eq!((page.status, page.page()), (StatusCode::BAD_REQUEST, "client_unknown"), "CIMD section 3: {bad}");
    }
}

#[tokio::test]
async fn cimd_section_4_5_an_address_is_in_the_document_character_by_character() {
    let street = street().await;
    let page = street.comes(&App { redirect_uri: "https://app.example/cb/".into(), ..app() }).await;
    assert_eq!((page.status, page.page()), (StatusCode::BAD_REQUEST, "redirect_mismatch"));
}

#[tokio::test]
async fn attack_84_documents_are_fetched_once_for_many_and_not_too_often_for_anybody() {
    let street = street().await;
    let app = app();
    let all = futures_util::future::join_all((0..10).map(|_| street.comes(&app))).await;
    assert!(all.iter().all(|page| page.status == StatusCode::OK), "{all:?}");
    assert_eq!(street.rig.documents.fetched(), 1, "those who come at once wait for one");
    street.rig.clock.advance(Duration::from_mins(6));
    street.comes(&app).await;
    assert_eq!(street.rig.documents.fetched(), 2, "five minutes where its headers say nothing");
    // Faults are never kept (CIMD section 4.4), and so are bounded by how often anybody asks one host.
    let lost = App { id: "https://lost.example/c".into(), ..app };
    for _ in 0..10 {
        assert_eq!(street.comes(&lost).await.page(), "request_invalid");
    }
    let before = street.rig.documents.fetched();
    assert_eq!(street.comes(&lost).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(street.rig.documents.fetched(), before);
    let (mut fetched, mut refused) = (0, 0);
    for at in 0..30 {
        match street.comes(&App { id: format!("https://h{at}.example/c"), ..lost.clone() }).await.status {
            StatusCode::TOO_MANY_REQUESTS => refused += 1,
            _ => fetched += 1,
        }
    }
    assert!(fetched < 20 && refused > 10, "nor one address many hosts: {fetched} {refused}");
    assert_eq!(street.rig.store.count_self_registered().await, Ok(0), "and nobody who only comes writes a row");
}

#[tokio::test]
async fn cimd_section_4_3_cimd_section_6_4_a_client_that_is_known_by_its_document_gets_tokens_and_is_a_row_from_then_on() {
    let street = street().await;
    let app = app();
    let page = street.comes(&app).await;
    assert!(page.body.contains("app.example</bdi>"), "CIMD section 6.4: the host is shown, whatever the name says: {}", page.body);
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &app, "alice").await;
    assert_eq!(street.rig.store.count_self_registered().await, Ok(0), "it takes no place of those who register");
    let answer = street.redeems(&app, &code).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let tokens = answer.json();
    assert_eq!(super::street::claims(&tokens["access_token"])["client_id"], ID);
    assert_eq!(super::street::claims(&tokens["id_token"])["aud"], ID);
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    // Nothing of what was given depends on the document's host any more.
    street.rig.documents.put(ID, Err(DocumentFault::Unreachable));
    let refreshed = street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{refreshed:?}");
    street.rig.clock.advance(Duration::from_mins(6));
    assert_eq!(street.comes(&app).await.page(), "request_invalid", "section 4.3: but nobody signs in without it");
    let stored = street.gateway().client(ID).await.unwrap();
    assert!(stored.name == "The agent" && !stored.is_vetted());
    let events = street.rig.events();
    assert!(
        events.iter().any(|event| event.client.as_ref().is_some_and(|client| client.as_str() == ID)),
        "the audit log has it by its address"
    );
}

#[tokio::test]
async fn an_operator_shuts_out_a_client_that_a_document_describes() {
    let street = street().await;
    let app = app();
    street.signs_in_to_a_stranger(&mut Browser::default(), &app, "alice").await;
    let client = street.gateway().client(ID).await.unwrap();
    let (witness, actor) = (street.rig.witness(), vestibule_domain::audit::Actor::System);
    let shut = street.gateway().disable_client(&witness, &actor, ID, true, Some(client.version)).await.unwrap();
    assert!(shut.disabled && !shut.is_vetted());
    let refused = street.comes(&app).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    // It stays shut when the document is read again.
    street.rig.clock.advance(Duration::from_mins(6));
    let again = street.comes(&app).await;
    assert_eq!((again.status, again.page()), (refused.status, refused.page()), "{again:?}");
    street.gateway().disable_client(&witness, &actor, ID, false, Some(shut.version)).await.unwrap();
    assert_eq!(street.comes(&app).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_41_a_document_that_changed_is_what_counts_at_the_next_sign_in() {
    let street = street().await;
    let app = app();
    street.signs_in_to_a_stranger(&mut Browser::default(), &app, "alice").await;
    let mut changed = plain();
    (changed["client_name"], changed["redirect_uris"]) = ("Another name".into(), json!(["https://app.example/new"]));
    street.publishes(ID, &changed);
    street.rig.clock.advance(Duration::from_mins(6));
    assert_eq!(street.comes(&app).await.page(), "redirect_mismatch", "the address of before is none of its own any more");
    let moved = App { redirect_uri: "https://app.example/new".into(), ..app };
    let page = street.comes(&moved).await;
    assert!(page.body.contains("Another name"), "and everybody is asked again, each time: {}", page.body);
    street.signs_in_to_a_stranger(&mut Browser::default(), &moved, "alice").await;
    let clients = street.rig.store.clients(None, 10).await.unwrap();
    assert_eq!(clients.iter().map(|client| client.name.as_str()).collect::<Vec<_>>(), ["Another name"]);
    street.rig.clock.advance(Duration::from_mins(6));
    street.signs_in_to_a_stranger(&mut Browser::default(), &moved, "bob").await;
    let told: Vec<_> = street.rig.events().into_iter().filter(|event| event.name.as_str() == "client.document_changed").collect();
    let [told] = &*told else { panic!("one change, and the same document again is none: {told:#?}") };
    assert_eq!(
        (told.detail.as_deref(), told.client.as_ref().map(ClientId::as_str)),
        (Some("changed: client_name, redirect_uris"), Some(ID))
    );

    street.rig.clock.advance(Duration::from_hours(24 * 90));
    street.gateway().sweep().await.unwrap();
    assert_eq!(street.rig.store.clients(None, 10).await, Ok(vec![]));
    assert_eq!(street.count("client.expired"), 1);
}

/// Signs in, and again after the document got another name; somebody is faster than the second time. Comes back with what was told of the document, and
/// the row.
async fn overtaken(by: impl Fn(&Client) -> Changes) -> (Vec<String>, Client) {
    let street = street().await;
    let (app, mut browser) = (app(), Browser::default());
    street.signs_in_to_a_stranger(&mut browser, &app, "alice").await;
    let known = street.gateway().client(ID).await.unwrap();
    street.rig.clock.advance(Duration::from_mins(6));
    let mut changed = plain();
    changed["client_name"] = "Another name".into();
    street.publishes(ID, &changed);
    street.rig.store.overtake(by(&known), |write| matches!(write, Write::PutDocument { .. }));
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &app, "bob").await;
    assert_eq!(street.rig.events().iter().filter(|event| event.name.as_str() == "login.succeeded").count(), 2, "once each");
    let client = street.gateway().client(ID).await.unwrap();
    assert_eq!(street.redeems(&app, &code).await.status.is_success(), !client.disabled);
    let told = street.rig.events().into_iter().filter(|event| event.name.as_str() == "client.document_changed");
    (told.filter_map(|event| event.detail).collect(), client)
}

#[tokio::test]
async fn of_an_operator_and_a_document_at_once_both_stand_and_the_record_says_what_was_written() {
    let (told, client) = overtaken(|known| {
        let shut = Client { disabled: true, version: known.version + 1, ..known.clone() };
        Changes::default().write(Write::PutClient { client: Box::new(shut), expected: Some(known.version) })
    })
    .await;
    assert_eq!((&*told, client.name.as_str(), client.disabled), (&["changed: client_name".to_owned()][..], "Another name", true));

    let (told, client) =
        overtaken(|known| Changes::default().write(Write::DeleteClient { id: known.id.clone(), expected: known.version })).await;
    assert_eq!((told.len(), client.name.as_str()), (0, "Another name"), "to whom nothing is known nothing changed");

    let (told, client) = overtaken(|known| {
        let news = Client { name: "Another name".into(), version: i64::MAX, ..known.clone() };
        Changes::default().write(Write::PutDocument { client: Box::new(news), over: Some(known.version) })
    })
    .await;
    assert_eq!((told.len(), client.version), (0, i64::MAX), "whoever brought it first has recorded it");
}

#[tokio::test]
async fn attack_34_and_40_a_stranger_s_mistakes_and_wishes_end_on_our_page() {
    let street = street().await;
    let app = app();
    for changed in [("response_type", "token"), ("scope", "openid admin"), ("prompt", "none"), ("resource", "https://payroll.example")] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[changed])).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{changed:?}");
    }
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &Street::link(&app, &[])).await;
    let attempt = page.between("name=\"attempt\" value=\"", "\"").to_owned();
    let jumped = street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    assert_eq!((jumped.page(), jumped.location()), ("request_expired", None), "nobody is sent upstream before they allowed it");
}

#[tokio::test]
async fn cimd_section_4_1_cimd_section_6_2_such_a_client_has_no_secret_at_any_endpoint() {
    let street = street().await;
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &app(), "alice").await;
    for secret in ["", "guess"] {
        let posing = App { secret: Some(secret.into()), ..app() };
        let refused = street.redeems(&posing, &code).await;
        assert_eq!(refused.error(), "invalid_client", "{refused:?}");
    }
    // Section 6.2: one that has keys proves itself by them, and by nothing less.
    let mut keyed = plain();
    (keyed["client_id"], keyed["token_endpoint_auth_method"]) = ("https://app.example/keyed".into(), "private_key_jwt".into());
    keyed["jwks_uri"] = "https://app.example/keys".into();
    street.publishes("https://app.example/keyed", &keyed);
    let keyed = App { id: "https://app.example/keyed".into(), ..app() };
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &keyed, "alice").await;
    assert_eq!(street.redeems(&keyed, &code).await.error(), "invalid_client");
    let pushed = street
        .asks(
            &app(),
            "/par",
            &[
                ("response_type", "code"),
                ("redirect_uri", BACK),
                ("scope", "openid"),
                ("code_challenge", super::street::CHALLENGE),
                ("code_challenge_method", "S256"),
            ],
        )
        .await;
    assert_eq!(pushed.status, StatusCode::CREATED, "RFC 9126: {pushed:?}");
    let unknown = App { id: "https://nobody.example/c".into(), ..app() };
    assert_eq!(street.redeems(&unknown, "x").await.error(), "invalid_client");
}

#[tokio::test]
async fn documents_come_from_the_hosts_of_the_list() {
    let rules = SelfRegistration { metadata_documents: true, document_hosts: vec!["apps.example".into()], ..SelfRegistration::default() };
    let street = with(rules).await;
    assert_eq!(street.comes(&app()).await.page(), "request_invalid");
    assert_eq!(street.rig.documents.fetched(), 0);
}

#[tokio::test]
async fn what_an_operator_said_of_a_documents_client_stands_whatever_the_document_says_later() {
    let street = street().await;
    let app = app();
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    let present = street.gateway().client(ID).await.unwrap();
    let changed = Client { disabled: true, version: present.version + 1, ..present.clone() };
    let write = Write::PutClient { client: Box::new(changed), expected: Some(present.version) };
    street.rig.port().commit(Changes::default().write(write)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(street.comes(&app).await.page(), "client_unknown");
        assert_eq!(street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_client");
        street.rig.clock.advance(Duration::from_mins(6));
    }
}

#[tokio::test]
async fn attack_84_whoever_uses_up_what_may_be_fetched_shuts_nobody_out_whose_app_is_known() {
    let street = street().await;
    assert_eq!(street.comes(&app()).await.status, StatusCode::OK);
    street.rig.clock.advance(Duration::from_mins(6));
    for at in 0..30 {
        street.comes(&App { id: format!("https://app.example/{at}"), ..app() }).await;
    }
    assert_eq!(street.comes(&App { id: "https://app.example/31".into(), ..app() }).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(street.comes(&app()).await.status, StatusCode::OK);
}

/// Who may be what is for the rules that hold now, and not for those by which a document was read once.
#[tokio::test]
async fn attack_61_after_a_reload_documents_are_read_by_the_rules_of_then() {
    let street = street().await;
    assert_eq!(street.comes(&app()).await.status, StatusCode::OK);
    let reloaded = |registration: SelfRegistration| {
        let settings = Settings { registration, ..street.gateway().settings().clone() };
        let renewal = Renewal { settings, bootstrap_key: None, providers: Vec::new(), sinks: Vec::new(), outgoing: None, atlas: None };
        Street::at(street.gateway().renewed(renewal), &street)
    };
    let rules = street.gateway().settings().registration.clone();
    reloaded(rules.clone()).comes(&app()).await;
    assert_eq!(street.rig.documents.fetched(), 1, "what is known stays known where the rules do");
    reloaded(SelfRegistration { unused: rules.unused * 2, ..rules }).comes(&app()).await;
    assert_eq!(street.rig.documents.fetched(), 2);
}
