//! Adapters for the `IdentityProvider` port, and the one HTTP client they all use.
//!
//! Everything an upstream says is hostile until it has been checked, and everything it makes us do goes through [`egress`]: it never reaches a
//! private address, follows no redirect, and reads no more than a bounded answer in a bounded time. No text that an upstream wrote is shown,
//! logged or put into an error.
#![warn(missing_docs)]

pub mod egress;
pub mod oidc;
