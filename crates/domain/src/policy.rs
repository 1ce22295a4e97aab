//! Who may do what. Each rule is one function, and every grant and endpoint calls it.

use crate::{account::Account, client::Client, ids::ProviderId};

/// Whether people may come to `client` through `provider`. Asked at the chooser, at departure, at arrival, for a session and at refresh.
pub fn may_use_provider(client: &Client, provider: &ProviderId) -> bool {
    client.allowed_providers.is_empty() || client.allowed_providers.contains(provider)
}

/// Whether what a client was given for an account is still good: both are still wanted here.
pub fn still_welcome(client: &Client, account: &Account) -> bool {
    !client.disabled && !account.disabled
}
