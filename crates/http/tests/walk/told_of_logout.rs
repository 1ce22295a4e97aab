//! Apps hear that a session has ended: by logout tokens, and by frames of the signed-out page.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::{audit::Actor, logout::LogoutDraft, logout::MOST_ATTEMPTS, registration::Draft};
use vestibule_flows::Told;

use crate::street::{Answer, App, Browser, Street, claims, encode, plain};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn back_uri(id: &str) -> String {
    format!("https://{id}.example.com/backchannel")
}

fn heard(id: &str) -> Draft {
    let logout = LogoutDraft { backchannel_uri: Some(back_uri(id)), ..LogoutDraft::default() };
    Draft { name: format!("App {id}"), redirect_uris: vec![format!("https://{id}.example.com/cb")], logout, ..plain() }
}

/// An app that is told by a logout token.
async fn told_app(street: &Street, id: &str) -> App {
    street.app_as(id, heard(id)).await
}

/// An app whose page is framed.
async fn framed_app(street: &Street, id: &str, subject_type: &str) -> App {
    let frontchannel_uri = Some(format!("https://{id}.example.com/bye?from=us"));
    let logout = LogoutDraft { frontchannel_uri, ..LogoutDraft::default() };
    street.app_as(id, Draft { logout, subject_type: subject_type.into(), ..heard(id) }).await
}

/// Tells everybody who is due; what came of it, in any order.
async fn tell(street: &Street) -> Vec<Told> {
    let mut told = Vec::new();
    for due in street.gateway().logouts_due(100, 100).await.unwrap() {
        told.push(street.gateway().deliver_logout(&due).await.unwrap());
    }
    told
}

fn posted(street: &Street, id: &str) -> Vec<String> {
    street.rig.back_channel.posted_to(&back_uri(id))
}

/// Signs in alice, or takes her session; the app's ID token.
async fn enters(street: &Street, app: &App, browser: &mut Browser) -> Value {
    let code = match browser.session() {
        None => street.signs_in(browser, app, "alice").await,
        Some(_) => street.goes(browser, &Street::link(app, &[("prompt", "none")])).await.parameter("code").unwrap(),
    };
    street.redeems(app, &code).await.json()["id_token"].clone()
}

async fn signs_out(street: &Street, browser: &mut Browser, hint: &Value, more: &[(&str, &str)]) -> Answer {
    let query = [&[("id_token_hint", hint.as_str().unwrap())], more].concat();
    street.goes(browser, &format!("/logout?{}", encode(&query))).await
}

