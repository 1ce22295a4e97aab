//! Back from a provider: whose answer is it, in whose browser, and how often?

use http::StatusCode;
use vestibule_domain::{
    audit::Reason,
    provider::{Phase, ProviderError},
};
use vestibule_testkit::fake_provider::FakeProvider;

use crate::street::{Browser, Street};

#[tokio::test]
async fn attack_01_rfc_9700_section_4_4_an_answer_at_another_providers_callback_ends_the_attempt_and_reaches_nobody() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    let answer = street.goes(&mut browser, &format!("/callback/other?code=alice&state={attempt}")).await;
    assert_eq!((answer.status, answer.page()), (StatusCode::BAD_GATEWAY, "upstream_invalid"));
    let failed = street.rig.events().into_iter().find(|event| event.name.as_str() == "login.failed").unwrap();
    assert_eq!(failed.reason, Some(Reason::MixUp));
    let again = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert_eq!(again.page(), "request_expired", "the attempt is over at its own provider too");
    assert!(browser.session().is_none());
}

#[tokio::test]
async fn oauth_2_1_section_2_3_4_oauth_2_1_section_7_15_asvs_10_2_2_each_provider_answers_at_its_own_address_and_we_answer_by_name() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let (acme, other) = (street.departs(&mut browser, &app, "acme").await, street.departs(&mut browser, &app, "other").await);
    let addresses: Vec<_> = street.rig.providers.iter().map(|provider| provider.departures()[0].redirect_uri.clone()).collect();
    assert_eq!(addresses, ["https://sso.example.com/callback/acme", "https://sso.example.com/callback/other"]);
    // One browser waits for both, and the answers come at each other's address.
    for (provider, attempt) in [("acme", &other), ("other", &acme)] {
        let crossed = street.goes(&mut browser, &format!("/callback/{provider}?code=alice&state={attempt}")).await;
        assert_eq!((crossed.location(), browser.session()), (None, None), "{crossed:?}");
    }
    assert!(street.rig.providers.iter().all(|provider| provider.completions() == 0), "and no provider is shown another's code");
    let landed = street.arrives(&mut browser, &app, "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    let named = [landed.parameter("iss").unwrap(), crate::street::claims(&tokens["id_token"])["iss"].as_str().unwrap().to_owned()];
    assert_eq!(named, ["https://sso.example.com"; 2], "in what the browser brings, and in what the token endpoint gives");
}

#[tokio::test]
async fn attack_06_asvs_10_5_2_the_same_subject_at_two_providers_is_two_people() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut subjects = Vec::new();
    for provider in ["acme", "other"] {
        let mut browser = Browser::default();
        let attempt = street.departs(&mut browser, &app, provider).await;
        let landed = street.goes(&mut browser, &format!("/callback/{provider}?code=same&state={attempt}")).await;
        let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
        subjects.push(crate::street::claims(&tokens["id_token"])["sub"].clone());
    }
    assert_ne!(subjects[0], subjects[1]);
    let again = crate::street::claims(&street.tokens(&app, "same").await["id_token"]);
    assert_eq!(again["sub"], subjects[0], "and who comes back is known");
}

#[tokio::test]
async fn attack_12_attack_13_rfc_9700_section_4_7_asvs_10_1_2_a_callback_in_another_browser_signs_nobody_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut attacker = Browser::default();
    let attempt = street.departs(&mut attacker, &app, "acme").await;
    for mut victim in [Browser::default(), {
        let mut busy = Browser::default();
        street.departs(&mut busy, &app, "acme").await;
        busy
    }] {
        let answer = street.goes(&mut victim, &format!("/callback/acme?code=attacker&state={attempt}")).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "request_expired"));
        assert!(victim.session().is_none() && answer.location().is_none());
    }
    // A cookie of one attempt does not open another.
    let mut victim = Browser::default();
    let own = street.departs(&mut victim, &app, "acme").await;
    let value = victim.cookies[&format!("__Host-vestibule-attempt-{own}")].clone();
    victim.cookies.insert(format!("__Host-vestibule-attempt-{attempt}"), value);
    let answer = street.goes(&mut victim, &format!("/callback/acme?code=attacker&state={attempt}")).await;
    assert_eq!(answer.page(), "request_expired");
    assert_eq!(street.count("login.succeeded"), 0);
}

#[tokio::test]
async fn attack_14_tabs_do_not_disturb_each_other_and_each_attempt_is_settled_once() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let first = street.departs(&mut browser, &app, "acme").await;
    let second = street.departs(&mut browser, &app, "acme").await;
    let before = browser.clone();
    assert!(street.goes(&mut browser, &format!("/callback/acme?code=alice&state={first}")).await.parameter("code").is_some());
    assert!(street.goes(&mut browser, &format!("/callback/acme?code=alice&state={second}")).await.parameter("code").is_some());
    // Even with the cookie brought back, a settled attempt stays settled.
    let answer = street.goes(&mut before.clone(), &format!("/callback/acme?code=alice&state={first}")).await;
    assert_eq!(answer.page(), "request_expired");
    assert_eq!(street.count("login.succeeded"), 2);
}

#[tokio::test]
async fn attack_14_of_many_parallel_returns_of_one_attempt_one_wins() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    let path = format!("/callback/acme?code=alice&state={attempt}");
    let answers = futures_util::future::join_all((0..16).map(|_| {
        let (mut browser, street, path) = (browser.clone(), &street, &path);
        async move { street.goes(&mut browser, path).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.parameter("code").is_some()).count(), 1);
}

#[tokio::test]
async fn an_attempt_dies_of_age() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    street.rig.clock.advance(std::time::Duration::from_mins(16));
    let answer = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert_eq!((answer.status, answer.page()), (StatusCode::BAD_REQUEST, "request_expired"));
    assert!(answer.body.contains("https://app.example.com/cb?error="), "and the way back to the app is shown");
}

