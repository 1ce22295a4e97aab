//! The walk through every endpoint, honest and hostile, on fakes: a browser that keeps cookies, an app, and the clock in hand.
#![expect(clippy::unwrap_used, reason = "in helpers of tests too, a panic is how a test fails")]

mod assertions;
mod authorize;
mod callback;
mod claims;
mod client_documents;
mod client_keys;
mod code;
mod consent;
mod device;
mod device_hostile;
mod door;
mod doors;
mod exchange;
mod form_post;
mod freshness;
mod links;
mod logout;
mod old_apps;
mod par;
mod par_hostile;
mod refresh;
mod register;
mod resource;
mod resource_metadata;
mod rules;
mod session;
mod strangers;
mod street;
mod token;
mod tokens_at_endpoints;
mod told_of_logout;
mod upstream;
mod upstream_logout;
