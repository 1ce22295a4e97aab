//! Devices, and whoever would like to be let in as somebody else (RFC 8628 §5).

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::{audit::Actor, registration::Draft};

use crate::{
    device::{GRANT, asks, comes_to_the_question, form_of, polls, polls_in_time, says, sees, television, user_code},
    street::{Browser, Street, grants, plain},
};

#[tokio::test]
async fn attack_51_a_device_that_was_turned_away_stays_away() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let mut browser = Browser::default();
    let started = asks(&street, &tv, "openid").await;
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    let denied = says(&street, &mut browser, &question, "deny").await;
    assert!(denied.body.contains("turned away"), "{denied:?}");
    assert_eq!(polls(&street, &tv, &started).await.error(), "access_denied");
    for answer in ["allow", "deny"] {
        assert_eq!(sees(&says(&street, &mut browser, &question, answer).await), "enter-code", "the code is gone");
    }
    assert_eq!(polls_in_time(&street, &tv, &started).await.error(), "access_denied");
    assert_eq!((street.count("device.denied"), street.count("device.approved")), (1, 0));
}

#[tokio::test]
async fn attack_51_rfc_8628_section_3_3_a_code_is_answered_once_whichever_tab_is_first() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let mut browser = Browser::default();
    let started = asks(&street, &tv, "openid").await;
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    let mut other_tab = browser.clone();
    let (one, two) = tokio::join!(says(&street, &mut browser, &question, "allow"), says(&street, &mut other_tab, &question, "allow"));
    let pages = [sees(&one), sees(&two)];
    assert_eq!(pages.iter().filter(|page| **page == "device-done").count(), 1, "{pages:?}");
    assert_eq!(sees(&says(&street, &mut browser, &question, "deny").await), "enter-code");
    assert_eq!(polls(&street, &tv, &started).await.status, StatusCode::OK, "what was said first holds");
    assert_eq!(street.count("device.approved"), 1);
}

#[tokio::test]
async fn attack_51_the_answer_is_bound_to_the_sign_in_that_was_asked() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let started = asks(&street, &tv, "openid").await;
    let (mut asked, mut victim) = (Browser::default(), Browser::default());
    let question = comes_to_the_question(&street, &mut asked, &user_code(&started), "mallory").await;
    street.signs_in(&mut victim, &street.app("app").await, "alice").await;
    for browser in [&mut victim, &mut Browser::default()] {
        assert_eq!(sees(&street.goes(browser, &question).await), "enter-code", "another browser is not even asked");
        assert_eq!(sees(&says(&street, browser, &question, "allow").await), "enter-code");
    }
    // A form that another site makes has no seal of ours.
    for forged in ["", "AAAA", &"A".repeat(300), &form_of(&question)[1..]] {
        let refused = street.posts(&mut asked, "/device/answer", &[("form", forged), ("answer", "allow")]).await;
        assert_eq!(sees(&refused), "enter-code");
    }
    assert_eq!(polls(&street, &tv, &started).await.error(), "authorization_pending");
}

