//! The hosted pages people see: plain values in, one self-contained HTML response out.
//!
//! A page needs no JavaScript, no web font and no second request. Every text lies in [`texts`], every address that becomes a link
//! is an [`Href`], and every page leaves through [`Page::respond`], which is the only place that says the security headers. How it looks and
//! in which language it speaks is its [`Look`].

mod account;
mod appearance;
mod brand;
mod chooser;
mod colour;
mod consent;
mod device;
mod error;
mod form;
mod form_post;
mod href;
mod icon;
mod logout;
mod onward;
mod phrase;
mod respond;
mod scopes;
mod style;
pub mod texts;
mod trial;

pub use account::{AccountPage, Addition, AppAccess, Notice, Remove, SignInAgain, SignedIn, Way};
pub use appearance::{Appearance, Look};
pub use brand::{Brand, BrandDraft};
pub use chooser::{Choice, Chooser, EmailForm};
pub use consent::ConsentPage;
pub use device::{AskDevice, DeviceDone, EnterCode};
pub use error::{ErrorKind, ErrorPage};
pub use form::PostForm;
pub use form_post::FormPost;
pub use href::{FormTarget, Href, place_of};
pub use icon::icons;
pub(crate) use icon::svg as mark_of;
pub use logout::{ConfirmLogout, Frame, SignedOut};
pub use onward::{Onward, ReturnToApp};
pub(crate) use phrase::{visible, visible_lines};
pub use respond::Page;
pub(crate) use respond::protect;
pub use trial::Tried;
