//! The house on the web: protocol endpoints, the pages people see, the admin API, and what operators ask.
//!
//! Nothing here decides. A handler turns a request into the values a flow wants, calls the flow, and says what it answered. Errors
//! become HTTP once: [`Halt`](vestibule_flows::Halt) in `halt`, [`OAuthError`](vestibule_domain::error::OAuthError) in `oauth`,
//! [`AdminFault`](vestibule_flows::AdminFault) in `admin`.

mod account;
mod admin;
mod authorize;
mod certificates;
mod consent;
mod console;
mod cookies;
mod device;
mod discovery;
pub mod door;
mod halt;
mod house;
mod introspect;
mod limits;
mod listing;
mod login;
mod logout;
mod oauth;
mod ops;
pub mod pages;
mod par;
mod published;
mod register;
mod revoke;
mod routes;
mod shell;
mod standing;
mod token;
mod userinfo;
mod visit;

pub use certificates::{Authorities, ClientCertificates};
pub use house::{House, HttpSettings};
pub use published::{Documents, documents};
pub use routes::{admin_routes, ops_routes, routes};
pub use standing::{Doorway, Standing};
