//! Resource indicators (RFC 8707): for whom tokens are.

use http::StatusCode;
use serde_json::json;
use vestibule_domain::registration::Draft;

use crate::street::{App, Browser, CALLBACK, Street, VERIFIER, claims, grants, plain};

const API: &str = "https://api.example.com/mcp";
const FILES: &str = "https://files.example.com/";

async fn app_with_resources(street: &Street) -> App {
    let grant_types = grants(&["authorization_code", "refresh_token", "client_credentials"]);
    street.app_as("app", Draft { audiences: vec![API.into(), FILES.into()], grant_types, ..plain() }).await
}

/// The app's link, asking for resources.
fn link(app: &App, resources: &[&str]) -> String {
    resources.iter().fold(Street::link(app, &[]), |link, one| link + "&" + &crate::street::encode(&[("resource", one)]))
}

async fn code_for(street: &Street, app: &App, resources: &[&str]) -> String {
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &link(app, resources)).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"))
}

#[tokio::test]
async fn rfc_8707_section_2_1_a_resource_that_is_not_the_clients_goes_back_as_invalid_target() {
    let street = Street::open().await;
    let app = app_with_resources(&street).await;
    let plain = street.app("plain").await;
    for (app, resources) in [
        (&app, vec!["https://evil.test/"]),
        (&app, vec![API, "https://evil.test/"]),
        (&app, vec!["https://api.example.com/mcp#part"]),
        (&app, vec!["api"]),
        (&plain, vec![API]),
    ] {
        let answer = street.goes(&mut Browser::default(), &link(app, &resources)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{resources:?}");
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_target"), "{resources:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some("the-state"));
    }
    let answer = street.goes(&mut Browser::default(), &link(&app, &[""])).await;
    assert_eq!(answer.status, StatusCode::OK, "OAuth 2.1 §3.1: an empty value is absent");
}

#[tokio::test]
async fn rfc_8707_section_2_2_the_token_is_for_what_was_asked_and_a_refresh_keeps_all_of_it() {
    let street = Street::open().await;
    let app = app_with_resources(&street).await;
    let code = code_for(&street, &app, &[API, FILES]).await;
    let redeem = |code: String, resource: &'static str| {
        let (street, app) = (&street, &app);
        async move {
            let mut form =
                vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            form.push(("resource", resource));
            street.asks(app, "/token", &form).await
        }
    };
    let refused = redeem(code.clone(), "https://evil.test/").await;
    assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_target"));
    let tokens = redeem(code, API).await.json();
    assert_eq!(claims(&tokens["access_token"])["aud"], API, "and what was refused before spent nothing");

    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("resource", "https://evil.test/")];
    assert_eq!(street.asks(&app, "/token", &form).await.error(), "invalid_target");
    let other = street.asks(&app, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token), ("resource", FILES)]).await.json();
    assert_eq!(claims(&other["access_token"])["aud"], FILES);
    let all = street.refreshes(&app, other["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(claims(&all["access_token"])["aud"], json!([API, FILES]), "the grant keeps the full set");
    let seen = street.asks(&app, "/introspect", &[("token", all["access_token"].as_str().unwrap())]).await.json();
    assert_eq!((&seen["active"], &seen["aud"]), (&json!(true), &json!([API, FILES])));
}

#[tokio::test]
async fn rfc_8707_section_2_2_what_was_not_granted_can_not_be_had_later() {
    let street = Street::open().await;
    let app = app_with_resources(&street).await;
    let code = code_for(&street, &app, &[API]).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    let wider = [&form[..], &[("resource", FILES)]].concat();
    assert_eq!(street.asks(&app, "/token", &wider).await.error(), "invalid_target");
    let tokens = street.asks(&app, "/token", &form).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("resource", API), ("resource", FILES)];
    assert_eq!(street.asks(&app, "/token", &form).await.error(), "invalid_target");
    assert_eq!(claims(&street.refreshes(&app, refresh).await.json()["access_token"])["aud"], API, "and that rotated nothing");
}

#[tokio::test]
async fn rfc_7662_section_4_the_server_of_a_resource_sees_the_tokens_that_are_for_it_and_no_others() {
    let street = Street::open().await;
    let app = app_with_resources(&street).await;
    let server = street.app_as("server", Draft { serves: vec![API.into()], ..plain() }).await;
    let tokens = street.redeems(&app, &code_for(&street, &app, &[API, FILES]).await).await.json();
    let seen = |token: String| {
        let (street, server) = (&street, &server);
        async move { street.asks(server, "/introspect", &[("token", &token)]).await.json() }
    };
    let both = seen(tokens["access_token"].as_str().unwrap().to_owned()).await;
    assert_eq!((&both["active"], &both["client_id"], &both["aud"]), (&json!(true), &json!("app"), &json!([API, FILES])));
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap()), ("resource", FILES)];
    let other = street.asks(&app, "/token", &form).await.json();
    assert_eq!(seen(other["access_token"].as_str().unwrap().to_owned()).await, json!({ "active": false }), "for another resource");
    assert_eq!(seen(other["refresh_token"].as_str().unwrap().to_owned()).await, json!({ "active": false }), "attack 53");
}

#[tokio::test]
async fn attack_54_a_token_for_a_resource_does_not_open_userinfo() {
    let street = Street::open().await;
    let app = app_with_resources(&street).await;
    let code = code_for(&street, &app, &[API]).await;
    let tokens = street.redeems(&app, &code).await.json();
    assert!(tokens["id_token"].is_string(), "openid was asked too");
    let refused = street.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
    let unnamed = street.tokens(&app, "alice").await;
    assert_eq!(claims(&unnamed["access_token"])["aud"], json!([API, FILES, "https://sso.example.com"]), "where no resource is named");
    assert!(street.is_good(unnamed["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn rfc_8707_section_2_2_an_app_names_the_resource_of_its_own_token() {
    let street = Street::open().await;
    let app = app_with_resources(&street).await;
    let own = |resource: &'static str| {
        let (street, app) = (&street, &app);
        async move { street.asks(app, "/token", &[("grant_type", "client_credentials"), ("scope", "api"), ("resource", resource)]).await }
    };
    assert_eq!(claims(&own(FILES).await.json()["access_token"])["aud"], FILES);
    assert_eq!(own("https://evil.test/").await.error(), "invalid_target");
    assert_eq!(street.count("client_credentials.failed"), 1);
}