#[tokio::test]
async fn attack_25_asvs_16_5_1_what_an_upstream_says_is_never_shown_and_the_app_hears_our_words() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let cases = [
        (ProviderError::Declined, StatusCode::FORBIDDEN, "person_declined", "access_denied"),
        (
            ProviderError::Unreachable { phase: Phase::Token, status: Some(503), detail: "no answer".into() },
            StatusCode::BAD_GATEWAY,
            "upstream_unavailable",
            "temporarily_unavailable",
        ),
        (
            ProviderError::Invalid { phase: Phase::Token, rule: "nonce", detail: "another nonce".into() },
            StatusCode::BAD_GATEWAY,
            "upstream_invalid",
            "server_error",
        ),
        (
            ProviderError::Misconfigured { phase: Phase::Token, detail: "invalid_client".into() },
            StatusCode::INTERNAL_SERVER_ERROR,
            "upstream_misconfigured",
            "server_error",
        ),
        (ProviderError::Refused { rule: "tenant" }, StatusCode::FORBIDDEN, "not_allowed", "access_denied"),
    ];
    for (error, status, page, oauth) in cases {
        let mut browser = Browser::default();
        let attempt = street.departs(&mut browser, &app, "acme").await;
        street.rig.providers[0].answers_next(Err(error));
        let hostile = "error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E%0D%0AX%3A%20y%1B%5B31m";
        let answer = street.goes(&mut browser, &format!("/callback/acme?error=access_denied&{hostile}&state={attempt}")).await;
        assert_eq!((answer.status, answer.page()), (status, page));
        assert!(!answer.body.contains("alert(1)") && !answer.body.contains("X: y"), "{}", answer.body);
        assert!(answer.body.contains(&format!("error={oauth}")), "{page}: the way back tells the app {oauth}");
        assert!(browser.session().is_none());
    }
    assert_eq!(street.count("login.failed") + street.count("login.denied_by_policy"), 5);
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompt_login_and_max_age_go_upstream_and_a_stale_answer_is_refused() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let now = vestibule_domain::ports::Clock::now(street.rig.clock.as_ref());
    for (parameter, fresh) in [(("prompt", "login"), true), (("max_age", "60"), false), (("max_age", "0"), true)] {
        let mut browser = Browser::default();
        let page = street.goes(&mut browser, &Street::link(&app, &[parameter])).await;
        let attempt = page.between("?attempt=", "\"").to_owned();
        street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
        let departure = street.rig.providers[0].departures().pop().unwrap();
        assert_eq!(departure.fresh, fresh, "{parameter:?}");
        let mut stale = FakeProvider::arrival("alice", now);
        stale.auth_time = Some(now - std::time::Duration::from_mins(10));
        street.rig.providers[0].answers_next(Ok(stale));
        let answer = street.goes(&mut browser, &format!("/callback/acme?code=x&state={attempt}")).await;
        assert_eq!((answer.status, answer.page()), (StatusCode::BAD_GATEWAY, "upstream_invalid"), "{parameter:?}");
    }
}

#[tokio::test]
async fn oidc_core_section_2_an_upstream_that_was_asked_for_an_age_must_say_when_it_was() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let now = vestibule_domain::ports::Clock::now(street.rig.clock.as_ref());
    for (parameter, enough) in [(("max_age", "60"), false), (("prompt", "login"), true)] {
        let mut browser = Browser::default();
        let page = street.goes(&mut browser, &Street::link(&app, &[parameter])).await;
        let attempt = page.between("?attempt=", "\"").to_owned();
        street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
        let mut silent = FakeProvider::arrival("alice", now);
        silent.auth_time = None;
        street.rig.providers[0].answers_next(Ok(silent));
        let answer = street.goes(&mut browser, &format!("/callback/acme?code=x&state={attempt}")).await;
        assert_eq!(answer.parameter("code").is_some(), enough, "{parameter:?}: {answer:?}");
    }
}

#[tokio::test]
async fn attack_14_a_callback_that_comes_again_does_not_make_us_knock_at_the_provider() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    let cookies = browser.clone();
    for _ in 0..20 {
        let answer = street.goes(&mut cookies.clone(), &format!("/callback/acme?code=junk&state={attempt}")).await;
        assert!(answer.parameter("code").is_some() || answer.page() == "request_expired", "{answer:?}");
    }
    assert_eq!(street.rig.providers[0].completions(), 1);
}

#[tokio::test]
async fn asvs_16_2_5_every_login_leaves_its_events_and_no_secret_in_them() {
    let street = Street::open().await;
    let app = street.app("app").await;
    street.tokens(&app, "alice").await;
    let events = street.rig.events();
    let mut names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["client.created", "code.redeemed", "identity.linked", "key.rotated", "key.rotated", "login.succeeded", "user.provisioned"]
    );
    let mut logins: Vec<_> = events.iter().filter(|event| event.account.is_some()).map(|event| event.login).collect();
    assert_eq!(logins.len(), 4);
    logins.dedup();
    assert!(logins.len() == 1 && logins[0].is_some(), "one login, one name");
    let text = format!("{events:?}");
    assert!(!text.contains("upstream-access-token") && !text.contains("alice@example.com"), "{text}");
}
