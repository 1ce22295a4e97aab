//! A person's own page: what leads to their account, what may be added, and what may go; where they are signed in, and which apps have what of them.

mod belongings;

use askama::Template;
use time::OffsetDateTime;
use vestibule_domain::account::LinkedBy;

pub use self::belongings::{AppAccess, SignedIn};
use self::belongings::{AppView, SessionView};
use super::{
    Brand, FormTarget, Href, Look, Page, PostForm, icon,
    phrase::{Phrase, visible},
    texts::Texts,
};

/// The longest address that is shown, in characters.
const ADDRESS_LIMIT: usize = 254;

/// The page itself.
#[derive(Debug, Clone)]
pub struct AccountPage {
    /// Who is signed in, in a name or an address.
    pub person: Option<String>,
    /// What was just done here.
    pub notice: Option<Notice>,
    /// Their links, in order.
    pub ways: Vec<Way>,
    /// Providers that may be added, in order.
    pub additions: Vec<Addition>,
    /// Where they are signed in, this browser first.
    pub sessions: Vec<SignedIn>,
    /// Ends every session but this one; absent when there is no other.
    pub end_others: Option<PostForm>,
    /// Apps that have something of them, in order.
    pub apps: Vec<AppAccess>,
    /// Where a new sign-in begins, when the last is too long ago to change anything; the page then has no forms.
    pub again: Option<Href>,
    /// Where signing out begins.
    pub sign_out: Href,
}

/// One link.
#[derive(Debug, Clone)]
pub struct Way {
    /// The provider's id in the configuration.
    pub provider: String,
    /// Its name for people; its id where it is configured no more.
    pub label: String,
    /// The name of its mark; one there is not, and none, are a key.
    pub icon: Option<String>,
    /// Whether the person is signed in by it now.
    pub current: bool,
    /// What the provider calls the person.
    pub name: Option<String>,
    /// Their address there.
    pub email: Option<String>,
    /// When the link was made.
    pub created: OffsetDateTime,
    /// How it came about.
    pub by: LinkedBy,
    /// When the person last signed in by it.
    pub used: OffsetDateTime,
    /// Whether it can go.
    pub remove: Remove,
}

/// Whether a link can go.
#[derive(Debug, Clone)]
pub enum Remove {
    /// It can, by this form, after a question.
    By(PostForm),
    /// It is the only one: without it nobody would ever come in again.
    OnlyWay,
    /// Not before the person has signed in again.
    NotNow,
}

/// A provider that is not linked yet.
#[derive(Debug, Clone)]
pub struct Addition {
    /// The provider's id in the configuration.
    pub provider: String,
    /// Its name for people.
    pub label: String,
    /// The name of its mark; one there is not, and none, are a key.
    pub icon: Option<String>,
    /// The form that begins it. It posts, because a link would let any site begin it, and it is answered with an [`Onward`](super::Onward).
    pub form: PostForm,
}

/// What came of what the person did here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A way in was added.
    Added,
    /// A way in was removed.
    Removed,
    /// The last way in was to be removed, and stays.
    LastOne,
    /// Another browser was signed out.
    SessionEnded,
    /// All others were.
    OtherSessionsEnded,
    /// An app lost its access.
    AppRevoked,
    /// The form belongs to another sign-in, or is too old.
    Stale,
}

impl Page for AccountPage {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let provider = |text, label: &str| Phrase::new(text).named("provider", Some(label), t.a_provider);
        let person = self.person.as_deref().map(|person| Phrase::new(t.account_person).named("person", Some(person), ""));
        let notice = self.notice.map(|notice| match notice {
            Notice::Added => t.account_added,
            Notice::Removed => t.account_removed,
            Notice::LastOne => t.account_only,
            Notice::SessionEnded => t.account_ended,
            Notice::OtherSessionsEnded => t.account_others_ended,
            Notice::AppRevoked => t.account_revoked,
            Notice::Stale => t.account_stale,
        });
        let ways = self.ways.iter().map(|way| WayView {
            provider: &way.provider,
            icon: icon::svg(way.icon.as_deref()),
            label: visible(&way.label, ADDRESS_LIMIT),
            current: way.current,
            shown: shown(way),
            added: Phrase::new(added(t, way.by)).dated(way.created, t),
            used: Phrase::new(t.account_last_used).dated(way.used, t),
            only: matches!(way.remove, Remove::OnlyWay),
            remove: match &way.remove {
                Remove::By(form) => Some(Removal {
                    form,
                    ask: provider(t.account_remove, &way.label),
                    sure: provider(t.account_remove_sure, &way.label),
                    yes: provider(t.account_remove_yes, &way.label),
                }),
                Remove::OnlyWay | Remove::NotNow => None,
            },
        });
        let additions = self.additions.iter().map(|addition| AdditionView {
            provider: &addition.provider,
            icon: icon::svg(addition.icon.as_deref()),
            form: &addition.form,
            phrase: provider(t.account_add, &addition.label),
        });
        View {
            t,
            brand: look.brand,
            person,
            notice,
            ways: ways.collect(),
            additions: additions.collect(),
            sessions: self.sessions.iter().map(|session| SessionView::new(t, session)).collect(),
            end_others: self.end_others.as_ref(),
            apps: self.apps.iter().map(|app| AppView::new(t, app)).collect(),
            again: self.again.as_ref(),
            sign_out: &self.sign_out,
        }
        .render()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        Some(&[])
    }
}

/// Asks for a new sign-in before ways to sign in change: a session somebody left open must not be enough to take the account over.
#[derive(Debug, Clone)]
pub struct SignInAgain {
    /// Where the new sign-in begins.
    pub again: Href,
    /// Where "Not now" leads.
    pub cancel: Href,
}

impl Page for SignInAgain {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        AgainView { t: &look.texts, brand: look.brand, again: &self.again, cancel: &self.cancel }.render()
    }
}

fn added<'a>(t: &Texts<'a>, by: LinkedBy) -> &'a str {
    match by {
        LinkedBy::FirstSignIn => t.account_first_sign_in,
        LinkedBy::Person => t.account_by_person,
        LinkedBy::Email => t.account_by_email,
    }
}

/// Name and address as the provider says them, each once.
fn shown(way: &Way) -> Vec<String> {
    let mut shown: Vec<String> = [&way.name, &way.email].into_iter().flatten().map(|text| visible(text, ADDRESS_LIMIT)).collect();
    shown.dedup();
    shown
}

#[derive(Template)]
#[template(path = "account.html")]
struct View<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    person: Option<Phrase<'a>>,
    notice: Option<&'a str>,
    ways: Vec<WayView<'a>>,
    additions: Vec<AdditionView<'a>>,
    sessions: Vec<SessionView<'a>>,
    end_others: Option<&'a PostForm>,
    apps: Vec<AppView<'a>>,
    again: Option<&'a Href>,
    sign_out: &'a Href,
}

struct WayView<'a> {
    provider: &'a str,
    icon: &'static str,
    label: String,
    current: bool,
    shown: Vec<String>,
    added: Phrase<'a>,
    used: Phrase<'a>,
    only: bool,
    remove: Option<Removal<'a>>,
}

struct Removal<'a> {
    form: &'a PostForm,
    ask: Phrase<'a>,
    sure: Phrase<'a>,
    yes: Phrase<'a>,
}

struct AdditionView<'a> {
    provider: &'a str,
    icon: &'static str,
    form: &'a PostForm,
    phrase: Phrase<'a>,
}

#[derive(Template)]
#[template(path = "sign_in_again.html")]
struct AgainView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    again: &'a Href,
    cancel: &'a Href,
}
