//! Steps that a browser takes by itself, with a link for when it does not.

use askama::Template;

use super::{Brand, Href, Look, Page, phrase::Phrase, texts::Texts};

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
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let app = |text| Phrase::new(text).named("app", Some(&self.client_name), t.an_app);
        let (name, hint) = ("return-to-app", t.return_hint);
        View { t, brand: look.brand, name, title: app(t.return_title), hint, open: app(t.return_open), href: &self.href }.render()
    }
}

/// Answers a form with 200 and leads on to a provider by a refresh and a visible link. A redirect would not do: Chromium and Safari hold every
/// redirect that follows a form against `form-action`, and nobody can name all origins at which a sign-in somewhere else passes.
#[derive(Debug, Clone)]
pub struct Onward {
    /// The provider's label.
    pub provider_label: String,
    /// Where it goes on: a path of ours that redirects to the provider, or its authorization address.
    pub href: Href,
}

impl Page for Onward {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let provider = |text| Phrase::new(text).named("provider", Some(&self.provider_label), t.a_provider);
        let (name, hint) = ("onward", t.onward_hint);
        View { t, brand: look.brand, name, title: provider(t.onward_title), hint, open: provider(t.onward_open), href: &self.href }.render()
    }
}

#[derive(Template)]
#[template(path = "onward.html")]
struct View<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    name: &'static str,
    title: Phrase<'a>,
    hint: &'a str,
    open: Phrase<'a>,
    href: &'a Href,
}
