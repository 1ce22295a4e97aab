//! Token exchange among apps (RFC 8693): an app that was given a token gets one for the next, which never is more than the first.

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, AuditEvent},
    registration::Draft,
};

use crate::street::{Answer, App, Browser, Street, claims, grants, plain};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const API: &str = "https://api.example.com";
const BILLING: &str = "https://billing.example.com";
const LEDGER: &str = "https://ledger.example.com";

/// The app that people sign in to; its tokens are for the API.
fn front() -> Draft {
    Draft { audiences: vec![API.into()], ..plain() }
}

/// A server of ours that goes on to another.
fn server(serves: &str, onward: &str) -> Draft {
    Draft {
        redirect_uris: vec![],
        post_logout_redirect_uris: vec![],
        grant_types: grants(&["client_credentials", EXCHANGE]),
        serves: vec![serves.into()],
        exchange_audiences: vec![onward.into()],
        scope: "api profile admin".into(),
        ..plain()
    }
}

/// The app, the API it calls, and billing, which the API calls.
struct Chain {
    street: Street,
    app: App,
    api: App,
    billing: App,
}

impl Chain {
    async fn with(front: Draft) -> Self {
        let street = Street::open().await;
        let app = street.app_as("app", front).await;
        let api = street.app_as("api", server(API, BILLING)).await;
        let billing = street.app_as("billing", server(BILLING, LEDGER)).await;
        Self { street, app, api, billing }
    }

    async fn open() -> Self {
        Self::with(front()).await
    }

    /// What the app gets for somebody who signs in.
    async fn tokens(&self) -> Value {
        let scope = "openid profile email offline_access api";
        let landed = self.street.arrives_asking(&mut Browser::default(), &self.app, &[("scope", scope)], "alice").await;
        self.street.redeems(&self.app, &landed.parameter("code").unwrap()).await.json()
    }

