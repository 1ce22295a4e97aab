//! Checking that a DPoP proof is signed by the key it brings (RFC 9449 §4.3).

use std::{sync::Arc, time::Duration};

use aws_lc_rs::signature::ParsedPublicKey;
use moka::sync::Cache;
use vestibule_domain::{
    client::SigningAlg,
    ports::ProofReader,
    possession::{Proof, ProofFault, Thumbprint},
};
use vestibule_protocol::{
    dpop::{self, ProofClaims},
    key_set::Numbers,
};

use crate::{checker, sealer::sha256};

/// How many clients' keys are kept parsed. One comes with every request of its client, and strangers can bring as many as they like.
const MOST_KEYS: u64 = 10_000;
const KEPT: Duration = Duration::from_hours(1);

/// Reads proofs. Keys that came before are not parsed again.
#[derive(Debug)]
pub struct LocalProofReader {
    keys: Cache<(Thumbprint, SigningAlg), Arc<ParsedPublicKey>>,
}

impl Default for LocalProofReader {
    fn default() -> Self {
        Self { keys: Cache::builder().max_capacity(MOST_KEYS).time_to_idle(KEPT).build() }
    }
}

impl ProofReader for LocalProofReader {
    fn read(&self, proof: &str) -> Result<Proof, ProofFault> {
        let unverified = dpop::parse(proof)?;
        let key = Thumbprint(sha256(unverified.key.rewritten().thumbprint_input().as_bytes()));
        let verifier = self.verifier(key, &unverified.key, unverified.alg).ok_or(ProofFault::Key)?;
        verifier.verify_sig(unverified.signing_input.as_bytes(), &unverified.signature).map_err(|_| ProofFault::Signature)?;
        let ProofClaims { jti, htm, htu, iat, nonce, ath } = unverified.claims;
        Ok(Proof { key, alg: unverified.alg, id: jti, method: htm, target: htu, issued: iat, nonce, token: ath })
    }
}

impl LocalProofReader {
    fn verifier(&self, name: Thumbprint, key: &Numbers, alg: SigningAlg) -> Option<Arc<ParsedPublicKey>> {
        if let Some(known) = self.keys.get(&(name, alg)) {
            return Some(known);
        }
        let parsed = Arc::new(checker::parse(key, alg)?);
        self.keys.insert((name, alg), Arc::clone(&parsed));
        Some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::{KeyPair as RsaKeyPair, KeySize},
        signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
        },
    };
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};
    use vestibule_domain::time::Timestamp;

    use super::*;

    /// RFC 9449 §4.1, and the thumbprint that §6.1 gives of its key.
    const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQy\
                           VVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGki\
                           OiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYy\
                           MjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn text(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn input(alg: &str, jwk: &Value) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk});
        let claims = json!({"jti": "a", "htm": "GET", "htu": "https://a.example/", "iat": 7});
        format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()))
    }

    fn read(input: &str, signature: &[u8]) -> Result<Proof, ProofFault> {
        LocalProofReader::default().read(&format!("{input}.{}", text(signature)))
    }

    fn rsa(pair: &RsaKeyPair) -> Value {
        let key = pair.public_key();
        json!({"kty": "RSA", "n": text(key.modulus().big_endian_without_leading_zero()), "e": text(key.exponent().big_endian_without_leading_zero())})
    }

    fn rsa_signature(pair: &RsaKeyPair, padding: &'static dyn RsaEncoding, input: &str) -> Vec<u8> {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
        signature
    }

    #[test]
    fn rfc_9449_section_6_1_the_example_is_signed_by_the_key_of_that_thumbprint() {
        let reader = LocalProofReader::default();
        for _ in 0..2 {
            let proof = reader.read(EXAMPLE).unwrap();
            assert_eq!((Some(proof.key), proof.id.as_str()), (Thumbprint::parse(THUMBPRINT), "-BwC3ESc6acc2lTc"));
        }
    }

    #[test]
    fn attack_58_a_changed_proof_is_not_signed() {
        for (from, to) in [(".2-Gx", ".3-Gx"), ("iaWF0IjoxNTYy", "iaWF0IjoxNTYz"), ("xRZT3Lg", "xRZT3Lw")] {
            assert!(EXAMPLE.contains(from), "{from}");
            let read = LocalProofReader::default().read(&EXAMPLE.replace(from, to));
            assert_eq!(read, Err(ProofFault::Signature), "{from}");
        }
    }

    #[test]
    fn every_algorithm_that_is_announced_is_checked_with_its_own_kind_of_key() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = ec.public_key().as_ref();
        let ec_jwk = json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])});
        let ed = Ed25519KeyPair::generate().unwrap();
        let ed_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(ed.public_key().as_ref())});
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        for alg in dpop::ALGORITHMS.iter().copied() {
            let jwk = match alg {
                "ES256" => &ec_jwk,
                "EdDSA" | "Ed25519" => &ed_jwk,
                _ => &rsa(&pair),
            };
            let input = input(alg, jwk);
            let mut signature = match alg {
                "ES256" => ec.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec(),
                "EdDSA" | "Ed25519" => ed.sign(input.as_bytes()).as_ref().to_vec(),
                "PS256" => rsa_signature(&pair, &RSA_PSS_SHA256, &input),
                _ => rsa_signature(&pair, &RSA_PKCS1_SHA256, &input),
            };
            assert_eq!(read(&input, &signature).unwrap().issued, Timestamp::from_secs(7), "{alg}");
            signature[9] ^= 1;
            assert_eq!(read(&input, &signature), Err(ProofFault::Signature), "{alg}");
            signature.fill(0);
            assert_eq!(read(&input, &signature), Err(ProofFault::Signature), "{alg}");
        }
        // The header says one padding, the signature has the other.
        let input = input("PS256", &rsa(&pair));
        assert_eq!(read(&input, &rsa_signature(&pair, &RSA_PKCS1_SHA256, &input)), Err(ProofFault::Signature));
    }

    #[test]
    fn attack_58_weak_and_broken_keys_are_refused() {
        let off_curve = json!({"kty": "EC", "crv": "P-256", "x": text(&[1; 32]), "y": text(&[1; 32])});
        assert_eq!(read(&input("ES256", &off_curve), &[1; 64]), Err(ProofFault::Key));
        for (modulus, exponent) in [(128, "AQAB"), (255, "AQAB"), (513, "AQAB"), (256, "Ag"), (256, "AQ")] {
            let weak = json!({"kty": "RSA", "n": text(&vec![0xff; modulus]), "e": exponent});
            assert_eq!(read(&input("RS256", &weak), &vec![1; modulus]), Err(ProofFault::Key), "{modulus} {exponent}");
        }
    }
}
