//! A person in Chromium, from the chooser through each provider to an app of the tutorials (Flask and Authlib) that reads its tokens.
//!
//! Google, GitHub, Apple, Microsoft and Okta are npm `emulate`, which has no teams and no GitHub Apps; Facebook, GitLab and a GitHub with teams
//! are our own stand-ins, which `stand_ins.rs` proves; the other issuers are npm `oidc-provider` and PyPI `nanoidp`.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_crypto::SystemClock;
use vestibule_testkit::stand_ins::{
    Registration,
    facebook::Facebook,
    github::{AppKind, Github},
    gitlab::Gitlab,
};
use vestibule_tests::{
    CLIENT_ID, CLIENT_SECRET, Client, Emulated, Emulators, House, HouseOptions, Nanoidp, Neighbours, Program, Upstream, browser, free_port,
    python, screenshots,
};

const SCOPE: &str = "openid profile email groups offline_access";

/// An app, and the client that it is here.
struct App {
    program: Program,
    client: Client,
}

impl App {
    async fn of(house: &House) -> Self {
        let port = free_port();
        let client = house
            .register(json!({
                "client_name": "Flask app",
                "redirect_uris": [format!("http://127.0.0.1:{port}/callback")],
                "scope": SCOPE,
            }))
            .await;
        let mut command = python("flask_app.py");
        command
            .env("OIDC_DISCOVERY", format!("{}/.well-known/openid-configuration", house.issuer))
            .env("OIDC_CLIENT_ID", &client.client_id)
            .env("OIDC_CLIENT_SECRET", &client.client_secret)
            .env("OIDC_SCOPE", SCOPE)
            .env("PORT", port.to_string());
        Self { program: Program::start(command), client }
    }

    /// A new person goes from the app to the chooser, picks `provider`, does `there` what has to be done, and looks at the app what it knows of
    /// them.
    async fn is_entered(&self, provider: &str, there: Value) -> Value {
        let mut steps = self.to_the_provider(provider);
        steps.extend(there.as_array().expect("steps").iter().cloned());
        steps.extend([
            // The app asks for consent each time.
            json!({ "click": "main[data-page=consent] button[value=allow]" }),
            json!({ "expect": "#person" }),
            json!({ "click": "#me" }),
            json!({ "expect": "#userinfo", "keep": "userinfo" }),
            json!({ "goto": self.program.url }),
            json!({ "click": "#refresh" }),
            json!({ "expect": "#refreshed", "text": "\"renewed\": true" }),
        ]);
        let seen = browser(json!({}), Value::Array(steps)).await;
        let text = seen["kept"]["userinfo"].as_str().unwrap_or_else(|| panic!("{seen:#}"));
        serde_json::from_str(text).expect("userinfo is JSON")
    }

    /// The same, for somebody who comes no further than to a page of ours: its code is `code`. Returns the reference.
    async fn is_not_entered(&self, provider: &str, there: Value, code: &str) -> String {
        let mut steps = self.to_the_provider(provider);
        steps.extend(there.as_array().expect("steps").iter().cloned());
        steps.extend([
            json!({ "expect": format!("main[data-code={code}]") }),
            json!({ "screenshot": screenshots().join(format!("{provider}-{code}.png")) }),
            json!({ "expect": ".reference", "keep": "reference" }),
        ]);
        let seen = browser(json!({}), Value::Array(steps)).await;
        seen["kept"]["reference"].as_str().expect("a page has a reference").to_owned()
    }

    fn to_the_provider(&self, provider: &str) -> Vec<Value> {
        vec![
            json!({ "goto": self.program.url }),
            json!({ "click": "#login" }),
            json!({ "screenshot": screenshots().join(format!("chooser-{provider}.png")) }),
            json!({ "click": format!("[data-provider={provider}]") }),
        ]
    }
}

/// The button of somebody at an emulator.
fn emulated_person(name: &str) -> Value {
    json!([{ "click": format!("button:has(.user-login:text-is(\"{name}\"))") }])
}

/// The button of somebody at a stand-in of ours, and at the pages around npm `oidc-provider`.
fn person(name: &str) -> Value {
    json!([{ "click": format!("button[value={name}]") }])
}

/// What the audit log has of the last event of this name.
fn last(house: &House, name: &str) -> Value {
    let found = house.audit().into_iter().rfind(|event| event["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {name} in {:#?}", house.audit()))
}

