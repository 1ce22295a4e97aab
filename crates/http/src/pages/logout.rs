//! Signing out: the question, and the page after it.

use askama::Template;
use http::{HeaderName, HeaderValue, header};
use url::Url;

use super::{
    Brand, FormTarget, Href, Look, Page,
    phrase::{Phrase, visible},
    texts::Texts,
};

/// Asks before signing out, when nothing proves that the person meant it (OpenID Connect RP-Initiated Logout 1.0 §2).
#[derive(Debug, Clone)]
pub struct ConfirmLogout {
    /// The app that asks, if known.
    pub client_name: Option<String>,
    /// Where the form posts: `/logout`.
    pub action: Href,
    /// What the form carries along, the token against cross-site request forgery among it: (name, value).
    pub fields: Vec<(&'static str, String)>,
    /// Where "Stay signed in" leads; without it the page says that closing it is enough.
    pub stay: Option<Href>,
    /// The origin of the validated `post_logout_redirect_uri`, at which the form may end.
    pub ends_at: Option<FormTarget>,
}

impl Page for ConfirmLogout {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        ConfirmView {
            t,
            brand: look.brand,
            lead: Phrase::new(t.logout_lead).named("app", self.client_name.as_deref(), t.an_app_you_used),
            action: &self.action,
            fields: &self.fields,
            stay: self.stay.as_ref(),
        }
        .render()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        Some(self.ends_at.as_slice())
    }
}

/// The session at the gateway has ended.
#[derive(Debug, Clone)]
pub struct SignedOut {
    /// The app that asked, if known.
    pub client_name: Option<String>,
    /// Its validated `post_logout_redirect_uri`, if it gave one.
    pub back: Option<Href>,
    /// Whether the browser goes there by itself, as soon as the frames have had time to load.
    pub goes_on: bool,
    /// Names of the apps that hear of it.
    pub told: Vec<String>,
    /// What tells some of them.
    pub frames: Vec<Frame>,
}

/// What the page loads so that an app ends its own session (OpenID Connect Front-Channel Logout 1.0 §3).
#[derive(Debug, Clone)]
pub struct Frame {
    src: Href,
    origin: FormTarget,
}

impl Frame {
    /// `None` for what is not on the web, or can't be named in a policy.
    pub fn of(address: &str) -> Option<Self> {
        Some(Self { origin: FormTarget::of(&Url::parse(address).ok()?)?, src: Href::app(address)? })
    }
}

/// How long the frames have. Their end can't be seen without a script, and most answer within one round trip.
const FRAMES_LOAD: u32 = 3;
/// No longer name is shown.
const NAME_LIMIT: usize = 100;

impl Page for SignedOut {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let back = self.back.as_ref().map(|href| Back::new(t, href, self.client_name.as_deref()));
        let told = self.told.iter().map(|name| visible(name, NAME_LIMIT)).collect();
        SignedOutView { t, brand: look.brand, back, goes_on: self.goes_on, told, frames: &self.frames }.render()
    }

    fn frames(&self) -> Vec<&FormTarget> {
        self.frames.iter().map(|frame| &frame.origin).collect()
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let onward = self.back.as_ref().filter(|_| self.goes_on).map(|back| format!("{FRAMES_LOAD}; url={back}"));
        onward.and_then(|onward| HeaderValue::try_from(onward).ok()).map(|onward| (header::REFRESH, onward)).into_iter().collect()
    }
}

/// The button that leads back to the app.
pub(super) struct Back<'a> {
    pub(super) href: &'a Href,
    pub(super) phrase: Phrase<'a>,
}

impl<'a> Back<'a> {
    pub(super) fn new(t: &'a Texts<'a>, href: &'a Href, client_name: Option<&str>) -> Self {
        Self { href, phrase: Phrase::new(t.back_to).named("app", client_name, t.an_app) }
    }
}

#[derive(Template)]
#[template(path = "confirm_logout.html")]
struct ConfirmView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    lead: Phrase<'a>,
    action: &'a Href,
    fields: &'a [(&'static str, String)],
    stay: Option<&'a Href>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    back: Option<Back<'a>>,
    goes_on: bool,
    told: Vec<String>,
    frames: &'a [Frame],
}
