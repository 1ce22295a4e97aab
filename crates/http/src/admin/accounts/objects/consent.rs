//! What people allowed apps, in the words of the API.

use poem_openapi::{Object, types::Example};
use vestibule_domain::consent::Consent;

use super::EXAMPLE_TIME;
use crate::admin::text::{Moment, Text};

/// What a person allowed an app.
#[derive(Object)]
#[oai(rename = "Consent", example)]
pub(in crate::admin::accounts) struct ConsentObject {
    /// Which client.
    client_id: String,
    /// To which host their answers went, or to which scheme of an installed app.
    host: String,
    /// What they allowed, separated by spaces.
    scope: String,
    /// When they said so last.
    given_at: Text<Moment>,
}

/// Some of what a person allowed apps, in the order of the clients' ids and then of hosts. `Link` leads to the next ones, if there are any.
#[derive(Object)]
#[oai(example)]
pub(in crate::admin::accounts) struct ConsentList {
    items: Vec<ConsentObject>,
}

impl ConsentList {
    pub(in crate::admin::accounts) fn new(consents: Vec<Consent>) -> Self {
        let shown = |consent: Consent| ConsentObject {
            client_id: consent.client.to_string(),
            host: consent.host,
            scope: consent.scopes.to_string(),
            given_at: consent.given.into(),
        };
        Self { items: consents.into_iter().map(shown).collect() }
    }
}

impl Example for ConsentObject {
    fn example() -> Self {
        Self {
            client_id: "grafana".into(),
            host: "grafana.example.com".into(),
            scope: "email openid profile".into(),
            given_at: EXAMPLE_TIME.into(),
        }
    }
}

impl Example for ConsentList {
    fn example() -> Self {
        Self { items: vec![ConsentObject::example()] }
    }
}
