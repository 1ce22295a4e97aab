//! What one house gave out is nothing at another, and what one client was given is nothing to another: every kind of thing, at every door that takes one.

use http::{Method, StatusCode, header};
use serde_json::json;
use vestibule_domain::registration::Draft;
use vestibule_testkit::rig::RigOptions;

use crate::{
    device,
    par::{link, pushed},
    street::{Answer, App, Browser, Street, VERIFIER, basic, encode, grants, plain},
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const SESSION: &str = "__Host-vestibule-session";
const ATTEMPT: &str = "__Host-vestibule-attempt-";

/// Where something can be tried, and whether it matters there who tries it.
const DOORS: [(&str, bool); 18] = [
    ("code", true),
    ("refresh_token", true),
    ("subject_token", true),
    ("actor_token", true),
    ("client_secret", true),
    ("introspect", true),
    ("revoke", true),
    ("request_uri", true),
    ("logout hint", true),
    ("device_code", true),
    ("device answer", true),
    ("consent token", true),
    ("consent", false),
    ("user_code", false),
    ("authorize hint", false),
    ("userinfo", false),
    ("session", false),
    ("callback", false),
];

/// The door at which a thing is good at home.
const HOME: [(&str, &str); 17] = [
    ("access token", "userinfo"),
    ("access token", "introspect"),
    ("access token", "subject_token"),
    ("exchanged token", "introspect"),
    ("own token", "actor_token"),
    ("ID token", "logout hint"),
    ("request_uri", "request_uri"),
    ("session", "session"),
    ("attempt", "callback"),
    ("device_code", "device_code"),
    ("user_code", "user_code"),
    ("device form", "device answer"),
    ("consent form", "consent token"),
    ("other consent form", "consent"),
    ("secret", "client_secret"),
    ("refresh token", "refresh_token"),
    ("code", "code"),
];

fn draft() -> Draft {
    Draft {
        grant_types: grants(&["authorization_code", "refresh_token", "client_credentials", EXCHANGE, device::GRANT]),
        exchange_audiences: vec!["https://billing.example.com".into()],
        ..plain()
    }
}

/// Somebody who has everything that a client and its person can be given.
struct Given {
    app: App,
    things: Vec<(&'static str, String)>,
}

impl Given {
    async fn at(street: &Street, id: &str) -> Self {
        let app = street.app_as(id, draft()).await;
        let mut browser = Browser::default();
        let code = street.signs_in(&mut browser, &app, "alice").await;
        let tokens = street.tokens(&app, "alice").await;
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let own = street.asks(&app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")]).await.json();
        let access = text("access_token");
        let form = [("grant_type", EXCHANGE), ("subject_token", &access), ("subject_token_type", ACCESS_TOKEN)];
        let exchanged = street.asks(&app, "/token", &form).await.json();
        // On the way, in a browser of its own.
        let mut waiting = Browser::default();
        let attempt = street.departs(&mut waiting, &app, "acme").await;
        let cookie = waiting.cookies[&format!("{ATTEMPT}{attempt}")].clone();
        // A device that waits, and another that its person was asked about.
        let (pending, answered) = (device::asks(street, &app, "openid").await, device::asks(street, &app, "openid").await);
        let question = device::comes_to_the_question(street, &mut browser, &device::user_code(&answered), "alice").await;
        let asking = street.app_as(&format!("{id}-asking"), Draft { consent: "always".into(), ..plain() }).await;
        let (form, other_form) = (Self::consent_form(street, &asking, &browser).await, Self::consent_form(street, &asking, &browser).await);
        let things = vec![
            ("device_code", pending["device_code"].as_str().unwrap().to_owned()),
            ("user_code", device::user_code(&pending)),
            ("device form", device::form_of(&question)),
            ("consent form", form),
            ("other consent form", other_form),
            ("code", code),
            ("access token", access),
            ("refresh token", text("refresh_token")),
            ("ID token", text("id_token")),
            ("own token", own["access_token"].as_str().unwrap().to_owned()),
            ("exchanged token", exchanged["access_token"].as_str().unwrap().to_owned()),
            ("request_uri", pushed(street, &app, &[]).await),
            ("session", browser.session().unwrap().clone()),
            ("attempt", format!("{attempt} {cookie}")),
            ("secret", app.secret.clone().unwrap()),
        ];
        Self { app, things }
    }

    /// All that a browser has and sends when its person says yes to an app: attempt, its cookie, the session, and the form's token.
    async fn consent_form(street: &Street, asking: &App, browser: &Browser) -> String {
        let mut browser = browser.clone();
        let page = street.goes(&mut browser, &Street::link(asking, &[])).await;
        let [attempt, token] = ["attempt", "token"].map(|name| page.between(&format!("name=\"{name}\" value=\""), "\""));
        [attempt, &browser.cookies[&format!("{ATTEMPT}{attempt}")], browser.session().unwrap(), token].join(" ")
    }

    async fn consents(street: &Street, whole: &str, token: &str) -> Answer {
        let mut parts = whole.split(' ').chain(std::iter::repeat(whole));
        let [attempt, cookie, session] = [(); 3].map(|()| parts.next().unwrap());
        let cookies = [(format!("{ATTEMPT}{attempt}"), cookie.to_owned()), (SESSION.to_owned(), session.to_owned())].into();
        street.posts(&mut Browser { cookies }, "/consent", &[("attempt", attempt), ("token", token), ("decision", "allow")]).await
    }

    fn thing(&self, name: &str) -> &str {
        self.things.iter().find(|(kind, _)| *kind == name).map(|(_, thing)| thing.as_str()).unwrap()
    }

    /// Tries a thing at a door; whether it opened. `with` is what the caller has there itself.
    async fn tries(street: &Street, with: &Self, door: &str, thing: &str) -> (bool, Answer) {
        let app = &with.app;
        let answer = match door {
            "code" => {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", thing),
                    ("redirect_uri", &app.redirect_uri),
                    ("code_verifier", VERIFIER),
                ];
                street.asks(app, "/token", &form).await
            }
            "refresh_token" => street.refreshes(app, thing).await,
            "subject_token" => {
                let form = [("grant_type", EXCHANGE), ("subject_token", thing), ("subject_token_type", ACCESS_TOKEN)];
                street.asks(app, "/token", &form).await
            }
            "actor_token" => {
                let subject =
                    [("grant_type", EXCHANGE), ("subject_token", with.thing("access token")), ("subject_token_type", ACCESS_TOKEN)];
                street.asks(app, "/token", &[&subject[..], &[("actor_token", thing), ("actor_token_type", ACCESS_TOKEN)]].concat()).await
            }
            "client_secret" => {
                // Whoever shows the right one is not taken for a guesser.
                street.asks(app, "/introspect", &[("token", "x")]).await;
                let request = street.request(Method::POST, "/token").content_type("application/x-www-form-urlencoded");
                let request = request.header(header::AUTHORIZATION, basic(&app.id, thing));
                street.send(request.body(encode(&[("grant_type", "client_credentials"), ("scope", "api")]))).await
            }
            "introspect" | "revoke" => street.asks(app, &format!("/{door}"), &[("token", thing)]).await,
            "userinfo" => street.userinfo(thing.split(' ').next().unwrap()).await,
            "request_uri" => street.goes(&mut Browser::default(), &link(app, thing)).await,
            "logout hint" => {
                let path = format!("/logout?{}", encode(&[("id_token_hint", thing), ("client_id", &app.id)]));
                street.goes(&mut Browser::default(), &path).await
            }
            "authorize hint" => {
                street.goes(&mut Browser::default(), &Street::link(app, &[("prompt", "none"), ("id_token_hint", thing)])).await
            }
            "device_code" => street.asks(app, "/token", &[("grant_type", device::GRANT), ("device_code", thing)]).await,
            "user_code" | "device answer" => {
                let mut browser = Browser { cookies: [(SESSION.to_owned(), with.thing("session").to_owned())].into() };
                match door {
                    "user_code" => street.posts(&mut browser, "/device", &[("user_code", thing)]).await,
                    _ => street.posts(&mut browser, "/device/answer", &[("form", thing), ("answer", "allow")]).await,
                }
            }
            "consent token" => Self::consents(street, with.thing("consent form"), thing.rsplit(' ').next().unwrap()).await,
            "consent" => Self::consents(street, thing, thing.rsplit(' ').next().unwrap()).await,
            "session" => {
                let cookies = [(SESSION.to_owned(), thing.split(' ').next().unwrap().to_owned())].into();
                street.goes(&mut Browser { cookies }, &Street::link(app, &[("prompt", "none")])).await
            }
            _ => {
                let (attempt, cookie) = thing.split_once(' ').unwrap_or((thing, thing));
                let cookies = [(format!("{ATTEMPT}{attempt}"), cookie.to_owned())].into();
                street.goes(&mut Browser { cookies }, &format!("/callback/acme?{}", encode(&[("code", "alice"), ("state", attempt)]))).await
            }
        };
        let opened = match door {
            "introspect" => answer.status == StatusCode::OK && answer.json()["active"] == json!(true),
            // It answers the same to everybody; what it did is seen at home.
            "revoke" => false,
            "request_uri" => answer.status == StatusCode::OK || (answer.location().is_some() && answer.parameter("error").is_none()),
            "logout hint" => answer.status.is_success() || answer.status.is_redirection(),
            "device_code" => answer.status == StatusCode::OK || answer.error() == "authorization_pending",
            "user_code" => answer.status == StatusCode::SEE_OTHER,
            "device answer" => device::sees(&answer) == "device-done",
            "consent" | "consent token" | "authorize hint" | "session" | "callback" => answer.parameter("code").is_some(),
            _ => answer.status == StatusCode::OK,
        };
        (opened, answer)
    }

    /// What it has opens its own doors: also proof that the tries could have succeeded, and that nobody ended or spent it.
    async fn is_good_at_home(&self, street: &Street) {
        for (thing, door) in HOME {
            let (opened, answer) = Self::tries(street, self, door, self.thing(thing)).await;
            assert!(opened, "{thing} at {door}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn attack_88_nothing_that_another_house_gave_out_opens_anything() {
    let ours = Street::open().await;
    let options = RigOptions {
        issuer: "https://other.example.com".into(),
        sealing_key: "f279f9251c0b1e7c6a06103d8fe0ebf47327d2ebcfb499f32403207962fe980f",
        ..RigOptions::default()
    };
    let theirs = Street::with(options).await;
    // The same app under the same name in both.
    let (here, there) = (Given::at(&ours, "app").await, Given::at(&theirs, "app").await);
    for (door, _) in DOORS {
        for (kind, thing) in &there.things {
            let (opened, answer) = Given::tries(&ours, &here, door, thing).await;
            assert!(!opened, "their {kind} opened {door}: {answer:?}");
        }
    }
    here.is_good_at_home(&ours).await;
    there.is_good_at_home(&theirs).await;
}

#[tokio::test]
async fn attack_88_nothing_that_another_client_was_given_opens_anything() {
    let street = Street::open().await;
    let (one, other) = (Given::at(&street, "one").await, Given::at(&street, "other").await);
    for (door, _) in DOORS.iter().filter(|(_, by_whom)| *by_whom) {
        for (kind, thing) in &one.things {
            let (opened, answer) = Given::tries(&street, &other, door, thing).await;
            assert!(!opened, "another client's {kind} opened {door}: {answer:?}");
        }
    }
    other.is_good_at_home(&street).await;
    one.is_good_at_home(&street).await;
}

#[tokio::test]
async fn attack_88_a_yes_to_one_app_is_none_to_another_and_what_one_may_is_not_what_its_device_may() {
    let street = Street::open().await;
    let asking = Draft { consent: "remembered".into(), ..plain() };
    let (one, other) = (street.app_as("one", asking.clone()).await, street.app_as("other", asking).await);
    let mut browser = Browser::default();
    let question = street.arrives(&mut browser, &one, "alice").await;
    let page = street.goes(&mut browser, question.header("location")).await;
    let [attempt, token] = ["attempt", "token"].map(|name| page.between(&format!("name=\"{name}\" value=\""), "\"").to_owned());
    let form = [("attempt", attempt.as_str()), ("token", token.as_str()), ("decision", "allow")];
    assert!(street.posts(&mut browser, "/consent", &form).await.parameter("code").is_some());
    let again = street.goes(&mut browser, &Street::link(&one, &[("prompt", "none")])).await;
    assert!(again.parameter("code").is_some(), "it is remembered: {again:?}");
    let silent = street.goes(&mut browser, &Street::link(&other, &[("prompt", "none")])).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("consent_required"));
    // Nor does it answer for a device, which may be anybody's.
    let tv = device::television(&street).await;
    let started = device::asks(&street, &tv, "openid").await;
    let question = device::comes_to_the_question(&street, &mut browser, &device::user_code(&started), "alice").await;
    assert_eq!(device::sees(&street.goes(&mut browser, &question).await), "ask-device");
    assert_eq!(device::polls(&street, &tv, &started).await.error(), "authorization_pending");
}
