//! Why a login came to what it came to: what is kept of it, what never is, and who is told.

use std::time::Duration;

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, chain::SealRules},
    claims::ClaimMap,
    entry::EntryDraft,
    ids::LoginId,
    login_trace::{Decisions, Explanation, MOST_BYTES, TokenKind},
    ports::Store,
    provider::{Arrival, Phase, ProviderError, ProviderTerms, ReceivedTokens},
    registration::Draft,
};
use vestibule_testkit::{
    fake_provider::FakeProvider,
    rig::{ADMIN_KEY, RigOptions},
};

use crate::{
    console::{alices, operator, scopes::limited},
    street::{Answer, App, Browser, Street, plain},
};

/// What somebody's provider says of them. Every value begins with `private`, or is a number that is nowhere else.
fn ada(street: &Street) -> Arrival {
    let said = json!({
        "name": "private Ada Lovelace", "email": "private.ada@corp.example", "email_verified": true, "groups": ["private-staff"],
        "department": "private-engines", "phone": 470_711_815, "address": {"street": "private Main Street"}, "sub": "private-subject"
    });
    let Value::Object(claims) = said else { unreachable!() };
    let secret = |text: &str| Some(text.to_owned().into());
    let tokens = ReceivedTokens {
        access_token: secret("private-access-token"),
        refresh_token: secret("private-refresh-token"),
        id_token: secret("private-id-token"),
        ..ReceivedTokens::default()
    };
    Arrival { subject: "private-subject".into(), claims, tokens, ..FakeProvider::arrival("ada", street.rig.witness().now) }
}

async fn street_with(entry: Value) -> (Street, App) {
    let map: ClaimMap = serde_json::from_value(json!({"team": {"from": ["/department"]}})).unwrap();
    let terms = ProviderTerms { claims: map, keeps_tokens: true, ..ProviderTerms::default() };
    let street = Street::with(RigOptions { terms: vec![("acme", terms)], ..RigOptions::default() }).await;
    let entry: EntryDraft = serde_json::from_value(entry).unwrap();
    let grant_types = crate::street::grants(&["authorization_code", "refresh_token"]);
    let app = street.app_as("app", Draft { entry, grant_types, ..plain() }).await;
    (street, app)
}

/// Signs Ada in, or tries to: what she sees.
async fn comes(street: &Street, app: &App) -> Answer {
    street.rig.providers[0].answers_next(Ok(ada(street)));
    let asked = [("login_hint", "private.ada@corp.example"), ("state", "private-state"), ("nonce", "private-nonce")];
    street.arrives_asking(&mut Browser::default(), app, &asked, "private-upstream-code").await
}

/// The last login, with the reference of its last request.
fn last(street: &Street) -> (LoginId, String) {
    let events = street.rig.events();
    let event = events.iter().rev().find(|event| event.login.is_some() && event.name.as_str() != "code.redeemed").expect("a login");
    (event.login.unwrap(), event.trace_id.clone().expect("a reference"))
}

async fn kept(street: &Street) -> Vec<Decisions> {
    let traces = street.rig.store.login_traces(&last(street).0).await.unwrap();
    traces.into_iter().map(|trace| trace.decisions).collect()
}

async fn api(street: &Street, reference: &str, key: &str) -> Answer {
    let request = street.request(Method::GET, &format!("/api/v1/logins/{reference}"));
    street.send(request.header(header::AUTHORIZATION, format!("Bearer {key}")).finish()).await
}

fn explanation(answer: &Answer) -> Explanation {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    serde_json::from_value(answer.json()).expect("what the command line reads too")
}

