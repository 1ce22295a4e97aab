//! Which door a person is led to, and what happens when the one behind it is in trouble.

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::{
    email::DomainPattern,
    provider::{Phase, ProviderError, ProviderTerms},
};
use vestibule_testkit::rig::RigOptions;

use crate::street::{Browser, Street};

async fn street() -> Street {
    let domains = vec![DomainPattern::parse("corp.example").unwrap()];
    Street::with(RigOptions { terms: vec![("other", ProviderTerms { domains, ..ProviderTerms::default() })], ..RigOptions::default() })
        .await
}

fn down() -> ProviderError {
    ProviderError::Unreachable { phase: Phase::Token, status: Some(500), detail: "down".into() }
}

#[tokio::test]
async fn hints_lead_straight_to_a_door_and_go_along() {
    let street = street().await;
    let app = street.app("app").await;
    for (hints, provider) in
        [(vec![("idp_hint", "acme")], 0), (vec![("domain_hint", "corp.example")], 1), (vec![("login_hint", "ada@corp.example")], 1)]
    {
        let away = street.goes(&mut Browser::default(), &Street::link(&app, &hints)).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{hints:?}");
        let departure = street.rig.providers[provider].departures().pop().unwrap();
        assert_eq!(departure.login_hint.is_some(), hints[0].0 == "login_hint");
        assert_eq!(departure.domain_hint.is_some(), hints[0].0 == "domain_hint");
    }
    for hints in [[("idp_hint", "nobody")], [("domain_hint", "evil.example")], [("login_hint", "ada@corp.example.evil")]] {
        let page = street.goes(&mut Browser::default(), &Street::link(&app, &hints)).await;
        assert_eq!(page.status, StatusCode::OK, "{hints:?}");
    }
}

#[tokio::test]
async fn an_address_typed_at_the_chooser_leads_home_and_an_unknown_one_tells_nothing() {
    let street = street().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &Street::link(&app, &[])).await;
    let attempt = page.between("name=\"attempt\" value=\"", "\"").to_owned();
    let mut answers = Vec::new();
    for email in ["ada@nowhere.example", "not an address", "ada@corp.example.evil"] {
        let again = street.posts(&mut browser, "/login", &[("attempt", &attempt), ("email", email)]).await;
        assert_eq!(again.status, StatusCode::OK);
        assert!(again.body.contains("data-provider=\"acme\"") && !again.body.contains(email), "{again:?}");
        answers.push(again.body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "all that is unknown is unknown alike");
    let away = street.posts(&mut browser, "/login", &[("attempt", &attempt), ("email", " Ada@CORP.example ")]).await;
    assert!(away.body.contains("https://upstream.example/authorize"), "{away:?}");
    assert_eq!(street.rig.providers[1].departures().pop().unwrap().login_hint.as_deref(), Some("ada@corp.example"));
    let landed = street.goes(&mut browser, &format!("/callback/other?code=ada&state={attempt}")).await;
    assert!(landed.parameter("code").is_some());
}

#[tokio::test]
async fn asvs_16_5_2_a_provider_in_trouble_is_marked_moves_down_is_not_asked_and_hurts_nobody_else() {
    let street = street().await;
    let app = street.app("app").await;
    for _ in 0..5 {
        street.rig.providers[0].answers_next(Err(down()));
        let refused = street.arrives(&mut Browser::default(), &app, "x").await;
        assert_eq!(refused.page(), "upstream_unavailable");
    }
    assert_eq!(street.count("provider.health_changed"), 1);
    let page = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    let (acme, other) = (page.body.find("data-provider=\"acme\"").unwrap(), page.body.find("data-provider=\"other\"").unwrap());
    assert!(other < acme, "it moves down");
    assert!(page.body.contains("badge trouble"), "and is marked");
    let asked = street.rig.providers[0].completions();
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &Street::link(&app, &[("idp_hint", "acme")])).await;
    assert_eq!(page.status, StatusCode::OK, "nobody is walked into trouble");
    let attempt = page.between("?attempt=", "\"").to_owned();
    let paused = street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    assert_eq!((paused.status, paused.page()), (StatusCode::SERVICE_UNAVAILABLE, "provider_paused"));
    assert_eq!(street.rig.providers[0].completions(), asked);
    let again = paused.between("href=\"/login?attempt=", "\"").to_owned();
    assert_eq!(again, attempt);
    let page = street.goes(&mut browser, &format!("/login?attempt={attempt}")).await;
    assert!(page.body.contains("data-provider=\"other\""), "{page:?}");
    // The other one is as it was, in the same browser and the same attempt.
    street.goes(&mut browser, &format!("/login/other?attempt={attempt}")).await;
    assert!(street.goes(&mut browser, &format!("/callback/other?code=ada&state={attempt}")).await.parameter("code").is_some());
    // After the pause somebody looks, and it is well.
    street.rig.clock.advance(Duration::from_secs(11));
    street.gateway().probe_providers().await.unwrap();
    assert_eq!(street.count("provider.health_changed"), 2);
    let landed = street.arrives(&mut Browser::default(), &app, "bob").await;
    assert!(landed.parameter("code").is_some(), "{landed:?}");
}