/// A house between emulators. Two of them at least: with one provider there is no chooser. It calls itself `localhost`, which is another site
/// than the emulators' 127.0.0.1, so that cookies are kept back where they would be at real providers.
async fn among_emulators(which: &[Emulated], more: impl Fn(Emulated) -> &'static str) -> (House, App, Emulators) {
    let options = HouseOptions { host: Some("localhost"), ..HouseOptions::default() };
    let (house, emulators) = House::start_among(options, async |gateway: &str| {
        let emulators = Emulators::start(gateway, which);
        (emulators.neighbours(more), emulators)
    })
    .await;
    let app = App::of(&house).await;
    (house, app, emulators)
}

#[tokio::test]
async fn attack_11_google_vouches_for_the_address_and_the_token_says_whose_domain_it_is() {
    let only_corp = |emulated| if emulated == Emulated::Google { "hosted_domains = [\"corp.example\"]" } else { "" };
    let (house, app, _emulators) = among_emulators(&[Emulated::Google, Emulated::Okta], only_corp).await;

    let alice = app.is_entered("google", emulated_person("alice@corp.example")).await;
    assert_eq!((&alice["name"], &alice["email"]), (&json!("Alice Archer"), &json!("alice@corp.example")), "{alice:#}");
    assert_eq!(alice["email_verified"], true);
    let login = last(&house, "login.succeeded");
    assert_eq!((&login["provider"], &login["client"]), (&json!("google"), &json!(app.client.client_id)));

    let reference = app.is_not_entered("google", emulated_person("mallory@gmail.com"), "not_allowed").await;
    let denied = last(&house, "login.denied_by_policy");
    assert_eq!((&denied["reason"], &denied["trace_id"]), (&json!("entry_rule"), &json!(reference)), "{denied:#}");
    let explained = house.command(&["explain", &reference]);
    assert!(explained.contains("login.denied_by_policy"), "{explained}");
    assert!(explained.contains(": a rule about who may enter does not let them in (entry_rule). Here: "), "{explained}");
    assert!(explained.contains("token") && explained.contains("status 200 in "), "what the provider answered: {explained}");
    assert!(explained.contains("not met"), "{explained}");
}

#[tokio::test]
async fn github_is_asked_for_the_verified_address() {
    let (house, app, _emulators) = among_emulators(&[Emulated::Github, Emulated::Okta], |_| "").await;
    let alice = app.is_entered("github", emulated_person("alice")).await;
    assert_eq!((&alice["name"], &alice["email"]), (&json!("Alice Archer"), &json!("alice@corp.example")), "{alice:#}");
    assert_eq!((&alice["email_verified"], &alice["preferred_username"]), (&json!(true), &json!("alice")));
    assert_eq!(last(&house, "login.succeeded")["provider"], "github");
}

/// Apple answers with a POST from its own site, without the cookies of the attempt.
#[tokio::test]
async fn apple_posts_back_from_another_site_and_tells_the_name_once() {
    let (house, app, _emulators) = among_emulators(&[Emulated::Apple, Emulated::Okta], |_| "").await;
    let alice = app.is_entered("apple", emulated_person("alice@icloud.com")).await;
    assert_eq!((&alice["name"], &alice["email"]), (&json!("Alice Archer"), &json!("alice@icloud.com")), "{alice:#}");
    assert_eq!(alice["email_verified"], true, "it comes as a text and goes on as a boolean");
    assert_eq!(last(&house, "login.succeeded")["provider"], "apple");

    let again = app.is_entered("apple", emulated_person("alice@icloud.com")).await;
    assert_eq!((&again["sub"], &again["name"]), (&alice["sub"], &alice["name"]), "what was told once is not forgotten");
}

/// In a tenant of their own, people write into `email` what they like.
#[tokio::test]
async fn attack_07_microsoft_does_not_vouch_for_an_address_without_saying_so() {
    let (house, app, _emulators) = among_emulators(&[Emulated::Microsoft, Emulated::Okta], |_| "").await;
    let alice = app.is_entered("microsoft", emulated_person("alice@corp.example")).await;
    assert_eq!((&alice["name"], &alice["email"]), (&json!("Alice Archer"), &json!("alice@corp.example")), "{alice:#}");
    assert_eq!(alice["email_verified"], false);
    assert_eq!(last(&house, "login.succeeded")["provider"], "microsoft");
}