#[tokio::test]
async fn what_is_kept_says_why_and_never_what_anybody_said_typed_or_was_given() {
    let (street, app) = street_with(json!({"groups": ["private-staff"]})).await;
    let landed = comes(&street, &app).await;
    let code = landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"));
    let (login, reference) = last(&street);
    let tokens = street.redeems(&app, &code).await.json();
    let [decided] = kept(&street).await.try_into().unwrap();

    let asked = decided.asked.as_ref().unwrap();
    assert!(asked.pkce && asked.login_hint && asked.client.as_str() == "app" && asked.scopes.has("offline_access"), "{asked:?}");
    assert_eq!(decided.door.as_ref().and_then(|door| door.how).map(vestibule_domain::door::Chosen::as_str), Some("click"));
    let came = decided.came.as_ref().unwrap();
    let names: Vec<_> = came.claims.iter().map(|seen| seen.claim.as_str()).collect();
    assert_eq!(names, ["address", "department", "email", "email_verified", "groups", "name", "phone", "sub"]);
    assert!(came.became.iter().any(|made| made.claim == "team" && made.from.as_deref() == Some("/department")), "{came:?}");
    assert!(came.email.verified && decided.rules.iter().all(|verdict| verdict.met), "{decided:?}");
    assert!(decided.rules.iter().any(|verdict| verdict.rule == "client.groups"), "{decided:?}");
    let given = decided.given.as_ref().unwrap();
    assert_eq!(given.tokens, [TokenKind::Access, TokenKind::Id, TokenKind::Refresh]);
    assert!(street.rig.store.grant(&given.grant).await.unwrap().is_some_and(|grant| grant.login == login), "the grant it became");

    let mut browser = limited(&street, "audit:read").await;
    let stored = serde_json::to_string(&decided).unwrap();
    let answer = api(&street, &reference, ADMIN_KEY).await;
    let told = explanation(&answer);
    assert!(told.summary.starts_with("Somebody signed in to app through acme.") && told.helps.is_none(), "{told:?}");
    assert_eq!(explanation(&api(&street, &login.to_string(), ADMIN_KEY).await).chapters, told.chapters, "by the login's id too");
    let page = street.goes(&mut browser, &format!("/console/logins/{reference}")).await;
    assert!(page.status == StatusCode::OK && page.body.contains("department"), "{page:?}");
    for (what, text) in [("kept", &stored), ("api", &answer.body), ("console", &page.body), ("text", &told.text())] {
        for secret in ["private", "Lovelace", "470711815", "Main Street", "corp.example", "verifier"] {
            assert!(!text.contains(secret), "{secret} is in what is {what}: {text}");
        }
        for secret in [Some(code.as_str()), tokens["access_token"].as_str(), tokens["refresh_token"].as_str(), tokens["id_token"].as_str()]
        {
            assert!(!text.contains(secret.unwrap()), "a secret is in what is {what}: {text}");
        }
    }
    assert!(stored.len() <= MOST_BYTES);
}

