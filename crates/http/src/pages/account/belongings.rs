//! Where a person is signed in, and which apps have what of them.

use time::OffsetDateTime;

use super::{
    super::{
        Href, PostForm,
        phrase::{Phrase, visible},
        scopes,
        texts::Texts,
    },
    ADDRESS_LIMIT,
};

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// The provider's name for people, and the address it signed in from.
    pub by: Vec<String>,
    /// Whether it is the one that looks.
    pub current: bool,
    /// When it was last used.
    pub seen: OffsetDateTime,
    /// Signs it out, after a question; absent for the one that looks, and while nothing can be changed.
    pub end: Option<PostForm>,
}

/// An app that has something of the person.
#[derive(Debug, Clone)]
pub struct AppAccess {
    /// What people know it as.
    pub name: String,
    /// What it was granted, by the names of scopes.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: OffsetDateTime,
    /// When it last got tokens.
    pub used: OffsetDateTime,
    /// Where a sign-in to it begins.
    pub begin: Option<Href>,
    /// Takes it back, after a question; absent while nothing can be changed.
    pub revoke: Option<PostForm>,
}

pub(super) struct SessionView<'a> {
    pub(super) browser: String,
    pub(super) by: Vec<String>,
    pub(super) current: bool,
    pub(super) seen: Phrase<'a>,
    pub(super) end: Option<&'a PostForm>,
}

impl<'a> SessionView<'a> {
    pub(super) fn new(t: &'a Texts<'a>, session: &'a SignedIn) -> Self {
        let browser = session.user_agent.as_deref().and_then(browser);
        Self {
            browser: browser.unwrap_or_else(|| t.account_unknown_browser.to_owned()),
            by: session.by.iter().map(|text| visible(text, ADDRESS_LIMIT)).collect(),
            current: session.current,
            seen: Phrase::new(t.account_last_used).dated(session.seen, t),
            end: session.end.as_ref(),
        }
    }
}

pub(super) struct AppView<'a> {
    pub(super) name: String,
    pub(super) has: Vec<Phrase<'a>>,
    pub(super) since: Phrase<'a>,
    pub(super) used: Phrase<'a>,
    pub(super) begin: Option<&'a Href>,
    pub(super) revoke: Option<Revocation<'a>>,
}

pub(super) struct Revocation<'a> {
    pub(super) form: &'a PostForm,
    pub(super) sure: Phrase<'a>,
    pub(super) yes: Phrase<'a>,
}

impl<'a> AppView<'a> {
    pub(super) fn new(t: &'a Texts<'a>, app: &'a AppAccess) -> Self {
        let named = |text| Phrase::new(text).named("app", Some(&app.name), t.an_app);
        Self {
            name: visible(&app.name, ADDRESS_LIMIT),
            has: scopes::in_words(t, &app.scopes),
            since: Phrase::new(t.account_app_since).dated(app.since, t),
            used: Phrase::new(t.account_last_used).dated(app.used, t),
            begin: app.begin.as_ref(),
            revoke: app.revoke.as_ref().map(|form| Revocation {
                form,
                sure: named(t.account_revoke_sure),
                yes: named(t.account_revoke_yes),
            }),
        }
    }
}

/// A browser and its system in their own names, as far as they are known: `User-Agent` is anybody's to write, so nothing else of it is shown. The order
/// counts: most browsers claim to be others too.
fn browser(user_agent: &str) -> Option<String> {
    const BROWSERS: [(&str, &str); 8] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let known = |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} · {system}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn a_browser_is_called_by_its_own_name_and_not_by_those_it_claims_to_be() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("Firefox · Linux")),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                Some("Edge · Windows"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                Some("Safari · macOS"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/140.0 Mobile Safari/604.1",
                Some("Chrome · iPhone"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
                Some("Chrome · Android"),
            ),
            ("curl/8.5.0", None),
            ("<script>alert(1)</script>", None),
            ("", None),
        ] {
            assert_eq!(browser(user_agent).as_deref(), name, "{user_agent}");
        }
    }
}
