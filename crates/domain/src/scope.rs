//! Scopes: what an app asks for (RFC 6749 §3.3).

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// A set of scope tokens, kept in order so that it reads the same everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<String>);

/// A scope token has a character that RFC 6749 §3.3 does not allow, or there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be space-separated tokens of printable ASCII without quotes and backslashes")]
pub struct ScopeError;

/// More tokens than any app needs; a bound on what a stranger can make us keep.
const MOST_TOKENS: usize = 64;
const LONGEST_TOKEN: usize = 128;

impl Scopes {
    /// Reads a space-separated list. `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut tokens = BTreeSet::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            let fine = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            if token.len() > LONGEST_TOKEN || !token.bytes().all(fine) {
                return Err(ScopeError);
            }
            tokens.insert(token.to_owned());
        }
        if tokens.len() > MOST_TOKENS { Err(ScopeError) } else { Ok(Self(tokens)) }
    }

    /// Whether `token` is in the set.
    pub fn has(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of this set is in `other`.
    pub fn within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// What both sets have.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The set but for these tokens.
    #[must_use]
    pub fn without(&self, tokens: &[&str]) -> Self {
        Self(self.0.iter().filter(|token| !tokens.contains(&token.as_str())).cloned().collect())
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Tokens that are written here and not by a stranger.
impl FromIterator<&'static str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'static str>>(tokens: I) -> Self {
        Self(tokens.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, token) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_reads_the_same_again(text in ".{0,400}") {
            if let Ok(scopes) = Scopes::parse(&text) {
                proptest::prop_assert_eq!(Scopes::parse(&scopes.to_string()), Ok(scopes));
            }
        }
    }

    #[test]
    fn hostile_characters_are_refused() {
        for bad in ["a\"b", "a\\b", "a\tb", "ä", "a\u{0}", "a\r\nb"] {
            assert_eq!(Scopes::parse(bad), Err(ScopeError), "{bad:?}");
        }
    }
}
