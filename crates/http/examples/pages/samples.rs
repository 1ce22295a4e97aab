//! Every hosted page with believable values: written out by the example, checked one by one by the tests.

use time::{OffsetDateTime, macros::datetime};
use vestibule_http::pages::{Choice, Chooser, ConfirmLogout, ErrorKind, ErrorPage, FormTarget, Href, Page, ReturnToApp, SignedOut};

pub(crate) const AT: OffsetDateTime = datetime!(2026-11-24 09:41:07 UTC);
pub(crate) const REFERENCE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What strangers choose in a page: names, labels and values they sent.
pub(crate) struct Words<'a> {
    pub(crate) app: &'a str,
    pub(crate) providers: [&'a str; 3],
    pub(crate) value: &'a str,
}

pub(crate) const BELIEVABLE: Words<'_> =
    Words { app: "Grafana", providers: ["Acme", "Northwind Staff", "Partner Login"], value: "https://grafana.example.com/login/oauth2" };

/// All samples with `words` in every place a stranger can reach, each under the name of its file.
pub(crate) fn all(words: &Words<'_>) -> Vec<(String, Box<dyn Page>)> {
    let app = || words.app.to_owned();
    let back = || Href::app("https://grafana.example.com/?error=access_denied&state=af0ifjsldkj").expect("a web address");
    let choice = |id: &str, label: &str| Choice {
        id: id.to_owned(),
        label: label.to_owned(),
        href: Href::local(&format!("/login/{id}?attempt=01JDF3M8")).expect("a local path"),
    };
    let [first, second, third] = words.providers;
    let chooser = |choices, last_used: Option<&str>| Chooser {
        client_name: app(),
        returns_to: "grafana.example.com".to_owned(),
        choices,
        last_used: last_used.map(str::to_owned),
    };
    let confirm = |client_name, stay| ConfirmLogout {
        client_name,
        action: Href::local("/logout").expect("a local path"),
        fields: vec![("state", words.value.to_owned()), ("csrf", "k3v9Qm".to_owned())],
        stay,
        ends_at: FormTarget::of(&"https://grafana.example.com/signed-out".parse().expect("a URL")),
    };

    let mut pages: Vec<(String, Box<dyn Page>)> = vec![
        (
            "chooser".into(),
            Box::new(chooser(vec![choice("acme", first), choice("northwind", second), choice("partner", third)], Some("northwind"))),
        ),
        ("chooser-one".into(), Box::new(chooser(vec![choice("acme", first)], None))),
        ("signed-out".into(), Box::new(SignedOut { client_name: Some(app()), back: Some(back()) })),
        ("signed-out-alone".into(), Box::new(SignedOut { client_name: None, back: None })),
        ("confirm-logout".into(), Box::new(confirm(Some(app()), Some(back())))),
        ("confirm-logout-alone".into(), Box::new(confirm(None, None))),
        (
            "return-to-app".into(),
            Box::new(ReturnToApp {
                client_name: app(),
                href: Href::app("app.immich:///oauth-callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj")
                    .expect("a private-use scheme"),
            }),
        ),
    ];
    for kind in kinds(words.value) {
        let mut page = ErrorPage::new(kind, REFERENCE, AT).detail("client_id", words.value);
        if !matches!(
            page.kind(),
            ErrorKind::ClientUnknown | ErrorKind::NotFound | ErrorKind::MethodNotAllowed { .. } | ErrorKind::TooManyRequests { .. }
        ) {
            page = page.app(words.app).provider(first).back(back());
        }
        pages.push((format!("error-{}", page.kind().code()), Box::new(page)));
    }
    pages
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
        ErrorKind::EmailNotVerified { claim: "email_verified" },
        ErrorKind::NotAllowed { rule: value.to_owned() },
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
