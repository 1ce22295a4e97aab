//! Who one can be.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::random;

/// Somebody who always lives here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// What the page's button says to us; also the `sub` and the user name.
    pub(super) key: &'static str,
    pub(super) given_name: &'static str,
    pub(super) family_name: &'static str,
    pub(super) email: Option<Email<&'static str>>,
    pub(super) groups: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Email<T> {
    pub(super) address: T,
    pub(super) verified: bool,
}

/// One ordinary, and one each of what apps trip over: an address nobody checked, and no address at all.
pub(super) const ALL: &[Known] = &[
    Known {
        key: "alice",
        given_name: "Alice",
        family_name: "Archer",
        email: Some(Email { address: "alice@example.com", verified: true }),
        groups: &["staff", "engineering"],
    },
    Known {
        key: "bob",
        given_name: "Bob",
        family_name: "Baker",
        email: Some(Email { address: "bob@example.com", verified: false }),
        groups: &["staff"],
    },
    Known { key: "carol", given_name: "Carol", family_name: "Cook", email: None, groups: &[] },
];

/// Every claim that can stand in an ID token of this issuer.
pub(super) const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "email",
    "email_verified",
    "groups",
];

impl Known {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    pub(super) fn initials(&self) -> String {
        self.given_name.chars().take(1).chain(self.family_name.chars().take(1)).collect()
    }

    /// What is special about them, in a few words.
    pub(super) fn about(&self) -> String {
        let email = match self.email {
            Some(Email { address, verified: true }) => format!("{address}, verified"),
            Some(Email { address, verified: false }) => format!("{address}, not verified"),
            None => "no e-mail address".to_owned(),
        };
        if self.groups.is_empty() { email } else { format!("{email} · in {}", self.groups.join(", ")) }
    }

    /// Whether a `login_hint` means them: by user name, address, `sub` or name.
    pub(super) fn is_meant(&self, hint: &str) -> bool {
        let address = self.email.map_or("", |email| email.address);
        [self.key, address, &self.name()].iter().any(|known| !known.is_empty() && known.eq_ignore_ascii_case(hint.trim()))
    }
}

/// Somebody who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    sub: String,
    name: String,
    /// Given name, family name and user name, of those who have them.
    details: Option<[String; 3]>,
    email: Option<Email<String>>,
    groups: Vec<String>,
}

/// Why nobody can be called that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPerson {
    #[error("A name has 1 to 60 characters, and no control characters.")]
    Name,
    #[error("An e-mail address looks like name@example.com and has at most 200 characters.")]
    Email,
}

impl From<&Known> for Person {
    fn from(known: &Known) -> Self {
        Self {
            sub: known.key.to_owned(),
            name: known.name(),
            details: Some([known.given_name, known.family_name, known.key].map(str::to_owned)),
            email: known.email.map(|email| Email { address: email.address.to_owned(), verified: email.verified }),
            groups: known.groups.iter().map(|&group| group.to_owned()).collect(),
        }
    }
}

impl Person {
    /// Whoever the person at the keyboard says. The same name is the same person, also after a restart, whatever the address says:
    /// so a changed address can be tried too.
    pub(super) fn somebody_else(name: &str, email: &str, verified: bool) -> Result<Self, NoPerson> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if !(1..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(NoPerson::Name);
        }
        let email = match email.trim() {
            "" => None,
            address if is_address(address) => Some(Email { address: address.to_owned(), verified }),
            _ => return Err(NoPerson::Email),
        };
        let half = &random::digest(&name.to_lowercase()).0[..12];
        Ok(Self { sub: format!("else-{}", URL_SAFE_NO_PAD.encode(half)), name, details: None, email, groups: Vec::new() })
    }

    pub(super) fn sub(&self) -> &str {
        &self.sub
    }

    /// The claims that scopes ask for (OpenID Connect Core 1.0 §5.4). What isn't known is left out.
    pub(super) fn claims(&self, scopes: &[String]) -> Map<String, Value> {
        let asked = |scope: &str| scopes.iter().any(|asked| asked == scope);
        let mut claims = Map::new();
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        if asked("profile") {
            say("name", self.name.clone().into());
            if let Some(details) = &self.details {
                for (name, value) in ["given_name", "family_name", "preferred_username"].iter().zip(details) {
                    say(name, value.clone().into());
                }
            }
        }
        if let Some(email) = self.email.as_ref().filter(|_| asked("email")) {
            say("email", email.address.clone().into());
            say("email_verified", email.verified.into());
        }
        if asked("groups") {
            say("groups", self.groups.clone().into());
        }
        claims
    }
}

fn is_address(text: &str) -> bool {
    let plain = text.len() <= 200 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    plain && matches!(text.split_once('@'), Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_finds_people_by_name_user_name_and_address() {
        for hint in ["alice", "ALICE@example.com", " Alice Archer "] {
            assert_eq!(ALL.iter().find(|known| known.is_meant(hint)).map(|known| known.key), Some("alice"), "{hint}");
        }
        assert!(!ALL.iter().any(|known| known.is_meant("") || known.is_meant("dora")));
    }

    #[test]
    fn the_same_name_is_the_same_person_whatever_the_address() {
        let dora = Person::somebody_else("Dora  Dale", "dora@example.com", true).unwrap();
        assert_eq!(dora.sub, Person::somebody_else(" dora dale", "", false).unwrap().sub);
        assert_ne!(dora.sub, Person::somebody_else("Dora Dahl", "", false).unwrap().sub);
        assert_eq!(Person::somebody_else("Dora", "dora", true), Err(NoPerson::Email));
        assert_eq!(Person::somebody_else("Dora", "a@b@c", true), Err(NoPerson::Email));
        for name in ["", "  ", "a\u{7}b", &"x".repeat(61)] {
            assert_eq!(Person::somebody_else(name, "", true), Err(NoPerson::Name), "{name:?}");
        }
    }

    #[test]
    fn nobody_made_up_can_be_one_of_those_who_live_here() {
        for known in ALL {
            assert!(Person::somebody_else(known.key, "", true).unwrap().sub.starts_with("else-"));
        }
    }
}