    async fn own_token(&self, app: &App) -> String {
        text(&self.street.asks(app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await.json()["access_token"])
    }

    async fn exchanges(&self, by: &App, subject: &str, more: &[(&str, &str)]) -> Answer {
        exchanges(&self.street, by, subject, more).await
    }

    async fn is_alive(&self, token: &str) -> bool {
        self.street.asks(&self.billing, "/introspect", &[("token", token)]).await.json()["active"] == json!(true)
    }

    async fn change(&self, id: &str, draft: Draft) {
        let (gateway, actor) = (self.street.gateway(), Actor::AdminKey("test".into()));
        let version = gateway.client(id).await.unwrap().version;
        gateway.replace_client(&self.street.rig.witness(), &actor, id, &draft, Some(version)).await.unwrap();
    }

    fn last(&self, name: &str) -> AuditEvent {
        self.street.rig.events().into_iter().rfind(|event| event.name.as_str() == name).unwrap()
    }
}

/// With `more` in place of what it would send, or, by an empty value, without.
async fn exchanges(street: &Street, by: &App, subject: &str, more: &[(&str, &str)]) -> Answer {
    // Events of one millisecond have no order.
    street.rig.clock.advance(std::time::Duration::from_secs(1));
    let mut form =
        std::collections::BTreeMap::from([("grant_type", EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS_TOKEN)]);
    form.extend(more.iter().copied());
    street.asks(by, "/token", &form.into_iter().collect::<Vec<_>>()).await
}

fn acting(token: &str) -> [(&'static str, &str); 2] {
    [("actor_token", token), ("actor_token_type", ACCESS_TOKEN)]
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rfc_8693_section_2_2_1_an_app_that_was_given_a_token_gets_one_for_the_next() {
    let chain = Chain::open().await;
    let subject = chain.tokens().await;
    chain.street.rig.clock.advance(std::time::Duration::from_secs(100));
    let answer = chain.exchanges(&chain.api, &text(&subject["access_token"]), &[("audience", BILLING)]).await;
    let given = answer.json();
    let token = text(&given["access_token"]);
    assert_eq!(
        given,
        json!({
            "access_token": token, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 499, "scope": "api profile"
        }),
        "what both may have; no longer than the first lives; no refresh token"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let (before, after) = (claims(&subject["access_token"]), claims(&given["access_token"]));
    for same in ["iss", "sub", "auth_time", "exp"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!((&after["aud"], &after["client_id"]), (&json!(BILLING), &json!("api")));
    assert!(after["act"].is_null() && after["may_act"].is_null(), "without an actor's token nobody is said to act");
    let seen = chain.street.asks(&chain.billing, "/introspect", &[("token", &token)]).await.json();
    assert_eq!((&seen["active"], &seen["sub"], &seen["client_id"]), (&json!(true), &before["sub"], &json!("api")));
    let (subject, exchanged) = (claims(&subject["id_token"])["sub"].clone(), chain.last("token.exchanged"));
    assert_eq!((exchanged.client.unwrap().as_str(), json!(exchanged.account)), ("api", subject));
    assert_eq!(exchanged.detail.as_deref(), Some("token of app for https://billing.example.com"));
    assert_eq!((exchanged.audience, exchanged.acting), (vec![BILLING.to_owned()], Vec::new()));
    assert!(exchanged.session.is_some() && exchanged.grant.is_some());
}

#[tokio::test]
async fn rfc_8693_section_4_1_who_acts_stands_in_the_token_and_those_before_within() {
    let chain = Chain::open().await;
    let subject = text(&chain.tokens().await["access_token"]);
    let (api, billing) = (chain.own_token(&chain.api).await, chain.own_token(&chain.billing).await);
    let first = chain.exchanges(&chain.api, &subject, &acting(&api)).await.json();
    assert_eq!(claims(&first["access_token"])["act"], json!({ "sub": "client:api" }));
    let more = [acting(&billing).as_slice(), &[("resource", LEDGER)]].concat();
    let second = chain.exchanges(&chain.billing, &text(&first["access_token"]), &more).await.json();
    let nested = json!({ "sub": "client:billing", "act": { "sub": "client:api" } });
    let said = claims(&second["access_token"]);
    assert_eq!((&said["act"], &said["aud"]), (&nested, &json!(LEDGER)));
    let ledger = chain.street.app_as("ledger", Draft { serves: vec![LEDGER.into()], ..plain() }).await;
    let seen = chain.street.asks(&ledger, "/introspect", &[("token", &text(&second["access_token"]))]).await.json();
    assert_eq!(seen["act"], nested, "RFC 8693 section 4.1: introspection says it too");
    let exchanged = chain.last("token.exchanged");
    assert_eq!(exchanged.detail.as_deref(), Some("token of api for https://ledger.example.com; acting: billing, for api"));
    let acting: Vec<_> = exchanged.acting.iter().map(ToString::to_string).collect();
    assert_eq!((exchanged.audience, acting), (vec![LEDGER.to_owned()], vec!["billing".to_owned(), "api".to_owned()]));
    let own = chain.last("client_credentials.granted");
    assert!(!own.audience.is_empty() && own.acting.is_empty(), "{own:?}");
    // Who acted stays in the chain, and goes with it.
    chain.change("api", Draft { disabled: true, ..server(API, BILLING) }).await;
    let seen = chain.street.asks(&ledger, "/introspect", &[("token", &text(&second["access_token"]))]).await;
    assert_eq!(seen.body, "{\"active\":false}");
}

#[tokio::test]
async fn rfc_8693_section_4_4_where_somebody_is_named_nobody_else_acts() {
    let chain = Chain::with(Draft { may_act: Some("agent".into()), ..front() }).await;
    let agent = chain.street.app_as("agent", Draft { audiences: vec!["api".into()], ..server("urn:agent", BILLING) }).await;
    let tokens = chain.tokens().await;
    assert_eq!(claims(&tokens["access_token"])["may_act"], json!({ "sub": "client:agent" }));
    let subject = text(&tokens["access_token"]);
    let (agents, apis) = (chain.own_token(&agent).await, chain.own_token(&chain.api).await);
    for more in [&[][..], &acting(&apis)] {
        let refused = chain.exchanges(&chain.api, &subject, more).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{more:?}");
        assert_eq!(chain.last("token.exchange_failed").reason.unwrap().as_str(), "actor");
    }
    let given = chain.exchanges(&chain.api, &subject, &acting(&agents)).await.json();
    let said = claims(&given["access_token"]);
    assert_eq!((&said["act"], &said["may_act"]), (&json!({ "sub": "client:agent" }), &json!({ "sub": "client:agent" })));
    assert!(claims(&json!(agents))["may_act"].is_null(), "nobody acts for an app");
    let seen = chain.street.asks(&chain.billing, "/introspect", &[("token", &text(&given["access_token"]))]).await.json();
    assert_eq!(seen["may_act"], json!({ "sub": "client:agent" }));
    // The next in the chain is not named either.
    let onward = chain.exchanges(&chain.billing, &text(&given["access_token"]), &[]).await;
    assert_eq!(onward.error(), "invalid_request");
}

#[tokio::test]
async fn attack_52_rfc_8693_section_2_1_nothing_but_a_good_token_of_ours_that_is_the_clients_or_for_it() {
    let chain = Chain::open().await;
    let tokens = chain.tokens().await;
    let good = text(&tokens["access_token"]);
    let elsewhere = chain.street.app("elsewhere").await;
    let not_for_it = chain.street.tokens(&elsewhere, "alice").await;
    let other_house = Chain::open().await;
    let foreign = other_house.tokens().await;
    let own = chain.own_token(&chain.api).await;
    let revoked = text(&chain.tokens().await["access_token"]);
    chain.street.asks(&chain.app, "/revoke", &[("token", &revoked)]).await;
    let (head, rest) = good.split_at(good.find('.').unwrap());
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0{rest}");
    for (what, subject) in [
        ("an ID token", text(&tokens["id_token"])),
        ("a refresh token", text(&tokens["refresh_token"])),
        ("a token for others", text(&not_for_it["access_token"])),
        ("a token of another house", text(&foreign["access_token"])),
        ("an app's own", own.clone()),
        ("a revoked one", revoked),
        ("an unsigned one", none),
        ("a signature cut off", head.to_owned()),
        ("anything", "x".into()),
    ] {
        let refused = chain.exchanges(&chain.api, &subject, &[]).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{what}");
        let refused = chain.exchanges(&chain.api, &good, &acting(&subject)).await;
        assert_eq!(refused.error() == "invalid_request", subject != own, "{what} as the actor's: {refused:?}");
    }
    chain.street.rig.clock.advance(std::time::Duration::from_mins(10));
    assert_eq!(chain.exchanges(&chain.api, &good, &[]).await.error(), "invalid_request", "an expired one");
}

#[tokio::test]
async fn attack_52_rfc_8693_section_2_1_nothing_is_widened_and_every_parameter_is_checked() {
    let chain = Chain::open().await;
    let good = text(&chain.tokens().await["access_token"]);
    let own = chain.own_token(&chain.api).await;
    let (jwt, id_token) = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token");
    for (more, error) in [
        (vec![("subject_token", "")], "invalid_request"),
        (vec![("subject_token_type", "")], "invalid_request"),
        (vec![("subject_token_type", id_token)], "invalid_request"),
        (vec![("requested_token_type", id_token)], "invalid_request"),
        (vec![("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request"),
        (vec![("actor_token", own.as_str())], "invalid_request"),
        (vec![("actor_token_type", ACCESS_TOKEN)], "invalid_request"),
        (vec![("actor_token", own.as_str()), ("actor_token_type", id_token)], "invalid_request"),
        (vec![("scope", "api email")], "invalid_scope"),
        (vec![("scope", "admin")], "invalid_scope"),
        (vec![("scope", "openid")], "invalid_scope"),
        (vec![("scope", "a\"b")], "invalid_scope"),
        (vec![("audience", "https://ledger.example.com")], "invalid_target"),
        (vec![("audience", "https://sso.example.com")], "invalid_target"),
        (vec![("audience", "acme")], "invalid_target"),
        (vec![("resource", "https://billing.example.com/")], "invalid_target"),
        (vec![("audience", BILLING), ("resource", API)], "invalid_target"),
    ] {
        let refused = chain.exchanges(&chain.api, &good, &more).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, error), "{more:?}");
    }
    for fine in [
        vec![("subject_token_type", jwt)],
        vec![("requested_token_type", ACCESS_TOKEN)],
        vec![("resource", BILLING)],
        vec![("actor_token", own.as_str()), ("actor_token_type", jwt)],
    ] {
        assert_eq!(chain.exchanges(&chain.api, &good, &fine).await.status, StatusCode::OK, "{fine:?}");
    }
    let narrow = chain.exchanges(&chain.api, &good, &[("scope", "api")]).await.json();
    assert_eq!(claims(&narrow["access_token"])["scope"], "api");
    // What was exchanged opens nothing of ours, and is not exchanged again by whom it is not for.
    let exchanged = text(&narrow["access_token"]);
    assert_eq!(chain.street.userinfo(&exchanged).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(chain.exchanges(&chain.app, &exchanged, &[]).await.error(), "unauthorized_client", "the grant is off by default");
    let public = chain.street.public_app("public").await;
    assert_eq!(chain.exchanges(&public, &good, &[]).await.error(), "unauthorized_client", "a public client never");
}

#[tokio::test]
async fn attack_52_what_was_exchanged_lives_and_dies_with_the_grant_it_came_from() {
    for end in ["revoked", "signed out", "disabled", "app disabled", "api disabled", "rule gone", "not welcome at the app"] {
        let chain = Chain::open().await;
        let mut browser = Browser::default();
        let landed = chain.street.arrives_asking(&mut browser, &chain.app, &[("scope", "openid api")], "alice").await;
        let tokens = chain.street.redeems(&chain.app, &landed.parameter("code").unwrap()).await.json();
        let given = chain.exchanges(&chain.api, &text(&tokens["access_token"]), &[]).await.json();
        let token = text(&given["access_token"]);
        assert!(chain.is_alive(&token).await);
        match end {
            "revoked" => {
                chain.street.asks(&chain.app, "/revoke", &[("token", &text(&tokens["refresh_token"]))]).await;
            }
            "signed out" => {
                chain.street.goes(&mut browser, &format!("/logout?id_token_hint={}", text(&tokens["id_token"]))).await;
            }
            "disabled" => {
                let sub = text(&claims(&tokens["id_token"])["sub"]);
                let actor = Actor::AdminKey("test".into());
                chain.street.gateway().disable_account(&chain.street.rig.witness(), &actor, &sub, true).await.unwrap();
            }
            "app disabled" => chain.change("app", Draft { disabled: true, ..front() }).await,
            "api disabled" => chain.change("api", Draft { disabled: true, ..server(API, BILLING) }).await,
            "rule gone" => chain.change("api", server(API, LEDGER)).await,
            _ => chain.change("app", Draft { allowed_providers: vec!["other".into()], ..front() }).await,
        }
        assert!(!chain.is_alive(&token).await, "{end}");
    }
}

#[tokio::test]
async fn a_person_must_be_wanted_at_the_app_that_goes_on_with_their_token() {
    let chain = Chain::open().await;
    let good = text(&chain.tokens().await["access_token"]);
    chain.change("api", Draft { allowed_providers: vec!["other".into()], ..server(API, BILLING) }).await;
    assert_eq!(chain.exchanges(&chain.api, &good, &[]).await.error(), "invalid_request");
    assert_eq!(chain.last("token.exchange_failed").reason.unwrap().as_str(), "entry_rule");
}

#[tokio::test]
async fn attack_57_no_exchange_tells_which_names_belong_together() {
    let chain = Chain::with(Draft { subject_type: "pairwise".into(), ..front() }).await;
    let good = text(&chain.tokens().await["access_token"]);
    let refused = chain.exchanges(&chain.api, &good, &[]).await;
    assert_eq!(refused.error(), "invalid_request");
    assert_eq!(chain.last("token.exchange_failed").reason.unwrap().as_str(), "other_person");
    // Of one sector, or both public, the name is the same on both sides.
    let same = Draft { redirect_uris: vec![crate::street::CALLBACK.into()], subject_type: "pairwise".into(), ..server(API, BILLING) };
    chain.change("api", same).await;
    let given = chain.exchanges(&chain.api, &good, &[]).await.json();
    assert_eq!(claims(&given["access_token"])["sub"], claims(&json!(good))["sub"]);
}

#[tokio::test]
async fn an_app_narrows_its_own_token_and_an_upstreams_token_is_still_another_matter() {
    let chain = Chain::open().await;
    let exchange = Draft {
        grant_types: grants(&["authorization_code", "refresh_token", EXCHANGE]),
        exchange_audiences: vec![BILLING.into(), LEDGER.into()],
        ..front()
    };
    chain.change("app", exchange).await;
    let good = text(&chain.tokens().await["access_token"]);
    let given = chain.exchanges(&chain.app, &good, &[("audience", LEDGER), ("scope", "api")]).await.json();
    let said = claims(&given["access_token"]);
    assert_eq!((&said["aud"], &said["scope"]), (&json!(LEDGER), &json!("api")));
    let unnamed = chain.exchanges(&chain.app, &good, &[]).await;
    assert_eq!(unnamed.error(), "invalid_target", "it could be either");
    let upstreams = chain.exchanges(&chain.app, &good, &[("audience", "acme")]).await;
    assert_eq!(upstreams.error(), "invalid_target", "no rule lets it have such a token");
}
