//! `/authorize`: what is refused on a page, what at the app, and what it costs.

use http::{Method, StatusCode};
use vestibule_domain::registration::Draft;
use vestibule_testkit::rig::RigOptions;

use crate::street::{Browser, Street, plain};

#[tokio::test]
async fn attack_32_oauth_2_1_section_2_3_1_asvs_3_7_2_no_hostile_redirect_uri_is_ever_redirected_to() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let all = [
        "https://app.example.com/cb/",
        "https://app.example.com/cb/../evil",
        "https://app.example.com/cb%2e%2e",
        "https://app.example.com/x%2f..%2fcb",
        "https://app.example.com/%252e%252e/cb",
        "https://app.example.com\\@evil.test/cb",
        "https://app.example.com@evil.test/cb",
        "https://user:pw@app.example.com/cb",
        "https://app.example.com/cb#fragment",
        "https://app.example.com:443/cb",
        "https://app.example.com:8443/cb",
        "http://app.example.com/cb",
        "https://APP.EXAMPLE.COM/cb",
        "https://app.example.com./cb",
        "https://\u{430}pp.example.com/cb",
        "https://[::ffff:127.0.0.1]/cb",
        "http://localhost/cb",
        "http://127.0.0.1/cb",
        "myapp:/cb",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "https://app.example.com/cb\r\nSet-Cookie: a=b",
        "https://app.example.com/cb\0",
        "https://app.example.com/cb?extra=1",
        "https://app.example.com.evil.test/cb",
        "//evil.test/cb",
        "/cb",
    ];
    for hostile in all {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("redirect_uri", hostile)])).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "redirect_mismatch"), "{hostile:?}");
        assert!(answer.location().is_none() && !answer.body.contains("href=\"https"), "{hostile:?}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb", Street::link(&app, &[]));
    let answer = street.goes(&mut Browser::default(), &twice).await;
    assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "request_invalid"));
    assert_eq!(street.count("request.refused"), all.len() + 1);
    let caused = 2 * (all.len() + 1);
    assert_eq!(
        street.rig.store.rows(),
        1 + 2 + 3 + caused,
        "one client, two keys and their events, and an event and a trace of each request"
    );
}

#[tokio::test]
async fn attack_85_oauth_2_1_section_2_3_5_oauth_2_1_section_4_1_2_1_an_unknown_client_gets_a_page_that_does_not_say_whether_it_exists() {
    let street = Street::open().await;
    let known = street.app("app").await;
    street.app_as("off", Draft { disabled: true, ..plain() }).await;
    let mut pages = Vec::new();
    for id in ["nobody", "off", "a b", "https://evil.test/metadata"] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&known, &[("client_id", id)])).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "client_unknown"), "{id}");
        let reference = answer.between("reference\" dir=\"ltr\">", "<").to_owned();
        pages.push(answer.body.replace(&reference, ""));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "OAuth 2.1 §4.1.2.1: one page for all");
    let refused = street.rig.events().into_iter().filter(|event| event.name.as_str() == "request.refused");
    let told: Vec<_> = refused.map(|event| (event.reason.unwrap().as_str(), event.client.map(|id| id.to_string()))).collect();
    let (unknown, off) = (("client_unknown", None), ("client_disabled", Some("off".to_owned())));
    assert_eq!(told, [unknown.clone(), off, unknown.clone(), unknown], "but the operator learns which it was");
    let answer = street.goes(&mut Browser::default(), "/authorize").await;
    assert_eq!(answer.page(), "client_unknown");
}

#[tokio::test]
async fn attack_33_a_code_in_the_registered_address_gives_way_to_ours() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { redirect_uris: vec!["https://app.example.com/cb?code=evil&keep=1".into()], ..plain() }).await;
    let landed = street.arrives(&mut Browser::default(), &app, "alice").await;
    let location = landed.location().unwrap();
    let codes: Vec<_> = location.query_pairs().filter(|(name, _)| name == "code").map(|(_, value)| value.into_owned()).collect();
    assert!(codes.len() == 1 && codes[0] != "evil", "{location}");
    assert_eq!(landed.parameter("keep").as_deref(), Some("1"));
}

