//! A key that an app holds, and the DPoP proofs it makes with it, good ones and bad ones.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vestibule_domain::time::Timestamp;

/// An Ed25519 key of an app.
#[derive(Debug)]
pub struct ProofKey {
    pair: KeyPair,
    made: AtomicU64,
}

impl Default for ProofKey {
    fn default() -> Self {
        Self { pair: KeyPair::generate_for(&PKCS_ED25519).expect("a key can be made"), made: AtomicU64::default() }
    }
}

impl ProofKey {
    /// Its public half.
    pub fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(self.pair.der_bytes())})
    }

    /// RFC 7638.
    pub fn thumbprint(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.pair.der_bytes());
        hash(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#))
    }

    /// The claims of a good proof; no two have the same `jti`.
    pub fn claims(&self, method: &str, address: &str, nonce: Option<&str>, now: Timestamp) -> Value {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let mut claims = json!({"jti": format!("proof-{made}"), "htm": method, "htu": address, "iat": now.as_secs()});
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        claims
    }

    /// A proof of these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk()}), claims)
    }

    /// The same under another header.
    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(input.as_bytes()).expect("a key signs");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// `ath` of an access token (RFC 9449 §4.2).
pub fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}
