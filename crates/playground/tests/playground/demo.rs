//! The demo app, against a stand-in for Vestibule and against the pretend issuer.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::json;
use vestibule_crypto::{SystemClock, SystemEntropy};
use vestibule_playground::{DemoApp, DemoClient, PretendIssuer};

use super::{
    browser::{Browser, Page, assert_is_a_calm_page, encode},
    fake_op::FakeOp,
};

const SECRET: &str = "the-secret-nobody-sees";

/// The demo app as a client of `issuer`.
fn app_of(issuer: &str) -> DemoApp {
    let mut app = DemoApp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    app.configure(DemoClient { issuer: issuer.to_owned(), client_id: "demo".into(), client_secret: SECRET.into() });
    app
}

struct Stage {
    op: FakeOp,
    url: String,
    browser: Browser,
}

impl Stage {
    fn open() -> Self {
        let op = FakeOp::open();
        let app = app_of(&op.issuer);
        let url = app.url().to_owned();
        tokio::spawn(app.serve(std::future::pending()));
        Self { op, url, browser: Browser::new() }
    }

    async fn home(&self) -> Page {
        self.browser.open(&self.url).await
    }

    async fn press(&self, label: &str) -> Page {
        let pressed = self.browser.press(&self.home().await, label).await;
        let page = self.browser.follow(pressed).await;
        assert_is_a_calm_page(&page);
        assert!(!page.body.contains(SECRET));
        page
    }
}

/// The newest exchange as its lines read.
fn newest(page: &Page) -> String {
    page.text("#exchanges ~ details")
}

#[tokio::test]
async fn signing_in_shows_the_tokens_and_what_was_checked() {
    let stage = Stage::open();
    let welcome = stage.home().await;
    assert_eq!(welcome.name(), "demo-welcome");
    assert_is_a_calm_page(&welcome);
    let page = stage.press("Sign in").await;
    assert_eq!((page.name().as_str(), page.text("h1").as_str()), ("demo-signed-in", "Signed in as Alice <Archer>"));
    assert!(page.text(".checks").contains("✓ holds: nonce is the one that was sent"));
    assert!(newest(&page).starts_with("Code for tokens RFC 6749 §4.1.3 fine"), "{}", newest(&page));
    let (path, authorization, body) = stage.op.mood.lock().unwrap().seen[0].clone();
    assert_eq!(path, "/token");
    assert!(authorization.starts_with("Basic ") && body.contains("code=c0de") && body.contains("code_verifier="), "{body}");
}

