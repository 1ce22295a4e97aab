//! Who may enter: one evaluation for sign-in, session, code, refresh, access and introspection.

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::{
    entry::{EntryDraft, EntryRules},
    provider::{Arrival, ProviderTerms},
    registration::Draft,
};
use vestibule_testkit::{fake_provider::FakeProvider, rig::RigOptions};

use crate::street::{Answer, App, Browser, Street, claims, grants, plain};

fn entry(value: Value) -> EntryDraft {
    serde_json::from_value(value).unwrap()
}

fn rules(value: Value) -> EntryRules {
    let mut faults = Vec::new();
    let rules = entry(value).check("", &mut faults);
    assert_eq!(faults, []);
    rules
}

/// A house whose `acme` has these rules.
async fn house_of(value: Value) -> Street {
    let terms = ProviderTerms { entry: rules(value), keeps_tokens: true, ..ProviderTerms::default() };
    Street::with(RigOptions { terms: vec![("acme", terms)], ..RigOptions::default() }).await
}

async fn arrives_with(street: &Street, app: &App, said: Value) -> Answer {
    let arrival = Arrival { claims: serde_json::from_value(said).unwrap(), ..FakeProvider::arrival("ada", street.rig.witness().now) };
    street.rig.providers[0].answers_next(Ok(arrival));
    street.arrives(&mut Browser::default(), app, "x").await
}

#[tokio::test]
async fn attack_09_a_domain_rule_takes_the_very_domain_and_only_a_verified_address() {
    let street = house_of(json!({"email_domains": ["corp.example"]})).await;
    let app = street.app("app").await;
    let came = async |email: &str, verified: Value| arrives_with(&street, &app, json!({"email": email, "email_verified": verified})).await;
    assert!(came("Ada@CORP.example", json!(true)).await.parameter("code").is_some());
    for (email, verified, page) in [
        ("ada@corp.example", json!(false), "email_not_verified"),
        ("ada@corp.example", json!("true"), "email_not_verified"),
        ("victim@corp.example.evil.example", json!(true), "not_allowed"),
        ("ada@sub.corp.example", json!(true), "not_allowed"),
        ("ada@c\u{43e}rp.example", json!(true), "not_allowed"),
        ("ada@corp.example@evil.example", json!(true), "email_not_verified"),
    ] {
        let refused = came(email, verified).await;
        assert_eq!((refused.status, refused.page()), (StatusCode::FORBIDDEN, page), "{email}");
        assert!(!refused.body.contains("corp.example."), "the list is nobody's business: {refused:?}");
    }
    let denied = |rule: &str, reason: &str| {
        let events = street.rig.events();
        let of = |event: &&vestibule_domain::audit::AuditEvent| {
            event.name.as_str() == "login.denied_by_policy" && event.detail.as_deref() == Some(rule)
        };
        events.iter().filter(of).filter(|event| event.reason.unwrap().as_str() == reason).count()
    };
    assert_eq!((denied("provider.email_verified", "email_not_verified"), denied("provider.email", "entry_rule")), (3, 3));
}

#[tokio::test]
async fn attack_11_hosted_domain_and_tenant_are_those_of_the_token_whatever_was_asked() {
    let street = house_of(json!({"hosted_domains": ["corp.example"], "tenants": ["t-1"]})).await;
    let app = street.app("app").await;
    assert!(arrives_with(&street, &app, json!({"hd": "corp.example", "tid": "t-1"})).await.parameter("code").is_some());
    for (said, rule) in [
        (json!({"tid": "t-1", "email": "ada@corp.example", "email_verified": true}), "provider.hosted_domains"),
        (json!({"hd": "evil.example", "tid": "t-1"}), "provider.hosted_domains"),
        (json!({"hd": "corp.example", "tid": "t-2"}), "provider.tenants"),
    ] {
        let refused = arrives_with(&street, &app, said).await;
        assert!(refused.body.contains(rule), "the rule's name is for the developer: {refused:?}");
    }
}

#[tokio::test]
async fn a_clients_rules_hold_for_session_code_refresh_access_and_introspection_alike() {
    let street = Street::open().await;
    let wants = |groups: Value| Draft {
        grant_types: grants(&["authorization_code", "refresh_token", "client_credentials"]),
        entry: entry(json!({"groups": groups})),
        ..plain()
    };
    let app = street.app_as("app", wants(json!(["eng-*"]))).await;
    let said = |groups: Value| Arrival {
        claims: serde_json::from_value(json!({"email": "ada@corp.example", "email_verified": true, "groups": groups})).unwrap(),
        ..FakeProvider::arrival("ada", street.rig.witness().now)
    };
    let mut browser = Browser::default();
    street.rig.providers[0].answers_next(Ok(said(json!(["eng-core"]))));
    let code = street.signs_in(&mut browser, &app, "x").await;
    let tokens = street.redeems(&app, &code).await.json();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert!(street.is_good(access).await);
    let silent = Street::link(&app, &[("prompt", "none")]);
    let second = street.goes(&mut browser, &silent).await.parameter("code").unwrap();

    // The rule changes: everything that was given stops at once.
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    let version = street.gateway().client("app").await.unwrap().version;
    let draft = wants(json!(["sales"]));
    street.gateway().replace_client(&street.rig.witness(), &actor, "app", &draft, Some(version)).await.unwrap();
    assert!(!street.is_good(access).await);
    let introspected = street.asks(&app, "/introspect", &[("token", access)]).await.json();
    assert_eq!(introspected, json!({"active": false}));
    assert_eq!(street.asks(&app, "/introspect", &[("token", refresh)]).await.json(), json!({"active": false}));
    assert_eq!(street.refreshes(&app, refresh).await.error(), "invalid_grant");
    assert_eq!(street.redeems(&app, &second).await.error(), "invalid_grant");
    assert_eq!(street.goes(&mut browser, &silent).await.parameter("error").as_deref(), Some("login_required"));
    let refused = street.rig.events().into_iter().rfind(|event| event.name.as_str() == "token.refresh_failed").unwrap();
    assert_eq!(refused.detail.as_deref(), Some("client.groups"));
}

