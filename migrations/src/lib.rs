//! The database schema of Vestibule, as steps that run in order on SQLite and PostgreSQL alike.
//!
//! Every step works with the code of the release before it, so that nodes may be replaced one by one: a column is added in one
//! release, used in the next, and dropped in the one after. So a release may be taken back after its steps were applied: the code of
//! the release before finds steps that it does not know, and goes on. A step that older code can't work with says so in its name, by
//! ending in [`CLOSES`]; the database has the names, so code that does not know the step does not start on it.
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
use sea_orm_migration::{
    MigrationTrait, SchemaManager, async_trait,
    sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait},
    seaql_migrations,
};

mod m20261125_000001_create_tables;
mod m20261125_000003_consents;
mod m20261125_000006_logout_deliveries;
mod m20261125_000007_self_registration;
mod m20261126_000001_api_keys;
mod m20261126_000002_names_of_people;
mod m20261126_000004_managed_by;
mod m20261126_000005_pages_of_sessions_and_grants;
mod m20261126_000006_audit_chain;
mod m20261126_000007_uses_by_their_age;
mod m20261126_000008_search_of_events;
mod m20261126_000009_statistics;
mod m20261126_000010_audit_sinks;
mod m20261126_000011_login_traces;
mod m20261126_000012_habits;
mod m20261126_000013_habits_until;
mod m20261126_000014_waiting_events_closes_older_releases;

pub use m20261126_000014_waiting_events_closes_older_releases::A_PARTITION;

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
            Box::new(m20261126_000004_managed_by::Migration),
            Box::new(m20261126_000005_pages_of_sessions_and_grants::Migration),
            Box::new(m20261126_000006_audit_chain::Migration),
            Box::new(m20261126_000007_uses_by_their_age::Migration),
            Box::new(m20261126_000008_search_of_events::Migration),
            Box::new(m20261126_000009_statistics::Migration),
            Box::new(m20261126_000010_audit_sinks::Migration),
            Box::new(m20261126_000011_login_traces::Migration),
            Box::new(m20261126_000012_habits::Migration),
            Box::new(m20261126_000013_habits_until::Migration),
            Box::new(m20261126_000014_waiting_events_closes_older_releases::Migration),
        ]
    }

    /// Those that are known here. Without this the library would refuse to do anything beside a step of a later release.
    async fn get_migration_models<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        Self::install(db).await?;
        let known = Self::names();
        let applied = seaql_migrations::Entity::find().all(db).await?;
        Ok(applied.into_iter().filter(|step| known.contains(&step.version)).collect())
    }
}

/// How the name of a step ends that code of the release before can't work with.
pub const CLOSES: &str = "_closes_older_releases";

/// What is good to know before a step is applied, by its name.
const NOTES: &[(&str, &str)] = &[
    (
        "m20261126_000002_names_of_people",
        "on PostgreSQL, nobody signs in while it runs: it holds the table of accounts and writes every row",
    ),
    (
        "m20261126_000008_search_of_events",
        "on PostgreSQL, nobody signs in while it runs: it holds the table of audit events and writes every row",
    ),
    (
        "m20261126_000014_waiting_events_closes_older_releases",
        "stop the nodes of older releases first; it makes the indexes of the audit events anew, and on SQLite writes every one of them, which takes the disk that they \
         take twice over",
    ),
];

/// How a database stands to the steps that are known here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaStanding {
    /// The steps that it lacks, in the order in which they are applied.
    pub missing: Vec<String>,
    /// Steps that were applied and are not known here: those of a later release.
    pub later: Vec<String>,
}

impl SchemaStanding {
    fn of(known: Vec<String>, mut applied: Vec<String>) -> Self {
        applied.sort_unstable();
        let later = applied.iter().filter(|name| !known.contains(name)).cloned().collect();
        Self { missing: known.into_iter().filter(|name| !applied.contains(name)).collect(), later }
    }

    /// Why this code must stay away from the database, and what helps; nothing if it may use it.
    pub fn refusal(&self) -> Option<String> {
        let step = self.later.iter().find(|name| name.ends_with(CLOSES))?;
        Some(format!(
            "a later release applied the migration {step}, which this one can't work with; start that release again, or go back to a copy of the database \
             from before it"
        ))
    }

    /// What is good to know before a step is applied, in a sentence.
    pub fn note(name: &str) -> Option<&'static str> {
        NOTES.iter().find(|(noted, _)| *noted == name).map(|(_, note)| *note)
    }
}

impl Migrator {
    /// How a database stands to these steps. Reads only.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn standing(db: &DatabaseConnection) -> Result<SchemaStanding, DbErr> {
        let known = Self::names();
        if !SchemaManager::new(db).has_table("seaql_migrations").await? {
            return Ok(SchemaStanding::of(known, Vec::new()));
        }
        let applied = seaql_migrations::Entity::find().all(db).await?;
        Ok(SchemaStanding::of(known, applied.into_iter().map(|step| step.version).collect()))
    }

    fn names() -> Vec<String> {
        Self::migrations().iter().map(|step| step.name().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn steps_stand_in_the_order_of_their_names() {
        assert!(Migrator::names().is_sorted());
        assert!(NOTES.iter().all(|(name, _)| Migrator::names().iter().any(|known| known == name)));
    }

    #[test]
    fn what_a_later_release_added_keeps_nobody_away_unless_it_says_so() {
        let standing = SchemaStanding::of(names(&["m1", "m2", "m4"]), names(&["m3_more", "m1"]));
        assert_eq!(standing, SchemaStanding { missing: names(&["m2", "m4"]), later: names(&["m3_more"]) });
        assert_eq!(standing.refusal(), None);
        let closed = SchemaStanding::of(names(&["m1"]), names(&["m1", "m2_closes_older_releases"]));
        assert!(closed.refusal().is_some_and(|refusal| refusal.contains("the migration m2_closes_older_releases, ")));
        // Whoever knows the step works with it.
        assert_eq!(
            SchemaStanding::of(names(&["m2_closes_older_releases"]), names(&["m2_closes_older_releases"])),
            SchemaStanding::default()
        );
    }
}
