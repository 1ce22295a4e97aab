//! The pretend issuer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vestibule_crypto::SystemEntropy;
use vestibule_domain::{ports::Clock, time::Timestamp};
use vestibule_playground::PretendIssuer;
use vestibule_protocol::jwt;

use super::browser::{Browser, Page, assert_is_a_calm_page, encode, http};

const START: i64 = 1_800_000_000;
const CALLBACK: &str = "http://127.0.0.1:9/login/callback/demo";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const ALL_SCOPES: &str = "openid profile email groups offline_access";

/// Seconds, turned by hand.
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

struct House {
    issuer: String,
    clock: Arc<TestClock>,
    browser: Browser,
}

impl House {
    fn open() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let mut issuer = PretendIssuer::bind("127.0.0.1:0".parse().unwrap(), clock.clone(), Arc::new(SystemEntropy)).unwrap();
        issuer.register("vestibule", "s3cret", CALLBACK);
        let house = Self { issuer: issuer.issuer().to_owned(), clock, browser: Browser::new() };
        tokio::spawn(issuer.serve(std::future::pending()));
        house
    }

    fn wait(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::SeqCst);
    }

    /// An authorization request with some parameters changed; an empty value leaves one out.
    async fn ask(&self, changes: &[(&str, &str)]) -> Page {
        let usual = [
            ("client_id", "vestibule"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", ALL_SCOPES),
            ("state", "st/&te"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let parameters: Vec<_> = kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
        self.browser.open(&format!("{}/authorize?{}", self.issuer, encode(&parameters))).await
    }

    async fn code_of(&self, label: &str) -> String {
        let page = self.ask(&[]).await;
        self.browser.press(&page, label).await.sent_with("code").unwrap()
    }

    /// A token request by the client, with Basic.
    async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = http().post(format!("{}/token", self.issuer)).basic_auth("vestibule", Some("s3cret"));
        let response = request.header("content-type", "application/x-www-form-urlencoded").body(encode(form)).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        (response.status(), response.json().await.unwrap())
    }

    async fn redeem(&self, code: &str) -> (StatusCode, Value) {
        self.token(&redemption(code)).await
    }

    async fn refresh(&self, token: &Value) -> (StatusCode, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())]).await
    }

    async fn userinfo(&self, token: &Value) -> (StatusCode, Option<Value>) {
        let response = http().get(format!("{}/userinfo", self.issuer)).bearer_auth(token.as_str().unwrap()).send().await.unwrap();
        (response.status(), response.json().await.ok())
    }
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

fn claims(tokens: &Value) -> Value {
    Value::Object(jwt::parse(tokens["id_token"].as_str().unwrap()).unwrap().claims)
}

#[tokio::test]
async fn oidc_discovery_section_4_2_what_is_there_is_said_under_the_issuers_own_name() {
    let house = House::open();
    let document: Value =
        http().get(format!("{}/.well-known/openid-configuration", house.issuer)).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], house.issuer);
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
    let jwks: Value = http().get(document["jwks_uri"].as_str().unwrap()).send().await.unwrap().json().await.unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0]["kty"] == "RSA" && keys[0]["alg"] == "RS256" && keys[0]["use"] == "sig" && keys[0]["d"].is_null());
    let (_, tokens) = house.redeem(&house.code_of("Alice").await).await;
    let id_token = tokens["id_token"].as_str().unwrap().to_owned();
    assert_eq!(jwt::parse(&id_token).unwrap().header.kid.as_deref(), keys[0]["kid"].as_str());
}