#[tokio::test]
async fn a_client_hears_only_the_claims_and_groups_it_wants_under_the_names_it_knows() {
    let street = Street::open().await;
    let release = serde_json::from_value(json!({
        "claims": ["email", "groups", "preferred_username"], "groups": ["eng-*"], "rename": {"groups": "roles", "preferred_username": "login"}
    }))
    .unwrap();
    let app = street.app_as("app", Draft { release, ..plain() }).await;
    let said = json!({"name": "Ada", "preferred_username": "ada", "email": "a@b.example", "email_verified": true, "groups": ["eng-core", "sales"]});
    let arrival = Arrival { claims: serde_json::from_value(said).unwrap(), ..FakeProvider::arrival("ada", street.rig.witness().now) };
    street.rig.providers[0].answers_next(Ok(arrival));
    let landed = street.arrives_asking(&mut Browser::default(), &app, &[("scope", "openid profile email groups")], "x").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    let id_token = claims(&tokens["id_token"]);
    let userinfo = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    for said in [&id_token, &userinfo] {
        assert_eq!((&said["roles"], &said["login"], &said["email"]), (&json!(["eng-core"]), &json!("ada"), &json!("a@b.example")));
        assert!(said.get("name").is_none() && said.get("groups").is_none(), "{said}");
    }
}

#[tokio::test]
async fn a_thin_id_token_leaves_the_claims_to_userinfo() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { id_token_claims: false, ..plain() }).await;
    let tokens = street.tokens(&app, "alice").await;
    assert!(claims(&tokens["id_token"]).get("email").is_none());
    assert_eq!(street.userinfo(tokens["access_token"].as_str().unwrap()).await.json()["email"], "alice@example.com");
}

#[tokio::test]
async fn oidc_core_section_8_oidc_core_section_8_1_a_person_has_another_name_in_each_sector_of_pairwise_clients() {
    let street = Street::open().await;
    let pairwise = |uri: &str| Draft { subject_type: "pairwise".into(), redirect_uris: vec![uri.into()], ..plain() };
    let public = street.app("public").await;
    let one = street.app_as("one", pairwise("https://one.example/cb")).await;
    let same = street.app_as("same", pairwise("https://one.example/other")).await;
    let two = street.app_as("two", pairwise("https://two.example/cb")).await;
    let mut subs = Vec::new();
    for app in [&public, &one, &same, &two, &one] {
        let tokens = street.tokens(app, "alice").await;
        let access = tokens["access_token"].as_str().unwrap();
        let sub = claims(&tokens["id_token"])["sub"].clone();
        assert_eq!(sub, claims(&tokens["access_token"])["sub"]);
        assert_eq!(sub, street.userinfo(access).await.json()["sub"]);
        assert_eq!(sub, street.asks(app, "/introspect", &[("token", access)]).await.json()["sub"]);
        let refreshed = street.refreshes(app, tokens["refresh_token"].as_str().unwrap()).await.json();
        assert_eq!(sub, claims(&refreshed["id_token"])["sub"]);
        subs.push(sub);
    }
    assert_eq!((&subs[1], &subs[1]), (&subs[2], &subs[4]), "one sector, one name, for good");
    assert!(subs[0] != subs[1] && subs[1] != subs[3] && subs[0] != subs[3]);
    let tokens = street.tokens(&one, "alice").await;
    assert!(claims(&tokens["id_token"]).get("sid").is_none(), "sectors could compare it");
    // The name leads back to the person who is signed in, and to nobody else.
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &one, "alice").await;
    let hint = street.redeems(&one, &code).await.json()["id_token"].as_str().unwrap().to_owned();
    let silent = Street::link(&one, &[("prompt", "none"), ("id_token_hint", &hint)]);
    assert!(street.goes(&mut browser, &silent).await.parameter("code").is_some());
    street.arrives_asking(&mut browser, &public, &[("prompt", "login")], "bob").await;
    assert_eq!(street.goes(&mut browser, &silent).await.parameter("error").as_deref(), Some("login_required"));
}
