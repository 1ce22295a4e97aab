//! OpenID Connect, rule by rule, where no other walk has a rule in its name.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use vestibule_domain::registration::Draft;

use crate::street::{Browser, Street, claims, plain};

#[tokio::test]
async fn oidc_core_section_2_asvs_10_3_3_a_sub_is_short_stays_and_is_nobody_elses() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let alice = claims(&street.tokens(&app, "alice").await["id_token"]);
    let sub = alice["sub"].as_str().unwrap();
    assert!(sub.len() <= 255 && sub.is_ascii() && !sub.contains("alice"), "{sub}");
    street.rig.clock.advance(Duration::from_hours(24));
    assert_eq!(claims(&street.tokens(&other, "alice").await["id_token"])["sub"], sub);
    assert_ne!(claims(&street.tokens(&app, "bob").await["id_token"])["sub"], sub);
}

#[tokio::test]
async fn oidc_core_section_2_an_id_token_says_when_for_whom_and_the_nonce_that_was_sent() {
    let street = Street::open().await;
    let app = street.app_as("app", Draft { audiences: vec!["https://api.example.com".into()], ..plain() }).await;
    for nonce in ["n+1 /=%", "\u{fc}"] {
        let landed = street.arrives_asking(&mut Browser::default(), &app, &[("nonce", nonce), ("max_age", "600")], "alice").await;
        let id = claims(&street.redeems(&app, &landed.parameter("code").unwrap()).await.json()["id_token"]);
        assert_eq!((&id["aud"], &id["nonce"]), (&json!("app"), &json!(nonce)), "one audience, whatever else the access token is for");
        assert!(id.get("azp").is_none_or(|party| *party == "app"), "§2: with one audience, no other party");
        let time = |name: &str| id[name].as_i64().unwrap();
        assert!(time("auth_time") <= time("iat") && time("iat") < time("exp") && time("exp") - time("iat") <= 3600, "{id}");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompts_may_be_combined_but_none_stands_alone() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for (prompt, fine) in
        [("login consent", true), ("select_account login", true), ("none login", false), ("none consent", false), ("create", false)]
    {
        let answer = street.goes(&mut browser, &Street::link(&app, &[("prompt", prompt)])).await;
        let error = (!fine).then(|| "invalid_request".to_owned());
        assert_eq!((answer.status == StatusCode::OK, answer.parameter("error")), (fine, error), "{prompt}");
    }
}

#[tokio::test]
async fn oidc_core_section_3_1_2_3_prompt_none_never_shows_a_page_and_never_asks_a_provider() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let elsewhere = street.app_as("elsewhere", Draft { allowed_providers: vec!["other".into()], ..plain() }).await;
    let mut signed_in = Browser::default();
    street.signs_in(&mut signed_in, &app, "alice").await;
    let before = street.rig.providers[0].departures().len();
    let hint = ("id_token_hint", "eyJhbGciOiJub25lIn0.e30.");
    for (browser, app, changed) in [
        (Browser::default(), &app, vec![]),
        (Browser::default(), &app, vec![("idp_hint", "acme"), ("login_hint", "alice@example.com")]),
        (signed_in.clone(), &app, vec![("max_age", "0")]),
        (signed_in.clone(), &app, vec![hint]),
        (signed_in.clone(), &app, vec![("claims", r#"{"id_token":{"sub":{"value":"somebody-else"}}}"#)]),
        (signed_in.clone(), &elsewhere, vec![]),
    ] {
        let answer = street.goes(&mut browser.clone(), &Street::link(app, &[&[("prompt", "none")], &changed[..]].concat())).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{changed:?}: {answer:?}");
        let error = answer.parameter("error").unwrap_or_else(|| panic!("{changed:?}: {answer:?}"));
        assert!(["login_required", "invalid_request"].contains(&error.as_str()), "{changed:?}: {error}");
    }
    assert_eq!(street.rig.providers[0].departures().len(), before);
    assert!(street.rig.providers[1].departures().is_empty());
}

#[tokio::test]
async fn oidc_core_section_5_4_each_scope_brings_its_claims_and_no_others() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for (scope, there, absent) in [
        ("openid", vec![], vec!["email", "email_verified", "name", "groups"]),
        ("openid email", vec!["email", "email_verified"], vec!["name"]),
        ("openid profile", vec!["name"], vec!["email", "email_verified"]),
        ("openid profile email", vec!["name", "email"], vec![]),
    ] {
        let landed = street.arrives_asking(&mut Browser::default(), &app, &[("scope", scope)], "alice").await;
        let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
        let told = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        for said in [told, claims(&tokens["id_token"])] {
            assert!(there.iter().all(|name| said.get(*name).is_some()), "{scope}: {said}");
            assert!(absent.iter().all(|name| said.get(*name).is_none()), "{scope}: {said}");
        }
    }
}

#[tokio::test]
async fn oidc_core_section_16_18_access_tokens_are_short_lived_and_what_was_given_can_be_taken_back() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let first = street.tokens(&app, "alice").await;
    assert_eq!(first["expires_in"], 600);
    street.rig.clock.advance(Duration::from_mins(10));
    assert!(!street.is_good(first["access_token"].as_str().unwrap()).await);
    let second = street.tokens_again(&app, first).await;
    let (access, refresh) = (second["access_token"].as_str().unwrap(), second["refresh_token"].as_str().unwrap());
    assert!(street.is_good(access).await);
    assert_eq!(street.asks(&app, "/revoke", &[("token", refresh)]).await.status, StatusCode::OK);
    assert!(!street.is_good(access).await, "at once, though it would have lived on");
    assert_eq!(street.refreshes(&app, refresh).await.error(), "invalid_grant");
}

#[tokio::test]
async fn oidc_core_section_15_1_what_every_provider_must_take_is_taken() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let document = street.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    assert_eq!(document["id_token_signing_alg_values_supported"][0], "RS256");
    let changed = [
        ("prompt", "login"),
        ("display", "popup"),
        ("ui_locales", "fr-CA fr en"),
        ("claims_locales", "de"),
        ("max_age", "300"),
        ("acr_values", "urn:mace:incommon:iap:silver"),
    ];
    let landed = street.arrives_asking(&mut Browser::default(), &app, &changed, "alice").await;
    let token = street.redeems(&app, &landed.parameter("code").unwrap()).await.json()["id_token"].clone();
    let header: serde_json::Value = {
        use base64::Engine;
        let header = token.as_str().unwrap().split('.').next().unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
    };
    assert_eq!(header["alg"], "RS256", "the default");
    assert!(claims(&token)["auth_time"].is_i64());
}

