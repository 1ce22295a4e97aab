//! The words, rules and ports of Vestibule.
//!
//! Nothing here waits, reads a clock, draws randomness or knows a wire format: a decision takes values and returns a
//! value. The `serde` derives are for what Vestibule itself keeps (rows, sealed cookies, audit records); what travels to
//! clients and issuers is written by the `protocol` crate.
#![warn(missing_docs)]

pub mod about;
pub mod account;
pub mod actors;
pub mod ages;
pub mod api_key;
pub mod assertion;
pub mod attempt;
pub mod audit;
pub mod authorize;
pub mod certificate;
pub mod change;
pub mod claims;
pub mod claims_request;
pub mod client;
pub mod client_document;
pub mod code;
pub mod configuration;
pub mod consent;
pub mod detection;
pub mod device;
pub mod door;
pub mod email;
pub mod entry;
pub mod error;
pub mod exchange;
pub mod grant;
pub mod health;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod linking;
pub mod login_trace;
pub mod logout;
pub mod managed;
pub mod operator;
pub mod policy;
pub mod ports;
pub mod possession;
pub mod profile;
pub mod provider;
pub mod redirect;
pub mod registration;
pub mod rehearsal;
pub mod request_object;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod self_registration;
pub mod session;
pub mod settings;
pub mod signed;
pub mod stats;
pub mod store;
pub mod ticket;
pub mod time;
pub mod token;
pub mod upstream;
