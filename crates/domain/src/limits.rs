//! How often anybody may ask.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{audit::Reason, client::closed_enum};

closed_enum! {
    /// What is limited together.
    Limit {
        /// Authorization requests.
        Authorize = "authorize",
        /// Token requests.
        Token = "token",
        /// Pushed authorization requests.
        Push = "push",
        /// Devices that begin.
        Device = "device",
        /// Sign-ins to one account.
        SignIn = "sign_in",
        /// Calls of the admin API.
        Admin = "admin",
    }
}

impl Limit {
    /// What the audit event says when it is reached.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Authorize => Reason::AuthorizeRate,
            Self::Token => Reason::TokenRate,
            Self::Push => Reason::PushRate,
            Self::Device => Reason::DeviceRate,
            Self::SignIn => Reason::SignInRate,
            Self::Admin => Reason::AdminRate,
        }
    }
}

/// One household or server has a whole IPv6 /64, so it is one address.
pub fn household(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip @ IpAddr::V4(_) => ip,
    }
}

/// Requests a minute, of which all may come at once; nought is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// From one address, or one household's network where addresses are plenty.
    pub per_address: u32,
    /// Of one client that proved who it is. For a public client anybody can ask, and could use up what is its own.
    pub per_client: u32,
}

/// The limits of the house. They stop what is out of all proportion: many people share an address, and a busy app has few.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of [`Limit`]")]
pub struct Limits {
    pub authorize: Rates,
    pub token: Rates,
    pub push: Rates,
    pub device: Rates,
    pub sign_ins_per_account: u32,
    pub admin_per_key: u32,
}

impl Limits {
    /// The rates of one of them; those of accounts and of operators' keys are another matter.
    pub const fn of(&self, limit: Limit) -> Rates {
        match limit {
            Limit::Authorize => self.authorize,
            Limit::Token => self.token,
            Limit::Push => self.push,
            Limit::Device => self.device,
            Limit::SignIn | Limit::Admin => Rates { per_address: 0, per_client: 0 },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            authorize: Rates { per_address: 3_000, per_client: 0 },
            token: Rates { per_address: 30_000, per_client: 30_000 },
            push: Rates { per_address: 3_000, per_client: 6_000 },
            device: Rates { per_address: 600, per_client: 6_000 },
            sign_ins_per_account: 60,
            admin_per_key: 1_200,
        }
    }
}
