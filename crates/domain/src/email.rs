//! E-mail addresses and their domains, as rules compare them.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Host;

/// RFC 5321 §4.5.3.1.3, less the angle brackets.
const LONGEST_EMAIL: usize = 254;

/// A domain as it stands behind the `@`: lower case, IDNA-encoded, without a trailing dot. Compared whole, label by label (attack 9).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailDomain(String);

impl EmailDomain {
    /// The domain, when it is one: a name of two labels at least, never an address.
    pub fn parse(text: &str) -> Option<Self> {
        // The URL parser would take these as ends or as escapes of a host.
        let plain = text
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '%' | '/' | '?' | '#' | '@' | ':' | '\\' | '[' | ']'));
        match Host::parse(text.strip_suffix('.').unwrap_or(text)) {
            Ok(Host::Domain(name)) if plain && name.contains('.') && !name.split('.').any(str::is_empty) => Some(Self(name)),
            _ => None,
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that domain, or, for `*.corp.example`, one below it.
    pub fn is_in(&self, pattern: &DomainPattern) -> bool {
        match pattern {
            DomainPattern::Exactly(domain) => self == domain,
            DomainPattern::Below(domain) => self.0.strip_suffix(domain.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

impl fmt::Display for EmailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A domain of an allow-list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DomainPattern {
    /// `corp.example`: that and nothing below it.
    Exactly(EmailDomain),
    /// `*.corp.example`: what is below it, and not itself.
    Below(EmailDomain),
}

/// An address, split at its only `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    local: String,
    domain: EmailDomain,
}

/// Whether a text is one address at all: one `@` with something on both sides and no white space. `a@corp.example@evil.example` is how an
/// allow-list of domains is fooled (attack 9).
pub fn is_one_address(text: &str) -> bool {
    let whole = text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    // A fullwidth or small `@` would become a real one where a reader folds it.
    let one_at = !text.contains(['＠', '﹫']);
    whole && one_at && text.len() <= LONGEST_EMAIL && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl EmailAddress {
    /// The address, when it is one and its domain is a domain of the internet.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@').filter(|_| is_one_address(text))?;
        Some(Self { local: local.to_lowercase(), domain: EmailDomain::parse(domain)? })
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &EmailDomain {
        &self.domain
    }
}

/// Lower case throughout: no provider people use tells addresses apart by case, and rules must not be dodged by it.
impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

macro_rules! as_text {
    ($name:ident, $parse:expr, $hint:literal) => {
        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                $parse(&text).ok_or($hint)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
as_text!(EmailDomain, EmailDomain::parse, "is not a domain, as corp.example");
as_text!(EmailAddress, EmailAddress::parse, "is not one e-mail address, as ada@corp.example");
as_text!(DomainPattern, DomainPattern::parse, "is not a domain, as corp.example or *.corp.example");

impl DomainPattern {
    /// Reads `corp.example` or `*.corp.example`. An `@` before it is forgiven.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('@').unwrap_or(text);
        match text.strip_prefix("*.") {
            Some(below) => EmailDomain::parse(below).map(Self::Below),
            None => EmailDomain::parse(text).map(Self::Exactly),
        }
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(domain) => domain.fmt(f),
            Self::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(pattern: &str, address: &str) -> bool {
        let pattern = DomainPattern::parse(pattern).unwrap();
        EmailAddress::parse(address).is_some_and(|address| address.domain().is_in(&pattern))
    }

    #[test]
    fn attack_09_only_the_very_domain_is_on_an_allow_list() {
        for good in ["a@corp.example", "A.B+c@CORP.example", "a@corp.example."] {
            assert!(admits("corp.example", good), "{good}");
        }
        for bad in [
            "victim@corp.example.evil",
            "a@corp.example@evil.test",
            "a@evilcorp.example",
            "a@sub.corp.example",
            "a@corp.example.evil.test",
            "a@cоrp.example",
            "a@corp",
            "a@127.0.0.1",
            "a@[::1]",
            "a@corp.example/x",
            "a@corp%2eexample",
            "a＠corp.example@evil.test",
            "a@corp.example ",
            "a@.corp.example",
            "a@corp..example",
            "\"a@corp.example\"@evil.test",
            "@corp.example",
        ] {
            assert!(!admits("corp.example", bad), "{bad}");
        }
    }

    #[test]
    fn attack_09_names_beyond_ascii_are_compared_as_the_network_writes_them() {
        assert!(admits("bücher.example", "a@BÜCHER.example"));
        assert!(admits("bücher.example", "a@xn--bcher-kva.example"));
        assert!(!admits("bücher.example", "a@bucher.example"));
    }

    #[test]
    fn a_star_is_for_what_lies_below() {
        assert!(admits("*.corp.example", "a@eu.corp.example"));
        assert!(!admits("*.corp.example", "a@corp.example"));
        assert!(!admits("*.corp.example", "a@evilcorp.example"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_so_that_it_is_read_again(text in "\\PC{0,40}") {
            if let Some(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(&address.to_string()), Some(address));
            }
        }
    }
}
