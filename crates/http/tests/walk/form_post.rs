//! Answers in a form that the browser posts (OAuth 2.0 Form Post Response Mode).

use http::StatusCode;
use vestibule_domain::registration::Draft;

use crate::street::{Answer, App, Browser, Street, plain};

const FORM: [(&str, &str); 1] = [("response_mode", "form_post")];

/// The fields of the form that leads back, by name.
fn fields(page: &Answer) -> Vec<(String, String)> {
    assert_eq!((page.status, page.between("data-page=\"", "\"")), (StatusCode::OK, "form-post"), "{page:?}");
    let field = |rest: &str| {
        let (name, rest) = rest.split_once("\" value=\"")?;
        Some((name.to_owned(), rest.split_once("\">")?.0.to_owned()))
    };
    page.body.split("<input type=\"hidden\" name=\"").skip(1).filter_map(field).collect()
}

fn field(page: &Answer, name: &str) -> Option<String> {
    fields(page).into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

async fn app(street: &Street, address: &str) -> App {
    street.app_as("app", Draft { redirect_uris: vec![address.into()], ..plain() }).await
}

#[tokio::test]
async fn form_post_section_2_the_answer_is_a_form_with_code_state_and_iss() {
    let street = Street::open().await;
    let app = app(&street, "https://app.example.com/cb?keep=1").await;
    let mut browser = Browser::default();
    let first = street.arrives_asking(&mut browser, &app, &FORM, "alice").await;
    let again = street.goes(&mut browser, &Street::link(&app, &FORM)).await;
    for page in [first, again] {
        assert!(page.location().is_none() && page.body.contains("action=\"https://app.example.com/cb?keep=1\""), "{page:?}");
        let names: Vec<_> = fields(&page).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["code", "state", "iss"], "RFC 9207 §2: in forms too");
        assert_eq!(field(&page, "state").as_deref(), Some("the-state"));
        let tokens = street.redeems(&app, &field(&page, "code").unwrap()).await;
        assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
        assert!(!page.header("content-security-policy").contains(&field(&page, "code").unwrap()));
        assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"), "attacks 68, 69");
    }
}

#[tokio::test]
async fn form_post_section_2_errors_go_in_a_form_too() {
    let street = Street::open().await;
    let app = app(&street, "https://app.example.com/cb").await;
    for (changed, error) in [
        (("prompt", "none"), "login_required"),
        (("scope", "openid admin"), "invalid_scope"),
        (("response_type", "token"), "unsupported_response_type"),
        (("max_age", "soon"), "invalid_request"),
    ] {
        let page = street.goes(&mut Browser::default(), &Street::link(&app, &[FORM[0], changed])).await;
        assert_eq!(field(&page, "error").as_deref(), Some(error), "{changed:?}");
        assert_eq!(field(&page, "state").as_deref(), Some("the-state"));
        assert_eq!(field(&page, "iss").as_deref(), Some("https://sso.example.com"));
    }
    // What ends on a page leads back by a form as well.
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &Street::link(&app, &FORM)).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let declined = street.goes(&mut browser, &format!("/callback/acme?error=access_denied&state={attempt}")).await;
    assert_eq!((declined.page(), declined.body.contains("href=\"https://app")), ("person_declined", false));
    assert!(
        declined.body.contains("name=\"error\" value=\"access_denied\"") && declined.body.contains("action=\"https://app.example.com/cb\"")
    );
    assert!(declined.header("content-security-policy").contains("form-action 'self' https://app.example.com https:;"));
}

#[tokio::test]
async fn attack_33_a_code_in_the_registered_address_does_not_come_beside_the_form() {
    let street = Street::open().await;
    let app = app(&street, "https://app.example.com/cb?code=evil&keep=1&state=x").await;
    let page = street.arrives_asking(&mut Browser::default(), &app, &FORM, "alice").await;
    assert!(page.body.contains("action=\"https://app.example.com/cb?keep=1\""), "{}", page.body);
}

#[tokio::test]
async fn attack_35_a_form_goes_to_no_installed_app_and_no_mode_is_guessed() {
    let street = Street::open().await;
    let draft = Draft { auth_method: "none".into(), redirect_uris: vec!["com.example.app:/cb".into()], ..plain() };
    let native = street.app_as("native", draft).await;
    let page = street.goes(&mut Browser::default(), &Street::link(&native, &FORM)).await;
    assert!(page.body.contains("com.example.app:/cb?error=invalid_request"), "{}", page.body);
    let web = app(&street, "https://app.example.com/cb").await;
    for mode in ["FORM_POST", "form_post query", "query.jwt", "fragment"] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&web, &[("response_mode", mode)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{mode}");
    }
    let twice = format!("{}&response_mode=query", Street::link(&web, &FORM));
    let answer = street.goes(&mut Browser::default(), &twice).await;
    assert!(answer.body.contains("value=\"invalid_request\"") || answer.parameter("error").is_some(), "{answer:?}");
}

#[tokio::test]
async fn attack_65_oauth_2_1_section_7_12_a_hostile_state_stays_a_value_and_only_the_one_script_may_run() {
    let street = Street::open().await;
    let app = app(&street, "https://app.example.com/cb").await;
    let hostile = "\"><script>alert(1)</script><!--' onload=x\u{202e}";
    let page = street.arrives_asking(&mut Browser::default(), &app, &[FORM[0], ("state", hostile)], "alice").await;
    assert_eq!(page.body.matches("<script").count(), 1, "{}", page.body);
    assert!(page.body.contains("<script>document.forms[0].submit()</script>"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("form-action 'self' https://app.example.com https:;") && policy.contains("frame-ancestors 'none'"), "{policy}");
}
