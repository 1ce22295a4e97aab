//! Apps: made, changed, kept by files, tried and deleted.

use http::StatusCode;
use serde_json::json;
use vestibule_domain::{audit::Actor, ids::ManagerName, registration::Draft};

use super::{alices, filled, makes, operator, sends, token};
use crate::street::{App, Browser, Street, plain};

#[tokio::test]
async fn an_app_is_made_in_one_form_and_its_secret_is_seen_once() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let form = street.goes(&mut browser, "/console/apps/new").await;
    let wrong = [("name", "Grafana"), ("redirect_uris", "https://grafana.example/cb\r\nhttp://grafana.example/cb")];
    let refused = sends(&street, &mut browser, &form, "/console/apps/create", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Line 2: "), "{refused:?}");
    assert!(refused.body.contains("value=\"Grafana\""), "what was written stays: {refused:?}");

    let right = [("name", "Grafana"), ("client_id", "grafana"), ("redirect_uris", "https://grafana.example/cb")];
    let made = makes(&street, &mut browser, &refused, "/console/apps/create", &right).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let secret = made.between("<code id=\"secret\">", "<").to_owned();
    assert_eq!(secret.len(), 43);
    let app = App { id: "grafana".into(), secret: Some(secret.clone()), redirect_uri: "https://grafana.example/cb".into() };
    assert!(street.tokens(&app, "bob").await["id_token"].is_string());
    let page = street.goes(&mut browser, "/console/app/grafana").await;
    assert!(!page.body.contains(&secret) && page.body.contains("CLIENT_SECRET"), "{page:?}");
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap();
    let created = street.rig.events().into_iter().find(|event| event.name.as_str() == "client.created").unwrap();
    assert_eq!(created.actor, vestibule_domain::audit::Actor::Operator(account), "the record says who, and that it was at this work");

    let again = sends(&street, &mut browser, &form, "/console/apps/create", &right).await;
    assert!(again.status == StatusCode::CONFLICT && again.body.contains("belongs to another app"), "{again:?}");
    // A field is judged while it is written, in the same words.
    let said = [("token", token(&form)), ("name", "x".into()), ("redirect_uris", "https://*.example/cb".into())];
    let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let judged = street.posts(&mut browser, "/console/apps/check/redirect_uris", &said).await;
    assert!(judged.status == StatusCode::OK && judged.body.starts_with("Line 1: ") && !judged.body.contains("<html"), "{judged:?}");
}

#[tokio::test]
async fn of_two_editors_the_second_sees_both_versions_and_decides() {
    let street = alices().await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    let mine = street.goes(&mut browser, "/console/app/app/edit").await;
    let theirs = sends(&street, &mut browser, &mine, "/console/app/app/save", &[("name", "Theirs")]).await;
    assert_eq!(theirs.header("location"), "/console/app/app?notice=saved");
    let late = sends(&street, &mut browser, &mine, "/console/app/app/save", &[("name", "Mine")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.body.contains("Somebody changed this meanwhile") && late.body.contains("Theirs") && late.body.contains("Mine"),
        "{late:?}"
    );
    assert!(street.goes(&mut browser, "/console/app/app").await.body.contains("Theirs"), "nothing was saved");
    let decided = sends(&street, &mut browser, &late, "/console/app/app/save", &[]).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER);
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(page.body.contains("<bdi>Mine</bdi>"), "{page:?}");

    let whole = street.goes(&mut browser, "/console/app/app/settings").await;
    sends(&street, &mut browser, &page, "/console/app/app/disable", &[]).await;
    let late = sends(&street, &mut browser, &whole, "/console/app/app/settings/save", &[]).await;
    assert!(late.status == StatusCode::CONFLICT && late.body.contains("&#34;disabled&#34;: true"), "{late:?}");
}

