//! The pretend issuer and the demo app from outside, over real connections.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod browser;
mod demo;
mod fake_op;
mod issuer;
