//! Where a person picks whom to sign in with.

use askama::Template;

use super::{Href, Page, phrase::Phrase, texts::Texts};

/// The provider chooser. Buttons are plain links of one size, in the order given: several providers' brand rules demand
/// equal prominence, and a list that reorders itself makes people press the wrong one.
#[derive(Debug, Clone)]
pub struct Chooser {
    /// The name of the app that asks, as registered.
    pub client_name: String,
    /// Where the person goes afterwards, from [`place_of`](super::place_of) the validated redirect address.
    pub returns_to: String,
    /// The providers this app may use, in order.
    pub choices: Vec<Choice>,
    /// The id of the provider this browser used last, which gets a badge.
    pub last_used: Option<String>,
}

/// One button.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The provider's id in the configuration.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// Where the button leads: `/login/{id}?attempt=…`.
    pub href: Href,
}

impl Page for Chooser {
    fn render(&self, t: &'static Texts) -> askama::Result<String> {
        let app = |text| Phrase::new(text).named("app", Some(&self.client_name), t.an_app);
        let choices = self.choices.iter().map(|choice| Button {
            id: &choice.id,
            href: &choice.href,
            phrase: Phrase::new(t.chooser_continue).named("provider", Some(&choice.label), t.a_provider),
            last_used: self.last_used.as_ref() == Some(&choice.id),
        });
        View {
            t,
            title: app(t.chooser_window),
            lead: app(t.chooser_lead),
            choices: choices.collect(),
            returns: Phrase::new(t.chooser_returns).named("place", Some(&self.returns_to), t.an_app),
        }
        .render()
    }
}

#[derive(Template)]
#[template(path = "chooser.html")]
struct View<'a> {
    t: &'static Texts,
    title: Phrase,
    lead: Phrase,
    choices: Vec<Button<'a>>,
    returns: Phrase,
}

struct Button<'a> {
    id: &'a str,
    href: &'a Href,
    phrase: Phrase,
    last_used: bool,
}
