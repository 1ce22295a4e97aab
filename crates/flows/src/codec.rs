//! Random texts and base64url, as cookies, codes and tokens use them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use vestibule_domain::ports::Entropy;

/// 256 random bits as 43 characters.
pub(crate) fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    encode(&bytes)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
