//! OAuth 2.x and OpenID Connect as they look on the wire, in both directions.
//!
//! What a stranger sent is read here, strictly and within bounds, and what Vestibule sends is written here. Nothing in this
//! crate decides: a value that was read is still only a claim, and a signature that was taken apart is still unchecked.
#![warn(missing_docs)]

pub mod acting;
pub mod authorization;
pub mod certificate;
pub mod claims;
pub mod claims_request;
pub mod dpop;
mod form;
pub mod json;
pub mod jwk;
pub mod jwt;
pub mod key_set;
pub mod metadata;
pub mod parameters;
pub mod registration;
pub mod resource_metadata;
pub mod responses;
