//! The keys an issuer signs with (RFC 7517), as far as they are fit for it.

use openidconnect::core::CoreJsonWebKey;
use serde_json::Value;
use vestibule_domain::provider::{Phase, ProviderError};
use vestibule_protocol::key_set::{is_strong_rsa, number};

use super::issuers::Issuers;
use crate::line::{Object, invalid};

/// More keys than any issuer has at once.
const MOST_KEYS: usize = 100;

/// The usable keys of a set, and where it was fetched.
pub(super) struct KeySet {
    pub(super) from: String,
    keys: Vec<Key>,
}

struct Key {
    /// Whose it is, where several issuers share a set: a member that Entra adds.
    issuer: Option<String>,
    key: CoreJsonWebKey,
}

impl KeySet {
    /// Reads a set. Keys that are not for us - for encryption, of unknown kinds, weak - are left out: RFC 7517 §5 wants them ignored.
    pub(super) fn read(from: String, document: &Object) -> Result<Self, ProviderError> {
        let Some(Value::Array(keys)) = document.get("keys") else {
            return Err(invalid(Phase::Keys, "keys", "no array of keys"));
        };
        if keys.len() > MOST_KEYS {
            return Err(invalid(Phase::Keys, "keys", format!("more than {MOST_KEYS} keys")));
        }
        let usable: Vec<Key> = keys.iter().filter_map(usable).collect();
        if usable.is_empty() {
            return Err(invalid(Phase::Keys, "keys", "none of the keys is fit to check a signature"));
        }
        Ok(Self { from, keys: usable })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Those that may have signed for an issuer.
    pub(super) fn of<'a>(&'a self, issuers: &'a Issuers, issuer: &'a str) -> impl Iterator<Item = &'a CoreJsonWebKey> {
        self.keys.iter().filter(move |key| issuers.key_is_for(key.issuer.as_deref(), issuer)).map(|key| &key.key)
    }
}

fn usable(key: &Value) -> Option<Key> {
    let Value::Object(members) = key else { return None };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let verifies = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    };
    let fit = match text("kty")? {
        "RSA" => is_strong_rsa(&number(text("n")?)?, &number(text("e")?)?),
        "EC" => text("crv") == Some("P-256"),
        "OKP" => text("crv") == Some("Ed25519"),
        // `oct` above all: a published secret is nobody's.
        _ => false,
    };
    // A private key in a public place has been read by others too.
    let public = !members.contains_key("d");
    let signs = text("use").is_none_or(|key_use| key_use == "sig") && verifies;
    if !(fit && public && signs) {
        return None;
    }
    let issuer = text("issuer").map(str::to_owned);
    Some(Key { issuer, key: serde_json::from_value(key.clone()).ok()? })
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    fn count(keys: &Value) -> usize {
        let Value::Object(document) = json!({ "keys": keys }) else { unreachable!() };
        KeySet::read(String::new(), &document).map_or(0, |set| set.len())
    }

    fn rsa(bytes: usize, e: &str) -> Value {
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bytes]), "e": e, "kid": "k"})
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    #[test]
    fn attack_18_weak_private_and_symmetric_keys_are_left_out() {
        assert_eq!(count(&json!([rsa(256, "AQAB")])), 1);
        let weak = [rsa(64, "AQAB"), rsa(255, "AQAB"), rsa(513, "AQAB"), rsa(256, "AQ"), rsa(256, "Ag"), rsa(256, ""), rsa(256, "AAE")];
        for key in weak.into_iter().chain([
            with(rsa(256, "AQAB"), "use", json!("enc")),
            with(rsa(256, "AQAB"), "d", json!("AA")),
            with(rsa(256, "AQAB"), "key_ops", json!(["encrypt"])),
            json!({"kty": "oct", "k": "AA", "kid": "k"}),
            json!({"kty": "EC", "crv": "P-224", "x": "AA", "y": "AA"}),
            json!("RSA"),
        ]) {
            assert_eq!(count(&json!([key.clone()])), 0, "{key}");
            assert_eq!(count(&json!([key, rsa(256, "AQAB")])), 1);
        }
    }

    #[test]
    fn attack_22_a_flood_of_keys_is_refused_whole() {
        assert_eq!(count(&Value::Array(vec![rsa(256, "AQAB"); MOST_KEYS])), MOST_KEYS);
        assert_eq!(count(&Value::Array(vec![rsa(256, "AQAB"); MOST_KEYS + 1])), 0);
    }
}
