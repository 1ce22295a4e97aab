//! What `vestibule dev` adds so that there is something to try: [`PretendIssuer`], an upstream where one says who one is, and
//! [`DemoApp`], a client app that signs people in through Vestibule and shows everything it sends and gets.
//!
//! Both stand on loopback and nowhere else, keep what they know in memory, bounded, and forget it when the process ends. The issuer
//! asks nobody for proof and the app shows tokens: neither has a place in production, and `vestibule serve` starts neither.
#![warn(missing_docs)]

mod demo;
mod issuer;
mod page;
mod random;
mod server;
mod shelf;

pub use demo::{DemoApp, DemoClient};
pub use issuer::PretendIssuer;