#[tokio::test]
async fn attack_84_what_a_browser_writes_into_a_callback_shuts_no_provider_and_opens_none() {
    let street = street().await;
    let app = street.app("app").await;
    let of_the_browser = || ProviderError::Unreachable { phase: Phase::Callback, status: None, detail: "error=server_error".into() };
    for _ in 0..6 {
        street.rig.providers[0].answers_next(Err(of_the_browser()));
        street.arrives(&mut Browser::default(), &app, "x").await;
    }
    assert_eq!(street.count("provider.health_changed"), 0);
    for _ in 0..4 {
        street.rig.providers[0].answers_next(Err(down()));
        street.arrives(&mut Browser::default(), &app, "x").await;
    }
    street.rig.providers[0].answers_next(Err(ProviderError::Invalid { phase: Phase::Callback, rule: "iss", detail: "another".into() }));
    street.arrives(&mut Browser::default(), &app, "x").await;
    street.rig.providers[0].answers_next(Err(down()));
    street.arrives(&mut Browser::default(), &app, "x").await;
    assert_eq!(street.count("provider.health_changed"), 1, "five failures in a row, whatever strangers wrote between them");
}

#[tokio::test]
async fn people_who_decline_or_answers_that_are_not_valid_are_no_trouble() {
    let street = street().await;
    let app = street.app("app").await;
    for _ in 0..6 {
        street.rig.providers[0].answers_next(Err(ProviderError::Declined));
        street.arrives(&mut Browser::default(), &app, "x").await;
        let invalid = ProviderError::Invalid { phase: Phase::Callback, rule: "iss", detail: "another".into() };
        street.rig.providers[0].answers_next(Err(invalid));
        street.arrives(&mut Browser::default(), &app, "x").await;
    }
    assert_eq!(street.count("provider.health_changed"), 0);
    assert!(street.arrives(&mut Browser::default(), &app, "bob").await.parameter("code").is_some());
}

#[tokio::test]
async fn a_form_that_a_provider_posts_comes_back_by_get_with_the_cookies() {
    let street = street().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    let form = [("code", "alice"), ("state", attempt.as_str()), ("user", "{\"name\":{\"firstName\":\"Ada\"}}")];
    // From another site: the browser brings no cookie.
    let posted = street.posts(&mut Browser::default(), "/callback/acme", &form).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    let location = posted.header("location").to_owned();
    assert!(location.starts_with("/callback/acme?posted=") && !location.contains("alice") && !location.contains("Ada"), "{location}");
    let elsewhere = street.goes(&mut Browser::default(), &location).await;
    assert_eq!(elsewhere.page(), "request_expired", "attack 12: in another browser it signs nobody in");
    let other = location.replace("/callback/acme", "/callback/other");
    assert_eq!(street.goes(&mut browser, &other).await.page(), "request_expired", "sealed for its own provider");
    assert!(street.goes(&mut browser, &location).await.parameter("code").is_some());
    street.rig.clock.advance(Duration::from_mins(3));
    assert_eq!(street.goes(&mut browser, &location).await.page(), "request_expired", "and not for long");
    let huge = street.posts(&mut Browser::default(), "/callback/acme", &[("code", &"x".repeat(5000)), ("state", &attempt)]).await;
    assert_eq!(huge.page(), "request_invalid");
}

#[tokio::test]
async fn the_page_speaks_the_language_the_app_asks_for_and_so_does_what_comes_after() {
    let street = street().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &Street::link(&app, &[("ui_locales", "xx de-AT en")])).await;
    assert_eq!(page.header("content-language"), "de");
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let declined = street.goes(&mut browser, &format!("/callback/acme?error=access_denied&state={attempt}")).await;
    assert_eq!(declined.header("content-language"), "de");
}

#[tokio::test]
async fn attack_29_asvs_7_6_2_nobody_is_signed_in_without_having_acted() {
    for straight_through in [true, false] {
        let street = Street::with(RigOptions { providers: vec!["acme"], straight_through, ..RigOptions::default() }).await;
        let app = street.app("app").await;
        for hints in [vec![], vec![("idp_hint", "acme")]] {
            let silent: Vec<_> = hints.iter().copied().chain([("prompt", "none")]).collect();
            let refused = street.goes(&mut Browser::default(), &Street::link(&app, &silent)).await;
            assert_eq!(refused.parameter("error").as_deref(), Some("login_required"));
            assert!(street.rig.providers[0].departures().is_empty(), "prompt=none goes nowhere");
        }
        let hinted = street.goes(&mut Browser::default(), &Street::link(&app, &[("idp_hint", "acme")])).await;
        let expected = if straight_through { StatusCode::SEE_OTHER } else { StatusCode::OK };
        assert_eq!(hinted.status, expected, "ASVS 7.6.2: where an operator wants it, a person acts on our page first");
    }
}
