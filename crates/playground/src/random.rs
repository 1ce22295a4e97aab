//! Secrets, and their digests.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use vestibule_domain::{ports::Entropy, secret::Digest};

/// 256 random bits, as 43 unreserved characters: fit for a code, a token, a cookie, and as a `code_verifier` (RFC 7636 §4.1).
pub(crate) fn secret(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256. Comparing digests takes the same time whatever differs.
pub(crate) fn digest(text: &str) -> Digest {
    Digest(Sha256::digest(text).into())
}

/// The `S256` challenge of a verifier (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(verifier).0)
}

/// The hash of an access token that an ID token carries (OpenID Connect Core 1.0 §3.1.3.6), for algorithms with SHA-256.
pub(crate) fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(token).0[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7636_appendix_b_gives_the_challenge_of_its_example() {
        assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