#[tokio::test]
async fn each_person_comes_with_their_own_claims() {
    let house = House::open();
    let fixed = ["iss", "aud", "iat", "exp", "auth_time", "nonce", "at_hash"];
    let people = [
        (
            "Alice",
            json!({"sub": "alice", "name": "Alice Archer", "given_name": "Alice", "family_name": "Archer", "preferred_username": "alice",
            "email": "alice@example.com", "email_verified": true, "groups": ["staff", "engineering"]}),
        ),
        (
            "Bob",
            json!({"sub": "bob", "name": "Bob Baker", "given_name": "Bob", "family_name": "Baker", "preferred_username": "bob",
            "email": "bob@example.com", "email_verified": false, "groups": ["staff"]}),
        ),
        (
            "Carol",
            json!({"sub": "carol", "name": "Carol Cook", "given_name": "Carol", "family_name": "Cook", "preferred_username": "carol",
            "groups": []}),
        ),
    ];
    for (label, expected) in people {
        let (status, tokens) = house.redeem(&house.code_of(label).await).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let mut said = claims(&tokens);
        assert_eq!((&said["iss"], &said["aud"], &said["nonce"]), (&json!(house.issuer), &json!("vestibule"), &json!("n")));
        assert_eq!((&said["auth_time"], &said["exp"]), (&json!(START), &json!(START + 300)));
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(tokens["access_token"].as_str().unwrap())[..16]);
        assert_eq!(said["at_hash"], hash);
        said.as_object_mut().unwrap().retain(|name, _| !fixed.contains(&name.as_str()));
        assert_eq!(said, expected);
        assert_eq!(house.userinfo(&tokens["access_token"]).await, (StatusCode::OK, Some(expected)));
    }
}

#[tokio::test]
async fn oidc_core_section_5_4_scopes_decide_what_is_said_and_offline_access_what_is_given() {
    let house = House::open();
    let page = house.ask(&[("scope", "openid email")]).await;
    let code = house.browser.press(&page, "Bob").await.sent_with("code").unwrap();
    let (_, tokens) = house.redeem(&code).await;
    let said = claims(&tokens);
    assert_eq!((&said["email"], &said["name"], &said["groups"]), (&json!("bob@example.com"), &Value::Null, &Value::Null));
    assert_eq!((&tokens["refresh_token"], &tokens["scope"]), (&Value::Null, &json!("openid email")));
}

#[tokio::test]
async fn somebody_else_can_be_typed_and_what_is_wrong_with_them_is_said() {
    let house = House::open();
    let page = house.ask(&[("login_hint", "dora@example.net")]).await;
    assert_eq!(page.find("#email").value().attr("value"), Some("dora@example.net"));
    let refused = house.browser.press(&page, "Be this person").await;
    assert_eq!(
        (refused.status, refused.text("#fault")),
        (StatusCode::BAD_REQUEST, "A name has 1 to 60 characters, and no control characters.".into())
    );
    assert_is_a_calm_page(&refused);
    assert_eq!(refused.find("#email").value().attr("value"), Some("dora@example.net"), "what was typed is still there");
    let page = house.ask(&[("login_hint", "Dora <Dale>")]).await;
    assert_eq!(page.find("#name").value().attr("value"), Some("Dora <Dale>"));
    let code = house.browser.press(&page, "Be this person").await.sent_with("code").unwrap();
    let (_, tokens) = house.redeem(&code).await;
    let said = claims(&tokens);
    assert_eq!((&said["name"], &said["email"], &said["email_verified"]), (&json!("Dora <Dale>"), &Value::Null, &Value::Null));
    assert!(said["sub"].as_str().unwrap().starts_with("else-"));
}

#[tokio::test]
async fn a_login_hint_preselects_the_one_it_names() {
    let house = House::open();
    let page = house.ask(&[("login_hint", "BOB@example.com")]).await;
    assert_eq!(page.find("button[autofocus]").value().attr("value"), Some("bob"));
    assert!(!house.ask(&[]).await.body.contains("autofocus"));
}

#[tokio::test]
async fn refusing_says_access_denied_with_state_and_issuer() {
    let house = House::open();
    let page = house.ask(&[]).await;
    let sent = house.browser.press(&page, "Refuse").await;
    assert!(sent.location().unwrap().as_str().starts_with(CALLBACK));
    assert_eq!(sent.sent_with("error").as_deref(), Some("access_denied"));
    assert_eq!(sent.sent_with("state").as_deref(), Some("st/&te"));
    assert_eq!(sent.sent_with("iss"), Some(house.issuer.clone()));
    assert_eq!(sent.sent_with("code"), None);
}

