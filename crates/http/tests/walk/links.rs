//! Accounts and the ways into them: who is who, and what a person may add and remove.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use vestibule_domain::{
    audit::{AuditEvent, EventName, Reason},
    claims::Claims,
    email::DomainPattern,
    provider::{Arrival, ProviderTerms},
    registration::Draft,
};
use vestibule_testkit::{fake_provider::FakeProvider, rig::RigOptions};

use crate::street::{Answer, App, Browser, Street, claims, plain};

/// `acme` is the authority for corp.example and may lead to accounts by address; `other` is not.
fn corporate() -> RigOptions {
    let domains = vec![DomainPattern::parse("corp.example").unwrap()];
    let terms = ProviderTerms { domains, links_by_email: true, keeps_tokens: true, ..ProviderTerms::default() };
    RigOptions { terms: vec![("acme", terms)], ..RigOptions::default() }
}

fn arrival(street: &Street, subject: &str, email: &str, verified: bool) -> Arrival {
    let claims = json!({"name": subject, "email": email, "email_verified": verified});
    let claims: Claims = serde_json::from_value(claims).unwrap();
    Arrival { claims, ..FakeProvider::arrival(subject, street.rig.witness().now) }
}

/// Signs in through a provider of the rig: 0 is `acme`, 1 is `other`. The `sub` of the tokens.
async fn sub_of(street: &Street, browser: &mut Browser, app: &App, (at, arrival): (usize, Arrival)) -> String {
    let provider = ["acme", "other"][at];
    street.rig.providers[at].answers_next(Ok(arrival));
    let page = street.goes(browser, &Street::link(app, &[("prompt", "login")])).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(browser, &format!("/login/{provider}?attempt={attempt}")).await;
    let landed = street.goes(browser, &format!("/callback/{provider}?code=x&state={attempt}")).await;
    let code = landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"));
    let answer = street.redeems(app, &code).await.json();
    claims(&answer["id_token"])["sub"].as_str().unwrap().to_owned()
}

async fn new_sub(street: &Street, app: &App, through: (usize, Arrival)) -> String {
    sub_of(street, &mut Browser::default(), app, through).await
}

#[tokio::test]
async fn attack_08_an_address_leads_to_nobodys_account_unless_an_operator_says_so() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let first = new_sub(&street, &app, (1, arrival(&street, "attacker", "victim@corp.example", true))).await;
    let second = new_sub(&street, &app, (0, arrival(&street, "victim", "victim@corp.example", true))).await;
    assert_ne!(first, second, "no silent merge");
}

