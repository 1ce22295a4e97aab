//! OAuth 2.1, RFC 9700 and what belongs to them, rule by rule, where no other walk has a rule in its name.

use http::{Method, StatusCode, header};
use vestibule_domain::{
    client::SigningAlg,
    ports::Clock,
    registration::{Draft, Offered},
};
use vestibule_testkit::rig::RigOptions;

use crate::street::{self, Answer, App, Browser, CALLBACK, CHALLENGE, Street, VERIFIER, basic, claims, encode, grants, plain};

async fn discovery(street: &Street) -> serde_json::Value {
    street.goes(&mut Browser::default(), "/.well-known/oauth-authorization-server").await.json()
}

/// What is wrong with a registration, by place.
fn faults(street: &Street, draft: &Draft) -> Vec<String> {
    let offered = Offered { algorithms: vec![SigningAlg::Rs256, SigningAlg::Es256], ..Offered::default() };
    let checked = draft.check("app", &offered, street.rig.clock.now());
    checked.err().unwrap_or_default().into_iter().map(|fault| fault.pointer).collect()
}

fn is_kept_by_nobody(answer: &Answer) -> bool {
    answer.header("cache-control") == "no-store" && answer.header("content-type") == "application/json"
}

/// RFC 6749 §5.2 and Appendix A.8.
fn may_be_described_so(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[tokio::test]
async fn oauth_2_1_section_1_5_every_address_is_https_and_http_is_for_loopback_alone() {
    let street = Street::open().await;
    let document = discovery(&street).await;
    let addresses: Vec<_> = document.as_object().unwrap().values().filter_map(|value| value.as_str()).collect();
    assert!(addresses.len() > 8 && addresses.iter().all(|address| address.starts_with("https://sso.example.com")), "{addresses:?}");
    for (address, fault) in [
        ("http://app.example.com/cb", true),
        ("http://127.0.0.1.evil.test/cb", true),
        ("http://10.0.0.1/cb", true),
        ("http://127.0.0.1/cb", false),
        ("http://[::1]/cb", false),
        (CALLBACK, false),
    ] {
        let draft = Draft { redirect_uris: vec![address.into()], auth_method: "none".into(), ..plain() };
        assert_eq!(faults(&street, &draft).contains(&"/redirect_uris/0".to_owned()), fault, "{address}");
    }
}

#[tokio::test]
async fn oauth_2_1_section_2_3_a_registered_query_is_kept_and_the_answer_comes_after_it() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { redirect_uris: vec!["https://app.example.com/cb?tenant=a%20b&x".into()], ..plain() }).await;
    let landed = street.arrives(&mut Browser::default(), &app, "alice").await;
    assert!(landed.header("location").starts_with("https://app.example.com/cb?tenant=a%20b&x&code="), "{landed:?}");
    assert_eq!(landed.location().unwrap().fragment(), None);
    for address in ["/cb", "app.example.com/cb", "https://app.example.com/cb#x"] {
        let draft = Draft { redirect_uris: vec![address.into()], ..plain() };
        assert!(faults(&street, &draft).contains(&"/redirect_uris/0".to_owned()), "{address}");
    }
}

#[tokio::test]
async fn oauth_2_1_section_8_4_2_rfc_8252_section_8_4_only_the_port_of_a_loopback_address_is_free() {
    let street = Street::open().await;
    let draft =
        Draft { auth_method: "none".into(), redirect_uris: vec!["http://127.0.0.1/cb".into(), "http://[::1]/cb".into()], ..plain() };
    let native = street.app_as("native", draft).await;
    for (address, fine) in [
        ("http://127.0.0.1:51004/cb", true),
        ("http://[::1]:51004/cb", true),
        ("http://127.0.0.1:51004/cb/", false),
        ("http://127.0.0.1:51004/cb?x=1", false),
        ("https://127.0.0.1:51004/cb", false),
        ("http://127.0.0.2:51004/cb", false),
        ("http://localhost:51004/cb", false),
        ("http://2130706433:51004/cb", false),
    ] {
        let page = street.goes(&mut Browser::default(), &Street::link(&native, &[("redirect_uri", address)])).await;
        assert_eq!(page.status == StatusCode::OK, fine, "{address}: {page:?}");
        assert!(page.location().is_none(), "{address}");
    }
}

