//! Claims by name (OpenID Connect Core 1.0 §5.5), and what the sign-in behind them has to be like.

use http::StatusCode;
use vestibule_domain::{registration::Draft, time::Timestamp};
use vestibule_testkit::fake_provider::FakeProvider;

use crate::street::{App, Browser, Street, claims, plain};

async fn tokens(street: &Street, app: &App, changed: &[(&str, &str)]) -> serde_json::Value {
    let landed = street.arrives_asking(&mut Browser::default(), app, changed, "alice").await;
    street.redeems(app, &landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"))).await.json()
}

const NAMES: &str =
    r#"{"id_token": {"name": {"essential": true}, "phone_number": null}, "userinfo": {"email": null, "sub": null, "groups": {}}}"#;

#[tokio::test]
async fn oidc_core_section_5_5_claims_come_where_they_were_asked_for_and_stay_so_after_a_refresh() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let asked = [("scope", "openid"), ("claims", NAMES)];
    let mut tokens = tokens(&street, &app, &asked).await;
    for _ in 0..2 {
        let said = claims(&tokens["id_token"]);
        assert_eq!((said["name"].as_str(), said.get("email"), said.get("phone_number")), (Some("alice of Upstream"), None, None), "{said}");
        let userinfo = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!((&userinfo["email"], &userinfo["email_verified"]), (&"alice@example.com".into(), &true.into()), "{userinfo}");
        assert!(userinfo.get("name").is_none() && userinfo["groups"].is_array(), "{userinfo}");
        tokens = street.tokens_again(&app, tokens).await;
    }
}

#[tokio::test]
async fn oidc_core_section_5_5_nobody_gets_more_by_name_than_they_are_registered_for() {
    let street = Street::open().await;
    let thin = street.app_as("thin", Draft { scope: "openid profile".into(), id_token_claims: false, ..plain() }).await;
    let tokens = tokens(&street, &thin, &[("scope", "openid profile"), ("claims", NAMES)]).await;
    let userinfo = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert!(userinfo.get("email").is_none() && userinfo.get("groups").is_none(), "{userinfo}");
    let said = claims(&tokens["id_token"]);
    assert_eq!(said["name"], "alice of Upstream", "asked for by name where scopes give nothing: {said}");
}

#[tokio::test]
async fn oidc_core_section_5_5_malformed_claims_are_the_apps_mistake() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for bad in ["x", "[]", r#"{"userinfo": 1}"#, r#"{"userinfo": {"a": null, "a": null}}"#, r#"{"id_token": {"acr": {"values": "x"}}}"#] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("claims", bad)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{bad}");
    }
}

#[tokio::test]
async fn attack_41_oidc_core_section_17_claims_by_name_are_asked_about_like_the_scopes_that_let_them_out() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { consent: "remembered".into(), ..plain() }).await;
    let mut browser = Browser::default();
    let by_name = [("scope", "openid"), ("claims", r#"{"userinfo": {"email": null}}"#)];
    let landed = street.arrives_asking(&mut browser, &app, &[("scope", "openid")], "alice").await;
    let path = landed.header("location").to_owned();
    let page = street.goes(&mut browser, &path).await;
    assert!(!page.body.contains("Your e-mail address"));
    let form = ["attempt", "token"].map(|name| (name, page.between(&format!("name=\"{name}\" value=\""), "\"").to_owned()));
    let mut form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    form.push(("decision", "allow"));
    assert!(street.posts(&mut browser, "/consent", &form).await.parameter("code").is_some());
    let more = street.goes(&mut browser, &Street::link(&app, &by_name)).await;
    assert!(more.body.contains("data-page=\"consent\"") && more.body.contains("Your e-mail address"), "{}", more.body);
}

#[tokio::test]
async fn oidc_core_section_3_1_2_2_a_sub_in_claims_is_the_only_one_who_gets_a_code() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let alice = claims(&street.tokens(&app, "alice").await["id_token"])["sub"].as_str().unwrap().to_owned();
    let only = format!(r#"{{"id_token": {{"sub": {{"value": "{alice}"}}}}}}"#);
    let nobody = r#"{"id_token": {"sub": {"values": ["248289761001"]}}}"#;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "bob").await;
    for wanted in [only.as_str(), nobody] {
        let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("claims", wanted)])).await;
        assert_eq!(silent.parameter("error").as_deref(), Some("login_required"));
    }
    let back = street.arrives_asking(&mut browser.clone(), &app, &[("claims", &only)], "carol").await;
    assert_eq!((back.status, back.page()), (StatusCode::FORBIDDEN, "not_allowed"));
    let back = street.arrives_asking(&mut browser, &app, &[("claims", &only)], "alice").await;
    assert!(back.parameter("code").is_some(), "{back:?}");
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("claims", &only)])).await;
    assert!(silent.parameter("code").is_some(), "{silent:?}");
}