#[tokio::test]
async fn a_rule_that_is_not_met_is_named_and_the_page_s_reference_leads_there() {
    let (street, app) = street_with(json!({"groups": ["ops"]})).await;
    let refused = comes(&street, &app).await;
    assert_eq!(refused.page(), "not_allowed");
    let shown = refused.between("class=\"code reference\" dir=\"ltr\">", "<").to_owned();
    let told = explanation(&api(&street, &shown, ADMIN_KEY).await);
    assert_eq!(
        told.summary,
        "Nobody was signed in to app through acme: a rule about who may enter does not let them in (entry_rule). Here: client.groups."
    );
    assert!(told.helps.is_some_and(|helps| helps.contains("vestibule claims")));
    let [decided] = kept(&street).await.try_into().unwrap();
    let met: Vec<_> = decided.rules.iter().map(|verdict| (verdict.rule.as_str(), verdict.met)).collect();
    assert_eq!(met, [("client.enabled", true), ("client.allowed_providers", true), ("client.groups", false)]);
    assert!(decided.given.is_none() && decided.came.is_some());
    assert_eq!((decided.account, decided.led), (None, None), "nobody was made, so it is nobody's");
    assert_eq!(api(&street, "0af7651916cd43dd8448eb211c80319c", ADMIN_KEY).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api(&street, "nonsense", ADMIN_KEY).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_an_app_asks_of_a_sign_in_is_a_rule_like_any_other() {
    let (street, app) = street_with(json!({})).await;
    let old = Arrival { auth_time: Some(street.rig.witness().now - Duration::from_hours(1)), ..ada(&street) };
    street.rig.providers[0].answers_next(Ok(old));
    let late = street.arrives_asking(&mut Browser::default(), &app, &[("max_age", "60")], "ada").await;
    assert!(!late.status.is_success(), "{late:?}");
    let [decided] = kept(&street).await.try_into().unwrap();
    assert!(decided.rules.iter().any(|verdict| verdict.rule == "request.fresh_sign_in" && !verdict.met), "{decided:?}");
    assert_eq!((decided.asked.unwrap().max_age, decided.came.is_some()), (Some(60), true));
}

#[tokio::test]
async fn a_login_that_went_another_way_first_has_a_chapter_for_each() {
    let (street, app) = street_with(json!({})).await;
    let mut browser = Browser::default();
    let down = ProviderError::Unreachable { phase: Phase::Token, status: Some(502), detail: "no answer in time".into() };
    street.rig.providers[0].answers_next(Err(down));
    let attempt = street.departs(&mut browser, &app, "acme").await;
    street.goes(&mut browser, &format!("/callback/acme?code=ada&state={attempt}")).await;
    let told = explanation(&api(&street, &last(&street).1, ADMIN_KEY).await);
    assert!(told.summary.contains("token (status 502): no answer in time"), "{told:?}");

    // Somebody who was signed in before, and then again from the session.
    street.signs_in(&mut browser, &app, "ada").await;
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    assert!(silent.parameter("code").is_some(), "{silent:?}");
    let told = explanation(&api(&street, &last(&street).1, ADMIN_KEY).await);
    assert_eq!(told.summary, "app was answered from a session that began through acme.");

    // Asked for consent: one chapter for the sign-in and one for the yes, and the reference of each leads to both.
    let asking = street.app_as("asking", Draft { consent: "always".into(), ..plain() }).await;
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &asking, &[], "bob").await;
    let page = street.goes(&mut browser, landed.header("location")).await;
    let first = last(&street).1;
    let field = |name: &str| page.between(&format!("name=\"{name}\" value=\""), "\"").to_owned();
    let (attempt, token) = (field("attempt"), field("token"));
    street.rig.clock.advance(Duration::from_secs(1));
    street.posts(&mut browser, "/consent", &[("attempt", &attempt), ("token", &token), ("decision", "allow")]).await;
    let told = explanation(&api(&street, &first, ADMIN_KEY).await);
    let events: Vec<_> = told.chapters.iter().map(|chapter| (chapter.event.as_str(), chapter.grant_id.is_some())).collect();
    assert_eq!(events, [("login.succeeded", false), ("consent.granted", true)]);
    assert!(told.summary.contains("They are asked first"), "{told:?}");
}

#[tokio::test]
async fn what_goes_wrong_after_a_sign_in_is_told_too() {
    let (street, app) = street_with(json!({})).await;
    let code = street.signs_in(&mut Browser::default(), &app, "ada").await;
    let (login, _) = last(&street);
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", "https://elsewhere.example/cb")];
    street.asks(&app, "/token", &form).await;
    let told = explanation(&api(&street, &login.to_string(), ADMIN_KEY).await);
    assert!(told.summary.contains("But then the redirect address is not the one of the request (code.failed, redirect_uri)."), "{told:?}");
    assert!(told.helps.is_some());
}

#[tokio::test]
async fn a_browser_that_brings_no_cookie_has_a_reference_that_leads_somewhere() {
    let (street, app) = street_with(json!({})).await;
    let attempt = street.departs(&mut Browser::default(), &app, "acme").await;
    let lost = street.goes(&mut Browser::default(), &format!("/callback/acme?code=ada&state={attempt}")).await;
    let shown = lost.between("class=\"code reference\" dir=\"ltr\">", "<").to_owned();
    let told = explanation(&api(&street, &shown, ADMIN_KEY).await);
    assert!(told.summary.contains("the browser did not bring the cookie of this login (attempt_unknown)"), "{told:?}");
}

fn reference_on(page: &Answer) -> String {
    page.between("class=\"code reference\" dir=\"ltr\">", "<").to_owned()
}

#[tokio::test]
async fn attack_32_attack_78_a_wrong_address_is_told_beside_the_registered_one_and_never_its_query() {
    let (street, app) = street_with(json!({})).await;
    let sent = [("redirect_uri", "https://ada:private@app.example.com/callback?token=private-query"), ("state", "private-state")];
    let page = street.goes(&mut Browser::default(), &Street::link(&app, &sent)).await;
    assert_eq!(page.page(), "redirect_mismatch");
    let reference = reference_on(&page);
    let told = explanation(&api(&street, &reference, ADMIN_KEY).await);
    assert!(told.summary.starts_with("No sign-in was begun to app: ") && told.summary.contains("(redirect_mismatch)"), "{told:?}");
    assert!(told.helps.as_deref().is_some_and(|helps| helps.starts_with("register it as it was sent")), "{told:?}");
    let facts: Vec<_> = told.chapters[0].steps[0].facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
    for fact in [
        ("app", "app"),
        ("known as", "The app"),
        ("client_id sent", "app"),
        ("redirect_uri sent", "https://...@app.example.com/callback?..."),
        ("first difference", "path"),
        ("registered", "https://app.example.com/cb"),
    ] {
        assert!(facts.contains(&fact), "{fact:?}: {facts:?}");
    }
    let event = street.rig.events().into_iter().rfind(|event| event.name.as_str() == "request.refused").unwrap();
    assert_eq!((event.login, event.trace_id.as_deref()), (told.login, Some(reference.as_str())));
    assert_eq!(event.detail.as_deref(), Some("first difference: path"), "nothing that was sent stands in the event");
    for kept in [format!("{:?}", kept(&street).await), format!("{event:?}"), told.text(), serde_json::to_string(&told).unwrap()] {
        assert!(!kept.contains("private"), "{kept}");
    }

    let page = street.goes(&mut Browser::default(), &Street::link(&app, &[("redirect_uri", "")])).await;
    let told = explanation(&api(&street, &reference_on(&page), ADMIN_KEY).await);
    assert!(told.summary.ends_with("Here: redirect_uri is missing."), "{told:?}");
}

#[tokio::test]
async fn attack_65_who_names_an_app_that_is_none_is_told_by_what_they_named() {
    let street = alices().await;
    let app = street.app("app").await;
    let strange = format!("gr\u{430}fana\u{202e}<script>{}", "x".repeat(500));
    let page = street.goes(&mut Browser::default(), &Street::link(&app, &[("client_id", &strange)])).await;
    assert_eq!(page.page(), "client_unknown");
    let reference = reference_on(&page);
    let told = explanation(&api(&street, &reference, ADMIN_KEY).await);
    assert!(told.summary.starts_with("No sign-in was begun to an app: there is no app of the client_id that was sent"), "{told:?}");
    let named = told.chapters[0].steps[0].facts.iter().find(|fact| fact.name == "client_id sent").unwrap();
    assert!(named.value.starts_with("gr\\u{430}fana\\u{202e}<script>xxx") && named.value.len() < 120, "{named:?}");
    let mut alice = operator(&street).await;
    let page = street.goes(&mut alice, &format!("/console/logins/{reference}")).await;
    assert!(page.body.contains("client_unknown") && page.body.contains("fana") && !page.body.contains("<script>x"), "{page:?}");
}

#[tokio::test]
async fn attack_84_requests_that_are_believed_in_nothing_are_kept_within_their_budget_and_hide_no_other_failure() {
    let (street, app) = street_with(json!({})).await;
    let before = street.rig.store.rows();
    for at in 0..700 {
        let wrong = if at % 2 == 0 { ("client_id", "nobody") } else { ("redirect_uri", "https://evil.test/") };
        street.goes(&mut Browser::default(), &Street::link(&app, &[wrong])).await;
    }
    assert_eq!(
        street.rig.store.rows() - before,
        2 * 600 + 1,
        "an event and a trace each, and one event that says that more are not stored"
    );
    let lost = street.goes(&mut Browser::default(), "/callback/acme?code=x&state=0af7651916cd43dd8448eb211c80319c").await;
    assert_eq!(api(&street, &reference_on(&lost), ADMIN_KEY).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_kept_of_a_person_goes_with_them() {
    let (street, app) = street_with(json!({})).await;
    street.signs_in(&mut Browser::default(), &app, "ada").await;
    let (login, reference) = last(&street);
    let account = kept(&street).await[0].account.expect("somebody");
    street.gateway().seal_audit().await.unwrap();
    street.gateway().erase_account(&street.rig.witness(), &Actor::System, &account.to_string()).await.unwrap();
    assert_eq!(street.rig.store.login_traces(&login).await.unwrap(), []);
    assert_eq!(api(&street, &reference, ADMIN_KEY).await.status, StatusCode::NOT_FOUND);
    let told = explanation(&api(&street, &login.to_string(), ADMIN_KEY).await);
    assert!(told.chapters.is_empty() && !told.events.is_empty(), "the audit log stays: {told:?}");
    let ended = street.rig.events().into_iter().find(|event| event.name.as_str() == "session.ended").expect("its end is in it");
    assert_eq!((ended.account, ended.reason.unwrap().as_str(), ended.subject()), (Some(account), "account_disabled", None));
}

#[tokio::test]
async fn nothing_is_kept_where_it_is_kept_for_no_time_and_nothing_past_its_time() {
    let audit = SealRules { login_traces_keep: Duration::ZERO, ..SealRules::default() };
    let street = Street::with(RigOptions { audit, ..RigOptions::default() }).await;
    let app = street.app("app").await;
    street.signs_in(&mut Browser::default(), &app, "ada").await;
    assert_eq!(kept(&street).await, []);

    let (street, app) = street_with(json!({})).await;
    street.signs_in(&mut Browser::default(), &app, "ada").await;
    street.rig.clock.advance(Duration::from_hours(24 * 30));
    street.gateway().sweep().await.unwrap();
    assert_eq!(kept(&street).await.len(), 1);
    street.rig.clock.advance(Duration::from_secs(1));
    street.gateway().sweep().await.unwrap();
    assert_eq!(kept(&street).await, []);
}

#[tokio::test]
async fn attack_84_traces_that_strangers_cause_are_kept_within_the_budget_of_their_events() {
    let (street, _) = street_with(json!({})).await;
    let before = street.rig.store.rows();
    for _ in 0..700 {
        street.goes(&mut Browser::default(), "/callback/acme?code=x&state=0af7651916cd43dd8448eb211c80319c").await;
    }
    let caused = street.rig.store.rows() - before;
    assert_eq!(caused, 2 * 600 + 1, "an event and a trace each, and one event that says that more are not stored");
}

#[tokio::test]
async fn attack_86_who_may_not_read_the_audit_log_is_told_nothing() {
    let (street, app) = street_with(json!({})).await;
    street.signs_in(&mut Browser::default(), &app, "ada").await;
    let (_, reference) = last(&street);
    let key = async |scope: &str| {
        let request = street.request(Method::POST, "/api/v1/api-keys").header(header::AUTHORIZATION, format!("Bearer {ADMIN_KEY}"));
        let made = street.send(request.content_type("application/json").body(json!({ "name": "k", "scopes": [scope] }).to_string())).await;
        made.json()["key"].as_str().unwrap().to_owned()
    };
    let (reader, other) = (key("audit:read").await, key("clients:*").await);
    assert_eq!(api(&street, &reference, &reader).await.status, StatusCode::OK);
    assert_eq!(api(&street, &reference, &other).await.status, StatusCode::FORBIDDEN);
    let mut browser = limited(&street, "clients:* accounts:*").await;
    let page = street.goes(&mut browser, &format!("/console/logins/{reference}")).await;
    assert!(
        page.status == StatusCode::FORBIDDEN && !page.body.contains("/console/logins\""),
        "and the navigation has no such entry: {page:?}"
    );
    let mut browser = limited(&street, "audit:read").await;
    let page = street.goes(&mut browser, &format!("/console/logins/{reference}")).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("/console/app/"), "no link to what they may not look at: {page:?}");
}

#[tokio::test]
async fn an_operator_pastes_a_reference_and_reads_what_happened() {
    let street = alices().await;
    let app = street.app("app").await;
    street.rig.providers[0].answers_next(Err(ProviderError::Misconfigured { phase: Phase::Token, detail: "invalid_client".into() }));
    let refused = street.arrives(&mut Browser::default(), &app, "ada").await;
    let shown = refused.between("class=\"code reference\" dir=\"ltr\">", "<").to_owned();
    let mut alice = operator(&street).await;
    let field = street.goes(&mut alice, "/console/logins").await;
    assert!(field.body.contains("name=\"reference\"") && field.body.contains("aria-current=\"page\""), "{field:?}");
    let led = street.goes(&mut alice, &format!("/console/logins?reference=%20{shown}%20")).await;
    assert_eq!(led.header("location"), format!("/console/logins/{shown}"));
    let page = street.goes(&mut alice, &format!("/console/logins/{shown}")).await;
    for said in [
        "the provider does not accept our registration",
        "What helps: ",
        "/console/app/app\"><bdi>The app</bdi>",
        "/console/provider/acme",
        "login.failed",
    ] {
        assert!(page.body.contains(said), "{said}: {page:?}");
    }
    let unknown = street.goes(&mut alice, "/console/logins/%3Cb%3E").await;
    assert!(
        unknown.status == StatusCode::NOT_FOUND && unknown.body.contains("&#60;b&#62;") && !unknown.body.contains("<b>"),
        "{unknown:?}"
    );
}
