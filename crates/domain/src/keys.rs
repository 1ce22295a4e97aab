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

/// How soon an operator wants the next key to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When it has been published as long as every key is before it signs: no app notices.
    Planned,
    /// As soon as every node knows it. An app that keeps our keys for long refuses tokens until it fetches them again.
    AtOnce {
        /// Whether the keys before it leave the JWKS at that moment, with every token they signed: they may be in other hands.
        withdraw: bool,
    },
}

impl Pace {
    const fn withdraws(self) -> bool {
        matches!(self, Self::AtOnce { withdraw: true })
    }
}

/// What a rotation changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Keys with their new dates; the one that signs now is the first.
    pub redated: Vec<SigningKey>,
    /// The key that has to be made, where no next one is published yet.
    pub made: Option<Wanted>,
}

/// Every node looks for new keys once a minute; a token must not be signed with one that another node does not know.
const NODES_KNOW_WITHIN: Duration = Duration::from_mins(2);

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and not signing yet.
    Next,
    /// Signing.
    Current,
    /// Published for what it signed.
    Retiring,
    /// Gone from the JWKS.
    Gone,
}

impl KeyState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
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

    /// What an operator's rotation does: the key that signs now gives way to its successor earlier than its date says. Nothing if no key of
    /// the algorithm signs, or if the successor begins no earlier this way.
    pub fn brought_forward(&self, keys: &[SigningKey], alg: SigningAlg, pace: Pace, now: Timestamp) -> Option<Forward> {
        let current = keys.iter().filter(|key| key.alg == alg && key.signs(now)).max_by_key(|key| key.signs_from)?;
        let next = keys.iter().find(|key| key.alg == alg && key.follows.as_deref() == Some(current.kid.as_str()));
        let soonest = now + NODES_KNOW_WITHIN;
        let published = next.map_or(now, |next| next.created);
        let begins = match pace {
            Pace::Planned => (published + self.publish_ahead).max(soonest),
            Pace::AtOnce { .. } => soonest,
        };
        if begins >= current.signs_until && !pace.withdraws() {
            return None;
        }
        let begins = begins.min(current.signs_until);
        let withdrawn = |key: &SigningKey| SigningKey { published_until: begins.min(key.published_until), ..key.clone() };
        let stays = if pace.withdraws() { begins } else { begins + self.retire_after };
        let mut redated = vec![SigningKey { signs_until: begins, published_until: stays, ..current.clone() }];
        if pace.withdraws() {
            redated.extend(keys.iter().filter(|key| key.alg == alg && key.signs_until <= now && key.is_published(now)).map(withdrawn));
        }
        let wanted = Wanted { alg, follows: Some(current.kid.clone()), signs_from: begins };
        if let Some(next) = next {
            let dated = self.dated(next.kid.clone(), &wanted, next.sealed.clone(), next.created);
            redated.push(dated);
        }
        Some(Forward { redated, made: next.is_none().then_some(wanted) })
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
    /// Where it stands at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        match () {
            () if !self.is_published(now) => KeyState::Gone,
            () if now < self.signs_from => KeyState::Next,
            () if now < self.signs_until => KeyState::Current,
            () => KeyState::Retiring,
        }
    }

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

    const DAY: Duration = Duration::from_hours(24);
    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn rotation() -> Rotation {
        Rotation { algorithms: vec![SigningAlg::Rs256], ..Rotation::default() }
    }

    fn first() -> SigningKey {
        let wanted = Wanted { alg: SigningAlg::Rs256, follows: None, signs_from: START };
        rotation().dated("a".into(), &wanted, Sealed(vec![]), START)
    }

    fn next_of(key: &SigningKey, made: Timestamp) -> SigningKey {
        let wanted = Wanted { alg: key.alg, follows: Some(key.kid.clone()), signs_from: key.signs_until };
        rotation().dated("b".into(), &wanted, Sealed(vec![1]), made)
    }

    #[test]
    fn attack_80_a_planned_rotation_publishes_the_next_key_before_it_signs() {
        let (a, now) = (first(), START + DAY * 10);
        let forward = rotation().brought_forward(std::slice::from_ref(&a), a.alg, Pace::Planned, now).unwrap();
        let begins = now + DAY * 7;
        assert_eq!(forward.made, Some(Wanted { alg: a.alg, follows: Some("a".into()), signs_from: begins }));
        let [current] = forward.redated.as_slice() else { panic!("{forward:?}") };
        assert_eq!((current.signs_until, current.published_until), (begins, begins + DAY * 30));
        assert_eq!(rotation().brought_forward(&[current.clone(), next_of(current, now)], a.alg, Pace::Planned, now), None, "it is planned");
    }

    #[test]
    fn attack_80_a_key_in_other_hands_is_gone_when_the_next_one_signs() {
        let a = first();
        let now = START + DAY * 85;
        let b = next_of(&a, START + DAY * 84);
        let forward = rotation().brought_forward(&[a.clone(), b.clone()], a.alg, Pace::AtOnce { withdraw: true }, now).unwrap();
        let begins = now + NODES_KNOW_WITHIN;
        assert_eq!(forward.made, None, "the next one is there");
        let [old, new] = forward.redated.as_slice() else { panic!("{forward:?}") };
        assert_eq!((old.kid.as_str(), old.signs_until, old.published_until), ("a", begins, begins));
        assert_eq!((new.kid.as_str(), new.signs_from, new.created, &new.sealed), ("b", begins, b.created, &b.sealed));
        assert_eq!([old, new].map(|key| key.state(now)), [KeyState::Current, KeyState::Next]);
        assert_eq!([old, new].map(|key| key.state(begins)), [KeyState::Gone, KeyState::Current]);
    }

    #[test]
    fn a_retired_key_is_withdrawn_too_and_other_algorithms_stay() {
        let a = first();
        let b = next_of(&a, START + DAY * 84);
        let other = SigningKey { alg: SigningAlg::Es256, kid: "e".into(), ..first() };
        let now = START + DAY * 95;
        assert_eq!(a.state(now), KeyState::Retiring);
        let keys = [a, b, other];
        let forward = rotation().brought_forward(&keys, SigningAlg::Rs256, Pace::AtOnce { withdraw: true }, now).unwrap();
        let kids: Vec<_> = forward.redated.iter().map(|key| key.kid.as_str()).collect();
        assert_eq!(kids, ["b", "a"]);
        assert!(forward.redated.iter().all(|key| key.published_until == now + NODES_KNOW_WITHIN));
        assert_eq!(rotation().brought_forward(&keys, SigningAlg::Ps256, Pace::Planned, now), None, "there is no key to follow");
    }
}