#[tokio::test]
async fn attack_07_attack_08_an_address_joins_only_verified_to_verified_and_only_of_the_authoritys_own_domain() {
    let street = Street::with(corporate()).await;
    let app = street.app("app").await;
    // Whoever held the address elsewhere, unverified, is nobody: the authority's person gets an account of their own.
    let squatter = new_sub(&street, &app, (1, arrival(&street, "squatter", "ada@corp.example", false))).await;
    let ada = new_sub(&street, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    assert_ne!(squatter, ada);
    // The other way round the other provider is no authority.
    let impostor = new_sub(&street, &app, (1, arrival(&street, "impostor", "ada@corp.example", true))).await;
    assert_ne!(impostor, ada);
    // Verified on both sides, from the authority, for its own domain: the same person.
    let bob = new_sub(&street, &app, (1, arrival(&street, "bob-elsewhere", "Bob@Corp.example", true))).await;
    assert_eq!(new_sub(&street, &app, (0, arrival(&street, "bob", "bob@corp.example", true))).await, bob);
    let joined = |event: &vestibule_domain::audit::AuditEvent| event.detail.as_deref() == Some("by email");
    assert_eq!(street.rig.events().into_iter().filter(joined).count(), 1);
    // Not unverified by the authority itself, and not for another domain.
    let carol = new_sub(&street, &app, (1, arrival(&street, "carol", "carol@corp.example", true))).await;
    assert_ne!(new_sub(&street, &app, (0, arrival(&street, "carol-1", "carol@corp.example", false))).await, carol);
    let dan = new_sub(&street, &app, (1, arrival(&street, "dan", "dan@sub.corp.example", true))).await;
    assert_ne!(new_sub(&street, &app, (0, arrival(&street, "dan-1", "dan@sub.corp.example", true))).await, dan);
}

#[tokio::test]
async fn an_address_that_two_accounts_share_leads_to_neither() {
    let street = Street::with(corporate()).await;
    let app = street.app("app").await;
    let one = new_sub(&street, &app, (1, arrival(&street, "one", "ada@corp.example", true))).await;
    let two = new_sub(&street, &app, (1, arrival(&street, "two", "ada@corp.example", true))).await;
    let three = new_sub(&street, &app, (0, arrival(&street, "three", "ada@corp.example", true))).await;
    assert!(one != two && three != one && three != two);
}

/// The forms of a person's page.
async fn page(street: &Street, browser: &mut Browser) -> Answer {
    let page = street.goes(browser, "/account").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    page
}

fn token(page: &Answer) -> String {
    page.between("name=\"token\" value=\"", "\"").to_owned()
}

/// Adds `other` as one more way in, coming back as `who`.
async fn adds_other(street: &Street, browser: &mut Browser, who: Arrival) -> Answer {
    let token = token(&page(street, browser).await);
    let sent = street.posts(browser, "/account/links", &[("token", &token), ("provider", "other")]).await;
    assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    let attempt = sent.between("state=", "\"").to_owned();
    street.rig.providers[1].answers_next(Ok(who));
    street.goes(browser, &format!("/callback/other?code=x&state={attempt}")).await
}

#[tokio::test]
async fn a_person_adds_a_way_in_and_it_leads_to_the_same_account() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    let sub = sub_of(&street, &mut browser, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    let session = browser.session().cloned();
    let back = adds_other(&street, &mut browser, arrival(&street, "ada-at-other", "ada@home.example", true)).await;
    assert!(back.header("location").starts_with("/account"), "{back:?}");
    assert_eq!(browser.session().cloned(), session, "the session stays what it was");
    assert_eq!(new_sub(&street, &app, (1, arrival(&street, "ada-at-other", "ada@home.example", true))).await, sub);
    let joined = |event: &vestibule_domain::audit::AuditEvent| event.detail.as_deref() == Some("by person") && event.client.is_none();
    assert_eq!(street.rig.events().into_iter().filter(joined).count(), 1);
    let page = page(&street, &mut browser).await;
    assert!(page.body.contains("data-provider=\"acme\"") && page.body.contains("data-provider=\"other\""), "{page:?}");
}

#[tokio::test]
async fn an_app_hears_what_the_way_in_said_that_was_judged_and_never_another() {
    let street = Street::open().await;
    let rules = json!({"email_domains": ["corp.example"]});
    let draft = Draft { entry: serde_json::from_value(rules).unwrap(), ..plain() };
    let app = street.app_as("app", draft).await;
    let other_app = street.app("other-app").await;
    let mut browser = Browser::default();
    street.rig.providers[0].answers_next(Ok(arrival(&street, "ada", "ada@corp.example", true)));
    let code = street.signs_in(&mut browser, &app, "x").await;
    let tokens = street.redeems(&app, &code).await.json();
    // One more way in, at a provider where the person writes what it says of them, and a sign-in by it elsewhere.
    adds_other(&street, &mut browser, arrival(&street, "ada-at-other", "ada@home.example", true)).await;
    let mut said = arrival(&street, "ada-at-other", "ceo@corp.example", true);
    said.claims.insert("groups".into(), json!(["admins"]));
    sub_of(&street, &mut Browser::default(), &other_app, (1, said)).await;
    let userinfo = street.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(userinfo["email"], "ada@corp.example");
    let refreshed = street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(claims(&refreshed["id_token"])["email"], "ada@corp.example");
}

#[tokio::test]
async fn a_way_in_is_not_added_after_the_session_that_asked_has_ended() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    sub_of(&street, &mut browser, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    let token = token(&page(&street, &mut browser).await);
    let sent = street.posts(&mut browser, "/account/links", &[("token", &token), ("provider", "other")]).await;
    let attempt = sent.between("state=", "\"").to_owned();
    let account = street.rig.events().iter().find_map(|event| event.account).unwrap();
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    street.gateway().disable_account(&street.rig.witness(), &actor, &account.to_string(), true).await.unwrap();
    street.gateway().disable_account(&street.rig.witness(), &actor, &account.to_string(), false).await.unwrap();
    street.rig.providers[1].answers_next(Ok(arrival(&street, "stranger", "s@home.example", true)));
    let refused = street.goes(&mut browser, &format!("/callback/other?code=x&state={attempt}")).await;
    assert_eq!(refused.page(), "request_expired");
}

#[tokio::test]
async fn a_way_in_that_is_somebody_elses_is_not_taken_from_them() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let eve = new_sub(&street, &app, (1, arrival(&street, "eve", "eve@home.example", true))).await;
    let mut browser = Browser::default();
    sub_of(&street, &mut browser, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    let refused = adds_other(&street, &mut browser, arrival(&street, "eve", "eve@home.example", true)).await;
    assert_eq!((refused.status, refused.page()), (StatusCode::CONFLICT, "link_taken"));
    assert_eq!(street.count("identity.link_refused"), 1);
    assert_eq!(new_sub(&street, &app, (1, arrival(&street, "eve", "eve@home.example", true))).await, eve);
}

#[tokio::test]
async fn attack_13_a_way_in_is_added_only_in_the_session_that_asked_for_it() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    sub_of(&street, &mut browser, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    let token = token(&page(&street, &mut browser).await);
    let sent = street.posts(&mut browser, "/account/links", &[("token", &token), ("provider", "other")]).await;
    let attempt = sent.between("state=", "\"").to_owned();
    // Somebody else signs in in the same browser meanwhile.
    sub_of(&street, &mut browser, &app, (0, arrival(&street, "bob", "bob@corp.example", true))).await;
    street.rig.providers[1].answers_next(Ok(arrival(&street, "stranger", "s@home.example", true)));
    let refused = street.goes(&mut browser, &format!("/callback/other?code=x&state={attempt}")).await;
    assert_eq!(refused.page(), "request_expired");
}

#[tokio::test]
async fn a_way_in_is_removed_with_all_that_came_by_it_and_its_tokens_are_given_back() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    sub_of(&street, &mut browser, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    adds_other(&street, &mut browser, arrival(&street, "ada-at-other", "ada@home.example", true)).await;
    let mut by_other = Browser::default();
    street.rig.providers[1].answers_next(Ok(arrival(&street, "ada-at-other", "ada@home.example", true)));
    let attempt = street.departs(&mut by_other, &app, "other").await;
    let landed = street.goes(&mut by_other, &format!("/callback/other?code=x&state={attempt}")).await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    let shown = page(&street, &mut browser).await;
    let other = shown.body.split("data-provider=\"other\"").nth(1).unwrap();
    let link = other.split("name=\"link\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("token", token(&shown)), ("link", link.to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let removed = street.posts(&mut browser, "/account/links/remove", &form).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(street.refreshes(&app, tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
    let silent = Street::link(&app, &[("prompt", "none")]);
    assert_eq!(street.goes(&mut by_other, &silent).await.parameter("error").as_deref(), Some("login_required"));
    assert!(street.goes(&mut browser, &silent).await.parameter("code").is_some(), "the other way's session stands");
    assert_eq!(street.rig.providers[1].revoked().len(), 1, "given back at the source");
    assert_eq!((street.count("identity.unlinked"), street.count("vault.token_revoked")), (1, 1));
    let unlinked = |event: &AuditEvent| event.name == EventName::SessionEnded && event.reason == Some(Reason::Unlinked);
    let ended: Vec<_> = street.rig.events().into_iter().filter(unlinked).collect();
    let [ended] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!((ended.provider.as_ref().unwrap().as_str(), ended.session.is_some(), ended.account.is_some()), ("other", true, true));
    // The last one stays.
    let shown = page(&street, &mut browser).await;
    assert!(!shown.body.contains("name=\"link\""), "{shown:?}");
}

#[tokio::test]
async fn attack_66_attack_70_asvs_7_5_1_no_other_site_and_no_old_sign_in_changes_the_ways_in() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    sub_of(&street, &mut browser, &app, (0, arrival(&street, "ada", "ada@corp.example", true))).await;
    let good = token(&page(&street, &mut browser).await);
    for bad in ["", "00", &"0".repeat(64)] {
        let refused = street.posts(&mut browser, "/account/links", &[("token", bad), ("provider", "other")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    }
    street.rig.clock.advance(Duration::from_mins(11));
    let late = street.posts(&mut browser, "/account/links", &[("token", &good), ("provider", "other")]).await;
    assert!(late.body.contains("/account/again"), "{late:?}");
    assert!(!page(&street, &mut browser).await.body.contains("name=\"token\""), "an old sign-in is shown no forms");
    assert!(street.rig.providers[1].departures().is_empty());
    let again = street.goes(&mut browser, "/account/again").await;
    let attempt = again.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    assert!(street.rig.providers[0].departures().last().unwrap().fresh, "the provider asks again who it is");
}

#[tokio::test]
async fn the_own_page_asks_whoever_is_not_signed_in_to_sign_in_first() {
    let street = Street::open().await;
    let mut browser = Browser::default();
    let chooser = street.goes(&mut browser, "/account").await;
    let attempt = chooser.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let back = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert_eq!(back.header("location"), "/account");
    assert!(page(&street, &mut browser).await.body.contains("alice@example.com"));
}
