//! Pushed authorization requests: what is refused, and what it costs.

use std::time::Duration;

use http::{Method, StatusCode, header};
use vestibule_domain::registration::Draft;

use crate::{
    par::{form, link, pushed},
    street::{App, Browser, Street, basic, encode, plain},
};

#[tokio::test]
async fn attack_59_rfc_9126_section_4_a_name_works_once_in_time_and_for_its_client() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let refused = |answer: crate::street::Answer, why: &str| {
        assert_eq!((answer.status, answer.page(), answer.location()), (StatusCode::BAD_REQUEST, "request_expired", None), "{why}");
    };
    let name = pushed(&street, &app, &[]).await;
    refused(street.goes(&mut Browser::default(), &link(&other, &name)).await, "RFC 9126 §2.2: bound to the client");
    assert_eq!(street.goes(&mut Browser::default(), &link(&app, &name)).await.status, StatusCode::OK, "and that used nothing up");
    refused(street.goes(&mut Browser::default(), &link(&app, &name)).await, "§4: used before, in another browser");
    let late = pushed(&street, &app, &[]).await;
    street.rig.clock.advance(Duration::from_secs(90));
    refused(street.goes(&mut Browser::default(), &link(&app, &late)).await, "expired");
    assert_eq!(street.count("login.failed"), 3);
}

#[tokio::test]
async fn attack_59_of_many_browsers_at_once_one_begins() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let link = link(&app, &pushed(&street, &app, &[]).await);
    let walk = || async { street.goes(&mut Browser::default(), &link).await.status };
    let answers = futures_util::future::join_all((0..16).map(|_| walk())).await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{answers:?}");
}

#[tokio::test]
async fn attack_59_rfc_9126_section_4_asvs_10_4_12_what_stands_in_the_address_changes_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let name = pushed(&street, &app, &[]).await;
    let more = [
        ("redirect_uri", "https://evil.test/cb"),
        ("scope", "openid api"),
        ("state", "evil"),
        ("code_challenge", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("response_type", "token"),
        ("response_mode", "form_post"),
        ("prompt", "none"),
        ("request", "a.b.c"),
    ];
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &format!("{}&{}", link(&app, &name), encode(&more))).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let landed = crate::par::goes_on(&street, &mut browser, &page, "alice").await;
    assert!(landed.location().unwrap().as_str().starts_with("https://app.example.com/cb?"));
    assert_eq!(landed.parameter("state").as_deref(), Some("the-state"));
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    assert_eq!(tokens["scope"], "email offline_access openid profile");
}

#[tokio::test]
async fn attack_42_attack_59_rfc_9126_section_2_1_an_address_to_fetch_a_request_from_is_never_fetched() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for address in [
        "https://app.example.com/request",
        "http://127.0.0.1/request",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "file:///etc/passwd",
        "gopher://evil.test/",
        "urn:ietf:params:oauth:request_uri",
        "URN:ietf:params:oauth:request_uri:x",
        "urn:example:x",
    ] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("request_uri", address)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("request_uri_not_supported"), "{address}");
        let answer = street.asks(&app, "/par", &form(&[("request_uri", address)])).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "RFC 9126 §2.1: {address}");
    }
}