#[tokio::test]
async fn attack_34_there_is_no_client_that_nobody_vetted_to_redirect_errors_to() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for path in ["/register", "/connect/register", "/clients"] {
        let answer = street.send(street.request(Method::POST, path).content_type("application/json").body("{}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for id in ["https://evil.test/client.json", "https://app.example.com/"] {
        let link = Street::link(&app, &[("client_id", id), ("redirect_uri", "https://evil.test/cb"), ("response_type", "bad")]);
        let answer = street.goes(&mut Browser::default(), &link).await;
        assert_eq!((answer.page(), answer.location()), ("client_unknown", None));
    }
}

#[tokio::test]
async fn attack_35_attack_36_oidc_core_section_3_1_2_6_what_the_app_got_wrong_goes_back_to_it_with_state_and_iss() {
    let street = Street::open().await;
    let app = street.public_app("native").await;
    for (changed, error) in [
        (("response_mode", "fragment"), "invalid_request"),
        (("response_mode", "web_message"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "S512"), "invalid_request"),
        (("code_challenge", "too-short"), "invalid_request"),
        (("scope", "openid admin"), "invalid_scope"),
        (("scope", "openid \"x\""), "invalid_scope"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "please"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("request", "eyJ.e30."), "request_not_supported"),
        (("request_uri", "https://app.example.com/request"), "request_uri_not_supported"),
        (("registration", "{}"), "registration_not_supported"),
        (("prompt", "none"), "login_required"),
    ] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[changed])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{changed:?}: {answer:?}");
        let location = answer.location().unwrap();
        assert!(location.as_str().starts_with("https://app.example.com/cb?"), "{location}");
        let parameter = |name| answer.parameter(name).unwrap_or_default();
        assert_eq!((parameter("error").as_str(), parameter("state").as_str()), (error, "the-state"), "{changed:?}");
        assert_eq!(parameter("iss"), "https://sso.example.com", "RFC 9207 §2: on errors too");
        let described = parameter("error_description");
        assert!(described.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "RFC 6749 §5.2: {described}");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_unknown_parameters_and_accepted_hints_are_no_error() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let link = format!(
        "{}&display=touch&claims_locales=de&ui_locales=xx-unknown&acr_values=urn:x&login_hint=alice&foo=bar&foo=baz&claims=%7B%7D&audience=a",
        Street::link(&app, &[])
    );
    let answer = street.goes(&mut Browser::default(), &link).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.body.contains("data-provider=\"acme\"") && answer.body.contains("data-provider=\"other\""));
}

#[tokio::test]
async fn attack_47_oauth_2_1_section_3_1_what_is_no_form_ends_on_a_page_fast() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let link = Street::link(&app, &[]);
    let many = format!("&{}", vec!["p=1"; 200].join("&"));
    for (query, page) in [
        (format!("{link}&x=%ff"), "request_invalid"),
        (format!("{link}&x=%zz"), "request_invalid"),
        (format!("{link}{many}"), "request_invalid"),
        (format!("{link}&client_id=other"), "request_invalid"),
        ("/authorize?%EF%BB%BFclient_id=app".into(), "client_unknown"),
        ("/authorize?client_id[]=app".into(), "client_unknown"),
    ] {
        let answer = street.goes(&mut Browser::default(), &query).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, page), "{query}");
    }
    for name in ["state", "nonce", "scope", "prompt", "code_challenge"] {
        let answer = street.goes(&mut Browser::default(), &format!("{link}&{name}=x")).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{name} twice");
    }
    let long = street.goes(&mut Browser::default(), &Street::link(&app, &[("state", &"s".repeat(60_000))])).await;
    assert_eq!(long.parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(long.parameter("state"), None);
    let big = street.request(Method::POST, "/authorize").content_type("application/x-www-form-urlencoded").body("a".repeat(70_000));
    assert_eq!(street.send(big).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn fapi_2_0_section_5_4_2_a_long_state_comes_back_whole() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let state = "s".repeat(1_024);
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &app, &[("state", &state)], "alice").await;
    assert_eq!(landed.parameter("state"), Some(state));
}

#[tokio::test]
async fn attack_69_oidc_core_section_3_1_2_1_a_cross_site_post_comes_back_by_get_where_lax_cookies_come_along() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let form = Street::link(&app, &[]);
    let request = street.request(Method::POST, "/authorize").content_type("application/x-www-form-urlencoded");
    let answer = street.send(request.body(form.trim_start_matches("/authorize?").to_owned())).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), form);
    let json = street.request(Method::POST, "/authorize").content_type("application/json").body("{}");
    assert_eq!(street.send(json).await.page(), "request_invalid");
}

#[tokio::test]
async fn attack_84_a_flood_of_anonymous_requests_leaves_no_row() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let before = street.rig.store.rows();
    for _ in 0..200 {
        assert_eq!(street.goes(&mut Browser::default(), &Street::link(&app, &[])).await.status, StatusCode::OK);
    }
    assert_eq!(street.rig.store.rows(), before);
}

