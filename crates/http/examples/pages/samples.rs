//! Every hosted page with believable values: written out by the example, checked one by one by the tests.

use time::{Duration, OffsetDateTime, macros::datetime};
use vestibule_domain::{
    account::LinkedBy,
    consent::Again,
    provider::{ButtonWording, EmailTrust},
    rehearsal::{Believed, Made, Rehearsal, Verdict},
};
use vestibule_flows::{TrialOutcome, TriedSignIn};
use vestibule_http::pages::{
    AccountPage, Addition, AppAccess, Appearance, AskDevice, Brand, BrandDraft, Choice, Chooser, ConfirmLogout, ConsentPage, DeviceDone,
    EmailForm, EnterCode, ErrorKind, ErrorPage, FormPost, FormTarget, Frame, Href, Notice, Onward, Page, PostForm, Remove, ReturnToApp,
    SignInAgain, SignedIn, SignedOut, Tried, Way,
    texts::{TextOverrides, TextsDraft},
};

pub(crate) const AT: OffsetDateTime = datetime!(2026-11-24 09:41:07 UTC);
pub(crate) const REFERENCE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What strangers choose in a page: names, labels and values they sent.
pub(crate) struct Words<'a> {
    pub(crate) app: &'a str,
    pub(crate) providers: [&'a str; 3],
    pub(crate) person: &'a str,
    pub(crate) value: &'a str,
}

pub(crate) const BELIEVABLE: Words<'_> = Words {
    app: "Grafana",
    providers: ["Acme", "Northwind Staff", "Partner Login"],
    person: "ada@corp.example",
    value: "https://grafana.example.com/login/oauth2",
};

/// Nine providers as many companies have them: id and mark, name, and what stands before it.
const NINE: [(&str, &str, ButtonWording); 9] = [
    ("google", "Google", ButtonWording::SignInWith),
    ("microsoft", "Microsoft", ButtonWording::SignInWith),
    ("apple", "Apple", ButtonWording::SignInWith),
    ("github", "GitHub", ButtonWording::ContinueWith),
    ("facebook", "Facebook", ButtonWording::ContinueWith),
    ("gitlab", "GitLab", ButtonWording::ContinueWith),
    ("slack", "Slack", ButtonWording::SignInWith),
    ("discord", "Discord", ButtonWording::ContinueWith),
    ("linkedin", "LinkedIn", ButtonWording::SignInWith),
];

/// The marks that [`NINE`] leaves over.
const OTHERS: [(&str, &str); 6] =
    [("okta", "Okta"), ("auth0", "Auth0"), ("keycloak", "Keycloak"), ("cognito", "Cognito"), ("x", "X"), ("salesforce", "Salesforce")];

pub(crate) fn choice(id: &str, label: &str) -> Choice {
    Choice {
        id: id.to_owned(),
        label: label.to_owned(),
        wording: ButtonWording::ContinueWith,
        icon: Some(id.to_owned()),
        trouble: false,
        href: Href::local(&format!("/login/{id}?attempt=01JDF3M8")).expect("a local path"),
    }
}