#[tokio::test]
async fn oidc_core_section_5_5_1_1_an_essential_acr_is_met_or_nobody_gets_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let wanted = |essential: bool| format!(r#"{{"id_token": {{"acr": {{"essential": {essential}, "values": ["urn:mfa", "urn:key"]}}}}}}"#);
    let (must, may) = (wanted(true), wanted(false));
    let arrival = |acr: Option<&str>, now: Timestamp| {
        let mut arrival = FakeProvider::arrival("alice", now);
        arrival.acr = acr.map(str::to_owned);
        Ok(arrival)
    };
    let acme = &street.rig.providers[0];
    let now = street.rig.witness().now;
    let mut browser = Browser::default();
    acme.answers_next(arrival(Some("urn:pwd"), now));
    let back = street.arrives_asking(&mut browser, &app, &[("claims", &must)], "alice").await;
    assert_eq!((back.page(), browser.session()), ("upstream_invalid", None), "{back:?}");
    assert!(back.body.contains("error=unmet_authentication_requirements"));
    assert_eq!(acme.departures()[0].acr_values.as_deref(), Some("urn:mfa urn:key"), "§5.5.1.1: as acr_values says it upstream");
    acme.answers_next(arrival(Some("urn:pwd"), now));
    let back = street.arrives_asking(&mut browser, &app, &[("claims", &may)], "alice").await;
    let said = claims(&street.redeems(&app, &back.parameter("code").unwrap()).await.json()["id_token"]);
    assert_eq!(said["acr"], "urn:pwd", "what the provider said, and nothing else");
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("claims", &must)])).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("login_required"), "such a sign-in will not do");
    acme.answers_next(arrival(Some("urn:key"), now));
    let back = street.arrives_asking(&mut browser, &app, &[("claims", &must)], "alice").await;
    assert!(back.parameter("code").is_some(), "{back:?}");
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none"), ("claims", &must)])).await;
    assert!(silent.parameter("code").is_some(), "{silent:?}");
}

#[tokio::test]
async fn oidc_core_section_2_asvs_10_3_4_acr_and_amr_are_what_the_provider_said_or_absent() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let said = claims(&tokens(&street, &app, &[("acr_values", "urn:mfa")]).await["id_token"]);
    assert!(said.get("acr").is_none(), "asked for, not said: {said}");
    assert_eq!(said["amr"][0], "pwd");
}

#[tokio::test]
async fn oidc_core_section_5_5_a_narrowed_token_has_lost_the_claims_that_were_asked_for_by_name() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let by_name = r#"{"userinfo": {"email": null}, "id_token": {"email": null}}"#;
    let whole = tokens(&street, &app, &[("scope", "openid offline_access"), ("claims", by_name)]).await;
    assert_eq!(street.userinfo(whole["access_token"].as_str().unwrap()).await.json()["email"], "alice@example.com");
    let form = [("grant_type", "refresh_token"), ("refresh_token", whole["refresh_token"].as_str().unwrap()), ("scope", "openid")];
    let narrowed = street.asks(&app, "/token", &form).await.json();
    let said = street.userinfo(narrowed["access_token"].as_str().unwrap()).await.json();
    assert!(said.get("email").is_none() && claims(&narrowed["id_token"]).get("email").is_none(), "{said}");
}
