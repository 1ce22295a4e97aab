//! Public keys as we publish them (RFC 7517, RFC 7518 §6, RFC 8037). There is no type for a private or symmetric key here.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The numbers of a public key, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKey {
    /// RFC 7518 §6.3.1.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
    /// RFC 7518 §6.2.1.
    #[serde(rename = "EC")]
    Ec {
        /// The curve.
        crv: EcCurve,
        /// 32 bytes.
        x: String,
        /// 32 bytes.
        y: String,
    },
    /// RFC 8037 §2.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve.
        crv: OkpCurve,
        /// 32 bytes.
        x: String,
    },
}

/// The elliptic curve of ES256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EcCurve {
    /// secp256r1.
    #[serde(rename = "P-256")]
    P256,
}

/// The curve of EdDSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OkpCurve {
    /// edwards25519.
    Ed25519,
}

/// What the key is for. Ours sign, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyUse {
    /// RFC 7517 §4.2.
    #[serde(rename = "sig")]
    Signature,
}

/// One key of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key itself.
    #[serde(flatten)]
    pub key: PublicKey,
    /// Its name: the thumbprint.
    pub kid: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// The one algorithm it is used with.
    pub alg: String,
}

/// A key set (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys. Some clients take the first that fits, so the order means something.
    pub keys: Vec<Jwk>,
}

impl PublicKey {
    /// An RSA key from big-endian numbers. RFC 7518 §2 wants them without leading zeros.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        let number = |bytes: &[u8]| encode(&bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..]);
        Self::Rsa { n: number(modulus), e: number(exponent) }
    }

    /// A P-256 key from its affine coordinates, leading zeros included (RFC 7518 §6.2.1.2).
    pub fn p256(x: &[u8; 32], y: &[u8; 32]) -> Self {
        Self::Ec { crv: EcCurve::P256, x: encode(x), y: encode(y) }
    }

    /// An Ed25519 key (RFC 8032 §5.1.5).
    pub fn ed25519(x: &[u8; 32]) -> Self {
        Self::Okp { crv: OkpCurve::Ed25519, x: encode(x) }
    }

    /// The text whose SHA-256 is the thumbprint: the required members alone, in the order of their names, without white space (RFC 7638 §3).
    pub fn thumbprint_input(&self) -> String {
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv: EcCurve::P256, x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Okp { crv: OkpCurve::Ed25519, x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8037_appendix_a_3_the_thumbprint_input_of_the_example() {
        let key = PublicKey::Okp { crv: OkpCurve::Ed25519, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into() };
        assert_eq!(key.thumbprint_input(), r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
    }

    #[test]
    fn each_kind_of_key_is_written_with_its_members_alone() {
        let jwk =
            |key, alg: &str| serde_json::to_string(&Jwk { key, kid: "k".into(), key_use: KeyUse::Signature, alg: alg.into() }).unwrap();
        assert_eq!(
            jwk(PublicKey::rsa(&[0, 0xff, 0], &[1, 0, 1]), "RS256"),
            r#"{"kty":"RSA","n":"_wA","e":"AQAB","kid":"k","use":"sig","alg":"RS256"}"#
        );
        let zeros = "A".repeat(43);
        assert_eq!(
            jwk(PublicKey::p256(&[0; 32], &[0; 32]), "ES256"),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{zeros}","y":"{zeros}","kid":"k","use":"sig","alg":"ES256"}}"#)
        );
        assert_eq!(
            jwk(PublicKey::ed25519(&[0; 32]), "EdDSA"),
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{zeros}","kid":"k","use":"sig","alg":"EdDSA"}}"#)
        );
    }

    #[test]
    fn what_is_written_is_read_again_and_a_symmetric_key_is_not() {
        let set = JwkSet {
            keys: vec![Jwk { key: PublicKey::rsa(&[9], &[3]), kid: "k".into(), key_use: KeyUse::Signature, alg: "RS256".into() }],
        };
        assert_eq!(serde_json::from_slice::<JwkSet>(&serde_json::to_vec(&set).unwrap()).unwrap(), set);
        assert!(serde_json::from_str::<Jwk>(r#"{"kty":"oct","k":"AA","kid":"k","use":"sig","alg":"HS256"}"#).is_err());
    }
}