#[tokio::test]
async fn back_channel_logout_section_2_4_every_client_of_the_session_gets_a_logout_token_of_its_own() {
    let street = Street::open().await;
    let (one, other, elsewhere) = (told_app(&street, "one").await, told_app(&street, "other").await, told_app(&street, "elsewhere").await);
    let (mut browser, mut second) = (Browser::default(), Browser::default());
    let hint = enters(&street, &one, &mut browser).await;
    enters(&street, &other, &mut browser).await;
    enters(&street, &elsewhere, &mut second).await;
    signs_out(&street, &mut browser, &hint, &[]).await;
    assert!(posted(&street, "one").is_empty(), "nobody waits for an app");
    assert_eq!(tell(&street).await, [Told::Delivered; 2]);
    assert_eq!(tell(&street).await, [], "once");
    assert!(posted(&street, "elsewhere").is_empty(), "another session goes on");

    let mut names = BTreeSet::new();
    for app in [&one, &other] {
        let tokens = posted(&street, &app.id);
        let [token] = tokens.as_slice() else { panic!("{tokens:?}") };
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
        let token = claims(&json!(token));
        let said: BTreeSet<&str> = token.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(said, BTreeSet::from(["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]), "no nonce, and nothing else");
        assert_eq!((&token["iss"], &token["aud"]), (&json!("https://sso.example.com"), &json!(app.id)));
        assert_eq!((&token["sub"], &token["sid"]), (&claims(&hint)["sub"], &claims(&hint)["sid"]));
        assert_eq!(token["events"], json!({ EVENT: {} }));
        assert!(token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap() <= 120, "ASVS 10.5.5");
        names.insert(token["jti"].as_str().unwrap().to_owned());
        assert!(street.gateway().signer().verify_id_token_hint(&tokens[0], street.rig.witness().now).is_none(), "no hint");
    }
    assert_eq!(names.len(), 2);
    assert_eq!((street.count("session.ended"), street.count("logout.delivered")), (1, 2));
}

#[tokio::test]
async fn back_channel_logout_section_2_4_a_pairwise_client_is_told_of_its_own_name_and_of_no_session() {
    let street = Street::open().await;
    let app = street.app_as("pair", Draft { subject_type: "pairwise".into(), ..heard("pair") }).await;
    let public = told_app(&street, "public").await;
    let mut browser = Browser::default();
    let id_token = enters(&street, &app, &mut browser).await;
    let hint = enters(&street, &public, &mut browser).await;
    signs_out(&street, &mut browser, &hint, &[]).await;
    tell(&street).await;
    let token = claims(&json!(posted(&street, "pair")[0]));
    assert_eq!((&token["sub"], token.get("sid")), (&claims(&id_token)["sub"], None));
    assert_ne!(token["sub"], claims(&json!(posted(&street, "public")[0]))["sub"]);
}

#[tokio::test]
async fn back_channel_logout_whatever_ends_a_session_is_told() {
    let street = Street::open().await;
    let app = told_app(&street, "app").await;
    let actor = Actor::AdminKey("rig".into());

    // Another person signs in in the same browser.
    let mut browser = Browser::default();
    enters(&street, &app, &mut browser).await;
    street.arrives_asking(&mut browser, &app, &[("prompt", "login")], "bob").await;
    assert_eq!(tell(&street).await, [Told::Delivered], "replaced");

    // The account is disabled.
    let mut browser = Browser::default();
    let id_token = enters(&street, &app, &mut browser).await;
    let account = claims(&id_token)["sub"].as_str().unwrap().to_owned();
    street.gateway().disable_account(&street.rig.witness(), &actor, &account, true).await.unwrap();
    assert_eq!(tell(&street).await, [Told::Delivered], "disabled");
    street.gateway().disable_account(&street.rig.witness(), &actor, &account, false).await.unwrap();

    // The way in is undone.
    let mut browser = Browser::default();
    enters(&street, &app, &mut browser).await;
    let link = street.gateway().links(&account).await.unwrap()[0].id.to_string();
    street.gateway().undo_link(&street.rig.witness(), &actor, &account, &link).await.unwrap();
    assert_eq!(tell(&street).await, [Told::Delivered], "unlinked");
    assert_eq!(posted(&street, "app").len(), 3);
}

#[tokio::test]
async fn back_channel_logout_section_2_8_asvs_16_3_4_who_does_not_take_it_is_tried_again_and_given_up_in_the_end() {
    let street = Street::open().await;
    let app = told_app(&street, "app").await;
    let mut browser = Browser::default();
    let hint = enters(&street, &app, &mut browser).await;
    street.rig.back_channel.fails_at(&back_uri("app"), Some("it answered with status 500"));
    signs_out(&street, &mut browser, &hint, &[]).await;
    for attempt in 1..MOST_ATTEMPTS {
        assert_eq!(tell(&street).await, [Told::Later], "{attempt}");
        assert_eq!(tell(&street).await, [], "not at once");
        street.rig.clock.advance(Duration::from_hours(13));
    }
    assert_eq!(tell(&street).await, [Told::Never]);
    street.rig.clock.advance(Duration::from_hours(24));
    assert_eq!(tell(&street).await, []);
    assert_eq!((street.count("logout.failed"), street.count("logout.delivered")), (1, 0));
    let failed = street.rig.events().into_iter().find(|event| event.name.as_str() == "logout.failed").unwrap();
    assert_eq!(failed.detail.as_deref(), Some("given up after 8 attempts: it answered with status 500"));
    let tokens: BTreeSet<_> = posted(&street, "app").iter().map(|token| claims(&json!(token))["jti"].to_string()).collect();
    assert_eq!(u32::try_from(tokens.len()), Ok(MOST_ATTEMPTS), "each attempt has a token of its own, which has not expired");
}

#[tokio::test]
async fn back_channel_logout_an_app_that_never_answers_is_left_and_tried_again() {
    let street = Street::open().await;
    let (silent, quick) = (told_app(&street, "silent").await, told_app(&street, "quick").await);
    let mut browser = Browser::default();
    let hint = enters(&street, &silent, &mut browser).await;
    enters(&street, &quick, &mut browser).await;
    street.rig.back_channel.is_silent_at(&back_uri("silent"));
    signs_out(&street, &mut browser, &hint, &[]).await;
    let mut told = tell(&street).await;
    told.sort_by_key(|told| *told == Told::Later);
    assert_eq!(told, [Told::Delivered, Told::Later]);
}

#[tokio::test]
async fn back_channel_logout_who_is_gone_or_never_got_tokens_is_not_told() {
    let street = Street::open().await;
    let (app, gone) = (told_app(&street, "app").await, told_app(&street, "gone").await);
    let mut browser = Browser::default();
    let hint = enters(&street, &app, &mut browser).await;
    enters(&street, &gone, &mut browser).await;
    // A code that nobody redeemed signed nobody in.
    let unredeemed = told_app(&street, "unredeemed").await;
    street.goes(&mut browser, &Street::link(&unredeemed, &[("prompt", "none")])).await;
    let version = street.gateway().client("gone").await.unwrap().version;
    street.gateway().delete_client(&street.rig.witness(), &Actor::System, "gone", Some(version)).await.unwrap();
    signs_out(&street, &mut browser, &hint, &[]).await;
    let mut told = tell(&street).await;
    told.sort_by_key(|told| *told == Told::Nothing);
    assert_eq!(told, [Told::Delivered, Told::Nothing]);
    assert!(posted(&street, "gone").is_empty() && posted(&street, "unredeemed").is_empty());
    assert_eq!(tell(&street).await, []);
}

#[tokio::test]
async fn front_channel_logout_section_3_the_page_frames_exactly_the_apps_of_the_session_and_then_leads_back() {
    let street = Street::open().await;
    let (one, pair) = (framed_app(&street, "one", "public").await, framed_app(&street, "pair", "pairwise").await);
    let back = told_app(&street, "back").await;
    framed_app(&street, "stranger", "public").await;
    let mut browser = Browser::default();
    let hint = enters(&street, &one, &mut browser).await;
    enters(&street, &pair, &mut browser).await;
    enters(&street, &back, &mut browser).await;
    let bye = [("post_logout_redirect_uri", "https://app.example.com/bye"), ("state", "s;1")];
    let page = signs_out(&street, &mut browser, &hint, &bye).await;
    assert_eq!((page.status, browser.session()), (StatusCode::OK, None));
    let frames: Vec<&str> = page.body.split("<iframe src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let query = encode(&[("iss", "https://sso.example.com"), ("sid", claims(&hint)["sid"].as_str().unwrap())]);
    let framed = format!("https://one.example.com/bye?from=us&{query}").replace('&', "&#38;");
    assert_eq!(frames, [framed.as_str(), "https://pair.example.com/bye?from=us"], "iss and sid together, or neither");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("; frame-src https://one.example.com https://pair.example.com; "), "{policy}");
    for (name, is_named) in [("App one", true), ("App pair", true), ("App back", true), ("App stranger", false)] {
        assert_eq!(page.body.contains(name), is_named, "{name}");
    }
    // The frames are given the time to load; without them the browser would go there at once.
    assert_eq!(page.header("refresh"), "3; url=https://app.example.com/bye?state=s%3B1");
    assert!(page.body.contains("href=\"https://app.example.com/bye?state=s%3B1\""));
    assert_eq!(tell(&street).await.iter().filter(|told| **told == Told::Delivered).count(), 1, "frames are no tokens");
}

#[tokio::test]
async fn front_channel_logout_section_3_without_frames_no_frame_is_allowed_and_nothing_waits() {
    let street = Street::open().await;
    let app = told_app(&street, "app").await;
    let mut browser = Browser::default();
    let hint = enters(&street, &app, &mut browser).await;
    let left = signs_out(&street, &mut browser, &hint, &[("post_logout_redirect_uri", "https://app.example.com/bye")]).await;
    assert_eq!((left.status, left.header("location")), (StatusCode::SEE_OTHER, "https://app.example.com/bye"));
    let again = signs_out(&street, &mut browser, &hint, &[]).await;
    assert!(!again.header("content-security-policy").contains("frame-src") && again.header("refresh").is_empty());
}