#[tokio::test]
async fn okta_says_in_which_groups_somebody_is() {
    let (house, app, _emulators) = among_emulators(&[Emulated::Okta, Emulated::Google], |_| "").await;
    let alice = app.is_entered("okta", emulated_person("alice@corp.example")).await;
    assert_eq!((&alice["name"], &alice["groups"]), (&json!("Alice Archer"), &json!(["engineers"])), "{alice:#}");
    assert_eq!(last(&house, "login.succeeded")["provider"], "okta");
}

#[tokio::test]
async fn each_provider_makes_an_account_of_its_own_of_the_same_address() {
    let (house, app, _emulators) = among_emulators(&[Emulated::Google, Emulated::Okta], |_| "").await;
    let google = app.is_entered("google", emulated_person("alice@corp.example")).await;
    let okta = app.is_entered("okta", emulated_person("alice@corp.example")).await;
    assert_eq!((&google["email"], &google["email_verified"]), (&okta["email"], &okta["email_verified"]), "{google:#} {okta:#}");
    assert_ne!(google["sub"], okta["sub"], "an address identifies nobody unless an operator says so");
    let made = house.audit().into_iter().filter(|event| event["name"] == "user.provisioned").count();
    assert_eq!(made, 2);
}

/// A house between our own stand-ins.
async fn among_stand_ins() -> (House, App, (Facebook, Gitlab, Github)) {
    let (house, stand_ins) = House::start_among(HouseOptions::default(), async |gateway: &str| {
        let known = |id: &str| Registration::new(CLIENT_ID, CLIENT_SECRET, &format!("{gateway}/callback/{id}"));
        let clock = Arc::new(SystemClock);
        let facebook = Facebook::start(known("facebook"), clock.clone()).await;
        let gitlab = Gitlab::start(known("gitlab"), clock.clone()).await;
        let github = Github::start(known("github"), AppKind::OauthApp, clock).await;
        let client = format!("client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"");
        let neighbours = Neighbours::default()
            .with(
                &format!(
                    "preset = \"facebook\"\nid = \"facebook\"\n{client}\n\
                     authorization_endpoint = \"{0}/v26.0/dialog/oauth\"\n\
                     token_endpoint = \"{0}/v26.0/oauth/access_token\"\n\
                     userinfo_endpoint = \"{0}/v26.0/me\"",
                    facebook.url()
                ),
                &[&facebook.url()],
            )
            .with(&format!("preset = \"gitlab\"\nid = \"gitlab\"\n{client}\nissuer = \"{}\"", gitlab.url()), &[&gitlab.url()])
            .with(
                &format!(
                    "preset = \"github\"\nid = \"github\"\n{client}\n\
                     authorization_endpoint = \"{0}/login/oauth/authorize\"\n\
                     token_endpoint = \"{0}/login/oauth/access_token\"\n\
                     api_url = \"{0}/api/v3\"\n\
                     scopes = [\"read:user\", \"user:email\", \"read:org\"]",
                    github.url()
                ),
                &[&github.url()],
            );
        (neighbours, (facebook, gitlab, github))
    })
    .await;
    let app = App::of(&house).await;
    (house, app, stand_ins)
}

#[tokio::test]
async fn facebook_gets_the_proof_it_wants_and_vouches_for_no_address() {
    let (house, app, (facebook, ..)) = among_stand_ins().await;
    let alice = app.is_entered("facebook", person("alice")).await;
    assert_eq!((&alice["name"], &alice["email"]), (&json!("Alice Archer"), &json!("alice@example.com")), "{alice:#}");
    assert_eq!((&alice["given_name"], &alice["email_verified"]), (&json!("Alice"), &json!(false)));
    let asked: Vec<_> = facebook.seen().into_iter().filter(|asked| asked.path.ends_with("/me")).collect();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.parameter("appsecret_proof").is_some()), "{asked:?}");

    let pavel = app.is_entered("facebook", person("pavel")).await;
    assert_eq!((&pavel["name"], &pavel["email"]), (&json!("Pavel Petrov"), &Value::Null), "an account with a telephone number alone");
    assert_ne!(pavel["sub"], alice["sub"]);
    assert_eq!(last(&house, "login.succeeded")["provider"], "facebook");
}

