//! The keys of an issuer.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use vestibule_crypto::{KeySealer, LocalChecker, LocalSigner, SealingKey, SystemEntropy};
use vestibule_domain::{
    client::SigningAlg,
    keys::SigningKey,
    ports::{Sealer, SignatureChecker, TokenSigner},
    time::Timestamp,
};

use super::{
    Signature,
    manners::{Claims, changed},
};

/// One signing key, and what goes with it; a client's, where that is what a test needs.
pub struct IssuerKeys {
    alg: SigningAlg,
    signer: LocalSigner,
    sealer: Arc<KeySealer>,
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKeys").field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// Whether a key of this set signed a JWT, as anybody who has the set can see.
pub fn is_signed_by(jwks: &[u8], alg: SigningAlg, jwt: &str) -> bool {
    LocalChecker::default().signed_with(jwks, &[alg], jwt).is_ok()
}

const EVER: Timestamp = Timestamp::from_secs(i64::MAX / 2000);

impl IssuerKeys {
    /// A new key for an algorithm.
    pub fn new(alg: SigningAlg) -> Self {
        let sealer = Arc::new(KeySealer::new(SealingKey::generate(&SystemEntropy), Vec::new()));
        let signer = LocalSigner::new("not used: the claims are signed as they are".into(), Arc::clone(&sealer) as Arc<dyn Sealer>);
        let (kid, sealed) = signer.generate(alg).expect("a key can be made");
        let begin = Timestamp::from_secs(0);
        let key =
            SigningKey { kid, alg, sealed, follows: None, created: begin, signs_from: begin, signs_until: EVER, published_until: EVER };
        signer.install(&[key]).expect("a key that was just made can be opened");
        Self { alg, signer, sealer }
    }

    /// Its algorithm.
    pub fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The key set that an honest issuer publishes.
    pub fn jwks(&self) -> Value {
        serde_json::from_slice(&self.signer.jwks(Timestamp::from_secs(1))).expect("the signer writes JSON")
    }

    /// A JWT of these claims, as an honest client signs it too.
    pub fn jwt(&self, typ: &str, claims: &Value) -> String {
        self.sign(typ, &Claims::new(), claims.to_string().as_bytes(), &Signature::Good)
    }

    /// SHA-256.
    pub(super) fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.sealer.hash(data).0
    }

    /// A token of these claims.
    pub fn sign(&self, typ: &str, header_changes: &Claims, payload: &[u8], how: &Signature) -> String {
        if let Signature::By(others) = how {
            return others.sign(typ, header_changes, payload, &Signature::Good);
        }
        let token = self.signer.sign_claims(self.alg, typ, payload, Timestamp::from_secs(1)).expect("the key signs for ever");
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("the signer writes base64url"));
        let mut part = || parts.next().expect("a token has three parts");
        let (header, payload, mut signature) = (part(), part(), part());
        let mut header: Claims = serde_json::from_slice(&header).expect("a header is an object");
        match how {
            Signature::Spoilt => signature[0] ^= 1,
            Signature::Zeros => signature.fill(0),
            Signature::Unsigned(alg) => {
                header.insert("alg".into(), alg.as_str().into());
                signature.clear();
            }
            Signature::HmacOfPublicKey => drop(header.insert("alg".into(), "HS256".into())),
            Signature::Good if header_changes.is_empty() => return token,
            Signature::Good | Signature::By(_) => {}
        }
        let header = serde_json::to_vec(&changed(header, header_changes)).expect("an object is JSON");
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        if matches!(how, Signature::HmacOfPublicKey) {
            signature = self.hmac(self.jwks()["keys"][0].to_string().as_bytes(), input.as_bytes()).to_vec();
        }
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// HMAC-SHA-256 (RFC 2104).
    fn hmac(&self, secret: &[u8], message: &[u8]) -> [u8; 32] {
        let mut key = [0; 64];
        key[..32].copy_from_slice(&self.sha256(secret));
        let padded = |pad: u8, rest: &[u8]| self.sha256(&[key.map(|byte| byte ^ pad).as_slice(), rest].concat());
        padded(0x5c, &padded(0x36, message))
    }
}