#[tokio::test]
async fn oidc_core_section_15_2_what_is_declined_is_said_and_refused_by_name() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let document = street.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    assert_eq!(document["request_uri_parameter_supported"], false, "absent would mean true");
    for (changed, error) in [
        (("request_uri", "https://app.example.com/request"), "request_uri_not_supported"),
        (("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
        (("registration", "{}"), "registration_not_supported"),
        (("response_type", "id_token"), "unsupported_response_type"),
    ] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[changed])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{changed:?}");
    }
}

#[tokio::test]
async fn oidc_discovery_section_4_2_rfc_8414_section_3_2_rfc_8414_section_3_3_the_document_is_json_with_200_and_names_its_own_issuer() {
    let street = Street::open().await;
    let answer = street.send(street.request(Method::GET, "/.well-known/openid-configuration").finish()).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    let document = answer.json();
    assert_eq!(document["issuer"], "https://sso.example.com");
    for needed in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert!(document.get(needed).is_some(), "§3: {needed}");
    }
    let tokens = street.tokens(&street.app("app").await, "alice").await;
    for token in ["id_token", "access_token"] {
        assert_eq!(claims(&tokens[token])["iss"], document["issuer"], "§4.3: exactly");
    }
}

#[tokio::test]
async fn back_channel_logout_section_2_1_front_channel_logout_section_3_sessions_are_announced_and_tokens_name_them() {
    let street = Street::open().await;
    let document = street.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    for name in ["backchannel_logout_supported", "backchannel_logout_session_supported", "frontchannel_logout_supported"] {
        assert_eq!(document[name], true, "{name}");
    }
    assert_eq!(document["frontchannel_logout_session_supported"], true);
    let (app, other) = (street.app("app").await, street.app("other").await);
    let mut browser = Browser::default();
    let code = street.signs_in(&mut browser, &app, "alice").await;
    let here = claims(&street.redeems(&app, &code).await.json()["id_token"])["sid"].clone();
    let code = street.goes(&mut browser, &Street::link(&other, &[("prompt", "none")])).await.parameter("code").unwrap();
    assert_eq!(claims(&street.redeems(&other, &code).await.json()["id_token"])["sid"], here, "one session, one name");
    assert_ne!(claims(&street.tokens(&app, "alice").await["id_token"])["sid"], here, "another browser, another session");
}
