//! A provider says that somebody signed out there.

use http::{StatusCode, header};
use vestibule_domain::registration::Draft;

use crate::street::{Answer, App, Browser, Street, grants, plain};

const ISSUER: &str = "https://upstream.example";

async fn tells(street: &Street, provider: &str, token: &str) -> Answer {
    street.posts(&mut Browser::default(), &format!("/callback/{provider}/backchannel-logout"), &[("logout_token", token)]).await
}

async fn is_signed_in(street: &Street, browser: &mut Browser, app: &App) -> bool {
    street.goes(browser, &Street::link(app, &[("prompt", "none")])).await.parameter("code").is_some()
}

#[tokio::test]
async fn back_channel_logout_section_2_7_a_session_there_ends_the_one_that_began_in_it_with_its_tokens() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let (mut alice, mut bob) = (Browser::default(), Browser::default());
    street.signs_in(&mut bob, &app, "bob").await;
    let landed = street.arrives_asking(&mut alice, &app, &[("scope", "openid")], "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    let told = tells(&street, "acme", &format!("{ISSUER} - session-of-alice 1")).await;
    assert_eq!((told.status, told.header("cache-control")), (StatusCode::OK, "no-store"));
    assert!(!is_signed_in(&street, &mut alice, &app).await && is_signed_in(&street, &mut bob, &app).await);
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!((street.count("session.ended"), street.count("upstream.logout_received")), (1, 1));
    let ended = street.rig.events().into_iter().find(|event| event.name.as_str() == "session.ended").unwrap();
    assert_eq!(ended.reason.map(vestibule_domain::audit::Reason::as_str), Some("upstream_logout"));
}

#[tokio::test]
async fn back_channel_logout_section_2_7_a_person_there_ends_every_session_that_came_by_them() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browsers = [Browser::default(), Browser::default()];
    for browser in &mut browsers {
        street.signs_in(browser, &app, "alice").await;
    }
    assert_eq!(tells(&street, "acme", &format!("{ISSUER} alice - 1")).await.status, StatusCode::OK);
    for browser in &mut browsers {
        assert!(!is_signed_in(&street, browser, &app).await);
    }
    // Who is not known, or has no session any more, is signed out as asked (§2.7).
    for (at, who) in ["alice -", "nobody -", "- nothing", "nobody session-of-alice"].iter().enumerate() {
        assert_eq!(tells(&street, "acme", &format!("{ISSUER} {who} again-{at}")).await.status, StatusCode::OK, "{who}");
    }
    assert_eq!(street.count("session.ended"), 2);
}

#[tokio::test]
async fn back_channel_logout_section_2_7_a_session_that_nobody_used_for_long_ends_too() {
    let street = Street::open().await;
    let app = street.app("app").await;
    street.signs_in(&mut Browser::default(), &app, "alice").await;
    street.rig.clock.advance(std::time::Duration::from_hours(9));
    assert_eq!(tells(&street, "acme", &format!("{ISSUER} alice - 1")).await.status, StatusCode::OK);
    assert_eq!(street.count("session.ended"), 1);
}

#[tokio::test]
async fn back_channel_logout_section_2_6_a_session_of_another_person_is_not_ended() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let (mut alice, mut bob) = (Browser::default(), Browser::default());
    street.signs_in(&mut alice, &app, "alice").await;
    street.signs_in(&mut bob, &app, "bob").await;
    assert_eq!(tells(&street, "acme", &format!("{ISSUER} bob session-of-alice 1")).await.status, StatusCode::OK);
    assert!(is_signed_in(&street, &mut alice, &app).await && is_signed_in(&street, &mut bob, &app).await);
}

#[tokio::test]
async fn attack_27_a_bad_or_replayed_logout_token_or_one_by_another_provider_ends_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    // Another provider's: nobody came by it.
    assert_eq!(tells(&street, "other", &format!("{ISSUER} - session-of-alice 1")).await.status, StatusCode::OK);
    assert_eq!(tells(&street, "other", &format!("{ISSUER} alice - 2")).await.status, StatusCode::OK);
    for (provider, token) in [("acme", "eyJhbGciOiJub25lIn0.e30."), ("acme", "forged"), ("nobody", "x"), ("acme", "")] {
        let refused = tells(&street, provider, token).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{provider} {token}");
        assert_eq!(refused.header("cache-control"), "no-store");
        assert!(!refused.body.contains("eyJ") && !refused.body.contains("forged"));
    }
    assert_eq!(tells(&street, "acme", "down").await.status, StatusCode::SERVICE_UNAVAILABLE, "it may be sent again");
    let address = "/callback/acme/backchannel-logout";
    let twice = street.posts(&mut Browser::default(), address, &[("logout_token", "a"), ("logout_token", "b")]).await;
    assert_eq!(twice.error(), "invalid_request");
    let by_link = street.goes(&mut Browser::default(), &format!("{address}?logout_token=x")).await;
    assert_eq!(by_link.status, StatusCode::METHOD_NOT_ALLOWED);
    let json = street.request(http::Method::POST, address).header(header::CONTENT_TYPE, "application/json").body("{}");
    assert_eq!(street.send(json).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(street.count("session.ended"), 0);
    assert!(is_signed_in(&street, &mut browser, &app).await);

    // A token works once: a copy would end what began after it.
    let token = format!("{ISSUER} alice session-of-alice once");
    assert_eq!(tells(&street, "acme", &token).await.status, StatusCode::OK);
    street.signs_in(&mut browser, &app, "alice").await;
    assert_eq!(tells(&street, "acme", &token).await.error(), "invalid_request");
    assert!(is_signed_in(&street, &mut browser, &app).await);
    assert_eq!(street.count("session.ended"), 1);
    let refused = street.rig.events().into_iter().rfind(|event| event.name.as_str() == "upstream.logout_received").unwrap();
    assert_eq!(refused.reason.map(vestibule_domain::audit::Reason::as_str), Some("replayed"));
}

#[tokio::test]
async fn back_channel_logout_section_2_7_apps_of_the_session_hear_of_it() {
    let street = Street::open().await;
    let logout =
        vestibule_domain::logout::LogoutDraft { backchannel_uri: Some("https://app.example.com/backchannel".into()), ..Default::default() };
    let app = street.app_as("app", Draft { logout, grant_types: grants(&["authorization_code", "refresh_token"]), ..plain() }).await;
    street.tokens(&app, "alice").await;
    tells(&street, "acme", &format!("{ISSUER} - session-of-alice 1")).await;
    for due in street.gateway().logouts_due(10, 10).await.unwrap() {
        street.gateway().deliver_logout(&due).await.unwrap();
    }
    assert_eq!(street.rig.back_channel.posted_to("https://app.example.com/backchannel").len(), 1);
}
