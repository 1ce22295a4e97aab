//! Adapters for the `IdentityProvider`, `ClientKeys` and `AuditSink` ports, and the one HTTP client they all use.
//!
//! Everything an upstream says is hostile until it has been checked, and everything it makes us do goes through [`egress`]: it never reaches a
//! private address, follows no redirect, and reads no more than a bounded answer in a bounded time. No text that an upstream wrote is shown,
//! logged or put into an error.
//!
//! What differs between providers is data, in [`preset`]; what operators write is laid over it, and [`factory`] makes providers of both. Code
//! stands where data can't say it: [`oidc`] for issuers, [`oauth2`], [`github`] and [`facebook`] for those that are none.
#![warn(missing_docs)]

pub mod backchannel;
mod callback;
pub mod client_documents;
pub mod client_keys;
pub mod egress;
pub mod facebook;
pub mod factory;
pub mod github;
mod kept;
mod line;
pub mod oauth2;
pub mod oidc;
mod params;
pub mod preset;
mod sheet;
pub mod signing;
pub mod sinks;