#[tokio::test]
async fn oauth_2_1_section_2_3_2_of_several_addresses_one_is_named() {
    let street = Street::open().await;
    let redirect_uris = vec![CALLBACK.into(), "https://app.example.com/other".into()];
    let app = street.app_as("app", Draft { redirect_uris, ..plain() }).await;
    let unnamed = street.goes(&mut Browser::default(), &Street::link(&app, &[("redirect_uri", ""), ("scope", "api")])).await;
    assert_eq!((unnamed.status, unnamed.page(), unnamed.location()), (StatusCode::BAD_REQUEST, "redirect_mismatch", None));
    let other = Street::link(&app, &[("redirect_uri", "https://app.example.com/other"), ("prompt", "none")]);
    let answer = street.goes(&mut Browser::default(), &other).await;
    assert!(answer.header("location").starts_with("https://app.example.com/other?"), "{answer:?}");
}

#[tokio::test]
async fn oauth_2_1_section_2_4_1_a_secret_may_come_in_the_body_and_never_twice() {
    let street = Street::open().await;
    let draft =
        Draft { auth_method: "client_secret_post".into(), grant_types: grants(&["client_credentials"]), redirect_uris: vec![], ..plain() };
    let app = street.app_as("app", draft).await;
    let secret = app.secret.as_deref().unwrap();
    let form = [("grant_type", "client_credentials"), ("scope", "api"), ("client_id", "app"), ("client_secret", secret)];
    let post = || street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded");
    assert_eq!(street.send(post().body(encode(&form))).await.status, StatusCode::OK);
    let both = street.send(post().header(header::AUTHORIZATION, basic("app", secret)).body(encode(&form))).await;
    assert_eq!((both.status, both.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
    let twice = [&form[..], &[("client_secret", secret)]].concat();
    assert_eq!(street.send(post().body(encode(&twice))).await.error(), "invalid_request");
}

#[tokio::test]
async fn oauth_2_1_section_3_1_a_request_comes_by_get_or_post_unknown_is_ignored_empty_is_absent_and_there_is_no_cors() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let link = format!("{}&unknown=1&unknown=2&prompt=&max_age=&login_hint=", Street::link(&app, &[]));
    let asked = street.request(Method::GET, &link).header(header::ORIGIN, "https://app.example.com").finish();
    let by_get = street.send(asked).await;
    assert_eq!((by_get.status, by_get.between("data-page=\"", "\"")), (StatusCode::OK, "chooser"), "{by_get:?}");
    let posted = street.request(Method::POST, "/authorize").header(header::ORIGIN, "https://app.example.com");
    let posted = posted.content_type("application/x-www-form-urlencoded").body(link.trim_start_matches("/authorize?").to_owned());
    let by_post = street.send(posted).await;
    let followed = street.goes(&mut Browser::default(), by_post.header("location")).await;
    assert_eq!((by_post.status, followed.status), (StatusCode::SEE_OTHER, StatusCode::OK));
    let preflight = street.request(Method::OPTIONS, "/authorize").header(header::ORIGIN, "https://app.example.com");
    let preflight = street.send(preflight.header("access-control-request-method", "GET").finish()).await;
    for answer in [by_get, by_post, preflight] {
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "RFC 9700 §2.6: {answer:?}");
    }
}

#[tokio::test]
async fn oauth_2_1_section_3_2_the_token_endpoint_takes_posts_alone_and_no_parameter_twice() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let answer = street.send(street.request(method.clone(), "/token").finish()).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"), "{method}");
    }
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    for twice in form {
        let answer = street.asks(&app, "/token", &[&form[..], &[twice]].concat()).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{}", twice.0);
    }
    let with_unknown = [&form[..], &[("unknown", "1"), ("unknown", "2"), ("scope", "")]].concat();
    assert_eq!(street.asks(&app, "/token", &with_unknown).await.status, StatusCode::OK, "and none of that spent the code");
}

