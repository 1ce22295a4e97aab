//! Sealing and keyed digests under the sealing key.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{self, SHA256},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    hmac,
};
use vestibule_domain::{
    ports::{Entropy, Sealer},
    secret::{Digest, Purpose, Sealed, SubjectKey},
};
use zeroize::Zeroizing;

use crate::{SealingKey, SystemEntropy};

/// Seals with AES-256-GCM and tags with HMAC-SHA-256, each purpose under keys of its own, derived once with HKDF-SHA-256 (RFC 5869).
///
/// A sealed value is
///
/// | bytes | what |
/// |---|---|
/// | 1 | the version of this table, 1 |
/// | 4 | which sealing key; derived from it, reveals nothing of it |
/// | 16 | salt |
/// | 12 | nonce |
/// | rest | ciphertext, and the 16 bytes of its tag |
///
/// Each value is encrypted under a key of its own: HMAC-SHA-256 of the salt under the purpose's key. AES-GCM loses everything when a nonce
/// comes twice under one key, and 96 random bits may not be drawn more than 2^32 times (NIST SP 800-38D §8.3); login attempts are sealed for
/// strangers, who could ask for that many. Here salt and nonce, 224 random bits, would both have to come twice.
#[derive(Debug)]
pub struct KeySealer {
    current: Subkeys,
    previous: Vec<Subkeys>,
}

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const SALT: usize = 16;
const HEADER: usize = 1 + KEY_ID + SALT + NONCE_LEN;

impl KeySealer {
    /// Seals and tags under `current`; opens and recognises what was made under a `previous` key too.
    #[expect(clippy::needless_pass_by_value, reason = "once their sub-keys are derived, the sealing keys are wiped here")]
    pub fn new(current: SealingKey, previous: Vec<SealingKey>) -> Self {
        Self { current: Subkeys::derive(&current), previous: previous.iter().map(Subkeys::derive).collect() }
    }

    fn all(&self) -> impl Iterator<Item = &Subkeys> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// `besides` goes into the key of the value, so that nobody opens it who lacks that.
    fn sealed(&self, purpose: Purpose, besides: &[u8], context: &[u8], plain: &[u8]) -> Sealed {
        let mut random = [0; SALT + NONCE_LEN];
        SystemEntropy.fill(&mut random);
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&random);
        sealed.extend_from_slice(plain);
        let (salt, nonce) = split(&random);
        let tag = self
            .current
            .message_key(purpose, salt, besides)
            .seal_in_place_separate_tag(nonce, Aad::from(bound_to(purpose, context)), &mut sealed[HEADER..])
            .expect("AES-GCM seals everything shorter than 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        Sealed(sealed)
    }

    fn opened(&self, purpose: Purpose, besides: &[u8], context: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        let (header, body) = sealed.0.split_at_checked(HEADER)?;
        if header[0] != VERSION {
            return None;
        }
        let (id, random) = header[1..].split_at(KEY_ID);
        // Only the named key is tried. Two keys with one name are as good as impossible, yet cost nothing to allow.
        self.all().filter(|keys| keys.id == id).find_map(|keys| {
            let (salt, nonce) = split(random);
            let mut body = body.to_vec();
            let key = keys.message_key(purpose, salt, besides);
            let plain = key.open_in_place(nonce, Aad::from(bound_to(purpose, context)), &mut body).ok()?.len();
            body.truncate(plain);
            Some(body)
        })
    }
}

impl Sealer for KeySealer {
    fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8]) -> Sealed {
        self.sealed(purpose, &[], context, plain)
    }

    fn open(&self, purpose: Purpose, context: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        self.opened(purpose, &[], context, sealed)
    }

    fn seal_for(&self, subject: &SubjectKey, context: &[u8], plain: &[u8]) -> Sealed {
        self.sealed(Purpose::AuditPersonal, &subject.0, context, plain)
    }

    fn open_for(&self, subject: &SubjectKey, context: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        self.opened(Purpose::AuditPersonal, &subject.0, context, sealed)
    }

    fn hash(&self, data: &[u8]) -> Digest {
        sha256(data)
    }

    fn tag(&self, purpose: Purpose, data: &[u8]) -> Digest {
        self.current.tag(purpose, data)
    }

    fn tag_matches(&self, purpose: Purpose, data: &[u8], tag: &Digest) -> bool {
        self.all().any(|keys| keys.tag(purpose, data) == *tag)
    }
}

pub(crate) fn sha256(data: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&SHA256, data).as_ref());
    Digest(bytes)
}

/// The keys derived from one sealing key.
#[derive(Debug)]
struct Subkeys {
    id: [u8; KEY_ID],
    sealing: [hmac::Key; Purpose::ALL.len()],
    tagging: [hmac::Key; Purpose::ALL.len()],
}

