//! The key from outside the database. Whoever has it and a dump of the database has everything; with either alone one has nothing.

use std::{collections::BTreeSet, fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use vestibule_domain::ports::Entropy;
use zeroize::Zeroizing;

/// 256 random bits.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

/// Why a text is no sealing key. The operator's to mend; the text is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingKeyError {
    /// Not 32 bytes in one of the forms that are read.
    #[error("a sealing key is 32 random bytes, written as 64 hexadecimal digits or as base64")]
    Form,
    /// Well-formed, but never drawn at random: zeros, a pattern, a count, or readable text.
    #[error("this sealing key was not drawn at random; make one with a generator")]
    NotRandom,
}

/// 32 random bytes with fewer distinct values than this come once in more than 10^12 draws.
const FEWEST_DISTINCT: usize = 12;

impl SealingKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, or 43 characters of base64 or base64url, or 44 with the padding. White space around it is ignored: files end
    /// in a new line.
    pub fn parse(text: &str) -> Result<Self, SealingKeyError> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { from_base64(text) }.ok_or(SealingKeyError::Form)?;
        if looks_drawn(&bytes) { Ok(Self(bytes)) } else { Err(SealingKeyError::NotRandom) }
    }

    /// 43 characters of base64url, as [`SealingKey::parse`] reads them.
    pub fn to_text(&self) -> SecretString {
        URL_SAFE_NO_PAD.encode(self.0.as_ref()).into()
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for SealingKey {
    type Err = SealingKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

fn from_base64(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let unpadded = if text.len() == 44 { text.strip_suffix('=')? } else { text };
    if unpadded.len() != 43 {
        return None;
    }
    let url_safe = Zeroizing::new(unpadded.replace('+', "-").replace('/', "_"));
    let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(url_safe.as_bytes()).ok()?);
    let mut bytes = Zeroizing::new([0; 32]);
    (decoded.len() == bytes.len()).then(|| {
        bytes.copy_from_slice(&decoded);
        bytes
    })
}

/// Catches what people put there to get on: zeros, `0123456789abcdef` over and over, 00 01 02 …, or a sentence in base64.
fn looks_drawn(bytes: &[u8; 32]) -> bool {
    let distinct = |values: &mut dyn Iterator<Item = u8>| values.collect::<BTreeSet<u8>>().len();
    let mut steps = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let readable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
    distinct(&mut bytes.iter().copied()) >= FEWEST_DISTINCT && distinct(&mut steps) > 2 && !readable
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use vestibule_domain::secret::Digest;

    use super::*;
    use crate::SystemEntropy;

    fn hex(bytes: &[u8; 32]) -> String {
        Digest(*bytes).to_hex()
    }

    #[test]
    fn a_key_is_read_in_every_form_it_is_written_in() {
        let key = SealingKey::generate(&SystemEntropy);
        let bytes = key.as_bytes();
        let forms = [
            hex(bytes),
            hex(bytes).to_uppercase(),
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            URL_SAFE.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
            format!("  {}\r\n", hex(bytes)),
            key.to_text().expose_secret().to_owned(),
        ];
        for form in forms {
            assert_eq!(SealingKey::parse(&form).unwrap().as_bytes(), bytes, "{form}");
        }
    }

    #[test]
    fn what_nobody_drew_at_random_is_refused() {
        let counted: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let counted_down = counted.map(|n| 255 - 3 * n);
        let weak = [
            "0".repeat(64),
            "f".repeat(64),
            "0123456789abcdef".repeat(4),
            hex(&counted),
            hex(&counted_down),
            "A".repeat(43),
            STANDARD.encode("change me, change me, change me!"),
            STANDARD.encode("0123456789abcdefghijklmnopqrstuv"),
            STANDARD.encode("correct horse battery staple 42!"),
        ];
        for text in weak {
            assert_eq!(SealingKey::parse(&text).unwrap_err(), SealingKeyError::NotRandom, "{text}");
        }
    }

    #[test]
    fn another_form_or_length_is_refused() {
        let good = SealingKey::generate(&SystemEntropy).to_text().expose_secret().to_owned();
        let bad =
            [String::new(), good[1..].to_owned(), good.clone() + "==", good.clone() + "A", "z".repeat(64), "ä".repeat(32), "=".repeat(44)];
        for text in bad {
            assert_eq!(SealingKey::parse(&text).unwrap_err(), SealingKeyError::Form, "{text}");
        }
    }

    #[test]
    fn attack_78_debug_and_errors_show_no_key() {
        let key = SealingKey::generate(&SystemEntropy);
        assert_eq!(format!("{key:?} {:?}", key.to_text()), "SealingKey(..) SecretBox<str>([REDACTED])");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,70}", hexadecimal in "[0-9a-fx]{64}", base64 in "[A-Za-z0-9+/_=-]{43,44}") {
            for text in [text, hexadecimal, base64] {
                if let Ok(key) = SealingKey::parse(&text) {
                    let again = SealingKey::parse(key.to_text().expose_secret()).unwrap();
                    prop_assert_eq!(again.as_bytes(), key.as_bytes());
                }
            }
        }
    }
}
