//! The OWASP Application Security Verification Standard 5.0, requirement by requirement, where no other walk has it in its name.

use std::time::Duration;

use http::{Method, StatusCode, header};
use vestibule_domain::{
    audit::{Actor, AuditEvent, Reason},
    provider::{Phase, ProviderError},
    registration::Draft,
};

use crate::street::{App, Browser, Street, addresses, claims, grants, plain};

/// Those of a name, in order.
fn events(street: &Street, name: &str) -> Vec<AuditEvent> {
    street.rig.events().into_iter().filter(|event| event.name.as_str() == name).collect()
}

#[tokio::test]
async fn asvs_3_3_1_asvs_3_3_2_asvs_3_3_3_asvs_3_3_4_asvs_3_3_5_every_cookie_is_bound_to_our_host_and_out_of_reach_of_scripts() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let long = "s".repeat(1_024);
    let link = Street::link(&app, &[("state", &long), ("ui_locales", "de")]);
    let page = street.goes(&mut browser, &link).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    let away = street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    let asked = street.goes(&mut browser, "/logout").await;
    let confirmation = asked.between("name=\"confirmation\" value=\"", "\"").to_owned();
    let gone = street.posts(&mut browser, "/logout", &[("confirmation", &confirmation)]).await;
    let set: Vec<String> = [page, away, landed, gone]
        .iter()
        .flat_map(|answer| answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()))
        .collect();
    assert!(set.len() >= 4, "{set:?}");
    for cookie in set {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert!(pair.starts_with("__Host-vestibule-") && pair.len() <= 4_096, "{cookie}");
        let mut attributes: Vec<_> = attributes.split("; ").filter(|attribute| !attribute.starts_with("Max-Age=")).collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"], "and no Domain: {cookie}");
    }
}

#[tokio::test]
async fn asvs_3_4_1_asvs_3_4_4_fapi_2_0_section_5_2_3_every_answer_keeps_to_tls_and_to_its_own_type() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let mut answers = vec![
        street.userinfo(tokens["access_token"].as_str().unwrap()).await,
        street.asks(&app, "/token", &[]).await,
        street.arrives(&mut Browser::default(), &app, "alice").await,
    ];
    for path in addresses().into_iter().chain(["/nothing/here", "/readyz", "/console", "/api/v1/clients"].map(str::to_owned)) {
        answers.push(street.goes(&mut Browser::default(), &path).await);
        answers.push(street.posts(&mut Browser::default(), &path, &[]).await);
    }
    for answer in answers {
        let age = answer
            .header("strict-transport-security")
            .strip_prefix("max-age=")
            .and_then(|rest| rest.split(';').next()?.parse::<u64>().ok());
        assert!(age.is_some_and(|seconds| seconds >= 365 * 24 * 3_600), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
    }
}

#[tokio::test]
async fn asvs_3_4_3_asvs_3_4_5_asvs_3_4_8_asvs_3_5_8_pages_run_load_tell_and_lend_nothing() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    let more = ["/nothing/here".to_owned(), Street::link(&app, &[("prompt", "login")])];
    let mut pages = 0;
    for path in addresses().into_iter().chain(more) {
        let page = street.goes(&mut browser.clone(), &path).await;
        if !page.header("content-type").starts_with("text/html") {
            continue;
        }
        pages += 1;
        let policy = page.header("content-security-policy");
        for directive in ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
    }
    assert!(pages > 15, "{pages}");
}

