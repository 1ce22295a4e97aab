//! Key sets that others publish (RFC 7517 §5): what a client says its signatures are to be checked with. Hostile in every member.

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use vestibule_domain::client::SigningAlg;

use crate::{json, jwk::PublicKey};

/// The longest key set that is read, in bytes: fifty RSA keys with their certificates.
pub const LONGEST: usize = 128 * 1024;
/// More keys than any client has at once.
pub const MOST_KEYS: usize = 50;
/// RFC 7518 §3.3 wants 2048 bits; beyond 4096 a signature costs more to check than a stranger's token is worth.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The numbers of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point on P-256.
    P256 {
        /// 32 bytes.
        x: [u8; 32],
        /// 32 bytes.
        y: [u8; 32],
    },
    /// A point on edwards25519.
    Ed25519 {
        /// 32 bytes.
        x: [u8; 32],
    },
}

/// One key that is fit to check a signature, or that comes with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TheirKey {
    /// Its name, if it has one.
    pub kid: Option<String>,
    /// The only algorithm it is for, if it says so (RFC 7517 §4.4).
    pub alg: Option<SigningAlg>,
    /// The key itself.
    pub numbers: Numbers,
    /// The certificate of this key in DER, if one stands with it (RFC 7517 §4.7).
    pub certificate: Option<Vec<u8>>,
}

/// Why a key set is refused. None of these repeats any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Longer than [`LONGEST`].
    #[error("is longer than 128 KiB")]
    Length,
    /// No JSON object, or a member twice.
    #[error("is not a proper JSON object")]
    Json,
    /// There is no `keys`, or it is no list of objects.
    #[error("must be a JWK set: an object whose member keys is a list of JWKs (RFC 7517 section 5)")]
    Shape,
    /// More than [`MOST_KEYS`].
    #[error("has more than 50 keys")]
    Many,
    /// A private key, or a symmetric one. Whoever published it has to make a new one.
    #[error("has a private or a symmetric key, which nobody but its owner may ever see: make a new key, and write its public half alone")]
    Private,
    /// Two keys of one name: nobody can say which is meant (RFC 7517 §4.5, FAPI 2.0 Security Profile §5.4.2).
    #[error("has two keys of the same kid")]
    SameName,
    /// An RSA key outside 2048 to 4096 bits, or with an exponent that no RSA key has.
    #[error("has an RSA key that is not of 2048 to 4096 bits, or whose exponent is not an odd number above 1")]
    Weak,
    /// No key is left that could check a signature here.
    #[error("has no key to check a signature with: RSA, EC with P-256 or OKP with Ed25519, and not with \"use\": \"enc\"")]
    Useless,
}

/// Reads a key set. Keys of unknown kinds, and keys for encryption, are left out (RFC 7517 §5); one that is dangerous spoils the whole set, because
/// whoever publishes it does not know what they do.
pub fn read(bytes: &[u8]) -> Result<Vec<TheirKey>, KeySetError> {
    if bytes.len() > LONGEST {
        return Err(KeySetError::Length);
    }
    let Ok(Value::Object(set)) = json::parse_strict(bytes) else { return Err(KeySetError::Json) };
    let Some(Value::Array(keys)) = set.get("keys") else { return Err(KeySetError::Shape) };
    if keys.len() > MOST_KEYS {
        return Err(KeySetError::Many);
    }
    let mut read: Vec<TheirKey> = Vec::with_capacity(keys.len());
    for key in keys {
        let Value::Object(members) = key else { return Err(KeySetError::Shape) };
        let Some(key) = read_key(members)? else { continue };
        if key.kid.is_some() && read.iter().any(|other| other.kid == key.kid) {
            return Err(KeySetError::SameName);
        }
        read.push(key);
    }
    if read.is_empty() { Err(KeySetError::Useless) } else { Ok(read) }
}

/// One public key, if it is one that we can use.
pub(crate) fn read_key(members: &Map<String, Value>) -> Result<Option<TheirKey>, KeySetError> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    if text("kty") == Some("oct") || PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(KeySetError::Private);
    }
    let signs = text("use").is_none_or(|key_use| key_use == "sig");
    let verifies = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    };
    let Some(numbers) = numbers(&text).filter(|_| signs && verifies) else { return Ok(None) };
    if let Numbers::Rsa { n, e } = &numbers
        && !is_strong_rsa(n, e)
    {
        return Err(KeySetError::Weak);
    }
    let alg = text("alg").map(algorithm);
    // A key for an algorithm that we don't know, or for one that its kind can't do, checks nothing.
    if alg.is_some_and(|alg| alg.is_none_or(|alg| !numbers.fits(alg))) {
        return Ok(None);
    }
    let chain = members.get("x5c").and_then(Value::as_array);
    let certificate = chain.and_then(|chain| chain.first()).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    Ok(Some(TheirKey { kid: text("kid").map(str::to_owned), alg: alg.flatten(), numbers, certificate }))
}

/// An algorithm as others call it: RFC 9864 §2.2 gives EdDSA on this curve a name of its own, and newer libraries use it.
pub fn algorithm(name: &str) -> Option<SigningAlg> {
    if name == "Ed25519" { Some(SigningAlg::EdDsa) } else { name.parse().ok() }
}

/// With an exponent of one, every text is its own signature; an even one belongs to no RSA key. Both numbers without leading zeros.
pub fn is_strong_rsa(modulus: &[u8], exponent: &[u8]) -> bool {
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    let exponent_fits = matches!(exponent, [.., last] if last & 1 == 1) && exponent != [1] && exponent.len() <= 4;
    RSA_BITS.contains(&bits) && exponent_fits
}

/// A big-endian number without the leading zeros that some write (RFC 7518 §2 forbids them).
pub fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    Some(bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..].to_vec())
}

