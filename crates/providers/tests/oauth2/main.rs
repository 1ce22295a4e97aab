//! The OAuth 2.0 adapters against a server on loopback that says what providers are recorded to say.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops here")]

mod bench;
mod discord;
mod facebook;
mod generic;
mod github;
mod upstream;
mod watched;
mod x;
