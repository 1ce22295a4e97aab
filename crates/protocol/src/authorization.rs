//! The `Authorization` header (RFC 9110 §11.6.2).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::form;

/// Credentials as they came, unchecked.
#[derive(Clone, PartialEq, Eq)]
pub enum Authorization {
    /// A client's id and secret (RFC 6749 §2.3.1). Either may be empty; that is for the caller to refuse.
    Basic {
        /// The `client_id`.
        id: String,
        /// The client's secret.
        secret: String,
    },
    /// An access token (RFC 6750 §2.1).
    Bearer(String),
    /// An access token that is bound to a key (RFC 9449 §7.1).
    Dpop(String),
}

/// Why the header can't be used. The sender's fault, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Neither Basic nor Bearer nor DPoP, or no scheme at all.
    #[error("the authorization scheme is not supported")]
    Scheme,
    /// Basic, but not base64 of two form-encoded halves with a colon between.
    #[error("the Basic credentials are malformed")]
    Basic,
    /// Bearer or DPoP, but with a character that no token has.
    #[error("the token is malformed")]
    Token,
}

impl Authorization {
    /// Reads the header's value. That there is only one such header is the caller's to check.
    pub fn parse(value: &[u8]) -> Result<Self, AuthorizationError> {
        let end = value.iter().position(|&byte| byte == b' ').ok_or(AuthorizationError::Scheme)?;
        let (scheme, rest) = value.split_at(end);
        let credentials = &rest[rest.iter().take_while(|&&byte| byte == b' ').count()..];
        // The scheme's name is case-insensitive (RFC 9110 §11.1).
        if scheme.eq_ignore_ascii_case(b"basic") {
            basic(credentials).ok_or(AuthorizationError::Basic)
        } else if scheme.eq_ignore_ascii_case(b"bearer") {
            token(credentials).map(Self::Bearer).ok_or(AuthorizationError::Token)
        } else if scheme.eq_ignore_ascii_case(b"dpop") {
            token(credentials).map(Self::Dpop).ok_or(AuthorizationError::Token)
        } else {
            Err(AuthorizationError::Scheme)
        }
    }
}

/// RFC 7617 §2 splits at the first colon; RFC 6749 §2.3.1 form-encodes each half before, so that an id may have a colon.
fn basic(credentials: &[u8]) -> Option<Authorization> {
    let decoded = STANDARD.decode(credentials).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (id, secret) = (form::decode(&decoded[..colon])?, form::decode(&decoded[colon + 1..])?);
    Some(Authorization::Basic { id, secret })
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn token(credentials: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(credentials).ok()?;
    let body = text.trim_end_matches('=');
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    (!body.is_empty() && body.bytes().all(fine)).then(|| text.to_owned())
}

/// Without the secret and the token.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { .. } => f.write_str("Basic(..)"),
            Self::Bearer(_) => f.write_str("Bearer(..)"),
            Self::Dpop(_) => f.write_str("DPoP(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn basic_of(halves: &str) -> Result<Authorization, AuthorizationError> {
        Authorization::parse(format!("Basic {}", STANDARD.encode(halves)).as_bytes())
    }

    fn read(id: &str, secret: &str) -> Authorization {
        Authorization::Basic { id: id.into(), secret: secret.into() }
    }

    #[test]
    fn rfc_6749_section_2_3_1_the_example_is_read() {
        let header = b"Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        assert_eq!(Authorization::parse(header), Ok(read("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw")));
    }

    #[test]
    fn attack_48_basic_is_split_at_the_first_colon_and_only_then_decoded() {
        assert_eq!(basic_of("a%3Ab:c"), Ok(read("a:b", "c")));
        assert_eq!(basic_of("a:b:c"), Ok(read("a", "b:c")));
        assert_eq!(basic_of("a:b%3Ac%25"), Ok(read("a", "b:c%")));
        assert_eq!(basic_of("a+b:c+d"), Ok(read("a b", "c d")));
        assert_eq!(basic_of(":"), Ok(read("", "")));
    }

    #[test]
    fn attack_48_broken_basic_is_refused() {
        for bad in ["a", "a:%", "%zz:b", "a:%ff"] {
            assert_eq!(basic_of(bad), Err(AuthorizationError::Basic), "{bad}");
        }
        for bad in ["Basic !!!", "Basic YTpi=", "Basic YTpi\n", "Basic YTpi YTpi", "Basic ", "basic YTpiYw"] {
            assert_eq!(Authorization::parse(bad.as_bytes()), Err(AuthorizationError::Basic), "{bad}");
        }
    }

    #[test]
    fn rfc_6750_section_2_1_a_bearer_token_has_only_its_characters() {
        for good in ["Bearer mF_9.B5f-4.1JqM", "bearer mF_9.B5f-4.1JqM", "BEARER   mF_9.B5f-4.1JqM"] {
            assert_eq!(Authorization::parse(good.as_bytes()), Ok(Authorization::Bearer("mF_9.B5f-4.1JqM".into())), "{good}");
        }
        assert_eq!(Authorization::parse(b"Bearer a+/~=="), Ok(Authorization::Bearer("a+/~==".into())));
        for bad in ["Bearer ", "Bearer =", "Bearer a=b", "Bearer a b", "Bearer a ", "Bearer a,b", "Bearer ä", "Bearer \"a\""] {
            assert_eq!(Authorization::parse(bad.as_bytes()), Err(AuthorizationError::Token), "{bad}");
        }
    }

    #[test]
    fn other_schemes_are_not_supported() {
        for bad in ["", "Basic", "Bearer", "Token abc", "Digest username=x", " Basic YTpi", "Basic\tYTpi", "BasicYTpi"] {
            assert_eq!(Authorization::parse(bad.as_bytes()), Err(AuthorizationError::Scheme), "{bad:?}");
        }
    }

    #[test]
    fn attack_78_debug_shows_no_secret() {
        assert_eq!(format!("{:?} {:?}", basic_of("id:hush"), Authorization::parse(b"Bearer hush")), "Ok(Basic(..)) Ok(Bearer(..))");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(scheme in "(basic|Bearer|DPoP)?", rest in vec(any::<u8>(), 0..300)) {
            let _ = Authorization::parse(&[scheme.as_bytes(), b" ", &rest].concat());
        }

        #[test]
        fn whatever_a_correct_client_encodes_is_read(id in ".{0,40}", secret in ".{0,40}") {
            let half = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            prop_assert_eq!(basic_of(&format!("{}:{}", half(&id), half(&secret))), Ok(read(&id, &secret)));
        }
    }
}