#[tokio::test]
async fn somebody_who_cancels_at_facebook_sees_why() {
    let (house, app, _stand_ins) = among_stand_ins().await;
    let reference = app.is_not_entered("facebook", json!([{ "click": "#refuse" }]), "person_declined").await;
    let failed = last(&house, "login.failed");
    assert_eq!((&failed["reason"], &failed["trace_id"]), (&json!("person_declined"), &json!(reference)), "{failed:#}");
}

#[tokio::test]
async fn gitlab_tells_groups_by_userinfo_alone() {
    let (house, app, _stand_ins) = among_stand_ins().await;
    let alice = app.is_entered("gitlab", person("alice")).await;
    assert_eq!(alice["groups"], json!(["acme", "acme/platform", "friends"]), "{alice:#}");
    assert_eq!((&alice["email"], &alice["email_verified"]), (&json!("alice@example.com"), &json!(true)));
    let carol = app.is_entered("gitlab", person("carol")).await;
    assert_eq!((&carol["email"], &carol["email_verified"]), (&json!("carol@example.com"), &json!(false)), "she never confirmed it");
    assert_eq!(last(&house, "login.succeeded")["provider"], "gitlab");
}

#[tokio::test]
async fn attack_10_github_knows_people_by_number_and_tells_organizations_teams_and_the_verified_address() {
    let (_house, app, (.., github)) = among_stand_ins().await;
    let alice = app.is_entered("github", person("alice")).await;
    let expected = json!(["acme", "friends", "zoo", "acme:platform", "acme:on-call", "zoo:keepers"]);
    assert_eq!((&alice["groups"], &alice["email"]), (&expected, &json!("alice@example.com")), "{alice:#}");
    let erin = app.is_entered("github", person("erin")).await;
    assert_eq!((&erin["name"], &erin["email"]), (&json!("erin"), &Value::Null), "an address that is not verified is nobody's: {erin:#}");

    github.changes("alice", |alice| alice.login = "alice-archer".to_owned());
    github.changes("erin", |erin| erin.login = "alice".to_owned());
    let renamed = app.is_entered("github", person("alice")).await;
    assert_eq!((&renamed["sub"], &renamed["preferred_username"]), (&alice["sub"], &json!("alice-archer")), "a login is not an id");
    let taker = app.is_entered("github", person("erin")).await;
    assert_eq!(taker["sub"], erin["sub"], "whoever takes a login that was given up is not who gave it up");
}

#[tokio::test]
async fn two_issuers_at_once_of_which_one_changes_its_keys_between_two_logins() {
    let (house, (_first, second)) = House::start_among(HouseOptions::default(), async |gateway: &str| {
        let (first, second) = (Upstream::start(gateway), Nanoidp::start(gateway, "second"));
        let section = format!(
            "preset = \"oidc\"\nid = \"acme\"\nlabel = \"Acme\"\nissuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"",
            first.issuer()
        );
        let neighbours =
            Neighbours::default().with(&section, &[first.issuer()]).with(&second.section("second"), &[second.issuer()]);
        (neighbours, (first, second))
    })
    .await;
    let app = App::of(&house).await;
    let (name, password) = Nanoidp::PERSON;
    let there = json!([
        { "fill": "#username", "value": name },
        { "fill": "#password", "value": password },
        { "click": "button[type=submit]:has-text(\"Authorize\")" },
    ]);

    let alice = app.is_entered("acme", person("alice")).await;
    let dora = app.is_entered("second", there.clone()).await;
    assert_eq!((&alice["name"], &dora["email"]), (&json!("Alice Archer"), &json!("dora@second.example")), "{alice:#} {dora:#}");
    assert_eq!(dora["groups"], json!(["crew"]));

    second.rotate_keys().await;
    let again = app.is_entered("second", there).await;
    assert_eq!(again["sub"], dora["sub"], "{again:#}");
    let still = app.is_entered("acme", person("alice")).await;
    assert_eq!(still["sub"], alice["sub"]);
    let providers: Vec<_> =
        house.audit().into_iter().filter(|event| event["name"] == "login.succeeded").map(|event| event["provider"].clone()).collect();
    assert_eq!(providers, ["acme", "second", "second", "acme"]);
}
