//! RP-initiated logout: what proves that a person meant it, and what never redirects.

use http::StatusCode;

use crate::street::{App, Browser, Street, encode};

const BYE: &str = "https://app.example.com/bye";

async fn signed_in(street: &Street, app: &App, browser: &mut Browser) -> String {
    let code = street.signs_in(browser, app, "alice").await;
    street.redeems(app, &code).await.json()["id_token"].as_str().unwrap().to_owned()
}

fn path(pairs: &[(&str, &str)]) -> String {
    format!("/logout?{}", encode(pairs))
}

#[tokio::test]
async fn rp_initiated_logout_section_2_a_hint_of_this_session_ends_it_and_leads_back_with_state() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    street.rig.clock.advance(std::time::Duration::from_hours(2)); // An expired hint is still one of ours.
    let answer = street.goes(&mut browser, &path(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "s 1")])).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "https://app.example.com/bye?state=s+1"));
    assert!(browser.session().is_none());
    assert_eq!(street.count("session.ended"), 1);
    let again = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    assert_eq!(again.parameter("error").as_deref(), Some("login_required"));
    let refreshed = street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, StatusCode::OK, "offline_access outlives the session: that is what it asks for");
}

#[tokio::test]
async fn back_channel_logout_section_2_7_what_is_not_offline_ends_with_its_session() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &app, &[("scope", "openid")], "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    street.goes(&mut browser, &path(&[("id_token_hint", tokens["id_token"].as_str().unwrap())])).await;
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
}

#[tokio::test]
async fn attack_66_rp_initiated_logout_section_2_asvs_10_6_2_without_proof_the_person_is_asked_and_a_forged_yes_does_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    signed_in(&street, &app, &mut browser).await;
    let foreign_hint = signed_in(&street, &app, &mut other).await;
    for query in [vec![], vec![("client_id", "app")], vec![("id_token_hint", foreign_hint.as_str())]] {
        let answer = street.goes(&mut browser, &path(&query)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.contains("data-page=\"confirm-logout\""), "{query:?}");
        let forged = street.posts(&mut browser, "/logout", &[&query[..], &[("confirmation", &"ab".repeat(32))]].concat()).await;
        assert!(forged.body.contains("data-page=\"confirm-logout\""));
    }
    let page = street.goes(&mut browser, "/logout").await;
    let confirmation = page.between("name=\"confirmation\" value=\"", "\"").to_owned();
    let by_link = street.goes(&mut browser, &path(&[("confirmation", &confirmation)])).await;
    assert!(by_link.body.contains("data-page=\"confirm-logout\""), "ASVS 3.5.3: a link changes nothing");
    let theirs = street.posts(&mut other, "/logout", &[("confirmation", &confirmation)]).await;
    assert!(theirs.body.contains("data-page=\"confirm-logout\""), "a yes of another session is none");
    assert_eq!(street.count("session.ended"), 0);
    let done = street.posts(&mut browser, "/logout", &[("confirmation", &confirmation)]).await;
    assert!(done.body.contains("data-page=\"signed-out\"") && browser.session().is_none());
}

#[tokio::test]
async fn rp_initiated_logout_section_3_rp_initiated_logout_section_4_a_bad_request_ends_on_a_page_and_changes_nothing() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let mut browser = Browser::default();
    let hint = signed_in(&street, &app, &mut browser).await;
    let access = street.tokens(&app, "bob").await["access_token"].as_str().unwrap().to_owned();
    let mut tampered = hint.clone();
    tampered.replace_range(hint.len() - 6.., "AAAAAA");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", hint.split('.').nth(1).unwrap());
    for query in [
        vec![("id_token_hint", tampered.as_str())],
        vec![("id_token_hint", unsigned.as_str())],
        vec![("id_token_hint", access.as_str())],
        vec![("id_token_hint", "x")],
        vec![("id_token_hint", &hint), ("client_id", &other.id)],
        vec![("id_token_hint", &hint), ("post_logout_redirect_uri", "https://evil.test/")],
        vec![("id_token_hint", &hint), ("post_logout_redirect_uri", "https://app.example.com/bye/")],
        vec![("post_logout_redirect_uri", BYE)],
        vec![("client_id", "nobody"), ("post_logout_redirect_uri", BYE)],
        vec![("client_id", "app"), ("client_id", "app")],
    ] {
        let answer = street.goes(&mut browser, &path(&query)).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "logout_invalid"), "{query:?}");
        assert!(answer.location().is_none());
    }
    assert_eq!(street.count("session.ended"), 0);
    assert!(browser.session().is_some());
}

