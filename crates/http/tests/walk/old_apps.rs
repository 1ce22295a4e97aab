//! Apps of the old tutorials: OAuth 2.0 without PKCE, without `openid`, with the secret wherever their library puts it.

use http::{Method, StatusCode};
use vestibule_domain::registration::Draft;

use crate::street::{Answer, App, Browser, Street, claims, encode, plain};

/// What such an app leaves out, and the one scope it asks for.
const BARE: [(&str, &str); 5] = [("scope", "email"), ("state", ""), ("nonce", ""), ("code_challenge", ""), ("code_challenge_method", "")];

async fn old_app(street: &Street, id: &str, draft: Draft) -> App {
    street.app_as(id, Draft { legacy_oauth: true, ..draft }).await
}

/// Redeems as Flask-OAuthlib does: everything in the form.
async fn redeems_in_the_form(street: &Street, app: &App, code: &str) -> Answer {
    let secret = app.secret.as_deref().unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", &app.id),
        ("client_secret", secret),
        ("redirect_uri", &app.redirect_uri),
    ];
    let request = street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded");
    street.send(request.body(encode(&form))).await
}

/// The same by HTTP Basic.
async fn redeems_bare(street: &Street, app: &App, code: &str) -> Answer {
    street.asks(app, "/token", &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &app.redirect_uri)]).await
}

async fn code(street: &Street, app: &App, asked: &[(&str, &str)]) -> String {
    let landed = street.arrives_asking(&mut Browser::default(), app, asked, "alice").await;
    landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"))
}

#[tokio::test]
async fn an_app_that_knows_neither_pkce_nor_openid_signs_in_by_one_switch() {
    let street = Street::open().await;
    let app = old_app(&street, "old", plain()).await;
    let tokens = redeems_in_the_form(&street, &app, &code(&street, &app, &BARE).await).await.json();
    assert!(tokens["id_token"].is_null() && tokens["scope"] == "email", "{tokens:#}");
    let told = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(told["email"], "alice@example.com");
    assert!(told["sub"].is_string() && told["name"].is_null(), "what the scopes allow and nothing else: {told:#}");
    assert_eq!(redeems_bare(&street, &app, &code(&street, &app, &BARE).await).await.status, StatusCode::OK);
    // With resources of its own, too.
    let own = old_app(&street, "own", Draft { audiences: vec!["https://api.example.com".into()], ..plain() }).await;
    let tokens = redeems_in_the_form(&street, &own, &code(&street, &own, &BARE).await).await.json();
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await, "{}", claims(&tokens["access_token"]));
}

#[tokio::test]
async fn without_the_switch_each_of_these_is_refused() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let page = street.goes(&mut Browser::default(), &Street::link(&app, &BARE)).await;
    assert_eq!(page.parameter("error").as_deref(), Some("invalid_request"), "OAuth 2.1 §4.1.2.1: {page:?}");
    let lax = street.app_as("lax", Draft { require_pkce: false, ..plain() }).await;
    let unused = code(&street, &lax, &BARE).await;
    assert_eq!(redeems_in_the_form(&street, &lax, &unused).await.error(), "invalid_client", "registered for HTTP Basic");
    let tokens = redeems_bare(&street, &lax, &unused).await.json();
    assert_eq!(street.userinfo(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn attack_36_what_an_old_app_does_send_is_held_to() {
    let street = Street::open().await;
    let app = old_app(&street, "old", plain()).await;
    let challenged = code(&street, &app, &[("scope", "email")]).await;
    assert_eq!(redeems_in_the_form(&street, &app, &challenged).await.error(), "invalid_grant", "RFC 7636 §4.6: its verifier is missing");
    let unchallenged = code(&street, &app, &BARE).await;
    assert_eq!(street.redeems(&app, &unchallenged).await.error(), "invalid_grant", "RFC 9700 §4.8.2: a verifier without a challenge");
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    let public = Draft { auth_method: "none".into(), legacy_oauth: true, ..plain() };
    assert!(street.gateway().create_client(&street.rig.witness(), &actor, Some("public"), &public).await.is_err(), "never a public one");
}