#[tokio::test]
async fn rfc_7636_section_4_3_the_request_carries_challenge_state_and_nonce_and_only_offered_scopes() {
    let stage = Stage::open();
    let home = stage.home().await;
    let sent = stage.browser.press(&home, "Sign in").await;
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(sent.sent_with(name).unwrap().len(), 43, "{name}");
    }
    assert_eq!(sent.sent_with("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(sent.sent_with("redirect_uri"), Some(format!("{}/callback", stage.url)));
    assert_eq!(sent.sent_with("scope").as_deref(), Some("openid profile email offline_access"));
    assert_eq!(sent.sent_with("prompt"), None);
    let silent = stage.browser.press(&stage.home().await, "silently").await;
    assert_eq!(silent.sent_with("prompt").as_deref(), Some("none"));
}

#[tokio::test]
async fn each_button_shows_what_was_sent_and_what_came_back() {
    let stage = Stage::open();
    stage.press("Sign in").await;
    let userinfo = newest(&stage.press("Call userinfo").await);
    assert!(userinfo.contains("Authorization: Bearer at-1") && userinfo.contains("alice@example.com"), "{userinfo}");
    let introspection = newest(&stage.press("Introspect access token").await);
    assert!(introspection.contains("demo:••••••••") && introspection.contains("\"active\": true"), "{introspection}");
    let refreshed = newest(&stage.press("Refresh").await);
    assert!(refreshed.contains("refresh_token=rt-1") && refreshed.contains("rt-2"), "{refreshed}");
    let revoked = newest(&stage.press("Revoke refresh token").await);
    assert!(revoked.contains("token=rt-2 token_type_hint=refresh_token") && revoked.contains("(no body)"), "{revoked}");
    let after = newest(&stage.press("Call userinfo").await);
    assert!(after.contains("failed") && after.contains("401 Unauthorized"), "{after}");
    assert!(newest(&stage.press("Introspect refresh token").await).contains("good for nothing any more"));
}

#[tokio::test]
async fn signing_out_here_forgets_and_everywhere_comes_back_with_the_state() {
    let stage = Stage::open();
    stage.press("Sign in").await;
    assert_eq!(stage.press("Sign out here").await.name(), "demo-welcome");
    stage.press("Sign in").await;
    let page = stage.press("Sign out everywhere").await;
    assert_eq!((page.name().as_str(), page.text("h1").as_str()), ("demo-signed-out", "Signed out everywhere"));
    let again = stage.browser.open(page.url.as_str()).await;
    assert_eq!(again.text("h1"), "This is where a logout ends");
    assert_eq!(stage.home().await.name(), "demo-welcome");
}

#[tokio::test]
async fn an_error_is_told_kindly_and_keeps_whoever_was_signed_in() {
    let stage = Stage::open();
    stage.press("Sign in").await;
    for (error, title) in [
        ("login_required", "Nobody is signed in at Vestibule"),
        ("access_denied", "You were not signed in"),
        ("made_up", "Vestibule refused the request"),
    ] {
        stage.op.set(|mood| mood.error = Some(error));
        let page = stage.press("Sign in silently").await;
        assert_eq!((page.name().as_str(), page.text("h1").as_str()), ("demo-trouble", title));
        assert_eq!(page.text(".facts"), format!("error {error} error_description because <b>"));
    }
    assert_eq!(stage.home().await.name(), "demo-signed-in");
}

#[tokio::test]
async fn attack_02_an_answer_of_another_issuer_or_of_none_is_not_used() {
    let stage = Stage::open();
    for (iss, title) in [("https://evil.example", "That answer is from another issuer"), ("", "That answer hides its issuer")] {
        stage.op.set(|mood| mood.iss = Some(iss));
        assert_eq!(stage.press("Sign in").await.text("h1"), title);
    }
    assert!(stage.op.mood.lock().unwrap().seen.is_empty(), "no code was sent anywhere");
}

#[tokio::test]
async fn attack_12_an_answer_in_another_browser_or_for_the_second_time_is_not_used() {
    let stage = Stage::open();
    let home = stage.home().await;
    let away = stage.browser.press(&home, "Sign in").await;
    let back = stage.browser.open(away.location().unwrap().as_str()).await.location().unwrap();
    let stranger = Browser::new();
    let page = stranger.open(back.as_str()).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::BAD_REQUEST, "This browser did not begin that sign-in"));
    let landed = stage.browser.open(back.as_str()).await;
    assert_eq!(stage.browser.follow(landed).await.name(), "demo-signed-in");
    assert_eq!(stage.browser.open(back.as_str()).await.text("h1"), "This browser did not begin that sign-in");
}

#[tokio::test]
async fn attack_15_an_id_token_that_is_not_as_it_has_to_be_signs_nobody_in() {
    let stage = Stage::open();
    for (name, value, failing) in [
        ("nonce", json!("other"), "nonce is the one that was sent"),
        ("iss", json!("https://evil.example"), "iss is Vestibule"),
        ("aud", json!("other"), "aud is this app, alone"),
        ("exp", json!(1), "exp lies ahead"),
        ("at_hash", json!("other"), "at_hash belongs to the access token"),
    ] {
        stage.op.set(|mood| mood.claims = [(name.to_owned(), value)].into_iter().collect());
        let page = stage.press("Sign in").await;
        assert_eq!(page.text("h1"), "The ID token is not good", "{name}");
        assert!(page.text(".checks").contains(&format!("✗ fails: {failing}")), "{}", page.text(".checks"));
    }
    assert_eq!(stage.home().await.name(), "demo-welcome");
}

#[tokio::test]
async fn attack_24_userinfo_about_somebody_else_is_pointed_out() {
    let stage = Stage::open();
    stage.press("Sign in").await;
    stage.op.set(|mood| mood.userinfo_sub = Some("s-2"));
    assert!(newest(&stage.press("Call userinfo").await).contains("must not be used"));
}

#[tokio::test]
async fn oidc_core_section_12_2_a_refresh_cannot_change_who_is_signed_in() {
    let stage = Stage::open();
    stage.press("Sign in").await;
    stage.op.set(|mood| mood.claims = [("sub".to_owned(), json!("s-2"))].into_iter().collect());
    assert_eq!(stage.press("Refresh").await.text("h1"), "The refreshed ID token is not good");
    assert!(stage.home().await.body.contains("at-1"));
}

