//! The database schema of Vestibule, as steps that run in order on SQLite and PostgreSQL alike.
//!
//! Every step works with the code of the release before it, so that nodes may be replaced one by one: a column is added in one
//! release, used in the next, and dropped in the one after.
//!
//! # Conventions
//!
//! - Moments are `BIGINT` milliseconds since the Unix epoch.
//! - Ids are their 16 bytes and digests their 32, in the binary type. That is half of a UUID's text in every index, it compares as
//!   bytes on both databases, so ids made later sort later, and it needs no type that only one of them has.
//! - What is queried, contested or swept has its own column; what is only carried is one JSON text called `body`.
//! - There are no foreign keys. A contested write goes first (a link before its account), sweeps take tables one by one, and a grant
//!   may be ended before it is made.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

mod m20261125_000001_create_tables;
mod m20261125_000003_consents;
mod m20261125_000006_logout_deliveries;
mod m20261125_000007_self_registration;
mod m20261126_000001_api_keys;
mod m20261126_000002_names_of_people;
mod m20261126_000004_managed_by;
mod m20261126_000005_pages_of_sessions_and_grants;
mod m20261126_000006_audit_chain;

/// Every step, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261125_000001_create_tables::Migration),
            Box::new(m20261125_000003_consents::Migration),
            Box::new(m20261125_000006_logout_deliveries::Migration),
            Box::new(m20261125_000007_self_registration::Migration),
            Box::new(m20261126_000001_api_keys::Migration),
            Box::new(m20261126_000002_names_of_people::Migration),
            Box::new(m20261126_000005_pages_of_sessions_and_grants::Migration),
            Box::new(m20261126_000006_audit_chain::Migration),
            Box::new(m20261126_000004_managed_by::Migration),
        ]
    }
}
