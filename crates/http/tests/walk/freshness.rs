//! How fresh a sign-in has to be, and whom it has to be of.

use std::time::Duration;

use crate::street::{Browser, Street, claims};

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompt_login_and_a_short_max_age_bring_a_later_auth_time() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let mut before = claims(&street.redeems(&app, &code).await.json()["id_token"])["auth_time"].as_i64().unwrap();
    for changed in [("prompt", "login"), ("max_age", "1")] {
        street.rig.clock.advance(Duration::from_secs(90));
        let landed = street.arrives_asking(&mut browser, &app, &[changed], "alice").await;
        let code = landed.parameter("code").unwrap_or_else(|| panic!("{changed:?}: {landed:?}"));
        let after = claims(&street.redeems(&app, &code).await.json()["id_token"])["auth_time"].as_i64().unwrap();
        assert!(after >= before + 90, "{changed:?}");
        before = after;
    }
    let departures = street.rig.providers[0].departures();
    assert!(departures[1].fresh && departures[2].max_age == Some(Duration::from_secs(1)), "the provider is told: {departures:?}");
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_a_long_max_age_does_not_sign_in_again_and_keeps_auth_time() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let before = claims(&street.redeems(&app, &code).await.json()["id_token"])["auth_time"].clone();
    street.rig.clock.advance(Duration::from_mins(30));
    let landed = street.goes(&mut browser, &Street::link(&app, &[("max_age", "10000")])).await;
    let after = claims(&street.redeems(&app, &landed.parameter("code").unwrap()).await.json()["id_token"])["auth_time"].clone();
    assert_eq!(before, after);
}

#[tokio::test]
async fn oidc_core_section_3_1_2_3_a_hint_for_the_person_of_the_session_is_answered_in_silence() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("id_token_hint", hint)])).await;
    let again = claims(&street.redeems(&app, &silent.parameter("code").unwrap()).await.json()["id_token"]);
    assert_eq!(again["sub"], claims(&tokens["id_token"])["sub"]);
    let nobody = street.goes(&mut Browser::default(), &Street::link(&app, &[("prompt", "none"), ("id_token_hint", hint)])).await;
    assert_eq!(nobody.parameter("error").as_deref(), Some("login_required"), "attack 66: a hint signs nobody in");
}
