//! `vestibule policy replay`: recorded logins, held against rules that are not in force yet.

mod draft;
mod replay;
mod report;

use crate::{cli::ReplayOptions, failure::Failure, onlooker::Onlooker, print, wire};

/// Says what the draft would have done. Changes nothing.
pub(crate) async fn replay(options: &ReplayOptions) -> Result<(), Failure> {
    let onlooker = Onlooker::read(&options.of.config)?;
    let opened = onlooker.open().await?;
    let replayed = async {
        let draft = draft::read(&options.draft, &onlooker, &opened).await?;
        replay::replay(&opened, draft, options.since.at(wire::clock().now())).await
    }
    .await;
    opened.store.close().await;
    let report = replayed?;
    if options.of.json { print::json(&report) } else { print::text(&report.text()) }
}
