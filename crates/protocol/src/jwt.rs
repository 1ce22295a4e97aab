//! JSON Web Tokens in the compact serialization (RFC 7515 §7.1, RFC 7519), taken apart and put together. No signature is checked or made here.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::json;

/// The longest token that is looked at, in bytes (attack 20).
pub const LONGEST: usize = 16 * 1024;

/// The members of a JOSE header that mean something to us. Where a key might be fetched from (`jku`, `x5u`, `jwk`, `x5c`) never does (attack 19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    /// The algorithm that the sender claims. What counts is the key's.
    pub alg: String,
    /// The media type without `application/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// Which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

/// A token taken apart. Nothing in it is true until its signature is checked.
#[derive(Clone, PartialEq)]
pub struct Unverified<'a> {
    /// What it says of itself.
    pub header: Header,
    /// The claims, read strictly.
    pub claims: Map<String, Value>,
    /// The bytes that the claims were read from.
    pub payload: Vec<u8>,
    /// What is signed: header and payload as they came.
    pub signing_input: &'a str,
    /// The signature; never empty.
    pub signature: Vec<u8>,
}

/// Why a text is no token. None of these repeats any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Longer than [`LONGEST`].
    #[error("longer than {LONGEST} bytes")]
    Length,
    /// Not three parts.
    #[error("not three parts with dots between")]
    Parts,
    /// A part isn't base64url in the one way it can be written: padding, white space and loose bits in the last character are refused.
    #[error("a part is not canonical base64url")]
    Encoding,
    /// Header or payload is no JSON object, or has a member twice.
    #[error("header or payload is not a proper JSON object")]
    Json,
    /// `alg` is missing, or `alg`, `typ` or `kid` is not text.
    #[error("the header is malformed")]
    Header,
    /// `crit` or `b64`: extensions that change how the token is to be understood, and we understand none (RFC 7515 §4.1.11, RFC 7797).
    #[error("the header wants an extension")]
    Extension,
    /// `alg` is `none`, in any spelling, or there is no signature.
    #[error("not signed")]
    Unsigned,
}

/// Takes a compact JWS apart.
pub fn parse(token: &str) -> Result<Unverified<'_>, JwtError> {
    parse_with_key(token).map(|(token, _)| token)
}

/// The same with the header's `jwk`: only for proofs of possession, which are about that key and nothing else. Everywhere else it is ignored,
/// because a token that brings its own key proves nothing (attack 19).
pub(crate) fn parse_with_key(token: &str) -> Result<(Unverified<'_>, Option<Value>), JwtError> {
    if token.len() > LONGEST {
        return Err(JwtError::Length);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(JwtError::Parts)?;
    let (header, payload) = signing_input.split_once('.').ok_or(JwtError::Parts)?;
    if payload.contains('.') {
        return Err(JwtError::Parts);
    }
    let mut members = object(&decode(header)?)?;
    let header = read_header(&members)?;
    let signature = decode(signature)?;
    if signature.is_empty() || header.alg.eq_ignore_ascii_case("none") {
        return Err(JwtError::Unsigned);
    }
    let payload = decode(payload)?;
    let key = members.remove("jwk");
    Ok((Unverified { header, claims: object(&payload)?, payload, signing_input, signature }, key))
}

/// What has to be signed for these claims; `payload` is a JSON object. The token is this, a dot and the signature: see [`assemble`].
pub fn signing_input(header: &Header, payload: &[u8]) -> String {
    // A struct of texts always becomes JSON.
    let header = serde_json::to_vec(header).unwrap_or_default();
    let mut text = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 400);
    URL_SAFE_NO_PAD.encode_string(header, &mut text);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    text
}

/// The token of a signing input and its signature.
#[must_use]
pub fn assemble(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    signing_input
}

fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Encoding)
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, JwtError> {
    match json::parse_strict(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(JwtError::Json),
    }
}

fn read_header(members: &Map<String, Value>) -> Result<Header, JwtError> {
    if members.contains_key("crit") || members.contains_key("b64") {
        return Err(JwtError::Extension);
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtError::Header),
    };
    Ok(Header { alg: text("alg")?.ok_or(JwtError::Header)?, typ: text("typ")?, kid: text("kid")? })
}

