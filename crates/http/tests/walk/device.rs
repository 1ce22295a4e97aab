//! A device without a browser, and the person who answers it (RFC 8628).

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use vestibule_domain::registration::Draft;

use crate::street::{Answer, App, Browser, Street, claims, grants, plain};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A public app on televisions: no address, no secret.
pub(crate) async fn television(street: &Street) -> App {
    let draft = Draft {
        name: "TV".into(),
        auth_method: "none".into(),
        grant_types: grants(&[GRANT, "refresh_token"]),
        redirect_uris: vec![],
        ..plain()
    };
    street.app_as("tv", draft).await
}

pub(crate) async fn asks(street: &Street, app: &App, scope: &str) -> Value {
    let answer = street.asks(app, "/device_authorization", &[("scope", scope)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

pub(crate) async fn polls(street: &Street, app: &App, started: &Value) -> Answer {
    street.asks(app, "/token", &[("grant_type", GRANT), ("device_code", started["device_code"].as_str().unwrap())]).await
}

/// The same after the interval.
pub(crate) async fn polls_in_time(street: &Street, app: &App, started: &Value) -> Answer {
    street.rig.clock.advance(Duration::from_secs(5));
    polls(street, app, started).await
}

pub(crate) fn user_code(started: &Value) -> String {
    started["user_code"].as_str().unwrap().to_owned()
}

/// From the code to the question, signing in on the way: the address of the question.
pub(crate) async fn comes_to_the_question(street: &Street, browser: &mut Browser, code: &str, person: &str) -> String {
    let entered = street.posts(browser, "/device", &[("user_code", code)]).await;
    if entered.status == StatusCode::SEE_OTHER {
        return entered.header("location").to_owned();
    }
    let attempt = entered.between("?attempt=", "\"").to_owned();
    street.goes(browser, &format!("/login/acme?attempt={attempt}")).await;
    let landed = street.goes(browser, &format!("/callback/acme?code={person}&state={attempt}")).await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER, "{landed:?}");
    landed.header("location").to_owned()
}

pub(crate) fn form_of(question: &str) -> String {
    question.split_once("form=").unwrap().1.to_owned()
}

pub(crate) async fn says(street: &Street, browser: &mut Browser, question: &str, answer: &str) -> Answer {
    street.posts(browser, "/device/answer", &[("form", &form_of(question)), ("answer", answer)]).await
}

pub(crate) fn sees(answer: &Answer) -> &str {
    answer.between("data-page=\"", "\"")
}

/// All the way: what the device gets.
pub(crate) async fn is_let_in(street: &Street, app: &App, browser: &mut Browser, person: &str) -> (Value, Value) {
    let started = asks(street, app, "openid email").await;
    let question = comes_to_the_question(street, browser, &user_code(&started), person).await;
    assert_eq!(sees(&says(street, browser, &question, "allow").await), "device-done");
    let tokens = polls(street, app, &started).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    (started, tokens.json())
}

#[tokio::test]
async fn rfc_8628_section_3_1_only_a_client_that_is_registered_for_it_may_ask_and_for_what_it_may_have() {
    let street = Street::open().await;
    let (app, tv) = (street.app("app").await, television(&street).await);
    assert_eq!(street.asks(&app, "/device_authorization", &[]).await.error(), "unauthorized_client");
    assert_eq!(street.asks(&tv, "/device_authorization", &[("scope", "openid admin")]).await.error(), "invalid_scope");
    assert_eq!(street.asks(&tv, "/device_authorization", &[("scope", "a"), ("scope", "b")]).await.error(), "invalid_request");
    let nobody = App { id: "nobody".into(), ..tv.clone() };
    let refused = street.asks(&nobody, "/device_authorization", &[]).await;
    assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let forged =
        App { secret: Some("wrong".into()), ..street.app_as("with-secret", Draft { grant_types: grants(&[GRANT]), ..plain() }).await };
    assert_eq!(street.asks(&forged, "/device_authorization", &[]).await.error(), "invalid_client");
}

#[tokio::test]
async fn rfc_8628_section_3_2_a_device_is_told_where_its_person_goes_and_nobody_keeps_the_answer() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let answer = street.asks(&tv, "/device_authorization", &[("scope", "openid")]).await;
    assert_eq!((answer.status, answer.header("cache-control"), answer.header("pragma")), (StatusCode::OK, "no-store", "no-cache"));
    let started = answer.json();
    let code = user_code(&started);
    assert!(code.len() == 9 && code.as_bytes()[4] == b'-', "{code}");
    assert_eq!(started["device_code"].as_str().unwrap().len(), 43, "256 bits (section 5.2)");
    assert_eq!(started["verification_uri"], "https://sso.example.com/device");
    assert_eq!(started["verification_uri_complete"], format!("https://sso.example.com/device?user_code={code}"));
    assert_eq!((started["expires_in"].as_u64(), started["interval"].as_u64()), (Some(600), Some(5)));
    let metadata = street.send(street.request(http::Method::GET, "/.well-known/openid-configuration").finish()).await.json();
    assert_eq!(metadata["device_authorization_endpoint"], "https://sso.example.com/device_authorization");
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&GRANT.into()));
}

