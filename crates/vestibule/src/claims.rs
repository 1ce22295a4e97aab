//! `vestibule claims`: what a sample of a provider's claims would become, and why.

use crate::{
    cli::ClaimsOptions,
    failure::Failure,
    onlooker::{Onlooker, read_claims},
    print,
    rehearsal::Told,
};

/// Says it. The sample is the operator's own, so its values are shown.
pub(crate) async fn claims(options: &ClaimsOptions) -> Result<(), Failure> {
    let sample = read_claims(&options.sample)?;
    let onlooker = Onlooker::read(&options.of.config)?;
    let found = onlooker.find(&options.provider).await?;
    let terms = found.adapter()?.terms();
    let client = match &options.client {
        None => None,
        Some(id) => {
            let opened = onlooker.open().await?;
            let client = opened.gateway.client(id.as_str()).await;
            opened.store.close().await;
            Some(client.map_err(|fault| Failure::Admin { what: format!("the client {id}"), fault })?)
        }
    };
    let all = Told::new(&found.id, terms, client.as_ref(), &sample);
    if options.of.json { print::json(&all) } else { print::text(&all.text()) }
}
