//! Under which name the house answers, and what it publishes.

use http::{Method, StatusCode, header};
use poem::Request;
use vestibule_testkit::rig::RigOptions;

use crate::street::{Browser, Street};

#[tokio::test]
async fn attack_44_asvs_3_5_4_a_request_under_another_name_gets_nothing() {
    let street = Street::open().await;
    for host in ["evil.test", "127.0.0.1:8000", "sso.example.com.evil.test", "sso.example.com:8443", ""] {
        let request = Request::builder().uri("/.well-known/openid-configuration".parse().unwrap()).header(header::HOST, host).finish();
        assert_eq!(street.send(request).await.status, StatusCode::MISDIRECTED_REQUEST, "{host:?}");
    }
    let probe = Request::builder().uri("/livez".parse().unwrap()).header(header::HOST, "10.0.0.7:8000").finish();
    assert_eq!(street.send(probe).await.status, StatusCode::OK, "an orchestrator knows only the address");
}

#[tokio::test]
async fn attack_45_rfc_9700_section_4_13_forwarded_names_change_nothing() {
    let street = Street::open().await;
    let request = street.request(Method::GET, "/.well-known/openid-configuration");
    let request = request
        .header("x-forwarded-host", "evil.test")
        .header("forwarded", "host=evil.test;proto=http")
        .header("x-forwarded-proto", "http");
    let document = street.send(request.finish()).await;
    assert!(!document.body.contains("evil.test"));
    assert_eq!(document.json()["issuer"], "https://sso.example.com");
    let app = street.app("app").await;
    let landed = street.arrives(&mut Browser::default(), &app, "alice").await;
    assert_eq!(landed.parameter("iss").as_deref(), Some("https://sso.example.com"));
    let departure = street.rig.providers[0].departures().pop().unwrap();
    assert_eq!(departure.redirect_uri, "https://sso.example.com/callback/acme");
}

#[tokio::test]
async fn rfc_8414_section_3_the_document_stands_at_every_name_and_nothing_in_it_is_dead() {
    let street = Street::with(RigOptions { issuer: "https://example.com/sso".into(), ..RigOptions::default() }).await;
    let mut documents = Vec::new();
    for path in
        ["/sso/.well-known/openid-configuration", "/.well-known/openid-configuration/sso", "/.well-known/oauth-authorization-server/sso"]
    {
        let answer = street.send(street.request(Method::GET, path).finish()).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"), "{path}");
        documents.push(answer.json());
    }
    documents.dedup();
    assert_eq!(documents.len(), 1);
    let document = &documents[0];
    assert_eq!(document["issuer"], "https://example.com/sso");
    assert_eq!(document["id_token_signing_alg_values_supported"][0], "RS256");
    for (name, value) in document.as_object().unwrap() {
        let Some(path) = value.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri") else { continue };
        assert!(path.starts_with("https://example.com/sso/"), "{name}: every endpoint is https when the issuer is");
        let path = path.trim_start_matches("https://example.com");
        let mut statuses = Vec::new();
        for method in [Method::GET, Method::POST] {
            statuses.push(street.send(street.request(method, path).finish()).await.status);
        }
        assert!(
            !statuses.contains(&StatusCode::NOT_FOUND) && !statuses.contains(&StatusCode::INTERNAL_SERVER_ERROR),
            "{name}: {statuses:?}"
        );
    }
    let app = street.app("app").await;
    let page = street.goes(&mut Browser::default(), &format!("/sso{}", Street::link(&app, &[]))).await;
    assert!(page.body.contains("href=\"/sso/login/acme?attempt="), "{}", page.body);
}

#[tokio::test]
async fn documents_carry_an_etag_and_are_not_sent_twice() {
    let street = Street::open().await;
    for path in ["/.well-known/openid-configuration", "/jwks"] {
        let first = street.send(street.request(Method::GET, path).finish()).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.len() > 10 && first.header("cache-control").contains("max-age"));
        let again = street.send(street.request(Method::GET, path).header(header::IF_NONE_MATCH, &etag).finish()).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    let keys = street.send(street.request(Method::GET, "/jwks").finish()).await.json();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys[0]["kty"], "RSA", "RSA first");
    assert!(keys.iter().all(|key| ["kid", "use", "alg"].iter().all(|name| key[name].is_string()) && key["d"].is_null()), "{keys:?}");
}

#[tokio::test]
async fn attack_87_nothing_of_the_inside_stands_on_the_main_listener() {
    let street = Street::open().await;
    for path in ["/metrics", "/debug", "/debug/pprof", "/.git/config", "/env", "/", "/nothing/here"] {
        let answer = street.goes(&mut Browser::default(), path).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
    let wrong = street.send(street.request(Method::DELETE, "/authorize").finish()).await;
    assert_eq!((wrong.status, wrong.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, POST"));
}

#[tokio::test]
async fn attack_81_a_clock_that_is_a_little_off_does_no_harm_and_one_that_jumps_lets_nobody_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let access = tokens["access_token"].as_str().unwrap();
    let now = vestibule_domain::ports::Clock::now(street.rig.clock.as_ref());
    street.rig.clock.set(now - std::time::Duration::from_secs(5));
    assert!(street.is_good(access).await, "another node's clock");
    street.rig.clock.set(now - std::time::Duration::from_mins(5));
    assert!(!street.is_good(access).await, "a token from the future");
    street.rig.clock.set(now + std::time::Duration::from_mins(11));
    assert!(!street.is_good(access).await);
}
