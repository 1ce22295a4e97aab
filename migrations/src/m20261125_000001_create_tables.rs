//! The tables of the first release.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for statement in TABLES.iter().chain(INDEXES) {
            manager.get_connection().execute_unprepared(&in_dialect(statement, backend)).await?;
        }
        if backend == DbBackend::Postgres {
            // A rotation rewrites a grant and touches no index: with room left on the page it stays there (a HOT update).
            manager.get_connection().execute_unprepared("ALTER TABLE grants SET (fillfactor = 80)").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in NAMES {
            manager.drop_table(Table::drop().table(*table).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

/// The two databases differ in three words: `BYTES`, `NAME` (text that sorts by its bytes whatever the database's language) and
/// `LOOKUP` (a table that is nothing but its key's tree, where the database can make one).
pub(crate) fn in_dialect(statement: &str, backend: DbBackend) -> String {
    let (bytes, name, lookup) = match backend {
        DbBackend::Postgres => ("BYTEA", "TEXT COLLATE \"C\"", ""),
        _ => ("BLOB", "TEXT", "WITHOUT ROWID"),
    };
    statement.replace("BYTES", bytes).replace("NAME", name).replace("LOOKUP", lookup)
}

const NAMES: &[&str] = &[
    "clients",
    "accounts",
    "links",
    "sessions",
    "codes",
    "grants",
    "spent",
    "tickets",
    "revoked_tokens",
    "upstream_tokens",
    "signing_keys",
    "providers",
    "audit_events",
];

const TABLES: &[&str] = &[
    "CREATE TABLE clients (
        id NAME NOT NULL PRIMARY KEY,
        version BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE TABLE accounts (
        id BYTES NOT NULL PRIMARY KEY,
        created BIGINT NOT NULL,
        updated BIGINT NOT NULL,
        disabled BOOLEAN NOT NULL,
        salt BYTES NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE TABLE links (
        provider NAME NOT NULL,
        issuer NAME NOT NULL,
        subject NAME NOT NULL,
        id BYTES NOT NULL,
        account BYTES NOT NULL,
        created BIGINT NOT NULL,
        seen BIGINT NOT NULL,
        email NAME,
        body TEXT NOT NULL,
        PRIMARY KEY (provider, issuer, subject)
    )",
    "CREATE TABLE sessions (
        id BYTES NOT NULL PRIMARY KEY,
        digest BYTES NOT NULL,
        account BYTES NOT NULL,
        provider NAME NOT NULL,
        link BYTES NOT NULL,
        auth_time BIGINT NOT NULL,
        created BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        ended BIGINT,
        body TEXT NOT NULL
    )",
    "CREATE TABLE codes (
        digest BYTES NOT NULL PRIMARY KEY,
        grant_id BYTES NOT NULL,
        session BYTES NOT NULL,
        expires BIGINT NOT NULL,
        redeemed BIGINT,
        body TEXT NOT NULL
    )",
    // A row without a body is a tombstone: a grant that was ended before it was made. Its other columns come when the grant does.
    // `sweep_after` is the earliest moment a row may go; a rotation leaves it alone, the sweep moves it on.
    "CREATE TABLE grants (
        id BYTES NOT NULL PRIMARY KEY,
        client NAME,
        account BYTES,
        session BYTES,
        link BYTES,
        ends_with_session BOOLEAN,
        issued BIGINT,
        access_expires BIGINT,
        generation BIGINT,
        rotated BIGINT,
        idle_expires BIGINT,
        absolute_expires BIGINT,
        revoked_at BIGINT,
        revoked_by TEXT,
        sweep_after BIGINT NOT NULL,
        body TEXT
    )",
    "CREATE TABLE spent (
        id BYTES NOT NULL PRIMARY KEY,
        expires BIGINT NOT NULL
    ) LOOKUP",
    "CREATE TABLE tickets (
        digest BYTES NOT NULL PRIMARY KEY,
        kind NAME NOT NULL,
        version BIGINT NOT NULL,
        expires BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE TABLE revoked_tokens (
        id BYTES NOT NULL PRIMARY KEY,
        expires BIGINT NOT NULL
    ) LOOKUP",
    "CREATE TABLE providers (
        id NAME NOT NULL PRIMARY KEY,
        version BIGINT NOT NULL,
        disabled BOOLEAN NOT NULL,
        secrets BYTES,
        created BIGINT NOT NULL,
        updated BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    // `version` tells who refreshes a set from who holds an older one; `leased_until` keeps two nodes from asking the upstream at once.
    "CREATE TABLE upstream_tokens (
        link BYTES NOT NULL PRIMARY KEY,
        sealed BYTES NOT NULL,
        version BIGINT NOT NULL,
        expires BIGINT,
        received BIGINT NOT NULL,
        refreshable BOOLEAN NOT NULL,
        leased_until BIGINT,
        used BIGINT,
        denied BIGINT,
        failures BIGINT NOT NULL,
        retry_after BIGINT
    )",
    // `follows` is blank for a first key: a NULL would let every node make one, as NULLs are never equal in a unique index.
    "CREATE TABLE signing_keys (
        kid NAME NOT NULL PRIMARY KEY,
        alg NAME NOT NULL,
        sealed BYTES NOT NULL,
        follows NAME NOT NULL,
        created BIGINT NOT NULL,
        signs_from BIGINT NOT NULL,
        signs_until BIGINT NOT NULL,
        published_until BIGINT NOT NULL,
        UNIQUE (alg, follows)
    )",
    // Events lie in the order they are read in. Their id alone needs no tree: the moment is in it.
    "CREATE TABLE audit_events (
        time BIGINT NOT NULL,
        id BYTES NOT NULL,
        name NAME NOT NULL,
        account BYTES,
        client NAME,
        login BYTES,
        body TEXT NOT NULL,
        PRIMARY KEY (time, id)
    ) LOOKUP",
];

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX links_by_id ON links (id)",
    "CREATE INDEX links_by_account ON links (account)",
    "CREATE INDEX links_by_email ON links (email) WHERE email IS NOT NULL",
    "CREATE INDEX upstream_tokens_by_expires ON upstream_tokens (expires) WHERE refreshable AND denied IS NULL AND used IS NOT NULL",
    "CREATE UNIQUE INDEX sessions_by_digest ON sessions (digest)",
    "CREATE INDEX sessions_by_account ON sessions (account)",
    "CREATE INDEX sessions_by_last_seen ON sessions (last_seen) WHERE ended IS NULL",
    "CREATE INDEX sessions_by_ended ON sessions (ended) WHERE ended IS NOT NULL",
    "CREATE INDEX codes_by_expires ON codes (expires)",
    "CREATE INDEX grants_by_session ON grants (session)",
    "CREATE INDEX grants_by_client ON grants (client)",
    "CREATE INDEX grants_by_account ON grants (account)",
    "CREATE INDEX grants_by_sweep_after ON grants (sweep_after)",
    "CREATE INDEX spent_by_expires ON spent (expires)",
    "CREATE INDEX tickets_by_expires ON tickets (expires)",
    "CREATE INDEX revoked_tokens_by_expires ON revoked_tokens (expires)",
    // The id comes last, so that a page after a cursor is one walk along the index. Most events lack one or another of these.
    "CREATE INDEX audit_events_by_account ON audit_events (account, time, id) WHERE account IS NOT NULL",
    "CREATE INDEX audit_events_by_client ON audit_events (client, time, id) WHERE client IS NOT NULL",
    "CREATE INDEX audit_events_by_login ON audit_events (login, time, id) WHERE login IS NOT NULL",
];