#[tokio::test]
async fn rfc_9126_section_2_1_the_client_proves_who_it_is_as_at_the_token_endpoint() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let (wrong, none) = (App { secret: Some("wrong".into()), ..app.clone() }, App { secret: None, ..app.clone() });
    for bad in [wrong, none, App { id: "nobody".into(), ..app.clone() }] {
        let answer = street.asks(&bad, "/par", &form(&[])).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    let answer = street.asks(&app, "/par", &form(&[("client_id", "other")])).await;
    assert_eq!(answer.error(), "invalid_request", "nobody pushes for another");
    street.app_as("off", Draft { auth_method: "none".into(), disabled: true, ..plain() }).await;
    let off = App { id: "off".into(), secret: None, ..app.clone() };
    assert_eq!(street.asks(&off, "/par", &form(&[])).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rfc_9126_section_2_3_what_is_wrong_is_said_at_the_push_and_leaves_no_row() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let before = street.rig.store.rows();
    let long = "n".repeat(600);
    let full = "s".repeat(2_040);
    for (changed, error) in [
        (vec![("redirect_uri", "https://evil.test/cb")], "invalid_request"),
        (vec![("redirect_uri", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_mode", "fragment")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (vec![("scope", "openid admin")], "invalid_scope"),
        (vec![("resource", "https://evil.test/")], "invalid_target"),
        (vec![("registration", "{}")], "registration_not_supported"),
        (vec![("nonce", &long)], "invalid_request"),
        (vec![("state", &full), ("nonce", &long[..510]), ("login_hint", &long[..250]), ("acr_values", &long[..250])], "invalid_request"),
    ] {
        let answer = street.asks(&app, "/par", &form(&changed)).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, error), "{changed:?}");
    }
    assert_eq!(street.rig.store.rows(), before);
}

#[tokio::test]
async fn rfc_9126_section_2_3_attack_47_hostile_pushes_are_refused_fast() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let get = street.send(street.request(Method::GET, "/par?client_id=app").finish()).await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let right = basic("app", app.secret.as_deref().unwrap());
    let twice = encode(&form(&[])) + "&state=again";
    let many = encode(&form(&[])) + &"&p=1".repeat(100);
    for (body, kind, status) in [
        (vec![b'a'; 70_000], "application/x-www-form-urlencoded", StatusCode::PAYLOAD_TOO_LARGE),
        (twice.into_bytes(), "application/x-www-form-urlencoded", StatusCode::BAD_REQUEST),
        (many.into_bytes(), "application/x-www-form-urlencoded", StatusCode::BAD_REQUEST),
        (b"state=%ff".to_vec(), "application/x-www-form-urlencoded", StatusCode::BAD_REQUEST),
        (b"{}".to_vec(), "application/json", StatusCode::BAD_REQUEST),
        (b"redirect_uri[]=x".to_vec(), "application/x-www-form-urlencoded", StatusCode::BAD_REQUEST),
    ] {
        let request = street.request(Method::POST, "/par").content_type(kind).header(header::AUTHORIZATION, &right);
        let answer = street.send(request.body(body)).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, "invalid_request"));
    }
    let query = street.request(Method::POST, &format!("/par?{}", encode(&form(&[])))).header(header::AUTHORIZATION, &right).finish();
    assert_eq!(street.send(query).await.error(), "invalid_request", "nothing is taken from the query");
}

#[tokio::test]
async fn attack_50_guessing_a_name_finds_nothing_and_leaves_a_bounded_trace() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let name = pushed(&street, &app, &[]).await;
    let near = format!("{}{}", &name[..name.len() - 1], if name.ends_with('A') { "B" } else { "A" });
    for guess in [near.as_str(), "urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:x", &name[..name.len() - 1]] {
        assert_eq!(street.goes(&mut Browser::default(), &link(&app, guess)).await.page(), "request_expired", "{guess}");
    }
    for _ in 0..700 {
        street.goes(&mut Browser::default(), &link(&app, &near)).await;
    }
    assert_eq!(street.count("login.failed"), 600);
    assert_eq!(street.goes(&mut Browser::default(), &link(&app, &name)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_84_a_flood_of_pushes_in_a_public_clients_name_is_bounded() {
    let street = Street::open().await;
    let (native, app) = (street.public_app("native").await, street.app("app").await);
    let before = street.rig.store.rows();
    let mut answers = Vec::new();
    for _ in 0..100 {
        answers.push(street.asks(&native, "/par", &form(&[])).await);
    }
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).collect();
    assert_eq!(refused.len(), 40);
    assert!(refused.iter().all(|answer| answer.header("retry-after").parse::<u64>().unwrap() <= 61));
    assert_eq!(street.rig.store.rows(), before + 60 + 1, "the tickets, and the one event that the limit was reached");
    assert_eq!(street.asks(&app, "/par", &form(&[])).await.status, StatusCode::CREATED, "another client is not touched");
    street.rig.clock.advance(Duration::from_mins(2));
    assert_eq!(street.asks(&native, "/par", &form(&[])).await.status, StatusCode::CREATED);
}
