//! Checking what others signed with keys of their own.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{hmac, rsa::PublicKeyComponents, signature::ParsedPublicKey};
use moka::sync::Cache;
use vestibule_domain::{
    client::SigningAlg,
    ports::SignatureChecker,
    secret::Digest,
    signed::{JwtFault, SignedJwt},
};
use vestibule_protocol::{
    jwt::{self, Unverified},
    key_set::{self, KeySetError, Numbers, TheirKey},
};

use crate::{sealer::sha256, signer::verification};

/// How many key sets are kept parsed. A key is a few kilobytes, a set has one or two.
const MOST_SETS: u64 = 2_000;
const KEPT: Duration = Duration::from_hours(1);
/// A JWT that names no key is tried with so many at most; each costs what checking a signature costs.
const MOST_TRIED: usize = 8;
/// The name of the only HMAC there is here (RFC 7518 §3.2).
const HS256: &str = "HS256";

/// Checks signatures with keys that were parsed before, as long as they are the same bytes.
#[derive(Debug)]
pub struct LocalChecker {
    sets: Cache<Digest, Arc<Vec<ParsedKey>>>,
}

/// A key and the algorithms it is for. Which one checks a signature is the key's matter; the header of a JWT only chooses among these (attack 18).
#[derive(Debug)]
struct ParsedKey {
    kid: Option<String>,
    verifiers: Vec<(SigningAlg, ParsedPublicKey)>,
    certificate: Option<Digest>,
}

impl Default for LocalChecker {
    fn default() -> Self {
        Self { sets: Cache::builder().max_capacity(MOST_SETS).time_to_live(KEPT).build() }
    }
}

impl SignatureChecker for LocalChecker {
    fn fault_of_keys(&self, jwks: &[u8]) -> Option<String> {
        let keys = match key_set::read(jwks) {
            Ok(keys) => keys,
            Err(error) => return Some(error.to_string()),
        };
        let parsed = keys.iter().filter(|key| ParsedKey::parse(key).is_some()).count();
        (parsed != keys.len()).then(|| "has a key that is none: its numbers are no point on their curve".into())
    }

    fn signed_with(&self, jwks: &[u8], algs: &[SigningAlg], text: &str) -> Result<SignedJwt, JwtFault> {
        let unverified = jwt::parse(text).map_err(|_| JwtFault::Malformed)?;
        let alg = key_set::algorithm(&unverified.header.alg).filter(|alg| algs.contains(alg)).ok_or(JwtFault::Algorithm)?;
        let keys = self.keys(jwks).map_err(|_| JwtFault::NoKeys)?;
        let named = unverified.header.kid.as_deref();
        let mut candidates = keys.iter().filter(|key| named.is_none() || key.kid.as_deref() == named).peekable();
        if candidates.peek().is_none() {
            return Err(JwtFault::UnknownKey);
        }
        let mut verifiers = candidates.flat_map(|key| &key.verifiers).filter(|(of, _)| *of == alg).take(MOST_TRIED).peekable();
        if named.is_some() && verifiers.peek().is_none() {
            return Err(JwtFault::Algorithm);
        }
        if verifiers.any(|(_, key)| key.verify_sig(unverified.signing_input.as_bytes(), &unverified.signature).is_ok()) {
            return Ok(signed(unverified, Some(alg)));
        }
        // Without a name, the key may be a newer one; with a name, a new key would have a new one (OpenID Connect Core 1.0 §10.1.1).
        Err(if named.is_some() { JwtFault::Signature } else { JwtFault::UnknownKey })
    }

    fn signed_with_secret(&self, secret: &[u8], text: &str) -> Result<SignedJwt, JwtFault> {
        let unverified = jwt::parse(text).map_err(|_| JwtFault::Malformed)?;
        if unverified.header.alg != HS256 {
            return Err(JwtFault::Algorithm);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        match hmac::verify(&key, unverified.signing_input.as_bytes(), &unverified.signature) {
            Ok(()) => Ok(signed(unverified, None)),
            Err(_) => Err(JwtFault::Signature),
        }
    }

    fn claimed_issuer(&self, text: &str) -> Option<String> {
        jwt::parse(text).ok()?.claims.get("iss")?.as_str().map(str::to_owned)
    }

    fn certificates_in(&self, jwks: &[u8]) -> Result<Vec<Digest>, JwtFault> {
        let keys = self.keys(jwks).map_err(|_| JwtFault::NoKeys)?;
        Ok(keys.iter().filter_map(|key| key.certificate).collect())
    }
}

impl LocalChecker {
    /// The keys of a set, parsed once. A set that can't be read is read again each time; nobody gets far with one.
    fn keys(&self, jwks: &[u8]) -> Result<Arc<Vec<ParsedKey>>, KeySetError> {
        let digest = sha256(jwks);
        if let Some(keys) = self.sets.get(&digest) {
            return Ok(keys);
        }
        let keys: Vec<_> = key_set::read(jwks)?.iter().filter_map(ParsedKey::parse).collect();
        let keys = Arc::new(keys);
        self.sets.insert(digest, Arc::clone(&keys));
        Ok(keys)
    }
}

impl ParsedKey {
    /// Nothing if the library refuses the key for one of the algorithms it should be for.
    fn parse(key: &TheirKey) -> Option<Self> {
        let algs = SigningAlg::ALL.iter().copied().filter(|&alg| key.numbers.fits(alg) && key.alg.is_none_or(|only| only == alg));
        let verifiers = algs.map(|alg| Some((alg, parse(&key.numbers, alg)?))).collect::<Option<_>>()?;
        Some(Self { kid: key.kid.clone(), verifiers, certificate: key.certificate.as_deref().map(sha256) })
    }
}

/// The key, ready to check signatures of one algorithm. Nothing if the library refuses it.
pub(crate) fn parse(numbers: &Numbers, alg: SigningAlg) -> Option<ParsedPublicKey> {
    match numbers {
        Numbers::Rsa { n, e } => PublicKeyComponents { n, e }.to_parsed_public_key(padded(alg)?).ok(),
        // SEC 1 §2.3.3: an uncompressed point is 4 and the two coordinates. The library refuses one that is not on the curve.
        Numbers::P256 { x, y } => ParsedPublicKey::new(verification(alg), [&[4], x.as_slice(), y.as_slice()].concat()).ok(),
        Numbers::Ed25519 { x } => ParsedPublicKey::new(verification(alg), x).ok(),
    }
}

fn padded(alg: SigningAlg) -> Option<&'static aws_lc_rs::signature::RsaParameters> {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256};
    match alg {
        SigningAlg::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        SigningAlg::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        SigningAlg::Es256 | SigningAlg::EdDsa => None,
    }
}

fn signed(unverified: Unverified<'_>, alg: Option<SigningAlg>) -> SignedJwt {
    SignedJwt { typ: unverified.header.typ, alg, claims: unverified.claims }
}