fn numbers<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Option<Numbers> {
    let half = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok()?.try_into().ok();
    match (text("kty")?, text("crv")) {
        ("RSA", _) => Some(Numbers::Rsa { n: number(text("n")?)?, e: number(text("e")?)? }),
        ("EC", Some("P-256")) => Some(Numbers::P256 { x: half("x")?, y: half("y")? }),
        ("OKP", Some("Ed25519")) => Some(Numbers::Ed25519 { x: half("x")? }),
        _ => None,
    }
}

impl Numbers {
    /// The key in the one way in which it can be written, however it came: so it has one thumbprint (RFC 7638 §7).
    pub fn rewritten(&self) -> PublicKey {
        match self {
            Self::Rsa { n, e } => PublicKey::rsa(n, e),
            Self::P256 { x, y } => PublicKey::p256(x, y),
            Self::Ed25519 { x } => PublicKey::ed25519(x),
        }
    }

    /// Whether a key of this kind can do this algorithm.
    pub fn fits(&self, alg: SigningAlg) -> bool {
        match self {
            Self::Rsa { .. } => matches!(alg, SigningAlg::Rs256 | SigningAlg::Ps256),
            Self::P256 { .. } => alg == SigningAlg::Es256,
            Self::Ed25519 { .. } => alg == SigningAlg::EdDsa,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::json;

    use super::*;

    fn rsa(bytes: usize, e: &str) -> Value {
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bytes]), "e": e})
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn set(keys: &Value) -> Result<Vec<TheirKey>, KeySetError> {
        read(&serde_json::to_vec(&json!({ "keys": keys })).unwrap())
    }

    #[test]
    fn rfc_7517_section_5_keys_that_are_not_for_us_are_left_out() {
        let good = rsa(256, "AQAB");
        for other in [
            with(good.clone(), "use", json!("enc")),
            with(good.clone(), "key_ops", json!(["encrypt"])),
            with(good.clone(), "alg", json!("RSA-OAEP")),
            with(good.clone(), "alg", json!("ES256")),
            with(good.clone(), "alg", json!("none")),
            with(good.clone(), "alg", json!("HS256")),
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "new"}),
            json!({}),
        ] {
            assert_eq!(set(&json!([other.clone()])), Err(KeySetError::Useless), "{other}");
            assert_eq!(set(&json!([other, good.clone()])).unwrap().len(), 1);
        }
    }

    #[test]
    fn attack_18_fapi_2_0_section_5_4_1_private_symmetric_and_weak_keys_spoil_the_set() {
        let good = rsa(256, "AQAB");
        for name in PRIVATE {
            assert_eq!(set(&json!([good.clone(), with(good.clone(), name, json!("AA"))])), Err(KeySetError::Private), "{name}");
        }
        assert_eq!(set(&json!([good.clone(), {"kty": "oct"}])), Err(KeySetError::Private));
        for weak in [rsa(64, "AQAB"), rsa(255, "AQAB"), rsa(513, "AQAB"), rsa(256, "AQ"), rsa(256, "Ag"), rsa(256, ""), rsa(256, "AAE")] {
            assert_eq!(set(&json!([good.clone(), weak.clone()])), Err(KeySetError::Weak), "{weak}");
        }
    }

    #[test]
    fn attack_22_a_flood_of_keys_is_refused_whole() {
        assert_eq!(set(&Value::Array(vec![rsa(256, "AQAB"); MOST_KEYS])).unwrap().len(), MOST_KEYS);
        assert_eq!(set(&Value::Array(vec![rsa(256, "AQAB"); MOST_KEYS + 1])), Err(KeySetError::Many));
        assert_eq!(read(&vec![b' '; LONGEST + 1]), Err(KeySetError::Length));
    }

    #[test]
    fn fapi_2_0_section_5_4_2_no_two_keys_have_one_name() {
        let named = with(rsa(256, "AQAB"), "kid", json!("a"));
        assert_eq!(set(&json!([named, named])), Err(KeySetError::SameName));
    }

    #[test]
    fn rfc_9864_section_2_2_ed25519_is_what_eddsa_is_here() {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "alg": "Ed25519"});
        assert_eq!(set(&json!([key])).unwrap()[0].alg, Some(SigningAlg::EdDsa));
    }

    #[test]
    fn rfc_7517_section_4_7_the_first_certificate_is_the_keys() {
        let key = with(rsa(256, "AQAB"), "x5c", json!(["AQID", "BAUG"]));
        assert_eq!(set(&json!([key])).unwrap()[0].certificate.as_deref(), Some([1, 2, 3].as_slice()));
        for shape in [json!("AQID"), json!([]), json!([1]), json!(["*"])] {
            assert_eq!(set(&json!([with(rsa(256, "AQAB"), "x5c", shape)])).unwrap()[0].certificate, None);
        }
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for (bad, error) in
            [("", KeySetError::Json), ("[]", KeySetError::Json), ("{}", KeySetError::Shape), (r#"{"keys":{}}"#, KeySetError::Shape)]
        {
            assert_eq!(read(bad.as_bytes()), Err(error), "{bad}");
        }
        assert_eq!(set(&json!(["RSA"])), Err(KeySetError::Shape));
        assert_eq!(read(br#"{"keys":[],"keys":[]}"#), Err(KeySetError::Json));
        assert_eq!(set(&json!([])), Err(KeySetError::Useless));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_members_are_read_or_refused(members in vec(("(kty|crv|n|e|x|y|alg|use|kid|x5c|key_ops)", "(\"[A-Za-z0-9_=-]{0,12}\"|[0-9]|null|\\[\"[a-z]{0,4}\"\\])"), 0..8)) {
            let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let _ = read(format!("{{\"keys\":[{{{}}}]}}", members.join(",")).as_bytes());
        }
    }
}
