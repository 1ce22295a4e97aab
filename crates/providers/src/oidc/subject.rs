//! An issuer's unchanging name for a person, made of claims of the verified ID token.

use std::{fmt, str::FromStr};

use serde_json::Value;

use super::id_token;
use crate::line::Object;

/// Which claims make a subject, as `{sub}` or `{tid}:{oid}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Claim(String),
}

/// Claims that people can change, or that are given to another person when their holder leaves. A subject made of one would be that person's.
const NAMES: [&str; 8] = ["email", "preferred_username", "upn", "unique_name", "login", "username", "nickname", "name"];

/// Whether a claim is called like a name or an address, by which nobody can be known.
pub(crate) fn is_a_name(claim: &str) -> bool {
    NAMES.contains(&claim)
}

/// A template that could give two people one name, or nobody any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not made of claims, as {{sub}}; between two there must be a character like a colon, as in {{tid}}:{{oid}}")]
pub struct NotASubject;

impl Default for SubjectTemplate {
    fn default() -> Self {
        Self(vec![Piece::Claim("sub".to_owned())])
    }
}

/// Characters of ids. Where a subject has several parts no other may be in them, so that what stands between tells them apart.
fn is_id_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

impl FromStr for SubjectTemplate {
    type Err = NotASubject;

    /// A name alone is that claim.
    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let is_claim = |name: &str| {
            !name.is_empty() && name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.contains(['{', '}'])
        };
        if !text.contains(['{', '}']) {
            return if is_claim(text) { Ok(Self(vec![Piece::Claim(text.to_owned())])) } else { Err(NotASubject) };
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (claim, after) = behind.split_once('}').filter(|(claim, _)| is_claim(claim)).ok_or(NotASubject)?;
            let tells_apart = before.bytes().any(|byte| !is_id_char(byte));
            if before.contains('}') || (!pieces.is_empty() && !tells_apart) {
                return Err(NotASubject);
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Claim(claim.to_owned()));
            rest = after;
        }
        if rest.contains('}') || !rest.bytes().chain(text.bytes()).all(|byte| byte.is_ascii_graphic()) {
            return Err(NotASubject);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

impl fmt::Display for SubjectTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Claim(claim) => write!(f, "{{{claim}}}"),
        })
    }
}

impl SubjectTemplate {
    /// The claim in it that is a name or an address.
    pub(super) fn name(&self) -> Option<&str> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Claim(claim) if is_a_name(claim) => Some(claim.as_str()),
            _ => None,
        })
    }

    /// The subject, when every claim is there and is one: a text of 1 to 255 printable ASCII characters. A number is not taken for one: `1` and
    /// `"1"` may be two people.
    pub(super) fn fill(&self, claims: &Object) -> Option<String> {
        let alone = self.0.iter().filter(|piece| matches!(piece, Piece::Claim(_))).count() == 1;
        let mut subject = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => subject.push_str(text),
                Piece::Claim(claim) => {
                    let value = claims.get(claim).and_then(Value::as_str).filter(|value| !value.is_empty())?;
                    if !alone && !value.bytes().all(is_id_char) {
                        return None;
                    }
                    subject.push_str(value);
                }
            }
        }
        id_token::is_subject(&subject).then_some(subject)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(template: &str, claims: Value) -> Option<String> {
        let Value::Object(claims) = claims else { unreachable!() };
        template.parse::<SubjectTemplate>().unwrap().fill(&claims)
    }

    #[test]
    fn a_subject_is_made_of_all_its_claims_or_not_at_all() {
        assert_eq!(filled("{sub}", json!({"sub": "a b:c"})).as_deref(), Some("a b:c"));
        assert_eq!(filled("employee", json!({"employee": "7"})).as_deref(), Some("7"));
        assert_eq!(filled("{tid}:{oid}", json!({"tid": "t", "oid": "o"})).as_deref(), Some("t:o"));
        for bad in [json!({"tid": "t"}), json!({"tid": "t", "oid": ""}), json!({"tid": "t", "oid": 7}), json!({"tid": "t:o", "oid": "x"})] {
            assert_eq!(filled("{tid}:{oid}", bad.clone()), None, "{bad}");
        }
        for bad in [json!({}), json!({"sub": 1}), json!({"sub": "a".repeat(256)}), json!({"sub": "ä"}), json!({"sub": "a\n"})] {
            assert_eq!(filled("{sub}", bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn no_two_people_can_have_one_subject() {
        for bad in ["", "{}", "{a", "a}", "{a}{b}", "{a}-{b}", "{a}x{b}", "{a}}", "{{a}}", "{a b}", "{a}ä"] {
            assert_eq!(bad.parse::<SubjectTemplate>(), Err(NotASubject), "{bad}");
        }
        assert_eq!("{tid}:{oid}".parse::<SubjectTemplate>().unwrap().to_string(), "{tid}:{oid}");
    }
}