#[tokio::test]
async fn a_form_without_this_sessions_token_does_nothing() {
    let stage = Stage::open();
    stage.press("Sign in").await;
    for form in [vec![], vec![("csrf", "guessed")]] {
        for path in ["/sign-in", "/sign-out", "/sign-out-everywhere", "/refresh", "/revoke"] {
            let page = stage.browser.post(&format!("{}{path}", stage.url), &form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(stage.home().await.name(), "demo-signed-in");
}

#[tokio::test]
async fn attack_63_the_cookie_is_its_own_and_changes_when_somebody_signs_in() {
    let stage = Stage::open();
    let cookie = |page: &Page| page.headers.get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
    let before = cookie(&stage.home().await).unwrap();
    assert!(before.starts_with("playground_demo=") && before.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"), "{before}");
    assert_eq!(cookie(&stage.home().await), None);
    let away = stage.browser.press(&stage.home().await, "Sign in").await;
    let back = stage.browser.open(away.location().unwrap().as_str()).await.location().unwrap();
    let after = cookie(&stage.browser.open(back.as_str()).await).unwrap();
    assert_ne!(before, after);
    let planted = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = planted.get(&stage.url).header("cookie", before.split(';').next().unwrap()).send().await.unwrap().text().await.unwrap();
    assert!(body.contains("demo-welcome"));
}

#[tokio::test]
async fn two_tabs_can_sign_in_side_by_side() {
    let stage = Stage::open();
    let home = stage.home().await;
    let first = stage.browser.press(&home, "Sign in").await;
    let second = stage.browser.press(&home, "Sign in").await;
    // The stand-in remembers the nonce of whom it saw last.
    for away in [first, second] {
        let page = stage.browser.open(away.location().unwrap().as_str()).await;
        assert_eq!(stage.browser.follow(page).await.name(), "demo-signed-in");
    }
}

#[tokio::test]
async fn vestibule_out_of_reach_and_an_app_without_a_client_are_said() {
    let mut app = app_of("http://127.0.0.1:9");
    let (browser, url) = (Browser::new(), app.url().to_owned());
    app.configure(DemoClient { issuer: "http://127.0.0.1:9".into(), client_id: "demo".into(), client_secret: SECRET.into() });
    tokio::spawn(app.serve(std::future::pending()));
    let home = browser.open(&url).await;
    let page = browser.press(&home, "Sign in").await;
    assert_eq!(page.text("h1"), "Vestibule can't be reached");
    assert!(newest(&page).contains("Nobody listens at that address."));
    let bare = DemoApp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = bare.url().to_owned();
    tokio::spawn(bare.serve(std::future::pending()));
    let page = browser.open(&url).await;
    assert!(page.text(".fault").contains("has not told it who it is"));
    assert_is_a_calm_page(&page);
}

#[tokio::test]
async fn the_app_signs_people_in_at_the_pretend_issuer_itself() {
    let mut issuer = PretendIssuer::bind("127.0.0.1:0".parse().unwrap(), Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap();
    let app = app_of(issuer.issuer());
    assert_eq!(app.post_logout_redirect_uri(), format!("{}/signed-out", app.url()));
    issuer.register("demo", SECRET, app.redirect_uri());
    let (browser, url) = (Browser::new(), app.url().to_owned());
    tokio::spawn(issuer.serve(std::future::pending()));
    tokio::spawn(app.serve(std::future::pending()));
    let home = browser.open(&url).await;
    let away = browser.press(&home, "Sign in").await;
    let choose = browser.follow(away).await;
    assert_eq!(choose.name(), "issuer-choose");
    let chosen = browser.press(&choose, "Carol").await;
    let page = browser.follow(chosen).await;
    assert_eq!(page.text("h1"), "Signed in as Carol Cook");
    let refreshed = browser.press(&page, "Refresh").await;
    assert!(newest(&browser.follow(refreshed).await).contains("200 OK"));
    let silent = browser.press(&browser.open(&url).await, "silently").await;
    assert_eq!(browser.follow(silent).await.text("h1"), "Nobody is signed in at Vestibule");
    let unknown = browser.open(&format!("{url}/callback?{}", encode(&[("state", "x"), ("code", "y")]))).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}
