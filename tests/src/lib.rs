//! The whole house from outside: the binary as an operator starts it, with software on both sides that is not ours.
//!
//! [`House`] starts `vestibule serve`, [`Upstream`] an issuer that others wrote, [`Person`] walks without a browser and [`browser`] with
//! one. `tests/run` installs what they need; without it they say so.

mod house;
mod person;
mod program;
mod upstream;

pub use house::{ADMIN_KEY, Client, House, HouseOptions, SEALING_KEY, binary};
pub use person::{Landed, Person};
pub use program::{Program, browser, free_port, node, openid_client, project, python, screenshots};
pub use upstream::Upstream;