/// A brand of an operator, with words of their own.
pub(crate) fn branded() -> Appearance {
    let draft = BrandDraft {
        name: Some("Corp ID".into()),
        accent: Some("#7a1fa2".into()),
        accent_dark: None,
        help: Some("mailto:help@corp.example".into()),
        privacy: Some("https://corp.example/privacy".into()),
    };
    let words = [("footer", "Run by Corp IT, room 4.12."), ("chooser_title", "Welcome to Corp")];
    let words = words.map(|(key, text)| (key.to_owned(), text.to_owned())).into();
    let mut faults = Vec::new();
    let overrides = TextOverrides::check(&TextsDraft::from([("*".to_owned(), words)]), "/texts", &mut faults);
    let brand = Brand::check(&draft, "/brand", &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    Appearance { brand, overrides }
}

fn post(action: &str, value: &str) -> PostForm {
    PostForm {
        action: Href::local(action).expect("a local path"),
        fields: vec![("csrf", "k3v9Qm".to_owned()), ("state", value.to_owned())],
    }
}

/// Letting a device in.
fn devices(words: &Words<'_>) -> Vec<(String, Box<dyn Page>)> {
    let enter = |code: Option<&str>, unknown| EnterCode {
        action: Href::local("/device").expect("a local path"),
        code: code.map(str::to_owned),
        unknown,
    };
    let ask = |scopes: &[&str], network: Option<&str>, is_near| AskDevice {
        client_name: words.app.to_owned(),
        person: Some(words.person.to_owned()),
        user_code: "WDJB-MJHT".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        asked: AT,
        network: network.map(str::to_owned),
        is_near,
        form: post("/device/answer", words.value),
    };
    let done = |allowed| DeviceDone { client_name: words.app.to_owned(), allowed };
    let everything = ["openid", "profile", "email", "groups", "offline_access", words.value];
    let pages: [(&str, Box<dyn Page>); 7] = [
        ("enter-code", Box::new(enter(None, false))),
        ("enter-code-brought", Box::new(enter(Some("WDJB-MJHT"), false))),
        ("enter-code-unknown", Box::new(enter(None, true))),
        ("ask-device", Box::new(ask(&["openid", "email"], Some("203.0.113.0/24"), true))),
        ("ask-device-far", Box::new(ask(&everything, Some("2001:db8:1::/48"), false))),
        ("device-allowed", Box::new(done(true))),
        ("device-denied", Box::new(done(false))),
    ];
    pages.into_iter().map(|(name, page)| (name.to_owned(), page)).collect()
}

/// An answer to an app, in a form.
fn answer(value: &str) -> PostForm {
    PostForm {
        action: Href::app("https://grafana.example.com/login/oauth2").expect("a web address"),
        fields: vec![
            ("code", "SplxlOBeZQQYbYS6WxSbIA".to_owned()),
            ("state", value.to_owned()),
            ("iss", "https://sso.example.com".to_owned()),
        ],
    }
}

fn ends_at() -> Vec<FormTarget> {
    FormTarget::after(&"https://grafana.example.com/login/oauth2".parse().expect("a URL"))
}

/// All samples with `words` in every place a stranger can reach, each under the name of its file.
pub(crate) fn all(words: &Words<'_>) -> Vec<(String, Box<dyn Page>)> {
    let app = || words.app.to_owned();
    let back = || Href::app("https://grafana.example.com/?error=access_denied&state=af0ifjsldkj").expect("a web address");
    let confirm = |client_name, stay| ConfirmLogout {
        client_name,
        action: Href::local("/logout").expect("a local path"),
        fields: vec![("state", words.value.to_owned()), ("csrf", "k3v9Qm".to_owned())],
        stay,
        ends_at: FormTarget::of(&"https://grafana.example.com/signed-out".parse().expect("a URL")),
    };
    let mut pages = choosers(words);
    pages.extend(accounts(words));
    pages.extend(consents(words));
    pages.push(("trial".to_owned(), Box::new(trial(words))));
    pages.extend(devices(words));
    let signed_out = |client_name, back| SignedOut { client_name, back, goes_on: false, told: Vec::new(), frames: Vec::new() };
    let told = SignedOut {
        goes_on: true,
        told: vec![app(), "Wiki".to_owned()],
        frames: ["https://grafana.example.com/logout?iss=https%3A%2F%2Fsso.example.com&sid=019ab55f", "https://wiki.example.com:8443/bye"]
            .into_iter()
            .filter_map(Frame::of)
            .collect(),
        ..signed_out(Some(app()), Some(back()))
    };
    let rest: [(&str, Box<dyn Page>); 9] = [
        ("signed-out", Box::new(signed_out(Some(app()), Some(back())))),
        ("signed-out-alone", Box::new(signed_out(None, None))),
        ("signed-out-told", Box::new(told)),
        ("confirm-logout", Box::new(confirm(Some(app()), Some(back())))),
        ("confirm-logout-alone", Box::new(confirm(None, None))),
        (
            "return-to-app",
            Box::new(ReturnToApp {
                client_name: app(),
                href: Href::app("app.immich:///oauth-callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj")
                    .expect("a private-use scheme"),
            }),
        ),
        ("form-post", Box::new(FormPost { client_name: app(), form: answer(words.value), ends_at: ends_at() })),
        (
            "error-with-form",
            Box::new(ErrorPage::new(ErrorKind::PersonDeclined, REFERENCE, AT).app(words.app).back_by(answer(words.value), ends_at())),
        ),
        (
            "onward",
            Box::new(Onward {
                provider_label: words.providers[0].to_owned(),
                href: Href::local("/login/acme?attempt=01JDF3M8").expect("a local path"),
            }),
        ),
    ];
    pages.extend(rest.map(|(name, page)| (name.to_owned(), page)));
    for kind in kinds(words.value) {
        let local = |path| Href::local(path).expect("a local path");
        let page = ErrorPage::new(kind, REFERENCE, AT).detail("client_id", words.value);
        let page = match page.kind() {
            ErrorKind::ClientUnknown | ErrorKind::NotFound | ErrorKind::MethodNotAllowed { .. } | ErrorKind::TooManyRequests { .. } => page,
            ErrorKind::LinkTaken => page.provider(words.providers[0]).account(local("/account")),
            ErrorKind::ProviderPaused { .. } => {
                page.app(words.app).provider(words.providers[0]).choose_again(local("/choose?attempt=01JDF3M8")).back(back())
            }
            _ => page.app(words.app).provider(words.providers[0]).back(back()),
        };
        pages.push((format!("error-{}", page.kind().code()), Box::new(page)));
    }
    pages
}

fn trial(words: &Words<'_>) -> Tried {
    let made =
        |claim: &str, from: Option<&str>, value: serde_json::Value| Made { claim: claim.to_owned(), from: from.map(str::to_owned), value };
    let claims = vec![
        made("name", Some("/name"), words.value.into()),
        made("email", Some("/email"), "ada@corp.example".into()),
        made("groups", Some("/realm_access/roles"), serde_json::json!(["eng", "eng-core"])),
        made("team", None, "none".into()),
    ];
    let rehearsal = Rehearsal {
        claims,
        email: Believed { trust: EmailTrust::Claim, verified: true, why: "the provider says that it is verified".into() },
        unused: vec!["hd".to_owned(), words.value.to_owned()],
        rules: vec![
            Verdict { rule: "provider.email_domains".to_owned(), met: true },
            Verdict { rule: "provider.groups".to_owned(), met: false },
        ],
        admitted: false,
    };
    let tried = TriedSignIn {
        issuer: "https://login.acme.example".to_owned(),
        subject: words.value.to_owned(),
        tokens: vec!["access_token".to_owned(), "id_token".to_owned()],
        scope: Some("openid profile email".to_owned()),
        rehearsal,
    };
    Tried { provider: words.providers[0].to_owned(), outcome: TrialOutcome::SignedIn(tried) }
}

fn choosers(words: &Words<'_>) -> Vec<(String, Box<dyn Page>)> {
    let [first, second, third] = words.providers;
    let chooser = |choices, last_used: Option<&str>| Chooser {
        client_name: Some(words.app.to_owned()),
        returns_to: Some("grafana.example.com".to_owned()),
        choices,
        last_used: last_used.map(str::to_owned),
        email: None,
    };
    let three = || vec![choice("acme", first), choice("northwind", second), choice("partner", third)];
    let nine = NINE.map(|(id, label, wording)| Choice { wording, ..choice(id, label) });
    let mut troubled = three();
    troubled[2].trouble = true;
    let email = |unknown| Some(EmailForm { form: post("/login?attempt=01JDF3M8", words.value), unknown });
    let long = "The Directory of Northwind Traders and Partners in Europe";
    let mut wide = vec![choice("github", "GitHub"), choice("long", long)];
    wide[1].trouble = true;
    let pages: [(&str, Chooser); 9] = [
        ("chooser", chooser(three(), Some("northwind"))),
        ("chooser-one", chooser(vec![choice("acme", first)], None)),
        ("chooser-nine", chooser(nine.to_vec(), Some("github"))),
        ("chooser-others", chooser(OTHERS.map(|(id, label)| choice(id, label)).to_vec(), None)),
        ("chooser-trouble", chooser(troubled, Some("partner"))),
        ("chooser-long", chooser(wide, Some("long"))),
        ("chooser-email", Chooser { email: email(false), ..chooser(three(), None) }),
        ("chooser-email-unknown", Chooser { email: email(true), ..chooser(three(), None) }),
        ("chooser-own", Chooser { client_name: None, returns_to: None, ..chooser(three(), None) }),
    ];
    pages.into_iter().map(|(name, page)| (name.to_owned(), Box::new(page) as Box<dyn Page>)).collect()
}

fn consents(words: &Words<'_>) -> Vec<(String, Box<dyn Page>)> {
    let consent = |scopes: &[&str]| ConsentPage {
        client_name: words.app.to_owned(),
        known_by: None,
        returns_to: "grafana.example.com".to_owned(),
        person: Some(words.person.to_owned()),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        again: Again::ForMore,
        is_vetted: true,
        form: post("/consent", words.value),
        ends_at: ends_at(),
        other_account: Href::local("/login?attempt=01JDF3M8"),
    };
    let all = ["email", "groups", "offline_access", "openid", "profile", "tickets:read"];
    let pages = [
        ("consent", consent(&all)),
        ("consent-each-time", ConsentPage { again: Again::EachTime, ..consent(&["openid", "profile"]) }),
        (
            "consent-unvetted",
            ConsentPage { again: Again::EachTime, is_vetted: false, person: None, other_account: None, ..consent(&["openid", "email"]) },
        ),
        (
            "consent-document",
            ConsentPage {
                again: Again::EachTime,
                is_vetted: false,
                person: None,
                other_account: None,
                known_by: Some("agent.example".to_owned()),
                returns_to: "127.0.0.1".to_owned(),
                ..consent(&["openid", "profile"])
            },
        ),
    ];
    pages.into_iter().map(|(name, page)| (name.to_owned(), Box::new(page) as Box<dyn Page>)).collect()
}

fn accounts(words: &Words<'_>) -> Vec<(String, Box<dyn Page>)> {
    let local = |path: &str| Href::local(path).expect("a local path");
    let way = |provider: &str, label: &str, by, days, remove| Way {
        provider: provider.to_owned(),
        label: label.to_owned(),
        icon: Some(provider.to_owned()),
        current: provider == "google",
        name: Some("Ada Lovelace".to_owned()),
        email: Some(words.person.to_owned()),
        created: AT - Duration::days(days),
        by,
        used: AT - Duration::days(days / 9),
        remove,
    };
    let [first, ..] = words.providers;
    let ways = |remove: &dyn Fn() -> Remove| {
        vec![
            way("google", "Google", LinkedBy::FirstSignIn, 400, remove()),
            way("github", "GitHub", LinkedBy::Person, 90, remove()),
            way("acme", first, LinkedBy::Email, 30, remove()),
            way("okta", "Okta", LinkedBy::Person, 3, remove()),
        ]
    };
    let addition = |provider: &str, label: &str| Addition {
        provider: provider.to_owned(),
        label: label.to_owned(),
        icon: Some(provider.to_owned()),
        form: post("/account/links", words.value),
    };
    let sessions = |end: bool| {
        let session = |user_agent: Option<&str>, current, days| SignedIn {
            user_agent: user_agent.map(str::to_owned),
            by: vec![words.providers[0].to_owned(), "2001:db8::7".to_owned()],
            current,
            seen: AT - time::Duration::days(days),
            end: (end && !current).then(|| post("/account/sessions/end", words.value)),
        };
        vec![
            session(Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), true, 0),
            session(Some("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"), false, 2),
            session(Some(words.value), false, 5),
        ]
    };
    let apps = |revoke: bool| {
        let app = |name: &str, scopes: &[&str]| AppAccess {
            name: name.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            since: AT - time::Duration::days(90),
            used: AT - time::Duration::days(1),
            begin: Href::app("https://wiki.example.com/login?iss=https%3A%2F%2Fsso.example.com").filter(|_| name == "Wiki"),
            revoke: revoke.then(|| post("/account/apps/revoke", words.value)),
        };
        vec![app(words.app, &["openid", "profile", "email", "offline_access"]), app("Wiki", &["openid", "groups", "wiki:write"])]
    };
    let page = |notice, ways: Vec<Way>, additions: Vec<Addition>, again: Option<Href>| {
        let changes = again.is_none() && !ways.is_empty();
        AccountPage {
            person: Some(words.person.to_owned()),
            notice,
            sessions: if ways.len() > 1 { sessions(changes) } else { Vec::new() },
            end_others: (changes && ways.len() > 1).then(|| post("/account/sessions/end", words.value)),
            apps: if ways.len() > 1 { apps(changes) } else { Vec::new() },
            ways,
            additions,
            again,
            sign_out: local("/logout"),
        }
    };
    let additions = || vec![addition("microsoft", "Microsoft"), addition("partner", words.providers[2])];
    let only = vec![way("google", "Google", LinkedBy::FirstSignIn, 400, Remove::OnlyWay)];
    let pages: [(&str, Box<dyn Page>); 5] = [
        (
            "account",
            Box::new(page(Some(Notice::Added), ways(&|| Remove::By(post("/account/links/remove", words.value))), additions(), None)),
        ),
        ("account-one", Box::new(page(Some(Notice::Removed), only, additions(), None))),
        ("account-stale", Box::new(page(Some(Notice::Stale), ways(&|| Remove::NotNow), Vec::new(), Some(local("/account/again"))))),
        ("account-nameless", Box::new(AccountPage { person: None, ..page(Some(Notice::LastOne), Vec::new(), Vec::new(), None) })),
        ("sign-in-again", Box::new(SignInAgain { again: local("/account/again"), cancel: local("/account") })),
    ];
    pages.into_iter().map(|(name, page)| (name.to_owned(), page)).collect()
}

