//! The hosted pages people see: plain values in, one self-contained HTML response out.
//!
//! A page needs no JavaScript, no web font and no second request. Every text lies in [`texts`], every address that becomes a link
//! is an [`Href`], and every page leaves through [`Page::respond`], which is the only place that says the security headers.

mod chooser;
mod error;
mod href;
mod logout;
mod phrase;
mod respond;
mod return_to_app;
mod style;
pub mod texts;

pub use chooser::{Choice, Chooser};
pub use error::{ErrorKind, ErrorPage};
pub use href::{FormTarget, Href, place_of};
pub use logout::{ConfirmLogout, SignedOut};
pub use respond::{Page, content_security_policy};
pub use return_to_app::ReturnToApp;
