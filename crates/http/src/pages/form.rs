//! Forms that do something when they are sent.

use super::Href;

/// What a POST form needs: where it goes and what it carries along, the token against cross-site request forgery among it.
#[derive(Debug, Clone)]
pub struct PostForm {
    /// Where it posts.
    pub action: Href,
    /// Hidden fields: (name, value).
    pub fields: Vec<(&'static str, String)>,
}