#[tokio::test]
async fn attack_82_asvs_16_5_3_without_its_database_nobody_is_let_in_and_nothing_falls_over() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    let tokens = street.tokens(&app, "alice").await;
    street.rig.store.break_with(Some(vestibule_domain::store::StoreError::Unavailable("test".into())));
    let answer = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert_eq!((answer.status, answer.page()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(browser.session().is_none());
    assert_eq!(street.goes(&mut browser, &Street::link(&app, &[])).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let refreshed = street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!((refreshed.status, refreshed.error().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"));
    assert_eq!(street.userinfo(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let ready = street.send(street.request(Method::GET, "/readyz").finish()).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn one_provider_is_gone_to_straight_but_never_for_an_app_that_another_could_pose_as() {
    let street = Street::with(RigOptions { providers: vec!["acme"], ..RigOptions::default() }).await;
    let app = street.app("app").await;
    let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.header("location").starts_with("https://upstream.example/authorize"));
    for (id, address) in [("loopback", "http://127.0.0.1/cb"), ("private-use", "com.example.app:/cb")] {
        let draft = Draft { auth_method: "none".into(), redirect_uris: vec![address.into()], ..plain() };
        let native = street.app_as(id, draft).await;
        let answer = street.goes(&mut Browser::default(), &Street::link(&native, &[])).await;
        assert_eq!(answer.status, StatusCode::OK, "RFC 8252 §8.6: {address}");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_an_openid_request_names_its_address_and_a_plain_one_need_not() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let unnamed = street.goes(&mut Browser::default(), &Street::link(&app, &[("redirect_uri", "")])).await;
    assert_eq!((unnamed.status, unnamed.page()), (StatusCode::BAD_REQUEST, "redirect_mismatch"));
    let plain = street.goes(&mut Browser::default(), &Street::link(&app, &[("redirect_uri", ""), ("scope", "api")])).await;
    assert_eq!(plain.status, StatusCode::OK, "OAuth 2.1 §2.3.2: the only one");
}

#[tokio::test]
async fn rfc_8252_section_7_1_a_private_use_scheme_is_reached_by_a_page_with_a_link() {
    let street = Street::open().await;
    let draft = Draft { auth_method: "none".into(), redirect_uris: vec!["com.example.app:/cb".into()], ..plain() };
    let app = street.app_as("native", draft).await;
    let landed = street.arrives(&mut Browser::default(), &app, "alice").await;
    assert_eq!(landed.status, StatusCode::OK);
    assert!(landed.body.contains("http-equiv=\"refresh\" content=\"0;url=com.example.app:/cb?code="), "{}", landed.body);
}

#[tokio::test]
async fn a_client_is_offered_only_its_providers() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { allowed_providers: vec!["other".into()], ..plain() }).await;
    let away = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER, "only one is left, so straight to it");
    let mut browser = Browser::default();
    street.goes(&mut browser, &Street::link(&app, &[])).await;
    let attempt = browser.cookies.keys().find_map(|name| name.strip_prefix("__Host-vestibule-attempt-")).unwrap().to_owned();
    let answer = street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    assert_eq!((answer.status, answer.page()), (StatusCode::FORBIDDEN, "not_allowed"));
}

#[test]
fn any_query_is_answered_without_a_redirect_to_a_stranger() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let street = runtime.block_on(async {
        let street = Street::open().await;
        street.app("app").await;
        street
    });
    let queries = proptest::prop_oneof!["[ -~]{0,200}", "client_id=app&[ -~]{0,200}", "client_id=app&redirect_uri=[ -~]{0,200}"];
    let outcome = proptest::test_runner::TestRunner::default().run(&queries, |query| {
        let Ok(uri) = format!("/authorize?{query}").parse::<http::Uri>() else { return Ok(()) };
        let answer = runtime.block_on(street.goes(&mut Browser::default(), &uri.to_string()));
        proptest::prop_assert!(answer.location().is_none_or(|to| to.as_str().starts_with("https://app.example.com/cb")), "{:?}", answer);
        proptest::prop_assert!(answer.status != StatusCode::INTERNAL_SERVER_ERROR);
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn rfc_8252_section_8_3_localhost_is_a_name_like_any_other_and_has_no_free_port() {
    let street = Street::open().await;
    let redirect_uris = vec!["http://localhost:3000/cb".into(), "http://127.0.0.1/cb".into()];
    let native = street.app_as("native", Draft { auth_method: "none".into(), redirect_uris, ..plain() }).await;
    for (address, fine) in [
        ("http://localhost:3000/cb", true),
        ("http://localhost:3001/cb", false),
        ("http://localhost/cb", false),
        ("http://127.0.0.1:3001/cb", true),
        ("http://127.0.0.1:3000/cb", true),
    ] {
        let page = street.goes(&mut Browser::default(), &Street::link(&native, &[("redirect_uri", address)])).await;
        assert_eq!((page.status == StatusCode::OK, page.location()), (fine, None), "{address}: {page:?}");
    }
}
