//! Signing what we say of ourselves to a provider: client assertions (RFC 7523), Apple's client secret, Google's service accounts.
//!
//! The house signs with aws-lc-rs and nothing else, and that library is the crypto crate's alone. Its private keys are reached here through
//! rustls, which has them for client certificates: same library, same constant-time code, no second one. `openidconnect` can sign too, but with
//! the `rsa` crate, whose private-key operations leak their time (RUSTSEC-2023-0071).

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{SignatureScheme, crypto::aws_lc_rs::sign::any_supported_type, sign::SigningKey};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// What can be signed with, and how JOSE calls it (RFC 7518 §3.1, RFC 8037 §3.1).
const SCHEMES: [(SignatureScheme, &str); 3] =
    [(SignatureScheme::RSA_PKCS1_SHA256, "RS256"), (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256"), (SignatureScheme::ED25519, "EdDSA")];

/// A private key of ours, registered at a provider.
#[derive(Clone)]
pub struct AssertionKey {
    key: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
    alg: &'static str,
    kid: Option<String>,
}

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionKey").field("alg", &self.alg).field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A text is no key that can be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a private key in PEM: RSA of 2048 bits or more, P-256 or Ed25519, without a passphrase")]
pub struct NotAKey;

/// A key that was good would not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("our private key does not sign")]
pub struct SigningFailed;

impl AssertionKey {
    /// Reads PKCS#8, PKCS#1 or SEC1. `kid` is how the provider calls the key, if it wants to hear it.
    pub fn from_pem(pem: &SecretString, kid: Option<String>) -> Result<Self, NotAKey> {
        let der = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| NotAKey)?;
        let key = any_supported_type(&der).map_err(|_| NotAKey)?;
        let fitting = SCHEMES.into_iter().find(|(scheme, _)| key.choose_scheme(&[*scheme]).is_some());
        let (scheme, alg) = fitting.ok_or(NotAKey)?;
        Ok(Self { key, scheme, alg, kid })
    }

    /// How it signs.
    pub fn alg(&self) -> &'static str {
        self.alg
    }

    /// A JWT with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, SigningFailed> {
        let header = match &self.kid {
            Some(kid) => json!({"alg": self.alg, "kid": kid, "typ": "JWT"}),
            None => json!({"alg": self.alg, "typ": "JWT"}),
        };
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encoded(&header), encoded(claims));
        let signer = self.key.choose_scheme(&[self.scheme]).ok_or(SigningFailed)?;
        let mut signature = signer.sign(input.as_bytes()).map_err(|_| SigningFailed)?;
        if self.scheme == SignatureScheme::ECDSA_NISTP256_SHA256 {
            signature = halves(&signature).ok_or(SigningFailed)?;
        }
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// TLS writes a P-256 signature as a DER sequence of two numbers, JOSE as two halves of 32 bytes (RFC 7518 §3.4).
fn halves(der: &[u8]) -> Option<Vec<u8>> {
    // A sequence of two numbers of at most 33 bytes never needs a long length.
    let [0x30, length, rest @ ..] = der else { return None };
    if usize::from(*length) != rest.len() {
        return None;
    }
    let (r, rest) = number(rest)?;
    let (s, rest) = number(rest)?;
    rest.is_empty().then(|| [r, s].concat())
}

fn number(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let [0x02, length, rest @ ..] = der else { return None };
    let (digits, rest) = rest.split_at_checked(usize::from(*length))?;
    let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
    let mut half = [0; 32];
    half.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some((half, rest))
}

#[cfg(test)]
mod tests {
    use openidconnect::{
        JsonWebKey,
        core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
    };
    use rcgen::{KeyPair, PublicKeyData};

    use super::*;

    fn key(pair: &KeyPair) -> AssertionKey {
        AssertionKey::from_pem(&pair.serialize_pem().into(), Some("k1".into())).unwrap()
    }

    fn parts(token: &str) -> (Value, Value, String, Vec<u8>) {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = input.split_once('.').unwrap();
        let read = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (read(header), read(claims), input.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap())
    }

    #[test]
    fn rfc_7518_section_3_4_a_p256_signature_has_two_halves_and_holds() {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let point = pair.der_bytes();
        let jwk: CoreJsonWebKey = serde_json::from_value(json!({
            "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65])
        }))
        .unwrap();
        let key = key(&pair);
        // Often enough that numbers with leading zeros and with a high bit are among them.
        for at in 0..300 {
            let (header, claims, input, signature) = parts(&key.sign(&json!({ "at": at })).unwrap());
            assert_eq!((header, claims), (json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}), json!({ "at": at })));
            assert_eq!(signature.len(), 64);
            jwk.verify_signature(&CoreJwsSigningAlgorithm::EcdsaP256Sha256, input.as_bytes(), &signature).unwrap();
        }
    }

    #[test]
    fn every_kind_of_key_signs_as_it_is_called() {
        for (kind, alg) in [(&rcgen::PKCS_ED25519, "EdDSA"), (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256"), (&rcgen::PKCS_RSA_SHA256, "RS256")]
        {
            let Ok(pair) = KeyPair::generate_for(kind) else { panic!("{alg}") };
            assert_eq!(key(&pair).alg(), alg);
            assert_eq!(parts(&key(&pair).sign(&json!({})).unwrap()).0["alg"], alg);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_never_shown() {
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
        for text in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", other.as_str()] {
            assert_eq!(AssertionKey::from_pem(&text.to_owned().into(), None).unwrap_err(), NotAKey);
        }
        let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        assert_eq!(format!("{:?}", key(&pair)), r#"AssertionKey { alg: "EdDSA", kid: Some("k1"), .. }"#);
    }

    #[test]
    fn numbers_are_padded_and_nothing_else_is_read() {
        assert_eq!(halves(&[0x30, 6, 2, 1, 5, 2, 1, 7]).unwrap(), [[0; 31].as_slice(), &[5], &[0; 31], &[7]].concat());
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 7, 2, 1, 5, 2, 1, 7],
            &[0x30, 6, 3, 1, 5, 2, 1, 7],
            &[0x30, 7, 2, 1, 5, 2, 1, 7, 0],
            &[0x30, 3, 2, 40, 1],
        ] {
            assert_eq!(halves(bad), None);
        }
    }
}
