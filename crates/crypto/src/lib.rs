//! Cryptography, time and randomness: adapters for the `Clock`, `Entropy`, `Notary`, `ProofReader`, `Sealer`, `SignatureChecker` and
//! `TokenSigner` ports on aws-lc-rs.
//!
//! Everything secret passes through here and is printed by nothing here. Keys of ours are parsed once, when they are installed, and those of
//! clients when they are first used; no call on the hot path parses one.
#![warn(missing_docs)]

mod checker;
mod notary;
mod proofs;
mod sealer;
mod sealing_key;
mod signer;
mod system;

pub use checker::LocalChecker;
pub use notary::LocalNotary;
pub use proofs::LocalProofReader;
pub use sealer::KeySealer;
pub use sealing_key::{SealingKey, SealingKeyError};
pub use signer::LocalSigner;
pub use system::{SystemClock, SystemEntropy};