#[tokio::test]
async fn attack_51_rfc_8628_section_3_4_a_device_code_is_good_once_and_for_its_own_client_alone() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let other = street
        .app_as("other-tv", Draft { auth_method: "none".into(), grant_types: grants(&[GRANT]), redirect_uris: vec![], ..plain() })
        .await;
    let mut browser = Browser::default();
    let started = asks(&street, &tv, "openid").await;
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    says(&street, &mut browser, &question, "allow").await;
    assert_eq!(polls(&street, &other, &started).await.error(), "invalid_grant");
    let tokens = polls_in_time(&street, &tv, &started).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert!(street.is_good(token).await);
    // Used twice, somebody else has it too: nobody keeps anything.
    assert_eq!(polls_in_time(&street, &tv, &started).await.error(), "invalid_grant");
    assert!(!street.is_good(token).await);
    assert_eq!(street.count("token.reuse_detected"), 1);
    let user_code = user_code(&started);
    for never in ["", "x", user_code.as_str()] {
        let refused = street.asks(&tv, "/token", &[("grant_type", GRANT), ("device_code", never)]).await;
        assert_eq!(refused.error(), if never.is_empty() { "invalid_request" } else { "invalid_grant" });
    }
    let as_code = [("grant_type", "authorization_code"), ("code", started["device_code"].as_str().unwrap())];
    assert_eq!(street.asks(&street.public_app("web").await, "/token", &as_code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn attack_51_what_ends_the_session_or_the_account_ends_an_answer_that_was_not_fetched() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let mut browser = Browser::default();
    let started = asks(&street, &tv, "openid").await;
    let question = comes_to_the_question(&street, &mut browser, &user_code(&started), "alice").await;
    says(&street, &mut browser, &question, "allow").await;
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap();
    for disabled in [true, false] {
        street
            .gateway()
            .disable_account(&street.rig.witness(), &Actor::AdminKey("test".into()), &account.to_string(), disabled)
            .await
            .unwrap();
    }
    assert_eq!(polls(&street, &tv, &started).await.error(), "invalid_grant");
}

#[tokio::test]
async fn rfc_8628_section_5_1_attack_50_guessing_user_codes_is_stopped_and_told() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let started = asks(&street, &tv, "openid").await;
    let mut browser = Browser::default();
    let guess = |n: usize| format!("{}{}BCDFGH", char::from(b"BCDFGHJKLM"[n]), "B");
    for n in 0..10 {
        let wrong = street.posts(&mut browser, "/device", &[("user_code", &guess(n))]).await;
        assert_eq!((wrong.status, sees(&wrong)), (StatusCode::BAD_REQUEST, "enter-code"));
    }
    // From here even the right one is not looked at.
    for code in [guess(0), user_code(&started)] {
        let stopped = street.posts(&mut browser, "/device", &[("user_code", &code)]).await;
        assert_eq!((stopped.status, stopped.page()), (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"));
        assert_eq!(stopped.header("retry-after"), "601");
    }
    let limited =
        street.rig.events().into_iter().filter(|event| event.reason.is_some_and(|reason| reason.as_str() == "user_code_rate")).count();
    assert_eq!(limited, 1);
    street.rig.clock.advance(Duration::from_mins(10));
    let fresh = asks(&street, &tv, "openid").await;
    comes_to_the_question(&street, &mut browser, &user_code(&fresh), "alice").await;
}

#[tokio::test]
async fn attack_84_devices_that_nobody_answers_leave_nothing_behind() {
    let street = Street::open().await;
    let tv = television(&street).await;
    let before = street.rig.store.rows();
    for _ in 0..50 {
        asks(&street, &tv, "openid").await;
    }
    assert_eq!(street.rig.store.rows(), before + 100);
    street.rig.clock.advance(Duration::from_mins(16));
    let now = street.rig.witness().now;
    street.rig.port().sweep(now, now - Duration::from_hours(1), 1_000).await.unwrap();
    assert_eq!(street.rig.store.rows(), before);
    assert_eq!(street.count("device.started"), 0, "counted and logged, not stored");
}

#[tokio::test]
async fn attack_84_a_flood_of_devices_in_a_public_clients_name_is_bounded() {
    let street = Street::open().await;
    let tv = television(&street).await;
    for _ in 0..60 {
        asks(&street, &tv, "openid").await;
    }
    let rows = street.rig.store.rows();
    let stopped = street.asks(&tv, "/device_authorization", &[("scope", "openid")]).await;
    assert_eq!((stopped.status, stopped.error().as_str()), (StatusCode::TOO_MANY_REQUESTS, "slow_down"));
    assert!(!stopped.header("retry-after").is_empty());
    assert_eq!(street.rig.store.rows(), rows);
    assert_eq!(street.count("abuse.rate_limited"), 1, "told once");
    street.rig.clock.advance(Duration::from_mins(1));
    asks(&street, &tv, "openid").await;
}