/// Without claims and signature: with the signature this would be a token again.
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn token(header: &str, payload: &str) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        assemble(input, b"signature")
    }

    #[test]
    fn rfc_7515_appendix_a_1_the_example_is_taken_apart() {
        let example = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                       cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let read = parse(example).unwrap();
        assert_eq!(read.header, Header { alg: "HS256".into(), typ: Some("JWT".into()), kid: None });
        assert_eq!(read.claims["iss"], "joe");
        assert_eq!(read.payload.len(), 70);
        assert_eq!((read.signing_input.len(), read.signature.len()), (example.len() - 44, 32));
    }

    #[test]
    fn attack_18_unsigned_tokens_and_critical_extensions_are_refused() {
        for alg in ["none", "None", "nOnE", "NONE"] {
            assert_eq!(parse(&token(&format!(r#"{{"alg":"{alg}"}}"#), "{}")), Err(JwtError::Unsigned), "{alg}");
        }
        assert_eq!(parse("eyJhbGciOiJSUzI1NiJ9.e30."), Err(JwtError::Unsigned));
        for header in [r#"{"alg":"RS256","crit":["exp"]}"#, r#"{"alg":"RS256","crit":[]}"#, r#"{"alg":"RS256","b64":true}"#] {
            assert_eq!(parse(&token(header, "{}")), Err(JwtError::Extension), "{header}");
        }
    }

    #[test]
    fn attack_19_addresses_and_keys_in_the_header_are_ignored() {
        let header = r#"{"alg":"RS256","jku":"https://evil.example/","x5u":"https://evil.example/","jwk":{"kty":"oct"},"x5c":["a"]}"#;
        assert_eq!(parse(&token(header, "{}")).unwrap().header, Header { alg: "RS256".into(), typ: None, kid: None });
    }

    #[test]
    fn attack_20_a_megabyte_of_kid_is_not_even_decoded() {
        let header = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "a".repeat(1_000_000));
        assert_eq!(parse(&token(&header, "{}")), Err(JwtError::Length));
    }

    #[test]
    fn attack_23_duplicate_members_and_wrong_types_are_refused() {
        assert_eq!(parse(&token(r#"{"alg":"none","alg":"RS256"}"#, "{}")), Err(JwtError::Json));
        assert_eq!(parse(&token(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#)), Err(JwtError::Json));
        for payload in ["[]", "null", "1", "", "{}{}"] {
            assert_eq!(parse(&token(r#"{"alg":"RS256"}"#, payload)), Err(JwtError::Json), "{payload}");
        }
        for header in ["{}", r#"{"alg":1}"#, r#"{"alg":"RS256","typ":null}"#, r#"{"alg":"RS256","kid":["a"]}"#] {
            assert_eq!(parse(&token(header, "{}")), Err(JwtError::Header), "{header}");
        }
    }

    #[test]
    fn a_token_can_be_written_in_one_way_only() {
        let good = token(r#"{"alg":"RS256"}"#, "{}");
        assert!(parse(&good).is_ok());
        // `e30` is `{}`; `e31` has a loose bit set, and decodes to the same bytes where that is not refused.
        for bad in [
            good.clone() + "=",
            good.replace(".e30.", ".e30=."),
            good.replace(".e30.", ".e31."),
            good.clone() + "\n",
            " ".to_owned() + &good,
        ] {
            assert_eq!(parse(&bad), Err(JwtError::Encoding), "{bad}");
        }
        for bad in ["", ".", "a.b", "a.b.c.d", "a.b.c.d.e"] {
            assert_eq!(parse(bad), Err(JwtError::Parts), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in ".{0,400}", parts in vec("[A-Za-z0-9_=-]{0,80}", 3)) {
            let _ = parse(&text);
            let _ = parse(&parts.join("."));
        }

        #[test]
        fn any_json_like_header_is_taken_apart_or_refused(header in "\\{\"alg\":\"[A-Za-z0-9]{0,8}\"(,\"[a-z]{1,4}\":[0-9\"a-z]{1,5}){0,3}\\}") {
            let _ = parse(&token(&header, "{}"));
        }

        #[test]
        fn what_was_put_together_is_taken_apart_again(alg in "[A-Z]{1,3}[0-9]{3}", kid in proptest::option::of(".{0,20}"), signature in vec(any::<u8>(), 1..80)) {
            let header = Header { alg, typ: Some("at+jwt".into()), kid };
            let input = signing_input(&header, br#"{"sub":"a"}"#);
            let token = assemble(input.clone(), &signature);
            let read = parse(&token).unwrap();
            prop_assert_eq!((read.header, read.signing_input, read.signature), (header, input.as_str(), signature));
            prop_assert_eq!(read.payload, br#"{"sub":"a"}"#);
        }
    }
}
