//! `vestibule migrate`: brings the database up to date apart from `serve`, or says what that would be.

use std::{path::Path, sync::Arc};

use vestibule_persistence::SchemaStanding;

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
    let standing = standing(&config.store).await?;
    if let Some(refusal) = standing.refusal() {
        return Err(Failure::Plain(refusal));
    }
    let SchemaStanding { missing, later } = standing;
    if !plan && (!missing.is_empty() || is_new(&config.store)) {
        let bar = Arc::new(Progress::steps(missing.len() as u64, "migrating"));
        let steps = bar.clone();
        let done = wire::migrate(&config.store, Arc::new(move |_: &str| steps.one())).await;
        bar.end();
        done?;
    }
    if json {
        return print::json(&serde_json::json!({ "applied": !plan, "migrations": missing, "later": later }));
    }
    let noted = |name: &String| vec![name.clone(), SchemaStanding::note(name).unwrap_or_default().to_owned()];
    let lines = table(&[], &missing.iter().map(noted).collect::<Vec<_>>());
    if !later.is_empty() {
        let names = table(&[], &later.into_iter().map(|name| vec![name]).collect::<Vec<_>>());
        print::text(&format!("Applied by a later release, and no hindrance to this one:\n{names}"))?;
    }
    print::text(&match (missing.is_empty(), is_new(&config.store), plan) {
        (_, true, true) => "There is no database yet: `serve` or `migrate` makes one with everything in it.\n".to_owned(),
        (true, _, _) => "The database is up to date.\n".to_owned(),
        (false, _, true) => format!("Missing, in this order:\n{lines}"),
        (false, _, false) => format!("Applied:\n{lines}"),
    })
}

/// Nothing can be missing in a file that is not there; to look into it would make it.
async fn standing(store: &StoreSettings) -> Result<SchemaStanding, Failure> {
    if is_new(store) { Ok(SchemaStanding::default()) } else { wire::standing(store).await }
}

fn is_new(store: &StoreSettings) -> bool {
    store.sqlite_file().is_some_and(|file| !file.exists())
}
