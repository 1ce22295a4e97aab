//! The adapter of the [`Store`](vestibule_domain::ports::Store) port on SQLite and PostgreSQL.
//!
//! # How a commit goes
//!
//! A caller turns its [`Changes`](vestibule_domain::store::Changes) into statements and puts them into a queue. A writer takes
//! whatever waits there, up to 256 callers at once, into **one** transaction, commits once and
//! then answers everybody: the disk is asked to be sure once for all of them. Within the transaction each caller's contested writes
//! go first; who loses one is told so and has nothing written, and nobody else notices. When a statement truly fails, the transaction
//! is rolled back and its callers are run one by one, so that only the culprit is told.
//!
//! The rows that callers write into one table go there in one statement, so a group of thirty logins costs as many statements as one
//! login. How many rows were changed tells whether everybody won. If only some did, which takes a race, the group is taken back and
//! run caller by caller.
//!
//! SQLite has one writer and one connection to write on. PostgreSQL has a few, which the database keeps from each other. Each writer
//! owns its connection, and closes it whenever it is not certain what became of a transaction.
//!
//! # How a read goes
//!
//! Clients, accounts, links, sessions, codes, grants and revoked tokens are read through caches that every commit keeps true before its
//! caller is answered. A commit puts in what it wrote, so the next step of a login reads nothing. Who loses a contest has what it lost on
//! read anew. Nodes on the same PostgreSQL say what they changed by `NOTIFY` in the same transaction. While
//! nobody listens, the caches are not used. Another process on the same SQLite file is noticed within half a second.
//!
//! # Where audit events lie
//!
//! A commit writes its events into `audit_waiting`, which nobody searches by anything: a request waits for that. Sealing moves them into `audit_events`,
//! which has the indexes, is never changed, and on PostgreSQL is partitioned by the number in the chain. Whoever looks for events looks in both.
//!
//! # What is deliberately absent
//!
//! No transaction handle leaves this crate, so none can be held while waiting for a network. No entity leaves it either. No error
//! text of a library does: it may have values in it.

mod caches;
mod connect;
mod entities;
mod errors;
mod events;
mod listener;
mod options;
mod partitions;
mod pen;
mod reads;
mod stats;
mod store;
mod sweep;
mod writer;

pub use options::{CommitStats, OnCommit, OnMigration, OnRead, Place, StoreOptions};
pub use store::SqlStore;
pub use vestibule_migrations::SchemaStanding;
