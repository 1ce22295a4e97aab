//! Refresh tokens: derived, not stored. A token is (grant, generation, MAC), so nothing in the database can be used as one.

use vestibule_domain::{
    ids::GrantId,
    ports::Sealer,
    secret::{Digest, Purpose},
};

use crate::codec;

const NAME: usize = 16 + 4;
const WHOLE: usize = NAME + 32;

/// The token of a grant's generation; always the same text under the same sealing key.
pub(crate) fn write(grant: GrantId, generation: u32, sealer: &dyn Sealer) -> String {
    let mut bytes = [0; WHOLE];
    bytes[..NAME].copy_from_slice(&name(grant, generation));
    bytes[NAME..].copy_from_slice(&sealer.tag(Purpose::RefreshToken, &name(grant, generation)).0);
    codec::encode(&bytes)
}

/// Which grant and generation a token names, if we made it.
pub(crate) fn read(token: &str, sealer: &dyn Sealer) -> Option<(GrantId, u32)> {
    // The length of 52 bytes in base64url: anything else is not worth decoding.
    let bytes: [u8; WHOLE] = Some(token).filter(|token| token.len() == 70).and_then(codec::decode)?.try_into().ok()?;
    let (name, tag) = bytes.split_at(NAME);
    let tag = Digest(tag.try_into().ok()?);
    if !sealer.tag_matches(Purpose::RefreshToken, name, &tag) {
        return None;
    }
    let (grant, generation) = name.split_at(16);
    Some((GrantId(uuid::Uuid::from_slice(grant).ok()?), u32::from_be_bytes(generation.try_into().ok()?)))
}

fn name(grant: GrantId, generation: u32) -> [u8; NAME] {
    let mut name = [0; NAME];
    name[..16].copy_from_slice(grant.0.as_bytes());
    name[16..].copy_from_slice(&generation.to_be_bytes());
    name
}
