//! Signing and checking our own tokens.

mod private_key;
mod ring;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_domain::{
    client::SigningAlg,
    keys::SigningKey,
    ports::{Sealer, SignerError, TokenSigner},
    secret::{Purpose, Sealed},
    time::Timestamp,
    token::{AccessToken, IdToken, IdTokenHint, LogoutToken, SignedAnswer},
};
use vestibule_protocol::jwt::{self, Header};

pub(crate) use self::private_key::verification;
use self::{
    private_key::PrivateKey,
    ring::{Ring, RingKey},
};
use crate::sealer::sha256;

/// RFC 9068 §2.1. It is what keeps access tokens and ID tokens apart: both are signed by the same keys for the same issuer (attack 55).
const ACCESS_TOKEN: &str = "at+jwt";
const ID_TOKEN: &str = "JWT";
/// RFC 9701 §5.
const INTROSPECTION: &str = "token-introspection+jwt";
/// OpenID Connect Back-Channel Logout 1.0 §2.4: without it, a client could take an ID token for one, or the other way round.
const LOGOUT_TOKEN: &str = "logout+jwt";

/// Signs with keys that this process holds, at rest sealed by the sealing key.
pub struct LocalSigner {
    issuer: String,
    sealer: Arc<dyn Sealer>,
    /// Locked only for as long as it takes to copy or change a pointer.
    ring: RwLock<Arc<Ring>>,
}

impl LocalSigner {
    /// A signer for the tokens of `issuer`, which has no keys until they are installed.
    pub fn new(issuer: String, sealer: Arc<dyn Sealer>) -> Self {
        Self { issuer, sealer, ring: RwLock::new(Arc::new(Ring::empty())) }
    }

    /// Signs any claims: `payload_json` is a JSON object, `typ` the media type without `application/`. The key is that of `alg` which signs at
    /// `now`. The claims are signed as they are, so their `iss` is the caller's to set.
    pub fn sign_claims(&self, alg: SigningAlg, typ: &str, payload_json: &[u8], now: Timestamp) -> Result<String, SignerError> {
        self.sign(alg, Some(typ), payload_json, now)
    }

    fn sign(&self, alg: SigningAlg, typ: Option<&str>, payload_json: &[u8], now: Timestamp) -> Result<String, SignerError> {
        let ring = self.ring();
        let key = ring.signing(alg, now).ok_or(SignerError::NoKey(alg))?;
        let header = Header { alg: alg.as_str().to_owned(), typ: typ.map(str::to_owned), kid: Some(key.dated.kid.clone()) };
        let _span = tracing::info_span!("sign", alg = alg.as_str()).entered();
        let input = jwt::signing_input(&header, payload_json);
        let signature = key.private.sign(input.as_bytes()).map_err(|_| SignerError::Failed)?;
        Ok(jwt::assemble(input, &signature))
    }

    fn ring(&self) -> Arc<Ring> {
        // What a panicking thread leaves behind is still one whole ring.
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TokenSigner for LocalSigner {
    fn generate(&self, alg: SigningAlg) -> Result<(String, Sealed), SignerError> {
        let key = PrivateKey::generate(alg).map_err(|_| SignerError::Failed)?;
        let kid = key.thumbprint();
        let pkcs8 = key.to_pkcs8().map_err(|_| SignerError::Failed)?;
        let sealed = self.sealer.seal(Purpose::SigningKey, kid.as_bytes(), &pkcs8);
        Ok((kid, sealed))
    }

    fn install(&self, keys: &[SigningKey]) -> Result<(), SignerError> {
        // Called every minute, mostly with what is there already: then the remembered tokens may stay.
        if !self.ring().is_of(keys) {
            let ring = Arc::new(Ring::open(keys, self.sealer.as_ref())?);
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        }
        Ok(())
    }

    fn sign_access_token(&self, alg: SigningAlg, token: &AccessToken) -> Result<String, SignerError> {
        self.sign_claims(alg, ACCESS_TOKEN, &json(&wire::access_token_claims(token))?, token.issued)
    }

    fn sign_id_token(&self, alg: SigningAlg, token: &IdToken) -> Result<String, SignerError> {
        self.sign_claims(alg, ID_TOKEN, &json(&wire::id_token_claims(token))?, token.issued)
    }

    fn sign_logout_token(&self, alg: SigningAlg, token: &LogoutToken) -> Result<String, SignerError> {
        self.sign_claims(alg, LOGOUT_TOKEN, &json(&wire::logout_token_claims(token))?, token.issued)
    }

    fn sign_answer(&self, alg: SigningAlg, answer: SignedAnswer, claims: &[u8], now: Timestamp) -> Result<String, SignerError> {
        let typ = match answer {
            SignedAnswer::Introspection => Some(INTROSPECTION),
            // Without a type: our own ID tokens have one, so it is none of them, and clients' libraries refuse types they don't know.
            SignedAnswer::Userinfo => None,
        };
        self.sign(alg, typ, claims, now)
    }

    fn verify_access_token(&self, token: &str, now: Timestamp) -> Option<Arc<AccessToken>> {
        let ring = self.ring();
        let digest = sha256(token.as_bytes());
        if let Some(known) = ring.recall(&digest, now) {
            return Some(known);
        }
        let (key, claims) = verified(&ring, token, ACCESS_TOKEN, now)?;
        let token = wire::access_token(claims, &self.issuer)?;
        ring.remember(digest, key, &token);
        Some(token)
    }

    fn verify_id_token_hint(&self, token: &str, now: Timestamp) -> Option<IdTokenHint> {
        let (_, claims) = verified(&self.ring(), token, ID_TOKEN, now)?;
        wire::id_token_hint(claims, &self.issuer)
    }

    fn jwks(&self, now: Timestamp) -> Arc<[u8]> {
        self.ring().jwks(now)
    }

    fn algorithms(&self, now: Timestamp) -> Vec<SigningAlg> {
        let ring = self.ring();
        SigningAlg::ALL.iter().copied().filter(|&alg| ring.signing(alg, now).is_some()).collect()
    }
}

/// The one place where a token of ours is believed: of this type, named key published, the key's own algorithm, signature good.
fn verified<'a>(ring: &'a Ring, token: &str, typ: &str, now: Timestamp) -> Option<(&'a RingKey, Map<String, Value>)> {
    let unverified = jwt::parse(token).ok()?;
    if unverified.header.typ.as_deref() != Some(typ) {
        return None;
    }
    let key = ring.published(unverified.header.kid.as_deref()?, now)?;
    // The key decides how its signatures are checked. A header that says otherwise is refused only because we never write one.
    if unverified.header.alg != key.dated.alg.as_str() {
        return None;
    }
    key.private.signed(unverified.signing_input.as_bytes(), &unverified.signature).then_some((key, unverified.claims))
}

fn json(claims: &impl Serialize) -> Result<Vec<u8>, SignerError> {
    serde_json::to_vec(claims).map_err(|_| SignerError::Failed)
}

impl fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSigner").field("issuer", &self.issuer).field("keys", &self.ring()).finish_non_exhaustive()
    }
}
