//! The use cases: authorize → depart → arrive → token, and what surrounds them.
//!
//! Every await of the core is here. A flow reads what a decision needs, asks the domain, commits what it decided in one
//! [`Store::commit`](vestibule_domain::ports::Store::commit) and returns a value for `http` to say. No database work is open
//! while an upstream is waited for.

mod accounts;
mod arrive;
mod authorize;
mod bearer;
mod client_auth;
mod client_documents;
mod client_keys;
mod clients;
mod codec;
mod consent;
mod depart;
mod device;
mod device_page;
mod exchange;
mod gateway;
mod guesses;
mod halt;
mod introspect;
mod keys;
mod limits;
mod logout;
mod logout_delivery;
mod operator;
mod own_apps;
mod own_page;
mod possession;
mod posted;
mod provider_admin;
mod providers;
mod pushed;
mod refresh_token;
mod registration_tokens;
mod revoke;
mod sealed_attempt;
mod self_registration;
mod session;
mod signed_request;
mod throttle;
mod token;
mod trial;
mod upstream;
mod upstream_logout;
mod userinfo;

pub use arrive::{Arrived, Callbacks, Landing};
pub use authorize::{Authorized, Carried, Choice};
pub use bearer::{BearerFault, Scheme, TokenShown};
pub use client_auth::Presented;
pub use clients::{AdminFault, NewSecret};
pub use consent::{Consented, Question, Said};
pub use depart::Away;
pub use device::{DeviceAsked, DeviceStarted};
pub use device_page::{DeviceAnswered, DeviceEntered, DeviceQuestion};
pub use exchange::Exchanged;
pub use gateway::{Gateway, Parts};
pub use halt::{AppAnswer, Fault, Halt};
pub use introspect::{Introspected, Introspection};
pub use keys::KeysError;
pub use logout::{LogoutAsked, LogoutNext, LogoutRest, ToldApp};
pub use logout_delivery::Told;
pub use own_apps::{OwnApp, OwnSession};
pub use own_page::{OwnLink, OwnPage, OwnPageNotice};
pub use provider_admin::{ProviderDraft, ShownProvider, Tested};
pub use providers::{FixedProvider, ManagedBy, Provider, Providers, definition as provider_definition};
pub use pushed::Pushed;
pub use sealed_attempt::SealedAttempt;
pub use self_registration::{Holder, Repeated, SelfFault, SelfRegistered};
pub use session::SessionCookie;
pub use token::{Answered, Issued, TokenAsked};
pub use trial::{Trial, TrialOutcome, TriedSignIn};
pub use upstream::RefreshReport;
pub use userinfo::Userinfo;
