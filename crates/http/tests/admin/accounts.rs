//! Accounts, as operators look after them.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::audit::{Actor, EventName, Reason};

use super::{Answer, Desk};

impl Desk {
    async fn only_account(&self) -> String {
        let accounts = self.get("/accounts").await.json();
        assert_eq!(accounts["items"].as_array().unwrap().len(), 1, "{accounts}");
        accounts["items"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn patch_account(&self, id: &str, body: Value) -> Answer {
        self.later();
        self.change(Method::PATCH, &format!("/accounts/{id}"), None, body).await
    }

    async fn sessions(&self, id: &str) -> Value {
        self.get(&format!("/accounts/{id}/sessions")).await.json()["items"].clone()
    }
}

#[tokio::test]
async fn an_account_its_links_and_its_sessions_are_shown() {
    let desk = Desk::open().await;
    desk.register_web().await;
    desk.browser().signs_in("acme", "ada").await;
    let id = desk.only_account().await;
    let account = desk.get(&format!("/accounts/{id}")).await;
    let mut shown = json!({
        "account": account.json(),
        "links": desk.get(&format!("/accounts/{id}/links")).await.json(),
        "sessions": desk.get(&format!("/accounts/{id}/sessions")).await.json(),
    });
    assert_eq!(shown["account"]["id"], id);
    assert_eq!(shown["sessions"]["items"][0]["link"], shown["links"]["items"][0]["id"]);
    for path in [
        "/account/id",
        "/links/items/0/id",
        "/links/items/0/evidence/login",
        "/sessions/items/0/id",
        "/sessions/items/0/link",
        "/sessions/items/0/account",
    ] {
        *shown.pointer_mut(path).unwrap() = "…".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap(), @r#"
    {
      "account": {
        "created_at": "2026-11-24T10:00:00Z",
        "disabled": false,
        "id": "…",
        "profile": {
          "email": "ada@example.com",
          "email_verified": true,
          "groups": [],
          "name": "ada of Upstream"
        },
        "signed_in_at": "2026-11-24T10:00:00Z"
      },
      "links": {
        "items": [
          {
            "created_at": "2026-11-24T10:00:00Z",
            "evidence": {
              "by": "first_sign_in",
              "login": "…"
            },
            "id": "…",
            "issuer": "https://upstream.example",
            "profile": {
              "email": "ada@example.com",
              "email_verified": true,
              "groups": [],
              "name": "ada of Upstream"
            },
            "provider": "acme",
            "seen_at": "2026-11-24T10:00:00Z",
            "subject": "ada"
          }
        ]
      },
      "sessions": {
        "items": [
          {
            "account": "…",
            "amr": [
              "pwd"
            ],
            "auth_time": "2026-11-24T10:00:00Z",
            "created_at": "2026-11-24T10:00:00Z",
            "expires_at": "2026-11-24T18:00:00Z",
            "id": "…",
            "link": "…",
            "provider": "acme",
            "seen_at": "2026-11-24T10:00:00Z"
          }
        ]
      }
    }
    "#);
    let sent = shown.to_string();
    assert!(!sent.contains("digest") && !sent.contains("upstream-access-token"), "{sent}");
    for path in ["/accounts/not-an-id", "/accounts/7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71"] {
        for below in ["", "/links", "/sessions"] {
            assert_eq!(desk.get(&format!("{path}{below}")).await.code(), "not_found", "{path}{below}");
        }
        assert_eq!(desk.patch_account(path.trim_start_matches("/accounts/"), json!({ "disabled": true })).await.code(), "not_found");
    }
}

#[tokio::test]
async fn accounts_are_walked_by_their_links() {
    let desk = Desk::open().await;
    desk.register_web().await;
    for person in ["ada", "bob", "cyd", "dan", "eve"] {
        desk.browser().signs_in("acme", person).await;
    }
    let (seen, pages) = desk.walk("/accounts", "id").await;
    assert_eq!((seen.len(), pages), (5, 3));
    assert!(seen.is_sorted(), "{seen:?}");
    for (query, fault) in [("limit=0", "limit must be a whole number from 1 to 200"), ("after=ada", "after must be the id of an account")] {
        let refused = desk.get(&format!("/accounts?{query}")).await;
        assert_eq!((refused.status, refused.faults()), (StatusCode::BAD_REQUEST, vec![fault.to_owned()]), "{query}");
    }
}

#[tokio::test]
async fn disabling_an_account_ends_its_session_its_refresh_and_its_access() {
    let desk = Desk::open().await;
    desk.register_web().await;
    let mut ada = desk.browser();
    let tokens = ada.signs_in("acme", "ada").await;
    let mut bob = desk.browser();
    let others = bob.signs_in("acme", "bob").await;
    let accounts = desk.get("/accounts").await.json();
    let account = accounts["items"].as_array().unwrap().iter().find(|account| account["profile"]["email"] == "ada@example.com").unwrap();
    let id = account["id"].as_str().unwrap();
    assert!(ada.is_signed_in().await && desk.knows(&tokens).await);

    let disabled = desk.patch_account(id, json!({ "disabled": true })).await;
    assert_eq!((disabled.status, &disabled.json()["disabled"]), (StatusCode::OK, &json!(true)));
    assert_eq!(desk.get(&format!("/accounts/{id}")).await.json(), disabled.json());
    assert!(!ada.is_signed_in().await && !desk.knows(&tokens).await && !desk.refreshes(&tokens).await);
    assert_eq!(desk.sessions(id).await, json!([]));
    let turned_away = ada.arrives("acme", "ada").await;
    assert!(!turned_away.header("location").contains("code="), "{}", turned_away.header("location"));
    assert!(bob.is_signed_in().await && desk.knows(&others).await, "nobody else is touched");

    // Let in again, what was ended stays so; a new sign-in works, and it is the same account.
    assert_eq!(desk.patch_account(id, json!({ "disabled": false })).await.json()["disabled"], false);
    assert!(!ada.is_signed_in().await && !desk.knows(&tokens).await && !desk.refreshes(&tokens).await);
    let tokens = ada.signs_in("acme", "ada").await;
    assert!(ada.is_signed_in().await && desk.knows(&tokens).await && desk.refreshes(&tokens).await);
    assert_eq!(desk.sessions(id).await.as_array().unwrap().len(), 1);

    // What changes nothing is no event.
    desk.patch_account(id, json!({ "disabled": false })).await;
    desk.patch_account(id, json!({})).await;
    let events: Vec<_> = desk.rig.events().iter().map(|event| event.name).filter(|name| name.as_str().starts_with("account.")).collect();
    assert_eq!(events, [EventName::AccountDisabled, EventName::AccountEnabled]);
    let ended: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::SessionEnded).collect();
    let [ended] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!(ended.account.map(|account| account.to_string()).as_deref(), Some(id));
    assert!(
        ended.session.is_some() && ended.reason == Some(Reason::AccountDisabled) && matches!(ended.actor, Actor::AdminKey(_)),
        "{ended:?}"
    );
}

#[tokio::test]
async fn an_account_is_changed_by_a_merge_patch_of_one_field() {
    let desk = Desk::open().await;
    desk.register_web().await;
    desk.browser().signs_in("acme", "ada").await;
    let id = desk.only_account().await;
    for (body, fault) in [
        (json!({ "disabled": "yes" }), "/disabled must be true or false"),
        (json!({ "disabled": null }), "/disabled is missing: true or false; an account is always one or the other"),
        (json!({ "disabled": true, "profile": {} }), "/profile is set by the gateway; leave it out of what you send"),
        (json!({ "email": "a@b.example" }), "/email is not a field here; the fields are disabled"),
    ] {
        let refused = desk.patch_account(&id, body.clone()).await;
        assert_eq!((refused.status, refused.faults()), (StatusCode::UNPROCESSABLE_ENTITY, vec![fault.to_owned()]), "{body}");
    }
    assert_eq!(desk.get(&format!("/accounts/{id}")).await.json()["disabled"], false);
    let path = format!("/accounts/{id}");
    let patched = desk.send(Method::PATCH, &path, &[("content-type", "application/merge-patch+json")], r#"{"disabled": true}"#).await;
    assert_eq!((patched.status, &patched.json()["disabled"]), (StatusCode::OK, &json!(true)));
    let refused = desk.send(Method::PATCH, &path, &[("content-type", "application/json-patch+json")], "[]").await;
    assert_eq!(refused.code(), "unsupported_media_type");
    assert_eq!(desk.send(Method::PATCH, &path, &[], "[]").await.code(), "invalid_json");
}

#[tokio::test]
async fn undoing_a_link_ends_what_came_by_it_and_gives_the_providers_tokens_back() {
    let desk = Desk::open().await;
    desk.register_web().await;
    let mut ada = desk.browser();
    let tokens = ada.signs_in("acme", "ada").await;
    let id = desk.only_account().await;
    let links = desk.get(&format!("/accounts/{id}/links")).await.json();
    let link = links["items"][0]["id"].as_str().unwrap().to_owned();
    for absent in ["not-an-id", "7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71"] {
        assert_eq!(desk.delete(&format!("/accounts/{id}/links/{absent}"), None).await.code(), "not_found");
        assert_eq!(desk.delete(&format!("/accounts/{absent}/links/{link}"), None).await.code(), "not_found");
    }
    assert!(desk.rig.providers[0].revoked().is_empty() && desk.knows(&tokens).await);

    desk.later();
    let undone = desk.delete(&format!("/accounts/{id}/links/{link}"), None).await;
    assert_eq!((undone.status, undone.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(desk.get(&format!("/accounts/{id}/links")).await.json()["items"], json!([]));
    assert!(!ada.is_signed_in().await && !desk.knows(&tokens).await && !desk.refreshes(&tokens).await);
    assert_eq!(desk.sessions(&id).await, json!([]));
    assert_eq!(desk.rig.providers[0].revoked().len(), 1, "the provider was told to forget them");
    assert_eq!(desk.delete(&format!("/accounts/{id}/links/{link}"), None).await.status, StatusCode::NOT_FOUND);
    let unlinked: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::IdentityUnlinked).collect();
    let [unlinked] = &*unlinked else { panic!("{unlinked:?}") };
    // What is chained outlasts the person: nothing that a provider knows them by is in it.
    let change = serde_json::to_value(&unlinked.change).unwrap();
    assert_eq!(change, json!([{ "pointer": format!("/links/{link}"), "before": { "provider": "acme" } }]));

    // Whoever comes by it again is somebody new.
    ada.signs_in("acme", "ada").await;
    assert_eq!(desk.get("/accounts").await.json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_an_account_allowed_apps_is_shown_and_forgotten() {
    let desk = Desk::open().await;
    desk.register_web().await;
    desk.browser().signs_in("acme", "ada").await;
    let id = desk.only_account().await;
    let consents = format!("/accounts/{id}/consents");
    assert_eq!(desk.get(&consents).await.json(), json!({ "items": [] }));
    let port = desk.rig.port();
    for host in ["web.example.com", "web.example.org"] {
        let consent = vestibule_domain::consent::Consent {
            account: id.parse().unwrap(),
            client: vestibule_domain::ids::ClientId::parse("web").unwrap(),
            host: host.into(),
            scopes: vestibule_domain::scope::Scopes::parse("openid email").unwrap(),
            given: vestibule_domain::ports::Clock::now(desk.rig.clock.as_ref()),
        };
        let write = vestibule_domain::store::Write::PutConsent(consent);
        port.commit(vestibule_domain::store::Changes::default().write(write)).await.unwrap();
    }
    let expected = |host| json!({ "client_id": "web", "host": host, "scope": "email openid", "given_at": "2026-11-24T10:00:00Z" });
    let shown = desk.get(&consents).await.json();
    assert_eq!(shown, json!({ "items": [expected("web.example.com"), expected("web.example.org")] }));
    // A page may end between two hosts of an app.
    let first = desk.get(&format!("{consents}?limit=1")).await;
    assert_eq!(first.json(), json!({ "items": [expected("web.example.com")] }));
    assert_eq!(first.header("link"), format!("</api/v1{consents}?limit=1&after=web+web.example.com>; rel=\"next\""));
    let second = desk.get(&format!("{consents}?limit=1&after=web+web.example.com")).await;
    assert_eq!((second.json(), second.header("link")), (json!({ "items": [expected("web.example.org")] }), ""));
    let refused = desk.get(&format!("{consents}?after=web")).await;
    assert_eq!(refused.faults(), ["after must be a client's id, a space and a host"], "{}", refused.body);
    let gone = desk.delete(&format!("{consents}/web"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(desk.get(&consents).await.json(), json!({ "items": [] }));
    for path in [format!("{consents}/web"), format!("{consents}/no%20body"), "/accounts/nobody/consents/web".into()] {
        assert_eq!(desk.delete(&path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let revoked: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::ConsentRevoked).collect();
    assert!(matches!(&*revoked, [event] if event.client.as_ref().is_some_and(|client| client.as_str() == "web")), "{revoked:?}");
}

#[tokio::test]
async fn asvs_7_4_5_a_session_is_ended_and_a_grant_taken_back() {
    let desk = Desk::open().await;
    desk.register_web().await;
    let mut ada = desk.browser();
    let tokens = ada.signs_in("acme", "ada").await;
    let id = desk.only_account().await;
    let grants = desk.get(&format!("/accounts/{id}/grants")).await;
    assert_eq!(grants.status, StatusCode::OK, "{}", grants.body);
    let grants = grants.json()["items"].clone();
    let session = desk.sessions(&id).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!((grants.as_array().unwrap().len(), grants[0]["session"].as_str()), (1, Some(session.as_str())));
    assert!(grants[0]["scope"].as_str().unwrap().contains("openid") && grants[0]["expires_at"].as_str() > grants[0]["used_at"].as_str());
    let grant = grants[0]["id"].as_str().unwrap().to_owned();
    for absent in ["not-an-id", "7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71"] {
        for path in [format!("/accounts/{id}/grants/{absent}"), format!("/accounts/{id}/sessions/{absent}")] {
            assert_eq!(desk.delete(&path, None).await.code(), "not_found", "{path}");
        }
        for path in [format!("/accounts/{absent}/grants/{grant}"), format!("/accounts/{absent}/sessions/{session}")] {
            assert_eq!(desk.delete(&path, None).await.code(), "not_found", "{path}");
        }
        assert_eq!(desk.get(&format!("/accounts/{absent}/grants")).await.code(), "not_found");
    }
    desk.later();
    assert_eq!(desk.delete(&format!("/accounts/{id}/grants/{grant}"), None).await.status, StatusCode::NO_CONTENT);
    assert!(!desk.knows(&tokens).await && !desk.refreshes(&tokens).await && ada.is_signed_in().await);
    assert_eq!(desk.delete(&format!("/accounts/{id}/grants/{grant}"), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.delete(&format!("/accounts/{id}/sessions/{session}"), None).await.status, StatusCode::NO_CONTENT);
    assert!(!ada.is_signed_in().await);
    assert_eq!(desk.sessions(&id).await, json!([]));
    let names: Vec<_> = desk
        .rig
        .events()
        .iter()
        .map(|event| event.name.as_str())
        .filter(|name| name.ends_with("revoked") || name.ends_with("ended"))
        .collect();
    assert_eq!(names, ["grant.revoked", "session.ended"]);
}

/// What belongs to one account is not reached by the address of another, whatever is done there.
#[tokio::test]
async fn attack_86_nothing_of_an_account_is_reached_by_anothers_address() {
    let desk = Desk::open().await;
    let (ada, link, session, grant) = desk.somebody().await;
    desk.allows("web", &ada).await;
    desk.later();
    desk.browser().signs_in("acme", "bob").await;
    let accounts = desk.get("/accounts").await.json()["items"].clone();
    let ids = accounts.as_array().unwrap().iter().map(|account| account["id"].as_str().unwrap());
    let bob = ids.into_iter().find(|id| *id != ada).unwrap().to_owned();
    let events = desk.rig.events().len();
    let things = [format!("links/{link}"), format!("sessions/{session}"), format!("grants/{grant}"), "consents/web".to_owned()];
    for thing in &things {
        let refused = desk.delete(&format!("/accounts/{bob}/{thing}"), None).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{thing}: {}", refused.body);
    }
    assert_eq!(desk.rig.events().len(), events, "nothing was done");
    for thing in things.iter().rev() {
        let done = desk.delete(&format!("/accounts/{ada}/{thing}"), None).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{thing}: {}", done.body);
    }
}

#[tokio::test]
async fn an_erased_person_has_nothing_left_and_comes_back_as_somebody_new() {
    let desk = Desk::open().await;
    desk.register_web().await;
    desk.browser().signs_in("acme", "ada").await;
    let id = desk.only_account().await;
    let erase = async |id: &str| desk.send(Method::POST, &format!("/accounts/{id}:erase"), &[], "").await.status;
    assert_eq!(erase(&id).await, StatusCode::NO_CONTENT);
    let account = desk.get(&format!("/accounts/{id}")).await.json();
    assert_eq!((&account["disabled"], account["profile"].get("email")), (&json!(true), None), "{account}");
    for what in ["links", "sessions", "grants", "consents"] {
        assert_eq!(desk.get(&format!("/accounts/{id}/{what}")).await.json()["items"], json!([]), "{what}");
    }
    let event = desk.rig.events().into_iter().find(|event| event.name == EventName::AccountErased).unwrap();
    assert_eq!(event.account.unwrap().to_string(), id);
    assert_eq!(desk.rig.providers[0].revoked().len(), 1, "the provider was told to forget their tokens");

    desk.later();
    desk.browser().signs_in("acme", "ada").await;
    let accounts = desk.get("/accounts").await.json();
    assert_eq!(accounts["items"].as_array().unwrap().len(), 2, "{accounts}");
    // Again changes nothing more, and nobody else is erased by a wrong name.
    assert_eq!(erase(&id).await, StatusCode::NO_CONTENT);
    assert_eq!(erase("0190a3f2-0000-4000-8000-000000000000").await, StatusCode::NOT_FOUND);
}
