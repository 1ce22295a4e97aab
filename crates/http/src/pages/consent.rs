//! Where a person allows an app what it asks for, or does not.

use askama::Template;
use vestibule_domain::consent::Again;

use super::{Brand, FormTarget, Href, Look, Page, PostForm, phrase::Phrase, scopes, texts::Texts};

/// The question. It says who asks, where the answer goes, of whom it is asked, for what, and for how long.
#[derive(Debug, Clone)]
pub struct ConsentPage {
    /// The name of the app, as registered.
    pub client_name: String,
    /// The host of the document the app is known by (Client ID Metadata Document draft §6.4): its name is whatever stands in there.
    pub known_by: Option<String>,
    /// Where the answer goes, from [`place_of`](super::place_of) the validated redirect address.
    pub returns_to: String,
    /// Who is signed in, in a name or an address; absent before anybody is.
    pub person: Option<String>,
    /// The scopes that are asked for, in any order.
    pub scopes: Vec<String>,
    /// Whether they will be asked again.
    pub again: Again,
    /// Whether somebody of the house stands behind the app. If not, the place stands where nobody overlooks it.
    pub is_vetted: bool,
    /// The form, but for the `decision` that its buttons add.
    pub form: PostForm,
    /// Where the form may end besides.
    pub ends_at: Vec<FormTarget>,
    /// Where somebody goes who would rather be somebody else.
    pub other_account: Option<Href>,
}

impl Page for ConsentPage {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let app = |text| Phrase::new(text).named("app", Some(&self.client_name), t.an_app);
        let place = |text| Phrase::new(text).named("place", Some(&self.returns_to), t.an_app);
        let lasts = self.scopes.iter().any(|scope| scope == "offline_access");
        View {
            t,
            brand: look.brand,
            title: app(t.consent_title),
            known_by: self.known_by.as_deref(),
            person: self.person.as_deref().map(|person| Phrase::new(t.account_person).named("person", Some(person), "")),
            unvetted: (!self.is_vetted).then(|| place(t.consent_unvetted)),
            lead: app(t.consent_lead),
            asks: scopes::in_words(t, &self.scopes),
            form: &self.form,
            other: self.other_account.as_ref(),
            returns: place(t.chooser_returns),
            until: (!lasts).then_some(t.consent_until_sign_out),
            again: match self.again {
                Again::ForMore => Some(app(t.consent_remembered)),
                Again::EachTime => Some(Phrase::new(t.consent_each_time)),
                Again::AsTheAppAsks => None,
            },
        }
        .render()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        Some(&self.ends_at)
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct View<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    title: Phrase<'a>,
    known_by: Option<&'a str>,
    person: Option<Phrase<'a>>,
    unvetted: Option<Phrase<'a>>,
    lead: Phrase<'a>,
    asks: Vec<Phrase<'a>>,
    form: &'a PostForm,
    other: Option<&'a Href>,
    returns: Phrase<'a>,
    until: Option<&'a str>,
    again: Option<Phrase<'a>>,
}