#[tokio::test]
async fn oauth_2_1_section_3_2_3_oidc_core_section_3_1_3_3_no_answer_with_a_token_is_kept_and_its_scope_is_said() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    let first = street.redeems(&app, &code).await;
    let tokens = first.json();
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap()), ("scope", "openid email")];
    let narrowed = street.asks(&app, "/token", &refresh).await;
    let own = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await;
    assert_eq!((&narrowed.json()["scope"], &own.json()["scope"]), (&"email openid".into(), &"api".into()));
    let refused = street.asks(&app, "/token", &[("grant_type", "authorization_code"), ("code", "x")]).await;
    let introspected = street.asks(&app, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await;
    let told = street.userinfo(tokens["access_token"].as_str().unwrap()).await;
    for answer in [first, narrowed, own, refused, introspected, told] {
        assert!(is_kept_by_nobody(&answer), "{answer:?}");
    }
}

#[tokio::test]
async fn oauth_2_1_section_3_2_4_errors_are_the_registered_codes_in_the_alphabet_of_the_specification() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let hostile = "\"\\\r\nSet-Cookie: a=b\u{1b}[31m\u{e9}<script>";
    for form in [
        vec![("grant_type", hostile)],
        vec![("grant_type", "client_credentials"), ("scope", hostile)],
        vec![("grant_type", "client_credentials"), ("resource", hostile)],
        vec![("grant_type", "authorization_code"), ("code", hostile), ("code_verifier", hostile), ("redirect_uri", hostile)],
        vec![("grant_type", "refresh_token"), ("refresh_token", hostile)],
        vec![("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", hostile)],
        vec![("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("subject_token", hostile)],
        vec![],
    ] {
        let answer = street.asks(&app, "/token", &form).await;
        let known =
            ["invalid_request", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"];
        assert!(answer.status == StatusCode::BAD_REQUEST && known.contains(&answer.error().as_str()), "{form:?}: {answer:?}");
        let described = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(may_be_described_so(&described) && !described.contains("script"), "{described:?}");
    }
    let stranger = App { secret: Some("wrong".into()), ..app };
    let answer = street.asks(&stranger, "/token", &[("grant_type", "client_credentials")]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    assert!(answer.header("www-authenticate").starts_with("Basic "), "{answer:?}");
}

#[tokio::test]
async fn oauth_2_1_section_4_1_1_rfc_7636_section_4_2_rfc_7636_section_4_4_1_a_challenge_is_s256_or_the_request_is_invalid() {
    let street = Street::open().await;
    let app = street.app("app").await;
    assert_eq!(discovery(&street).await["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    for changed in
        [("code_challenge", ""), ("code_challenge_method", ""), ("code_challenge_method", "plain"), ("code_challenge_method", "s256")]
    {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[changed])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{changed:?}");
        assert!(answer.parameter("code").is_none());
    }
}

#[tokio::test]
async fn oauth_2_1_section_4_1_2_1_rfc_8252_section_8_1_asvs_10_4_6_a_public_client_without_a_challenge_is_refused_and_none_can_be_excused()
{
    let street = Street::open().await;
    let (native, mut browser) = (street.public_app("native").await, Browser::default());
    street.signs_in(&mut browser, &street.app("app").await, "alice").await;
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    for prompt in ["none", "login"] {
        let answer = street.goes(&mut browser, &Street::link(&native, &[&bare[..], &[("prompt", prompt)]].concat())).await;
        assert_eq!((answer.parameter("error").as_deref(), answer.parameter("code")), (Some("invalid_request"), None), "{prompt}");
    }
    let excused = Draft { auth_method: "none".into(), require_pkce: false, ..plain() };
    assert_eq!(faults(&street, &excused), ["/require_pkce"]);
}

#[tokio::test]
async fn oauth_2_1_section_4_1_2_state_comes_back_exactly_as_it_was_sent() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    for state in ["a b+c%20&=#?/\\", "\"'<>;:@,", "\u{fc}\u{1f600}\u{202e}", "code=evil&iss=https://evil.test", " "] {
        let landed = street.arrives_asking(&mut browser, &app, &[("state", state), ("prompt", "login")], "alice").await;
        assert_eq!(landed.parameter("state").as_deref(), Some(state), "{landed:?}");
        let refused = street.goes(&mut browser, &Street::link(&app, &[("state", state), ("scope", "openid admin")])).await;
        assert_eq!(refused.parameter("state").as_deref(), Some(state), "in errors too");
        assert_eq!(refused.location().unwrap().query_pairs().filter(|(name, _)| name == "iss").count(), 1);
    }
}

#[tokio::test]
async fn oauth_2_1_section_4_2_a_token_of_its_own_is_for_a_confidential_client() {
    let street = Street::open().await;
    let native = street.public_app("native").await;
    let answer = street.asks(&native, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "unauthorized_client"));
    let draft = Draft { auth_method: "none".into(), grant_types: grants(&["authorization_code", "client_credentials"]), ..plain() };
    assert!(faults(&street, &draft).iter().any(|pointer| pointer.starts_with("/grant_types")), "nor can it be registered so");
}

#[tokio::test]
async fn oauth_2_1_section_4_3_1_rfc_9700_section_2_2_2_a_public_clients_refresh_token_rotates_and_a_copy_ends_its_family() {
    let street = Street::open().await;
    let native = street.public_app("native").await;
    let first = street.tokens(&native, "alice").await;
    let second = street.refreshes(&native, first["refresh_token"].as_str().unwrap()).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let third = street.refreshes(&native, second["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(street.refreshes(&native, first["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
    assert_eq!(
        street.refreshes(&native, third["refresh_token"].as_str().unwrap()).await.error(),
        "invalid_grant",
        "the newest is gone too"
    );
    for tokens in [first, second, third] {
        assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    }
}

#[tokio::test]
async fn oauth_2_1_section_5_3_1_rfc_6750_section_3_oidc_core_section_5_3_3_whoever_brings_a_wrong_token_is_told_how() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let nothing = street.send(street.request(Method::GET, "/userinfo").finish()).await;
    assert_eq!(nothing.status, StatusCode::UNAUTHORIZED);
    let challenge = nothing.header("www-authenticate");
    assert!(challenge.starts_with("Bearer ") && !challenge.contains("error"), "§3.1: no error where nothing was tried: {challenge}");
    for token in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let wrong = street.userinfo(token).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{token}");
        assert!(wrong.header("www-authenticate").contains("error=\"invalid_token\""), "{wrong:?}");
    }
    let landed = street.arrives_asking(&mut Browser::default(), &app, &[("scope", "api")], "alice").await;
    let thin = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    let refused = street.userinfo(thin["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"openid\""), "{challenge}");
}

#[tokio::test]
async fn oauth_2_1_section_7_7_rfc_8628_section_5_2_rfc_9126_section_7_1_asvs_7_2_3_nothing_that_opens_something_can_be_guessed() {
    const BITS_256: usize = 43;
    let street = Street::open().await;
    let app = street.app("app").await;
    let draft = Draft { grant_types: grants(&["urn:ietf:params:oauth:grant-type:device_code"]), redirect_uris: vec![], ..plain() };
    let tv = street.app_as("tv", draft).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let mut browser = Browser::default();
        let code = street.signs_in(&mut browser, &app, "alice").await;
        let tokens = street.redeems(&app, &code).await.json();
        let device =
            street.asks(&tv, "/device_authorization", &[("scope", "openid")]).await.json()["device_code"].as_str().unwrap().to_owned();
        let pushed = street.asks(&app, "/par", &crate::par::form(&[])).await.json()["request_uri"].as_str().unwrap().to_owned();
        let pushed = pushed.rsplit(':').next().unwrap().to_owned();
        let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        for secret in [browser.session().unwrap().clone(), code, device, pushed, refresh] {
            assert!(secret.len() >= BITS_256 && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{secret}");
            assert!(seen.insert(secret[..16].to_owned()) && seen.insert(secret[secret.len() - 16..].to_owned()), "twice: {secret}");
        }
    }
    assert!(app.secret.unwrap().len() >= BITS_256);
}

#[tokio::test]
async fn oauth_2_1_section_10_2_the_address_that_was_named_is_named_again_and_only_then() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for (asked, told, fine) in [(CALLBACK, CALLBACK, true), (CALLBACK, "", false), ("", "", true), ("", "https://evil.test/cb", false)] {
        let changed = [("redirect_uri", asked), ("scope", "api")];
        let landed = street.arrives_asking(&mut Browser::default(), &app, &changed, "alice").await;
        let code = landed.parameter("code").unwrap();
        let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", told), ("code_verifier", VERIFIER)];
        let answer = street.asks(&app, "/token", &form).await;
        assert_eq!(answer.status == StatusCode::OK, fine, "{asked:?} {told:?}: {answer:?}");
        assert!(fine || answer.error() == "invalid_grant");
    }
}

#[tokio::test]
async fn rfc_9700_section_2_1_1_rfc_9700_section_2_6_rfc_9207_section_2_3_mcp_authorization_a_client_finds_what_it_looks_for_in_the_metadata()
 {
    let street = Street::open().await;
    let document = discovery(&street).await;
    assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]), "absent would mean that there is no PKCE");
    assert_eq!(document["authorization_response_iss_parameter_supported"], true, "RFC 9207 §2.3");
    assert!(document["scopes_supported"].as_array().unwrap().contains(&"offline_access".into()));
    assert!(document["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&"none".into()), "public clients");
}

#[tokio::test]
async fn rfc_9700_section_2_1_2_rfc_9700_section_2_4_asvs_10_6_1_there_is_one_flow_and_nobody_gives_us_passwords() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let document = discovery(&street).await;
    assert_eq!(document["response_types_supported"], serde_json::json!(["code"]));
    let advertised = document["grant_types_supported"].to_string();
    assert!(!advertised.contains("implicit") && !advertised.contains("password"), "{advertised}");
    for response_type in ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none"] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("response_type", response_type)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("unsupported_response_type"), "{response_type}");
        assert_eq!(answer.location().unwrap().fragment(), None, "{response_type}");
    }
    let form = [("grant_type", "password"), ("username", "alice"), ("password", "secret")];
    assert_eq!(street.asks(&app, "/token", &form).await.error(), "unsupported_grant_type");
    for grant in ["implicit", "password"] {
        assert!(!faults(&street, &Draft { grant_types: grants(&["authorization_code", grant]), ..plain() }).is_empty(), "{grant}");
    }
}

