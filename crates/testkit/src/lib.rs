//! What tests lean on: fakes of the ports, sample values, and the contracts that every adapter has to keep.

pub mod clock;
pub mod every_event;
pub mod fake_back_channel;
pub mod fake_client_keys;
pub mod fake_configuration;
pub mod fake_documents;
pub mod fake_provider;
pub mod fake_sink;
pub mod issuer;
pub mod memory_store;
pub mod mmdb;
pub mod proof_key;
pub mod rig;
pub mod sample;
pub mod stand_ins;
pub mod store_contract;