impl Subkeys {
    fn derive(key: &SealingKey) -> Self {
        let root = Salt::new(HKDF_SHA256, b"vestibule sealing key").extract(key.as_bytes());
        let mut id = [0; KEY_ID];
        expand(&root, "key id", "", &mut id);
        let subkeys = |using: &str| {
            Purpose::ALL.map(|purpose| {
                let mut bytes = Zeroizing::new([0; 32]);
                expand(&root, using, purpose.label(), bytes.as_mut());
                hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref())
            })
        };
        Self { id, sealing: subkeys("seal"), tagging: subkeys("tag") }
    }

    /// The salt has one length, so no two pairs of salt and `besides` read the same.
    fn message_key(&self, purpose: Purpose, salt: &[u8], besides: &[u8]) -> LessSafeKey {
        let mut message = hmac::Context::with_key(&self.sealing[place(purpose)]);
        message.update(salt);
        message.update(besides);
        let key = message.sign();
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).expect("an HMAC-SHA-256 tag is as long as an AES-256 key"))
    }

    fn tag(&self, purpose: Purpose, data: &[u8]) -> Digest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&self.tagging[place(purpose)], data).as_ref());
        Digest(bytes)
    }
}

/// Where a purpose's keys stand.
fn place(purpose: Purpose) -> usize {
    Purpose::ALL.iter().position(|&each| each == purpose).expect("Purpose::ALL has every purpose")
}

fn split(random: &[u8]) -> (&[u8], Nonce) {
    let (salt, nonce) = random.split_at(SALT);
    (salt, Nonce::try_assume_unique_for_key(nonce).expect("what follows the salt is as long as a nonce"))
}

