//! The whole house from outside: the binary as an operator starts it, with software on both sides that is not ours.
//!
//! [`House`] starts `vestibule serve`, [`Upstream`] an issuer that others wrote, [`Person`] walks without a browser and [`browser`] with
//! one. `tests/run` installs what they need; without it they say so.

mod addresses;
mod collector;
mod desk;
mod emulators;
mod house;
mod issuers;
mod logout_receiver;
mod person;
mod postgres;
mod program;
mod prometheus;
mod upstream;

pub use addresses::addresses;
pub use collector::Collector;
pub use desk::{Desk, said_in};
pub use emulators::{Emulated, Emulators};
pub use house::{ADMIN_KEY, Client, House, HouseOptions, Neighbours, SEALING_KEY, binary};
pub use issuers::{Faulty, Mockin, Nanoidp};
pub use logout_receiver::LogoutReceiver;
pub use person::{Landed, Person};
pub use postgres::{postgres_database, postgres_dump};
pub use program::{
    Program, browser, client_library, free_port, modern_node, node, old_python, openapi_tool, openid_client, project, python, screenshots,
    tracked,
};
pub use prometheus::Prometheus;
pub use upstream::{CLIENT_ID, CLIENT_SECRET, Upstream};