#[tokio::test]
async fn secrets_rotate_with_an_overlap_and_the_last_stays() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(!page.body.contains("/secrets/revoke"), "the last one stays: {page:?}");
    let rotated = makes(&street, &mut browser, &page, "/console/app/app/secrets", &[("others", "day")]).await;
    let new = App { secret: Some(rotated.between("<code id=\"secret\">", "<").to_owned()), ..app.clone() };
    for app in [&app, &new] {
        assert_eq!(street.asks(app, "/token", &[("grant_type", "client_credentials")]).await.status, StatusCode::OK);
    }
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(!page.body.contains("Rotate: add a secret"), "two at most: {page:?}");
    let revoked = sends(&street, &mut browser, &page, "/console/app/app/secrets/revoke", &[]).await;
    assert_eq!(revoked.header("location"), "/console/app/app?notice=revoked");
    assert_eq!(street.asks(&app, "/token", &[("grant_type", "client_credentials")]).await.error(), "invalid_client");
    assert_eq!(street.asks(&new, "/token", &[("grant_type", "client_credentials")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_files_keep_is_shown_as_theirs_and_changed_by_them() {
    let street = alices().await;
    let draft = Draft { name: "Wiki".into(), redirect_uris: vec!["https://wiki.example.com/cb".into()], ..Draft::default() };
    let keeper = ManagerName::parse("web").ok();
    street.gateway().create_client_for(&street.rig.witness(), &Actor::System, Some("wiki"), &draft, keeper).await.unwrap();
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/wiki").await;
    assert!(page.body.contains("<dt>Kept by the files of</dt><dd>web</dd>"), "{page:?}");
    assert!(page.body.contains("Edit past the files") && page.body.contains("It is changed in the files of web"), "{page:?}");
    assert!(street.goes(&mut browser, "/console/apps").await.body.contains("Kept by files: web"));
    for (at, save, changed) in [
        ("/console/app/wiki/edit", "/console/app/wiki/save", [("name", "Mine")]),
        ("/console/app/wiki/settings", "/console/app/wiki/settings/save", [("settings", "{\"client_name\": \"Mine\"}")]),
    ] {
        let form = street.goes(&mut browser, at).await;
        assert!(
            form.body.contains("Change it here all the same") && !form.body.contains("value=\"true\" checked><span>Change it here"),
            "{form:?}"
        );
        let saved = sends(&street, &mut browser, &form, save, &changed).await;
        assert!(saved.status == StatusCode::CONFLICT && saved.body.contains("It is changed in the files of web"), "{saved:?}");
        assert!(saved.body.contains("Mine"), "what was written stays: {saved:?}");
    }
    let deleted = sends(&street, &mut browser, &page, "/console/app/wiki/delete", &[("name", "wiki")]).await;
    assert_eq!(deleted.status, StatusCode::CONFLICT);
    assert!(street.goes(&mut browser, "/console/app/wiki").await.body.contains("<bdi>Wiki</bdi>"), "nothing was changed");
    // Whoever says so goes past the files, which keep it still.
    let form = street.goes(&mut browser, "/console/app/wiki/edit").await;
    let saved = sends(&street, &mut browser, &form, "/console/app/wiki/save", &[("name", "Mine"), ("force", "true")]).await;
    assert_eq!(saved.header("location"), "/console/app/wiki?notice=saved", "{saved:?}");
    let client = street.gateway().client("wiki").await.unwrap();
    assert_eq!((client.name.as_str(), client.managed_by.map(|keeper| keeper.to_string())), ("Mine", Some("web".to_owned())));
    let page = street.goes(&mut browser, "/console/app/wiki").await;
    let deleted = sends(&street, &mut browser, &page, "/console/app/wiki/delete", &[("name", "wiki"), ("force", "true")]).await;
    assert_eq!(deleted.header("location"), "/console/apps?notice=deleted", "{deleted:?}");
}

#[tokio::test]
async fn an_app_is_deleted_only_by_its_id_whatever_letters_its_name_has() {
    let street = alices().await;
    street.app_as("app", Draft { name: "The\u{200b}  app".into(), ..plain() }).await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    let refused = sends(&street, &mut browser, &page, "/console/app/app/delete", &[("name", "The app")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let deleted = sends(&street, &mut browser, &page, "/console/app/app/delete", &[("name", "app")]).await;
    assert_eq!(deleted.header("location"), "/console/apps?notice=deleted");
    assert_eq!(street.goes(&mut browser, "/console/app/app").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_login_is_tried_by_the_apps_own_settings_and_the_app_hears_nothing() {
    let street = alices().await;
    let rules = serde_json::from_value(json!({"groups": ["admins"]})).unwrap();
    street.app_as("closed", Draft { entry: rules, ..plain() }).await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    let seen = street.goes(&mut browser, "/console/app/app/try").await;
    assert!(seen.body.contains("would be let in") && seen.body.contains("alice@example.com"), "{seen:?}");
    let closed = street.goes(&mut browser, "/console/app/closed/try").await;
    assert!(closed.body.contains("The rule client.groups is not met.") && !closed.body.contains("alice@example.com"), "{closed:?}");
    for (app, ends) in [("app", "/console/app/app/try"), ("closed", "")] {
        let chooser = street.goes(&mut browser, &format!("/console/app/{app}/try/begin")).await;
        let attempt = chooser.between("?attempt=", "\"").to_owned();
        street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
        let back = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
        assert_eq!(back.header("location"), ends, "{back:?}");
        assert!(!back.body.contains("app.example.com"), "nobody is sent to the app: {back:?}");
    }
}

/// A form with a mistake in it is shown again, and is still the form of the version that was seen.
#[tokio::test]
async fn a_form_that_is_shown_again_overwrites_nothing_that_came_between() {
    let street = alices().await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    for (at, save, mistake, mended) in [
        ("/console/app/app/edit", "/console/app/app/save", [("providers", "these")], [("providers", "all")]),
        (
            "/console/app/app/settings",
            "/console/app/app/settings/save",
            [("settings", "{\"client_name\": 1}")],
            [("settings", "{\"client_name\": \"Mine\", \"redirect_uris\": [\"https://app.example.com/cb\"]}")],
        ),
    ] {
        let mine = street.goes(&mut browser, at).await;
        let page = street.goes(&mut browser, "/console/app/app").await;
        sends(&street, &mut browser, &page, "/console/app/app/disable", &[]).await;
        let refused = sends(&street, &mut browser, &mine, save, &mistake).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        let late = sends(&street, &mut browser, &refused, save, &mended).await;
        assert!(late.status == StatusCode::CONFLICT && late.body.contains("Somebody changed this meanwhile"), "{at}: {late:?}");
        let decided = sends(&street, &mut browser, &late, save, &[]).await;
        assert_eq!(decided.status, StatusCode::SEE_OTHER, "who saw it decides: {decided:?}");
    }
}

#[tokio::test]
async fn to_load_a_page_again_makes_nothing_again() {
    let street = alices().await;
    street.app("app").await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    let seen = makes(&street, &mut browser, &page, "/console/app/app/secrets", &[("others", "day")]).await;
    let secret = seen.between("<code id=\"secret\">", "<").to_owned();
    assert!(!browser.cookies.contains_key("__Host-vestibule-console-shown"), "it is gone when it was shown");
    for path in ["/console/app/app", "/console/app/app/edit"] {
        assert!(!street.goes(&mut browser, path).await.body.contains(&secret), "{path}");
    }
    assert_eq!(street.count("client.secret_added"), 1);

    // What waits to be shown is for that page, this operator and a minute.
    let page = street.goes(&mut browser, "/console/api-keys").await;
    let made = sends(&street, &mut browser, &page, "/console/api-keys/create", &[("name", "x"), ("scopes", "clients:read")]).await;
    assert_eq!(made.header("location"), "/console/api-keys", "{made:?}");
    let kept = browser.cookies["__Host-vestibule-console-shown"].clone();
    assert!(!kept.contains("vsk_") && !street.goes(&mut browser, "/console/registration-tokens").await.body.contains("id=\"secret\""));
    let mut other = operator(&street).await;
    other.cookies.insert("__Host-vestibule-console-shown".into(), kept.clone());
    assert!(!street.goes(&mut other, "/console/api-keys").await.body.contains("vsk_"));
    let mut late = browser.clone();
    assert!(street.goes(&mut browser, "/console/api-keys").await.body.contains("vsk_"));
    street.rig.clock.advance(std::time::Duration::from_mins(1));
    late.cookies.insert("__Host-vestibule-console-shown".into(), kept);
    assert!(!street.goes(&mut late, "/console/api-keys").await.body.contains("vsk_"));
}

/// What `htmx` sends while a form is written.
async fn asks_about_a_field(street: &Street, browser: &mut Browser, form: &[(String, String)]) -> crate::street::Answer {
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = street.request(http::Method::POST, "/console/apps/check/redirect_uris").header(http::header::COOKIE, browser.header());
    let request = request.header("hx-request", "true").header("sec-fetch-site", "same-origin");
    street.send(request.content_type("application/x-www-form-urlencoded").body(crate::street::encode(&form))).await
}

#[tokio::test]
async fn a_form_stays_when_its_operator_is_out_and_goes_on_when_they_are_in_again() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let form = street.goes(&mut browser, "/console/apps/new").await;
    assert!(form.body.contains("{&quot;code&quot;:&quot;401&quot;") || form.body.contains("{\"code\":\"401\",\"swap\":true}"), "{form:?}");
    let written = filled(&form, "/console/apps/create", &[("redirect_uris", "https://*.example/cb")]);
    street.rig.clock.advance(std::time::Duration::from_mins(31));
    let out = asks_about_a_field(&street, &mut browser, &written).await;
    assert_eq!((out.status, out.header("hx-redirect")), (StatusCode::UNAUTHORIZED, ""), "{out:?}");
    assert!(out.body.starts_with("You are signed out. Sign in again in another tab") && !out.body.contains("<html"), "{out:?}");

    let mut browser = operator(&street).await;
    let renewed = asks_about_a_field(&street, &mut browser, &written).await;
    assert!(renewed.status == StatusCode::OK && renewed.body.contains("id=\"form-token\""), "{renewed:?}");
    assert!(form.body.contains("id=\"form-token\""), "it takes the place of the one in the form");
    let anew = renewed.between("value=\"", "\"").to_owned();
    let written: Vec<_> = written.into_iter().filter(|(name, _)| name != "token").chain([("token".to_owned(), anew)]).collect();
    assert!(asks_about_a_field(&street, &mut browser, &written).await.body.starts_with("Line 1: "));
    // Nobody else is given one: not another site, nor whoever can't send the header.
    let old = [("token", token(&form)), ("name", "x".to_owned())];
    let old: Vec<_> = old.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = street.posts(&mut browser, "/console/apps/check/name", &old).await;
    assert!(refused.status == StatusCode::FORBIDDEN && !refused.body.contains("form-token"), "{refused:?}");
}

/// What an app is to prove itself by is what its snippets say.
#[tokio::test]
async fn an_app_with_a_key_is_shown_lines_for_a_key() {
    let street = alices().await;
    let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
    street.app_as("keyed", Draft { auth_method: "private_key_jwt".into(), jwks: Some(jwks), ..plain() }).await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/keyed").await;
    assert!(page.body.contains("client.PrivateKeyJwt(key)") && page.body.contains("client_assertion"), "{page:?}");
    assert!(!page.body.contains("CLIENT_SECRET") && !page.body.contains("client.None()"), "{page:?}");
}

#[tokio::test]
async fn everything_an_app_was_given_is_revoked_at_once_and_it_stays() {
    let street = alices().await;
    let app = street.app("app").await;
    let (bobs, carols) = (street.tokens(&app, "bob").await, street.tokens(&app, "carol").await);
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    let revoked = sends(&street, &mut browser, &page, "/console/app/app/revoke", &[]).await;
    assert_eq!(revoked.header("location"), "/console/app/app?notice=revoked", "{revoked:?}");
    for tokens in [&bobs, &carols] {
        assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    }
    assert_eq!(street.count("grant.revoked"), 1);
    assert!(street.tokens(&app, "bob").await["id_token"].is_string(), "people sign in again");
    // Who may change apps need not be allowed to take back what they were given.
    let mut browser = super::scopes::limited(&street, "clients:*").await;
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(!page.body.contains("/console/app/app/revoke"), "{page:?}");
}