#[tokio::test]
async fn rfc_9700_section_2_3_rfc_9700_section_4_10_a_token_is_for_named_audiences_and_scopes() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let tokens = street.tokens(&app, "alice").await;
    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["aud"], &access["scope"]), (&"https://sso.example.com".into(), &"email offline_access openid profile".into()));
    let seen = street.asks(&other, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await;
    assert_eq!(seen.body, "{\"active\":false}", "for whom it is not, it is none");
}

#[tokio::test]
async fn rfc_9700_section_4_2_4_no_code_leaves_in_a_referrer_whichever_way_it_goes() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let draft = Draft { auth_method: "none".into(), redirect_uris: vec!["com.example.app:/cb".into()], ..plain() };
    let native = street.app_as("native", draft).await;
    let by_redirect = street.arrives(&mut Browser::default(), &app, "alice").await;
    let by_page = street.arrives(&mut Browser::default(), &native, "alice").await;
    let by_form = street.arrives_asking(&mut Browser::default(), &app, &[("response_mode", "form_post")], "alice").await;
    assert!(by_page.body.contains("code=") && by_form.body.contains("name=\"code\""));
    for answer in [by_redirect, by_page, by_form] {
        assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"), "{answer:?}");
    }
}

#[tokio::test]
async fn rfc_9700_section_4_5_3_a_code_that_was_slipped_into_another_login_gives_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    // Whoever stole it brings it to the honest app, which redeems it with the verifier of its own login.
    let others = format!("A{}", &CHALLENGE[1..]);
    let landed = street.arrives_asking(&mut Browser::default(), &app, &[("code_challenge", &others)], "alice").await;
    let answer = street.redeems(&app, &landed.parameter("code").unwrap()).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    assert!(answer.json().get("access_token").is_none());
}

