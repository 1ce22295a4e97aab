//! The keys in use, as one value that never changes: installing makes another ring.

use std::{
    cmp::Reverse,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use moka::sync::Cache;
use vestibule_domain::{
    client::SigningAlg,
    keys::SigningKey,
    ports::{Sealer, SignerError},
    secret::{Digest, Purpose},
    time::Timestamp,
    token::AccessToken,
};
use vestibule_protocol::jwk::JwkSet;
use zeroize::Zeroizing;

use super::private_key::PrivateKey;

/// How many checked access tokens are remembered; each takes about half a kilobyte.
const MOST_CHECKED: u64 = 20_000;

/// Frees the memory of tokens nobody uses any more. Whether one is still good never hangs on it.
const CHECKED_LONGEST: Duration = Duration::from_hours(1);

/// Keys, what is published of them, and the tokens they were seen to have signed.
///
/// The remembered tokens belong to the ring, so a check that began under earlier keys can't leave its result among those of later ones.
pub(super) struct Ring {
    /// RSA first, and of each algorithm the youngest first.
    keys: Vec<RingKey>,
    /// Each document and the moment until which it holds, in order; made when it is first asked for.
    documents: Vec<(Timestamp, OnceLock<Arc<[u8]>>)>,
    checked: Cache<Digest, Checked>,
}

/// One key and its dates.
pub(super) struct RingKey {
    pub(super) dated: SigningKey,
    pub(super) private: PrivateKey,
}

/// A token whose signature was good.
#[derive(Clone)]
struct Checked {
    token: Arc<AccessToken>,
    /// When the token expires or its key is withdrawn, whichever comes first.
    until: Timestamp,
}

impl Ring {
    /// No keys.
    pub(super) fn empty() -> Self {
        Self::of(Vec::new())
    }

    /// Opens and parses every key, or refuses all.
    pub(super) fn open(keys: &[SigningKey], sealer: &dyn Sealer) -> Result<Self, SignerError> {
        keys.iter().map(|key| RingKey::open(key, sealer)).collect::<Result<_, _>>().map(Self::of)
    }

    fn of(mut keys: Vec<RingKey>) -> Self {
        keys.sort_by_key(|key| (key.dated.alg, Reverse(key.dated.signs_from)));
        let mut moments: Vec<Timestamp> =
            keys.iter().flat_map(|key| [key.dated.signs_from, key.dated.signs_until, key.dated.published_until]).collect();
        moments.sort_unstable();
        moments.dedup();
        Self {
            keys,
            documents: moments.into_iter().map(|until| (until, OnceLock::new())).collect(),
            checked: Cache::builder().max_capacity(MOST_CHECKED).time_to_live(CHECKED_LONGEST).build(),
        }
    }

    /// Whether these are the keys, and the dates, it was made of.
    pub(super) fn is_of(&self, keys: &[SigningKey]) -> bool {
        self.keys.len() == keys.len() && self.keys.iter().all(|key| keys.contains(&key.dated))
    }

    /// The key of `alg` that signs at `now`; the youngest, should there be several.
    pub(super) fn signing(&self, alg: SigningAlg, now: Timestamp) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.dated.alg == alg && key.dated.signs(now))
    }

    /// The key of that name, if it is published at `now`.
    pub(super) fn published(&self, kid: &str, now: Timestamp) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.dated.kid == kid && key.dated.is_published(now))
    }

    /// The key set at `now`. Which keys stand in it, and in which order, changes only when one begins or ends to sign or is withdrawn.
    pub(super) fn jwks(&self, now: Timestamp) -> Arc<[u8]> {
        match self.documents.iter().find(|(until, _)| now < *until) {
            Some((_, document)) => Arc::clone(document.get_or_init(|| self.document(now))),
            None => self.document(now),
        }
    }

    /// RSA first, for clients that take the first key they see; of each algorithm the one that signs first, for clients that don't look at the
    /// kid. Next keys stand there too: every client has fetched them when they begin to sign (OpenID Connect Core 1.0 §10.1.1).
    fn document(&self, now: Timestamp) -> Arc<[u8]> {
        let mut published: Vec<&RingKey> = self.keys.iter().filter(|key| key.dated.is_published(now)).collect();
        published.sort_by_key(|key| (key.dated.alg, !key.dated.signs(now)));
        let set = JwkSet { keys: published.into_iter().map(|key| key.private.jwk(&key.dated.kid)).collect() };
        serde_json::to_vec(&set).expect("a key set is texts and becomes JSON").into()
    }

    /// A token that was checked before, if that still holds.
    pub(super) fn recall(&self, digest: &Digest, now: Timestamp) -> Option<Arc<AccessToken>> {
        self.checked.get(digest).filter(|checked| now < checked.until).map(|checked| checked.token)
    }

    /// Remembers that `key` signed this token, for as long as both are good.
    pub(super) fn remember(&self, digest: Digest, key: &RingKey, token: &Arc<AccessToken>) {
        let until = token.expires.min(key.dated.published_until);
        self.checked.insert(digest, Checked { token: Arc::clone(token), until });
    }
}

impl RingKey {
    fn open(key: &SigningKey, sealer: &dyn Sealer) -> Result<Self, SignerError> {
        let unreadable = || SignerError::Unreadable(key.kid.clone());
        let pkcs8 = sealer.open(Purpose::SigningKey, key.kid.as_bytes(), &key.sealed).map(Zeroizing::new).ok_or_else(unreadable)?;
        let private = PrivateKey::from_pkcs8(key.alg, &pkcs8).map_err(|_| unreadable())?;
        // The name is derived from the key, so a row whose name was changed is found out here.
        if private.thumbprint() == key.kid { Ok(Self { dated: key.clone(), private }) } else { Err(unreadable()) }
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| (key.dated.alg, &key.dated.kid))).finish()
    }
}
