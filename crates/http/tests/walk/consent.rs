//! The question whether an app may have what it asks for: when it is asked, of whom, and who may answer.

use std::time::Duration;

use http::StatusCode;
use vestibule_domain::{
    client::Origin,
    ports::Clock,
    registration::{Draft, Offered},
    secret::Digest,
    store::Write,
};

use crate::street::{Answer, App, Browser, Street, encode, plain};

/// An app whose people are asked, once or every time.
async fn asking(street: &Street, id: &str, mode: &str) -> App {
    let redirect_uris = vec!["https://app.example.com/cb".into(), "https://elsewhere.example.com/cb".into()];
    street.app_as(id, Draft { consent: mode.into(), redirect_uris, ..plain() }).await
}

/// The app, as if it had registered itself.
async fn unvetted(street: &Street, app: &App) {
    let port = street.rig.port();
    let client = port.client(&vestibule_domain::ids::ClientId::parse(&app.id).unwrap()).await.unwrap().unwrap();
    let mut changed = (*client).clone();
    changed.origin = Origin::Dynamic { token: Digest([0; 32]), kept_until: street.rig.clock.now() };
    changed.version = client.version + 1;
    let write = Write::PutClient { client: Box::new(changed), expected: Some(client.version) };
    port.commit(vestibule_domain::store::Changes::default().write(write)).await.unwrap();
}

/// What the page with the question says for its form.
fn form(page: &Answer) -> [(String, String); 2] {
    assert_eq!((page.status, page.between("data-page=\"", "\"")), (StatusCode::OK, "consent"), "{page:?}");
    ["attempt", "token"].map(|name| (name.to_owned(), page.between(&format!("name=\"{name}\" value=\""), "\"").to_owned()))
}

async fn says(street: &Street, browser: &mut Browser, page: &Answer, decision: &str) -> Answer {
    let [(_, attempt), (_, token)] = form(page);
    street.posts(browser, "/consent", &[("attempt", &attempt), ("token", &token), ("decision", decision)]).await
}

/// Signs in to an app that asks: the page with the question.
async fn comes_to_the_question(street: &Street, browser: &mut Browser, app: &App, changed: &[(&str, &str)], person: &str) -> Answer {
    let landed = street.arrives_asking(browser, app, changed, person).await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER, "{landed:?}");
    let path = landed.header("location").to_owned();
    assert!(path.starts_with("/consent?attempt="), "{path}");
    street.goes(browser, &path).await
}

#[tokio::test]
async fn asvs_10_7_2_who_signs_in_is_asked_before_the_app_gets_its_code() {
    let street = Street::open().await;
    let app = asking(&street, "app", "remembered").await;
    let mut browser = Browser::default();
    let page = comes_to_the_question(&street, &mut browser, &app, &[], "alice").await;
    assert!(browser.session().is_some(), "whoever they are, they are signed in");
    for said in
        ["<bdi class=\"name\">The app</bdi>", "<bdi class=\"name\">app.example.com</bdi>", "Your e-mail address", "while you are away"]
    {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://app.example.com https:;"), "{policy}");
    let again = street.goes(&mut browser, &format!("/consent?attempt={}", form(&page)[0].1)).await;
    assert_eq!(form(&again), form(&page), "the page can be loaded again");
    let landed = says(&street, &mut browser, &page, "allow").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER, "OAuth 2.1 §7.5.3");
    let parameter = |name| landed.parameter(name).unwrap_or_default();
    assert_eq!((parameter("state").as_str(), parameter("iss").as_str()), ("the-state", "https://sso.example.com"));
    let tokens = street.redeems(&app, &parameter("code")).await.json();
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
    assert!(browser.cookies.keys().all(|name| !name.contains("attempt")), "{browser:?}");
    assert_eq!((street.count("consent.granted"), street.count("login.succeeded"), street.count("login.silent")), (1, 1, 0));
    let silent = street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await;
    assert!(silent.parameter("code").is_some(), "asked once");
    let granted = street.rig.events().into_iter().find(|event| event.name.as_str() == "consent.granted").unwrap();
    assert_eq!(granted.scopes.unwrap().to_string(), "email offline_access openid profile");
}

