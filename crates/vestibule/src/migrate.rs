//! `vestibule migrate`: brings the database up to date apart from `serve`, or says what that would be.

use std::path::Path;

use crate::{
    config::{Config, StoreSettings},
    failure::Failure,
    print,
    progress::Progress,
    table::table,
    wire,
};

/// Says which migrations are missing; applies them unless only a plan is wanted.
pub(crate) async fn migrate(config: &Path, plan: bool, json: bool) -> Result<(), Failure> {
    let config = Config::load(Some(config))?;
    let missing = missing(&config.store).await?;
    if !plan && (!missing.is_empty() || is_new(&config.store)) {
        let bar = Progress::waiting("migrating");
        let done = wire::migrate(&config.store).await;
        bar.end();
        done?;
    }
    if json {
        return print::json(&serde_json::json!({ "applied": !plan, "migrations": missing }));
    }
    let lines = table(&[], &missing.iter().map(|name| vec![name.clone()]).collect::<Vec<_>>());
    print::text(&match (missing.is_empty(), is_new(&config.store), plan) {
        (_, true, true) => "There is no database yet: `serve` or `migrate` makes one with everything in it.\n".to_owned(),
        (true, _, _) => "The database is up to date.\n".to_owned(),
        (false, _, true) => format!("Missing, in this order:\n{lines}"),
        (false, _, false) => format!("Applied:\n{lines}"),
    })
}

/// Nothing can be missing in a file that is not there; to look into it would make it.
async fn missing(store: &StoreSettings) -> Result<Vec<String>, Failure> {
    if is_new(store) { Ok(Vec::new()) } else { wire::missing_migrations(store).await }
}

fn is_new(store: &StoreSettings) -> bool {
    store.sqlite_file().is_some_and(|file| !file.exists())
}
