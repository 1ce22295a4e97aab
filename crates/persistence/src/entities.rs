//! Rows, and the domain values they stand for. Columns are read as they lie; what doesn't make a value is a corrupt row, named but not shown.
#![expect(unreachable_pub, reason = "the derive wants its types pub; the module is private to the crate")]

use std::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;
use vestibule_domain::{secret::Digest, store::StoreError, time::Timestamp};

pub(crate) mod accounts;
pub(crate) mod active_people;
pub(crate) mod api_keys;
pub(crate) mod audit_chain;
pub(crate) mod audit_checkpoints;
pub(crate) mod audit_events;
pub(crate) mod audit_sinks;
pub(crate) mod audit_subjects;
pub(crate) mod clients;
pub(crate) mod codes;
pub(crate) mod consents;
pub(crate) mod grants;
pub(crate) mod last_uses;
pub(crate) mod links;
pub(crate) mod login_traces;
pub(crate) mod providers;
pub(crate) mod registration_tokens;
pub(crate) mod revoked_tokens;
pub(crate) mod session_clients;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod stats;
pub(crate) mod tickets;
pub(crate) mod upstream_tokens;

/// Which row is being read, for errors.
pub(crate) struct Row {
    pub(crate) table: &'static str,
    pub(crate) id: String,
}

impl Row {
    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }

    pub(crate) fn there<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn uuid(&self, column: &'static str, bytes: &[u8]) -> Result<Uuid, StoreError> {
        Uuid::from_slice(bytes).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn digest(&self, column: &'static str, bytes: &[u8]) -> Result<Digest, StoreError> {
        bytes.try_into().map(Digest).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn word<T: FromStr>(&self, column: &'static str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_| self.corrupt(column))
    }
}

/// The id of a row as errors show it.
pub(crate) fn shown(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| "?".to_owned(), |id| id.to_string())
}

pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The text of a `body` column.
pub(crate) fn body(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unavailable("a value can't be written as JSON".to_owned()))
}