#[tokio::test]
async fn rfc_6749_section_4_1_2_1_who_does_not_allow_it_goes_back_with_access_denied() {
    let street = Street::open().await;
    let app = asking(&street, "app", "always").await;
    let mut browser = Browser::default();
    let page = comes_to_the_question(&street, &mut browser, &app, &[], "alice").await;
    // Only the button is a yes.
    for decision in ["deny", "", "ALLOW"] {
        let page = if decision == "deny" { page.body.clone() } else { street.goes(&mut browser, &Street::link(&app, &[])).await.body };
        let page = Answer { status: StatusCode::OK, headers: http::HeaderMap::new(), body: page };
        let landed = says(&street, &mut browser, &page, decision).await;
        let parameter = |name| landed.parameter(name).unwrap_or_default();
        assert_eq!(
            (parameter("error").as_str(), parameter("state").as_str()),
            ("access_denied", "the-state"),
            "RFC 6749 §4.1.2.1: {decision}"
        );
        assert_eq!(parameter("iss"), "https://sso.example.com", "RFC 9207 §2");
    }
    assert_eq!((street.count("consent.denied"), street.count("consent.granted")), (3, 0));
    let denied = street.rig.events().into_iter().find(|event| event.name.as_str() == "consent.denied").unwrap();
    assert_eq!((denied.outcome.as_str(), denied.reason.unwrap().as_str()), ("denied", "person_declined"));
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_prompt_consent_shows_the_question_and_not_the_provider_again() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for _ in 0..2 {
        let page = street.goes(&mut browser, &Street::link(&app, &[("prompt", "consent")])).await;
        let landed = says(&street, &mut browser, &page, "allow").await;
        assert!(landed.parameter("code").is_some(), "{landed:?}");
    }
    assert_eq!((street.count("consent.granted"), street.count("login.silent")), (2, 2));
    let page = street.goes(&mut browser, &Street::link(&app, &[])).await;
    assert!(page.parameter("code").is_some(), "nobody is asked otherwise");
    let both = street.goes(&mut browser, &Street::link(&app, &[("prompt", "consent select_account")])).await;
    assert!(both.body.contains("data-page=\"chooser\""), "first the account, then the question");
    let new = comes_to_the_question(&street, &mut Browser::default(), &app, &[("prompt", "consent")], "bob").await;
    assert!(new.body.contains("Your name"), "who signs in for it is asked too");
}

#[tokio::test]
async fn oidc_core_section_3_1_2_6_prompt_none_without_consent_is_consent_required() {
    let street = Street::open().await;
    let (plain, app) = (street.app("plain").await, asking(&street, "app", "remembered").await);
    let always = asking(&street, "always", "always").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &plain, "alice").await;
    for app in [&app, &always] {
        let silent = street.goes(&mut browser, &Street::link(app, &[("prompt", "none")])).await;
        assert_eq!((silent.status, silent.parameter("error").as_deref()), (StatusCode::SEE_OTHER, Some("consent_required")));
    }
    let page = street.goes(&mut browser, &Street::link(&app, &[])).await;
    says(&street, &mut browser, &page, "allow").await;
    assert!(street.goes(&mut browser, &Street::link(&app, &[("prompt", "none")])).await.parameter("code").is_some());
    let page = street.goes(&mut browser, &Street::link(&always, &[])).await;
    says(&street, &mut browser, &page, "allow").await;
    let silent = street.goes(&mut browser, &Street::link(&always, &[("prompt", "none")])).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("consent_required"), "every time");
}

#[tokio::test]
async fn oidc_core_section_11_offline_access_is_asked_for_unless_the_operator_allowed_it_for_everybody() {
    let street = Street::open().await;
    let (implicit, app) = (street.app("implicit").await, asking(&street, "app", "remembered").await);
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &implicit, "alice").await;
    let page = street.goes(&mut browser, &Street::link(&app, &[("scope", "openid")])).await;
    assert!(!page.body.contains("while you are away") && page.body.contains("ends when you sign out"));
    says(&street, &mut browser, &page, "allow").await;
    let page = street.goes(&mut browser, &Street::link(&app, &[("scope", "openid offline_access")])).await;
    assert!(page.body.contains("while you are away") && !page.body.contains("ends when you sign out"));
    let code = says(&street, &mut browser, &page, "allow").await.parameter("code").unwrap();
    assert!(street.redeems(&app, &code).await.json()["refresh_token"].is_string());
}

