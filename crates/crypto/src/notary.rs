//! Vouching for the audit log.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use vestibule_domain::{
    ports::{Notary, SignerError},
    secret::{Digest, PublicKey, Signature},
};

use crate::sealer::sha256;

/// Signs with Ed25519. Holds no key: it is given one for each checkpoint, which is once in a while.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalNotary;

impl Notary for LocalNotary {
    fn hash(&self, data: &[u8]) -> Digest {
        sha256(data)
    }

    fn generate(&self) -> Result<(PublicKey, Vec<u8>), SignerError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| SignerError::Failed)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| SignerError::Failed)?;
        let private = pair.to_pkcs8v1().map_err(|_| SignerError::Failed)?;
        Ok((PublicKey(public), private.as_ref().to_vec()))
    }

    fn vouch(&self, private_key: &[u8], message: &[u8]) -> Result<Signature, SignerError> {
        let pair = Ed25519KeyPair::from_pkcs8(private_key).map_err(|_| SignerError::Failed)?;
        let signature = pair.try_sign(message).map_err(|_| SignerError::Failed)?;
        signature.as_ref().try_into().map(Signature).map_err(|_| SignerError::Failed)
    }

    fn vouched_for(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, key.0).verify(message, &signature.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, the second test: a message of one byte.
    #[test]
    fn rfc_8032_the_signature_of_the_second_test_is_good() {
        let key: PublicKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c".parse().unwrap();
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let signature: Signature = signature.parse().unwrap();
        assert!(LocalNotary.vouched_for(&key, &[0x72], &signature));
        assert!(!LocalNotary.vouched_for(&key, &[0x73], &signature));
    }

    #[test]
    fn what_was_signed_is_vouched_for_and_nothing_else() {
        let (key, private) = LocalNotary.generate().unwrap();
        let signature = LocalNotary.vouch(&private, b"so far").unwrap();
        assert!(LocalNotary.vouched_for(&key, b"so far", &signature));
        assert!(!LocalNotary.vouched_for(&key, b"so fan", &signature));
        assert!(!LocalNotary.vouched_for(&LocalNotary.generate().unwrap().0, b"so far", &signature));
    }
}
