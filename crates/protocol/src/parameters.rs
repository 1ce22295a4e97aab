//! Parameters of a query string or a form body.

use std::fmt;

use crate::form;

/// More pairs than any request needs; a bound on what a stranger can make us keep (attack 47).
pub const MOST_PAIRS: usize = 100;

/// The parameters of one request. Query and body are never mixed: each is parsed alone and the caller chooses.
///
/// An empty value counts as absent (OAuth 2.1 §3.1), and a repeated name is remembered, because OAuth allows no parameter twice while
/// unknown ones must be ignored even then.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    /// Names whose value was taken out; they still count as having come.
    taken: Vec<(String, usize)>,
}

/// Why a query string or body is no list of parameters. The sender's fault, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A broken `%` escape, or bytes that aren't UTF-8.
    #[error("the parameters are not form-encoded UTF-8")]
    Encoding,
    /// More than [`MOST_PAIRS`].
    #[error("there are more than {MOST_PAIRS} parameters")]
    TooMany,
}

impl Parameters {
    /// Reads `name=value` pairs. The length of `bytes` is the caller's to bound.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParameterError> {
        let mut pairs = Vec::new();
        for pair in bytes.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST_PAIRS {
                return Err(ParameterError::TooMany);
            }
            let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let decoded = form::decode(name).zip(form::decode(value));
            pairs.push(decoded.ok_or(ParameterError::Encoding)?);
        }
        Ok(Self { pairs, taken: Vec::new() })
    }

    /// The value of `name`, if there is one that isn't empty. Which one, when it came twice, means nothing: ask [`Parameters::repeated`].
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Like [`Parameters::get`], and nothing of that name is left but the memory of how often it came.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let (named, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pairs).into_iter().partition(|(key, _)| key == name);
        self.pairs = others;
        if !named.is_empty() {
            self.taken.push((name.to_owned(), named.len()));
        }
        named.into_iter().map(|(_, value)| value).find(|value| !value.is_empty())
    }

    /// Every value of a name that may come several times (RFC 8707 §2), in order, but for empty ones; nothing of that name is left.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        let (named, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pairs).into_iter().partition(|(key, _)| key == name);
        self.pairs = others;
        named.into_iter().map(|(_, value)| value).filter(|value| !value.is_empty()).collect()
    }

    /// Which of the `known` names came more than once, empty values and taken ones included. Unknown names may repeat: they are ignored.
    pub fn repeated(&self, known: &[&'static str]) -> Vec<&'static str> {
        known.iter().copied().filter(|name| self.count(name) > 1).collect()
    }

    fn count(&self, name: &str) -> usize {
        let left = self.pairs.iter().filter(|(key, _)| key == name).count();
        let taken: usize = self.taken.iter().filter(|(key, _)| key == name).map(|(_, count)| count).sum();
        left + taken
    }
}

/// Without names and values: secrets come in here.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({} pairs)", self.pairs.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn oauth_2_1_section_3_1_an_empty_value_is_absent_and_unknown_names_are_ignored() {
        let parameters = Parameters::parse(b"client_id=a&state=&scope&&x=1&x=2&=z").unwrap();
        assert_eq!(parameters.get("client_id"), Some("a"));
        assert_eq!(parameters.get("state"), None);
        assert_eq!(parameters.get("scope"), None);
        assert_eq!(parameters.get("nonce"), None);
        assert_eq!(parameters.repeated(&["client_id", "state", "scope"]), [""; 0]);
    }

    #[test]
    fn attack_47_a_name_that_came_twice_is_known_even_when_empty_encoded_otherwise_or_taken() {
        let known = ["state", "scope", "code", "nonce"];
        let mut parameters = Parameters::parse(b"state=&state=a&sc%6fpe=x&scope=x&code=1&nonce&nonce").unwrap();
        assert_eq!(parameters.repeated(&known), ["state", "scope", "nonce"]);
        assert_eq!(parameters.take("state").as_deref(), Some("a"));
        assert_eq!(parameters.take("state"), None);
        assert_eq!(parameters.get("state"), None);
        assert_eq!(parameters.repeated(&known), ["state", "scope", "nonce"]);
    }

    #[test]
    fn attack_47_names_with_brackets_are_other_names_and_a_bom_is_part_of_the_name() {
        let parameters = Parameters::parse(b"scope[]=a&scope[0]=b&%EF%BB%BFstate=c").unwrap();
        assert_eq!((parameters.get("scope"), parameters.get("state")), (None, None));
    }

    #[test]
    fn attack_47_what_is_not_utf8_or_too_much_is_refused() {
        for bad in [&b"state=%"[..], b"%zz=1", b"state=%ff", b"a=b&\xff=c"] {
            assert_eq!(Parameters::parse(bad), Err(ParameterError::Encoding), "{bad:?}");
        }
        let hundred = vec!["a=b"; 100].join("&");
        assert!(Parameters::parse(hundred.as_bytes()).is_ok());
        assert_eq!(Parameters::parse(format!("{hundred}&c").as_bytes()), Err(ParameterError::TooMany));
    }

    #[test]
    fn attack_78_debug_shows_no_value() {
        assert_eq!(format!("{:?}", Parameters::parse(b"client_secret=hush").unwrap()), "Parameters(1 pairs)");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..2000)) {
            if let Ok(parameters) = Parameters::parse(&bytes) {
                prop_assert!(parameters.pairs.len() <= MOST_PAIRS);
            }
        }

        #[test]
        fn what_was_encoded_comes_back_whole(pairs in vec((".{1,12}", ".{0,40}"), 0..20)) {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(Parameters::parse(encoded.as_bytes()).unwrap().pairs, pairs);
        }
    }
}
