//! The way back to an app that asked for a form (OAuth 2.0 Form Post Response Mode §2).

use askama::Template;

use super::{Brand, FormTarget, Look, Page, PostForm, logout::Back, phrase::Phrase, texts::Texts};

/// A form that sends itself. The one page with a script, of one line, let through by its digest and by nothing else; without JavaScript the button does it.
#[derive(Debug, Clone)]
pub struct FormPost {
    /// The name of the app, as registered.
    pub client_name: String,
    /// The validated redirect address, and the answer's parameters.
    pub form: PostForm,
    /// Where the form may end.
    pub ends_at: Vec<FormTarget>,
}

/// No field of an answer has the name `submit`, which would hide the method.
const SCRIPT: &str = "document.forms[0].submit()";

impl Page for FormPost {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let app = |text| Phrase::new(text).named("app", Some(&self.client_name), t.an_app);
        let back = Back::new(t, &self.form.action, Some(&self.client_name));
        View { t, brand: look.brand, title: app(t.return_title), form: &self.form, back, script: SCRIPT }.render()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        Some(&self.ends_at)
    }

    fn script(&self) -> Option<&'static str> {
        Some(SCRIPT)
    }
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct View<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    title: Phrase<'a>,
    form: &'a PostForm,
    back: Back<'a>,
    script: &'static str,
}