#[tokio::test]
async fn attack_39_a_question_is_answered_only_in_the_browser_and_by_the_session_it_was_asked_of() {
    let street = Street::open().await;
    let app = asking(&street, "app", "always").await;
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let page = comes_to_the_question(&street, &mut victim, &app, &[], "alice").await;
    let theirs = comes_to_the_question(&street, &mut attacker, &app, &[], "mallory").await;
    let [(_, attempt), _] = form(&theirs);
    let elsewhere = street.goes(&mut victim, &format!("/consent?attempt={attempt}")).await;
    assert_eq!((elsewhere.status, elsewhere.page()), (StatusCode::BAD_REQUEST, "request_expired"), "a link from the attacker");
    let posted = says(&street, &mut victim, &theirs, "allow").await;
    assert_eq!((posted.page(), posted.location()), ("request_expired", None), "the attacker's form");
    // With the attacker's attempt planted beside the victim's session.
    let planted = attacker.cookies.iter().find(|(name, _)| name.contains("attempt")).unwrap();
    let mut tossed = victim.clone();
    tossed.cookies.insert(planted.0.clone(), planted.1.clone());
    assert_eq!(says(&street, &mut tossed, &theirs, "allow").await.page(), "request_expired", "asked of another session");
    // An attempt that has not come to its question yet.
    let mut early = Browser::default();
    let started = street.departs(&mut early, &app, "acme").await;
    let jumped = street.posts(&mut early, "/consent", &[("attempt", &started), ("token", &form(&page)[1].1), ("decision", "allow")]).await;
    assert_eq!((jumped.page(), jumped.location()), ("request_expired", None));
    // The session has ended meanwhile, or the person signed in anew.
    let mut signed_out = victim.clone();
    signed_out.cookies.remove("__Host-vestibule-session");
    assert_eq!(says(&street, &mut signed_out, &page, "allow").await.page(), "request_expired");
    assert_eq!(street.count("consent.granted"), 0);
    assert!(says(&street, &mut victim, &page, "allow").await.parameter("code").is_some(), "the victim's own is good still");
}

#[tokio::test]
async fn attack_41_a_form_of_another_site_and_a_form_sent_twice_give_nothing() {
    let street = Street::open().await;
    let app = asking(&street, "app", "always").await;
    let mut browser = Browser::default();
    let page = comes_to_the_question(&street, &mut browser, &app, &[], "alice").await;
    let [(_, attempt), (_, token)] = form(&page);
    let other = street.goes(&mut browser, &Street::link(&app, &[])).await;
    for token in [String::new(), "0".repeat(64), form(&other)[1].1.clone()] {
        let answer = street.posts(&mut browser, "/consent", &[("attempt", &attempt), ("token", &token), ("decision", "allow")]).await;
        assert_eq!((answer.page(), answer.location()), ("request_expired", None), "{token:?}");
    }
    let query = encode(&[("attempt", &attempt), ("token", &token), ("decision", "allow")]);
    let by_get = street.goes(&mut browser, &format!("/consent?{query}")).await;
    assert_eq!(by_get.between("data-page=\"", "\""), "consent", "a GET changes nothing");
    let kept = browser.clone();
    assert!(says(&street, &mut browser, &page, "allow").await.parameter("code").is_some());
    for decision in ["allow", "deny"] {
        let twice = says(&street, &mut kept.clone(), &page, decision).await;
        assert_eq!((twice.page(), twice.location()), ("request_expired", None), "{decision}");
    }
    assert_eq!((street.count("consent.granted"), street.count("consent.denied")), (1, 0));
    street.rig.clock.advance(Duration::from_mins(16));
    assert_eq!(says(&street, &mut browser, &other, "allow").await.page(), "request_expired", "too late");
}