#[tokio::test]
async fn rfc_8628_section_3_4_a_person_signs_in_for_a_device_and_its_tokens_are_like_any_others() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let mut browser = Browser::default();
    let (_, tokens) = is_let_in(&street, &tv, &mut browser, "alice").await;
    assert_eq!((tokens["token_type"].as_str(), tokens["scope"].as_str()), (Some("Bearer"), Some("email openid")));
    let id_token = claims(&tokens["id_token"]);
    assert_eq!((id_token["aud"].as_str(), &id_token["nonce"]), (Some("tv"), &Value::Null));
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    let next = street.refreshes(&tv, tokens["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(claims(&next["id_token"])["sub"], id_token["sub"]);
    for name in ["user.provisioned", "identity.linked", "login.succeeded", "device.approved", "code.redeemed", "token.refreshed"] {
        assert_eq!(street.count(name), 1, "{name}");
    }
    let events = street.rig.events();
    let redeemed = events.iter().find(|event| event.name.as_str() == "code.redeemed").unwrap();
    assert_eq!(redeemed.grant_type.map(vestibule_domain::client::GrantType::as_str), Some(GRANT));
    // Signing out ends it: it has no offline_access.
    let session = events.iter().find_map(|event| event.session).unwrap();
    let confirm = street.goes(&mut browser, "/logout").await;
    let confirmation = confirm.between("name=\"confirmation\" value=\"", "\"").to_owned();
    street.posts(&mut browser, "/logout", &[("confirmation", &confirmation)]).await;
    assert!(street.rig.port().session_by_id(&session).await.unwrap().unwrap().ended.is_some());
    assert!(!street.is_good(next["access_token"].as_str().unwrap()).await);
    assert_eq!(street.refreshes(&tv, next["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
}

#[tokio::test]
async fn rfc_8628_section_3_3_1_a_link_with_the_code_saves_typing_it_and_nothing_else() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let mut browser = Browser::default();
    is_let_in(&street, &tv, &mut browser, "alice").await;
    let started = asks(&street, &tv, "openid").await;
    let link = started["verification_uri_complete"].as_str().unwrap().strip_prefix("https://sso.example.com").unwrap();
    let page = street.goes(&mut browser, link).await;
    assert_eq!(sees(&page), "enter-code", "somebody who is signed in is asked all the same");
    assert_eq!(page.between("name=\"user_code\" value=\"", "\""), user_code(&started));
    assert_eq!(polls(&street, &tv, &started).await.error(), "authorization_pending");
    // The question has what the person compares, and no answer is taken from a link.
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started).replace('-', " ").to_lowercase(), "alice").await;
    let asked = street.goes(&mut browser, &format!("{question}&answer=allow")).await;
    assert_eq!(sees(&asked), "ask-device");
    assert!(asked.body.contains(&user_code(&started)), "{asked:?}");
    assert_eq!(polls_in_time(&street, &tv, &started).await.error(), "authorization_pending");
    let hostile = street.goes(&mut browser, "/device?user_code=%3Cscript%3E").await;
    assert!(!hostile.body.contains("script"), "what is no code is not put into the field");
}

#[tokio::test]
async fn rfc_8628_section_3_5_a_device_hears_how_far_it_is_and_is_held_to_its_interval() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let started = asks(&street, &tv, "openid").await;
    let first = polls(&street, &tv, &started).await;
    assert_eq!((first.status, first.error().as_str()), (StatusCode::BAD_REQUEST, "authorization_pending"));
    let hasty = polls(&street, &tv, &started).await;
    assert_eq!((hasty.status, hasty.error().as_str()), (StatusCode::BAD_REQUEST, "slow_down"));
    assert_eq!(polls_in_time(&street, &tv, &started).await.error(), "slow_down", "10 seconds from now on");
    street.rig.clock.advance(Duration::from_secs(15));
    assert_eq!(polls(&street, &tv, &started).await.error(), "authorization_pending");
    street.rig.clock.advance(Duration::from_mins(10));
    assert_eq!(polls(&street, &tv, &started).await.error(), "expired_token");
    let late = street.posts(&mut Browser::default(), "/device", &[("user_code", &user_code(&started))]).await;
    assert_eq!((late.status, sees(&late)), (StatusCode::BAD_REQUEST, "enter-code"));
}

