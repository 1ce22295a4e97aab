//! Sign-ins that are only tried: from the test of a provider to the page that says what would come of it.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{EventName, Outcome},
    provider::{Phase, ProviderError},
};

use crate::{Answer, Desk};

/// An operator's browser, which has begun a trial.
struct Browser {
    cookie: String,
    state: String,
}

impl Desk {
    /// The test of a provider, as far as its sign-in.
    async fn made_ready(&self, id: &str, body: &str) -> Value {
        let tested = self.send(Method::POST, &format!("/providers/{id}:test"), &[], body).await.json();
        tested["sign_in"].clone()
    }

    async fn opens(&self, sign_in: &Value) -> Answer {
        let url = sign_in["url"].as_str().unwrap();
        self.ask(Method::GET, url.strip_prefix("https://sso.example.com").unwrap(), &[], "").await
    }

    async fn departs(&self, sign_in: &Value) -> Browser {
        let away = self.opens(sign_in).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
        let location: url::Url = away.header("location").parse().unwrap();
        let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let cookie = away.header("set-cookie").split(';').next().unwrap().to_owned();
        Browser { cookie, state }
    }

    async fn returns(&self, browser: &Browser, path: &str) -> Answer {
        let path = format!("{path}{}state={}&code=ada", if path.contains('?') { '&' } else { '?' }, browser.state);
        self.ask(Method::GET, &path, &[("cookie", &browser.cookie)], "").await
    }

    async fn came_of(&self, id: &str, sign_in: &Value) -> Answer {
        self.get(&format!("/providers/{id}/trials/{}", sign_in["trial"].as_str().unwrap())).await
    }
}

#[tokio::test]
async fn a_trial_goes_to_a_real_sign_in_and_says_what_would_come_of_it_and_leads_nowhere() {
    let desk = Desk::open().await;
    let sign_in = desk.made_ready("acme", "").await;
    assert_eq!(desk.came_of("acme", &sign_in).await.json(), json!({ "state": "waiting" }));
    let browser = desk.departs(&sign_in).await;
    let rows = desk.rig.store.rows();

    let page = desk.returns(&browser, "/callback/acme").await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["<title>Signed in at acme, on trial</title>", "You would be let in.", "ada@example.com", "/email_verified"] {
        assert!(page.body.contains(text), "{text} is missing in {}", page.body);
    }
    let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cookies.iter().all(|cookie| cookie.contains("-attempt-") && cookie.contains("Max-Age=0")), "nobody is signed in: {cookies:?}");
    assert_eq!(desk.rig.store.rows(), rows + 1, "nothing is kept but the event");
    let tested: Vec<_> = desk.rig.events().into_iter().filter(|event| event.name == EventName::ProviderTested).collect();
    assert_eq!(tested.iter().map(|event| event.outcome).collect::<Vec<_>>(), [Outcome::Success; 2]);

    let told = desk.came_of("acme", &sign_in).await.json();
    assert_eq!(told["state"], "signed_in");
    let tried = &told["signed_in"];
    assert_eq!((&tried["subject"], &tried["tokens"], &tried["admitted"]), (&json!("ada"), &json!(["access_token"]), &json!(true)));
    assert!(tried["claims"].as_array().unwrap().contains(&json!({ "claim": "email", "from": "/email", "value": "ada@example.com" })));

    assert_eq!(desk.opens(&sign_in).await.status, StatusCode::BAD_REQUEST, "it works once");
    assert_ne!(desk.returns(&browser, "/callback/acme").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_trial_is_no_login_whatever_it_is_brought_to() {
    let desk = Desk::open().await;
    let sign_in = desk.made_ready("acme", "").await;
    let browser = desk.departs(&sign_in).await;
    for path in ["/callback/other", "/login/acme?attempt=x", "/login?attempt=x"] {
        let path = path.replace("=x", &format!("={}", browser.state));
        let answer = desk.returns(&browser, &path).await;
        assert!(answer.status.is_client_error() || answer.status == StatusCode::BAD_GATEWAY, "{path}: {}", answer.status);
        assert!(!answer.headers.get_all("set-cookie").iter().any(|value| value.to_str().unwrap().contains("-session=")), "{path}");
    }
    let elsewhere = Browser { cookie: "x=y".into(), ..browser };
    assert!(desk.returns(&elsewhere, "/callback/acme").await.status.is_client_error(), "another browser has no part in it");
}

#[tokio::test]
async fn a_trial_that_fails_says_why_to_the_operator() {
    let desk = Desk::open().await;
    let sign_in = desk.made_ready("acme", "").await;
    let browser = desk.departs(&sign_in).await;
    let detail = "the client secret is wrong, says the provider".to_owned();
    desk.rig.providers[0].answers_next(Err(ProviderError::Misconfigured { phase: Phase::Token, detail }));
    let page = desk.returns(&browser, "/callback/acme").await;
    assert!(page.body.contains("token: the client secret is wrong, says the provider"), "{}", page.body);
    let told = desk.came_of("acme", &sign_in).await.json();
    assert_eq!(told, json!({ "state": "failed", "failure": "token: the client secret is wrong, says the provider" }));
}

#[tokio::test]
async fn a_draft_is_tried_with_its_secrets_which_nobody_sees() {
    let desk = Desk::open().await;
    let draft = json!({ "settings": { "preset": "fake", "client_secret": "of-the-draft" } });
    let sign_in = desk.made_ready("house", &draft.to_string()).await;
    let browser = desk.departs(&sign_in).await;
    let page = desk.returns(&browser, "/callback/house").await;
    assert!(page.body.contains("<title>Signed in at house, on trial</title>"), "{}", page.body);
    assert_eq!(desk.get("/providers/house").await.status, StatusCode::NOT_FOUND, "it is not kept");
}

#[tokio::test]
async fn a_trial_is_of_one_provider_and_over_after_ten_minutes() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/providers/acme/trials/nothing").await.status, StatusCode::NOT_FOUND);
    let sign_in = desk.made_ready("acme", "").await;
    assert_eq!(desk.came_of("other", &sign_in).await.status, StatusCode::NOT_FOUND);
    desk.rig.clock.advance(Duration::from_mins(10));
    assert_eq!(desk.came_of("acme", &sign_in).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.opens(&sign_in).await.status, StatusCode::BAD_REQUEST);
}
