//! `vestibule keygen`.

use secrecy::{ExposeSecret, SecretString};
use vestibule_crypto::{SealingKey, SystemEntropy};

use crate::{failure::Failure, print};

/// Prints a fresh key: the one time that it is shown.
pub(crate) fn keygen(bootstrap: bool) -> Result<(), Failure> {
    let key = if bootstrap { bootstrap_key() } else { sealing_key() };
    print::text(&format!("{}\n", key.expose_secret()))
}

/// 256 random bits, as the sealing key is written.
pub(crate) fn sealing_key() -> SecretString {
    SealingKey::generate(&SystemEntropy).to_text()
}

/// 256 random bits behind a name, so that scanners for leaked secrets can recognise it.
pub(crate) fn bootstrap_key() -> SecretString {
    format!("vestibule-admin-{}", sealing_key().expose_secret()).into()
}