#[tokio::test]
async fn oauth_2_1_section_7_5_3_rfc_9700_section_4_12_after_a_form_the_browser_goes_on_by_get() {
    let street = Street::with(RigOptions { providers: vec!["acme"], ..RigOptions::default() }).await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let away = street.goes(&mut browser, &Street::link(&app, &[])).await;
    let attempt = away.parameter("state").unwrap();
    let posted = street.posts(&mut browser, "/callback/acme", &[("code", "alice"), ("state", &attempt)]).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER, "303 and never 307: {posted:?}");
    let landed = street.goes(&mut browser, posted.header("location")).await;
    assert_eq!((landed.status, landed.parameter("code").is_some()), (StatusCode::SEE_OTHER, true));
    let asked = street.posts(&mut browser, "/authorize", &[("client_id", "app")]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn rfc_9700_section_4_17_asvs_3_5_5_no_page_posts_messages_and_no_answer_goes_that_way() {
    let street = Street::open().await;
    let app = street.app("app").await;
    assert_eq!(discovery(&street).await["response_modes_supported"], serde_json::json!(["query", "form_post"]));
    for mode in ["web_message", "fragment", "query.jwt"] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("response_mode", mode)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{mode}");
    }
    let form = street.arrives_asking(&mut Browser::default(), &app, &[("response_mode", "form_post")], "alice").await;
    let chooser = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    assert!(!form.body.contains("postMessage") && !chooser.body.contains("<script"));
}

