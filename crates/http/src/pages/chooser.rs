//! Where a person picks whom to sign in with.

use askama::Template;
use vestibule_domain::provider::ButtonWording;

use super::{Brand, FormTarget, Href, Look, Page, PostForm, icon, phrase::Phrase, texts::Texts};

/// The provider chooser. Buttons are plain links of one size, in the order given: several providers' brand rules demand
/// equal prominence, and a list that reorders itself makes people press the wrong one.
#[derive(Debug, Clone)]
pub struct Chooser {
    /// The name of the app that asks, as registered; without one the person signs in to a page of ours.
    pub client_name: Option<String>,
    /// Where the person goes afterwards, from [`place_of`](super::place_of) the validated redirect address.
    pub returns_to: Option<String>,
    /// The providers this app may use, in order.
    pub choices: Vec<Choice>,
    /// The id of the provider this browser used last, which gets a badge.
    pub last_used: Option<String>,
    /// A field for an e-mail address, where some provider owns a domain.
    pub email: Option<EmailForm>,
}

/// One button.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The provider's id in the configuration.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// What stands before the name.
    pub wording: ButtonWording,
    /// The name of its mark; one there is not, and none, are a key.
    pub icon: Option<String>,
    /// Whether it fails at the moment. It is marked and stays a link: what we know may be out of date.
    pub trouble: bool,
    /// Where the button leads: `/login/{id}?attempt=…`.
    pub href: Href,
}

/// The way in by an e-mail address. It posts, because an address in a query would stay in histories and logs, and it is answered with an
/// [`Onward`](super::Onward), because a form may not be redirected to a provider.
#[derive(Debug, Clone)]
pub struct EmailForm {
    /// Where it posts `email`, and the attempt it belongs to.
    pub form: PostForm,
    /// Whether an address was sent that leads to no provider. Whether anybody has it is not said, and not known.
    pub unknown: bool,
}

impl Page for Chooser {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let app = |text, otherwise| match &self.client_name {
            Some(name) => Phrase::new(text).named("app", Some(name), t.an_app),
            None => Phrase::new(otherwise),
        };
        let choices = self.choices.iter().map(|choice| Button {
            id: &choice.id,
            href: &choice.href,
            icon: icon::svg(choice.icon.as_deref()),
            phrase: Phrase::new(wording(t, choice.wording)).named("provider", Some(&choice.label), t.a_provider),
            trouble: choice.trouble,
            last_used: self.last_used.as_ref() == Some(&choice.id),
        });
        View {
            t,
            brand: look.brand,
            title: app(t.chooser_window, t.chooser_title),
            lead: app(t.chooser_lead, t.chooser_choose),
            choices: choices.collect(),
            unknown: self.email.as_ref().is_some_and(|email| email.unknown),
            email: self.email.as_ref().map(|email| &email.form),
            returns: self.returns_to.as_deref().map(|place| Phrase::new(t.chooser_returns).named("place", Some(place), t.an_app)),
        }
        .render()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        self.email.as_ref().map(|_| [].as_slice())
    }
}

fn wording<'a>(t: &Texts<'a>, wording: ButtonWording) -> &'a str {
    match wording {
        ButtonWording::ContinueWith => t.chooser_continue,
        ButtonWording::SignInWith => t.chooser_sign_in,
    }
}

#[derive(Template)]
#[template(path = "chooser.html")]
struct View<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    title: Phrase<'a>,
    lead: Phrase<'a>,
    choices: Vec<Button<'a>>,
    unknown: bool,
    email: Option<&'a PostForm>,
    returns: Option<Phrase<'a>>,
}

struct Button<'a> {
    id: &'a str,
    href: &'a Href,
    icon: &'static str,
    phrase: Phrase<'a>,
    trouble: bool,
    last_used: bool,
}
