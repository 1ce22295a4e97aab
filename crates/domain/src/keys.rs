//! Signing keys and their dates: next → current → retiring → gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{client::SigningAlg, secret::Sealed, time::Timestamp};

/// A signing key at rest. Its dates say what it is; nobody sets a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// What it signs with. RS256 and PS256 each have keys of their own.
    pub alg: SigningAlg,
    /// The private key (PKCS#8), sealed for [`crate::secret::Purpose::SigningKey`] with the kid as context.
    pub sealed: Sealed,
    /// The key it takes over from. Unique with `alg`, so that several nodes can't each make a successor.
    pub follows: Option<String>,
    /// When it was published.
    pub created: Timestamp,
    /// When it begins to sign: late enough that every client has fetched it.
    pub signs_from: Timestamp,
    /// When its successor takes over.
    pub signs_until: Timestamp,
    /// When it leaves the JWKS: later than the last token it signed lives.
    pub published_until: Timestamp,
}

/// How keys follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long a key signs.
    pub every: Duration,
    /// How long before it signs it is published.
    pub publish_ahead: Duration,
    /// How long it stays published after it signed last.
    pub retire_after: Duration,
    /// Which algorithms have keys.
    pub algorithms: Vec<SigningAlg>,
}

impl Default for Rotation {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self { every: DAY * 90, publish_ahead: DAY * 7, retire_after: DAY * 30, algorithms: vec![SigningAlg::Rs256, SigningAlg::Es256] }
    }
}

/// When a key that has to be made begins to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// For what.
    pub alg: SigningAlg,
    /// After which key.
    pub follows: Option<String>,
    /// From when.
    pub signs_from: Timestamp,
}

impl Rotation {
    /// Which keys are missing now: one that signs, and, close to its end, the next one.
    pub fn wanted(&self, keys: &[SigningKey], now: Timestamp) -> Vec<Wanted> {
        self.algorithms
            .iter()
            .filter_map(|&alg| {
                let last = keys.iter().filter(|key| key.alg == alg).max_by_key(|key| key.signs_until);
                let follows = last.map(|key| key.kid.clone());
                match last.map(|key| key.signs_until) {
                    Some(until) if until > now + self.publish_ahead => None,
                    Some(until) if until > now => Some(Wanted { alg, follows, signs_from: until }),
                    _ => Some(Wanted { alg, follows, signs_from: now }),
                }
            })
            .collect()
    }

    /// The dates of a key that begins to sign at `signs_from`.
    pub fn dated(&self, kid: String, wanted: &Wanted, sealed: Sealed, now: Timestamp) -> SigningKey {
        let signs_until = wanted.signs_from + self.every;
        SigningKey {
            kid,
            alg: wanted.alg,
            sealed,
            follows: wanted.follows.clone(),
            created: now,
            signs_from: wanted.signs_from,
            signs_until,
            published_until: signs_until + self.retire_after,
        }
    }
}

impl SigningKey {
    /// Whether it stands in the JWKS.
    pub fn is_published(&self, now: Timestamp) -> bool {
        now < self.published_until
    }

    /// Whether it signs now.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.signs_from <= now && now < self.signs_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_80_the_next_key_is_published_before_it_signs_and_the_old_one_stays_published_after() {
        let day = Duration::from_hours(24);
        let rotation = Rotation { algorithms: vec![SigningAlg::Rs256], ..Rotation::default() };
        let start = Timestamp::from_secs(1_800_000_000);
        let first = rotation.wanted(&[], start);
        assert_eq!(first, [Wanted { alg: SigningAlg::Rs256, follows: None, signs_from: start }]);
        let a = rotation.dated("a".into(), &first[0], Sealed(vec![]), start);
        assert!(rotation.wanted(std::slice::from_ref(&a), start + day * 82).is_empty());
        let soon = start + day * 84;
        let next = rotation.wanted(std::slice::from_ref(&a), soon);
        assert_eq!(next, [Wanted { alg: SigningAlg::Rs256, follows: Some("a".into()), signs_from: a.signs_until }]);
        let b = rotation.dated("b".into(), &next[0], Sealed(vec![]), soon);
        assert!(a.signs(soon) && !b.signs(soon) && b.is_published(soon));
        let later = start + day * 91;
        assert!(!a.signs(later) && b.signs(later) && a.is_published(later));
        assert!(!a.is_published(start + day * 121));
        assert!(rotation.wanted(&[a, b], soon).is_empty());
    }
}
