//! DPoP proofs as they come (RFC 9449 §4.2): a JWT that brings the public key it is signed with.

use std::time::Duration;

use serde_json::{Map, Value};
use vestibule_domain::{client::SigningAlg, possession::ProofFault, secret::Digest, time::Timestamp};

use crate::{
    jwt,
    key_set::{self, Numbers},
};

/// How a proof may be signed. All are asymmetric: with a shared secret, whoever checks a proof could make one.
pub const ALGORITHMS: &[&str] = &["ES256", "EdDSA", "Ed25519", "PS256", "RS256"];

/// `typ`, which keeps proofs and other tokens of the same key apart.
const TYPE: &str = "dpop+jwt";

/// The longest `jti` or `nonce` that is looked at, in bytes; 128 random bits need 22.
const LONGEST_NAME: usize = 256;
/// The longest `htu`.
const LONGEST_TARGET: usize = 2048;

/// A proof taken apart. Its signature is not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct UnverifiedProof<'a> {
    /// How it is signed; fits the key.
    pub alg: SigningAlg,
    /// The key it is about.
    pub key: Numbers,
    /// What it says.
    pub claims: ProofClaims,
    /// What is signed.
    pub signing_input: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The claims of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct ProofClaims {
    pub jti: String,
    pub htm: String,
    pub htu: String,
    pub iat: Timestamp,
    pub nonce: Option<String>,
    pub ath: Option<Digest>,
}

/// Takes a proof apart (§4.3, 2 to 5 and 7).
pub fn parse(proof: &str) -> Result<UnverifiedProof<'_>, ProofFault> {
    let (token, key) = jwt::parse_with_key(proof).map_err(|error| match error {
        jwt::JwtError::Unsigned => ProofFault::Algorithm,
        _ => ProofFault::Malformed,
    })?;
    // Media types are compared without regard to case (RFC 2045 §5.1).
    if !token.header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)) {
        return Err(ProofFault::Type);
    }
    let alg = key_set::algorithm(&token.header.alg).ok_or(ProofFault::Algorithm)?;
    let Some(Value::Object(members)) = key else { return Err(ProofFault::Key) };
    // A private part was shown to everybody on the way here.
    let key = key_set::read_key(&members).ok().flatten().ok_or(ProofFault::Key)?;
    if !key.numbers.fits(alg) || key.alg.is_some_and(|only| only != alg) {
        return Err(ProofFault::Algorithm);
    }
    let claims = claims(&token.claims).ok_or(ProofFault::Malformed)?;
    Ok(UnverifiedProof { alg, key: key.numbers, claims, signing_input: token.signing_input, signature: token.signature })
}

fn claims(claims: &Map<String, Value>) -> Option<ProofClaims> {
    let text = |name: &str, longest: usize| match claims.get(name) {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= longest => Some(text.clone()),
        _ => None,
    };
    // What need not be there may not be something else either.
    let maybe = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(_) => text(name, LONGEST_NAME).map(Some),
    };
    let ath = match maybe("ath")? {
        // Of the wrong form, it is of no token.
        Some(text) => Some(Digest::from_base64url(&text)?),
        None => None,
    };
    Some(ProofClaims {
        jti: text("jti", LONGEST_NAME)?,
        htm: text("htm", LONGEST_NAME)?,
        htu: text("htu", LONGEST_TARGET)?,
        iat: numeric_date(claims.get("iat")?)?,
        nonce: maybe("nonce")?,
        ath,
    })
}

