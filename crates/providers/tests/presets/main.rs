//! Every preset of an OpenID Connect issuer against what the provider is recorded to say. Each quirk has a test with its name.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops here")]

mod apple;
mod bench;
mod google;
mod knobs;
mod microsoft;
mod others;
mod renewal;
mod settings;
mod traps;
#[path = "../oauth2/upstream.rs"]
mod upstream;
#[path = "../oauth2/watched.rs"]
mod watched;
