//! How pages look and speak to one person.

use super::{
    brand::{Brand, OURS},
    texts::{ENGLISH, TextOverrides, Texts},
};

/// What an operator chose: whose house it is, and their own words. Cheap to replace as a whole when settings are read again.
#[derive(Clone, Debug, Default)]
pub struct Appearance {
    /// Name, colours and links.
    pub brand: Brand,
    /// Their own words.
    pub overrides: TextOverrides,
}

/// The brand and the words of one response.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    /// The words, an operator's own among them.
    pub texts: Texts<'a>,
    /// Whose house it is.
    pub brand: &'a Brand,
}

impl Appearance {
    /// How pages look to somebody who reads this language.
    pub fn look(&self, texts: &'static Texts<'static>) -> Look<'_> {
        Look { texts: self.overrides.over(texts), brand: &self.brand }
    }
}

/// Ours, in English: for when nothing is known of who asks.
impl Default for Look<'static> {
    fn default() -> Self {
        Self { texts: ENGLISH.clone(), brand: &OURS }
    }
}
