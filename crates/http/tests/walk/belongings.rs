//! What else the own page shows: where somebody is signed in, and which apps have what of them.

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::{
    audit::Reason,
    grant::Grant,
    ids::{ClientId, GrantId},
    ports::{Clock, Store},
    store::{Changes, GrantQuery, Write},
};

use crate::street::{Answer, Browser, Street};

/// The value of a field of a form on a page.
fn field(page: &Answer, form: &str, name: &str) -> String {
    let (_, rest) = page.body.split_once(&format!("action=\"{form}\"")).unwrap_or_else(|| panic!("no form {form}: {page:?}"));
    let (_, rest) = rest.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

async fn at_home(street: &Street, browser: &mut Browser) -> Answer {
    let page = street.goes(browser, "/account").await;
    assert!(page.body.contains("data-page=\"account\""), "{page:?}");
    page
}

async fn is_signed_in(street: &Street, browser: &mut Browser, app: &crate::street::App) -> bool {
    street.goes(browser, &Street::link(app, &[("prompt", "none")])).await.parameter("code").is_some()
}

#[tokio::test]
async fn asvs_7_5_2_a_person_sees_their_sessions_and_ends_one_or_all_others() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let [mut here, mut one, mut another, mut bob] = [(); 4].map(|()| Browser::default());
    for (browser, person) in [(&mut one, "alice"), (&mut another, "alice"), (&mut bob, "bob"), (&mut here, "alice")] {
        street.signs_in(browser, &app, person).await;
    }
    let page = at_home(&street, &mut here).await;
    assert_eq!(page.body.matches("action=\"/account/sessions/end\"").count(), 3, "one for each other, and one for all");
    let (token, session) = (field(&page, "/account/sessions/end", "token"), field(&page, "/account/sessions/end", "session"));
    for (path, form) in [
        ("/account/sessions/end", [("token", "00"), ("session", session.as_str())]),
        ("/account/sessions/end", [("token", &token), ("session", "x")]),
    ] {
        assert_eq!(street.posts(&mut here, path, &form).await.status, StatusCode::CONFLICT);
        let form = [("token", token.as_str()), ("session", session.as_str())];
        assert_eq!(street.posts(&mut bob, path, &form).await.status, StatusCode::CONFLICT, "the form is another's");
    }
    assert_eq!(street.count("session.ended"), 0);
    let ended = street.posts(&mut here, "/account/sessions/end", &[("token", &token), ("session", &session)]).await;
    assert_eq!((ended.status, street.count("session.ended")), (StatusCode::OK, 1));
    let all = street.posts(&mut here, "/account/sessions/end", &[("token", &token), ("others", "all")]).await;
    assert!(!all.body.contains("action=\"/account/sessions/end\""), "there is no other left");
    assert_eq!(street.count("session.ended"), 2);
    for browser in [&mut one, &mut another] {
        assert!(!is_signed_in(&street, browser, &app).await);
    }
    assert!(is_signed_in(&street, &mut here, &app).await && is_signed_in(&street, &mut bob, &app).await);
}

/// What was given in it may be good still, and its apps are to hear of the end: only a session that was ended is done with.
#[tokio::test]
async fn asvs_7_5_2_all_others_are_those_too_that_nobody_used_for_long() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let [mut forgotten, mut here] = [(); 2].map(|()| Browser::default());
    street.signs_in(&mut forgotten, &app, "alice").await;
    street.rig.clock.advance(Duration::from_hours(9));
    let mut other = Browser::default();
    for browser in [&mut other, &mut here] {
        street.signs_in(browser, &app, "alice").await;
    }
    let page = at_home(&street, &mut here).await;
    assert_eq!(page.body.matches("action=\"/account/sessions/end\"").count(), 2, "shown is where somebody is signed in");
    let token = field(&page, "/account/sessions/end", "token");
    street.posts(&mut here, "/account/sessions/end", &[("token", &token), ("others", "all")]).await;
    assert_eq!(street.count("session.ended"), 2);
}

#[tokio::test]
async fn asvs_10_4_9_asvs_10_7_3_a_person_sees_what_apps_have_and_takes_it_back() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    let code = street.goes(&mut browser, &Street::link(&other, &[("prompt", "none")])).await.parameter("code").unwrap();
    let others = street.redeems(&other, &code).await.json();
    let bobs = street.tokens(&app, "bob").await;
    let page = at_home(&street, &mut browser).await;
    assert_eq!(page.body.matches("action=\"/account/apps/revoke\"").count(), 2);
    for words in ["Your name and other details", "Your e-mail address", "Access while you are away"] {
        assert!(page.body.contains(words), "{words}");
    }
    let token = field(&page, "/account/apps/revoke", "token");
    let forged = street.posts(&mut browser, "/account/apps/revoke", &[("token", "00"), ("app", "app")]).await;
    assert_eq!(forged.status, StatusCode::CONFLICT);
    let revoked = street.posts(&mut browser, "/account/apps/revoke", &[("token", &token), ("app", "app")]).await;
    assert_eq!(revoked.body.matches("action=\"/account/apps/revoke\"").count(), 1);
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    let refreshed = street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.error(), "invalid_grant", "offline access too");
    assert!(street.is_good(others["access_token"].as_str().unwrap()).await && street.is_good(bobs["access_token"].as_str().unwrap()).await);
    assert_eq!(street.count("grant.revoked"), 1);
    assert!(is_signed_in(&street, &mut browser, &app).await, "the session goes on");
}

