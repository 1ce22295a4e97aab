//! Who a client is, and what guessing gets.

use http::{Method, StatusCode, header};
use vestibule_domain::registration::Draft;

use crate::street::{App, Street, basic, encode, plain};

async fn credentials(street: &Street, authorization: Option<&str>, form: &[(&str, &str)]) -> crate::street::Answer {
    let mut request = street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded");
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    street.send(request.body(encode(&[&[("grant_type", "client_credentials"), ("scope", "api")], form].concat()))).await
}

#[tokio::test]
async fn oauth_2_1_section_3_2_3_a_token_for_the_app_itself_is_never_a_persons_and_is_not_kept() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let answer = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await;
    assert_eq!((answer.status, answer.header("cache-control"), answer.header("pragma")), (StatusCode::OK, "no-store", "no-cache"));
    let tokens = answer.json();
    assert!(tokens["refresh_token"].is_null() && tokens["id_token"].is_null());
    for scope in ["openid", "profile api", "admin"] {
        let refused = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", scope)]).await;
        assert_eq!(refused.error(), "invalid_scope", "{scope}");
    }
}

#[tokio::test]
async fn attack_56_oauth_2_1_section_7_4_rfc_9700_section_4_15_a_clients_own_token_never_passes_for_a_persons() {
    let street = Street::open().await;
    let alice = crate::street::claims(&street.tokens(&street.app("app").await, "alice").await["id_token"])["sub"].clone();
    // A client that was given the name of somebody's subject.
    let posing = street.app(alice.as_str().unwrap()).await;
    let tokens = street.asks(&posing, "/token", &[("grant_type", "client_credentials")]).await.json();
    let subject = &crate::street::claims(&tokens["access_token"])["sub"];
    assert_eq!(*subject, format!("client:{}", posing.id));
    assert_ne!(*subject, alice);
    assert_eq!(street.userinfo(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn attack_48_attack_85_rfc_6749_section_5_2_every_wrong_proof_gets_the_same_answer() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let post = street
        .app_as(
            "post",
            Draft {
                auth_method: "client_secret_post".into(),
                grant_types: crate::street::grants(&["client_credentials"]),
                redirect_uris: vec![],
                ..plain()
            },
        )
        .await;
    street.public_app("public").await;
    let secret = app.secret.clone().unwrap();
    let mut bodies = Vec::new();
    for (authorization, form) in [
        (Some(basic("app", "wrong")), vec![]),
        (Some(basic("app", "")), vec![]),
        (Some(basic("app", &secret[..42])), vec![]),
        (Some(basic("app", &format!("{secret}x"))), vec![]),
        (Some(basic("nobody", &secret)), vec![]),
        (Some(basic("post", post.secret.as_deref().unwrap())), vec![]),
        (Some(basic("", "")), vec![]),
        (None, vec![("client_id", "app")]),
        (None, vec![("client_id", "app"), ("client_secret", secret.as_str())]),
        (None, vec![("client_id", "public"), ("client_secret", "x")]),
        (None, vec![]),
    ] {
        let answer = credentials(&street, authorization.as_deref(), &form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{form:?}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), authorization.is_some(), "RFC 6749 §5.2");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies, ["{\"error\":\"invalid_client\",\"error_description\":\"client authentication failed\"}"], "attack 85");
    assert_eq!(credentials(&street, Some(&basic("app", &secret)), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn oauth_2_1_section_2_4_one_method_a_request_and_no_secret_in_the_address() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let secret = app.secret.clone().unwrap();
    let right = basic("app", &secret);
    for form in [
        vec![("client_id", "app"), ("client_secret", secret.as_str())],
        vec![("client_id", "other")],
        vec![("client_id", "app"), ("client_id", "app")],
        vec![("grant_type", "client_credentials")],
    ] {
        assert_eq!(credentials(&street, Some(&right), &form).await.error(), "invalid_request", "{form:?}");
    }
    for malformed in ["Basic !!!", "Basic", "Digest x", "Bearer abc"] {
        let answer = credentials(&street, Some(malformed), &[]).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{malformed}");
    }
    let path = format!("/token?client_id=app&client_secret={secret}&grant_type=client_credentials");
    let request = street.request(Method::POST, &path).content_type("application/x-www-form-urlencoded").body("");
    assert_eq!(street.send(request).await.error(), "invalid_request");
    assert_eq!(street.send(street.request(Method::GET, &path).finish()).await.status, StatusCode::METHOD_NOT_ALLOWED, "OAuth 2.1 §3.2");
    let json = street.request(Method::POST, "/token").content_type("application/json").header(header::AUTHORIZATION, &right);
    assert_eq!(street.send(json.body("{\"grant_type\":\"client_credentials\"}")).await.error(), "invalid_request");
}

#[tokio::test]
async fn attack_48_rfc_6749_section_2_3_1_basic_is_form_encoded_as_the_specification_says() {
    let street = Street::open().await;
    let app = street.app("my-app_1.x~y").await;
    let encoded = basic("my%2Dapp%5F1%2Ex%7Ey", app.secret.as_deref().unwrap());
    assert_eq!(credentials(&street, Some(&encoded), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_50_oauth_2_1_section_2_4_1_guessing_a_secret_slows_to_a_crawl_at_every_endpoint_that_takes_one() {
    for path in &Street::taking_secrets().await {
        let street = Street::open().await;
        let app = street.app("app").await;
        let guesser = App { secret: Some("guess".into()), ..app.clone() };
        let form = [("grant_type", "client_credentials"), ("token", "x")];
        for _ in 0..10 {
            assert_eq!(street.asks(&guesser, path, &form).await.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        let answer = street.asks(&guesser, path, &form).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::TOO_MANY_REQUESTS, "slow_down"), "{path}");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 61);
        assert_eq!((street.count("client.auth_failed"), street.count("abuse.rate_limited")), (10, 1));
        street.rig.clock.advance(std::time::Duration::from_mins(1));
        assert_ne!(street.asks(&app, path, &form).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn attack_49_secrets_are_compared_as_keyed_digests_in_constant_time() {
    let street = Street::open().await;
    let app = street.app("app").await;
    // Constant time is by construction: `Digest` has no comparison but subtle's. What can be seen from outside: only a digest is kept, and
    // one that differs in its last bit is as wrong as any other.
    let client = street.rig.port().client(&vestibule_domain::ids::ClientId::parse("app").unwrap()).await.unwrap().unwrap();
    let kept = client.secrets[0].digest;
    assert!(!format!("{client:?}{}", kept.to_hex()).contains(app.secret.as_deref().unwrap()));
    let mut near = kept;
    near.0[31] ^= 1;
    assert_ne!(kept, near);
    let secret = vestibule_domain::client::ClientSecret { digest: near, ..client.secrets[0].clone() };
    let changed = vestibule_domain::client::Client { secrets: vec![secret], version: client.version + 1, ..(*client).clone() };
    let write = vestibule_domain::store::Write::PutClient { client: Box::new(changed), expected: Some(client.version) };
    street.rig.port().commit(vestibule_domain::store::Changes::default().write(write)).await.unwrap();
    assert_eq!(credentials(&street, Some(&basic("app", app.secret.as_deref().unwrap())), &[]).await.error(), "invalid_client");
}

#[tokio::test]
async fn attack_47_oauth_2_1_section_3_2_hostile_bodies_are_refused_fast() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let right = basic("app", app.secret.as_deref().unwrap());
    let many = (0..200).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    for (body, status) in [
        (b"grant_type=client_credentials&scope=%ff".to_vec(), StatusCode::BAD_REQUEST),
        (b"grant_type=client_credentials&\xff=1".to_vec(), StatusCode::BAD_REQUEST),
        (many.into_bytes(), StatusCode::BAD_REQUEST),
        (vec![b'a'; 70_000], StatusCode::PAYLOAD_TOO_LARGE),
        (b"grant_type[]=client_credentials".to_vec(), StatusCode::BAD_REQUEST),
        (b"grant_type=client_credentials&scope=a&scope=b".to_vec(), StatusCode::BAD_REQUEST),
    ] {
        let request =
            street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded").header(header::AUTHORIZATION, &right);
        let answer = street.send(request.body(body)).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, "invalid_request"));
    }
}