/// RFC 7519 §2: seconds, perhaps with a fraction.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    if let Some(secs) = value.as_i64() {
        return Some(Timestamp::from_secs(secs));
    }
    let span = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    i64::try_from(span.as_secs()).ok().map(Timestamp::from_secs)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::{collection::vec, prelude::*};
    use serde_json::json;

    use super::*;

    /// RFC 9449 §4.1.
    const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQy\
                           VVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGki\
                           OiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYy\
                           MjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims))
    }

    fn key() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn header() -> Value {
        json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": key()})
    }

    fn said() -> Value {
        json!({"jti": "a", "htm": "GET", "htu": "https://a.example/", "iat": 1})
    }

    fn with(mut value: Value, name: &str, member: Value) -> Value {
        value[name] = member;
        value
    }

    fn without(mut value: Value, name: &str) -> Value {
        value.as_object_mut().unwrap().remove(name);
        value
    }

    fn fault(header: &Value, claims: &Value) -> ProofFault {
        parse(&token(header, claims)).unwrap_err()
    }

    #[test]
    fn rfc_9449_section_4_1_the_example_is_taken_apart() {
        let proof = parse(EXAMPLE).unwrap();
        assert_eq!((proof.alg, proof.signature.len()), (SigningAlg::Es256, 64));
        let claims = ProofClaims {
            jti: "-BwC3ESc6acc2lTc".into(),
            htm: "POST".into(),
            htu: "https://server.example.com/token".into(),
            iat: Timestamp::from_secs(1_562_262_616),
            nonce: None,
            ath: None,
        };
        assert_eq!(proof.claims, claims);
    }

    #[test]
    fn rfc_9449_section_4_2_typ_is_dpop_jwt_and_nothing_else() {
        assert!(parse(&token(&with(header(), "typ", json!("DPoP+JWT")), &said())).is_ok());
        for typ in [json!("JWT"), json!("at+jwt"), json!("logout+jwt"), json!("application/dpop+jwt"), json!("dpop+jwt "), json!("")] {
            assert_eq!(fault(&with(header(), "typ", typ.clone()), &said()), ProofFault::Type, "{typ}");
        }
        assert_eq!(fault(&without(header(), "typ"), &said()), ProofFault::Type);
    }

    #[test]
    fn attack_58_alg_is_asymmetric_and_one_of_the_keys() {
        for alg in ["none", "nOnE", "HS256", "HS512", "RS1", "ES384", "RS256", "PS256", "ES256", "es256", ""] {
            assert_eq!(fault(&with(header(), "alg", json!(alg)), &said()), ProofFault::Algorithm, "{alg}");
        }
        assert!(parse(&token(&with(header(), "alg", json!("Ed25519")), &said())).is_ok(), "RFC 9864 §2.2");
    }

    #[test]
    fn attack_58_rfc_9449_section_4_2_a_key_with_a_private_or_symmetric_part_is_refused() {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(fault(&with(header(), "jwk", with(key(), name, json!("AA"))), &said()), ProofFault::Key, "{name}");
        }
        for bad in [
            json!({"kty": "oct", "k": "AA"}),
            json!({"kty": "oct"}),
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "OKP", "crv": "X25519", "x": key()["x"]}),
            with(key(), "x", json!("AA")),
            with(key(), "x", json!(format!("{}=", key()["x"].as_str().unwrap()))),
            without(key(), "x"),
            json!({}),
            json!([]),
            json!("key"),
            json!(null),
        ] {
            assert_eq!(fault(&with(header(), "jwk", bad.clone()), &said()), ProofFault::Key, "{bad}");
        }
        assert_eq!(fault(&without(header(), "jwk"), &said()), ProofFault::Key);
    }

    #[test]
    fn rfc_9449_section_4_2_every_claim_that_must_be_there_is() {
        for name in ["jti", "htm", "htu", "iat"] {
            assert_eq!(fault(&header(), &without(said(), name)), ProofFault::Malformed, "{name}");
            for bad in [json!(null), json!(""), json!([]), json!({}), json!(true)] {
                assert_eq!(fault(&header(), &with(said(), name, bad.clone())), ProofFault::Malformed, "{name} {bad}");
            }
        }
        for (name, bad) in [
            ("iat", json!("1")),
            ("iat", json!(-0.5)),
            ("iat", json!(1e300)),
            ("jti", json!(1)),
            ("jti", json!("a".repeat(257))),
            ("htu", json!("a".repeat(2049))),
            ("nonce", json!(1)),
            ("nonce", json!("")),
            ("nonce", json!("a".repeat(257))),
            ("ath", json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEp")),
            ("ath", json!("short")),
            ("ath", json!(null)),
        ] {
            assert_eq!(fault(&header(), &with(said(), name, bad.clone())), ProofFault::Malformed, "{name} {bad}");
        }
        let half = parse(&token(&header(), &with(said(), "iat", json!(1.5)))).unwrap().claims.iat;
        assert_eq!(half, Timestamp::from_secs(1));
    }

    #[test]
    fn one_key_has_one_form_however_it_came() {
        let rsa = |n: &[u8]| {
            let key = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB"});
            let header = json!({"typ": "dpop+jwt", "alg": "PS256", "jwk": key});
            parse(&token(&header, &said())).map(|proof| proof.key.rewritten().thumbprint_input())
        };
        assert_eq!(rsa(&[0xff; 256]), rsa(&[&[0, 0], [0xff; 256].as_slice()].concat()));
        let quoted = with(header(), "jwk", with(key(), "x", json!("\",\"x\":\"")));
        assert_eq!(fault(&quoted, &said()), ProofFault::Key, "what is not base64url never comes near the text that is hashed");
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in ".{0,300}", parts in vec("[A-Za-z0-9_-]{0,80}", 3)) {
            let _ = parse(&text);
            let _ = parse(&parts.join("."));
        }

        #[test]
        fn any_header_and_claims_are_taken_apart_or_refused(
            header in vec(("(typ|alg|jwk|kid|crit)", "(\"(dpop\\+jwt|EdDSA|RS256|none)\"|\\{(\"kty\":\"(OKP|EC|RSA|oct)\")?(,\"(x|y|n|e|crv|d)\":\"[A-Za-z0-9_-]{0,44}\"){0,3}\\}|1)"), 0..5),
            claims in vec(("(jti|htm|htu|iat|nonce|ath)", "(\"[ -!#-\\[\\]-~]{0,44}\"|-?[0-9]{1,20}(\\.[0-9])?|null|\\[\\])"), 0..8),
        ) {
            let object = |members: Vec<(String, String)>| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                URL_SAFE_NO_PAD.encode(format!("{{{}}}", members.join(",")))
            };
            let _ = parse(&format!("{}.{}.AA", object(header), object(claims)));
        }
    }
}
