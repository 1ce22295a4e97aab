//! Who may do what. Each rule is one function, and every grant and endpoint calls it.

use crate::{account::Account, client::Client, ids::ProviderId};

/// Whether people may come to `client` through `provider`. Asked at the chooser, at departure, at arrival, for a session, and, within
/// [`still_good`], whenever something that was given is used.
pub fn may_use_provider(client: &Client, provider: &ProviderId) -> bool {
    client.allowed_providers.is_empty() || client.allowed_providers.contains(provider)
}

/// Whether what a client was given for an account that came through `provider` is still good: all three are still wanted here. Asked at
/// redemption, at refresh, for every use of an access token and for introspection.
pub fn still_good(client: &Client, account: &Account, provider: &ProviderId) -> bool {
    !client.disabled && !account.disabled && may_use_provider(client, provider)
}