/// One of each kind.
pub(crate) fn kinds(value: &str) -> Vec<ErrorKind> {
    vec![
        ErrorKind::ClientUnknown,
        ErrorKind::RedirectMismatch { received: value.to_owned(), first_difference: Some("path") },
        ErrorKind::RequestInvalid { detail: value.to_owned() },
        ErrorKind::RequestExpired,
        ErrorKind::CookiesBlocked,
        ErrorKind::PersonDeclined,
        ErrorKind::UpstreamUnavailable { phase: "token", status: Some(503) },
        ErrorKind::UpstreamInvalid { phase: "token" },
        ErrorKind::UpstreamMisconfigured,
        ErrorKind::ProviderPaused { retry_after: 40 },
        ErrorKind::EmailNotVerified { claim: "email_verified" },
        ErrorKind::NotAllowed { rule: value.to_owned() },
        ErrorKind::LinkTaken,
        ErrorKind::AccountDisabled,
        ErrorKind::ClockSkew,
        ErrorKind::Unavailable,
        ErrorKind::Internal,
        ErrorKind::NotFound,
        ErrorKind::MethodNotAllowed { allow: "GET, POST" },
        ErrorKind::TooManyRequests { retry_after: 30 },
        ErrorKind::LogoutInvalid { detail: value.to_owned() },
    ]
}
