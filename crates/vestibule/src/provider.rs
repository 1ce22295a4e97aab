//! `vestibule provider`: which places there are to sign in, and whether one works.

mod edit;
mod far;
mod returned;
mod trial;

use std::fmt::Write;

use serde::Serialize;
use vestibule_domain::ids::ProviderId;
use vestibule_flows::ManagedBy;

pub(crate) use self::{
    edit::{create, delete, show, update},
    trial::test,
};
use crate::{
    cli::{Either, Seat},
    failure::Failure,
    onlooker::{Found, Onlooker, said},
    print,
    table::table,
};

/// A provider in the list.
#[derive(Debug, Serialize)]
struct Listed {
    id: ProviderId,
    preset: Option<String>,
    label: Option<String>,
    state: &'static str,
    callback: String,
    /// The file it stands in; nothing if the admin API made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

/// Lists all of them. Without a database those of the configuration are listed, and that is said.
pub(crate) async fn list(options: &Either) -> Result<(), Failure> {
    let config = match options.seat()? {
        Seat::Beside(config) => config,
        Seat::Far(at) => return far::list(&at).await,
    };
    let onlooker = Onlooker::read(config)?;
    let all = match onlooker.open().await {
        Ok(opened) => {
            let all = opened.all().await;
            opened.store.close().await;
            all?
        }
        Err(failure) => {
            eprintln!("warning: providers that the admin API made are not listed: {}", failure.to_string().trim_start_matches("error: "));
            onlooker.fixed()
        }
    };
    let listed: Vec<_> = all.iter().map(|found| listed(&onlooker, found)).collect();
    if options.json { print::json(&listed) } else { print::text(&text(&listed)) }
}

fn listed(onlooker: &Onlooker, found: &Found) -> Listed {
    let card = found.made.as_ref().ok().map(|adapter| adapter.card());
    let state = match (&found.made, found.disabled) {
        (Err(_), _) => "faulty",
        (Ok(_), true) => "disabled",
        (Ok(_), false) => "ready",
    };
    Listed {
        id: found.id.clone(),
        preset: card.map(|card| card.preset.clone()),
        label: card.map(|card| card.label.clone()),
        state,
        callback: onlooker.config.settings.callback_of(&found.id),
        file: match &found.managed_by {
            ManagedBy::File(file) => Some(file.clone()),
            ManagedBy::Api => None,
        },
        faults: found.made.as_ref().err().map(|faults| said(faults)).unwrap_or_default(),
    }
}

fn text(listed: &[Listed]) -> String {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let row = |each: &Listed| {
        let from = each.file.clone().unwrap_or_else(|| "admin API".into());
        vec![each.id.to_string(), or_dash(&each.preset), or_dash(&each.label), each.state.into(), each.callback.clone(), from]
    };
    let rows: Vec<_> = listed.iter().map(row).collect();
    let mut text = table(&["ID", "PRESET", "LABEL", "STATE", "CALLBACK", "FROM"], &rows);
    for each in listed.iter().filter(|each| !each.faults.is_empty()) {
        let _ = write!(text, "\n{} can't be used\n", each.id);
        for fault in &each.faults {
            let _ = writeln!(text, "  {}", crate::table::printable(fault));
        }
    }
    text
}
