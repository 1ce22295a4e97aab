//! A private key, parsed and ready, and the public half that checks what it signed.

use aws_lc_rs::{
    encoding::AsDer,
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, VerificationAlgorithm,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use vestibule_domain::client::SigningAlg;
use vestibule_protocol::jwk::{Jwk, KeyUse, PublicKey};
use zeroize::Zeroizing;

use crate::sealer::sha256;

/// A key pair that signs with one algorithm, and checks with that algorithm alone. What a token says of its algorithm never comes near.
#[derive(Debug)]
pub(super) struct PrivateKey {
    alg: SigningAlg,
    pair: Pair,
    public: PublicKey,
    verifier: ParsedPublicKey,
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// The library refused to make or read a key, or to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyFault;

impl From<Unspecified> for KeyFault {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<KeyRejected> for KeyFault {
    fn from(_: KeyRejected) -> Self {
        Self
    }
}

impl PrivateKey {
    /// A new key. RSA has 2048 bits: what NIST SP 800-57 gives until 2030, and keys here live for months.
    pub(super) fn generate(alg: SigningAlg) -> Result<Self, KeyFault> {
        let pair = match alg {
            SigningAlg::Rs256 | SigningAlg::Ps256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?, padding(alg)),
            SigningAlg::Es256 => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            SigningAlg::EdDsa => Pair::Ed(Ed25519KeyPair::generate()?),
        };
        Self::of(alg, pair)
    }

    /// Reads what [`PrivateKey::to_pkcs8`] wrote.
    pub(super) fn from_pkcs8(alg: SigningAlg, der: &[u8]) -> Result<Self, KeyFault> {
        let pair = match alg {
            SigningAlg::Rs256 | SigningAlg::Ps256 => Pair::Rsa(RsaKeyPair::from_pkcs8(der)?, padding(alg)),
            SigningAlg::Es256 => Pair::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)?),
            SigningAlg::EdDsa => Pair::Ed(Ed25519KeyPair::from_pkcs8(der)?),
        };
        Self::of(alg, pair)
    }

    fn of(alg: SigningAlg, pair: Pair) -> Result<Self, KeyFault> {
        let verifier = ParsedPublicKey::new(verification(alg), pair.public_bytes())?;
        Ok(Self { alg, public: pair.numbers()?, pair, verifier })
    }

    /// RFC 5958, to be sealed.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        Ok(Zeroizing::new(match &self.pair {
            Pair::Rsa(pair, _) => pair.as_der()?.as_ref().to_vec(),
            Pair::Ec(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Pair::Ed(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
        }))
    }

    /// RFC 7638: the name says which key it is, so it can't stand for another.
    pub(super) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.public.thumbprint_input().as_bytes()).0)
    }

    /// The public half, as it is published.
    pub(super) fn jwk(&self, kid: &str) -> Jwk {
        Jwk { key: self.public.clone(), kid: kid.to_owned(), key_use: KeyUse::Signature, alg: self.alg.as_str().to_owned() }
    }

    /// A signature as JWS wants it: ECDSA as the two numbers side by side (RFC 7518 §3.4), PSS with a salt as long as the digest (§3.5).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        match &self.pair {
            Pair::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Pair::Ec(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Pair::Ed(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// Whether this key made the signature, with its own algorithm.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify_sig(message, signature).is_ok()
    }
}

impl Pair {
    fn public_bytes(&self) -> &[u8] {
        match self {
            Self::Rsa(pair, _) => pair.public_key().as_ref(),
            Self::Ec(pair) => pair.public_key().as_ref(),
            Self::Ed(pair) => pair.public_key().as_ref(),
        }
    }

    fn numbers(&self) -> Result<PublicKey, KeyFault> {
        match self {
            Self::Rsa(pair, _) => {
                let key = pair.public_key();
                let (modulus, exponent) = (key.modulus(), key.exponent());
                Ok(PublicKey::rsa(modulus.big_endian_without_leading_zero(), exponent.big_endian_without_leading_zero()))
            }
            // SEC 1 §2.3.3: an uncompressed point is 4 and the two coordinates.
            Self::Ec(pair) => match pair.public_key().as_ref() {
                [4, point @ ..] if point.len() == 64 => Ok(PublicKey::p256(&half(&point[..32])?, &half(&point[32..])?)),
                _ => Err(KeyFault),
            },
            Self::Ed(pair) => Ok(PublicKey::ed25519(&half(pair.public_key().as_ref())?)),
        }
    }
}

fn half(bytes: &[u8]) -> Result<[u8; 32], KeyFault> {
    bytes.try_into().map_err(|_| KeyFault)
}

fn padding(alg: SigningAlg) -> &'static dyn RsaEncoding {
    if alg == SigningAlg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 }
}

/// How the signatures of an algorithm are checked.
pub(crate) fn verification(alg: SigningAlg) -> &'static dyn VerificationAlgorithm {
    match alg {
        SigningAlg::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        SigningAlg::Ps256 => &RSA_PSS_2048_8192_SHA256,
        SigningAlg::Es256 => &ECDSA_P256_SHA256_FIXED,
        SigningAlg::EdDsa => &ED25519,
    }
}