#[tokio::test]
async fn rfc_9207_section_2_every_answer_names_us_once_whatever_it_is_and_however_it_goes() {
    let street = Street::with(RigOptions { issuer: "https://example.com/sso".into(), ..RigOptions::default() }).await;
    let app = street.app("app").await;
    let under = |changed: &[(&str, &str)]| format!("/sso{}", Street::link(&app, changed));
    for changed in [("prompt", "none"), ("scope", "openid admin"), ("response_type", "token"), ("request", "e30.e30.")] {
        let answer = street.goes(&mut Browser::default(), &under(&[changed])).await;
        let names: Vec<_> =
            answer.location().unwrap().query_pairs().filter(|(name, _)| name == "iss").map(|(_, iss)| iss.into_owned()).collect();
        assert_eq!(names, ["https://example.com/sso"], "{changed:?}: letter by letter the issuer of the metadata");
        let form = street.goes(&mut Browser::default(), &under(&[changed, ("response_mode", "form_post")])).await;
        assert_eq!(form.body.matches("name=\"iss\" value=\"https://example.com/sso\"").count(), 1, "{form:?}");
    }
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &under(&[])).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/sso/login/acme?attempt={attempt}")).await;
    let landed = street.goes(&mut browser, &format!("/sso/callback/acme?code=alice&state={attempt}")).await;
    assert!(landed.parameter("code").is_some());
    assert_eq!(landed.parameter("iss").as_deref(), Some("https://example.com/sso"));
}

#[tokio::test]
async fn rfc_7009_section_2_rfc_7009_section_2_2_only_a_client_revokes_and_a_hint_is_only_a_hint() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let access = tokens["access_token"].as_str().unwrap();
    let get = street.send(street.request(Method::GET, &format!("/revoke?token={access}")).finish()).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    let nobody = App { secret: Some("wrong".into()), ..app.clone() };
    let refused = street.asks(&nobody, "/revoke", &[("token", access)]).await;
    assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "§2.1");
    assert_eq!(street.asks(&app, "/revoke", &[]).await.error(), "invalid_request");
    assert!(street.is_good(access).await);
    let answer = street.asks(&app, "/revoke", &[("token", access), ("token_type_hint", "something_else")]).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""), "§2.2.1: a hint that nobody knows is ignored");
    assert!(!street.is_good(access).await);
    assert_eq!(street.asks(&app, "/revoke", &[("token", access)]).await.status, StatusCode::OK, "§2.2: again is as good");
}