#[tokio::test]
async fn asvs_3_5_1_asvs_3_5_3_asvs_10_2_1_nothing_changes_by_a_link_or_by_a_form_that_is_not_ours() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    let before = (street.rig.store.rows(), street.rig.events().len());
    for path in [
        "/account/links",
        "/account/links/remove",
        "/account/sessions/end?others=all",
        "/account/apps/revoke?app=app",
        "/token",
        "/revoke",
        "/par",
    ] {
        assert_eq!(street.goes(&mut browser, path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    street.goes(&mut browser, "/logout?confirmation=00").await;
    street.goes(&mut browser, "/consent?attempt=00&decision=allow").await;
    street.goes(&mut browser, "/device/answer?form=00&answer=allow").await;
    for (path, form) in [
        ("/account/links", vec![("token", "00"), ("provider", "other")]),
        ("/account/links/remove", vec![("token", "00"), ("link", "x")]),
        ("/account/sessions/end", vec![("token", ""), ("others", "all")]),
        ("/account/apps/revoke", vec![("app", "app")]),
        ("/consent", vec![("attempt", "00"), ("token", "00"), ("decision", "allow")]),
        ("/device/answer", vec![("form", "00"), ("answer", "allow")]),
        ("/logout", vec![("confirmation", "00")]),
    ] {
        let answer = street.posts(&mut browser, path, &form).await;
        let leads = answer.header("location");
        assert!(leads.is_empty() || (leads.starts_with('/') && !leads.starts_with("//")), "{path}: {answer:?}");
    }
    assert_eq!((street.rig.store.rows(), street.rig.events().len()), before, "and nothing is written");
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    let still = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    assert!(still.parameter("code").is_some(), "{still:?}");
}

#[tokio::test]
async fn asvs_7_2_1_asvs_7_4_1_a_session_is_what_we_know_of_it_and_over_when_we_say_so() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let silent = Street::link(&app, &[("prompt", "none")]);
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    let kept = browser.clone();
    let good = kept.session().unwrap().clone();
    for forged in ["A".repeat(43), good.to_lowercase(), good[1..].to_owned(), format!("{good}A"), String::new(), "%00".into()] {
        let mut posing = Browser::default();
        posing.cookies.insert("__Host-vestibule-session".into(), forged.clone());
        assert_eq!(street.goes(&mut posing, &silent).await.parameter("error").as_deref(), Some("login_required"), "{forged:?}");
    }
    let page = street.goes(&mut browser, "/logout").await;
    let confirmation = page.between("name=\"confirmation\" value=\"", "\"").to_owned();
    street.posts(&mut browser, "/logout", &[("confirmation", &confirmation)]).await;
    assert_eq!(
        street.goes(&mut kept.clone(), &silent).await.parameter("error").as_deref(),
        Some("login_required"),
        "a copy of the cookie too"
    );
}

#[tokio::test]
async fn asvs_7_4_2_who_is_turned_away_is_out_everywhere_at_once() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let code = street.signs_in(&mut one, &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    let unredeemed = street.signs_in(&mut other, &app, "alice").await;
    let account = claims(&tokens["id_token"])["sub"].as_str().unwrap().to_owned();
    street.gateway().disable_account(&street.rig.witness(), &Actor::AdminKey("test".into()), &account, true).await.unwrap();
    for browser in [&mut one, &mut other] {
        let silent = street.goes(browser, &Street::link(&app, &[("prompt", "none")])).await;
        assert_eq!(silent.parameter("error").as_deref(), Some("login_required"));
    }
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
    assert_eq!(street.redeems(&app, &unredeemed).await.error(), "invalid_grant");
    let again = street.arrives(&mut Browser::default(), &app, "alice").await;
    assert_eq!((again.status, again.page()), (StatusCode::FORBIDDEN, "account_disabled"));
}

#[tokio::test]
async fn asvs_7_4_4_the_way_out_is_on_the_page_of_whoever_is_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    let page = street.goes(&mut browser, "/account").await;
    assert!(page.body.contains("href=\"/logout\"") || page.body.contains("action=\"/logout\""), "{}", page.body);
}

#[tokio::test]
async fn asvs_10_1_1_tokens_go_to_who_redeems_the_code_and_pass_through_no_browser() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let chooser = street.goes(&mut browser, &Street::link(&app, &[])).await;
    let attempt = chooser.between("?attempt=", "\"").to_owned();
    let away = street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await;
    let given = tokens.json();
    let account = street.goes(&mut browser, "/account").await;
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    let by_form = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("response_mode", "form_post")])).await;
    assert!(landed.location().unwrap().fragment().is_none() && silent.parameter("code").is_some() && by_form.status == StatusCode::OK);
    for answer in [chooser, away, landed, account, silent, by_form] {
        let seen = format!("{answer:?}");
        for name in ["access_token", "refresh_token", "id_token"] {
            assert!(!seen.contains(given[name].as_str().unwrap()), "our {name}: {seen}");
        }
        assert!(!seen.contains("upstream-access-token"), "{seen}");
    }
    assert!(!tokens.body.contains("upstream-access-token"), "what a provider gave us stays here without a rule: {}", tokens.body);
}