#[tokio::test]
async fn attack_41_a_remembered_yes_is_good_for_what_was_read_and_where_it_led() {
    let street = Street::open().await;
    let app = asking(&street, "app", "remembered").await;
    let mut browser = Browser::default();
    let page = comes_to_the_question(&street, &mut browser, &app, &[("scope", "openid profile")], "alice").await;
    says(&street, &mut browser, &page, "allow").await;
    let asked = async |browser: &mut Browser, changed: &[(&str, &str)]| {
        let answer = street.goes(browser, &Street::link(&app, changed)).await;
        if answer.parameter("code").is_some() { None } else { Some(answer) }
    };
    assert!(asked(&mut browser, &[("scope", "openid")]).await.is_none(), "less");
    assert!(asked(&mut browser, &[("scope", "openid profile email")]).await.is_some(), "more");
    let elsewhere = [("scope", "openid"), ("redirect_uri", "https://elsewhere.example.com/cb")];
    let page = asked(&mut browser, &elsewhere).await.expect("another host");
    assert!(page.body.contains("elsewhere.example.com"));
    says(&street, &mut browser, &page, "allow").await;
    assert!(asked(&mut browser, &elsewhere).await.is_none());
    assert!(asked(&mut browser, &[("scope", "openid profile")]).await.is_none(), "the first host is not forgotten");
    assert!(asked(&mut browser, &[("scope", "openid profile"), elsewhere[1]]).await.is_some(), "what one host has the other has not");
    let mut other = Browser::default();
    comes_to_the_question(&street, &mut other, &app, &[("scope", "openid")], "bob").await;
}

#[tokio::test]
async fn attack_41_a_client_made_anew_under_an_old_name_inherits_nothing() {
    let street = Street::open().await;
    let app = asking(&street, "app", "remembered").await;
    let mut browser = Browser::default();
    let page = comes_to_the_question(&street, &mut browser, &app, &[], "alice").await;
    says(&street, &mut browser, &page, "allow").await;
    let actor = vestibule_domain::audit::Actor::AdminKey("rig".into());
    let version = street.gateway().client("app").await.unwrap().version;
    street.gateway().delete_client(&street.rig.witness(), &actor, "app", Some(version)).await.unwrap();
    street.rig.clock.advance(Duration::from_secs(1));
    let anew = asking(&street, "app", "remembered").await;
    let silent = street.goes(&mut browser, &Street::link(&anew, &[("prompt", "none")])).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn attack_40_asvs_10_7_1_mcp_authorization_an_app_nobody_vetted_is_allowed_before_anybody_is_sent_to_a_provider() {
    let street = Street::with(vestibule_testkit::rig::RigOptions { providers: vec!["acme"], ..Default::default() }).await;
    let (house, app) = (street.app("house").await, street.app("stranger").await);
    unvetted(&street, &app).await;
    let mut browser = Browser::default();
    let page = street.goes(&mut browser, &Street::link(&app, &[])).await;
    let [(_, attempt), _] = form(&page);
    assert!(page.body.contains("Nobody here has checked this app") && page.body.contains("app.example.com"), "{}", page.body);
    for path in [format!("/login/acme?attempt={attempt}"), format!("/login?attempt={attempt}")] {
        let jumped = street.goes(&mut browser, &path).await;
        assert_eq!((jumped.page(), jumped.location()), ("request_expired", None), "past the question: {path}");
    }
    let onward = says(&street, &mut browser, &page, "allow").await;
    assert_eq!((onward.status, onward.between("data-page=\"", "\"")), (StatusCode::OK, "onward"), "only now to the provider");
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    assert!(landed.parameter("code").is_some(), "once is enough: {landed:?}");
    assert_eq!((street.count("consent.granted"), street.count("login.succeeded")), (1, 1));
    // Neither the session nor the yes from before carries anybody past the question.
    let again = street.goes(&mut browser, &Street::link(&app, &[])).await;
    let landed = says(&street, &mut browser, &again, "allow").await;
    assert!(landed.parameter("code").is_some(), "then the session is enough: {landed:?}");
    assert_eq!(street.goes(&mut browser, &Street::link(&house, &[])).await.status, StatusCode::SEE_OTHER);
    let no = street.goes(&mut Browser::default(), &Street::link(&app, &[])).await;
    let no = says(&street, &mut Browser::default(), &no, "deny").await;
    assert_eq!(no.page(), "request_expired", "another browser");
}

#[tokio::test]
async fn attack_34_oauth_2_1_section_7_13_2_rfc_9700_section_4_11_2_an_app_nobody_vetted_is_told_of_no_error_by_redirect() {
    let street = Street::open().await;
    let app = street.app("stranger").await;
    unvetted(&street, &app).await;
    for changed in [("response_type", "token"), ("scope", "openid admin"), ("prompt", "none"), ("id_token_hint", "x")] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[changed])).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{changed:?}");
    }
}

