//! The last step to an installed app.

use askama::Template;

use super::{Href, Page, phrase::Phrase, texts::Texts};

/// Answers 200 and leads to an app with a private-use scheme by a refresh and a visible link: browsers stop a form's redirect
/// chain at such a scheme, and many open an installed app only after a person's click (RFC 8252 §7.1).
#[derive(Debug, Clone)]
pub struct ReturnToApp {
    /// The name of the app, as registered.
    pub client_name: String,
    /// The validated redirect address with its parameters.
    pub href: Href,
}

impl Page for ReturnToApp {
    fn render(&self, t: &'static Texts) -> askama::Result<String> {
        let app = |text| Phrase::new(text).named("app", Some(&self.client_name), t.an_app);
        View { t, title: app(t.return_title), open: app(t.return_open), href: &self.href }.render()
    }
}

#[derive(Template)]
#[template(path = "return_to_app.html")]
struct View<'a> {
    t: &'static Texts,
    title: Phrase,
    open: Phrase,
    href: &'a Href,
}
