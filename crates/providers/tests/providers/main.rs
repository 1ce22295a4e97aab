//! The OpenID Connect adapter and its outgoing client against an issuer on loopback that behaves as badly as it is told.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops here")]

mod back_channel;
mod bench;
mod callback;
mod client_keys;
mod egress;
mod fetching;
mod id_token;
mod logout_token;
mod sign_in;
mod userinfo;
#[path = "../oauth2/watched.rs"]
mod watched;