#[tokio::test]
async fn the_apps_own_rules_hold_for_its_devices_too() {
    let street = Street::open().await;
    let rules = serde_json::json!({"email_domains": ["corp.example"]});
    let draft = Draft {
        name: "TV".into(),
        auth_method: "none".into(),
        grant_types: grants(&[GRANT]),
        redirect_uris: vec![],
        allowed_providers: vec!["acme".into()],
        entry: serde_json::from_value(rules).unwrap(),
        ..plain()
    };
    let tv = street.app_as("tv", draft).await;
    let started = asks(&street, &tv, "openid").await;
    let mut browser = Browser::default();
    // One provider is left, so the way there is straight.
    let entered = street.posts(&mut browser, "/device", &[("user_code", &user_code(&started))]).await;
    let attempt = entered.between("state=", "\"").to_owned();
    let refused = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert_eq!((refused.status, refused.page()), (StatusCode::FORBIDDEN, "not_allowed"));
    assert!(!refused.body.contains("href=\"https://sso.example.com/device"), "there is no app to go back to in this browser: {refused:?}");
    // Somebody who is signed in already is not let past the rule.
    street.signs_in(&mut browser, &street.app("app").await, "alice").await;
    let entered = street.posts(&mut browser, "/device", &[("user_code", &user_code(&started))]).await;
    assert_eq!(entered.status, StatusCode::OK, "they sign in as somebody who may: {entered:?}");
    assert_eq!(polls(&street, &tv, &started).await.error(), "authorization_pending");
}

#[tokio::test]
async fn rfc_8628_section_5_4_the_question_says_who_asks_for_what_when_and_from_where() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let started = asks(&street, &tv, "openid profile email groups offline_access api").await;
    let mut browser = Browser::default();
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    let page = street.goes(&mut browser, &question).await;
    for words in [
        "TV",
        "Your name and other details",
        "Your e-mail address",
        "Access while you are away",
        ">api<",
        "only if you started it yourself",
    ] {
        assert!(page.body.contains(words), "{words}: {page:?}");
    }
    assert!(page.header("content-security-policy").contains("form-action 'self';"), "{page:?}");
}

#[tokio::test]
async fn rfc_8707_section_2_a_device_names_the_resource_its_token_is_for() {
    let street = Street::open().await;
    let draft = Draft {
        name: "TV".into(),
        auth_method: "none".into(),
        grant_types: grants(&[GRANT]),
        redirect_uris: vec![],
        audiences: vec!["https://api.example.com".into()],
        ..plain()
    };
    let tv = street.app_as("tv", draft).await;
    let stranger = street.asks(&tv, "/device_authorization", &[("resource", "https://other.example.com")]).await;
    assert_eq!(stranger.error(), "invalid_target");
    let started = street.asks(&tv, "/device_authorization", &[("scope", "openid"), ("resource", "https://api.example.com")]).await.json();
    let mut browser = Browser::default();
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    says(&street, &mut browser, &question, "allow").await;
    let tokens = polls(&street, &tv, &started).await.json();
    assert_eq!(claims(&tokens["access_token"])["aud"], "https://api.example.com");
}

#[tokio::test]
async fn rfc_8628_section_3_2_a_device_that_comes_late_is_let_in_as_long_as_it_was_told() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let started = asks(&street, &tv, "openid").await;
    let mut browser = Browser::default();
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    says(&street, &mut browser, &question, "allow").await;
    street.rig.clock.advance(Duration::from_mins(2));
    assert_eq!(polls(&street, &tv, &started).await.status, StatusCode::OK, "a code's minute is no device's");
}
