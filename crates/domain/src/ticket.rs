//! Tickets: what the house hands out a name for, to be used within minutes, and keeps meanwhile. Whoever knows the name has the ticket, so only the
//! name's digest is kept.

use crate::{client::closed_enum, secret::Digest, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// SHA-256 of its name.
    pub digest: Digest,
    /// What it is for. One of another kind is none.
    pub kind: TicketKind,
    /// Grows with every change.
    pub version: i64,
    /// When it is worth nothing any more, and may be swept. Whoever reads one looks at this.
    pub expires: Timestamp,
    /// What it stands for: JSON that its flow writes and reads. Nothing in it may be of use to who steals the database.
    pub body: String,
}

closed_enum! {
    /// What a ticket is for.
    TicketKind {
        /// An authorization request that was pushed (RFC 9126); its name is the `request_uri`.
        PushedRequest = "pushed_request",
        /// A device that waits for a person (RFC 8628); its name is the `device_code`.
        Device = "device",
        /// The way from the code that a person types to the device that shows it.
        UserCode = "user_code",
        /// A sign-in at a provider that is only tried; its name is in the address that an operator opens.
        ProviderTrial = "provider_trial",
        /// A key that opens the console once; its name is in the address that an operator opens.
        ConsoleKey = "console_key",
        /// An operator who is in the console; its name is their cookie's value.
        ConsoleSession = "console_session",
        /// How many wrong codes came from one place; its name is the place's.
        Guesses = "guesses",
        /// A call of the admin API that may be sent again; its name is the caller's.
        RepeatedCall = "repeated_call",
        /// That something unusual was found of somebody, and is not to be said again for a while; its name is theirs.
        Detection = "detection",
    }
}