#[tokio::test]
async fn rfc_9207_section_2_the_issuer_stands_beside_every_code() {
    let house = House::open();
    let page = house.ask(&[]).await;
    let sent = house.browser.press(&page, "Alice").await;
    assert_eq!(sent.sent_with("state").as_deref(), Some("st/&te"));
    assert_eq!(sent.sent_with("iss"), Some(house.issuer.clone()));
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompts_and_max_age_are_met_by_asking_and_none_by_login_required() {
    let house = House::open();
    for changes in [("prompt", "login"), ("prompt", "select_account consent"), ("max_age", "0"), ("acr_values", "x")] {
        assert_eq!(house.ask(&[changes]).await.name(), "issuer-choose", "{changes:?}");
    }
    assert_eq!(house.ask(&[("prompt", "none")]).await.sent_with("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_the_app() {
    let house = House::open();
    let wrong = [
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "form_post", "invalid_request"),
        ("scope", "profile", "invalid_scope"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "dance", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("request", "x.y.z", "request_not_supported"),
        ("request_uri", "https://x.example", "request_uri_not_supported"),
    ];
    for (name, value, error) in wrong {
        let sent = house.ask(&[(name, value)]).await;
        assert_eq!(sent.sent_with("error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(sent.sent_with("iss"), Some(house.issuer.clone()), "{name}={value}");
    }
    assert_eq!(house.ask(&[("nonce", "a"), ("nonce", "b")]).await.sent_with("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn attack_32_a_stranger_or_a_strange_address_gets_a_page_and_no_redirect() {
    let house = House::open();
    let slash = format!("{CALLBACK}/");
    for changes in [
        vec![("redirect_uri", slash.as_str())],
        vec![("redirect_uri", "http://127.0.0.1:10/login/callback/demo")],
        vec![("redirect_uri", "")],
        vec![("redirect_uri", CALLBACK), ("redirect_uri", "https://evil.example")],
        vec![("client_id", "other")],
        vec![("client_id", "")],
    ] {
        let page = house.ask(&changes).await;
        assert_eq!((page.status, page.name().as_str()), (StatusCode::BAD_REQUEST, "issuer-refused"), "{changes:?}");
        assert_is_a_calm_page(&page);
    }
}

#[tokio::test]
async fn attack_37_a_code_used_twice_takes_back_what_it_gave() {
    let house = House::open();
    let code = house.code_of("Alice").await;
    let (_, tokens) = house.redeem(&code).await;
    assert_eq!(house.userinfo(&tokens["access_token"]).await.0, StatusCode::OK);
    let (status, again) = house.redeem(&code).await;
    assert_eq!((status, &again["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    assert_eq!(house.userinfo(&tokens["access_token"]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(&tokens["refresh_token"]).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn attack_36_a_wrong_verifier_or_address_gets_nothing_and_spends_the_code() {
    let house = House::open();
    let other = "another-verifier-another-verifier-another-verifier";
    for (name, value) in
        [("code_verifier", other), ("code_verifier", ""), ("redirect_uri", "http://127.0.0.1:9/other"), ("redirect_uri", "")]
    {
        let code = house.code_of("Alice").await;
        let mut form = redemption(&code);
        form.iter_mut().find(|(key, _)| *key == name).unwrap().1 = value;
        assert_eq!(house.token(&form).await.1["error"], "invalid_grant", "{name}={value}");
        assert_eq!(house.redeem(&code).await.1["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn codes_live_a_minute_and_access_tokens_five() {
    let house = House::open();
    let late = house.code_of("Alice").await;
    house.wait(Duration::from_mins(1));
    assert_eq!(house.redeem(&late).await.1["error"], "invalid_grant");
    let code = house.code_of("Alice").await;
    house.wait(Duration::from_secs(59));
    let (_, tokens) = house.redeem(&code).await;
    assert_eq!(tokens["expires_in"], 300);
    house.wait(Duration::from_mins(5));
    assert_eq!(house.userinfo(&tokens["access_token"]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn attack_38_refresh_tokens_rotate_and_reuse_revokes() {
    let house = House::open();
    let (_, first) = house.redeem(&house.code_of("Alice").await).await;
    house.wait(Duration::from_mins(10));
    let (status, second) = house.refresh(&first["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let said = claims(&second);
    assert_eq!((&said["auth_time"], &said["iat"], &said["nonce"]), (&json!(START), &json!(START + 600), &Value::Null));
    assert_eq!(house.refresh(&first["refresh_token"]).await.1["error"], "invalid_grant");
    assert_eq!(house.refresh(&second["refresh_token"]).await.1["error"], "invalid_grant");
    assert_eq!(house.userinfo(&second["access_token"]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rfc_6749_section_6_a_refresh_may_narrow_and_not_widen() {
    let house = House::open();
    let page = house.ask(&[("scope", "openid email offline_access")]).await;
    let code = house.browser.press(&page, "Alice").await.sent_with("code").unwrap();
    let (_, tokens) = house.redeem(&code).await;
    let refresh = |scope: &'static str| {
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap()), ("scope", scope)]
    };
    assert_eq!(house.token(&refresh("openid profile")).await.1["error"], "invalid_scope");
    let (_, narrowed) = house.token(&refresh("openid")).await;
    assert_eq!((&narrowed["scope"], &claims(&narrowed)["email"]), (&json!("openid"), &Value::Null));
    let (_, whole) = house.refresh(&narrowed["refresh_token"]).await;
    assert_eq!(whole["scope"], "openid email offline_access");
}

#[tokio::test]
async fn rfc_6749_section_2_3_the_client_proves_itself_in_one_way() {
    let house = House::open();
    let code = house.code_of("Alice").await;
    let post = |secret: &'static str, basic: Option<&'static str>| {
        let mut form = redemption(&code).to_vec();
        form.extend([("client_id", "vestibule"), ("client_secret", secret)]);
        let request = http().post(format!("{}/token", house.issuer));
        let request = match basic {
            Some(secret) => request.basic_auth("vestibule", Some(secret)),
            None => request,
        };
        request.header("content-type", "application/x-www-form-urlencoded").body(encode(&form)).send()
    };
    assert_eq!(post("wrong", None).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let refused = post("", Some("wrong")).await.unwrap();
    assert_eq!((refused.status(), refused.headers().contains_key("www-authenticate")), (StatusCode::UNAUTHORIZED, true));
    assert_eq!(post("s3cret", Some("s3cret")).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(post("s3cret", None).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn every_page_says_that_it_is_pretend() {
    let house = House::open();
    let pages =
        [house.ask(&[]).await, house.browser.open(&house.issuer).await, house.browser.open(&format!("{}/nowhere", house.issuer)).await];
    for page in pages {
        assert_is_a_calm_page(&page);
        assert_eq!(
            page.text(".pretend"),
            "Pretend. This is a pretend identity provider, for trying things out. It asks for no password and proves nothing."
        );
    }
}

#[tokio::test]
async fn attack_44_another_name_for_this_address_leads_nowhere() {
    let house = House::open();
    let response = http().get(format!("{}/authorize", house.issuer)).header("host", "evil.example").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn attack_47_odd_methods_and_huge_bodies_are_refused() {
    let house = House::open();
    assert_eq!(house.browser.open(&format!("{}/token", house.issuer)).await.headers["allow"], "POST");
    let flood = "x".repeat(40_000);
    assert_eq!(house.browser.post(&format!("{}/choose", house.issuer), &[("a", &flood)]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(house.browser.open(&format!("{}/authorize?a=%ff", house.issuer)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let issuer =
        PretendIssuer::bind("127.0.0.1:0".parse().unwrap(), Arc::new(TestClock(AtomicI64::new(START))), Arc::new(SystemEntropy)).unwrap();
    tokio::time::timeout(Duration::from_secs(5), issuer.serve(std::future::ready(()))).await.unwrap().unwrap();
}
