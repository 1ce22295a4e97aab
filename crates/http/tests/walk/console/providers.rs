//! Providers: added by a form that asks for what they need.

use http::StatusCode;
use serde_json::json;
use vestibule_domain::{audit::Actor, claims::Claims, ids::ManagerName, managed::Editor};
use vestibule_flows::{Edit, ProviderDraft};

use super::{alices, makes, operator, sends};

#[tokio::test]
async fn a_provider_is_added_changed_shut_and_deleted_and_its_secret_is_never_seen() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let presets = street.goes(&mut browser, "/console/providers/new").await;
    assert!(presets.body.contains("/console/providers/new/fake"), "{presets:?}");
    let form = street.goes(&mut browser, "/console/providers/new/fake").await;
    assert!(form.body.contains("https://sso.example.com/callback/fake"), "the address to paste: {form:?}");
    let without = [("issuer", "https://up.example"), ("client_id", "us")];
    let refused = sends(&street, &mut browser, &form, "/console/providers/create", &without).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("client_secret is missing"), "{refused:?}");
    let made =
        [("issuer", "https://up.example"), ("client_id", "us"), ("client_secret", "hush-hush"), ("rest", "{\"scopes\": [\"openid\"]}")];
    let made = sends(&street, &mut browser, &refused, "/console/providers/create", &made).await;
    assert_eq!(made.header("location"), "/console/provider/fake?notice=saved", "{made:?}");
    let page = street.goes(&mut browser, "/console/provider/fake").await;
    assert!(page.body.contains("client_secret") && !page.body.contains("hush-hush"), "{page:?}");

    // The secret stays unless another is typed, and of two editors the second is told.
    let mine = street.goes(&mut browser, "/console/provider/fake/edit").await;
    assert!(!mine.body.contains("hush-hush") && mine.body.contains("scopes"), "{mine:?}");
    let saved = sends(&street, &mut browser, &mine, "/console/provider/fake/save", &[("label", "Fake one")]).await;
    assert_eq!(saved.header("location"), "/console/provider/fake?notice=saved", "{saved:?}");
    let late = sends(&street, &mut browser, &mine, "/console/provider/fake/save", &[("label", "Fake two")]).await;
    assert!(late.status == StatusCode::CONFLICT && late.body.contains("Fake one") && late.body.contains("Fake two"), "{late:?}");
    // To send it elsewhere is to type it anew.
    let elsewhere = sends(&street, &mut browser, &late, "/console/provider/fake/save", &[("issuer", "https://evil.example")]).await;
    assert!(elsewhere.status == StatusCode::UNPROCESSABLE_ENTITY && elsewhere.body.contains("client_secret is missing"), "{elsewhere:?}");

    let page = street.goes(&mut browser, "/console/provider/fake").await;
    let shut = sends(&street, &mut browser, &page, "/console/provider/fake/disable", &[]).await;
    assert_eq!(shut.header("location"), "/console/provider/fake?notice=disabled");
    let page = street.goes(&mut browser, "/console/provider/fake").await;
    assert!(page.body.contains("Disabled"), "{page:?}");
    let opened = sends(&street, &mut browser, &page, "/console/provider/fake/disable", &[]).await;
    assert_eq!(opened.header("location"), "/console/provider/fake?notice=enabled");
    let page = street.goes(&mut browser, "/console/provider/fake").await;
    let tested = makes(&street, &mut browser, &page, "/console/provider/fake/test", &[]).await;
    assert!(tested.body.contains("Sign in on trial"), "{tested:?}");
    let again = street.goes(&mut browser, "/console/provider/fake").await;
    assert!(again.status == StatusCode::OK && !again.body.contains("id=\"tested\""), "it is shown once: {again:?}");
    assert_eq!(street.count("provider.tested"), 1, "and to load it again tests nothing");
    let deleted = sends(&street, &mut browser, &page, "/console/provider/fake/delete", &[("name", "fake")]).await;
    assert_eq!(deleted.header("location"), "/console/providers?notice=deleted");

    // One of the configuration is shown, and changed where it stands.
    let fixed = street.goes(&mut browser, "/console/provider/acme").await;
    assert!(fixed.body.contains("rig.toml") && !fixed.body.contains("/edit"), "{fixed:?}");
    assert_eq!(street.goes(&mut browser, "/console/provider/acme/edit").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn of_a_provider_too_a_form_that_is_shown_again_overwrites_nothing_and_files_are_gone_past_only_by_saying_so() {
    let street = alices().await;
    let settings: Claims = json!({"preset": "fake", "client_id": "us", "client_secret": "hush"}).as_object().unwrap().clone();
    let editor = Editor { manager: ManagerName::parse("web").ok(), force: false };
    let draft = ProviderDraft { settings, disabled: false };
    let (witness, edit) = (street.rig.witness(), Edit { expected: None, editor });
    street.gateway().put_provider(&witness, &Actor::System, "corp", draft, edit).await.unwrap();
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/provider/corp").await;
    assert!(page.body.contains("<dt>Kept by the files of</dt><dd>web</dd>") && page.body.contains("Edit past the files"), "{page:?}");
    assert!(street.goes(&mut browser, "/console/providers").await.body.contains("Files of web"));
    let form = street.goes(&mut browser, "/console/provider/corp/edit").await;
    let save = "/console/provider/corp/save";
    let kept = sends(&street, &mut browser, &form, save, &[("label", "Mine")]).await;
    assert!(
        kept.status == StatusCode::CONFLICT && kept.body.contains("It is changed in the files of web") && kept.body.contains("Mine"),
        "{kept:?}"
    );

    sends(&street, &mut browser, &page, "/console/provider/corp/disable", &[]).await;
    let refused = sends(&street, &mut browser, &form, save, &[("rest", "{"), ("force", "true")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    let late = sends(&street, &mut browser, &refused, save, &[("rest", ""), ("label", "Mine")]).await;
    assert!(late.status == StatusCode::CONFLICT && late.body.contains("Somebody changed this meanwhile"), "{late:?}");
    let decided = sends(&street, &mut browser, &late, save, &[]).await;
    assert_eq!(decided.header("location"), "/console/provider/corp?notice=saved", "{decided:?}");
    let page = street.goes(&mut browser, "/console/provider/corp").await;
    let deleted = sends(&street, &mut browser, &page, "/console/provider/corp/delete", &[("name", "corp")]).await;
    assert_eq!(deleted.status, StatusCode::CONFLICT, "{deleted:?}");
    let deleted = sends(&street, &mut browser, &page, "/console/provider/corp/delete", &[("name", "corp"), ("force", "true")]).await;
    assert_eq!(deleted.header("location"), "/console/providers?notice=deleted", "{deleted:?}");
}

#[tokio::test]
async fn of_a_provider_that_stands_in_the_configuration_the_page_says_how_it_is_shut() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, "/console/provider/acme").await;
    assert!(page.body.contains("To shut it at once, take it out of") && page.body.contains("vestibule config reload"), "{page:?}");
    assert!(page.body.contains("href=\"/console/configuration\">Configuration</a>"), "{page:?}");
    let mut less = super::scopes::limited(&street, "providers:read").await;
    let page = street.goes(&mut less, "/console/provider/acme").await;
    assert!(page.body.contains("To shut it at once") && !page.body.contains("/console/configuration"), "{page:?}");
}
