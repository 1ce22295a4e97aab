//! Sessions and grants, whosever they are, as operators page through them and end them.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, EventName},
    ids::ClientId,
    ports::Clock,
    store::{Changes, Write},
};

use super::Desk;

impl Desk {
    async fn items(&self, path: &str) -> Vec<Value> {
        let list = self.get(path).await;
        assert_eq!(list.status, StatusCode::OK, "{path}: {}", list.body);
        list.json()["items"].as_array().unwrap().clone()
    }

    async fn account_named(&self, name: &str) -> String {
        let accounts = self.items("/accounts").await;
        let is_named = |account: &&Value| account["profile"]["name"].as_str().is_some_and(|known| known.starts_with(name));
        accounts.iter().find(is_named).unwrap_or_else(|| panic!("no {name}: {accounts:?}"))["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn sessions_and_grants_are_found_by_whose_they_are_a_page_at_a_time() {
    let desk = Desk::open().await;
    desk.register_web().await;
    for (provider, person) in [("acme", "ada"), ("acme", "eve"), ("other", "ada"), ("acme", "ada"), ("acme", "ada")] {
        desk.later();
        desk.browser().signs_in(provider, person).await;
    }
    let everything = desk.items("/sessions").await;
    assert_eq!(everything.len(), 5);
    assert!(everything.is_sorted_by_key(|session| std::cmp::Reverse(session["created_at"].as_str().unwrap().to_owned())), "newest first");
    let eve = desk.account_named("eve").await;
    let [of_eve] = desk.items(&format!("/sessions?account={eve}")).await.try_into().unwrap();
    assert_eq!((&of_eve["account"], &of_eve["provider"]), (&json!(eve), &json!("acme")));
    assert_eq!(desk.items("/sessions?provider=acme").await.len(), 4);
    assert_eq!(desk.items("/sessions?client=web").await.len(), 5);
    assert_eq!(desk.items("/sessions?client=nobody").await, Vec::<Value>::new());
    let [of_eve_at_web] = desk.items(&format!("/grants?account={eve}&client=web")).await.try_into().unwrap();
    assert_eq!(
        (&of_eve_at_web["account"], &of_eve_at_web["client_id"], &of_eve_at_web["session"]),
        (&json!(eve), &json!("web"), &of_eve["id"])
    );
    assert_eq!(desk.items("/grants").await.len(), 5);
    for list in ["/sessions", "/grants"] {
        let ids = |items: &[Value]| items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(desk.walk(list, "id").await, (ids(&desk.items(list).await), 3));
    }
    // The next page is of the same.
    let first = desk.get("/sessions?provider=acme&limit=3").await;
    let next = first.header("link").strip_prefix("</api/v1").and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
    assert!(next.starts_with("/sessions?provider=acme&limit=3&after="), "{next}");
    assert_eq!(desk.items(&next).await.len(), 1);

    for path in [
        "/sessions?account=x",
        "/sessions?client=no%20id",
        "/sessions?provider=NO!",
        "/sessions?after=x",
        "/grants?account=x",
        "/grants?after=x",
        "/grants?limit=201",
    ] {
        let refused = desk.get(path).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_parameter".into()), "{path}");
        let parameter = path.split(['?', '=']).nth(1).unwrap();
        assert_eq!(refused.json()["errors"][0]["parameter"], parameter, "{path}");
    }
    // What is good no longer is not there.
    desk.rig.clock.advance(Duration::from_hours(9));
    assert_eq!(desk.items("/sessions").await, Vec::<Value>::new());
    assert_eq!(desk.get(&format!("/sessions/{}", of_eve["id"].as_str().unwrap())).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_of_an_app_go_on_behind_very_many_that_have_ended() {
    let desk = Desk::open().await;
    desk.register_web().await;
    desk.browser().signs_in("acme", "ada").await;
    let [living] = desk.items("/sessions?client=web").await.try_into().unwrap();
    // Newer ones, of which nothing is left but what the app was given in them.
    let sample = vestibule_testkit::sample::Sample { now: desk.rig.clock.now() + Duration::from_secs(1), ..Default::default() };
    let (account, client) = (sample.account(), desk.rig.port().client(&ClientId::parse("web").unwrap()).await.unwrap().unwrap());
    let given = (0..10_000).map(|_| Write::AddGrant(sample.grant(&sample.code(&client, &sample.session(&account)), &client)));
    desk.rig.port().commit(given.fold(Changes::default(), Changes::write)).await.unwrap();
    let first = desk.get("/sessions?client=web&limit=5").await;
    assert_eq!((first.status, &first.json()["items"]), (StatusCode::OK, &json!([])));
    let next = first.header("link").strip_prefix("</api/v1").and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
    let second = desk.get(&next).await;
    assert_eq!((&second.json()["items"], second.header("link")), (&json!([living]), ""), "all of them were looked at");
}

#[tokio::test]
async fn a_session_that_nobody_used_for_long_is_ended_by_itself_as_it_is_with_all_of_its_account() {
    let desk = Desk::open().await;
    desk.register_web().await;
    for _ in 0..2 {
        desk.browser().signs_in("acme", "ada").await;
    }
    let sessions = desk.items("/sessions").await;
    let (account, id) = (desk.account_named("ada").await, |at: usize| sessions[at]["id"].as_str().unwrap().to_owned());
    desk.rig.clock.advance(Duration::from_hours(9));
    assert_eq!(desk.items("/sessions").await, Vec::<Value>::new());
    for path in [format!("/sessions/{}", id(0)), format!("/accounts/{account}/sessions/{}", id(1))] {
        assert_eq!(desk.delete(&path, None).await.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(desk.delete(&path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let ended: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::SessionEnded).collect();
    assert_eq!(ended.iter().filter_map(|event| event.session).map(|id| id.to_string()).collect::<Vec<_>>(), [id(0), id(1)]);
    for id in [id(0), id(1)] {
        let session = desk.rig.port().session_by_id(&id.parse().unwrap()).await.unwrap().unwrap();
        assert!(session.ended.is_some());
    }
}

#[tokio::test]
async fn attack_86_ids_of_others_and_no_ids_lead_nowhere_and_what_is_ended_is_the_one_that_was_named() {
    let desk = Desk::open().await;
    desk.register_web().await;
    let (mut ada, mut eve) = (desk.browser(), desk.browser());
    let adas = ada.signs_in("acme", "ada").await;
    let eves = eve.signs_in("acme", "eve").await;
    let (ada_s, eve_s) = (desk.account_named("ada").await, desk.account_named("eve").await);
    let only = |items: Vec<Value>| <[Value; 1]>::try_from(items).unwrap()[0]["id"].as_str().unwrap().to_owned();
    let session = only(desk.items(&format!("/sessions?account={eve_s}")).await);
    let grant = only(desk.items(&format!("/grants?account={eve_s}")).await);
    // An account's address reaches nothing of another account.
    for path in [format!("/accounts/{ada_s}/sessions/{session}"), format!("/accounts/{ada_s}/grants/{grant}")] {
        assert_eq!(desk.delete(&path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // One kind's id is nothing to the other, and what is no id says no more.
    for path in [
        format!("/sessions/{grant}"),
        format!("/grants/{session}"),
        format!("/sessions/{eve_s}"),
        "/sessions/*".into(),
        "/grants/%2e%2e".into(),
        "/sessions/00000000-0000-0000-0000-000000000000".into(),
        "/clients/nobody/grants".into(),
    ] {
        let gone = desk.delete(&path, None).await;
        assert_eq!((gone.status, gone.code()), (StatusCode::NOT_FOUND, "not_found".into()), "{path}");
    }
    for (method, path) in [
        (Method::GET, "/sessions".to_owned()),
        (Method::GET, "/grants".into()),
        (Method::GET, format!("/sessions/{session}")),
        (Method::DELETE, format!("/sessions/{session}")),
        (Method::GET, format!("/grants/{grant}")),
        (Method::DELETE, format!("/grants/{grant}")),
        (Method::DELETE, "/clients/web/grants".into()),
    ] {
        let as_person = [("cookie", "__Host-session=x"), ("authorization", "Bearer x")];
        assert_eq!(desk.plain(method.clone(), &path, &as_person, "").await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(desk.plain(method.clone(), &path, &[], "").await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    assert!(desk.knows(&eves).await && eve.is_signed_in().await);

    assert_eq!(desk.get(&format!("/grants/{grant}")).await.json()["account"], eve_s);
    assert_eq!(desk.get(&format!("/sessions/{session}")).await.json()["account"], eve_s);
    assert_eq!(desk.delete(&format!("/grants/{grant}"), None).await.status, StatusCode::NO_CONTENT);
    assert!(!desk.knows(&eves).await && !desk.refreshes(&eves).await && eve.is_signed_in().await);
    assert_eq!(desk.delete(&format!("/sessions/{session}"), None).await.status, StatusCode::NO_CONTENT);
    assert!(!eve.is_signed_in().await && ada.is_signed_in().await && desk.knows(&adas).await);
    for path in [format!("/grants/{grant}"), format!("/sessions/{session}")] {
        assert_eq!(desk.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(desk.delete(&path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let ended: Vec<_> = desk
        .rig
        .events()
        .into_iter()
        .filter(|event| event.name.as_str().ends_with("ended") || event.name.as_str().ends_with("revoked"))
        .collect();
    assert_eq!(ended.iter().map(|event| event.name).collect::<Vec<_>>(), [EventName::GrantRevoked, EventName::SessionEnded]);
    assert!(ended.iter().all(
        |event| event.actor == Actor::AdminKey("bootstrap".into()) && event.account.is_some_and(|account| account.to_string() == eve_s)
    ));
}

#[tokio::test]
async fn everything_that_an_app_holds_ends_at_once_and_the_app_stays() {
    let desk = Desk::open().await;
    desk.register_web().await;
    let (mut ada, mut eve) = (desk.browser(), desk.browser());
    let (adas, eves) = (ada.signs_in("acme", "ada").await, eve.signs_in("acme", "eve").await);
    desk.later();
    assert_eq!(desk.delete("/clients/web/grants", None).await.status, StatusCode::NO_CONTENT);
    assert!(!desk.knows(&adas).await && !desk.knows(&eves).await && !desk.refreshes(&eves).await);
    assert_eq!(desk.items("/grants?client=web").await, Vec::<Value>::new());
    assert!(ada.is_signed_in().await, "sessions go on");
    assert_eq!(desk.get("/clients/web").await.status, StatusCode::OK);
    assert_eq!(desk.get("/clients/web/grants").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let revoked: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::GrantRevoked).collect();
    assert!(
        matches!(&*revoked, [event] if event.account.is_none() && event.client.as_ref().is_some_and(|client| client.as_str() == "web")),
        "{revoked:?}"
    );
}