#[tokio::test]
async fn attack_70_nothing_here_changes_by_a_link_or_with_an_old_sign_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let (mut here, mut other) = (Browser::default(), Browser::default());
    for browser in [&mut other, &mut here] {
        let code = street.signs_in(browser, &app, "alice").await;
        street.redeems(&app, &code).await;
    }
    let page = at_home(&street, &mut here).await;
    let token = field(&page, "/account/sessions/end", "token");
    for path in ["/account/sessions/end?others=all", "/account/apps/revoke?app=app"] {
        assert_eq!(street.goes(&mut here, &format!("{path}&token={token}")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    street.rig.clock.advance(Duration::from_mins(11));
    let page = at_home(&street, &mut here).await;
    assert!(!page.body.contains("<form"), "a browser left open shows and changes nothing");
    for (path, form) in [("/account/sessions/end", ("others", "all")), ("/account/apps/revoke", ("app", "app"))] {
        let asked = street.posts(&mut here, path, &[("token", &token), form]).await;
        assert!(asked.body.contains("data-page=\"sign-in-again\""), "{asked:?}");
    }
    assert_eq!((street.count("session.ended"), street.count("grant.revoked")), (0, 0));
}

/// Taken back is taken back: what was on its way to the app at that moment never arrives, neither by a code nor at a device.
#[tokio::test]
async fn attack_37_what_an_app_has_not_fetched_yet_is_taken_back_with_the_rest() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let television = crate::device::television(&street).await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let silent = Street::link(&other, &[("prompt", "none")]);
    let fetched = street.goes(&mut browser, &silent).await.parameter("code").unwrap();
    assert_eq!(street.redeems(&other, &fetched).await.status, StatusCode::OK);
    let others = street.goes(&mut browser, &silent).await.parameter("code").unwrap();
    let started = crate::device::asks(&street, &television, "openid").await;
    let question = crate::device::comes_to_the_question(&street, &mut browser, &crate::device::user_code(&started), "alice").await;
    assert_eq!(crate::device::sees(&crate::device::says(&street, &mut browser, &question, "allow").await), "device-done");

    let page = at_home(&street, &mut browser).await;
    let token = field(&page, "/account/apps/revoke", "token");
    for client in ["app", "tv"] {
        let revoked = street.posts(&mut browser, "/account/apps/revoke", &[("token", &token), ("app", client)]).await;
        assert_eq!(revoked.status, StatusCode::OK, "{revoked:?}");
    }
    for _ in 0..2 {
        let redeemed = street.redeems(&app, &code).await;
        assert_eq!(
            (redeemed.error(), redeemed.json()["error_description"].as_str()),
            ("invalid_grant".into(), Some("what this code stands for was taken back"))
        );
    }
    assert_eq!(crate::device::polls_in_time(&street, &television, &started).await.error(), "invalid_grant");
    assert_eq!(street.redeems(&other, &others).await.status, StatusCode::OK, "another app keeps its own");
    assert!(is_signed_in(&street, &mut browser, &app).await, "and whoever signs in again gets in again");
    let again = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await.parameter("code").unwrap();
    assert_eq!(street.redeems(&app, &again).await.status, StatusCode::OK);
    let failed = street.rig.events().into_iter().filter(|event| event.name.as_str() == "code.failed");
    let of_app = failed.filter(|event| event.client.as_ref().is_some_and(|client| client.as_str() == "app"));
    let reasons: Vec<_> = of_app.filter_map(|event| event.reason.map(Reason::as_str)).collect();
    assert_eq!(reasons, ["revoked", "revoked"]);
}

/// More than a page of the store has.
#[tokio::test]
async fn asvs_10_4_9_nothing_that_an_app_has_is_left_out_however_much_there_is() {
    let street = Street::open().await;
    let (old, busy) = (street.app("old").await, street.app("busy").await);
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &old, "alice").await;
    let tokens = street.redeems(&old, &code).await.json();
    street.rig.clock.advance(Duration::from_secs(1));
    let code = street.goes(&mut browser, &Street::link(&busy, &[("prompt", "none")])).await.parameter("code").unwrap();
    street.redeems(&busy, &code).await;
    let query =
        GrantQuery { client: Some(ClientId::parse("busy").unwrap()), now: street.rig.clock.now(), limit: 1, ..GrantQuery::default() };
    let [grant] = street.rig.store.grants(&query).await.unwrap().try_into().unwrap();
    let many =
        (0..501).map(|_| Write::AddGrant(Grant { id: GrantId::new(street.rig.clock.now(), street.gateway().entropy()), ..grant.clone() }));
    street.rig.store.commit(Changes { writes: many.collect(), events: Vec::new() }).await.unwrap();
    let page = at_home(&street, &mut browser).await;
    assert_eq!(page.body.matches("action=\"/account/apps/revoke\"").count(), 2, "the oldest too");
    let token = field(&page, "/account/apps/revoke", "token");
    street.posts(&mut browser, "/account/apps/revoke", &[("token", &token), ("app", "old")]).await;
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
}
