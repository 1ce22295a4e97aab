//! Letting a device in that has no browser of its own: the code it shows, the question, and the page after it (RFC 8628 §3.3).

use askama::Template;
use http::StatusCode;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

use super::{Brand, FormTarget, Href, Look, Page, PostForm, phrase::Phrase, scopes, texts::Texts};

/// Where a person types the code that their device shows.
#[derive(Debug, Clone)]
pub struct EnterCode {
    /// Where the form posts.
    pub action: Href,
    /// The code a link brought along.
    pub code: Option<String>,
    /// Whether the code that was typed is none.
    pub unknown: bool,
}

impl Page for EnterCode {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        EnterView { t: &look.texts, brand: look.brand, action: &self.action, code: self.code.as_deref(), unknown: self.unknown }.render()
    }

    fn status(&self) -> StatusCode {
        if self.unknown { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }

    /// Some provider, if it is the only one, is where the form leads; that goes by a page of its own.
    fn forms(&self) -> Option<&[FormTarget]> {
        Some(&[])
    }
}

/// Whether the device may be let in. What helps a person see that they are being tricked (§5.4) comes before the buttons.
#[derive(Debug, Clone)]
pub struct AskDevice {
    /// Which app asks.
    pub client_name: String,
    /// Who is signed in, in a name or an address.
    pub person: Option<String>,
    /// What the device shows.
    pub user_code: String,
    /// What it asks for, in the specifications' names.
    pub scopes: Vec<String>,
    /// When it asked.
    pub asked: OffsetDateTime,
    /// From which network.
    pub network: Option<String>,
    /// Whether the person's browser is in that network too.
    pub is_near: bool,
    /// The form of the answer.
    pub form: PostForm,
}

impl Page for AskDevice {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let at = self.asked.to_offset(UtcOffset::UTC);
        AskView {
            t,
            brand: look.brand,
            title: Phrase::new(t.device_ask_title).named("app", Some(&self.client_name), t.an_app),
            person: self.person.as_deref().map(|person| Phrase::new(t.account_person).named("person", Some(person), "")),
            user_code: &self.user_code,
            lead: Phrase::new(t.consent_lead).named("app", Some(&self.client_name), t.an_app),
            asks: scopes::in_words(t, &self.scopes),
            at: at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default(),
            at_machine: at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap_or_default(),
            network: self.network.as_deref(),
            is_near: self.is_near,
            form: &self.form,
        }
        .render()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        Some(&[])
    }
}

/// The answer was taken.
#[derive(Debug, Clone)]
pub struct DeviceDone {
    /// Which app asked.
    pub client_name: String,
    /// What the person said.
    pub allowed: bool,
}

impl Page for DeviceDone {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let (title, what) =
            if self.allowed { (t.device_allowed_title, t.device_allowed) } else { (t.device_denied_title, t.device_denied) };
        let what = Phrase::new(what).named("app", Some(&self.client_name), t.an_app);
        DoneView { t, brand: look.brand, title, what, allowed: self.allowed }.render()
    }
}

#[derive(Template)]
#[template(path = "enter_code.html")]
struct EnterView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    action: &'a Href,
    code: Option<&'a str>,
    unknown: bool,
}

#[derive(Template)]
#[template(path = "ask_device.html")]
struct AskView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    title: Phrase<'a>,
    person: Option<Phrase<'a>>,
    user_code: &'a str,
    lead: Phrase<'a>,
    asks: Vec<Phrase<'a>>,
    at: String,
    at_machine: String,
    network: Option<&'a str>,
    is_near: bool,
    form: &'a PostForm,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DoneView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    title: &'a str,
    what: Phrase<'a>,
    allowed: bool,
}