#[tokio::test]
async fn rp_initiated_logout_section_2_a_get_without_parameters_and_session_ends_in_you_are_signed_out() {
    let street = Street::open().await;
    let answer = street.goes(&mut Browser::default(), "/logout").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("data-page=\"signed-out\""));
}

#[tokio::test]
async fn the_forms_policy_names_where_the_logout_ends() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    signed_in(&street, &app, &mut browser).await;
    let page = street.goes(&mut browser, &path(&[("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", "\"><script>")])).await;
    assert!(page.header("content-security-policy").contains("form-action 'self' https://app.example.com;"));
    assert!(!page.body.contains("<script>"), "attack 65");
}

#[tokio::test]
async fn attack_66_rp_initiated_logout_section_2_a_cross_site_post_ends_nothing_and_takes_no_cookie() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let hint = signed_in(&street, &app, &mut browser).await;
    // Lax cookies stay at home when another site posts.
    for form in [vec![], vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)], vec![("confirmation", "00")]] {
        let answer = street.posts(&mut Browser::default(), "/logout", &form).await;
        assert!(answer.headers.get("set-cookie").is_none(), "{form:?}: {answer:?}");
    }
    assert_eq!(street.count("session.ended"), 0);
    // The browser follows by GET, with its cookie, and there the hint is proof enough (RP-Initiated Logout 1.0 §2: POST is supported).
    let answer = street.posts(&mut Browser::default(), "/logout", &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let ended = street.goes(&mut browser, answer.header("location")).await;
    assert_eq!(ended.header("location"), BYE);
    assert_eq!(street.count("session.ended"), 1);
}

#[tokio::test]
async fn rp_initiated_logout_as_a_providers_client_the_person_is_sent_there_and_goes_on_to_the_app() {
    let street = Street::open().await;
    let app = street.app("app").await;
    street.rig.providers[0].signs_people_out();
    let mut browser = Browser::default();
    let hint = signed_in(&street, &app, &mut browser).await;
    let away = street.goes(&mut browser, &path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s 1")])).await;
    assert!(away.header("location").starts_with("https://acme.example/end?"), "{away:?}");
    assert_eq!(away.parameter("post_logout_redirect_uri").as_deref(), Some("https://sso.example.com/logout/back"));
    assert!(browser.session().is_none(), "here it is over already");
    let state = away.parameter("state").unwrap();
    let back = street.goes(&mut browser, &format!("/logout/back?{}", encode(&[("state", &state)]))).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::SEE_OTHER, "https://app.example.com/bye?state=s+1"));
    // What we did not send ourselves leads nowhere, and what is too old neither.
    for forged in ["", "x", &state[1..], "https://evil.example/"] {
        let nowhere = street.goes(&mut browser, &format!("/logout/back?{}", encode(&[("state", forged)]))).await;
        assert_eq!((nowhere.status, nowhere.between("data-page=\"", "\"")), (StatusCode::OK, "signed-out"), "{forged}");
    }
    street.rig.clock.advance(std::time::Duration::from_mins(31));
    let late = street.goes(&mut browser, &format!("/logout/back?{}", encode(&[("state", &state)]))).await;
    assert_eq!((late.status, late.between("data-page=\"", "\"")), (StatusCode::OK, "signed-out"));
}

#[tokio::test]
async fn rp_initiated_logout_as_a_providers_client_after_a_form_the_page_leads_there() {
    let street = Street::open().await;
    let app = street.app("app").await;
    street.rig.providers[0].signs_people_out();
    let mut browser = Browser::default();
    signed_in(&street, &app, &mut browser).await;
    let asked = street.goes(&mut browser, "/logout").await;
    let confirmation = asked.between("name=\"confirmation\" value=\"", "\"").to_owned();
    let done = street.posts(&mut browser, "/logout", &[("confirmation", &confirmation)]).await;
    assert_eq!((done.status, done.between("data-page=\"", "\"")), (StatusCode::OK, "signed-out"), "{done:?}");
    assert!(done.header("refresh").contains("url=https://acme.example/end?"), "{done:?}");
}