#[tokio::test]
async fn rfc_8252_section_8_6_a_session_answers_an_app_that_another_could_pose_as_only_when_its_person_acts() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &app, "alice").await;
    for (id, address) in [("loopback", "http://127.0.0.1/cb"), ("private-use", "com.example.app:/cb")] {
        let draft = Draft { auth_method: "none".into(), redirect_uris: vec![address.into()], consent: "remembered".into(), ..plain() };
        let native = street.app_as(id, draft).await;
        for _ in 0..2 {
            let page = street.goes(&mut browser, &Street::link(&native, &[])).await;
            assert!(page.body.contains("You are asked each time"), "{id}");
            let landed = says(&street, &mut browser, &page, "allow").await;
            let answered = landed.location().map_or_else(|| landed.between("0;url=", "\"").to_owned(), Into::into);
            assert!(answered.starts_with(address) && answered.contains("code="), "{answered}");
        }
        let silent = street.goes(&mut browser, &Street::link(&native, &[("prompt", "none")])).await;
        assert!(format!("{silent:?}").contains("interaction_required"), "{silent:?}");
    }
}

#[tokio::test]
async fn oauth_2_1_section_8_1_rfc_8252_section_8_5_a_secret_that_every_copy_of_an_app_has_proves_nothing() {
    let street = Street::open().await;
    let mut browser = Browser::default();
    street.signs_in(&mut browser, &street.app("app").await, "alice").await;
    let shipped = street.app_as("shipped", Draft { redirect_uris: vec!["com.example.app:/cb".into()], ..plain() }).await;
    assert!(shipped.secret.is_some());
    let page = street.goes(&mut browser, &Street::link(&shipped, &[])).await;
    assert!(page.body.contains("You are asked each time"), "as if it had none: {page:?}");
    let silent = street.goes(&mut browser, &Street::link(&shipped, &[("prompt", "none")])).await;
    assert!(format!("{silent:?}").contains("interaction_required"), "{silent:?}");
    let bare = street.goes(&mut browser, &Street::link(&shipped, &[("code_challenge", ""), ("code_challenge_method", "")])).await;
    assert!(format!("{bare:?}").contains("invalid_request"), "PKCE is what proves it: {bare:?}");
    let unexcused = Draft { redirect_uris: vec!["com.example.app:/cb".into()], require_pkce: false, ..plain() };
    let checked = unexcused.check("app", &Offered::default(), street.rig.clock.now());
    assert!(checked.err().is_some_and(|faults| faults.iter().any(|fault| fault.pointer == "/require_pkce")), "and nobody excuses it");
}

#[tokio::test]
async fn somebody_asked_may_rather_be_somebody_else() {
    let street = Street::open().await;
    let app = asking(&street, "app", "always").await;
    let mut browser = Browser::default();
    let page = comes_to_the_question(&street, &mut browser, &app, &[], "alice").await;
    let other = page.between("<p class=\"aside\"><a href=\"", "\"").to_owned();
    let attempt = form(&page)[0].1.clone();
    assert!(street.goes(&mut browser, &other).await.body.contains("data-page=\"chooser\""));
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=bob&state={attempt}")).await;
    let path = landed.header("location").to_owned();
    let page = street.goes(&mut browser, &path).await;
    assert!(page.body.contains("signed in as") && says(&street, &mut browser, &page, "allow").await.parameter("code").is_some());
    assert_eq!(street.count("session.ended"), 1, "alice's");
}

#[tokio::test]
async fn attack_34_asvs_3_7_3_a_logout_leads_nobody_by_itself_to_an_app_that_nobody_vetted() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let link = format!("/logout?{}", encode(&[("client_id", &app.id), ("post_logout_redirect_uri", "https://app.example.com/bye")]));
    let vetted = street.goes(&mut Browser::default(), &link).await;
    assert_eq!(vetted.header("location"), "https://app.example.com/bye");
    unvetted(&street, &app).await;
    let page = street.goes(&mut Browser::default(), &link).await;
    assert_eq!((page.status, page.header("location"), page.header("refresh")), (StatusCode::OK, "", ""), "{page:?}");
    assert!(page.body.contains("href=\"https://app.example.com/bye\""), "{page:?}");
}