/// HKDF-Expand. No label has a slash, so no two pairs of using and purpose read the same.
fn expand(root: &Prk, using: &str, purpose: &str, out: &mut [u8]) {
    let info = [using.as_bytes(), b"/", purpose.as_bytes()];
    root.expand(&info, Length(out.len())).and_then(|derived| derived.fill(out)).expect("HKDF-SHA-256 gives up to 8160 bytes");
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The additional data. With lengths in front, no purpose and context can be read as another purpose and context.
fn bound_to(purpose: Purpose, context: &[u8]) -> Vec<u8> {
    let label = purpose.label().as_bytes();
    let mut data = Vec::with_capacity(17 + label.len() + context.len());
    data.push(VERSION);
    for part in [label, context] {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const KEY: &str = "8f3a1c5e7b9d02468ace13579bdf0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e";

    fn key(text: &str) -> SealingKey {
        SealingKey::parse(text).unwrap()
    }

    fn sealer() -> KeySealer {
        KeySealer::new(key(KEY), vec![])
    }

    fn other_key() -> SealingKey {
        SealingKey::generate(&SystemEntropy)
    }

    /// Made by another implementation of the table above, so that an update of this one can't make unreadable what lies in databases.
    #[test]
    fn what_is_kept_today_can_be_read_by_every_later_version() {
        let sealed = "0100b31590000102030405060708090a0b0c0d0e0f101112131415161718191a1b9cb2b7394227b9793645fd8e0636c52c1196a94c626db8ea";
        let sealed = (0..sealed.len()).step_by(2).map(|at| u8::from_str_radix(&sealed[at..at + 2], 16).unwrap()).collect();
        assert_eq!(sealer().open(Purpose::SigningKey, b"row 1", &Sealed(sealed)).as_deref(), Some(&b"a secret"[..]));
        let tag = Digest::from_hex("fbc8db45748009628e68ed52775255af0bff0c5a97323d11c0033f9d7a6ef62b").unwrap();
        assert!(sealer().tag_matches(Purpose::ClientSecret, b"data", &tag));
    }

    #[test]
    fn a_change_of_any_byte_or_length_is_noticed() {
        let sealer = sealer();
        let sealed = sealer.seal(Purpose::Attempt, b"row 1", b"a secret");
        assert_eq!(sealer.open(Purpose::Attempt, b"row 1", &sealed).as_deref(), Some(&b"a secret"[..]));
        for at in 0..sealed.0.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed.0[at] ^= 1 << bit;
                assert_eq!(sealer.open(Purpose::Attempt, b"row 1", &changed), None, "byte {at}, bit {bit}");
            }
            assert_eq!(sealer.open(Purpose::Attempt, b"row 1", &Sealed(sealed.0[..at].to_vec())), None, "cut at {at}");
        }
        let longer = Sealed([&sealed.0[..], &[0]].concat());
        assert_eq!(sealer.open(Purpose::Attempt, b"row 1", &longer), None);
    }

    #[test]
    fn what_is_sealed_for_one_purpose_and_row_opens_for_no_other() {
        let sealer = sealer();
        for made_for in Purpose::ALL {
            let sealed = sealer.seal(made_for, b"row 1", b"a secret");
            for asked_for in Purpose::ALL {
                assert_eq!(sealer.open(asked_for, b"row 1", &sealed).is_some(), made_for == asked_for, "{made_for:?} as {asked_for:?}");
            }
            for context in [&b""[..], b"row", b"row 2", b"row 1 ", b"ROW 1"] {
                assert_eq!(sealer.open(made_for, context, &sealed), None, "{context:?}");
            }
        }
    }

    #[test]
    fn attack_79_what_is_sealed_for_a_person_is_gone_with_their_key() {
        let (sealer, person, other) = (sealer(), SubjectKey([7; 32]), SubjectKey([8; 32]));
        let sealed = sealer.seal_for(&person, b"event 1", b"192.0.2.1");
        assert_eq!(sealer.open_for(&person, b"event 1", &sealed).as_deref(), Some(&b"192.0.2.1"[..]));
        assert_eq!(sealer.open_for(&other, b"event 1", &sealed), None);
        assert_eq!(sealer.open_for(&person, b"event 2", &sealed), None);
        assert_eq!(sealer.open(Purpose::AuditPersonal, b"event 1", &sealed), None, "the sealing key alone does not open it");
        assert_eq!(KeySealer::new(other_key(), vec![]).open_for(&person, b"event 1", &sealed), None, "nor does theirs");
    }

    #[test]
    fn attack_79_another_sealing_key_opens_and_recognises_nothing() {
        let stranger = KeySealer::new(other_key(), vec![other_key()]);
        let sealed = sealer().seal(Purpose::SigningKey, b"", b"a secret");
        assert_eq!(stranger.open(Purpose::SigningKey, b"", &sealed), None);
        assert!(!stranger.tag_matches(Purpose::ClientSecret, b"x", &sealer().tag(Purpose::ClientSecret, b"x")));
    }

    #[test]
    fn attack_79_another_key_opens_nothing_even_under_the_right_name() {
        let (sealer, stranger) = (sealer(), KeySealer::new(other_key(), vec![]));
        let mut sealed = sealer.seal(Purpose::SigningKey, b"", b"a secret");
        sealed.0[1..=KEY_ID].copy_from_slice(&stranger.current.id);
        assert_eq!(stranger.open(Purpose::SigningKey, b"", &sealed), None);
        assert_eq!(sealer.open(Purpose::SigningKey, b"", &sealed), None);
    }

    #[test]
    fn what_a_previous_key_made_stays_good_and_new_things_are_made_with_the_current_one() {
        let (old, new) = (other_key(), other_key());
        let before = KeySealer::new(old.clone(), vec![]);
        let after = KeySealer::new(new.clone(), vec![other_key(), old]);
        let sealed = before.seal(Purpose::UpstreamTokens, b"link", b"a secret");
        assert_eq!(after.open(Purpose::UpstreamTokens, b"link", &sealed).as_deref(), Some(&b"a secret"[..]));
        let tag = before.tag(Purpose::RefreshToken, b"token");
        assert!(after.tag_matches(Purpose::RefreshToken, b"token", &tag));
        assert_ne!(after.tag(Purpose::RefreshToken, b"token"), tag);
        let alone = KeySealer::new(new, vec![]);
        assert_eq!(alone.open(Purpose::UpstreamTokens, b"link", &sealed), None);
        assert!(!alone.tag_matches(Purpose::RefreshToken, b"token", &tag));
        assert!(alone.open(Purpose::Attempt, b"", &after.seal(Purpose::Attempt, b"", b"x")).is_some());
    }

    #[test]
    fn tags_of_different_purposes_differ_and_match_for_theirs_alone() {
        let sealer = sealer();
        for made_for in Purpose::ALL {
            let tag = sealer.tag(made_for, b"data");
            for asked_for in Purpose::ALL {
                assert_eq!(sealer.tag_matches(asked_for, b"data", &tag), made_for == asked_for);
            }
            assert!(!sealer.tag_matches(made_for, b"datb", &tag));
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_the_same() {
        let sealer = sealer();
        let seals: std::collections::HashSet<_> = (0..1000).map(|_| sealer.seal(Purpose::Attempt, b"", b"x").0).collect();
        assert_eq!(seals.len(), 1000);
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_again(plain in vec(any::<u8>(), 0..3000), context in vec(any::<u8>(), 0..40)) {
            let sealer = sealer();
            let sealed = sealer.seal(Purpose::Attempt, &context, &plain);
            prop_assert_eq!(sealed.0.len(), HEADER + plain.len() + 16);
            prop_assert_eq!(sealer.open(Purpose::Attempt, &context, &sealed), Some(plain));
        }

        #[test]
        fn any_bytes_are_refused(bytes in vec(any::<u8>(), 0..200), cut in 0..5_usize) {
            let sealer = sealer();
            let named = [&[VERSION][..], &sealer.current.id[..cut.min(KEY_ID)], &bytes].concat();
            prop_assert_eq!(sealer.open(Purpose::Attempt, b"", &Sealed(named)), None);
            prop_assert_eq!(sealer.open(Purpose::Attempt, b"", &Sealed(bytes)), None);
        }
    }
}
