//! `vestibule console-key`: a link that opens the operators' console once. Whoever can run this has the configuration and the database, and so everything
//! that the console could give them.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use vestibule_domain::{
    audit::{Source, Witness},
    operator::AdminScopes,
    settings::Settings,
    store::StoreError,
};
use vestibule_flows::Gateway;

use crate::{
    cli::ConsoleKeyOptions,
    failure::Failure,
    onlooker::{Onlooker, Opened},
    print, wire,
};

/// Long enough to click it, too short to be found later.
const GOOD_FOR: Duration = Duration::from_mins(10);

#[derive(Serialize)]
struct Printed {
    url: String,
    expires_at: String,
}

/// Makes a key and prints its link.
pub(crate) async fn console_key(options: &ConsoleKeyOptions) -> Result<(), Failure> {
    let ConsoleKeyOptions { of: options, scopes } = options;
    let onlooker = Onlooker::read(&options.config)?;
    let Opened { gateway, store } = onlooker.open_to_write().await?;
    let made = link(&gateway, GOOD_FOR, scopes.iter().copied().collect()).await;
    store.close().await;
    let url = made?;
    let expires_at = (wire::clock().now() + GOOD_FOR).to_string();
    let url = url.expose_secret().to_owned();
    if options.json {
        return print::json(&Printed { url, expires_at });
    }
    print::text(&url)
}

/// A link that opens the console once, to whoever may then do what the scopes say.
pub(crate) async fn link(gateway: &Gateway, lives: Duration, scopes: AdminScopes) -> Result<SecretString, StoreError> {
    let witness = Witness { now: gateway.clock().now(), source: Source::default(), trace_id: None };
    let key = gateway.new_console_key(&witness, lives, scopes).await?;
    Ok(address(gateway.settings(), &key).into())
}

fn address(settings: &Settings, key: &SecretString) -> String {
    settings.url(&format!("/console/key?key={}", key.expose_secret()))
}