#[tokio::test]
async fn rfc_7662_section_4_what_was_revoked_or_whose_person_is_turned_away_is_inactive() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let asks = async |token: &serde_json::Value| street.asks(&app, "/introspect", &[("token", token.as_str().unwrap())]).await.body;
    let revoked = street.tokens(&app, "alice").await;
    street.asks(&app, "/revoke", &[("token", revoked["refresh_token"].as_str().unwrap())]).await;
    let turned_away = street.tokens(&app, "bob").await;
    let account = claims(&turned_away["id_token"])["sub"].as_str().unwrap().to_owned();
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    street.gateway().disable_account(&street.rig.witness(), &actor, &account, true).await.unwrap();
    for tokens in [revoked, turned_away] {
        for name in ["access_token", "refresh_token"] {
            assert_eq!(asks(&tokens[name]).await, "{\"active\":false}", "{name}");
        }
    }
    let good = street.tokens(&app, "carol").await;
    assert!(asks(&good["access_token"]).await.contains("\"active\":true"));
    let unsigned = good["access_token"].as_str().unwrap().rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(asks(&unsigned.into()).await, "{\"active\":false}");
}

#[test]
fn any_form_at_any_address_is_answered_and_opens_nothing() {
    const NAMES: &str = "grant_type|code|redirect_uri|code_verifier|refresh_token|token|token_type_hint|device_code|user_code|subject_token|\
                         subject_token_type|client_assertion|client_assertion_type|scope|resource|request|request_uri|attempt|form|answer|state|\
                         confirmation|id_token_hint|logout_token|email|iss|error|requested_token_type|actor_token|audience|login_hint";
    const GRANTS: &str = "authorization_code|refresh_token|client_credentials|urn:ietf:params:oauth:grant-type:device_code|\
                          urn:ietf:params:oauth:grant-type:token-exchange";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (street, app, proven) = runtime.block_on(async {
        let street = Street::open().await;
        let app = street.app("app").await;
        (street, app, Street::taking_secrets().await)
    });
    let addresses = street::addresses();
    let right = basic("app", app.secret.as_deref().unwrap());
    let pair = format!("({NAMES})=[ -~]{{0,60}}");
    let like = |pattern: &str| proptest::string::string_regex(pattern).unwrap();
    let bodies = proptest::prop_oneof![
        like(&format!("({pair}&){{0,5}}{pair}")),
        like(&format!("grant_type=({GRANTS})(&{pair}){{0,4}}")),
        like("[ -~]{0,200}"),
    ];
    let cases = (bodies, 0..addresses.len(), proptest::bool::ANY);
    let outcome = proptest::test_runner::TestRunner::default().run(&cases, |(body, at, proves)| {
        let mut request = street.request(Method::POST, &addresses[at]).content_type("application/x-www-form-urlencoded");
        if proves && proven.contains(&addresses[at]) {
            request = request.header(header::AUTHORIZATION, &right);
        }
        let answer = runtime.block_on(street.send(request.body(body)));
        proptest::prop_assert!(answer.status.as_u16() < 500, "{} {:?}", addresses[at], answer);
        let leads = answer.header("location");
        let ours = leads.is_empty() || (leads.starts_with('/') && !leads.starts_with("//"));
        proptest::prop_assert!(ours || leads.starts_with("https://app.example.com/cb"), "{:?}", answer);
        let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|set| set.to_str().unwrap());
        proptest::prop_assert!(set.filter(|set| set.contains("-session=")).all(|set| set.contains("Max-Age=0")), "{:?}", answer);
        proptest::prop_assert!(!answer.body.contains("\"refresh_token\""));
        Ok(())
    });
    outcome.unwrap();
}