#[tokio::test]
async fn asvs_10_4_10_every_back_channel_call_of_a_confidential_client_is_proven() {
    let street = Street::open().await;
    let app = street
        .app_as("app", Draft { grant_types: grants(&["authorization_code", "refresh_token", crate::device::GRANT]), ..plain() })
        .await;
    let tokens = street.tokens(&app, "alice").await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    for secret in [None, Some("wrong".to_owned()), Some(String::new())] {
        let posing = App { secret: secret.clone(), ..app.clone() };
        for (path, form) in [
            ("/token", vec![("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", crate::street::VERIFIER)]),
            ("/token", vec![("grant_type", "refresh_token"), ("refresh_token", refresh)]),
            ("/introspect", vec![("token", access)]),
            ("/revoke", vec![("token", access)]),
            ("/par", crate::par::form(&[])),
            ("/device_authorization", vec![("scope", "openid")]),
        ] {
            let answer = street.asks(&posing, path, &form).await;
            assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{path} {secret:?}");
        }
        // Whoever guesses is slowed down, which is another matter.
        street.rig.clock.advance(Duration::from_mins(2));
    }
    assert!(street.is_good(access).await);
    assert_eq!(street.refreshes(&app, refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn asvs_10_4_11_a_client_has_no_scope_that_it_is_not_registered_for() {
    let street = Street::open().await;
    let draft = Draft { scope: "openid api".into(), grant_types: grants(&["authorization_code", "client_credentials"]), ..plain() };
    let app = street.app_as("app", draft).await;
    for scope in ["openid email", "openid offline_access", "openid api admin"] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("scope", scope)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_scope"), "{scope}");
    }
    let answer = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", "api email")]).await;
    assert_eq!(answer.error(), "invalid_scope");
}

#[tokio::test]
async fn asvs_16_2_1_asvs_16_3_1_every_sign_in_is_recorded_with_who_where_and_how_it_ended() {
    let street = Street::open().await;
    let app = street.app("app").await;
    street.signs_in(&mut Browser::default(), &app, "alice").await;
    for error in [
        ProviderError::Declined,
        ProviderError::Invalid { phase: Phase::Token, rule: "nonce", detail: "another nonce".into() },
        ProviderError::Refused { rule: "tenant" },
    ] {
        street.rig.providers[0].answers_next(Err(error));
        street.arrives(&mut Browser::default(), &app, "mallory").await;
    }
    let (succeeded, failed, denied) =
        (events(&street, "login.succeeded"), events(&street, "login.failed"), events(&street, "login.denied_by_policy"));
    assert_eq!((succeeded.len(), failed.len(), denied.len()), (1, 2, 1));
    for event in succeeded.iter().chain(&failed).chain(&denied) {
        assert!(event.client.as_ref().is_some_and(|client| client.as_str() == "app"), "{event:?}");
        assert!(event.provider.as_ref().is_some_and(|provider| provider.as_str() == "acme"), "{event:?}");
    }
    assert!(succeeded[0].account.is_some());
    assert!(failed.iter().chain(&denied).all(|event| event.reason.is_some()), "{failed:?} {denied:?}");
}

#[tokio::test]
async fn asvs_16_3_2_asvs_16_3_3_whoever_is_turned_away_or_tries_to_get_around_is_recorded() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let code = street.signs_in(&mut Browser::default(), &app, "alice").await;
    street.redeems(&app, &code).await;
    street.redeems(&app, &code).await;
    assert_eq!(street.count("token.reuse_detected"), 1, "a code that came twice");
    let posing = App { secret: Some("wrong".into()), ..app.clone() };
    street.asks(&posing, "/token", &[("grant_type", "client_credentials")]).await;
    assert_eq!(street.count("client.auth_failed"), 1);
    let mut browser = Browser::default();
    let attempt = street.departs(&mut browser, &app, "acme").await;
    street.goes(&mut browser, &format!("/callback/other?code=alice&state={attempt}")).await;
    assert_eq!(events(&street, "login.failed")[0].reason, Some(Reason::MixUp));
    for _ in 0..15 {
        street.asks(&posing, "/introspect", &[("token", "x")]).await;
    }
    assert_eq!(street.count("abuse.rate_limited"), 1);
}

#[tokio::test]
async fn asvs_16_5_1_whatever_goes_wrong_nobody_reads_how_we_are_built() {
    let street = Street::open().await;
    let app = street.app("app").await;
    street.rig.store.break_with(Some(vestibule_domain::store::StoreError::Unavailable("SELECT secret FROM clients".into())));
    let mut said = vec![street.goes(&mut Browser::default(), &Street::link(&app, &[])).await];
    said.push(street.asks(&app, "/token", &[("grant_type", "client_credentials")]).await);
    said.push(street.userinfo("x.y.z").await);
    said.push(street.send(street.request(Method::GET, "/readyz").finish()).await);
    for answer in said {
        for inner in ["SELECT", "secret FROM", "panicked", ".rs:", "sqlx", "Unavailable("] {
            assert!(!answer.body.contains(inner), "{inner}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn asvs_16_3_4_what_fails_behind_us_is_recorded_with_the_step_and_the_cause() {
    const TLS: &str = "no connection, or no TLS with a trusted certificate";
    let street = Street::open().await;
    let app = street.app("app").await;
    for phase in [Phase::Discovery, Phase::Keys, Phase::Token, Phase::Userinfo] {
        let error = ProviderError::Unreachable { phase, status: None, detail: TLS.into() };
        street.rig.providers[0].answers_next(Err(error));
        let page = street.arrives(&mut Browser::default(), &app, "alice").await;
        assert!(!page.body.contains("certificate"), "the person is not told: {page:?}");
        let recorded = events(&street, "login.failed").pop().unwrap();
        assert_eq!(recorded.reason, Some(Reason::UpstreamUnreachable), "{phase}");
        assert_eq!(recorded.detail.as_deref(), Some(format!("{phase}: {TLS}").as_str()));
        assert!(recorded.provider.is_some_and(|provider| provider.as_str() == "acme"));
        // What failed so often would not be asked next time.
        street.rig.clock.advance(Duration::from_hours(1));
    }
}
